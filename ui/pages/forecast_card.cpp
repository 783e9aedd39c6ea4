// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/forecast_card.h"

#include "ui/style/theme.h"
#include "ui/text.h"
#include "ui/widgets/command_box.h"
#include "ui/widgets/parts.h"

#include <QGridLayout>
#include <QPainter>
#include <QVBoxLayout>

#include <algorithm>

namespace sa::ui
{

namespace
{

constexpr int kBarHeight = 10;
constexpr int kBarGap = 6;

} // namespace

SizeBars::SizeBars(QWidget* parent)
    : QWidget(parent)
{
    setFixedHeight(2 * kBarHeight + kBarGap);
}

void SizeBars::setSizes(std::uint64_t before, std::uint64_t after)
{
    m_before = before;
    m_after = after;
    setAccessibleName(tr("%1 before, %2 after").arg(bytesText(before), bytesText(after)));
    update();
}

void SizeBars::paintEvent(QPaintEvent* event)
{
    Q_UNUSED(event)
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(Qt::NoPen);
    const Colors& colors = colorsOf(palette());
    const double largest = static_cast<double>(std::max<std::uint64_t>({m_before, m_after, 1}));
    const auto bar = [&](double top, std::uint64_t size, const QColor& color) {
        const double length = std::max<double>(kBarHeight, width() * static_cast<double>(size) / largest);
        painter.setBrush(color);
        painter.drawRoundedRect(QRectF(0, top, length, kBarHeight), 4, 4);
    };
    bar(0, m_before, colors.borderStrong);
    bar(kBarHeight + kBarGap, m_after, colors.accent);
}

ForecastCard::ForecastCard(QWidget* parent)
    : QFrame(parent)
{
    setRole(this, "card");
    m_size = makeTitle({}, 1.9, this);
    m_ratio = makeMuted({}, this);
    m_ratio->setWordWrap(true);
    m_bars = new SizeBars(this);
    m_command = new CommandBox(this);

    auto* facts = new QGridLayout;
    facts->setContentsMargins(0, 0, 0, 0);
    facts->setVerticalSpacing(space::kTight + 2);
    facts->setColumnStretch(0, 1);
    const auto addFact = [&](const QString& name, const QString& meaning) {
        auto* value = makeLabel({}, this);
        value->setAlignment(Qt::AlignRight | Qt::AlignVCenter);
        auto* label = makeMuted(name, this);
        label->setToolTip(meaning);
        value->setToolTip(meaning);
        const int row = facts->rowCount();
        facts->addWidget(label, row, 0);
        facts->addWidget(value, row, 1);
        return value;
    };
    m_bits = addFact(tr("Bits a weight"), tr("Of the compressed layers, scales included. Lower is smaller"));
    m_layers = addFact(tr("Compressed layers"), tr("Their weights become sign planes with shift scales"));
    m_rest = addFact(tr("Left as it is"), tr("Embeddings, norms and the output head keep their format"));

    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(20, space::kLarge, 20, space::kLarge);
    layout->setSpacing(space::kMedium);
    auto* head = new QVBoxLayout;
    tighten(head, 2);
    head->addWidget(makeMuted(tr("Size after compression"), this));
    head->addWidget(m_size);
    head->addWidget(m_ratio);
    layout->addLayout(head);
    layout->addWidget(m_bars);
    layout->addLayout(facts);
    layout->addWidget(makeLine(this));
    layout->addWidget(m_command);
}

void ForecastCard::setForecast(const ModelSummary& model, const SizeForecast& forecast)
{
    m_size->setText(bytesText(forecast.storedBytes));
    const double ratio = forecast.storedBytes > 0
                             ? static_cast<double>(model.storedBytes) / static_cast<double>(forecast.storedBytes)
                             : 0;
    m_ratio->setText(
        ratio >= 1 ? tr("instead of %1: %2 times smaller").arg(bytesText(model.storedBytes), decimalText(ratio, 2))
                   : tr("instead of %1: larger than before").arg(bytesText(model.storedBytes)));
    m_bars->setSizes(model.storedBytes, forecast.storedBytes);
    m_bits->setText(decimalText(forecast.bitsPerWeight, 3));
    const auto quantizable =
        std::count_if(model.layers.begin(), model.layers.end(), [](const LayerRow& row) { return row.quantizable; });
    m_layers->setText(tr("%1 of %2").arg(countText(quantizable), countText(static_cast<qint64>(model.layers.size()))));
    m_rest->setText(bytesText(forecast.storedBytes - forecast.packedBytes));
}

void ForecastCard::setCommand(const QStringList& arguments)
{
    m_command->setArguments(arguments);
}

QString ForecastCard::command() const
{
    return m_command->command();
}

} // namespace sa::ui
