// SPDX-License-Identifier: GPL-3.0-or-later
// Allocators and plans that must come about.
#pragma once

#include "core/alloc/allocator.h"
#include "sensitivity_fixture.h"

#include <QtGlobal>

namespace sa
{

inline Allocator made(const Sensitivity& sensitivity, const Constraints& constraints = {})
{
    auto allocator = Allocator::create(sensitivity, constraints);
    if (!allocator)
        qFatal("%s", allocator.error().sentence().c_str());
    return *std::move(allocator);
}

inline Allocation solved(const Result<Allocation>& plan)
{
    if (!plan)
        qFatal("%s", plan.error().sentence().c_str());
    return *plan;
}

inline int bitsOf(const Sensitivity& sensitivity, const Allocation& plan, const std::string& linear)
{
    for (std::size_t i = 0; i < plan.bits.size(); ++i)
        if (sensitivity.linears[i].name == linear)
            return plan.bits[i];
    return -1;
}

inline const std::string kFirstQuery = "model.layers.0.self_attn.q_proj";

} // namespace sa
