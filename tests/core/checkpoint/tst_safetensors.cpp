// SPDX-License-Identifier: GPL-3.0-or-later
#include "checkpoint_files.h"

#include "core/checkpoint/safetensors.h"

#include <QTemporaryDir>
#include <QtTest>

#include <sys/stat.h>

using namespace test;

class TestSafetensors : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase();
    void validFiles_data();
    void validFiles();
    void everyTypeHasItsNameAndSize();
    void contentIsRead();
    void readsOutsideATensorAreRefused();
    void malformedContainers_data();
    void malformedContainers();
    void malformedEntries_data();
    void malformedEntries();
    void thingsThatAreNoFiles();
    void truncatedAnywhere();
    void oneByteTooMany();
    void flippedBitsInTheHeader();
    void manyTensors();
    void manyOverlappingTensors();
    void writerAndReaderAgree();
    void writerIsDeterministicAndAligned();
    void writerRefusesMistakes_data();
    void writerRefusesMistakes();
    void writerLeavesNothingWithoutCommit();

private:
    sa::Result<sa::SafetensorsFile> open(const QByteArray& bytes);
    void checkMalformed();

    QTemporaryDir m_folder;
    QString m_path;
};

void TestSafetensors::initTestCase()
{
    QVERIFY(m_folder.isValid());
    m_path = m_folder.filePath("weights.safetensors");
}

sa::Result<sa::SafetensorsFile> TestSafetensors::open(const QByteArray& bytes)
{
    if (!writeFile(m_path, bytes))
        return sa::makeError(sa::Errc::Internal, "the test could not write its file");
    return sa::SafetensorsFile::open(m_path.toStdString());
}

void TestSafetensors::validFiles_data()
{
    QTest::addColumn<QByteArray>("bytes");
    QTest::addColumn<int>("tensors");
    const auto one = [](const QByteArray& dtype, const QByteArray& shape, int size) {
        return container("{" + entry("a", "\"" + dtype + "\"", shape, "[0," + QByteArray::number(size) + "]") + "}",
                         counting(size));
    };
    QTest::addRow("no tensors") << container("{}") << 0;
    QTest::addRow("no tensors but metadata") << container(R"({"__metadata__":{"format":"pt"}})") << 0;
    QTest::addRow("one vector") << one("F32", "[3]", 12) << 1;
    QTest::addRow("a scalar has one element") << one("F16", "[]", 2) << 1;
    QTest::addRow("an empty tensor alone") << one("F16", "[0]", 0) << 1;
    QTest::addRow("an empty tensor with huge other sizes") << one("F16", "[0,4611686018427387904,2]", 0) << 1;
    QTest::addRow("as many dimensions as numpy has") << one("U8", "[" + QByteArray("1,").repeated(31) + "1]", 1) << 1;
    QTest::addRow("a type that nobody here computes with") << one("F8_E4M3", "[5]", 5) << 1;
    QTest::addRow("entries in another order than the data")
        << container("{" + entry("a", "\"U8\"", "[2]", "[3,5]") + "," + entry("b", "\"U8\"", "[3]", "[0,3]") + "}",
                     counting(5))
        << 2;
    QTest::addRow("empty tensors between others")
        << container("{" + entry("a", "\"U8\"", "[2]", "[0,2]") + "," + entry("b", "\"U8\"", "[0]", "[2,2]") + "," +
                         entry("c", "\"U8\"", "[1,0]", "[2,2]") + "," + entry("d", "\"U8\"", "[1]", "[2,3]") + "}",
                     counting(3))
        << 4;
    QTest::addRow("a header padded with spaces")
        << container("{" + entry("a", "\"U8\"", "[1]", "[0,1]") + "}       ", counting(1)) << 1;
    QTest::addRow("white space between the tokens")
        << container("{ \"a\" :\n{\"dtype\": \"U8\",\t\"shape\": [ 1 ], \"data_offsets\": [0, 1]}\n}", counting(1))
        << 1;
    QTest::addRow("an additional field in an entry is ignored, as the reference reader does")
        << container(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"note":"x"}})", counting(1)) << 1;
    QTest::addRow("names that look like paths are only names")
        << container("{" + entry("../../etc/passwd", "\"U8\"", "[1]", "[0,1]") + "}", counting(1)) << 1;
    QTest::addRow("an empty name") << container("{" + entry("", "\"U8\"", "[1]", "[0,1]") + "}", counting(1)) << 1;
    QTest::addRow("a name of a megabyte")
        << container("{" + entry(QByteArray(1 << 20, 'n'), "\"U8\"", "[1]", "[0,1]") + "}", counting(1)) << 1;
    QTest::addRow("escaped control characters in a name")
        << container("{" + entry("a\\u0000\\n\\u001b[31m", "\"U8\"", "[1]", "[0,1]") + "}", counting(1)) << 1;
}

