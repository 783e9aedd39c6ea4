// SPDX-License-Identifier: GPL-3.0-or-later
// The Chat page before there are two models: offers those that are known for each side, or any other folder.
#pragma once

#include <QStringList>
#include <QWidget>

#include <array>
#include <vector>

class QLabel;
class QVBoxLayout;

namespace sa::ui
{

class Banner;
class ElidedLabel;

/// A model folder that could take part.
struct KnownModel {
    QString folder;
    bool packed = false;
    bool madeHere = false; ///< in this session
    bool operator==(const KnownModel&) const = default;
};

/// Those of `folders` that are there, with what they are. Asks the file system: pool threads only.
std::vector<KnownModel> lookAtModels(const QStringList& folders);

class PairChooser final : public QWidget
{
    Q_OBJECT
public:
    explicit PairChooser(QWidget* parent = nullptr);

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
