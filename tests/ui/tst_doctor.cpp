// SPDX-License-Identifier: GPL-3.0-or-later
// The import doctor on its way to the screen: result, rows, panel, page, and how its job makes room for others.
#include "tests/ui/ui_fixture.h"
#include "ui/models/check_list_model.h"
#include "ui/pages/doctor_panel.h"
#include "ui/pages/model_page.h"
#include "ui/style/theme.h"
#include "ui/widgets/banner.h"
#include "ui/widgets/check_list.h"
#include "ui/widgets/data_table.h"
#include "ui/widgets/segmented_control.h"
#include "ui/worker/yielding_service.h"

#include <QAbstractItemModelTester>
#include <QAccessible>
#include <QApplication>
#include <QClipboard>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QScrollBar>

#include <functional>
#include <memory>

using namespace sa;
using namespace sa::ui;

namespace
{

const QString kGood = QStringLiteral(R"({"model":"/m","checks":[
    {"id":"architecture","title":"Architecture","status":"passed","detail":"LLaMA","remedy":""},
    {"id":"template","title":"Chat template","status":"warning","detail":"line 3: unknown word","remedy":"repair it"},
    {"id":"weights","title":"Weight files","status":"failed","detail":"cut off","remedy":"Download the file again"},
    {"id":"tokenizer","title":"Tokenizer","status":"passed","detail":"BPE, 4096 tokens","remedy":""}],
    "passed":2,"warnings":1,"failed":1,
    "estimates":{"memory_bytes":1000,"resident_bytes":2000,"disk_bytes":3000,"seconds":4.5}})");

DoctorReport reportOf(const QString& json)
{
    const auto value = json::parse(json.toStdString(), "");
    const auto report = value ? parseDoctorReport(*value) : Result<DoctorReport>(value.error());
    return report ? *report : DoctorReport{};
}

DoctorReport reportOf(std::vector<Check> checks)
{
    DoctorReport report;
    for (const Check& check : checks)
        ++(check.status == CheckStatus::Passed    ? report.passed
           : check.status == CheckStatus::Warning ? report.warnings
                                                  : report.failed);
    report.checks = std::move(checks);
    return report;
}

Check passedCheck(const QString& title)
{
    return {"id", title, "detail", {}, CheckStatus::Passed};
}

ModelSummary modelIn(const QString& folder)
{
    ModelSummary model;
    model.folder = folder;
    model.architecture = "LlamaForCausalLM";
    LayerRow layer;
    layer.name = "model.layers.0.self_attn.q_proj";
    layer.N = layer.K = 8;
    model.layers = {layer};
    return model;
}

JobFailure brokenFile()
{
    return {makeError(Errc::BadFormat, "the header is longer than the file"), false, {}};
}

QPushButton* buttonOf(const QWidget* widget, const QString& text)
{
    for (auto* button : widget->findChildren<QPushButton*>())
        if (button->text() == text)
            return button;
    return nullptr;
}

/// Jobs that run until the test ends them.
class HandService final : public JobService
{
public:
    JobId start(const JobSpec& spec) override
    {
        const JobId id = ++m_id;
        if (running != 0) {
            QMetaObject::invokeMethod(
                this,
                [this, id] {
                    Q_EMIT failed(id, {makeError(Errc::Usage, "busy"), false, {}});
                },
                Qt::QueuedConnection);
            return id;
        }
        kinds += QString::fromUtf8(kindOf(spec));
        running = id;
        if (whenStarted) // as a worker tells of its new state from within the call
            whenStarted();
        return id;
    }
    void cancel(JobId id) override { cancelled += id; }
    bool isBusy() const override { return running != 0; }
    void finish()
    {
        const JobId id = std::exchange(running, 0);
        Q_EMIT finished(id, Json::object());
    }
    void fail(Errc code)
    {
        const JobId id = std::exchange(running, 0);
        Q_EMIT failed(id, {makeError(code, "ended"), false, {}});
    }

    std::function<void()> whenStarted;
    JobId running = 0;
    QList<JobId> cancelled;
    QStringList kinds;

private:
    JobId m_id = 100; // not the ids of the service in front
};

} // namespace

