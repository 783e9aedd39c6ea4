// SPDX-License-Identifier: GPL-3.0-or-later
// The Chat page with two real processes of the scripted worker.
#include "tests/ui/ui_fixture.h"
#include "ui/compare/candidate_card.h"
#include "ui/compare/chat_page.h"
#include "ui/compare/chat_pane.h"
#include "ui/compare/chat_session.h"
#include "ui/compare/chat_view.h"
#include "ui/compare/composer.h"
#include "ui/compare/divergence_card.h"
#include "ui/compare/sampling_bar.h"
#include "ui/main_window.h"
#include "ui/style/theme.h"
#include "ui/widgets/banner.h"

#include <QAbstractButton>
#include <QAbstractSpinBox>
#include <QApplication>
#include <QClipboard>
#include <QDir>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QTemporaryDir>

#include <csignal>
#include <memory>

using namespace sa;
using namespace sa::ui;

class TestChatPage : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase();
    void init();
    void cleanup();
    void thePageOffersWhatIsKnown();
    void noProcessIsStartedBeforeThePageIsSeen();
    void aModelThatDoesNotOpenIsToldAndCanBeReplaced();
    void bothPanesStreamAndPart();
    void enterAsksAndShiftEnterDoesNot();
    void stopEndsBoth();
    void theSameSeedGivesTheSameAnswer();
    void theLastPromptIsEdited();
    void aDeadWorkerLeavesTheOtherPaneAlone();
    void aKilledWorkerAnswersAgain();
    void modelsThatDoNotFitAnswerInTurn();
    void candidatesOfBothModelsAreShown();
    void theLeftTextIsScored();
    void conversationsComeBack();
    void aFastAnswerIsShownWhole();
    void theWindowBringsItsModelsAlong();
    void everyControlHasAName();

private:
    void makePage(const QString& mode = QStringLiteral("script"), int number = 5);
    QString makeModel(const QString& name, bool packed = false);
    void makeReady(const QString& left = QStringLiteral("toy"), const QString& right = QStringLiteral("toy-packed"));
    void ask(const QString& prompt, int maxTokens = 20);
    void waitForEnd();
    Turn lastTurn() const { return m_page->session()->conversation().turns.back(); }

    std::unique_ptr<Theme> m_theme;
    std::unique_ptr<QTemporaryDir> m_folder;
    std::unique_ptr<ChatPage> m_page;
};

void TestChatPage::initTestCase()
{
    m_theme = englishAndLight();
}

void TestChatPage::init()
{
    failOnWarningsOfWindows();
    m_folder = std::make_unique<QTemporaryDir>();
}

void TestChatPage::cleanup()
{
    m_page.reset();
    m_folder.reset();
}

void TestChatPage::makePage(const QString& mode, int number)
{
    m_page = std::make_unique<ChatPage>(
        ChatPage::Options{fakeWorker(mode, number), shortLadder(), m_folder->filePath("chats")});
    m_page->pretendFree(8ull << 30);
    m_page->resize(1180, 700);
    m_page->show();
}

QString TestChatPage::makeModel(const QString& name, bool packed)
{
    const QString folder = m_folder->filePath(name);
    QDir().mkpath(folder);
    QFile config(folder + QStringLiteral("/config.json"));
    if (config.open(QIODevice::WriteOnly))
        config.write(packed ? "{\"quantization_config\":{}}" : "{}");
    return folder;
}

void TestChatPage::makeReady(const QString& left, const QString& right)
{
    m_page->chooseModel(0, makeModel(left));
    m_page->chooseModel(1, makeModel(right, true));
    QTRY_VERIFY_WITH_TIMEOUT(m_page->isReady(), kPatienceMs);
    QVERIFY(m_page->showsConversation());
}

void TestChatPage::ask(const QString& prompt, int maxTokens)
{
    Sampling sampling = m_page->view()->samplingBar()->sampling();
    sampling.maxTokens = maxTokens;
    m_page->view()->samplingBar()->setSampling(sampling);
    m_page->session()->setSampling(sampling);
    m_page->view()->composer()->setPrompt(prompt);
    m_page->view()->composer()->act();
    QVERIFY(m_page->isRunning());
}

