// SPDX-License-Identifier: GPL-3.0-or-later
// Compressions that ended early, as the window remembers, offers, resumes and discards them.
#include "core/base/staged_folder.h"
#include "core/protocol/job_journal.h"
#include "tests/ui/ui_fixture.h"
#include "ui/jobs/output_folder.h"
#include "ui/jobs/unfinished_jobs.h"
#include "ui/main_window.h"
#include "ui/pages/model_page.h"
#include "ui/pages/run_form.h"
#include "ui/pages/run_page.h"
#include "ui/pages/start_view.h"
#include "ui/pages/unfinished_list.h"
#include "ui/style/theme.h"
#include "ui/text.h"
#include "ui/widgets/banner.h"
#include "ui/widgets/elided_label.h"

#include <QApplication>
#include <QDir>
#include <QFile>
#include <QLabel>
#include <QMessageBox>
#include <QPushButton>
#include <QTemporaryDir>

#include <csignal>
#include <memory>

using namespace sa;
using namespace sa::ui;

namespace
{

constexpr int kBlocks = 6;
constexpr int kLayersPerBlock = 7;

/// What a job leaves that ended after `blocks` blocks.
void leaveUnfinished(const std::string& out, int blocks)
{
    QVERIFY(QDir().mkpath(fromUtf8(StagedFolder::unfinishedRoot(out)) + "/model"));
    const Journal journal{Json{{"recipe", Json::object()}}, kBlocks, kBlocks * kLayersPerBlock};
    auto writer = JournalWriter::begin(journalPath(out), journal);
    QVERIFY(writer);
    for (int block = 0; block < blocks; ++block) {
        FinishedBlock finished{"model-0000" + std::to_string(block + 2) + "-of-00007.safetensors",
                               std::string(64, 'a')};
        for (int layer = 0; layer < kLayersPerBlock; ++layer)
            finished.layers[std::to_string(block) + "." + std::to_string(layer)] = Json::object();
        finished.seconds = 60.0 * (block + 1);
        QVERIFY(writer->add(finished));
    }
}

QPushButton* buttonOf(const QWidget* widget, const QString& text)
{
    for (auto* button : widget->findChildren<QPushButton*>())
        if (!button->isHidden() && button->text() == text)
            return button;
    return nullptr;
}

QString textOf(const QWidget* widget)
{
    QStringList texts;
    for (const QLabel* label : widget->findChildren<QLabel*>())
        if (label->isVisible())
            texts += label->text();
    for (const ElidedLabel* label : widget->findChildren<ElidedLabel*>())
        if (label->isVisible())
            texts += label->text();
    return texts.join(u'\n');
}

} // namespace

class TestUnfinished : public QObject
{
    Q_OBJECT

    std::unique_ptr<Theme> m_theme;
    std::unique_ptr<QTemporaryDir> m_folder;
    std::unique_ptr<MainWindow> m_window;

    QString path(const QString& name) const { return m_folder->filePath(name); }
    QString records() const { return jobRecordsFolder(path("settings.ini")); }
    RunPlan planFor(const QString& model, const QString& out) const
    {
        RunPlan plan;
        plan.quantize.model = toUtf8(model);
        plan.quantize.out = toUtf8(out);
        plan.quantize.bits = 2;
        plan.quantize.samples = 17;
        plan.evaluation.text = "/texts/test.raw";
        return plan;
    }
    QString makeModel(const QString& name) const
    {
        QDir().mkpath(path(name));
        QFile stub(path(name) + "/config.json");
        return stub.open(QIODevice::WriteOnly) ? path(name) : QString();
    }
    void makeWindow(const QString& mode = "script")
    {
        MainWindow::Options options;
        options.worker = fakeWorker(mode, 16);
        options.timing = shortLadder();
        options.settingsFile = path("settings.ini");
        m_window = std::make_unique<MainWindow>(options, *m_theme);
        m_window->show();
    }
    void open(const QString& folder)
    {
        QSignalSpy opened(m_window.get(), &MainWindow::modelOpened);
        m_window->openModel(folder);
        QTRY_COMPARE_WITH_TIMEOUT(opened.count(), 1, kPatienceMs);
    }
    UnfinishedList* onStart() const { return m_window->modelPage()->startView()->unfinished(); }
    UnfinishedList* onModel() const { return m_window->modelPage()->unfinished(); }

private Q_SLOTS:
    void initTestCase()
    {
        QLocale::setDefault(QLocale(QLocale::English, QLocale::UnitedStates));
        m_theme = std::make_unique<Theme>(*qApp);
    }
    void init()
    {
        failOnWarningsOfWindows();
        m_folder = std::make_unique<QTemporaryDir>();
        QVERIFY(m_folder->isValid());
    }
    void cleanup()
    {
        m_window.reset();
        m_folder.reset();
    }

