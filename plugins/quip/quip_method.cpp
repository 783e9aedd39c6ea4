// SPDX-License-Identifier: GPL-3.0-or-later
// QuIP: weights and Hessian are made incoherent (a power-of-the-diagonals rescale, then a random rotation on both
// sides), rounded on one uniform grid with LDLQ, which is the OPTQ sweep in that basis, improved greedily if asked, and
// turned back (algorithm 3.5, P1 and P2). Everything that turns them back follows from the seed but the rescale.
#include "plugins/common/column_sweep.h"
#include "plugins/quip/rotation.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace
{

using plugins::rowPieces;

std::size_t at(std::int64_t i)
{
    return static_cast<std::size_t>(i);
}

/// body(first, last) for pieces of [0, rows).
template<class Body> void forRows(std::int64_t rows, const shiftadd::Host& host, const Body& body)
{
    host.parallelFor(rowPieces(rows), [&](std::int64_t piece) {
        host.checkCancelled();
        const std::int64_t first = piece * plugins::kRowsPerPiece;
        body(first, std::min(rows, first + plugins::kRowsPerPiece));
    });
}

void transposeSquare(std::vector<double>& A, std::int64_t n)
{
    for (std::int64_t i = 0; i < n; ++i)
        for (std::int64_t j = i + 1; j < n; ++j)
            std::swap(A[at(i * n + j)], A[at(j * n + i)]);
}

/// The levels step (code - largest / 2), code in 0 .. largest: 2^bits of them, symmetric about 0.
struct EvenGrid {
    double step = 1.0;
    double largest = 0.0; ///< code

    float nearest(double w) const
    {
        const double code = std::clamp(std::nearbyint(w / step + largest / 2.0), 0.0, largest);
        return static_cast<float>(step * (code - largest / 2.0));
    }
};

class Quip
{
public:
    Quip(const shiftadd::Host&, const shiftadd::Input& input, const shiftadd::Options& options)
        : m_bits(options.integer("bits"))
        , m_range(options.number("range"))
        , m_damping(options.number("damping"))
        , m_greedyPasses(options.integer("greedy_passes"))
        , m_seed(options.seed("seed"))
        , m_rescale(options.flag("rescale"))
        , m_K(input.columns)
        , m_hessian(input.hessian)
    {
        if (options.flag("rotate"))
            m_right.emplace(m_K, m_seed);
    }

    void quantize(const shiftadd::Host& host, const shiftadd::Layer& layer, shiftadd::Result& result) const
    {
        const std::int64_t N = layer.rows;
        std::vector<double> W(layer.weight, layer.weight + N * m_K);
        const std::vector<double> scale = rescaleOf(W, N);
        for (std::int64_t i = 0; i < N * m_K; ++i)
            W[at(i)] *= scale[at(i % m_K)];
        std::optional<quip::Rotation> left;
        if (m_right) {
            left.emplace(N, m_seed + 1);
            turnWeight(W, N, *left, true, host);
        }
        const std::vector<double> H = turnedHessian(scale, host);

        const plugins::SweepPlan plan = plugins::planSweep(H.data(), m_K, m_damping, true, host);
        double sum = 0.0;
        for (const double w : W)
            sum += w * w;
        EvenGrid grid;
        grid.largest = static_cast<double>((1 << m_bits) - 1);
        const double range = m_range * std::sqrt(sum / static_cast<double>(N * m_K));
        grid.step = range > 0.0 ? static_cast<float>(2.0 * range / grid.largest) : 1.0;
        const std::vector<float> target(W.begin(), W.end());
        std::vector<float> values = plugins::sweepColumns(
            target, N, plan, [&](std::int64_t, std::int64_t, float w) { return grid.nearest(w); }, host);
        for (int pass = 0; pass < m_greedyPasses; ++pass)
            improve(target, values, N, H, plan, grid, host);

        W.assign(values.begin(), values.end());
        if (left)
            turnWeight(W, N, *left, false, host);
        for (std::int64_t i = 0; i < N * m_K; ++i)
            values[at(i)] = static_cast<float>(W[at(i)] / scale[at(i % m_K)]);
        constexpr std::uint64_t kStepAndSeed = 4 + 8;
        result.dense(values, plugins::packedBytes(N * m_K, m_bits) + kStepAndSeed +
                                 (m_rescale ? 2 * static_cast<std::uint64_t>(m_K) : 0));
    }

private:
    /// s_k = (H_kk / sum_n W_nk^2)^(1/4) with H over its largest entry; float16 as it is stored.
    std::vector<double> rescaleOf(const std::vector<double>& W, std::int64_t N) const
    {
        std::vector<double> out(at(m_K), 1.0);
        if (!m_rescale)
            return out;
        constexpr double kLeast = 1e-8;
        double largest = 0.0;
        for (std::int64_t k = 0; k < m_K; ++k) // of a positive semidefinite matrix the largest entry is on the diagonal
            largest = std::max(largest, m_hessian[k * m_K + k]);
        for (std::int64_t k = 0; k < m_K && largest > 0.0; ++k) {
            double energy = 0.0;
            for (std::int64_t n = 0; n < N; ++n)
                energy += W[at(n * m_K + k)] * W[at(n * m_K + k)];
            const double ratio = std::max(m_hessian[k * m_K + k] / largest, kLeast) / std::max(energy, kLeast);
            out[at(k)] =
                std::max(kLeast, static_cast<double>(plugins::roundToHalf(static_cast<float>(std::pow(ratio, 0.25)))));
        }
        return out;
    }

    /// W <- U W V^T, or back.
    void turnWeight(std::vector<double>& W, std::int64_t N, const quip::Rotation& left, bool forward,
                    const shiftadd::Host& host) const
    {
        const auto turn = [&](const quip::Rotation& rotation, double* x) {
            if (forward)
                rotation.forward(x);
            else
                rotation.inverse(x);
        };
        forRows(N, host, [&](std::int64_t first, std::int64_t last) {
            for (std::int64_t n = first; n < last; ++n)
                turn(*m_right, W.data() + n * m_K);
        });
        forRows(m_K, host, [&](std::int64_t first, std::int64_t last) {
            std::vector<double> column(at(N));
            for (std::int64_t k = first; k < last; ++k) {
                for (std::int64_t n = 0; n < N; ++n)
                    column[at(n)] = W[at(n * m_K + k)];
                turn(left, column.data());
                for (std::int64_t n = 0; n < N; ++n)
                    W[at(n * m_K + k)] = column[at(n)];
            }
        });
    }

    /// V diag(1/s) H diag(1/s) V^T, its mean diagonal 1, with 0.01 on the diagonal when it was turned.
    std::vector<double> turnedHessian(const std::vector<double>& scale, const shiftadd::Host& host) const
    {
        std::vector<double> H(m_hessian, m_hessian + m_K * m_K);
        double trace = 0.0;
        for (std::int64_t i = 0; i < m_K; ++i) {
            for (std::int64_t j = 0; j < m_K; ++j)
                H[at(i * m_K + j)] /= scale[at(i)] * scale[at(j)];
            trace += H[at(i * m_K + i)];
        }
        if (!(trace > 0.0))
            throw shiftadd::Failure(SHIFTADD_BAD_INPUT, "the calibration text gives no activations at this input");
        if (!m_right)
            return H;
        constexpr double kRidge = 0.01;
        for (double& h : H)
            h *= static_cast<double>(m_K) / trace;
        for (std::int64_t i = 0; i < m_K; ++i)
            H[at(i * m_K + i)] += kRidge;
        for (int side = 0; side < 2; ++side) { // rows, transpose, rows: H is symmetric, so no transpose back
            forRows(m_K, host, [&](std::int64_t first, std::int64_t last) {
                for (std::int64_t i = first; i < last; ++i)
                    m_right->forward(H.data() + i * m_K);
            });
            if (side == 0)
                transposeSquare(H, m_K);
        }
        return H;
    }

    /// One pass of coordinate descent on tr(E H E^T), E = W^ - W: each code in turn the best for the others as they
    /// are.
    void improve(const std::vector<float>& target, std::vector<float>& values, std::int64_t N,
                 const std::vector<double>& H, const plugins::SweepPlan& plan, const EvenGrid& grid,
                 const shiftadd::Host& host) const
    {
        forRows(N, host, [&](std::int64_t first, std::int64_t last) {
            std::vector<double> gradient(at(m_K));
            for (std::int64_t n = first; n < last; ++n) {
                host.checkCancelled();
                float* row = values.data() + n * m_K;
                const float* wanted = target.data() + n * m_K;
                std::fill(gradient.begin(), gradient.end(), 0.0);
                const auto add = [&](std::int64_t k, double change) {
                    for (std::int64_t j = 0; j < m_K; ++j)
                        gradient[at(j)] += change * H[at(k * m_K + j)];
                };
                for (std::int64_t k = 0; k < m_K; ++k)
                    add(k, static_cast<double>(row[k]) - wanted[k]);
                for (const std::int64_t k : plan.order) {
                    const double h = H[at(k * m_K + k)];
                    if (!(h > 0.0))
                        continue;
                    const float better = grid.nearest(row[k] - gradient[at(k)] / h);
                    if (better == row[k])
                        continue;
                    add(k, static_cast<double>(better) - row[k]);
                    row[k] = better;
                }
            }
        });
    }

    int m_bits;
    double m_range, m_damping;
    int m_greedyPasses;
    std::uint64_t m_seed;
    bool m_rescale;
    std::int64_t m_K;
    const double* m_hessian; ///< the host's, which outlives the instance
    std::optional<quip::Rotation> m_right;
};

} // namespace

SHIFTADD_METHOD("quip", Quip)
