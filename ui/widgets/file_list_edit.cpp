// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/file_list_edit.h"

#include "ui/style/icons.h"
#include "ui/text.h"
#include "ui/widgets/parts.h"

#include <QAction>
#include <QFileDialog>
#include <QFileInfo>
#include <QHBoxLayout>
#include <QListWidget>
#include <QPushButton>

#include <algorithm>

namespace sa::ui
{

namespace
{

constexpr int kMaxVisibleRows = 4;
constexpr int kRowHeight = 26;

} // namespace

FileListEdit::FileListEdit(const QString& name, const QString& whenEmpty, QWidget* parent)
    : QWidget(parent)
    , m_name(name)
    , m_whenEmpty(whenEmpty)
{
    m_list = new QListWidget(this);
    m_list->setAccessibleName(name);
    m_list->setSelectionMode(QAbstractItemView::ExtendedSelection);
    m_list->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    m_list->setTextElideMode(Qt::ElideMiddle);
    m_list->setIconSize({20, 16});
    m_list->setAcceptDrops(false);
    auto* add = makeButton(tr("Add…"), QStringLiteral("add"), this);
    add->setAccessibleName(tr("Add to: %1").arg(name));
    m_remove = makeButton(tr("Remove"), QStringLiteral("remove"), this);
    m_remove->setAccessibleName(tr("Remove from: %1").arg(name));

    auto* buttons = new QVBoxLayout;
    tighten(buttons, space::kTight);
    buttons->addWidget(add);
    buttons->addWidget(m_remove);
    buttons->addStretch();
    auto* layout = new QHBoxLayout(this);
    tighten(layout, space::kSmall);
    layout->addWidget(m_list, 1);
    layout->addLayout(buttons);

    auto* removeKey = new QAction(m_list);
    removeKey->setShortcut(QKeySequence::Delete);
    removeKey->setShortcutContext(Qt::WidgetShortcut);
    m_list->addAction(removeKey);
    connect(removeKey, &QAction::triggered, this, &FileListEdit::removeSelected);
    connect(add, &QPushButton::clicked, this, &FileListEdit::add);
    connect(m_remove, &QPushButton::clicked, this, &FileListEdit::removeSelected);
    connect(m_list, &QListWidget::itemSelectionChanged, this,
            [this] { m_remove->setEnabled(!m_files.isEmpty() && !m_list->selectedItems().isEmpty()); });
    setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Maximum);
    refresh();
}

void FileListEdit::setFiles(const QStringList& files)
{
    m_files = files;
    refresh();
    Q_EMIT filesChanged();
}

void FileListEdit::refresh()
{
    m_list->clear();
    if (m_files.isEmpty()) {
        auto* item = new QListWidgetItem(icon(QStringLiteral("text"), IconTone::Muted), m_whenEmpty, m_list);
        item->setFlags(Qt::ItemIsEnabled);
    }
    for (const QString& file : m_files) {
        auto* item = new QListWidgetItem(icon(QStringLiteral("text"), IconTone::Muted),
                                         shown(QFileInfo(file).fileName()), m_list);
        item->setToolTip(plainToolTip(shown(file, 4096)));
    }
    m_remove->setEnabled(false);
    const int rows = std::clamp(static_cast<int>(m_files.size()), 2, kMaxVisibleRows);
    m_list->setFixedHeight(rows * kRowHeight + 14);
}

void FileListEdit::add()
{
    auto* dialog = new QFileDialog(this, m_name);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setFileMode(QFileDialog::ExistingFiles);
    dialog->setNameFilters({tr("Text (*.txt *.raw *.md)"), tr("All files (*)")});
    if (!m_files.isEmpty())
        dialog->setDirectory(QFileInfo(m_files.constLast()).absolutePath());
    connect(dialog, &QFileDialog::filesSelected, this, [this](const QStringList& chosen) {
        QStringList files = m_files;
        for (const QString& file : chosen)
            if (!files.contains(file))
                files += file;
        setFiles(files);
    });
    dialog->open();
}

void FileListEdit::removeSelected()
{
    if (m_files.isEmpty())
        return;
    QStringList kept;
    for (int row = 0; row < m_list->count(); ++row)
        if (!m_list->item(row)->isSelected())
            kept += m_files[row];
    setFiles(kept);
}

} // namespace sa::ui
