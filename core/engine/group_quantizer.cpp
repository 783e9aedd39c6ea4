// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/group_quantizer.h"

#include "core/base/parallel.h"
#include "core/model/tensors.h"

#include <ATen/ATen.h>
#include <utility>

namespace sa
{

namespace
{

/// Without rotation a column gets a factor only when it stands out by more than 2^1.5: within a block of columns that
/// share their scales a factor of two more or less is no gain (docs/results.md).
constexpr double kOutlierThreshold = 1.5;

} // namespace

void forEachPiece(at::Device device, std::size_t count, const std::function<void(std::size_t)>& body)
{
    if (!device.is_cpu()) {
        for (std::size_t i = 0; i < count; ++i)
            body(i);
        return;
    }
    parallelFor(static_cast<std::int64_t>(count), [&](std::int64_t i) { body(static_cast<std::size_t>(i)); });
}

at::Tensor inOriginalBasis(at::Tensor levels, const PackedWeight& packed)
{
    if (packed.outputRotation)
        levels = rotateRowsBack(levels.t().contiguous(), *packed.outputRotation).t().contiguous();
    return InputTransform{packed.exponents, packed.inputRotation}.ofQuantized(levels);
}

GroupQuantizer::GroupQuantizer(const QuantizerOptions& options, at::Device device, const CancelToken& cancel)
    : m_options(options)
    , m_device(deviceSweepBuilt() ? device : at::Device(at::kCPU))
    , m_cancel(cancel)
{
}

Result<LinearGroup> GroupQuantizer::read(const ModelFolder& model, int block, LinearInput input,
                                         const std::function<bool(const LinearInfo&)>& wanted) const
{
    LinearGroup group{block, input, {}, {}, true};
    for (const auto& layer : linearLayersReading(model.config, block, input)) {
        if (wanted && !wanted(layer))
            continue;
        SA_TRY(at::Tensor weight, readFloatTensor(model.store, layer.name + ".weight", m_device));
        group.layers.push_back(layer);
        group.weights.push_back(std::move(weight));
    }
    return group;
}

std::uint64_t GroupQuantizer::rotationSeed(const LinearGroup& group, std::size_t matrix) const
{
    constexpr std::uint64_t kGroupsPerBlock = 16, kMatricesPerGroup = 16;
    const auto place =
        (static_cast<std::uint64_t>(group.block) * kGroupsPerBlock + static_cast<std::uint64_t>(group.input)) *
            kMatricesPerGroup +
        matrix;
    return m_options.seed + (place << 20);
}

Result<GroupBasis> GroupQuantizer::basis(const LinearGroup& group, std::optional<HessianAccumulator>& hessian,
                                         std::optional<CrossAccumulator>& cross) const
{
    GroupBasis out;
    std::optional<Result<SweepFactor>> factor;
    forEachPiece(m_device, 1, [&](std::size_t) {
        at::Tensor sum = hessian->matrix().to(m_device);
        hessian.reset();
        const at::Tensor diagonal = sum.diagonal().cpu().contiguous();
        out.inputEnergy.assign(diagonal.data_ptr<double>(), diagonal.data_ptr<double>() + diagonal.numel());
        if (m_options.rescales())
            out.transform.exponents =
                balancingExponents(sum, group.weights, m_options.rotates() ? 0.5 : kOutlierThreshold);
        if (m_options.rescales() && m_options.rotates()) // bytes must be known before the weights are
            out.transform.exponents.resize(static_cast<std::size_t>(group.K()));
        if (m_options.rotates())
            out.transform.rotation = rotationSeed(group, 0);
        const at::Tensor H = out.transform.ofSecondMoment(sum);
        sum.reset();
        factor.emplace(factorize(H, m_options.columnsPerScale(), m_options.damping));
        if (!*factor || (*factor)->dataFree || !cross)
            return;
        at::Tensor moment = cross->matrix().to(m_device);
        cross.reset();
        moment = out.transform.ofSecondMoment(moment);
        out.correction = driftCorrection(moment, H, (*factor)->ridge);
    });
    SA_CHECK(m_cancel.check()); // then there may be no factor
    if (!*factor)
        return std::move(*factor).error().at(group.layers.front().name);
    out.factor = **std::move(factor);
    return out;
}

GroupQuantizer::Target GroupQuantizer::target(LinearGroup& group, const GroupBasis& basis) const
{
    Target out{std::exchange(group.weights, {}), std::vector<std::optional<std::uint64_t>>(group.layers.size())};
    forEachPiece(m_device, group.layers.size(), [&](std::size_t i) {
        at::Tensor& weight = out.weights[i];
        weight = basis.transform.ofWeight(weight);
        if (basis.correction.defined())
            weight = weight + at::mm(weight, basis.correction).mul_(basis.share);
        if (m_options.rotates() && group.rotatesOutputs) {
            out.outputRotations[i] = rotationSeed(group, i + 1);
            weight = rotateRows(weight.t().contiguous(), *out.outputRotations[i]).t().contiguous();
        }
    });
    return out;
}

SweepOptions GroupQuantizer::sweepOptions(const LinearInfo& layer, int planes) const
{
    SweepOptions options;
    options.bcq = {planes, m_options.rounds, m_options.apot};
    options.rowsPerScale = m_options.rowsPerScale(static_cast<int>(layer.N));
    options.columnsPerScale = m_options.columnsPerScale();
    options.weightedFit = m_options.weightedFit;
    options.refinements = m_options.refinementPasses();
    return options;
}

Result<std::vector<SweptLayer>> GroupQuantizer::sweep(const LinearGroup& group, const GroupBasis& basis,
                                                      const Target& target, const std::vector<Task>& tasks,
                                                      const std::function<void(SweepPhase)>& finished) const
{
    SA_TRY(auto outcomes, m_device.is_cpu() ? sweepOnCpu(group, basis, target, tasks, finished)
                                            : sweepOnDevice(group, basis, target, tasks, finished));
    std::vector<SweptLayer> out;
    for (std::size_t i = 0; i < tasks.size(); ++i) {
        const LinearInfo& layer = group.layers[tasks[i].layer];
        PackedWeight& packed = outcomes[i].packed;
        packed.exponents = basis.transform.exponents;
        packed.inputRotation = basis.transform.rotation;
        packed.outputRotation = target.outputRotations[tasks[i].layer];
        at::Tensor dense = outcomes[i].dense;
        if (dense.defined()) {
            dense = inOriginalBasis(dense, packed);
        } else {
            dense = at::empty({layer.N, layer.K}, at::kFloat);
            if (packed.unpack(dense.data_ptr<float>()) != kernels::Status::Ok)
                return makeError(Errc::Internal, "a quantized layer cannot be unpacked").at(layer.name);
        }
        out.push_back({std::move(packed), std::move(dense), outcomes[i].error, outcomes[i].relativeError});
    }
    return out;
}

Result<std::vector<DeviceOutcome>> GroupQuantizer::sweepOnCpu(const LinearGroup& group, const GroupBasis& basis,
                                                              const Target& target, const std::vector<Task>& tasks,
                                                              const std::function<void(SweepPhase)>& finished) const
{
    std::vector<LayerSweep> sweeps;
    std::vector<std::pair<std::size_t, std::int64_t>> pieces;
    for (std::size_t i = 0; i < tasks.size(); ++i) {
        sweeps.emplace_back(target.weights[tasks[i].layer], basis.factor,
                            sweepOptions(group.layers[tasks[i].layer], tasks[i].planes));
        for (std::int64_t piece = 0; piece < sweeps.back().pieces(); ++piece)
            pieces.emplace_back(i, piece);
    }
    parallelFor(static_cast<std::int64_t>(pieces.size()), [&](std::int64_t i) {
        const auto [task, piece] = pieces[static_cast<std::size_t>(i)];
        sweeps[task].runPiece(piece, m_cancel);
    });
    SA_CHECK(m_cancel.check());
    if (finished)
        finished(SweepPhase::Swept);
    std::vector<DeviceOutcome> out;
    for (auto& sweep : sweeps) {
        auto outcome = sweep.finish();
        out.push_back({std::move(outcome.packed), {}, outcome.error, outcome.relativeError});
    }
    return out;
}

/// What is sequential is paid once for all layers of one width.
Result<std::vector<DeviceOutcome>> GroupQuantizer::sweepOnDevice(const LinearGroup& group, const GroupBasis& basis,
                                                                 const Target& target, const std::vector<Task>& tasks,
                                                                 const std::function<void(SweepPhase)>& finished) const
{
    std::vector<DeviceOutcome> out(tasks.size());
    for (int planes = 1; planes <= kMaxPlanes; ++planes) {
        std::vector<DeviceLayer> layers;
        std::vector<std::size_t> places;
        for (std::size_t i = 0; i < tasks.size(); ++i) {
            if (tasks[i].planes != planes)
                continue;
            const LinearInfo& layer = group.layers[tasks[i].layer];
            layers.push_back({target.weights[tasks[i].layer], m_options.rowsPerScale(static_cast<int>(layer.N))});
            places.push_back(i);
        }
        if (layers.empty())
            continue;
        SA_TRY(auto outcomes,
               sa::sweepOnDevice(layers, basis.factor, sweepOptions(group.layers.front(), planes), m_cancel, finished));
        for (std::size_t i = 0; i < places.size(); ++i)
            out[places[i]] = std::move(outcomes[i]);
    }
    return out;
}

} // namespace sa
