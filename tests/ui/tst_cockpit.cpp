// SPDX-License-Identifier: GPL-3.0-or-later
// The bit budget page in the real window against the scripted worker.
#include "tests/support/synthetic_sensitivity.h"
#include "tests/ui/ui_fixture.h"
#include "ui/cockpit/budget_panel.h"
#include "ui/cockpit/budget_track.h"
#include "ui/cockpit/cockpit_header.h"
#include "ui/cockpit/cockpit_page.h"
#include "ui/cockpit/heatmap_card.h"
#include "ui/cockpit/heatmap_view.h"
#include "ui/cockpit/plan_files.h"
#include "ui/cockpit/side_panel.h"
#include "ui/main_window.h"
#include "ui/pages/run_form.h"
#include "ui/pages/run_page.h"
#include "ui/plots/pareto_plot.h"
#include "ui/style/theme.h"
#include "ui/widgets/banner.h"
#include "ui/widgets/data_table.h"

#include <QAccessible>
#include <QApplication>
#include <QDir>
#include <QDoubleSpinBox>
#include <QItemSelectionModel>
#include <QLabel>
#include <QPushButton>
#include <QTemporaryDir>
#include <QUndoStack>

#include <memory>

using namespace sa;
using namespace sa::ui;

class TestCockpit : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase();
    void init();
    void cleanup();
    void anOpenedModelIsEstimated();
    void whatWasAnalyzedBeforeIsThereOnOpening();
    void whatWasAnalyzedOtherwiseIsStaleOnOpening();
    void anAnalysisReplacesEstimatesCellByCell();
    void aCancelledAnalysisKeepsWhatIsMeasured();
    void aWorkerThatDiesIsToldOf();
    void changedSettingsMarkFiguresStale();
    void aDragOfTheSliderIsOneStep();
    void theFieldsAreLinked();
    void theSliderHoldsToUniformPlans();
    void keysMoveAndPin();
    void selectionFollowsBothWays();
    void aRowAndABlockAreSelectedByTheirNames();
    void demandsThatContradictSaySo();
    void thePlanGoesToTheRunAndItsCheckComesBack();
    void plansSurviveAFile();
    void demandsSurviveTheWindow();
    void demandsSurviveAnotherModel();
    void figuresAreExported_data();
    void figuresAreExported();
    void screenReadersSeeATable();
    void aPackedModelSaysWhyThereIsNothingToDo();
    void everyControlHasAName();
    void hundredsOfLayersFitTheSmallestWindow();

private:
    void open(const QString& mode = "script", int layer = 5);
    void showSynthetic(const LlamaShape& shape);
    CockpitPage* page() const { return m_window->cockpitPage(); }
    AllocationDocument& document() const { return page()->document(); }
    HeatmapView* heatmap() const { return page()->heatmapCard()->heatmap(); }
    BudgetTrack* track() const { return page()->budget()->track(); }
    bool settle() const
    {
        return QTest::qWaitFor([this] { return document().isCurrent(); }, kPatienceMs);
    }
    int count(Provenance provenance) const;

    std::unique_ptr<Theme> m_theme;
    std::unique_ptr<QTemporaryDir> m_folder;
    std::unique_ptr<MainWindow> m_window;
};

void TestCockpit::initTestCase()
{
    QLocale::setDefault(QLocale(QLocale::English, QLocale::UnitedStates));
    m_theme = std::make_unique<Theme>(*qApp);
}

void TestCockpit::init()
{
    failOnWarningsOfWindows();
    m_folder = std::make_unique<QTemporaryDir>();
    QVERIFY(m_folder->isValid());
}

void TestCockpit::cleanup()
{
    m_window.reset();
    m_folder.reset();
}

void TestCockpit::open(const QString& mode, int layer)
{
    MainWindow::Options options;
    options.worker = fakeWorker(mode, layer);
    options.timing = shortLadder();
    options.settingsFile = m_folder->filePath("settings.ini");
    m_window = std::make_unique<MainWindow>(options, *m_theme);
    m_window->show();
    const QString folder = m_folder->filePath("toy");
    QDir().mkpath(folder);
    QSignalSpy opened(m_window.get(), &MainWindow::modelOpened);
    m_window->openModel(folder);
    QTRY_COMPARE_WITH_TIMEOUT(opened.count(), 1, kPatienceMs);
    m_window->showCockpitPage();
    QVERIFY(settle()); // the estimates have come
}

