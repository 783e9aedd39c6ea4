// SPDX-License-Identifier: GPL-3.0-or-later
#include "packed_fixture.h"

#include "core/base/sha256.h"

#include <QTemporaryDir>
#include <QtTest>

#include <memory>

using namespace test;

namespace
{

/// The lines of FORMAT.md between ```NAME and ```.
QStringList documentedBlock(const QString& name)
{
    const QStringList lines = QString::fromUtf8(readFile(QStringLiteral(SA_SOURCE_DIR "/docs/FORMAT.md"))).split('\n');
    const qsizetype begin = lines.indexOf("```" + name);
    const qsizetype end = begin < 0 ? -1 : lines.indexOf("```", begin + 1);
    return end < 0 ? QStringList() : lines.mid(begin + 1, end - begin - 1);
}

/// Columns 0.. as "+-+", packed by hand: the test does not trust the packer.
std::uint32_t word(const char* signs)
{
    std::uint32_t bits = 0;
    for (int i = 0; signs[i] != 0; ++i)
        bits |= (signs[i] == '+' ? 1u : 0u) << i;
    return bits;
}

} // namespace

class TestPackedCheckpoint : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void init();
    void theDocumentedExampleIsWrittenAndRead();
    void aPackedFolderHoldsWhatItShould();
    void everyGeometryIsReadBack_data();
    void everyGeometryIsReadBack();
    void sameInputsGiveTheSameBytes();
    void onlyFilesOfTheModelAreCopied();
    void companionLinks();
    void anInterruptedWriterLeavesNothing();
    void aCancelledPublishLeavesNothing();
    void aBusyOutputIsRefused();
    void tooLittleSpaceIsSaidAtOnce();
    void aQuantizedSourceIsRefused();
    void nonFiniteValuesAreRefused_data();
    void nonFiniteValuesAreRefused();
    void aFailedShardMayBeTriedAgain();
    void damageOnTheWayIsFoundBeforePublishing();
    void mistakesOfTheCallerAreInternalErrors();

private:
    QString path(const QString& name) const { return m_folder->filePath(name); }
    QStringList entries() const
    {
        return QDir(m_folder->path()).entryList(QDir::AllEntries | QDir::Hidden | QDir::NoDotAndDotDot, QDir::Name);
    }
    sa::Result<sa::PackedWriter> create(const QString& out, int shards) const
    {
        return sa::PackedWriter::create(path(out).toStdString(), *m_source, shards, 0);
    }

    std::unique_ptr<QTemporaryDir> m_folder;
    std::unique_ptr<sa::WeightStore> m_source;
};

void TestPackedCheckpoint::init()
{
    m_folder = std::make_unique<QTemporaryDir>();
    QVERIFY(m_folder->isValid());
    writeOriginal(path("original"));
    auto source = sa::WeightStore::open(path("original").toStdString());
    QVERIFY2(source, qPrintable(source ? QString() : describe(source.error())));
    m_source = std::make_unique<sa::WeightStore>(*std::move(source));
}

void TestPackedCheckpoint::theDocumentedExampleIsWrittenAndRead()
{
    sa::PackedWeight weight;
    weight.N = 2, weight.K = 10, weight.q = 2, weight.R = 1, weight.C = 8;
    weight.bits = {word("+-++--+-+-"), word("----++++++"), word("++--++----"), word("+-+-+-+--+")};
    weight.scales = {0x9C00, 0x9E40, 0x9400, 0x9800, 0x9832, 0xA640, 0x0000, 0x9C00};

    auto writer = create("packed", 1);
    QVERIFY2(writer, qPrintable(writer ? QString() : describe(writer.error())));
    QVERIFY(writer->writeShard({{"w", &weight}}));
    QVERIFY(writer->publish(quantizationInfo({{"w", weight}}), sa::CancelToken()));

    QByteArray documented;
    const QStringList lines = documentedBlock("hex");
    QVERIFY2(!lines.isEmpty(), "docs/FORMAT.md has no block of hex digits");
    for (const QString& line : lines)
        documented += QByteArray::fromHex(line.left(16 * 3 - 1).toLatin1());
    QCOMPARE(readFile(path("packed/model-00001-of-00001.safetensors")).toHex(' '), documented.toHex(' '));

    const auto store = sa::WeightStore::open(path("packed").toStdString());
    QVERIFY(store);
    const auto read = sa::readPacked(*store, layerInfo("w", weight));
    QVERIFY2(read, qPrintable(read ? QString() : describe(read.error())));
    std::vector<float> dense(20);
    QCOMPARE(int(sa::kernels::unpackDense(read->view(), dense.data())), int(sa::kernels::Status::Ok));
    const QStringList rows = documentedBlock("weights");
    QCOMPARE(rows.size(), 2);
    for (int n = 0; n < 2; ++n) {
        const QStringList numbers = rows[n].split(' ');
        QCOMPARE(numbers.size(), 10);
        for (int k = 0; k < 10; ++k)
            QCOMPARE(dense[static_cast<std::size_t>(10 * n + k)], numbers[k].toFloat());
    }
}

