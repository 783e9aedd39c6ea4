// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/bench/dense_gpu.h"
#include "core/bench/random_planes.h"
#include "core/bench/shape_bench.h"
#include "sa/kernels/gpu.h"

#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <algorithm>
#include <cmath>
#include <memory>

namespace sa
{

namespace
{

using namespace kernels;

__device__ std::uint32_t scrambled(std::uint64_t i)
{
    i *= 0x9E3779B97F4A7C15U;
    i ^= i >> 32;
    i *= 0xD6E8FEB86659FD93U;
    return static_cast<std::uint32_t>(i ^ (i >> 32));
}

__global__ void flipBits(std::uint32_t* words, std::size_t count, std::uint64_t seed)
{
    for (std::size_t i = blockIdx.x * std::size_t(blockDim.x) + threadIdx.x; i < count;
         i += std::size_t(gridDim.x) * blockDim.x)
        words[i] ^= scrambled(seed * count + i);
}

__global__ void fillHalf(__half* out, std::size_t count, std::uint64_t seed)
{
    for (std::size_t i = blockIdx.x * std::size_t(blockDim.x) + threadIdx.x; i < count;
         i += std::size_t(gridDim.x) * blockDim.x)
        out[i] = __float2half(static_cast<float>(scrambled(seed * count + i)) * 0x1p-32F - 0.5F);
}

/// Reads every vector once; the result is written only if it is what it almost never is.
__global__ void __launch_bounds__(512) readAll(const uint4* in, std::size_t count, std::uint32_t* out)
{
    constexpr int kUnroll = 8;
    const std::size_t stride = std::size_t(gridDim.x) * blockDim.x;
    std::size_t i = blockIdx.x * std::size_t(blockDim.x) + threadIdx.x;
    std::uint32_t all = 0;
    for (; i + (kUnroll - 1) * stride < count; i += kUnroll * stride) {
        uint4 v[kUnroll];
#pragma unroll
        for (int j = 0; j < kUnroll; ++j)
            v[j] = __ldcs(in + i + j * stride);
#pragma unroll
        for (int j = 0; j < kUnroll; ++j)
            all ^= v[j].x ^ v[j].y ^ v[j].z ^ v[j].w;
    }
    for (; i < count; i += stride) {
        const uint4 v = __ldcs(in + i);
        all ^= v.x ^ v.y ^ v.z ^ v.w;
    }
    if (all == 0xDEADBEEFU)
        *out = all;
}

struct DeviceFree {
    void operator()(void* memory) const { cudaFree(memory); }
};
using DeviceBytes = std::unique_ptr<void, DeviceFree>;

DeviceBytes allocate(std::size_t bytes)
{
    void* memory = nullptr;
    if (cudaMalloc(&memory, std::max<std::size_t>(bytes, 256)) != cudaSuccess) {
        cudaGetLastError();
        return nullptr;
    }
    return DeviceBytes(memory);
}

template<class T> T* as(const DeviceBytes& memory)
{
    return static_cast<T*>(memory.get());
}

Error deviceError(const char* doing)
{
    return makeError(Errc::Device, std::string("the CUDA device failed while ") + doing)
        .butFound(cudaGetErrorString(cudaGetLastError()));
}

Error outOfMemory()
{
    return makeError(Errc::OutOfMemory, "the device has too little free memory for this shape");
}

/// Times what `enqueue(i)` puts on the stream for i < launches, as one graph.
class Stopclock
{
public:
    Stopclock()
    {
        cudaStreamCreateWithFlags(&m_stream, cudaStreamNonBlocking);
        cudaEventCreate(&m_begin);
        cudaEventCreate(&m_end);
    }
    ~Stopclock()
    {
        cudaEventDestroy(m_begin);
        cudaEventDestroy(m_end);
        cudaStreamDestroy(m_stream);
    }
    cudaStream_t stream() const { return m_stream; }

