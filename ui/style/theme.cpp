// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/style/theme.h"

#include <QApplication>
#include <QEvent>
#include <QFile>
#include <QFont>
#include <QStyleFactory>
#include <QWidget>

#include <algorithm>

/// A static library's resources register themselves only when asked; the macro wants the global namespace.
static void registerResources()
{
    Q_INIT_RESOURCE(workbench);
}

namespace sa::ui
{

namespace
{

const Colors kLight{
    .window = QColor(0xF4F5F8),
    .surface = QColor(0xFFFFFF),
    .rail = QColor(0xE9EBF1),
    .hover = QColor(0xEEF0F5),
    .border = QColor(0xDCDFE6),
    .borderStrong = QColor(0xBCC2CE),
    .text = QColor(0x1B1F29),
    .muted = QColor(0x586173),
    .disabled = QColor(0x9AA1AF),
    .accent = QColor(0x3450D2),
    .accentHover = QColor(0x2B45BD),
    .accentPressed = QColor(0x2339A0),
    .onAccent = QColor(0xFFFFFF),
    .accentSoft = QColor(0xE4E9FC),
    .success = QColor(0x1A7647),
    .successSoft = QColor(0xE1F3E9),
    .warning = QColor(0x8A5800),
    .warningSoft = QColor(0xFCF1D8),
    .danger = QColor(0xB82633),
    .dangerSoft = QColor(0xFBE6E8),
};

const Colors kDark{
    .window = QColor(0x181A20),
    .surface = QColor(0x20232B),
    .rail = QColor(0x121419),
    .hover = QColor(0x2A2E38),
    .border = QColor(0x333845),
    .borderStrong = QColor(0x4C5364),
    .text = QColor(0xE7E9EF),
    .muted = QColor(0xA0A8B8),
    .disabled = QColor(0x646C7C),
    .accent = QColor(0x8EA4FF),
    .accentHover = QColor(0xA3B5FF),
    .accentPressed = QColor(0x7A91F0),
    .onAccent = QColor(0x10142A),
    .accentSoft = QColor(0x2A335C),
    .success = QColor(0x63CB94),
    .successSoft = QColor(0x1B3529),
    .warning = QColor(0xE6B84C),
    .warningSoft = QColor(0x3A2F15),
    .danger = QColor(0xFF8B92),
    .dangerSoft = QColor(0x43232A),
};

QPalette paletteOf(const Colors& c)
{
    QPalette palette;
    palette.setColor(QPalette::Window, c.window);
    palette.setColor(QPalette::WindowText, c.text);
    palette.setColor(QPalette::Base, c.surface);
    palette.setColor(QPalette::AlternateBase, c.window);
    palette.setColor(QPalette::ToolTipBase, c.surface);
    palette.setColor(QPalette::ToolTipText, c.text);
    palette.setColor(QPalette::PlaceholderText, c.muted);
    palette.setColor(QPalette::Text, c.text);
    palette.setColor(QPalette::Button, c.surface);
    palette.setColor(QPalette::ButtonText, c.text);
    palette.setColor(QPalette::BrightText, c.danger);
    palette.setColor(QPalette::Light, c.surface);
    palette.setColor(QPalette::Midlight, c.hover);
    palette.setColor(QPalette::Mid, c.border);
    palette.setColor(QPalette::Dark, c.borderStrong);
    palette.setColor(QPalette::Shadow, c.borderStrong);
    palette.setColor(QPalette::Highlight, c.accentSoft);
    palette.setColor(QPalette::HighlightedText, c.text);
    palette.setColor(QPalette::Link, c.accent);
    palette.setColor(QPalette::LinkVisited, c.accent);
    for (const auto role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText})
        palette.setColor(QPalette::Disabled, role, c.disabled);
    palette.setColor(QPalette::Disabled, QPalette::Base, c.window);
    return palette;
}

/// style.qss uses @names for colours and sizes, so that both themes share one sheet.
QString styleSheetOf(const Colors& c, bool dark)
{
    QFile file(QStringLiteral(":/style/style.qss"));
    if (!file.open(QIODevice::ReadOnly))
        return {};
    QString sheet = QString::fromUtf8(file.readAll());
    const std::pair<const char*, QColor> names[] = {
        {"@accentPressed", c.accentPressed},
        {"@accentHover", c.accentHover},
        {"@accentSoft", c.accentSoft},
        {"@accent", c.accent},
        {"@onAccent", c.onAccent},
        {"@borderStrong", c.borderStrong},
        {"@border", c.border},
        {"@window", c.window},
        {"@surface", c.surface},
        {"@rail", c.rail},
        {"@hover", c.hover},
        {"@text", c.text},
        {"@muted", c.muted},
        {"@disabled", c.disabled},
        {"@successSoft", c.successSoft},
        {"@success", c.success},
        {"@warningSoft", c.warningSoft},
        {"@warning", c.warning},
        {"@dangerSoft", c.dangerSoft},
        {"@danger", c.danger},
    };
    for (const auto& [token, color] : names) // longer names stand before their prefixes
        sheet.replace(QLatin1String(token), color.name());
    return sheet.replace(QLatin1String("@shade"), dark ? QLatin1String("dark") : QLatin1String("light"));
}

} // namespace

bool isDark(const QPalette& palette)
{
    return palette.color(QPalette::Window).lightness() < 128;
}

const Colors& colorsOf(const QPalette& palette)
{
    return isDark(palette) ? kDark : kLight;
}

Theme::Theme(QApplication& app)
    : m_app(app)
    , m_systemIsDark(isDark(QApplication::palette()))
    , m_systemPointSize(std::max(8.0, QApplication::font().pointSizeF()))
{
    registerResources();
    app.setStyle(QStyleFactory::create(QStringLiteral("Fusion")));
}

void Theme::apply(ThemeMode mode)
{
    m_mode = mode;
    refresh();
}

void Theme::setTextPercent(int percent)
{
    m_textPercent = std::clamp(percent, 80, 200);
    refresh();
}

void Theme::refresh()
{
    const bool dark = m_mode == ThemeMode::Dark || (m_mode == ThemeMode::System && m_systemIsDark);
    const Colors& colors = dark ? kDark : kLight;
    QFont font = QApplication::font();
    font.setPointSizeF(m_systemPointSize * m_textPercent / 100.0);
    QApplication::setFont(font);
    QApplication::setPalette(paletteOf(colors));
    m_app.setStyleSheet(styleSheetOf(colors, dark));
    // A new sheet brings back the fonts that widgets had before it, so scaled texts are told last.
    QEvent fontChanged(QEvent::ApplicationFontChange);
    for (QWidget* widget : QApplication::allWidgets())
        QApplication::sendEvent(widget, &fontChanged);
}

} // namespace sa::ui
