// SPDX-License-Identifier: GPL-3.0-or-later
// The bit budget's document, models and units, without a window.
#include "tests/support/synthetic_sensitivity.h"
#include "tests/ui/ui_fixture.h"
#include "ui/cockpit/allocation_document.h"
#include "ui/cockpit/budget_scale.h"
#include "ui/cockpit/budget_units.h"
#include "ui/cockpit/cell_figures.h"
#include "ui/cockpit/cell_grid.h"
#include "ui/cockpit/color_map.h"
#include "ui/cockpit/linear_table_model.h"
#include "ui/models/layer_filter.h"

#include <QAbstractItemModelTester>
#include <QUndoStack>

#include <array>
#include <cmath>

using namespace sa;
using namespace sa::ui;

namespace
{

using Tester = QAbstractItemModelTester;

std::uint64_t uniformBytes(const AllocationDocument& document, int bits)
{
    return document.plans()->allocator->uniform(bits)->bytes;
}

/// In OKLab, from its definition.
double perceivedDistance(const QColor& a, const QColor& b)
{
    const auto lab = [](const QColor& color) {
        const auto linear = [](double x) { return x <= 0.04045 ? x / 12.92 : std::pow((x + 0.055) / 1.055, 2.4); };
        const double r = linear(color.redF()), g = linear(color.greenF()), blue = linear(color.blueF());
        const double l = std::cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * blue);
        const double m = std::cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * blue);
        const double s = std::cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * blue);
        return std::array{0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s,
                          1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s,
                          0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s};
    };
    const auto x = lab(a), y = lab(b);
    return std::hypot(x[0] - y[0], x[1] - y[1], x[2] - y[2]);
}

bool settle(const AllocationDocument& document)
{
    return QTest::qWaitFor([&document] { return document.isCurrent(); }, kPatienceMs);
}

} // namespace

class TestCockpitDocument : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { QLocale::setDefault(QLocale(QLocale::English, QLocale::UnitedStates)); }
    void init() { failOnWarnings(); }
    void aNewModelStartsAtTheUsualUniformPlan();
    void aDragIsOneStepOfUndo();
    void aDragThatComesBackIsNoStep();
    void keyPressesInARowAreOneStep();
    void aPinChangesThePlanAndUndoRestoresIt();
    void demandsThatContradictKeepTheLastPlan();
    void pinsThatNeedMoreThanTheBudgetRaiseIt();
    void linkedLinearsGetTheSameBits();
    void unlinkingOneKeepsTheOthersTogether();
    void figuresThatArriveReplaceEstimates();
    void figuresOfTheSameModelKeepTheDemands();
    void anotherModelForgetsTheDemands();
    void otherSettingsMakeFiguresStale();
    void aPlanOfAnotherModelIsRefused();
    void aPlanIsTakenOverWhole();
    void demandsOnUnknownLayersAreRefused();
    void theUsualBudgetIsNoStep();
    void the70BLayerListLoads();
    void theTableObeysTheRulesOfItemModels();
    void theGridKnowsEveryPlace();
    void projectionsOfTheSameNameStayApart();
    void theColourMapRisesEvenly();
    void inkIsLegibleOnEveryColour();
    void theScaleIsItsOwnInverse();
    void theUnitsAgree();
};

void TestCockpitDocument::aNewModelStartsAtTheUsualUniformPlan()
{
    AllocationDocument document;
    document.setSensitivity(syntheticSensitivity(kSmall));
    QVERIFY(settle(document));
    QCOMPARE(document.inputs().budget, uniformBytes(document, 3));
    QVERIFY(document.allocation()->bytes <= document.inputs().budget);
    QVERIFY(document.allocation()->cost <= document.plans()->allocator->uniform(3)->cost);
    QVERIFY(!document.undoStack()->canUndo());
}