void TestPackedCheckpoint::aPackedFolderHoldsWhatItShould()
{
    writeOriginal(path("original"), (5 << 20) + 2); // the large matrix is copied in more than one piece
    m_source = std::make_unique<sa::WeightStore>(*sa::WeightStore::open(path("original").toStdString()));
    const auto bytes = packOriginal(path("original"), path("packed"));
    QVERIFY2(bytes, qPrintable(bytes ? QString() : describe(bytes.error())));
    QCOMPARE(entries(), (QStringList{"original", "packed"})); // no stage, no lock

    const auto files = contentOf(path("packed"));
    QCOMPARE(files.keys(), (QStringList{"chat_template.jinja", "config.json", "model-00001-of-00002.safetensors",
                                        "model-00002-of-00002.safetensors", "model.safetensors.index.json",
                                        "tokenizer.json", "tokenizer.model"}));
    for (const char* name : {"chat_template.jinja", "tokenizer.json", "tokenizer.model"})
        QCOMPARE(files[name], readFile(path("original/") + name));
    QCOMPARE(*bytes, static_cast<std::uint64_t>(files["model-00001-of-00002.safetensors"].size() +
                                                files["model-00002-of-00002.safetensors"].size()));

    // config.json: the source's fields untouched, and the info as it was given, with the digests of the files.
    const auto config = sa::json::parseFile(path("packed/config.json").toStdString());
    QVERIFY(config);
    sa::Json rest = *config;
    rest.erase("quantization_config");
    QCOMPARE(rest, *sa::json::parseFile(path("original/config.json").toStdString()));
    QVERIFY(files["config.json"].contains("\"rms_norm_eps\": 1e-05") &&
            files["config.json"].contains("18446744073709551615"));
    const auto info = sa::quantizationOf(sa::JsonField(*config, "config.json"));
    QVERIFY2(info && *info, qPrintable(info ? QString() : describe(info.error())));
    sa::QuantizationInfo wanted = quantizationInfo(originalLayers());
    for (const char* name : {"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"})
        wanted.files[name] = sa::sha256Of(files[name].toStdString());
    QCOMPARE((*info)->toJson(), wanted.toJson());
    QCOMPARE((*info)->layers.at("block.v").name, std::string("block.v"));

    const auto store = sa::WeightStore::open(path("packed").toStdString());
    QVERIFY2(store, qPrintable(store ? QString() : describe(store.error())));
    QVERIFY(store->warnings().empty());
    QCOMPARE(store->names(),
             (std::vector<std::string>{"block.v.planes", "block.v.scales", "block.w.bias", "block.w.planes",
                                       "block.w.scales", "embed.weight", "empty.weight", "norm.weight"}));
    for (const auto& [name, weight] : originalLayers()) {
        const auto read = sa::readPacked(*store, (*info)->layers.at(name));
        QVERIFY2(read, qPrintable(read ? QString() : describe(read.error())));
        QVERIFY(read->bits == weight.bits && read->scales == weight.scales);
        QCOMPARE(read->storedBytes(), weight.bits.size() * 4 + weight.scales.size() * 2);
    }
    for (const char* name : {"block.w.bias", "embed.weight", "empty.weight", "norm.weight"}) {
        const sa::TensorInfo& before = **m_source->find(name);
        const sa::TensorInfo& after = **store->find(name);
        QCOMPARE(int(after.dtype), int(before.dtype));
        QCOMPARE(after.shape, before.shape);
        QCOMPARE(after.offset % static_cast<std::uint64_t>(sa::sizeBytes(after.dtype)), std::uint64_t(0));
        std::vector<std::byte> a(before.sizeBytes), b(after.sizeBytes);
        QVERIFY(m_source->read(name, a) && store->read(name, b));
        QVERIFY(a == b);
    }
    const auto verified = sa::verifyPacked(path("packed").toStdString(), sa::CancelToken());
    QVERIFY2(verified, qPrintable(verified ? QString() : describe(verified.error())));
    QCOMPARE(*verified, (sa::Json{{"tensors", 8}, {"bytes", *bytes}, {"layers", 2}}));
}

