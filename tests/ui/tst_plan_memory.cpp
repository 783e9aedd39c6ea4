// SPDX-License-Identifier: GPL-3.0-or-later
// Demands of the bit budget between sessions, without a window.
#include "core/base/atomic_file.h"
#include "core/base/json.h"
#include "tests/support/synthetic_sensitivity.h"
#include "tests/ui/ui_fixture.h"
#include "ui/cockpit/plan_memory.h"
#include "ui/text.h"

#include <QDir>
#include <QFile>
#include <QTemporaryDir>
#include <QUndoStack>

using namespace sa;
using namespace sa::ui;

namespace
{

/// A document with its memory: what lives as long as the window.
struct Session {
    AllocationDocument document;
    PlanMemory memory{document};
    std::vector<Note> notes;

    explicit Session(const QString& folder)
    {
        QObject::connect(&memory, &PlanMemory::noted, &memory, [this](const Note& note) { notes.push_back(note); });
        memory.setFolder(folder);
    }
    /// As the page does it.
    void open(const QString& model, const QString& mode = "lat", const LlamaShape& shape = kSmall)
    {
        memory.setModel(model);
        memory.setMode(mode);
        document.clear();
        document.setSensitivity(syntheticSensitivity(shape));
    }
    bool settle()
    {
        return QTest::qWaitFor([this] { return document.isCurrent(); }, kPatienceMs);
    }
    std::optional<int> pinOf(int linear) const { return document.ruleOf(linear).pin; }
};

constexpr std::uint64_t kBudget = 1'234'567;

} // namespace

class TestPlanMemory : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void init();
    void lastDemandsComeBackAsOneStep();
    void demandsAreKeptBeforeThereIsAPlan();
    void editsAreWrittenWhileTheModelIsOpen();
    void anotherModelAndBackInOneSession();
    void whatIsUndoneStaysUndone();
    void otherModelsAndModesHaveTheirOwn_data();
    void otherModelsAndModesHaveTheirOwn();
    void anUntouchedPlanFollowsTheMode();
    void anEditedPlanOutlivesTheModeAndSparesTheOther();
    void anEditBeforeTheAnswerWins();
    void aDragIsNotInterruptedAndKeptWhenItEnds();
    void nothingIsWrittenOfAModelThatNobodyEdited();
    void aModelThatTheWorkerCannotTellIsNotKept();
    void badFilesAreIgnoredWithALine_data();
    void badFilesAreIgnoredWithALine();
    void aFolderThatCannotBeMadeIsNoted();

private:
    QString place() const { return m_folder->filePath("plans/last"); }
    QStringList files() const { return QDir(place()).entryList(QDir::Files | QDir::Hidden); }
    /// A session that pins a layer and sets a budget.
    void demand(const QString& model, int bits = 4, const QString& mode = "lat");
    bool isBack(Session& session, int bits = 4)
    {
        return QTest::qWaitFor([&] { return session.pinOf(2) == bits; }, kPatienceMs);
    }
    /// The answer has come, and changed nothing.
    bool isEmpty(Session& session)
    {
        QTest::qWait(200);
        return session.settle() && session.document.inputs().constraints.empty() &&
               session.document.inputs().budget != kBudget;
    }

    std::unique_ptr<QTemporaryDir> m_folder;
};

void TestPlanMemory::init()
{
    failOnWarnings();
    m_folder = std::make_unique<QTemporaryDir>();
    QVERIFY(m_folder->isValid());
}

void TestPlanMemory::demand(const QString& model, int bits, const QString& mode)
{
    Session session(place());
    session.open(model, mode);
    QVERIFY(session.settle());
    QTest::qWait(50); // there may be earlier ones to bring back
    session.document.pin({2}, bits);
    session.document.setBudget(kBudget);
}

void TestPlanMemory::lastDemandsComeBackAsOneStep()
{
    PlanInputs last;
    {
        Session session(place());
        session.open("toy");
        QVERIFY(session.settle());
        session.document.pin({2}, 4);
        session.document.setRange({3}, 2, 3);
        session.document.exclude({4});
        session.document.linkSharedInputs();
        session.document.setRule(Rule::Uniform);
        session.document.setBudget(kBudget);
        last = session.document.inputs();
    }
    Session session(place());
    session.open("toy");
    QVERIFY(isBack(session));
    QVERIFY(session.document.inputs() == last);
    QCOMPARE(session.document.undoStack()->count(), 1);
    QVERIFY(session.settle());
    session.document.undoStack()->undo();
    QVERIFY(session.settle());
    QVERIFY(session.document.inputs().constraints.empty());
    const auto& plans = *session.document.plans();
    QCOMPARE(session.document.inputs().budget, plans.allocator->uniform(3)->bytes); // as a new model starts
    session.document.undoStack()->redo();
    QVERIFY(session.document.inputs() == last);
}

