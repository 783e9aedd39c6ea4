// SPDX-License-Identifier: GPL-3.0-or-later
// What was last demanded of a model's plan: kept in a file a model and mode, a moment after each edit, and brought back
// as one step of undo when the model is opened again. Files are read and written on a pool thread, in the order of
// asking.
#pragma once

#include "core/protocol/messages.h"
#include "ui/cockpit/allocation_document.h"

#include <QObject>
#include <QThreadPool>
#include <QTimer>

namespace sa::ui
{

class PlanMemory final : public QObject
{
    Q_OBJECT
public:
    /// `document` is borrowed and must outlive it.
    explicit PlanMemory(AllocationDocument& document);
    /// Writes what is not written yet, and waits for it.
    ~PlanMemory() override;

    void setFolder(const QString& folder) { m_folder = folder; }
    /// To be called before the document gets the model's linears: then its demands are brought back, unless somebody
    /// was quicker. Empty: nothing is kept.
    void setModel(const QString& fingerprint);
    /// Demands that nobody has touched since they were brought back give way to those of the other mode.
    void setMode(const QString& mode);

Q_SIGNALS:
    void noted(const sa::Note& note);

private:
    void onReset();
    void recall();
    void onEdited();
    void save();
    void flush();
    bool isUntouched() const;

    AllocationDocument& m_document;
    QString m_folder, m_model, m_mode;
    QString m_file;             ///< of these; empty until its content is known: nothing is written before
    PlanInputs m_kept;          ///< in that file
    bool m_editedEarly = false; ///< before it was known
    int m_steps = 0;            ///< of undo, that brought something back
    quint64 m_generation = 0;   ///< of recall()
    QTimer m_timer;
    QThreadPool m_pool; ///< one thread
};

} // namespace sa::ui
