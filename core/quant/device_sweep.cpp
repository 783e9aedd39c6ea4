// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quant/device_sweep.h"

#include "core/quant/cuda/sweep_kernels.h"
#include "core/quant/row_group.h"

#include <ATen/ATen.h>
#include <algorithm>
#include <cstddef>
#include <cstring>

namespace sa
{

namespace
{

double innerProduct(const at::Tensor& a, const at::Tensor& b)
{
    return at::sum(a * b, at::kDouble).item<double>();
}

/// All layers of one input on their way. Matrices are [K, rows]: columns in sweep order lead, the layers' rows side by
/// side.
class StackedSweep
{
public:
    StackedSweep(const std::vector<DeviceLayer>& layers, const SweepFactor& factor, const SweepOptions& options);

    Result<void> sweep(const CancelToken& cancel);
    Result<void> refine(const CancelToken& cancel);
    DeviceOutcome outcome(std::size_t layer) const;

private:
    struct Place {
        std::int64_t row = 0, rows = 0, R = 0;
        std::int64_t group = 0, groups = 0;
    };
    cuda::BlockPlace blockAt(std::size_t index) const;
    template<typename Step, typename Fit>
    void runSpan(const LazySpan& span, const cuda::SweepArrays& arrays, Step step, Fit fit) const;
    cuda::SweepArrays arrays(const at::Tensor& matrix, const at::Tensor& base) const;
    at::Tensor originalOrder() const; ///< i64 [K]: column -> sweep position
    void packPlanes(const Place& place, PackedWeight& packed) const;
    void packScales(const Place& place, PackedWeight& packed) const;

