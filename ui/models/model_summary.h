// SPDX-License-Identifier: GPL-3.0-or-later
// The result of an `open` job (docs/PROTOCOL.md) as a value for pages and models.
#pragma once

#include "core/base/json.h"

#include <QString>
#include <QStringList>

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

namespace sa::ui
{

inline constexpr double kNoNumber = std::numeric_limits<double>::quiet_NaN();

struct LayerRow {
    QString name; ///< "model.layers.0.self_attn.q_proj", as it is in the file
    int block = 0;
    std::int64_t N = 0, K = 0; ///< rows out, columns in
    QString dtype;             ///< "F16"; "planes" once packed
    std::uint64_t bytes = 0;
    double bits = 16; ///< a weight, scales included
    bool quantizable = true;
    double error = kNoNumber; ///< recorded loss of a packed layer

    double weights() const { return static_cast<double>(N) * static_cast<double>(K); }
    QString projection() const; ///< the part of the name after the block: "self_attn.q_proj"
};

/// The output head: what turns the last state into scores of words.
struct HeadRow {
    std::int64_t N = 0, K = 0;
    std::uint64_t bytes = 0; ///< that a token reads
    bool tied = false;       ///< no parameters of its own: the embeddings, or made of them
    bool quantized = false;  ///< planes or bytes, stored on their own
};

/// What one decoded token moves through memory besides the weights of the linear layers (`cost` of docs/PROTOCOL.md).
struct TokenTraffic {
    int context = 0;       ///< tokens that it looks at
    double cacheBytes = 0; ///< keys and values, at this context
    double otherBytes = 0; ///< everything but the linears' weights and scales, the cache included
};

struct ModelSummary {
    QString folder;
    QString fingerprint; ///< tells models apart by content; empty when the worker did not say
    bool packed = false;
    QString architecture, family, dtype;
    std::int64_t parameters = 0, quantizableParameters = 0;
    std::uint64_t originalBytes = 0, storedBytes = 0;
    int blocks = 0, hiddenSize = 0, positions = 0;
    QString tokenizerType;
    std::int64_t tokenizerVocab = 0;
    double bitsPerWeight = 16;
    QString mode; ///< of a packed model: "lat"
    int bits = 0; ///< of a packed model
    std::vector<LayerRow> layers;
    std::optional<HeadRow> head;         ///< absent when the worker did not say
    std::optional<TokenTraffic> traffic; ///< absent when the worker did not say
    QStringList warnings;

    QString displayName() const; ///< the folder's own name
};

/// The worker is not trusted: every member is checked, the number of layers is bounded.
Result<ModelSummary> parseModelSummary(const Json& result);

} // namespace sa::ui
