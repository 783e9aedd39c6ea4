// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/cockpit/budget_panel.h"

#include "ui/cockpit/budget_track.h"
#include "ui/cockpit/cell_figures.h"
#include "ui/text.h"
#include "ui/widgets/parts.h"

#include <QComboBox>
#include <QDoubleSpinBox>
#include <QHBoxLayout>
#include <QSignalBlocker>

#include <algorithm>
#include <cmath>

namespace sa::ui
{

namespace
{

constexpr int kFieldWidth = 138;
constexpr int kSmallestContext = 256;
constexpr double kMiB = 1024.0 * 1024;
constexpr double kGiB = 1024.0 * kMiB;

} // namespace

BudgetPanel::BudgetPanel(AllocationDocument& document, QWidget* parent)
    : QFrame(parent)
    , m_document(document)
{
    setRole(this, "card");
    m_context = new QComboBox(this);
    m_context->setAccessibleName(tr("Context that the memory is for"));
    m_context->setToolTip(tr("Tokens that the model remembers while it answers"));
    m_context->setSizeAdjustPolicy(QComboBox::AdjustToContents);
    m_track = new BudgetTrack(this);
    auto* fields = new QHBoxLayout;
    tighten(fields, space::kLarge);
    fields->addWidget(makeField(m_bits, m_bitsName, tr("Bits a weight"),
                                tr("Mean over all compressed weights, scales counted. Lower is smaller")));
    fields->addWidget(makeField(m_file, m_fileName, tr("File size"),
                                tr("All weight files together, with what is not compressed. Lower is smaller")));
    m_memoryBox = makeField(m_memory, m_memoryName, tr("Memory at"),
                            tr("Weights and the cache of keys and values. Lower fits more machines"), m_context);
    m_speedBox = makeField(m_speed, m_speedName, tr("Speed (forecast)"), {});
    fields->addWidget(m_memoryBox);
    fields->addWidget(m_speedBox);
    fields->addStretch();
    m_damageName = makeCaption({}, this);
    m_damageName->setWordWrap(false);
    m_damageName->setAlignment(Qt::AlignRight);
    m_damage = makeTitle({}, 1.5, this);
    m_damage->setAlignment(Qt::AlignRight);
    auto* damage = new QVBoxLayout;
    tighten(damage, 0);
    damage->addWidget(m_damageName);
    damage->addWidget(m_damage);
    fields->addLayout(damage);

    m_verdict = makeCaption({}, this);
    m_verdict->setWordWrap(false);
    m_verdict->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Fixed);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(16, 10, 16, 10);
    layout->setSpacing(space::kSmall);
    layout->addLayout(fields);
    layout->addWidget(m_track);
    layout->addWidget(m_verdict);

    m_bits->setDecimals(3);
    m_bits->setSingleStep(0.05);
    m_speed->setSuffix(tr(" tokens/s"));
    onEdited(m_bits, &BudgetUnits::fromBitsPerWeight, m_one);
    onEdited(m_file, &BudgetUnits::fromFileBytes, m_sizeUnit);
    onEdited(m_memory, &BudgetUnits::fromMemoryBytes, m_sizeUnit);
    onEdited(m_speed, &BudgetUnits::fromTokensPerSecond, m_one);
    connect(m_context, &QComboBox::currentIndexChanged, this, [this] {
        m_units.context = m_context->currentData().toInt();
        refreshRange();
    });
    connect(m_track, &QAbstractSlider::sliderPressed, &document, &AllocationDocument::beginDrag);
    connect(m_track, &QAbstractSlider::sliderReleased, &document, &AllocationDocument::endDrag);
    connect(m_track, &BudgetTrack::bytesChanged, this, [this](quint64 bytes) { m_document.setBudget(bytes); });
    connect(&document, &AllocationDocument::plansChanged, this, &BudgetPanel::refreshRange);
    connect(&document, &AllocationDocument::reset, this, &BudgetPanel::refreshRange);
    connect(&document, &AllocationDocument::inputsChanged, this, &BudgetPanel::refreshBudget);
    connect(&document, &AllocationDocument::allocationChanged, this, &BudgetPanel::refreshPlan);
    refreshRange();
}

