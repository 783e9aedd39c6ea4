// SPDX-License-Identifier: GPL-3.0-or-later
// Quantized layers that wait to be measured, in a file without a name: they take no memory that the system needs for
// something else, and nothing of them is left behind, however the job ends.
#pragma once

#include "core/base/result.h"
#include "core/checkpoint/packed_weight.h"

#include <map>
#include <string>
#include <utility>

namespace sa
{

class PlaneSpill
{
public:
    /// NoSpace, Permission ...: as the folder has it.
    static Result<PlaneSpill> create(const std::string& folder);
    PlaneSpill(PlaneSpill&& other) noexcept;
    PlaneSpill& operator=(PlaneSpill&&) = delete;
    ~PlaneSpill();

    Result<void> put(std::size_t linear, int bits, const PackedWeight& weight);
    bool has(std::size_t linear, int bits) const { return m_places.contains({linear, bits}); }
    Result<PackedWeight> get(std::size_t linear, int bits) const; ///< Internal when it was never put

private:
    struct Place {
        std::uint64_t offset = 0;
        PackedWeight form; ///< without bits and scales
        std::size_t words = 0, scales = 0;
    };
    PlaneSpill(int fd, std::string folder)
        : m_fd(fd)
        , m_folder(std::move(folder))
    {
    }
    int m_fd;
    std::string m_folder;
    std::uint64_t m_end = 0;
    std::map<std::pair<std::size_t, int>, Place> m_places;
};

} // namespace sa
