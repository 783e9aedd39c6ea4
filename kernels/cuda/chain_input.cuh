// SPDX-License-Identifier: GPL-3.0-or-later
// The columns of x that a multiprocessor needs in a phase, from what the phase before left, into shared memory.
#pragma once

#include "kernels/cuda/chain_stream.cuh"
#include "kernels/cuda/step_input.cuh"

#include <cfloat>

namespace sa::kernels::gpu
{

/// Of the computing warps.
__device__ inline void syncChain()
{
    asm volatile("bar.sync 1, %0;" ::"n"(kChainThreads) : "memory");
}

/// Of the segments of a phase.
struct ChainSums {
    std::uint32_t largest[kChainSegments]; ///< bits of max |v|
    /// S of one_bit.h is 2^16 upper + lower: 64 bits together would be added in a loop of comparisons.
    std::int32_t upper[kChainSegments], lower[kChainSegments];

    __device__ long long inputs(int segment) const { return upper[segment] * 65536LL + lower[segment]; }
};
/// What all warps share while a phase runs, and what is kept for the next.
struct ChainState {
    ChainRing ring;
    ChainPhase phases[4];
    ChainWork works[3];
    ChainSums sums[2];
    float squares[kChainColumnBlocks][2];
    float mostOf[kChainWarps], sumOf[kChainWarps]; ///< attention
};

/// One token and block: what numbers of this phase are marked with.
struct ChainMark {
    std::uint32_t now, before; ///< before: of the preceding block, or as `now`
};

struct FourColumns {
    float v[4] = {0, 0, 0, 0};
};

__device__ inline bool allMarked(const uint4& u, std::uint32_t mark)
{
    return (((u.x ^ mark) | (u.y ^ mark) | (u.z ^ mark) | (u.w ^ mark)) & 1U) == 0;
}
__device__ inline void add(FourColumns& sum, const uint4& u)
{
    sum.v[0] += unmarked(u.x);
    sum.v[1] += unmarked(u.y);
    sum.v[2] += unmarked(u.z);
    sum.v[3] += unmarked(u.w);
}

/// Rows that are asked for together.
inline constexpr int kRowsTogether = 8;

/// Waits for the partial sums of 4 columns, [parts] rows of `stride`, and adds them in order; of kStreams sums whose
/// rows lie `apart`. All lanes of a warp. Who is too early looks at a word a lane until all are there: whole rows, read
/// again and again by every multiprocessor, would keep the second-level cache from everything else.
template<int kStreams>
__device__ void addParts(const float* in, int stride, int apart, int parts, std::uint32_t mark,
                         FourColumns (&sums)[kStreams])
{
    constexpr int kEach = kRowsTogether / kStreams;
    const int lane = static_cast<int>(threadIdx.x) % 32;
#pragma unroll 1
    for (int first = 0; first < parts; first += kEach) {
        uint4 u[kRowsTogether];
        for (Patience patience;; patience.again()) {
#pragma unroll
            for (int j = 0; j < kRowsTogether; ++j) // past the last: the last again
                u[j] = readFour(in + static_cast<std::ptrdiff_t>(min(first + j / kStreams, parts - 1)) * stride +
                                j % kStreams * apart);
            std::uint32_t wrong = 0;
#pragma unroll
            for (const uint4& row : u)
                wrong |= (row.x ^ mark) | (row.y ^ mark) | (row.z ^ mark) | (row.w ^ mark);
            if (__all_sync(kAllLanes, (wrong & 1U) == 0))
                break;
            const float* word =
                in + static_cast<std::ptrdiff_t>(lane / kStreams % parts) * stride + lane % kStreams * apart + 3;
            while (__any_sync(kAllLanes, ((readOne(word) ^ mark) & 1U) != 0))
                patience.again();
        }
#pragma unroll
        for (int j = 0; j < kRowsTogether; ++j)
            if (first + j / kStreams < parts)
                add(sums[j % kStreams], u[j]);
    }
}

__device__ inline bool readState(const unsigned long long* from, std::uint32_t mark, FourColumns& out)
{
    unsigned long long w[4];
    readTwoWide(from, w[0], w[1]);
    readTwoWide(from + 2, w[2], w[3]);
    bool all = true;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        all = all && hasMark(w[i], mark);
        out.v[i] = valueOf(w[i]);
    }
    return all;
}

