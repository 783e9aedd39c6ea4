// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/cockpit/plan_actions.h"

#include "ui/style/icons.h"
#include "ui/text.h"
#include "ui/widgets/parts.h"

#include <QAction>
#include <QMenu>
#include <QUndoStack>

#include <algorithm>

namespace sa::ui
{

PlanActions::PlanActions(AllocationDocument& document, CellSelection& selection, QObject* parent)
    : QObject(parent)
    , m_document(document)
    , m_selection(selection)
{
    for (int bits = 1; bits <= 4; ++bits)
        m_pins += add(tr("Pin to %1").arg(counted(bits, tr("1 bit"), tr("%1 bits"))) + QStringLiteral("\t%1").arg(bits),
                      tr("The plan gives it exactly these bits"), [this, bits] { pin(bits); });
    m_pins += add(tr("Pin to 16 (keep)") + QStringLiteral("\tK"), tr("Its weights stay as they are"),
                  [this] { pin(kKeptBits); });
    for (const auto& [low, high] : {std::pair{2, 4}, {2, 3}, {3, 4}, {1, 2}, {1, 3}, {2, kKeptBits}})
        m_ranges += add(high == kKeptBits ? tr("At least %1 bits").arg(low) : tr("%1 to %2 bits").arg(low).arg(high),
                        tr("The plan may choose within these"),
                        [this, low = low, high = high] { m_document.setRange(m_selection.linears(), low, high); });
    m_others += add(tr("Exclude from compression"), tr("Its weights stay as they are"),
                    [this] { m_document.exclude(m_selection.linears()); });
    m_link = add(tr("Link: same bits for all of them"), tr("The plan gives all of them the same bits"),
                 [this] { m_document.link(m_selection.linears()); });
    m_unlink =
        add(tr("Unlink"), tr("Takes them out of their groups"), [this] { m_document.unlink(m_selection.linears()); });
    m_free = add(tr("Clear demands") + QStringLiteral("\tDel"), tr("The plan is free again"), [this] { free(); });
    m_linkAll = add(tr("Link what reads the same input"), tr("In every block: query, key and value; gate and up"),
                    [this] { m_document.linkSharedInputs(); });
    m_undo = m_document.undoStack()->createUndoAction(this, tr("Undo"));
    m_redo = m_document.undoStack()->createRedoAction(this, tr("Redo"));
    m_undo->setShortcut(QKeySequence::Undo);
    m_redo->setShortcut(QKeySequence::Redo);
    m_undo->setIcon(icon(QStringLiteral("undo"), IconTone::Muted));
    m_redo->setIcon(icon(QStringLiteral("redo"), IconTone::Muted));
    connect(&selection, &CellSelection::changed, this, &PlanActions::refresh);
    connect(&document, &AllocationDocument::inputsChanged, this, &PlanActions::refresh);
    connect(&document, &AllocationDocument::reset, this, &PlanActions::refresh);
    refresh();
}

QAction* PlanActions::add(const QString& text, const QString& meaning, const std::function<void()>& act)
{
    auto* action = new QAction(text, this);
    action->setToolTip(meaning);
    action->setStatusTip(meaning);
    connect(action, &QAction::triggered, this, act);
    return action;
}

void PlanActions::pin(int bits)
{
    m_document.pin(m_selection.linears(), bits);
}

void PlanActions::free()
{
    m_document.clearRules(m_selection.linears());
}

void PlanActions::refresh()
{
    const std::vector<int>& linears = m_selection.linears();
    const bool any = !linears.empty();
    for (const auto* list : {&m_pins, &m_ranges, &m_others})
        for (QAction* action : *list)
            action->setEnabled(any);
    m_link->setEnabled(linears.size() > 1);
    m_unlink->setEnabled(std::any_of(linears.begin(), linears.end(), [this](int i) { return m_document.isLinked(i); }));
    m_free->setEnabled(
        std::any_of(linears.begin(), linears.end(), [this](int i) { return !m_document.ruleOf(i).empty(); }));
    m_linkAll->setEnabled(!m_document.isEmpty());
}

void PlanActions::addTo(QMenu& menu) const
{
    menu.addActions(m_pins);
    QMenu* range = menu.addMenu(tr("Limit to a range"));
    range->setEnabled(!m_selection.linears().empty());
    range->addActions(m_ranges);
    menu.addActions(m_others);
    menu.addSeparator();
    menu.addAction(m_link);
    menu.addAction(m_unlink);
    menu.addAction(m_linkAll);
    menu.addSeparator();
    menu.addAction(m_free);
}

void PlanActions::showMenu(const QPoint& globalPosition, QWidget* parent) const
{
    auto* menu = new QMenu(parent);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    menu->setToolTipsVisible(true);
    addTo(*menu);
    menu->popup(globalPosition);
}

} // namespace sa::ui
