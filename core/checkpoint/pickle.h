// SPDX-License-Identifier: GPL-3.0-or-later
// A reader for the part of Python's pickle format that describes tensors. A pickle is a program for a stack machine,
// and the general machine may call anything; this one has a fixed list of instructions and a fixed list of names, and
// calls nothing at all: a call of a permitted function becomes a value that says so. Protocols 2 to 5; instructions as
// in CPython's Lib/pickletools.py.
//
// Permitted names: collections.OrderedDict, torch._utils._rebuild_tensor_v2, torch._utils._rebuild_parameter, and the
// storage types torch.FloatStorage, HalfStorage, BFloat16Storage, DoubleStorage, LongStorage, IntStorage, ShortStorage,
// CharStorage, ByteStorage, BoolStorage, ComplexFloatStorage.
#pragma once

#include "core/base/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sa
{

/// One value. Values refer to others by their index, so that shared and circular ones need no care.
struct PickleValue {
    enum class Kind : std::uint8_t {
        None,
        Bool,       ///< number
        Int,        ///< number
        Float,      ///< not kept: nothing here needs its value
        Text,       ///< text, as it is in the file
        Tuple,      ///< items
        List,       ///< items
        Dict,       ///< items: key, value, key, value, ...; names may repeat
        Global,     ///< text: "torch.FloatStorage"
        Call,       ///< items: the Global, the Tuple of arguments
        Persistent, ///< items: the Tuple that names a storage
    };
    Kind kind = Kind::None;
    std::int64_t number = 0;
    std::string_view text;
    std::vector<std::uint32_t> items;
};

class Pickle
{
public:
    static constexpr std::size_t kMaxBytes = 64u << 20;
    static constexpr std::size_t kMaxValues = 2'000'000; ///< a tensor takes about 20
    static constexpr std::size_t kMaxMarks = 10'000;

    /// Reads one pickle from the begin of `bytes`, which must outlive the result: texts point into them. Unsupported:
    /// an instruction or a name ("posix.system") that is not on the lists. BadFormat: cut, or not well formed. The
    /// errors name the byte; `file` is only used in them.
    static Result<Pickle> parse(std::string_view bytes, const std::string& file);

    const PickleValue& root() const { return m_values[m_root]; }
    const PickleValue& operator[](std::uint32_t index) const { return m_values[index]; }
    std::size_t sizeBytes() const { return m_sizeBytes; } ///< from the first byte to the final instruction, included

private:
    friend class PickleMachine;
    std::vector<PickleValue> m_values;
    std::uint32_t m_root = 0;
    std::size_t m_sizeBytes = 0;
};

/// "a tuple", for messages.
const char* name(PickleValue::Kind kind) noexcept;

} // namespace sa