QWidget* BudgetPanel::makeField(QDoubleSpinBox*& spin, QLabel*& name, const QString& title, const QString& meaning,
                                QWidget* extra)
{
    auto* box = new QWidget(this);
    name = makeCaption(title, box);
    name->setWordWrap(false);
    spin = new QDoubleSpinBox(box);
    spin->setAlignment(Qt::AlignRight);
    spin->setKeyboardTracking(false);
    spin->setGroupSeparatorShown(true);
    spin->setFixedWidth(kFieldWidth);
    spin->setAccessibleName(title);
    spin->setToolTip(meaning);
    name->setToolTip(meaning);
    name->setBuddy(spin);
    auto* head = new QHBoxLayout;
    tighten(head, space::kTight);
    head->addWidget(name);
    if (extra)
        head->addWidget(extra);
    head->addStretch();
    auto* layout = new QVBoxLayout(box);
    tighten(layout, 3);
    layout->addStretch();
    layout->addLayout(head);
    layout->addWidget(spin);
    return box;
}

void BudgetPanel::onEdited(QDoubleSpinBox* spin, std::uint64_t (BudgetUnits::*bytes)(double) const, const double& unit)
{
    connect(spin, &QDoubleSpinBox::valueChanged, this, [this, bytes, &unit](double value) {
        if (!m_document.plans())
            return;
        const Allocator& allocator = *m_document.plans()->allocator;
        const std::uint64_t wanted = (m_units.*bytes)(value * unit);
        m_document.setBudget(
            std::clamp(wanted, allocator.floorBytes(), std::max(allocator.floorBytes(), allocator.ceilingBytes())));
    });
}

void BudgetPanel::setTraffic(const std::optional<TokenTraffic>& traffic, int positions)
{
    m_traffic = m_units.traffic = traffic;
    const QSignalBlocker blocker(m_context);
    m_context->clear();
    if (traffic) {
        const int most = std::max(positions, traffic->context);
        for (qint64 context = kSmallestContext; context < most; context *= 2)
            m_context->addItem(tr("%1 tokens").arg(countText(context)), static_cast<int>(context));
        m_context->addItem(tr("%1 tokens").arg(countText(most)), most);
        m_context->setCurrentIndex(std::max(0, m_context->findData(traffic->context)));
    }
    m_units.context = m_context->currentData().toInt();
    refreshRange();
}

void BudgetPanel::setHeadChange(const HeadChange& change)
{
    m_headChange = change;
    refreshRange();
}

void BudgetPanel::setSpeedBasis(const std::optional<SpeedBasis>& basis)
{
    m_units.speed = basis;
    m_speed->setToolTip(
        basis ? plainToolTip(
                    tr("A forecast from the bytes that a token moves and from %1. Higher is better").arg(basis->source))
              : QString());
    refreshRange();
}

void BudgetPanel::setField(QDoubleSpinBox* spin, double value)
{
    const QSignalBlocker blocker(spin);
    spin->setValue(value);
}

void BudgetPanel::refreshRange()
{
    const Sensitivity& sensitivity = m_document.sensitivity();
    m_units.weights = sensitivity.weights();
    m_units.otherBytes = sensitivity.otherBytes + static_cast<std::uint64_t>(m_headChange.stored); // modulo 2^64
    if (m_traffic)
        m_units.traffic->otherBytes = m_traffic->otherBytes + static_cast<double>(m_headChange.traffic);
    const PreparedPlans* plans = m_document.plans();
    m_memoryBox->setVisible(m_units.traffic.has_value());
    m_speedBox->setVisible(m_units.traffic && m_units.speed);
    for (QDoubleSpinBox* spin : {m_bits, m_file, m_memory, m_speed})
        spin->setEnabled(plans != nullptr);
    if (!plans) {
        m_track->setScale({});
        for (QDoubleSpinBox* spin : {m_bits, m_file, m_memory, m_speed})
            setField(spin, 0);
        return refreshPlan();
    }
    const Allocator& allocator = *plans->allocator;
    const std::uint64_t low = allocator.floorBytes();
    const std::uint64_t high = std::max(low, allocator.ceilingBytes());
    std::vector<BudgetTick> ticks;
    for (std::size_t i = 0; i < plans->uniforms.size(); ++i)
        ticks.push_back({plans->uniforms[i].bytes,
                         plans->uniformBits[i] == kKeptBits ? tr("all kept") : bitsText(plans->uniformBits[i])});
    m_track->setScale(BudgetScale(low, high, ticks, m_units.weights));
    const bool large = static_cast<double>(m_units.fileBytes(high)) >= 4 * kGiB;
    m_sizeUnit = large ? kGiB : kMiB;
    for (QDoubleSpinBox* spin : {m_file, m_memory}) {
        const QSignalBlocker blocker(spin);
        spin->setSuffix(large ? tr(" GiB") : tr(" MiB"));
        spin->setDecimals(static_cast<double>(m_units.fileBytes(low)) < 100 * m_sizeUnit ? 2 : 1);
        spin->setSingleStep(static_cast<double>(high - low) / m_sizeUnit / 200);
    }
    const auto setRange = [](QDoubleSpinBox* spin, double least, double most) {
        const QSignalBlocker blocker(spin);
        const double unit = std::pow(10.0, spin->decimals()); // both ends stay within reach after rounding
        spin->setRange(std::floor(least * unit) / unit, std::ceil(most * unit) / unit);
    };
    setRange(m_bits, m_units.bitsPerWeight(low), m_units.bitsPerWeight(high));
    setRange(m_file, static_cast<double>(m_units.fileBytes(low)) / m_sizeUnit,
             static_cast<double>(m_units.fileBytes(high)) / m_sizeUnit);
    setRange(m_memory, m_units.memoryBytes(low).value_or(0) / m_sizeUnit,
             m_units.memoryBytes(high).value_or(0) / m_sizeUnit);
    m_speed->setDecimals(m_units.tokensPerSecond(high).value_or(0) < 20 ? 1 : 0);
    setRange(m_speed, m_units.tokensPerSecond(high).value_or(0), m_units.tokensPerSecond(low).value_or(0));
    refreshBudget();
    refreshPlan();
}