void TestCockpit::showSynthetic(const LlamaShape& shape)
{
    open();
    document().setSensitivity(syntheticSensitivity(shape));
    QVERIFY(settle());
}

int TestCockpit::count(Provenance provenance) const
{
    int cells = 0;
    for (int i = 0; i < static_cast<int>(document().sensitivity().linears.size()); ++i)
        cells += cellFigure(document(), i, {Quantity::Error, 2}).provenance == provenance;
    return cells;
}

void TestCockpit::anOpenedModelIsEstimated()
{
    open();
    QTRY_COMPARE_WITH_TIMEOUT(count(Provenance::Estimated), 42, kPatienceMs);
    QCOMPARE(document().allocation()->bits.size(), std::size_t{42});
    QVERIFY(heatmap()->hasEstimates());
    QTRY_VERIFY(page()->header()->status().startsWith("Estimated from the weights alone"));
    QVERIFY(!page()->isRunning());
}

void TestCockpit::whatWasAnalyzedBeforeIsThereOnOpening()
{
    open("analyzed");
    QTRY_COMPARE_WITH_TIMEOUT(count(Provenance::Measured), 41, kPatienceMs);
    QVERIFY(settle());
    QVERIFY(!page()->isRunning());
    QuantizeSpec settings = m_window->runPage()->form()->settings();
    settings.mode = "acc";
    page()->setSettings(settings);
    QCOMPARE(count(Provenance::Stale), 41);
}

void TestCockpit::whatWasAnalyzedOtherwiseIsStaleOnOpening()
{
    open("stale");
    QTRY_COMPARE_WITH_TIMEOUT(count(Provenance::Stale), 41, kPatienceMs);
    QTRY_VERIFY(page()->header()->status().contains("other settings"));
    QVERIFY(heatmap()->lookOf(0).marks & CellLook::Stale);
    page()->analyze();
    QTRY_VERIFY_WITH_TIMEOUT(!page()->isRunning(), kPatienceMs);
    QCOMPARE(count(Provenance::Stale), 0);
    QCOMPARE(count(Provenance::Measured), 41);
}

void TestCockpit::anAnalysisReplacesEstimatesCellByCell()
{
    open();
    QSignalSpy batches(&document(), &AllocationDocument::figuresChanged);
    page()->analyze();
    QVERIFY(page()->isRunning());
    QTRY_VERIFY_WITH_TIMEOUT(count(Provenance::Measured) > 2, kPatienceMs);
    QVERIFY(count(Provenance::Estimated) > 0); // not all at once
    QTRY_VERIFY_WITH_TIMEOUT(!page()->isRunning(), kPatienceMs);
    QVERIFY(batches.count() > 5);
    QCOMPARE(count(Provenance::Measured), 41);
    QCOMPARE(count(Provenance::Failed), 1);
    QCOMPARE(heatmap()->view().quantity, Quantity::Bits);
    QVERIFY(page()->header()->status().startsWith("1 layer could not be measured"));
    QVERIFY(describeCell(document(), 19, {}).contains("not positive definite"));
    QVERIFY(settle());
}

void TestCockpit::aCancelledAnalysisKeepsWhatIsMeasured()
{
    open();
    page()->analyze();
    QTRY_VERIFY_WITH_TIMEOUT(count(Provenance::Measured) > 3, kPatienceMs);
    page()->cancel();
    QTRY_VERIFY_WITH_TIMEOUT(!page()->isRunning(), kPatienceMs);
    QVERIFY(count(Provenance::Measured) > 3);
    QVERIFY(page()->banner()->isVisible());
    Q_EMIT page()->banner()->acted(); // Go on
    QVERIFY(page()->isRunning());
    QTRY_VERIFY_WITH_TIMEOUT(!page()->isRunning(), kPatienceMs);
    QCOMPARE(count(Provenance::Measured), 41);
}

void TestCockpit::aWorkerThatDiesIsToldOf()
{
    open("crash", 7);
    page()->analyze();
    QTRY_VERIFY_WITH_TIMEOUT(!page()->isRunning(), kPatienceMs);
    QVERIFY(page()->banner()->isVisible());
    QCOMPARE(count(Provenance::Measured), 7);
    QVERIFY(settle()); // plans go on without the rest
}

