// SPDX-License-Identifier: GPL-3.0-or-later
// The real window against the scripted worker.
#include "tests/ui/ui_fixture.h"
#include "ui/main_window.h"
#include "ui/pages/doctor_panel.h"
#include "ui/pages/model_page.h"
#include "ui/pages/prompt_panel.h"
#include "ui/pages/result_panel.h"
#include "ui/pages/run_form.h"
#include "ui/pages/run_page.h"
#include "ui/pages/run_view.h"
#include "ui/pages/start_view.h"
#include "ui/style/theme.h"
#include "ui/widgets/banner.h"
#include "ui/widgets/check_list.h"
#include "ui/widgets/data_table.h"
#include "ui/widgets/log_view.h"

#include <QApplication>
#include <QDir>
#include <QDropEvent>
#include <QElapsedTimer>
#include <QLabel>
#include <QLineEdit>
#include <QMessageBox>
#include <QMimeData>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QTemporaryDir>
#include <QUrl>

#include <csignal>
#include <memory>

using namespace sa;
using namespace sa::ui;

class TestMainWindow : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase();
    void init();
    void cleanup();
    void aDroppedFolderOpens_data();
    void aDroppedFolderOpens();
    void aDropOnAFieldOpensToo();
    void aBadFolderShowsABanner_data();
    void aBadFolderShowsABanner();
    void aFailureKeepsTheModelThatWasOpen();
    void anOpenedModelIsChecked();
    void aModelWithAFailedCheckShowsItsChecks();
    void aFolderThatDoesNotOpenIsCheckedToo();
    void checksThatCannotBeMadeAreOnlyLogged_data();
    void checksThatCannotBeMadeAreOnlyLogged();
    void aRunStartsWhileTheDoctorLooks_data();
    void aRunStartsWhileTheDoctorLooks();
    void anotherModelOpensWhileTheDoctorLooks();
    void theSecondWorkerLivesUntilItsChecksAreMade();
    void aWorkerThatDiesInOpeningIsNotAskedAgain();
    void theWindowClosesWhileTheDoctorLooks();
    void theOutputFolderIsSuggestedBesideTheModel();
    void aFullOutputFolderBlocksTheStart();
    void aRunEndsWithBeforeAndAfter();
    void cancelLeadsBackToTheForm();
    void aKilledWorkerShowsABannerAndANewJobRuns();
    void aWorkerThatHadToBeKilledDoesNotBlockTheNextRun();
    void aModelOpensWhileARunGoesOn();
    void theWindowStaysLiveInAFlood();
    void closingDuringAJobAsksWithoutBlocking();
    void aPromptRunsOnBothModels();
    void exportEndsWithAnOfferToOpenTheFolder();
    void everyControlHasAName();
    void themesAndTextSizesApply();
    void settingsSurviveARestart();

private:
    void makeWindow(const QString& mode, WorkerClient::Timing timing = shortLadder());
    QString makeModel(const QString& name);
    void open(const QString& folder);
    void openAndShowForm(const QString& name = "toy");
    void drop(QWidget* target, const QString& path);
    static QString textOf(const QWidget* widget);
    DoctorPanel* checks() const { return m_window->modelPage()->checks(); }
    DoctorPanel* failedChecks() const { return m_window->modelPage()->failedChecks(); }

    std::unique_ptr<Theme> m_theme;
    std::unique_ptr<QTemporaryDir> m_folder;
    std::unique_ptr<MainWindow> m_window;
};

void TestMainWindow::initTestCase()
{
    QLocale::setDefault(QLocale(QLocale::English, QLocale::UnitedStates));
    m_theme = std::make_unique<Theme>(*qApp);
}

void TestMainWindow::init()
{
    // The offscreen platform says this about every top-level window.
    failOnWarningsOfWindows();
    m_folder = std::make_unique<QTemporaryDir>();
    QVERIFY(m_folder->isValid());
}

void TestMainWindow::cleanup()
{
    m_window.reset();
    m_folder.reset();
}

void TestMainWindow::makeWindow(const QString& mode, WorkerClient::Timing timing)
{
    MainWindow::Options options;
    options.worker = fakeWorker(mode);
    options.timing = timing;
    options.settingsFile = m_folder->filePath("settings.ini");
    m_window = std::make_unique<MainWindow>(options, *m_theme);
    m_window->show();
}

