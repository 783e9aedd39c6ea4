// SPDX-License-Identifier: GPL-3.0-or-later
// No dense copy of a quantized weight exists after loading: the peak memory of a process that runs a packed model is
// far below what its dense weights alone would take.
#include "core/base/atomic_file.h"
#include "core/checkpoint/packed_checkpoint.h"
#include "core/model/config.h"

#include <QDir>
#include <QFile>
#include <QTemporaryDir>
#include <QTest>

#include <array>
#include <random>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace sa;

namespace
{

const std::string kSample = SA_SOURCE_DIR "/resources/sample-model";
constexpr int kHidden = 1536, kInner = 4096, kLayers = 6;

std::string configText()
{
    return json::dump({{"architectures", {"LlamaForCausalLM"}},
                       {"hidden_size", kHidden},
                       {"intermediate_size", kInner},
                       {"num_hidden_layers", kLayers},
                       {"num_attention_heads", 12},
                       {"num_key_value_heads", 12},
                       {"vocab_size", 4096},
                       {"max_position_embeddings", 256},
                       {"tie_word_embeddings", true}});
}

/// A dense folder whose weights are a hole in the file: it costs no disk and nobody reads them.
void writeHollowModel(const std::string& folder, const ModelConfig& config)
{
    Json header = Json::object();
    std::uint64_t offset = 0;
    for (const auto& tensor : expectedTensors(config)) {
        std::uint64_t bytes = 2;
        for (const auto extent : tensor.shape)
            bytes *= static_cast<std::uint64_t>(extent);
        header[tensor.name] = {{"dtype", "F16"}, {"shape", tensor.shape}, {"data_offsets", {offset, offset + bytes}}};
        offset += bytes;
    }
    const std::string text = json::dump(header);
    QFile file(QString::fromStdString(folder + "/model.safetensors"));
    QVERIFY(file.open(QIODevice::WriteOnly));
    const std::uint64_t size = text.size();
    file.write(reinterpret_cast<const char*>(&size), 8);
    file.write(text.data(), static_cast<qint64>(text.size()));
    QVERIFY(file.resize(static_cast<qint64>(8 + size + offset)));
}

PackedWeight randomWeight(const LinearInfo& layer, std::mt19937& random)
{
    PackedWeight weight;
    weight.N = static_cast<int>(layer.N);
    weight.K = static_cast<int>(layer.K);
    weight.q = 3;
    weight.R = (weight.N + 7) / 8;
    weight.C = 8;
    const auto view = weight.view();
    weight.bits.resize(view.wordCount());
    for (auto& word : weight.bits)
        word = static_cast<std::uint32_t>(random());
    weight.scales.assign(view.scaleCount(), kernels::apotRound(0.01, 3));
    return weight;
}

/// Peak resident bytes of `shiftadd generate MODEL`, which must succeed.
long peakBytes(const std::string& model)
{
    const std::string program = SA_BIN_DIR "/shiftadd";
    const std::array<const char*, 9> arguments{program.c_str(), "generate", model.c_str(), "--prompt", "a b c",
                                               "--max-tokens",  "4",        "--json",      nullptr};
    const pid_t child = ::fork();
    if (child == 0) {
        if (!::freopen("/dev/null", "w", stdout))
            ::_exit(126);
        ::execv(program.c_str(), const_cast<char* const*>(arguments.data()));
        ::_exit(127);
    }
    int status = 0;
    rusage usage{};
    ::wait4(child, &status, 0, &usage);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? usage.ru_maxrss * 1024 : -1;
}

} // namespace

class TestPackedMemory : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void peakMemoryIsThatOfThePlanes()
    {
        QTemporaryDir folder;
        const std::string dense = folder.filePath("dense").toStdString(),
                          packed = folder.filePath("packed").toStdString();
        QVERIFY(QDir().mkpath(folder.filePath("dense")));
        QVERIFY(writeFileAtomic(dense + "/config.json", configText()));
        QVERIFY(QFile::copy(QString::fromStdString(kSample + "/tokenizer.json"),
                            QString::fromStdString(dense + "/tokenizer.json")));
        const Json config = *json::parse(configText(), "config.json");
        const auto parsed = ModelConfig::parse(JsonField(config, "config.json"));
        QVERIFY(parsed);
        writeHollowModel(dense, *parsed);

        const auto store = WeightStore::open(dense);
        QVERIFY2(store, store ? "" : store.error().sentence().c_str());
        auto writer = PackedWriter::create(packed, *store, 1, 0);
        QVERIFY2(writer, writer ? "" : writer.error().sentence().c_str());
        QuantizationInfo info;
        info.mode = "lat";
        info.bits = 3;
        info.recipe = Json::object();
        info.source = {
            {"weights_sha256", Json::object()}, {"config_sha256", std::string(64, '0')}, {"tokenizer_sha256", nullptr}};
        info.calibration = nullptr;
        info.originalDtype = "F16";
        info.originalBytes = store->totalBytes();
        std::mt19937 random(1);
        std::vector<PackedWeight> weights;
        std::vector<PackedWriter::Tensor> tensors;
        const auto layers = linearLayers(*parsed);
        weights.reserve(layers.size());
        double denseFloats = 0, planeBytes = 0;
        for (const auto& layer : layers) {
            weights.push_back(randomWeight(layer, random));
            tensors.push_back({layer.name, &weights.back()});
            const auto& w = weights.back();
            info.layers[layer.name] = {layer.name, w.N, w.K, w.q, w.R, w.C, 0.0, 0.0};
            denseFloats += static_cast<double>(layer.N) * static_cast<double>(layer.K);
            planeBytes += static_cast<double>(w.storedBytes());
        }
        for (const auto& tensor : expectedTensors(*parsed)) {
            const std::string base = tensor.name.substr(0, tensor.name.rfind('.'));
            if (info.layers.count(base) == 0)
                tensors.push_back({tensor.name, nullptr});
        }
        QVERIFY(writer->writeShard(tensors));
        const auto published = writer->publish(info, CancelToken());
        QVERIFY2(published, published ? "" : published.error().sentence().c_str());

        // What the program itself takes, measured on the tiny packed-free sample; the rest is this model's.
        const long base = peakBytes(kSample), peak = peakBytes(packed);
        QVERIFY(base > 0 && peak > 0);
        const double own = static_cast<double>(peak - base);
        // Planes, the embedding in float32 and as read (tied head), and room for activations; a float16 copy of the
        // weights would be 2 bytes each on top, a float32 one 4.
        const double embedding = 4096.0 * kHidden * (4 + 2 + 4);
        QVERIFY2(own < planeBytes + embedding + 0.35 * denseFloats,
                 qPrintable(QString("%1 MB for %2 MB of planes, %3 M weights")
                                .arg(own / 1e6)
                                .arg(planeBytes / 1e6)
                                .arg(denseFloats / 1e6)));
    }
};

QTEST_APPLESS_MAIN(TestPackedMemory)
#include "tst_packed_memory.moc"
