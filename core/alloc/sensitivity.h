// SPDX-License-Identifier: GPL-3.0-or-later
// What is known of every linear layer before anything is quantized: what it would cost to store at each width, and what
// that would do to it and to the model. Filled by the engine's analysis, read by the allocator, the command line and
// the window. docs/FORMAT.md ("Sensitivity file") describes the JSON.
#pragma once

#include "core/base/json.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sa
{

/// How far a figure can be trusted.
enum class Provenance {
    Missing,   ///< not there yet, or never asked for
    Estimated, ///< from the weights alone, or from fewer data than the settings ask for
    Measured,  ///< on this model, with these settings
    Stale,     ///< measured, but on other weights, data or settings
    Failed,    ///< the measurement broke off; there is no value
};
const char* name(Provenance provenance) noexcept; ///< "measured"; also the spelling in files
std::optional<Provenance> provenanceFromName(const std::string& name);

struct Figure {
    double value = std::numeric_limits<double>::quiet_NaN();
    Provenance provenance = Provenance::Missing;

    /// There is a finite value; NaN and infinities never take part in an allocation.
    bool known() const
    {
        return provenance != Provenance::Missing && provenance != Provenance::Failed && std::isfinite(value);
    }
};

/// Width that stands for "kept as it is".
inline constexpr int kKeptBits = 16;

/// One way to store a linear layer.
struct Choice {
    int bits = 0;            ///< sign planes, 1..4, or kKeptBits
    std::uint64_t bytes = 0; ///< stored: planes, scales, exponents, padding; for kKeptBits the original tensor
    Figure error;            ///< ||(W - W^) X||^2 / ||W X||^2 on the original model's inputs X; 0 when kept
    Figure damage;           ///< mean KL(original || this linear alone quantized), nats a token; 0 when kept
};

/// For the tensor's own page; every part may be absent (empty).
struct TensorDetail {
    double mean = 0, deviation = 0, min = 0, max = 0; ///< over all N * K weights

    struct Histogram {
        double low = 0, high = 0;          ///< outer borders; bins are equally wide
        std::vector<std::uint64_t> counts; ///< weights per bin
    } histogram;

    struct OutlierChannel {
        std::int64_t channel = 0; ///< input channel k, 0..K-1
        double ratio = 0;         ///< its root mean square over the median channel's
        double inputRms = 0;      ///< sqrt(diag(H) / tokens)
        double columnNorm = 0;    ///< of the weight's column k
    };
    std::vector<OutlierChannel> outliers; ///< descending ratio

    std::vector<double> planeResidual; ///< ||W - W^||^2 / ||W||^2 with 1, 2, ... planes

    struct ExponentHistogram {
        int first = 0;                     ///< exponent of the first bin; bins are one power of two
        std::vector<std::uint64_t> counts; ///< scales whose leading term is 2^(first + i)
    } exponents;
};

struct LinearSensitivity {
    std::string name;       ///< tensor name without ".weight", unique
    std::string projection; ///< last part of the name: "q_proj", "fc1"
    std::string input;      ///< what it reads: linears of a block with the same text share their input ("attention")
    int block = 0;          ///< 0-based
    int index = 0;          ///< place in its block, in the order of computation
    std::int64_t N = 0, K = 0;
    Figure weightScore;          ///< from the weights alone: about the damage at an error of 1 (see relativeErrorAt)
    Figure criterion;            ///< C of the paper's equation 3 (algorithm 5.1); only ranks mean anything
    std::vector<Choice> choices; ///< ascending bits, at least one
    std::string problem;         ///< why figures failed, for people; empty: nothing did
    std::optional<TensorDetail> detail;

    std::uint64_t weights() const { return static_cast<std::uint64_t>(N) * static_cast<std::uint64_t>(K); }
    const Choice* choice(int bits) const; ///< null: not one of the choices
};

/// Error of a well-fitted quantizer of `bits` planes on normal values, as a fraction of their energy; 0 for kKeptBits.
/// Turns a weightScore into an estimate of damage: score * relativeErrorAt(bits).
double relativeErrorAt(int bits) noexcept;

struct Sensitivity {
    static constexpr int kVersion = 1;

    struct Model {
        std::string architecture;                         ///< "LlamaForCausalLM"
        std::string name;                                 ///< of the folder, for people
        std::map<std::string, std::string> weightsSha256; ///< weight file -> digest, as a packed folder's `source`
        bool operator==(const Model&) const = default;
    } model;
    struct Calibration {
        std::vector<std::string> sha256; ///< of the text files, in the order given
        int samples = 0, seqlen = 0;
        std::uint64_t seed = 0;
        bool operator==(const Calibration&) const = default;
    } calibration;
    Json settings = Json::object(); ///< all that changes the quantizer: mode, group_rows, rotate, ...; kept as it is
    std::int64_t forwardPasses = 0; ///< of the whole calibration set, spent on measuring
    std::int64_t tokens = 0;        ///< that a damage is the mean over
    std::uint64_t otherBytes = 0;   ///< embeddings, norms, biases, head: stored as they are, whatever the plan
    std::vector<LinearSensitivity> linears; ///< in the model's order

    std::uint64_t weights() const; ///< of all linears
    const LinearSensitivity* find(const std::string& name) const;
};

/// Digest of all that an allocation depends on: model, calibration, settings, shapes, choices. Not of `detail`.
std::string identityOf(const Sensitivity& sensitivity);

/// Figures are null (missing) or {"value", "is"}; details only where `withDetail`.
Json toJson(const LinearSensitivity& linear, bool withDetail = true);
Json toJson(const Sensitivity& sensitivity, bool withDetail = true);

/// Strict: unknown members, wrong types, sizes that overflow, linears named twice and choices out of order are
/// BadFormat naming file and field; another version is Unsupported.
Result<LinearSensitivity> linearSensitivityFromJson(const JsonField& field);
Result<Sensitivity> sensitivityFromJson(const JsonField& field);

Result<Sensitivity> readSensitivity(const std::string& path);
Result<void> writeSensitivity(const std::string& path, const Sensitivity& sensitivity);

/// RFC 4180, one row for a linear and choice, a header row; a figure is two columns, value (empty: none) and
/// provenance.
std::string sensitivityCsv(const Sensitivity& sensitivity);

} // namespace sa
