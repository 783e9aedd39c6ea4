// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cpu/lut_gemm_check.h"
#include "sa/kernels/lut_gemm.h"

#include <algorithm>

namespace sa::kernels
{

Status lutGemmRef(const SignPlanes& w, const float* x, int M, float* y, std::ptrdiff_t ldy, int rowBegin,
                  int rowEnd) noexcept
{
    if (const Status status = cpu::checkCall(w, x, M, y, ldy, rowBegin, rowEnd); status != Status::Ok)
        return status;

    const auto N = static_cast<std::size_t>(w.N);
    const auto K = static_cast<std::size_t>(w.K);
    const auto q = static_cast<std::size_t>(w.q);
    const auto C = static_cast<std::size_t>(w.C);
    const std::size_t groups = w.rowGroups();

    for (int m = 0; m < M; ++m) {
        const float* token = x + static_cast<std::size_t>(m) * K;
        for (int row = rowBegin; row < rowEnd; ++row) {
            const auto n = static_cast<std::size_t>(row);
            const std::size_t group = n / static_cast<std::size_t>(w.R);
            double sum = 0.0;
            for (std::size_t begin = 0; begin < K; begin += C) { // one scale per plane and block of C columns
                const std::size_t end = std::min(K, begin + C);
                for (std::size_t b = 0; b < q; ++b) {
                    const double alpha = apotValue(w.scales[(begin / C * q + b) * groups + group]);
                    for (std::size_t k = begin; k < end; ++k) {
                        const bool plus = (w.bits[(k / 32 * q + b) * N + n] >> (k % 32)) & 1U;
                        sum += (plus ? alpha : -alpha) * static_cast<double>(token[k]);
                    }
                }
            }
            y[static_cast<std::ptrdiff_t>(m) * ldy + row] = static_cast<float>(sum);
        }
    }
    return Status::Ok;
}

} // namespace sa::kernels