    template<class Enqueue> Result<Timing> time(int launches, int repeats, Enqueue enqueue)
    {
        cudaGraph_t graph = nullptr;
        cudaGraphExec_t runnable = nullptr;
        bool accepted = cudaStreamBeginCapture(m_stream, cudaStreamCaptureModeThreadLocal) == cudaSuccess;
        for (int i = 0; i < launches && accepted; ++i)
            accepted = enqueue(i);
        accepted = cudaStreamEndCapture(m_stream, &graph) == cudaSuccess && accepted;
        if (!accepted || cudaGraphInstantiate(&runnable, graph, 0) != cudaSuccess) {
            if (graph != nullptr)
                cudaGraphDestroy(graph);
            return deviceError("recording a measurement");
        }
        std::vector<double> seconds;
        constexpr int kWarmUps = 3;
        for (int i = 0; i < kWarmUps + repeats; ++i) {
            cudaEventRecord(m_begin, m_stream);
            cudaGraphLaunch(runnable, m_stream);
            cudaEventRecord(m_end, m_stream);
            cudaEventSynchronize(m_end);
            float milliseconds = 0;
            cudaEventElapsedTime(&milliseconds, m_begin, m_end);
            if (i >= kWarmUps)
                seconds.push_back(milliseconds * 1e-3 / launches);
        }
        cudaGraphExecDestroy(runnable);
        cudaGraphDestroy(graph);
        if (cudaGetLastError() != cudaSuccess || cudaStreamSynchronize(m_stream) != cudaSuccess)
            return deviceError("measuring");
        return timingOf(std::move(seconds));
    }

private:
    cudaStream_t m_stream = nullptr;
    cudaEvent_t m_begin = nullptr, m_end = nullptr;
};

class GpuBench
{
public:
    GpuBench(const GpuInfo& info, const ShapeBenchRequest& request)
        : m_info(info)
        , m_request(request)
        , m_sink(allocate(256))
    {
    }

    Result<double> readCeiling()
    {
        constexpr std::size_t kBytes = std::size_t(2) << 30;
        const auto memory = allocate(kBytes);
        if (!memory)
            return outOfMemory();
        cudaMemset(memory.get(), 0x5A, kBytes);
        double best = 0;
        for (const int blocks : {2, 4, 8, 16}) { // whatever is fastest is the ceiling
            SA_TRY(const Timing timing,
                   m_clock.time(1, m_request.repeats, [&](int) { return read(memory.get(), kBytes, blocks); }));
            best = std::max(best, static_cast<double>(kBytes) / timing.median);
        }
        return best;
    }

    Result<ShapeBenchRow> measure(const ShapeCase& shape)
    {
        const RandomWeight weight(shape, m_request.seed);
        const SignPlanes w = weight.view();
        GpuImage image;
        if (const auto status = gpuImage(&w, 1, m_info, GpuPath::Auto, tuning(), image); status != Status::Ok)
            return makeError(Errc::Unsupported, std::string("the kernels refused the shape: ") + name(status));
        ShapeBenchRow row;
        row.shape = shape;
        row.path = image.path == GpuPath::OneBit ? "one-bit" : "table";
        row.planeBytes = static_cast<std::int64_t>(shape.N) * shape.K * shape.q / 8;
        row.scaleBytes = static_cast<std::int64_t>(w.scaleCount()) * 2;

        std::vector<char> host(image.bytes);
        gpuImageWrite(&w, 1, image, host.data());
        const std::size_t copies = copiesOf(image.bytes);
        const std::size_t stride = (image.bytes + 255) / 256 * 256;
        const auto images = allocate(stride * copies), zeroed = allocate(image.zeroedBytes),
                   scratch = allocate(image.scratchBytes), x = allocate(weight.x.size() * 4),
                   y = allocate(static_cast<std::size_t>(shape.tokens) * static_cast<std::size_t>(shape.N) * 4);
        if (!images || !zeroed || !scratch || !x || !y)
            return outOfMemory();
        cudaMemcpy(images.get(), host.data(), image.bytes, cudaMemcpyHostToDevice);
        for (std::size_t i = 1; i < copies; ++i) {
            char* const copy = as<char>(images) + i * stride;
            cudaMemcpy(copy, images.get(), image.bytes, cudaMemcpyDeviceToDevice);
            flipBits<<<1024, 256>>>(reinterpret_cast<std::uint32_t*>(copy + image.planes), image.planeBytes / 4, i);
        }
        cudaMemset(zeroed.get(), 0, image.zeroedBytes);
        cudaMemset(y.get(), 0xFF, static_cast<std::size_t>(shape.tokens) * static_cast<std::size_t>(shape.N) * 4);
        cudaMemcpy(x.get(), weight.x.data(), weight.x.size() * 4, cudaMemcpyHostToDevice);

        GpuCall call;
        call.x = as<float>(x);
        call.M = shape.tokens;
        call.y = as<float>(y);
        call.ldy = shape.N;
        call.buffers = {zeroed.get(), scratch.get()};
        call.stream = m_clock.stream();
        call.overlapped = m_request.tuning.overlapped && m_info.architecture >= 90;
        call.prefetchBytes = m_request.tuning.prefetchBytes;
        const auto product = [&](int i) {
            call.image = as<char>(images) + static_cast<std::size_t>(i) % copies * stride;
            return gpuProduct(image, call) == Status::Ok;
        };
        cudaDeviceSynchronize();
        if (!product(0) || cudaStreamSynchronize(m_clock.stream()) != cudaSuccess)
            return deviceError("multiplying");
        std::vector<float> result(static_cast<std::size_t>(shape.tokens) * static_cast<std::size_t>(shape.N));
        cudaMemcpy(result.data(), y.get(), result.size() * 4, cudaMemcpyDeviceToHost);
        row.relativeError = relativeErrorOf(weight, result.data());
        if (!(row.relativeError <= 2e-6))
            return makeError(Errc::Internal, "the product is wrong, nothing was timed")
                .butFound("a relative error of " + std::to_string(row.relativeError))
                .wanted("at most 2e-6");

        const int launches = std::max(20, static_cast<int>(copies));
        SA_TRY(row.product, m_clock.time(launches, m_request.repeats, product));
        SA_TRY(row.read, m_clock.time(launches, m_request.repeats, [&](int i) {
            const char* begin = as<char>(images) + static_cast<std::size_t>(i) % copies * stride + image.planes;
            return read(begin, static_cast<std::size_t>(row.planeBytes), 2);
        }));
        if (m_request.tuning.dense) {
            SA_TRY(row.dense, dense(shape));
        }
        return row;
    }

private:
    GpuTuning tuning() const { return {m_request.tuning.sliceChunks, m_request.tuning.stages}; }
    std::size_t copiesOf(std::size_t bytes) const
    {
        return std::max<std::size_t>(2, (8 * m_info.l2Bytes + bytes - 1) / bytes);
    }
    bool read(const void* memory, std::size_t bytes, int blocksEach)
    {
        readAll<<<m_info.multiprocessors * blocksEach, 512, 0, m_clock.stream()>>>(
            static_cast<const uint4*>(memory), bytes / 16, as<std::uint32_t>(m_sink));
        return cudaPeekAtLastError() == cudaSuccess;
    }