void TestCockpitDocument::aDragIsOneStepOfUndo()
{
    AllocationDocument document;
    document.setSensitivity(syntheticSensitivity(kSmall));
    QVERIFY(settle(document));
    const std::uint64_t before = document.inputs().budget;
    const std::uint64_t two = uniformBytes(document, 2);
    QSignalSpy solved(&document, &AllocationDocument::allocationChanged);
    document.beginDrag();
    for (std::uint64_t bytes = before; bytes > two; bytes -= (before - two) / 20) {
        document.setBudget(bytes);
        QCOMPARE(document.undoStack()->count(), 0); // only the end of a drag is a step
    }
    document.setBudget(two);
    document.endDrag();
    QCOMPARE(document.undoStack()->count(), 1);
    QVERIFY(settle(document));
    QVERIFY(solved.count() > 1);
    QVERIFY(document.allocation()->bytes <= two);
    document.undoStack()->undo();
    QCOMPARE(document.inputs().budget, before);
    QVERIFY(settle(document));
    QVERIFY(document.allocation()->bytes > two);
    document.undoStack()->redo();
    QCOMPARE(document.inputs().budget, two);
}

void TestCockpitDocument::aDragThatComesBackIsNoStep()
{
    AllocationDocument document;
    document.setSensitivity(syntheticSensitivity(kSmall));
    QVERIFY(settle(document));
    const std::uint64_t before = document.inputs().budget;
    document.beginDrag();
    document.dragTo(before - 5000);
    document.dragTo(before);
    document.endDrag();
    QVERIFY(!document.undoStack()->canUndo());
}

void TestCockpitDocument::keyPressesInARowAreOneStep()
{
    AllocationDocument document;
    document.setSensitivity(syntheticSensitivity(kSmall));
    QVERIFY(settle(document));
    const std::uint64_t before = document.inputs().budget;
    for (std::uint64_t i = 1; i <= 5; ++i)
        document.setBudget(before - 1000 * i);
    QCOMPARE(document.undoStack()->count(), 1);
    document.pin({0}, 4); // something else in between
    document.setBudget(before);
    QCOMPARE(document.undoStack()->count(), 3);
    document.undoStack()->setIndex(0);
    QCOMPARE(document.inputs().budget, before);
}

void TestCockpitDocument::aPinChangesThePlanAndUndoRestoresIt()
{
    AllocationDocument document;
    document.setSensitivity(syntheticSensitivity(kSmall));
    QVERIFY(settle(document));
    const std::vector<int> before = document.allocation()->bits;
    const int pinned = before[5] == 1 ? 4 : 1;
    document.pin({5}, pinned);
    QVERIFY(settle(document));
    QCOMPARE(document.allocation()->bits[5], pinned);
    QVERIFY(document.allocation()->bytes <= document.inputs().budget);
    document.exclude({6});
    QVERIFY(settle(document));
    QCOMPARE(document.allocation()->bits[6], kKeptBits);
    QCOMPARE(document.undoStack()->count(), 2);
    document.undoStack()->setIndex(0);
    QVERIFY(settle(document));
    QCOMPARE(document.allocation()->bits, before);
}

void TestCockpitDocument::demandsThatContradictKeepTheLastPlan()
{
    AllocationDocument document;
    Sensitivity sensitivity = syntheticSensitivity(kSmall);
    for (Choice& choice : sensitivity.linears[3].choices)
        if (choice.bits == 2)
            choice.error.provenance = choice.damage.provenance = Provenance::Failed;
    document.setSensitivity(std::move(sensitivity));
    QVERIFY(settle(document));
    const std::vector<int> before = document.allocation()->bits;
    document.pin({3}, 2);
    QTRY_VERIFY_WITH_TIMEOUT(document.problem().has_value(), kPatienceMs);
    QVERIFY(document.problem()->sentence().find("model.layers.0.self_attn.o_proj") != std::string::npos);
    QCOMPARE(document.allocation()->bits, before);
    QVERIFY(!document.isCurrent());
    QVERIFY(!document.plan());
    document.undoStack()->undo();
    QVERIFY(settle(document));
    QVERIFY(!document.problem());
    QCOMPARE(document.allocation()->bits, before);
}

