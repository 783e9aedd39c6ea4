// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/llama2c.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>

namespace fs = std::filesystem;

namespace sa
{

namespace
{

constexpr std::uint64_t kHeaderBytes = 7 * sizeof(std::int32_t);
constexpr std::uint32_t kLaterMagic = 0x616B3432;
constexpr std::int64_t kMaxDimension = 1 << 20; ///< with kMaxLayers: no size comes near 2^63
constexpr std::int64_t kMaxLayers = 4096;
constexpr std::int64_t kMaxVocab = 1 << 24;

std::uint64_t asCount(std::int64_t value)
{
    return static_cast<std::uint64_t>(value);
}

bool plausible(const Llama2cHeader& h)
{
    const auto within = [](std::int64_t value, std::int64_t most) { return value >= 1 && value <= most; };
    return within(h.dim, kMaxDimension) && within(h.hidden, kMaxDimension) && within(h.layers, kMaxLayers) &&
           within(h.heads, h.dim) && within(h.kvHeads, h.heads) && within(h.vocab, kMaxVocab) &&
           within(h.positions, kMaxDimension) && h.dim % h.heads == 0 && h.dim / h.heads % 2 == 0 &&
           h.heads % h.kvHeads == 0;
}

} // namespace

std::uint64_t Llama2cHeader::fileBytes() const
{
    const std::uint64_t width = asCount(dim), headDim = asCount(dim / heads), keyRows = headDim * asCount(kvHeads);
    const std::uint64_t block = 2 * width + 2 * width * width + 2 * keyRows * width + 3 * asCount(hidden) * width;
    const std::uint64_t tables = asCount(positions) * (headDim / 2) * 2;
    const std::uint64_t embeddings = asCount(vocab) * width * (tiedHead ? 1 : 2);
    return kHeaderBytes + sizeof(float) * (embeddings + asCount(layers) * block + width + tables);
}

Result<std::optional<Llama2cHeader>> recogniseLlama2c(const std::string& path)
{
    const std::optional<Llama2cHeader> nothing;
    SA_TRY(const File file, File::open(path));
    if (file.sizeBytes() < kHeaderBytes)
        return nothing;
    std::array<std::int32_t, 7> words{};
    SA_CHECK(file.readAt(0, std::as_writable_bytes(std::span(words))));
    if (static_cast<std::uint32_t>(words[0]) == kLaterMagic)
        return makeError(Errc::Unsupported, "this form of a llama2.c checkpoint is not supported")
            .in(path)
            .butFound("version " + std::to_string(words[1]))
            .wanted("version 0")
            .tryThis("Export the model again with --version 0, or in Hugging Face form");
    Llama2cHeader header{words[0], words[1], words[2], words[3], words[4], words[5], words[6]};
    header.tiedHead = header.vocab > 0;
    header.vocab = header.vocab < 0 ? -header.vocab : header.vocab;
    if (!plausible(header) || header.fileBytes() != file.sizeBytes())
        return nothing;
    return std::optional(header);
}

Result<std::optional<std::string>> findLlama2c(const std::string& folder)
{
    std::vector<std::string> found;
    if (exists(joinPath(folder, "config.json")))
        return std::optional<std::string>();
    std::error_code failed;
    std::vector<std::string> names;
    for (fs::directory_iterator entry(folder, failed); !failed && entry != fs::directory_iterator();
         entry.increment(failed))
        if (std::error_code ignored; entry->path().extension() == ".bin" && entry->is_regular_file(ignored))
            names.push_back(entry->path().filename().string());
    if (failed)
        return systemError(failed.value(), "list the folder", folder);
    std::sort(names.begin(), names.end());
    for (const auto& fileName : names) {
        SA_TRY(const auto header, recogniseLlama2c(joinPath(folder, fileName)));
        if (header)
            found.push_back(fileName);
    }
    if (found.size() > 1)
        return makeError(Errc::BadInput, "the folder holds several checkpoints of llama2.c")
            .in(folder)
            .butFound(display(found[0], 80) + " and " + display(found[1], 80))
            .wanted("one")
            .tryThis("Give each its own folder, with its tokenizer");
    return found.empty() ? std::optional<std::string>() : std::optional(found.front());
}

Json llama2cConfig(const Llama2cHeader& header)
{
    return {{"architectures", {"LlamaForCausalLM"}},
            {"model_type", "llama"},
            {"hidden_size", header.dim},
            {"intermediate_size", header.hidden},
            {"num_hidden_layers", header.layers},
            {"num_attention_heads", header.heads},
            {"num_key_value_heads", header.kvHeads},
            {"vocab_size", header.vocab},
            {"max_position_embeddings", header.positions},
            {"hidden_act", "silu"},
            {"rms_norm_eps", 1e-5},
            {"rope_theta", 10000.0},
            {"attention_bias", false},
            {"mlp_bias", false},
            {"tie_word_embeddings", header.tiedHead},
            {"torch_dtype", "float32"},
            {"bos_token_id", 1},
            {"eos_token_id", {1, 2}}}; // run.c stops at token 1, which separates the texts of its training data
}

Llama2cFile::Llama2cFile(File file, const Llama2cHeader& header)
    : m_file(std::move(file))
    , m_header(header)
{
    const std::int64_t width = header.dim, headDim = header.dim / header.heads, keyRows = headDim * header.kvHeads;
    std::uint64_t offset = kHeaderBytes;
    const auto place = [&](const std::string& tensorName, std::vector<std::int64_t> shape) {
        TensorInfo tensor;
        tensor.name = tensorName;
        tensor.shape = std::move(shape);
        tensor.offset = offset;
        tensor.sizeBytes = asCount(tensor.elements()) * sizeof(float);
        offset += tensor.sizeBytes;
        m_tensors.emplace(tensorName, std::move(tensor));
    };
    const auto placeInBlocks = [&](const std::string& member, const std::vector<std::int64_t>& shape) {
        for (std::int64_t block = 0; block < header.layers; ++block)
            place("model.layers." + std::to_string(block) + "." + member + ".weight", shape);
    };
    place("model.embed_tokens.weight", {header.vocab, width});
    placeInBlocks("input_layernorm", {width});
    placeInBlocks("self_attn.q_proj", {width, width});
    placeInBlocks("self_attn.k_proj", {keyRows, width});
    placeInBlocks("self_attn.v_proj", {keyRows, width});
    placeInBlocks("self_attn.o_proj", {width, width});
    placeInBlocks("post_attention_layernorm", {width});
    placeInBlocks("mlp.gate_proj", {header.hidden, width});
    placeInBlocks("mlp.down_proj", {width, header.hidden});
    placeInBlocks("mlp.up_proj", {header.hidden, width});
    place("model.norm.weight", {width});
    offset += asCount(header.positions) * asCount(headDim / 2) * 2 * sizeof(float); // both tables of freq_cis
    if (!header.tiedHead)
        place("lm_head.weight", {header.vocab, width});

    for (const auto& [tensorName, tensor] : m_tensors)
        if (tensorName.ends_with("q_proj.weight") || tensorName.ends_with("k_proj.weight")) {
            const std::uint64_t heads = asCount(tensor.shape[0] / headDim), row = asCount(width);
            m_rotated.emplace(tensorName, StridedView{tensor.offset,
                                                      sizeof(float),
                                                      {heads, 2, asCount(headDim / 2), row},
                                                      {asCount(headDim) * row, row, 2 * row, 1}});
        }
}

Result<Llama2cFile> Llama2cFile::open(const std::string& path)
{
    SA_TRY(const auto header, recogniseLlama2c(path));
    if (!header)
        return makeError(Errc::BadFormat, "this is not a checkpoint of llama2.c")
            .in(path)
            .wanted("a header of seven numbers, and the file size that follows from them");
    SA_TRY(File file, File::open(path));
    return Llama2cFile(std::move(file), *header);
}

Result<void> Llama2cFile::readPart(const TensorInfo& tensor, std::uint64_t begin, std::span<std::byte> out) const
{
    SA_CHECK(checkRange(tensor, begin, out.size()));
    const auto view = m_rotated.find(tensor.name);
    auto done = view == m_rotated.end() ? m_file.readAt(tensor.offset + begin, out)
                                        : readStrided(m_file, view->second, begin, out);
    if (!done)
        return std::move(done).error().at(display(tensor.name));
    return {};
}

} // namespace sa
