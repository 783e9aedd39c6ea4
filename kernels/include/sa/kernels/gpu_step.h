// SPDX-License-Identifier: GPL-3.0-or-later
// One decode step on a CUDA device: the parts of a transformer block for one token, as few launches as possible, with
// fixed pointers, token and position read from device memory, so that a step is recorded once as a graph and replayed.
//
// A product makes its own input from what the preceding kernel left (a norm, an activation, or the numbers as they
// are) in every block, beside the stream of its weights: no launch and no round through memory lies between a norm and
// its product. Sums are integers or of fixed order: a step gives the same bits on every run.
//
// Pointers are on the device, float unless said, 16-byte aligned; calls enqueue and return.
#pragma once

#include "sa/kernels/gpu.h"

#include <cstdint>

namespace sa::kernels
{

enum class StepInputKind {
    Plain,    ///< x_k w_k
    Rms,      ///< x_k w_k / sqrt(mean x^2 + epsilon)
    Layer,    ///< (x_k - mean) / sqrt(variance + epsilon) w_k + b_k
    Activated ///< act(x_k) y_k w_k
};
enum class StepActivation { Silu, Relu, Gelu, GeluTanh };

/// The input of a product, [K].
struct StepInput {
    StepInputKind kind = StepInputKind::Plain;
    StepActivation activation = StepActivation::Silu;
    const float* x = nullptr;      ///< [K]
    const float* factor = nullptr; ///< y: [K] or null; Activated only
    const float* weight = nullptr; ///< w: [K] or null
    const float* bias = nullptr;   ///< b: [K] or null; Layer only
    float epsilon = 0;
};

/// y = product + bias + residual; residual may be y.
struct StepOutput {
    const float* bias = nullptr;     ///< [N] or null
    const float* residual = nullptr; ///< [N] or null
    float* y = nullptr;              ///< [N]
};

struct StepLaunch {
    void* stream = nullptr;
    bool overlapped = false; ///< kernels may start before those that precede them end (compute capability 9.0)
};

/// W^ f(x) for an image with GpuPath::OneBit. zeroed: [image.zeroedBytes], all 0 before and after. The activations are
/// 24-bit fixed-point numbers as in one_bit.h, scaled in float: |error_n| <= 2^(e-23) times the number of non-zero v_j.
Status gpuStepProduct(const GpuImage& image, const void* deviceImage, const StepInput& input, const StepOutput& output,
                      void* zeroed, const StepLaunch& launch) noexcept;

enum class StepFloat { F32, F16, BF16, I8 };
/// A dense weight.
struct StepMatrix {
    const void* weight = nullptr; ///< [N][K] of `type`
    StepFloat type = StepFloat::F32;
    int N = 0, K = 0;
    const float* rowScales = nullptr; ///< [N] or null: what the sums of rows are multiplied with
};
/// W f(x) for a dense W; `softcap` c > 0: c tanh(y / c).
Status gpuStepDense(const StepMatrix& matrix, const StepInput& input, const StepOutput& output, float softcap,
                    const StepLaunch& launch) noexcept;

/// y = f(x) + bias + residual, [n], then the softcap: an input on its own, for what does not read it through a product.
Status gpuStepValue(const StepInput& input, int n, const StepOutput& output, float softcap,
                    const StepLaunch& launch) noexcept;

/// What a step begins and ends with: {token, position of the token}, on the device.
using StepState = std::int32_t[2];

/// y = table[token] scale (+ positions[position + offset]), [width].
struct StepEmbedding {
    const void* table = nullptr; ///< [vocab][width] of `type`
    StepFloat type = StepFloat::F32;
    const float* positions = nullptr; ///< [..][width] or null
    int offset = 0;
    int width = 0;
    float scale = 1;
};
Status gpuStepEmbed(const StepEmbedding& embedding, const std::int32_t* state, float* y,
                    const StepLaunch& launch) noexcept;

/// One query against the keys before it and its own, which is appended: out[h] = sum_j softmax(score)_j value_j.
/// Queries and keys may be normed and rotated on the way; the cache keeps keys as they are scored.
struct StepAttention {
    const float *q = nullptr, *k = nullptr, *v = nullptr; ///< of the token
    int strideQ = 0, strideKv = 0;                        ///< floats between heads
    int heads = 0, kvHeads = 0, headDim = 0;              ///< headDim <= 256, even with rotation
    float* keys = nullptr;                                ///< [kvHeads][capacity][headDim]
    float* values = nullptr;
    int capacity = 0;
    const float *queryNorm = nullptr, *keyNorm = nullptr; ///< [headDim] or null: RMS norms of the heads
    float epsilon = 0;
    const float *cos = nullptr, *sin = nullptr; ///< [capacity][headDim/2] or null
    const float* slopes = nullptr;              ///< [heads] or null: score_j += slope_h j
    float scale = 1;
    float softcap = 0;       ///< c > 0: c tanh(score / c)
    int window = 0;          ///< keys that a query sees, itself included; 0 = all
    float* out = nullptr;    ///< [heads][headDim]
    void* scratch = nullptr; ///< [stepAttentionScratchBytes], its first heads * 4 bytes 0 before and after
};
inline constexpr int kStepMaxHeadDim = 256;
std::size_t stepAttentionScratchBytes(int heads, int headDim) noexcept;
Status gpuStepAttention(const StepAttention& attention, const std::int32_t* state, const StepLaunch& launch) noexcept;

/// state = {argmax of logits [vocab], position + 1}, lowest index first; the token also into hostToken (mapped).
Status gpuStepPick(const float* logits, int vocab, std::int32_t* state, std::int32_t* hostToken,
                   const StepLaunch& launch) noexcept;

/// A stream of its own and what is recorded on it. Not to be copied; one thread at a time.
class GpuGraph
{
public:
    GpuGraph() = default;
    ~GpuGraph();
    GpuGraph(const GpuGraph&) = delete;
    GpuGraph& operator=(const GpuGraph&) = delete;

    Status open(int device) noexcept;      ///< makes the stream; it waits for, and is awaited by, the default stream
    Status beginRecording() noexcept;      ///< from here to endRecording calls on stream() are recorded, not run
    Status endRecording() noexcept;        ///< also after a failed call
    Status replay(int times = 1) noexcept; ///< enqueues
    Status wait() noexcept;
    /// Seconds that `times` replays take on the device, one behind the other.
    Status time(int times, double& seconds) noexcept;
    void* stream() const noexcept { return m_stream; }

private:
    void* m_stream = nullptr;
    void* m_graph = nullptr; ///< cudaGraphExec_t
};

/// Host memory that devices write; null when there is none.
std::int32_t* gpuMappedInts(int count) noexcept;
void gpuFreeMapped(std::int32_t* memory) noexcept;

} // namespace sa::kernels
