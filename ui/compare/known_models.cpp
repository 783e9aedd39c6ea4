// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/compare/known_models.h"

#include "core/base/json.h"
#include "ui/async.h"
#include "ui/text.h"

#include <QFileDialog>
#include <QFileInfo>
#include <QMenu>

namespace sa::ui
{

std::vector<KnownModel> lookAtModels(const QStringList& folders)
{
    std::vector<KnownModel> models;
    for (const QString& folder : folders) {
        const QString config = folder + QStringLiteral("/config.json");
        if (!QFileInfo::exists(config))
            continue;
        KnownModel model{folder, false, false};
        const auto value = json::parseFile(toUtf8(config), {4u << 20, 32});
        if (value && value->is_object() && value->contains("quantization_config"))
            model.packed = true;
        models.push_back(model);
    }
    return models;
}

void KnownModels::setRecent(const QStringList& folders)
{
    m_recent = folders;
    refresh();
}

void KnownModels::addMade(const QString& folder)
{
    m_made.removeAll(folder);
    m_made.prepend(folder);
    refresh();
}

void KnownModels::refresh()
{
    const quint64 generation = ++m_generation;
    QStringList folders = m_made;
    for (const QString& folder : std::as_const(m_recent))
        if (!folders.contains(folder))
            folders += folder;
    inBackground(
        this, [folders] { return lookAtModels(folders); },
        [this, generation](std::vector<KnownModel> models) {
            if (generation != m_generation)
                return;
            for (KnownModel& model : models)
                model.madeHere = m_made.contains(model.folder);
            m_models = std::move(models);
            Q_EMIT changed();
        });
}

void KnownModels::popUp(QWidget* parent, const QString& current, const QPoint& position, const Choose& choose) const
{
    auto* menu = new QMenu(parent);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    for (const KnownModel& model : m_models) {
        if (model.folder == current)
            continue;
        QAction* action = menu->addAction(withoutMnemonics(shown(QFileInfo(model.folder).fileName(), 80)));
        action->setToolTip(plainToolTip(model.folder));
        connect(action, &QAction::triggered, parent, [choose, folder = model.folder] { choose(folder); });
    }
    if (!menu->isEmpty())
        menu->addSeparator();
    connect(menu->addAction(tr("Open a folder…")), &QAction::triggered, parent,
            [parent, current, choose] { browse(parent, current, choose); });
    menu->popup(position);
}

void KnownModels::browse(QWidget* parent, const QString& current, const Choose& choose)
{
    auto* dialog = new QFileDialog(parent, tr("Open model folder"), QFileInfo(current).absolutePath());
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setFileMode(QFileDialog::Directory);
    dialog->setOption(QFileDialog::ShowDirsOnly);
    connect(dialog, &QFileDialog::fileSelected, parent, choose);
    dialog->open();
}

} // namespace sa::ui