void TestSafetensors::validFiles()
{
    QFETCH(QByteArray, bytes);
    QFETCH(int, tensors);
    const auto file = open(bytes);
    QVERIFY2(file, qPrintable(file ? QString() : describe(file.error())));
    QCOMPARE(static_cast<int>(file->tensors().size()), tensors);
    QCOMPARE(file->fileBytes(), static_cast<std::uint64_t>(bytes.size()));
    std::uint64_t sum = 0;
    for (const auto& [name, tensor] : file->tensors()) {
        QCOMPARE(tensor.name, name);
        QCOMPARE(tensor.sizeBytes, static_cast<std::uint64_t>(tensor.elements()) *
                                       static_cast<std::uint64_t>(sa::sizeBytes(tensor.dtype)));
        std::vector<std::byte> data(tensor.sizeBytes);
        QVERIFY(file->read(tensor, data));
        sum += tensor.sizeBytes;
    }
    std::uint64_t headerBytes = 0;
    std::memcpy(&headerBytes, bytes.constData(), 8);
    QCOMPARE(sum + headerBytes + 8, file->fileBytes());
}

void TestSafetensors::everyTypeHasItsNameAndSize()
{
    const std::map<std::string, int> types{{"F64", 8},     {"F32", 4}, {"F16", 2}, {"BF16", 2},    {"I64", 8},
                                           {"I32", 4},     {"I16", 2}, {"I8", 1},  {"U8", 1},      {"BOOL", 1},
                                           {"U64", 8},     {"U32", 4}, {"U16", 2}, {"F8_E4M3", 1}, {"F8_E5M2", 1},
                                           {"F8_E8M0", 1}, {"C64", 8}};
    for (const auto& [typeName, size] : types) {
        const auto file = open(container("{" +
                                             entry("a", "\"" + QByteArray::fromStdString(typeName) + "\"", "[3,5]",
                                                   "[0," + QByteArray::number(15 * size) + "]") +
                                             "}",
                                         counting(15 * size)));
        QVERIFY2(file, typeName.c_str());
        const sa::TensorInfo& tensor = file->tensors().at("a");
        QCOMPARE(std::string(sa::name(tensor.dtype)), typeName);
        QCOMPARE(sa::sizeBytes(tensor.dtype), size);
        QCOMPARE(tensor.elements(), std::int64_t(15));
        QCOMPARE(tensor.shapeText(), std::string("[3, 5]"));
    }
}

void TestSafetensors::contentIsRead()
{
    const auto file =
        open(container(R"({"__metadata__":{"format":"pt","k":"v"},)" + entry("b", "\"I16\"", "[3]", "[0,6]") + "," +
                           entry("a", "\"U8\"", "[2]", "[6,8]") + "}",
                       QByteArray::fromHex("0100ff7f0080aabb")));
    QVERIFY2(file, qPrintable(file ? QString() : describe(file.error())));
    QCOMPARE(file->metadata(), (std::map<std::string, std::string>{{"format", "pt"}, {"k", "v"}}));
    std::array<std::int16_t, 3> words{};
    QVERIFY(file->read(file->tensors().at("b"), std::as_writable_bytes(std::span(words))));
    QCOMPARE(words, (std::array<std::int16_t, 3>{1, 0x7FFF, std::int16_t(-32768)}));
    std::array<std::uint8_t, 1> byte{};
    QVERIFY(file->readPart(file->tensors().at("a"), 1, std::as_writable_bytes(std::span(byte))));
    QCOMPARE(int(byte[0]), 0xBB);
}

void TestSafetensors::readsOutsideATensorAreRefused()
{
    const auto file = open(vectors({"a", "b"}));
    QVERIFY(file);
    const sa::TensorInfo& tensor = file->tensors().at("a");
    std::vector<std::byte> buffer(9);
    QCOMPARE(file->read(tensor, buffer).error().code, sa::Errc::Internal);
    QCOMPARE(file->readPart(tensor, 0, buffer).error().code, sa::Errc::Internal);
    QCOMPARE(file->readPart(tensor, 1, std::span(buffer).first(8)).error().code, sa::Errc::Internal);
    QCOMPARE(file->readPart(tensor, ~std::uint64_t(0), std::span(buffer).first(2)).error().code, sa::Errc::Internal);
    QVERIFY(file->readPart(tensor, 8, std::span(buffer).first(0)));
}

// Rows: the file, the code, and words that the sentence must contain (besides the file's name).
#define MALFORMED(title, bytes, code, ...)                                                                             \
    QTest::addRow(title) << (bytes) << int(sa::Errc::code) << QStringList                                              \
    {                                                                                                                  \
        __VA_ARGS__                                                                                                    \
    }