void TestCockpit::changedSettingsMarkFiguresStale()
{
    open();
    page()->analyze();
    QTRY_VERIFY_WITH_TIMEOUT(!page()->isRunning(), kPatienceMs);
    QuantizeSpec settings = m_window->runPage()->form()->settings();
    const QuantizeSpec before = settings;
    settings.mode = "acc";
    page()->setSettings(settings);
    QCOMPARE(count(Provenance::Stale), 41);
    QVERIFY(heatmap()->lookOf(0).marks & CellLook::Stale);
    QVERIFY(page()->header()->status().contains("other settings"));
    settings = before;
    settings.samples = 7; // more or less text is no other quantizer
    page()->setSettings(settings);
    QCOMPARE(count(Provenance::Stale), 0);
}

void TestCockpit::aDragOfTheSliderIsOneStep()
{
    showSynthetic(kSmall);
    const std::uint64_t before = document().inputs().budget;
    const QPoint from = track()->pointAt(before);
    QTest::mousePress(track(), Qt::LeftButton, {}, from);
    for (int x = from.x() - 6; x > from.x() - 120; x -= 6)
        QTest::mouseMove(track(), {x, from.y()});
    QVERIFY(document().isDragging());
    QCOMPARE(document().undoStack()->count(), 0);
    QTest::mouseRelease(track(), Qt::LeftButton, {}, {from.x() - 120, from.y()});
    QCOMPARE(document().undoStack()->count(), 1);
    QVERIFY(settle());
    QVERIFY(document().inputs().budget < before);
    document().undoStack()->undo();
    QCOMPARE(document().inputs().budget, before);
    QCOMPARE(track()->bytes(), before);
}

void TestCockpit::theFieldsAreLinked()
{
    showSynthetic(kSmall);
    BudgetPanel* panel = page()->budget();
    QVERIFY(!panel->speedField()->isVisible()); // no basis, no forecast
    panel->setTraffic(TokenTraffic{1024, 1e6, 2e6}, 2048);
    panel->setSpeedBasis(SpeedBasis{1e9, "a test"});
    QVERIFY(panel->memoryField()->isVisible() && panel->speedField()->isVisible());
    const double file = panel->fileField()->value();
    const double memory = panel->memoryField()->value();
    const double speed = panel->speedField()->value();
    panel->bitsField()->setValue(2.5);
    QVERIFY(settle());
    QVERIFY(panel->fileField()->value() < file);
    QVERIFY(panel->memoryField()->value() < memory);
    QVERIFY(panel->speedField()->value() > speed);
    QVERIFY(std::abs(document().plans()->allocator->bitsPerWeight(document().inputs().budget) - 2.5) < 0.001);
    panel->fileField()->setValue(file);
    QVERIFY(std::abs(panel->bitsField()->value() - 3) < 0.2);
    QVERIFY(panel->verdict().contains("Uniform at this size"));
    QVERIFY(panel->verdict().contains("Proven best"));
}

void TestCockpit::theSliderHoldsToUniformPlans()
{
    showSynthetic(kSmall);
    const std::uint64_t two = document().plans()->allocator->uniform(2)->bytes;
    const QPoint at = track()->pointAt(two);
    QTest::mouseClick(track(), Qt::LeftButton, {}, {at.x() + 3, at.y()});
    QCOMPARE(document().inputs().budget, two);
    track()->setFocus();
    QTest::keyClick(track(), Qt::Key_PageUp);
    QCOMPARE(document().inputs().budget, document().plans()->allocator->uniform(3)->bytes);
    QTest::keyClick(track(), Qt::Key_Home);
    QCOMPARE(document().inputs().budget, document().plans()->allocator->floorBytes());
    QTest::keyClick(track(), Qt::Key_End);
    QVERIFY(settle());
    QCOMPARE(document().inputs().budget, document().plans()->allocator->ceilingBytes());
}

