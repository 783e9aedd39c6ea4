// SPDX-License-Identifier: GPL-3.0-or-later
// What the Chat page knows without widgets: conversations and their files, differences, divergence, memory.
#include "ui/compare/candidate_columns.h"
#include "ui/compare/chat_history.h"
#include "ui/compare/divergence_card.h"
#include "ui/compare/memory_fit.h"
#include "ui/compare/pair_chooser.h"
#include "ui/compare/token_compare.h"
#include "ui/text.h"

#include <QDir>
#include <QTemporaryDir>
#include <QTest>

#include <cmath>

using namespace sa;
using namespace sa::ui;

namespace
{

std::vector<ChatToken> tokensOf(const QStringList& texts)
{
    std::vector<ChatToken> tokens;
    for (const QString& text : texts) {
        ChatToken token;
        token.id = static_cast<int>(qHash(text, 1) % 100'000);
        token.text = text;
        tokens.push_back(token);
    }
    return tokens;
}

Conversation sampleConversation()
{
    Conversation conversation;
    conversation.created = QDateTime(QDate(2026, 11, 22), QTime(10, 30), Qt::UTC);
    conversation.id = newConversationId(conversation.created);
    conversation.models = {QStringLiteral("/models/toy"), QStringLiteral("/models/toy \"packed\" \u00e4")};
    conversation.sampling.greedy = false;
    conversation.sampling.seed = (std::uint64_t{1} << 62) + 1;
    conversation.sampling.system = QStringLiteral("Be short.\nAlways.");
    Turn turn;
    turn.prompt = QStringLiteral("  Why\tis \u001b[31mthis so?  ");
    turn.answers[0].tokens = tokensOf({"It", " is", "", "\n", " \u20ac"});
    turn.answers[0].tokens[1].logProbability = -0.25;
    turn.answers[0].tokens[1].top = {{7, " is", -0.25}, {8, " was", -2.5}};
    turn.answers[0].state = Answer::State::Done;
    turn.answers[0].end = QStringLiteral("eos");
    turn.answers[0].tokensPerSecond = 12.5;
    turn.answers[0].memoryBytes = 1'000'000'000'000;
    turn.answers[1].state = Answer::State::Failed;
    turn.answers[1].failure = QStringLiteral("the worker ended");
    turn.forced.state = Answer::State::Done;
    turn.forced.tokens = tokensOf({"It"});
    turn.forced.tokens[0].divergence = 0.125;
    conversation.turns = {turn, turn};
    return conversation;
}

ModelSummary model(std::int64_t parameters)
{
    ModelSummary summary;
    summary.parameters = parameters;
    return summary;
}

} // namespace

class TestChatModels : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void aConversationSurvivesItsFile();
    void filesThatAreNoConversationsAreRefused_data();
    void filesThatAreNoConversationsAreRefused();
    void aRunningAnswerIsReadAsStopped();
    void theHistoryIsNewestFirstAndNamesWhatIsDamaged();
    void everyCutOfAFileIsRefused();
    void theFirstDifferenceIsFound_data();
    void theFirstDifferenceIsFound();
    void tokensAreComparedOnce();
    void divergenceIsBoundedFromBelow();
    void divergenceSaysWhatItIs();
    void candidatesAreOnlyComparedWhereBothReadTheSame();
    void memoryCountsPlanesAndDenseWeights();
    void packedFoldersAreRecognised();
};

void TestChatModels::aConversationSurvivesItsFile()
{
    const QTemporaryDir folder;
    const Conversation saved = sampleConversation();
    QVERIFY(saveConversation(folder.filePath("deep/down"), saved).has_value());
    const auto loaded = loadConversation(folder.filePath("deep/down"), saved.id);
    QVERIFY2(loaded.has_value(), loaded ? "" : loaded.error().sentence().c_str());
    QCOMPARE(toJson(*loaded).dump(), toJson(saved).dump());
    QCOMPARE(loaded->models, saved.models);
    QCOMPARE(loaded->created, saved.created);
    QVERIFY(loaded->sampling == saved.sampling);
    QVERIFY(loaded->turns[0].answers[0].tokens == saved.turns[0].answers[0].tokens);
    QVERIFY(std::isnan(loaded->turns[0].answers[1].tokensPerSecond));
    QCOMPARE(loaded->turns[1].prompt, saved.turns[1].prompt);
    QCOMPARE(QDir(folder.filePath("deep/down")).entryList(QDir::Files | QDir::Hidden).size(), 1);
}

