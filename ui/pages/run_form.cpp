// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/run_form.h"

#include "ui/async.h"
#include "ui/jobs/bundled_files.h"
#include "ui/jobs/output_folder.h"
#include "ui/pages/advanced_options.h"
#include "ui/pages/forecast_card.h"
#include "ui/text.h"
#include "ui/widgets/disclosure.h"
#include "ui/widgets/elided_label.h"
#include "ui/widgets/file_list_edit.h"
#include "ui/widgets/parts.h"
#include "ui/widgets/path_edit.h"
#include "ui/widgets/segmented_control.h"

#include <QCheckBox>
#include <QGridLayout>
#include <QLineEdit>
#include <QScrollArea>
#include <QSpinBox>
#include <QVBoxLayout>

#include <algorithm>

namespace sa::ui {

namespace {

constexpr int kLabelWidth = 104;
constexpr int kSideWidth = 372;
constexpr int kSideMinWidth = 280;
constexpr int kDefaultBits = 3;
constexpr int kDefaultWindows = 40;
constexpr int kEvaluationWindow = 512; // the length the reference figures are measured with
constexpr int kDefaultCalibrationWindow = 2048;

QSpinBox* makeSpin(int min, int max, int value, const QString& name, const QString& meaning, QWidget* parent)
{
    auto* spin = new QSpinBox(parent);
    spin->setRange(min, max);
    spin->setValue(value);
    spin->setAlignment(Qt::AlignRight);
    spin->setGroupSeparatorShown(true);
    spin->setAccessibleName(name);
    spin->setToolTip(meaning);
    spin->setMinimumWidth(84);
    return spin;
}

/// A card with a title and rows of label and field.
struct FormCard {
    QFrame* frame;
    QGridLayout* grid;
    FormCard(const QString& title, QWidget* parent) : frame(makeCard(parent)), grid(new QGridLayout)
    {
        auto* layout = new QVBoxLayout(frame);
        layout->setContentsMargins(20, 14, 20, space::kLarge);
        layout->setSpacing(10);
        if (!title.isEmpty())
            layout->addWidget(makeTitle(title, 1.08, frame));
        layout->addLayout(grid);
        grid->setContentsMargins(0, 0, 0, 0);
        grid->setHorizontalSpacing(space::kMedium);
        grid->setVerticalSpacing(space::kSmall);
        grid->setColumnMinimumWidth(0, kLabelWidth);
        grid->setColumnStretch(1, 1);
    }
    void row(const QString& name, QWidget* field)
    {
        auto* label = makeLabel(name, frame);
        label->setBuddy(field);
        const int line = grid->rowCount();
        // Beside a tall field the label stands at the first line.
        const bool tall = field->sizePolicy().verticalPolicy() == QSizePolicy::Maximum;
        grid->addWidget(label, line, 0, tall ? Qt::AlignTop : Qt::Alignment());
        grid->addWidget(field, line, 1);
        if (tall)
            label->setContentsMargins(0, 6, 0, 0);
    }
    void below(QWidget* field) { grid->addWidget(field, grid->rowCount(), 1); }
};

QString bitsHint(int bits)
{
    switch (bits) {
    case 1: return RunForm::tr("The smallest. Answers usually suffer badly; worth it for experiments.");
    case 2: return RunForm::tr("Very small. Expect a loss that you can notice.");
    case 3: return RunForm::tr("A good start: small, and usually close to the original.");
    default: return RunForm::tr("The most faithful of the four, and the largest.");
    }
}

} // namespace

RunForm::RunForm(QWidget* parent) : QWidget(parent)
{
    auto* cards = new QWidget(this);
    auto* column = new QVBoxLayout(cards);
    column->setContentsMargins(0, 0, space::kSmall, 0);
    column->setSpacing(space::kMedium);
    for (QWidget* card :
         {makeMethodCard(), makeOutputCard(), makeCalibrationCard(), makeCheckCard(), makeAdvancedCard()})
        column->addWidget(card);
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
    auto* sideScroll = makeScroll(sideBox, this);
    sideScroll->setMinimumWidth(kSideMinWidth);
    sideScroll->setMaximumWidth(kSideWidth);
    layout->addWidget(sideScroll, 1);
    refresh();
}

QWidget* RunForm::makeMethodCard()
{
    FormCard card(tr("Compression"), this);
    m_modelName = new ElidedLabel(Qt::ElideMiddle, this);
    card.row(tr("Model"), m_modelName);
    auto* method = new QWidget(this);
    auto* methodRow = new QHBoxLayout(method);
    tighten(methodRow, space::kSmall);
    methodRow->addWidget(makeChip(QStringLiteral("lat"), Tone::Accent, method));
    auto* words = makeCaption(tr("Sign planes with shift scales for every 8 columns: made for fast answers"), method);
    methodRow->addWidget(words, 1);
    card.row(tr("Method"), method);
    m_bits = new SegmentedControl(this);
    m_bits->setAccessibleName(tr("Bits a weight"));
    for (int bits = 1; bits <= 4; ++bits)
        m_bits->addSegment(bits, counted(bits, tr("1 bit"), tr("%1 bits")), bitsHint(bits));
    m_bits->setValue(kDefaultBits);
    m_bitsHint = makeCaption(bitsHint(kDefaultBits), this);
    card.row(tr("Bits"), m_bits);
    card.below(m_bitsHint);
    connect(m_bits, &SegmentedControl::valueChanged, this, [this](int bits) {
        m_bitsHint->setText(bitsHint(bits));
        suggestOutput();
        refresh();
    });
    return card.frame;
}

QWidget* RunForm::makeOutputCard()
{
    FormCard card(tr("Where it goes"), this);
    m_output = new PathEdit(PathEdit::Kind::NewFolder, tr("Output folder"), this);
    m_outputHint = makeCaption({}, this);
    card.row(tr("New folder"), m_output);
    card.below(m_outputHint);
    connect(m_output, &PathEdit::edited, this, [this] { m_outputIsOurs = m_output->path().isEmpty(); });
    connect(m_output, &PathEdit::pathChanged, this, [this] {
        checkOutput();
        refresh();
    });
    return card.frame;
}

QWidget* RunForm::makeCalibrationCard()
{
    FormCard card(tr("Calibration text"), this);
    m_calibration = new FileListEdit(tr("Calibration text"), tr("The bundled excerpt of English Wikipedia"), this);
    m_calibration->setToolTip(tr("Text that is like what the model will read. The quantizer keeps what this text needs"));
    card.row(tr("Files"), m_calibration);
    const QuantizeSpec defaults;
    m_samples = makeSpin(1, 1'000'000, defaults.samples, tr("Samples"),
                         tr("Windows of text to look at. More is slower and a little better"), this);
    m_seqlen = makeSpin(0, 1'000'000, 0, tr("Window length"),
                        tr("Tokens in a window. Auto takes what the model can read, at most 2,048"), this);
    m_seqlen->setSpecialValueText(tr("Auto"));
    m_seed = makeSpin(0, std::numeric_limits<int>::max(), 0, tr("Seed"),
                      tr("Which windows are drawn. The same seed gives the same bytes"), this);
    auto* numbers = new QWidget(this);
    auto* row = new QHBoxLayout(numbers);
    tighten(row, space::kSmall);
    const auto add = [&](const QString& name, QSpinBox* spin) {
        auto* label = makeLabel(name, numbers);
        label->setBuddy(spin);
        row->addWidget(label);
        row->addWidget(spin, 1);
    };
    row->addWidget(m_samples, 1);
    row->addSpacing(space::kSmall);
    add(tr("Window"), m_seqlen);
    row->addSpacing(space::kSmall);
    add(tr("Seed"), m_seed);
    numbers->setFocusProxy(m_samples);
    card.row(tr("Samples"), numbers);
    connect(m_calibration, &FileListEdit::filesChanged, this, &RunForm::refresh);
    for (QSpinBox* spin : {m_samples, m_seqlen, m_seed})
        connect(spin, &QSpinBox::valueChanged, this, &RunForm::refresh);
    return card.frame;
}

QWidget* RunForm::makeCheckCard()
{
    FormCard card(tr("Quality check"), this);
    m_measure = new QCheckBox(tr("Measure perplexity before and after"), this);
    m_measure->setChecked(true);
    m_measure->setToolTip(tr("Perplexity says how surprised the model is by real text. Lower is better"));
    m_text = new PathEdit(PathEdit::Kind::File, tr("Text to measure on"), this);
    m_text->setPlaceholder(tr("The bundled excerpt of English Wikipedia"));
    m_windows = makeSpin(1, 1'000'000, kDefaultWindows, tr("Windows"),
                         tr("Parts of the text that are read. More is slower and more certain"), this);
    m_windows->setMaximumWidth(130);
    m_rawText = new QCheckBox(tr("Raw WikiText file"), this);
    m_rawText->setToolTip(tr("Joins the lines of a wiki.*.raw file the way published figures are measured"));
    auto* numbers = new QWidget(this);
    auto* row = new QHBoxLayout(numbers);
    tighten(row, space::kSmall);
    row->addWidget(m_windows);
    row->addWidget(makeMuted(tr("windows of 512 tokens"), numbers));
    row->addStretch();
    row->addWidget(m_rawText);
    numbers->setFocusProxy(m_windows);
    card.grid->addWidget(m_measure, 0, 0, 1, 2);
    card.row(tr("Text"), m_text);
    card.row(tr("Quick check"), numbers);
    connect(m_measure, &QCheckBox::toggled, this, [this, numbers](bool on) {
        m_text->setEnabled(on);
        numbers->setEnabled(on);
        refreshStart();
    });
    const auto followText = [this] {
        m_rawText->setChecked(isRawWikiText(evaluationText()));
        m_rawText->setEnabled(!m_text->path().isEmpty());
        refreshStart();
    };
    connect(m_text, &PathEdit::pathChanged, this, followText);
    followText();
    return card.frame;
}

QWidget* RunForm::makeAdvancedCard()
{
    FormCard card({}, this);
    m_advanced = new AdvancedOptions(this);
    auto* fold = new Disclosure(tr("Advanced"), m_advanced, this);
    card.grid->addWidget(fold, 0, 0, 1, 2);
    card.frame->layout()->setContentsMargins(14, space::kSmall, 20, space::kSmall);
    connect(m_advanced, &AdvancedOptions::changed, this, &RunForm::refresh);
    return card.frame;
}

int RunForm::bits() const { return m_bits->value(); }

void RunForm::setBits(int bits) { m_bits->setValue(bits); }

void RunForm::setModel(const ModelSummary& model)
{
    m_model = model;
    m_modelName->setText(model.displayName());
    m_modelName->setToolTip(plainToolTip(shown(model.folder, 1000)));
    const int window = model.positions > 0 ? std::min(kDefaultCalibrationWindow, model.positions)
                                           : kDefaultCalibrationWindow;
    m_seqlen->setSpecialValueText(tr("Auto (%1)").arg(countText(window)));
    m_seqlen->setMaximum(model.positions > 0 ? model.positions : 1'000'000);
    m_outputIsOurs = true;
    suggestOutput();
    refresh();
}

void RunForm::setDevices(const std::vector<DeviceInfo>& devices) { m_advanced->setDevices(devices); }

void RunForm::setBlocked(const QString& reason)
{
    m_blocked = reason;
    refreshStart();
}

QString RunForm::outputFolder() const { return m_output->path(); }

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
        this, [model = m_model.folder, bits = bits()] { return suggestOutputFolder(model, QStringLiteral("lat"), bits); },
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
    spec.bits = bits();
    for (const QString& file : m_calibration->files())
        spec.calibration.push_back(toUtf8(file));
    spec.samples = m_samples->value();
    if (m_seqlen->value() >= 2)
        spec.seqlen = m_seqlen->value();
    spec.seed = static_cast<std::uint64_t>(m_seed->value());
    m_advanced->applyTo(spec);
    return spec;
}