/// Squares of the state, asked for; 32 column blocks at a time.
__device__ inline unsigned long long askForSquares(const ChainPhase& p)
{
    return readWide(p.squares + min(static_cast<int>(threadIdx.x) % 32, p.columnBlocks - 1));
}
/// 1 / root mean square of the state, from the sums of its column blocks in their order; a warp.
__device__ inline float chainNorm(const ChainPhase& p, std::uint32_t mark, unsigned long long asked)
{
    const int lane = static_cast<int>(threadIdx.x) % 32;
    float sum = 0;
    for (int first = 0; first < p.columnBlocks; first += 32) {
        const int column = min(first + lane, p.columnBlocks - 1);
        unsigned long long word = first == 0 ? asked : readWide(p.squares + column);
        for (Patience patience; !hasMark(word, mark); patience.again())
            word = readWide(p.squares + column);
        sum += sumOfWarp(first + lane < p.columnBlocks ? valueOf(word) : 0.0F);
    }
    return rsqrtf(sum / static_cast<float>(p.hidden) + p.epsilon);
}

__device__ inline float4 weightsAt(const float* weight, int k)
{
    if (weight == nullptr)
        return {1, 1, 1, 1};
    const uint4 v = readQuad(reinterpret_cast<const uint4*>(weight + k));
    return {__uint_as_float(v.x), __uint_as_float(v.y), __uint_as_float(v.z), __uint_as_float(v.w)};
}

/// The state before a branch: what it was, and the partial sums of the branch before.
__device__ inline FourColumns stateAt(const ChainPhase& p, const ChainMark& mark, int k)
{
    FourColumns state, sum[1];
    bool there = true;
    if (p.plain != nullptr) {
        const float4 x = __ldcg(reinterpret_cast<const float4*>(p.plain + k));
        state = {x.x, x.y, x.z, x.w};
    } else {
        there = readState(p.residual + k, mark.before, state); // seldom late: it is older than the sums
    }
    addParts(p.in + k, p.inStride, 0, p.inParts, mark.before, sum);
    for (Patience patience; !there; patience.again())
        there = readState(p.residual + k, mark.before, state);
#pragma unroll
    for (int i = 0; i < 4; ++i)
        state.v[i] += sum[0].v[i];
    return state;
}

/// A head's values from the parts of its keys. As addParts.
__device__ inline FourColumns headAt(const ChainPhase& p, const ChainMark& mark, int k)
{
    constexpr int kMost = kChainHeadParts;
    const unsigned long long* shares = p.shares + static_cast<std::ptrdiff_t>(k / p.headDim) * p.inParts * 2;
    Patience patience;
    for (;; patience.again()) {
        uint4 u[kMost];
        unsigned long long most[kMost], sums[kMost];
#pragma unroll
        for (int j = 0; j < kMost; ++j) {
            const int part = min(j, p.inParts - 1);
            u[j] = readFour(p.in + static_cast<std::ptrdiff_t>(part) * p.inStride + k);
            readTwoWide(shares + 2 * part, most[j], sums[j]);
        }
        bool all = true;
        float largest = -FLT_MAX;
#pragma unroll
        for (int j = 0; j < kMost; ++j) {
            all = all && hasMark(most[j], mark.now) && hasMark(sums[j], mark.now) && allMarked(u[j], mark.now);
            largest = fmaxf(largest, valueOf(most[j]));
        }
        if (!__all_sync(kAllLanes, all)) {
            const unsigned long long* word = shares + 2 * (static_cast<int>(threadIdx.x) % p.inParts);
            while (__any_sync(kAllLanes, !hasMark(readWide(word), mark.now)))
                patience.again();
            continue;
        }
        FourColumns out;
        float total = 0;
#pragma unroll
        for (int j = 0; j < kMost; ++j) {
            if (j >= p.inParts)
                continue;
            const float share = expf(valueOf(most[j]) - largest);
            total += share * valueOf(sums[j]);
            out.v[0] += share * unmarked(u[j].x);
            out.v[1] += share * unmarked(u[j].y);
            out.v[2] += share * unmarked(u[j].z);
            out.v[3] += share * unmarked(u[j].w);
        }
#pragma unroll
        for (float& v : out.v)
            v /= total;
        return out;
    }
}