void TestChatPage::waitForEnd()
{
    QTRY_VERIFY_WITH_TIMEOUT(!m_page->isRunning(), kPatienceMs);
}

void TestChatPage::thePageOffersWhatIsKnown()
{
    makePage();
    QVERIFY(!m_page->showsConversation());
    const QString original = makeModel("toy"), packed = makeModel("toy-packed", true);
    m_page->setRecentModels({original, packed, m_folder->filePath("gone")});
    const auto buttons = [this] {
        QStringList names;
        for (const QPushButton* button : m_page->chooser()->findChildren<QPushButton*>())
            if (button->property("role").toString() == "recent" && button->isVisible())
                names += button->accessibleName();
        return names;
    };
    QTRY_COMPARE_WITH_TIMEOUT(buttons().size(), 4, kPatienceMs);
    QCOMPARE(buttons()[0], QString("toy, original"));
    QCOMPARE(buttons()[2], QString("toy-packed, compressed"));
    for (QPushButton* button : m_page->chooser()->findChildren<QPushButton*>())
        if (button->accessibleName() == "toy-packed, compressed" && button->isVisible())
            QMetaObject::invokeMethod(button, "click", Qt::QueuedConnection);
    QTRY_VERIFY_WITH_TIMEOUT(m_page->isReady(), kPatienceMs); // both columns offered it
    QVERIFY(m_page->showsConversation());
}

void TestChatPage::noProcessIsStartedBeforeThePageIsSeen()
{
    m_page =
        std::make_unique<ChatPage>(ChatPage::Options{fakeWorker("script"), shortLadder(), m_folder->filePath("chats")});
    m_page->chooseModel(0, makeModel("toy"));
    m_page->chooseModel(1, makeModel("toy-packed", true));
    QTest::qWait(50);
    QVERIFY(m_page->worker(0)->state() == WorkerClient::State::NotStarted);
    m_page->show();
    QTRY_VERIFY_WITH_TIMEOUT(m_page->isReady(), kPatienceMs);
}

void TestChatPage::aModelThatDoesNotOpenIsToldAndCanBeReplaced()
{
    makePage();
    m_page->chooseModel(0, makeModel("broken"));
    QTRY_VERIFY_WITH_TIMEOUT(m_page->chooser()->banner()->isVisible(), kPatienceMs);
    QVERIFY(m_page->chooser()->banner()->details().contains("header"));
    makeReady();
    QVERIFY(!m_page->chooser()->banner()->isVisible());
    m_page->chooseModel(1, makeModel("missing"));
    QTRY_VERIFY_WITH_TIMEOUT(m_page->banner()->isVisible() || m_page->chooser()->banner()->isVisible(), kPatienceMs);
    QVERIFY(!m_page->isReady());
}

void TestChatPage::bothPanesStreamAndPart()
{
    makePage();
    makeReady();
    ask("What jumps?");
    TokenView* left = m_page->view()->pane(0)->view();
    TokenView* right = m_page->view()->pane(1)->view();
    QTRY_VERIFY_WITH_TIMEOUT(left->blockCount() == 2 && left->tokenCount(1) > 2 && right->tokenCount(1) > 2,
                             kPatienceMs);
    QVERIFY2(m_page->isRunning(), "the tokens are seen while they come");
    waitForEnd();
    QCOMPARE(left->tokenCount(1), 20);
    QCOMPARE(right->tokenCount(1), 20);
    QCOMPARE(left->mark(1), 7);
    QCOMPARE(right->mark(1), 7);
    QVERIFY(m_page->view()->pane(0)->figures().contains("50.0"));
    QVERIFY(m_page->view()->pane(0)->figures().contains("191"));
    m_page->view()->pane(1)->copyRequested();
    QCOMPARE(QApplication::clipboard()->text(), lastTurn().answers[1].text());
}

