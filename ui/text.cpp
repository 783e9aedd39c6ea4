// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/text.h"

#include <QCoreApplication>
#include <QLocale>

#include <algorithm>
#include <array>
#include <cmath>

namespace sa::ui
{

namespace
{

QString tr(const char* text)
{
    return QCoreApplication::translate("sa::ui::text", text);
}
const QString kDash = QStringLiteral("–");

} // namespace

QString fromUtf8(const std::string& text)
{
    return QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size()));
}

std::string toUtf8(const QString& text)
{
    const QByteArray bytes = text.toUtf8();
    return {bytes.constData(), static_cast<std::size_t>(bytes.size())};
}

QString shown(const std::string& untrusted, std::size_t maxBytes)
{
    return fromUtf8(display(untrusted, maxBytes));
}

QString shown(const QString& untrusted, std::size_t maxBytes)
{
    return shown(toUtf8(untrusted), maxBytes);
}

QString plainToolTip(const QString& text)
{
    return QStringLiteral("<span>") + text.toHtmlEscaped() + QStringLiteral("</span>");
}

QString withoutMnemonics(const QString& text)
{
    return QString(text).replace(u'&', QStringLiteral("&&"));
}

QString bytesText(std::uint64_t bytes)
{
    constexpr std::array units{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = static_cast<double>(bytes);
    std::size_t unit = 0;
    while (value >= 1023.95 && unit + 1 < units.size()) {
        value /= 1024;
        ++unit;
    }
    const int decimals = unit == 0 ? 0 : value < 10 ? 2 : value < 100 ? 1 : 0;
    return QLocale().toString(value, 'f', decimals) + QChar(QChar::Nbsp) + QLatin1String(units[unit]);
}

QString countText(std::int64_t count)
{
    return QLocale().toString(static_cast<qlonglong>(count));
}

QString shortCountText(double count)
{
    constexpr std::array units{"", "K", "M", "B", "T"};
    std::size_t unit = 0;
    while (std::abs(count) >= 999.5 && unit + 1 < units.size()) {
        count /= 1000;
        ++unit;
    }
    const int decimals = unit == 0 ? 0 : std::abs(count) < 10 ? 2 : std::abs(count) < 100 ? 1 : 0;
    const QString number = QLocale().toString(count, 'f', decimals);
    return unit == 0 ? number : number + QChar(QChar::Nbsp) + QLatin1String(units[unit]);
}

QString decimalText(double value, int decimals)
{
    return std::isfinite(value) ? QLocale().toString(value, 'f', decimals) : kDash;
}

QString significantText(double value, int digits)
{
    if (!std::isfinite(value))
        return kDash;
    const double magnitude = std::abs(value);
    if (magnitude != 0 && (magnitude < 1e-4 || magnitude >= 1e7))
        return QLocale().toString(value, 'e', digits - 1);
    const int exponent = magnitude == 0 ? 0 : static_cast<int>(std::floor(std::log10(magnitude)));
    return QLocale().toString(value, 'f', std::clamp(digits - 1 - exponent, 0, 8));
}

QString percentText(double fraction, int decimals)
{
    return std::isfinite(fraction) ? QLocale().toString(fraction * 100, 'f', decimals) + QChar(QChar::Nbsp) + u'%'
                                   : kDash;
}

QString durationText(double seconds)
{
    if (!std::isfinite(seconds) || seconds < 0)
        return kDash;
    if (seconds < 9.95)
        return tr("%1 s").arg(QLocale().toString(seconds, 'f', 1));
    const auto whole = static_cast<qint64>(std::min(seconds, 3.6e8) + 0.5);
    if (whole < 60)
        return tr("%1 s").arg(whole);
    if (whole < 3600)
        return tr("%1 min %2 s").arg(whole / 60).arg(whole % 60, 2, 10, QChar(u'0'));
    if (whole < 100 * 3600)
        return tr("%1 h %2 min").arg(whole / 3600).arg(whole / 60 % 60, 2, 10, QChar(u'0'));
    return tr("%1 d %2 h").arg(whole / 86400).arg(whole / 3600 % 24);
}

QString rateText(double rate, const QString& unit)
{
    if (!std::isfinite(rate))
        return {};
    const int decimals = rate < 10 ? 1 : 0;
    return QStringLiteral("%1 %2/s").arg(QLocale().toString(rate, 'f', decimals), unit);
}

QString phaseText(const std::string& phase)
{
    struct Entry {
        const char* phase;
        const char* text;
    };
    constexpr std::array entries{
        Entry{"open", QT_TRANSLATE_NOOP("sa::ui::text", "Reading headers")},
        Entry{"hash", QT_TRANSLATE_NOOP("sa::ui::text", "Fingerprinting the weights")},
        Entry{"resume", QT_TRANSLATE_NOOP("sa::ui::text", "Going through the finished layers")},
        Entry{"tokenize", QT_TRANSLATE_NOOP("sa::ui::text", "Reading the text")},
        Entry{"score", QT_TRANSLATE_NOOP("sa::ui::text", "Reading the weights")},
        Entry{"measure", QT_TRANSLATE_NOOP("sa::ui::text", "Measuring layers")},
        Entry{"quantize", QT_TRANSLATE_NOOP("sa::ui::text", "Quantizing")},
        Entry{"write", QT_TRANSLATE_NOOP("sa::ui::text", "Writing the folder")},
        Entry{"verify", QT_TRANSLATE_NOOP("sa::ui::text", "Verifying what was written")},
        Entry{"evaluate", QT_TRANSLATE_NOOP("sa::ui::text", "Measuring perplexity")},
        Entry{"prefill", QT_TRANSLATE_NOOP("sa::ui::text", "Reading the prompt")},
        Entry{"decode", QT_TRANSLATE_NOOP("sa::ui::text", "Generating")},
    };
    for (const Entry& entry : entries)
        if (phase == entry.phase)
            return tr(entry.text);
    return shown(phase, 40);
}

QString sentence(const QString& clause)
{
    QString text = clause.trimmed();
    if (text.isEmpty())
        return text;
    // A file or tensor name at the beginning keeps its spelling.
    const QString first = text.section(u' ', 0, 0);
    if (std::all_of(first.begin(), first.end(), [](QChar c) { return c.isLower() || c == u',' || c == u':'; }))
        text[0] = text[0].toUpper();
    const QChar last = text.back();
    return last == u'.' || last == u'!' || last == u'?' ? text : text + u'.';
}

} // namespace sa::ui
