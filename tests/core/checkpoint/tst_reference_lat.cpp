// SPDX-License-Identifier: GPL-3.0-or-later
#include "packed_fixture.h"
#include "torch_fixture.h"

#include "core/checkpoint/reference_lat.h"
#include "core/checkpoint/torch_file.h"
#include "core/checkpoint/torch_writer.h"

#include <QTemporaryDir>
#include <QtTest>

#include <cmath>
#include <memory>

using namespace test;

namespace
{

/// One layer as the reference keeps it.
struct Raw {
    std::int64_t N = 64, K = 40, q = 3, groups = 4;
    std::vector<std::uint32_t> codes; ///< [K][N/32][q]
    std::vector<float> alpha;         ///< [K/8][groups][q]

    explicit Raw(std::int64_t rows = 64, std::int64_t columns = 40, std::int64_t planes = 3, std::int64_t g = 4)
        : N(rows)
        , K(columns)
        , q(planes)
        , groups(g)
    {
        std::uint32_t seed = 5;
        const auto random = [&seed] { return (seed = seed * 1664525u + 1013904223u) >> 8; };
        codes.resize(static_cast<std::size_t>(K * (N / 32) * q));
        for (auto& word : codes)
            word = random() << 16 ^ random();
        constexpr float scales[] = {0.5f, 0.375f, 0.34375f, 1.5f, 0.0f, 0.25f, 0.015625f, 1.75f};
        alpha.resize(static_cast<std::size_t>(K / 8 * groups * q));
        for (auto& scale : alpha)
            scale = scales[random() % std::size(scales)];
    }

    /// The formula of the specification, element by element.
    double at(std::int64_t n, std::int64_t k) const
    {
        double sum = 0;
        for (std::int64_t b = 0; b < q; ++b) {
            const std::uint32_t word = codes[static_cast<std::size_t>((k * (N / 32) + n / 32) * q + b)];
            const double scale = alpha[static_cast<std::size_t>((k / 8 * groups + n / (N / groups)) * q + b)];
            sum += ((word >> (n % 32)) & 1) != 0 ? scale : -scale;
        }
        return sum;
    }

    std::vector<sa::TorchTensor> tensors() const
    {
        return {{"bWeight", sa::Dtype::I32, {K, N / 32, q}, std::as_bytes(std::span(codes))},
                {"alpha", sa::Dtype::F32, {K / 8, groups, q}, std::as_bytes(std::span(alpha))}};
    }
    sa::ReferenceLayer layer() const { return {"model.layers.0.mlp.up_proj", 0, N, K}; }
};

template<class Word> QList<Word> wordsOf(const sa::TorchFile& file, const char* tensor)
{
    const auto& info = file.tensors().at(tensor);
    QList<Word> out(static_cast<qsizetype>(info.elements()));
    if (!file.read(info, std::as_writable_bytes(std::span(out.data(), std::size_t(out.size())))))
        return {};
    return out;
}

} // namespace

class TestReferenceLat : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void init();
    void theFormulaHolds_data();
    void theFormulaHolds();
    void roundTripsAreIdentical();
    void aFileOfRealTorch();
    void scalesThatFloatsDoNotHold();
    void filesThatContradictThemselves_data();
    void filesThatContradictThemselves();
    void whatTheFormCannotHold_data();
    void whatTheFormCannotHold();
    void filesAreFoundByTheirNames_data();
    void filesAreFoundByTheirNames();
    void foldersThatAreRefused_data();
    void foldersThatAreRefused();

private:
    std::string path(const QString& name) const { return m_folder->filePath(name).toStdString(); }
    std::unique_ptr<QTemporaryDir> m_folder;
};

void TestReferenceLat::init()
{
    m_folder = std::make_unique<QTemporaryDir>();
    QVERIFY(m_folder->isValid());
}

void TestReferenceLat::theFormulaHolds_data()
{
    QTest::addColumn<int>("rows");
    QTest::addColumn<int>("columns");
    QTest::addColumn<int>("planes");
    QTest::addColumn<int>("groups");
    QTest::addRow("one word") << 32 << 8 << 1 << 1;
    QTest::addRow("columns that fill no word") << 64 << 40 << 3 << 4;
    QTest::addRow("more rows than columns") << 96 << 32 << 2 << 8;
    QTest::addRow("more columns than rows, a scale for each row") << 32 << 104 << 4 << 32;
}