void TestChatModels::filesThatAreNoConversationsAreRefused_data()
{
    QTest::addColumn<QString>("pointer");
    QTest::addColumn<QByteArray>("value");
    QTest::addRow("newer") << "/version" << QByteArray("99");
    QTest::addRow("three models") << "/models" << QByteArray("[\"a\",\"b\",\"c\"]");
    QTest::addRow("one answer") << "/turns/0/answers" << QByteArray("[]");
    QTest::addRow("a token without text") << "/turns/0/answers/0/tokens/0" << QByteArray("[1]");
    QTest::addRow("a negative id") << "/turns/0/answers/0/tokens/0/0" << QByteArray("-1");
    QTest::addRow("an unknown state") << "/turns/0/answers/0/state" << QByteArray("\"flying\"");
    QTest::addRow("a number as prompt") << "/turns/1/prompt" << QByteArray("5");
    QTest::addRow("turns that are no list") << "/turns" << QByteArray("{}");
    QTest::addRow("a wild temperature") << "/sampling/temperature" << QByteArray("-4");
}

void TestChatModels::filesThatAreNoConversationsAreRefused()
{
    QFETCH(QString, pointer);
    QFETCH(QByteArray, value);
    Json broken = toJson(sampleConversation());
    broken[Json::json_pointer(pointer.toStdString())] = Json::parse(value.toStdString());
    const auto parsed = parseConversation(broken, "chat.json");
    QVERIFY(!parsed);
    QCOMPARE(QString::fromStdString(parsed.error().file), QString("chat.json"));
    QVERIFY(!parsed.error().where.empty());
}

void TestChatModels::aRunningAnswerIsReadAsStopped()
{
    Conversation conversation = sampleConversation();
    conversation.turns[0].answers[0].state = Answer::State::Writing;
    const auto parsed = parseConversation(toJson(conversation), "chat.json");
    QVERIFY(parsed.has_value());
    QVERIFY(parsed->turns[0].answers[0].state == Answer::State::Stopped);
}

void TestChatModels::theHistoryIsNewestFirstAndNamesWhatIsDamaged()
{
    const QTemporaryDir folder;
    QStringList ids;
    for (int day = 1; day <= 3; ++day) {
        Conversation conversation = sampleConversation();
        conversation.created = QDateTime(QDate(2026, 11, day), QTime(8, 0), Qt::UTC);
        conversation.id = newConversationId(conversation.created);
        conversation.turns[0].prompt = QStringLiteral("Day %1").arg(day);
        ids.prepend(conversation.id);
        QVERIFY(saveConversation(folder.path(), conversation).has_value());
    }
    QFile damaged(folder.filePath("20260101-000000-000-abcd.json"));
    QVERIFY(damaged.open(QIODevice::WriteOnly));
    damaged.write("{\"version\":1,\"turns\":[");
    damaged.close();

    const History history = readHistory(folder.path());
    QCOMPARE(static_cast<int>(history.entries.size()), 3);
    for (int i = 0; i < 3; ++i)
        QCOMPARE(history.entries[static_cast<std::size_t>(i)].id, ids[i]);
    QCOMPARE(history.entries[0].title, QString("Day 3"));
    QCOMPARE(static_cast<int>(history.damaged.size()), 1);
    QVERIFY(QString::fromStdString(history.damaged[0].file).endsWith("abcd.json"));
    QVERIFY2(damaged.exists(), "what cannot be read is not thrown away");

    QVERIFY(removeConversation(folder.path(), ids[1]).has_value());
    QCOMPARE(static_cast<int>(readHistory(folder.path()).entries.size()), 2);
    QVERIFY(readHistory(folder.filePath("nowhere")).entries.empty());
}

void TestChatModels::everyCutOfAFileIsRefused()
{
    const std::string whole = toJson(sampleConversation()).dump();
    for (std::size_t length = 0; length < whole.size(); length += 7) {
        const auto value = json::parse(whole.substr(0, length), "cut.json");
        QVERIFY(!value);
    }
}

