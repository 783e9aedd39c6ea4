// SPDX-License-Identifier: GPL-3.0-or-later
// Prompts to the character, as lm-evaluation-harness 0.4.13 makes them of the same items (docs/evaluation.md).
#include "core/base/atomic_file.h"
#include "core/base/file.h"
#include "core/eval/task_files.h"
#include "core/eval/task_items.h"
#include "core/eval/task_metrics.h"

#include <QDir>
#include <QFile>
#include <QTemporaryDir>
#include <QTest>

#include <cmath>

using namespace sa;

namespace
{

const std::string kData = SA_SOURCE_DIR "/tests/data/tasks";

Result<std::vector<TaskItem>> itemsOf(const std::string& task, std::optional<int> limit = {})
{
    const auto chosen = selectTasks({task});
    if (!chosen)
        return chosen.error();
    SA_TRY(const std::string folder, taskDataFolder(kData, chosen->front().file));
    return chosen->front().read(folder, limit);
}

using Texts = std::vector<std::string>;

} // namespace

class TestTaskItems : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void promptsAreTheHarnesss_data()
    {
        QTest::addColumn<QString>("task");
        QTest::addColumn<int>("item");
        QTest::addColumn<QString>("context");
        QTest::addColumn<QStringList>("continuations");
        QTest::addColumn<int>("answer");
        const auto row = [](const char* task, int item, const char* context, const QStringList& continuations,
                            int answer) {
            QTest::addRow("%s %d", task, item) << task << item << QString::fromUtf8(context) << continuations << answer;
        };
        row("arc_easy", 0,
            "Question: Which of these gives light of its own?\nAnswer:", {" the moon", " a candle", " a mirror"}, 1);
        row("arc_challenge", 1, "Question: What does ice become when it is warmed?\nAnswer:",
            {" water", " sand", QString::fromUtf8(" naïve glass"), " wood"}, 0);
        row("boolq", 0,
            "Whale -- Whales are mammals that live in the sea.\nQuestion: is a whale a fish?\nAnswer:", {" no", " yes"},
            0);
        row("boolq", 1,
            "Whale -- Whales are mammals that live in the sea.\nQuestion: do whales live in the sea?\nAnswer:",
            {" no", " yes"}, 1);
        row("copa", 0, "The lamp went out because", {"  the oil was used up.", "  the wall was painted."}, 0);
        row("copa", 1, "He dropped the cup therefore", {"  it flew away.", "  it broke."}, 1);
        row("piqa", 0,
            "Question: How do I keep bread fresh?\nAnswer:", {" Keep it in a closed box.", " Keep it in a full bath. "},
            0);
        row("rte", 1, "The bridge was opened in 1890.\nQuestion: The bridge is made of iron. True or False?\nAnswer:",
            {" True", " False"}, 1);
        row("storycloze_2018", 0,
            "Ann had a boat. She rowed out, far out. Her brother said \"come back\". The wind rose.",
            {" She rowed home.", " She sold a car."}, 0);
        row("hellaswag", 0, "Washing dishes: A man stands at a sink. he",
            {" sings to a fish.", " climbs on the roof.", " takes a plate and rinses it.", " reads the sink."}, 2);
        row("lambada_openai", 0, "She opened the door and let the cat out. In the evening she called, and in came the",
            {" cat"}, 0);
        row("mmlu_anatomy", 0,
            "The following are multiple choice questions (with answers) about anatomy.\n\nWhich bone, of these, is in "
            "the "
            "arm?\nA. femur\nB. tibia\nC. ulna, or elbow bone\nD. skull\nAnswer:",
            {" A", " B", " C", " D"}, 2);
        row("mmlu_anatomy", 1,
            "The following are multiple choice questions (with answers) about anatomy.\n\nHow many lungs do people "
            "have?\nA. 1\nB. 2\nC. 3\nD. 4\nAnswer:",
            {" A", " B", " C", " D"}, 1);
    }
    void promptsAreTheHarnesss()
    {
        QFETCH(QString, task);
        QFETCH(int, item);
        QFETCH(QString, context);
        QFETCH(QStringList, continuations);
        QFETCH(int, answer);
        const auto items = itemsOf(task.toStdString());
        QVERIFY2(items, items ? "" : items.error().sentence().c_str());
        const TaskItem& found = items->at(static_cast<std::size_t>(item));
        QCOMPARE(QString::fromStdString(found.context), context);
        QStringList texts;
        for (const auto& text : found.continuations)
            texts << QString::fromStdString(text);
        QCOMPARE(texts, continuations);
        QCOMPARE(found.answer, answer);
        for (std::size_t i = 0; i < found.lengths.size(); ++i)
            QCOMPARE(found.lengths[i], continuations[static_cast<int>(i)].size() - 1);
    }

    void aLimitTakesTheFirstItems()
    {
        QCOMPARE(itemsOf("arc_easy", 2)->size(), std::size_t{2});
        QCOMPARE(itemsOf("arc_easy", 99)->size(), std::size_t{3});
        QCOMPARE(itemsOf("storycloze_2018", 1)->size(), std::size_t{1});
        QCOMPARE(itemsOf("hellaswag", 1)->size(), std::size_t{1});
    }

    void namesSelectTasks()
    {
        QCOMPARE(selectTasks({"mmlu"})->size(), std::size_t{57});
        QCOMPARE(selectTasks({"all"})->size(), std::size_t{66});
        QCOMPARE(selectTasks({"mmlu_stem", "mmlu_other", "mmlu_humanities", "mmlu_social_sciences"})->size(),
                 std::size_t{57});
        QCOMPARE(selectTasks({"piqa", "arc_easy", "piqa"})->size(), std::size_t{2});
        QCOMPARE(selectTasks({"piqa", "arc_easy"})->front().name, std::string("piqa"));
        const auto unknown = selectTasks({"winogrande"});
        QVERIFY(!unknown);
        QCOMPARE(unknown.error().code, Errc::Usage);
        QVERIFY(unknown.error().expected.find("hellaswag") != std::string::npos);
    }

    void whatIsMissingIsNamed()
    {
        const auto none = taskDataFolder("/nowhere", "piqa/valid.jsonl");
        QVERIFY(!none);
        QCOMPARE(none.error().code, Errc::NotFound);
        QVERIFY(none.error().sentence().find("piqa/valid.jsonl") != std::string::npos);
        QVERIFY(none.error().sentence().find("--data") != std::string::npos);
        const auto task = selectTasks({"mmlu_virology"});
        const auto file = task->front().read(kData + "/zeroshot", std::nullopt);
        QVERIFY(!file);
        QVERIFY(file.error().sentence().find("virology_test.csv") != std::string::npos);
    }

    void brokenFilesAreRefused_data()
    {
        QTest::addColumn<QString>("task");
        QTest::addColumn<QString>("file");
        QTest::addColumn<QByteArray>("content");
        QTest::addColumn<QString>("mentions");
        const auto row = [](const char* name, const char* task, const char* file, const char* content,
                            const char* mentions) {
            QTest::addRow("%s", name) << task << file << QByteArray(content) << mentions;
        };
        const char* arc = "arc/ARC-Easy-Test.jsonl";
        row("no JSON", "arc_easy", arc, "{\n", "line 1");
        row("a list", "arc_easy", arc, "[]\n", "line 1");
        row("an answer that is no choice", "arc_easy", arc,
            "\n{\"question\":{\"stem\":\"x\",\"choices\":[{\"text\":\"a\",\"label\":\"A\"}]},\"answerKey\":\"E\"}",
            "line 2");
        row("nothing", "arc_easy", arc, "", "no questions");
        row("a label of another kind", "boolq", "boolq/val.jsonl",
            "{\"passage\":\"\",\"question\":\"\",\"label\":\"maybe\"}", "label");
        row("a label out of range", "copa", "copa/val.jsonl",
            "{\"premise\":\"\",\"question\":\"cause\",\"choice1\":\"\",\"choice2\":\"\",\"label\":2}", "label");
        row("an unknown relation", "copa", "copa/val.jsonl",
            "{\"premise\":\"\",\"question\":\"why\",\"choice1\":\"\",\"choice2\":\"\",\"label\":1}", "question");
        row("one word", "lambada_openai", "lambada/lambada_test.jsonl", "{\"text\":\"word\"}", "several words");
        row("a missing column", "mmlu_anatomy", "mmlu/test/anatomy_test.csv", "question,answer\nx,1\n", "choice0");
        row("a short record", "mmlu_anatomy", "mmlu/test/anatomy_test.csv",
            "question,choice0,choice1,choice2,choice3,answer\nx,1\n", "record 2");
        row("an open quote", "mmlu_anatomy", "mmlu/test/anatomy_test.csv",
            "question,choice0,choice1,choice2,choice3,answer\n\"x,1,2,3,4,0\n", "never closed");
        row("text behind a quote", "mmlu_anatomy", "mmlu/test/anatomy_test.csv",
            "question,choice0,choice1,choice2,choice3,answer\n\"x\"y,1,2,3,4,0\n", "behind a closing quote");
        row("an item cut short", "hellaswag", "hellaswag/hellaswag_val_full.txt", "context\n1\nending\n", "six lines");
        row("an ending that is none", "hellaswag", "hellaswag/hellaswag_val_full.txt", "c\n4\na\nb\nc\nd\n", "0 to 3");
        row("no bzip2", "hellaswag", "hellaswag/hellaswag_val_full.txt.bz2", "BZh9 and nothing", "compressed");
    }
    void brokenFilesAreRefused()
    {
        QFETCH(QString, task);
        QFETCH(QString, file);
        QFETCH(QByteArray, content);
        QFETCH(QString, mentions);
        const QTemporaryDir folder;
        const QString path = folder.filePath(file);
        QVERIFY(QDir().mkpath(QFileInfo(path).path()));
        QVERIFY(writeFileAtomic(path.toStdString(), content.toStdString()));
        const auto items = selectTasks({task.toStdString()})->front().read(folder.path().toStdString(), std::nullopt);
        QVERIFY(!items);
        const QString sentence = QString::fromStdString(items.error().sentence());
        QVERIFY2(sentence.contains(mentions), qPrintable(sentence));
        QVERIFY2(sentence.contains(file), qPrintable(sentence));
    }

    void everySharedFileIsRead()
    {
        const std::string folder = SA_SHARED_DIR "/data/zeroshot";
        if (!exists(folder))
            QSKIP("the shared data are not here");
        const std::map<std::string, std::size_t> expected{{"arc_easy", 2376},
                                                          {"arc_challenge", 1172},
                                                          {"boolq", 3270},
                                                          {"copa", 100},
                                                          {"piqa", 1838},
                                                          {"rte", 277},
                                                          {"storycloze_2018", 1571},
                                                          {"hellaswag", 10042},
                                                          {"lambada_openai", 5153}};
        const auto tasks = selectTasks({"all"});
        QVERIFY(tasks);
        std::size_t mmlu = 0;
        for (const Task& task : *tasks) {
            const auto items = task.read(folder, std::nullopt);
            QVERIFY2(items, items ? "" : items.error().sentence().c_str());
            if (task.group.empty())
                QCOMPARE(items->size(), expected.at(task.name));
            else
                mmlu += items->size();
        }
        QCOMPARE(mmlu, std::size_t{14042});
    }

    void choicesAndErrors()
    {
        const Task task = selectTasks({"piqa"})->front();
        TaskItem item;
        item.continuations = {" a", " bb", " cccc"};
        item.lengths = {1, 2, 4};
        item.answer = 2;
        const std::vector<Likelihood> scores{{-2, 0}, {-2, 0}, {-4, 0}};
        const ItemOutcome outcome = outcomeOf(task, item, scores);
        QCOMPARE(outcome.choice, 0); // the first of equals
        QCOMPARE(outcome.normalisedChoice, 1);
        QVERIFY(!outcome.right && !outcome.normalisedRight);
        TaskItem other = item;
        other.answer = 0;
        const TaskMetrics metrics = metricsOf(task, {item, other}, {scores, scores});
        QCOMPARE(metrics.accuracy.mean, 0.5);
        QCOMPARE(metrics.accuracy.standardError, 0.5); // sqrt(1/2) / sqrt(2)
        // Two tasks of equal size as one: as if their items stood in one list, but for the means.
        const MeanEstimate whole = pooled({metrics.accuracy, metrics.accuracy});
        QCOMPARE(whole.count, 4);
        QCOMPARE(whole.mean, 0.5);
        QVERIFY(std::abs(whole.standardError - std::sqrt(2 * (2 * 0.25) / 2 / 4)) < 1e-12);
    }
};

QTEST_APPLESS_MAIN(TestTaskItems)
#include "tst_task_items.moc"
