// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/dialogs.h"

#include "ui/plots/error_plot.h"
#include "ui/text.h"
#include "ui/widgets/icon_label.h"
#include "ui/widgets/parts.h"

#include <QAction>
#include <QCoreApplication>
#include <QDialog>
#include <QDialogButtonBox>
#include <QFileDialog>
#include <QFileInfo>
#include <QGridLayout>
#include <QIcon>

namespace sa::ui
{

namespace
{

QString tr(const char* text)
{
    return QCoreApplication::translate("sa::ui::dialogs", text);
}

QDialog* makeDialog(QWidget* parent, const QString& title)
{
    auto* dialog = new QDialog(parent);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setWindowTitle(title);
    return dialog;
}

QDialogButtonBox* closeButtons(QDialog* dialog)
{
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close, dialog);
    QObject::connect(buttons, &QDialogButtonBox::rejected, dialog, &QDialog::reject);
    return buttons;
}

void addPair(QGridLayout* grid, QWidget* parent, const QString& name, const QString& value)
{
    const int row = grid->rowCount();
    auto* label = makeLabel(value, parent);
    label->setTextInteractionFlags(Qt::TextSelectableByMouse);
    grid->addWidget(makeMuted(name, parent), row, 0);
    grid->addWidget(label, row, 1);
}

} // namespace

void showAbout(QWidget* parent, const std::optional<Hello>& worker)
{
    QDialog* dialog = makeDialog(parent, tr("About ShiftAdd Workbench"));
    auto* logo = new IconLabel(72, dialog);
    logo->setIcon(QIcon(QStringLiteral(":/icons/shiftadd-workbench.svg")));
    auto* text =
        makeLabel(tr("Compresses language models into sign planes with power-of-two scales, so that they run with "
                     "additions and shifts in place of multiplications."),
                  dialog);
    text->setWordWrap(true);
    text->setMinimumWidth(380);
    auto* facts = new QGridLayout;
    facts->setHorizontalSpacing(space::kLarge);
    facts->setColumnStretch(1, 1);
    addPair(facts, dialog, tr("Version"), fromUtf8(buildVersion()));
    addPair(facts, dialog, tr("Protocol"), QString::number(kProtocolVersion));
    addPair(facts, dialog, tr("Worker"),
            worker ? tr("%1, %2 kernel").arg(shown(worker->build, 40), shown(worker->kernel, 40)) : tr("not running"));
    addPair(facts, dialog, tr("Qt"), QString::fromLatin1(qVersion()));
    addPair(facts, dialog, tr("QCustomPlot"), plotLibraryVersion());
    addPair(facts, dialog, tr("Licence"), tr("GPL-3.0-or-later, without any warranty"));
    auto* column = new QVBoxLayout;
    column->setSpacing(space::kMedium);
    column->addWidget(makeTitle(tr("ShiftAdd Workbench"), 1.5, dialog));
    column->addWidget(text);
    column->addLayout(facts);
    column->addStretch();
    auto* row = new QHBoxLayout;
    row->setSpacing(20);
    row->addWidget(logo, 0, Qt::AlignTop);
    row->addLayout(column, 1);
    auto* layout = new QVBoxLayout(dialog);
    layout->setContentsMargins(space::kPage, space::kPage, space::kPage, space::kLarge);
    layout->setSpacing(space::kLarge);
    layout->addLayout(row);
    layout->addWidget(closeButtons(dialog));
    dialog->open();
}

void showShortcuts(QWidget* parent, const QList<QAction*>& actions)
{
    QDialog* dialog = makeDialog(parent, tr("Keyboard shortcuts"));
    auto* grid = new QGridLayout;
    grid->setHorizontalSpacing(40);
    grid->setVerticalSpacing(space::kSmall);
    for (const QAction* action : actions) {
        if (action->shortcut().isEmpty())
            continue;
        const int row = grid->rowCount();
        QString name = action->text();
        name.remove(u'&').remove(u'…');
        grid->addWidget(makeLabel(name, dialog), row, 0);
        grid->addWidget(makeChip(action->shortcut().toString(QKeySequence::NativeText), Tone::Plain, dialog), row, 1,
                        Qt::AlignRight);
    }
    auto* layout = new QVBoxLayout(dialog);
    layout->setContentsMargins(space::kPage, space::kPage, space::kPage, space::kLarge);
    layout->setSpacing(space::kLarge);
    layout->addLayout(grid);
    layout->addWidget(closeButtons(dialog));
    dialog->open();
}

void askForFile(QWidget* parent, const QString& title, const QString& name, const QString& filter, bool save,
                const std::function<void(const QString& path)>& then)
{
    auto* dialog = new QFileDialog(parent, title, {}, filter);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setAcceptMode(save ? QFileDialog::AcceptSave : QFileDialog::AcceptOpen);
    dialog->setFileMode(save ? QFileDialog::AnyFile : QFileDialog::ExistingFile);
    if (!name.isEmpty())
        dialog->selectFile(name);
    QObject::connect(dialog, &QFileDialog::fileSelected, parent, [then, dialog, save](const QString& path) {
        QString chosen = path;
        if (save && QFileInfo(path).suffix().isEmpty())
            chosen += u'.' + dialog->selectedNameFilter().section(QStringLiteral("*."), 1, 1).section(u')', 0, 0);
        then(chosen);
    });
    dialog->open();
}

} // namespace sa::ui