void TestChatModels::theFirstDifferenceIsFound_data()
{
    QTest::addColumn<QStringList>("left");
    QTest::addColumn<QStringList>("right");
    QTest::addColumn<bool>("sameVocabulary");
    QTest::addColumn<int>("atLeft");
    QTest::addColumn<int>("atRight");
    QTest::addRow("equal") << QStringList{"a", "b"} << QStringList{"a", "b"} << true << -1 << -1;
    QTest::addRow("one is longer") << QStringList{"a", "b"} << QStringList{"a"} << true << -1 << -1;
    QTest::addRow("at once") << QStringList{"a"} << QStringList{"b"} << true << 0 << 0;
    QTest::addRow("later") << QStringList{"a", "b", "c"} << QStringList{"a", "b", "d"} << true << 2 << 2;
    QTest::addRow("same text, other tokens") << QStringList{"there"} << QStringList{"the", "re"} << true << 0 << 0;
    QTest::addRow("same text, other vocabulary")
        << QStringList{"there"} << QStringList{"the", "re"} << false << -1 << -1;
    QTest::addRow("other text, other vocabulary")
        << QStringList{"there", " is"} << QStringList{"the", "re", " was"} << false << 1 << 2;
    QTest::addRow("tokens without text") << QStringList{"", "x", "", "y"} << QStringList{"x", "z"} << false << 3 << 1;
}

void TestChatModels::theFirstDifferenceIsFound()
{
    QFETCH(QStringList, left);
    QFETCH(QStringList, right);
    QFETCH(bool, sameVocabulary);
    QFETCH(int, atLeft);
    QFETCH(int, atRight);
    const auto l = tokensOf(left), r = tokensOf(right);
    DifferenceFinder whole(sameVocabulary);
    QCOMPARE(whole.update(l, r), atLeft >= 0);
    // The same, as the tokens come, the right ones late.
    DifferenceFinder growing(sameVocabulary);
    int found = 0;
    for (std::size_t i = 0; i <= l.size(); ++i)
        found += growing.update({l.begin(), l.begin() + static_cast<std::ptrdiff_t>(i)}, {});
    for (std::size_t i = 0; i <= r.size(); ++i)
        found += growing.update(l, {r.begin(), r.begin() + static_cast<std::ptrdiff_t>(i)});
    QCOMPARE(found, atLeft >= 0 ? 1 : 0);
    for (const DifferenceFinder* finder : {&whole, &growing}) {
        QCOMPARE(finder->found().has_value(), atLeft >= 0);
        if (atLeft >= 0)
            QCOMPARE(*finder->found(), (Difference{atLeft, atRight}));
    }
}

void TestChatModels::tokensAreComparedOnce()
{
    auto left = tokensOf({"a", "b"}), right = left;
    DifferenceFinder finder;
    QVERIFY(!finder.update(left, right));
    left[0].id = 1; // was looked at: it does not matter any more
    QVERIFY(!finder.update(left, right));
}

void TestChatModels::divergenceIsBoundedFromBelow()
{
    // p = (0.5, 0.3, 0.2), q = (0.2, 0.3, 0.5)
    const std::vector<double> p{0.5, 0.3, 0.2}, q{0.2, 0.3, 0.5};
    double exact = 0;
    std::vector<Candidate> left, right;
    for (std::size_t i = 0; i < 3; ++i) {
        exact += p[i] * std::log(p[i] / q[i]);
        left.push_back({static_cast<int>(i), {}, std::log(p[i])});
        right.push_back({static_cast<int>(2 - i), {}, std::log(q[2 - i])});
    }
    QVERIFY(std::abs(divergenceAtLeast(left, right) - exact) < 1e-6);
    left.pop_back();
    const double bound = divergenceAtLeast(left, right);
    QVERIFY(bound > 0 && bound <= exact + 1e-12);
    QVERIFY(std::abs(divergenceAtLeast(left, left)) < 1e-12);
    QVERIFY(std::isnan(divergenceAtLeast({}, right)));
    QVERIFY(divergenceAtLeast({{1, {}, -0.1}}, {{2, {}, -0.1}}) >= 0);
}

