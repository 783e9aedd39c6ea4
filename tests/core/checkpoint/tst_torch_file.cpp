// SPDX-License-Identifier: GPL-3.0-or-later
#include "torch_fixture.h"

#include "core/checkpoint/half.h"
#include "core/checkpoint/torch_file.h"
#include "core/checkpoint/weight_store.h"
#include "core/checkpoint/zip_archive.h"

#include <QTemporaryDir>
#include <QtTest>

#include <memory>

using namespace test;

namespace
{

const QString kData = QStringLiteral(SA_SOURCE_DIR "/tests/data");

QList<float> valuesOf(const sa::TensorFile& file, const char* name)
{
    const auto place = file.tensors().find(name);
    if (place == file.tensors().end())
        return {};
    QByteArray bytes(static_cast<qsizetype>(place->second.sizeBytes), '\0');
    if (!file.read(place->second, std::as_writable_bytes(std::span(bytes.data(), std::size_t(bytes.size())))))
        return {};
    QList<float> out;
    for (int i = 0; i < place->second.elements(); ++i) {
        std::uint16_t half = 0;
        float wide = 0;
        switch (place->second.dtype) {
        case sa::Dtype::F16:
            std::memcpy(&half, bytes.constData() + 2 * i, 2);
            out += sa::halfToFloat(half);
            break;
        case sa::Dtype::BF16:
            std::memcpy(&half, bytes.constData() + 2 * i, 2);
            out += sa::bfloat16ToFloat(half);
            break;
        case sa::Dtype::F32:
            std::memcpy(&wide, bytes.constData() + 4 * i, 4);
            out += wide;
            break;
        default:
            return {};
        }
    }
    return out;
}

/// -1, -0.75, ...: what the file of real PyTorch holds.
QList<float> ramp(const QList<int>& places)
{
    QList<float> out;
    for (const int place : places)
        out += static_cast<float>(place) * 0.25f - 1.0f;
    return out;
}

QByteArray replaced(QByteArray bytes, const QByteArray& before, const QByteArray& after)
{
    Q_ASSERT(bytes.count(before) >= 1);
    return bytes.replace(bytes.indexOf(before), before.size(), after);
}

QByteArray weight(const QByteArray& value)
{
    return pickle::whole(pickle::dictionary({pickle::text("w"), value}));
}

QByteArray goodStorage()
{
    return pickle::storage("FloatStorage", "0", 24);
}

} // namespace

class TestTorchFile : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void init();
    void filesOfRealTorch();
    void otherWaysToSayTheSame_data();
    void otherWaysToSayTheSame();
    void viewsAreGathered_data();
    void viewsAreGathered();
    void wideGathersComeInPieces();
    void whatIsRefused_data();
    void whatIsRefused();
    void archivesThatLie_data();
    void archivesThatLie();
    void cutAnywhere();
    void cutInsideTheDescription();
    void anyByteMayBeWrong();
    void entriesThatAreNoTensors();
    void foldersOfPyTorchFiles();
    void hostileShardNames_data();
    void hostileShardNames();
    void namesWithAndWithoutPrefix_data();
    void namesWithAndWithoutPrefix();

private:
    QString path(const QString& name) const { return m_folder->filePath(name); }
    sa::Result<sa::TorchFile> open(const QByteArray& bytes) const;
    void refused(const QByteArray& bytes, sa::Errc code, const QStringList& words) const;

    std::unique_ptr<QTemporaryDir> m_folder;
};

void TestTorchFile::init()
{
    m_folder = std::make_unique<QTemporaryDir>();
    QVERIFY(m_folder->isValid());
}

sa::Result<sa::TorchFile> TestTorchFile::open(const QByteArray& bytes) const
{
    if (!writeFile(path("weights.bin"), bytes))
        return sa::makeError(sa::Errc::Io, "the test cannot write");
    return sa::TorchFile::open(path("weights.bin").toStdString());
}

void TestTorchFile::refused(const QByteArray& bytes, sa::Errc code, const QStringList& words) const
{
    const auto file = open(bytes);
    QVERIFY2(!file, "the file was accepted");
    const QString text = describe(file.error());
    QVERIFY2(file.error().code == code, qPrintable(text));
    checkReadable(file.error(), path("weights.bin"));
    for (const QString& word : words)
        QVERIFY2(text.contains(word), qPrintable("\"" + word + "\" is not in: " + text));
}

void TestTorchFile::filesOfRealTorch()
{
    // Written by PyTorch 1.13: an ordered dictionary with metadata, views, a tied pair, a parameter.
    const auto file = sa::TorchFile::open((kData + "/checkpoint/pytorch_model.bin").toStdString());
    QVERIFY2(file, qPrintable(file ? QString() : describe(file.error())));
    const auto& tensors = file->tensors();
    QCOMPARE(tensors.size(), std::size_t(8));
    QVERIFY(file->warnings().empty());
    QCOMPARE(tensors.at("layers.0.w.weight").dtype, sa::Dtype::F16);
    QCOMPARE(tensors.at("layers.0.w.weight").shapeText(), std::string("[3, 4]"));
    QCOMPARE(valuesOf(*file, "layers.0.w.weight"), ramp({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}));
    QCOMPARE(tensors.at("layers.0.transposed.weight").shapeText(), std::string("[2, 5]"));
    QCOMPARE(valuesOf(*file, "layers.0.transposed.weight"), ramp({0, 2, 4, 6, 8, 1, 3, 5, 7, 9}));
    QCOMPARE(valuesOf(*file, "layers.0.slice.weight"), ramp({8, 9, 10, 14, 15, 16}));
    QCOMPARE(tensors.at("embed.weight").dtype, sa::Dtype::BF16);
    QCOMPARE(valuesOf(*file, "embed.weight"), ramp({0, 1, 2, 3, 4, 5, 6, 7}));
    QCOMPARE(tensors.at("lm_head.weight").offset, tensors.at("embed.weight").offset);
    QCOMPARE(tensors.at("step").dtype, sa::Dtype::I64);
    QCOMPARE(tensors.at("step").shapeText(), std::string("[]"));
    QCOMPARE(tensors.at("empty").sizeBytes, std::uint64_t(0));
    QCOMPARE(valuesOf(*file, "parameter"), ramp({0, 1, 2}));

    const auto old = sa::TorchFile::open((kData + "/checkpoint/old_form.bin").toStdString());
    QVERIFY(!old);
    QCOMPARE(old.error().code, sa::Errc::Unsupported);
    QVERIFY2(describe(old.error()).contains("before version 1.6"), qPrintable(describe(old.error())));
    QVERIFY2(describe(old.error()).contains("save_pretrained"), qPrintable(describe(old.error())));
}