void TestCockpit::keysMoveAndPin()
{
    showSynthetic(kSmall);
    heatmap()->setFocus(Qt::TabFocusReason);
    CellSelection& selection = page()->selection();
    selection.set({0}, 0);
    QTest::keyClick(heatmap(), Qt::Key_Right);
    QCOMPARE(selection.current(), 7); // q_proj of block 1
    QTest::keyClick(heatmap(), Qt::Key_Down);
    QCOMPARE(selection.linears(), std::vector<int>{8});
    QTest::keyClick(heatmap(), Qt::Key_Right, Qt::ShiftModifier);
    QTest::keyClick(heatmap(), Qt::Key_Down, Qt::ShiftModifier);
    QCOMPARE(selection.linears(), (std::vector<int>{8, 9, 15, 16}));
    QTest::keyClick(heatmap(), Qt::Key_4);
    QVERIFY(settle());
    for (const int linear : {8, 9, 15, 16}) {
        QCOMPARE(document().allocation()->bits[static_cast<std::size_t>(linear)], 4);
        QVERIFY(heatmap()->lookOf(linear).marks & CellLook::Pinned);
    }
    QCOMPARE(document().undoStack()->count(), 1);
    QTest::keyClick(heatmap(), Qt::Key_Delete);
    QVERIFY(document().inputs().constraints.empty());
    QTest::keyClick(heatmap(), Qt::Key_A, Qt::ControlModifier);
    QCOMPARE(selection.linears().size(), std::size_t{42});
    QTest::keyClick(heatmap(), Qt::Key_End);
    QCOMPARE(selection.linears().size(), std::size_t{1});
    QTest::keyClick(heatmap(), Qt::Key_Escape);
    QVERIFY(selection.linears().empty());
}

void TestCockpit::selectionFollowsBothWays()
{
    showSynthetic(kSmall);
    DataTable* table = page()->side()->table();
    QTest::mouseClick(heatmap()->viewport(), Qt::LeftButton, {}, heatmap()->cellRect({3, 2}).center());
    QCOMPARE(page()->selection().linears(), std::vector<int>{17});
    QCOMPARE(table->selectionModel()->selectedRows().size(), 1);
    QCOMPARE(table->selectionModel()->selectedRows().first().row(), 17);
    table->selectRow(30);
    QCOMPARE(page()->selection().linears(), std::vector<int>{30});
    table->sortByColumn(0, Qt::DescendingOrder);
    page()->selection().set({41}, 41);
    QCOMPARE(table->selectionModel()->selectedRows().size(), 1);
    // a rubber band
    QTest::mousePress(heatmap()->viewport(), Qt::LeftButton, {}, heatmap()->cellRect({0, 0}).center());
    QMouseEvent move(QEvent::MouseMove, QPointF(heatmap()->cellRect({1, 1}).center()),
                     QPointF(heatmap()->viewport()->mapToGlobal(heatmap()->cellRect({1, 1}).center())), Qt::NoButton,
                     Qt::LeftButton, Qt::NoModifier);
    QApplication::sendEvent(heatmap()->viewport(), &move);
    QTest::mouseRelease(heatmap()->viewport(), Qt::LeftButton, {}, heatmap()->cellRect({1, 1}).center());
    QCOMPARE(page()->selection().linears(), (std::vector<int>{0, 1, 7, 8}));
    QCOMPARE(table->selectionModel()->selectedRows().size(), 4);
}

void TestCockpit::aRowAndABlockAreSelectedByTheirNames()
{
    showSynthetic(kSmall);
    const QRect cell = heatmap()->cellRect({2, 3});
    QTest::mouseClick(heatmap()->viewport(), Qt::LeftButton, {}, {10, cell.center().y()});
    QCOMPARE(page()->selection().linears(), (std::vector<int>{2, 9, 16, 23, 30, 37}));
    QTest::mouseClick(heatmap()->viewport(), Qt::LeftButton, {}, {cell.center().x(), 4});
    QCOMPARE(page()->selection().linears().size(), std::size_t{7});
    QCOMPARE(page()->selection().linears().front(), 21);
    QTest::mouseClick(heatmap()->viewport(), Qt::LeftButton, Qt::ControlModifier, heatmap()->cellRect({0, 0}).center());
    QCOMPARE(page()->selection().linears().size(), std::size_t{8});
}

void TestCockpit::demandsThatContradictSaySo()
{
    open();
    page()->analyze();
    QTRY_VERIFY_WITH_TIMEOUT(!page()->isRunning(), kPatienceMs);
    QVERIFY(settle());
    const std::vector<int> before = document().allocation()->bits;
    document().pin({19}, 2); // its measurement failed
    QTRY_VERIFY_WITH_TIMEOUT(page()->banner()->isVisible(), kPatienceMs);
    QCOMPARE(document().allocation()->bits, before);
    Q_EMIT page()->banner()->acted(); // Undo
    QVERIFY(settle());
    QVERIFY(!page()->banner()->isVisible());
}

