// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/packed_weight.h"

#include "sa/kernels/rotation.h"

namespace sa
{

kernels::SignPlanes PackedWeight::view() const
{
    kernels::SignPlanes planes;
    planes.bits = bits.data();
    planes.scales = scales.data();
    planes.N = N;
    planes.K = K;
    planes.q = q;
    planes.R = R;
    planes.C = C;
    return planes;
}

kernels::Status PackedWeight::unpack(float* out) const
{
    using kernels::Status;
    if (const Status status = kernels::unpackDense(view(), out); status != Status::Ok)
        return status;
    const auto rows = static_cast<std::size_t>(N), columns = static_cast<std::size_t>(K);
    if (outputRotation) {
        const auto signs = kernels::rotationSigns(*outputRotation, N);
        std::vector<float> transposed(rows * columns);
        for (std::size_t n = 0; n < rows; ++n)
            for (std::size_t k = 0; k < columns; ++k)
                transposed[k * rows + n] = out[n * columns + k];
        if (const Status status = kernels::rotateBack(signs.data(), N, transposed.data(), K, N); status != Status::Ok)
            return status;
        for (std::size_t n = 0; n < rows; ++n)
            for (std::size_t k = 0; k < columns; ++k)
                out[n * columns + k] = transposed[k * rows + n];
    }
    if (inputRotation) {
        const auto signs = kernels::rotationSigns(*inputRotation, K);
        if (const Status status = kernels::rotateBack(signs.data(), K, out, N, K); status != Status::Ok)
            return status;
    }
    return exponents.empty() ? Status::Ok : kernels::shiftChannels(exponents.data(), 1, K, out, N, K);
}

} // namespace sa