    void aRememberedJobIsFoundWithItsSettings()
    {
        const RunPlan plan = planFor(path("toy"), path("out"));
        rememberJob(records(), plan);
        leaveUnfinished(plan.quantize.out, 3);
        const auto jobs = unfinishedJobs(records(), {});
        QCOMPARE(jobs.size(), std::size_t{1});
        QVERIFY(jobs.front().quantize == plan.quantize);
        QCOMPARE(jobs.front().evaluation.text, plan.evaluation.text);
        QCOMPARE(jobs.front().kept.layers, 3 * kLayersPerBlock);
        QCOMPARE(jobs.front().kept.ofLayers, kBlocks * kLayersPerBlock);
        QCOMPARE(jobs.front().kept.seconds, 180.0);
        QVERIFY(jobs.front().kept.stopped.isValid());
        QVERIFY(unfinishedJobs(records(), plan.quantize.out).empty()); // it runs
        QCOMPARE(unfinishedJobs(records(), {}).size(), std::size_t{1});
    }

    void recordsOfNothingAreRemoved_data()
    {
        QTest::addColumn<int>("blocks");
        QTest::addRow("the output is finished or was discarded") << -1;
        QTest::addRow("no block was finished") << 0;
    }
    void recordsOfNothingAreRemoved()
    {
        QFETCH(int, blocks);
        const RunPlan plan = planFor(path("toy"), path("out"));
        rememberJob(records(), plan);
        if (blocks >= 0)
            leaveUnfinished(plan.quantize.out, blocks);
        QVERIFY(unfinishedJobs(records(), {}).empty());
        QVERIFY(QDir(records()).isEmpty());
    }

    void aRecordThatIsNoneIsRemoved()
    {
        QVERIFY(QDir().mkpath(records()));
        QFile record(records() + "/x.json");
        QVERIFY(record.open(QIODevice::WriteOnly) && record.write("{\"quantize\":7}") > 0);
        record.close();
        QVERIFY(unfinishedJobs(records(), {}).empty());
        QVERIFY(!QFileInfo::exists(record.fileName()));
    }

    void aJobThatAProcessWorksOnIsLeftAlone()
    {
        const RunPlan plan = planFor(path("toy"), path("out"));
        rememberJob(records(), plan);
        leaveUnfinished(plan.quantize.out, 2);
        {
            auto stage = StagedFolder::continued(plan.quantize.out);
            QVERIFY(stage);
            stage->keep(true);
            QVERIFY(unfinishedJobs(records(), {}).empty());
            QVERIFY(!discardJob(records(), plan.quantize.out));
        }
        QCOMPARE(unfinishedJobs(records(), {}).size(), std::size_t{1});
        QVERIFY(discardJob(records(), plan.quantize.out));
        QVERIFY(QDir(path({})).entryList({"*out*"}, QDir::AllEntries | QDir::Hidden).isEmpty());
    }

    void itsOutputFolderIsTaken()
    {
        const QString model = makeModel("toy");
        const QString out = suggestOutputFolder(model, "lat", "2");
        QVERIFY(checkOutputFolder(out).usable);
        leaveUnfinished(toUtf8(out), 1);
        QVERIFY(!checkOutputFolder(out).usable);
        QVERIFY(checkOutputFolder(out).text.contains("nfinished"));
        QCOMPARE(suggestOutputFolder(model, "lat", "2"), out + "-2");
    }

    void theStartPageOffersItAndResumes()
    {
        const QString model = makeModel("toy");
        const RunPlan plan = planFor(model, path("out"));
        rememberJob(records(), plan);
        leaveUnfinished(plan.quantize.out, 2);
        makeWindow("slow");
        QTRY_VERIFY_WITH_TIMEOUT(onStart()->isVisible(), kPatienceMs);
        const QString words = textOf(onStart());
        QVERIFY2(words.contains("14 of 42 layers") && words.contains("toy") && words.contains("today"),
                 qPrintable(words));
        QPushButton* resume = buttonOf(onStart(), "Resume");
        QVERIFY(resume);
        QTest::mouseClick(resume, Qt::LeftButton);
        RunPage* page = m_window->runPage();
        QTRY_VERIFY_WITH_TIMEOUT(page->run()->isRunning(), kPatienceMs);
        QVERIFY(page->isVisible());
        QuantizeSpec expected = plan.quantize;
        expected.resume = true;
        QVERIFY(page->run()->plan().quantize == expected);
        QCOMPARE(page->run()->plan().evaluation.text, plan.evaluation.text);
        QTRY_VERIFY_WITH_TIMEOUT(onModel()->jobs().empty(), kPatienceMs); // what runs is not offered
        page->cancel();
        QTRY_VERIFY_WITH_TIMEOUT(!page->isRunning(), kPatienceMs);
        QTRY_VERIFY_WITH_TIMEOUT(!onModel()->jobs().empty(), kPatienceMs);
    }

