// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/safetensors.h"

#include "core/checkpoint/foreign_format.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <optional>

namespace sa
{

static_assert(std::endian::native == std::endian::little, "tensor data are little-endian and used without swapping");

namespace
{

constexpr std::uint64_t kLengthBytes = 8;
constexpr std::uint64_t kMaxCount = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
constexpr const char* kDownloadAgain = "Download or copy the file again";

constexpr std::array kDtypes{Dtype::F64, Dtype::F32,    Dtype::F16,    Dtype::BF16,   Dtype::I64, Dtype::I32,
                             Dtype::I16, Dtype::I8,     Dtype::U8,     Dtype::Bool,   Dtype::U64, Dtype::U32,
                             Dtype::U16, Dtype::F8E4M3, Dtype::F8E5M2, Dtype::F8E8M0, Dtype::C64};

std::optional<Dtype> dtypeFromName(std::string_view text)
{
    for (const Dtype dtype : kDtypes)
        if (text == name(dtype))
            return dtype;
    return std::nullopt;
}

std::string bytesText(std::uint64_t count)
{
    return std::to_string(count) + " bytes";
}

/// A short form for messages: what a wrong field holds.
std::string foundText(const Json& value)
{
    if (value.is_object())
        return "an object";
    if (value.is_array() && value.size() > 8)
        return "a list of " + std::to_string(value.size()) + " elements";
    return display(json::dump(value), 80);
}

/// The header, checked entry by entry. Paths into the JSON are only spelled out for errors: a header may hold 10^6
/// entries.
class HeaderReader
{
public:
    HeaderReader(std::string path, std::uint64_t dataStart, std::uint64_t fileBytes)
        : m_path(std::move(path))
        , m_dataStart(dataStart)
        , m_fileBytes(fileBytes)
    {
    }

    Result<std::map<std::string, TensorInfo>> tensors(const Json& header) const
    {
        std::map<std::string, TensorInfo> out;
        for (const auto& [key, entry] : header.get_ref<const Json::object_t&>()) {
            if (key == "__metadata__")
                continue;
            SA_TRY(TensorInfo tensor, parseEntry(key, entry));
            out.emplace_hint(out.end(), key, std::move(tensor));
        }
        SA_CHECK(checkCoverage(out));
        return out;
    }

    Result<std::map<std::string, std::string>> metadata(const Json& header) const
    {
        std::map<std::string, std::string> out;
        const auto place = header.find("__metadata__");
        if (place == header.end())
            return out;
        if (!place->is_object())
            return bad("__metadata__", "the metadata is not an object")
                .butFound(foundText(*place))
                .wanted("an object of texts");
        for (const auto& [key, value] : place->get_ref<const Json::object_t&>()) {
            if (!value.is_string())
                return bad("__metadata__." + display(key), "a metadata value is not a text")
                    .butFound(foundText(value))
                    .wanted("a text");
            out.emplace_hint(out.end(), key, value.get_ref<const std::string&>());
        }
        return out;
    }

private:
    Error bad(std::string where, std::string message) const
    {
        return makeError(Errc::BadFormat, std::move(message)).in(m_path).at(std::move(where));
    }
    static std::string field(const std::string& tensor, const char* member)
    {
        return display(tensor, 120) + "." + member;
    }

    Result<const Json*> member(const std::string& tensor, const Json& entry, const char* key) const
    {
        const auto place = entry.find(key);
        if (place == entry.end())
            return bad(field(tensor, key), "a tensor's entry lacks this field").wanted("dtype, shape and data_offsets");
        return &*place;
    }

    Result<TensorInfo> parseEntry(const std::string& key, const Json& entry) const
    {
        if (!entry.is_object())
            return bad(display(key), "a tensor's entry is not an object")
                .butFound(foundText(entry))
                .wanted("an object with dtype, shape and data_offsets");
        TensorInfo tensor;
        tensor.name = key;
        SA_TRY(tensor.dtype, parseDtype(key, entry));
        SA_TRY(const std::uint64_t elementCount, parseShape(key, entry, tensor.shape));
        const auto elementBytes = static_cast<std::uint64_t>(sizeBytes(tensor.dtype));
        if (elementCount > kMaxCount / elementBytes)
            return bad(field(key, "shape"), "the size of this tensor does not fit into 64 bits")
                .butFound(tensor.shapeText());
        tensor.sizeBytes = elementCount * elementBytes;
        SA_CHECK(parseOffsets(entry, tensor));
        return tensor;
    }

