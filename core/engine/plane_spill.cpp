// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/plane_spill.h"

#include "core/base/file.h"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <span>
#include <unistd.h>

namespace sa
{

namespace
{

/// pread or pwrite until all bytes are through.
template<class Byte, class Move>
Result<void> moveAll(std::span<Byte> bytes, std::uint64_t offset, const std::string& folder, const char* doing,
                     const Move& move)
{
    while (!bytes.empty()) {
        const ssize_t moved = move(bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (moved < 0 && errno == EINTR)
            continue;
        if (moved <= 0)
            return systemError(moved < 0 ? errno : EIO, doing, folder);
        bytes = bytes.subspan(static_cast<std::size_t>(moved));
        offset += static_cast<std::uint64_t>(moved);
    }
    return {};
}

} // namespace

Result<PlaneSpill> PlaneSpill::create(const std::string& folder)
{
    std::string path = joinPath(folder, "planes-XXXXXX");
    const int fd = ::mkostemp(path.data(), O_CLOEXEC);
    if (fd < 0)
        return systemError(errno, "create a temporary file in", folder);
    ::unlink(path.c_str());
    return PlaneSpill(fd, folder);
}

PlaneSpill::PlaneSpill(PlaneSpill&& other) noexcept
    : m_fd(std::exchange(other.m_fd, -1))
    , m_folder(std::move(other.m_folder))
    , m_end(other.m_end)
    , m_places(std::move(other.m_places))
{
}

PlaneSpill::~PlaneSpill()
{
    if (m_fd >= 0)
        ::close(m_fd);
}

Result<void> PlaneSpill::put(std::size_t linear, int bits, const PackedWeight& weight)
{
    const auto write = [&](std::span<const std::byte> bytes) {
        const std::uint64_t at = m_end;
        m_end += bytes.size();
        return moveAll(
            bytes, at, m_folder, "write a temporary file in",
            [&](const std::byte* data, std::size_t size, off_t offset) { return ::pwrite(m_fd, data, size, offset); });
    };
    Place place;
    place.offset = m_end;
    place.words = weight.bits.size();
    place.scales = weight.scales.size();
    place.form = {weight.N,
                  weight.K,
                  weight.q,
                  weight.R,
                  weight.C,
                  {},
                  {},
                  weight.exponents,
                  weight.inputRotation,
                  weight.outputRotation};
    SA_CHECK(write(std::as_bytes(std::span(weight.bits))));
    SA_CHECK(write(std::as_bytes(std::span(weight.scales))));
    m_places[{linear, bits}] = std::move(place);
    return {};
}

Result<PackedWeight> PlaneSpill::get(std::size_t linear, int bits) const
{
    const auto found = m_places.find({linear, bits});
    if (found == m_places.end())
        return makeError(Errc::Internal, "a quantized layer was not kept");
    const auto read = [&](std::span<std::byte> bytes, std::uint64_t offset) {
        return moveAll(bytes, offset, m_folder, "read a temporary file in",
                       [&](std::byte* data, std::size_t size, off_t at) { return ::pread(m_fd, data, size, at); });
    };
    const Place& place = found->second;
    PackedWeight out = place.form;
    out.bits.resize(place.words);
    out.scales.resize(place.scales);
    SA_CHECK(read(std::as_writable_bytes(std::span(out.bits)), place.offset));
    SA_CHECK(read(std::as_writable_bytes(std::span(out.scales)), place.offset + place.words * sizeof(out.bits[0])));
    return out;
}

} // namespace sa
