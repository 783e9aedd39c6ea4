// SPDX-License-Identifier: GPL-3.0-or-later
// Line icons drawn from SVG in the colour of the current palette, at any scale.
#pragma once

#include <QIcon>

namespace sa::ui
{

enum class IconTone { Text, Muted, Accent, OnAccent, Success, Warning, Danger };

/// `name` of resources/icons/NAME.svg. Follows the theme by itself.
QIcon icon(const QString& name, IconTone tone = IconTone::Text);

} // namespace sa::ui
