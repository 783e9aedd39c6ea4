// SPDX-License-Identifier: GPL-3.0-or-later
// `bench`: speed of the packed product on weight shapes.
#include "core/bench/shape_bench.h"
#include "core/engine/jobs.h"
#include "core/engine/progress.h"
#include "core/model/tensors.h"

#include <ATen/ATen.h>
#include <charconv>

namespace sa
{

namespace
{

constexpr int kMaxSide = 1 << 20;

/// "28672,8192"
Result<ShapeCase> parseShape(const std::string& text)
{
    const auto wrong = [&] {
        return makeError(Errc::Usage, "this is no shape")
            .at("spec.shapes")
            .butFound(display(text, 60))
            .wanted("rows,columns, such as 4096,11008");
    };
    ShapeCase shape;
    const char* const end = text.data() + text.size();
    const auto [comma, first] = std::from_chars(text.data(), end, shape.N);
    if (first != std::errc() || comma == end || *comma != ',')
        return wrong();
    const auto [rest, second] = std::from_chars(comma + 1, end, shape.K);
    if (second != std::errc() || rest != end || shape.N < 1 || shape.K < 1 || shape.N > kMaxSide || shape.K > kMaxSide)
        return wrong();
    return shape;
}

Json toJson(const Timing& timing)
{
    if (timing.median == 0)
        return nullptr;
    return {{"median_us", timing.median * 1e6}, {"min_us", timing.least * 1e6}, {"max_us", timing.most * 1e6}};
}

Json toJson(const ShapeBenchRow& row, double ceiling)
{
    const double rate = static_cast<double>(row.planeBytes) / row.product.median;
    Json out{{"rows", row.shape.N},
             {"columns", row.shape.K},
             {"bits", row.shape.q},
             {"rows_per_scale", row.shape.R},
             {"columns_per_scale", row.shape.C},
             {"tokens", row.shape.tokens},
             {"path", row.path},
             {"relative_error", row.relativeError},
             {"packed_bytes", row.planeBytes},
             {"scale_bytes", row.scaleBytes},
             {"product", toJson(row.product)},
             {"read", toJson(row.read)},
             {"dense", toJson(row.dense)},
             {"bytes_per_second", rate},
             {"of_ceiling", rate / ceiling},
             {"of_read", row.read.median / row.product.median}};
    out["times_dense"] = row.dense.median > 0 ? Json(row.dense.median / row.product.median) : Json(nullptr);
    return out;
}

/// The matrix-vector product of the BLAS that libtorch was built with.
void denseVectorProduct(const float* weight, const float* x, float* y, int N, int K)
{
    const auto view = [](const float* data, at::IntArrayRef sizes) {
        return at::from_blob(const_cast<float*>(data), sizes, at::kFloat);
    };
    at::Tensor out = at::from_blob(y, {N}, at::kFloat);
    at::mv_out(out, view(weight, {N, K}), view(x, {K}));
}

} // namespace

Result<Json> benchShapes(const BenchSpec& spec, const JobContext& context)
{
    if (spec.shapes.empty())
        return benchModel(spec, context);
    setThreads(spec.threads);
    SA_TRY(const at::Device device, parseDevice(spec.device));
    ShapeBenchRequest request;
    request.repeats = spec.repeats;
    request.seed = spec.seed;
    request.fast = spec.cpuPrecision == "fast";
    for (const auto& text : spec.shapes) {
        SA_TRY(ShapeCase shape, parseShape(text));
        const bool perColumn = spec.geometry == "acc";
        shape.C = perColumn ? 1 : 8;
        shape.R = std::min(shape.N, spec.groupRows.value_or(perColumn ? shape.N : (shape.N + 7) / 8));
        shape.tokens = spec.tokens;
        for (const int bits : spec.bits) {
            shape.q = bits;
            request.cases.push_back(shape);
        }
    }
    ProgressMeter meter(context.emit, "bench", "shapes", static_cast<double>(request.cases.size()));
    const auto progress = [&](int done) { meter.update(done); };
    SA_TRY(const ShapeBench bench,
           device.is_cuda() ? gpuShapeBench(device.index(), request, context.cancel, progress)
                            : cpuShapeBench(request, spec.threads, denseVectorProduct, context.cancel, progress));
    Json rows = Json::array();
    for (const auto& row : bench.rows)
        rows.push_back(toJson(row, bench.readCeiling));
    return Json{{"device", bench.device},
                {"dense", bench.denseName},
                {"read_ceiling", bench.readCeiling},
                {"clock_mhz", bench.clockMHz > 0 ? Json(bench.clockMHz) : Json(nullptr)},
                {"geometry", spec.geometry},
                {"repeats", spec.repeats},
                {"seed", spec.seed},
                {"shapes", rows}};
}

} // namespace sa
