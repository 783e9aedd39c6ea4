// SPDX-License-Identifier: GPL-3.0-or-later
// Colours for figures: a path from dark indigo over teal to pale yellow in the OKLab space (Ottosson 2020), walked in
// equal steps of perceived difference. Lightness rises all the way, so that order survives colour blindness and print.
// More ink means more: in the light theme large values are dark, in the dark theme they are bright.
#pragma once

#include <QColor>

namespace sa::ui
{

/// `t` from 0 (little) to 1 (much), clamped.
QColor mapColor(double t, bool dark);
/// Black or white, whichever reads better on `fill`; the contrast is at least 4.5:1.
QColor inkOn(const QColor& fill);
/// WCAG 2: 1 to 21.
double contrast(const QColor& a, const QColor& b);
/// The colour between, in sRGB; `share` of `b`.
QColor mixed(const QColor& a, const QColor& b, double share);

} // namespace sa::ui
