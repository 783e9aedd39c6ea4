// SPDX-License-Identifier: GPL-3.0-or-later
// A random weight as an encoder could have written it, and how far a product of it is from the truth.
#pragma once

#include "core/bench/shape_bench.h"
#include "sa/kernels/sign_planes.h"

#include <vector>

namespace sa
{

struct RandomWeight {
    RandomWeight(const ShapeCase& shape, std::uint64_t seed);
    kernels::SignPlanes view() const;

    ShapeCase shape;
    std::vector<std::uint32_t> bits;
    std::vector<kernels::PackedScale> scales;
    std::vector<float> x; ///< [tokens][K], Gaussian
};

/// ||y - truth|| / ||truth|| over up to 512 rows spread over the matrix; y: [tokens][N]. NaN when y holds one.
double relativeErrorOf(const RandomWeight& weight, const float* y);

Timing timingOf(std::vector<double> seconds);

} // namespace sa
