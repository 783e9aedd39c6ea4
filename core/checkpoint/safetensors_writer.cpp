// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/safetensors.h"

#include <limits>
#include <set>

namespace sa
{

namespace
{

constexpr std::uint64_t kLengthBytes = 8;
constexpr std::uint64_t kAlignment = 64; // a cache line, and what mapped readers want

Error mistake(const std::string& path, const std::string& tensor, std::string message)
{
    return makeError(Errc::Internal, std::move(message)).in(path).at(display(tensor));
}

Result<std::uint64_t> declaredBytes(const std::string& path, const SafetensorsWriter::Declaration& tensor)
{
    constexpr auto max = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    auto bytes = static_cast<std::uint64_t>(sizeBytes(tensor.dtype));
    if (tensor.shape.size() > SafetensorsFile::kMaxRank)
        return mistake(path, tensor.name, "a declared tensor has too many dimensions");
    for (const std::int64_t extent : tensor.shape) {
        if (extent < 0)
            return mistake(path, tensor.name, "a declared tensor has a negative size");
        if (extent != 0 && bytes > max / static_cast<std::uint64_t>(extent))
            return mistake(path, tensor.name, "a declared tensor is too large");
        bytes *= static_cast<std::uint64_t>(extent);
    }
    return bytes;
}

} // namespace

SafetensorsWriter::SafetensorsWriter(AtomicFile file, std::string path, std::uint64_t headerBytes,
                                     std::uint64_t expected)
    : m_file(std::move(file))
    , m_path(std::move(path))
    , m_headerBytes(headerBytes)
    , m_expected(expected)
{
}

Result<SafetensorsWriter> SafetensorsWriter::create(const std::string& path, std::vector<Declaration> tensors,
                                                    const std::map<std::string, std::string>& metadata)
{
    // Written by hand, because the entries keep the declared order (the order of the data), which a map would sort.
    std::string header = "{";
    if (!metadata.empty())
        header += "\"__metadata__\":" + json::dump(Json(metadata));
    std::set<std::string> seen{"__metadata__"};
    std::uint64_t offset = 0;
    for (const auto& tensor : tensors) {
        if (!seen.insert(tensor.name).second)
            return mistake(path, tensor.name, "two declared tensors have the same name");
        SA_TRY(const std::uint64_t bytes, declaredBytes(path, tensor));
        if (bytes > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) - offset)
            return mistake(path, tensor.name, "the declared tensors are too large together");
        header += header.size() > 1 ? "," : "";
        header += json::dump(Json(tensor.name)) + ":{\"dtype\":\"" + name(tensor.dtype) +
                  "\",\"shape\":" + json::dump(Json(tensor.shape)) + ",\"data_offsets\":[" + std::to_string(offset) +
                  "," + std::to_string(offset + bytes) + "]}";
        offset += bytes;
    }
    header += "}";
    const std::uint64_t unaligned = (kLengthBytes + header.size()) % kAlignment;
    header.append(unaligned == 0 ? 0 : kAlignment - unaligned, ' ');
    if (header.size() > SafetensorsFile::kMaxHeaderBytes)
        return makeError(Errc::Internal, "too many tensors for one safetensors file").in(path);
    // A name that is not UTF-8 would come out changed: what cannot be read back is not written.
    SA_TRY(const Json readBack, json::parse(header, path, {.maxBytes = SafetensorsFile::kMaxHeaderBytes}));
    for (const auto& tensor : tensors)
        if (!readBack.contains(tensor.name))
            return mistake(path, tensor.name, "the name of a declared tensor is not valid UTF-8");

    SA_TRY(AtomicFile file, AtomicFile::create(path));
    SafetensorsWriter writer(std::move(file), path, kLengthBytes + header.size(), offset);
    const std::uint64_t length = header.size();
    const auto lengthBytes = std::as_bytes(std::span(&length, 1));
    SA_CHECK(writer.m_file.write(lengthBytes));
    SA_CHECK(writer.m_file.write(header));
    writer.m_digest.update(lengthBytes);
    writer.m_digest.update(header);
    return writer;
}

Result<void> SafetensorsWriter::write(std::span<const std::byte> bytes)
{
    if (bytes.size() > m_expected - m_written)
        return makeError(Errc::Internal, "more data than declared")
            .in(m_path)
            .wanted(std::to_string(m_expected) + " bytes");
    SA_CHECK(m_file.write(bytes));
    m_digest.update(bytes);
    m_written += bytes.size();
    return {};
}

Result<void> SafetensorsWriter::commit()
{
    if (m_written != m_expected)
        return makeError(Errc::Internal, "less data than declared")
            .in(m_path)
            .butFound(std::to_string(m_written) + " bytes")
            .wanted(std::to_string(m_expected));
    SA_CHECK(m_file.commit());
    m_sha256 = m_digest.hex();
    return {};
}

} // namespace sa