    void onlyItsModelOffersIt()
    {
        const QString model = makeModel("toy"), other = makeModel("other");
        const RunPlan plan = planFor(model, path("out"));
        makeWindow();
        open(other);
        rememberJob(records(), plan);
        leaveUnfinished(plan.quantize.out, 2);
        open(model);
        QTRY_VERIFY_WITH_TIMEOUT(onModel()->isVisible(), kPatienceMs);
        open(other);
        QTRY_VERIFY_WITH_TIMEOUT(!onModel()->isVisible(), kPatienceMs);
    }

    void laterIsNotNever()
    {
        const RunPlan plan = planFor(makeModel("toy"), path("out"));
        rememberJob(records(), plan);
        leaveUnfinished(plan.quantize.out, 2);
        for (int window = 0; window < 2; ++window) {
            makeWindow();
            QTRY_VERIFY_WITH_TIMEOUT(onStart()->isVisible(), kPatienceMs);
            QTest::mouseClick(buttonOf(onStart(), "Later"), Qt::LeftButton);
            QTRY_VERIFY_WITH_TIMEOUT(!onStart()->isVisible(), kPatienceMs);
        }
        QVERIFY(keptWork(plan.quantize.out));
    }

    void discardAsksAndDeletes()
    {
        const RunPlan plan = planFor(makeModel("toy"), path("out"));
        rememberJob(records(), plan);
        leaveUnfinished(plan.quantize.out, 2);
        makeWindow();
        QTRY_VERIFY_WITH_TIMEOUT(onStart()->isVisible(), kPatienceMs);
        for (const QString& answer : {QStringLiteral("Keep"), QStringLiteral("Discard")}) {
            QTest::mouseClick(buttonOf(onStart(), QStringLiteral("Discard…")), Qt::LeftButton);
            auto* box = m_window->findChild<QMessageBox*>();
            QVERIFY(box && box->text().contains("14 of 42 layers"));
            QVERIFY(keptWork(plan.quantize.out));
            for (QAbstractButton* button : box->buttons())
                if (button->text() == answer)
                    QTest::mouseClick(button, Qt::LeftButton);
            QTRY_VERIFY_WITH_TIMEOUT(!m_window->findChild<QMessageBox*>(), kPatienceMs);
        }
        QTRY_VERIFY_WITH_TIMEOUT(!onStart()->isVisible(), kPatienceMs);
        QVERIFY(!keptWork(plan.quantize.out));
        QVERIFY(QDir(records()).isEmpty());
    }

    void aDeadWorkersWorkIsResumedFromTheBanner()
    {
        makeWindow("crash");
        open(makeModel("toy"));
        m_window->showRunPage();
        RunPage* page = m_window->runPage();
        QTRY_VERIFY_WITH_TIMEOUT(page->form()->canStart(), kPatienceMs);
        const std::string out = toUtf8(page->form()->outputFolder());
        page->startRun();
        QTRY_VERIFY_WITH_TIMEOUT(QFileInfo(records()).isDir() && !QDir(records()).isEmpty(), kPatienceMs);
        leaveUnfinished(out, 2);
        QTRY_VERIFY_WITH_TIMEOUT(page->banner()->isVisible(), kPatienceMs);
        const QString words = textOf(page->banner());
        QVERIFY2(words.contains("14 of 42 layers are kept"), qPrintable(words));
        QPushButton* resume = buttonOf(page->banner(), "Resume");
        QVERIFY(resume);
        QTest::mouseClick(resume, Qt::LeftButton);
        QVERIFY(page->run()->isRunning());
        QVERIFY(page->run()->plan().quantize.resume);
        QCOMPARE(page->run()->plan().quantize.out, out);
        QTRY_VERIFY_WITH_TIMEOUT(!page->isRunning(), kPatienceMs);
    }

    void aCancelIsHeardBeforeTheJobHasEnded()
    {
        WorkerClient client(fakeWorker("slow"));
        QSignalSpy stages(&client, &WorkerClient::stopStageChanged);
        const JobId id = client.start(quantizeSpec());
        JobEnd end(client, id);
        QTRY_VERIFY_WITH_TIMEOUT(end.progresses > 0, kPatienceMs);
        client.cancel(id);
        QVERIFY(end.wait());
        QCOMPARE(end.code(), Errc::Cancelled);
        QList<WorkerClient::StopStage> seen;
        for (const auto& signal : stages)
            seen += signal.first().value<WorkerClient::StopStage>();
        QCOMPARE(seen, (QList{WorkerClient::StopStage::Asked, WorkerClient::StopStage::Heard,
                              WorkerClient::StopStage::None}));
    }
};

QTEST_MAIN(TestUnfinished)
#include "tst_unfinished.moc"