    Result<Dtype> parseDtype(const std::string& key, const Json& entry) const
    {
        SA_TRY(const Json* value, member(key, entry, "dtype"));
        if (!value->is_string())
            return bad(field(key, "dtype"), "the type of a tensor is not a text")
                .butFound(foundText(*value))
                .wanted("a type such as \"F16\"");
        const auto& text = value->get_ref<const std::string&>();
        if (const auto dtype = dtypeFromName(text))
            return *dtype;
        for (const char* small : {"F4", "F6_E2M3", "F6_E3M2"})
            if (text == small)
                return makeError(Errc::Unsupported, "the elements of this tensor are smaller than a byte")
                    .in(m_path)
                    .at(field(key, "dtype"))
                    .butFound(text)
                    .wanted("F32, F16 or BF16 weights")
                    .tryThis("Use the original model instead of a quantized one");
        return bad(field(key, "dtype"), "the format has no such type")
            .butFound(foundText(*value))
            .wanted("a type such as F32, F16, BF16 or I32");
    }

    /// Number of elements; the product is checked factor by factor, so that no later code can overflow on it.
    Result<std::uint64_t> parseShape(const std::string& key, const Json& entry, std::vector<std::int64_t>& shape) const
    {
        SA_TRY(const Json* value, member(key, entry, "shape"));
        if (!value->is_array())
            return bad(field(key, "shape"), "the shape of a tensor is not a list")
                .butFound(foundText(*value))
                .wanted("a list of sizes");
        const auto& extents = value->get_ref<const Json::array_t&>();
        if (extents.size() > SafetensorsFile::kMaxRank)
            return bad(field(key, "shape"), "a tensor has too many dimensions")
                .butFound(std::to_string(extents.size()))
                .wanted("at most " + std::to_string(SafetensorsFile::kMaxRank));
        shape.reserve(extents.size());
        std::uint64_t product = 1;
        for (const Json& extent : extents) {
            const auto size = nonNegative(extent);
            if (!size)
                return bad(field(key, "shape"), "a size in a shape is not a non-negative integer")
                    .butFound(foundText(extent))
                    .wanted("0 to 2^63 - 1");
            if (*size != 0 && product > kMaxCount / *size)
                return bad(field(key, "shape"), "the size of this tensor does not fit into 64 bits")
                    .butFound(foundText(*value));
            product *= *size;
            shape.push_back(static_cast<std::int64_t>(*size));
        }
        return product;
    }

    Result<void> parseOffsets(const Json& entry, TensorInfo& tensor) const
    {
        SA_TRY(const Json* value, member(tensor.name, entry, "data_offsets"));
        const auto wrong = [&](std::string message) {
            return bad(field(tensor.name, "data_offsets"), std::move(message)).butFound(foundText(*value));
        };
        if (!value->is_array() || value->size() != 2)
            return wrong("the place of a tensor is not a pair").wanted("[begin, end]");
        const auto begin = nonNegative((*value)[0]);
        const auto end = nonNegative((*value)[1]);
        if (!begin || !end)
            return wrong("a data offset is not a non-negative integer").wanted("0 to 2^63 - 1");
        if (*end < *begin)
            return wrong("a tensor ends before it begins").wanted("[begin, end] with begin <= end");
        if (*end - *begin != tensor.sizeBytes)
            return wrong("the place of a tensor has another size than its type and shape")
                .wanted(bytesText(tensor.sizeBytes) + " for " + name(tensor.dtype) + " " +
                        display(tensor.shapeText(), 80));
        tensor.offset = m_dataStart + *begin; // cannot wrap: both are below 2^63
        return {};
    }

    static std::optional<std::uint64_t> nonNegative(const Json& value)
    {
        if (!value.is_number_unsigned()) // the strict reader stores every non-negative integer as unsigned
            return std::nullopt;
        const auto number = value.get<std::uint64_t>();
        return number <= kMaxCount ? std::optional(number) : std::nullopt;
    }

    /// The tensors must tile the data from the first byte to the last of the file: no hole, no overlap, nothing after.
    Result<void> checkCoverage(const std::map<std::string, TensorInfo>& tensors) const
    {
        std::vector<const TensorInfo*> order;
        order.reserve(tensors.size());
        for (const auto& entry : tensors)
            order.push_back(&entry.second);
        // Empty tensors first among those that begin together: they take no room.
        std::stable_sort(order.begin(), order.end(), [](const TensorInfo* a, const TensorInfo* b) {
            return a->offset != b->offset ? a->offset < b->offset : a->sizeBytes < b->sizeBytes;
        });
        std::uint64_t reached = m_dataStart;
        const TensorInfo* furthest = nullptr;
        for (const TensorInfo* tensor : order)
            if (!furthest || tensor->offset + tensor->sizeBytes > furthest->offset + furthest->sizeBytes)
                furthest = tensor;
        if (furthest && furthest->offset + furthest->sizeBytes > m_fileBytes)
            return bad(field(furthest->name, "data_offsets"), "the file is shorter than its header says")
                .butFound(bytesText(m_fileBytes))
                .wanted(bytesText(furthest->offset + furthest->sizeBytes))
                .tryThis(kDownloadAgain);
        const TensorInfo* previous = nullptr;
        for (const TensorInfo* tensor : order) {
            if (tensor->offset != reached)
                return bad(field(tensor->name, "data_offsets"), tensor->offset < reached
                                                                    ? "two tensors share bytes of the file"
                                                                    : "there is a hole before this tensor")
                    .butFound("begin " + std::to_string(tensor->offset - m_dataStart))
                    .wanted("begin " + std::to_string(reached - m_dataStart) +
                            (previous ? ", the end of " + display(previous->name, 80) : ""));
            reached += tensor->sizeBytes;
            previous = tensor;
        }
        if (reached != m_fileBytes)
            return bad("byte " + std::to_string(reached), "the file goes on after its last tensor")
                .butFound(bytesText(m_fileBytes))
                .wanted(bytesText(reached))
                .tryThis(kDownloadAgain);
        return {};
    }

