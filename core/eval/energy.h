// SPDX-License-Identifier: GPL-3.0-or-later
// Energy of counted work: bytes from memory times a price, plus operations times a table of unit prices (45 nm).
#pragma once

#include "core/base/result.h"
#include "core/eval/op_counts.h"

#include <string>

namespace sa
{

/// Bytes that come from or go to memory.
struct Traffic {
    std::uint64_t weights = 0;     ///< dense weights, codes, biases, rows of embeddings
    std::uint64_t scales = 0;      ///< of planes
    std::uint64_t activations = 0; ///< read and written
    std::uint64_t cache = 0;       ///< keys and values: read for the past tokens, written for this one

    std::uint64_t total() const { return weights + scales + activations + cache; }
    Traffic& operator+=(const Traffic& other);
    bool operator==(const Traffic&) const = default;
};

struct Cost {
    Operations operations;
    Traffic bytes;

    Cost& operator+=(const Cost& other);
    bool operator==(const Cost&) const = default;
};

/// Prices in picojoules.
struct UnitEnergy {
    double memoryByte = 0;
    double multiply = 0, add = 0, shift = 0, lookup = 0;

    double picojoules(const Cost& cost) const;
};

/// `table` "paper": Table 1 of ShiftAddLLM. "published": the values that the literature quotes for 45 nm (Horowitz,
/// ISSCC 2014) and the reference implementation computes with. `arithmeticBits` 16 or 32: floats of that width, and
/// integer adds of that width for shifts. Usage for another table.
Result<UnitEnergy> unitEnergy(const std::string& table, int arithmeticBits);

} // namespace sa
