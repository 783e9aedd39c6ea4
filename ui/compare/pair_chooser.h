// SPDX-License-Identifier: GPL-3.0-or-later
// A page for two models before it has them: offers those that are known for each side, or any other folder.
#pragma once

#include "ui/compare/known_models.h"

#include <QWidget>

#include <array>

class QLabel;
class QVBoxLayout;

namespace sa::ui
{

class Banner;
class ElidedLabel;

class PairChooser final : public QWidget
{
    Q_OBJECT
public:
    /// What the page is for, in a few words and in a sentence.
    PairChooser(const QString& title, const QString& subtitle, QWidget* parent = nullptr);

    void setKnown(const std::vector<KnownModel>& models);
    /// What a side has, and whether it is being read. Empty: nothing yet.
    void setChosen(int side, const QString& folder, bool opening);
    Banner* banner() const { return m_banner; }

Q_SIGNALS:
    void chosen(int side, const QString& folder);
    void browseRequested(int side);

private:
    struct Column {
        ElidedLabel* name;
        QLabel* state;
        QLabel* nothing;
        QVBoxLayout* rows;
    };
    Column makeColumn(int side, const QString& title, const QString& hint, QWidget* card);
    void refreshRows();

    Banner* m_banner;
    std::array<Column, 2> m_columns{};
    std::array<QString, 2> m_chosen;
    std::vector<KnownModel> m_known;
};

} // namespace sa::ui
