// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/ui/ui_fixture.h"
#include "ui/jobs/size_forecast.h"
#include "ui/models/layer_filter.h"
#include "ui/models/layer_table_model.h"
#include "ui/models/run_layer_model.h"
#include "ui/text.h"
#include "ui/widgets/command_box.h"

#include <QAbstractItemModelTester>

using namespace sa;
using namespace sa::ui;

namespace
{

using Tester = QAbstractItemModelTester;

LayerRow row(int block, const QString& projection, std::int64_t N, std::int64_t K)
{
    LayerRow layer;
    layer.name = QStringLiteral("model.layers.%1.%2").arg(QString::number(block), projection);
    layer.block = block;
    layer.N = N;
    layer.K = K;
    layer.dtype = "F16";
    layer.bytes = static_cast<std::uint64_t>(N * K * 2);
    return layer;
}

std::vector<LayerRow> rows(int blocks)
{
    std::vector<LayerRow> layers;
    for (int block = 0; block < blocks; ++block) {
        layers.push_back(row(block, "self_attn.q_proj", 256, 256));
        layers.push_back(row(block, "mlp.up_proj", 704, 256));
    }
    return layers;
}

LayerResult result(int block, const char* projection, double relativeError)
{
    LayerResult layer;
    layer.name = "model.layers." + std::to_string(block) + "." + projection;
    layer.block = block;
    layer.bits = 3;
    layer.relativeError = relativeError;
    layer.seconds = 0.5;
    layer.bytes = 2048;
    return layer;
}

} // namespace

class TestLayerModels : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void init() { failOnWarnings(); }
    void theOpenModelObeysTheRulesOfItemModels();
    void aThousandLayersArriveInOneReset();
    void sortingUsesNumbersNotText();
    void theFilterWantsEveryWord();
    void theRunModelInsertsABatchAtOnce();
    void foreignNamesAreShownEscaped();
    void theForecastFollowsTheFormat_data();
    void theForecastFollowsTheFormat();
    void theForecastCountsTheHead();
    void summariesFromAWorkerAreChecked_data();
    void summariesFromAWorkerAreChecked();
    void numbersAreReadable();
    void theCommandLineIsQuotedForAShell();
};

void TestLayerModels::theOpenModelObeysTheRulesOfItemModels()
{
    LayerTableModel model;
    Tester tester(&model, Tester::FailureReportingMode::QtTest);
    LayerFilter filter(LayerTableModel::SortRole, LayerTableModel::NameRole);
    Tester filterTester(&filter, Tester::FailureReportingMode::QtTest);
    filter.setSourceModel(&model);
    model.setLayers(rows(6));
    QCOMPARE(model.rowCount(), 12);
    filter.setWords("up_proj");
    filter.sort(LayerTableModel::Size, Qt::DescendingOrder);
    model.setLayers({});
    QCOMPARE(filter.rowCount(), 0);
    QCOMPARE(model.roleNames().value(LayerTableModel::NameRole), QByteArray("name"));
    QCOMPARE(model.roleNames().value(LayerTableModel::SortRole), QByteArray("sort"));
}

void TestLayerModels::aThousandLayersArriveInOneReset()
{
    LayerTableModel model;
    QSignalSpy resets(&model, &QAbstractItemModel::modelReset);
    QSignalSpy insertions(&model, &QAbstractItemModel::rowsInserted);
    model.setLayers(rows(500));
    QCOMPARE(model.rowCount(), 1000);
    QCOMPARE(resets.count(), 1);
    QCOMPARE(insertions.count(), 0);
    double total = 0;
    for (int i = 0; i < 1000; ++i)
        total += model.index(i, 0).data(LayerTableModel::ShareRole).toDouble();
    QVERIFY(std::abs(total - 1) < 1e-9);
}