void TestTorchFile::otherWaysToSayTheSame_data()
{
    using namespace pickle;
    QTest::addColumn<QByteArray>("bytes");
    const QByteArray w = tensor(goodStorage(), 0, {4, 6}, {6, 1});
    QTest::addRow("plain") << checkpoint(matrix());
    QTest::addRow("zip64 and a comment") << zip(checkpointItems(matrix()),
                                                {.zip64 = true, .comment = "made by a test PK\x05\x06"});
    auto items = checkpointItems(matrix());
    items.removeAt(1);
    QTest::addRow("no byte order, as before version 2") << zip(items);
    items = checkpointItems(matrix());
    for (auto& item : items)
        item.name = item.name.replace("archive/", "Llama-2-7b-hf_13.mlp.down_proj_3bit/");
    QTest::addRow("a folder name with dots") << zip(items);
    items = checkpointItems(matrix());
    items[2].sizeInDirectory = items[2].packedInDirectory = 0xFFFFFFFF;
    items[2].extraInDirectory =
        little<std::uint16_t>(1) + little<std::uint16_t>(16) + little<std::uint64_t>(96) + little<std::uint64_t>(96);
    QTest::addRow("sizes in the zip64 field") << zip(items);
    QTest::addRow("entries nobody asks for, compressed ones too") << zip(
        checkpointItems(matrix()) << ZipItem{"archive/version", "3\n"}
                                  << ZipItem{"archive/.data/serialization_id", "x", 8} << ZipItem{"archive/", ""});
    QTest::addRow("an ordered dictionary with a state")
        << checkpoint(whole(ordered() + "(" + text("w") + w + "u" + "}" + text("_metadata") + ordered() + "s" + "b"));
    QTest::addRow("one item at a time") << checkpoint(whole("}" + text("w") + w + "s"));
    QTest::addRow("a parameter") << checkpoint(
        weight(global("torch._utils", "_rebuild_parameter") + w + "\x88" + ordered() + "\x87R"));
    QTest::addRow("protocol 4: short texts, names from the stack, frames")
        << checkpoint(QByteArray("\x80\x04\x95\x01\0\0\0\0\0\0\0", 11) + "}" + "\x94" + "\x8c\x01w" +
                      "\x8c\x0ctorch._utils\x8c\x12_rebuild_tensor_v2\x93(" + goodStorage() + integer(0) +
                      QByteArray("K\x04K\x06\x86K\x06K\x01\x86\x89", 11) + ordered() + "tRs.");
    QTest::addRow("texts of Python 2 and remembered values")
        << checkpoint(whole("}q" + QByteArray(1, '\0') + "U\x01wq\x07" + w + "s" + "0").replace("s0.", "s."));
}

void TestTorchFile::otherWaysToSayTheSame()
{
    QFETCH(QByteArray, bytes);
    const auto file = open(bytes);
    QVERIFY2(file, qPrintable(file ? QString() : describe(file.error())));
    QCOMPARE(file->tensors().size(), std::size_t(1));
    QCOMPARE(file->tensors().at("w").shapeText(), std::string("[4, 6]"));
    QCOMPARE(file->tensors().at("w").dtype, sa::Dtype::F32);
    QList<float> wanted;
    for (int i = 0; i < 24; ++i)
        wanted += 0.5f * static_cast<float>(i);
    QCOMPARE(valuesOf(*file, "w"), wanted);
}

void TestTorchFile::viewsAreGathered_data()
{
    QTest::addColumn<int>("offset");
    QTest::addColumn<QList<qint64>>("size");
    QTest::addColumn<QList<qint64>>("stride");
    using L = QList<qint64>;
    QTest::addRow("rows") << 0 << L{4, 6} << L{6, 1};
    QTest::addRow("a part in the middle") << 7 << L{2, 3} << L{6, 1};
    QTest::addRow("transposed") << 0 << L{6, 4} << L{1, 6};
    QTest::addRow("three dimensions, the outer two swapped") << 0 << L{3, 2, 4} << L{4, 12, 1};
    QTest::addRow("three dimensions, the inner two swapped") << 0 << L{2, 4, 3} << L{12, 1, 4};
    QTest::addRow("every other") << 1 << L{11} << L{2};
    QTest::addRow("one column") << 3 << L{4, 1} << L{6, 1};
    QTest::addRow("a stride of a dimension of one") << 0 << L{1, 24} << L{999999, 1};
    QTest::addRow("a scalar") << 23 << L{} << L{};
    QTest::addRow("nothing, at the end") << 24 << L{0, 5} << L{5, 1};
}

