// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/measure/model_pair.h"

#include "ui/text.h"

#include <QDir>
#include <QFileInfo>
#include <QWidget>

namespace sa::ui
{

ModelPair::ModelPair(QObject* parent)
    : QObject(parent)
    , m_known(new KnownModels(this))
{
}

void ModelPair::suggest(const ModelSummary& model)
{
    const int side = model.packed ? kCompressed : kOriginal;
    if (!m_chosen[static_cast<std::size_t>(side)])
        set(side, model.folder);
}

void ModelPair::suggestPair(const QString& original, const QString& packed)
{
    m_known->addMade(packed);
    m_chosen = {};
    set(kOriginal, original);
    set(kCompressed, packed);
}

void ModelPair::choose(int side, const QString& folder)
{
    if (folder.isEmpty())
        return;
    m_chosen[static_cast<std::size_t>(side)] = true;
    set(side, QDir::cleanPath(folder));
}

void ModelPair::set(int side, const QString& folder)
{
    QString& place = m_folders[static_cast<std::size_t>(side)];
    if (place == folder)
        return;
    place = folder;
    Q_EMIT changed();
}

QString ModelPair::name(int side) const
{
    return modelName(folder(side), folder(1 - side));
}

void ModelPair::browse(int side, QWidget* parent)
{
    KnownModels::browse(parent, folder(side).isEmpty() ? folder(1 - side) : folder(side),
                        [this, side](const QString& folder) { choose(side, folder); });
}

void ModelPair::popUp(int side, QWidget* parent, const QPoint& position)
{
    m_known->popUp(parent, folder(side), position, [this, side](const QString& folder) { choose(side, folder); });
}

QString modelName(const QString& folder, const QString& other)
{
    const QFileInfo info(folder);
    const bool alike = folder != other && info.fileName() == QFileInfo(other).fileName();
    return shown(alike ? QFileInfo(info.path()).fileName() + u'/' + info.fileName() : info.fileName(), 60);
}

} // namespace sa::ui
