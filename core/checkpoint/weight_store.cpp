// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/weight_store.h"

#include "core/base/json.h"
#include "core/checkpoint/companion_files.h"
#include "core/checkpoint/folder_link.h"
#include "core/checkpoint/foreign_format.h"
#include "core/checkpoint/llama2c.h"
#include "core/checkpoint/name_list.h"
#include "core/checkpoint/safetensors.h"
#include "core/checkpoint/torch_file.h"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <set>

namespace fs = std::filesystem;

namespace sa
{

namespace
{

/// One way to name and to store the weights of a folder.
struct Layout {
    const char* index;
    const char* single;
    const char* suffix; ///< of a shard
    const char* shardWanted;
    Result<std::shared_ptr<const TensorFile>> (*open)(const std::string& path);
};

template<class Kind> Result<std::shared_ptr<const TensorFile>> openAs(const std::string& path)
{
    auto opened = Kind::open(path);
    if (!opened)
        return std::move(opened).error();
    return std::shared_ptr<const TensorFile>(std::make_shared<const Kind>(*std::move(opened)));
}

constexpr Layout kSafetensors{"model.safetensors.index.json", "model.safetensors", ".safetensors",
                              "the name of a .safetensors file in the same folder", openAs<SafetensorsFile>};
constexpr Layout kTorch{"pytorch_model.bin.index.json", "pytorch_model.bin", ".bin",
                        "the name of a .bin file in the same folder", openAs<TorchFile>};
constexpr std::uint64_t kPieceBytes = 4u << 20;
constexpr std::size_t kNamesShown = 4;

bool endsWith(const std::string& text, std::string_view suffix)
{
    return text.size() >= suffix.size() && text.compare(text.size() - suffix.size(), suffix.size(), suffix) == 0;
}

bool isPickleName(const std::string& fileName)
{
    for (const char* suffix : {".bin", ".pt", ".pth", ".ckpt", ".pkl"})
        if (endsWith(fileName, suffix))
            return true;
    return false;
}

/// Other files that training leaves behind under the endings of weights.
bool isTrainingState(const std::string& fileName)
{
    for (const char* stem : {"training_args", "optimizer", "scheduler", "rng_state", "scaler", "trainer_state"})
        if (fileName.rfind(stem, 0) == 0)
            return true;
    return false;
}

/// Why `fileName` cannot be a shard of this folder; empty when it can.
std::string shardNameProblem(const std::string& fileName, const Layout& layout)
{
    if (fileName.empty())
        return "the name of a shard is empty";
    if (fileName.size() > 255)
        return "the name of a shard is longer than a file name can be";
    for (const char c : fileName)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
            return "the name of a shard contains a control character";
    if (fileName.find_first_of("/\\:") != std::string::npos || fileName == "." || fileName == "..")
        return "the name of a shard is a path, not a plain file name";
    if (!endsWith(fileName, layout.suffix))
        return "a shard is not a " + std::string(layout.suffix) + " file";
    return {};
}

} // namespace

/// Collects what a store needs; lives for one open().
class WeightStoreOpener
{
public:
    explicit WeightStoreOpener(const std::string& folder) { m_store.m_folder = folder; }

    Result<WeightStore> run()
    {
        SA_CHECK(list());
        SA_TRY(const Layout* layout, choose());
        SA_CHECK(layout ? (has(layout->index) ? openIndexed(*layout) : openSingle(*layout)) : openLlama2c());
        warnStrays(layout);
        return std::move(m_store);
    }