void TestReferenceLat::theFormulaHolds()
{
    QFETCH(int, rows);
    QFETCH(int, columns);
    QFETCH(int, planes);
    QFETCH(int, groups);
    const Raw raw(rows, columns, planes, groups);
    QVERIFY(sa::writeTorchFile(path("m_0.mlp.up_proj.pt"), "m", raw.tensors()));
    const auto weight = sa::readReferenceFile({path("m_0.mlp.up_proj.pt"), planes}, raw.layer());
    QVERIFY2(weight, qPrintable(weight ? QString() : describe(weight.error())));
    QCOMPARE(weight->R, rows / groups);
    QCOMPARE(weight->C, 8);
    QVERIFY(sa::kernels::planesValid(weight->view()));
    std::vector<float> dense(static_cast<std::size_t>(rows * columns));
    QCOMPARE(sa::kernels::unpackDense(weight->view(), dense.data()), sa::kernels::Status::Ok);
    for (int n = 0; n < rows; ++n)
        for (int k = 0; k < columns; ++k)
            QCOMPARE(static_cast<double>(dense[static_cast<std::size_t>(n * columns + k)]), raw.at(n, k));
}

void TestReferenceLat::roundTripsAreIdentical()
{
    // Theirs -> ours -> theirs
    const Raw raw;
    QVERIFY(sa::writeTorchFile(path("a.pt"), "a", raw.tensors()));
    const auto weight = sa::readReferenceFile({path("a.pt"), 3}, raw.layer());
    QVERIFY2(weight, qPrintable(weight ? QString() : describe(weight.error())));
    const auto rounded = sa::writeReferenceFile(path("b.pt"), *weight);
    QVERIFY2(rounded, qPrintable(rounded ? QString() : describe(rounded.error())));
    QCOMPARE(*rounded, std::uint64_t(0));
    const auto back = sa::TorchFile::open(path("b.pt"));
    QVERIFY2(back, qPrintable(back ? QString() : describe(back.error())));
    QCOMPARE(wordsOf<std::uint32_t>(*back, "bWeight"), QList<std::uint32_t>(raw.codes.begin(), raw.codes.end()));
    QCOMPARE(wordsOf<float>(*back, "alpha"), QList<float>(raw.alpha.begin(), raw.alpha.end()));
    QCOMPARE(back->tensors().at("bWeight").shapeText(), std::string("[40, 2, 3]"));
    QCOMPARE(back->tensors().at("alpha").shapeText(), std::string("[5, 4, 3]"));
    // The same bytes for the same name.
    QVERIFY(QDir(m_folder->path()).mkdir("again"));
    QVERIFY(sa::writeReferenceFile(path("again/b.pt"), *weight));
    QCOMPARE(readFile(m_folder->filePath("again/b.pt")), readFile(m_folder->filePath("b.pt")));

    // Ours -> theirs -> ours, with every scale word of the fixture
    for (const int columns : {8, 64, 72}) {
        const sa::PackedWeight ours = packedWeight(64, columns, 4, 16, 8, 9);
        QVERIFY(sa::writeReferenceFile(path("c.pt"), ours));
        const auto again = sa::readReferenceFile({path("c.pt"), 4}, {"model.layers.0.mlp.up_proj", 0, 64, columns});
        QVERIFY2(again, qPrintable(again ? QString() : describe(again.error())));
        QVERIFY(again->bits == ours.bits);
        QVERIFY(again->scales == ours.scales);
        QCOMPARE(again->R, ours.R);
    }
    // A row-wise scale becomes the same scale for every 8 columns.
    const sa::PackedWeight rowWise = packedWeight(32, 24, 2, 1, 24, 3);
    QVERIFY(sa::writeReferenceFile(path("d.pt"), rowWise));
    const auto spread = sa::readReferenceFile({path("d.pt"), 2}, {"model.layers.0.mlp.up_proj", 0, 32, 24});
    QVERIFY(spread);
    std::vector<float> before(32 * 24), after(32 * 24);
    QCOMPARE(sa::kernels::unpackDense(rowWise.view(), before.data()), sa::kernels::Status::Ok);
    QCOMPARE(sa::kernels::unpackDense(spread->view(), after.data()), sa::kernels::Status::Ok);
    QVERIFY(before == after);
}