void TestTorchFile::viewsAreGathered()
{
    QFETCH(int, offset);
    QFETCH(QList<qint64>, size);
    QFETCH(QList<qint64>, stride);
    const auto toPlain = [](const QList<qint64>& list) { return QList<std::int64_t>(list.begin(), list.end()); };
    const auto file = open(checkpointOf(pickle::tensor(goodStorage(), offset, toPlain(size), toPlain(stride))));
    QVERIFY2(file, qPrintable(file ? QString() : describe(file.error())));
    QList<float> wanted;
    int count = 1;
    for (const auto extent : size)
        count *= static_cast<int>(extent);
    for (int i = 0; i < count; ++i) {
        qint64 place = offset, rest = i;
        for (qsizetype d = size.size() - 1; d >= 0; rest /= size[d], --d)
            place += rest % size[d] * stride[d];
        wanted += 0.5f * static_cast<float>(place);
    }
    const sa::TensorInfo& tensor = file->tensors().at("w");
    QCOMPARE(valuesOf(*file, "w"), wanted);
    // In parts of every size, too.
    for (int part = 1; part <= count; ++part) {
        QList<float> parts(count, -1);
        for (int begin = 0; begin < count; begin += part)
            QVERIFY(file->readPart(
                tensor, 4u * static_cast<unsigned>(begin),
                std::as_writable_bytes(std::span(parts.data() + begin, std::size_t(std::min(part, count - begin))))));
        QCOMPARE(parts, wanted);
    }
}

void TestTorchFile::wideGathersComeInPieces()
{
    // 3 MB in long runs (every other row of 600 floats) and singly (transposed).
    const int rows = 1200, columns = 600;
    QByteArray data;
    for (int i = 0; i < rows * columns; ++i)
        data += little(static_cast<float>(i));
    using namespace pickle;
    const QByteArray kept = storage("FloatStorage", "0", rows * columns);
    QVERIFY(writeFile(
        path("pytorch_model.bin"),
        zip({{"x/data.pkl", whole(dictionary({text("even"), tensor(kept, 0, {rows / 2, columns}, {2 * columns, 1}),
                                              text("turned"), tensor(kept, 0, {columns, rows}, {1, columns})}))},
             {"x/data/0", data}})));
    const auto store = sa::WeightStore::open(m_folder->path().toStdString());
    QVERIFY2(store, qPrintable(store ? QString() : describe(store.error())));
    std::vector<float> even(rows / 2 * columns), turned(rows * columns);
    QVERIFY(store->read("even", std::as_writable_bytes(std::span(even))));
    for (int i = 0; i < rows / 2 * columns; ++i)
        QCOMPARE(even[static_cast<std::size_t>(i)], static_cast<float>(i / columns * 2 * columns + i % columns));
    QVERIFY(store->readPieces("turned", [&](std::uint64_t begin, std::span<const std::byte> piece) -> sa::Result<void> {
        std::memcpy(reinterpret_cast<char*>(turned.data()) + begin, piece.data(), piece.size());
        return {};
    }));
    for (int i = 0; i < rows * columns; ++i)
        QCOMPARE(turned[static_cast<std::size_t>(i)], static_cast<float>(i % rows * columns + i / rows));
}