    Result<WeightStore> runOn(const std::vector<std::string>& shards)
    {
        for (const auto& shard : shards) {
            SA_TRY(const TensorFile* file, openFile(shard, kSafetensors.open));
            for (const auto& [tensorName, tensor] : file->tensors())
                if (!m_store.m_index
                         .emplace(tensorName, WeightStore::Place{m_store.m_files.size() - 1, &tensor, tensor})
                         .second)
                    return makeError(Errc::Internal, "two shards hold the same tensor")
                        .in(file->path())
                        .at(display(tensorName));
        }
        return std::move(m_store);
    }

private:
    bool has(const std::string& fileName) const { return m_entries.count(fileName) != 0; }
    /// Null: no file has a name that weights have.
    Result<const Layout*> choose() const
    {
        if (has(kSafetensors.index) || has(kSafetensors.single))
            return &kSafetensors;
        for (const auto& fileName : m_entries) // a download without its index, which better not end in other weights
            if (fileName.rfind("model-", 0) == 0 && endsWith(fileName, kSafetensors.suffix))
                return noWeights();
        return has(kTorch.index) || has(kTorch.single) ? &kTorch : nullptr;
    }

    std::string pathOf(const std::string& fileName) const { return joinPath(m_store.m_folder, fileName); }
    void warn(std::string text) { m_store.m_warnings.push_back(std::move(text)); }

    Result<void> list()
    {
        const std::string& folder = m_store.m_folder;
        std::error_code failed;
        const auto status = fs::status(folder, failed);
        if (!fs::exists(status))
            return makeError(Errc::NotFound, "there is no such folder").in(folder);
        if (!fs::is_directory(status))
            return makeError(Errc::BadInput, "this is a file, not a model folder")
                .in(folder)
                .tryThis("Give the folder that holds config.json and the weights");
        fs::directory_iterator entry(folder, failed);
        for (; !failed && entry != fs::directory_iterator(); entry.increment(failed)) {
            std::string fileName = entry->path().filename().string();
            if (fileName == kSafetensors.index || fileName == kTorch.index || endsWith(fileName, ".safetensors") ||
                endsWith(fileName, ".gguf") ||
                (isPickleName(fileName) && !isTrainingState(fileName) && !isTokenizerBin(fileName)))
                m_entries.insert(std::move(fileName));
        }
        if (failed)
            return systemError(failed.value(), "list the folder", folder);
        return {};
    }

    Result<void> openSingle(const Layout& layout)
    {
        SA_TRY(const TensorFile* file, openFile(layout.single, layout.open));
        return addAll(*file);
    }

    Result<void> openLlama2c()
    {
        SA_TRY(const auto fileName, findLlama2c(m_store.m_folder));
        if (!fileName)
            return noWeights();
        SA_TRY(const TensorFile* file, openFile(*fileName, openAs<Llama2cFile>));
        return addAll(*file);
    }

    Result<void> addAll(const TensorFile& file)
    {
        if (file.tensors().empty())
            return makeError(Errc::BadFormat, "the weight file holds no tensors")
                .in(file.path())
                .tryThis("Download the file again");
        for (const auto& [tensorName, tensor] : file.tensors())
            m_store.m_index.emplace_hint(m_store.m_index.end(), tensorName, WeightStore::Place{0, &tensor, tensor});
        return {};
    }

    Error noWeights() const
    {
        std::vector<std::string> shards, pickles, ggufs;
        for (const auto& fileName : m_entries)
            (isPickleName(fileName)                    ? pickles
             : endsWith(fileName, kSafetensors.suffix) ? shards
                                                       : ggufs)
                .push_back(fileName);
        const std::string wanted = std::string(kSafetensors.single) + ", " + kTorch.single + " or the index of one";
        if (!shards.empty())
            return makeError(Errc::NotFound, "there are safetensors files, but none is named as a model's weights are")
                .in(m_store.m_folder)
                .butFound(someOf(shards, kNamesShown))
                .wanted(wanted)
                .tryThis(
                    "Download the index file, too; a single file of all weights can be renamed to model.safetensors");
        if (!pickles.empty())
            return makeError(Errc::NotFound, "there are PyTorch files, but none is named as a model's weights are")
                .in(m_store.m_folder)
                .butFound(someOf(pickles, kNamesShown))
                .wanted(wanted)
                .tryThis("Use the model in Hugging Face form, with its index file where it has several weight files");
        if (!ggufs.empty())
            return makeError(Errc::Unsupported, "the weights are there as GGUF only")
                .in(m_store.m_folder)
                .butFound(someOf(ggufs, kNamesShown))
                .wanted(wanted)
                .tryThis("Use the original model in safetensors format");
        return makeError(Errc::NotFound, "the folder holds no weights")
            .in(m_store.m_folder)
            .wanted(wanted)
            .tryThis("Check that the download is complete");
    }