class TestDoctor : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase();
    void init();
    void reportsFromAWorkerAreChecked_data();
    void reportsFromAWorkerAreChecked();
    void aReportHasItsFigures();
    void whatNeedsAttentionComesFirst();
    void theSummaryIsInPlainWords_data();
    void theSummaryIsInPlainWords();
    void aScreenReaderHearsStatusAndRemedy();
    void copyGivesTheListAsPlainText();
    void hostileTextStaysTextAndStaysInside();
    void aLongListScrolls();
    void aShortListIsAsHighAsItsRows();
    void theRowsFollowTheTheme();
    void thePanelSaysWhenItKnowsNothing();
    void thePageSwitchesBetweenLayersAndChecks();
    void aFailedCheckIsShownAtOnce();
    void reportsOfOtherFoldersAreIgnored();
    void aFolderThatFailsShowsItsChecksInPlaceOfTheStart();
    void beforeAnOpenModelTheChecksOfAFailureAreAClickAway();
    void theDoctorMakesRoomForARealJob();
    void aJobThatWaitsCanBeCancelled();
    void aSecondRealJobIsRefused();
    void aCheckThatWaitsMakesRoomToo();

private:
    std::unique_ptr<Theme> m_theme;
};

void TestDoctor::initTestCase()
{
    m_theme = englishAndLight();
}

void TestDoctor::init()
{
    // The offscreen platform says this about every top-level window.
    failOnWarningsOfWindows();
}

void TestDoctor::reportsFromAWorkerAreChecked_data()
{
    QTest::addColumn<QString>("json");
    QTest::addColumn<bool>("good");
    const auto changed = [](const char* from, const char* to) { return QString(kGood).replace(from, to); };
    QTest::addRow("a whole one") << kGood << true;
    QTest::addRow("an unknown member") << changed(R"("passed":2)", R"("passed":2,"new":[])") << true;
    QTest::addRow("estimates that could not be made") << changed(R"("seconds":4.5)", R"("seconds":null)") << true;
    QTest::addRow("a list in place of an object") << QString("[]") << false;
    QTest::addRow("nothing") << QString("{}") << false;
    QTest::addRow("no checks at all") << QString(R"({"checks":[],"passed":0,"warnings":0,"failed":0,"estimates":{}})")
                                      << false;
    QTest::addRow("checks of a wrong type")
        << QString(R"({"checks":{},"passed":0,"warnings":0,"failed":0,"estimates":{}})") << false;
    QTest::addRow("an unknown status") << changed(R"("status":"failed")", R"("status":"exploded")") << false;
    QTest::addRow("a status that is a number") << changed(R"("status":"failed")", R"("status":2)") << false;
    QTest::addRow("a check without a title") << changed(R"("title":"Tokenizer",)", "") << false;
    QTest::addRow("a title of no letters") << changed(R"("title":"Tokenizer")", R"("title":"")") << false;
    QTest::addRow("a detail that is a list") << changed(R"("detail":"cut off")", R"("detail":["cut off"])") << false;
    QTest::addRow("a remedy that is missing") << changed(R"(,"remedy":"Download the file again")", "") << false;
    QTest::addRow("a count that the list does not bear out") << changed(R"("passed":2)", R"("passed":3)") << false;
    QTest::addRow("a count below zero") << changed(R"("failed":1)", R"("failed":-1)") << false;
    QTest::addRow("a count that is missing") << changed(R"("warnings":1,)", "") << false;
    QTest::addRow("estimates of a wrong type") << changed(R"("estimates":{)", R"("estimates":[],"x":{)") << false;
    QTest::addRow("a negative size") << changed(R"("disk_bytes":3000)", R"("disk_bytes":-1)") << false;
    QTest::addRow("a time that is a word") << changed(R"("seconds":4.5)", R"("seconds":"soon")") << false;
    QString many = R"({"passed":0,"warnings":0,"failed":0,"estimates":{},"checks":[)";
    for (int i = 0; i < 5000; ++i)
        many += "1,";
    QTest::addRow("more checks than anybody reads") << many + "1]}" << false;
}

void TestDoctor::reportsFromAWorkerAreChecked()
{
    QFETCH(QString, json);
    QFETCH(bool, good);
    const auto value = json::parse(json.toStdString(), "");
    QVERIFY(value);
    const auto report = parseDoctorReport(*value);
    QCOMPARE(bool(report), good);
    if (!good)
        QVERIFY(!report.error().message.empty());
}

