// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/weight_score.h"

#include "core/base/parallel.h"
#include "core/checkpoint/packed_checkpoint.h"
#include "core/model/tensors.h"
#include "core/quant/bcq.h"

#include <ATen/ATen.h>
#include <algorithm>
#include <cmath>

namespace sa
{

namespace
{

constexpr int kHistogramBins = 64;
/// Groups of weights that are fitted: enough for two digits, few enough for the largest layers.
constexpr std::int64_t kFittedGroups = 24;

const char* inputName(LinearInput input)
{
    constexpr const char* kNames[] = {"attention", "attention_output", "mlp", "mlp_down"};
    return kNames[static_cast<std::size_t>(input)];
}

TensorDetail describe(const at::Tensor& weight)
{
    TensorDetail out;
    const float* values = weight.data_ptr<float>();
    const std::int64_t rows = weight.size(0), columns = weight.size(1);
    struct Row {
        double sum = 0, squares = 0;
        float min = 0, max = 0;
    };
    std::vector<Row> perRow(static_cast<std::size_t>(rows));
    parallelFor(rows, [&](std::int64_t r) {
        Row row{0, 0, values[r * columns], values[r * columns]};
        for (const float* v = values + r * columns; v != values + (r + 1) * columns; ++v) {
            row.sum += *v;
            row.squares += static_cast<double>(*v) * *v;
            row.min = std::min(row.min, *v);
            row.max = std::max(row.max, *v);
        }
        perRow[static_cast<std::size_t>(r)] = row;
    });
    double sum = 0, squares = 0;
    out.min = perRow.front().min;
    out.max = perRow.front().max;
    for (const Row& row : perRow) {
        sum += row.sum;
        squares += row.squares;
        out.min = std::min<double>(out.min, row.min);
        out.max = std::max<double>(out.max, row.max);
    }
    const double count = static_cast<double>(rows) * static_cast<double>(columns);
    out.mean = sum / count;
    out.deviation = std::sqrt(std::max(0.0, squares / count - out.mean * out.mean));

    out.histogram = {out.min, out.max, std::vector<std::uint64_t>(kHistogramBins)};
    const double scale = out.max > out.min ? kHistogramBins / (out.max - out.min) : 0.0;
    std::vector<std::array<std::uint32_t, kHistogramBins>> bins(static_cast<std::size_t>(rows));
    parallelFor(rows, [&](std::int64_t r) {
        auto& mine = bins[static_cast<std::size_t>(r)];
        mine.fill(0);
        for (const float* v = values + r * columns; v != values + (r + 1) * columns; ++v)
            ++mine[static_cast<std::size_t>(
                std::min<int>(kHistogramBins - 1, static_cast<int>((*v - out.min) * scale)))];
    });
    for (const auto& mine : bins)
        for (std::size_t i = 0; i < mine.size(); ++i)
            out.histogram.counts[i] += mine[i];
    return out;
}

double damageByRole(LinearRole role)
{
    switch (role) {
    case LinearRole::Query:
    case LinearRole::Key:
        return 0.25;
    case LinearRole::QueryKeyValue:
        return 0.5;
    case LinearRole::Down:
        return 3.0;
    case LinearRole::Value:
    case LinearRole::Output:
    case LinearRole::Gate:
    case LinearRole::Up:
        break;
    }
    return 1.0;
}

/// About the damage at a relative error of 1 (weight_score.h).
double scoreOf(const ModelFolder& model, const LinearInfo& layer)
{
    constexpr double kWholeModel = 1.5;
    double all = 0;
    for (const auto& other : linearLayers(model.config))
        all += static_cast<double>(other.N) * static_cast<double>(other.K);
    return kWholeModel * damageByRole(layer.role) * static_cast<double>(layer.N) * static_cast<double>(layer.K) / all;
}

/// ||w - w^||^2 / ||w||^2 of the plain fit (algorithm 1) over groups spread evenly over the layer.
double fittedResidual(const at::Tensor& weight, const QuantizerOptions& options, int planes)
{
    const float* values = weight.data_ptr<float>();
    const std::int64_t N = weight.size(0), K = weight.size(1), C = options.columnsPerScale();
    const std::int64_t R = options.rowsPerScale(static_cast<int>(N));
    const std::int64_t rowGroups = (N + R - 1) / R, columnGroups = (K + C - 1) / C, all = rowGroups * columnGroups;
    const std::int64_t count = std::min(kFittedGroups, all);
    std::vector<double> lost(static_cast<std::size_t>(count)), energy(lost.size());
    parallelFor(count, [&](std::int64_t i) {
        const std::int64_t group = i * all / count + all / count / 2;
        const std::int64_t row = group / columnGroups * R, column = group % columnGroups * C;
        std::vector<float> members;
        for (std::int64_t n = row; n < std::min(N, row + R); ++n)
            for (std::int64_t k = column; k < std::min(K, column + C); ++k)
                members.push_back(values[n * K + k]);
        BcqFitter fitter;
        double error = 0;
        fitter.fit(members, {}, {planes, options.rounds, options.apot}, &error);
        lost[static_cast<std::size_t>(i)] = error;
        for (const float v : members)
            energy[static_cast<std::size_t>(i)] += static_cast<double>(v) * v;
    });
    double sumLost = 0, sumEnergy = 0;
    for (std::size_t i = 0; i < lost.size(); ++i) {
        sumLost += lost[i];
        sumEnergy += energy[i];
    }
    return sumEnergy > 0 ? sumLost / sumEnergy : 0.0;
}

} // namespace

std::uint64_t packedBytes(const LinearInfo& layer, const QuantizerOptions& options, int bits, bool rescaled)
{
    PackedLayerInfo packed;
    packed.N = static_cast<int>(layer.N);
    packed.K = static_cast<int>(layer.K);
    packed.q = bits;
    packed.C = options.columnsPerScale();
    packed.R = options.rowsPerScale(packed.N);
    packed.rescaled = rescaled;
    return packed.storedBytes();
}

Result<LinearSensitivity> scoreWeights(const ModelFolder& model, const LinearInfo& layer, const AnalyzeSpec& spec)
{
    SA_TRY(const TensorInfo* tensor, model.store.find(layer.name + ".weight"));
    SA_TRY(const at::Tensor weight, readFloatTensor(model.store, layer.name + ".weight"));
    LinearSensitivity out;
    out.name = layer.name;
    out.projection = layer.projection;
    out.input = inputName(inputOf(layer.role));
    out.block = layer.block;
    out.N = layer.N;
    out.K = layer.K;
    out.detail = describe(weight);
    for (const int bits : spec.bits) {
        const double residual = spec.rotates() ? relativeErrorAt(bits) : fittedResidual(weight, spec, bits);
        // Without rotation few layers are rescaled.
        out.choices.push_back({bits,
                               packedBytes(layer, spec, bits, spec.rescales() && spec.rotates()),
                               {residual, Provenance::Estimated},
                               {}});
    }
    out.choices.push_back({kKeptBits, tensor->sizeBytes, {0.0, Provenance::Measured}, {0.0, Provenance::Measured}});
    out.weightScore = {scoreOf(model, layer), Provenance::Estimated};
    return out;
}

} // namespace sa