void TestPlanMemory::demandsAreKeptBeforeThereIsAPlan()
{
    {
        Session session(place());
        session.memory.setModel("toy");
        session.memory.setMode("lat");
        Sensitivity blank = syntheticSensitivity(kSmall);
        for (LinearSensitivity& linear : blank.linears) {
            linear.weightScore = {};
            for (Choice& choice : linear.choices)
                choice.error = choice.damage = {};
        }
        session.document.setSensitivity(std::move(blank));
        QTest::qWait(100);
        QVERIFY(!session.document.isSolvable());
        session.document.pin({2}, 4);
    }
    Session session(place());
    session.open("toy");
    QVERIFY(isBack(session));
    QVERIFY(session.settle());
    QCOMPARE(session.document.inputs().budget, session.document.plans()->allocator->uniform(3)->bytes);
}

void TestPlanMemory::editsAreWrittenWhileTheModelIsOpen()
{
    Session session(place());
    session.open("toy");
    QVERIFY(session.settle());
    session.document.pin({2}, 4);
    QTRY_COMPARE_WITH_TIMEOUT(files().size(), 1, kPatienceMs);
    const auto pinned = [this] {
        const auto file = json::parseFile(toUtf8(QDir(place()).filePath(files().front())));
        return file ? (*file)["constraints"]["rules"].size() : 0;
    };
    QTRY_COMPARE_WITH_TIMEOUT(pinned(), std::size_t{1}, kPatienceMs);
    session.document.pin({3}, 4);
    QTRY_COMPARE_WITH_TIMEOUT(pinned(), std::size_t{2}, kPatienceMs);
    QCOMPARE(files().size(), 1); // and no temporary name is left
}

void TestPlanMemory::anotherModelAndBackInOneSession()
{
    Session session(place());
    session.open("toy");
    QVERIFY(session.settle());
    session.document.pin({2}, 4);
    session.open("other", "lat", {4, 128, 352, 128}); // at once: nothing is written yet
    QVERIFY(isEmpty(session));
    session.open("toy");
    QVERIFY(isBack(session));
    QVERIFY(session.notes.empty() || session.notes.back().severity == "info");
}

void TestPlanMemory::whatIsUndoneStaysUndone()
{
    demand("toy");
    {
        Session session(place());
        session.open("toy");
        QVERIFY(isBack(session));
        session.document.undoStack()->undo();
    }
    Session session(place());
    session.open("toy");
    QVERIFY(isEmpty(session));
    QVERIFY(!session.document.undoStack()->canUndo());
}

void TestPlanMemory::otherModelsAndModesHaveTheirOwn_data()
{
    QTest::addColumn<QString>("model");
    QTest::addColumn<QString>("mode");
    QTest::addRow("another content") << "toy-2"
                                     << "lat";
    QTest::addRow("another mode") << "toy"
                                  << "acc";
}

void TestPlanMemory::otherModelsAndModesHaveTheirOwn()
{
    QFETCH(QString, model);
    QFETCH(QString, mode);
    demand("toy");
    {
        Session session(place());
        session.open(model, mode);
        QVERIFY(isEmpty(session));
        session.document.pin({2}, 1);
    }
    Session first(place()), second(place());
    first.open("toy");
    second.open(model, mode);
    QVERIFY(isBack(first, 4));
    QVERIFY(isBack(second, 1));
}

void TestPlanMemory::anUntouchedPlanFollowsTheMode()
{
    demand("toy", 4, "lat");
    demand("toy", 1, "acc");
    Session session(place());
    session.open("toy", "lat");
    QVERIFY(isBack(session, 4));
    session.memory.setMode("acc");
    QVERIFY(isBack(session, 1));
    session.memory.setMode("lat");
    QVERIFY(isBack(session, 4));
}

void TestPlanMemory::anEditedPlanOutlivesTheModeAndSparesTheOther()
{
    demand("toy", 1, "acc");
    {
        Session session(place());
        session.open("toy", "lat");
        QVERIFY(session.settle());
        session.document.pin({2}, 4);
        session.memory.setMode("acc");
        QTest::qWait(600); // longer than the pause before writing
        QCOMPARE(session.pinOf(2), std::optional(4));
    }
    Session session(place());
    session.open("toy", "acc");
    QVERIFY(isBack(session, 1));
}

