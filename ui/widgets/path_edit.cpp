// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/path_edit.h"

#include "ui/widgets/parts.h"

#include <QFileDialog>
#include <QFileInfo>
#include <QHBoxLayout>
#include <QLineEdit>

namespace sa::ui
{

PathEdit::PathEdit(Kind kind, const QString& name, QWidget* parent)
    : QWidget(parent)
    , m_kind(kind)
    , m_name(name)
{
    auto* layout = new QHBoxLayout(this);
    tighten(layout, space::kSmall);
    m_edit = new QLineEdit(this);
    m_edit->setAccessibleName(name);
    m_edit->setAcceptDrops(false); // a dropped folder opens, wherever it falls
    auto* button = makeButton(tr("Browse…"), {}, this);
    button->setAccessibleName(tr("Browse for: %1").arg(name));
    layout->addWidget(m_edit, 1);
    layout->addWidget(button);
    setFocusProxy(m_edit);
    connect(m_edit, &QLineEdit::textChanged, this, &PathEdit::pathChanged);
    connect(m_edit, &QLineEdit::textEdited, this, &PathEdit::edited);
    connect(button, &QPushButton::clicked, this, &PathEdit::browse);
}

QString PathEdit::path() const
{
    return m_edit->text();
}

void PathEdit::setPath(const QString& path)
{
    if (path != m_edit->text()) {
        m_edit->setText(path);
        m_edit->setCursorPosition(static_cast<int>(path.size())); // the end of a path tells more than its root
    }
}

void PathEdit::setPlaceholder(const QString& text)
{
    m_edit->setPlaceholderText(text);
}

void PathEdit::setWrong(bool wrong)
{
    setTone(m_edit, wrong ? Tone::Danger : Tone::Plain);
}

void PathEdit::browse()
{
    auto* dialog = new QFileDialog(this, m_name);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    const QFileInfo current(path());
    if (!path().isEmpty())
        dialog->setDirectory(current.absolutePath());
    if (m_kind == Kind::NewFolder) {
        dialog->setFileMode(QFileDialog::Directory);
        dialog->setOption(QFileDialog::ShowDirsOnly);
        dialog->setAcceptMode(QFileDialog::AcceptSave);
        dialog->setLabelText(QFileDialog::Accept, tr("Choose"));
        dialog->selectFile(current.fileName());
    } else {
        dialog->setFileMode(QFileDialog::ExistingFile);
        dialog->setNameFilters({tr("Text (*.txt *.raw *.md)"), tr("All files (*)")});
    }
    connect(dialog, &QFileDialog::fileSelected, this, [this](const QString& chosen) {
        setPath(chosen);
        Q_EMIT edited();
    });
    dialog->open();
}

} // namespace sa::ui