void TestSafetensors::malformedContainers_data()
{
    QTest::addColumn<QByteArray>("bytes");
    QTest::addColumn<int>("code");
    QTest::addColumn<QStringList>("words");
    const QByteArray good = vectors({"a"});
    const QByteArray header = good.mid(8, good.size() - 16);
    const auto withLength = [&](std::uint64_t length) { return littleEndian64(length) + good.mid(8); };

    MALFORMED("an empty file", QByteArray(), BadFormat, "the file is empty");
    MALFORMED("one byte", QByteArray("{"), BadFormat, "JSON");
    MALFORMED("seven bytes", QByteArray("\1\0\0\0\0\0\0", 7), BadFormat, "too short", "7 bytes");
    MALFORMED("only the length", littleEndian64(20), BadFormat, "too short", "header length");
    MALFORMED("header length 0", withLength(0), BadFormat, "header length", "found 0 bytes");
    MALFORMED("header length 1", withLength(1), BadFormat, "header length", "found 1 bytes");
    MALFORMED("header length 7", withLength(7), BadFormat, "header length", "found 7 bytes");
    MALFORMED("header length 2^63", withLength(std::uint64_t(1) << 63), BadFormat, "header length",
              "9223372036854775808");
    MALFORMED("header length 2^64 - 1", withLength(~std::uint64_t(0)), BadFormat, "header length",
              "18446744073709551615");
    MALFORMED("header length 2^64 - 8, which wraps when 8 is added", withLength(~std::uint64_t(0) - 7), BadFormat,
              "header length");
    MALFORMED("header length 100 MB + 1", withLength(100'000'001), BadFormat, "header length", "100000001",
              "100000000");
    MALFORMED("header length past the end", withLength(100'000), BadFormat, "header", "100008",
              QString::number(good.size()));
    MALFORMED("header length one byte past the end", withLength(static_cast<std::uint64_t>(good.size()) - 7), BadFormat,
              "the file ends inside its header");
    MALFORMED("header length shorter than the header", withLength(20), BadFormat, "JSON");
    MALFORMED("header cut in the middle", container(header.left(30)), BadFormat, "JSON");
    MALFORMED("text instead of JSON", container("hello, this is not JSON"), BadFormat, "does not begin with", "byte 8");
    MALFORMED("a list", container("[1, 2, 3]"), BadFormat, "does not begin with");
    MALFORMED("null", container("null"), BadFormat, "does not begin with");
    MALFORMED("a number", container("12345678"), BadFormat, "does not begin with");
    MALFORMED("a space before the brace", container(" {}        "), BadFormat, "does not begin with");
    MALFORMED("an open brace only", container("{"), BadFormat, "JSON");
    MALFORMED("a comma after the last entry", container(R"({"__metadata__":{},})"), BadFormat, "JSON");
    MALFORMED("a comment", container(R"({/* c */"__metadata__":{}})"), BadFormat, "JSON");
    MALFORMED("single quotes", container(R"({'__metadata__':{}})"), BadFormat, "JSON");
    MALFORMED("a byte order mark", container("\xEF\xBB\xBF{}   "), BadFormat, "byte 8");
    MALFORMED("padding with NUL bytes", container(QByteArray("{}\0\0\0\0\0\0", 8)), BadFormat, "NUL");
    MALFORMED("UTF-16", container(QByteArray("{\0}\0 \0 \0", 8)), BadFormat, "NUL");
    MALFORMED("invalid UTF-8 in a name",
              container("{" + entry("a\xC3\x28", "\"F16\"", "[4]", "[0,8]") + "}", counting(8)), BadFormat, "JSON");
    MALFORMED("an overlong UTF-8 form in a name",
              container("{" + entry("\xC0\xAF", "\"F16\"", "[4]", "[0,8]") + "}", counting(8)), BadFormat, "JSON");
    MALFORMED("a lone surrogate in a name",
              container("{" + entry("\\ud800", "\"F16\"", "[4]", "[0,8]") + "}", counting(8)), BadFormat, "JSON");
    MALFORMED("a control character in a name",
              container("{" + entry("a\nb", "\"F16\"", "[4]", "[0,8]") + "}", counting(8)), BadFormat, "JSON");
    MALFORMED("nested 100,000 deep", container("{\"a\":" + QByteArray(100'000, '[') + QByteArray(100'000, ']') + "}"),
              BadFormat, "nested");
    MALFORMED(
        "the same tensor twice",
        container("{" + entry("a", "\"F16\"", "[4]", "[0,8]") + "," + entry("a", "\"F16\"", "[4]", "[8,16]") + "}",
                  counting(16)),
        BadFormat, "twice", "a");
    MALFORMED(
        "the same tensor twice, once escaped",
        container("{" + entry("a", "\"U8\"", "[1]", "[0,1]") + "," + entry("\\u0061", "\"U8\"", "[1]", "[1,2]") + "}",
                  counting(2)),
        BadFormat, "twice");
    MALFORMED("the same field twice",
              container(R"({"a":{"dtype":"F16","dtype":"F32","shape":[4],"data_offsets":[0,8]}})", counting(8)),
              BadFormat, "twice", "dtype");
    MALFORMED("metadata twice", container(R"({"__metadata__":{},"__metadata__":{}})"), BadFormat, "twice");
    MALFORMED("something after the header's value", container("{} {}   "), BadFormat, "JSON");
    MALFORMED("no tensors, but data", container("{}", counting(8)), BadFormat, "goes on after its last tensor",
              "24 bytes");
    MALFORMED("data short by one byte", good.chopped(1), BadFormat, "shorter", QString::number(good.size()),
              QString::number(good.size() - 1), "a.data_offsets");
    MALFORMED("data short by half", good.chopped(4), BadFormat, "shorter", QString::number(good.size() - 4));
    MALFORMED("no data at all", good.chopped(8), BadFormat, "shorter");
    MALFORMED("a trailing byte", good + "x", BadFormat, "goes on after its last tensor",
              QString::number(good.size() + 1));
    MALFORMED("a ZIP archive at the end", good + QByteArray("PK\x03\x04", 4) + counting(100), BadFormat,
              "goes on after its last tensor");
    MALFORMED("metadata null", container(R"({"__metadata__":null})"), BadFormat, "__metadata__", "null");
    MALFORMED("metadata a list", container(R"({"__metadata__":["pt"]})"), BadFormat, "__metadata__");
    MALFORMED("a metadata value that is no text", container(R"({"__metadata__":{"format":1}})"), BadFormat,
              "__metadata__.format");
    MALFORMED("a metadata value that is an object", container(R"({"__metadata__":{"format":{"a":"b"}}})"), BadFormat,
              "__metadata__.format");

    MALFORMED("a Git LFS pointer under the name",
              QByteArray("version https://git-lfs.github.com/spec/v1\noid "
                         "sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"),
              BadFormat, "Git LFS pointer", "git lfs pull");
    MALFORMED("an HTML page under the name", QByteArray("\n<!DOCTYPE html><html><body>Sign in</body></html>"),
              BadFormat, "web page");
    MALFORMED("an XML error under the name",
              QByteArray("<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>"), BadFormat, "web page");
    MALFORMED("a JSON error under the name", QByteArray("{\"error\":\"Repository not found\"}"), BadFormat,
              "JSON text");
    MALFORMED("a PyTorch ZIP under the name", QByteArray("PK\x03\x04\x00\x00\x08\x08", 8) + counting(200), Unsupported,
              "PyTorch", "pytorch_model.bin");
    MALFORMED("a pickle under the name", QByteArray("\x80\x02}q\x00(X\x06\x00\x00\x00weightq", 19) + counting(50),
              Unsupported, "pickle", "never runs a pickle");
    MALFORMED("a GGUF file under the name", QByteArray("GGUF\3\0\0\0", 8) + counting(50), Unsupported, "GGUF");
    MALFORMED("an HDF5 file under the name", QByteArray("\x89HDF\r\n\x1a\n") + counting(50), Unsupported, "HDF5");
    MALFORMED("a gzip archive under the name", QByteArray("\x1f\x8b\x08\x00", 4) + counting(50), Unsupported, "gzip");
    MALFORMED("zeros only", QByteArray(4096, '\0'), BadFormat, "zeros");
}

void TestSafetensors::malformedEntries_data()
{
    QTest::addColumn<QByteArray>("bytes");
    QTest::addColumn<int>("code");
    QTest::addColumn<QStringList>("words");
    const auto one = [](const QByteArray& dtype, const QByteArray& shape, const QByteArray& offsets, int data = 8) {
        return container("{" + entry("w", dtype, shape, offsets) + "}", counting(data));
    };
    const auto raw = [](const QByteArray& fields) { return container("{\"w\":" + fields + "}", counting(8)); };
    const auto shape = [&](const QByteArray& text) { return one("\"F16\"", text, "[0,8]"); };
    const auto offsets = [&](const QByteArray& text) { return one("\"F16\"", "[4]", text); };

    MALFORMED("an entry that is null", raw("null"), BadFormat, "w:", "null", "dtype, shape and data_offsets");
    MALFORMED("an entry that is a list", raw(R"(["F16",[4],[0,8]])"), BadFormat, "w:");
    MALFORMED("an entry that is a text", raw(R"("F16")"), BadFormat, "w:");
    MALFORMED("an empty entry", raw("{}"), BadFormat, "w.dtype");
    MALFORMED("dtype missing", raw(R"({"shape":[4],"data_offsets":[0,8]})"), BadFormat, "w.dtype", "lacks");
    MALFORMED("shape missing", raw(R"({"dtype":"F16","data_offsets":[0,8]})"), BadFormat, "w.shape", "lacks");
    MALFORMED("data_offsets missing", raw(R"({"dtype":"F16","shape":[4]})"), BadFormat, "w.data_offsets", "lacks");
    MALFORMED("dtype null", one("null", "[4]", "[0,8]"), BadFormat, "w.dtype", "null");
    MALFORMED("dtype a list", one("[\"F16\"]", "[4]", "[0,8]"), BadFormat, "w.dtype");
    MALFORMED("dtype a number", one("16", "[4]", "[0,8]"), BadFormat, "w.dtype");
    MALFORMED("dtype unknown", one("\"F17\"", "[4]", "[0,8]"), BadFormat, "w.dtype", "F17");
    MALFORMED("dtype in lower case", one("\"f16\"", "[4]", "[0,8]"), BadFormat, "w.dtype", "f16");
    MALFORMED("dtype with a space", one("\"F16 \"", "[4]", "[0,8]"), BadFormat, "w.dtype");
    MALFORMED("dtype empty", one("\"\"", "[4]", "[0,8]"), BadFormat, "w.dtype");
    MALFORMED("dtype smaller than a byte", one("\"F4\"", "[16]", "[0,8]"), Unsupported, "w.dtype", "F4");
    MALFORMED("dtype relabelled to a wider one", one("\"F32\"", "[4]", "[0,8]"), BadFormat, "w.data_offsets",
              "16 bytes", "F32 [4]");
    MALFORMED("dtype relabelled to a narrower one", one("\"I8\"", "[4]", "[0,8]"), BadFormat, "w.data_offsets",
              "4 bytes");

    MALFORMED("shape null", shape("null"), BadFormat, "w.shape", "null");
    MALFORMED("shape an object", shape("{}"), BadFormat, "w.shape");
    MALFORMED("shape a number", shape("4"), BadFormat, "w.shape");
    MALFORMED("shape a text", shape("\"4\""), BadFormat, "w.shape");
    MALFORMED("a negative size", shape("[-4]"), BadFormat, "w.shape", "-4");
    MALFORMED("two negative sizes with the right product", shape("[-2,-2]"), BadFormat, "w.shape", "-2");
    MALFORMED("a fraction", shape("[4.5]"), BadFormat, "w.shape", "4.5");
    MALFORMED("an integer written as a fraction", shape("[4.0]"), BadFormat, "w.shape");
    MALFORMED("an integer written with an exponent", shape("[4e0]"), BadFormat, "w.shape");
    MALFORMED("a size that is a text", shape("[\"4\"]"), BadFormat, "w.shape");
    MALFORMED("a size that is a list", shape("[[4]]"), BadFormat, "w.shape");
    MALFORMED("a size that is null", shape("[null]"), BadFormat, "w.shape");
    MALFORMED("a size that is true", shape("[true]"), BadFormat, "w.shape");
    MALFORMED("2^32 x 2^32", shape("[4294967296,4294967296]"), BadFormat, "w.shape", "64 bits");
    MALFORMED("a product that wraps to the right size", shape("[4611686018427387905,4]"), BadFormat, "w.shape",
              "64 bits");
    MALFORMED("a byte count that wraps to the right size", shape("[9223372036854775812]"), BadFormat, "w.shape");
    MALFORMED("elements that fit into 64 bits, but not their bytes", shape("[9223372036854775807]"), BadFormat,
              "w.shape", "64 bits");
    MALFORMED("a size of 2^64", shape("[18446744073709551616]"), BadFormat, "w.shape");
    MALFORMED("a size of 100 digits", shape("[" + QByteArray(100, '9') + "]"), BadFormat, "w.shape");
    MALFORMED("a number that is beyond double", shape("[1e400]"), BadFormat, "1e400");
    MALFORMED("a huge product before a zero", one("\"F16\"", "[4611686018427387904,4611686018427387904,0]", "[0,0]", 0),
              BadFormat, "w.shape");
    MALFORMED("10,000 dimensions", shape("[" + QByteArray("1,").repeated(9'999) + "4]"), BadFormat, "w.shape", "10000",
              "32");
    MALFORMED("a scalar with the bytes of a vector", shape("[]"), BadFormat, "w.data_offsets", "2 bytes");
    MALFORMED("a zero size with bytes", shape("[4,0]"), BadFormat, "w.data_offsets", "0 bytes");
    MALFORMED("one element too few", shape("[3]"), BadFormat, "w.data_offsets", "6 bytes");
    MALFORMED("one element too many", shape("[5]"), BadFormat, "w.data_offsets", "10 bytes");

    MALFORMED("data_offsets null", offsets("null"), BadFormat, "w.data_offsets");
    MALFORMED("data_offsets an object", offsets("{}"), BadFormat, "w.data_offsets");
    MALFORMED("no offset", offsets("[]"), BadFormat, "w.data_offsets", "[begin, end]");
    MALFORMED("one offset", offsets("[8]"), BadFormat, "w.data_offsets", "[begin, end]");
    MALFORMED("three offsets", offsets("[0,8,8]"), BadFormat, "w.data_offsets", "[begin, end]");
    MALFORMED("a negative begin", offsets("[-8,0]"), BadFormat, "w.data_offsets", "-8");
    MALFORMED("a fraction as offset", offsets("[0.0,8]"), BadFormat, "w.data_offsets");
    MALFORMED("a text as offset", offsets("[\"0\",\"8\"]"), BadFormat, "w.data_offsets");
    MALFORMED("offsets reversed", offsets("[8,0]"), BadFormat, "w.data_offsets", "ends before it begins");
    MALFORMED("an end of 2^63", offsets("[9223372036854775800,9223372036854775808]"), BadFormat, "w.data_offsets");
    MALFORMED("offsets just below 2^63", offsets("[9223372036854775799,9223372036854775807]"), BadFormat,
              "w.data_offsets", "shorter");
    MALFORMED("offsets around 2^64", offsets("[18446744073709551608,18446744073709551616]"), BadFormat,
              "w.data_offsets");
    MALFORMED("an offset of 100 digits", offsets("[0," + QByteArray(100, '8') + "]"), BadFormat, "w.data_offsets");
    MALFORMED("a place past the end", offsets("[8,16]"), BadFormat, "w.data_offsets", "shorter");
    MALFORMED("data begin at byte 8, with a hole before", one("\"F16\"", "[4]", "[8,16]", 16), BadFormat,
              "w.data_offsets", "hole");
    MALFORMED("an odd begin", one("\"F16\"", "[4]", "[1,9]", 9), BadFormat, "w.data_offsets", "hole");

    const auto two = [](const QByteArray& second, int data) {
        return container("{" + entry("v", "\"F16\"", "[4]", "[0,8]") + "," + entry("w", "\"F16\"", "[4]", second) + "}",
                         counting(data));
    };
    MALFORMED("two tensors over the same bytes", two("[0,8]", 8), BadFormat, "w.data_offsets", "share", "end of v");
    MALFORMED("an overlap of two bytes", two("[6,14]", 14), BadFormat, "w.data_offsets", "share", "begin 6", "begin 8");
    MALFORMED("a hole of two bytes", two("[10,18]", 18), BadFormat, "w.data_offsets", "hole", "begin 10", "begin 8");
    MALFORMED("an empty tensor inside another",
              container("{" + entry("v", "\"F16\"", "[4]", "[0,8]") + "," + entry("w", "\"F16\"", "[0]", "[4,4]") + "}",
                        counting(8)),
              BadFormat, "share");
    MALFORMED("an empty tensor behind the end",
              container("{" + entry("v", "\"F16\"", "[4]", "[0,8]") + "," + entry("w", "\"F16\"", "[0]", "[9,9]") + "}",
                        counting(8)),
              BadFormat, "w.data_offsets", "shorter");
    MALFORMED("a wrong entry whose name has control characters",
              container("{" + entry("\\u001b[2J\\u0000", "\"F17\"", "[4]", "[0,8]") + "}", counting(8)), BadFormat,
              "\\x1b", "dtype");
    MALFORMED("a wrong entry whose name has a megabyte",
              container("{" + entry(QByteArray(1 << 20, 'n'), "\"F17\"", "[4]", "[0,8]") + "}", counting(8)), BadFormat,
              "nnn...", "dtype");
}

void TestSafetensors::checkMalformed()
{
    QFETCH(QByteArray, bytes);
    QFETCH(int, code);
    QFETCH(QStringList, words);
    const auto file = open(bytes);
    QVERIFY2(!file, "a malformed file was accepted");
    const QString text = describe(file.error());
    QVERIFY2(int(file.error().code) == code, qPrintable(text));
    checkReadable(file.error(), m_path);
    for (const QString& word : words)
        QVERIFY2(text.contains(word), qPrintable("\"" + word + "\" is not in: " + text));
}

void TestSafetensors::malformedContainers()
{
    checkMalformed();
}

void TestSafetensors::malformedEntries()
{
    checkMalformed();
}

void TestSafetensors::thingsThatAreNoFiles()
{
    const auto refused = [&](const QString& path, sa::Errc code) {
        const auto file = sa::SafetensorsFile::open(path.toStdString());
        QVERIFY(!file);
        QVERIFY2(file.error().code == code, qPrintable(describe(file.error())));
        checkReadable(file.error(), path);
    };
    refused(m_folder.filePath("absent.safetensors"), sa::Errc::NotFound);
    refused(m_folder.path(), sa::Errc::BadFormat);
    refused("/dev/zero", sa::Errc::BadFormat);
    const QString fifo = m_folder.filePath("fifo.safetensors");
    QCOMPARE(::mkfifo(fifo.toUtf8().constData(), 0600), 0);
    refused(fifo, sa::Errc::BadFormat);
    const QString loop = m_folder.filePath("loop.safetensors");
    QVERIFY(QFile::link("loop.safetensors", loop));
    refused(loop, sa::Errc::BadInput);
}

void TestSafetensors::truncatedAnywhere()
{
    const QByteArray header = "{" + entry("first", "\"F16\"", "[8,16]", "[0,256]") + "," +
                              entry("second", "\"F32\"", "[16]", "[256,320]") + "}";
    const QByteArray whole = container(header, counting(320));
    QVERIFY(open(whole));
    QList<qsizetype> cuts;
    for (qsizetype i = 0; i < 8 + header.size(); ++i)
        cuts << i;
    for (qsizetype i = 0; i < 64; ++i)
        cuts << 8 + header.size() + i * 5; // 64 places in the 320 bytes of data, the first byte and the last included
    cuts << whole.size() - 1;
    for (const qsizetype cut : cuts) {
        const auto file = open(whole.left(cut));
        QVERIFY2(!file, qPrintable(QString::number(cut)));
        QVERIFY2(file.error().code == sa::Errc::BadFormat, qPrintable(describe(file.error())));
        checkReadable(file.error(), m_path);
        if (cut < 16)
            continue;
        // Both sizes: what is there, and what should be there (of the header alone where more is not known).
        const qsizetype wanted = cut < 8 + header.size() ? 8 + header.size() : whole.size();
        QVERIFY2(file.error().found == std::to_string(cut) + " bytes", qPrintable(describe(file.error())));
        QVERIFY2(QString::fromStdString(file.error().expected).contains(QString::number(wanted) + " bytes"),
                 qPrintable(describe(file.error())));
    }
}

void TestSafetensors::oneByteTooMany()
{
    for (const int extra : {1, 8, 4096}) {
        const QByteArray whole = vectors({"a", "b"});
        const auto file = open(whole + QByteArray(extra, '\0'));
        QVERIFY(!file);
        QCOMPARE(file.error().found, std::to_string(whole.size() + extra) + " bytes");
        QCOMPARE(file.error().expected, std::to_string(whole.size()) + " bytes");
    }
}

void TestSafetensors::flippedBitsInTheHeader()
{
    const QByteArray whole = vectors({"a", "bc"});
    const qsizetype headerEnd = whole.size() - 16;
    int accepted = 0;
    for (qsizetype bit = 0; bit < 8 * headerEnd; ++bit) {
        QByteArray changed = whole;
        changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
        const auto file = open(changed);
        if (!file) {
            checkReadable(file.error(), m_path);
            continue;
        }
        // Accepted: another name or another type of the same width. Everything that it says must fit the file.
        ++accepted;
        QVERIFY(file->tensors().size() <= 2);
        std::uint64_t sum = 0;
        for (const auto& [name, tensor] : file->tensors()) {
            QVERIFY(tensor.offset + tensor.sizeBytes <= static_cast<std::uint64_t>(changed.size()));
            QCOMPARE(tensor.sizeBytes, static_cast<std::uint64_t>(tensor.elements() * sa::sizeBytes(tensor.dtype)));
            sum += tensor.sizeBytes;
        }
        QCOMPARE(sum, std::uint64_t(16));
    }
    QVERIFY(accepted > 0); // a flipped bit in a name is a valid file
    QVERIFY(accepted < 100);
}

void TestSafetensors::manyTensors()
{
    constexpr int count = 100'000;
    QByteArray header = "{";
    for (int i = 0; i < count; ++i)
        header += (i == 0 ? "" : ",") + entry("layers." + QByteArray::number(i) + ".weight", "\"U8\"", "[1]",
                                              "[" + QByteArray::number(i) + "," + QByteArray::number(i + 1) + "]");
    const auto file = open(container(header + "}", counting(count)));
    QVERIFY2(file, qPrintable(file ? QString() : describe(file.error())));
    QCOMPARE(static_cast<int>(file->tensors().size()), count);
    QCOMPARE(file->tensors().at("layers.99999.weight").offset, file->fileBytes() - 1);
}

void TestSafetensors::manyOverlappingTensors()
{
    QByteArray header = "{";
    for (int i = 0; i < 100'000; ++i)
        header += (i == 0 ? "" : ",") + entry("t" + QByteArray::number(i), "\"U8\"", "[8]", "[0,8]");
    const auto file = open(container(header + "}", counting(8)));
    QVERIFY(!file);
    QCOMPARE(file.error().code, sa::Errc::BadFormat);
    QVERIFY(file.error().message.find("share") != std::string::npos);
}

void TestSafetensors::writerAndReaderAgree()
{
    const QString path = m_folder.filePath("written.safetensors");
    const std::string odd = "name with \"quotes\", \\ and \u00e9";
    auto writer = sa::SafetensorsWriter::create(path.toStdString(),
                                                {{"planes", sa::Dtype::I32, {2, 3}},
                                                 {odd, sa::Dtype::F16, {}},
                                                 {"empty", sa::Dtype::F32, {0, 7}},
                                                 {"last", sa::Dtype::U8, {5}}},
                                                {{"format", "pt"}, {"k", "\n"}});
    QVERIFY2(writer, qPrintable(writer ? QString() : describe(writer.error())));
    const QByteArray data = counting(24 + 2 + 5);
    for (const auto& [begin, count] :
         {std::pair{0, 10}, std::pair{10, 0}, std::pair{10, 16}, std::pair{26, 5}}) // parts need not be tensors
        QVERIFY(writer->write(std::as_bytes(std::span(data.constData() + begin, static_cast<std::size_t>(count)))));
    QVERIFY(!QFile::exists(path));
    QVERIFY(writer->commit());

    const auto file = sa::SafetensorsFile::open(path.toStdString());
    QVERIFY2(file, qPrintable(file ? QString() : describe(file.error())));
    QCOMPARE(file->fileBytes(), writer->fileBytes());
    QCOMPARE(writer->sha256(), sa::sha256Of(readFile(path).toStdString()));
    QCOMPARE(file->metadata(), (std::map<std::string, std::string>{{"format", "pt"}, {"k", "\n"}}));
    QCOMPARE(static_cast<int>(file->tensors().size()), 4);
    QCOMPARE(file->tensors().at("planes").shape, (std::vector<std::int64_t>{2, 3}));
    QCOMPARE(file->tensors().at("empty").shape, (std::vector<std::int64_t>{0, 7}));
    QByteArray back(24, '\0');
    QVERIFY(file->read(file->tensors().at("planes"), std::as_writable_bytes(std::span(back.data(), 24))));
    QCOMPARE(back, data.left(24));
    back.resize(2);
    QVERIFY(file->read(file->tensors().at(odd), std::as_writable_bytes(std::span(back.data(), 2))));
    QCOMPARE(back, data.mid(24, 2));
}

void TestSafetensors::writerIsDeterministicAndAligned()
{
    QByteArray first;
    for (int length = 1; length < 70; ++length) { // every residue of the header's length
        const std::string name(static_cast<std::size_t>(length), 'x');
        for (const char* fileName : {"one.safetensors", "two.safetensors"}) {
            auto writer =
                sa::SafetensorsWriter::create(m_folder.filePath(fileName).toStdString(), {{name, sa::Dtype::U8, {3}}});
            QVERIFY(writer);
            QVERIFY(writer->write(std::as_bytes(std::span("abc", 3))));
            QVERIFY(writer->commit());
        }
        const QByteArray one = readFile(m_folder.filePath("one.safetensors"));
        QCOMPARE(one, readFile(m_folder.filePath("two.safetensors")));
        QCOMPARE((one.size() - 3) % 64, 0);
        if (length == 1)
            QCOMPARE(one.mid(8, 87),
                     QByteArray(
                         R"({"__metadata__":{"format":"pt"},"x":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}   )"));
    }
}

void TestSafetensors::writerRefusesMistakes_data()
{
    QTest::addColumn<int>("kind");
    QTest::addRow("a name twice") << 0;
    QTest::addRow("the name of the metadata") << 1;
    QTest::addRow("a negative size") << 2;
    QTest::addRow("a size beyond 64 bits") << 3;
    QTest::addRow("tensors beyond 64 bits together") << 4;
    QTest::addRow("a name that is not UTF-8") << 5;
    QTest::addRow("more dimensions than can be read back") << 6;
}

void TestSafetensors::writerRefusesMistakes()
{
    QFETCH(int, kind);
    using List = std::vector<sa::SafetensorsWriter::Declaration>;
    const std::int64_t huge = std::int64_t(1) << 62;
    const List lists[] = {{{"a", sa::Dtype::U8, {1}}, {"a", sa::Dtype::U8, {1}}},
                          {{"__metadata__", sa::Dtype::U8, {1}}},
                          {{"a", sa::Dtype::U8, {-1}}},
                          {{"a", sa::Dtype::F32, {huge}}},
                          {{"a", sa::Dtype::U8, {huge}}, {"b", sa::Dtype::U8, {huge}}},
                          {{"a\xFF", sa::Dtype::U8, {1}}},
                          {{"a", sa::Dtype::U8, std::vector<std::int64_t>(33, 1)}}};
    const QString path = m_folder.filePath("mistake.safetensors");
    const auto writer = sa::SafetensorsWriter::create(path.toStdString(), lists[kind]);
    QVERIFY(!writer);
    QVERIFY2(writer.error().code == sa::Errc::Internal, qPrintable(describe(writer.error())));
    QVERIFY(!QFile::exists(path));
}

void TestSafetensors::writerLeavesNothingWithoutCommit()
{
    QTemporaryDir folder;
    const std::string path = folder.filePath("w.safetensors").toStdString();
    const auto bytes = std::as_bytes(std::span("abcdefgh", 8));
    {
        auto writer = sa::SafetensorsWriter::create(path, {{"a", sa::Dtype::U8, {4}}});
        QVERIFY(writer);
        QVERIFY(writer->write(bytes.first(3)));
        QCOMPARE(writer->write(bytes).error().code, sa::Errc::Internal); // more than declared
        QCOMPARE(writer->commit().error().code, sa::Errc::Internal);     // fewer than declared
    }
    QVERIFY(QDir(folder.path()).entryList(QDir::AllEntries | QDir::Hidden | QDir::NoDotAndDotDot).isEmpty());
}

QTEST_APPLESS_MAIN(TestSafetensors)
#include "tst_safetensors.moc"