void TestPackedCheckpoint::everyGeometryIsReadBack_data()
{
    QTest::addColumn<QList<int>>("geometry"); // N, K, q, R, C
    QTest::addRow("one weight") << QList<int>{1, 1, 1, 1, 1};
    QTest::addRow("one weight with block scales") << QList<int>{1, 1, 1, 1, 8};
    QTest::addRow("lat: R = N/8, C = 8") << QList<int>{64, 96, 3, 8, 8};
    QTest::addRow("acc: R = N, C = 1") << QList<int>{40, 64, 2, 40, 1};
    QTest::addRow("row-wise: R = 1, C = K") << QList<int>{7, 64, 4, 1, 64};
    QTest::addRow("row-wise with K that is no multiple of 8") << QList<int>{7, 61, 2, 1, 64};
    QTest::addRow("one column less than a word") << QList<int>{3, 31, 2, 2, 8};
    QTest::addRow("exactly one word") << QList<int>{3, 32, 2, 2, 8};
    QTest::addRow("one column more than a word") << QList<int>{3, 33, 2, 2, 8};
    QTest::addRow("tails everywhere") << QList<int>{13, 75, 4, 5, 16};
}

void TestPackedCheckpoint::everyGeometryIsReadBack()
{
    QFETCH(QList<int>, geometry);
    const sa::PackedWeight weight = packedWeight(geometry[0], geometry[1], geometry[2], geometry[3], geometry[4]);
    auto writer = create("packed", 1);
    QVERIFY(writer);
    const auto written = writer->writeShard({{"x", &weight}});
    QVERIFY2(written, qPrintable(written ? QString() : describe(written.error())));
    const auto published = writer->publish(quantizationInfo({{"x", weight}}), sa::CancelToken());
    QVERIFY2(published, qPrintable(published ? QString() : describe(published.error())));
    const auto store = sa::WeightStore::open(path("packed").toStdString());
    QVERIFY(store);
    const int q = geometry[2];
    QCOMPARE((*store->find("x.planes"))->shape, (std::vector<std::int64_t>{(weight.K + 31) / 32, q, weight.N}));
    QCOMPARE((*store->find("x.scales"))->shape, (std::vector<std::int64_t>{(weight.K + weight.C - 1) / weight.C, q,
                                                                           (weight.N + weight.R - 1) / weight.R}));
    const auto read = sa::readPacked(*store, layerInfo("x", weight));
    QVERIFY2(read, qPrintable(read ? QString() : describe(read.error())));
    QVERIFY(read->bits == weight.bits && read->scales == weight.scales);
    QVERIFY(sa::verifyPacked(path("packed").toStdString(), sa::CancelToken()));
}

