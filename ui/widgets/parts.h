// SPDX-License-Identifier: GPL-3.0-or-later
// Small makers for the widgets that every page is built of, so that spacing, roles and plain text are decided once.
#pragma once

#include <QFrame>
#include <QLabel>
#include <QPushButton>

class QBoxLayout;
class QScrollArea;
class QToolButton;

namespace sa::ui
{

/// Distances in device-independent pixels.
namespace space
{
inline constexpr int kTight = 4;
inline constexpr int kSmall = 8;
inline constexpr int kMedium = 12;
inline constexpr int kLarge = 16;
inline constexpr int kPage = 24;
} // namespace space

enum class Tone { Plain, Accent, Success, Warning, Danger };

/// Labels never interpret their text.
QLabel* makeLabel(const QString& text, QWidget* parent = nullptr);
QLabel* makeMuted(const QString& text, QWidget* parent = nullptr);
/// Muted, a little smaller, wraps.
QLabel* makeCaption(const QString& text, QWidget* parent = nullptr);
/// `scale` times the normal text, semi-bold.
QLabel* makeTitle(const QString& text, double scale, QWidget* parent = nullptr);
/// Keeps the widget's font at `scale` times the application's, whatever that becomes.
void scaleText(QWidget* widget, double scale, QFont::Weight weight);
QLabel* makeChip(const QString& text, Tone tone = Tone::Plain, QWidget* parent = nullptr);
void setTone(QWidget* widget, Tone tone);
void setRole(QWidget* widget, const char* role);

QPushButton* makeButton(const QString& text, const QString& icon = {}, QWidget* parent = nullptr);
QPushButton* makePrimaryButton(const QString& text, const QString& icon = {}, QWidget* parent = nullptr);
QPushButton* makeLinkButton(const QString& text, QWidget* parent = nullptr);
QToolButton* makeIconButton(const QString& icon, const QString& name, QWidget* parent = nullptr);
QFrame* makeCard(QWidget* parent = nullptr);
QFrame* makeLine(QWidget* parent = nullptr);

/// Scrolls `content` down when there is too little room; takes it.
QScrollArea* makeScroll(QWidget* content, QWidget* parent = nullptr);
QFont fixedFont();
/// "1 layer" or "42 layers"; `many` holds %1.
QString counted(qint64 count, const QString& one, const QString& many);

/// Removes margins and sets the spacing.
void tighten(QBoxLayout* layout, int spacing);

} // namespace sa::ui
