// SPDX-License-Identifier: GPL-3.0-or-later
// Numbers and foreign text as people read them. Everything that came from a file, a model or the worker passes shown()
// before it reaches a widget, and every widget that shows it is plain text.
#pragma once

#include "core/base/error.h"

#include <QString>

#include <cstdint>
#include <optional>

namespace sa::ui
{

/// Exact text, for editing, copying and file names.
QString fromUtf8(const std::string& text);
std::string toUtf8(const QString& text);
/// Escaped and shortened (core/base display()): for labels, tables and logs.
QString shown(const std::string& untrusted, std::size_t maxBytes = 300);
QString shown(const QString& untrusted, std::size_t maxBytes = 300);
/// Tool tips guess whether they are rich text; this one cannot be taken for it.
QString plainToolTip(const QString& text);
/// For menus and buttons, where "&" marks a mnemonic.
QString withoutMnemonics(const QString& text);

QString bytesText(std::uint64_t bytes);             ///< "13.2 MiB"
QString countText(std::int64_t count);              ///< "6,917,376"
QString shortCountText(double count);               ///< "6.92 M"
QString decimalText(double value, int decimals);    ///< "3.19"; a dash when it is not a number
QString significantText(double value, int digits);  ///< "0.0313", "1.25e-05"
QString percentText(double fraction, int decimals); ///< 0.68 -> "68.2 %"
QString durationText(double seconds);               ///< "0.4 s", "42 s", "3 min 05 s", "1 h 12 min"
QString rateText(double rate, const QString& unit); ///< "2.1 layers/s"

/// What a phase of docs/PROTOCOL.md means to the user: "quantize" -> "Quantizing".
QString phaseText(const std::string& phase);
/// "cannot open" -> "Cannot open."
QString sentence(const QString& clause);

} // namespace sa::ui
