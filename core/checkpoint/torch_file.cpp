// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/torch_file.h"

#include "core/checkpoint/foreign_format.h"
#include "core/checkpoint/pickle.h"
#include "core/checkpoint/zip_archive.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

namespace sa
{

namespace
{

using Kind = PickleValue::Kind;

constexpr std::uint64_t kMaxCount = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
constexpr const char* kDescription = "data.pkl";
constexpr const char* kDownloadAgain = "Download or copy the file again";

struct StorageType {
    std::string_view name;
    Dtype dtype;
};
constexpr StorageType kStorageTypes[] = {{"torch.FloatStorage", Dtype::F32},       {"torch.HalfStorage", Dtype::F16},
                                         {"torch.BFloat16Storage", Dtype::BF16},   {"torch.DoubleStorage", Dtype::F64},
                                         {"torch.LongStorage", Dtype::I64},        {"torch.IntStorage", Dtype::I32},
                                         {"torch.ShortStorage", Dtype::I16},       {"torch.CharStorage", Dtype::I8},
                                         {"torch.ByteStorage", Dtype::U8},         {"torch.BoolStorage", Dtype::Bool},
                                         {"torch.ComplexFloatStorage", Dtype::C64}};

/// Values of one type that lie in a row.
struct Storage {
    std::uint64_t offset = 0; ///< from the start of the file
    Dtype dtype = Dtype::F32;
    std::uint64_t count = 0;
};

bool isTuple(const PickleValue& value, std::size_t least, std::size_t most)
{
    return value.kind == Kind::Tuple && value.items.size() >= least && value.items.size() <= most;
}

} // namespace

/// Fills one TorchFile; lives for one open().
class TorchFileReader
{
public:
    explicit TorchFileReader(TorchFile& out)
        : m_out(out)
    {
    }

    Result<void> run()
    {
        SA_CHECK(checkForeign());
        SA_TRY(m_archive, ZipArchive::open(m_out.m_file));
        SA_TRY(m_folder, findFolder());
        SA_CHECK(checkByteOrder());
        SA_TRY(const std::string text, readEntry(m_folder + kDescription, Pickle::kMaxBytes));
        SA_TRY(const Pickle pickle, Pickle::parse(text, m_out.path()));
        if (pickle.sizeBytes() != text.size())
            return bad("the description goes on after its end").at(m_folder + kDescription);
        return readTensors(pickle);
    }

private:
    Error bad(std::string message) const { return makeError(Errc::BadFormat, std::move(message)).in(m_out.path()); }
    Error badTensor(const std::string& tensor, std::string message) const
    {
        return bad(std::move(message)).at(display(tensor, 120));
    }

    Result<void> checkForeign() const
    {
        std::array<char, kSniffBytes> head{};
        const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(head.size(), m_out.fileBytes()));
        if (count == 0)
            return bad("the file is empty").wanted("a PyTorch checkpoint").tryThis(kDownloadAgain);
        SA_CHECK(m_out.m_file.readAt(0, std::as_writable_bytes(std::span(head).first(count))));
        const std::string_view text(head.data(), count);
        if (text.starts_with("PK\x03\x04"))
            return {};
        if (isOldTorchFile(text))
            return makeError(Errc::Unsupported, "this is a PyTorch checkpoint of the form before version 1.6")
                .in(m_out.path())
                .wanted("a ZIP archive, as torch.save writes it since then, or safetensors")
                .tryThis(convertPickleRemedy());
        if (auto foreign = recogniseForeignFormat(text)) {
            foreign->expected = "a PyTorch checkpoint";
            return std::move(*foreign).in(m_out.path());
        }
        return bad("this is not a PyTorch checkpoint")
            .butFound("\"" + display(std::string(text.substr(0, 16)), 40) + "\"")
            .wanted("a ZIP archive")
            .tryThis(kDownloadAgain);
    }

