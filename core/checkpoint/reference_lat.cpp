// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/reference_lat.h"

#include "core/checkpoint/name_list.h"
#include "core/checkpoint/torch_file.h"
#include "core/checkpoint/torch_writer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <new>
#include <optional>
#include <set>

namespace fs = std::filesystem;

namespace sa
{

namespace
{

constexpr int kColumns = 8; ///< that share a scale
constexpr int kMaxPlanes = 4;
constexpr const char* kCodes = "bWeight";
constexpr const char* kScales = "alpha";
constexpr const char* kEnding = ".pt";
constexpr std::size_t kNamesShown = 20;

/// "Llama-2-7b-hf_3.self_attn.q_proj" and 2
struct NameParts {
    std::string stem;
    int q = 0;
};

bool isNumber(std::string_view text)
{
    return !text.empty() && text.size() < 10 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// Takes "_REST" with this ending off the end, where REST before the ending is a number.
std::optional<std::string_view> takeNumber(std::string_view& text, std::string_view ending)
{
    const auto bar = text.rfind('_');
    if (bar == std::string_view::npos || !text.ends_with(ending))
        return std::nullopt;
    std::string_view number = text.substr(bar + 1);
    number.remove_suffix(std::min(number.size(), ending.size()));
    if (!isNumber(number) && !(number.starts_with('-') && isNumber(number.substr(1)))) // groupsize -1: the default
        return std::nullopt;
    text = text.substr(0, bar);
    return number;
}

std::optional<NameParts> splitName(const std::string& fileName)
{
    std::string_view rest = fileName;
    if (!rest.ends_with(kEnding))
        return std::nullopt;
    rest.remove_suffix(std::string_view(kEnding).size());
    constexpr std::string_view blockwise = "_blockwise";
    if (rest.ends_with(blockwise)) {
        rest.remove_suffix(blockwise.size());
        if (!takeNumber(rest, "groupsize"))
            return std::nullopt;
    }
    const auto bits = takeNumber(rest, "bit");
    if (!bits || bits->size() != 1 || bits->front() < '1' || bits->front() > '8')
        return std::nullopt;
    return NameParts{std::string(rest), bits->front() - '0'};
}

/// Bit s of out[j] is bit j of in[s]: halves are exchanged, then quarters within the halves, and so on.
void transpose(std::array<std::uint32_t, 32>& words)
{
    std::uint32_t mask = 0x0000FFFF;
    for (unsigned half = 16; half != 0; half >>= 1, mask ^= mask << half)
        for (unsigned i = 0; i < 32; i = ((i | half) + 1) & ~half) {
            const std::uint32_t exchanged = ((words[i] >> half) ^ words[i | half]) & mask;
            words[i] ^= exchanged << half;
            words[i | half] ^= exchanged;
        }
}

class LayerReader
{
public:
    LayerReader(const ReferenceFile& source, const ReferenceLayer& layer)
        : m_source(source)
        , m_layer(layer)
    {
    }

    Result<PackedWeight> run()
    {
        SA_TRY(const TorchFile file, TorchFile::open(m_source.path));
        SA_TRY(const TensorInfo* codes, find(file, kCodes, Dtype::I32));
        SA_TRY(const TensorInfo* scales, find(file, kScales, Dtype::F32));
        SA_CHECK(checkShapes(*codes, *scales));
        try {
            SA_CHECK(readCodes(file, *codes));
            SA_CHECK(readScales(file, *scales));
        } catch (const std::bad_alloc&) {
            return makeError(Errc::OutOfMemory, "not enough memory to load a layer").in(m_source.path);
        }
        return std::move(m_weight);
    }

private:
    Error bad(const char* tensor, std::string message, Errc code = Errc::BadFormat) const
    {
        return makeError(code, std::move(message)).in(m_source.path).at(tensor);
    }

    Result<const TensorInfo*> find(const TorchFile& file, const char* tensorName, Dtype dtype) const
    {
        const auto place = file.tensors().find(tensorName);
        if (place == file.tensors().end())
            return bad(tensorName, "the file lacks a tensor of a reference checkpoint")
                .wanted("bWeight and alpha")
                .tryThis("Only checkpoints of the mode `lat` hold codes");
        if (place->second.dtype != dtype)
            return bad(tensorName, "a tensor has another type than in a reference checkpoint")
                .butFound(name(place->second.dtype))
                .wanted(name(dtype));
        if (place->second.shape.size() != 3)
            return bad(tensorName, "a tensor has another form than in a reference checkpoint")
                .butFound(place->second.shapeText())
                .wanted("three dimensions");
        return &place->second;
    }

    Result<void> checkShapes(const TensorInfo& codes, const TensorInfo& scales)
    {
        const std::int64_t q = codes.shape[2], groups = scales.shape[1];
        if (codes.shape[0] != m_layer.K || m_layer.N % 32 != 0 || codes.shape[1] != m_layer.N / 32)
            return bad(kCodes, "the codes have another shape than the layer of the base model")
                .butFound(codes.shapeText())
                .wanted("[" + std::to_string(m_layer.K) + ", " + std::to_string(m_layer.N) + "/32, " +
                        std::to_string(m_source.q) + "]")
                .tryThis("Give the model that this checkpoint was made from as the base");
        if (q != m_source.q)
            return bad(kCodes, "the file's name says another number of planes than its codes have")
                .butFound(std::to_string(q))
                .wanted(std::to_string(m_source.q));
        if (q < 1 || q > kMaxPlanes)
            return bad(kCodes, "the layer has more planes than this program runs", Errc::Unsupported)
                .butFound(std::to_string(q))
                .wanted("1 to " + std::to_string(kMaxPlanes));
        if (m_layer.K % kColumns != 0 || scales.shape[0] != m_layer.K / kColumns || scales.shape[2] != q ||
            groups < 1 || groups > m_layer.N || m_layer.N % groups != 0)
            return bad(kScales, "the scales do not fit the codes")
                .butFound(scales.shapeText())
                .wanted("[" + std::to_string(m_layer.K / kColumns) + ", a divisor of " + std::to_string(m_layer.N) +
                        ", " + std::to_string(q) + "]");
        m_weight.N = static_cast<int>(m_layer.N);
        m_weight.K = static_cast<int>(m_layer.K);
        m_weight.q = static_cast<int>(q);
        m_weight.R = static_cast<int>(m_layer.N / groups);
        m_weight.C = kColumns;
        return {};
    }

    Result<void> readCodes(const TorchFile& file, const TensorInfo& tensor)
    {
        std::vector<std::uint32_t> raw(static_cast<std::size_t>(tensor.elements())); // [K][N/32][q], signs are bits
        SA_CHECK(file.read(tensor, std::as_writable_bytes(std::span(raw))));
        const auto N = static_cast<std::size_t>(m_weight.N), K = static_cast<std::size_t>(m_weight.K);
        const auto q = static_cast<std::size_t>(m_weight.q), rowWords = N / 32;
        m_weight.bits.assign(m_weight.view().wordCount(), 0);
        std::array<std::uint32_t, 32> square{};
        for (std::size_t t = 0; 32 * t < K; ++t)
            for (std::size_t w = 0; w < rowWords; ++w)
                for (std::size_t b = 0; b < q; ++b) {
                    for (std::size_t s = 0; s < 32; ++s) {
                        const std::size_t k = 32 * t + s;
                        square[s] = k < K ? raw[(k * rowWords + w) * q + b] : 0;
                    }
                    transpose(square);
                    std::copy(square.begin(), square.end(),
                              m_weight.bits.begin() + static_cast<std::ptrdiff_t>((t * q + b) * N + 32 * w));
                }
        return {};
    }

    Result<void> readScales(const TorchFile& file, const TensorInfo& tensor)
    {
        std::vector<float> raw(static_cast<std::size_t>(tensor.elements())); // [K/8][G][q]
        SA_CHECK(file.read(tensor, std::as_writable_bytes(std::span(raw))));
        const auto groups = static_cast<std::size_t>(tensor.shape[1]), q = static_cast<std::size_t>(m_weight.q);
        m_weight.scales.resize(m_weight.view().scaleCount());
        for (std::size_t i = 0; i < raw.size(); ++i) {
            const std::size_t c = i / (groups * q), g = i / q % groups, b = i % q;
            const auto alpha = static_cast<double>(raw[i]);
            const kernels::PackedScale word = kernels::apotRound(alpha, kernels::kMaxApotTerms);
            // Also false for NaN and for everything negative.
            if (!(kernels::apotValue(word) == alpha))
                return refuseScale(raw[i], c, g, b);
            m_weight.scales[(c * q + b) * groups + g] = word;
        }
        return {};
    }

    Error refuseScale(float alpha, std::size_t c, std::size_t g, std::size_t b) const
    {
        const std::string place =
            " at [" + std::to_string(c) + ", " + std::to_string(g) + ", " + std::to_string(b) + "]";
        if (!std::isfinite(alpha) || alpha < 0)
            return bad(kScales, "a scale is negative or not finite").butFound(std::to_string(alpha) + place);
        char text[40];
        std::snprintf(text, sizeof text, "%.9g", static_cast<double>(alpha));
        return bad(kScales, "a scale is no sum of three powers of two", Errc::Unsupported)
            .butFound(text + place)
            .wanted("2^a, 2^a +- 2^b or 2^a +- 2^b +- 2^c, between 2^-39 and 2^24")
            .tryThis("The checkpoint was made without powers of two (one plane, no rounds, or --bcq): quantize again");
    }

    const ReferenceFile& m_source;
    const ReferenceLayer& m_layer;
    PackedWeight m_weight;
};

} // namespace

Result<std::string> referenceModule(const ReferenceLayer& layer)
{
    const std::string number = "." + std::to_string(layer.block) + ".";
    const auto place = layer.name.find(number);
    if (place == std::string::npos || place + number.size() == layer.name.size())
        return makeError(Errc::Internal, "a layer's name does not hold its block").at(display(layer.name));
    return layer.name.substr(place + number.size());
}

Result<std::string> referenceFileName(const std::string& model, const ReferenceLayer& layer, int q)
{
    SA_TRY(const std::string module, referenceModule(layer));
    return model + "_" + std::to_string(layer.block) + "." + module + "_" + std::to_string(q) + "bit" + kEnding;
}

Result<std::map<std::string, ReferenceFile>> findReferenceFiles(const std::string& folder,
                                                                const std::vector<ReferenceLayer>& layers)
{
    if (!isFolder(folder))
        return makeError(exists(folder) ? Errc::BadInput : Errc::NotFound, "this is not a folder").in(folder);
    std::map<std::string, const ReferenceLayer*> byEnding; // "_3.self_attn.q_proj"
    for (const auto& layer : layers) {
        SA_TRY(const std::string module, referenceModule(layer));
        byEnding.emplace("_" + std::to_string(layer.block) + "." + module, &layer);
    }
    std::set<std::string> names; // sorted: errors do not depend on the file system
    std::error_code failed;
    for (fs::directory_iterator entry(folder, failed); !failed && entry != fs::directory_iterator();
         entry.increment(failed))
        names.insert(entry->path().filename().string());
    if (failed)
        return systemError(failed.value(), "list the folder", folder);

    std::map<std::string, ReferenceFile> found;
    std::string model;
    for (const auto& fileName : names) {
        const auto parts = splitName(fileName);
        if (!parts)
            continue;
        // The model's name may hold anything, bars and dots included: the shortest ending that is a layer wins.
        const ReferenceLayer* layer = nullptr;
        std::size_t bar = parts->stem.rfind('_');
        for (; bar != std::string::npos && bar > 0; bar = parts->stem.rfind('_', bar - 1))
            if (const auto place = byEnding.find(parts->stem.substr(bar)); place != byEnding.end()) {
                layer = place->second;
                break;
            }
        const std::string path = joinPath(folder, fileName);
        if (!layer)
            return makeError(Errc::BadInput, "a file belongs to no layer of the base model")
                .in(path)
                .wanted("MODEL_BLOCK.MODULE_BITSbit.pt")
                .tryThis("Give the model that this checkpoint was made from as the base");
        const std::string itsModel = parts->stem.substr(0, bar);
        if (!model.empty() && model != itsModel)
            return makeError(Errc::BadInput, "the folder holds files of two models")
                .in(folder)
                .butFound(display(model, 80) + " and " + display(itsModel, 80))
                .tryThis("Give each model its own folder");
        model = itsModel;
        const auto [place, isNew] = found.emplace(layer->name, ReferenceFile{path, parts->q});
        if (!isNew)
            return makeError(Errc::BadInput, "there are two files for one layer")
                .in(folder)
                .at(display(layer->name))
                .butFound(fs::path(place->second.path).filename().string() + " and " + fileName)
                .tryThis("Remove the one that is not meant");
    }
    std::vector<std::string> missing;
    for (const auto& layer : layers)
        if (found.count(layer.name) == 0)
            missing.push_back(layer.name);
    if (!missing.empty())
        return makeError(Errc::NotFound, "layers of the base model have no file")
            .in(folder)
            .butFound(std::to_string(found.size()) + " of " + std::to_string(layers.size()) + " layers")
            .wanted("also " + someOf(missing, kNamesShown))
            .tryThis("Check that the download is complete and that the base is the model it was made from");
    return found;
}

Result<PackedWeight> readReferenceFile(const ReferenceFile& file, const ReferenceLayer& layer)
{
    return LayerReader(file, layer).run();
}

Result<std::uint64_t> writeReferenceFile(const std::string& path, const PackedWeight& weight)
{
    const auto refuse = [&](std::string message, const std::string& found, const char* wanted) {
        return makeError(Errc::Unsupported, std::move(message))
            .in(path)
            .butFound(found)
            .wanted(wanted)
            .tryThis("Export as hf-fp16 instead");
    };
    if (weight.transformed())
        return refuse("the reference's form has no transforms of the activations", "rescaled or rotated inputs",
                      "a model quantized with --rescale off --rotate off");
    if (weight.N % 32 != 0)
        return refuse("the reference's form packs 32 rows into a word", "N = " + std::to_string(weight.N),
                      "a multiple of 32");
    if (weight.K % kColumns != 0)
        return refuse("the reference's form has a scale for 8 columns", "K = " + std::to_string(weight.K),
                      "a multiple of 8");
    if (weight.C % kColumns != 0)
        return refuse("the reference's form has a scale for 8 columns", "a scale for " + std::to_string(weight.C),
                      "a multiple of 8 columns");
    if (weight.N % weight.R != 0)
        return refuse("the reference's form has equal groups of rows",
                      "N = " + std::to_string(weight.N) + " in groups of " + std::to_string(weight.R),
                      "groups that divide N");
    const auto N = static_cast<std::size_t>(weight.N), K = static_cast<std::size_t>(weight.K);
    const auto q = static_cast<std::size_t>(weight.q), rowWords = N / 32;
    const std::size_t groups = N / static_cast<std::size_t>(weight.R), blocks = K / kColumns;
    std::vector<std::uint32_t> codes(K * rowWords * q);
    std::array<std::uint32_t, 32> square{};
    for (std::size_t t = 0; 32 * t < K; ++t)
        for (std::size_t w = 0; w < rowWords; ++w)
            for (std::size_t b = 0; b < q; ++b) {
                std::copy_n(weight.bits.begin() + static_cast<std::ptrdiff_t>((t * q + b) * N + 32 * w), 32,
                            square.begin());
                transpose(square);
                for (std::size_t s = 0; s < 32 && 32 * t + s < K; ++s)
                    codes[((32 * t + s) * rowWords + w) * q + b] = square[s];
            }
    std::vector<float> scales(blocks * groups * q);
    std::uint64_t rounded = 0;
    for (std::size_t c = 0; c < blocks; ++c)
        for (std::size_t g = 0; g < groups; ++g)
            for (std::size_t b = 0; b < q; ++b) {
                const std::size_t column = c * kColumns / static_cast<std::size_t>(weight.C);
                const double alpha = kernels::apotValue(weight.scales[(column * q + b) * groups + g]);
                float& out = scales[(c * groups + g) * q + b];
                out = static_cast<float>(alpha);
                rounded += static_cast<double>(out) == alpha ? 0 : 1;
            }
    const auto count = [](std::size_t value) { return static_cast<std::int64_t>(value); };
    SA_CHECK(writeTorchFile(
        path, fs::path(path).stem().string(),
        {{kCodes, Dtype::I32, {count(K), count(rowWords), count(q)}, std::as_bytes(std::span(codes))},
         {kScales, Dtype::F32, {count(blocks), count(groups), count(q)}, std::as_bytes(std::span(scales))}}));
    return rounded;
}

} // namespace sa
