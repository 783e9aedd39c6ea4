// SPDX-License-Identifier: GPL-3.0-or-later
// The two models of a page in one line; each can be changed.
#pragma once

#include <QWidget>

#include <array>

class QPushButton;
class QString;

namespace sa::ui
{

class ModelPair;
class PairChooser;

class PairBar final : public QWidget
{
    Q_OBJECT
public:
    /// `pair` is borrowed and must outlive the bar.
    explicit PairBar(ModelPair& pair, QWidget* parent = nullptr);

private:
    void refresh();

    ModelPair& m_pair;
    std::array<QPushButton*, 2> m_buttons{};
};

/// What a page shows until the pair is complete; it chooses for `pair`, which must outlive it.
PairChooser* makePairChooser(const QString& title, const QString& subtitle, ModelPair& pair, QWidget* parent);

} // namespace sa::ui
