// SPDX-License-Identifier: GPL-3.0-or-later
// One model in every form that checkpoints come in: the logits are the same bits.
#include "core/checkpoint/safetensors.h"
#include "core/checkpoint/torch_writer.h"
#include "core/model/decoder.h"
#include "core/model/tensors.h"

#include "core/base/atomic_file.h"
#include "core/runtime/generate.h"
#include "core/tokenizer/tokenizer.h"

#include <QDir>
#include <QTemporaryDir>
#include <QTest>

#include <ATen/ATen.h>

using namespace sa;

namespace
{

const std::string kBase = SA_SOURCE_DIR "/tests/data/families/llama-biases";

struct Named {
    std::string name;
    at::Tensor values; ///< f32, every value a bfloat16
};

std::span<const std::byte> bytesOf(const at::Tensor& tensor)
{
    return {static_cast<const std::byte*>(tensor.data_ptr()), tensor.nbytes()};
}

/// The base model, rounded to bfloat16 so that every form can hold it exactly; `strip` is left out of the names.
std::vector<Named> tensorsOf(const std::string& strip = {})
{
    const auto store = WeightStore::open(kBase);
    std::vector<Named> out;
    for (const auto& name : store->names()) {
        const at::Tensor values = readFloatTensor(*store, name)->to(at::kBFloat16).to(at::kFloat);
        out.push_back({name.rfind(strip, 0) == 0 ? name.substr(strip.size()) : name, values});
    }
    return out;
}

Result<void> writeSafetensors(const std::string& path, const std::vector<Named>& tensors, Dtype dtype)
{
    std::vector<SafetensorsWriter::Declaration> declarations;
    for (const auto& tensor : tensors)
        declarations.push_back({tensor.name, dtype, tensor.values.sizes().vec()});
    SA_TRY(SafetensorsWriter writer, SafetensorsWriter::create(path, declarations));
    for (const auto& tensor : tensors)
        SA_CHECK(writer.write(bytesOf(dtype == Dtype::BF16 ? tensor.values.to(at::kBFloat16) : tensor.values)));
    return writer.commit();
}

Result<void> writeTorch(const std::string& path, const std::vector<Named>& tensors)
{
    std::vector<TorchTensor> list;
    for (const auto& tensor : tensors)
        list.push_back({tensor.name, Dtype::F32, tensor.values.sizes().vec(), bytesOf(tensor.values)});
    return writeTorchFile(path, "archive", list);
}

/// Two shards and their index, `stem`-0000i-of-00002.`ending`.
template<class Write>
Result<void> writeSharded(const std::string& folder, const std::string& stem, const std::string& ending,
                          const std::vector<Named>& tensors, Write write)
{
    Json map = Json::object();
    for (const int part : {0, 1}) {
        const std::string name = stem + "-0000" + std::to_string(part + 1) + "-of-00002." + ending;
        std::vector<Named> mine;
        for (std::size_t i = static_cast<std::size_t>(part); i < tensors.size(); i += 2) {
            mine.push_back(tensors[i]);
            map[tensors[i].name] = name;
        }
        SA_CHECK(write(folder + "/" + name, mine));
    }
    const Json index{{"metadata", {{"total_size", 1}}}, {"weight_map", map}};
    return writeFileAtomic(folder + "/" + stem + "." + ending + ".index.json", json::dump(index));
}

Result<at::Tensor> logitsOf(const std::string& folder)
{
    SA_TRY(const ModelFolder model, ModelFolder::open(folder));
    SA_TRY(const Decoder decoder, Decoder::load(model, at::kCPU, CancelToken()));
    return decoder.logits(decoder.hidden(std::vector<std::int32_t>{1, 40, 7, 7, 19, 3}));
}

} // namespace

class TestCheckpointForms : public QObject
{
    Q_OBJECT
    QTemporaryDir m_folder;
    at::Tensor m_logits;

