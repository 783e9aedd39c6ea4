// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/linear.h"

#include "core/base/parallel.h"
#include "sa/kernels/lut_gemm.h"
#include "sa/kernels/rotation.h"

#include <ATen/ATen.h>
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

PlanesLinear::PlanesLinear(PackedWeight weight, at::Tensor bias)
    : m_weight(std::move(weight))
    , m_bias(std::move(bias))
    , m_inputSigns(signsOf(m_weight.inputRotation, m_weight.K))
    , m_outputSigns(signsOf(m_weight.outputRotation, m_weight.N))
{
}

void PlanesLinear::transformInput(float* x, std::int64_t tokens) const
{
    const int K = m_weight.K;
    parallelFor(tokens, [&](std::int64_t t) {
        auto status = kernels::Status::Ok;
        if (!m_weight.exponents.empty())
            status = kernels::shiftChannels(m_weight.exponents.data(), 1, K, x + t * K, 1, K);
        if (status == kernels::Status::Ok && !m_inputSigns.empty())
            status = kernels::rotate(m_inputSigns.data(), K, x + t * K, 1, K);
        expectOk(status);
    });
}

void PlanesLinear::restoreOutput(float* y, std::int64_t tokens) const
{
    const int N = m_weight.N;
    parallelFor(tokens,
                [&](std::int64_t t) { expectOk(kernels::rotateBack(m_outputSigns.data(), N, y + t * N, 1, N)); });
}

at::Tensor PlanesLinear::forward(const at::Tensor& x) const
{
    const auto view = m_weight.view();
    at::Tensor input = x.contiguous();
    const std::int64_t tokens = input.numel() / view.K;
    if (!m_weight.exponents.empty() || !m_inputSigns.empty()) {
        input = input.clone();
        transformInput(input.data_ptr<float>(), tokens);
    }
    auto shape = input.sizes().vec();
    shape.back() = view.N;
    at::Tensor output = at::empty(shape, input.options());

    // One piece per row group shares its tables; with fewer groups than threads the groups are halved.
    const float* in = input.data_ptr<float>();
    float* out = output.data_ptr<float>();
    const std::int64_t groups = static_cast<std::int64_t>(view.rowGroups());
    std::int64_t piecesPerGroup = 1;
    while (groups * piecesPerGroup < parallelThreads() && view.R / piecesPerGroup >= 64)
        piecesPerGroup *= 2;
    std::int64_t groupsPerPiece = 1;
    while (piecesPerGroup == 1 && view.R * groupsPerPiece < 16)
        groupsPerPiece *= 2;
    const std::int64_t pieces = (groups + groupsPerPiece - 1) / groupsPerPiece * piecesPerGroup;
    const std::int64_t rowsPerPiece = (view.R + piecesPerGroup - 1) / piecesPerGroup;

    parallelFor(pieces, [&](std::int64_t piece) {
        const std::int64_t group = piece / piecesPerGroup * groupsPerPiece;
        const std::int64_t groupBegin = group * view.R;
        const std::int64_t groupEnd = std::min<std::int64_t>(view.N, (group + groupsPerPiece) * view.R);
        const std::int64_t begin = groupBegin + piece % piecesPerGroup * rowsPerPiece;
        const std::int64_t end = piecesPerGroup == 1 ? groupEnd : std::min(groupEnd, begin + rowsPerPiece);
        if (begin >= end)
            return;
        void* scratch = threadScratch(kernels::lutGemmScratchBytes(view, static_cast<int>(tokens)));
        expectOk(kernels::lutGemm(view, in, static_cast<int>(tokens), out, view.N, static_cast<int>(begin),
                                  static_cast<int>(end), scratch));
    });
    if (!m_outputSigns.empty())
        restoreOutput(out, tokens);
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
