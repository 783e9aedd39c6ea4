// SPDX-License-Identifier: GPL-3.0-or-later
// What verifyPacked, readPacked and quantizationOf find in folders that were right once.
#include "packed_fixture.h"

#include <QTemporaryDir>
#include <QtTest>

#include <functional>
#include <memory>

using namespace test;

namespace
{

const QString kFirst = QStringLiteral("/model-00001-of-00002.safetensors");
const QString kSecond = QStringLiteral("/model-00002-of-00002.safetensors");

using Edit = std::function<void(sa::Json&)>;

void editJson(const QString& file, const Edit& edit)
{
    auto value = sa::json::parseFile(file.toStdString());
    QVERIFY(value);
    edit(*value);
    QVERIFY(writeFile(file, QByteArray::fromStdString(sa::json::dump(*value))));
}

void editConfig(const QString& folder, const Edit& edit)
{
    editJson(folder + "/config.json", [&](sa::Json& config) { edit(config["quantization_config"]); });
}

/// Without the digests, so that the checks behind them are seen at work.
void forgetDigests(const QString& folder)
{
    editConfig(folder, [](sa::Json& quantization) { quantization.erase("files"); });
}

void flip(const QString& path, qsizetype place, int mask)
{
    QFile file(path);
    char byte = 0;
    QVERIFY(file.open(QIODevice::ReadWrite | QIODevice::ExistingOnly) && file.seek(place) && file.getChar(&byte));
    QVERIFY(file.seek(place) && file.putChar(static_cast<char>(byte ^ mask)));
}

/// Position of a byte of a tensor's data in its file.
qsizetype placeOf(const QString& folder, const char* tensor, qsizetype byte)
{
    const auto store = sa::WeightStore::open(folder.toStdString());
    return store && store->contains(tensor) ? static_cast<qsizetype>((*store->find(tensor))->offset) + byte : -1;
}

/// Replaces text of the same length in a file's header.
void relabel(const QString& file, const QByteArray& before, const QByteArray& after)
{
    QCOMPARE(before.size(), after.size());
    QByteArray bytes = readFile(file);
    const qsizetype place = bytes.indexOf(before);
    QVERIFY2(place > 0, before.constData());
    QVERIFY(writeFile(file, bytes.replace(place, before.size(), after)));
}

struct Damage {
    const char* title;
    std::function<void(const QString& folder)> make;
    sa::Errc code;
    const char* word;
};

const std::vector<Damage>& damages()
{
    using sa::Errc;
    static const std::vector<Damage> list{
        {"a flipped sign", [](const QString& f) { flip(f + kFirst, placeOf(f, "block.w.planes", 0), 1); },
         Errc::BadFormat, "not what was written"},
        {"a scale that became another valid one",
         [](const QString& f) { flip(f + kFirst, placeOf(f, "block.w.scales", 1), 4); }, Errc::BadFormat,
         "not what was written"},
        {"a flipped bit in a dense tensor",
         [](const QString& f) { flip(f + kSecond, placeOf(f, "norm.weight", 0), 1); }, Errc::BadFormat,
         "not what was written"},
        {"a changed metadata text", [](const QString& f) { relabel(f + kFirst, "\"pt\"", "\"tp\""); }, Errc::BadFormat,
         "not what was written"},
        {"two tensors that changed their names",
         [](const QString& f) { relabel(f + kFirst, "block.w.bias", "block.w.biaz"); }, Errc::BadFormat,
         "block.w.bias"},
        {"a padding bit",
         [](const QString& f) {
             forgetDigests(f);
             flip(f + kFirst, placeOf(f, "block.w.planes", 3), 0x80);
         },
         Errc::BadFormat, "padding bits"},
        {"the first padding bit of the last word",
         [](const QString& f) {
             forgetDigests(f);
             flip(f + kFirst, placeOf(f, "block.w.planes", 12 + 1), 0x04);
         },
         Errc::BadFormat, "padding bits"},
        {"a scale word with payload under exponent 0",
         [](const QString& f) {
             forgetDigests(f);
             const auto p = placeOf(f, "block.w.scales", 0);
             auto b = readFile(f + kFirst);
             b[p] = 1;
             b[p + 1] = 0;
             QVERIFY(writeFile(f + kFirst, b));
         },
         Errc::BadFormat, "0x0001 at [0, 0, 0]"},
        {"a scale word with a third term but no second",
         [](const QString& f) {
             forgetDigests(f);
             const auto p = placeOf(f, "block.w.scales", 2);
             auto b = readFile(f + kFirst);
             b[p] = 3;
             b[p + 1] = static_cast<char>(0x98);
             QVERIFY(writeFile(f + kFirst, b));
         },
         Errc::BadFormat, "0x9803 at [0, 0, 1]"},
        {"a NaN in a dense tensor",
         [](const QString& f) {
             forgetDigests(f);
             const auto p = placeOf(f, "norm.weight", 8);
             auto b = readFile(f + kSecond);
             b.replace(p, 4, QByteArray::fromHex("0000c07f"));
             QVERIFY(writeFile(f + kSecond, b));
         },
         Errc::BadFormat, "NaN at element 2"},
        {"a shard cut by one byte",
         [](const QString& f) { QVERIFY(writeFile(f + kSecond, readFile(f + kSecond).chopped(1))); }, Errc::BadFormat,
         "shorter"},
        {"a shard cut to nothing", [](const QString& f) { QVERIFY(writeFile(f + kSecond, {})); }, Errc::BadFormat,
         "empty"},
        {"a byte after the end of a shard",
         [](const QString& f) { QVERIFY(writeFile(f + kSecond, readFile(f + kSecond) + 'x')); }, Errc::BadFormat,
         "goes on"},
        {"a missing shard", [](const QString& f) { QVERIFY(QFile::remove(f + kSecond)); }, Errc::NotFound,
         "model-00002"},
        {"a missing index", [](const QString& f) { QVERIFY(QFile::remove(f + "/model.safetensors.index.json")); },
         Errc::NotFound, "index"},
        {"two shards exchanged",
         [](const QString& f) {
             QVERIFY(QFile::rename(f + kFirst, f + "/x"));
             QVERIFY(QFile::rename(f + kSecond, f + kFirst));
             QVERIFY(QFile::rename(f + "/x", f + kSecond));
         },
         Errc::BadFormat, "another shard"},
        {"a weight file too many",
         [](const QString& f) { QVERIFY(writeFile(f + "/more.safetensors", vectors({"more"}))); }, Errc::BadFormat,
         "more.safetensors"},
        {"a tensor that the index forgot",
         [](const QString& f) {
             editJson(f + "/model.safetensors.index.json", [](sa::Json& j) { j["weight_map"].erase("norm.weight"); });
         },
         Errc::BadFormat, "norm.weight"},
        {"a wrong total size",
         [](const QString& f) {
             editJson(f + "/model.safetensors.index.json", [](sa::Json& j) { j["metadata"]["total_size"] = 1; });
         },
         Errc::BadFormat, "total_size"},
        {"a layer that the configuration forgot",
         [](const QString& f) { editConfig(f, [](sa::Json& j) { j["layers"].erase("block.v"); }); }, Errc::BadFormat,
         "belongs to no layer"},
        {"a layer too many in the configuration",
         [](const QString& f) { editConfig(f, [](sa::Json& j) { j["layers"]["block.x"] = j["layers"]["block.w"]; }); },
         Errc::NotFound, "block.x.planes"},
        {"planes relabelled as U32",
         [](const QString& f) {
             forgetDigests(f);
             relabel(f + kFirst, "\"block.w.planes\":{\"dtype\":\"I32\"", "\"block.w.planes\":{\"dtype\":\"U32\"");
         },
         Errc::BadFormat, "wrong type"},
        {"scales relabelled as F16",
         [](const QString& f) {
             forgetDigests(f);
             relabel(f + kFirst, "\"block.w.scales\":{\"dtype\":\"I16\"", "\"block.w.scales\":{\"dtype\":\"F16\"");
         },
         Errc::BadFormat, "wrong type"},
        {"planes with another shape of the same size",
         [](const QString& f) {
             forgetDigests(f);
             relabel(f + kFirst, "\"shape\":[1,2,2]", "\"shape\":[2,1,2]");
         },
         Errc::BadFormat, "another shape"},
        {"another N in the configuration",
         [](const QString& f) { editConfig(f, [](sa::Json& j) { j["layers"]["block.w"]["N"] = 3; }); }, Errc::BadFormat,
         "another shape"},
        {"another K in the configuration",
         [](const QString& f) { editConfig(f, [](sa::Json& j) { j["layers"]["block.w"]["K"] = 40; }); },
         Errc::BadFormat, "another shape"},
        {"a K that only moves the padding",
         [](const QString& f) { editConfig(f, [](sa::Json& j) { j["layers"]["block.w"]["K"] = 9; }); }, Errc::BadFormat,
         "padding bits"},
        {"another q in the configuration",
         [](const QString& f) { editConfig(f, [](sa::Json& j) { j["layers"]["block.w"]["q"] = 1; }); }, Errc::BadFormat,
         "another shape"},
        {"another R in the configuration",
         [](const QString& f) { editConfig(f, [](sa::Json& j) { j["layers"]["block.w"]["R"] = 2; }); }, Errc::BadFormat,
         "another shape"},
        {"another C in the configuration",
         [](const QString& f) { editConfig(f, [](sa::Json& j) { j["layers"]["block.w"]["C"] = 16; }); },
         Errc::BadFormat, "another shape"},
        {"a digest that is another file's",
         [](const QString& f) {
             editConfig(f, [](sa::Json& j) {
                 std::swap(j["files"]["model-00001-of-00002.safetensors"],
                           j["files"]["model-00002-of-00002.safetensors"]);
             });
         },
         Errc::BadFormat, "not what was written"},
        {"a file without a digest",
         [](const QString& f) {
             editConfig(f, [](sa::Json& j) { j["files"].erase("model-00001-of-00002.safetensors"); });
         },
         Errc::BadFormat, "not recorded"},
        {"a digest without a file",
         [](const QString& f) {
             editConfig(f, [](sa::Json& j) { j["files"]["z.safetensors"] = std::string(64, '0'); });
         },
         Errc::BadFormat, "z.safetensors"},
        {"no config.json", [](const QString& f) { QVERIFY(QFile::remove(f + "/config.json")); }, Errc::NotFound,
         "config.json"},
        {"an empty config.json", [](const QString& f) { QVERIFY(writeFile(f + "/config.json", {})); }, Errc::BadFormat,
         "JSON"},
        {"no quantization_config", [](const QString& f) { QVERIFY(writeFile(f + "/config.json", "{}")); },
         Errc::BadInput, "not a packed model"},
        {"exponents that are not there",
         [](const QString& f) { editConfig(f, [](sa::Json& j) { j["layers"]["block.w"]["rescale"] = true; }); },
         Errc::NotFound, "block.w.exponents"},
        {"a newer version",
         [](const QString& f) {
             editConfig(f, [](sa::Json& j) { j["version"] = sa::QuantizationInfo::kVersion + 1; });
         },
         Errc::Unsupported, "newer version"},
    };
    return list;
}

} // namespace