void TestPackedCheckpoint::sameInputsGiveTheSameBytes()
{
    QVERIFY(packOriginal(path("original"), path("first")));
    // Another place, another order of the same tensors in a shard.
    writeOriginal(path("elsewhere/original"));
    const auto source = sa::WeightStore::open(path("elsewhere/original").toStdString());
    QVERIFY(source);
    const auto layers = originalLayers();
    auto writer = sa::PackedWriter::create(path("elsewhere/second").toStdString(), *source, 2, 0);
    QVERIFY(writer);
    QVERIFY(
        writer->writeShard({{"block.v", &layers.at("block.v")}, {"block.w.bias"}, {"block.w", &layers.at("block.w")}}));
    QVERIFY(writer->writeShard({{"embed.weight"}, {"empty.weight"}, {"norm.weight"}}));
    QVERIFY(writer->publish(quantizationInfo(layers), sa::CancelToken()));

    const auto first = contentOf(path("first"));
    const auto second = contentOf(path("elsewhere/second"));
    QCOMPARE(first.keys(), second.keys());
    for (const QString& name : first.keys()) {
        QVERIFY2(first[name] == second[name], qPrintable(name));
        QVERIFY2(!first[name].contains(m_folder->path().toUtf8()), qPrintable(name)); // no paths
    }
}

void TestPackedCheckpoint::onlyFilesOfTheModelAreCopied()
{
    const QString original = path("original/");
    for (const char* name : {"modeling_evil.py", "README.md", "training_args.bin", "optimizer.pt", ".env",
                             "chat_template", "xtokenizer.json"})
        QVERIFY(writeFile(original + name, "x"));
    const QStringList copied{"special_tokens_map.json",
                             "added_tokens.json",
                             "vocab.json",
                             "merges.txt",
                             "generation_config.json",
                             "chat_template.json",
                             "tokenizer_config.json",
                             "chat_templates/tool.jinja",
                             "additional_chat_templates/rag.jinja"};
    for (const char* folder : {"chat_templates", "additional_chat_templates"})
        QVERIFY(QDir(original).mkdir(folder));
    for (const QString& name : copied)
        QVERIFY(writeFile(original + name, "content of " + name.toUtf8()));
    QVERIFY(writeFile(original + "chat_templates/code.py", "x"));

    const auto published = packOriginal(path("original"), path("packed"));
    QVERIFY2(published, qPrintable(published ? QString() : describe(published.error())));
    const auto files = contentOf(path("packed"));
    for (const QString& name : copied)
        QCOMPARE(files.value(name), "content of " + name.toUtf8());
    QCOMPARE(files.size(), copied.size() + 7);
}

void TestPackedCheckpoint::companionLinks()
{
    // Into a hub cache, or to a file of the same name: a user's own arrangement. Anything else could publish a private
    // file.
    QVERIFY(QDir(m_folder->path()).mkpath("models--a--b/blobs"));
    QVERIFY(QDir(m_folder->path()).mkpath("other"));
    QVERIFY(writeFile(path("models--a--b/blobs/1234"), "from the cache"));
    QVERIFY(writeFile(path("other/merges.txt"), "same name"));
    QVERIFY(writeFile(path("other/private.key"), "secret"));
    QVERIFY(QFile::link(path("models--a--b/blobs/1234"), path("original/vocab.json")));
    QVERIFY(QFile::link(path("other/merges.txt"), path("original/merges.txt")));
    const auto published = packOriginal(path("original"), path("packed"));
    QVERIFY2(published, qPrintable(published ? QString() : describe(published.error())));
    QCOMPARE(readFile(path("packed/vocab.json")), QByteArray("from the cache"));
    QCOMPARE(readFile(path("packed/merges.txt")), QByteArray("same name"));
    QVERIFY(!QFileInfo(path("packed/merges.txt")).isSymLink());

    const auto refused = [&](sa::Errc code, const char* name) {
        const auto result = packOriginal(path("original"), path("refused"));
        QVERIFY(!result);
        QVERIFY2(result.error().code == code, qPrintable(describe(result.error())));
        checkReadable(result.error(), name);
        QVERIFY(!QFile::exists(path("refused")));
        QVERIFY(QFile::remove(path("original/") + name));
    };
    QVERIFY(QFile::link(path("other/private.key"), path("original/generation_config.json")));
    refused(sa::Errc::BadInput, "generation_config.json");
    QVERIFY(QFile::link("absent", path("original/added_tokens.json")));
    refused(sa::Errc::NotFound, "added_tokens.json");
    QVERIFY(QFile::link("/dev/zero", path("original/chat_template.json")));
    refused(sa::Errc::BadInput, "chat_template.json");
    QVERIFY(QFile::link(path("other"), path("original/chat_templates")));
    refused(sa::Errc::BadInput, "chat_templates");
    QCOMPARE(entries(), (QStringList{"models--a--b", "original", "other", "packed"}));
}