    const SweepFactor& m_factor;
    SweepOptions m_options;
    std::int64_t m_K = 0, m_rows = 0;
    std::vector<Place> m_layers;
    std::vector<LazySpan> m_spans;
    std::vector<std::int64_t> m_blockBegins; ///< in sweep order
    std::int64_t m_groups = 0;
    at::Tensor m_groupBegin, m_groupOfRow; ///< i32 [groups + 1], [rows]
    at::Tensor m_columnWeights;            ///< f32 [K]
    at::Tensor m_original, m_quantized;    ///< f32 [K, rows]
    at::Tensor m_codes;                    ///< u8 [K, rows]
    at::Tensor m_grids;                    ///< u8 [blocks, groups, sizeof(BcqGrid)]
    at::Tensor m_active, m_trail;          ///< f32 [columns of the widest block or span, rows]
};

StackedSweep::StackedSweep(const std::vector<DeviceLayer>& layers, const SweepFactor& factor,
                           const SweepOptions& options)
    : m_factor(factor)
    , m_options(options)
    , m_K(layers.front().weight.size(1))
    , m_spans(lazySpans(factor.order))
{
    std::vector<std::int32_t> begins, groupOfRow;
    std::vector<at::Tensor> transposed;
    for (const auto& layer : layers) {
        const std::int64_t N = layer.weight.size(0);
        const std::int64_t R = layer.rowsPerScale > 0 ? std::min(layer.rowsPerScale, N) : (N + 7) / 8;
        const Place place{m_rows, N, R, m_groups, (N + R - 1) / R};
        for (std::int64_t r = 0; r < N; ++r) {
            if (r % R == 0)
                begins.push_back(static_cast<std::int32_t>(m_rows + r));
            groupOfRow.push_back(static_cast<std::int32_t>(m_groups + r / R));
        }
        m_rows += N;
        m_groups += place.groups;
        m_layers.push_back(place);
        transposed.push_back(layer.weight.t());
    }
    begins.push_back(static_cast<std::int32_t>(m_rows));

    std::int64_t position = 0, widestBlock = 0, widestSpan = 0;
    for (const auto& block : factor.order) {
        m_blockBegins.push_back(position);
        position += block.count;
        widestBlock = std::max(widestBlock, block.count);
    }
    for (const auto& span : m_spans)
        widestSpan = std::max(widestSpan, span.end - span.begin);

    const at::TensorOptions floats = layers.front().weight.options();
    m_groupBegin = at::tensor(begins, at::kInt).to(floats.device());
    m_groupOfRow = at::tensor(groupOfRow, at::kInt).to(floats.device());
    // An error in column j costs 1/R_jj^2: the fit weighs it so.
    m_columnWeights =
        options.weightedFit ? factor.upper.diagonal().square().reciprocal().contiguous() : at::ones({m_K}, floats);
    m_original = at::cat(transposed, 1).index_select(0, factor.permutation).contiguous();
    m_quantized = at::empty_like(m_original);
    m_codes = at::empty({m_K, m_rows}, floats.dtype(at::kByte));
    m_grids = at::empty(
        {static_cast<std::int64_t>(factor.order.size()), m_groups, static_cast<std::int64_t>(sizeof(BcqGrid))},
        floats.dtype(at::kByte));
    m_active = at::empty({widestBlock, m_rows}, floats);
    m_trail = at::empty({widestSpan, m_rows}, floats);
}

cuda::BlockPlace StackedSweep::blockAt(std::size_t index) const
{
    return {static_cast<std::int64_t>(index), m_blockBegins[index], m_factor.order[index].count};
}

cuda::SweepArrays StackedSweep::arrays(const at::Tensor& matrix, const at::Tensor& base) const
{
    cuda::SweepArrays out;
    out.K = m_K;
    out.rows = m_rows;
    out.groups = m_groups;
    out.groupBegin = m_groupBegin.data_ptr<std::int32_t>();
    out.groupOfRow = m_groupOfRow.data_ptr<std::int32_t>();
    out.matrix = matrix.data_ptr<float>();
    out.columnWeights = m_columnWeights.data_ptr<float>();
    out.base = base.data_ptr<float>();
    out.active = m_active.data_ptr<float>();
    out.trail = m_trail.data_ptr<float>();
    out.quantized = m_quantized.data_ptr<float>();
    out.codes = m_codes.data_ptr<std::uint8_t>();
    out.grids = reinterpret_cast<BcqGrid*>(m_grids.data_ptr<std::uint8_t>());
    out.ridge = m_factor.ridge;
    return out;
}

/// Block by block: make it ready, fit it, code it. Coding one block and making the next ready is one step.
template<typename Step, typename Fit>
void StackedSweep::runSpan(const LazySpan& span, const cuda::SweepArrays& arrays, Step step, Fit fit) const
{
    cuda::BlockPlace done;
    for (std::size_t index = span.firstBlock; index < span.endBlock; ++index) {
        const cuda::BlockPlace block = blockAt(index);
        step(arrays, span.begin, done, block);
        fit(arrays, block, m_options.bcq);
        done = block;
    }
    step(arrays, span.begin, done, cuda::BlockPlace());
}

Result<void> StackedSweep::sweep(const CancelToken& cancel)
{
    at::Tensor work = m_original.clone();
    for (const auto column : m_factor.dead)
        work.select(0, column).zero_();
    const auto state = arrays(m_factor.upper, work);
    for (const LazySpan& span : m_spans) {
        SA_CHECK(cancel.check());
        runSpan(span, state, cuda::sweepStep, cuda::fitGrids);
        if (span.end < m_K)
            work.slice(0, span.end)
                .addmm_(m_factor.upper.slice(0, span.begin, span.end).slice(1, span.end).t(),
                        m_trail.slice(0, 0, span.end - span.begin), 1, -1);
    }
    return {};
}

Result<void> StackedSweep::refine(const CancelToken& cancel)
{
    const at::Tensor& H = m_factor.hessian;
    at::Tensor gradient; // half the gradient, f32 [K, rows]
    {
        const at::Tensor miss = m_quantized - m_original;
        gradient = at::mm(H, miss).add_(miss, m_factor.ridge);
    }
    const auto state = arrays(H, gradient);
    for (const LazySpan& span : m_spans) {
        SA_CHECK(cancel.check());
        runSpan(span, state, cuda::refineStep, cuda::refitGrids);
        // Columns before the span are through: their gradient is not looked at again.
        if (span.end < m_K)
            gradient.slice(0, span.end)
                .addmm_(H.slice(0, span.end).slice(1, span.begin, span.end),
                        m_trail.slice(0, 0, span.end - span.begin));
    }
    return {};
}

at::Tensor StackedSweep::originalOrder() const
{
    return at::empty_like(m_factor.permutation)
        .scatter_(0, m_factor.permutation, at::arange(m_K, m_factor.permutation.options()));
}

void StackedSweep::packPlanes(const Place& place, PackedWeight& packed) const
{
    const std::int64_t words = (m_K + 31) / 32, q = m_options.bcq.planes;
    const auto ints = m_codes.options().dtype(at::kInt);
    at::Tensor codes = at::zeros({words * 32, place.rows}, m_codes.options());
    codes.slice(0, 0, m_K).copy_(m_codes.narrow(1, place.row, place.rows).index_select(0, originalOrder()));
    codes = codes.view({words, 32, place.rows});
    std::vector<std::int32_t> bits(32);
    for (int i = 0; i < 32; ++i)
        bits[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(1U << i);
    const at::Tensor values = at::tensor(bits, at::kInt).to(ints.device()).view({1, 32, 1});
    at::Tensor out = at::empty({words, q, place.rows}, ints);
    for (std::int64_t b = 0; b < q; ++b) {
        const at::Tensor plane = codes.bitwise_and(1 << b).ne(0);
        out.select(1, b).copy_(at::sum(plane * values, 1, false, at::kInt));
    }
    out = out.cpu().contiguous();
    std::memcpy(packed.bits.data(), out.data_ptr<std::int32_t>(), packed.bits.size() * sizeof(std::uint32_t));
}

void StackedSweep::packScales(const Place& place, PackedWeight& packed) const
{
    const std::int64_t q = m_options.bcq.planes, blocks = m_grids.size(0);
    constexpr std::int64_t kFirst = offsetof(BcqGrid, scales) / sizeof(kernels::PackedScale);
    static_assert(sizeof(BcqGrid) % sizeof(kernels::PackedScale) == 0);
    // [blocks in sweep order][groups][q] -> [blocks][q][groups]
    const at::Tensor scales = m_grids.view(at::kShort)
                                  .slice(2, kFirst, kFirst + q)
                                  .slice(1, place.group, place.group + place.groups)
                                  .permute({0, 2, 1})
                                  .contiguous()
                                  .cpu();
    const auto stride = static_cast<std::size_t>(q * place.groups);
    const auto* words = scales.data_ptr<std::int16_t>();
    for (std::int64_t i = 0; i < blocks; ++i) {
        const auto block = static_cast<std::size_t>(m_factor.order[static_cast<std::size_t>(i)].begin / packed.C);
        std::memcpy(packed.scales.data() + block * stride, words + static_cast<std::size_t>(i) * stride,
                    stride * sizeof(kernels::PackedScale));
    }
}

DeviceOutcome StackedSweep::outcome(std::size_t layer) const
{
    const Place& place = m_layers[layer];
    DeviceOutcome out;
    out.packed.N = static_cast<int>(place.rows);
    out.packed.K = static_cast<int>(m_K);
    out.packed.q = m_options.bcq.planes;
    out.packed.R = static_cast<int>(place.R);
    out.packed.C = static_cast<int>(m_options.columnsPerScale);
    const auto view = out.packed.view();
    out.packed.bits.assign(view.wordCount(), 0);
    out.packed.scales.assign(view.scaleCount(), 0);
    packPlanes(place, out.packed);
    packScales(place, out.packed);

    const at::Tensor original = m_original.narrow(1, place.row, place.rows).contiguous();
    const at::Tensor quantized = m_quantized.narrow(1, place.row, place.rows);
    out.dense = quantized.index_select(0, originalOrder()).t().contiguous();
    const at::Tensor miss = original - quantized;
    const double plain = innerProduct(miss, at::mm(m_factor.hessian, miss));
    const double energy = innerProduct(original, at::mm(m_factor.hessian, original));
    out.error = 0.5 * (plain + m_factor.ridge * innerProduct(miss, miss));
    out.relativeError = energy > 0.0 ? plain / energy : 0.0;
    return out;
}

Result<void> checkDevice(std::string_view doing)
{
    const std::string error = cuda::takeError();
    if (!error.empty())
        return makeError(Errc::Device, "the CUDA device failed while " + std::string(doing)).butFound(error);
    return {};
}

} // namespace

bool deviceSweepBuilt() noexcept
{
    return true;
}

Result<std::vector<DeviceOutcome>> sweepOnDevice(const std::vector<DeviceLayer>& layers, const SweepFactor& factor,
                                                 const SweepOptions& options, const CancelToken& cancel,
                                                 const std::function<void(SweepPhase)>& finished)
{
    const auto through = [&](SweepPhase phase, std::string_view doing) -> Result<void> {
        cuda::synchronize();
        SA_CHECK(checkDevice(doing));
        if (finished)
            finished(phase);
        return {};
    };
    cuda::useDevice(layers.front().weight.device().index());
    StackedSweep stack(layers, factor, options);
    SA_CHECK(stack.sweep(cancel));
    SA_CHECK(through(SweepPhase::Swept, "sweeping a layer"));
    for (int pass = 0; pass < options.refinements && !factor.dataFree; ++pass)
        SA_CHECK(stack.refine(cancel));
    SA_CHECK(through(SweepPhase::Refined, "refining a layer"));
    std::vector<DeviceOutcome> out;
    for (std::size_t i = 0; i < layers.size(); ++i)
        out.push_back(stack.outcome(i));
    SA_CHECK(through(SweepPhase::Packed, "packing a layer"));
    return out;
}

void waitFor(at::Device device)
{
    if (!device.is_cuda())
        return;
    cuda::useDevice(device.index());
    cuda::synchronize();
}

std::uint64_t freeDeviceBytes(at::Device device)
{
    if (!device.is_cuda())
        return 0;
    cuda::useDevice(device.index());
    return cuda::freeBytes();
}

} // namespace sa
