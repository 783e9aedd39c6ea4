// SPDX-License-Identifier: GPL-3.0-or-later
// The execution layout: words keep what they hold and change places.
#include "kernels/cpu/lut_gemm_plan.h"
#include "sa/kernels/lut_gemm.h"

namespace sa::kernels
{

namespace
{

/// move(first word in interchange, first word in the tiled layout, count) for all stretches that stay together.
template<class Move> void forEachStretch(const SignPlanes& w, int tileRows, Move&& move)
{
    const auto N = static_cast<std::size_t>(w.N), T = static_cast<std::size_t>(tileRows);
    const std::size_t planesOfRow = w.wordCount() / N;
    for (std::size_t begin = 0; begin < N; begin += T) {
        const std::size_t rows = std::min(T, N - begin);
        for (std::size_t i = 0; i < planesOfRow; ++i)
            move(i * N + begin, begin * planesOfRow + i * rows, rows);
    }
}

} // namespace

int lutGemmTileRows(const SignPlanes& w) noexcept
{
    // More rows than this, and their sums crowd the first-level cache; fewer, and tables cost more than they serve.
    constexpr int kMost = 1536, kFew = 128;
    if (w.N < 1 || w.R < 1 || w.R > w.N)
        return 1;
    if (w.R == w.N || w.R > kMost) { // parts of a group, enough of them for several threads
        const int aim = std::clamp(w.R / 4, kFew, 1024), parts = (w.R + aim - 1) / aim;
        return ((w.R + parts - 1) / parts + 15) / 16 * 16;
    }
    return w.R >= kFew ? w.R : w.R * ((kFew + w.R - 1) / w.R);
}

Status tileWords(const SignPlanes& w, int tileRows, std::uint32_t* out) noexcept
{
    if (const Status status = check(w); status != Status::Ok)
        return status;
    if (tileRows < 1)
        return Status::BadShape;
    if (out == nullptr)
        return Status::BadPointer;
    forEachStretch(w, tileRows, [&](std::size_t from, std::size_t to, std::size_t count) {
        std::copy_n(w.bits + from, count, out + to);
    });
    return Status::Ok;
}

Status untileWords(const TiledPlanes& w, std::uint32_t* out) noexcept
{
    if (const Status status = check(w.planes); status != Status::Ok)
        return status;
    if (w.tileRows < 1)
        return Status::BadShape;
    if (out == nullptr)
        return Status::BadPointer;
    forEachStretch(w.planes, w.tileRows, [&](std::size_t to, std::size_t from, std::size_t count) {
        std::copy_n(w.planes.bits + from, count, out + to);
    });
    return Status::Ok;
}

} // namespace sa::kernels
