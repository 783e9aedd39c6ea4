// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/cockpit/budget_units.h"

#include <cmath>

namespace sa::ui
{

namespace
{

std::uint64_t wholeBytes(double bytes)
{
    return bytes > 0 && bytes < 9e18 ? static_cast<std::uint64_t>(bytes) : 0;
}

} // namespace

double BudgetUnits::bitsPerWeight(std::uint64_t bytes) const
{
    return weights > 0 ? 8.0 * static_cast<double>(bytes) / static_cast<double>(weights) : 0;
}

double BudgetUnits::cacheBytes() const
{
    return traffic && traffic->context > 0 ? traffic->cacheBytes * context / traffic->context : 0;
}

std::optional<double> BudgetUnits::memoryBytes(std::uint64_t bytes) const
{
    if (!traffic || context <= 0)
        return {};
    return static_cast<double>(fileBytes(bytes)) + cacheBytes();
}

std::optional<double> BudgetUnits::tokensPerSecond(std::uint64_t bytes) const
{
    if (!traffic || !speed || !(speed->bytesPerSecond > 0))
        return {};
    return speed->bytesPerSecond / (static_cast<double>(bytes) + traffic->otherBytes);
}

std::uint64_t BudgetUnits::fromBitsPerWeight(double bits) const
{
    return wholeBytes(bits * static_cast<double>(weights) / 8);
}

std::uint64_t BudgetUnits::fromFileBytes(double file) const
{
    return wholeBytes(file - static_cast<double>(otherBytes));
}

std::uint64_t BudgetUnits::fromMemoryBytes(double memory) const
{
    return wholeBytes(memory - cacheBytes() - static_cast<double>(otherBytes));
}

std::uint64_t BudgetUnits::fromTokensPerSecond(double rate) const
{
    if (!traffic || !speed || !(rate > 0))
        return 0;
    return wholeBytes(speed->bytesPerSecond / rate - traffic->otherBytes);
}

} // namespace sa::ui
