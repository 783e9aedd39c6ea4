// SPDX-License-Identifier: GPL-3.0-or-later
// What a cell of the heatmap shows of a linear, as a number, as a short text, as a colour's place, and in words.
#pragma once

#include "ui/cockpit/allocation_document.h"

namespace sa::ui
{

enum class Quantity {
    Bits,      ///< that the plan gives
    Damage,    ///< at a width of choice
    Error,     ///< at a width of choice
    Criterion, ///< the paper's; until it is measured, the weight score
    Bytes,     ///< that the plan takes
};

struct View {
    Quantity quantity = Quantity::Bits;
    int bits = 2; ///< of Damage and Error
    bool operator==(const View&) const = default;
};

struct CellFigure {
    double value = std::numeric_limits<double>::quiet_NaN();
    Provenance provenance = Provenance::Missing;
    bool byWeightScore = false; ///< stands in for a criterion; on a scale of its own
};

/// Where a figure is not known, what the weights alone say stands in for it as an estimate.
CellFigure cellFigure(const AllocationDocument& document, int linear, const View& view);
/// "0.031", "2", "67.5 KiB"; empty when there is no value.
QString cellText(const CellFigure& figure, const View& view);
/// The name of what is shown: "Damage at 2 bits".
QString viewTitle(const View& view);
/// What it means and whether low is good, in one sentence.
QString viewMeaning(const View& view);
/// All that is known of the cell, line by line, for a tool tip and for those who do not see.
QString describeCell(const AllocationDocument& document, int linear, const View& view);
QString provenanceText(Provenance provenance);
/// "pinned to 3 bits", "2 to 3 bits", "kept as it is"; empty: free.
QString ruleText(const LinearRule& rule);
/// "2 bits", "kept as it is".
QString bitsText(int bits);

/// Numbers to 0..1. Sensitivities span magnitudes, so they are set off by their logarithms; bits have fixed places.
class FigureScale
{
public:
    FigureScale() = default;
    FigureScale(Quantity quantity, const std::vector<double>& values);

    double at(double value) const;
    bool isLogarithmic() const { return m_logarithmic; }
    bool isEmpty() const { return m_empty; }
    double low() const { return m_low; }
    double high() const { return m_high; }

private:
    Quantity m_quantity = Quantity::Bits;
    double m_low = 0, m_high = 1;
    bool m_logarithmic = false;
    bool m_empty = true;
};

} // namespace sa::ui