void TestReferenceLat::aFileOfRealTorch()
{
    // PyTorch 1.13 wrote it: N = 32, K = 16, q = 2, G = 2; codes i * 2654435761 mod 2^32, scales 2^-(i % 5) or with a
    // second power.
    const std::string file = SA_SOURCE_DIR "/tests/data/checkpoint/tiny_0.self_attn.q_proj_2bit.pt";
    const auto weight = sa::readReferenceFile({file, 2}, {"model.layers.0.self_attn.q_proj", 0, 32, 16});
    QVERIFY2(weight, qPrintable(weight ? QString() : describe(weight.error())));
    std::vector<float> dense(32 * 16);
    QCOMPARE(sa::kernels::unpackDense(weight->view(), dense.data()), sa::kernels::Status::Ok);
    for (std::uint32_t n = 0; n < 32; ++n)
        for (std::uint32_t k = 0; k < 16; ++k) {
            double sum = 0;
            for (std::uint32_t b = 0; b < 2; ++b) {
                const std::uint32_t word = (k * 2 + b) * 2654435761u, place = (k / 8 * 2 + n / 16) * 2 + b;
                const double alpha = std::ldexp(place % 2 == 0 ? 1.0 : 1.25, -static_cast<int>(place % 5));
                sum += ((word >> n) & 1) != 0 ? alpha : -alpha;
            }
            QCOMPARE(static_cast<double>(dense[n * 16 + k]), sum);
        }
}

void TestReferenceLat::scalesThatFloatsDoNotHold()
{
    // 1 + 2^-14 + 2^-29 has 30 binary digits.
    sa::PackedWeight weight = packedWeight(32, 8, 1, 32, 8);
    weight.scales[0] = static_cast<sa::kernels::PackedScale>(40 << 10 | 14 << 5 | 15);
    QCOMPARE(sa::kernels::apotValue(weight.scales[0]), 1 + std::ldexp(1, -14) + std::ldexp(1, -29));
    const auto rounded = sa::writeReferenceFile(path("a.pt"), weight);
    QVERIFY2(rounded, qPrintable(rounded ? QString() : describe(rounded.error())));
    QCOMPARE(*rounded, std::uint64_t(1));
    const auto back = sa::readReferenceFile({path("a.pt"), 1}, {"model.layers.0.mlp.up_proj", 0, 32, 8});
    QVERIFY2(back, qPrintable(back ? QString() : describe(back.error())));
    QCOMPARE(sa::kernels::apotValue(back->scales[0]), 1 + std::ldexp(1, -14));
}

void TestReferenceLat::filesThatContradictThemselves_data()
{
    QTest::addColumn<std::function<void(Raw&, std::vector<sa::TorchTensor>&, sa::ReferenceLayer&)>>("change");
    QTest::addColumn<int>("planes"); // as the file's name says
    QTest::addColumn<int>("code");
    QTest::addColumn<QStringList>("words");
    using Tensors = std::vector<sa::TorchTensor>;
    const auto row = [](const char* title, const std::function<void(Raw&, Tensors&, sa::ReferenceLayer&)>& change,
                        sa::Errc code, const QStringList& words,
                        int planes = 3) { QTest::addRow("%s", title) << change << planes << int(code) << words; };
    const auto kBad = sa::Errc::BadFormat, kOther = sa::Errc::Unsupported;
    row(
        "nothing is wrong but the name", [](Raw&, Tensors&, auto&) {}, kBad, {"planes", "found 3", "expected 2"}, 2);
    row("no codes", [](Raw&, Tensors& t, auto&) { t.erase(t.begin()); }, kBad, {"bWeight", "lacks"});
    row("no scales", [](Raw&, Tensors& t, auto&) { t.pop_back(); }, kBad, {"alpha", "lacks"});
    row("codes that are floats", [](Raw&, Tensors& t, auto&) { t[0].dtype = sa::Dtype::F32; }, kBad,
        {"bWeight", "found F32", "expected I32"});
    row("scales that are integers", [](Raw&, Tensors& t, auto&) { t[1].dtype = sa::Dtype::I32; }, kBad,
        {"alpha", "found I32"});
    row("codes in two dimensions",
        [](Raw&, Tensors& t, auto&) {
            t[0].shape = {40, 6};
        },
        kBad, {"bWeight", "three dimensions"});
    row("another number of columns", [](Raw&, Tensors&, auto& layer) { layer.K = 48; }, kBad,
        {"bWeight", "[40, 2, 3]", "[48, 64/32, 3]", "base"});
    row("another number of rows", [](Raw&, Tensors&, auto& layer) { layer.N = 96; }, kBad, {"bWeight", "base"});
    row("rows that fill no word", [](Raw&, Tensors&, auto& layer) { layer.N = 65; }, kBad, {"bWeight"});
    row("rows and columns exchanged", [](Raw&, Tensors& t, auto&) { t[0].shape = {2, 40, 3}; }, kBad, {"bWeight"});
    row("a scale too few", [](Raw&, Tensors& t, auto&) { t[1].shape = {4, 5, 3}; }, kBad, {"alpha", "[4, 5, 3]"});
    row("groups that do not divide the rows",
        [](Raw&, Tensors& t, auto&) {
            t[1].shape = {5, 3, 3};
            t[1].bytes = t[1].bytes.first(5 * 3 * 3 * 4);
        },
        kBad, {"alpha", "divisor of 64"});
    row("no groups",
        [](Raw&, Tensors& t, auto&) {
            t[1].shape = {5, 0, 3};
            t[1].bytes = {};
        },
        kBad, {"alpha"});
    const auto scale = [&](const char* title, float value, sa::Errc code, const QStringList& words) {
        row(
            title, [value](Raw& raw, Tensors&, auto&) { raw.alpha[17] = value; }, code, QStringList(words) << "alpha");
    };
    scale("a scale of four powers", 1.0f + 0.25f + 0.0625f + 0.015625f, kOther,
          {"1.328125 at [1, 1, 2]", "three powers"});
    scale("a scale of a third", 1.0f / 3.0f, kOther, {"0.333333343", "three powers"});
    scale("a negative scale", -0.5f, kBad, {"negative"});
    scale("no number", NAN, kBad, {"nan"});
    scale("infinity", INFINITY, kBad, {"inf"});
    scale("a tiny scale", 1e-30f, kOther, {"2^-39"});
    scale("a huge scale", 16777216.0f * 4, kOther, {"2^24"});
    scale("a denormal scale", 1e-45f, kOther, {"three powers"});
}