void TestDoctor::aReportHasItsFigures()
{
    const DoctorReport report = reportOf(kGood);
    QCOMPARE(report.checks.size(), std::size_t(4));
    QCOMPARE(report.checks[1].id, QString("template"));
    QCOMPARE(report.checks[1].remedy, QString("repair it"));
    QVERIFY(report.checks[1].status == CheckStatus::Warning);
    QCOMPARE(report.needAttention(), 2);
    QCOMPARE(report.memoryBytes.value_or(0), std::uint64_t(1000));
    QCOMPARE(report.residentBytes.value_or(0), std::uint64_t(2000));
    QCOMPARE(report.diskBytes.value_or(0), std::uint64_t(3000));
    QCOMPARE(report.seconds.value_or(0), 4.5);
}

void TestDoctor::whatNeedsAttentionComesFirst()
{
    CheckListModel model;
    QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::QtTest);
    model.setChecks(reportOf(kGood).checks);
    QStringList titles;
    for (int row = 0; row < model.rowCount(); ++row)
        titles += model.index(row).data().toString();
    QCOMPARE(titles, (QStringList{"Weight files", "Chat template", "Architecture", "Tokenizer"}));
    QCOMPARE(model.index(1).data(CheckListModel::RemedyRole).toString(), QString("Repair it."));
    model.setChecks({});
    QCOMPARE(model.rowCount(), 0);
}

void TestDoctor::theSummaryIsInPlainWords_data()
{
    QTest::addColumn<int>("passed");
    QTest::addColumn<int>("warnings");
    QTest::addColumn<int>("failed");
    QTest::addColumn<QString>("text");
    QTest::addRow("one to look at") << 11 << 1 << 0 << "11 passed, 1 to look at, none failed";
    QTest::addRow("all is well") << 12 << 0 << 0 << "12 passed, none failed";
    QTest::addRow("a bit of everything") << 3 << 2 << 1 << "3 passed, 2 to look at, 1 failed";
    QTest::addRow("all is wrong") << 0 << 0 << 1 << "none passed, 1 failed";
}

void TestDoctor::theSummaryIsInPlainWords()
{
    QFETCH(int, passed);
    QFETCH(int, warnings);
    QFETCH(int, failed);
    DoctorReport report;
    report.passed = passed;
    report.warnings = warnings;
    report.failed = failed;
    QTEST(report.summary(), "text");
    DoctorPanel panel;
    panel.showReport("toy", report);
    QTEST(panel.summary(), "text");
    QCOMPARE(panel.needAttention(), warnings + failed);
}

void TestDoctor::aScreenReaderHearsStatusAndRemedy()
{
    DoctorPanel panel;
    panel.showReport("toy", reportOf(kGood));
    panel.show();
    CheckList* list = panel.list();
    QVERIFY(!list->accessibleName().isEmpty());
    QCOMPARE(list->accessibleDescription(), panel.summary());
    QVERIFY(list->focusPolicy() & Qt::TabFocus);
    QAccessibleInterface* view = QAccessible::queryAccessibleInterface(list);
    QVERIFY(view && view->tableInterface());
    QAccessibleInterface* row = view->tableInterface()->cellAt(0, 0);
    QVERIFY(row);
    QCOMPARE(row->text(QAccessible::Name),
             QString("Failed: Weight files. cut off. What to do: Download the file again."));
}

void TestDoctor::copyGivesTheListAsPlainText()
{
    DoctorPanel panel;
    panel.showReport("toy", reportOf(kGood));
    panel.show();
    QPushButton* copy = buttonOf(&panel, "Copy");
    QVERIFY(copy && copy->isVisible());
    QTest::mouseClick(copy, Qt::LeftButton);
    QCOMPARE(QGuiApplication::clipboard()->text(), QString("Checks of toy: 2 passed, 1 to look at, 1 failed\n"
                                                           "[Failed] Weight files\n"
                                                           "    cut off\n"
                                                           "    What to do: Download the file again.\n"
                                                           "[To look at] Chat template\n"
                                                           "    line 3: unknown word\n"
                                                           "    What to do: Repair it.\n"
                                                           "[Passed] Architecture\n"
                                                           "    LLaMA\n"
                                                           "[Passed] Tokenizer\n"
                                                           "    BPE, 4096 tokens\n"));
    panel.list()->setFocus();
    panel.list()->setCurrentIndex(panel.list()->model()->index(1, 0));
    QTest::keySequence(panel.list(), QKeySequence::Copy);
    QVERIFY(QGuiApplication::clipboard()->text().startsWith("[To look at] Chat template\n"));
    QVERIFY(!QGuiApplication::clipboard()->text().contains("Tokenizer"));
}

