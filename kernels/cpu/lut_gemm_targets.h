// SPDX-License-Identifier: GPL-3.0-or-later
// The vector units that this build has code for and this processor can run; tests go through all of them.
#pragma once

#include "kernels/cpu/lut_gemm_plan.h"

#include <span>

namespace sa::kernels::cpu
{

struct LutGemmTarget {
    const char* name = nullptr;
    void (*run)(const LutGemmCall& call, float* scratch) = nullptr;
    void (*runFast)(const LutGemmCall& call, float* scratch) = nullptr; ///< of 14 bits
    bool (*takesByteTables)(const SignPlanes& w) = nullptr;             ///< false: runFast is run
    std::size_t scratchFloats = 0;
};

/// Best first; the last one is the portable "SCALAR".
std::span<const LutGemmTarget> lutGemmTargets() noexcept;

} // namespace sa::kernels::cpu
