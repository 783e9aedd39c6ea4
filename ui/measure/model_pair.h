// SPDX-License-Identifier: GPL-3.0-or-later
// The two models that are measured against each other, chosen once for every page that does so.
#pragma once

#include "ui/compare/known_models.h"
#include "ui/models/model_summary.h"

#include <array>

namespace sa::ui
{

class ModelPair final : public QObject
{
    Q_OBJECT
public:
    static constexpr int kOriginal = 0, kCompressed = 1;

    explicit ModelPair(QObject* parent = nullptr);

    void setRecent(const QStringList& folders) { m_known->setRecent(folders); }
    /// The window has opened it: it takes its side unless the user has chosen one there.
    void suggest(const ModelSummary& model);
    /// A run has made `packed` of `original`.
    void suggestPair(const QString& original, const QString& packed);
    void choose(int side, const QString& folder); ///< by the user

    const QString& folder(int side) const { return m_folders[static_cast<std::size_t>(side)]; }
    QStringList folders() const { return {m_folders[0], m_folders[1]}; }
    /// Of the folder, for display; told apart where both are called the same.
    QString name(int side) const;
    bool isComplete() const { return !m_folders[0].isEmpty() && !m_folders[1].isEmpty(); }
    KnownModels& known() const { return *m_known; }

    void browse(int side, QWidget* parent);
    void popUp(int side, QWidget* parent, const QPoint& position);

Q_SIGNALS:
    void changed();

private:
    void set(int side, const QString& folder);

    KnownModels* m_known;
    std::array<QString, 2> m_folders;
    std::array<bool, 2> m_chosen{};
};

/// The folder's own name; with its parent's where `other` is called the same.
QString modelName(const QString& folder, const QString& other);

} // namespace sa::ui