class TestPackedDamage : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase();
    void init();
    void anUndamagedFolderPasses();
    void damageIsFound_data();
    void damageIsFound();
    void everyFlippedByteIsFound();
    void aDenseCopyOfAPackedLayerIsFound();
    void aCancelledVerificationSaysSo();
    void layersOfAnImpossibleGeometryAreRefused();
    void quantizationConfigs_data();
    void quantizationConfigs();
    void otherConfigurations();
    void unknownFieldsAreIgnored();

private:
    QString folder() const { return m_folder->filePath("packed"); }
    sa::Result<sa::Json> verify() const { return sa::verifyPacked(folder().toStdString(), sa::CancelToken()); }
    QTemporaryDir m_pristine;
    std::unique_ptr<QTemporaryDir> m_folder;
};

void TestPackedDamage::initTestCase()
{
    writeOriginal(m_pristine.filePath("original"));
    const auto packed = packOriginal(m_pristine.filePath("original"), m_pristine.filePath("packed"));
    QVERIFY2(packed, qPrintable(packed ? QString() : describe(packed.error())));
}

void TestPackedDamage::init()
{
    m_folder = std::make_unique<QTemporaryDir>();
    QVERIFY(QDir().mkdir(folder()));
    const auto files = contentOf(m_pristine.filePath("packed"));
    for (const QString& name : files.keys())
        QVERIFY(writeFile(folder() + "/" + name, files[name]));
}

