// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/cockpit/heatmap_card.h"

#include "ui/cockpit/heatmap_legend.h"
#include "ui/cockpit/heatmap_view.h"
#include "ui/widgets/form_card.h"
#include "ui/widgets/parts.h"
#include "ui/widgets/segmented_control.h"

#include <QHBoxLayout>
#include <QSpinBox>

namespace sa::ui
{

HeatmapCard::HeatmapCard(AllocationDocument& document, CellSelection& selection, QWidget* parent)
    : QFrame(parent)
{
    setRole(this, "card");
    m_quantity = new SegmentedControl(this);
    m_quantity->setAccessibleName(tr("What the heatmap shows"));
    const std::pair<Quantity, QString> segments[] = {{Quantity::Bits, tr("Bits")},
                                                     {Quantity::Damage, tr("Damage")},
                                                     {Quantity::Error, tr("Error")},
                                                     {Quantity::Criterion, tr("Criterion")},
                                                     {Quantity::Bytes, tr("Size")}};
    for (const auto& [quantity, text] : segments)
        m_quantity->addSegment(static_cast<int>(quantity), text, viewMeaning({quantity, 2}));
    m_quantity->setValue(static_cast<int>(Quantity::Bits));
    m_quantity->setSizePolicy(QSizePolicy::Maximum, QSizePolicy::Fixed);
    m_bits = makeSpin(1, 4, 2, tr("Width that damage and error are shown for"),
                      tr("Damage and error of a layer at this many bits a weight"), this);
    m_bits->setPrefix(tr("at "));
    m_bits->setSuffix(tr(" bits"));
    m_heatmap = new HeatmapView(document, selection, this);
    m_legend = new HeatmapLegend(*m_heatmap, this);
    connect(m_quantity, &SegmentedControl::valueChanged, this, &HeatmapCard::refresh);
    connect(m_bits, &QSpinBox::valueChanged, this, &HeatmapCard::refresh);

    auto* head = new QHBoxLayout;
    tighten(head, space::kSmall);
    head->addWidget(m_quantity);
    head->addWidget(m_bits);
    head->addStretch();
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(14, 10, 14, 10);
    layout->setSpacing(space::kSmall);
    layout->addLayout(head);
    layout->addWidget(m_heatmap, 1);
    layout->addWidget(m_legend);
    refresh();
}

void HeatmapCard::setView(const View& view)
{
    m_bits->setValue(view.bits);
    m_quantity->setValue(static_cast<int>(view.quantity));
}

void HeatmapCard::refresh()
{
    const View view{static_cast<Quantity>(m_quantity->value()), m_bits->value()};
    m_bits->setVisible(view.quantity == Quantity::Damage || view.quantity == Quantity::Error);
    m_heatmap->setView(view);
}

} // namespace sa::ui