void TestPackedCheckpoint::anInterruptedWriterLeavesNothing()
{
    {
        auto writer = create("packed", 2);
        QVERIFY(writer);
        QVERIFY(writer->writeShard({{"norm.weight"}}));
        QVERIFY(!QFile::exists(path("packed"))); // nothing under the final name while it grows
        QVERIFY(
            QFile::exists(path(".packed.partial/model-00001-of-00002.safetensors"))); // but the shard is final already
    }
    QCOMPARE(entries(), QStringList{"original"});
}

void TestPackedCheckpoint::aCancelledPublishLeavesNothing()
{
    {
        const auto layers = originalLayers();
        auto writer = create("packed", 1);
        QVERIFY(writer);
        QVERIFY(writer->writeShard({{"block.w", &layers.at("block.w")}}));
        sa::CancelToken cancel;
        cancel.cancel();
        const auto published = writer->publish(quantizationInfo({{"block.w", layers.at("block.w")}}), cancel);
        QCOMPARE(published.error().code, sa::Errc::Cancelled);
    }
    QCOMPARE(entries(), QStringList{"original"});
}

void TestPackedCheckpoint::aBusyOutputIsRefused()
{
    QVERIFY(QDir(m_folder->path()).mkdir("packed"));
    QVERIFY(create("packed", 1)); // an empty folder is fine
    QVERIFY(writeFile(path("packed/precious.txt"), "keep me"));
    const auto busy = create("packed", 1);
    QCOMPARE(busy.error().code, sa::Errc::BadInput);
    checkReadable(busy.error(), path("packed"));
    QCOMPARE(readFile(path("packed/precious.txt")), QByteArray("keep me"));
    QCOMPARE(create("original/config.json", 1).error().code, sa::Errc::BadInput); // a file

    const auto first = create("shared", 1);
    QVERIFY(first);
    const auto second = create("shared", 1);
    QCOMPARE(second.error().code, sa::Errc::BadInput);
    QVERIFY2(describe(second.error()).contains("another job"), qPrintable(describe(second.error())));
}

void TestPackedCheckpoint::tooLittleSpaceIsSaidAtOnce()
{
    const auto writer = sa::PackedWriter::create(path("packed").toStdString(), *m_source, 1, std::uint64_t(1) << 62);
    QVERIFY(!writer);
    QCOMPARE(writer.error().code, sa::Errc::NoSpace);
    QVERIFY2(describe(writer.error()).contains("4611686018427387904"), qPrintable(describe(writer.error())));
    QCOMPARE(entries(), QStringList{"original"});
}

void TestPackedCheckpoint::aQuantizedSourceIsRefused()
{
    QVERIFY(writeFile(path("original/config.json"), R"({"quantization_config":{"quant_method":"gptq"}})"));
    QCOMPARE(create("packed", 1).error().code, sa::Errc::Unsupported);
    QVERIFY(writeFile(path("original/config.json"), R"({"quantization_config":null})"));
    QVERIFY(create("packed", 1));
    QVERIFY(writeFile(path("original/config.json"), "[]"));
    QCOMPARE(create("packed", 1).error().code, sa::Errc::BadFormat);
    QVERIFY(QFile::remove(path("original/config.json")));
    QCOMPARE(create("packed", 1).error().code, sa::Errc::NotFound);
    QCOMPARE(entries(), QStringList{"original"});
}

