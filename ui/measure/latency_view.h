// SPDX-License-Identifier: GPL-3.0-or-later
// What was timed: a sentence, plots with their spread, memory, energy, and every figure in a table.
#pragma once

#include "ui/measure/latency_result.h"

#include <QWidget>

class QLabel;
class QSortFilterProxyModel;

namespace sa::ui
{

class DataTable;
class LatencyTableModel;
class MemoryBars;
class SpreadPlot;

class LatencyView final : public QWidget
{
    Q_OBJECT
public:
    explicit LatencyView(QWidget* parent = nullptr);

    /// `names`: of the models, for display.
    void setResult(const LatencyResult& result, const QStringList& names);
    /// When it was measured, and why it may not hold any more (or empty).
    void setProvenance(const QString& text, bool stale);

    QString headline() const;
    QString provenance() const;
    QString energy() const; ///< the card in one text, for tests and screen readers
    DataTable* table() const { return m_table; }
    MemoryBars* memory() const { return m_memory; }

private:
    QWidget* makePlots();
    QWidget* makeEnergyCard();
    QWidget* makeTableCard();
    void setEnergy(const LatencyResult& result, const QStringList& names);

    QLabel *m_headline, *m_details, *m_provenance;
    SpreadPlot *m_first, *m_token;
    MemoryBars* m_memory;
    QWidget* m_energyCard = nullptr;
    struct EnergyRow {
        QLabel *kind, *first, *second;
    };
    QLabel *m_energyNames[2]{}, *m_energyNote = nullptr;
    EnergyRow m_measured{}, m_calculated{};
    LatencyTableModel* m_model;
    QSortFilterProxyModel* m_sorter;
    DataTable* m_table = nullptr;
};

} // namespace sa::ui
