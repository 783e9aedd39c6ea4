// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/measure/report_store.h"

#include "ui/models/model_summary.h"
#include "ui/text.h"

namespace sa::ui
{

namespace
{

const QString kKind = QStringLiteral("report");

} // namespace

QString Report::original() const
{
    return fromUtf8(spec.evaluate.reference);
}

QString Report::compressed() const
{
    return fromUtf8(spec.evaluate.model);
}

bool Report::isAccepted() const
{
    const Json accepted = certificate.value(Json::json_pointer("/gate/accepted"), Json());
    return accepted.is_boolean() && accepted.get<bool>();
}

Result<void> keepReport(const QString& place, const Report& report, const QStringList& stamps)
{
    const Json value{{"spec", toJson(JobSpec(report.spec))},
                     {"certificate", report.certificate},
                     {"html", toUtf8(report.html)},
                     {"original_stamp", toUtf8(stamps.value(0))}};
    return keepResult(place, kKind, {report.compressed()}, {stamps.value(1)}, value);
}

std::optional<Report> keptReport(const QString& place, const QString& compressed)
{
    auto kept = keptResult(place, kKind, {compressed});
    if (!kept || !kept->value.is_object())
        return std::nullopt;
    const auto spec = parseJobSpec("report", kept->value.value("spec", Json()));
    const Json html = kept->value.value("html", Json()), stamp = kept->value.value("original_stamp", Json());
    if (!spec || !std::holds_alternative<ReportSpec>(*spec) || !html.is_string() || !stamp.is_string())
        return std::nullopt;
    Report out;
    out.spec = std::get<ReportSpec>(*spec);
    out.certificate = kept->value.value("certificate", Json::object());
    out.html = fromUtf8(html.get<std::string>());
    out.made = kept->measured;
    out.stale = kept->stale || toUtf8(folderStamp(out.original())) != stamp.get<std::string>();
    return out;
}

std::vector<LimitRow> limitsOf(const Json& certificate)
{
    std::vector<LimitRow> rows;
    const Json limits = certificate.value(Json::json_pointer("/gate/limits"), Json());
    if (!limits.is_array())
        return rows;
    const auto number = [](const Json& value) { return value.is_number() ? value.get<double>() : kNoNumber; };
    for (const Json& limit : limits) {
        if (!limit.is_object())
            continue;
        const Json name = limit.value("name", Json()), passed = limit.value("passed", Json());
        rows.push_back({name.is_string() ? shown(name.get<std::string>(), 80) : QString(),
                        significantText(number(limit.value("value", Json())), 3),
                        significantText(number(limit.value("limit", Json())), 3),
                        passed.is_boolean() && passed.get<bool>()});
    }
    return rows;
}

} // namespace sa::ui