RunPlan RunForm::plan() const
{
    RunPlan plan;
    plan.model = m_model;
    plan.quantize = quantizeSpec();
    plan.measure = m_measure->isChecked();
    plan.evaluation.text = toUtf8(evaluationText());
    plan.evaluation.join = m_rawText->isChecked() ? "raw" : "none";
    plan.evaluation.seqlen = m_model.positions > 0 ? std::min(kEvaluationWindow, m_model.positions) : kEvaluationWindow;
    plan.evaluation.maxWindows = m_windows->value();
    plan.evaluation.threads = m_advanced->threads();
    plan.evaluation.device = m_advanced->device();
    return plan;
}

QString RunForm::evaluationText() const
{
    const QString chosen = m_text->path().trimmed();
    return chosen.isEmpty() ? bundledEvaluationText() : chosen;
}

void RunForm::refresh()
{
    if (!m_start)
        return;
    m_forecast->setForecast(m_model, forecastSize(m_model, bits(), m_advanced->groupRows()));
    QStringList arguments;
    for (const std::string& argument : commandLine(quantizeSpec()))
        arguments += fromUtf8(argument);
    m_forecast->setCommand(arguments);
    refreshStart();
}

bool RunForm::canStart() const { return m_start->isEnabled(); }

void RunForm::refreshStart()
{
    if (!m_start)
        return;
    QString hint = m_blocked;
    if (hint.isEmpty() && m_measure->isChecked() && evaluationText().isEmpty())
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
