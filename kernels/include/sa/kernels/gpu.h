// SPDX-License-Identifier: GPL-3.0-or-later
// The product on a CUDA device: y = W^ x + c for one weight matrix, or for several of the same input whose rows follow
// each other (query, key and value; gate and up). A matrix becomes an image once, when it is loaded: the planes in the
// order in which a kernel reads them (a lossless permutation), scales, and the cut of the work for one kind of device.
//
// Every path is deterministic: the same call on the same kind of device gives the same bits.
#pragma once

#include "sa/kernels/sign_planes.h"

namespace sa::kernels
{

struct GpuInfo {
    int index = 0;
    int architecture = 0; ///< 90 for compute capability 9.0
    int multiprocessors = 0;
    std::size_t sharedBytes = 0; ///< most that one block may have
    std::size_t l2Bytes = 0;
    char name[64] = {};
};

/// Devices that this build can use; 0 in a build without CUDA.
int gpuCount() noexcept;
Status gpuInfo(int index, GpuInfo& out) noexcept;

enum class GpuPath {
    Auto,
    OneBit, ///< AND and count on the tensor cores (one_bit.h); compute capability 8.0 to 9.0
    Table,  ///< tables of the 16 signed sums of 4 columns in shared memory; any device, any geometry
};

/// Tokens that one pass over the planes can serve: index into GpuImage::plans.
inline constexpr int kGpuTokens[] = {1, 2, 4};
inline constexpr int kGpuPlans = 3;
/// More tokens than this are better served by gpuDense and a dense product.
inline constexpr int kGpuMaxTokens = 8;

/// The cut of the one-bit work over blocks: contiguous ranges of units, a unit being one chunk of one tile.
struct GpuPlan {
    int blocks = 0;
    int windowChunks = 0;                 ///< chunks of the operand that a block keeps at a time
    int slices = 0;                       ///< cuts of K
    int stages = 0;                       ///< chunks in flight per warp
    std::size_t segments = 0, ranges = 0; ///< offsets in the image
    int segmentCount = 0;
};

/// One of the matrices in an image, in the order of rows.
struct GpuRows {
    int N = 0, R = 0; ///< rows, rows that share scales
};
inline constexpr int kGpuMostParts = 4;

/// What an image holds and where, in bytes from its begin.
struct GpuImage {
    GpuPath path = GpuPath::Auto;
    int N = 0, K = 0, q = 0, C = 0;
    int groups = 0;       ///< row groups of all parts
    int columnGroups = 0; ///< ceil(K/C)
    int scaleColumns = 0; ///< of the one-bit path: columnGroups in whole eights
    int tiles = 0, chunks = 0;
    int blocks = 0; ///< row blocks of the table path
    int slices = 0; ///< cuts of K of the table path
    int operandParts = 0;
    GpuRows parts[kGpuMostParts]; ///< the first of them
    int partCount = 0;            ///< also where they are more than that
    std::size_t planes = 0, scales = 0, groupTable = 0, rowGroups = 0, blockTable = 0;
    GpuPlan plans[kGpuPlans];
    GpuPlan step;                               ///< of the product in a decode step (gpu_step.h), one-bit only
    std::size_t stepScales = 0, stepMaxima = 0; ///< float scales, and the largest of the planes' for each column group
    std::size_t bytes = 0;
    std::size_t planeBytes = 0, scaleBytes = 0; ///< of the image, padding included

    std::size_t zeroedBytes = 0;  ///< of GpuBuffers::zeroed
    std::size_t scratchBytes = 0; ///< of GpuBuffers::scratch
};

/// Knobs that autotuning may turn; 0 means as found best.
struct GpuTuning {
    int sliceChunks = 0;     ///< most chunks in a cut of K
    int stages = 0;          ///< 3, 8 or 12
    int stepSliceChunks = 0; ///< as sliceChunks, for the product of a decode step
    bool operator==(const GpuTuning&) const = default;
};

/// parts: same q, K and C. Unsupported when the path that was asked for cannot take them on that device.
Status gpuImage(const SignPlanes* parts, int count, const GpuInfo& device, GpuPath path, const GpuTuning& tuning,
                GpuImage& out) noexcept;
/// host: [image.bytes], to be copied to the device at 256-byte alignment.
Status gpuImageWrite(const SignPlanes* parts, int count, const GpuImage& image, void* host) noexcept;

/// Device memory that products need besides, 256-byte aligned; calls on one stream may share it. `zeroed` is all zero
/// before the first call and after every call.
struct GpuBuffers {
    void* zeroed = nullptr;
    void* scratch = nullptr;
};

struct GpuCall {
    const void* image = nullptr; ///< on the device
    const float* x = nullptr;    ///< [M][K]
    int M = 0;                   ///< 1..kGpuMaxTokens
    const float* bias = nullptr; ///< [N] or null
    float* y = nullptr;          ///< [M][ldy]
    std::ptrdiff_t ldy = 0;
    GpuBuffers buffers;
    void* stream = nullptr;  ///< cudaStream_t
    bool overlapped = false; ///< kernels may start before those that precede them end (compute capability 9.0)
    int prefetchBytes = -1;  ///< per warp into the second-level cache while the operand is awaited; -1: as found best
};

/// Enqueues the product; may be captured in a graph. DeviceFailed when a launch fails.
Status gpuProduct(const GpuImage& image, const GpuCall& call) noexcept;

enum class GpuFloat { F32, F16 };
/// out: [rowEnd - rowBegin][K] on the device: W^ in float, rounded from sums of float terms.
Status gpuDense(const GpuImage& image, const void* deviceImage, int rowBegin, int rowEnd, GpuFloat type, void* out,
                void* stream) noexcept;

/// The transforms of rotation.h on rows of x, [M][stride], bit for bit. signs: words on the device. `exponents` may be
/// null; direction of the shift is 1.
Status gpuShiftAndRotate(const std::int8_t* exponents, const std::uint32_t* signs, int n, float* x, int M,
                         std::ptrdiff_t stride, void* stream) noexcept;
Status gpuRotateBack(const std::uint32_t* signs, int n, float* x, int M, std::ptrdiff_t stride, void* stream) noexcept;

/// Why the last call of this thread failed; "" when none did.
const char* gpuLastError() noexcept;

} // namespace sa::kernels