void TestPackedDamage::anUndamagedFolderPasses()
{
    const auto verified = verify();
    QVERIFY2(verified, qPrintable(verified ? QString() : describe(verified.error())));
    forgetDigests(folder()); // by an older writer, say
    QVERIFY(verify());
    QVERIFY(writeFile(folder() + "/README.md", "files that are no weights may come along"));
    QVERIFY(verify());
}

void TestPackedDamage::damageIsFound_data()
{
    QTest::addColumn<int>("row");
    for (std::size_t i = 0; i < damages().size(); ++i)
        QTest::addRow("%s", damages()[i].title) << static_cast<int>(i);
}

void TestPackedDamage::damageIsFound()
{
    QFETCH(int, row);
    const Damage& damage = damages()[static_cast<std::size_t>(row)];
    damage.make(folder());
    const auto verified = verify();
    QVERIFY2(!verified, "the damage was not found");
    const QString text = describe(verified.error());
    QVERIFY2(verified.error().code == damage.code, qPrintable(text));
    QVERIFY2(text.contains(damage.word), qPrintable(text));
    checkReadable(verified.error(), folder());
}

void TestPackedDamage::everyFlippedByteIsFound()
{
    // The whole first shard; readPacked alone may accept a flipped sign, verifyPacked may not.
    const QByteArray bytes = readFile(folder() + kFirst);
    const auto layers = originalLayers();
    int acceptedByReader = 0;
    for (qsizetype i = 0; i < bytes.size(); ++i) {
        flip(folder() + kFirst, i, 1 << (i % 8));
        const auto verified = verify();
        QVERIFY2(!verified, qPrintable(QString::number(i)));
        if (const auto store = sa::WeightStore::open(folder().toStdString()))
            if (const auto read = sa::readPacked(*store, layerInfo("block.w", layers.at("block.w"))))
                ++acceptedByReader;
        flip(folder() + kFirst, i, 1 << (i % 8));
    }
    QVERIFY(acceptedByReader > 0 && acceptedByReader < bytes.size());
    QVERIFY(verify());
}

