// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/linear.h"

#include "core/base/parallel.h"
#include "sa/kernels/lut_gemm.h"
#include "sa/kernels/rotation.h"
#include "sa/kernels/rows.h"

#include <ATen/ATen.h>
#include <algorithm>
#include <cstdlib>
#include <memory>
#include <stdexcept>

namespace sa
{

at::Tensor denseProduct(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias)
{
    if (x.dim() == 2 && x.size(0) == 1) {
        const at::Tensor row = bias.defined() ? at::addmv(bias, weight, x[0]) : at::mv(weight, x[0]);
        return row.unsqueeze(0);
    }
    return bias.defined() ? at::linear(x, weight, bias) : at::linear(x, weight);
}

DenseLinear::DenseLinear(at::Tensor weight, at::Tensor bias)
    : m_weight(std::move(weight))
    , m_bias(std::move(bias))
{
}

at::Tensor DenseLinear::forward(const at::Tensor& x) const
{
    return denseProduct(x, m_weight, m_bias);
}

std::int64_t DenseLinear::weightBytes() const
{
    return m_weight.numel() * m_weight.element_size();
}

namespace
{
constexpr std::int64_t kDenseRows = 64; ///< rows of a piece
}

const RowPieces* DenseLinear::rowPieces() const
{
    return m_weight.is_cpu() && m_weight.is_contiguous() && m_weight.scalar_type() == at::kFloat ? this : nullptr;
}

std::int64_t DenseLinear::pieces() const
{
    return (outputs() + kDenseRows - 1) / kDenseRows;
}

void DenseLinear::product(std::int64_t piece, const float* x, float* y) const
{
    const std::int64_t begin = piece * kDenseRows, count = std::min(kDenseRows, outputs() - begin);
    kernels::rowDots(m_weight.data_ptr<float>() + begin * inputs(), kernels::Element::F32, count, inputs(), x,
                     y + begin);
    if (!m_bias.defined())
        return;
    const float* bias = m_bias.data_ptr<float>();
    for (std::int64_t n = begin; n < begin + count; ++n)
        y[n] += bias[n];
}

namespace
{

struct FreeDeleter {
    void operator()(void* p) const { std::free(p); }
};

void expectOk(kernels::Status status)
{
    if (status != kernels::Status::Ok)
        throw std::runtime_error(std::string("the packed kernel refused a layer: ") + kernels::name(status));
}

std::vector<std::uint32_t> signsOf(std::optional<std::uint64_t> seed, int n)
{
    return seed ? kernels::rotationSigns(*seed, n) : std::vector<std::uint32_t>();
}

/// Scratch of the calling thread, kept between calls: no allocation per token once it is large enough.
void* threadScratch(std::size_t bytes)
{
    thread_local std::unique_ptr<void, FreeDeleter> buffer;
    thread_local std::size_t capacity = 0;
    if (capacity < bytes) {
        buffer.reset();
        capacity = (bytes + 63) / 64 * 64;
        buffer.reset(std::aligned_alloc(64, capacity));
        if (!buffer) {
            capacity = 0;
            throw std::bad_alloc();
        }
    }
    return buffer.get();
}

} // namespace

PlanesLinear::PlanesLinear(PackedWeight weight, at::Tensor bias, std::int64_t fastTokens)
    : m_weight(std::move(weight))
    , m_tileRows(kernels::lutGemmTileRows(m_weight.view()))
    , m_fastTokens(kernels::lutGemmHasFast(m_weight.view()) ? fastTokens : 0)
    , m_bias(std::move(bias))
    , m_inputSigns(signsOf(m_weight.inputRotation, m_weight.K))
    , m_outputSigns(signsOf(m_weight.outputRotation, m_weight.N))
{
    std::vector<std::uint32_t> tiled(m_weight.bits.size());
    expectOk(kernels::tileWords(m_weight.view(), m_tileRows, tiled.data()));
    m_weight.bits = std::move(tiled);
}

bool PlanesLinear::prepares() const
{
    return !m_weight.exponents.empty() || !m_inputSigns.empty();
}

void PlanesLinear::prepare(float* x) const
{
    const int K = m_weight.K;
    if (!m_weight.exponents.empty())
        expectOk(kernels::shiftChannels(m_weight.exponents.data(), 1, K, x, 1, K));
    if (!m_inputSigns.empty())
        expectOk(kernels::rotate(m_inputSigns.data(), K, x, 1, K));
}

std::int64_t PlanesLinear::pieces() const
{
    return (m_weight.N + m_tileRows - 1) / m_tileRows;
}

namespace
{

/// From here on unpacking rows for the matrix library is faster than tables (kernels/README.md).
constexpr std::int64_t kUnpackedTokens = 16;

/// Parts that a tile is cut into where there are fewer tiles than threads, for many tokens: with one, it is memory that
/// is short. Cuts change no bit.
std::int64_t partsOfTile(std::int64_t tiles, std::int64_t rows, std::int64_t tokens)
{
    std::int64_t parts = 1;
    while (tokens > 1 && tiles * parts < parallelThreads() && rows / parts >= 128)
        parts *= 2;
    return parts;
}

} // namespace

void PlanesLinear::multiply(std::int64_t piece, const float* x, std::int64_t tokens, float* y) const
{
    const auto view = m_weight.view();
    const auto M = static_cast<int>(tokens);
    const std::int64_t parts = partsOfTile(pieces(), m_tileRows, tokens), rows = (m_tileRows + parts - 1) / parts;
    const std::int64_t tile = piece / parts * m_tileRows, begin = tile + piece % parts * rows;
    const std::int64_t end = std::min<std::int64_t>({view.N, tile + m_tileRows, begin + rows});
    if (begin >= end)
        return;
    const kernels::TiledPlanes planes{view, m_tileRows};
    const int first = static_cast<int>(begin), last = static_cast<int>(end);
    void* scratch = threadScratch(kernels::lutGemmScratchBytes(view, M));
    expectOk(tokens < m_fastTokens ? kernels::lutGemmFast(planes, x, M, y, view.N, first, last, scratch)
                                   : kernels::lutGemm(planes, x, M, y, view.N, first, last, scratch));
}

void PlanesLinear::multiplyUnpacked(const at::Tensor& x, float* y) const
{
    constexpr std::int64_t kSlabFloats = std::int64_t(1) << 16; // stays in the cache of a core
    const kernels::TiledPlanes planes{m_weight.view(), m_tileRows};
    const auto stride = static_cast<std::int64_t>(kernels::denseRowStride(planes.planes));
    const std::int64_t N = m_weight.N, rows = std::clamp<std::int64_t>(kSlabFloats / stride, 32, 256);
    const auto slabFloats = static_cast<std::size_t>(rows * stride);
    parallelFor((N + rows - 1) / rows, [&](std::int64_t piece) {
        const std::int64_t begin = piece * rows, count = std::min(rows, N - begin);
        auto* slab = static_cast<float*>(
            threadScratch((slabFloats + kernels::denseRowsScratchFloats(planes.planes)) * sizeof(float)));
        expectOk(kernels::denseRows(planes, static_cast<int>(begin), static_cast<int>(begin + count), slab,
                                    slab + slabFloats));
        at::Tensor out = at::from_blob(y + begin, {x.size(0), count}, {N, 1}, x.options());
        at::mm_out(out, x, at::from_blob(slab, {m_weight.K, count}, {1, stride}, x.options()));
    });
}

void PlanesLinear::product(std::int64_t piece, const float* x, float* y) const
{
    multiply(piece, x, 1, y);
    if (!m_bias.defined() || finishes())
        return;
    const float* bias = m_bias.data_ptr<float>();
    const std::int64_t begin = piece * m_tileRows, end = std::min<std::int64_t>(m_weight.N, begin + m_tileRows);
    for (std::int64_t n = begin; n < end; ++n)
        y[n] += bias[n];
}

void PlanesLinear::finish(float* y) const
{
    expectOk(kernels::rotateBack(m_outputSigns.data(), m_weight.N, y, 1, m_weight.N));
    if (!m_bias.defined())
        return;
    const float* bias = m_bias.data_ptr<float>();
    for (int n = 0; n < m_weight.N; ++n)
        y[n] += bias[n];
}

at::Tensor PlanesLinear::forward(const at::Tensor& x) const
{
    const std::int64_t N = m_weight.N, K = m_weight.K;
    at::Tensor input = x.contiguous();
    const std::int64_t tokens = input.numel() / K;
    if (prepares()) {
        input = input.clone();
        float* in = input.data_ptr<float>();
        parallelFor(tokens, [&](std::int64_t t) { prepare(in + t * K); });
    }
    auto shape = input.sizes().vec();
    shape.back() = N;
    at::Tensor output = at::empty(shape, input.options());
    const float* in = input.data_ptr<float>();
    float* out = output.data_ptr<float>();
    if (tokens >= std::max(kUnpackedTokens, m_fastTokens))
        multiplyUnpacked(input.view({tokens, K}), out);
    else
        parallelFor(pieces() * partsOfTile(pieces(), m_tileRows, tokens),
                    [&](std::int64_t piece) { multiply(piece, in, tokens, out); });
    if (finishes()) {
        parallelFor(tokens, [&](std::int64_t t) { finish(out + t * N); });
        return output;
    }
    return m_bias.defined() ? output.add_(m_bias) : output;
}

std::int64_t PlanesLinear::weightBytes() const
{
    return static_cast<std::int64_t>(m_weight.storedBytes());
}

namespace
{

class HalfLinear final : public Linear
{
public:
    explicit HalfLinear(std::shared_ptr<const Linear> body)
        : m_body(std::move(body))
    {
    }
    at::Tensor forward(const at::Tensor& x) const override { return roundedToHalf(m_body->forward(roundedToHalf(x))); }
    std::int64_t weightBytes() const override { return m_body->weightBytes(); }

private:
    std::shared_ptr<const Linear> m_body;
};

} // namespace

std::shared_ptr<const Linear> DenseLinear::withHalfWeight() const
{
    return std::make_shared<DenseLinear>(roundedToHalf(m_weight),
                                         m_bias.defined() ? roundedToHalf(m_bias) : at::Tensor());
}

at::Tensor roundedToHalf(const at::Tensor& x)
{
    return x.to(at::kHalf).to(at::kFloat);
}

std::shared_ptr<const Linear> inHalfPrecision(std::shared_ptr<const Linear> linear)
{
    if (auto rounded = linear->withHalfWeight())
        linear = std::move(rounded);
    return std::make_shared<HalfLinear>(std::move(linear));
}

} // namespace sa