void TestPlanMemory::anEditBeforeTheAnswerWins()
{
    demand("toy");
    {
        Session session(place());
        session.open("toy");
        session.document.pin({2}, 1);
        QTest::qWait(600);
        QCOMPARE(session.pinOf(2), std::optional(1));
        QCOMPARE(session.document.undoStack()->count(), 1);
    }
    Session session(place());
    session.open("toy");
    QVERIFY(isBack(session, 1));
}

void TestPlanMemory::aDragIsNotInterruptedAndKeptWhenItEnds()
{
    demand("toy");
    Session session(place());
    session.open("toy");
    session.document.beginDrag();
    session.document.dragTo(kBudget / 2);
    QTest::qWait(600); // the answer comes, and the pause before writing passes
    QCOMPARE(session.document.inputs().budget, kBudget / 2);
    QVERIFY(session.document.inputs().constraints.empty());
    const auto kept = [this] {
        const auto file = json::parseFile(toUtf8(QDir(place()).filePath(files().front())));
        return file ? (*file)["budget_bytes"].get<std::uint64_t>() : 0;
    };
    QCOMPARE(kept(), kBudget);
    session.document.endDrag();
    QTRY_COMPARE_WITH_TIMEOUT(kept(), kBudget / 2, kPatienceMs);
}

void TestPlanMemory::nothingIsWrittenOfAModelThatNobodyEdited()
{
    {
        Session session(place());
        session.open("toy");
        QVERIFY(session.settle());
        QTest::qWait(600);
    }
    QVERIFY(files().isEmpty());
}

void TestPlanMemory::aModelThatTheWorkerCannotTellIsNotKept()
{
    demand({});
    QVERIFY(files().isEmpty());
}

void TestPlanMemory::badFilesAreIgnoredWithALine_data()
{
    QTest::addColumn<QByteArray>("content");
    QTest::addRow("empty") << QByteArray();
    QTest::addRow("cut off") << QByteArray(R"({"format": "shiftadd-demands", "version": 1, "rule": "opt)");
    QTest::addRow("no object") << QByteArray("[1, 2]");
    QTest::addRow("another format") << QByteArray(R"({"format": "shiftadd-plan", "version": 1})");
    const auto file = [](const char* version, const char* rule, const char* budget, const char* constraints) {
        return QByteArray(R"({"format": "shiftadd-demands", "version": )") + version + R"(, "rule": ")" + rule +
               R"(", "budget_bytes": )" + budget + R"(, "constraints": )" + constraints + "}";
    };
    QTest::addRow("a later version") << file("2", "optimal", "5", "{}");
    QTest::addRow("an unknown rule") << file("1", "best", "5", "{}");
    QTest::addRow("a negative budget") << file("1", "optimal", "-5", "{}");
    QTest::addRow("bits that there are not") << file("1", "optimal", "5", R"({"rules": {"a": {"pin": 7}}})");
    QTest::addRow("a layer of another model") << file("1", "optimal", "5", R"({"rules": {"nowhere": {"pin": 3}}})");
    QTest::addRow("links of another model") << file("1", "optimal", "5", R"({"links": [["here", "there"]]})");
    QTest::addRow("nested without end") << QByteArray(100'000, '[');
}

void TestPlanMemory::badFilesAreIgnoredWithALine()
{
    QFETCH(QByteArray, content);
    demand("toy");
    QCOMPARE(files().size(), 1);
    QVERIFY(writeFileAtomic(toUtf8(QDir(place()).filePath(files().front())), content.toStdString()));
    {
        Session session(place());
        session.open("toy");
        QTRY_COMPARE_WITH_TIMEOUT(session.notes.size(), std::size_t{1}, kPatienceMs);
        QCOMPARE(session.notes.front().severity, std::string("warning"));
        QVERIFY(isEmpty(session));
        QVERIFY(!session.document.undoStack()->canUndo());
        session.document.pin({2}, 1); // and a good one takes its place
    }
    Session session(place());
    session.open("toy");
    QVERIFY(isBack(session, 1));
}

void TestPlanMemory::aFolderThatCannotBeMadeIsNoted()
{
    QFile file(m_folder->filePath("plans"));
    QVERIFY(file.open(QIODevice::WriteOnly));
    file.close();
    Session session(place());
    session.open("toy");
    QVERIFY(session.settle());
    session.document.pin({2}, 4);
    QTRY_COMPARE_WITH_TIMEOUT(session.notes.size(), std::size_t{1}, kPatienceMs);
    QVERIFY(session.notes.front().message.find("could not be kept") != std::string::npos);
}

QTEST_GUILESS_MAIN(TestPlanMemory)
#include "tst_plan_memory.moc"