void TestDoctor::hostileTextStaysTextAndStaysInside()
{
    const QString evil = QStringLiteral("evil\n\x1b[31m<b>%1 %2") + QChar(0x202e) + QString(5000, u'/');
    DoctorPanel panel;
    panel.resize(500, 400);
    panel.showReport(evil, reportOf({{evil, evil, evil, evil, CheckStatus::Failed}}));
    panel.show();
    QVERIFY(QTest::qWaitForWindowExposed(&panel));
    const QString text = panel.plainText();
    for (const QChar bad : {QChar(0x1b), QChar(0x202e)})
        QVERIFY(!text.contains(bad));
    QVERIFY(text.contains("<b>%1 %2"));
    QCOMPARE(text.count(u'\n'), 4); // summary, title, detail, remedy
    QVERIFY(text.size() < 10'000);
    for (const QLabel* label : panel.findChildren<QLabel*>())
        QCOMPARE(label->textFormat(), Qt::PlainText);
    const CheckList* list = panel.list();
    QVERIFY(list->visualRect(list->model()->index(0, 0)).width() <= list->viewport()->width());
    QVERIFY(!panel.grab().isNull());
}

void TestDoctor::aLongListScrolls()
{
    std::vector<Check> checks;
    for (int i = 0; i < 200; ++i)
        checks.push_back(passedCheck(QString::number(i)));
    DoctorPanel panel;
    panel.resize(600, 400);
    panel.showReport("toy", reportOf(checks));
    panel.show();
    panel.resize(600, 400);
    QTRY_VERIFY_WITH_TIMEOUT(panel.list()->verticalScrollBar()->maximum() > 0, kPatienceMs);
    QCOMPARE(panel.height(), 400);
    panel.activateWindow();
    QVERIFY(QTest::qWaitForWindowActive(&panel));
    panel.list()->setFocus();
    QTest::keyClick(panel.list(), Qt::Key_End);
    QCOMPARE(panel.list()->currentIndex().row(), 199);
    QVERIFY(panel.list()->verticalScrollBar()->value() > 0);
}

void TestDoctor::aShortListIsAsHighAsItsRows()
{
    ModelPage page;
    page.resize(1000, 700);
    page.show();
    page.showModel(modelIn("/models/toy"));
    page.showChecks();
    page.showReport("/models/toy", reportOf({passedCheck("a"), passedCheck("b")}));
    const CheckList* list = page.checks()->list();
    QTRY_VERIFY_WITH_TIMEOUT(list->height() == list->sizeHint().height() && list->height() < 200, kPatienceMs);
    QCOMPARE(list->verticalScrollBar()->maximum(), 0);
    const QRect last = list->visualRect(list->model()->index(1, 0));
    QVERIFY(list->viewport()->rect().contains(last));
}

void TestDoctor::theRowsFollowTheTheme()
{
    DoctorPanel panel;
    panel.showReport("toy", reportOf(kGood));
    panel.show();
    for (const ThemeMode mode : {ThemeMode::Dark, ThemeMode::Light}) {
        m_theme->apply(mode);
        // The rows take their colours from this palette; a style sheet without a background would spoil it.
        QCOMPARE(isDark(panel.list()->palette()), mode == ThemeMode::Dark);
    }
}

void TestDoctor::thePanelSaysWhenItKnowsNothing()
{
    DoctorPanel panel;
    panel.show();
    panel.showReport("toy", reportOf(kGood));
    panel.showChecking();
    QVERIFY(panel.state() == DoctorPanel::State::Checking);
    QCOMPARE(panel.needAttention(), 0);
    QVERIFY(!panel.list()->isVisible());
    QVERIFY(!buttonOf(&panel, "Check again")->isVisible());
    panel.showFailure("The log says why.");
    QVERIFY(panel.summary().contains("could not be made"));
    QVERIFY(!panel.list()->isVisible());
    QVERIFY(!buttonOf(&panel, "Copy")->isVisible());
    QSignalSpy wanted(&panel, &DoctorPanel::checkRequested);
    QTest::mouseClick(buttonOf(&panel, "Check again"), Qt::LeftButton);
    QCOMPARE(wanted.count(), 1);
}

void TestDoctor::thePageSwitchesBetweenLayersAndChecks()
{
    ModelPage page;
    page.resize(1000, 700);
    page.show();
    page.activateWindow();
    QVERIFY(QTest::qWaitForWindowActive(&page));
    page.showModel(modelIn("/models/toy"));
    const auto* table = page.findChild<DataTable*>();
    const auto* filter = page.findChild<QLineEdit*>();
    QVERIFY(table->isVisible() && filter->isVisible());
    page.showChecking("/models/toy");
    QVERIFY(buttonOf(&page, "Checks …"));
    page.showReport("/models/toy", reportOf({passedCheck("a"), {"b", "b", "b", "b", CheckStatus::Warning}}));
    QVERIFY(!page.showsChecks()); // a remark is no reason to take the layers away
    QVERIFY(table->isVisible());

    QPushButton* checks = buttonOf(&page, "Checks (1)");
    QVERIFY(checks);
    QCOMPARE(checks->accessibleName(), QString("Checks (1)"));
    QTest::mouseClick(checks, Qt::LeftButton);
    QVERIFY(page.showsChecks());
    QVERIFY(page.checks()->list()->isVisible());
    QVERIFY(!table->isVisible() && !filter->isVisible());
    QTest::keyClick(checks, Qt::Key_Left);
    QVERIFY(!page.showsChecks());
    QVERIFY(table->isVisible() && filter->isVisible());

    page.showChecks();
    page.focusFilter();
    QVERIFY(!page.showsChecks());
    page.showChecks();
    page.showModel(modelIn("/models/another"));
    QVERIFY(!page.showsChecks());
    QVERIFY(buttonOf(&page, "Checks")); // nothing is known of this one
    QVERIFY(page.checks()->state() == DoctorPanel::State::Empty);
}

void TestDoctor::aFailedCheckIsShownAtOnce()
{
    ModelPage page;
    page.show();
    page.showModel(modelIn("/models/toy"));
    page.showReport("/models/toy", reportOf(kGood));
    QVERIFY(page.showsChecks());
    QVERIFY(page.checks()->list()->isVisible());
    QVERIFY(buttonOf(&page, "Checks (2)"));
}

void TestDoctor::reportsOfOtherFoldersAreIgnored()
{
    ModelPage page;
    page.show();
    page.showModel(modelIn("/models/toy"));
    page.showChecking("/models/another");
    page.showReport("/models/another", reportOf(kGood));
    page.showNoReport("/models/another", "no");
    QVERIFY(page.checks()->state() == DoctorPanel::State::Empty);
    QVERIFY(page.failedChecks()->state() == DoctorPanel::State::Empty);
    QVERIFY(!page.showsChecks());
}

void TestDoctor::aFolderThatFailsShowsItsChecksInPlaceOfTheStart()
{
    ModelPage page;
    page.resize(1000, 700);
    page.show();
    page.showOpening("/models/broken");
    page.showOpenFailure("/models/broken", brokenFile());
    page.showChecking("/models/broken");
    QVERIFY(page.banner()->isVisible());
    QVERIFY(page.failedChecks()->isVisible());
    page.showReport("/models/broken", reportOf(kGood));
    QVERIFY(page.banner()->isVisible());
    QVERIFY(page.failedChecks()->list()->isVisible());
    QSignalSpy open(&page, &ModelPage::openRequested);
    for (auto* button : page.findChildren<QPushButton*>())
        if (button->isVisible() && button->text() == "Open another…")
            QTest::mouseClick(button, Qt::LeftButton);
    QCOMPARE(open.count(), 1);
    QSignalSpy check(&page, &ModelPage::checkRequested);
    QTest::mouseClick(buttonOf(page.failedChecks(), "Check again"), Qt::LeftButton);
    QCOMPARE(check.value(0).value(0).toString(), QString("/models/broken"));
    QPushButton* back = buttonOf(&page, "Back to the start");
    QVERIFY(back && back->isVisible());
    QTest::mouseClick(back, Qt::LeftButton);
    QVERIFY(buttonOf(&page, "Open a folder…")->isVisible());
    QVERIFY(!page.banner()->isVisible());
}

void TestDoctor::beforeAnOpenModelTheChecksOfAFailureAreAClickAway()
{
    ModelPage page;
    page.resize(1000, 700);
    page.show();
    page.showModel(modelIn("/models/toy"));
    page.showOpening("/models/a&b");
    page.showOpenFailure("/models/a&b", brokenFile());
    page.showChecking("/models/a&b");
    const auto* table = page.findChild<DataTable*>();
    QVERIFY(table->isVisible());
    page.showReport("/models/a&b", reportOf(kGood));
    QVERIFY(table->isVisible());
    QVERIFY(page.checks()->state() == DoctorPanel::State::Empty); // they are not of the model
    QPushButton* all = buttonOf(&page, "See all checks of “a&&b”");
    QVERIFY(all && all->isVisible());
    QTest::mouseClick(all, Qt::LeftButton);
    QVERIFY(page.failedChecks()->list()->isVisible());
    QVERIFY(!all->isVisible());
    QPushButton* back = buttonOf(&page, "Back to “toy”");
    QVERIFY(back && back->isVisible());
    QTest::mouseClick(back, Qt::LeftButton);
    QVERIFY(table->isVisible());
}

void TestDoctor::theDoctorMakesRoomForARealJob()
{
    HandService inner;
    YieldingService service(inner);
    bool busyMeanwhile = true;
    inner.whenStarted = [&] { busyMeanwhile = service.isBusy(); };
    const JobId doctor = service.start(DoctorSpec{"/m"});
    QVERIFY(!busyMeanwhile);
    JobEnd doctorEnd(service, doctor);
    QVERIFY(inner.isBusy());
    QVERIFY(!service.isBusy());
    const JobId run = service.start(quantizeSpec());
    JobEnd runEnd(service, run);
    QVERIFY(service.isBusy());
    QCOMPARE(inner.cancelled, QList<JobId>{inner.running});
    QCOMPARE(inner.kinds, QStringList{"doctor"}); // it waits for the end of the other
    inner.fail(Errc::Cancelled);
    QCOMPARE(inner.kinds, (QStringList{"doctor", "quantize"}));
    QVERIFY(busyMeanwhile);
    QVERIFY(doctorEnd.code() == Errc::Cancelled);
    QCOMPARE(runEnd.ends, 0);
    QVERIFY(service.isBusy());
    Q_EMIT inner.layerFinished(inner.running, LayerResult{});
    QCOMPARE(runEnd.layers, 1);
    QCOMPARE(doctorEnd.layers, 0);
    inner.finish();
    QVERIFY(runEnd.result);
    QVERIFY(!service.isBusy());
    QCOMPARE(doctorEnd.ends, 1);
    // A doctor that was quicker than its cancel changes nothing.
    service.start(DoctorSpec{"/m"});
    service.start(quantizeSpec());
    inner.finish();
    QCOMPARE(inner.kinds.last(), QString("quantize"));
}

void TestDoctor::aJobThatWaitsCanBeCancelled()
{
    HandService inner;
    YieldingService service(inner);
    service.start(DoctorSpec{"/m"});
    const JobId run = service.start(quantizeSpec());
    JobEnd end(service, run);
    service.cancel(run);
    QCOMPARE(end.ends, 0); // never from within the call
    QVERIFY(end.wait());
    QVERIFY(end.code() == Errc::Cancelled);
    inner.fail(Errc::Cancelled);
    QCOMPARE(inner.kinds, QStringList{"doctor"});
    QVERIFY(!service.isBusy());
    JobEnd next(service, service.start(quantizeSpec()));
    inner.finish();
    QVERIFY(next.result);
}

void TestDoctor::aSecondRealJobIsRefused()
{
    HandService inner;
    YieldingService service(inner);
    service.start(DoctorSpec{"/m"});
    JobEnd first(service, service.start(quantizeSpec()));
    JobEnd second(service, service.start(OpenSpec{"/m"}));
    QVERIFY(second.wait());
    QVERIFY(second.code() == Errc::Usage);
    inner.fail(Errc::Cancelled);
    JobEnd third(service, service.start(DoctorSpec{"/m"})); // nor does a doctor disturb a run
    QVERIFY(third.wait());
    QVERIFY(third.code() == Errc::Usage);
    QVERIFY(service.isBusy());
    inner.finish();
    QVERIFY(first.result);
}

void TestDoctor::aCheckThatWaitsMakesRoomToo()
{
    HandService inner;
    YieldingService service(inner);
    service.start(DoctorSpec{"/a"});
    JobEnd second(service, service.start(DoctorSpec{"/b"}));
    QVERIFY(!service.isBusy());
    JobEnd run(service, service.start(quantizeSpec()));
    QVERIFY(second.wait());
    QVERIFY(second.code() == Errc::Cancelled);
    inner.fail(Errc::Cancelled);
    QCOMPARE(inner.kinds, (QStringList{"doctor", "quantize"}));
    inner.finish();
    QVERIFY(run.result);
}

QTEST_MAIN(TestDoctor)
#include "tst_doctor.moc"
