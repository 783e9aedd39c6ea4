// SPDX-License-Identifier: GPL-3.0-or-later
// A LLaMA with random weights that speaks the sample model's tokens: for tests that run many whole jobs.
#pragma once

#include "core/base/file.h"
#include "core/checkpoint/safetensors.h"

#include <QFile>
#include <QString>

#include <random>
#include <string>
#include <vector>

namespace test
{

struct TinyModel {
    int hidden = 64, inner = 96, heads = 4, blocks = 6, vocabulary = 4096, positions = 128;
};
constexpr int kTinyLayersPerBlock = 7;

/// Writes config.json, model.safetensors (with biases, so that a block has more than its weights) and the sample's
/// tokenizer into `folder`, which exists. The same bytes every time.
inline bool writeTinyModel(const std::string& folder, const TinyModel& shape = {})
{
    using sa::SafetensorsWriter;
    const std::int64_t h = shape.hidden, m = shape.inner;
    std::vector<SafetensorsWriter::Declaration> tensors;
    const auto add = [&](const std::string& name, std::vector<std::int64_t> size) {
        tensors.push_back({name, sa::Dtype::F32, std::move(size)});
    };
    add("model.embed_tokens.weight", {shape.vocabulary, h});
    add("model.norm.weight", {h});
    for (int block = 0; block < shape.blocks; ++block) {
        const std::string prefix = "model.layers." + std::to_string(block) + ".";
        add(prefix + "input_layernorm.weight", {h});
        add(prefix + "post_attention_layernorm.weight", {h});
        for (const char* layer : {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj"}) {
            add(prefix + layer + ".weight", {h, h});
            add(prefix + layer + ".bias", {h});
        }
        for (const char* layer : {"mlp.gate_proj", "mlp.up_proj"}) {
            add(prefix + layer + ".weight", {m, h});
            add(prefix + layer + ".bias", {m});
        }
        add(prefix + "mlp.down_proj.weight", {h, m});
        add(prefix + "mlp.down_proj.bias", {h});
    }
    auto writer = SafetensorsWriter::create(sa::joinPath(folder, "model.safetensors"), tensors);
    std::mt19937 random(7);
    for (const auto& tensor : tensors) {
        std::size_t count = 1;
        for (const std::int64_t extent : tensor.shape)
            count *= static_cast<std::size_t>(extent);
        const bool isNorm = tensor.name.find("norm") != std::string::npos;
        std::vector<float> values(count);
        for (float& value : values) // the standard's distributions differ between libraries
            value = (isNorm ? 1.0f : 0.0f) + 0.2f * (static_cast<float>(random() >> 8) / 8388608.0f - 1.0f);
        if (!writer || !writer->write(std::as_bytes(std::span(values))))
            return false;
    }
    const sa::Json config{{"architectures", {"LlamaForCausalLM"}},
                          {"model_type", "llama"},
                          {"hidden_size", shape.hidden},
                          {"intermediate_size", shape.inner},
                          {"num_hidden_layers", shape.blocks},
                          {"num_attention_heads", shape.heads},
                          {"num_key_value_heads", shape.heads},
                          {"vocab_size", shape.vocabulary},
                          {"max_position_embeddings", shape.positions},
                          {"rms_norm_eps", 1e-5},
                          {"hidden_act", "silu"},
                          {"rope_theta", 10000.0},
                          {"tie_word_embeddings", true},
                          {"attention_bias", true},
                          {"mlp_bias", true}};
    const QString to = QString::fromStdString(folder), sample = SA_SOURCE_DIR "/resources/sample-model/";
    return writer->commit() && sa::writeFileAtomic(sa::joinPath(folder, "config.json"), sa::json::dumpPretty(config)) &&
           QFile::copy(sample + "tokenizer.json", to + "/tokenizer.json") &&
           QFile::copy(sample + "tokenizer_config.json", to + "/tokenizer_config.json");
}

/// The first bytes of the bundled calibration text: as little as a job can do with.
inline bool writeShortText(const std::string& path)
{
    constexpr qint64 kBytes = 8192;
    QFile text(SA_SOURCE_DIR "/resources/sample-text/calibration.txt");
    return text.open(QIODevice::ReadOnly) && bool(sa::writeFileAtomic(path, text.read(kBytes).toStdString()));
}

} // namespace test
