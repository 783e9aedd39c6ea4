// SPDX-License-Identifier: GPL-3.0-or-later
// Zero-shot tasks as questions with continuations to score, read from plain files. Prompts are those of EleutherAI's
// lm-evaluation-harness (version in docs/evaluation.md), to the character.
#pragma once

#include "core/base/cancel.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sa
{

struct TaskItem {
    std::string context;                    ///< what is given
    std::vector<std::string> continuations; ///< what is scored, the space before it included
    std::vector<int> lengths;               ///< of the choices in characters, as the normalised accuracy divides by
    int answer = 0;                         ///< index of the right one
};

/// One task of the harness: a file and how its questions are put.
struct Task {
    std::string name;        ///< the harness's: "arc_easy", "mmlu_anatomy"
    std::string group;       ///< "mmlu_stem" for a subject of MMLU, otherwise empty
    std::string file;        ///< below the data folder
    std::string split;       ///< which split of the data set the file is
    bool normalised = false; ///< the harness reports acc_norm too
    bool lastWord = false;   ///< LAMBADA: one continuation, right when every token is the likeliest
    std::optional<double> version;

    /// At most `limit` items. NotFound names the file that is missing; BadFormat names line and field.
    Result<std::vector<TaskItem>> read(const std::string& dataFolder, std::optional<int> limit) const;
    /// SHA-256 of the file (of both, where the answers are in a second one).
    Result<std::string> digest(const std::string& dataFolder, const CancelToken& cancel) const;
};

/// Tasks by name, in the order asked for, each once; "mmlu" and "mmlu_stem" stand for their subjects, "all" for
/// everything. Usage names one that does not exist, and what there is.
Result<std::vector<Task>> selectTasks(const std::vector<std::string>& names);
/// Names that selectTasks takes, subjects of MMLU left out.
std::vector<std::string> taskNames();

/// Where the files are: `asked` if it is not empty, otherwise the first that exists of $SHIFTADD_DATA,
/// $XDG_DATA_HOME/shiftadd/zeroshot (~/.local/share/...) and the folder that CMake was told (SA_SHARED_DIR). A folder
/// may hold the files itself or in "zeroshot". NotFound says where it looked and which file it expected.
Result<std::string> taskDataFolder(const std::string& asked, const std::string& expectedFile);

} // namespace sa