void TestCockpit::thePlanGoesToTheRunAndItsCheckComesBack()
{
    open();
    page()->analyze();
    QTRY_VERIFY_WITH_TIMEOUT(!page()->isRunning(), kPatienceMs);
    QVERIFY(settle());
    page()->compress();
    RunForm* form = m_window->runPage()->form();
    QTRY_VERIFY_WITH_TIMEOUT(form->hasPlan(), kPatienceMs);
    const QString file = QString::fromStdString(form->settings().plan);
    const auto plan = readPlan(file.toStdString());
    QVERIFY(plan);
    QCOMPARE(plan->bits.size(), std::size_t{42});
    QCOMPARE(plan->bits.at(document().sensitivity().linears[5].name), document().allocation()->bits[5]);
    QTRY_VERIFY_WITH_TIMEOUT(form->canStart(), kPatienceMs);
    QSignalSpy finished(m_window->runPage()->run(), &CompressionRun::finished);
    m_window->runPage()->startRun();
    QTRY_COMPARE_WITH_TIMEOUT(finished.count(), 1, kPatienceMs);
    QVERIFY(page()->side()->agreementText().contains("0.970"));
    QVERIFY(page()->side()->agreementText().contains("42 layers"));
}

void TestCockpit::plansSurviveAFile()
{
    showSynthetic(kSmall);
    document().pin({3}, 4);
    document().setBudget(document().plans()->allocator->uniform(2)->bytes);
    QVERIFY(settle());
    const PlanInputs inputs = document().inputs();
    const QString path = m_folder->filePath("plan.json");
    QSignalSpy written(page()->files(), &PlanFiles::written);
    page()->files()->savePlan(path);
    QTRY_COMPARE_WITH_TIMEOUT(written.count(), 1, kPatienceMs);
    document().undoStack()->setIndex(0);
    page()->files()->loadPlan(path);
    QTRY_VERIFY_WITH_TIMEOUT(document().inputs() == inputs, kPatienceMs);
    page()->files()->loadPlan(m_folder->filePath("missing.json"));
    QTRY_VERIFY_WITH_TIMEOUT(page()->banner()->isVisible(), kPatienceMs);
    QVERIFY(document().inputs() == inputs);
}

void TestCockpit::demandsSurviveTheWindow()
{
    open();
    document().pin({3, 4}, 4);
    document().setBudget(document().plans()->allocator->uniform(2)->bytes + 10000);
    QVERIFY(settle());
    const PlanInputs inputs = document().inputs();
    const std::vector<int> bits = document().allocation()->bits;
    m_window.reset();
    open();
    QTRY_VERIFY_WITH_TIMEOUT(document().inputs() == inputs, kPatienceMs);
    QVERIFY(settle());
    QCOMPARE(document().allocation()->bits, bits);
    document().undoStack()->undo();
    QVERIFY(document().inputs().constraints.empty());
}

void TestCockpit::demandsSurviveAnotherModel()
{
    const auto openOther = [this](const QString& name) {
        const QString folder = m_folder->filePath(name);
        QSignalSpy opened(m_window.get(), &MainWindow::modelOpened);
        m_window->openModel(folder);
        return QDir().mkpath(folder) &&
               QTest::qWaitFor([&] { return opened.count() == 1 && page()->model().folder == folder; }, kPatienceMs) &&
               settle();
    };
    QVERIFY(QDir().mkpath(m_folder->filePath("another")));
    open();
    document().pin({3}, 4);
    const PlanInputs inputs = document().inputs();
    QVERIFY(openOther("another"));
    QVERIFY(document().inputs().constraints.empty());
    QVERIFY(openOther("toy"));
    QTRY_VERIFY_WITH_TIMEOUT(document().inputs() == inputs, kPatienceMs);
}

void TestCockpit::figuresAreExported_data()
{
    QTest::addColumn<QString>("file");
    QTest::addColumn<QByteArray>("contents");
    QTest::addRow("JSON") << "s.json" << QByteArray("self_attn.q_proj");
    QTest::addRow("a table") << "s.csv" << QByteArray("self_attn.q_proj");
    QTest::addRow("a drawing") << "p.svg" << QByteArray("<svg");
    QTest::addRow("a picture") << "p.png" << QByteArray("PNG");
}