void TestChatModels::divergenceSaysWhatItIs()
{
    Turn turn;
    turn.answers[0].tokens = tokensOf({"a", "b"});
    turn.forced.tokens = turn.answers[0].tokens;
    for (std::size_t i = 0; i < 2; ++i) {
        turn.answers[0].tokens[i].logProbability = -0.5;
        turn.forced.tokens[i].logProbability = -1.5;
    }
    QVERIFY(divergenceValues(turn).kind == DivergenceValues::Kind::LogProbability);
    QCOMPARE(divergenceValues(turn).values, (std::vector<double>{1.0, 1.0}));
    turn.answers[0].tokens[0].top = turn.forced.tokens[0].top = {{1, "a", -0.5}};
    QVERIFY(divergenceValues(turn).kind == DivergenceValues::Kind::AtLeast);
    turn.forced.tokens[0].divergence = 0.25;
    QVERIFY2(divergenceValues(turn).kind == DivergenceValues::Kind::AtLeast, "exact for all tokens or not at all");
    turn.forced.tokens[1].divergence = 0.5;
    QVERIFY(divergenceValues(turn).kind == DivergenceValues::Kind::Exact);
    QCOMPARE(divergenceValues(turn).values, (std::vector<double>{0.25, 0.5}));
}

void TestChatModels::candidatesAreOnlyComparedWhereBothReadTheSame()
{
    Turn turn;
    for (Answer& answer : turn.answers) {
        answer.tokens = tokensOf({"a", "b", "c"});
        for (ChatToken& token : answer.tokens)
            token.top = {{token.id, token.text, -0.1}};
    }
    const Difference difference{1, 1};
    const std::array<QString, 2> names{QStringLiteral("left"), QStringLiteral("right")};
    QCOMPARE(candidateColumns(turn, names, 0, 1, difference)[1].top.size(), std::size_t(1));
    const auto behind = candidateColumns(turn, names, 0, 2, difference);
    QCOMPARE(behind[0].top.size(), std::size_t(1));
    QVERIFY(behind[1].top.empty());
    QVERIFY(!behind[1].remark.isEmpty());
    turn.forced.tokens = turn.answers[0].tokens;
    QCOMPARE(candidateColumns(turn, names, 0, 2, difference)[1].top.size(), std::size_t(1));
    QVERIFY2(candidateColumns(turn, names, 1, 2, difference)[0].top.empty(),
             "the left model never read the right text");
    QCOMPARE(candidateColumns(turn, names, 0, 99, std::nullopt)[0].top.size(), std::size_t(0));
    QVERIFY(quotedToken("\n\u001b").contains(QStringLiteral("↵")));
    QVERIFY(!quotedToken("\u001b").contains(QChar(0x1b)));
}

void TestChatModels::memoryCountsPlanesAndDenseWeights()
{
    const ModelSummary original = model(1'000'000'000);
    ModelSummary packed = original;
    packed.packed = true;
    LayerRow row;
    row.N = 30'000;
    row.K = 30'000;
    row.dtype = QStringLiteral("planes");
    row.bytes = 400'000'000;
    packed.layers = {row};
    QVERIFY(residentBytes(original) > 4'000'000'000u);
    QVERIFY(residentBytes(packed) > 800'000'000u && residentBytes(packed) < 1'100'000'000u);
    QVERIFY(!memoryFit(original, packed, 5'000'000'000u).together);
    QVERIFY(memoryFit(original, packed, 8'000'000'000u).together);
    QVERIFY(memoryFit(original, packed, std::nullopt).together);
}

void TestChatModels::packedFoldersAreRecognised()
{
    const QTemporaryDir folder;
    const auto make = [&](const QString& name, const QByteArray& config) {
        QDir(folder.path()).mkdir(name);
        QFile file(folder.filePath(name) + "/config.json");
        QVERIFY(file.open(QIODevice::WriteOnly));
        file.write(config);
    };
    make("original", "{}");
    make("packed", "{\"quantization_config\":{\"quant_method\":\"shiftadd\"}}");
    make("garbage", "\x01\x02");
    const auto models = lookAtModels(
        {folder.filePath("packed"), folder.filePath("gone"), folder.filePath("original"), folder.filePath("garbage")});
    QCOMPARE(static_cast<int>(models.size()), 3);
    QVERIFY(models[0].packed);
    QVERIFY(!models[1].packed);
    QVERIFY(!models[2].packed);
}

QTEST_GUILESS_MAIN(TestChatModels)
#include "tst_chat_models.moc"
