// SPDX-License-Identifier: GPL-3.0-or-later
// Speed of the packed product on one weight shape, beside what bounds it and what it replaces, in one process: the
// fastest read of memory, a read of the same bytes in one launch, and the vendor's dense product. Every case is
// compared with float64 before it is timed. Weights, scales and activations are random; matrices rotate, so that none
// is found in a cache.
#pragma once

#include "core/base/cancel.h"
#include "core/base/result.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace sa
{

struct ShapeCase {
    int N = 0, K = 0, q = 0;
    int R = 0, C = 0; ///< rows and columns of a scale
    int tokens = 1;
};

/// Seconds per product over repeated measurements.
struct Timing {
    double median = 0, least = 0, most = 0;
};

struct ShapeBenchRow {
    ShapeCase shape;
    std::string path; ///< which kernel ran
    double relativeError = 0;
    std::int64_t planeBytes = 0; ///< that the product must read, without padding
    std::int64_t scaleBytes = 0;
    Timing product;
    Timing read;  ///< of planeBytes, nothing computed
    Timing dense; ///< the same product with dense weights
};

struct ShapeBench {
    std::string device;
    std::string denseName;           ///< "cuBLAS float16"
    double readCeiling = 0;          ///< bytes a second
    int clockMHz = 0;                ///< highest of the device, where it tells
    std::vector<ShapeBenchRow> rows; ///< as the cases
};

/// Knobs for those who tune; the defaults are what runs in a model.
struct GpuBenchTuning {
    int sliceChunks = 0, stages = 0, prefetchBytes = -1;
    bool overlapped = true;
    bool dense = true; ///< false: leave the dense product out
};

struct ShapeBenchRequest {
    std::vector<ShapeCase> cases; ///< none: only the device and what it reads
    int repeats = 15;
    std::uint64_t seed = 0;
    bool fast = false; ///< CPU: the product from tables of 14 bits, where a shape has one
    /// CPU: memory that the matrices of one case fill together, and what is read for the ceiling; more than the caches
    /// of a socket. A device has eight times its second-level cache, and 2 GiB.
    std::size_t rotatedBytes = std::size_t(512) << 20, readBytes = std::size_t(1) << 30;
    GpuBenchTuning tuning;
};

/// On CUDA device `index`. Unsupported without CUDA; Device when it fails; Internal where a result is wrong.
Result<ShapeBench> gpuShapeBench(int index, const ShapeBenchRequest& request, const CancelToken& cancel,
                                 const std::function<void(int done)>& progress = {});

/// y = W x for f32 W [N, K]: what the CPU is compared with.
using DenseVectorProduct = std::function<void(const float* weight, const float* x, float* y, int N, int K)>;
Result<ShapeBench> cpuShapeBench(const ShapeBenchRequest& request, int threads, const DenseVectorProduct& dense,
                                 const CancelToken& cancel, const std::function<void(int done)>& progress = {});

} // namespace sa
