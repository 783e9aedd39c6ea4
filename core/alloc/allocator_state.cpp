// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/alloc/allocator_state.h"

#include <algorithm>
#include <cstdio>

namespace sa
{

const Allocator::State::Option* Allocator::State::Linear::option(int bits) const
{
    const auto at = std::find_if(options.begin(), options.end(), [&](const Option& o) { return o.bits == bits; });
    return at == options.end() ? nullptr : &*at;
}

int Allocator::State::Group::nearest(int bits) const
{
    const auto above = std::lower_bound(widths.begin(), widths.end(), bits);
    return above == widths.end() ? widths.back() : *above;
}

std::uint64_t Allocator::State::bytesOf(const Group& group, int bits) const
{
    std::uint64_t sum = 0;
    for (const std::size_t i : group.members)
        sum += linears[i].option(bits)->bytes;
    return sum;
}

double Allocator::State::costOf(const Group& group, int bits) const
{
    double sum = 0;
    for (const std::size_t i : group.members)
        sum += linears[i].option(bits)->cost.value;
    return sum;
}

void Allocator::State::set(const Group& group, int bits, std::vector<int>& all) const
{
    for (const std::size_t i : group.members)
        all[i] = bits;
}

Allocation Allocator::State::priced(Rule rule, std::vector<int> bits, std::uint64_t budget) const
{
    Allocation out;
    out.rule = rule;
    out.budget = budget;
    for (std::size_t i = 0; i < linears.size(); ++i) {
        const Option& option = *linears[i].option(bits[i]);
        out.bytes += option.bytes;
        out.cost += option.cost.value;
    }
    std::vector<bool> isBroken(linears.size(), false);
    for (const Group& group : groups)
        for (const std::size_t i : group.members)
            isBroken[i] = !linears[i].rule.allows(bits[i]) || bits[i] != bits[group.members.front()];
    for (std::size_t i = 0; i < linears.size(); ++i)
        if (isBroken[i])
            out.breaks.push_back(linears[i].name);
    out.bits = std::move(bits);
    return out;
}

Result<Allocation> Allocator::State::evaluate(Rule rule, const std::vector<int>& bits) const
{
    if (bits.size() != linears.size())
        return makeError(Errc::BadInput, "a plan needs one width for every linear layer")
            .butFound(std::to_string(bits.size()) + " widths")
            .wanted(std::to_string(linears.size()));
    for (std::size_t i = 0; i < bits.size(); ++i) {
        const Option* option = linears[i].option(bits[i]);
        if (option && option->cost.known())
            continue;
        return makeError(Errc::BadInput, option ? "what this width costs is not known" : "there is no such choice")
            .at(linears[i].name)
            .butFound(std::to_string(bits[i]) + " bits");
    }
    return priced(rule, bits, 0);
}

Error Allocator::State::belowFloor(std::uint64_t budget, std::uint64_t floor, const std::string& message) const
{
    const auto text = [&](std::uint64_t bytes) {
        char out[80];
        std::snprintf(out, sizeof out, "%llu bytes (%.4f bits per weight)", static_cast<unsigned long long>(bytes),
                      8.0 * static_cast<double>(bytes) / static_cast<double>(std::max<std::uint64_t>(weights, 1)));
        return std::string(out);
    };
    return makeError(Errc::BadInput, message).butFound(text(budget)).wanted("at least " + text(floor));
}

} // namespace sa
