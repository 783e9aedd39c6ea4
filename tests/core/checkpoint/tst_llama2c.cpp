// SPDX-License-Identifier: GPL-3.0-or-later
#include "checkpoint_files.h"

#include "core/checkpoint/config_json.h"
#include "core/checkpoint/llama2c.h"
#include "core/checkpoint/weight_store.h"

#include <QTemporaryDir>
#include <QtTest>

#include <cmath>
#include <memory>

using namespace test;

namespace
{

struct Numbers {
    std::int32_t dim = 8, hidden = 6, layers = 2, heads = 2, kvHeads = 1, vocab = 5, positions = 3;
};

/// Every float is its own number, so that each says where it was read.
QByteArray checkpoint(const Numbers& numbers, int extraBytes = 0)
{
    sa::Llama2cHeader header{numbers.dim,     numbers.hidden, numbers.layers,    numbers.heads,
                             numbers.kvHeads, numbers.vocab,  numbers.positions, numbers.vocab > 0};
    header.vocab = std::abs(header.vocab);
    QByteArray out(reinterpret_cast<const char*>(&numbers), sizeof numbers);
    const auto count = (header.fileBytes() - 28) / 4;
    for (std::uint64_t i = 0; i < count; ++i) {
        const auto value = static_cast<float>(i);
        out.append(reinterpret_cast<const char*>(&value), 4);
    }
    return extraBytes < 0 ? out.chopped(-extraBytes) : out + QByteArray(extraBytes, '\1');
}

std::vector<float> valuesOf(const sa::WeightStore& store, const std::string& tensor)
{
    const auto info = store.find(tensor);
    if (!info)
        return {};
    std::vector<float> out(static_cast<std::size_t>((*info)->elements()));
    return store.read(tensor, std::as_writable_bytes(std::span(out))) ? out : std::vector<float>();
}

} // namespace

class TestLlama2c : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void init();
    void tensorsLieWhereRunCPutsThem();
    void queryAndKeyRowsAreReordered();
    void theConfigurationFollows();
    void whatIsNotOne_data();
    void whatIsNotOne();
    void foldersAreRecognised();
    void laterFormsAreRefused();
    void aTrainedModel();

private:
    QString path(const QString& name) const { return m_folder->filePath(name); }
    std::string folder() const { return m_folder->path().toStdString(); }

    std::unique_ptr<QTemporaryDir> m_folder;
};

void TestLlama2c::init()
{
    m_folder = std::make_unique<QTemporaryDir>();
    QVERIFY(m_folder->isValid());
}

void TestLlama2c::tensorsLieWhereRunCPutsThem()
{
    for (const int vocab : {5, -5}) {
        QVERIFY(writeFile(path("model.bin"), checkpoint({.vocab = vocab})));
        const auto store = sa::WeightStore::open(folder());
        QVERIFY2(store, qPrintable(store ? QString() : describe(store.error())));
        QVERIFY(store->warnings().empty());
        // dim 8, hidden 6, two blocks, two heads of 4, one of them for keys: in floats
        const QList<std::pair<std::string, int>> firsts{
            {"model.embed_tokens.weight", 0},
            {"model.layers.0.input_layernorm.weight", 40},
            {"model.layers.1.input_layernorm.weight", 48},
            {"model.layers.0.self_attn.q_proj.weight", 56},
            {"model.layers.1.self_attn.q_proj.weight", 120},
            {"model.layers.0.self_attn.k_proj.weight", 184},
            {"model.layers.1.self_attn.v_proj.weight", 280},
            {"model.layers.0.self_attn.o_proj.weight", 312},
            {"model.layers.0.post_attention_layernorm.weight", 440},
            {"model.layers.0.mlp.gate_proj.weight", 456},
            {"model.layers.1.mlp.down_proj.weight", 600},
            {"model.layers.0.mlp.up_proj.weight", 648},
            {"model.norm.weight", 744},
        };
        for (const auto& [tensor, first] : firsts) {
            const auto values = valuesOf(*store, tensor);
            QVERIFY2(!values.empty(), tensor.c_str());
            QCOMPARE(values.front(), static_cast<float>(first));
        }
        QCOMPARE((*store->find("model.layers.1.mlp.down_proj.weight"))->shapeText(), std::string("[8, 6]"));
        QCOMPARE((*store->find("model.layers.1.self_attn.v_proj.weight"))->shapeText(), std::string("[4, 8]"));
        QCOMPARE(store->contains("lm_head.weight"), vocab < 0);
        if (vocab < 0)
            QCOMPARE(valuesOf(*store, "lm_head.weight").front(),
                     752.0f + 12.0f); // behind the tables of 3 x 2 and 3 x 2
        QCOMPARE(store->names().size(), std::size_t(2 + 2 * 9 + (vocab < 0 ? 1 : 0)));
    }
}