    std::string fresh(const char* name)
    {
        const QString path = m_folder.filePath(name);
        QDir().mkpath(path);
        QFile::copy(QString::fromStdString(kBase + "/config.json"), path + "/config.json");
        return path.toStdString();
    }

private Q_SLOTS:
    void initTestCase()
    {
        const std::string folder = fresh("plain");
        QVERIFY(writeSafetensors(folder + "/model.safetensors", tensorsOf(), Dtype::F32));
        const auto logits = logitsOf(folder);
        QVERIFY2(logits, logits ? "" : logits.error().sentence().c_str());
        m_logits = *logits;
        QVERIFY(m_logits.abs().max().item<float>() > 0.1f);
    }

    void everyFormGivesTheSameLogits_data()
    {
        QTest::addColumn<int>("form");
        int form = 0;
        for (const char* name :
             {"bfloat16", "sharded bfloat16", "a .bin file", "sharded .bin files", "without the model's prefix",
              "a .bin file without the model's prefix", "a cache of links into blobs"})
            QTest::addRow("%s", name) << form++;
    }
    void everyFormGivesTheSameLogits()
    {
        QFETCH(int, form);
        const std::string folder = fresh(QTest::currentDataTag());
        const auto bf16 = [](const std::string& path, const std::vector<Named>& tensors) {
            return writeSafetensors(path, tensors, Dtype::BF16);
        };
        Result<void> written;
        switch (form) {
        case 0:
            written = bf16(folder + "/model.safetensors", tensorsOf());
            break;
        case 1:
            written = writeSharded(folder, "model", "safetensors", tensorsOf(), bf16);
            break;
        case 2:
            written = writeTorch(folder + "/pytorch_model.bin", tensorsOf());
            break;
        case 3:
            written = writeSharded(folder, "pytorch_model", "bin", tensorsOf(), writeTorch);
            break;
        case 4:
            written = bf16(folder + "/model.safetensors", tensorsOf("model."));
            break;
        case 5:
            written = writeTorch(folder + "/pytorch_model.bin", tensorsOf("model."));
            break;
        case 6: {
            const QString blobs = m_folder.filePath("blobs");
            QVERIFY(QDir().mkpath(blobs));
            written = bf16((blobs + "/0123abcd").toStdString(), tensorsOf());
            QVERIFY(QFile::link(blobs + "/0123abcd", QString::fromStdString(folder) + "/model.safetensors"));
            break;
        }
        default:
            QFAIL("no such form");
        }
        QVERIFY2(written, written ? "" : written.error().sentence().c_str());
        const auto logits = logitsOf(folder);
        QVERIFY2(logits, logits ? "" : logits.error().sentence().c_str());
        QVERIFY(at::equal(*logits, m_logits));
    }

    void llama2cCheckpointsWriteTheirGoldenText()
    {
        const std::string folder = SA_SHARED_DIR "/data/models/stories260K";
        if (!exists(folder))
            QSKIP("the shared models are not here");
        const auto golden = json::parseFile(folder + "/golden.json");
        const auto model = ModelFolder::open(folder);
        QVERIFY2(model, model ? "" : model.error().sentence().c_str());
        const auto decoder = Decoder::load(*model, at::kCPU, CancelToken());
        const auto tokenizer = Tokenizer::open(folder);
        QVERIFY2(tokenizer, tokenizer ? "" : tokenizer.error().sentence().c_str());
        QVERIFY(golden && decoder);
        SamplerOptions greedy;
        greedy.greedy = true;
        const auto prompt = tokenizer->encode((*golden)["prompt"].get<std::string>());
        QCOMPARE(prompt.size(), std::size_t{1}); // the first token alone
        const auto text =
            generate(*decoder, prompt, (*golden)["steps"].get<int>(), greedy, CancelToken(), [](auto) { return true; });
        QVERIFY(text);
        const QString expected = QString::fromStdString((*golden)["expected_text"].get<std::string>());
        const QString found = QString::fromStdString(tokenizer->decode(text->ids));
        QVERIFY2(found.trimmed().startsWith(expected), qPrintable(found));
    }
};

QTEST_APPLESS_MAIN(TestCheckpointForms)
#include "tst_checkpoint_forms.moc"