/// The scripted worker looks at the name alone, the window at the folder.
QString TestMainWindow::makeModel(const QString& name)
{
    const QString folder = m_folder->filePath(name);
    QDir().mkpath(folder);
    for (const char* file : {"config.json", "model.safetensors.index.json"}) {
        QFile stub(folder + u'/' + QLatin1String(file));
        if (!stub.open(QIODevice::WriteOnly))
            return {};
    }
    return folder;
}

void TestMainWindow::open(const QString& folder)
{
    QSignalSpy opened(m_window.get(), &MainWindow::modelOpened);
    m_window->openModel(folder);
    QTRY_COMPARE_WITH_TIMEOUT(opened.count(), 1, kPatienceMs);
}

void TestMainWindow::openAndShowForm(const QString& name)
{
    open(makeModel(name));
    m_window->showRunPage();
    QTRY_VERIFY_WITH_TIMEOUT(m_window->runPage()->form()->canStart(), kPatienceMs);
}

void TestMainWindow::drop(QWidget* target, const QString& path)
{
    QMimeData data;
    data.setUrls({QUrl::fromLocalFile(path)});
    const QPoint point(10, 10);
    QDragEnterEvent enter(point, Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
    QApplication::sendEvent(target, &enter);
    QVERIFY(enter.isAccepted());
    QDropEvent event(QPointF(point), Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
    QApplication::sendEvent(target, &event);
    QVERIFY(event.isAccepted());
}

/// All that a widget and its visible children say.
QString TestMainWindow::textOf(const QWidget* widget)
{
    QStringList texts;
    for (const QLabel* label : widget->findChildren<QLabel*>())
        if (label->isVisible())
            texts += label->text();
    return texts.join(u'\n');
}

void TestMainWindow::aDroppedFolderOpens_data()
{
    QTest::addColumn<QString>("file");
    QTest::addRow("the folder itself") << "";
    QTest::addRow("its config.json") << "/config.json";
    QTest::addRow("its shard index") << "/model.safetensors.index.json";
}

void TestMainWindow::aDroppedFolderOpens()
{
    QFETCH(QString, file);
    makeWindow("script");
    const QString folder = makeModel("toy");
    QSignalSpy opened(m_window.get(), &MainWindow::modelOpened);
    drop(m_window.get(), folder + file);
    QTRY_COMPARE_WITH_TIMEOUT(opened.count(), 1, kPatienceMs);
    QCOMPARE(opened.first().first().toString(), folder);
    const auto* table = m_window->modelPage()->findChild<DataTable*>();
    QVERIFY(table->isVisible());
    QCOMPARE(table->model()->rowCount(), 42);
    QVERIFY(textOf(m_window->modelPage()).contains("13.2"));
    QVERIFY(m_window->windowTitle().startsWith("toy"));
}

void TestMainWindow::aDropOnAFieldOpensToo()
{
    makeWindow("script");
    openAndShowForm();
    for (const auto* edit : m_window->findChildren<QLineEdit*>())
        QVERIFY2(!edit->acceptDrops() || qobject_cast<QAbstractSpinBox*>(edit->parentWidget()),
                 qPrintable(edit->accessibleName()));
    for (const auto* edit : m_window->findChildren<QPlainTextEdit*>())
        QVERIFY2(!edit->acceptDrops(), qPrintable(edit->accessibleName()));
}

void TestMainWindow::aBadFolderShowsABanner_data()
{
    QTest::addColumn<QString>("name");
    QTest::addColumn<QStringList>("words");
    QTest::addRow("a folder that is missing") << "missing" << QStringList{"cannot be opened", "does not exist"};
    QTest::addRow("a broken file: where, found, expected and what to do")
        << "broken"
        << QStringList{"header is longer", "model.safetensors", "byte 0", "9223372036854775807", "at most", "Download"};
    QTest::addRow("a name made to deceive") << "broken<b>%1\n" << QStringList{"broken<b>%1\\n"};
}

void TestMainWindow::aBadFolderShowsABanner()
{
    QFETCH(QString, name);
    QFETCH(QStringList, words);
    makeWindow("script");
    QSignalSpy failed(m_window.get(), &MainWindow::openFailed);
    m_window->openModel(m_folder->filePath(name));
    QTRY_COMPARE_WITH_TIMEOUT(failed.count(), 1, kPatienceMs);
    const Banner* banner = m_window->modelPage()->banner();
    QVERIFY(banner->isVisible());
    for (const QString& word : words)
        QVERIFY2(textOf(banner).contains(word), qPrintable(word + " in: " + textOf(banner)));
    for (const QLabel* label : banner->findChildren<QLabel*>())
        QCOMPARE(label->textFormat(), Qt::PlainText);
    QVERIFY(!banner->details().isEmpty());
    QVERIFY(m_window->findChildren<QMessageBox*>().isEmpty()); // never a modal box for a job's error
}

void TestMainWindow::aFailureKeepsTheModelThatWasOpen()
{
    makeWindow("script");
    open(makeModel("toy"));
    QSignalSpy failed(m_window.get(), &MainWindow::openFailed);
    m_window->openModel(m_folder->filePath("missing"));
    QTRY_COMPARE_WITH_TIMEOUT(failed.count(), 1, kPatienceMs);
    QVERIFY(m_window->modelPage()->findChild<DataTable*>()->isVisible());
    QVERIFY(m_window->modelPage()->banner()->isVisible());
}

void TestMainWindow::anOpenedModelIsChecked()
{
    makeWindow("script");
    open(makeModel("toy"));
    QTRY_COMPARE_WITH_TIMEOUT(checks()->state(), DoctorPanel::State::Done, kPatienceMs);
    QCOMPARE(checks()->summary(), QString("2 passed, none failed"));
    QVERIFY(!m_window->modelPage()->showsChecks());
    QVERIFY(m_window->modelPage()->findChild<DataTable*>()->isVisible());
    checks()->showChecking();
    Q_EMIT checks()->checkRequested();
    QTRY_COMPARE_WITH_TIMEOUT(checks()->state(), DoctorPanel::State::Done, kPatienceMs);
}

void TestMainWindow::aModelWithAFailedCheckShowsItsChecks()
{
    makeWindow("script");
    open(makeModel("incomplete"));
    QTRY_VERIFY_WITH_TIMEOUT(m_window->modelPage()->showsChecks(), kPatienceMs);
    QVERIFY(checks()->list()->isVisible());
    QCOMPARE(checks()->needAttention(), 2);
}

void TestMainWindow::aFolderThatDoesNotOpenIsCheckedToo()
{
    makeWindow("script");
    m_window->openModel(m_folder->filePath("broken"));
    QTRY_COMPARE_WITH_TIMEOUT(failedChecks()->state(), DoctorPanel::State::Done, kPatienceMs);
    QVERIFY(failedChecks()->list()->isVisible());
    QCOMPARE(failedChecks()->summary(), QString("1 passed, 1 failed"));
    QVERIFY(m_window->modelPage()->banner()->isVisible());
    open(makeModel("toy")); // and is gone with the next model
    QVERIFY(!failedChecks()->isVisible());
    QVERIFY(!m_window->modelPage()->banner()->isVisible());
}

void TestMainWindow::checksThatCannotBeMadeAreOnlyLogged_data()
{
    QTest::addColumn<QString>("mode");
    QTest::addColumn<QString>("word");
    QTest::addRow("the worker dies of it") << "crash-doctor"
                                           << "SIGSEGV";
    QTest::addRow("the result contradicts itself") << "bad-doctor"
                                                   << "result.passed";
}

void TestMainWindow::checksThatCannotBeMadeAreOnlyLogged()
{
    QFETCH(QString, mode);
    QFETCH(QString, word);
    makeWindow(mode);
    openAndShowForm();
    QTRY_COMPARE_WITH_TIMEOUT(checks()->state(), DoctorPanel::State::Failed, kPatienceMs);
    QVERIFY(!m_window->modelPage()->banner()->isVisible());
    QVERIFY(m_window->findChildren<QMessageBox*>().isEmpty());
    const QString log = m_window->log()->text();
    QVERIFY2(log.contains("could not be made") && log.contains(word), qPrintable(log));
    RunPage* page = m_window->runPage();
    QTRY_VERIFY_WITH_TIMEOUT(page->form()->canStart(), kPatienceMs);
    page->startRun();
    QTRY_VERIFY_WITH_TIMEOUT(page->showsResult(), kPatienceMs);
}

void TestMainWindow::aRunStartsWhileTheDoctorLooks_data()
{
    QTest::addColumn<QString>("mode");
    QTest::addRow("that hears a cancel") << "slow-doctor";
    QTest::addRow("that has to be ended") << "deaf-doctor";
}

void TestMainWindow::aRunStartsWhileTheDoctorLooks()
{
    QFETCH(QString, mode);
    makeWindow(mode);
    openAndShowForm(); // the form is not blocked
    QCOMPARE(checks()->state(), DoctorPanel::State::Checking);
    RunPage* page = m_window->runPage();
    page->startRun();
    QVERIFY(page->isRunning());
    QTRY_VERIFY_WITH_TIMEOUT(page->showsResult(), kPatienceMs);
    QVERIFY(!page->banner()->isVisible());
    QCOMPARE(checks()->state(), DoctorPanel::State::Failed);
    QVERIFY(textOf(checks()).isEmpty()); // the Model page is not shown
    m_window->showModelPage();
    m_window->modelPage()->showChecks();
    QVERIFY2(textOf(checks()).contains("made room"), qPrintable(textOf(checks())));
}

void TestMainWindow::anotherModelOpensWhileTheDoctorLooks()
{
    makeWindow("slow-doctor", {}); // a busy machine must not end the worker whose id is compared
    open(makeModel("toy"));
    QTRY_COMPARE_WITH_TIMEOUT(checks()->state(), DoctorPanel::State::Checking, kPatienceMs);
    const qint64 worker = m_window->worker()->processId();
    open(makeModel("another"));
    QCOMPARE(m_window->worker()->processId(), worker);
    QCOMPARE(m_window->findChildren<WorkerClient*>(QString(), Qt::FindDirectChildrenOnly).size(),
             1); // no second worker for it
    QCOMPARE(checks()->state(), DoctorPanel::State::Checking);
    QSignalSpy failed(m_window.get(), &MainWindow::openFailed);
    m_window->openModel(m_folder->filePath("broken"));
    QTRY_COMPARE_WITH_TIMEOUT(failed.count(), 1, kPatienceMs);
    QCOMPARE(checks()->state(), DoctorPanel::State::Failed); // of "another": nobody looks any more
    QCOMPARE(failedChecks()->state(), DoctorPanel::State::Checking);
}

void TestMainWindow::theSecondWorkerLivesUntilItsChecksAreMade()
{
    makeWindow("slow");
    openAndShowForm();
    m_window->runPage()->startRun();
    open(makeModel("another"));
    QCOMPARE(m_window->findChildren<WorkerClient*>(QString(), Qt::FindDirectChildrenOnly).size(), 2);
    QTRY_COMPARE_WITH_TIMEOUT(checks()->state(), DoctorPanel::State::Done, kPatienceMs);
    QTRY_COMPARE_WITH_TIMEOUT(m_window->findChildren<WorkerClient*>(QString(), Qt::FindDirectChildrenOnly).size(), 1,
                              kPatienceMs);
    QVERIFY(m_window->runPage()->isRunning());
}

void TestMainWindow::aWorkerThatDiesInOpeningIsNotAskedAgain()
{
    makeWindow("silent-exit");
    QSignalSpy failed(m_window.get(), &MainWindow::openFailed);
    m_window->openModel(makeModel("toy"));
    QTRY_COMPARE_WITH_TIMEOUT(failed.count(), 1, kPatienceMs);
    QCOMPARE(failedChecks()->state(), DoctorPanel::State::Empty);
    QVERIFY(!m_window->worker()->isBusy());
    QVERIFY(m_window->modelPage()->startView()->isVisible());
    QVERIFY(m_window->modelPage()->banner()->isVisible());
}

void TestMainWindow::theWindowClosesWhileTheDoctorLooks()
{
    makeWindow("slow-doctor");
    open(makeModel("toy"));
    QTRY_COMPARE_WITH_TIMEOUT(checks()->state(), DoctorPanel::State::Checking, kPatienceMs);
    QVERIFY(m_window->close()); // without a question
    QVERIFY(m_window->findChildren<QMessageBox*>().isEmpty());
}

void TestMainWindow::theOutputFolderIsSuggestedBesideTheModel()
{
    makeWindow("script");
    openAndShowForm();
    RunForm* form = m_window->runPage()->form();
    QCOMPARE(form->outputFolder(), m_folder->filePath("toy-lat-3bit"));
    form->setBits(2);
    QTRY_COMPARE_WITH_TIMEOUT(form->outputFolder(), m_folder->filePath("toy-lat-2bit"), kPatienceMs);
    QDir().mkpath(m_folder->filePath("toy-lat-4bit"));
    form->setBits(4);
    QTRY_COMPARE_WITH_TIMEOUT(form->outputFolder(), m_folder->filePath("toy-lat-4bit-2"), kPatienceMs);
    form->setOutputFolder(m_folder->filePath("mine"));
    form->setBits(1);
    QTest::qWait(50);
    QCOMPARE(form->outputFolder(), m_folder->filePath("mine")); // what the user chose stays
    QCOMPARE(form->plan().quantize.bits, 1);
}

void TestMainWindow::aFullOutputFolderBlocksTheStart()
{
    makeWindow("script");
    openAndShowForm();
    RunForm* form = m_window->runPage()->form();
    form->setOutputFolder(m_folder->filePath("toy")); // the model itself
    QTRY_VERIFY_WITH_TIMEOUT(textOf(form).contains("not empty"), kPatienceMs);
    QVERIFY(!form->canStart());
    form->setOutputFolder(m_folder->filePath("fresh"));
    QTRY_VERIFY_WITH_TIMEOUT(form->canStart(), kPatienceMs);
    form->setOutputFolder(m_folder->filePath("no/such/place"));
    QTRY_VERIFY_WITH_TIMEOUT(textOf(form).contains("does not exist"), kPatienceMs);
    form->setOutputFolder("relative");
    QTRY_VERIFY_WITH_TIMEOUT(textOf(form).contains("full path"), kPatienceMs);
    QVERIFY(!form->canStart());
}

void TestMainWindow::aRunEndsWithBeforeAndAfter()
{
    makeWindow("script");
    openAndShowForm();
    RunPage* page = m_window->runPage();
    QList<CompressionRun::Stage> stages;
    connect(page->run(), &CompressionRun::stageChanged, this, [&stages](auto stage) { stages += stage; });
    page->startRun();
    QVERIFY(page->isRunning());
    QTRY_VERIFY_WITH_TIMEOUT(!page->isRunning(), kPatienceMs);
    using Stage = CompressionRun::Stage;
    QCOMPARE(stages, (QList<Stage>{Stage::Quantizing, Stage::MeasuringOriginal, Stage::MeasuringPacked, Stage::Idle}));
    QVERIFY(page->showsResult());
    const ResultPanel* result = page->view()->result();
    QVERIFY(result->isVisible());
    QVERIFY2(result->headline().contains("times smaller"), qPrintable(result->headline()));
    QVERIFY2(textOf(result).contains("58.81"), qPrintable(textOf(result)));
    const auto* table = page->view()->findChild<DataTable*>();
    QCOMPARE(table->model()->rowCount(), 42);
    QVERIFY(!page->banner()->isVisible());
}

void TestMainWindow::cancelLeadsBackToTheForm()
{
    makeWindow("slow");
    openAndShowForm();
    RunPage* page = m_window->runPage();
    QSignalSpy progressed(page->run(), &CompressionRun::progressed);
    page->startRun();
    QTRY_VERIFY_WITH_TIMEOUT(progressed.count() > 0, kPatienceMs);
    page->cancel();
    QTRY_VERIFY_WITH_TIMEOUT(!page->isRunning(), kPatienceMs);
    QVERIFY(page->form()->isVisible());
    QTRY_VERIFY_WITH_TIMEOUT(textOf(page->banner()).contains("cancelled"), kPatienceMs);
    QTRY_VERIFY_WITH_TIMEOUT(page->form()->canStart(), kPatienceMs);
}

void TestMainWindow::aKilledWorkerShowsABannerAndANewJobRuns()
{
    makeWindow("slow");
    openAndShowForm();
    RunPage* page = m_window->runPage();
    QSignalSpy progressed(page->run(), &CompressionRun::progressed);
    page->startRun();
    QTRY_VERIFY_WITH_TIMEOUT(progressed.count() > 0, kPatienceMs);
    const qint64 dead = m_window->worker()->processId();
    QCOMPARE(::kill(static_cast<pid_t>(dead), SIGKILL), 0);
    QTRY_VERIFY_WITH_TIMEOUT(page->banner()->isVisible(), kPatienceMs);
    QVERIFY(m_window->isVisible());
    const QString words = textOf(page->banner());
    QVERIFY2(words.contains("SIGKILL"), qPrintable(words));
    QVERIFY2(words.contains("Quantizing"), qPrintable(words));

    QPushButton* again = nullptr;
    for (auto* button : page->banner()->findChildren<QPushButton*>())
        if (button->text() == "Start again")
            again = button;
    QVERIFY(again && again->isVisible());
    progressed.clear();
    QTest::mouseClick(again, Qt::LeftButton);
    QTRY_VERIFY_WITH_TIMEOUT(progressed.count() > 0, kPatienceMs);
    QVERIFY(m_window->worker()->processId() != dead);
    QVERIFY(!page->banner()->isVisible());
}

void TestMainWindow::aWorkerThatHadToBeKilledDoesNotBlockTheNextRun()
{
    makeWindow("stubborn");
    openAndShowForm();
    RunPage* page = m_window->runPage();
    QSignalSpy progressed(page->run(), &CompressionRun::progressed);
    page->startRun();
    QTRY_VERIFY_WITH_TIMEOUT(progressed.count() > 0, kPatienceMs);
    page->cancel();
    QTRY_VERIFY_WITH_TIMEOUT(!page->isRunning(), kPatienceMs);
    QTRY_VERIFY_WITH_TIMEOUT(page->form()->canStart(), kPatienceMs);
    progressed.clear();
    page->startRun();
    QTRY_VERIFY_WITH_TIMEOUT(progressed.count() > 0, kPatienceMs);
}

void TestMainWindow::aModelOpensWhileARunGoesOn()
{
    makeWindow("slow");
    openAndShowForm();
    RunPage* page = m_window->runPage();
    page->startRun();
    open(makeModel("another"));
    QVERIFY(page->isRunning());
    QVERIFY(m_window->windowTitle().startsWith("another"));
    QCOMPARE(page->run()->plan().model.displayName(), QString("toy"));
}

void TestMainWindow::theWindowStaysLiveInAFlood()
{
    makeWindow("flood");
    openAndShowForm();
    RunPage* page = m_window->runPage();
    QTimer timer;
    QElapsedTimer clock;
    qint64 largestGap = 0;
    connect(&timer, &QTimer::timeout, this, [&] { largestGap = std::max(largestGap, clock.restart()); });
    page->startRun();
    clock.start();
    timer.start(10);
    QTRY_VERIFY_WITH_TIMEOUT(!page->isRunning(), kPatienceMs);
    timer.stop();
    QVERIFY(page->showsResult());
    qInfo("largest gap of a 10 ms timer: %lld ms", static_cast<long long>(largestGap));
    QVERIFY2(largestGap < 250, qPrintable(QString::number(largestGap)));
}

void TestMainWindow::closingDuringAJobAsksWithoutBlocking()
{
    makeWindow("slow");
    openAndShowForm();
    RunPage* page = m_window->runPage();
    QSignalSpy progressed(page->run(), &CompressionRun::progressed);
    page->startRun();
    QTRY_VERIFY_WITH_TIMEOUT(progressed.count() > 0, kPatienceMs);
    QVERIFY(!m_window->close());
    auto* box = m_window->findChild<QMessageBox*>();
    QVERIFY(box && box->isVisible());
    QVERIFY(page->isRunning());
    for (QAbstractButton* button : box->buttons())
        if (box->buttonRole(button) == QMessageBox::DestructiveRole)
            QTest::mouseClick(button, Qt::LeftButton);
    QTRY_VERIFY_WITH_TIMEOUT(!m_window->isVisible(), kPatienceMs);
    QVERIFY(!page->isRunning());
}

void TestMainWindow::aPromptRunsOnBothModels()
{
    makeWindow("script");
    openAndShowForm();
    RunPage* page = m_window->runPage();
    page->startRun();
    QTRY_VERIFY_WITH_TIMEOUT(page->showsResult(), kPatienceMs);
    PromptPanel* prompt = page->view()->prompt();
    prompt->setPrompt("The fox");
    prompt->generate();
    QVERIFY(prompt->isRunning());
    QTRY_VERIFY_WITH_TIMEOUT(!prompt->isRunning(), kPatienceMs);
    int panes = 0;
    for (const auto* edit : prompt->findChildren<QPlainTextEdit*>()) {
        ++panes;
        QVERIFY2(edit->toPlainText().startsWith(" the quick brown fox"), qPrintable(edit->toPlainText()));
    }
    QCOMPARE(panes, 2);
}

void TestMainWindow::exportEndsWithAnOfferToOpenTheFolder()
{
    makeWindow("script");
    openAndShowForm();
    RunPage* page = m_window->runPage();
    page->exportModel(m_folder->filePath("packed"), m_folder->filePath("packed-fp16"));
    QVERIFY(page->isRunning());
    QTRY_VERIFY_WITH_TIMEOUT(!page->isRunning(), kPatienceMs);
    QVERIFY(textOf(page->banner()).contains("packed-fp16"));
    QSignalSpy wanted(page, &RunPage::openFolderRequested);
    disconnect(page, &RunPage::openFolderRequested, m_window.get(), nullptr); // no file manager in a test
    Q_EMIT page->banner()->acted();
    QCOMPARE(wanted.count(), 1);
}

void TestMainWindow::everyControlHasAName()
{
    makeWindow("script");
    openAndShowForm();
    for (const QWidget* widget : m_window->findChildren<QWidget*>()) {
        if (widget->isHidden() || widget->focusPolicy() == Qt::NoFocus || !(widget->focusPolicy() & Qt::TabFocus))
            continue;
        const auto* button = qobject_cast<const QAbstractButton*>(widget);
        const bool named = !widget->accessibleName().isEmpty() || (button && !button->text().isEmpty());
        const bool inner = qobject_cast<const QAbstractSpinBox*>(widget->parentWidget()) ||
                           widget->inherits("QScrollArea") || widget->objectName().startsWith("qt_") ||
                           widget->inherits("QDockWidget") || widget->parentWidget()->inherits("QDockWidget") ||
                           widget->inherits("QComboBoxListView");
        QVERIFY2(named || inner, qPrintable(QStringLiteral("%1 in %2")
                                                .arg(widget->metaObject()->className(),
                                                     widget->parentWidget()->metaObject()->className())));
    }
}

void TestMainWindow::themesAndTextSizesApply()
{
    makeWindow("script");
    m_theme->apply(ThemeMode::Dark);
    QVERIFY(isDark(m_window->palette()));
    m_theme->apply(ThemeMode::Light);
    QVERIFY(!isDark(m_window->palette()));
    const double normal = QApplication::font().pointSizeF();
    m_theme->setTextPercent(150);
    QVERIFY(std::abs(QApplication::font().pointSizeF() - 1.5 * normal) < 0.01);
    m_theme->setTextPercent(5000);
    QCOMPARE(m_theme->textPercent(), 200);
    m_theme->setTextPercent(100);
}

void TestMainWindow::settingsSurviveARestart()
{
    makeWindow("script");
    const QString folder = makeModel("toy");
    open(folder);
    m_window->resize(1100, 750);
    QVERIFY(m_window->close());
    makeWindow("script");
    QCOMPARE(Settings(m_folder->filePath("settings.ini")).recentModels(), QStringList{folder});
    QCOMPARE(m_window->size(), QSize(1100, 750));
}

QTEST_MAIN(TestMainWindow)
#include "tst_main_window.moc"