void TestCockpitDocument::pinsThatNeedMoreThanTheBudgetRaiseIt()
{
    AllocationDocument document;
    document.setSensitivity(syntheticSensitivity(kSmall));
    QVERIFY(settle(document));
    const std::uint64_t two = uniformBytes(document, 2);
    document.setBudget(two);
    std::vector<int> all;
    for (int i = 0; i < 42; ++i)
        all.push_back(i);
    document.pin(all, 4);
    QVERIFY(settle(document));
    QVERIFY(document.effectiveBudget() > two);
    QCOMPARE(document.allocation()->bytes, document.effectiveBudget());
    document.undoStack()->undo();
    QVERIFY(settle(document));
    QCOMPARE(document.effectiveBudget(), two); // what was asked for was not forgotten
}

void TestCockpitDocument::linkedLinearsGetTheSameBits()
{
    AllocationDocument document;
    document.setSensitivity(syntheticSensitivity(kSmall));
    QVERIFY(settle(document));
    document.linkSharedInputs();
    for (const int bits : {1, 2, 3}) {
        document.setBudget(uniformBytes(document, bits) + 20000);
        QVERIFY(settle(document));
        for (int block = 0; block < 6; ++block) {
            const auto at = [&](int i) { return document.allocation()->bits[static_cast<std::size_t>(7 * block + i)]; };
            QCOMPARE(at(1), at(0));
            QCOMPARE(at(2), at(0));
            QCOMPARE(at(5), at(4));
        }
    }
    QVERIFY(document.isLinked(0) && document.isLinked(4) && !document.isLinked(3));
}

void TestCockpitDocument::unlinkingOneKeepsTheOthersTogether()
{
    AllocationDocument document;
    document.setSensitivity(syntheticSensitivity(kSmall));
    document.link({0, 1, 2});
    document.unlink({1});
    QVERIFY(document.isLinked(0) && !document.isLinked(1) && document.isLinked(2));
    document.unlink({0});
    QVERIFY(document.inputs().constraints.links.empty()); // one alone is no group
}

void TestCockpitDocument::figuresThatArriveReplaceEstimates()
{
    AllocationDocument document;
    const Sensitivity measured = syntheticSensitivity(kSmall);
    document.setSensitivity(syntheticSensitivity(kSmall, Provenance::Estimated));
    QVERIFY(settle(document));
    const View view{Quantity::Damage, 2};
    QCOMPARE(cellFigure(document, 4, view).provenance, Provenance::Estimated);
    QVERIFY(std::isfinite(cellFigure(document, 4, view).value));
    QSignalSpy changed(&document, &AllocationDocument::figuresChanged);
    document.updateLinears({measured.linears[4], measured.linears[9]});
    QCOMPARE(changed.count(), 1);
    QCOMPARE(changed.first().first().value<std::vector<int>>(), (std::vector<int>{4, 9}));
    QCOMPARE(cellFigure(document, 4, view).provenance, Provenance::Measured);
    QCOMPARE(cellFigure(document, 4, view).value, measured.linears[4].choice(2)->damage.value);
    QCOMPARE(cellFigure(document, 5, view).provenance, Provenance::Estimated);
    QVERIFY(settle(document));
}

void TestCockpitDocument::figuresOfTheSameModelKeepTheDemands()
{
    AllocationDocument document;
    document.setSensitivity(syntheticSensitivity(kSmall, Provenance::Estimated));
    QVERIFY(settle(document));
    document.pin({2}, 4);
    Sensitivity reordered = syntheticSensitivity(kSmall);
    std::swap(reordered.linears[0], reordered.linears[1]);
    for (const Sensitivity& next : {syntheticSensitivity(kSmall), reordered}) {
        document.setSensitivity(next);
        QVERIFY(settle(document));
        QCOMPARE(document.ruleOf(2).pin, std::optional<int>(4));
        QCOMPARE(document.allocation()->bits[2], 4);
        QVERIFY(document.undoStack()->canUndo());
    }
    QCOMPARE(document.indexOf("model.layers.0.self_attn.k_proj"), 0);
}

