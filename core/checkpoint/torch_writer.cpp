// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/torch_writer.h"

#include "core/base/atomic_file.h"

#include <array>
#include <cstring>
#include <string_view>

namespace sa
{

namespace
{

constexpr std::uint64_t kMaxBytes = 0xFFFF'0000; ///< below the numbers that mean zip64, with room for the directory
constexpr std::uint64_t kAlignment = 64;         ///< of values, as PyTorch has it
constexpr std::uint16_t kPaddingField = 0x4246;  ///< "FB"
constexpr std::uint16_t kFirstOf1980 = 0x0021;   ///< the earliest date that the format can say

template<class Number> void append(std::string& out, Number value)
{
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    out.append(bytes, sizeof value);
}

/// CRC-32 of ISO 3309, eight bits at a time.
std::uint32_t crc32(std::string_view bytes)
{
    static const auto table = [] {
        std::array<std::uint32_t, 256> out{};
        for (std::uint32_t i = 0; i < 256; ++i) {
            out[i] = i;
            for (int bit = 0; bit < 8; ++bit)
                out[i] = (out[i] >> 1) ^ ((out[i] & 1) != 0 ? 0xEDB88320u : 0u);
        }
        return out;
    }();
    std::uint32_t sum = 0xFFFFFFFFu;
    for (const char c : bytes)
        sum = table[(sum ^ static_cast<unsigned char>(c)) & 0xFF] ^ (sum >> 8);
    return ~sum;
}

/// The pickle that describes the tensors; storage i belongs to tensor i.
class Description
{
public:
    explicit Description(const std::vector<TorchTensor>& tensors)
        : m_text("\x80\x02}(") // protocol 2, a dictionary, the mark before its items
    {
        for (std::size_t i = 0; i < tensors.size(); ++i) {
            text(tensors[i].name);
            tensor(tensors[i], std::to_string(i));
        }
        m_text += "u.";
    }
    const std::string& bytes() const { return m_text; }

private:
    void text(std::string_view value)
    {
        m_text += 'X';
        append(m_text, static_cast<std::uint32_t>(value.size()));
        m_text += value;
    }
    void integer(std::int64_t value)
    {
        m_text += "\x8a\x08";
        append(m_text, value);
    }
    void global(const char* module, const char* member)
    {
        ((m_text += 'c') += module) += std::string("\n") + member + "\n";
    }
    void tuple(const std::vector<std::int64_t>& values)
    {
        m_text += '(';
        for (const auto value : values)
            integer(value);
        m_text += 't';
    }
    void tensor(const TorchTensor& tensor, const std::string& key)
    {
        global("torch._utils", "_rebuild_tensor_v2");
        m_text += "((";
        text("storage");
        global("torch", tensor.dtype == Dtype::I32 ? "IntStorage" : "FloatStorage");
        text(key);
        text("cpu");
        std::int64_t elements = 1;
        std::vector<std::int64_t> strides(tensor.shape.size());
        for (std::size_t i = tensor.shape.size(); i-- > 0;) {
            strides[i] = elements;
            elements *= tensor.shape[i];
        }
        integer(elements);
        m_text += "tQ";
        integer(0);
        tuple(tensor.shape);
        tuple(strides);
        m_text += '\x89';
        global("collections", "OrderedDict");
        m_text += ")RtR";
    }

    std::string m_text;
};

class ArchiveWriter
{
public:
    explicit ArchiveWriter(AtomicFile file)
        : m_file(std::move(file))
    {
    }

    Result<void> add(const std::string& entryName, std::string_view bytes)
    {
        const std::uint64_t offset = m_written;
        const std::uint64_t fixed = offset + 30 + entryName.size() + 4;
        const auto padding = static_cast<std::uint16_t>((kAlignment - fixed % kAlignment) % kAlignment);
        std::string common; // from "version needed" on, the same in both headers
        append(common, std::uint16_t{20});
        append(common, std::uint16_t{0});
        append(common, std::uint16_t{0});
        append(common, std::uint16_t{0});
        append(common, kFirstOf1980);
        append(common, crc32(bytes));
        append(common, static_cast<std::uint32_t>(bytes.size()));
        append(common, static_cast<std::uint32_t>(bytes.size()));
        append(common, static_cast<std::uint16_t>(entryName.size()));

        std::string local = "PK\x03\x04" + common;
        append(local, static_cast<std::uint16_t>(4 + padding));
        local += entryName;
        append(local, kPaddingField);
        append(local, padding);
        local.append(padding, 'Z');

        m_directory += "PK\x01\x02";
        append(m_directory, std::uint16_t{20});
        m_directory += common;
        append(m_directory, std::uint16_t{0});                   // extra
        append(m_directory, std::uint16_t{0});                   // comment
        append(m_directory, std::uint16_t{0});                   // disk
        append(m_directory, std::uint16_t{0});                   // internal attributes
        append(m_directory, std::uint32_t{0});                   // external attributes
        append(m_directory, static_cast<std::uint32_t>(offset)); // of the local header
        m_directory += entryName;
        ++m_entries;
        SA_CHECK(write(local));
        return write(bytes);
    }

    Result<void> commit()
    {
        const std::uint64_t offset = m_written;
        const std::string directory = m_directory;
        SA_CHECK(write(directory));
        std::string end("PK\x05\x06\0\0\0\0", 8);
        append(end, m_entries);
        append(end, m_entries);
        append(end, static_cast<std::uint32_t>(directory.size()));
        append(end, static_cast<std::uint32_t>(offset));
        append(end, std::uint16_t{0});
        SA_CHECK(write(end));
        return m_file.commit();
    }

private:
    Result<void> write(std::string_view bytes)
    {
        m_written += bytes.size();
        return m_file.write(bytes);
    }

    AtomicFile m_file;
    std::string m_directory;
    std::uint64_t m_written = 0;
    std::uint16_t m_entries = 0;
};

} // namespace

Result<void> writeTorchFile(const std::string& path, const std::string& folder, const std::vector<TorchTensor>& tensors)
{
    std::uint64_t total = 0;
    for (const auto& tensor : tensors) {
        TensorInfo info;
        info.shape = tensor.shape;
        if (tensor.dtype != Dtype::F32 && tensor.dtype != Dtype::I32)
            return makeError(Errc::Internal, "this type is not written to PyTorch files").in(path).at(tensor.name);
        if (static_cast<std::uint64_t>(info.elements()) * static_cast<std::uint64_t>(sizeBytes(tensor.dtype)) !=
            tensor.bytes.size())
            return makeError(Errc::Internal, "a tensor has another size than its shape").in(path).at(tensor.name);
        total += tensor.bytes.size();
    }
    if (total > kMaxBytes)
        return makeError(Errc::Unsupported, "the tensors are too large for one file of this form")
            .in(path)
            .butFound(std::to_string(total) + " bytes")
            .wanted("less than 4 GiB");
    SA_TRY(AtomicFile file, AtomicFile::create(path));
    ArchiveWriter archive(std::move(file));
    SA_CHECK(archive.add(folder + "/data.pkl", Description(tensors).bytes()));
    SA_CHECK(archive.add(folder + "/byteorder", "little"));
    for (std::size_t i = 0; i < tensors.size(); ++i)
        SA_CHECK(archive.add(
            folder + "/data/" + std::to_string(i),
            std::string_view(reinterpret_cast<const char*>(tensors[i].bytes.data()), tensors[i].bytes.size())));
    SA_CHECK(archive.add(folder + "/version", "3\n"));
    return archive.commit();
}

} // namespace sa
