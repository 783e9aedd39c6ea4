// SPDX-License-Identifier: GPL-3.0-or-later
// What can be demanded of the selected linears, as actions for menus, buttons and keys.
#pragma once

#include "ui/cockpit/allocation_document.h"
#include "ui/cockpit/cell_selection.h"

#include <QList>

class QAction;
class QMenu;
class QWidget;

namespace sa::ui
{

class PlanActions final : public QObject
{
    Q_OBJECT
public:
    /// Both are borrowed and must outlive the actions.
    PlanActions(AllocationDocument& document, CellSelection& selection, QObject* parent = nullptr);

    void pin(int bits);
    void free();
    void showMenu(const QPoint& globalPosition, QWidget* parent) const;
    void addTo(QMenu& menu) const;
    QAction* undo() const { return m_undo; }
    QAction* redo() const { return m_redo; }

private:
    QAction* add(const QString& text, const QString& meaning, const std::function<void()>& act);
    void refresh();

    AllocationDocument& m_document;
    CellSelection& m_selection;
    QList<QAction*> m_pins, m_ranges, m_others;
    QAction *m_link, *m_unlink, *m_free, *m_linkAll, *m_undo, *m_redo;
};

} // namespace sa::ui
