// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/command_box.h"

#include "ui/text.h"
#include "ui/widgets/parts.h"

#include <QClipboard>
#include <QGuiApplication>
#include <QPlainTextEdit>
#include <QRegularExpression>
#include <QToolButton>
#include <QVBoxLayout>

namespace sa::ui
{

QString shellCommand(const QStringList& arguments)
{
    static const QRegularExpression plain(QStringLiteral("^[A-Za-z0-9_./:=@%+,-]+$"));
    QStringList words;
    for (const QString& argument : arguments) {
        if (plain.match(argument).hasMatch())
            words += argument;
        else
            words += u'\'' + QString(argument).replace(u'\'', QStringLiteral("'\\''")) + u'\'';
    }
    return words.join(u' ');
}

CommandBox::CommandBox(QWidget* parent)
    : QWidget(parent)
{
    m_text = new QPlainTextEdit(this);
    setRole(m_text, "code");
    m_text->setReadOnly(true);
    m_text->setAcceptDrops(false);
    m_text->setFont(fixedFont());
    m_text->setWordWrapMode(QTextOption::WrapAtWordBoundaryOrAnywhere);
    m_text->setTabChangesFocus(true);
    m_text->setAccessibleName(tr("Equivalent command line"));
    m_text->setFixedHeight(m_text->fontMetrics().lineSpacing() * 4 + 20);
    m_copy = makeIconButton(QStringLiteral("copy"), tr("Copy the command line"), this);
    connect(m_copy, &QToolButton::clicked, this, [this] { QGuiApplication::clipboard()->setText(m_command); });

    auto* head = new QHBoxLayout;
    tighten(head, space::kSmall);
    head->addWidget(makeMuted(tr("The same from a terminal"), this), 1);
    head->addWidget(m_copy);
    auto* layout = new QVBoxLayout(this);
    tighten(layout, space::kTight);
    layout->addLayout(head);
    layout->addWidget(m_text);
}

void CommandBox::setArguments(const QStringList& arguments)
{
    setCommands({arguments});
}

void CommandBox::setTall()
{
    m_text->setMinimumHeight(m_text->fontMetrics().lineSpacing() * 3 + 20);
    m_text->setMaximumHeight(QWIDGETSIZE_MAX);
}

void CommandBox::setCommands(const QList<QStringList>& commands)
{
    QStringList lines;
    for (const QStringList& arguments : commands)
        lines += shellCommand(arguments);
    const QString command = lines.join(u'\n');
    if (command == m_command)
        return;
    m_command = command;
    QStringList shownLines;
    for (const QString& line : lines)
        shownLines += shown(line, 16 * 1024);
    m_text->setPlainText(shownLines.join(u'\n'));
}

} // namespace sa::ui