void TestCockpitDocument::anotherModelForgetsTheDemands()
{
    AllocationDocument document;
    document.setSensitivity(syntheticSensitivity(kSmall));
    QVERIFY(settle(document));
    document.pin({2}, 4);
    document.setSensitivity(syntheticSensitivity({4, 128, 352, 128}));
    QVERIFY(document.inputs().constraints.empty());
    QVERIFY(!document.undoStack()->canUndo());
    QVERIFY(settle(document));
    QCOMPARE(document.allocation()->bits.size(), std::size_t{28});
}

void TestCockpitDocument::otherSettingsMakeFiguresStale()
{
    AllocationDocument document;
    document.setSensitivity(syntheticSensitivity(kSmall));
    const View view{Quantity::Error, 2};
    QCOMPARE(cellFigure(document, 0, view).provenance, Provenance::Measured);
    document.setStale(true);
    QCOMPARE(cellFigure(document, 0, view).provenance, Provenance::Stale);
    QVERIFY(describeCell(document, 0, view).contains("other settings"));
    document.setStale(false);
    QCOMPARE(cellFigure(document, 0, view).provenance, Provenance::Measured);
}

void TestCockpitDocument::aPlanOfAnotherModelIsRefused()
{
    AllocationDocument small, other;
    small.setSensitivity(syntheticSensitivity(kSmall));
    other.setSensitivity(syntheticSensitivity({4, 128, 352, 128}));
    QVERIFY(settle(small) && settle(other));
    const PlanInputs before = small.inputs();
    QVERIFY(!small.adopt(*other.plan()));
    QVERIFY(small.inputs() == before);
}

void TestCockpitDocument::aPlanIsTakenOverWhole()
{
    AllocationDocument first, second;
    first.setSensitivity(syntheticSensitivity(kSmall));
    second.setSensitivity(syntheticSensitivity(kSmall));
    QVERIFY(settle(first) && settle(second));
    first.pin({0, 1}, 4);
    first.setRange({8}, 2, 3);
    first.linkSharedInputs();
    first.setBudget(uniformBytes(first, 2) + 30000);
    QVERIFY(settle(first));
    QVERIFY(second.adopt(*first.plan()));
    QVERIFY(settle(second));
    QCOMPARE(second.allocation()->bits, first.allocation()->bits);
    QVERIFY(second.inputs() == first.inputs());
    second.undoStack()->undo();
    QVERIFY(second.inputs().constraints.empty());
}

void TestCockpitDocument::demandsOnUnknownLayersAreRefused()
{
    AllocationDocument document;
    document.setSensitivity(syntheticSensitivity(kSmall));
    QVERIFY(settle(document));
    const PlanInputs before = document.inputs();
    Plan plan = *document.plan();
    plan.constraints.links = {{"model.layers.0.self_attn.q_proj", "elsewhere"}};
    QVERIFY(!document.adopt(plan));
    PlanInputs demands = before;
    demands.constraints.rules["elsewhere"].pin = 3;
    QVERIFY(!document.restore(demands));
    QVERIFY(document.inputs() == before);
}

void TestCockpitDocument::theUsualBudgetIsNoStep()
{
    AllocationDocument document;
    document.setSensitivity(syntheticSensitivity(kSmall));
    QVERIFY(settle(document));
    QVERIFY(document.restore(PlanInputs{}));
    QVERIFY(!document.undoStack()->canUndo());
    document.setBudget(uniformBytes(document, 2));
    QVERIFY(document.restore(PlanInputs{}));
    QCOMPARE(document.inputs().budget, uniformBytes(document, 3));
}

