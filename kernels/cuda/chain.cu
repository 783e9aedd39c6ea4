// SPDX-License-Identifier: GPL-3.0-or-later
// The kernel of gpu_chain.h: one block of threads a multiprocessor, 15 warps that compute and one that asks for planes.
#include "kernels/cuda/chain_stream.cuh"
#include "kernels/cuda/step_calls.h"

// What earlier devices lack is not even compiled for them.
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
#define SA_CHAIN_DEVICE
#include "kernels/cuda/chain_attention.cuh"
#include "kernels/cuda/chain_product.cuh"
#endif

namespace sa::kernels
{

namespace gpu
{

namespace
{

#ifdef SA_CHAIN_DEVICE
template<class T> __device__ void copyAhead(T* to, const T* from)
{
    const int lane = static_cast<int>(threadIdx.x) % 32;
    for (int i = lane; i < static_cast<int>(sizeof(T) / 16); i += 32)
        copyAsync(sharedAddress(to) + 16 * static_cast<std::uint32_t>(i), reinterpret_cast<const char*>(from) + 16 * i);
}

/// What describes phases to come, on its way before anybody asks: the work of the next, the phase after it. A warp.
__device__ void askForNext(const ChainArguments& a, int i, ChainState& shared)
{
    if (i + 2 < a.phaseCount)
        copyAhead(shared.phases + (i + 2) % 4, a.phases + i + 2);
    if (i + 1 < a.phaseCount && shared.phases[(i + 1) % 4].work != nullptr)
        copyAhead(shared.works + (i + 1) % 3, shared.phases[(i + 1) % 4].work + blockIdx.x);
    copyCommit();
}

__device__ void writeState(const ChainPhase& p, const ChainMark& mark)
{
    const int lane = static_cast<int>(threadIdx.x) % 32;
    const int step = 4 * static_cast<int>(gridDim.x) * kChainThreads;
    for (int first = 4 * (static_cast<int>(blockIdx.x) * kChainThreads + static_cast<int>(threadIdx.x) - lane);
         first < p.hidden; first += step) { // whole warps
        const int k = first + 4 * lane;
        const FourColumns x = stateAt(p, mark, min(k, (p.hidden - 1) / 4 * 4));
#pragma unroll
        for (int i = 0; i < 4; ++i)
            if (k + i < p.hidden)
                p.y[k + i] = x.v[i];
    }
}
#endif

template<int kPer>
__global__ void __launch_bounds__(kChainThreads + 32, 1)
    chainKernel(const __grid_constant__ ChainArguments a, const std::int32_t* state)
{
#ifdef SA_CHAIN_DEVICE
    extern __shared__ __align__(1024) char memory[];
    __shared__ __align__(16) char sharedState[sizeof(ChainState)]; // nothing of it is initialised by itself
    ChainState& shared = *reinterpret_cast<ChainState*>(sharedState);
    auto* operand = reinterpret_cast<std::uint32_t*>(memory + a.room.operand);
    auto* xs = reinterpret_cast<float*>(memory + a.room.input);
    auto* scales = reinterpret_cast<PackedScale*>(memory + a.room.scales);
    const int warp = static_cast<int>(threadIdx.x) / 32;
    if (threadIdx.x < kChainSlots) {
        barrierInit(shared.ring.full + threadIdx.x, 1);
        barrierInit(shared.ring.empty + threadIdx.x, 1 << kChainMostTilesLog2);
        barrierInitDone();
    }
    if (threadIdx.x < 2)
        shared.sums[threadIdx.x] = {};
    if (threadIdx.x == 0)
        shared.ring.started = 0;
    if (warp == 0) {
        copyAhead(shared.phases, a.phases);
        if (a.phaseCount > 1)
            copyAhead(shared.phases + 1, a.phases + 1);
        copyAhead(shared.works, a.phases[0].work + blockIdx.x);
        copyCommit();
        copyWait<0>();
    }
    __syncthreads();
    if (warp == kChainWarps) {
        ChainProducer producer(shared.ring, memory, a.room.ringChunks, a.flightChunks);
        producer.run(a);
        return;
    }
    askForScales(shared.phases[0], shared.works[0], scales);
    const std::uint32_t epoch = __ldcg(a.epoch);
    const int position = __ldcg(state + 1);
    std::uint32_t piece = 0;
    for (int i = 0; i < a.phaseCount; ++i) {
        const ChainKind kind = shared.phases[i % 4].kind;
        ChainMark mark;
        mark.now =
            epoch * static_cast<std::uint32_t>(a.layers) + static_cast<std::uint32_t>(shared.phases[i % 4].layer) + 1;
        mark.before = mark.now - static_cast<std::uint32_t>(shared.phases[i % 4].inLag);
        if (warp == kChainWarps - 1)
            askForNext(a, i, shared);
        else
            copyCommit(); // the same number of groups everywhere
        if (kind == ChainKind::Product) {
            if (i + 1 < a.phaseCount)
                bringKeysNear(shared.phases[(i + 1) % 4], position);
            makeOperand(shared, i, mark, xs, scales, operand);
            if (i + 1 < a.phaseCount)
                askForScales(shared.phases[(i + 1) % 4], shared.works[(i + 1) % 3], scales);
            multiplyTiles(shared, i, mark.now, memory, operand, piece);
            piece += shared.works[i % 3].pieces;
        } else if (kind == ChainKind::Attention) {
            attendChain<kPer>(shared, i, mark, position, reinterpret_cast<float*>(operand), xs);
            copyWait<0>();
            syncChain();
            if (threadIdx.x == 0)
                shared.sums[(i + 1) % 2] = {};
            askForScales(shared.phases[(i + 1) % 4], shared.works[(i + 1) % 3], scales);
        } else {
            writeState(shared.phases[i % 4], mark);
        }
    }
    // All have read it: the last to leave counts the token.
    if (threadIdx.x == 0 && atomicInc(a.epoch + 1, gridDim.x - 1) == gridDim.x - 1)
        *a.epoch = epoch + 1;
#endif
}

template<int kPer> Status run(const ChainArguments& arguments, const GpuChain& chain, void* stream)
{
    constexpr auto kernel = chainKernel<kPer>;
    if (const Status status = allowShared<kernel>(kChainSharedBytes); status != Status::Ok)
        return status;
    Launch how{dim3(chain.blocks), dim3(kChainThreads + 32), kChainSharedBytes, static_cast<cudaStream_t>(stream)};
    how.together = true;
    return launch(how, kernel, arguments, chain.state);
}

} // namespace

} // namespace gpu

Status gpuChainRun(const GpuChain& chain, void* memory, void* stream) noexcept
{
    if (gpu::misaligned(memory, 256))
        return Status::BadPointer;
    const gpu::ChainArguments arguments{gpu::at<const gpu::ChainPhase>(memory, 0),
                                        gpu::at<const gpu::ChainSource>(memory, chain.sources),
                                        gpu::at<std::uint32_t>(memory, chain.epoch),
                                        chain.phases,
                                        chain.products,
                                        chain.layers,
                                        chain.flightChunks,
                                        {chain.ringChunks, chain.operand, chain.input, chain.scales}};
    return chain.headDim == 32    ? gpu::run<1>(arguments, chain, stream)
           : chain.headDim == 64  ? gpu::run<2>(arguments, chain, stream)
           : chain.headDim == 128 ? gpu::run<4>(arguments, chain, stream)
                                  : gpu::run<8>(arguments, chain, stream);
}

} // namespace sa::kernels