void BudgetPanel::refreshBudget()
{
    if (!m_document.plans())
        return;
    const std::uint64_t bytes = m_document.effectiveBudget();
    m_track->setBytes(bytes);
    setField(m_bits, m_units.bitsPerWeight(bytes));
    setField(m_file, static_cast<double>(m_units.fileBytes(bytes)) / m_sizeUnit);
    setField(m_memory, m_units.memoryBytes(bytes).value_or(0) / m_sizeUnit);
    setField(m_speed, m_units.tokensPerSecond(bytes).value_or(0));
    m_track->setValueText(tr("%1 bits a weight, %2")
                              .arg(decimalText(m_units.bitsPerWeight(bytes), 2), bytesText(m_units.fileBytes(bytes))));
}

QString BudgetPanel::verdict() const
{
    return m_verdict->text();
}

void BudgetPanel::refreshPlan()
{
    const PreparedPlans* plans = m_document.plans();
    const Allocation* allocation = m_document.allocation();
    if (!plans || !allocation) {
        m_damageName->setText(QStringLiteral(" "));
        m_damage->setText(QStringLiteral(" "));
        m_verdict->setText(QStringLiteral(" "));
        return;
    }
    const bool isDamage = plans->allocator->objective() == Objective::Damage;
    const QString how = provenanceText(m_document.shownAs(plans->allocator->provenance()));
    m_damageName->setText(isDamage ? tr("Predicted damage (%1)").arg(how) : tr("Predicted error (%1)").arg(how));
    m_damageName->setToolTip(isDamage ? tr("Sum of the layers' damages, in nats a token. Low is good.")
                                      : tr("Sum of what stands in for the layers' damages. Low is good."));
    m_damage->setText(significantText(allocation->cost, 3));
    const auto uniform = plans->allocator->uniformInterpolated(allocation->bytes);
    QString text = tr("Plan: %1 bits a weight, %2.")
                       .arg(decimalText(m_units.bitsPerWeight(allocation->bytes), 3),
                            bytesText(m_units.fileBytes(allocation->bytes)));
    if (uniform && *uniform > 0) {
        const double saved = 1 - allocation->cost / *uniform;
        text += u' ' + tr("Uniform at this size: %1").arg(significantText(*uniform, 3));
        if (std::abs(saved) < 0.0005)
            text += tr(", the same.");
        else
            text += (saved > 0 ? tr(", so this plan does %1 less damage.") : tr(", so this plan does %1 more damage."))
                        .arg(percentText(std::abs(saved), saved > 0.995 ? 1 : 0));
    }
    if (allocation->rule == Rule::Optimal)
        text += u' ' + (allocation->gap > 0 ? tr("At most %1 above the best.").arg(significantText(allocation->gap, 2))
                                            : tr("Proven best."));
    m_verdict->setText(text);
}

} // namespace sa::ui
