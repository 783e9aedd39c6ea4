// SPDX-License-Identifier: GPL-3.0-or-later
// What a file really is that carries the name of a safetensors file but is none.
#pragma once

#include "core/base/error.h"

#include <cstddef>
#include <optional>
#include <string_view>

namespace sa
{

inline constexpr std::size_t kSniffBytes = 512;

/// Looks at the first bytes (at most kSniffBytes are used). Nothing when they say nothing. The error names no file yet.
/// Meant for files that failed as safetensors: a valid header length may look like anything.
std::optional<Error> recogniseForeignFormat(std::string_view firstBytes);

/// How to get safetensors out of a PyTorch checkpoint; shared by everyone who refuses one.
const char* convertPickleRemedy() noexcept;

} // namespace sa
