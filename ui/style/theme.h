// SPDX-License-Identifier: GPL-3.0-or-later
// Colours of the window. Qt 6.4 knows no colour scheme, so "System" looks at the lightness of the palette that the
// platform gave, and everything is drawn by Fusion with one of our two palettes.
#pragma once

#include <QColor>
#include <QPalette>

class QApplication;

namespace sa::ui
{

/// Text on `surface` and on `window` keeps a contrast of at least 4.5:1 for text, muted, accent and the three verdicts.
struct Colors {
    QColor window, surface, rail, hover, border, borderStrong;
    QColor text, muted, disabled;
    QColor accent, accentHover, accentPressed, onAccent, accentSoft;
    QColor success, successSoft, warning, warningSoft, danger, dangerSoft;
};

enum class ThemeMode { System, Light, Dark };

/// The table that belongs to a palette, by the lightness of its window colour.
const Colors& colorsOf(const QPalette& palette);
bool isDark(const QPalette& palette);

class Theme
{
public:
    /// Reads the platform's palette once, before anything of ours is set.
    explicit Theme(QApplication& app);

    ThemeMode mode() const { return m_mode; }
    void apply(ThemeMode mode);
    /// Text size in percent of the platform's, 80 to 200.
    void setTextPercent(int percent);
    int textPercent() const { return m_textPercent; }

private:
    void refresh();

    QApplication& m_app;
    ThemeMode m_mode = ThemeMode::System;
    bool m_systemIsDark = false;
    double m_systemPointSize = 9;
    int m_textPercent = 100;
};

} // namespace sa::ui
