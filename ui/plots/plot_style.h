// SPDX-License-Identifier: GPL-3.0-or-later
// What the plots share: the theme's colours on axes, pictures on disk. Only files of ui/plots know
// QCustomPlot.
#pragma once

#include "core/base/result.h"

#include <QString>

class QCustomPlot;
class QWidget;

namespace sa::ui
{

/// Background, axes and grid from the palette and font of `widget`.
void stylePlot(QCustomPlot& plot, const QWidget& widget);
/// By the ending of `path`: .svg, else PNG at twice the size on screen.
Result<void> savePlot(QCustomPlot& plot, const QString& path);

} // namespace sa::ui
