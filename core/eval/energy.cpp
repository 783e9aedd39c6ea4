// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/eval/energy.h"

namespace sa
{

namespace
{

/// The reference charges 200 pJ for 16 bits of DRAM with either table (algorithm 8.2).
constexpr double kDramByte = 100.0;
/// One look-up in a table of 256 entries, however wide the entries are (the paper's Table 1).
constexpr double kLookup = 0.37;

} // namespace

Traffic& Traffic::operator+=(const Traffic& other)
{
    weights += other.weights;
    scales += other.scales;
    activations += other.activations;
    cache += other.cache;
    return *this;
}

Cost& Cost::operator+=(const Cost& other)
{
    operations += other.operations;
    bytes += other.bytes;
    return *this;
}

double UnitEnergy::picojoules(const Cost& cost) const
{
    const Operations& n = cost.operations;
    return memoryByte * static_cast<double>(cost.bytes.total()) + multiply * static_cast<double>(n.multiplies) +
           add * static_cast<double>(n.adds) + shift * static_cast<double>(n.shifts) +
           lookup * static_cast<double>(n.lookups);
}

Result<UnitEnergy> unitEnergy(const std::string& table, int arithmeticBits)
{
    const bool wide = arithmeticBits > 16;
    if (table == "paper")
        return wide ? UnitEnergy{kDramByte, 3.7, 1.1, 0.13, kLookup} : UnitEnergy{kDramByte, 0.9, 0.4, 0.057, kLookup};
    if (table == "published") // a shift is an integer add; the reference's 0.15 is for three of 16 bits
        return wide ? UnitEnergy{kDramByte, 3.7, 0.9, 0.1, kLookup} : UnitEnergy{kDramByte, 1.1, 0.4, 0.05, kLookup};
    return makeError(Errc::Usage, "there is no such table of unit energies")
        .at("energy")
        .butFound("\"" + display(table) + "\"")
        .wanted("paper or published");
}

} // namespace sa
