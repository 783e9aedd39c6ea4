// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/eval/task_items.h"

#include "core/base/file.h"
#include "core/base/sha256.h"
#include "core/eval/mmlu_subjects.h"
#include "core/eval/task_files.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <limits>

namespace sa
{

namespace
{

using Items = std::vector<TaskItem>;
constexpr const char* kPiqaAnswers = "valid-labels.lst";

/// As Python's len().
int characters(const std::string& text)
{
    return static_cast<int>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

/// Python's str.strip() for the white space that occurs in the files.
std::string stripped(const std::string& text)
{
    constexpr const char* kSpace = " \t\n\r\v\f";
    const std::size_t first = text.find_first_not_of(kSpace);
    return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

/// The harness puts one space between a context and each of its choices.
TaskItem question(std::string context, const std::vector<std::string>& choices, int answer)
{
    TaskItem item;
    item.context = std::move(context);
    for (const std::string& choice : choices) {
        item.continuations.push_back(" " + choice);
        item.lengths.push_back(characters(choice));
    }
    item.answer = answer;
    return item;
}

Error outside(const JsonField& row, const char* key, const std::string& found, const std::string& expected)
{
    return makeError(Errc::BadFormat, "the answer is none of the choices")
        .in(row.file())
        .at(row.path() + "." + key)
        .butFound(display(found, 40))
        .wanted(expected);
}

Result<TaskItem> readArc(const JsonField& row)
{
    SA_TRY(const JsonField body, row.at("question"));
    SA_TRY(const std::string stem, body.stringAt("stem"));
    SA_TRY(const std::string key, row.stringAt("answerKey"));
    SA_TRY(const JsonField list, body.at("choices"));
    SA_TRY(const auto choices, list.elements(100));
    std::vector<std::string> texts;
    std::string labels;
    int answer = -1;
    for (const JsonField& choice : choices) {
        SA_TRY(const std::string label, choice.stringAt("label"));
        SA_TRY(std::string text, choice.stringAt("text"));
        if (label == key)
            answer = static_cast<int>(texts.size());
        labels += (labels.empty() ? "" : ", ") + label;
        texts.push_back(std::move(text));
    }
    if (answer < 0)
        return outside(row, "answerKey", key, labels);
    return question("Question: " + stem + "\nAnswer:", texts, answer);
}

/// SuperGLUE's own copies have true and false, others have the words.
Result<TaskItem> readBoolQ(const JsonField& row)
{
    SA_TRY(const std::string passage, row.stringAt("passage"));
    SA_TRY(const std::string text, row.stringAt("question"));
    SA_TRY(const JsonField label, row.at("label"));
    const std::string word = label.isString() ? label.raw().get<std::string>() : json::dump(label.raw());
    const bool yes = word == "true" || word == "1";
    if (!yes && word != "false" && word != "0")
        return outside(row, "label", word, "true or false");
    return question(passage + "\nQuestion: " + text + "?\nAnswer:", {"no", "yes"}, yes ? 1 : 0);
}

/// The harness's choices begin with a space of their own, behind the one that every choice gets.
Result<TaskItem> readCopa(const JsonField& row)
{
    SA_TRY(const std::string premise, row.stringAt("premise"));
    SA_TRY(const std::string relation, row.stringAt("question"));
    SA_TRY(const std::int64_t label, row.intAt("label", 0, 1));
    if (relation != "cause" && relation != "effect")
        return outside(row, "question", relation, "cause or effect");
    std::vector<std::string> choices;
    for (const char* key : {"choice1", "choice2"}) {
        SA_TRY(std::string choice, row.stringAt(key));
        if (!choice.empty())
            choice[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(choice[0])));
        choices.push_back(" " + choice);
    }
    std::string context = stripped(premise);
    if (!context.empty())
        context.pop_back();
    return question(context + (relation == "cause" ? " because" : " therefore"), choices, static_cast<int>(label));
}

Result<TaskItem> readRte(const JsonField& row)
{
    SA_TRY(const std::string premise, row.stringAt("premise"));
    SA_TRY(const std::string hypothesis, row.stringAt("hypothesis"));
    SA_TRY(const std::string label, row.stringAt("label"));
    if (label != "entailment" && label != "not_entailment")
        return outside(row, "label", label, "entailment or not_entailment");
    return question(premise + "\nQuestion: " + hypothesis + " True or False?\nAnswer:", {"True", "False"},
                    label == "entailment" ? 0 : 1);
}

Result<TaskItem> readLambada(const JsonField& row)
{
    SA_TRY(const std::string text, row.stringAt("text"));
    const std::size_t space = text.rfind(' ');
    if (space == std::string::npos)
        return row.wrong("a text of several words");
    return question(text.substr(0, space), {text.substr(space + 1)}, 0);
}

Result<Items> readJsonLines(const std::string& path, std::size_t limit, Result<TaskItem> (*read)(const JsonField&))
{
    Items items;
    SA_CHECK(forEachJsonLine(path, [&](const JsonField& row) -> Result<bool> {
        SA_TRY(TaskItem item, read(row));
        items.push_back(std::move(item));
        return items.size() < limit;
    }));
    return items;
}

/// Answers are in a file of their own, a digit a line.
Result<Items> readPiqa(const std::string& path, std::size_t limit)
{
    const std::string labelPath = joinPath(splitPath(path).folder, kPiqaAnswers);
    SA_TRY(const std::string labels, readTaskFile(labelPath));
    Items items;
    std::size_t at = 0;
    SA_CHECK(forEachJsonLine(path, [&](const JsonField& row) -> Result<bool> {
        SA_TRY(const std::string goal, row.stringAt("goal"));
        SA_TRY(const std::string first, row.stringAt("sol1"));
        SA_TRY(const std::string second, row.stringAt("sol2"));
        at = std::min(labels.find_first_not_of("\r\n", at), labels.size());
        const char digit = at < labels.size() ? labels[at] : '?';
        if (digit != '0' && digit != '1')
            return makeError(Errc::BadFormat, "there is no answer to a question")
                .in(labelPath)
                .at("line " + std::to_string(items.size() + 1))
                .butFound(display(std::string(1, digit)))
                .wanted("0 or 1");
        ++at;
        items.push_back(question("Question: " + goal + "\nAnswer:", {first, second}, digit - '0'));
        return items.size() < limit;
    }));
    return items;
}

Result<Items> readStoryCloze(const std::string& path, std::size_t limit)
{
    SA_TRY(const std::string text, readTaskFile(path));
    SA_TRY(const CsvTable table, CsvTable::parse(text, path, limit));
    std::vector<std::size_t> columns;
    for (const char* name : {"InputSentence1", "InputSentence2", "InputSentence3", "InputSentence4",
                             "RandomFifthSentenceQuiz1", "RandomFifthSentenceQuiz2", "AnswerRightEnding"}) {
        SA_TRY(const std::size_t column, table.column(name));
        columns.push_back(column);
    }
    Items items;
    for (const auto& row : table.rows) {
        const std::string& answer = row[columns[6]];
        if (answer != "1" && answer != "2")
            return makeError(Errc::BadFormat, "the answer is none of the endings")
                .in(path)
                .at("record " + std::to_string(items.size() + 2))
                .butFound(display(answer, 40))
                .wanted("1 or 2");
        std::string story = row[columns[0]];
        for (std::size_t i = 1; i < 4; ++i)
            story += " " + row[columns[i]];
        items.push_back(question(story, {row[columns[4]], row[columns[5]]}, answer[0] - '1'));
    }
    return items;
}

/// Six lines an item: context, index of the right ending, four endings (the text form of llama.cpp; preprocessed as the
/// harness does).
Result<Items> readHellaSwag(const std::string& path, std::size_t limit)
{
    SA_TRY(const std::string text, readTaskFile(path));
    Items items;
    std::vector<std::string> lines;
    for (std::size_t begin = 0; begin < text.size() && items.size() < limit;) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        lines.push_back(text.substr(begin, end - begin));
        begin = end + 1;
        if (lines.size() < 6)
            continue;
        if (lines[1].size() != 1 || lines[1][0] < '0' || lines[1][0] > '3')
            return makeError(Errc::BadFormat, "the answer is none of the endings")
                .in(path)
                .at("line " + std::to_string(6 * items.size() + 2))
                .butFound(display(lines[1], 40))
                .wanted("0 to 3");
        items.push_back(question(lines[0], {lines.begin() + 2, lines.end()}, lines[1][0] - '0'));
        lines.clear();
    }
    if (items.size() < limit && !lines.empty())
        return makeError(Errc::BadFormat, "the file ends within an item").in(path).wanted("six lines an item");
    return items;
}

Result<Items> readMmlu(const std::string& path, std::size_t limit, std::string subject)
{
    std::replace(subject.begin(), subject.end(), '_', ' ');
    SA_TRY(const std::string text, readTaskFile(path));
    SA_TRY(const CsvTable table, CsvTable::parse(text, path, limit));
    std::vector<std::size_t> columns;
    for (const char* name : {"question", "choice0", "choice1", "choice2", "choice3", "answer"}) {
        SA_TRY(const std::size_t column, table.column(name));
        columns.push_back(column);
    }
    const std::string description =
        "The following are multiple choice questions (with answers) about " + subject + ".\n\n";
    Items items;
    for (const auto& row : table.rows) {
        const std::string& answer = row[columns[5]];
        if (answer.size() != 1 || answer[0] < '0' || answer[0] > '3')
            return makeError(Errc::BadFormat, "the answer is none of the choices")
                .in(path)
                .at("record " + std::to_string(items.size() + 2))
                .butFound(display(answer, 40))
                .wanted("0 to 3");
        std::string context = description + stripped(row[columns[0]]);
        for (std::size_t i = 0; i < 4; ++i)
            context += std::string("\n") + static_cast<char>('A' + i) + ". " + row[columns[1 + i]];
        items.push_back(question(context + "\nAnswer:", {"A", "B", "C", "D"}, answer[0] - '0'));
    }
    return items;
}

std::vector<Task> allTasks()
{
    const auto task = [](const char* name, const char* file, const char* split, bool normalised, double version) {
        return Task{name, "", file, split, normalised, false, version};
    };
    std::vector<Task> tasks{
        task("arc_easy", "arc/ARC-Easy-Test.jsonl", "test", true, 1.0),
        task("arc_challenge", "arc/ARC-Challenge-Test.jsonl", "test", true, 1.0),
        task("boolq", "boolq/val.jsonl", "validation", false, 2.0),
        task("copa", "copa/val.jsonl", "validation", false, 1.0),
        task("piqa", "piqa/valid.jsonl", "validation", true, 1.0),
        task("rte", "rte/val.jsonl", "validation", false, 1.0),
        task("storycloze_2018", "storycloze/cloze_test_val__winter2018.csv", "validation", false, 1.0),
        task("hellaswag", "hellaswag/hellaswag_val_full.txt.bz2", "validation", true, 1.0),
        task("lambada_openai", "lambada/lambada_test.jsonl", "test", false, 1.0)};
    tasks.back().lastWord = true;
    tasks[6].version.reset(); // the harness gives this task none
    for (const auto& [subject, group] : kMmluSubjects) {
        const std::string name(subject);
        tasks.push_back({"mmlu_" + name, "mmlu_" + std::string(group), "mmlu/test/" + name + "_test.csv", "test", false,
                         false, 1.0});
    }
    return tasks;
}

/// The file, or the same file unpacked.
std::string pathOf(const Task& task, const std::string& dataFolder)
{
    const std::string path = joinPath(dataFolder, task.file);
    const std::string bare = path.substr(0, path.rfind(".bz2"));
    return !exists(path) && exists(bare) ? bare : path;
}

} // namespace

Result<std::string> Task::digest(const std::string& dataFolder, const CancelToken& cancel) const
{
    const std::string path = pathOf(*this, dataFolder);
    SA_TRY(std::string questions, sha256OfFile(path, &cancel));
    if (name != "piqa")
        return questions;
    SA_TRY(const std::string answers, sha256OfFile(joinPath(splitPath(path).folder, kPiqaAnswers), &cancel));
    return sha256Of(questions + answers);
}

Result<std::vector<TaskItem>> Task::read(const std::string& dataFolder, std::optional<int> limit) const
{
    const std::string path = pathOf(*this, dataFolder);
    if (!exists(path))
        return makeError(Errc::NotFound, "the questions of task " + name + " are not there")
            .in(path)
            .tryThis("Give the folder of the task files with --data (docs/evaluation.md lists them)");
    const std::size_t most = limit ? static_cast<std::size_t>(*limit) : std::numeric_limits<std::size_t>::max();
    const auto items = [&]() -> Result<Items> {
        if (!group.empty())
            return readMmlu(path, most, name.substr(std::string("mmlu_").size()));
        if (name == "piqa")
            return readPiqa(path, most);
        if (name == "storycloze_2018")
            return readStoryCloze(path, most);
        if (name == "hellaswag")
            return readHellaSwag(path, most);
        const auto reader = name == "boolq"            ? readBoolQ
                            : name == "copa"           ? readCopa
                            : name == "rte"            ? readRte
                            : name == "lambada_openai" ? readLambada
                                                       : readArc;
        return readJsonLines(path, most, reader);
    }();
    if (items && items->empty())
        return makeError(Errc::BadFormat, "there are no questions in the file").in(path);
    return items;
}

std::vector<std::string> taskNames()
{
    std::vector<std::string> names;
    for (const Task& task : allTasks())
        if (task.group.empty())
            names.push_back(task.name);
    names.emplace_back("mmlu");
    for (const auto group : kMmluGroups)
        names.push_back("mmlu_" + std::string(group));
    return names;
}

Result<std::vector<Task>> selectTasks(const std::vector<std::string>& names)
{
    const std::vector<Task> known = allTasks();
    std::vector<Task> chosen;
    for (const std::string& name : names) {
        bool found = false;
        for (const Task& task : known) {
            if (name != "all" && name != task.name && name != task.group && (name != "mmlu" || task.group.empty()))
                continue;
            found = true;
            const auto same = [&](const Task& other) { return other.name == task.name; };
            if (std::none_of(chosen.begin(), chosen.end(), same))
                chosen.push_back(task);
        }
        if (found)
            continue;
        std::string expected;
        for (const std::string& task : taskNames())
            expected += task + ", ";
        return makeError(Errc::Usage, "there is no such task")
            .at("tasks")
            .butFound(display(name, 60))
            .wanted(expected + "mmlu_SUBJECT or all");
    }
    return chosen;
}

Result<std::string> taskDataFolder(const std::string& asked, const std::string& expectedFile)
{
    const auto variable = [](const char* name) {
        const char* value = std::getenv(name);
        return std::string(value ? value : "");
    };
    std::vector<std::string> places;
    if (!asked.empty()) {
        places.push_back(asked);
    } else {
        if (const auto own = variable("SHIFTADD_DATA"); !own.empty())
            places.push_back(own);
        if (const auto data = variable("XDG_DATA_HOME"); !data.empty())
            places.push_back(joinPath(data, "shiftadd"));
        else if (const auto home = variable("HOME"); !home.empty())
            places.push_back(joinPath(home, ".local/share/shiftadd"));
        places.emplace_back(SA_TASK_DATA);
    }
    std::string looked;
    for (const std::string& place : places) {
        for (const std::string& folder : {joinPath(place, "zeroshot"), place})
            if (exists(joinPath(folder, expectedFile)) ||
                exists(joinPath(folder, expectedFile.substr(0, expectedFile.rfind(".bz2")))))
                return folder;
        looked += (looked.empty() ? "" : ", ") + place;
    }
    return makeError(Errc::NotFound, "the questions of the tasks are not on this machine")
        .in(expectedFile)
        .butFound("nothing of that name in " + display(looked, 1000))
        .tryThis("Give the folder of the task files with --data, or name it in SHIFTADD_DATA (docs/evaluation.md lists "
                 "the files)");
}

} // namespace sa