void TestChatPage::enterAsksAndShiftEnterDoesNot()
{
    makePage();
    makeReady();
    QPlainTextEdit* box = m_page->view()->composer()->box();
    QTest::keyClicks(box, "One");
    QTest::keyClick(box, Qt::Key_Return, Qt::ShiftModifier);
    QTest::keyClicks(box, "two");
    QVERIFY(!m_page->isRunning());
    QTest::keyClick(box, Qt::Key_Return);
    QVERIFY(m_page->isRunning());
    QCOMPARE(lastTurn().prompt, QString("One\ntwo"));
    QTest::keyClicks(box, "next");
    QTest::keyClick(box, Qt::Key_Return); // would otherwise stop what was just asked
    QVERIFY(m_page->isRunning());
    QCOMPARE(m_page->session()->conversation().turns.size(), std::size_t(1));
    m_page->stop();
    waitForEnd();
}

void TestChatPage::stopEndsBoth()
{
    makePage();
    makeReady();
    ask("What jumps?", 200);
    QTRY_VERIFY_WITH_TIMEOUT(!lastTurn().answers[0].tokens.empty() && !lastTurn().answers[1].tokens.empty(),
                             kPatienceMs);
    m_page->view()->composer()->act();
    waitForEnd();
    for (const Answer& answer : lastTurn().answers) {
        QVERIFY(answer.state == Answer::State::Stopped);
        QVERIFY(answer.tokens.size() < 200);
    }
}

void TestChatPage::theSameSeedGivesTheSameAnswer()
{
    makePage();
    makeReady();
    Sampling sampling;
    sampling.greedy = false;
    sampling.seed = 4;
    m_page->view()->samplingBar()->setSampling(sampling);
    ask("What jumps?");
    waitForEnd();
    const Turn first = lastTurn();
    m_page->session()->regenerate();
    waitForEnd();
    QVERIFY(lastTurn().answers[0].tokens == first.answers[0].tokens);
    QVERIFY(lastTurn().answers[1].tokens == first.answers[1].tokens);
    QCOMPARE(lastTurn().answers[0].tokens[0].id, 304);
}

void TestChatPage::theLastPromptIsEdited()
{
    makePage();
    makeReady();
    ask("What jumps?");
    waitForEnd();
    Composer* composer = m_page->view()->composer();
    composer->editRequested();
    QCOMPARE(composer->prompt(), QString("What jumps?"));
    QVERIFY(composer->isEditing());
    composer->setPrompt("What sleeps?");
    composer->act();
    QCOMPARE(m_page->session()->conversation().turns.size(), std::size_t(1));
    QCOMPARE(lastTurn().prompt, QString("What sleeps?"));
    waitForEnd();
    QCOMPARE(m_page->view()->pane(0)->view()->blockCount(), 2);
}

void TestChatPage::aDeadWorkerLeavesTheOtherPaneAlone()
{
    makePage("script", 6);
    makeReady("toy", "deadly-packed");
    ask("What jumps?", 100);
    ChatPane* right = m_page->view()->pane(1);
    QTRY_VERIFY_WITH_TIMEOUT(right->banner()->isVisible(), kPatienceMs);
    QVERIFY2(m_page->isRunning(), "the left pane goes on");
    QVERIFY(right->banner()->details().contains("SIGSEGV"));
    QVERIFY(right->banner()->details().contains("about to crash"));
    waitForEnd();
    QCOMPARE(lastTurn().answers[0].tokens.size(), std::size_t(100));
    QVERIFY(lastTurn().answers[0].state == Answer::State::Done);
    QCOMPARE(lastTurn().answers[1].tokens.size(), std::size_t(6));
    QVERIFY(!m_page->view()->pane(0)->banner()->isVisible());
}