/// Within 3e-7 of its value.
__device__ inline float fastSilu(float x)
{
    return __fdividef(x, 1.0F + __expf(-x));
}

/// act(gate) up.
__device__ inline FourColumns activatedAt(const ChainPhase& p, const ChainMark& mark, int k)
{
    const unsigned long long squares = askForSquares(p);
    FourColumns sums[2]; // gate, up
    addParts(p.in + k, p.inStride, p.factorOffset, p.inParts, mark.now, sums);
    const float norm = chainNorm(p, mark.now, squares);
    if (p.activation == StepActivation::Silu) {
#pragma unroll
        for (int i = 0; i < 4; ++i)
            sums[0].v[i] = fastSilu(sums[0].v[i] * norm) * (sums[1].v[i] * norm);
    } else {
#pragma unroll 1
        for (int i = 0; i < 4; ++i) { // large code; in turns, so that nothing is indexed
            const float v = activated(p.activation, sums[0].v[0] * norm) * (sums[1].v[0] * norm);
            sums[0] = {sums[0].v[1], sums[0].v[2], sums[0].v[3], v};
            sums[1] = {sums[1].v[1], sums[1].v[2], sums[1].v[3], sums[1].v[0]};
        }
    }
    return sums[0];
}

/// x of the work's column blocks into xs, 256 floats each; the state is kept by who owns it. A State's x lacks the
/// norm's factor, which is applied to the product by who reads it.
__device__ inline void makeInput(const ChainPhase& p, const ChainWork& work, const ChainMark& mark, ChainState& state,
                                 float* xs)
{
    const int lane = static_cast<int>(threadIdx.x) % 32;
    for (int i = static_cast<int>(threadIdx.x); i < work.columns * (kChainColumns / 4); i += kChainThreads) {
        const int local = i / (kChainColumns / 4);
        const int k = work.column[local] * kChainColumns + i % (kChainColumns / 4) * 4;
        const float4 weight = weightsAt(p.weight, k); // asked for before anything is waited for
        FourColumns x;
        switch (p.input) {
        case ChainInput::State:
            x = stateAt(p, mark, k);
            break;
        case ChainInput::Heads:
            x = headAt(p, mark, k);
            break;
        case ChainInput::Activated:
            x = activatedAt(p, mark, k);
            break;
        }
        if (p.kept != nullptr && work.owned[local] != 0) {
            float squares = 0;
#pragma unroll
            for (int j = 0; j < 4; ++j) {
                writeWide(p.kept + k + j, widelyMarked(x.v[j], mark.now));
                squares += x.v[j] * x.v[j];
            }
            squares = sumOfWarp(squares); // a warp has half a column block
            if (lane == 0)
                state.squares[local][i / 32 % 2] = squares;
        }
        *reinterpret_cast<float4*>(xs + 4 * i) =
            float4{x.v[0] * weight.x, x.v[1] * weight.y, x.v[2] * weight.z, x.v[3] * weight.w};
    }
}

/// After a barrier behind makeInput.
__device__ inline void keepSquares(const ChainPhase& p, const ChainWork& work, const ChainMark& mark,
                                   const ChainState& state)
{
    const auto local = static_cast<int>(threadIdx.x);
    if (p.kept != nullptr && local < work.columns && work.owned[local] != 0)
        writeWide(p.squares + work.column[local],
                  widelyMarked(state.squares[local][0] + state.squares[local][1], mark.now));
}

} // namespace sa::kernels::gpu
