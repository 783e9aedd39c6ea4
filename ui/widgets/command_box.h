// SPDX-License-Identifier: GPL-3.0-or-later
// The command line that does the same, to read and to copy.
#pragma once

#include <QStringList>
#include <QWidget>

class QPlainTextEdit;
class QToolButton;

namespace sa::ui
{

/// Quoted for a POSIX shell; plain words stay plain.
QString shellCommand(const QStringList& arguments);

class CommandBox final : public QWidget
{
    Q_OBJECT
public:
    explicit CommandBox(QWidget* parent = nullptr);
    void setArguments(const QStringList& arguments);
    /// Several commands, one after the other.
    void setCommands(const QList<QStringList>& commands);
    /// Takes the height there is, in place of a few lines.
    void setTall();
    QString command() const { return m_command; }

private:
    QString m_command;
    QPlainTextEdit* m_text;
    QToolButton* m_copy;
};

} // namespace sa::ui