    /// A row of pickles that begins with a magic number, or (before 0.4) a tar archive.
    static bool isOldTorchFile(std::string_view head)
    {
        constexpr std::string_view magic("\x8a\x0al\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 12);
        return (head.size() > 2 && head[0] == '\x80' && head.substr(2).starts_with(magic)) ||
               (head.size() > 262 && head.substr(257, 5) == "ustar");
    }

    /// The one folder with a description, with its slash.
    Result<std::string> findFolder() const
    {
        std::optional<std::string> found;
        for (const auto& [entry, ignored] : m_archive.entries()) {
            const auto slash = entry.find('/');
            if (slash == std::string::npos || entry.substr(slash + 1) != kDescription)
                continue;
            if (found)
                return bad("the archive holds two checkpoints").butFound(display(*found) + " and " + display(entry));
            found = entry.substr(0, slash + 1);
        }
        if (!found)
            return bad("the archive holds no description of tensors")
                .butFound(std::to_string(m_archive.entries().size()) + " entries")
                .wanted("FOLDER/data.pkl")
                .tryThis("This may be an archive of another program: unpack it, or get the model's own files");
        if (m_archive.entries().count(*found + "constants.pkl") != 0)
            return makeError(Errc::Unsupported, "this is a TorchScript program, not a checkpoint")
                .in(m_out.path())
                .tryThis("Use the weights that it was made from");
        return *found;
    }

    Result<void> checkByteOrder() const
    {
        if (m_archive.entries().count(m_folder + "byteorder") == 0)
            return {};
        SA_TRY(const std::string order, readEntry(m_folder + "byteorder", 64));
        if (order == "little")
            return {};
        return makeError(order == "big" ? Errc::Unsupported : Errc::BadFormat, "the values have another byte order")
            .in(m_out.path())
            .at(m_folder + "byteorder")
            .butFound("\"" + display(order, 40) + "\"")
            .wanted("\"little\"");
    }

    Result<const ZipArchive::Entry*> storedEntry(const std::string& entryName) const
    {
        const auto place = m_archive.entries().find(entryName);
        if (place == m_archive.entries().end())
            return bad("the archive lacks an entry that its description names")
                .at(display(entryName))
                .tryThis(kDownloadAgain);
        if (!place->second.stored)
            return makeError(Errc::Unsupported, "an entry of the archive is compressed")
                .in(m_out.path())
                .at(display(entryName))
                .wanted("entries as torch.save stores them")
                .tryThis("The archive was packed again by another program: get the original file");
        return &place->second;
    }

    Result<std::string> readEntry(const std::string& entryName, std::uint64_t maxBytes) const
    {
        SA_TRY(const ZipArchive::Entry* entry, storedEntry(entryName));
        if (entry->sizeBytes > maxBytes)
            return bad("an entry of the archive is larger than it may be")
                .at(display(entryName))
                .butFound(std::to_string(entry->sizeBytes) + " bytes")
                .wanted("at most " + std::to_string(maxBytes));
        std::string text(static_cast<std::size_t>(entry->sizeBytes), '\0');
        SA_CHECK(m_out.m_file.readAt(entry->offset, std::as_writable_bytes(std::span(text.data(), text.size()))));
        return text;
    }

    Result<void> readTensors(const Pickle& pickle)
    {
        const PickleValue& root = pickle.root();
        if (root.kind != Kind::Dict)
            return bad("the checkpoint is not a dictionary of tensors").butFound(name(root.kind));
        std::vector<std::string> others;
        for (std::size_t i = 0; i + 1 < root.items.size(); i += 2) {
            const PickleValue& key = pickle[root.items[i]];
            const PickleValue& value = pickle[root.items[i + 1]];
            if (key.kind != Kind::Text)
                return bad("a tensor's name is not a text").butFound(name(key.kind));
            const std::string tensorName(key.text);
            if (value.kind != Kind::Call) {
                others.push_back(tensorName);
                continue;
            }
            if (m_out.m_tensors.count(tensorName) != 0)
                return badTensor(tensorName, "the checkpoint names a tensor twice");
            SA_CHECK(readParameter(pickle, tensorName, value));
        }
        if (m_out.m_tensors.empty() && !others.empty())
            return makeError(Errc::Unsupported, "the checkpoint is not a flat dictionary of tensors")
                .in(m_out.path())
                .butFound("\"" + display(others.front(), 60) + "\" and " + std::to_string(others.size() - 1) + " more")
                .tryThis("This may be a training state: save the model alone with save_pretrained");
        if (!others.empty())
            m_out.m_warnings.push_back(std::to_string(others.size()) +
                                       " entries that are no tensors are ignored, as \"" + display(others.front(), 60) +
                                       "\"");
        return {};
    }

    /// A parameter is a tensor in one more call.
    Result<void> readParameter(const Pickle& pickle, const std::string& tensorName, const PickleValue& call)
    {
        const PickleValue& function = pickle[call.items[0]];
        const PickleValue& arguments = pickle[call.items[1]];
        if (function.text != "torch._utils._rebuild_parameter")
            return readTensor(pickle, tensorName, arguments);
        // (tensor, requires_grad, backward_hooks)
        if (!isTuple(arguments, 3, 3) || pickle[arguments.items[0]].kind != Kind::Call)
            return badTensor(tensorName, "a parameter is not made from a tensor");
        const PickleValue& inner = pickle[arguments.items[0]];
        if (pickle[inner.items[0]].text == function.text)
            return badTensor(tensorName, "a parameter is made from a parameter");
        return readTensor(pickle, tensorName, pickle[inner.items[1]]);
    }

    /// (storage, storage_offset, size, stride, requires_grad, backward_hooks[, metadata]); the last three do not
    /// matter.
    Result<void> readTensor(const Pickle& pickle, const std::string& tensorName, const PickleValue& arguments)
    {
        if (!isTuple(arguments, 6, 7) || pickle[arguments.items[0]].kind != Kind::Persistent)
            return badTensor(tensorName, "a tensor is not described by a storage, an offset, a size and strides");
        SA_TRY(const Storage storage, readStorage(pickle, tensorName, pickle[pickle[arguments.items[0]].items[0]]));
        SA_TRY(const std::uint64_t first, count(tensorName, "offset", pickle[arguments.items[1]]));
        TensorInfo tensor;
        tensor.name = tensorName;
        tensor.dtype = storage.dtype;
        StridedView view;
        view.elementBytes = static_cast<std::uint64_t>(sizeBytes(storage.dtype));
        SA_TRY(view.extents, counts(pickle, tensorName, "size", pickle[arguments.items[2]]));
        SA_TRY(view.strides, counts(pickle, tensorName, "stride", pickle[arguments.items[3]]));
        if (view.extents.size() != view.strides.size())
            return badTensor(tensorName, "a tensor has not as many strides as dimensions")
                .butFound(std::to_string(view.strides.size()))
                .wanted(std::to_string(view.extents.size()));
        SA_TRY(const std::uint64_t elements, checkInside(tensorName, view, first, storage.count));
        view.offset = storage.offset + first * view.elementBytes;
        tensor.offset = view.offset;
        tensor.sizeBytes = elements * view.elementBytes;
        for (const std::uint64_t extent : view.extents)
            tensor.shape.push_back(static_cast<std::int64_t>(extent));
        if (!view.contiguous())
            m_out.m_views.emplace(tensorName, std::move(view));
        m_out.m_tensors.emplace(tensorName, std::move(tensor));
        return {};
    }

    /// Number of elements of a tensor that lies inside its storage. All arithmetic is checked before it is done.
    Result<std::uint64_t> checkInside(const std::string& tensorName, const StridedView& view, std::uint64_t first,
                                      std::uint64_t available) const
    {
        std::uint64_t elements = 1;
        for (const std::uint64_t extent : view.extents) {
            if (extent != 0 && elements > kMaxCount / extent)
                return badTensor(tensorName, "the size of this tensor does not fit into 64 bits");
            elements *= extent;
        }
        const auto span = view.span();
        if (!span || first > available || *span > available - first)
            return badTensor(tensorName, "a tensor goes past the end of its storage")
                .butFound("element " + std::to_string(first) + (span ? " + " + std::to_string(*span) : ", strided"))
                .wanted("at most " + std::to_string(available) + " elements")
                .tryThis(kDownloadAgain);
        // An expanded tensor: small in the file, as large as it likes in memory.
        for (std::size_t i = 0; i < view.extents.size(); ++i)
            if (elements > *span || (elements > 0 && view.extents[i] > 1 && view.strides[i] == 0))
                return makeError(Errc::Unsupported, "the elements of a tensor share their places in the file")
                    .in(m_out.path())
                    .at(display(tensorName, 120))
                    .tryThis("Save the model again with contiguous tensors");
        return elements;
    }

    Result<std::uint64_t> count(const std::string& tensorName, const char* what, const PickleValue& value) const
    {
        if (value.kind != Kind::Int || value.number < 0)
            return badTensor(tensorName, std::string("the ") + what + " of a tensor is not a non-negative integer")
                .butFound(value.kind == Kind::Int ? std::to_string(value.number) : name(value.kind));
        return static_cast<std::uint64_t>(value.number);
    }
    Result<std::vector<std::uint64_t>> counts(const Pickle& pickle, const std::string& tensorName, const char* what,
                                              const PickleValue& value) const
    {
        if (!isTuple(value, 0, TorchFile::kMaxRank))
            return badTensor(tensorName, std::string("the ") + what + " of a tensor is not a tuple of a few integers")
                .butFound(name(value.kind) + std::string(" of ") + std::to_string(value.items.size()))
                .wanted("a tuple of at most " + std::to_string(TorchFile::kMaxRank));
        std::vector<std::uint64_t> out;
        for (const std::uint32_t item : value.items) {
            SA_TRY(const std::uint64_t number, count(tensorName, what, pickle[item]));
            out.push_back(number);
        }
        return out;
    }

    /// ("storage", type, key, device, count): the entry KEY of the archive, which must have exactly that size.
    Result<Storage> readStorage(const Pickle& pickle, const std::string& tensorName, const PickleValue& id)
    {
        if (!isTuple(id, 5, 5) || pickle[id.items[0]].kind != Kind::Text || pickle[id.items[0]].text != "storage" ||
            pickle[id.items[2]].kind != Kind::Text || pickle[id.items[3]].kind != Kind::Text)
            return badTensor(tensorName, "the storage of a tensor is not described as PyTorch does")
                .wanted("(\"storage\", type, key, device, count)");
        const PickleValue& typeName = pickle[id.items[1]];
        const auto* type = std::find_if(std::begin(kStorageTypes), std::end(kStorageTypes), [&](const auto& entry) {
            return typeName.kind == Kind::Global && typeName.text == entry.name;
        });
        if (type == std::end(kStorageTypes))
            return badTensor(tensorName, "the storage of a tensor has no type of number").butFound(name(typeName.kind));
        SA_TRY(const std::uint64_t available, count(tensorName, "storage", pickle[id.items[4]]));
        const std::string key(pickle[id.items[2]].text);
        const auto known = m_storages.find(key);
        if (known != m_storages.end()) {
            if (known->second.dtype != type->dtype || known->second.count != available)
                return badTensor(tensorName, "one storage is described in two ways")
                    .butFound("storage " + display(key));
            return known->second;
        }
        SA_TRY(const ZipArchive::Entry* entry, storedEntry(m_folder + "data/" + key));
        const auto elementBytes = static_cast<std::uint64_t>(sizeBytes(type->dtype));
        if (available > kMaxCount / elementBytes || entry->sizeBytes != available * elementBytes)
            return badTensor(tensorName, "the storage of a tensor has another size than its description says")
                .butFound(std::to_string(entry->sizeBytes) + " bytes in " + display(m_folder + "data/" + key, 80))
                .wanted(std::to_string(available) + " elements of " + std::to_string(elementBytes) + " bytes")
                .tryThis(kDownloadAgain);
        const Storage storage{entry->offset, type->dtype, available};
        m_storages.emplace(key, storage);
        return storage;
    }

    TorchFile& m_out;
    ZipArchive m_archive;
    std::string m_folder;
    std::map<std::string, Storage> m_storages;
};

Result<TorchFile> TorchFile::open(const std::string& path)
{
    SA_TRY(File opened, File::open(path));
    TorchFile out(std::move(opened));
    SA_CHECK(TorchFileReader(out).run());
    return out;
}

Result<void> TorchFile::readPart(const TensorInfo& tensor, std::uint64_t begin, std::span<std::byte> out) const
{
    SA_CHECK(checkRange(tensor, begin, out.size()));
    const auto view = m_views.find(tensor.name);
    auto done = view == m_views.end() ? m_file.readAt(tensor.offset + begin, out)
                                      : readStrided(m_file, view->second, begin, out);
    if (!done)
        return std::move(done).error().at(display(tensor.name));
    return {};
}

} // namespace sa
