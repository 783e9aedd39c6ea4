// SPDX-License-Identifier: GPL-3.0-or-later
// safetensors, read with pread and believed only after every claim was checked against the file: header at most 100 MB,
// checked arithmetic, spans inside the file, disjoint, no holes, nothing after the last byte.
#pragma once

#include "core/base/atomic_file.h"
#include "core/base/file.h"
#include "core/base/json.h"
#include "core/base/sha256.h"
#include "core/checkpoint/tensor_file.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace sa
{

class SafetensorsFile final : public TensorFile
{
public:
    static constexpr std::uint64_t kMinHeaderBytes = 8; ///< "{}" padded as the official writer does
    static constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;
    static constexpr std::size_t kMaxRank = 32; ///< numpy's limit; models use at most 5

    /// BadFormat names the file and the field ("NAME.shape"). Unsupported: a type with elements of less than a byte, or
    /// another format under this name (pickle, ZIP, GGUF).
    static Result<SafetensorsFile> open(const std::string& path);

    const std::string& path() const override { return m_file.path(); }
    std::uint64_t fileBytes() const override { return m_file.sizeBytes(); }
    const std::map<std::string, TensorInfo>& tensors() const override { return m_tensors; }
    const std::map<std::string, std::string>& metadata() const { return m_metadata; }
    Result<void> readPart(const TensorInfo& tensor, std::uint64_t begin, std::span<std::byte> out) const override;

private:
    explicit SafetensorsFile(File file)
        : m_file(std::move(file))
    {
    }
    File m_file;
    std::map<std::string, TensorInfo> m_tensors;
    std::map<std::string, std::string> m_metadata;
};

/// Writes one file in two passes: the declared tensors fix the header, then the data follow in declared order.
/// Deterministic: same declarations and data, same bytes. Data start at a multiple of 64 bytes.
class SafetensorsWriter
{
public:
    struct Declaration {
        std::string name;
        Dtype dtype = Dtype::F32;
        std::vector<std::int64_t> shape;
    };
    static Result<SafetensorsWriter> create(const std::string& path, std::vector<Declaration> tensors,
                                            const std::map<std::string, std::string>& metadata = {{"format", "pt"}});
    /// The next bytes of the declared data; may be called with parts of a tensor, and best with large ones.
    Result<void> write(std::span<const std::byte> bytes);
    /// Internal error when fewer or more bytes were written than declared.
    Result<void> commit();
    std::uint64_t fileBytes() const { return m_headerBytes + m_expected; }
    const std::string& sha256() const { return m_sha256; } ///< of the whole file as it was meant; set by commit()

private:
    SafetensorsWriter(AtomicFile file, std::string path, std::uint64_t headerBytes, std::uint64_t expected);
    AtomicFile m_file;
    std::string m_path;
    std::uint64_t m_headerBytes = 0;
    std::uint64_t m_expected = 0;
    std::uint64_t m_written = 0;
    Sha256 m_digest;
    std::string m_sha256;
};

} // namespace sa