void TestLlama2c::queryAndKeyRowsAreReordered()
{
    QVERIFY(writeFile(path("model.bin"), checkpoint({})));
    const auto store = sa::WeightStore::open(folder());
    QVERIFY(store);
    const auto firstColumn = [&](const std::string& tensor, float first) {
        std::vector<int> rows;
        const auto values = valuesOf(*store, tensor);
        for (std::size_t row = 0; row < values.size() / 8; ++row) {
            for (std::size_t column = 1; column < 8; ++column) // rows stay whole
                if (values[8 * row + column] != values[8 * row] + static_cast<float>(column))
                    return std::vector<int>{-1};
            rows.push_back(static_cast<int>((values[8 * row] - first) / 8));
        }
        return rows;
    };
    // In a head of 4: the pairs (0, 1) and (2, 3) become the halves (0, 2) and (1, 3).
    QCOMPARE(firstColumn("model.layers.1.self_attn.q_proj.weight", 120), (std::vector<int>{0, 2, 1, 3, 4, 6, 5, 7}));
    QCOMPARE(firstColumn("model.layers.0.self_attn.k_proj.weight", 184), (std::vector<int>{0, 2, 1, 3}));
    QCOMPARE(firstColumn("model.layers.0.self_attn.v_proj.weight", 248), (std::vector<int>{0, 1, 2, 3}));
}

void TestLlama2c::theConfigurationFollows()
{
    QVERIFY(writeFile(path("model.bin"), checkpoint({.vocab = -5})));
    auto config = sa::readConfigJson(folder());
    QVERIFY2(config, qPrintable(config ? QString() : describe(config.error())));
    QCOMPARE((*config)["architectures"][0], sa::Json("LlamaForCausalLM"));
    for (const auto& [key, value] :
         {std::pair{"hidden_size", 8}, std::pair{"intermediate_size", 6}, std::pair{"num_hidden_layers", 2},
          std::pair{"num_attention_heads", 2}, std::pair{"num_key_value_heads", 1}, std::pair{"vocab_size", 5},
          std::pair{"max_position_embeddings", 3}})
        QCOMPARE((*config)[key], sa::Json(value));
    QCOMPARE((*config)["rms_norm_eps"], sa::Json(1e-5));
    QCOMPARE((*config)["tie_word_embeddings"], sa::Json(false));
    // A config.json says it itself, and then the folder is an ordinary one.
    QVERIFY(writeFile(path("config.json"), R"({"hidden_size":9})"));
    config = sa::readConfigJson(folder());
    QCOMPARE((*config)["hidden_size"], sa::Json(9));
    QVERIFY(!sa::WeightStore::open(folder()));
}

void TestLlama2c::whatIsNotOne_data()
{
    QTest::addColumn<QByteArray>("bytes");
    QTest::addRow("nothing") << QByteArray();
    QTest::addRow("a header alone") << checkpoint({}).first(28);
    QTest::addRow("a header that is cut") << checkpoint({}).first(27);
    QTest::addRow("one byte less") << checkpoint({}, -1);
    QTest::addRow("one float more") << checkpoint({}, 4);
    const auto with = [](int place, std::int32_t value) {
        QByteArray bytes = checkpoint({});
        std::memcpy(bytes.data() + 4 * place, &value, 4);
        return bytes;
    };
    const char* names[] = {"dim", "hidden", "layers", "heads", "kvHeads", "vocab", "positions"};
    for (int place = 0; place < 7; ++place)
        for (const std::int32_t value :
             {0, 7, -1, std::numeric_limits<std::int32_t>::max(), std::numeric_limits<std::int32_t>::min()})
            QTest::addRow("%s is %d", names[place], value) << with(place, value);
    QTest::addRow("a tokenizer") << QByteArray("\x07\0\0\0", 4) + QByteArray(5000, '\1');
}

