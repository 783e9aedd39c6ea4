// SPDX-License-Identifier: GPL-3.0-or-later
// A tensor in a file whose elements do not lie in row-major order: transposed or sliced when it was saved, or ordered
// by another convention. Reading gathers.
//
//     element (i0, i1, ...) is at byte  offset + elementBytes * (i0 * strides[0] + i1 * strides[1] + ...)
#pragma once

#include "core/base/file.h"

#include <optional>
#include <vector>

namespace sa
{

struct StridedView {
    std::uint64_t offset = 0; ///< bytes from the start of the file
    std::uint64_t elementBytes = 1;
    std::vector<std::uint64_t> extents; ///< outermost first
    std::vector<std::uint64_t> strides; ///< in elements

    /// Row-major without gaps: one read gets it.
    bool contiguous() const;
    /// Elements from the first to the last in the file, both included: 0 for an empty view; nothing when it does not
    /// fit 64 bits.
    std::optional<std::uint64_t> span() const;
};

/// Bytes [begin, begin + out.size()) of the view in row-major order; both whole elements (Internal otherwise). The view
/// must lie inside the file. Long runs are read one by one; where elements lie singly, everything between the first and
/// the last one is read into memory at once.
Result<void> readStrided(const File& file, const StridedView& view, std::uint64_t begin, std::span<std::byte> out);

} // namespace sa