    Result<void> openIndexed(const Layout& layout)
    {
        const std::string indexPath = pathOf(layout.index);
        SA_TRY(const Json index, json::parseFile(indexPath));
        const JsonField root(index, indexPath);
        std::map<std::string, std::string> weightMap; // tensor -> shard
        std::set<std::string> shards;
        SA_CHECK(readWeightMap(layout, root, weightMap, shards));
        SA_CHECK(checkShardsExist(indexPath, shards));

        std::map<std::string, std::size_t> fileIndex;
        std::map<std::string, std::string> unmapped; // tensor -> the shard it was seen in
        for (const auto& shard : shards) {
            SA_TRY(const TensorFile* file, openFile(shard, layout.open));
            fileIndex.emplace(shard, m_store.m_files.size() - 1);
            SA_CHECK(checkAgainstMap(*file, shard, weightMap, unmapped));
        }
        for (const auto& [tensor, shard] : weightMap) {
            const std::size_t file = fileIndex.at(shard);
            const auto stored = m_store.m_files[file]->tensors().find(tensor);
            if (stored == m_store.m_files[file]->tensors().end())
                return makeError(Errc::BadFormat, "the index maps a tensor to a shard that does not hold it")
                    .in(indexPath)
                    .at("weight_map." + display(tensor))
                    .butFound(shard)
                    .tryThis("The index and the shards are from different downloads: get all of them again");
            m_store.m_index.emplace_hint(m_store.m_index.end(), tensor,
                                         WeightStore::Place{file, &stored->second, stored->second});
        }
        if (!unmapped.empty()) {
            std::vector<std::string> names;
            for (const auto& entry : unmapped)
                names.push_back(entry.first);
            warn("tensors that the index does not list are ignored: " + someOf(names, kNamesShown));
        }
        return checkTotalSize(layout, root);
    }

    Result<void> readWeightMap(const Layout& layout, const JsonField& root,
                               std::map<std::string, std::string>& weightMap, std::set<std::string>& shards) const
    {
        SA_TRY(const JsonField field, root.at("weight_map"));
        if (!field.isObject())
            return field.wrong("an object of tensor names and file names");
        for (const auto& [tensor, value] : field.raw().get_ref<const Json::object_t&>()) {
            const JsonField entry(value, field.file(), "weight_map." + display(tensor));
            if (!value.is_string())
                return entry.wrong("a file name");
            const auto& shard = value.get_ref<const std::string&>();
            if (std::string problem = shardNameProblem(shard, layout); !problem.empty()) {
                const bool otherKind = isPickleName(shard) && &layout == &kSafetensors;
                return makeError(otherKind ? Errc::Unsupported : Errc::BadFormat, std::move(problem))
                    .in(entry.file())
                    .at(entry.path())
                    .butFound("\"" + display(shard, 80) + "\"")
                    .wanted(layout.shardWanted)
                    .tryThis(otherKind
                                 ? "Give the index of the PyTorch files its own name, pytorch_model.bin.index.json"
                                 : "Do not use this folder unless you know where it comes from");
            }
            shards.insert(shard);
            weightMap.emplace_hint(weightMap.end(), tensor, shard);
        }
        if (weightMap.empty())
            return makeError(Errc::BadFormat, "the index lists no tensors").in(field.file()).at(field.path());
        return {};
    }

    Result<void> checkShardsExist(const std::string& indexPath, const std::set<std::string>& shards) const
    {
        std::vector<std::string> missing;
        for (const auto& shard : shards)
            if (m_entries.count(shard) == 0 || !exists(pathOf(shard)))
                missing.push_back(shard);
        if (missing.empty())
            return {};
        return makeError(Errc::NotFound, "shards that the index names are missing")
            .in(indexPath)
            .at("weight_map")
            .butFound(std::to_string(shards.size() - missing.size()) + " of " + std::to_string(shards.size()) +
                      " files")
            .wanted("also " + someOf(missing, kNamesShown))
            .tryThis("Check that the download is complete and that no link in the folder is broken");
    }