void TestReferenceLat::filesThatContradictThemselves()
{
    using Change = std::function<void(Raw&, std::vector<sa::TorchTensor>&, sa::ReferenceLayer&)>;
    QFETCH(Change, change);
    QFETCH(int, planes);
    QFETCH(int, code);
    QFETCH(QStringList, words);
    Raw raw;
    auto tensors = raw.tensors();
    auto layer = raw.layer();
    change(raw, tensors, layer);
    QVERIFY(sa::writeTorchFile(path("a.pt"), "a", tensors));
    const auto weight = sa::readReferenceFile({path("a.pt"), planes}, layer);
    QVERIFY2(!weight, "the file was accepted");
    const QString text = describe(weight.error());
    QVERIFY2(weight.error().code == sa::Errc(code), qPrintable(text));
    checkReadable(weight.error(), QString::fromStdString(path("a.pt")));
    for (const QString& word : words)
        QVERIFY2(text.contains(word), qPrintable("\"" + word + "\" is not in: " + text));
}

void TestReferenceLat::whatTheFormCannotHold_data()
{
    QTest::addColumn<QList<int>>("shape"); // N, K, R, C
    QTest::addColumn<QString>("word");
    QTest::addRow("rows that fill no word") << QList{40, 16, 8, 8} << "N = 40";
    QTest::addRow("columns that fill no block") << QList{32, 20, 8, 8} << "K = 20";
    QTest::addRow("a scale for each column") << QList{32, 16, 8, 1} << "a scale for 1";
    QTest::addRow("a last group that is smaller") << QList{32, 16, 5, 8} << "groups of 5";
}

void TestReferenceLat::whatTheFormCannotHold()
{
    QFETCH(QList<int>, shape);
    QFETCH(QString, word);
    const auto written = sa::writeReferenceFile(path("a.pt"), packedWeight(shape[0], shape[1], 2, shape[2], shape[3]));
    QVERIFY(!written);
    QCOMPARE(written.error().code, sa::Errc::Unsupported);
    QVERIFY2(describe(written.error()).contains(word), qPrintable(describe(written.error())));
    QVERIFY(!QFile::exists(m_folder->filePath("a.pt")));
}

void TestReferenceLat::filesAreFoundByTheirNames_data()
{
    QTest::addColumn<QString>("stem");
    QTest::addColumn<QString>("ending");
    QTest::addRow("as the reference writes") << "Llama-2-7b-hf"
                                             << "bit.pt";
    QTest::addRow("as the other loader expects") << "Llama-2-7b-hf"
                                                 << "bit_128groupsize_blockwise.pt";
    QTest::addRow("with the default group") << "opt-6.7b"
                                            << "bit_-1groupsize_blockwise.pt";
    QTest::addRow("a name full of bars and dots") << "my_model_0.x_1.y_3bit"
                                                  << "bit.pt";
}