void TestLayerModels::sortingUsesNumbersNotText()
{
    LayerTableModel model;
    model.setLayers(rows(12));
    LayerFilter filter(LayerTableModel::SortRole, LayerTableModel::NameRole);
    filter.setSourceModel(&model);
    filter.sort(LayerTableModel::Block, Qt::AscendingOrder);
    QStringList blocks;
    for (int i = 0; i < filter.rowCount(); i += 2)
        blocks += filter.index(i, LayerTableModel::Block).data().toString();
    QCOMPARE(blocks, (QStringList{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"}));
    filter.sort(LayerTableModel::Size, Qt::DescendingOrder);
    QCOMPARE(filter.index(0, LayerTableModel::Projection).data().toString(), QString("mlp.up_proj"));
}

void TestLayerModels::theFilterWantsEveryWord()
{
    LayerTableModel model;
    model.setLayers(rows(12));
    LayerFilter filter(LayerTableModel::SortRole, LayerTableModel::NameRole);
    filter.setSourceModel(&model);
    filter.setWords("layers.3 Q_PROJ");
    QCOMPARE(filter.rowCount(), 1);
    filter.setWords("nothing");
    QCOMPARE(filter.rowCount(), 0);
    filter.setWords("  ");
    QCOMPARE(filter.rowCount(), 24);
}

void TestLayerModels::theRunModelInsertsABatchAtOnce()
{
    RunLayerModel model;
    Tester tester(&model, Tester::FailureReportingMode::QtTest);
    QSignalSpy insertions(&model, &QAbstractItemModel::rowsInserted);
    std::vector<LayerResult> batch;
    for (int i = 0; i < 1000; ++i)
        batch.push_back(result(i, "mlp.up_proj", 0.031));
    model.append(batch);
    model.append({});
    QCOMPARE(insertions.count(), 1);
    QCOMPARE(model.rowCount(), 1000);
    QCOMPARE(model.index(999, RunLayerModel::Block).data(RunLayerModel::SortRole).toInt(), 999);
    QCOMPARE(model.index(0, RunLayerModel::RelativeError).data(RunLayerModel::SortRole).toDouble(), 0.031);
    model.clear();
    QCOMPARE(model.rowCount(), 0);
}

void TestLayerModels::foreignNamesAreShownEscaped()
{
    RunLayerModel model;
    model.append({result(0, "evil\n\x1b[31m<b>%1\xe2\x80\xae", std::nan(""))});
    const QString text = model.index(0, RunLayerModel::Projection).data().toString();
    QVERIFY(!text.contains(u'\n'));
    QVERIFY(!text.contains(QChar(0x1b)));
    QVERIFY(!text.contains(QChar(0x202e)));
    QVERIFY(text.contains("<b>%1"));
    QVERIFY(!model.index(0, 0).data(Qt::ToolTipRole).toString().contains("<b>")); // tool tips guess at rich text
    QCOMPARE(model.index(0, RunLayerModel::RelativeError).data().toString(), QString("–"));
}

void TestLayerModels::theForecastFollowsTheFormat_data()
{
    QTest::addColumn<qint64>("N");
    QTest::addColumn<qint64>("K");
    QTest::addColumn<int>("bits");
    QTest::addColumn<int>("groupRows");
    QTest::addColumn<quint64>("bytes");
    // planes: ceil(K/32) words of 4 bytes for each of bits x N; scales: 2 bytes for each of ceil(K/8) x bits x
    // ceil(N/R); and a byte for each column's exponent
    QTest::addRow("a square layer") << qint64(256) << qint64(256) << 3 << 0
                                    << quint64(8 * 4 * 3 * 256 + 2 * 32 * 3 * 8 + 256);
    QTest::addRow("ragged sides are padded")
        << qint64(13) << qint64(33) << 1 << 0 << quint64(2 * 4 * 13 + 2 * 5 * 7 + 33);
    QTest::addRow("a scale for every row")
        << qint64(8) << qint64(32) << 2 << 1 << quint64(4 * 2 * 8 + 2 * 4 * 2 * 8 + 32);
    QTest::addRow("more rows a scale than rows") << qint64(8) << qint64(32) << 1 << 100 << quint64(4 * 8 + 2 * 4 + 32);
}

void TestLayerModels::theForecastFollowsTheFormat()
{
    QFETCH(qint64, N);
    QFETCH(qint64, K);
    QFETCH(int, bits);
    QFETCH(int, groupRows);
    QFETCH(quint64, bytes);
    const std::optional<int> R = groupRows ? std::optional(groupRows) : std::nullopt;
    QCOMPARE(packedLayerBytes(N, K, bits, R), std::uint64_t(bytes));
    ModelSummary model;
    model.layers = {row(0, "mlp.up_proj", N, K), row(0, "kept", 4, 4)};
    model.layers[1].quantizable = false;
    model.storedBytes = 1000 + model.layers[0].bytes;
    const SizeForecast forecast = forecastSize(model, bits, R);
    QCOMPARE(forecast.packedBytes, std::uint64_t(bytes));
    QCOMPARE(forecast.storedBytes, std::uint64_t(1000 + bytes));
    QCOMPARE(forecast.bitsPerWeight, 8.0 * double(bytes) / double(N * K));
}

void TestLayerModels::theForecastCountsTheHead()
{
    ModelSummary model;
    model.layers = {row(0, "mlp.up_proj", 64, 64)};
    model.storedBytes = 100'000;
    const std::uint64_t kept = forecastSize(model, 3, {}).storedBytes;
    QCOMPARE(forecastSize(model, 3, {}, kByteHeadBits).storedBytes, kept); // the worker said nothing of a head
    model.head = HeadRow{128, 64, 128 * 64 * 2, false, false};
    QCOMPARE(forecastSize(model, 3, {}).storedBytes, kept);
    constexpr std::int64_t kBytes = 128 * (64 + 4), kDense = 128 * 64 * 2;
    QCOMPARE(forecastSize(model, 3, {}, kByteHeadBits).storedBytes, kept + kBytes - kDense);
    QCOMPARE(headChange(model, kByteHeadBits, {}).traffic, kBytes - kDense);
    QCOMPARE(headChange(model, 3, {}).traffic, std::int64_t(packedLayerBytes(128, 64, 3, {})) - kDense);
    model.head->tied = true; // the embeddings stay
    QCOMPARE(forecastSize(model, 3, {}, kByteHeadBits).storedBytes, kept + kBytes);
    QCOMPARE(headChange(model, kByteHeadBits, {}).traffic, kBytes - kDense);
}

void TestLayerModels::summariesFromAWorkerAreChecked_data()
{
    QTest::addColumn<QString>("json");
    QTest::addColumn<bool>("good");
    const QString head = R"({"model":"/m","format":"original","architecture":"LlamaForCausalLM","parameters":10,)";
    QTest::addRow("the smallest one") << head + R"("layers":[]})" << true;
    QTest::addRow("a layer") << head + R"("layers":[{"name":"a","block":0,"N":2,"K":3}]})" << true;
    QTest::addRow("no layers") << head.chopped(1) + "}" << false;
    QTest::addRow("layers of a wrong type") << head + R"("layers":{}})" << false;
    QTest::addRow("a negative size") << head + R"("layers":[{"name":"a","N":-2,"K":3}]})" << false;
    QTest::addRow("a size beyond reason") << head + R"("layers":[{"name":"a","N":9000000000000,"K":3}]})" << false;
    QTest::addRow("a name that is a number") << head + R"("layers":[{"name":1,"N":2,"K":3}]})" << false;
    QTest::addRow("a list in place of an object") << QString("[]") << false;
}

void TestLayerModels::summariesFromAWorkerAreChecked()
{
    QFETCH(QString, json);
    QFETCH(bool, good);
    const auto value = json::parse(json.toStdString(), "");
    QVERIFY(value);
    const auto summary = parseModelSummary(*value);
    QCOMPARE(bool(summary), good);
    if (!good)
        QVERIFY(!summary.error().message.empty());
}

void TestLayerModels::numbersAreReadable()
{
    QLocale::setDefault(QLocale(QLocale::English, QLocale::UnitedStates));
    const auto plain = [](QString text) { return text.replace(QChar(QChar::Nbsp), u' '); };
    QCOMPARE(plain(bytesText(13'840'864)), QString("13.2 MiB"));
    QCOMPARE(plain(bytesText(0)), QString("0 B"));
    QCOMPARE(plain(bytesText(1023)), QString("1,023 B"));
    QCOMPARE(plain(shortCountText(6'917'376)), QString("6.92 M"));
    QCOMPARE(plain(countText(6'917'376)), QString("6,917,376"));
    QCOMPARE(plain(percentText(0.0313, 2)), QString("3.13 %"));
    QCOMPARE(plain(significantText(0.03161, 3)), QString("0.0316"));
    QCOMPARE(durationText(0.42), QString("0.4 s"));
    QCOMPARE(durationText(59.4), QString("59 s"));
    QCOMPARE(durationText(185), QString("3 min 05 s"));
    QCOMPARE(durationText(-5), QString("–"));
    QCOMPARE(durationText(1e300), durationText(3.6e8)); // a hostile number stays printable
}

void TestLayerModels::theCommandLineIsQuotedForAShell()
{
    QCOMPARE(shellCommand({"shiftadd", "quantize", "/a b/it's", "out"}),
             QString("shiftadd quantize '/a b/it'\\''s' out"));
    QCOMPARE(shellCommand({"--bits", "3", ""}), QString("--bits 3 ''"));
}

QTEST_GUILESS_MAIN(TestLayerModels)
#include "tst_layer_models.moc"
