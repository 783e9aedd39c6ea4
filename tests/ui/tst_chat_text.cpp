// SPDX-License-Identifier: GPL-3.0-or-later
// Tokens as text on screen: what a new token costs must not depend on how much there is already.
#include "ui/compare/token_view.h"

#include <QApplication>
#include <QKeyEvent>
#include <QScrollBar>
#include <QSignalSpy>
#include <QTest>

using namespace sa;
using namespace sa::ui;

namespace
{

constexpr qreal kWidth = 400;
constexpr qsizetype kAll = 100'000'000;

std::vector<ChatToken> words(int count)
{
    std::vector<ChatToken> tokens;
    for (int i = 0; i < count; ++i) {
        ChatToken token;
        token.id = i;
        token.text = i % 97 == 96 ? QStringLiteral("\n\n") : QStringLiteral(" word%1").arg(i % 13);
        tokens.push_back(token);
    }
    return tokens;
}

} // namespace

class TestChatText : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void aTokenCostsTheSameAtTheEndOfALongText_data();
    void aTokenCostsTheSameAtTheEndOfALongText();
    void growingGivesTheSameAsAllAtOnce_data();
    void growingGivesTheSameAsAllAtOnce();
    void everyTokenIsWhereItIsFound();
    void truncatedTextGrowsAgain();
    void controlCharactersAreShown();
    void aLongLayoutComesInSlices();
    void theViewFollowsTheEndUntilTheUserLooksElsewhere();
    void aThousandTokensInManyFrames();
    void arrowKeysGoFromTokenToToken();
    void marksAndNotesDoNotMoveTokens();
};

void TestChatText::aTokenCostsTheSameAtTheEndOfALongText_data()
{
    QTest::addColumn<QString>("token");
    QTest::addRow("words") << " word";
    QTest::addRow("one endless word") << "word";
    QTest::addRow("paragraphs") << "a line of text\n";
    QTest::addRow("right to left") << QStringLiteral(" \u05e9\u05dc\u05d5\u05dd");
}

void TestChatText::aTokenCostsTheSameAtTheEndOfALongText()
{
    QFETCH(QString, token);
    TextFlow flow;
    flow.setFormat(QApplication::font(), kWidth);
    qint64 largest = 0;
    for (int i = 0; i < 3000; ++i) {
        const qint64 before = flow.work();
        flow.append(token);
        QVERIFY(flow.layOut(kAll));
        largest = std::max(largest, flow.work() - before);
    }
    QCOMPARE(flow.tokenCount(), 3000);
    // Five open lines of at most as many characters as the narrowest could be there.
    QVERIFY2(static_cast<qreal>(largest) < 5 * kWidth, qPrintable(QString::number(largest)));
}

void TestChatText::growingGivesTheSameAsAllAtOnce_data()
{
    QTest::addColumn<int>("step");
    for (const int step : {1, 2, 7, 50})
        QTest::addRow("%d at a time", step) << step;
}

void TestChatText::growingGivesTheSameAsAllAtOnce()
{
    QFETCH(int, step);
    const auto tokens = words(700);
    TextFlow whole, growing;
    whole.setFormat(QApplication::font(), kWidth);
    growing.setFormat(QApplication::font(), kWidth);
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        whole.append(tokens[i].text);
        growing.append(tokens[i].text);
        if (i % static_cast<std::size_t>(step) == 0)
            growing.layOut(kAll);
    }
    QVERIFY(whole.layOut(kAll));
    QVERIFY(growing.layOut(kAll));
    QCOMPARE(growing.height(), whole.height());
    for (const int token : {0, 13, 96, 97, 350, 699}) {
        const auto a = whole.rectsOf(token), b = growing.rectsOf(token);
        QCOMPARE(a.size(), b.size());
        for (std::size_t i = 0; i < a.size(); ++i)
            QCOMPARE(b[i].top(), a[i].top());
    }
}

void TestChatText::everyTokenIsWhereItIsFound()
{
    TextFlow flow;
    flow.setFormat(QApplication::font(), kWidth);
    const auto tokens = words(300);
    for (const ChatToken& token : tokens)
        flow.append(token.text);
    flow.layOut(kAll);
    for (int token = 0; token < 300; ++token)
        for (const QRectF& rect : flow.rectsOf(token))
            if (rect.width() > 6)
                QCOMPARE(flow.tokenAt(rect.center()), token);
    QCOMPARE(flow.tokenAt({-5, 5}), -1);
    QCOMPARE(flow.tokenAt({5, flow.height() + 5}), -1);
    QVERIFY(flow.rectsOf(300).empty());
    QVERIFY(flow.rectsOf(-1).empty());
    QCOMPARE(TextFlow().tokenAt({0, 0}), -1);
}

void TestChatText::truncatedTextGrowsAgain()
{
    const auto tokens = words(400);
    TextFlow whole, cut;
    for (TextFlow* flow : {&whole, &cut}) {
        flow->setFormat(QApplication::font(), kWidth);
        for (const ChatToken& token : tokens)
            flow->append(token.text);
        flow->layOut(kAll);
    }
    for (const int kept : {399, 200, 97, 96, 1, 0}) {
        cut.truncate(kept);
        cut.layOut(kAll);
        QCOMPARE(cut.tokenCount(), kept);
        for (int i = kept; i < 400; ++i)
            cut.append(tokens[static_cast<std::size_t>(i)].text);
        cut.layOut(kAll);
        QCOMPARE(cut.height(), whole.height());
    }
}

