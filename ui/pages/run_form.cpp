// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/run_form.h"

#include "ui/async.h"
#include "ui/jobs/output_folder.h"
#include "ui/pages/advanced_options.h"
#include "ui/pages/calibration_card.h"
#include "ui/pages/check_card.h"
#include "ui/pages/forecast_card.h"
#include "ui/text.h"
#include "ui/widgets/disclosure.h"
#include "ui/widgets/elided_label.h"
#include "ui/widgets/form_card.h"
#include "ui/widgets/parts.h"
#include "ui/widgets/path_edit.h"
#include "ui/widgets/segmented_control.h"

#include <QComboBox>
#include <QEvent>
#include <QHBoxLayout>
#include <QPushButton>
#include <QScrollArea>
#include <QVBoxLayout>

#include <algorithm>
#include <iterator>
#include <string_view>

namespace sa::ui
{

namespace
{

constexpr int kSideWidth = 372;
constexpr int kSideMinWidth = 280;
constexpr int kSideCharacters = 50;
constexpr int kDefaultBits = 3;
constexpr const char* kModes[] = {"lat", "acc"};

QString modeHint(std::string_view mode)
{
    return mode == "lat" ? RunForm::tr("A scale for every 8 columns: made for fast answers.")
                         : RunForm::tr("A scale for every column: more faithful, and somewhat slower to answer.");
}

QString bitsHint(int bits)
{
    switch (bits) {
    case 1:
        return RunForm::tr("The smallest. Answers usually suffer badly; worth it for experiments.");
    case 2:
        return RunForm::tr("Very small. Expect a loss that you can notice.");
    case 3:
        return RunForm::tr("A good start: small, and usually close to the original.");
    default:
        return RunForm::tr("The most faithful of the four, and the largest.");
    }
}

} // namespace

RunForm::RunForm(QWidget* parent)
    : QWidget(parent)
{
    auto* cards = new QWidget(this);
    auto* column = new QVBoxLayout(cards);
    column->setContentsMargins(0, 0, space::kSmall, 0);
    column->setSpacing(space::kMedium);
    m_calibration = new CalibrationCard(this);
    m_check = new CheckCard(this);
    for (QWidget* card : {makeMethodCard(), makeOutputCard(), static_cast<QWidget*>(m_calibration),
                          static_cast<QWidget*>(m_check), makeAdvancedCard()})
        column->addWidget(card);
    connect(m_calibration, &CalibrationCard::changed, this, &RunForm::refresh);
    connect(m_check, &CheckCard::changed, this, &RunForm::refreshStart);
    column->addStretch();
    auto* scroll = makeScroll(cards, this);

    m_forecast = new ForecastCard(this);
    m_start = makePrimaryButton(tr("Start"), QStringLiteral("play"), this);
    m_start->setToolTip(tr("Compress the model (Ctrl+Return)"));
    m_start->setProperty("emphasis", "large");
    connect(m_start, &QPushButton::clicked, this, &RunForm::start);
    m_startHint = makeCaption({}, this);
    m_startHint->setAlignment(Qt::AlignHCenter);
    auto* side = new QVBoxLayout;
    tighten(side, space::kMedium);
    side->addWidget(m_forecast);
    side->addWidget(m_start);
    side->addWidget(m_startHint);
    side->addStretch();
    auto* sideBox = new QWidget(this);
    sideBox->setLayout(side);

    auto* layout = new QHBoxLayout(this);
    tighten(layout, space::kSmall);
    layout->addWidget(scroll, 2);
    m_side = makeScroll(sideBox, this);
    m_side->setMinimumWidth(kSideMinWidth);
    layout->addWidget(m_side, 1);
    limitSide();
    refresh();
}

/// The right column grows with the text, not with the window.
void RunForm::limitSide()
{
    m_side->setMaximumWidth(std::max(kSideWidth, fontMetrics().averageCharWidth() * kSideCharacters));
}

void RunForm::changeEvent(QEvent* event)
{
    QWidget::changeEvent(event);
    if (event->type() == QEvent::FontChange && m_side)
        limitSide();
}

QWidget* RunForm::makeMethodCard()
{
    auto* card = new FormCard(tr("Compression"), this);
    m_modelName = new ElidedLabel(Qt::ElideMiddle, this);
    card->addRow(tr("Model"), m_modelName);
    m_mode = new SegmentedControl(this);
    m_mode->setAccessibleName(tr("Method"));
    for (std::size_t i = 0; i < std::size(kModes); ++i)
        m_mode->addSegment(static_cast<int>(i), QString::fromLatin1(kModes[i]), modeHint(kModes[i]));
    m_mode->setValue(0);
    m_modeHint = makeCaption(modeHint(kModes[0]), this);
    card->addRow(tr("Method"), m_mode);
    card->addBelow(m_modeHint);
    connect(m_mode, &SegmentedControl::valueChanged, this, [this] {
        m_modeHint->setText(modeHint(mode()));
        suggestOutput();
        refresh();
    });
    m_bits = new SegmentedControl(this);
    m_bits->setAccessibleName(tr("Bits a weight"));
    for (int bits = 1; bits <= 4; ++bits)
        m_bits->addSegment(bits, counted(bits, tr("1 bit"), tr("%1 bits")), bitsHint(bits));
    m_bits->setValue(kDefaultBits);
    m_bitsHint = makeCaption(bitsHint(kDefaultBits), this);
    card->addRow(tr("Bits"), m_bits);
    card->addBelow(m_bitsHint);
    m_planBox = new QWidget(this);
    m_planText = makeChip({}, Tone::Accent, m_planBox);
    auto* noPlan = makeLinkButton(tr("Use one width for all layers"), m_planBox);
    connect(noPlan, &QPushButton::clicked, this, [this] { setPlan({}); });
    auto* planRow = new QHBoxLayout(m_planBox);
    tighten(planRow, space::kSmall);
    planRow->addWidget(m_planText);
    planRow->addWidget(noPlan);
    planRow->addStretch();
    card->addBelow(m_planBox);
    m_planBox->hide();
    m_head = new QComboBox(this);
    m_head->setAccessibleName(tr("Output head"));
    m_head->setToolTip(plainToolTip(
        tr("The table that turns the last state into words. Of small models it is most of what a token reads. 8 bits "
           "make answers faster at next to no loss; fewer bits are as lossy as they are in any other layer.")));
    m_head->addItem(tr("As it is"), kKeptHeadBits);
    for (const int bits : {kByteHeadBits, 4, 3, 2})
        m_head->addItem(tr("%1 bits").arg(bits), bits);
    card->addRow(tr("Output head"), m_head);
    connect(m_head, &QComboBox::currentIndexChanged, this, &RunForm::refresh);
    connect(m_bits, &SegmentedControl::valueChanged, this, [this](int bits) {
        m_bitsHint->setText(bitsHint(bits));
        suggestOutput();
        refresh();
    });
    return card;
}

QWidget* RunForm::makeOutputCard()
{
    auto* card = new FormCard(tr("Where it goes"), this);
    m_output = new PathEdit(PathEdit::Kind::NewFolder, tr("Output folder"), this);
    m_outputHint = makeCaption({}, this);
    card->addRow(tr("New folder"), m_output);
    card->addBelow(m_outputHint);
    connect(m_output, &PathEdit::edited, this, [this] { m_outputIsOurs = m_output->path().isEmpty(); });
    connect(m_output, &PathEdit::pathChanged, this, [this] {
        checkOutput();
        refresh();
    });
    return card;
}

QWidget* RunForm::makeAdvancedCard()
{
    auto* card = new FormCard({}, this);
    m_advanced = new AdvancedOptions(this);
    auto* fold = new Disclosure(tr("Advanced"), m_advanced, this);
    card->addWide(fold);
    card->layout()->setContentsMargins(14, space::kSmall, 20, space::kSmall);
    connect(m_advanced, &AdvancedOptions::changed, this, &RunForm::refresh);
    return card;
}

const char* RunForm::mode() const
{
    return kModes[m_mode->value()];
}

int RunForm::bits() const
{
    return m_bits->value();
}

void RunForm::setWindows(int samples, int seqlen, int checked)
{
    m_calibration->setWindows(samples, seqlen);
    m_check->setWindows(checked);
}

int RunForm::headBits() const
{
    return m_head->currentData().toInt();
}

void RunForm::setBits(int bits)
{
    m_bits->setValue(bits);
}

QString RunForm::bitsName() const
{
    return m_plan ? QString::number(m_plan->meanBits, 'f', 2) : QString::number(bits());
}

void RunForm::setPlan(const std::optional<ChosenPlan>& plan)
{
    m_plan = plan;
    m_bits->setVisible(!plan);
    m_bitsHint->setVisible(!plan);
    m_planBox->setVisible(plan.has_value());
    if (plan)
        m_planText->setText(
            tr("By the plan of the bit budget: %1 bits a weight").arg(decimalText(plan->bitsPerWeight, 2)));
    suggestOutput();
    refresh();
}

void RunForm::setModel(const ModelSummary& model)
{
    if (model.folder != m_model.folder && m_plan)
        setPlan({});
    m_model = model;
    m_modelName->setText(model.displayName());
    m_modelName->setToolTip(plainToolTip(shown(model.folder, 1000)));
    m_calibration->setPositions(model.positions);
    m_outputIsOurs = true;
    suggestOutput();
    refresh();
}

void RunForm::setDevices(const std::vector<DeviceInfo>& devices)
{
    m_advanced->setDevices(devices);
}

void RunForm::setBlocked(const QString& reason)
{
    m_blocked = reason;
    refreshStart();
}

QString RunForm::outputFolder() const
{
    return m_output->path();
}

void RunForm::setOutputFolder(const QString& folder)
{
    m_outputIsOurs = false;
    m_output->setPath(folder);
}

void RunForm::refreshOutput()
{
    if (m_outputIsOurs)
        suggestOutput();
    else
        checkOutput();
}

void RunForm::suggestOutput()
{
    if (!m_outputIsOurs || m_model.folder.isEmpty())
        return;
    const quint64 generation = ++m_outputGeneration;
    inBackground(
        this,
        [model = m_model.folder, mode = QString::fromLatin1(mode()), bits = bitsName()] {
            return suggestOutputFolder(model, mode, bits);
        },
        [this, generation](const QString& folder) {
            if (generation != m_outputGeneration)
                return;
            if (folder == m_output->path())
                checkOutput();
            else
                m_output->setPath(folder);
        });
}

void RunForm::checkOutput()
{
    const quint64 generation = ++m_outputGeneration;
    m_outputUsable = false;
    refreshStart();
    inBackground(
        this, [path = m_output->path()] { return checkOutputFolder(path); },
        [this, generation](const OutputVerdict& verdict) {
            if (generation != m_outputGeneration)
                return;
            m_outputUsable = verdict.usable;
            m_outputHint->setText(verdict.text);
            setTone(m_outputHint, verdict.usable ? Tone::Plain : Tone::Danger);
            m_output->setWrong(!verdict.usable);
            refreshStart();
        });
}

QuantizeSpec RunForm::quantizeSpec() const
{
    QuantizeSpec spec;
    spec.model = toUtf8(m_model.folder);
    spec.out = toUtf8(m_output->path());
    spec.mode = mode();
    if (m_plan)
        spec.plan = toUtf8(m_plan->file);
    else
        spec.bits = bits();
    spec.headBits = headBits();
    m_calibration->applyTo(spec);
    m_advanced->applyTo(spec);
    return spec;
}

RunPlan RunForm::plan() const
{
    RunPlan plan;
    plan.model = m_model;
    plan.quantize = quantizeSpec();
    plan.measure = m_check->isWanted();
    plan.evaluation = m_check->evaluation(m_model.positions);
    plan.evaluation.threads = m_advanced->threads();
    plan.evaluation.device = m_advanced->device();
    return plan;
}

void RunForm::refresh()
{
    if (!m_start)
        return;
    SizeForecast forecast = forecastSize(m_model, bits(), m_advanced->groupRows(), headBits());
    if (m_plan) {
        forecast.storedBytes = forecast.storedBytes - forecast.packedBytes + m_plan->bytes;
        forecast.packedBytes = m_plan->bytes;
        forecast.bitsPerWeight = m_plan->bitsPerWeight;
    }
    m_forecast->setForecast(m_model, forecast);
    QStringList arguments;
    for (const std::string& argument : commandLine(quantizeSpec()))
        arguments += fromUtf8(argument);
    m_forecast->setCommand(arguments);
    refreshStart();
    Q_EMIT settingsChanged();
}

bool RunForm::canStart() const
{
    return m_start->isEnabled();
}

void RunForm::refreshStart()
{
    if (!m_start)
        return;
    QString hint = m_blocked;
    if (hint.isEmpty() && !m_check->isComplete())
        hint = tr("Choose a text to measure on, or switch the quality check off.");
    m_startHint->setText(hint);
    m_startHint->setVisible(!hint.isEmpty());
    m_start->setEnabled(hint.isEmpty() && m_outputUsable && !m_model.folder.isEmpty());
}

void RunForm::start()
{
    if (canStart())
        Q_EMIT startRequested(plan());
}

} // namespace sa::ui
