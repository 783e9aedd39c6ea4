// SPDX-License-Identifier: GPL-3.0-or-later
#include "checkpoint_files.h"

#include "core/checkpoint/weight_store.h"

#include <QTemporaryDir>
#include <QtTest>

#include <memory>
#include <sys/stat.h>
#include <unistd.h>

using namespace test;

namespace
{

constexpr const char* kIndex = "model.safetensors.index.json";

QByteArray indexOf(const QByteArray& map, const QByteArray& metadata = "{\"total_size\":24}")
{
    return "{\"metadata\":" + metadata + ",\"weight_map\":" + map + "}";
}

} // namespace

class TestWeightStore : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void init();
    void singleFile();
    void shardsAreOneStore();
    void tensorsComeInPieces();
    void foldersWithoutWeights_data();
    void foldersWithoutWeights();
    void hostileShardNames_data();
    void hostileShardNames();
    void malformedIndices_data();
    void malformedIndices();
    void missingShardsAreAllNamed();
    void contradictions_data();
    void contradictions();
    void thingsThatHurtNobodyAreWarnings_data();
    void thingsThatHurtNobodyAreWarnings();
    void hubCachesWork();
    void linksToFilesElsewhereWorkWithAWarning();
    void linksThatLeadNowhereAreRefused_data();
    void linksThatLeadNowhereAreRefused();
    void shardsThatAreNoFilesAreRefused();
    void aBrokenShardIsNamed();

private:
    QString path(const QString& name) const { return m_folder->filePath(name); }
    void write(const QString& name, const QByteArray& bytes) const { QVERIFY(writeFile(path(name), bytes)); }
    void writeTwoShards() const;
    sa::Result<sa::WeightStore> open() const { return sa::WeightStore::open(m_folder->path().toStdString()); }
    void refused(sa::Errc code, const QStringList& words) const;

    std::unique_ptr<QTemporaryDir> m_folder;
};

void TestWeightStore::init()
{
    m_folder = std::make_unique<QTemporaryDir>();
    QVERIFY(m_folder->isValid());
}

void TestWeightStore::writeTwoShards() const
{
    write("a.safetensors", vectors({"one", "two"}));
    write("b.safetensors", vectors({"three"}));
}

void TestWeightStore::refused(sa::Errc code, const QStringList& words) const
{
    const auto store = open();
    QVERIFY2(!store, "the folder was accepted");
    const QString text = describe(store.error());
    QVERIFY2(store.error().code == code, qPrintable(text));
    checkReadable(store.error(), m_folder->path());
    for (const QString& word : words)
        QVERIFY2(text.contains(word), qPrintable("\"" + word + "\" is not in: " + text));
}

void TestWeightStore::singleFile()
{
    write("model.safetensors", vectors({"b", "a"}));
    const auto store = open();
    QVERIFY2(store, qPrintable(store ? QString() : describe(store.error())));
    QCOMPARE(store->names(), (std::vector<std::string>{"a", "b"}));
    QCOMPARE(store->files(), (std::vector<std::string>{path("model.safetensors").toStdString()}));
    QCOMPARE(store->fileOf("a"), path("model.safetensors").toStdString());
    QCOMPARE(store->fileOf("c"), std::string());
    QCOMPARE(store->totalBytes(), static_cast<std::uint64_t>(QFile(path("model.safetensors")).size()));
    QVERIFY(store->warnings().empty());
    QVERIFY(store->contains("a") && !store->contains("c"));
    const auto absent = store->find("c");
    QCOMPARE(absent.error().code, sa::Errc::NotFound);
    QCOMPARE(absent.error().where, std::string("c"));
    checkReadable(absent.error(), m_folder->path());
}

