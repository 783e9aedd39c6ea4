// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/bench/shape_bench.h"

namespace sa
{

Result<ShapeBench> gpuShapeBench(int, const ShapeBenchRequest&, const CancelToken&, const std::function<void(int)>&)
{
    return makeError(Errc::Unsupported, "this build cannot use CUDA devices")
        .at("device")
        .wanted("cpu")
        .tryThis("Build with CUDA's compiler and a libtorch that has CUDA");
}

} // namespace sa