void TestReferenceLat::filesAreFoundByTheirNames()
{
    QFETCH(QString, stem);
    QFETCH(QString, ending);
    const std::vector<sa::ReferenceLayer> layers{{"model.layers.0.self_attn.q_proj", 0, 32, 32},
                                                 {"model.decoder.layers.1.fc1", 1, 32, 32},
                                                 {"transformer.h.11.mlp.dense_h_to_4h", 11, 32, 32}};
    for (const char* other : {"README.md", "config.json", "optimizer.pt", "x_9bit.pt", "_bit.pt"})
        QVERIFY(writeFile(m_folder->filePath(other), "x"));
    const QStringList modules{"_0.self_attn.q_proj_2", "_1.fc1_3", "_11.mlp.dense_h_to_4h_4"};
    for (const QString& module : modules)
        QVERIFY(writeFile(m_folder->filePath(stem + module + ending), "x"));
    const auto found = sa::findReferenceFiles(m_folder->path().toStdString(), layers);
    QVERIFY2(found, qPrintable(found ? QString() : describe(found.error())));
    QCOMPARE(found->size(), std::size_t(3));
    for (std::size_t i = 0; i < 3; ++i) {
        QCOMPARE(found->at(layers[i].name).path, path(stem + modules[static_cast<qsizetype>(i)] + ending));
        QCOMPARE(found->at(layers[i].name).q, static_cast<int>(i) + 2);
    }
    if (ending == "bit.pt")
        QCOMPARE(*sa::referenceFileName(stem.toStdString(), layers[2], 4), (stem + modules[2] + ending).toStdString());
}

void TestReferenceLat::foldersThatAreRefused_data()
{
    QTest::addColumn<QStringList>("files");
    QTest::addColumn<int>("code");
    QTest::addColumn<QStringList>("words");
    QTest::addRow("empty") << QStringList{} << int(sa::Errc::NotFound)
                           << QStringList{"0 of 2 layers", "model.layers.0.fc1", "model.layers.1.fc1"};
    QTest::addRow("one missing") << QStringList{"m_0.fc1_2bit.pt"} << int(sa::Errc::NotFound)
                                 << QStringList{"1 of 2", "model.layers.1.fc1"};
    QTest::addRow("two widths of one layer")
        << QStringList{"m_0.fc1_2bit.pt", "m_0.fc1_3bit.pt", "m_1.fc1_2bit.pt"} << int(sa::Errc::BadInput)
        << QStringList{"two files", "m_0.fc1_2bit.pt", "m_0.fc1_3bit.pt"};
    QTest::addRow("both names of one layer")
        << QStringList{"m_0.fc1_2bit.pt", "m_0.fc1_2bit_128groupsize_blockwise.pt", "m_1.fc1_2bit.pt"}
        << int(sa::Errc::BadInput) << QStringList{"two files"};
    QTest::addRow("two models") << QStringList{"m_0.fc1_2bit.pt", "other_1.fc1_2bit.pt"} << int(sa::Errc::BadInput)
                                << QStringList{"two models", "m and other"};
    QTest::addRow("a block that the base does not have")
        << QStringList{"m_0.fc1_2bit.pt", "m_1.fc1_2bit.pt", "m_2.fc1_2bit.pt"} << int(sa::Errc::BadInput)
        << QStringList{"m_2.fc1_2bit.pt", "no layer"};
    QTest::addRow("a module that the base does not have")
        << QStringList{"m_0.fc1_2bit.pt", "m_0.self_attn.q_proj_2bit.pt"} << int(sa::Errc::BadInput)
        << QStringList{"q_proj", "no layer"};
}

void TestReferenceLat::foldersThatAreRefused()
{
    QFETCH(QStringList, files);
    QFETCH(int, code);
    QFETCH(QStringList, words);
    for (const QString& file : files)
        QVERIFY(writeFile(m_folder->filePath(file), "x"));
    const auto found = sa::findReferenceFiles(m_folder->path().toStdString(),
                                              {{"model.layers.0.fc1", 0, 32, 32}, {"model.layers.1.fc1", 1, 32, 32}});
    QVERIFY(!found);
    const QString text = describe(found.error());
    QVERIFY2(found.error().code == sa::Errc(code), qPrintable(text));
    for (const QString& word : words)
        QVERIFY2(text.contains(word), qPrintable("\"" + word + "\" is not in: " + text));
}

QTEST_APPLESS_MAIN(TestReferenceLat)
#include "tst_reference_lat.moc"