void TestCockpit::figuresAreExported()
{
    QFETCH(QString, file);
    QFETCH(QByteArray, contents);
    showSynthetic(kSmall);
    const QString path = m_folder->filePath(file);
    QSignalSpy written(page()->files(), &PlanFiles::written);
    if (file.startsWith('s'))
        page()->files()->exportFigures(path);
    else
        page()->files()->exportPlot(path);
    QTRY_COMPARE_WITH_TIMEOUT(written.count(), 1, kPatienceMs);
    QFile made(path);
    QVERIFY(made.open(QIODevice::ReadOnly));
    QVERIFY(made.readAll().contains(contents));
}

void TestCockpit::screenReadersSeeATable()
{
    showSynthetic(kSmall);
    QAccessibleInterface* interface = QAccessible::queryAccessibleInterface(heatmap());
    QVERIFY(interface);
    QAccessibleTableInterface* table = interface->tableInterface();
    QVERIFY(table);
    QCOMPARE(table->rowCount(), 7);
    QCOMPARE(table->columnCount(), 6);
    QCOMPARE(table->rowDescription(4), "gate_proj");
    QAccessibleInterface* cell = table->cellAt(4, 5);
    QVERIFY(cell && cell->isValid());
    QCOMPARE(cell->text(QAccessible::Name), "gate_proj, block 5");
    QCOMPARE(cell->text(QAccessible::Value), QString::number(document().allocation()->bits[39]));
    QVERIFY(cell->text(QAccessible::Description).contains("Fewer make the file smaller"));
    page()->selection().set({39}, 39);
    QVERIFY(cell->state().selected);
    QCOMPARE(table->selectedCellCount(), 1);
    QCOMPARE(table->cellAt(9, 9), nullptr);
    document().setSensitivity(syntheticSensitivity(kLlama70B));
    QCOMPARE(table->columnCount(), 80);
}

void TestCockpit::aPackedModelSaysWhyThereIsNothingToDo()
{
    open();
    ModelSummary packed;
    packed.folder = m_folder->filePath("packed");
    packed.packed = true;
    page()->setModel(packed);
    QStringList texts;
    for (const QLabel* label : page()->findChildren<QLabel*>())
        if (label->isVisible())
            texts += label->text();
    QVERIFY(texts.join(' ').contains("sign planes now"));
    QVERIFY(!heatmap()->isVisible());
}

void TestCockpit::everyControlHasAName()
{
    showSynthetic(kSmall);
    for (const SidePanel::Part part : {SidePanel::Layers, SidePanel::Tensor, SidePanel::Check, SidePanel::Command}) {
        page()->side()->showPart(part);
        for (const QWidget* widget : page()->findChildren<QWidget*>()) {
            if (!widget->isVisible() || widget->focusPolicy() == Qt::NoFocus ||
                widget->objectName().startsWith("qt_") || widget->inherits("QAbstractItemView"))
                continue;
            const auto* interface = QAccessible::queryAccessibleInterface(const_cast<QWidget*>(widget));
            QVERIFY2(interface && !interface->text(QAccessible::Name).isEmpty(), widget->metaObject()->className());
        }
    }
}

void TestCockpit::hundredsOfLayersFitTheSmallestWindow()
{
    showSynthetic(kLlama70B);
    m_window->resize(960, 600);
    QVERIFY(QTest::qWaitFor([this] { return m_window->width() == 960; }, kPatienceMs));
    QVERIFY(!heatmap()->cellRect({6, 79}).isEmpty());
    QVERIFY(heatmap()->viewport()->rect().contains(heatmap()->cellRect({6, 79})));
    heatmap()->setZoom(8);
    page()->selection().set({0}, 0);
    heatmap()->setFocus();
    QTest::keyClick(heatmap(), Qt::Key_End);
    QVERIFY(heatmap()->viewport()->rect().contains(heatmap()->cellRect({0, 79}))); // scrolled there
    QVERIFY(heatmap()->cellRect({0, 0}).isEmpty());
}

QTEST_MAIN(TestCockpit)
#include "tst_cockpit.moc"