void TestPackedDamage::aDenseCopyOfAPackedLayerIsFound()
{
    forgetDigests(folder());
    QVERIFY(writeFile(folder() + "/extra.safetensors", vectors({"block.w.weight"})));
    editJson(folder() + "/model.safetensors.index.json", [](sa::Json& index) {
        index["weight_map"]["block.w.weight"] = "extra.safetensors";
        index["metadata"]["total_size"] = index["metadata"]["total_size"].get<int>() + 8;
    });
    const auto verified = verify();
    QVERIFY(!verified);
    QVERIFY2(describe(verified.error()).contains("dense weight, too"), qPrintable(describe(verified.error())));
}

void TestPackedDamage::aCancelledVerificationSaysSo()
{
    sa::CancelToken cancel;
    cancel.cancel();
    QCOMPARE(sa::verifyPacked(folder().toStdString(), cancel).error().code, sa::Errc::Cancelled);
}

void TestPackedDamage::layersOfAnImpossibleGeometryAreRefused()
{
    // readPacked also takes infos that did not come through parse().
    const auto store = sa::WeightStore::open(folder().toStdString());
    QVERIFY(store);
    const sa::PackedLayerInfo good = layerInfo("block.w", originalLayers().at("block.w"));
    QVERIFY(sa::readPacked(*store, good));
    for (const auto member : {&sa::PackedLayerInfo::N, &sa::PackedLayerInfo::K, &sa::PackedLayerInfo::q,
                              &sa::PackedLayerInfo::R, &sa::PackedLayerInfo::C})
        for (const int value : {0, -1, 1 << 30, std::numeric_limits<int>::max(), std::numeric_limits<int>::min()}) {
            sa::PackedLayerInfo info = good;
            info.*member = value;
            const auto read = sa::readPacked(*store, info);
            // A huge R or C beyond the matrix gives the shape of one group: refused by shape or by the geometry check.
            QVERIFY2(!read, qPrintable(QString::number(value)));
            QCOMPARE(read.error().code, sa::Errc::BadFormat);
        }
}

