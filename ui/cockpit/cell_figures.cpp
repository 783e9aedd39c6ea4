// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/cockpit/cell_figures.h"

#include "ui/text.h"
#include "ui/widgets/parts.h"

#include <QCoreApplication>
#include <QStringList>

#include <algorithm>
#include <array>
#include <cmath>

namespace sa::ui
{

namespace
{

QString tr(const char* text)
{
    return QCoreApplication::translate("sa::ui::cells", text);
}

/// Places of the widths on the colour path: evenly apart, so that neighbours are easy to tell.
double placeOfBits(double bits)
{
    return bits > 4 ? 1.0 : std::clamp(0.04 + (bits - 1) * 0.24, 0.0, 1.0);
}

CellFigure estimateAt(const LinearSensitivity& linear, int bits)
{
    if (!linear.weightScore.known())
        return {std::numeric_limits<double>::quiet_NaN(), linear.weightScore.provenance};
    return {linear.weightScore.value * relativeErrorAt(bits), Provenance::Estimated};
}

CellFigure atWidth(const LinearSensitivity& linear, const View& view)
{
    const Choice* choice = linear.choice(view.bits);
    if (!choice)
        return {};
    const Figure& figure = view.quantity == Quantity::Damage ? choice->damage : choice->error;
    if (figure.known() || figure.provenance == Provenance::Failed)
        return {figure.value, figure.provenance};
    if (view.quantity == Quantity::Damage)
        return estimateAt(linear, view.bits);
    return linear.weightScore.known() ? CellFigure{relativeErrorAt(view.bits), Provenance::Estimated} : CellFigure{};
}

CellFigure ofPlan(const AllocationDocument& document, int linear, Quantity quantity)
{
    const Allocation* allocation = document.allocation();
    if (!allocation || static_cast<std::size_t>(linear) >= allocation->bits.size())
        return {};
    const int bits = allocation->bits[static_cast<std::size_t>(linear)];
    const Provenance provenance = document.plans() ? document.plans()->allocator->provenance() : Provenance::Missing;
    if (quantity == Quantity::Bits)
        return {static_cast<double>(bits), provenance};
    const Choice* choice = document.sensitivity().linears[static_cast<std::size_t>(linear)].choice(bits);
    return choice ? CellFigure{static_cast<double>(choice->bytes), Provenance::Measured} : CellFigure{};
}

} // namespace

CellFigure cellFigure(const AllocationDocument& document, int linear, const View& view)
{
    const LinearSensitivity& of = document.sensitivity().linears[static_cast<std::size_t>(linear)];
    CellFigure figure;
    switch (view.quantity) {
    case Quantity::Bits:
        figure = ofPlan(document, linear, view.quantity);
        break;
    case Quantity::Bytes:
        return ofPlan(document, linear, view.quantity); // counted, not measured: never stale
    case Quantity::Damage:
    case Quantity::Error:
        figure = atWidth(of, view);
        break;
    case Quantity::Criterion:
        if (of.criterion.known() || of.criterion.provenance == Provenance::Failed)
            figure = {of.criterion.value, of.criterion.provenance};
        else if (of.weightScore.known())
            figure = {of.weightScore.value, Provenance::Estimated, true};
        break;
    }
    figure.provenance = document.shownAs(figure.provenance);
    return figure;
}

QString cellText(const CellFigure& figure, const View& view)
{
    if (!std::isfinite(figure.value))
        return {};
    if (view.quantity == Quantity::Bits)
        return QString::number(std::lround(figure.value));
    if (view.quantity == Quantity::Bytes)
        return bytesText(static_cast<std::uint64_t>(figure.value));
    if (view.quantity == Quantity::Error)
        return percentText(figure.value, figure.value < 0.001 ? 3 : figure.value < 0.1 ? 2 : 1);
    return significantText(figure.value, 2);
}

QString bitsText(int bits)
{
    return bits == kKeptBits ? tr("kept as it is") : counted(bits, tr("1 bit"), tr("%1 bits"));
}

QString viewTitle(const View& view)
{
    switch (view.quantity) {
    case Quantity::Bits:
        return tr("Chosen bits");
    case Quantity::Damage:
        return tr("Damage at %1").arg(bitsText(view.bits));
    case Quantity::Error:
        return tr("Error at %1").arg(bitsText(view.bits));
    case Quantity::Criterion:
        return tr("The paper's criterion");
    case Quantity::Bytes:
        return tr("Stored size");
    }
    return {};
}

QString viewMeaning(const View& view)
{
    switch (view.quantity) {
    case Quantity::Bits:
        return tr("Bits a weight that the plan gives the layer. Fewer make the file smaller.");
    case Quantity::Damage:
        return tr("How far the model's answers move when only this layer is compressed (KL divergence, nats a token). "
                  "Low is good.");
    case Quantity::Error:
        return tr("Share of the layer's output that compression gets wrong. Low is good.");
    case Quantity::Criterion:
        return tr("Rank of the layer by equation 3 of ShiftAddLLM. High means: give it more bits. Only the order "
                  "matters.");
    case Quantity::Bytes:
        return tr("Bytes of the layer under the plan, scales and padding counted. Low is small.");
    }
    return {};
}

QString provenanceText(Provenance provenance)
{
    switch (provenance) {
    case Provenance::Missing:
        return tr("not known yet");
    case Provenance::Estimated:
        return tr("estimated");
    case Provenance::Measured:
        return tr("measured");
    case Provenance::Stale:
        return tr("measured with other settings");
    case Provenance::Failed:
        return tr("could not be measured");
    }
    return {};
}

QString ruleText(const LinearRule& rule)
{
    if (rule.excluded)
        return tr("kept as it is");
    if (rule.pin)
        return tr("pinned to %1").arg(*rule.pin == kKeptBits ? tr("16 bits") : bitsText(*rule.pin));
    if (rule.low || rule.high)
        return tr("%1 to %2 bits").arg(rule.low.value_or(1)).arg(rule.high.value_or(kKeptBits));
    return {};
}

QString describeCell(const AllocationDocument& document, int linear, const View& view)
{
    const LinearSensitivity& of = document.sensitivity().linears[static_cast<std::size_t>(linear)];
    QStringList lines{
        tr("%1, block %2 (%3 × %4)").arg(shown(of.projection, 80)).arg(of.block).arg(countText(of.N), countText(of.K))};
    const CellFigure figure = cellFigure(document, linear, view);
    const QString value = cellText(figure, view);
    if (view.quantity != Quantity::Bits)
        lines += value.isEmpty() ? tr("%1: %2").arg(viewTitle(view), provenanceText(figure.provenance))
                 : view.quantity == Quantity::Bytes
                     ? tr("%1: %2").arg(viewTitle(view), value)
                     : tr("%1: %2, %3").arg(viewTitle(view), value, provenanceText(figure.provenance));
    if (figure.byWeightScore)
        lines += tr("Not measured yet: a score from the weights alone stands in for it.");
    if (const Allocation* allocation = document.allocation()) {
        const int bits = allocation->bits[static_cast<std::size_t>(linear)];
        const Choice* choice = of.choice(bits);
        lines += choice ? tr("Plan: %1, %2").arg(bitsText(bits), bytesText(choice->bytes))
                        : tr("Plan: %1").arg(bitsText(bits));
        if (choice && choice->damage.known() && bits != kKeptBits)
            lines += tr("Damage then: %1 nats a token, %2")
                         .arg(significantText(choice->damage.value, 2),
                              provenanceText(document.shownAs(choice->damage.provenance)));
    }
    if (const QString rule = ruleText(document.ruleOf(linear)); !rule.isEmpty())
        lines += tr("Your demand: %1").arg(rule);
    if (document.isLinked(linear))
        lines += tr("Linked: gets the same bits as its group");
    if (!of.problem.empty())
        lines += tr("Problem: %1").arg(shown(of.problem, 300));
    lines += viewMeaning(view);
    return lines.join(u'\n');
}

FigureScale::FigureScale(Quantity quantity, const std::vector<double>& values)
    : m_quantity(quantity)
{
    m_logarithmic = quantity == Quantity::Damage || quantity == Quantity::Error || quantity == Quantity::Criterion;
    double low = std::numeric_limits<double>::infinity();
    double high = -low;
    for (const double value : values) {
        if (!std::isfinite(value) || (m_logarithmic && value <= 0))
            continue;
        low = std::min(low, value);
        high = std::max(high, value);
    }
    m_empty = low > high;
    if (m_empty)
        return;
    m_low = low;
    m_high = high;
}

double FigureScale::at(double value) const
{
    if (m_quantity == Quantity::Bits)
        return placeOfBits(value);
    if (m_empty || !std::isfinite(value))
        return 0;
    if (m_logarithmic) {
        if (value <= 0)
            return 0;
        const double span = std::log(m_high / m_low);
        return span > 1e-9 ? std::clamp(std::log(value / m_low) / span, 0.0, 1.0) : 0.5;
    }
    const double span = m_high - m_low;
    return span > 0 ? std::clamp((value - m_low) / span, 0.0, 1.0) : 0.5;
}

} // namespace sa::ui