void TestTorchFile::whatIsRefused_data()
{
    using namespace pickle;
    QTest::addColumn<QByteArray>("bytes");
    QTest::addColumn<int>("code");
    QTest::addColumn<QStringList>("words");
    const auto row = [](const char* title, const QByteArray& description, sa::Errc code, const QStringList& words) {
        QTest::addRow("%s", title) << checkpoint(description) << int(code) << words;
    };
    const auto size = [&](const char* title, std::int64_t offset, const QList<std::int64_t>& extents,
                          const QList<std::int64_t>& strides, const QStringList& words,
                          sa::Errc code = sa::Errc::BadFormat) {
        row(title, weight(tensor(goodStorage(), offset, extents, strides)), code, QStringList(words) << "w");
    };
    const auto kBad = sa::Errc::BadFormat, kOther = sa::Errc::Unsupported;
    const std::int64_t most = std::numeric_limits<std::int64_t>::max();

    // Calls. Nothing of this is ever run; the name has to be said.
    row("a call of the system", weight(global("posix", "system") + text("touch pwned") + "\x85R"), kOther,
        {"posix.system", "Nothing was run"});
    row("a name without a call", weight(global("builtins", "eval")), kOther, {"builtins.eval"});
    row("a permitted module's other name", weight(global("torch._utils", "_rebuild_qtensor")), kOther,
        {"torch._utils._rebuild_qtensor"});
    row("names joined another way", weight(global("torch", "_utils._rebuild_tensor_v2.__globals__")), kOther,
        {"__globals__"});
    row("a name with control characters", weight(global("po\x1b[2Jsix", "system")), kOther, {"permitted"});
    row("a name without an end", QByteArray("\x80\x02}X\x01\0\0\0wctorch", 16), kBad, {"no end"});
    row("a name that never ends", QByteArray("\x80\x02") + "c" + QByteArray(100000, 'a'), kBad, {"no end"});
    row("a name from the stack", QByteArray("\x80\x04") + text("posix") + text("system") + "\x93.", kOther,
        {"posix.system"});
    row("a name from a number", QByteArray("\x80\x04") + text("posix") + integer(1) + "\x93.", kBad, {"not a text"});
    row("an old form of a call", QByteArray("\x80\x02(") + text("x") + "iposix\nsystem\n.", kOther, {"posix.system"});
    row("a storage type that is called", weight(global("torch", "FloatStorage") + ")R"), kOther,
        {"torch.FloatStorage"});
    row("a text that is called", weight(text("print") + ")R"), kOther, {"a text"});
    row("an ordered dictionary with arguments", weight(global("collections", "OrderedDict") + "]\x85R"), kOther,
        {"ordered dictionary"});
    row("arguments that are a list", weight(global("collections", "OrderedDict") + "]R"), kBad, {"not a tuple"});
    row("an object's state", weight(global("collections", "OrderedDict") + ")R" + text("x") + "b"), kOther, {"a text"});
    for (const char opcode : {'\x81', '\x92', 'o',    '\x82', '\x83', '\x84', 'P',    'S',  'I',   'L', 'F',
                              'V',    '0',    '1',    '2',    'd',    'l',    'g',    'p',  'B',   'C', '\x8e',
                              '\x8f', '\x90', '\x91', '\x96', '\x97', '\x98', '\x8d', '\0', '\xff'})
        QTest::addRow("the instruction 0x%02x", static_cast<unsigned char>(opcode))
            << checkpoint(QByteArray("\x80\x02}") + opcode + "0\n.") << int(kOther) << QStringList{"instruction", "0x"};

    // The machine itself.
    row("nothing", {}, kBad, {"not a pickle"});
    row("protocol 0", "(dp0\n.", kBad, {"not a pickle"});
    row("protocol 1", QByteArray("\x80\x01}.", 4), kOther, {"protocol"});
    row("protocol 6", QByteArray("\x80\x06}.", 4), kOther, {"protocol", "6"});
    row("no end", QByteArray("\x80\x02}", 3), kBad, {"cut"});
    row("values left over", QByteArray("\x80\x02}}.", 5), kBad, {"left over"});
    row("an end inside a mark", QByteArray("\x80\x02}(.", 5), kBad, {"empty stack"});
    row("an end without a value", QByteArray("\x80\x02.", 3), kBad, {"empty stack"});
    row("bytes after the end", matrix() + "x", kBad, {"goes on"});
    row("a second program after the end", matrix() + whole(global("posix", "system")), kBad, {"goes on"});
    row("a tuple out of nothing", QByteArray("\x80\x02\x87.", 4), kBad, {"empty stack"});
    row("a tuple without a mark", QByteArray("\x80\x02t.", 4), kBad, {"mark"});
    row("items without a mark", QByteArray("\x80\x02}u.", 5), kBad, {"mark"});
    row("items of nothing", QByteArray("\x80\x02(u.", 5), kBad, {"empty stack"});
    row("items of a number", QByteArray("\x80\x02K\x01(u.", 7), kBad, {"wrong kind", "an integer"});
    row("a key without a value", QByteArray("\x80\x02}(Nu.", 7), kBad, {"key without a value"});
    row("an item taken through a mark", QByteArray("\x80\x02}N(Ns.", 8), kBad, {"empty stack"});
    row("a list that is no list", QByteArray("\x80\x02}Na.", 6), kBad, {"wrong kind"});
    row("a value never remembered", QByteArray("\x80\x02h\x05.", 5), kBad, {"never remembered"});
    row("a value never remembered, far away", QByteArray("\x80\x02j\xff\xff\xff\xff.", 8), kBad, {"never remembered"});
    row("remembered under a huge number", QByteArray("\x80\x02}r\xff\xff\xff\x7f.", 9), kBad, {"impossible number"});
    row("nothing remembered", QByteArray("\x80\x02q\x01.", 5), kBad, {"remembers"});
    row("a text longer than the file", QByteArray("\x80\x02X\xff\xff\xff\xffw.", 9), kBad, {"cut"});
    row("a number of 2 GB", QByteArray("\x80\x02\x8b\xff\xff\xff\x7f.", 8), kBad, {"cut"});
    row("a number of 9 bytes", QByteArray("\x80\x02\x8a\x09") + QByteArray(9, '\1') + ".", kBad, {"64 bits"});
    row("a frame longer than the file", QByteArray("\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\xff}.", 13), kBad,
        {"frame"});
    row("marks in marks", QByteArray("\x80\x02") + QByteArray(20000, '('), kBad, {"nested too deep"});
    row("tuples in tuples", QByteArray("\x80\x02)") + QByteArray(100000, '\x85') + ".", kBad, {"not a dictionary"});
    row("too many values", QByteArray("\x80\x02") + QByteArray(2'100'000, 'N') + ".", kBad, {"too many values"});
    row("the stack full of one value", QByteArray("\x80\x02Nq\1") + QByteArray("h\1").repeated(2'100'000) + ".", kBad,
        {"stack"});
    row("a dictionary in itself", QByteArray("\x80\x02}q\1") + text("w") + "h\1s.", kOther, {"flat dictionary"});

    // What it describes.
    row("a list", QByteArray("\x80\x02].", 4), kBad, {"not a dictionary", "a list"});
    row("a tensor alone", whole(tensor(goodStorage(), 0, {4, 6}, {6, 1})), kBad, {"not a dictionary", "a call"});
    row("a training state", whole(dictionary({text("model"), matrix().mid(2).chopped(1)})), kOther,
        {"model", "save_pretrained"});
    row("a name that is a number", whole(dictionary({integer(1), tensor(goodStorage(), 0, {4, 6}, {6, 1})})), kBad,
        {"name is not a text"});
    row("a name twice",
        whole(
            dictionary({text("w"), tensor(goodStorage(), 0, {1}, {1}), text("w"), tensor(goodStorage(), 0, {1}, {1})})),
        kBad, {"twice", "w"});
    row("a parameter of a parameter",
        weight(global("torch._utils", "_rebuild_parameter") + global("torch._utils", "_rebuild_parameter") +
               tensor(goodStorage(), 0, {1}, {1}) + "\x88" + ordered() + "\x87R\x88" + ordered() + "\x87R"),
        kBad, {"from a parameter"});
    row("a parameter of nothing", weight(global("torch._utils", "_rebuild_parameter") + ")R"), kBad, {"parameter"});
    row("a tensor of nothing", weight(global("torch._utils", "_rebuild_tensor_v2") + ")R"), kBad, {"described"});
    row("a tensor of a text", weight(tensor(text("x"), 0, {1}, {1})), kBad, {"described"});
    row("a storage that is no tuple", weight(tensor(text("x") + "Q", 0, {1}, {1})), kBad, {"not a tuple"});
    row("a storage of another kind",
        weight(tensor("(" + text("module") + global("torch", "FloatStorage") + text("0") + text("cpu") + integer(24) +
                          "tQ",
                      0, {1}, {1})),
        kBad, {"as PyTorch does"});
    row("a storage with five texts",
        weight(tensor("(" + text("storage") + text("torch.FloatStorage") + text("0") + text("cpu") + integer(24) + "tQ",
                      0, {1}, {1})),
        kBad, {"no type"});
    row("a storage of a function",
        weight(tensor("(" + text("storage") + global("torch._utils", "_rebuild_parameter") + text("0") + text("cpu") +
                          integer(24) + "tQ",
                      0, {1}, {1})),
        kBad, {"no type"});
    row("a storage that is not there", weight(tensor(storage("FloatStorage", "1", 24), 0, {1}, {1})), kBad,
        {"archive/data/1", "lacks"});
    row("a storage outside the folder", weight(tensor(storage("FloatStorage", "../data.pkl", 24), 0, {1}, {1})), kBad,
        {"lacks"});
    row("a storage that is larger in the file", weight(tensor(storage("FloatStorage", "0", 23), 0, {1}, {1})), kBad,
        {"another size", "96 bytes"});
    row("a storage that is smaller in the file", weight(tensor(storage("DoubleStorage", "0", 24), 0, {1}, {1})), kBad,
        {"another size", "24 elements of 8 bytes"});
    row("a storage with a count that wraps",
        weight(tensor(storage("FloatStorage", "0", (std::int64_t{1} << 62) + 24), 0, {1}, {1})), kBad,
        {"another size"});
    row("a storage with a negative count", weight(tensor(storage("FloatStorage", "0", -24), 0, {1}, {1})), kBad,
        {"non-negative"});
    row("a storage in two types",
        whole(dictionary({text("v"), tensor(goodStorage(), 0, {1}, {1}), text("w"),
                          tensor(storage("HalfStorage", "0", 48), 0, {1}, {1})})),
        kBad, {"two ways"});
    size("one element too many", 0, {25}, {1}, {"past the end", "24"});
    size("an offset behind the end", 25, {0}, {1}, {"past the end"});
    size("an offset that moves the end out", 1, {4, 6}, {6, 1}, {"past the end"});
    size("a huge offset", most, {1}, {1}, {"past the end"});
    size("a negative offset", -1, {1}, {1}, {"offset", "-1"});
    size("a negative size", 0, {-1, 6}, {6, 1}, {"size", "-1"});
    size("a negative stride", 23, {24}, {-1}, {"stride", "-1"});
    size("a stride that leads out", 0, {4, 6}, {7, 1}, {"past the end"});
    size("a stride that wraps around", 0, {3, 2}, {most, 2}, {"past the end"});
    size("sizes whose product wraps around", 0, {std::int64_t{1} << 32, std::int64_t{1} << 32}, {0, 0}, {"64 bits"});
    size("a size that is larger than anything", 0, {most}, {1}, {"past the end"});
    size("fewer strides than sizes", 0, {4, 6}, {1}, {"strides"});
    size("more dimensions than anybody needs", 0, QList<std::int64_t>(33, 1), QList<std::int64_t>(33, 1), {"33"});
    size("one value shown many times", 0, {1'000'000'000}, {0}, {"share"}, kOther);
    size("rows that overlap", 0, {4, 6}, {1, 1}, {"share"}, kOther);
    row("a size that is a list",
        weight(global("torch._utils", "_rebuild_tensor_v2") + "(" + goodStorage() + integer(0) + "]" + tuple({1}) +
               "\x89" + ordered() + "tR"),
        kBad, {"size", "a list"});
    row("a size with a text in it",
        weight(global("torch._utils", "_rebuild_tensor_v2") + "(" + goodStorage() + integer(0) + text("4") + "\x85" +
               tuple({1}) + "\x89" + ordered() + "tR"),
        kBad, {"size", "a text"});
}

void TestTorchFile::whatIsRefused()
{
    QFETCH(QByteArray, bytes);
    QFETCH(int, code);
    QFETCH(QStringList, words);
    refused(bytes, sa::Errc(code), words);
}

void TestTorchFile::archivesThatLie_data()
{
    QTest::addColumn<QByteArray>("bytes");
    QTest::addColumn<int>("code");
    QTest::addColumn<QStringList>("words");
    const auto row = [](const char* title, const QByteArray& bytes, sa::Errc code, const QStringList& words) {
        QTest::addRow("%s", title) << bytes << int(code) << words;
    };
    const auto changed = [](int item, const std::function<void(ZipItem&)>& change) {
        auto items = checkpointItems(matrix());
        change(items[item]);
        return zip(items);
    };
    const auto kBad = sa::Errc::BadFormat, kOther = sa::Errc::Unsupported;
    const QByteArray good = checkpoint(matrix());
    const auto items = checkpointItems(matrix());

    row("nothing", {}, kBad, {"empty"});
    row("one byte", "P", kBad, {"not a PyTorch checkpoint"});
    row("one byte of a pickle", "\x80", kBad, {"not a PyTorch checkpoint"});
    row("an empty archive", "PK\x05\x06" + QByteArray(18, '\0'), kOther, {"ZIP"});
    row("Git LFS", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", kBad, {"Git LFS"});
    row("a web page", "<!DOCTYPE html><html>sign in</html>", kBad, {"web page"});
    row("safetensors under the name", vectors({"a"}), kBad, {"not a PyTorch checkpoint"});
    row("GGUF under the name", "GGUF" + QByteArray(60, '\1'), kOther, {"GGUF"});
    row("a plain pickle", "\x80\x02}q" + QByteArray(40, '\0'), kOther, {"pickle", "save_pretrained"});
    row("the form before 1.6",
        "\x80\x02\x8a\nl\xfc\x9c"
        "F\xf9 j\xa8P\x19." +
            QByteArray(40, '\0'),
        kOther, {"before version 1.6"});
    row("the form before 0.4", QByteArray(257, 'x') + "ustar" + QByteArray(300, '\0'), kOther, {"before version 1.6"});
    row("something after the end", good + "x", kBad, {"no end"});
    row("something in front", zip(items, {.before = "#!/bin/sh\n"}), kBad, {"not a PyTorch checkpoint"});
    row("moved by four bytes", "PK\x03\x04" + good, kBad, {"directory"});
    row("more entries than there are", zip(items, {.entriesMore = 1}), kBad, {"fewer entries"});
    row("fewer entries than there are", zip(items, {.entriesMore = -1}), kBad, {"more entries"});
    row("no entries", zip(items, {.entriesMore = -3}), kBad, {"more entries"});
    row("millions of entries", zip(items, {.zip64 = true, .entriesMore = 100'000'000}), kBad, {"impossible size"});
    row("a directory that is longer", zip(items, {.directoryMore = 1}), kBad, {"directory"});
    row("a directory that is shorter", zip(items, {.directoryMore = -1}), kBad, {"directory"});
    row("a zip64 directory that wraps around", zip(items, {.zip64 = true, .directoryMore = -100'000}), kBad,
        {"directory"});
    const QByteArray wide = zip(items, {.zip64 = true});
    row("a zip64 record elsewhere", replaced(wide, "PK\x06\x06", "PK\x06\x08"), kBad, {"zip64"});
    row("a zip64 record far away",
        replaced(wide, "PK\x06\x07" + QByteArray(4, '\0'), "PK\x06\x07" + QByteArray(11, '\xFF'))
            .remove(wide.size() - 30, 7),
        kBad, {});
    row("no zip64 locator", replaced(wide, "PK\x06\x07", "PK\x06\x09"), kBad, {"zip64"});
    row("split over disks", replaced(good, "PK\x05\x06" + QByteArray(2, '\0'), QByteArray("PK\x05\x06\x01\x00", 6)),
        kOther, {"split"});
    row("encrypted", changed(2, [](ZipItem& item) { item.flags = 1; }), kOther, {"encrypted"});
    row("a compressed storage", changed(2, [](ZipItem& item) { item.method = 8; }), kOther,
        {"compressed", "archive/data/0"});
    row("a compressed description", changed(0, [](ZipItem& item) { item.method = 8; }), kOther,
        {"compressed", "data.pkl"});
    row("a compressed byte order", changed(1, [](ZipItem& item) { item.method = 8; }), kOther, {"compressed"});
    row("big-endian", changed(1, [](ZipItem& item) { item.data = "big"; }), kOther, {"byte order", "big"});
    row("an unknown byte order", changed(1, [](ZipItem& item) { item.data = "middle"; }), kBad, {"byte order"});
    row("a storage that is cut", changed(2, [](ZipItem& item) { item.data.chop(1); }), kBad, {"another size", "95"});
    row("a storage with two sizes", changed(2, [](ZipItem& item) { item.packedInDirectory = 95; }), kBad,
        {"two sizes"});
    row("a storage that goes into the directory",
        changed(2, [](ZipItem& item) { item.packedInDirectory = item.sizeInDirectory = 97; }), kBad, {"outside"});
    row("a storage of 4 GB",
        changed(2, [](ZipItem& item) { item.packedInDirectory = item.sizeInDirectory = 0xFFFFFFFE; }), kBad,
        {"outside"});
    row("a size in a zip64 field that is not there",
        changed(2, [](ZipItem& item) { item.sizeInDirectory = 0xFFFFFFFF; }), kBad, {"zip64 field"});
    row("a zip64 field that is cut",
        changed(2,
                [](ZipItem& item) {
                    item.sizeInDirectory = 0xFFFFFFFF;
                    item.extraInDirectory = QByteArray("\x01\x00\x08\x00\x60", 5);
                }),
        kBad, {"zip64 field"});
    row("a size of 2^64 - 1",
        changed(2,
                [](ZipItem& item) {
                    item.sizeInDirectory = item.packedInDirectory = 0xFFFFFFFF;
                    item.extraInDirectory = QByteArray("\x01\x00\x10\x00", 4) + QByteArray(16, '\xFF');
                }),
        kBad, {"outside"});
    row("an entry behind the end", changed(2, [](ZipItem& item) { item.offsetInDirectory = 0x7FFFFFFF; }), kBad,
        {"outside"});
    row("two entries in one place", changed(2, [](ZipItem& item) { item.offsetInDirectory = 0; }), kBad, {"share"});
    row("an entry that begins inside another", changed(2, [](ZipItem& item) { item.offsetInDirectory = 40; }), kBad,
        {"share"});
    row("an entry whose header is elsewhere", changed(0, [](ZipItem& item) { item.offsetInDirectory = 1; }), kBad,
        {"disagree"});
    row("an entry with another name", changed(2, [](ZipItem& item) { item.nameInEntry = "archive/data/1"; }), kBad,
        {"disagree"});
    row("an entry with a longer name", changed(2, [](ZipItem& item) { item.nameInEntry = "archive/data/00"; }), kBad,
        {"disagree"});
    row("an entry without a name", changed(1, [](ZipItem& item) { item.name.clear(); }), kBad, {"impossible name"});
    row("a NUL in a name", changed(1, [](ZipItem& item) { item.name = QByteArray("a\0b", 3); }), kBad,
        {"impossible name"});
    row("two entries with one name", zip(checkpointItems(matrix()) << ZipItem{"archive/data/0", floats()}), kBad,
        {"same name", "archive/data/0"});
    row("two checkpoints", zip(checkpointItems(matrix()) << ZipItem{"other/data.pkl", matrix()}), kBad,
        {"two checkpoints"});
    row("no description", zip({{"word/document.xml", "<xml/>"}}), kBad, {"no description"});
    row("a description deeper down", zip({{"a/b/data.pkl", matrix()}, {"a/b/data/0", floats()}}), kBad,
        {"no description"});
    row("a program", zip(checkpointItems(matrix()) << ZipItem{"archive/constants.pkl", "x"}), kOther, {"TorchScript"});
}

void TestTorchFile::archivesThatLie()
{
    QFETCH(QByteArray, bytes);
    QFETCH(int, code);
    QFETCH(QStringList, words);
    refused(bytes, sa::Errc(code), words);
}

void TestTorchFile::cutAnywhere()
{
    const QByteArray real = readFile(kData + "/checkpoint/pytorch_model.bin");
    QVERIFY(real.size() > 1000);
    for (const QByteArray& good : {checkpoint(matrix()), zip(checkpointItems(matrix()), {.zip64 = true}), real})
        for (qsizetype size = 0; size < good.size(); ++size) {
            const auto file = open(good.first(size));
            QVERIFY2(!file, qPrintable(QString::number(size)));
            checkReadable(file.error(), path("weights.bin"));
        }
}

void TestTorchFile::cutInsideTheDescription()
{
    const QByteArray whole = matrix();
    for (qsizetype size = 0; size < whole.size(); ++size) {
        const auto file = open(checkpoint(whole.first(size)));
        QVERIFY2(!file, qPrintable(QString::number(size)));
        checkReadable(file.error(), path("weights.bin"));
    }
}

void TestTorchFile::anyByteMayBeWrong()
{
    // Accepted or not: never a crash, and what is accepted lies inside the file and can be read.
    const QByteArray real = readFile(kData + "/checkpoint/pytorch_model.bin");
    int accepted = 0;
    for (const QByteArray& good : {checkpoint(matrix()), real})
        for (qsizetype at = 0; at < good.size(); ++at)
            for (const int change : {0x01, 0x80, 0xFF}) {
                QByteArray bytes = good;
                bytes[at] = static_cast<char>(bytes[at] ^ change);
                const auto file = open(bytes);
                if (!file) {
                    checkReadable(file.error(), path("weights.bin"));
                    continue;
                }
                ++accepted;
                for (const auto& [name, tensor] : file->tensors()) {
                    QVERIFY(tensor.offset <= static_cast<std::uint64_t>(good.size()));
                    QVERIFY(tensor.sizeBytes <= static_cast<std::uint64_t>(good.size()));
                    std::vector<std::byte> content(tensor.sizeBytes);
                    QVERIFY(file->read(tensor, content));
                }
            }
    QVERIFY(accepted > 100); // values and checksums
}

void TestTorchFile::entriesThatAreNoTensors()
{
    using namespace pickle;
    const auto file = open(checkpoint(whole(dictionary({text("w"), tensor(goodStorage(), 0, {4, 6}, {6, 1}), text("lr"),
                                                        "G" + QByteArray(8, '\0'), text("step"), integer(3)}))));
    QVERIFY2(file, qPrintable(file ? QString() : describe(file.error())));
    QCOMPARE(file->tensors().size(), std::size_t(1));
    QCOMPARE(file->warnings().size(), std::size_t(1));
    QVERIFY(QString::fromStdString(file->warnings().front()).contains("2 entries"));
}

void TestTorchFile::foldersOfPyTorchFiles()
{
    const auto single = [](const QByteArray& name) {
        return checkpoint(
            pickle::whole(pickle::dictionary({pickle::text(name), pickle::tensor(goodStorage(), 0, {4, 6}, {6, 1})})));
    };
    const std::string folder = m_folder->path().toStdString();
    const auto warningsOf = [](const sa::WeightStore& store) {
        QStringList out;
        for (const auto& warning : store.warnings())
            out += QString::fromStdString(warning);
        return out;
    };
    QVERIFY(writeFile(path("pytorch_model-00001-of-00002.bin"), single("one")));
    QVERIFY(writeFile(path("pytorch_model-00002-of-00002.bin"), single("two")));
    QVERIFY(writeFile(path("pytorch_model.bin.index.json"),
                      R"({"metadata":{"total_size":192},"weight_map":{"one":"pytorch_model-00001-of-00002.bin",)"
                      R"("two":"pytorch_model-00002-of-00002.bin"}})"));
    QVERIFY(writeFile(path("training_args.bin"), "x"));
    auto store = sa::WeightStore::open(folder);
    QVERIFY2(store, qPrintable(store ? QString() : describe(store.error())));
    QCOMPARE(store->names(), (std::vector<std::string>{"one", "two"}));
    QCOMPARE(store->files().size(), std::size_t(2));
    QVERIFY2(store->warnings().empty(), qPrintable(warningsOf(*store).join(" ")));
    QByteArray back(96, '\0');
    QVERIFY(store->read("two", std::as_writable_bytes(std::span(back.data(), 96))));
    QCOMPARE(back, floats());

    // The index wins over the single file, safetensors win over both, and each time it is said.
    QVERIFY(writeFile(path("pytorch_model.bin"), single("three")));
    store = sa::WeightStore::open(folder);
    QVERIFY(store && store->names().size() == 2);
    QCOMPARE(warningsOf(*store).size(), 1);
    QVERIFY(warningsOf(*store).front().contains("pytorch_model.bin and an index"));
    QVERIFY(writeFile(path("model.safetensors"), vectors({"four"})));
    store = sa::WeightStore::open(folder);
    QVERIFY(store);
    QCOMPARE(store->names(), (std::vector<std::string>{"four"}));
    QCOMPARE(warningsOf(*store).size(), 1);
    QVERIFY2(warningsOf(*store).front().contains("twice"), qPrintable(warningsOf(*store).front()));

    // A shard that is not there, or is something else.
    QVERIFY(QFile::remove(path("model.safetensors")));
    QVERIFY(QFile::remove(path("pytorch_model-00002-of-00002.bin")));
    store = sa::WeightStore::open(folder);
    QVERIFY(!store && store.error().code == sa::Errc::NotFound);
    QVERIFY(describe(store.error()).contains("pytorch_model-00002-of-00002.bin"));
    QVERIFY(writeFile(path("pytorch_model-00002-of-00002.bin"),
                      "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"));
    store = sa::WeightStore::open(folder);
    QVERIFY(!store && describe(store.error()).contains("Git LFS"));
    QVERIFY(writeFile(path("pytorch_model-00002-of-00002.bin"), single("one")));
    store = sa::WeightStore::open(folder);
    QVERIFY(!store && store.error().code == sa::Errc::BadFormat);
}

void TestTorchFile::hostileShardNames_data()
{
    QTest::addColumn<QByteArray>("name"); // as JSON
    QTest::addRow("a folder up") << QByteArray("\"../outside.bin\"");
    QTest::addRow("absolute") << QByteArray("\"/etc/passwd.bin\"");
    QTest::addRow("safetensors") << QByteArray("\"a.safetensors\"");
    QTest::addRow("the configuration") << QByteArray("\"config.json\"");
    QTest::addRow("a number") << QByteArray("1");
}

void TestTorchFile::hostileShardNames()
{
    QFETCH(QByteArray, name);
    QVERIFY(QDir(m_folder->path()).mkpath("model"));
    QVERIFY(writeFile(path("outside.bin"), checkpoint(matrix())));
    QVERIFY(writeFile(path("model/a.safetensors"), vectors({"w"})));
    QVERIFY(writeFile(path("model/pytorch_model.bin.index.json"), "{\"weight_map\":{\"w\":" + name + "}}"));
    const auto store = sa::WeightStore::open(path("model").toStdString());
    QVERIFY(!store);
    QCOMPARE(store.error().code, sa::Errc::BadFormat);
    QCOMPARE(store.error().where, std::string("weight_map.w"));
}

void TestTorchFile::namesWithAndWithoutPrefix_data()
{
    using Names = QList<QByteArray>;
    QTest::addColumn<QString>("anchor");
    QTest::addColumn<Names>("stored");
    QTest::addColumn<Names>("wanted"); // in the same order
    const QString llama = "model.embed_tokens.weight", opt = "model.decoder.embed_tokens.weight",
                  bloom = "transformer.word_embeddings.weight";
    QTest::addRow("LLaMA, whole") << llama << Names{"model.embed_tokens.weight", "lm_head.weight"}
                                  << Names{"model.embed_tokens.weight", "lm_head.weight"};
    QTest::addRow("LLaMA without its head")
        << llama << Names{"embed_tokens.weight", "layers.0.mlp.up_proj.weight", "norm.weight"}
        << Names{"model.embed_tokens.weight", "model.layers.0.mlp.up_proj.weight", "model.norm.weight"};
    QTest::addRow("a head beside short names") << llama << Names{"embed_tokens.weight", "lm_head.weight"}
                                               << Names{"model.embed_tokens.weight", "lm_head.weight"};
    QTest::addRow("OPT, whole") << opt
                                << Names{"model.decoder.embed_tokens.weight", "model.decoder.layers.0.fc1.weight"}
                                << Names{"model.decoder.embed_tokens.weight", "model.decoder.layers.0.fc1.weight"};
    QTest::addRow("OPT without its head")
        << opt << Names{"decoder.embed_tokens.weight", "decoder.layers.0.fc1.weight", "lm_head.weight"}
        << Names{"model.decoder.embed_tokens.weight", "model.decoder.layers.0.fc1.weight", "lm_head.weight"};
    QTest::addRow("OPT's decoder alone") << opt << Names{"embed_tokens.weight", "layers.0.fc1.weight"}
                                         << Names{"model.decoder.embed_tokens.weight",
                                                  "model.decoder.layers.0.fc1.weight"};
    QTest::addRow("Bloom without its head")
        << bloom << Names{"word_embeddings.weight", "h.0.mlp.dense_h_to_4h.weight", "ln_f.bias"}
        << Names{"transformer.word_embeddings.weight", "transformer.h.0.mlp.dense_h_to_4h.weight",
                 "transformer.ln_f.bias"};
    QTest::addRow("from a wrapper") << llama
                                    << Names{"module.model.embed_tokens.weight", "module.lm_head.weight", "other"}
                                    << Names{"model.embed_tokens.weight", "lm_head.weight", "other"};
    QTest::addRow("two models in one file")
        << llama << Names{"a.model.embed_tokens.weight", "b.model.embed_tokens.weight"}
        << Names{"a.model.embed_tokens.weight", "b.model.embed_tokens.weight"};
    QTest::addRow("another family") << llama << Names{"wte.weight", "h.0.attn.weight"}
                                    << Names{"wte.weight", "h.0.attn.weight"};
}

void TestTorchFile::namesWithAndWithoutPrefix()
{
    QFETCH(QString, anchor);
    QFETCH(QList<QByteArray>, stored);
    QFETCH(QList<QByteArray>, wanted);
    QVERIFY(writeFile(path("model.safetensors"), vectors(stored)));
    auto store = sa::WeightStore::open(m_folder->path().toStdString());
    QVERIFY(store);
    const auto renamed = store->useCanonicalNames(anchor.toStdString());
    QVERIFY2(renamed, qPrintable(renamed ? QString() : describe(renamed.error())));
    QCOMPARE(store->names().size(), static_cast<std::size_t>(wanted.size()));
    for (int i = 0; i < wanted.size(); ++i) {
        const auto tensor = store->find(wanted[i].toStdString());
        QVERIFY2(tensor, wanted[i].constData());
        QCOMPARE((*tensor)->name, wanted[i].toStdString());
        QByteArray data(8, '\0');
        QVERIFY(store->read(wanted[i].toStdString(), std::as_writable_bytes(std::span(data.data(), 8))));
        QCOMPARE(data, counting(static_cast<int>(8 * wanted.size())).mid(8 * i, 8));
        QVERIFY(!store->fileOf(wanted[i].toStdString()).empty());
    }
    // Two names that become one are refused, and the same with the prefix taken away.
    QVERIFY(writeFile(path("model.safetensors"), vectors({"embed_tokens.weight", "norm.weight", "model.norm.weight"})));
    store = sa::WeightStore::open(m_folder->path().toStdString());
    const auto clash = store->useCanonicalNames("model.embed_tokens.weight");
    QVERIFY(!clash && clash.error().code == sa::Errc::BadFormat);
    QVERIFY2(describe(clash.error()).contains("model.norm.weight"), qPrintable(describe(clash.error())));
}

QTEST_APPLESS_MAIN(TestTorchFile)
#include "tst_torch_file.moc"
