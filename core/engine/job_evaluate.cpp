// SPDX-License-Identifier: GPL-3.0-or-later
// `evaluate`: perplexity and divergence on a text, accuracies on zero-shot tasks.
#include "core/engine/evaluation.h"
#include "core/eval/task_items.h"

#include <filesystem>
#include <unistd.h>

namespace sa
{

namespace
{

/// A home that cannot be written to costs the cache, not the evaluation.
bool canKeep(const std::string& folder)
{
    std::error_code failed;
    std::filesystem::create_directories(folder, failed);
    return !failed && ::access(folder.c_str(), W_OK | X_OK) == 0;
}

} // namespace

Result<Json> evaluateModel(const EvaluateSpec& asked, const JobContext& context)
{
    EvaluateSpec spec = asked;
    if (const auto folder = cacheFolder(spec); folder && !canKeep(*folder)) {
        context.warn("results cannot be kept in " + display(*folder) + ": nothing of this run will be found again");
        spec.cache = false;
    }
    if (!spec.tasks.empty())
        SA_CHECK(selectTasks(spec.tasks)); // before minutes are spent on the text
    SA_TRY(EvaluatedModel model, EvaluatedModel::open(spec.model, spec, context));
    Json out = Json::object();
    if (!spec.text.empty()) {
        SA_TRY(out, evaluateText(spec, model, context));
    }
    if (!spec.tasks.empty()) {
        SA_TRY(const Json tasks, evaluateTasks(spec, model, context));
        out.update(tasks);
    }
    if (model.loaded()) {
        SA_TRY(const Decoder* decoder, model.decoder());
        out["resident_linear_bytes"] = decoder->blockWeightBytes();
    }
    return out;
}

} // namespace sa
