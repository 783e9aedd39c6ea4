// SPDX-License-Identifier: GPL-3.0-or-later
// Row-wise binary coding as LUT-GEMM stores it: each row (or group of its columns) has q scales. The scales are fitted
// to the original weights before anything is quantized; unlike LUT-GEMM's they are sums of powers of two, so that the
// result runs from planes. The codes are the nearest levels, or what the OPTQ sweep makes of the same levels.
#include "plugins/common/column_sweep.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

namespace
{

constexpr int kMaxLevels = 16;

/// The 2^q sums that the scales of one group can make.
struct Levels {
    std::array<float, kMaxLevels> values{};       ///< ascending
    std::array<float, kMaxLevels> borders{};      ///< [l]: between levels l - 1 and l; a tie goes up
    std::array<std::uint8_t, kMaxLevels> codes{}; ///< bit b: plane b is +1
    int count = 0;

    Levels(const std::uint16_t* scales, int planes, const shiftadd::Host& host)
        : count(1 << planes)
    {
        std::array<double, kMaxLevels> sums{};
        for (int code = 0; code < count; ++code) {
            codes[static_cast<std::size_t>(code)] = static_cast<std::uint8_t>(code);
            for (int b = 0; b < planes; ++b)
                sums[static_cast<std::size_t>(code)] += ((code >> b) & 1 ? 1.0 : -1.0) * host.apotValue(scales[b]);
        }
        std::stable_sort(codes.begin(), codes.begin() + count,
                         [&](std::uint8_t a, std::uint8_t b) { return sums[a] < sums[b]; });
        for (int l = 0; l < count; ++l) {
            const auto i = static_cast<std::size_t>(l);
            values[i] = static_cast<float>(sums[codes[i]]);
            borders[i] = l == 0 ? -std::numeric_limits<float>::infinity()
                                : static_cast<float>(0.5 * (sums[codes[i - 1]] + sums[codes[i]]));
        }
    }
    int nearest(float w) const
    {
        int level = 0;
        for (int l = 1; l < count; ++l)
            level += w >= borders[static_cast<std::size_t>(l)] ? 1 : 0;
        return level;
    }
};

class LutGemmBcq
{
public:
    LutGemmBcq(const shiftadd::Host& host, const shiftadd::Input& input, const shiftadd::Options& options)
        : m_planes(options.integer("bits"))
        , m_rounds(options.integer("rounds"))
        , m_terms(options.integer("apot"))
        , m_groupColumns(options.integer("group_columns"))
    {
        if (m_groupColumns % 8 != 0)
            throw shiftadd::Failure(SHIFTADD_BAD_OPTIONS, "group_columns must be a multiple of 8");
        if (options.flag("sweep"))
            m_plan = plugins::planSweep(input.hessian, input.columns, options.number("damping"),
                                        options.flag("act_order"), host);
    }

    void quantize(const shiftadd::Host& host, const shiftadd::Layer& layer, shiftadd::Result& result) const
    {
        const std::int64_t N = layer.rows, K = layer.columns, widest = (K + 7) / 8 * 8;
        const std::int64_t C = m_groupColumns > 0 ? std::min(m_groupColumns, widest) : widest;
        const std::int64_t groups = (K + C - 1) / C;
        const std::vector<float> weight = m_plan ? plugins::withoutDeadColumns(layer.weight, N, *m_plan)
                                                 : std::vector<float>(layer.weight, layer.weight + N * K);
        std::vector<std::uint16_t> scales(static_cast<std::size_t>(groups * m_planes * N));
        std::vector<std::optional<Levels>> levels(static_cast<std::size_t>(N * groups));
        host.parallelFor(plugins::rowPieces(N), [&](std::int64_t piece) {
            host.checkCancelled();
            const std::int64_t end = std::min(N, (piece + 1) * plugins::kRowsPerPiece);
            for (std::int64_t n = piece * plugins::kRowsPerPiece; n < end; ++n)
                for (std::int64_t g = 0; g < groups; ++g) {
                    const auto fitted =
                        host.bcqFit(weight.data() + n * K + g * C, std::min(C, K - g * C), m_planes, m_rounds, m_terms);
                    levels[static_cast<std::size_t>(n * groups + g)].emplace(fitted.data(), m_planes, host);
                    for (std::int64_t b = 0; b < m_planes; ++b)
                        scales[static_cast<std::size_t>((g * m_planes + b) * N + n)] =
                            fitted[static_cast<std::size_t>(b)];
                }
        });

        std::vector<std::uint8_t> codes(static_cast<std::size_t>(N * K));
        const auto nearest = [&](std::int64_t n, std::int64_t k, float w) {
            const Levels& own = *levels[static_cast<std::size_t>(n * groups + k / C)];
            const auto level = static_cast<std::size_t>(own.nearest(w));
            codes[static_cast<std::size_t>(n * K + k)] = own.codes[level];
            return own.values[level];
        };
        if (m_plan)
            plugins::sweepColumns(weight, N, *m_plan, nearest, host);
        else
            for (std::int64_t i = 0; i < N * K; ++i)
                nearest(i / K, i % K, weight[static_cast<std::size_t>(i)]);
        result.planes(m_planes, 1, C, planesOf(codes, N, K), scales);
    }

private:
    std::vector<std::uint32_t> planesOf(const std::vector<std::uint8_t>& codes, std::int64_t N, std::int64_t K) const
    {
        std::vector<std::uint32_t> words(static_cast<std::size_t>((K + 31) / 32 * m_planes * N));
        for (std::int64_t n = 0; n < N; ++n)
            for (std::int64_t k = 0; k < K; ++k)
                for (std::int64_t b = 0; b < m_planes; ++b) {
                    const auto bit = static_cast<std::uint32_t>((codes[static_cast<std::size_t>(n * K + k)] >> b) & 1);
                    words[static_cast<std::size_t>((k / 32 * m_planes + b) * N + n)] |= bit << (k % 32);
                }
        return words;
    }

    int m_planes, m_rounds, m_terms;
    std::int64_t m_groupColumns;
    std::optional<plugins::SweepPlan> m_plan;
};

} // namespace

SHIFTADD_METHOD("lutgemm-bcq", LutGemmBcq)
