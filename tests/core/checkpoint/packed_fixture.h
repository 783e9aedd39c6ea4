// SPDX-License-Identifier: GPL-3.0-or-later
// A tiny original folder, packed layers to go with it, and the packed folder that they make.
#pragma once

#include "checkpoint_files.h"

#include "core/checkpoint/packed_checkpoint.h"
#include "sa/kernels/sign_planes.h"

#include <QDirIterator>
#include <QMap>

namespace test
{

/// Any valid content, the same for the same arguments.
inline sa::PackedWeight packedWeight(int N, int K, int q, int R, int C, std::uint32_t seed = 1)
{
    sa::PackedWeight weight;
    weight.N = N, weight.K = K, weight.q = q, weight.R = R, weight.C = C;
    const auto random = [&seed] { return seed = seed * 1664525u + 1013904223u; };
    weight.bits.resize(weight.view().wordCount());
    for (auto& word : weight.bits)
        word = random();
    const std::size_t lastWords = static_cast<std::size_t>(q) * static_cast<std::size_t>(N);
    if (K % 32 != 0)
        for (std::size_t i = weight.bits.size() - lastWords; i < weight.bits.size(); ++i)
            weight.bits[i] &= (1u << (K % 32)) - 1u;
    constexpr sa::kernels::PackedScale words[] = {0x9C00, 0x9E40, 0x9400, 0x9800, 0x9832, 0xA640, 0x0000};
    weight.scales.resize(weight.view().scaleCount());
    for (auto& scale : weight.scales)
        scale = words[(random() >> 16) % std::size(words)];
    return weight;
}

inline sa::PackedLayerInfo layerInfo(const std::string& name, const sa::PackedWeight& weight)
{
    sa::PackedLayerInfo info;
    info.name = name;
    info.N = weight.N, info.K = weight.K, info.q = weight.q, info.R = weight.R, info.C = weight.C;
    info.error = 1.25;
    info.relativeError = 0.03125;
    return info;
}

inline sa::QuantizationInfo quantizationInfo(const std::map<std::string, sa::PackedWeight>& layers)
{
    const std::string digest(64, 'a');
    sa::QuantizationInfo info;
    info.mode = "lat";
    info.bits = 2;
    info.recipe = {{"rounds", 50}, {"apot", 3}, {"damping", 0.01}};
    info.source = {
        {"weights_sha256", {{"model.safetensors", digest}}}, {"config_sha256", digest}, {"tokenizer_sha256", digest}};
    info.calibration = {
        {"sha256", {digest}}, {"samples", 32}, {"seqlen", 512}, {"seed", ~std::uint64_t(0)}, {"tokens", 16384}};
    info.originalDtype = "F16";
    info.originalBytes = 1234;
    for (const auto& [name, weight] : layers)
        info.layers.emplace(name, layerInfo(name, weight));
    return info;
}

/// The original: vectors, two linears, a matrix of `large` bytes, and the files beside them.
inline void writeOriginal(const QString& folder, int large = 1000)
{
    QVERIFY(QDir().mkpath(folder));
    struct Tensor {
        const char* name;
        const char* dtype;
        QByteArray shape;
        int bytes;
    };
    const Tensor tensors[] = {{"block.w.weight", "F16", "[2,10]", 40},
                              {"block.w.bias", "F16", "[2]", 4},
                              {"block.v.weight", "F16", "[5,70]", 700},
                              {"embed.weight", "BF16", "[" + QByteArray::number(large / 2) + "]", large},
                              {"norm.weight", "F32", "[10]", 40},
                              {"empty.weight", "F32", "[0,4]", 0}};
    QByteArray header = "{\"__metadata__\":{\"format\":\"pt\"}";
    int offset = 0;
    for (const auto& tensor : tensors) {
        header += "," + entry(tensor.name, "\"" + QByteArray(tensor.dtype) + "\"", tensor.shape,
                              "[" + QByteArray::number(offset) + "," + QByteArray::number(offset + tensor.bytes) + "]");
        offset += tensor.bytes;
    }
    QVERIFY(writeFile(folder + "/model.safetensors", container(header + "}", counting(offset))));
    QVERIFY(writeFile(
        folder + "/config.json",
        R"({"model_type":"llama","rms_norm_eps":1e-05,"big":18446744073709551615,"pad_token_id":null,"text":"é"})"));
    QVERIFY(writeFile(folder + "/tokenizer.json", "{ \"odd\":   \"spacing stays\" }\n"));
    QVERIFY(writeFile(folder + "/tokenizer.model", QByteArray("\0\1\2\xFF", 4)));
    QVERIFY(writeFile(folder + "/chat_template.jinja", "{{ messages }}"));
}

inline std::map<std::string, sa::PackedWeight> originalLayers()
{
    return {{"block.w", packedWeight(2, 10, 2, 1, 8, 3)}, {"block.v", packedWeight(5, 70, 3, 2, 1, 4)}};
}

/// Packs `originalLayers()` in two shards.
inline sa::Result<std::uint64_t> packOriginal(const QString& original, const QString& out)
{
    SA_TRY(const sa::WeightStore source, sa::WeightStore::open(original.toStdString()));
    const auto layers = originalLayers();
    SA_TRY(sa::PackedWriter writer, sa::PackedWriter::create(out.toStdString(), source, 2, 1000));
    SA_CHECK(
        writer.writeShard({{"block.w", &layers.at("block.w")}, {"block.w.bias"}, {"block.v", &layers.at("block.v")}}));
    SA_CHECK(writer.writeShard({{"norm.weight"}, {"embed.weight"}, {"empty.weight"}}));
    return writer.publish(quantizationInfo(layers), sa::CancelToken());
}

/// Path inside the folder -> content, hidden files included.
inline QMap<QString, QByteArray> contentOf(const QString& folder)
{
    QMap<QString, QByteArray> out;
    QDirIterator files(folder, QDir::Files | QDir::Hidden | QDir::System, QDirIterator::Subdirectories);
    while (files.hasNext()) {
        const QString path = files.next();
        out[QDir(folder).relativeFilePath(path)] = readFile(path);
    }
    return out;
}

} // namespace test