void TestLlama2c::whatIsNotOne()
{
    QFETCH(QByteArray, bytes);
    QVERIFY(writeFile(path("model.bin"), bytes));
    const auto header = sa::recogniseLlama2c(path("model.bin").toStdString());
    QVERIFY2(header, qPrintable(header ? QString() : describe(header.error())));
    QVERIFY(!header->has_value());
    const auto store = sa::WeightStore::open(folder());
    QVERIFY(!store && store.error().code == sa::Errc::NotFound);
    QCOMPARE(sa::readConfigJson(folder()).error().code, sa::Errc::NotFound);
}

void TestLlama2c::foldersAreRecognised()
{
    QVERIFY(writeFile(path("any name.bin"), checkpoint({})));
    QVERIFY(writeFile(path("tok5.bin"), QByteArray("\x07\0\0\0", 4) + QByteArray(500, '\1')));
    auto store = sa::WeightStore::open(folder());
    QVERIFY2(store, qPrintable(store ? QString() : describe(store.error())));
    QVERIFY2(store->warnings().empty(), store->warnings().empty() ? "" : store->warnings().front().c_str());
    QCOMPARE(store->files(), (std::vector<std::string>{path("any name.bin").toStdString()}));
    QVERIFY(writeFile(path("model-q4.gguf"), "GGUF"));
    store = sa::WeightStore::open(folder());
    QVERIFY(store && store->warnings().size() == 1);
    QVERIFY(writeFile(path("other.bin"), checkpoint({.vocab = 6})));
    store = sa::WeightStore::open(folder());
    QVERIFY(!store && store.error().code == sa::Errc::BadInput);
    QVERIFY(describe(store.error()).contains("any name.bin and other.bin"));
}

void TestLlama2c::laterFormsAreRefused()
{
    for (const std::int32_t version : {1, 2}) {
        const std::int32_t head[] = {0x616B3432, version};
        QVERIFY(
            writeFile(path("model.bin"), QByteArray(reinterpret_cast<const char*>(head), 8) + QByteArray(248, '\1')));
        for (const auto& error : {sa::WeightStore::open(folder()).error(), sa::readConfigJson(folder()).error()}) {
            QCOMPARE(error.code, sa::Errc::Unsupported);
            QVERIFY(describe(error).contains("version " + QString::number(version)));
            QVERIFY(describe(error).contains("model.bin"));
        }
    }
}

void TestLlama2c::aTrainedModel()
{
    const QString shared = QStringLiteral(SA_SHARED_DIR) + "/data/models/stories260K";
    if (!QDir(shared).exists())
        QSKIP("the shared models are not here");
    const auto store = sa::WeightStore::open(shared.toStdString());
    QVERIFY2(store, qPrintable(store ? QString() : describe(store.error())));
    QVERIFY(store->warnings().empty());
    QCOMPARE((*store->find("model.embed_tokens.weight"))->shapeText(), std::string("[512, 64]"));
    // A wrong place would give wild values: norms are near 1, and matrices are small.
    for (const auto& tensor : store->names()) {
        double sum = 0;
        const auto values = valuesOf(*store, tensor);
        for (const float value : values)
            sum += std::abs(static_cast<double>(value));
        const double mean = sum / static_cast<double>(values.size());
        const bool isNorm = tensor.find("norm") != std::string::npos;
        QVERIFY2(isNorm ? mean > 0.2 && mean < 10 : mean > 0.01 && mean < 0.5,
                 qPrintable(QString::fromStdString(tensor) + ": " + QString::number(mean)));
    }
}

QTEST_APPLESS_MAIN(TestLlama2c)
#include "tst_llama2c.moc"
