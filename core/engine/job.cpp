// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/jobs.h"

#include "core/model/tensors.h"
#include "core/protocol/messages.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fstream>
#include <thread>
#include <unistd.h>

namespace sa
{

namespace
{

template<class... F> struct Overloaded : F... {
    using F::operator()...;
};
template<class... F> Overloaded(F...) -> Overloaded<F...>;

std::string processorName()
{
    std::ifstream info("/proc/cpuinfo");
    for (std::string line; std::getline(info, line);)
        if (line.rfind("model name", 0) == 0)
            if (const auto colon = line.find(": "); colon != std::string::npos)
                return line.substr(colon + 2);
    return "CPU";
}

Result<Json> dispatch(const JobSpec& spec, const JobContext& context)
{
    return std::visit(Overloaded{
                          [&](const OpenSpec& s) { return openModel(s, context); },
                          [&](const QuantizeSpec& s) { return quantizeModel(s, context); },
                          [&](const EvaluateSpec& s) { return evaluateModel(s, context); },
                          [&](const GenerateSpec& s) { return generateText(s, context); },
                          [&](const ExportSpec& s) { return exportModel(s, context); },
                          [&](const VerifySpec& s) { return verifyModel(s, context); },
                          [&](const DoctorSpec& s) { return examineModel(s, context); },
                          [&](const ImportReferenceSpec& s) { return importReference(s, context); },
                          [&](const MethodsSpec& s) { return listMethods(s, context); },
                          [&](const BenchSpec& s) { return benchShapes(s, context); },
                          [&](const AddOutliersSpec& s) { return addOutliers(s, context); },
                          [&](const AnalyzeSpec& s) { return analyzeModel(s, context); },
                          [&](const LatencySpec& s) { return measureLatency(s, context); },
                          [&](const ReportSpec& s) { return writeReport(s, context); },
                      },
                      spec);
}

} // namespace

void JobContext::warn(const std::string& message) const
{
    emit(toJson(Note{"warning", message}));
}

Result<Json> runJob(const JobSpec& spec, const EventSink& emit, const CancelToken& cancel)
{
    const JobContext context{emit, cancel};
    return guarded([&] {
        const c10::NoGradGuard noGradients;
        return dispatch(spec, context);
    });
}

Result<Json> guarded(const std::function<Result<Json>()>& work)
{
    try {
        return work();
    } catch (const std::bad_alloc&) {
        return makeError(Errc::OutOfMemory, "there is not enough memory for this job")
            .tryThis("Close other programs, or use fewer samples or shorter windows");
    } catch (const std::exception& e) {
        // c10::Error carries a stack trace after the first line.
        const std::string text = e.what();
        const std::string first = text.substr(0, text.find('\n'));
        if (first.find("not enough memory") != std::string::npos || first.find("out of memory") != std::string::npos)
            return makeError(Errc::OutOfMemory, "there is not enough memory for this job (" + display(first) + ")");
        return makeError(Errc::Internal, display(first, 500));
    }
}

Json devices()
{
    const auto pages = static_cast<std::uint64_t>(std::max(0L, ::sysconf(_SC_PHYS_PAGES)));
    const auto pageBytes = static_cast<std::uint64_t>(std::max(0L, ::sysconf(_SC_PAGESIZE)));
    Json list = Json::array();
    list.push_back({{"id", "cpu"},
                    {"name", processorName()},
                    {"threads", std::max(1u, std::thread::hardware_concurrency())},
                    {"memory_bytes", pages * pageBytes}});
    return list;
}

} // namespace sa
