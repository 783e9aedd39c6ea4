// SPDX-License-Identifier: GPL-3.0-or-later
// `evaluate`: perplexity and divergence on a text, accuracies on zero-shot tasks.
#include "core/engine/evaluation.h"
#include "core/eval/task_items.h"

namespace sa
{

Result<Json> evaluateModel(const EvaluateSpec& spec, const JobContext& context)
{
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
