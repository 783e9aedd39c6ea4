// SPDX-License-Identifier: GPL-3.0-or-later
// What the Model page shows before a model is open: where to drop one, how to open one, what was open before.
#pragma once

#include <QStringList>
#include <QWidget>

class QPushButton;
class QVBoxLayout;

namespace sa::ui
{

class DropZone;
class UnfinishedList;

class StartView final : public QWidget
{
    Q_OBJECT
public:
    explicit StartView(QWidget* parent = nullptr);

    UnfinishedList* unfinished() const { return m_unfinished; }
    void setRecentModels(const QStringList& folders);
    void setSampleAvailable(bool available);
    /// While something that can be opened is dragged over the window.
    void setDropActive(bool active);

Q_SIGNALS:
    void openRequested();
    void sampleRequested();
    void recentRequested(const QString& folder);

private:
    DropZone* m_dropZone;
    QPushButton* m_sample;
    UnfinishedList* m_unfinished;
    QWidget* m_recent;
    QVBoxLayout* m_recentRows;
};

} // namespace sa::ui
