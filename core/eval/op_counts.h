// SPDX-License-Identifier: GPL-3.0-or-later
// The arithmetic of y = W x + c for one token, by kind. Counted exactly: tst_op_counts executes each rule over numbers
// that count. algorithm.md 8.2 lists what the reference counts; docs/decisions/0009-energy-model.md says what differs.
#pragma once

#include "sa/kernels/sign_planes.h"

#include <cstdint>

namespace sa
{

/// A subtraction is an addition; a shift is one exponent add (algorithm 2.2); flipping a sign costs nothing.
struct Operations {
    std::uint64_t multiplies = 0, adds = 0, shifts = 0, lookups = 0;

    Operations& operator+=(const Operations& other);
    friend Operations operator+(Operations a, const Operations& b) { return a += b; }
    friend Operations operator*(std::uint64_t times, const Operations& each)
    {
        return {times * each.multiplies, times * each.adds, times * each.shifts, times * each.lookups};
    }
    bool operator==(const Operations&) const = default;
};

/// Dense W [N,K]: a multiplication per weight; the first product of a row needs no addition.
Operations denseOperations(std::uint64_t N, std::uint64_t K, bool bias);

/// Where a plane's scale is applied: to the activations before tables are built of them (then every plane and row group
/// has tables of its own), or to the sum of what one row looked up under that scale.
enum class ScalePlace { Activations, Lookups };

/// The paper's product over planes: the columns in keys of 8, for each key a table of its 2^8 signed sums (a shorter
/// last key has a smaller one), one look-up for each row, plane and key. A table takes its first entry from the sum of
/// its columns and every other one from a neighbour by adding 2x. `planes` gives the shape, its pointers are not read;
/// `terms` (1..3) are the powers of two of a scale. C == 1 leaves only ScalePlace::Activations.
Operations planesOperations(const kernels::SignPlanes& planes, int terms, bool bias, ScalePlace place);
/// At the place with the fewest additions and shifts.
Operations planesOperations(const kernels::SignPlanes& planes, int terms, bool bias);

/// One rotation of n channels as kernels/rotation.h has it: two additions a butterfly, and a shift for every channel of
/// a window and pair of stages.
Operations rotationOperations(int n);

/// As this program's CPU kernel does it (kernels/README.md): columns in words of 32, tables of 4 columns for each plane
/// and row group, or, where the kernel shares tables, for 128 rows with one multiplication for 8 weights. One thread;
/// the vector units that look up 2 columns at a time or build tables without reusing sums do a few more additions in
/// the tables.
Operations kernelOperations(const kernels::SignPlanes& planes, int terms, bool bias);

} // namespace sa
