// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/decode_step.h"

namespace sa
{

std::unique_ptr<DecodeStep> DecodeStep::create(std::shared_ptr<const StepModel>, std::vector<KvCache>&,
                                               std::string* why)
{
    if (why)
        *why = "this build has no CUDA";
    return nullptr;
}

} // namespace sa