    Result<Timing> dense(const ShapeCase& shape)
    {
        const std::size_t count = static_cast<std::size_t>(shape.N) * static_cast<std::size_t>(shape.K);
        const std::size_t copies = copiesOf(count * 2);
        const auto weights = allocate(count * 2 * copies);
        const auto x = allocate(static_cast<std::size_t>(shape.K) * static_cast<std::size_t>(shape.tokens) * 2);
        const auto y = allocate(static_cast<std::size_t>(shape.N) * static_cast<std::size_t>(shape.tokens) * 2);
        if (!weights || !x || !y)
            return outOfMemory();
        fillHalf<<<1024, 256>>>(as<__half>(weights), count * copies, 1);
        fillHalf<<<64, 256>>>(as<__half>(x), static_cast<std::size_t>(shape.K) * static_cast<std::size_t>(shape.tokens),
                              2);
        cudaDeviceSynchronize();
        gpubench::DenseProduct product(shape.N, shape.K, shape.tokens);
        Timing best;
        const int launches = std::max(8, static_cast<int>(copies));
        for (int way = 0; way < product.ways(); ++way) {
            const auto run = [&](int i) {
                return product.run(way, as<__half>(weights) + static_cast<std::size_t>(i) % copies * count, x.get(),
                                   y.get(), m_clock.stream());
            };
            // The first call may set things up, which a recording does not allow.
            if (!run(0) || cudaStreamSynchronize(m_clock.stream()) != cudaSuccess) {
                cudaGetLastError();
                continue;
            }
            const auto timing = m_clock.time(launches, m_request.repeats, run);
            if (timing && (best.median == 0 || timing->median < best.median))
                best = *timing;
        }
        return best;
    }

    GpuInfo m_info;
    ShapeBenchRequest m_request;
    DeviceBytes m_sink;
    Stopclock m_clock;
};

int highestClockMHz(int index)
{
    int kiloHertz = 0;
    return cudaDeviceGetAttribute(&kiloHertz, cudaDevAttrClockRate, index) == cudaSuccess ? kiloHertz / 1000 : 0;
}

} // namespace

Result<ShapeBench> gpuShapeBench(int index, const ShapeBenchRequest& request, const CancelToken& cancel,
                                 const std::function<void(int)>& progress)
{
    GpuInfo info;
    if (index < 0 || index >= gpuCount() || gpuInfo(index, info) != Status::Ok || cudaSetDevice(index) != cudaSuccess)
        return makeError(Errc::Device, "there is no such CUDA device")
            .at("device")
            .butFound("cuda:" + std::to_string(index));
    GpuBench bench(info, request);
    ShapeBench out;
    out.device = info.name;
    out.denseName = "cuBLAS float16";
    out.clockMHz = highestClockMHz(index);
    SA_TRY(out.readCeiling, bench.readCeiling());
    for (const ShapeCase& shape : request.cases) {
        SA_CHECK(cancel.check());
        SA_TRY(ShapeBenchRow row, bench.measure(shape));
        out.rows.push_back(std::move(row));
        if (progress)
            progress(static_cast<int>(out.rows.size()));
    }
    return out;
}

} // namespace sa
