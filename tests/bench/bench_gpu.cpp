// SPDX-License-Identifier: GPL-3.0-or-later
// The product on a CUDA device with other knobs than those that were found best: bench_gpu
// [quick|tune|ncu|batch|groups].
#include "core/bench/shape_bench.h"

#include <cstdio>
#include <cstring>

namespace
{

using namespace sa;

void show(const char* what, int index, const ShapeBenchRequest& request)
{
    const CancelToken cancel;
    const auto bench = gpuShapeBench(index, request, cancel);
    if (!bench) {
        std::printf("%s: %s (%s)\n", what, bench.error().message.c_str(), bench.error().found.c_str());
        return;
    }
    for (const auto& row : bench->rows) {
        const double bytes = static_cast<double>(row.planeBytes);
        std::printf(
            "%-26s %6dx%-6d q%d R%-5d C%d M%d %-7s %6.1f MB err %.1e | %7.2f us [%.2f %.2f] %6.0f GB/s = %5.1f %% of "
            "%.0f | read %7.2f us, %.2f of it | dense %7.2f us, %.2fx\n",
            what, row.shape.N, row.shape.K, row.shape.q, row.shape.R, row.shape.C, row.shape.tokens, row.path.c_str(),
            bytes / 1e6, row.relativeError, row.product.median * 1e6, row.product.least * 1e6, row.product.most * 1e6,
            bytes / row.product.median / 1e9, 100 * bytes / row.product.median / bench->readCeiling,
            bench->readCeiling / 1e9, row.read.median * 1e6, row.read.median / row.product.median,
            row.dense.median * 1e6, row.dense.median / row.product.median);
    }
    std::fflush(stdout);
}

ShapeCase lat(int N, int K, int q, int tokens = 1)
{
    return {N, K, q, (N + 7) / 8, 8, tokens};
}

} // namespace

int main(int argc, char** argv)
{
    const char* mode = argc > 1 ? argv[1] : "quick";
    const auto is = [mode](const char* text) { return std::strcmp(mode, text) == 0; };
    const std::vector<ShapeCase> large = {lat(57344, 8192, 3), lat(28672, 8192, 3), lat(8192, 28672, 3),
                                          lat(11008, 4096, 3), lat(4096, 4096, 3)};
    ShapeBenchRequest request;
    request.seed = 20261122;
    if (is("quick")) {
        request.cases = large;
        request.cases.push_back({28672, 8192, 3, 28672, 1, 1});
        request.cases.push_back(lat(28672, 8192, 2));
        request.cases.push_back(lat(28672, 8192, 4));
        show("default", 0, request);
    } else if (is("tune")) {
        request.tuning.dense = false;
        request.cases = large;
        for (const bool overlapped : {true, false})
            for (const int prefetch : {0, 4096, 8192}) {
                if (!overlapped && prefetch != 4096)
                    continue;
                request.tuning.overlapped = overlapped;
                request.tuning.prefetchBytes = prefetch;
                char what[64];
                std::snprintf(what, sizeof what, "overlap %d prefetch %5d", overlapped, prefetch);
                show(what, 0, request);
            }
        for (const int slice : {24, 36, 96}) {
            request.tuning = {};
            request.tuning.dense = false;
            request.tuning.sliceChunks = slice;
            char what[64];
            std::snprintf(what, sizeof what, "slice %d", slice);
            show(what, 0, request);
        }
    } else if (is("ncu")) {
        request.tuning.dense = false;
        request.repeats = 1;
        request.cases = {lat(28672, 8192, 3), lat(8192, 28672, 3), lat(4096, 4096, 3)};
        show("profile", 0, request);
    } else if (is("batch")) {
        for (const int tokens : {2, 3, 4, 8})
            request.cases.push_back(lat(28672, 8192, 3, tokens));
        show("batch", 0, request);
    } else {
        request.cases = {{28672, 8192, 3, 16, 8, 1}, {28672, 8192, 3, 32, 8, 1}, {4096, 4096, 3, 16, 8, 1}};
        show("groups", 0, request);
    }
    return 0;
}
