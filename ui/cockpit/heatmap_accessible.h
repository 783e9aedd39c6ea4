// SPDX-License-Identifier: GPL-3.0-or-later
// The heatmap as a table for screen readers: rows are projections, columns blocks, and every cell says in words what
// its colour says to others.
#pragma once

namespace sa::ui
{

class HeatmapView;

/// Once in a process; later calls do nothing.
void installHeatmapAccessibility();
/// Other cells than before.
void resetHeatmapAccessibility(HeatmapView* view);
/// The current cell has changed.
void announceHeatmapFocus(HeatmapView* view);

} // namespace sa::ui