    Result<void> checkAgainstMap(const TensorFile& file, const std::string& shard,
                                 const std::map<std::string, std::string>& weightMap,
                                 std::map<std::string, std::string>& unmapped) const
    {
        for (const auto& entry : file.tensors()) {
            const auto place = weightMap.find(entry.first);
            std::string other;
            if (place == weightMap.end()) {
                const auto [seen, isNew] = unmapped.emplace(entry.first, shard);
                if (!isNew)
                    other = seen->second;
            } else if (place->second != shard) {
                other = place->second;
            }
            if (!other.empty())
                return makeError(Errc::BadFormat, "a tensor is in another shard than the index says, or in two")
                    .in(file.path())
                    .at(display(entry.first))
                    .butFound(shard)
                    .wanted(other)
                    .tryThis("The index and the shards are from different downloads: get all of them again");
        }
        return {};
    }

    /// Hub indices are often a little off here, which hurts nobody: a warning.
    Result<void> checkTotalSize(const Layout& layout, const JsonField& root)
    {
        const auto metadata = root.find("metadata");
        if (!metadata)
            return {};
        if (!metadata->isObject())
            return metadata->wrong("an object");
        const auto total = metadata->find("total_size");
        if (!total)
            return {};
        if (!total->raw().is_number())
            return total->wrong("a number of bytes");
        std::uint64_t sum = 0;
        for (const auto& entry : m_store.m_index)
            sum += entry.second.info.sizeBytes;
        if (total->raw().get<double>() != static_cast<double>(sum))
            warn(std::string(layout.index) + " says " + json::dump(total->raw()) +
                 " bytes in total_size, the tensors have " + std::to_string(sum));
        return {};
    }

    Result<const TensorFile*> openFile(const std::string& fileName,
                                       Result<std::shared_ptr<const TensorFile>> (*open)(const std::string& path))
    {
        SA_TRY(auto opened, open(pathOf(fileName)));
        std::string target;
        if (linkTarget(m_store.m_folder, fileName, &target) == LinkTarget::Outside)
            warn(fileName + " is a link to a file outside the folder: " + display(target));
        for (const auto& warning : opened->warnings())
            warn(fileName + ": " + warning);
        m_used.insert(fileName);
        m_store.m_files.push_back(std::move(opened));
        m_store.m_totalBytes += m_store.m_files.back()->fileBytes();
        return m_store.m_files.back().get();
    }

    /// `layout`: what is in use; null: a checkpoint of llama2.c, whose tokenizer ends in ".bin", too.
    void warnStrays(const Layout* layout)
    {
        if (layout && has(layout->index) && has(layout->single) && m_used.count(layout->single) == 0) {
            warn("both " + std::string(layout->single) + " and an index are present: the files of the index are used");
            m_used.insert(layout->single);
        }
        std::vector<std::string> strays, torchFiles;
        for (const auto& fileName : m_entries) {
            if (m_used.count(fileName) != 0 || fileName == kSafetensors.index || fileName == kTorch.index ||
                (!layout && endsWith(fileName, ".bin")))
                continue;
            const bool isCopy = layout == &kSafetensors && fileName.rfind("pytorch_model", 0) == 0;
            (isCopy ? torchFiles : strays).push_back(fileName);
        }
        if (!torchFiles.empty())
            warn("the weights are there twice, as safetensors and as PyTorch files: the safetensors are used, not " +
                 someOf(torchFiles, kNamesShown));
        if (!strays.empty())
            warn("weight files that do not belong to the model are ignored: " + someOf(strays, kNamesShown));
    }

