// SPDX-License-Identifier: GPL-3.0-or-later
#include "sa/kernels/sign_planes.h"

#include <algorithm>

namespace sa::kernels
{

Status unpackDense(const SignPlanes& planes, float* out) noexcept
{
    return unpackDenseRows(planes, 0, planes.N, out);
}

Status unpackDenseRows(const SignPlanes& planes, int rowBegin, int rowEnd, float* out) noexcept
{
    if (const Status status = check(planes); status != Status::Ok)
        return status;
    if (rowBegin < 0 || rowBegin > rowEnd || rowEnd > planes.N)
        return Status::BadShape;
    if (rowBegin == rowEnd)
        return Status::Ok;
    if (out == nullptr || reinterpret_cast<std::uintptr_t>(out) % alignof(float) != 0)
        return Status::BadPointer;

    const auto N = static_cast<std::size_t>(planes.N);
    const auto K = static_cast<std::size_t>(planes.K);
    const auto q = static_cast<std::size_t>(planes.q);
    const auto C = static_cast<std::size_t>(planes.C);
    const std::size_t groups = planes.rowGroups();
    const std::size_t words = (K + 31) / 32;

    for (auto n = static_cast<std::size_t>(rowBegin); n < static_cast<std::size_t>(rowEnd); ++n) {
        float* row = out + (n - static_cast<std::size_t>(rowBegin)) * K;
        const std::size_t group = n / static_cast<std::size_t>(planes.R);
        double alpha[4] = {};
        std::size_t scaledBlock = ~std::size_t{0};
        for (std::size_t t = 0; t < words; ++t) {
            for (std::size_t k = 32 * t; k < std::min(K, 32 * t + 32); ++k) {
                if (k / C != scaledBlock) {
                    scaledBlock = k / C;
                    for (std::size_t b = 0; b < q; ++b)
                        alpha[b] = apotValue(planes.scales[(scaledBlock * q + b) * groups + group]);
                }
                double sum = 0.0;
                for (std::size_t b = 0; b < q; ++b) {
                    const bool plus = (planes.bits[(t * q + b) * N + n] >> (k % 32)) & 1U;
                    sum += plus ? alpha[b] : -alpha[b];
                }
                row[k] = static_cast<float>(sum);
            }
        }
    }
    return Status::Ok;
}

} // namespace sa::kernels