void TestChatText::controlCharactersAreShown()
{
    TextFlow bare, escaped;
    for (TextFlow* flow : {&bare, &escaped})
        flow->setFormat(QApplication::font(), 4000);
    bare.append(QStringLiteral("a"));
    escaped.append(QStringLiteral("a\u001b\u202e"));
    bare.layOut(kAll);
    escaped.layOut(kAll);
    QVERIFY(escaped.rectsOf(0).front().width() > 3 * bare.rectsOf(0).front().width());
}

void TestChatText::aLongLayoutComesInSlices()
{
    TextFlow flow;
    flow.setFormat(QApplication::font(), kWidth);
    for (const ChatToken& token : words(20'000))
        flow.append(token.text);
    int slices = 0;
    qint64 largest = 0;
    for (bool whole = false; !whole; ++slices) {
        const qint64 before = flow.work();
        whole = flow.layOut(6000);
        largest = std::max(largest, flow.work() - before);
    }
    QVERIFY(slices > 10);
    QVERIFY(largest < 6000 + 1100);
    const qreal height = flow.height();
    flow.setFormat(QApplication::font(), kWidth * 2);
    QCOMPARE(flow.height(), height); // the scroll bar does not jump while the rest comes
    while (!flow.layOut(6000)) {
    }
    QVERIFY(flow.height() < height);
}

void TestChatText::theViewFollowsTheEndUntilTheUserLooksElsewhere()
{
    TokenView view(QStringLiteral("answers"));
    view.resize(400, 300);
    view.show();
    view.addBlock(TokenView::Voice::User, QStringLiteral("Why?"));
    view.addBlock(TokenView::Voice::Model);
    auto tokens = words(500);
    view.setTokens(1, tokens, 0);
    QTRY_VERIFY(view.isLaidOut());
    QVERIFY(view.verticalScrollBar()->maximum() > 0);
    QCOMPARE(view.verticalScrollBar()->value(), view.verticalScrollBar()->maximum());
    view.verticalScrollBar()->setValue(10);
    tokens = words(700);
    view.setTokens(1, tokens, 500);
    QTRY_VERIFY(view.isLaidOut());
    QCOMPARE(view.verticalScrollBar()->value(), 10);
    view.addBlock(TokenView::Voice::User, QStringLiteral("And?"));
    QCOMPARE(view.verticalScrollBar()->value(), view.verticalScrollBar()->maximum());
    view.keepBlocks(0);
    QCOMPARE(view.verticalScrollBar()->maximum(), 0);
}

void TestChatText::aThousandTokensInManyFrames()
{
    TokenView view(QStringLiteral("answers"));
    view.resize(500, 400);
    view.show();
    view.addBlock(TokenView::Voice::Model);
    const auto tokens = words(1000);
    qint64 largest = 0;
    for (int count = 4; count <= 1000; count += 4) {
        const qint64 before = view.layoutWork();
        view.setTokens(0, {tokens.begin(), tokens.begin() + count}, count - 4);
        largest = std::max(largest, view.layoutWork() - before);
        QVERIFY(view.isLaidOut());
    }
    QCOMPARE(view.tokenCount(0), 1000);
    QVERIFY2(largest < 5 * 500, qPrintable(QString::number(largest)));
}

void TestChatText::arrowKeysGoFromTokenToToken()
{
    TokenView view(QStringLiteral("answers"));
    view.resize(400, 300);
    view.show();
    view.addBlock(TokenView::Voice::User, QStringLiteral("Why?"));
    view.addBlock(TokenView::Voice::Model);
    view.setTokens(1, words(5), 0);
    QSignalSpy changed(&view, &TokenView::currentChanged);
    QTest::keyClick(&view, Qt::Key_Right);
    QCOMPARE(view.current(), (TokenPlace{1, 0}));
    QTest::keyClick(&view, Qt::Key_Right);
    QCOMPARE(view.current(), (TokenPlace{1, 1}));
    QTest::keyClick(&view, Qt::Key_Left);
    QTest::keyClick(&view, Qt::Key_Left);
    QCOMPARE(view.current(), (TokenPlace{1, 0}));
    QVERIFY(!view.rectOf({1, 0}).isEmpty());
    QTest::keyClick(&view, Qt::Key_Escape);
    QVERIFY(!view.current().isValid());
    QCOMPARE(changed.count(), 4);
    QSignalSpy copied(&view, &TokenView::copyRequested);
    QTest::keyClick(&view, Qt::Key_C, Qt::ControlModifier);
    QCOMPARE(copied.count(), 1);
}

void TestChatText::marksAndNotesDoNotMoveTokens()
{
    TokenView view(QStringLiteral("answers"));
    view.resize(400, 300);
    view.show();
    view.addBlock(TokenView::Voice::Model);
    view.setTokens(0, words(30), 0);
    const QRect before = view.rectOf({0, 20});
    view.setMark(0, 20);
    view.setNote(0, QStringLiteral("Stopped here."));
    view.setCurrent({0, 20});
    QCOMPARE(view.rectOf({0, 20}), before);
    QCOMPARE(view.mark(0), 20);
    QVERIFY(!view.grab().isNull());
    view.setMark(0, 4000);
    QVERIFY(!view.grab().isNull());
}

QTEST_MAIN(TestChatText)
#include "tst_chat_text.moc"