void TestWeightStore::shardsAreOneStore()
{
    writeTwoShards();
    write(kIndex, indexOf(R"({"one":"a.safetensors","two":"a.safetensors","three":"b.safetensors"})"));
    const auto store = open();
    QVERIFY2(store, qPrintable(store ? QString() : describe(store.error())));
    QVERIFY2(store->warnings().empty(), store->warnings().empty() ? "" : store->warnings().front().c_str());
    QCOMPARE(store->names(), (std::vector<std::string>{"one", "three", "two"}));
    QCOMPARE(store->fileOf("three"), path("b.safetensors").toStdString());
    QCOMPARE(store->totalBytes(),
             static_cast<std::uint64_t>(QFile(path("a.safetensors")).size() + QFile(path("b.safetensors")).size()));
    for (const auto& [name, offset] : {std::pair{"one", 0}, std::pair{"two", 8}, std::pair{"three", 0}}) {
        QByteArray data(8, '\0');
        QVERIFY(store->read(name, std::as_writable_bytes(std::span(data.data(), 8))));
        QCOMPARE(data, counting(16).mid(offset, 8));
    }
}

void TestWeightStore::tensorsComeInPieces()
{
    const int size = (8 << 20) + 6; // two full pieces and a rest
    const QByteArray data = counting(size);
    write("model.safetensors", container("{" +
                                             entry("w", "\"F16\"", "[" + QByteArray::number(size / 2) + "]",
                                                   "[0," + QByteArray::number(size) + "]") +
                                             "}",
                                         data));
    const auto store = open();
    QVERIFY(store);
    QByteArray back;
    std::vector<std::size_t> sizes;
    QVERIFY(store->readPieces("w", [&](std::uint64_t begin, std::span<const std::byte> piece) -> sa::Result<void> {
        if (begin != static_cast<std::uint64_t>(back.size()))
            return sa::makeError(sa::Errc::Internal, "pieces out of order");
        back.append(reinterpret_cast<const char*>(piece.data()), static_cast<qsizetype>(piece.size()));
        sizes.push_back(piece.size());
        return {};
    }));
    QVERIFY(back == data);
    QCOMPARE(sizes, (std::vector<std::size_t>{4u << 20, 4u << 20, 6}));

    int calls = 0;
    const auto stopped = store->readPieces("w", [&](std::uint64_t, std::span<const std::byte>) -> sa::Result<void> {
        ++calls;
        return sa::makeError(sa::Errc::Cancelled, "enough");
    });
    QCOMPARE(stopped.error().code, sa::Errc::Cancelled);
    QCOMPARE(calls, 1);
}