void TestPackedCheckpoint::nonFiniteValuesAreRefused_data()
{
    QTest::addColumn<QByteArray>("dtype");
    QTest::addColumn<QByteArray>("value"); // little-endian
    QTest::addColumn<QString>("found");
    QTest::addRow("F16 NaN") << QByteArray("F16") << QByteArray::fromHex("017e") << "NaN";
    QTest::addRow("F16 signalling NaN") << QByteArray("F16") << QByteArray::fromHex("01fc") << "NaN";
    QTest::addRow("F16 infinity") << QByteArray("F16") << QByteArray::fromHex("007c") << "+Inf";
    QTest::addRow("F16 minus infinity") << QByteArray("F16") << QByteArray::fromHex("00fc") << "-Inf";
    QTest::addRow("F16 largest value") << QByteArray("F16") << QByteArray::fromHex("ff7b") << QString();
    QTest::addRow("BF16 NaN") << QByteArray("BF16") << QByteArray::fromHex("c0ff") << "NaN";
    QTest::addRow("BF16 infinity") << QByteArray("BF16") << QByteArray::fromHex("807f") << "+Inf";
    QTest::addRow("BF16 largest value") << QByteArray("BF16") << QByteArray::fromHex("7f7f") << QString();
    QTest::addRow("F32 NaN") << QByteArray("F32") << QByteArray::fromHex("0100807f") << "NaN";
    QTest::addRow("F32 minus infinity") << QByteArray("F32") << QByteArray::fromHex("000080ff") << "-Inf";
    QTest::addRow("F32 subnormal") << QByteArray("F32") << QByteArray::fromHex("01000000") << QString();
    QTest::addRow("F64 NaN") << QByteArray("F64") << QByteArray::fromHex("000000000000f87f") << "NaN";
    QTest::addRow("F64 infinity") << QByteArray("F64") << QByteArray::fromHex("000000000000f07f") << "+Inf";
    QTest::addRow("an integer with all bits set") << QByteArray("I32") << QByteArray::fromHex("ffffffff") << QString();
}

void TestPackedCheckpoint::nonFiniteValuesAreRefused()
{
    QFETCH(QByteArray, dtype);
    QFETCH(QByteArray, value);
    QFETCH(QString, found);
    const qsizetype width = value.size();
    const qsizetype count = (6 << 20) / width; // in the second piece of the copy
    const qsizetype place = count - 3;
    QByteArray data(count * width, '\0');
    data.replace(place * width, width, value);
    QVERIFY(writeFile(path("original/model.safetensors"),
                      container("{" +
                                    entry("bad.weight", "\"" + dtype + "\"", "[" + QByteArray::number(count) + "]",
                                          "[0," + QByteArray::number(data.size()) + "]") +
                                    "}",
                                data)));
    const auto source = sa::WeightStore::open(path("original").toStdString());
    QVERIFY(source);
    auto writer = sa::PackedWriter::create(path("packed").toStdString(), *source, 1, 0);
    QVERIFY(writer);
    const auto written = writer->writeShard({{"bad.weight"}});
    QCOMPARE(written.has_value(), found.isEmpty());
    if (found.isEmpty())
        return;
    QCOMPARE(written.error().code, sa::Errc::BadInput);
    QCOMPARE(written.error().where, std::string("bad.weight"));
    QCOMPARE(QString::fromStdString(written.error().found), found + " at element " + QString::number(place));
    checkReadable(written.error(), path("original/model.safetensors"));
}

void TestPackedCheckpoint::aFailedShardMayBeTriedAgain()
{
    auto writer = create("packed", 1);
    QVERIFY(writer);
    const auto layers = originalLayers();
    QCOMPARE(writer->writeShard({{"block.w", &layers.at("block.w")}, {"absent.weight"}}).error().code,
             sa::Errc::NotFound);
    QVERIFY(writer->writeShard({{"block.w", &layers.at("block.w")}, {"norm.weight"}}));
    QVERIFY(writer->publish(quantizationInfo({{"block.w", layers.at("block.w")}}), sa::CancelToken()));
    QVERIFY(sa::verifyPacked(path("packed").toStdString(), sa::CancelToken()));
}

