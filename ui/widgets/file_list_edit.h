// SPDX-License-Identifier: GPL-3.0-or-later
// Text files in an order, with Add and Remove. Empty means the text that comes with the program, and says so.
#pragma once

#include <QStringList>
#include <QWidget>

class QListWidget;
class QPushButton;

namespace sa::ui
{

class FileListEdit final : public QWidget
{
    Q_OBJECT
public:
    FileListEdit(const QString& name, const QString& whenEmpty, QWidget* parent = nullptr);

    QStringList files() const { return m_files; }
    void setFiles(const QStringList& files);

Q_SIGNALS:
    void filesChanged();

private:
    void add();
    void removeSelected();
    void refresh();

    QString m_name, m_whenEmpty;
    QStringList m_files;
    QListWidget* m_list;
    QPushButton* m_remove;
};

} // namespace sa::ui