void TestPackedDamage::quantizationConfigs_data()
{
    QTest::addColumn<QString>("pointer");  // JSON pointer into quantization_config
    QTest::addColumn<QByteArray>("value"); // JSON; empty: the field is removed
    QTest::addColumn<int>("code");
    const auto row = [](const char* pointer, const QByteArray& value, sa::Errc code = sa::Errc::BadFormat) {
        QTest::addRow("%s = %s", pointer, value.isEmpty() ? "(absent)" : value.left(40).constData())
            << pointer << value << int(code);
    };
    row("/quant_method", "", sa::Errc::Unsupported);
    row("/quant_method", "\"gptq\"", sa::Errc::Unsupported);
    row("/quant_method", "\"ShiftAdd\"", sa::Errc::Unsupported);
    row("/quant_method", "3", sa::Errc::Unsupported);
    for (const char* value : {"", "null", "0", "-1", "1.0", "\"1\"", "true", "99999999999"})
        row("/version", value);
    row("/version", "4", sa::Errc::Unsupported);
    for (const char* value : {"1", "\"yes\"", "{}"})
        row("/layers/block.w/rescale", value);
    for (const char* value : {"-1", "1.5", "\"7\"", "true"}) {
        row("/layers/block.w/input_rotation", value);
        row("/layers/block.w/output_rotation", value);
    }
    row("/version", "2147483647", sa::Errc::Unsupported);
    for (const char* value : {"", "null", "1", "\"\"", "[]"})
        row("/mode", value);
    row("/mode", "\"" + QByteArray(65, 'm') + "\"");
    for (const char* value : {"", "null", "-1", "5", "2.5", "\"2\""})
        row("/bits", value);
    for (const char* value : {"", "null", "[]", "\"lat\""})
        row("/recipe", value);
    for (const char* value : {"", "null", "[]", "{}"})
        row("/source", value);
    const QByteArray hex = "\"" + QByteArray(64, 'a') + "\"";
    for (const QByteArray& value : {QByteArray(), QByteArray("[]"), QByteArray("{\"f\":1}"),
                                    QByteArray("{\"f\":\"abc\"}"), "{\"f\":" + hex.toUpper() + "}"})
        row("/source/weights_sha256", value);
    for (const QByteArray& value : {QByteArray(), QByteArray("null"), QByteArray("\"\""),
                                    "\"" + QByteArray(63, 'a') + "\"", "\"" + QByteArray(64, 'g') + "\""})
        row("/source/config_sha256", value);
    row("/source/tokenizer_sha256", "\"none\"");
    for (const char* value : {"[]", "3", "{}"})
        row("/calibration", value);
    for (const char* value : {"", "null", "{}", "[1]", "[\"x\"]"})
        row("/calibration/sha256", value);
    for (const char* field : {"/calibration/samples", "/calibration/seqlen", "/calibration/tokens"})
        for (const char* value : {"", "-1", "1.5", "\"1\"", "9223372036854775808"})
            row(field, value);
    for (const char* value : {"", "-1", "0.5", "18446744073709551616"})
        row("/calibration/seed", value);
    for (const char* value : {"", "null", "16", "\"F17\"", "\"I8\"", "\"f16\""})
        row("/original_dtype", value);
    for (const char* value : {"", "-1", "1.5", "18446744073709551616"})
        row("/original_bytes", value);
    for (const char* value : {"", "null", "[]", "{}", "3"})
        row("/layers", value);
    for (const char* value : {"null", "[]", "3", "{}"})
        row("/layers/block.w", value);
    for (const char* field :
         {"/layers/block.w/N", "/layers/block.w/K", "/layers/block.w/q", "/layers/block.w/R", "/layers/block.w/C"})
        for (const char* value : {"", "null", "0", "-1", "2147483648", "1.0", "\"2\"", "[2]"})
            row(field, value);
    row("/layers/block.w/q", "5");
    row("/layers/block.w/R", "3"); // N = 2
    row("/layers/block.w/C", "2"); // neither 1 nor a multiple of 8
    row("/layers/block.w/C", "12");
    row("/layers/block.w/C", "24"); // K = 10 rounds up to 16
    for (const char* field : {"/layers/block.w/error", "/layers/block.w/relative_error"})
        for (const char* value : {"", "null", "-0.5", "\"0\""})
            row(field, value);
    for (const char* value : {"[]", "3", "{\"f\":null}", "{\"f\":\"abc\"}"})
        row("/files", value);
}