    std::string m_path;
    std::uint64_t m_dataStart;
    std::uint64_t m_fileBytes;
};

/// The error for a file whose first bytes are no safetensors header: what it is instead, or `otherwise`.
Error notSafetensors(const File& file, Error otherwise)
{
    std::array<char, kSniffBytes> head{};
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(head.size(), file.sizeBytes()));
    if (auto read = file.readAt(0, std::as_writable_bytes(std::span(head).first(count))); !read)
        return std::move(read).error();
    if (auto foreign = recogniseForeignFormat(std::string_view(head.data(), count)))
        return std::move(*foreign).in(file.path());
    return std::move(otherwise).in(file.path());
}

Result<std::string> readHeader(const File& file)
{
    const std::uint64_t size = file.sizeBytes();
    if (size == 0)
        return makeError(Errc::BadFormat, "the file is empty")
            .in(file.path())
            .wanted("a safetensors file")
            .tryThis(kDownloadAgain);
    const auto lengthError = [&](std::string message) {
        return makeError(Errc::BadFormat, std::move(message))
            .at("header length (bytes 0 to 7)")
            .tryThis(kDownloadAgain);
    };
    if (size < kLengthBytes + SafetensorsFile::kMinHeaderBytes)
        return notSafetensors(file,
                              lengthError("the file is too short for a safetensors file")
                                  .butFound(bytesText(size))
                                  .wanted("at least " + bytesText(kLengthBytes + SafetensorsFile::kMinHeaderBytes)));
    std::uint64_t length = 0;
    SA_CHECK(file.readAt(0, std::as_writable_bytes(std::span(&length, 1))));
    if (length < SafetensorsFile::kMinHeaderBytes || length > SafetensorsFile::kMaxHeaderBytes)
        return notSafetensors(file, lengthError("the header length is out of range")
                                        .butFound(bytesText(length))
                                        .wanted(std::to_string(SafetensorsFile::kMinHeaderBytes) + " to " +
                                                bytesText(SafetensorsFile::kMaxHeaderBytes)));
    if (length > size - kLengthBytes)
        return notSafetensors(file, lengthError("the file ends inside its header")
                                        .butFound(bytesText(size))
                                        .wanted("at least " + bytesText(kLengthBytes + length)));
    std::string text(static_cast<std::size_t>(length), '\0');
    SA_CHECK(file.readAt(kLengthBytes, std::as_writable_bytes(std::span(text.data(), text.size()))));
    if (text.front() != '{')
        return notSafetensors(file, makeError(Errc::BadFormat, "the header does not begin with \"{\"")
                                        .at("byte 8")
                                        .butFound("\"" + display(text.substr(0, 16), 40) + "\"")
                                        .tryThis(kDownloadAgain));
    return text;
}

} // namespace

Result<SafetensorsFile> SafetensorsFile::open(const std::string& path)
{
    SA_TRY(File opened, File::open(path));
    SafetensorsFile out(std::move(opened));
    SA_TRY(std::string text, readHeader(out.m_file));
    const std::uint64_t dataStart = kLengthBytes + text.size();
    SA_TRY(const Json header, json::parse(text, path, {.maxBytes = kMaxHeaderBytes, .maxDepth = 64}));
    std::string().swap(text); // up to 100 MB that the parsed form replaces
    const HeaderReader reader(path, dataStart, out.fileBytes());
    SA_TRY(out.m_metadata, reader.metadata(header));
    SA_TRY(out.m_tensors, reader.tensors(header));
    return out;
}

Result<void> SafetensorsFile::readPart(const TensorInfo& tensor, std::uint64_t begin, std::span<std::byte> out) const
{
    SA_CHECK(checkRange(tensor, begin, out.size()));
    auto done = m_file.readAt(tensor.offset + begin, out);
    if (!done)
        return std::move(done).error().at(display(tensor.name));
    return {};
}

} // namespace sa