    WeightStore m_store;
    std::set<std::string> m_entries; ///< names in the folder that matter here
    std::set<std::string> m_used;
};

Result<WeightStore> WeightStore::open(const std::string& folder)
{
    return WeightStoreOpener(folder).run();
}

Result<WeightStore> WeightStore::openShards(const std::string& folder, const std::vector<std::string>& fileNames)
{
    return WeightStoreOpener(folder).runOn(fileNames);
}

Result<void> WeightStore::useCanonicalNames(const std::string& anchor, const std::vector<std::string>& outside)
{
    if (contains(anchor))
        return {};
    const auto startsWith = [](const std::string& text, const std::string& stem) { return text.rfind(stem, 0) == 0; };
    std::string missing, surplus; // prefixes, with their dot
    for (std::size_t dot = anchor.find('.'); dot != std::string::npos && missing.empty();
         dot = anchor.find('.', dot + 1))
        if (anchor.find('.', dot + 1) != std::string::npos && contains(anchor.substr(dot + 1)))
            missing = anchor.substr(0, dot + 1);
    std::size_t wrapped = 0;
    for (const auto& entry : m_index)
        if (missing.empty() && endsWith(entry.first, "." + anchor)) {
            surplus = entry.first.substr(0, entry.first.size() - anchor.size());
            ++wrapped;
        }
    if (missing.empty() && wrapped != 1) // several models in one file: nobody can know which is meant
        return {};
    std::map<std::string, Place> renamed;
    for (auto& [tensorName, place] : m_index) {
        const bool isOutside = std::any_of(outside.begin(), outside.end(),
                                           [&](const std::string& stem) { return startsWith(tensorName, stem); });
        std::string canonical = tensorName;
        if (!missing.empty() && !isOutside && !startsWith(tensorName, missing))
            canonical = missing + tensorName;
        else if (!surplus.empty() && startsWith(tensorName, surplus))
            canonical = tensorName.substr(surplus.size());
        Place moved = place;
        moved.info.name = canonical;
        if (!renamed.emplace(canonical, std::move(moved)).second)
            return makeError(Errc::BadFormat, "two tensors of the weights have the same name in the model")
                .in(m_files[place.file]->path())
                .at(display(tensorName))
                .butFound("another tensor that is " + display(canonical));
    }
    m_index = std::move(renamed);
    return {};
}

Result<const TensorInfo*> WeightStore::find(const std::string& tensorName) const
{
    const auto place = m_index.find(tensorName);
    if (place == m_index.end())
        return makeError(Errc::NotFound, "the weights lack a tensor").in(m_folder).at(display(tensorName));
    return &place->second.info;
}

std::vector<std::string> WeightStore::names() const
{
    std::vector<std::string> out;
    out.reserve(m_index.size());
    for (const auto& entry : m_index)
        out.push_back(entry.first);
    return out;
}

Result<void> WeightStore::read(const std::string& tensorName, std::span<std::byte> out) const
{
    SA_CHECK(find(tensorName));
    const Place& place = m_index.at(tensorName);
    return m_files[place.file]->read(*place.stored, out);
}

Result<void> WeightStore::readPieces(const std::string& tensorName, const PieceSink& sink) const
{
    SA_TRY(const TensorInfo* tensor, find(tensorName));
    const Place& place = m_index.at(tensorName);
    const TensorFile& file = *m_files[place.file];
    std::vector<std::byte> buffer(static_cast<std::size_t>(std::min(kPieceBytes, tensor->sizeBytes)));
    for (std::uint64_t begin = 0; begin < tensor->sizeBytes;) {
        const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), tensor->sizeBytes - begin));
        SA_CHECK(file.readPart(*place.stored, begin, std::span(buffer).first(count)));
        SA_CHECK(sink(begin, std::span<const std::byte>(buffer.data(), count)));
        begin += count;
    }
    return {};
}

std::string WeightStore::fileOf(const std::string& tensorName) const
{
    const auto place = m_index.find(tensorName);
    return place == m_index.end() ? std::string() : m_files[place->second.file]->path();
}

std::vector<std::string> WeightStore::files() const
{
    std::vector<std::string> out;
    for (const auto& file : m_files)
        out.push_back(file->path());
    std::sort(out.begin(), out.end());
    return out;
}

} // namespace sa
