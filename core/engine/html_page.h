// SPDX-License-Identifier: GPL-3.0-or-later
// A page of headings, tables and bar charts for browsers and printers: one file, nothing loaded from elsewhere. Every
// number that is rounded for reading carries its exact digits in the page's source.
#pragma once

#include "core/base/json.h"

#include <string>
#include <utility>
#include <vector>

namespace sa::html
{

std::string escaped(const std::string& text);
std::string code(const std::string& text);        ///< escaped, in a fixed pitch
std::string number(double value, int digits = 5); ///< "-" for what is not finite
/// What a cell shows of a value: floating point short, integers with thousands apart, nothing as a dash.
std::string shown(const Json& value);
/// An integer number of bytes as "97.6 MB".
std::string bytes(const Json& value);

class Page
{
public:
    explicit Page(const std::string& title);

    void heading(const std::string& text);
    void paragraph(const std::string& html);
    /// Label and ready HTML, a line each.
    void facts(const std::vector<std::pair<std::string, std::string>>& rows);
    /// Ready HTML; all columns but the first are right-aligned.
    void table(const std::vector<std::string>& columns, const std::vector<std::vector<std::string>>& rows);
    /// Bars with a label below and the value above each; nothing where no value is above 0.
    void bars(const std::string& caption, const std::vector<std::pair<std::string, double>>& values);
    std::string finished() &&;

private:
    std::string m_out;
};

} // namespace sa::html
