// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/measure/latency_form.h"

#include "ui/widgets/device_box.h"
#include "ui/widgets/form_card.h"
#include "ui/widgets/parts.h"

#include <QHBoxLayout>
#include <QLineEdit>
#include <QSpinBox>

#include <algorithm>

namespace sa::ui
{

namespace
{

constexpr int kMaxLengths = 20;
constexpr int kMaxLength = 1'000'000;

} // namespace

std::optional<std::vector<int>> parseLengths(const QString& text)
{
    std::vector<int> lengths;
    for (const QString& part : text.split(u',')) {
        bool isNumber = false;
        const int length = part.trimmed().toInt(&isNumber);
        if (!isNumber || length < 1 || length > kMaxLength)
            return std::nullopt;
        lengths.push_back(length);
    }
    std::sort(lengths.begin(), lengths.end());
    lengths.erase(std::unique(lengths.begin(), lengths.end()), lengths.end());
    return lengths.size() <= kMaxLengths ? std::optional(lengths) : std::nullopt;
}

LatencyForm::LatencyForm(QWidget* parent)
    : QFrame(parent)
{
    setRole(this, "card");
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(space::kLarge, 10, space::kLarge, space::kMedium);
    row->setSpacing(space::kLarge);
    const auto add = [&](const QString& name, QWidget* field, const QString& meaning, int stretch) {
        auto* label = makeCaption(name, this);
        label->setWordWrap(false);
        label->setBuddy(field);
        field->setToolTip(meaning);
        field->setAccessibleName(name);
        auto* column = new QVBoxLayout;
        tighten(column, 3);
        column->addWidget(label);
        column->addWidget(field);
        row->addLayout(column, stretch);
    };
    m_lengths = new QLineEdit(this);
    m_lengths->setAcceptDrops(false); // a dropped folder opens, wherever it falls
    add(tr("Prompt lengths, tokens"), m_lengths,
        tr("Separated by commas. Each is timed; prompt and decoded tokens must fit into the models' context"), 3);
    m_decode = makeSpin(1, 100'000, 32, {}, {}, this);
    add(tr("Decoded tokens"), m_decode, tr("After each prompt"), 2);
    m_repeats = makeSpin(1, 10'000, 5, {}, {}, this);
    add(tr("Repeats"), m_repeats, tr("Of each measurement, after a run that does not count. More is more certain"), 2);
    m_threads = makeSpin(0, 1024, 0, {}, {}, this);
    m_threads->setSpecialValueText(tr("All cores"));
    add(tr("Threads"), m_threads, tr("Of the processor"), 2);
    m_device = new DeviceBox(this);
    add(tr("Device"), m_device, tr("Where to compute. The list comes from the worker"), 2);
    setSpec({});
    connect(m_lengths, &QLineEdit::textChanged, this, &LatencyForm::check);
    for (QSpinBox* spin : {m_decode, m_repeats, m_threads})
        connect(spin, &QSpinBox::valueChanged, this, &LatencyForm::changed);
    connect(m_device, &QComboBox::currentIndexChanged, this, &LatencyForm::changed);
}

void LatencyForm::check()
{
    setTone(m_lengths, parseLengths(m_lengths->text()) ? Tone::Plain : Tone::Danger);
    Q_EMIT changed();
}

std::optional<LatencySpec> LatencyForm::spec() const
{
    const auto lengths = parseLengths(m_lengths->text());
    if (!lengths)
        return std::nullopt;
    LatencySpec spec;
    spec.lengths = *lengths;
    spec.decode = m_decode->value();
    spec.repeats = m_repeats->value();
    spec.threads = m_threads->value();
    spec.device = m_device->device();
    return spec;
}

void LatencyForm::setSpec(const LatencySpec& spec)
{
    QStringList lengths;
    for (const int length : spec.lengths)
        lengths += QString::number(length);
    m_lengths->setText(lengths.join(QStringLiteral(", ")));
    m_decode->setValue(spec.decode);
    m_repeats->setValue(spec.repeats);
    m_threads->setValue(spec.threads);
}

void LatencyForm::setDevices(const std::vector<DeviceInfo>& devices)
{
    m_device->setDevices(devices);
}

} // namespace sa::ui