void TestChatPage::aKilledWorkerAnswersAgain()
{
    makePage();
    makeReady();
    ask("What jumps?", 40);
    QTRY_VERIFY_WITH_TIMEOUT(!lastTurn().answers[1].tokens.empty(), kPatienceMs);
    ::kill(static_cast<pid_t>(m_page->worker(1)->processId()), SIGKILL);
    waitForEnd();
    QVERIFY(lastTurn().answers[1].state == Answer::State::Failed);
    ChatPane* right = m_page->view()->pane(1);
    QVERIFY(right->banner()->isVisible());
    Q_EMIT right->banner()->acted(); // Answer again
    QVERIFY(m_page->isRunning());
    QVERIFY(!right->banner()->isVisible());
    waitForEnd();
    QCOMPARE(lastTurn().answers[1].tokens.size(), std::size_t(40));
    QCOMPARE(lastTurn().answers[0].tokens.size(), std::size_t(40));
    QCOMPARE(right->view()->mark(1), 7);
}

void TestChatPage::modelsThatDoNotFitAnswerInTurn()
{
    makePage();
    m_page->pretendFree(100u << 20);
    makeReady();
    QTRY_VERIFY_WITH_TIMEOUT(m_page->session()->isInTurn(), kPatienceMs);
    QVERIFY(m_page->view()->samplingBar()->memoryRemark().contains("one after the other"));
    ask("What jumps?");
    QTRY_VERIFY_WITH_TIMEOUT(!lastTurn().answers[0].tokens.empty(), kPatienceMs);
    QVERIFY(lastTurn().answers[1].tokens.empty());
    QVERIFY(lastTurn().answers[1].state == Answer::State::Waiting);
    waitForEnd();
    QCOMPARE(lastTurn().answers[1].tokens.size(), std::size_t(20));
    QCOMPARE(m_page->view()->pane(1)->view()->mark(1), 7);
    m_page->pretendFree(8ull << 30);
    QTRY_VERIFY_WITH_TIMEOUT(!m_page->session()->isInTurn(), kPatienceMs);
    Q_EMIT m_page->view()->samplingBar()->inTurnChosen(true);
    m_page->pretendFree(9ull << 30);
    QTest::qWait(50);
    QVERIFY2(m_page->session()->isInTurn(), "what the user chose stays");
}

void TestChatPage::candidatesOfBothModelsAreShown()
{
    makePage();
    makeReady();
    ask("What jumps?");
    waitForEnd();
    ChatView* view = m_page->view();
    view->showFirstDifference();
    QVERIFY(view->candidates()->isVisible());
    QVERIFY(view->candidates()->text().contains("Token 8"));
    QVERIFY(view->candidates()->text().contains(QStringLiteral("“ lazy” 60.7")));
    QVERIFY(view->candidates()->text().contains(QStringLiteral("“ quick” 60.7")));
    QCOMPARE(view->pane(1)->view()->current(), (TokenPlace{1, 7}));
    view->pointAt(0, {1, 9});
    QVERIFY(view->candidates()->text().contains("different texts"));
    QVERIFY(!view->pane(1)->view()->current().isValid());
    view->pointAt(0, {});
    QVERIFY(!view->candidates()->isVisible());
}

void TestChatPage::theLeftTextIsScored()
{
    makePage();
    makeReady();
    ask("What jumps?");
    waitForEnd();
    m_page->session()->force();
    QVERIFY(m_page->view()->divergence()->isVisible());
    waitForEnd();
    QCOMPARE(lastTurn().forced.tokens.size(), std::size_t(20));
    const QString summary = m_page->view()->divergence()->summary();
    QVERIFY2(summary.contains("whole vocabulary"), qPrintable(summary));
    QVERIFY2(summary.contains("mean 0.105"), qPrintable(summary));
    QVERIFY2(summary.contains("largest 0.200 at token 20"), qPrintable(summary));
    m_page->view()->pointAt(0, {1, 9});
    QVERIFY(m_page->view()->candidates()->text().contains("after the left text"));
}

