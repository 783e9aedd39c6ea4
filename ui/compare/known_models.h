// SPDX-License-Identifier: GPL-3.0-or-later
// The model folders that a page for two models offers: what was opened lately, what was made in this session.
#pragma once

#include <QObject>
#include <QStringList>

#include <functional>
#include <vector>

class QPoint;
class QWidget;

namespace sa::ui
{

/// A model folder that could take part.
struct KnownModel {
    QString folder;
    bool packed = false;
    bool madeHere = false; ///< in this session
    bool operator==(const KnownModel&) const = default;
};

/// Those of `folders` that are there, with what they are. Asks the file system: pool threads only.
std::vector<KnownModel> lookAtModels(const QStringList& folders);

class KnownModels final : public QObject
{
    Q_OBJECT
public:
    using QObject::QObject;

    void setRecent(const QStringList& folders);
    void addMade(const QString& folder);
    /// Looks again; changed() follows.
    void refresh();
    const std::vector<KnownModel>& models() const { return m_models; }

    using Choose = std::function<void(const QString& folder)>;
    /// A menu of all but `current`, with any other folder at its end. Does not block.
    void popUp(QWidget* parent, const QString& current, const QPoint& position, const Choose& choose) const;
    /// A dialog that begins beside `current`. Does not block; `choose` is called as long as `parent` lives.
    static void browse(QWidget* parent, const QString& current, const Choose& choose);

Q_SIGNALS:
    void changed();

private:
    QStringList m_recent, m_made;
    std::vector<KnownModel> m_models;
    quint64 m_generation = 0;
};

} // namespace sa::ui
