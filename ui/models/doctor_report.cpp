// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/models/doctor_report.h"

#include "ui/text.h"

#include <QCoreApplication>
#include <QStringList>

#include <limits>

namespace sa::ui
{

namespace
{

constexpr std::size_t kMaxChecks = 200;                   // a worker makes about a dozen
constexpr std::int64_t kMaxBytes = std::int64_t{1} << 53; // exact in JSON

QString tr(const char* text)
{
    return QCoreApplication::translate("sa::ui::DoctorReport", text);
}

Result<CheckStatus> parseStatus(const JsonField& field)
{
    SA_TRY(const std::string status, field.asString());
    if (status == "passed")
        return CheckStatus::Passed;
    if (status == "warning")
        return CheckStatus::Warning;
    if (status == "failed")
        return CheckStatus::Failed;
    return field.wrong("\"passed\", \"warning\" or \"failed\"");
}

Result<Check> parseCheck(const JsonField& field)
{
    Check check;
    SA_TRY(const std::string id, field.stringAt("id"));
    SA_TRY(const JsonField titleField, field.at("title"));
    SA_TRY(const std::string title, titleField.asString());
    if (title.empty())
        return titleField.wrong("a title");
    SA_TRY(const std::string detail, field.stringAt("detail"));
    SA_TRY(const std::string remedy, field.stringAt("remedy"));
    SA_TRY(const JsonField statusField, field.at("status"));
    SA_TRY(check.status, parseStatus(statusField));
    check.id = fromUtf8(id);
    check.title = fromUtf8(title);
    check.detail = fromUtf8(detail);
    check.remedy = fromUtf8(remedy);
    return check;
}

/// A count that the list does not bear out means that something got lost on the way.
Result<void> compareCount(const JsonField& root, const char* key, int counted)
{
    SA_TRY(const JsonField field, root.at(key));
    SA_TRY(const std::int64_t value, field.asInt(0, static_cast<std::int64_t>(kMaxChecks)));
    if (value != counted)
        return field.wrong(std::to_string(counted) + ", as the list of checks has it");
    return {};
}

Result<std::optional<std::uint64_t>> bytesOf(const JsonField& estimates, const char* key)
{
    const auto field = estimates.find(key);
    if (!field)
        return std::optional<std::uint64_t>{};
    SA_TRY(const std::int64_t bytes, field->asInt(0, kMaxBytes));
    return std::optional(static_cast<std::uint64_t>(bytes));
}

Result<void> parseEstimates(const JsonField& estimates, DoctorReport& report)
{
    if (!estimates.isObject())
        return estimates.wrong("an object");
    SA_TRY(report.memoryBytes, bytesOf(estimates, "memory_bytes"));
    SA_TRY(report.residentBytes, bytesOf(estimates, "resident_bytes"));
    SA_TRY(report.diskBytes, bytesOf(estimates, "disk_bytes"));
    if (const auto seconds = estimates.find("seconds")) {
        SA_TRY(report.seconds, seconds->asDouble(0, std::numeric_limits<double>::max()));
    }
    return {};
}

} // namespace

QString DoctorReport::summary() const
{
    QStringList parts{passed > 0 ? tr("%1 passed").arg(countText(passed)) : tr("none passed")};
    if (warnings > 0)
        parts += tr("%1 to look at").arg(countText(warnings));
    parts += failed > 0 ? tr("%1 failed").arg(countText(failed)) : tr("none failed");
    return parts.join(tr(", "));
}

Result<DoctorReport> parseDoctorReport(const Json& result)
{
    const JsonField root(result, "", "result");
    DoctorReport report;
    SA_TRY(const JsonField checks, root.at("checks"));
    SA_TRY(const auto elements, checks.elements(kMaxChecks));
    if (elements.empty())
        return checks.wrong("at least one check");
    report.checks.reserve(elements.size());
    for (const JsonField& element : elements) {
        SA_TRY(Check check, parseCheck(element));
        int& count = check.status == CheckStatus::Passed    ? report.passed
                     : check.status == CheckStatus::Warning ? report.warnings
                                                            : report.failed;
        ++count;
        report.checks.push_back(std::move(check));
    }
    SA_CHECK(compareCount(root, "passed", report.passed));
    SA_CHECK(compareCount(root, "warnings", report.warnings));
    SA_CHECK(compareCount(root, "failed", report.failed));
    SA_TRY(const JsonField estimates, root.at("estimates"));
    SA_CHECK(parseEstimates(estimates, report));
    return report;
}

} // namespace sa::ui
