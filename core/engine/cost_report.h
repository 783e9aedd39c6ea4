// SPDX-License-Identifier: GPL-3.0-or-later
// The cost of a decoded token as results carry it (docs/PROTOCOL.md): counts, bytes and energy, side by side for the
// original model and for planes.
#pragma once

#include "core/eval/token_cost.h"
#include "core/protocol/job_spec.h"

namespace sa
{

struct CostOptions {
    std::string energy = OpenSpec().energy; ///< table of unit prices
    std::optional<int> context;             ///< default min(2048, the model's positions)
};

class CostReport
{
public:
    /// `quantization`: how the layers are packed; null for an original model, which is set beside forecasts of itself
    /// at 2, 3 and 4 bits. Usage: an unknown table, or a context beyond the model's positions.
    static Result<CostReport> create(const ModelFolder& model, const QuantizationInfo* quantization,
                                     const CostOptions& options = {});

    Json summary() const;                  ///< member `cost` of a result
    Json ofLayer(std::size_t index) const; ///< member `cost` of one entry of its `layers`
    Json ofFolder() const; ///< {context, energy, bytes, microjoules} of a token of what the folder holds

private:
    struct Variant {
        std::string name; ///< "original", "packed", "3 bits"
        TokenCost cost;
    };

    CostReport() = default;
    Json toJson(const Cost& cost) const;
    Json toJson(const Variant& variant) const;

    std::string m_table;
    UnitEnergy m_units;
    std::int64_t m_context = 0;
    int m_arithmeticBits = 0;
    std::vector<Variant> m_variants; ///< the original is the first
    bool m_packed = false;           ///< the second is what the folder holds
};

} // namespace sa
