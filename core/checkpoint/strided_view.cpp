// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/strided_view.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>

namespace sa
{

namespace
{

constexpr std::uint64_t kLongRunBytes = 256; ///< from here on a system call costs less than reading what lies between

/// The same elements in the same order with as few dimensions as possible; at least one.
StridedView simplified(const StridedView& view)
{
    StridedView out{view.offset, view.elementBytes, {}, {}};
    for (std::size_t i = 0; i < view.extents.size(); ++i) {
        if (view.extents[i] == 1)
            continue;
        if (!out.extents.empty() && out.strides.back() == view.strides[i] * view.extents[i]) {
            out.extents.back() *= view.extents[i];
            out.strides.back() = view.strides[i];
        } else {
            out.extents.push_back(view.extents[i]);
            out.strides.push_back(view.strides[i]);
        }
    }
    if (out.extents.empty()) {
        out.extents.push_back(1);
        out.strides.push_back(1);
    }
    return out;
}

/// Counts through a view, outermost dimension slowest, and knows where it is in the file.
class Cursor
{
public:
    Cursor(const StridedView& view, std::uint64_t element)
        : m_view(view)
        , m_index(view.extents.size())
    {
        for (std::size_t i = m_index.size(); i-- > 0;) {
            m_index[i] = element % view.extents[i];
            element /= view.extents[i];
            m_place += m_index[i] * view.strides[i];
        }
    }
    std::uint64_t place() const { return m_place; } ///< in elements from the view's first
    std::uint64_t leftInRow() const { return m_view.extents.back() - m_index.back(); }
    void advance(std::uint64_t count) ///< at most leftInRow()
    {
        m_index.back() += count;
        m_place += count * m_view.strides.back();
        for (std::size_t i = m_index.size() - 1; i > 0 && m_index[i] == m_view.extents[i]; --i) {
            m_place -= m_index[i] * m_view.strides[i];
            m_index[i] = 0;
            ++m_index[i - 1];
            m_place += m_view.strides[i - 1];
        }
    }

private:
    const StridedView& m_view;
    std::vector<std::uint64_t> m_index;
    std::uint64_t m_place = 0;
};

Result<void> readRuns(const File& file, const StridedView& view, std::uint64_t first, std::span<std::byte> out)
{
    Cursor cursor(view, first);
    while (!out.empty()) {
        const std::uint64_t count = std::min<std::uint64_t>(cursor.leftInRow(), out.size() / view.elementBytes);
        const auto bytes = static_cast<std::size_t>(count * view.elementBytes);
        SA_CHECK(file.readAt(view.offset + cursor.place() * view.elementBytes, out.first(bytes)));
        out = out.subspan(bytes);
        cursor.advance(count);
    }
    return {};
}

Result<void> readThenGather(const File& file, const StridedView& view, std::uint64_t first, std::span<std::byte> out)
{
    // Only what the touched indices of the outermost dimension cover.
    std::uint64_t inner = 1, innerSpan = 0;
    for (std::size_t i = 1; i < view.extents.size(); ++i) {
        inner *= view.extents[i];
        innerSpan += (view.extents[i] - 1) * view.strides[i];
    }
    const std::uint64_t last = first + out.size() / view.elementBytes - 1;
    const std::uint64_t begin = first / inner * view.strides[0];
    const std::uint64_t end = last / inner * view.strides[0] + innerSpan + 1;
    std::vector<std::byte> covered;
    try {
        covered.resize(static_cast<std::size_t>((end - begin) * view.elementBytes));
    } catch (const std::bad_alloc&) {
        return makeError(Errc::OutOfMemory, "not enough memory to reorder a tensor").in(file.path());
    }
    SA_CHECK(file.readAt(view.offset + begin * view.elementBytes, covered));
    Cursor cursor(view, first);
    for (; !out.empty(); out = out.subspan(view.elementBytes), cursor.advance(1))
        std::memcpy(out.data(), covered.data() + (cursor.place() - begin) * view.elementBytes, view.elementBytes);
    return {};
}

} // namespace

bool StridedView::contiguous() const
{
    std::uint64_t wanted = 1;
    for (std::size_t i = extents.size(); i-- > 0;) {
        if (extents[i] == 0)
            return true;
        if (extents[i] != 1 && strides[i] != wanted)
            return false;
        wanted *= extents[i];
    }
    return true;
}

std::optional<std::uint64_t> StridedView::span() const
{
    constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
    if (std::find(extents.begin(), extents.end(), 0u) != extents.end())
        return 0;
    std::uint64_t last = 0;
    for (std::size_t i = 0; i < extents.size(); ++i) {
        const std::uint64_t steps = extents[i] - 1;
        if (steps != 0 && strides[i] > (most - last - 1) / steps)
            return std::nullopt;
        last += steps * strides[i];
    }
    return last + 1;
}

Result<void> readStrided(const File& file, const StridedView& view, std::uint64_t begin, std::span<std::byte> out)
{
    if (out.empty())
        return {};
    if (begin % view.elementBytes != 0 || out.size() % view.elementBytes != 0)
        return makeError(Errc::Internal, "a gathered tensor is read by parts of elements").in(file.path());
    const StridedView simple = simplified(view);
    const std::uint64_t first = begin / view.elementBytes;
    const bool longRuns = simple.strides.back() == 1 && simple.extents.back() * view.elementBytes >= kLongRunBytes;
    return longRuns ? readRuns(file, simple, first, out) : readThenGather(file, simple, first, out);
}

} // namespace sa