void TestCockpitDocument::the70BLayerListLoads()
{
    AllocationDocument document;
    document.setSensitivity(syntheticSensitivity(kLlama70B));
    QVERIFY(settle(document));
    QCOMPARE(document.allocation()->bits.size(), std::size_t{560});
    QVERIFY(document.allocation()->bytes > std::uint64_t{1} << 34); // beyond 32 bits
    const CellGrid grid(document.sensitivity());
    QCOMPARE(grid.columns(), 80);
    QCOMPARE(grid.rows(), 7);
}

void TestCockpitDocument::theTableObeysTheRulesOfItemModels()
{
    AllocationDocument document;
    LinearTableModel model(document);
    Tester tester(&model, Tester::FailureReportingMode::QtTest);
    LayerFilter sorter(LinearTableModel::SortRole, LinearTableModel::NameRole);
    sorter.setSourceModel(&model);
    Tester sorterTester(&sorter, Tester::FailureReportingMode::QtTest);
    document.setSensitivity(syntheticSensitivity(kSmall, Provenance::Estimated));
    QCOMPARE(model.rowCount(), 42);
    QVERIFY(settle(document));
    sorter.sort(LinearTableModel::Bits, Qt::DescendingOrder);
    QSignalSpy changed(&model, &QAbstractItemModel::dataChanged);
    document.setBudget(uniformBytes(document, 2));
    QVERIFY(settle(document));
    QVERIFY(changed.count() > 0);
    for (int row = 1; row < sorter.rowCount(); ++row)
        QVERIFY(sorter.index(row - 1, LinearTableModel::Bits).data(LinearTableModel::SortRole).toInt() >=
                sorter.index(row, LinearTableModel::Bits).data(LinearTableModel::SortRole).toInt());
    document.pin({0}, 4);
    QVERIFY(settle(document));
    QCOMPARE(model.index(0, LinearTableModel::Demand).data().toString(), "pinned to 4 bits");
    QCOMPARE(model.index(0, LinearTableModel::Bits).data().toString(), "4");
    document.setSensitivity(syntheticSensitivity(kLlama70B));
    QCOMPARE(model.rowCount(), 560);
    document.clear();
    QCOMPARE(model.rowCount(), 0);
}

void TestCockpitDocument::theGridKnowsEveryPlace()
{
    const Sensitivity sensitivity = syntheticSensitivity(kSmall);
    const CellGrid grid(sensitivity);
    QCOMPARE(grid.rowName(0), "q_proj");
    for (int linear = 0; linear < 42; ++linear)
        QCOMPARE(grid.linearAt(grid.placeOf(linear)), linear);
    QCOMPARE(grid.linearsOfRow(1).size(), std::size_t{6});
    QCOMPARE(grid.linearsOfColumn(2).size(), std::size_t{7});
    QCOMPARE(grid.linearsBetween({3, 4}, {1, 2}).size(), std::size_t{9});
    QCOMPARE(grid.linearAt({7, 0}), -1);
    QCOMPARE(grid.linearAt({0, -1}), -1);
    QCOMPARE(CellGrid(Sensitivity{}).linearAt({0, 0}), -1);
}

void TestCockpitDocument::projectionsOfTheSameNameStayApart()
{
    Sensitivity sensitivity;
    for (const char* name : {"h.0.attn.dense", "h.0.mlp.dense", "h.2.mlp.dense"}) {
        LinearSensitivity linear;
        linear.name = name;
        linear.projection = "dense";
        linear.block = name[2] - '0';
        linear.N = linear.K = 8;
        linear.choices = {{2, 16, {}, {}}, {kKeptBits, 128, {}, {}}};
        sensitivity.linears.push_back(linear);
    }
    const CellGrid grid(sensitivity);
    QCOMPARE(grid.rows(), 2);
    QCOMPARE(grid.columns(), 2); // blocks 0 and 2
    QCOMPARE(grid.rowName(0), "attn.dense");
    QCOMPARE(grid.rowName(1), "mlp.dense");
    QCOMPARE(grid.linearAt({0, 1}), -1); // block 2 has no attention
    QCOMPARE(grid.block(1), 2);
}

