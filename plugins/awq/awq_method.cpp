// SPDX-License-Identifier: GPL-3.0-or-later
// AWQ: input channels are stretched by s_k = a_k^x before rounding to nearest, so that those with large activations
// lose less; x is searched on the exact error of the layer's output, tr(E H E^T). The inverse stretch is folded into
// W^. Unlike the original, a_k is the root of the mean square of channel k (what the Hessian says) and not the mean
// magnitude, and every layer has a stretch of its own, which is counted in its bytes.
#include "plugins/common/uniform_grid.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace
{

class Awq
{
public:
    Awq(const shiftadd::Host&, const shiftadd::Input& input, const shiftadd::Options& options)
        : m_grid{options.integer("bits"), options.flag("sym"), options.integer("group_columns")}
        , m_steps(options.integer("steps"))
        , m_hessian(input.hessian, input.hessian + input.columns * input.columns)
        , m_magnitude(static_cast<std::size_t>(input.columns))
    {
        for (std::int64_t k = 0; k < input.columns; ++k)
            m_magnitude[static_cast<std::size_t>(k)] = std::sqrt(std::max(0.0, input.hessian[k * input.columns + k]));
    }

    void quantize(const shiftadd::Host& host, const shiftadd::Layer& layer, shiftadd::Result& result) const
    {
        const std::int64_t N = layer.rows, K = layer.columns;
        std::vector<float> best;
        double least = std::numeric_limits<double>::infinity();
        std::uint64_t bytes = 0;
        for (int step = 0; step <= m_steps; ++step) {
            const std::vector<float> stretch = stretchOf(static_cast<double>(step) / m_steps);
            std::vector<float> values(layer.weight, layer.weight + N * K);
            for (std::int64_t i = 0; i < N * K; ++i)
                values[static_cast<std::size_t>(i)] *= stretch[static_cast<std::size_t>(i % K)];
            const plugins::UniformGrids grids(values.data(), N, K, m_grid);
            std::vector<float> errors(values.size());
            for (std::int64_t i = 0; i < N * K; ++i) {
                const auto at = static_cast<std::size_t>(i);
                values[at] = grids.at(i / K, i % K).nearest(values[at]) / stretch[static_cast<std::size_t>(i % K)];
                errors[at] = values[at] - layer.weight[i];
            }
            const double error = plugins::energy(errors, N, K, m_hessian, host);
            if (!(error < least))
                continue;
            least = error;
            best = std::move(values);
            bytes = grids.storedBytes() + (step == 0 ? 0 : 2 * static_cast<std::uint64_t>(K));
        }
        result.dense(best, bytes);
    }

private:
    /// s_k = a_k^x, scaled so that the smallest and the largest are each other's inverse; float16 as they are stored.
    std::vector<float> stretchOf(double exponent) const
    {
        std::vector<double> wanted;
        double low = std::numeric_limits<double>::infinity(), high = 0.0;
        for (const double magnitude : m_magnitude) {
            wanted.push_back(magnitude > 0.0 ? std::pow(magnitude, exponent) : 0.0);
            if (wanted.back() > 0.0) {
                low = std::min(low, wanted.back());
                high = std::max(high, wanted.back());
            }
        }
        std::vector<float> out;
        const double middle = high > 0.0 ? std::sqrt(low * high) : 1.0;
        for (const double s : wanted) // an input that is always 0 leaves its weights alone
            out.push_back(s > 0.0 ? plugins::roundToHalf(static_cast<float>(std::clamp(s / middle, 1e-4, 1e4))) : 1.0f);
        return out;
    }

    plugins::GridOptions m_grid;
    int m_steps;
    std::vector<float> m_hessian;
    std::vector<double> m_magnitude;
};

} // namespace

SHIFTADD_METHOD("awq", Awq)
