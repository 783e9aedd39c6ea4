// SPDX-License-Identifier: GPL-3.0-or-later
// The public product: checks, the choice of the vector unit, and (through foreach_target) the code for each.
#include "sa/kernels/lut_gemm.h"

#include "kernels/cpu/lut_gemm_check.h"
#include "kernels/cpu/lut_gemm_targets.h"

#include <array>
#include <cstdlib>
#include <cstring>

// Vectors are kept in arrays, which the scalable units of Arm do not allow.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/lut_gemm.cpp"
#include "hwy/foreach_target.h" // IWYU pragma: keep

#include "hwy/highway.h"
#include "kernels/cpu/lut_gemm-inl.h"

#if HWY_ONCE
namespace sa::kernels
{
namespace cpu
{
namespace
{

struct TargetList {
    std::array<LutGemmTarget, 8> items{};
    std::size_t count = 0;
};

TargetList findTargets()
{
    TargetList list;
    const std::int64_t supported = hwy::SupportedTargets() | HWY_STATIC_TARGET;
#define SA_ADD_TARGET(MASK, NAME, NAMESPACE)                                                                           \
    if ((supported & (MASK)) != 0)                                                                                     \
    list.items[list.count++] = {NAME, NAMESPACE::run, NAMESPACE::runFast, NAMESPACE::takesByteTables,                  \
                                NAMESPACE::scratchFloats()}
#if (HWY_TARGETS & HWY_AVX3_DL) != 0
    SA_ADD_TARGET(HWY_AVX3_DL, "AVX3_DL", N_AVX3_DL);
#endif
#if (HWY_TARGETS & HWY_AVX3) != 0
    SA_ADD_TARGET(HWY_AVX3, "AVX3", N_AVX3);
#endif
#if (HWY_TARGETS & HWY_AVX2) != 0
    SA_ADD_TARGET(HWY_AVX2, "AVX2", N_AVX2);
#endif
#if (HWY_TARGETS & HWY_SSE4) != 0
    SA_ADD_TARGET(HWY_SSE4, "SSE4", N_SSE4);
#endif
#if (HWY_TARGETS & HWY_SSSE3) != 0
    SA_ADD_TARGET(HWY_SSSE3, "SSSE3", N_SSSE3);
#endif
#if (HWY_TARGETS & HWY_NEON) != 0
    SA_ADD_TARGET(HWY_NEON, "NEON", N_NEON);
#endif
#if (HWY_TARGETS & HWY_EMU128) != 0
    SA_ADD_TARGET(HWY_EMU128, "SCALAR", N_EMU128);
#endif
#if (HWY_TARGETS & HWY_SCALAR) != 0
    SA_ADD_TARGET(HWY_SCALAR, "SCALAR", N_SCALAR);
#endif
#undef SA_ADD_TARGET
    return list;
}

/// Null when SA_KERNEL_TARGET names a unit that is not there: a forced test must not run on another one unnoticed.
const LutGemmTarget* chosenTarget() noexcept
{
    static const LutGemmTarget* const chosen = [] {
        const auto targets = lutGemmTargets();
        const char* forced = std::getenv("SA_KERNEL_TARGET");
        if (forced == nullptr || *forced == '\0')
            return targets.data();
        const auto match = [forced](const LutGemmTarget& target) { return std::strcmp(target.name, forced) == 0; };
        const auto found = std::find_if(targets.begin(), targets.end(), match);
        return found == targets.end() ? static_cast<const LutGemmTarget*>(nullptr) : &*found;
    }();
    return chosen;
}

/// Checks a call, then one of the products on the chosen unit.
Status dispatch(void (*LutGemmTarget::*product)(const LutGemmCall&, float*), const TiledPlanes& tiled, const float* x,
                int M, float* y, std::ptrdiff_t ldy, int rowBegin, int rowEnd, void* scratch) noexcept
{
    const SignPlanes& w = tiled.planes;
    if (const Status status = checkCall(w, x, M, y, ldy, rowBegin, rowEnd); status != Status::Ok)
        return status;
    if (tiled.tileRows < 1)
        return Status::BadShape;
    const LutGemmTarget* target = chosenTarget();
    if (target == nullptr)
        return Status::Unsupported;
    if (M == 0 || rowBegin == rowEnd)
        return Status::Ok;
    if (scratch == nullptr || reinterpret_cast<std::uintptr_t>(scratch) % 64 != 0)
        return Status::BadPointer;
    (target->*product)({w, x, M, y, ldy, static_cast<std::size_t>(rowBegin), static_cast<std::size_t>(rowEnd),
                        static_cast<std::size_t>(tiled.tileRows)},
                       static_cast<float*>(scratch));
    return Status::Ok;
}

} // namespace

std::span<const LutGemmTarget> lutGemmTargets() noexcept
{
    static const TargetList list = findTargets();
    return {list.items.data(), list.count};
}

} // namespace cpu

std::size_t lutGemmScratchBytes(const SignPlanes& w, int M) noexcept
{
    const cpu::LutGemmTarget* target = cpu::chosenTarget();
    if (target == nullptr || M < 1 || check(w) != Status::Ok)
        return 0;
    return target->scratchFloats * sizeof(float);
}

Status lutGemm(const SignPlanes& w, const float* x, int M, float* y, std::ptrdiff_t ldy, int rowBegin, int rowEnd,
               void* scratch) noexcept
{
    return lutGemm(TiledPlanes{w, std::max(1, w.N)}, x, M, y, ldy, rowBegin, rowEnd, scratch);
}

Status lutGemm(const TiledPlanes& w, const float* x, int M, float* y, std::ptrdiff_t ldy, int rowBegin, int rowEnd,
               void* scratch) noexcept
{
    return cpu::dispatch(&cpu::LutGemmTarget::run, w, x, M, y, ldy, rowBegin, rowEnd, scratch);
}

Status lutGemmFast(const TiledPlanes& w, const float* x, int M, float* y, std::ptrdiff_t ldy, int rowBegin, int rowEnd,
                   void* scratch) noexcept
{
    return cpu::dispatch(&cpu::LutGemmTarget::runFast, w, x, M, y, ldy, rowBegin, rowEnd, scratch);
}

bool lutGemmHasFast(const SignPlanes& w) noexcept
{
    const cpu::LutGemmTarget* target = cpu::chosenTarget();
    return target != nullptr && target->takesByteTables(w);
}

bool lutGemmSharesTables(const SignPlanes& w) noexcept
{
    return cpu::sharesTables(w);
}

const char* lutGemmTarget() noexcept
{
    const cpu::LutGemmTarget* target = cpu::chosenTarget();
    return target == nullptr ? "none" : target->name;
}

} // namespace sa::kernels
#endif