void TestChatPage::conversationsComeBack()
{
    makePage();
    makeReady();
    ask("What jumps?");
    waitForEnd();
    QTRY_COMPARE_WITH_TIMEOUT(m_page->history().entries.size(), std::size_t(1), kPatienceMs);
    const QString id = m_page->session()->conversation().id;
    const Turn before = lastTurn();
    makePage(); // another session of the program
    QTRY_COMPARE_WITH_TIMEOUT(m_page->history().entries.size(), std::size_t(1), kPatienceMs);
    QCOMPARE(m_page->history().entries[0].title, QString("What jumps?"));
    m_page->openConversation(id);
    QTRY_VERIFY_WITH_TIMEOUT(m_page->isReady(), kPatienceMs);
    QVERIFY(m_page->showsConversation());
    QVERIFY(lastTurn().answers[1].tokens == before.answers[1].tokens);
    QCOMPARE(m_page->view()->pane(1)->view()->mark(1), 7);
    ask("And what sleeps?");
    waitForEnd();
    QCOMPARE(m_page->session()->conversation().turns.size(), std::size_t(2));
    QTRY_COMPARE_WITH_TIMEOUT(m_page->history().entries[0].turns, 2, kPatienceMs);
    QCOMPARE(m_page->history().entries.size(), std::size_t(1));

    QFile damaged(m_folder->filePath("chats") + "/20990101-000000-000-ffff.json");
    QVERIFY(damaged.open(QIODevice::WriteOnly));
    damaged.write("{");
    damaged.close();
    m_page->openConversation("20990101-000000-000-ffff");
    QTRY_VERIFY_WITH_TIMEOUT(m_page->banner()->isVisible(), kPatienceMs);
    QCOMPARE(m_page->session()->conversation().id, id);
}

void TestChatPage::aFastAnswerIsShownWhole()
{
    makePage("fast-chat");
    makeReady();
    QSignalSpy arrived(m_page->session(), &ChatSession::tokensArrived);
    ask("What jumps?", 2000);
    waitForEnd();
    for (int side = 0; side < 2; ++side) {
        QCOMPARE(lastTurn().answers[static_cast<std::size_t>(side)].tokens.size(), std::size_t(2000));
        QCOMPARE(m_page->view()->pane(side)->view()->tokenCount(1), 2000);
    }
    QVERIFY2(arrived.count() < 2000, "tokens are shown a frame's worth at a time");
}

void TestChatPage::theWindowBringsItsModelsAlong()
{
    MainWindow::Options options;
    options.worker = fakeWorker("script");
    options.timing = shortLadder();
    options.settingsFile = m_folder->filePath("settings.ini");
    MainWindow window(options, *m_theme);
    window.show();
    QSignalSpy opened(&window, &MainWindow::modelOpened);
    window.openModel(makeModel("toy"));
    QTRY_COMPARE_WITH_TIMEOUT(opened.count(), 1, kPatienceMs);
    window.showChatPage();
    QVERIFY(window.chatPage()->isVisible());
    QVERIFY(!window.chatPage()->showsConversation());
    window.chatPage()->suggestPair(makeModel("toy"), makeModel("toy-packed", true));
    QTRY_VERIFY_WITH_TIMEOUT(window.chatPage()->isReady(), kPatienceMs);
    QVERIFY(window.chatPage()->showsConversation());
}

void TestChatPage::everyControlHasAName()
{
    makePage();
    makeReady();
    for (QWidget* widget : m_page->findChildren<QWidget*>()) {
        if (widget->focusPolicy() == Qt::NoFocus || widget->objectName().startsWith("qt_"))
            continue;
        const auto* button = qobject_cast<QAbstractButton*>(widget);
        const bool isControl = button || qobject_cast<QAbstractSpinBox*>(widget) ||
                               qobject_cast<QPlainTextEdit*>(widget) || qobject_cast<TokenView*>(widget);
        if (!isControl || qobject_cast<QAbstractSpinBox*>(widget->parentWidget()))
            continue;
        QVERIFY2(!widget->accessibleName().isEmpty() || (button && !button->text().isEmpty()),
                 widget->metaObject()->className());
    }
}

QTEST_MAIN(TestChatPage)
#include "tst_chat_page.moc"
