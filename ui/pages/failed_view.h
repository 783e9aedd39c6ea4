// SPDX-License-Identifier: GPL-3.0-or-later
// What the Model page shows below the banner of a folder that cannot be opened: all that is wrong with it, and the ways
// on.
#pragma once

#include <QWidget>

class QPushButton;

namespace sa::ui
{

class DoctorPanel;
class ElidedLabel;

class FailedView final : public QWidget
{
    Q_OBJECT
public:
    explicit FailedView(QWidget* parent = nullptr);

    DoctorPanel* checks() const { return m_checks; }
    void setFolder(const QString& folder);
    /// The model that is still open, or empty: back to the start.
    void setModelToGoBackTo(const QString& name);

Q_SIGNALS:
    void openRequested();
    void backRequested();

private:
    ElidedLabel* m_name;
    ElidedLabel* m_path;
    QPushButton* m_back;
    DoctorPanel* m_checks;
};

} // namespace sa::ui
