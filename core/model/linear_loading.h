// SPDX-License-Identifier: GPL-3.0-or-later
// Linears of a model folder, dense or packed, with the body that computes them on a device.
#pragma once

#include "core/model/linear.h"
#include "core/model/model_folder.h"

#include <string_view>

namespace sa
{

/// What packed layers become.
enum class PackedForm {
    Planes,         ///< PlanesLinear, or planes on the device
    FastPlanes,     ///< the same; on the CPU few tokens take tables of 14 bits
    EveryTokenFast, ///< all tokens do: slower where there are many, and what an evaluation of the fast product needs
    Dense,          ///< DenseLinear of what the planes stand for: the very numbers that a quantize job goes on with
};

/// What a job's `cpu_precision` asks for: Planes for "exact", `fast` for "fast".
inline PackedForm planesOf(std::string_view precision, PackedForm fast = PackedForm::FastPlanes)
{
    return precision == "fast" ? fast : PackedForm::Planes;
}

/// Linears that read one input, in order. On a device, packed ones are put together where they can be.
Result<std::vector<std::unique_ptr<Linear>>> readLinears(const ModelFolder& model, const std::vector<LinearInfo>& infos,
                                                         at::Device device, PackedForm form = PackedForm::Planes);

} // namespace sa
