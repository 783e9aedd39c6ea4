// SPDX-License-Identifier: GPL-3.0-or-later
// The parts of an `evaluate` job: a model that is loaded when it is first needed, the figures of a text, those of
// zero-shot tasks.
#pragma once

#include "core/engine/jobs.h"
#include "core/eval/window_scores.h"

#include <memory>

namespace sa
{

/// Changes with everything that would make kept results wrong.
inline constexpr int kEvaluationFormat = 2;

/// A folder of which only headers, tokenizer and identity are read until decoder() is called.
class EvaluatedModel
{
public:
    static Result<EvaluatedModel> open(const std::string& folder, const EvaluateSpec& spec, const JobContext& context);

    const ModelFolder& folder() const { return *m_folder; }
    const ModelConfig& config() const { return m_folder->config; }
    const Tokenizer& tokenizer() const { return m_tokenizer; }
    const Json& identity() const { return m_identity; }
    at::Device device() const { return m_device; }
    /// Loads the weights at the first call; reports progress ("open").
    Result<const Decoder*> decoder();
    bool loaded() const { return m_decoder != nullptr; }
    /// Its weights rounded to float16 (Decoder::roundToHalf), or gone.
    Result<const Decoder*> halfDecoder();
    void unload() { m_decoder.reset(); }

private:
    EvaluatedModel(ModelFolder folder, Tokenizer tokenizer, Json identity, at::Device device, PackedForm form,
                   const JobContext& context);
    std::unique_ptr<ModelFolder> m_folder;
    Tokenizer m_tokenizer;
    Json m_identity;
    at::Device m_device;
    PackedForm m_form;
    const JobContext* m_context;
    std::unique_ptr<Decoder> m_decoder;
};

/// What kept results depend on besides the model and the data: "cpu", "cpu, fast" or "cuda".
const char* arithmeticOf(const EvaluateSpec& spec);
/// Where finished pieces of this job are kept: nothing with `cache` off.
std::optional<std::string> cacheFolder(const EvaluateSpec& spec);

/// Perplexity with its interval and, with a reference, divergence: members of the job's result.
Result<Json> evaluateText(const EvaluateSpec& spec, EvaluatedModel& model, const JobContext& context);
/// {"tasks": [...], "task_groups": [...]}
Result<Json> evaluateTasks(const EvaluateSpec& spec, EvaluatedModel& model, const JobContext& context);

/// JSON has no infinity and no NaN: a figure that is none is null.
Json finiteOrNull(double value);

} // namespace sa