void TestPackedCheckpoint::damageOnTheWayIsFoundBeforePublishing()
{
    const auto layers = originalLayers();
    for (const char* victim : {"model-00001-of-00001.safetensors", "tokenizer.json"}) {
        auto writer = create("packed", 1);
        QVERIFY(writer);
        QVERIFY(writer->writeShard({{"block.w", &layers.at("block.w")}}));
        const QString staged = path(".packed.partial/") + victim;
        QByteArray bytes = readFile(staged);
        QVERIFY(!bytes.isEmpty());
        bytes[bytes.size() - 1] = static_cast<char>(bytes[bytes.size() - 1] ^ 1);
        QVERIFY(writeFile(staged, bytes));
        const auto published =
            writer->publish(quantizationInfo({{"block.w", layers.at("block.w")}}), sa::CancelToken());
        QVERIFY(!published);
        QCOMPARE(published.error().code, sa::Errc::Io);
        checkReadable(published.error(), victim);
        QVERIFY(!QFile::exists(path("packed")));
    }
}

void TestPackedCheckpoint::mistakesOfTheCallerAreInternalErrors()
{
    const auto layers = originalLayers();
    const sa::PackedWeight& weight = layers.at("block.w");
    const auto info = quantizationInfo({{"block.w", weight}});
    const sa::CancelToken cancel;
    const auto refused = [](const auto& result, const char* word) {
        QVERIFY2(!result, word);
        const QString text = describe(result.error());
        QVERIFY2(result.error().code == sa::Errc::Internal && text.contains(word), qPrintable(text));
    };
    refused(create("packed", 0), "number of shards");
    refused(create("packed", 100'000), "number of shards");

    auto writer = create("packed", 2);
    QVERIFY(writer);
    sa::PackedWeight broken = weight;
    broken.bits.pop_back();
    refused(writer->writeShard({{"block.w", &broken}}), "sizes of its geometry");
    broken = weight;
    broken.R = 0;
    refused(writer->writeShard({{"block.w", &broken}}), "sizes of its geometry");
    broken = weight;
    broken.bits.back() |= 1u << 31;
    refused(writer->writeShard({{"block.w", &broken}}), "padding");
    broken = weight;
    broken.scales.front() = 0x0001;
    refused(writer->writeShard({{"block.w", &broken}}), "scale word");
    refused(writer->writeShard({{"norm.weight"}, {"norm.weight"}}), "same name");

    QVERIFY(writer->writeShard({{"block.w", &weight}}));
    refused(writer->writeShard({{"block.w", &weight}}), "written twice");
    refused(writer->publish(info, cancel), "fewer shards");
    QVERIFY(writer->writeShard({{"norm.weight"}, {"block.w.weight"}}));
    refused(writer->writeShard({{"embed.weight"}}), "more shards");
    refused(writer->publish(info, cancel), "packed and dense");
    writer = sa::Result<sa::PackedWriter>(sa::makeError(sa::Errc::Cancelled, "gone"));

    const auto publish = [&](const std::string& out,
                             const sa::QuantizationInfo& described) -> sa::Result<std::uint64_t> {
        SA_TRY(sa::PackedWriter one,
               sa::PackedWriter::create(path(QString::fromStdString(out)).toStdString(), *m_source, 1, 0));
        SA_CHECK(one.writeShard({{"block.w", &weight}}));
        return one.publish(described, cancel);
    };
    auto wrong = info;
    wrong.layers.at("block.w").C = 16;
    refused(publish("a", wrong), "another geometry");
    wrong = quantizationInfo(layers);
    refused(publish("b", wrong), "was not written");
    wrong = info;
    wrong.layers = {{"other", wrong.layers.at("block.w")}};
    refused(publish("c", wrong), "was not written");
    // What a reader would refuse is not published, with the reader's words.
    wrong = info;
    wrong.layers.at("block.w").error = std::nan("");
    const auto notANumber = publish("d", wrong);
    QVERIFY(!notANumber);
    QVERIFY2(describe(notANumber.error()).contains("layers.block.w.error"), qPrintable(describe(notANumber.error())));
    QCOMPARE(entries(), QStringList{"original"});
}

QTEST_APPLESS_MAIN(TestPackedCheckpoint)
#include "tst_packed_checkpoint.moc"
