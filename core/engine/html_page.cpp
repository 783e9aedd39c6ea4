// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/html_page.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace sa::html
{

namespace
{

constexpr const char* kHead = R"(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Quality certificate</title><style>
body{font:15px/1.5 system-ui,sans-serif;color:#1a1f24;background:#fff;max-width:46rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem;border-bottom:1px solid #d5dbe1}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:.2rem .8rem .2rem 0;vertical-align:top;border-bottom:1px solid #eef1f4}
th{font-weight:500;color:#56616c}td.n,th.n{text-align:right}.f{width:42%}td:last-child,th:last-child{padding-right:0}code{font-size:.8rem;word-break:break-all}
.ok{color:#1b6e3c}.bad{color:#a4262c}svg{width:100%;height:auto;display:block}figure{margin:1rem 0;break-inside:avoid}
figcaption{color:#56616c;font-size:.85rem}tr{break-inside:avoid}
@media print{body{margin:0;max-width:none;font-size:10.5pt}h2{break-after:avoid}@page{margin:18mm}}
</style></head><body>
)";

/// "1234567" as "1 234 567", with narrow spaces that do not break.
std::string withThousands(std::string digits)
{
    const std::size_t first = digits.starts_with("-") ? 1 : 0;
    for (std::size_t place = digits.size(); place > first + 3;) {
        place -= 3;
        digits.insert(place, "&#8239;");
    }
    return digits;
}

} // namespace

std::string escaped(const std::string& text)
{
    std::string out;
    for (const char c : display(text, 10'000)) {
        if (c == '&')
            out += "&amp;";
        else if (c == '<')
            out += "&lt;";
        else if (c == '>')
            out += "&gt;";
        else if (c == '"')
            out += "&quot;";
        else
            out += c;
    }
    return out;
}

std::string code(const std::string& text)
{
    return "<code>" + escaped(text) + "</code>";
}

std::string number(double value, int digits)
{
    if (!std::isfinite(value))
        return "-";
    char text[40];
    std::snprintf(text, sizeof text, "%.*g", digits, value);
    return text;
}

std::string shown(const Json& value)
{
    if (value.is_null())
        return "-";
    if (value.is_string())
        return escaped(value.get<std::string>());
    if (value.is_number_integer())
        return "<data value=\"" + value.dump() + "\">" + withThousands(value.dump()) + "</data>";
    if (value.is_number_float()) // rounded for reading, exact for whoever reads the page's source
        return "<data value=\"" + json::dump(value) + "\">" + number(value.get<double>()) + "</data>";
    return escaped(json::dump(value));
}

std::string bytes(const Json& value)
{
    if (!value.is_number_unsigned())
        return shown(value);
    const auto count = static_cast<double>(value.get<std::uint64_t>());
    constexpr const char* kUnits[] = {"bytes", "kB", "MB", "GB", "TB"};
    std::size_t unit = 0;
    double scaled = count;
    for (; scaled >= 1000 && unit + 1 < std::size(kUnits); ++unit)
        scaled /= 1000;
    char text[40];
    std::snprintf(text, sizeof text, unit == 0 || scaled >= 100 ? "%.0f" : scaled >= 10 ? "%.1f" : "%.2f", scaled);
    return "<data value=\"" + value.dump() + "\">" + text + "&nbsp;" + kUnits[unit] + "</data>";
}

Page::Page(const std::string& title)
    : m_out("<h1>" + escaped(title) + "</h1>\n")
{
}

void Page::heading(const std::string& text)
{
    m_out += "<h2>" + escaped(text) + "</h2>\n";
}

void Page::paragraph(const std::string& html)
{
    m_out += "<p>" + html + "</p>\n";
}

void Page::facts(const std::vector<std::pair<std::string, std::string>>& rows)
{
    m_out += "<table>";
    for (const auto& [label, value] : rows)
        m_out += "<tr><th class=\"f\">" + escaped(label) + "</th><td>" + value + "</td></tr>\n";
    m_out += "</table>\n";
}

void Page::table(const std::vector<std::string>& columns, const std::vector<std::vector<std::string>>& rows)
{
    m_out += "<table><tr>";
    for (std::size_t i = 0; i < columns.size(); ++i)
        m_out += (i == 0 ? "<th>" : "<th class=\"n\">") + escaped(columns[i]) + "</th>";
    m_out += "</tr>\n";
    for (const auto& row : rows) {
        m_out += "<tr>";
        for (std::size_t i = 0; i < row.size(); ++i)
            m_out += (i == 0 ? "<td>" : "<td class=\"n\">") + row[i] + "</td>";
        m_out += "</tr>\n";
    }
    m_out += "</table>\n";
}

void Page::bars(const std::string& caption, const std::vector<std::pair<std::string, double>>& values)
{
    constexpr double width = 720, base = 180, top = 24;
    double most = 0;
    for (const auto& [label, value] : values)
        most = std::isfinite(value) ? std::max(most, value) : most;
    if (values.empty() || most <= 0)
        return;
    const double step = width / static_cast<double>(values.size());
    m_out += "<figure><svg viewBox=\"0 0 720 220\" role=\"img\" aria-label=\"" + escaped(caption) +
             "\" font-size=\"11\" text-anchor=\"middle\">";
    for (std::size_t i = 0; i < values.size(); ++i) {
        const auto& [label, value] = values[i];
        const double tall = std::isfinite(value) ? (base - top) * value / most : 0;
        const double x = step * static_cast<double>(i), middle = x + step / 2;
        m_out += "<rect x=\"" + number(x + 0.15 * step) + "\" y=\"" + number(base - tall) + "\" width=\"" +
                 number(0.7 * step) + "\" height=\"" + number(tall) + "\" fill=\"#2b6cb0\"/>";
        if (values.size() <= 16) {
            m_out += "<text x=\"" + number(middle) + "\" y=\"" + number(base - tall - 5) + "\">" +
                     number(value, value == std::floor(value) ? 9 : 3) + "</text><text x=\"" + number(middle) +
                     "\" y=\"" + number(base + 16) + "\" fill=\"#56616c\">" + escaped(label) + "</text>";
        }
    }
    m_out += "<line x1=\"0\" x2=\"720\" y1=\"" + number(base) + "\" y2=\"" + number(base) +
             "\" stroke=\"#8a949e\"/></svg><figcaption>" + escaped(caption) + "</figcaption></figure>\n";
}

std::string Page::finished() &&
{
    return kHead + m_out + "</body></html>\n";
}

} // namespace sa::html