void TestWeightStore::foldersWithoutWeights_data()
{
    QTest::addColumn<QStringList>("files");
    QTest::addColumn<int>("code");
    QTest::addColumn<QStringList>("words");
    QTest::addRow("an empty folder") << QStringList{} << int(sa::Errc::NotFound)
                                     << QStringList{"no weights", "model.safetensors"};
    QTest::addRow("only a configuration")
        << QStringList{"config.json"} << int(sa::Errc::NotFound) << QStringList{"no weights"};
    QTest::addRow("a PyTorch file that is none")
        << QStringList{"config.json", "pytorch_model.bin"} << int(sa::Errc::BadFormat)
        << QStringList{"pytorch_model.bin", "not a PyTorch checkpoint"};
    QTest::addRow("many PyTorch files without an index")
        << QStringList{"pytorch_model-00001-of-00003.bin", "pytorch_model-00002-of-00003.bin", "consolidated.00.pth",
                       "x.pt", "y.ckpt"}
        << int(sa::Errc::NotFound) << QStringList{"and 1 more", "PyTorch files", "index"};
    QTest::addRow("what training leaves behind")
        << QStringList{"training_args.bin", "optimizer.pt"} << int(sa::Errc::NotFound) << QStringList{"no weights"};
    QTest::addRow("GGUF only") << QStringList{"model-q4.gguf"} << int(sa::Errc::Unsupported)
                               << QStringList{"GGUF", "model-q4.gguf"};
    QTest::addRow("shards without their index")
        << QStringList{"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "pytorch_model.bin"}
        << int(sa::Errc::NotFound) << QStringList{"model-00001-of-00002.safetensors", "index"};
    QTest::addRow("weights under another name") << QStringList{"consolidated.safetensors"} << int(sa::Errc::NotFound)
                                                << QStringList{"consolidated.safetensors", "renamed"};
}

void TestWeightStore::foldersWithoutWeights()
{
    QFETCH(QStringList, files);
    QFETCH(int, code);
    QFETCH(QStringList, words);
    for (const QString& name : files)
        write(name, "x");
    refused(sa::Errc(code), words);
    QCOMPARE(sa::WeightStore::open(path("absent").toStdString()).error().code, sa::Errc::NotFound);
    write("a-file", "x");
    QCOMPARE(sa::WeightStore::open(path("a-file").toStdString()).error().code, sa::Errc::BadInput);
}

void TestWeightStore::hostileShardNames_data()
{
    QTest::addColumn<QByteArray>("name"); // as JSON
    QTest::addColumn<int>("code");
    const auto row = [](const char* title, const QByteArray& json, sa::Errc code = sa::Errc::BadFormat) {
        QTest::addRow("%s", title) << json << int(code);
    };
    row("a folder up", "\"../outside.safetensors\"");
    row("two folders up", "\"../../outside.safetensors\"");
    row("down and up again", "\"sub/../../outside.safetensors\"");
    row("in a folder of the folder", "\"sub/inside.safetensors\"");
    row("the folder itself in front", "\"./a.safetensors\"");
    row("absolute", "\"/etc/passwd.safetensors\"");
    row("backslashes", "\"..\\\\outside.safetensors\"");
    row("a drive", "\"C:outside.safetensors\"");
    row("a URL", "\"https://example.com/a.safetensors\"");
    row("a NUL byte", "\"a.safetensors\\u0000.safetensors\"");
    row("a newline", "\"a\\n.safetensors\"");
    row("a delete character", "\"a\\u007f.safetensors\"");
    row("empty", "\"\"");
    row("a dot", "\".\"");
    row("two dots", "\"..\"");
    row("the index itself", "\"model.safetensors.index.json\"");
    row("the configuration", "\"config.json\"");
    row("a pickle", "\"pytorch_model.bin\"", sa::Errc::Unsupported);
    row("longer than a name can be", "\"" + QByteArray(300, 'a') + ".safetensors\"");
    row("a number", "1");
    row("null", "null");
    row("a list", "[\"a.safetensors\"]");
    row("an object", "{\"file\":\"a.safetensors\"}");
}

void TestWeightStore::hostileShardNames()
{
    QFETCH(QByteArray, name);
    QFETCH(int, code);
    // The attacked files exist and are valid, so that only the name can be the reason.
    QVERIFY(QDir(m_folder->path()).mkpath("model/sub"));
    for (const char* file : {"outside.safetensors", "model/a.safetensors", "model/sub/inside.safetensors"})
        write(file, vectors({"one"}));
    write("model/b.safetensors", vectors({"three"}));
    write("model/config.json", "{}");
    write(QString("model/") + kIndex, indexOf("{\"one\":" + name + ",\"three\":\"b.safetensors\"}"));
    const auto store = sa::WeightStore::open(path("model").toStdString());
    QVERIFY2(!store, "the folder was accepted");
    QVERIFY2(store.error().code == sa::Errc(code), qPrintable(describe(store.error())));
    checkReadable(store.error(), path("model"));
    QCOMPARE(store.error().where, std::string("weight_map.one"));
    QVERIFY(QString::fromStdString(store.error().file).endsWith(kIndex));
}

void TestWeightStore::malformedIndices_data()
{
    QTest::addColumn<QByteArray>("index");
    QTest::addColumn<QStringList>("words");
    const QByteArray good = R"({"one":"a.safetensors"})";
    QTest::addRow("empty") << QByteArray() << QStringList{"JSON"};
    QTest::addRow("cut") << indexOf(good).chopped(5) << QStringList{"JSON"};
    QTest::addRow("a list") << QByteArray("[]") << QStringList{"an object"};
    QTest::addRow("null") << QByteArray("null") << QStringList{"an object"};
    QTest::addRow("no weight_map") << QByteArray("{\"metadata\":{}}") << QStringList{"weight_map", "missing"};
    QTest::addRow("weight_map null") << indexOf("null") << QStringList{"weight_map", "null"};
    QTest::addRow("weight_map a list") << indexOf("[\"a.safetensors\"]") << QStringList{"weight_map", "an object"};
    QTest::addRow("weight_map empty") << indexOf("{}") << QStringList{"weight_map", "no tensors"};
    QTest::addRow("a tensor twice") << indexOf(R"({"one":"a.safetensors","one":"b.safetensors"})")
                                    << QStringList{"twice", "one"};
    QTest::addRow("weight_map twice") << QByteArray(R"({"weight_map":{},"weight_map":{"one":"a.safetensors"}})")
                                      << QStringList{"twice"};
    QTest::addRow("nested deep") << indexOf(QByteArray(5000, '[') + QByteArray(5000, ']')) << QStringList{"nested"};
    QTest::addRow("metadata a list") << indexOf(good, "[]") << QStringList{"metadata"};
    QTest::addRow("total_size a text") << indexOf(good, "{\"total_size\":\"24\"}")
                                       << QStringList{"metadata.total_size"};
    QTest::addRow("a byte order mark") << "\xEF\xBB\xBF" + indexOf(good) << QStringList{"byte order mark"};
    QTest::addRow("something after the end") << indexOf(good) + "{}" << QStringList{"JSON"};
    QTest::addRow("NUL bytes after the end") << indexOf(good) + QByteArray(4, '\0') << QStringList{"NUL"};
}

void TestWeightStore::malformedIndices()
{
    QFETCH(QByteArray, index);
    QFETCH(QStringList, words);
    writeTwoShards();
    write(kIndex, index);
    refused(sa::Errc::BadFormat, words << kIndex);
}

void TestWeightStore::missingShardsAreAllNamed()
{
    writeTwoShards();
    QByteArray map = R"({"one":"a.safetensors")";
    for (int i = 0; i < 3; ++i)
        map += ",\"t" + QByteArray::number(i) + "\":\"missing-" + QByteArray::number(i) + ".safetensors\"";
    write(kIndex, indexOf(map + "}"));
    refused(sa::Errc::NotFound, {"missing-0.safetensors", "missing-1.safetensors", "missing-2.safetensors", "1 of 4"});
    for (int i = 3; i < 1000; ++i)
        map += ",\"t" + QByteArray::number(i) + "\":\"missing-" + QByteArray::number(i) + ".safetensors\"";
    write(kIndex, indexOf(map + "}"));
    refused(sa::Errc::NotFound, {"missing-0.safetensors", "and 996 more", "1 of 1001"});
}

void TestWeightStore::contradictions_data()
{
    QTest::addColumn<QByteArray>("map");
    QTest::addColumn<QStringList>("words");
    QTest::addRow("a tensor that is in no shard")
        << QByteArray(R"({"one":"a.safetensors","two":"a.safetensors","three":"b.safetensors","four":"b.safetensors"})")
        << QStringList{"weight_map.four", "b.safetensors"};
    QTest::addRow("a tensor that is in the other shard")
        << QByteArray(R"({"one":"a.safetensors","two":"b.safetensors","three":"b.safetensors"})")
        << QStringList{"two", "a.safetensors", "b.safetensors"};
    QTest::addRow("two copies in two shards")
        << QByteArray(R"({"one":"a.safetensors","two":"a.safetensors","three":"b.safetensors","five":"c.safetensors"})")
        << QStringList{"one", "a.safetensors", "c.safetensors"};
}

void TestWeightStore::contradictions()
{
    QFETCH(QByteArray, map);
    QFETCH(QStringList, words);
    writeTwoShards();
    write("c.safetensors", vectors({"five", "one"}));
    write(kIndex, indexOf(map));
    refused(sa::Errc::BadFormat, words);
}

void TestWeightStore::thingsThatHurtNobodyAreWarnings_data()
{
    QTest::addColumn<QByteArray>("map");
    QTest::addColumn<QByteArray>("metadata");
    QTest::addColumn<QString>("extraFile");
    QTest::addColumn<QString>("warning");
    const QByteArray all = R"({"one":"a.safetensors","two":"a.safetensors","three":"b.safetensors"})";
    QTest::addRow("nothing odd") << all << QByteArray("{\"total_size\":24}") << QString() << QString();
    QTest::addRow("no metadata") << all << QByteArray("null") << QString() << QString();
    QTest::addRow("total_size as a fraction") << all << QByteArray("{\"total_size\":24.0}") << QString() << QString();
    QTest::addRow("a wrong total_size") << all << QByteArray("{\"total_size\":25}") << QString() << "total_size";
    QTest::addRow("a stray weight file") << all << QByteArray("{}") << "adapter_model.safetensors"
                                         << "adapter_model.safetensors";
    QTest::addRow("a single file beside the index") << all << QByteArray("{}") << "model.safetensors"
                                                    << "both model.safetensors and an index";
    QTest::addRow("a pickle beside the weights") << all << QByteArray("{}") << "pytorch_model.bin"
                                                 << "pytorch_model.bin";
    QTest::addRow("the weights in Meta's form, too") << all << QByteArray("{}") << "consolidated.00.pth"
                                                     << "consolidated.00.pth";
    QTest::addRow("a GGUF file, too") << all << QByteArray("{}") << "model-q4.gguf"
                                      << "model-q4.gguf";
    QTest::addRow("a second copy") << all << QByteArray("{}") << "a (1).safetensors"
                                   << "a (1).safetensors";
    QTest::addRow("what training leaves behind") << all << QByteArray("{}") << "training_args.bin" << QString();
    QTest::addRow("a tensor that the index does not list")
        << QByteArray(R"({"one":"a.safetensors","three":"b.safetensors"})") << QByteArray("{}") << QString() << "two";
}

void TestWeightStore::thingsThatHurtNobodyAreWarnings()
{
    QFETCH(QByteArray, map);
    QFETCH(QByteArray, metadata);
    QFETCH(QString, extraFile);
    QFETCH(QString, warning);
    writeTwoShards();
    write(kIndex, indexOf(map, metadata));
    if (!extraFile.isEmpty())
        write(extraFile, "not even a weight file");
    const auto store = open();
    QVERIFY2(store, qPrintable(store ? QString() : describe(store.error())));
    QCOMPARE(store->warnings().size(), std::size_t(warning.isEmpty() ? 0 : 1));
    if (!warning.isEmpty())
        QVERIFY2(QString::fromStdString(store->warnings().front()).contains(warning),
                 store->warnings().front().c_str());
    QVERIFY(store->contains("one"));
    QCOMPARE(store->contains("two"), map.contains("two"));
}

void TestWeightStore::hubCachesWork()
{
    // models--org--name/{blobs/HASH, snapshots/REV/NAME -> ../../blobs/HASH}
    const QDir root(m_folder->path());
    QVERIFY(root.mkpath("models--org--name/blobs") && root.mkpath("models--org--name/snapshots/0123abcd"));
    write("models--org--name/blobs/aaaa", vectors({"one", "two"}));
    write("models--org--name/blobs/bbbb", vectors({"three"}));
    write("models--org--name/blobs/cccc",
          indexOf(R"({"one":"a.safetensors","two":"a.safetensors","three":"b.safetensors"})"));
    const QString snapshot = "models--org--name/snapshots/0123abcd/";
    QVERIFY(QFile::link("../../blobs/aaaa", path(snapshot + "a.safetensors")));
    QVERIFY(QFile::link("../../blobs/bbbb", path(snapshot + "b.safetensors")));
    QVERIFY(QFile::link("../../blobs/cccc", path(snapshot + kIndex)));
    // An older download tool made folders of links into the cache.
    QVERIFY(root.mkdir("local"));
    QVERIFY(QFile::link(path("models--org--name/blobs/aaaa"), path("local/model.safetensors")));
    // And the folder itself may be a link.
    QVERIFY(QFile::link(path(snapshot), path("model-link")));

    for (const QString& folder : {path(snapshot), path("local"), path("model-link")}) {
        const auto store = sa::WeightStore::open(folder.toStdString());
        QVERIFY2(store, qPrintable(store ? QString() : describe(store.error())));
        QVERIFY2(store->warnings().empty(), store->warnings().empty() ? "" : store->warnings().front().c_str());
        QByteArray data(8, '\0');
        QVERIFY(store->read("two", std::as_writable_bytes(std::span(data.data(), 8))));
        QCOMPARE(data, counting(16).mid(8));
    }
}

void TestWeightStore::linksToFilesElsewhereWorkWithAWarning()
{
    QTemporaryDir elsewhere;
    QVERIFY(writeFile(elsewhere.filePath("private.safetensors"), vectors({"one"})));
    QVERIFY(QFile::link(elsewhere.filePath("private.safetensors"), path("model.safetensors")));
    const auto store = open();
    QVERIFY2(store, qPrintable(store ? QString() : describe(store.error())));
    QCOMPARE(store->warnings().size(), std::size_t(1));
    QVERIFY2(QString::fromStdString(store->warnings().front()).contains("outside"), store->warnings().front().c_str());
    QVERIFY(QString::fromStdString(store->warnings().front()).contains("private.safetensors"));
}

void TestWeightStore::linksThatLeadNowhereAreRefused_data()
{
    QTest::addColumn<QString>("target");
    QTest::addColumn<bool>("indexed");
    for (const bool indexed : {false, true}) {
        const char* how = indexed ? "a shard" : "the single file";
        QTest::addRow("%s: broken", how) << "absent" << indexed;
        QTest::addRow("%s: a loop", how) << (indexed ? "a.safetensors" : "model.safetensors") << indexed;
        QTest::addRow("%s: a device", how) << "/dev/zero" << indexed;
        QTest::addRow("%s: a folder", how) << "." << indexed;
    }
}

void TestWeightStore::linksThatLeadNowhereAreRefused()
{
    QFETCH(QString, target);
    QFETCH(bool, indexed);
    QVERIFY(QFile::link(target, path(indexed ? "a.safetensors" : "model.safetensors")));
    if (indexed)
        write(kIndex, indexOf(R"({"one":"a.safetensors"})"));
    const auto store = open();
    QVERIFY(!store);
    QCOMPARE(sa::exitStatus(store.error().code), 3);
    checkReadable(store.error(), m_folder->path());
    QVERIFY2(describe(store.error()).contains(indexed ? "a.safetensors" : "model.safetensors"),
             qPrintable(describe(store.error())));
}

void TestWeightStore::shardsThatAreNoFilesAreRefused()
{
    write(kIndex, indexOf(R"({"one":"a.safetensors"})"));
    QVERIFY(QDir(m_folder->path()).mkdir("a.safetensors"));
    refused(sa::Errc::BadFormat, {"a.safetensors", "a folder"});
    QVERIFY(QDir(m_folder->path()).rmdir("a.safetensors"));
    QCOMPARE(::mkfifo(path("a.safetensors").toUtf8().constData(), 0600), 0);
    refused(sa::Errc::BadFormat, {"a.safetensors", "a pipe"}); // and does not hang
    QVERIFY(QFile::remove(path("a.safetensors")));
    QVERIFY(QFile::remove(path(kIndex)));
    QVERIFY(QDir(m_folder->path()).mkdir(kIndex));
    write("a.safetensors", vectors({"one"}));
    refused(sa::Errc::BadFormat, {kIndex, "a folder"});
}

void TestWeightStore::aBrokenShardIsNamed()
{
    writeTwoShards();
    write("b.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n");
    write(kIndex, indexOf(R"({"one":"a.safetensors","two":"a.safetensors","three":"b.safetensors"})"));
    refused(sa::Errc::BadFormat, {"b.safetensors", "Git LFS"});
    write("b.safetensors", vectors({"three"}).chopped(1));
    refused(sa::Errc::BadFormat, {"b.safetensors", "shorter"});
    write("b.safetensors", container("{}"));
    refused(sa::Errc::BadFormat, {"weight_map.three"});
    QVERIFY(QFile::remove(path(kIndex)));
    write("model.safetensors", container("{}"));
    refused(sa::Errc::BadFormat, {"model.safetensors", "no tensors"});
}

QTEST_APPLESS_MAIN(TestWeightStore)
#include "tst_weight_store.moc"