void TestCockpitDocument::theColourMapRisesEvenly()
{
    constexpr int kStride = 15; // wide enough that rounding to 8 bits does not matter
    double smallest = 1e9, largest = 0;
    for (int i = kStride; i < 256; i += kStride) {
        const QColor a = mapColor((i - kStride) / 255.0, true);
        const QColor b = mapColor(i / 255.0, true);
        const double step = perceivedDistance(a, b);
        smallest = std::min(smallest, step);
        largest = std::max(largest, step);
        QVERIFY2(contrast(b, Qt::black) > contrast(a, Qt::black), "lighter with every step");
    }
    QVERIFY2(largest < 1.15 * smallest, "equal steps look equal");
    QCOMPARE(mapColor(0.2, true), mapColor(0.8, false)); // the light theme turns it around
    QCOMPARE(mapColor(-3, true), mapColor(0, true));
    QCOMPARE(mapColor(std::nan(""), true), mapColor(0, true));
}

void TestCockpitDocument::inkIsLegibleOnEveryColour()
{
    for (int i = 0; i < 256; ++i)
        QVERIFY(contrast(mapColor(i / 255.0, true), inkOn(mapColor(i / 255.0, true))) >= 4.5);
}

void TestCockpitDocument::theScaleIsItsOwnInverse()
{
    const BudgetScale scale(1000, 100'000, {{2000, "2"}, {3000, "3"}, {500, "outside"}, {100'000, "all"}}, 8000);
    QCOMPARE(scale.ticks().size(), std::size_t{3});
    QCOMPARE(scale.placeOf(1000), 0.0);
    QCOMPARE(scale.placeOf(100'000), 1.0);
    QCOMPARE(scale.placeOf(1), 0.0);
    QCOMPARE(scale.placeOf(1'000'000), 1.0);
    for (std::uint64_t bytes = 1000; bytes <= 100'000; bytes += 777)
        QVERIFY(std::llabs(static_cast<long long>(scale.bytesAt(scale.placeOf(bytes)) - bytes)) <= 1);
    for (const BudgetTick& tick : scale.ticks()) // exactly
        QCOMPARE(scale.bytesAt(scale.placeOf(tick.bytes)), tick.bytes);
    QVERIFY(BudgetScale(5, 5, {}, 1).isEmpty());
    QCOMPARE(BudgetScale(5, 5, {}, 1).bytesAt(0.7), std::uint64_t{5});
}

void TestCockpitDocument::theUnitsAgree()
{
    BudgetUnits units;
    units.weights = 8'000'000;
    units.otherBytes = 1'000'000;
    QVERIFY(!units.memoryBytes(1));
    QVERIFY(!units.tokensPerSecond(1)); // no basis, no figure
    units.traffic = TokenTraffic{1024, 2'000'000, 3'000'000};
    units.context = 2048;
    QVERIFY(!units.tokensPerSecond(1));
    units.speed = SpeedBasis{5e9, "a test"};
    const std::uint64_t bytes = 3'000'000;
    QCOMPARE(units.bitsPerWeight(bytes), 3.0);
    QCOMPARE(units.fileBytes(bytes), std::uint64_t{4'000'000});
    QCOMPARE(*units.memoryBytes(bytes), 8'000'000.0); // the cache of twice the context
    QCOMPARE(*units.tokensPerSecond(bytes), 5e9 / 6e6);
    QCOMPARE(units.fromBitsPerWeight(3.0), bytes);
    QCOMPARE(units.fromFileBytes(4e6), bytes);
    QCOMPARE(units.fromMemoryBytes(8e6), bytes);
    QVERIFY(std::llabs(static_cast<long long>(units.fromTokensPerSecond(5e9 / 6e6) - bytes)) <= 1);
    QCOMPARE(units.fromFileBytes(10), std::uint64_t{0}); // nothing is that small
    QCOMPARE(units.fromTokensPerSecond(0), std::uint64_t{0});
}

QTEST_GUILESS_MAIN(TestCockpitDocument)
#include "tst_cockpit_document.moc"
