// SPDX-License-Identifier: GPL-3.0-or-later
// One function per kind of job; `runJob` dispatches and is the border where exceptions end.
#pragma once

#include "core/engine/job.h"
#include "core/model/model_folder.h"
#include "core/tokenizer/tokenizer.h"

#include <chrono>

namespace sa
{

struct JobContext {
    const EventSink& emit;
    const CancelToken& cancel;
    void warn(const std::string& message) const;
};

Result<Json> openModel(const OpenSpec& spec, const JobContext& context);
Result<Json> quantizeModel(const QuantizeSpec& spec, const JobContext& context);
/// How much each layer suffers at each bit width; results are cached by content.
Result<Json> analyzeModel(const AnalyzeSpec& spec, const JobContext& context);
Result<Json> evaluateModel(const EvaluateSpec& spec, const JobContext& context);
Result<Json> generateText(const GenerateSpec& spec, const JobContext& context);
Result<Json> exportModel(const ExportSpec& spec, const JobContext& context);
Result<Json> verifyModel(const VerifySpec& spec, const JobContext& context);
/// Unsupported where a norm's output goes elsewhere than into linear layers.
Result<Json> addOutliers(const AddOutliersSpec& spec, const JobContext& context);
Result<Json> importReference(const ImportReferenceSpec& spec, const JobContext& context);
Result<Json> measureLatency(const LatencySpec& spec, const JobContext& context);
/// The certificate. A limit that is exceeded is no error of the job: `gate.accepted` says so.
Result<Json> writeReport(const ReportSpec& spec, const JobContext& context);
Result<Json> benchShapes(const BenchSpec& spec, const JobContext& context);
Result<Json> benchModel(const BenchSpec& spec, const JobContext& context);
Result<Json> listMethods(const MethodsSpec& spec, const JobContext& context);
/// Never an error for what is wrong with the folder: that is the result.
Result<Json> examineModel(const DoctorSpec& spec, const JobContext& context);

/// The border where exceptions of libraries end.
Result<Json> guarded(const std::function<Result<Json>()>& work);

/// Seconds since its construction.
class Stopwatch
{
public:
    double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - m_start).count(); }

private:
    std::chrono::steady_clock::time_point m_start = std::chrono::steady_clock::now();
};

} // namespace sa
