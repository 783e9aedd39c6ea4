// SPDX-License-Identifier: GPL-3.0-or-later
// Plans and figures in files: save, load, export. Dialogs open without blocking; files are read and written on a pool
// thread.
#pragma once

#include "core/base/error.h"
#include "ui/cockpit/allocation_document.h"

#include <QObject>

class QMenu;
class QWidget;

namespace sa::ui
{

class ParetoPlot;

class PlanFiles final : public QObject
{
    Q_OBJECT
public:
    /// All are borrowed and must outlive it. `window`: the parent of the dialogs.
    PlanFiles(AllocationDocument& document, ParetoPlot& plot, QWidget* window);

    void addTo(QMenu& menu);
    void savePlan(const QString& path);
    void loadPlan(const QString& path);
    void exportFigures(const QString& path); ///< .json or .csv
    void exportPlot(const QString& path);    ///< .png or .svg
    /// Where plans are dropped that a run needs: the file's name says what is in it, so that none is ever overwritten
    /// by another. Done when stored() comes.
    void store(const Plan& plan, const QString& folder);

Q_SIGNALS:
    void failed(const QString& title, const sa::Error& error);
    void written(const QString& path);
    void stored(const QString& path, const sa::Plan& plan);

private:
    void ask(const QString& title, const QString& name, const QString& filter, bool save,
             void (PlanFiles::*then)(const QString&));
    template<class Work> void write(const QString& title, const QString& path, Work work);

    AllocationDocument& m_document;
    ParetoPlot& m_plot;
    QWidget* m_window;
};

} // namespace sa::ui