void TestPackedDamage::quantizationConfigs()
{
    QFETCH(QString, pointer);
    QFETCH(QByteArray, value);
    QFETCH(int, code);
    sa::Json quantization = quantizationInfo(originalLayers()).toJson();
    const sa::Json::json_pointer place(pointer.toStdString());
    if (value.isEmpty())
        quantization[place.parent_pointer()].erase(place.back());
    else
        quantization[place] = *sa::json::parse(value.toStdString(), "value");
    const sa::Json config{{"quantization_config", quantization}};
    const auto info = sa::quantizationOf(sa::JsonField(config, "folder/config.json"));
    QVERIFY2(!info, "the configuration was accepted");
    const QString text = describe(info.error());
    QVERIFY2(info.error().code == sa::Errc(code), qPrintable(text));
    checkReadable(info.error(), "folder/config.json");
    const QString field = "quantization_config" + QString(pointer).replace('/', '.');
    QVERIFY2(QString::fromStdString(info.error().where).startsWith(field), qPrintable(text));
}

void TestPackedDamage::otherConfigurations()
{
    const auto of = [](const char* text) {
        const auto config = sa::json::parse(text, "config.json");
        return sa::quantizationOf(sa::JsonField(*config, "config.json"));
    };
    QVERIFY(of("{}") && !*of("{}"));
    QVERIFY(of(R"({"quantization_config":null})") && !*of(R"({"quantization_config":null})"));
    QCOMPARE(of(R"({"quantization_config":[]})").error().code, sa::Errc::BadFormat);
    QCOMPARE(of(R"({"quantization_config":"shiftadd"})").error().code, sa::Errc::BadFormat);
    QCOMPARE(of(R"({"quantization_config":{"load_in_4bit":true}})").error().code, sa::Errc::Unsupported);
}

void TestPackedDamage::unknownFieldsAreIgnored()
{
    const auto before = quantizationInfo(originalLayers()).toJson();
    sa::Json quantization = before;
    quantization["comment"] = "by a later writer of this version";
    quantization["layers"]["block.w"]["seconds"] = 1.5;
    quantization["calibration"] = nullptr;
    quantization["source"]["tokenizer_sha256"] = nullptr;
    const sa::Json config{{"quantization_config", quantization}};
    const auto info = sa::quantizationOf(sa::JsonField(config, "config.json"));
    QVERIFY2(info && *info, qPrintable(info ? QString() : describe(info.error())));
    QCOMPARE((*info)->layers.size(), std::size_t(2));
    QVERIFY((*info)->calibration.is_null());
    const sa::Json complete{{"quantization_config", before}};
    QCOMPARE((*sa::quantizationOf(sa::JsonField(complete, "config.json")))->toJson(), before);
}

QTEST_APPLESS_MAIN(TestPackedDamage)
#include "tst_packed_damage.moc"
