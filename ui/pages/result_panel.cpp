// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/result_panel.h"

#include "ui/text.h"
#include "ui/widgets/icon_label.h"
#include "ui/widgets/parts.h"

#include "ui/style/icons.h"

#include <QGridLayout>
#include <QVBoxLayout>

#include <cmath>

namespace sa::ui
{

namespace
{

const QString kDash = QStringLiteral("–");
constexpr double kSmallLoss = 0.10; // below this the loss is shown without alarm

QString signedText(double value, int decimals)
{
    return (value >= 0 ? QStringLiteral("+") : QStringLiteral("−")) + decimalText(std::abs(value), decimals);
}

QString signedPercent(double fraction)
{
    return (fraction >= 0 ? QStringLiteral("+") : QStringLiteral("−")) + percentText(std::abs(fraction), 1);
}

double ratioOf(std::uint64_t before, std::uint64_t after)
{
    return after > 0 ? static_cast<double>(before) / static_cast<double>(after) : 0;
}

} // namespace

ResultPanel::ResultPanel(QWidget* parent)
    : QFrame(parent)
    , m_grid(new QGridLayout)
{
    setRole(this, "card");
    auto* mark = new IconLabel(26, this);
    mark->setIcon(icon(QStringLiteral("done"), IconTone::Success));
    m_headline = makeTitle({}, 1.3, this);
    m_headline->setWordWrap(true);
    m_where = makeMuted({}, this);
    auto* titles = new QVBoxLayout;
    tighten(titles, 1);
    titles->addWidget(m_headline);
    titles->addWidget(m_where);
    auto* head = new QHBoxLayout;
    tighten(head, space::kMedium);
    head->addWidget(mark, 0, Qt::AlignTop);
    head->addLayout(titles, 1);

    m_grid->setContentsMargins(0, 0, 0, 0);
    m_grid->setHorizontalSpacing(28);
    m_grid->setVerticalSpacing(7);
    m_grid->setColumnStretch(0, 2);
    m_grid->setColumnStretch(1, 2);
    m_grid->setColumnStretch(2, 2);
    m_grid->setColumnStretch(3, 3);
    const QString names[] = {{}, tr("Original"), tr("Compressed"), tr("Change")};
    for (int column = 1; column < 4; ++column) {
        auto* label = makeMuted(names[column], this);
        label->setAlignment(Qt::AlignRight | Qt::AlignVCenter);
        m_grid->addWidget(label, 0, column);
    }
    m_size = addRow(tr("Size"), tr("All weight files together. Lower is smaller"));
    m_bits = addRow(tr("Bits a weight"), tr("Of the compressed layers, scales included. Lower is smaller"));
    m_perplexity = addRow(tr("Perplexity"), tr("How surprised the model is by real text. Lower is better"));
    m_speed = addRow(tr("Reading speed"), tr("Tokens a second while measuring perplexity. Higher is better"));

    m_export = makePrimaryButton(tr("Export…"), QStringLiteral("export"), this);
    m_export->setToolTip(tr("Write an ordinary float16 Hugging Face folder that other programs can load"));
    auto* folder = makeButton(tr("Open folder"), QStringLiteral("folder"), this);
    folder->setToolTip(tr("Show the compressed model in the file manager"));
    auto* model = makeButton(tr("Show its layers"), QStringLiteral("model"), this);
    model->setToolTip(tr("Open the compressed model on the Model page"));
    connect(m_export, &QPushButton::clicked, this, &ResultPanel::exportRequested);
    connect(folder, &QPushButton::clicked, this, &ResultPanel::openFolderRequested);
    connect(model, &QPushButton::clicked, this, &ResultPanel::openModelRequested);
    auto* buttons = new QHBoxLayout;
    tighten(buttons, space::kSmall);
    buttons->addWidget(m_export);
    buttons->addWidget(folder);
    buttons->addWidget(model);
    buttons->addStretch();

    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(20, space::kLarge, 20, space::kLarge);
    layout->setSpacing(space::kMedium);
    layout->addLayout(head);
    layout->addLayout(m_grid);
    layout->addSpacing(space::kTight);
    layout->addLayout(buttons);
}

ResultPanel::Row ResultPanel::addRow(const QString& name, const QString& meaning)
{
    const int line = m_grid->rowCount();
    m_grid->addWidget(makeLine(this), line, 0, 1, 4);
    Row row{makeLabel({}, this), makeTitle({}, 1.0, this), makeLabel({}, this)};
    auto* label = makeLabel(name, this);
    label->setToolTip(meaning);
    m_grid->addWidget(label, line + 1, 0);
    int column = 1;
    for (QLabel* value : {row.before, row.after, row.change}) {
        value->setAlignment(Qt::AlignRight | Qt::AlignVCenter);
        value->setTextInteractionFlags(Qt::TextSelectableByMouse);
        value->setToolTip(meaning);
        m_grid->addWidget(value, line + 1, column++);
    }
    row.after->setAccessibleName(name);
    return row;
}

void ResultPanel::setOutcome(const RunOutcome& outcome)
{
    const QuantizeResult& result = outcome.quantized;
    const double ratio = ratioOf(result.originalBytes, result.storedBytes);
    const double originalBits = outcome.plan.model.bitsPerWeight;
    m_size.before->setText(bytesText(result.originalBytes));
    m_size.after->setText(bytesText(result.storedBytes));
    m_size.change->setText(ratio >= 1 ? tr("%1 times smaller").arg(decimalText(ratio, 2)) : tr("larger"));
    setTone(m_size.change, ratio >= 1 ? Tone::Success : Tone::Warning);
    m_bits.before->setText(decimalText(originalBits, 2));
    m_bits.after->setText(decimalText(result.bitsPerWeight, 2));
    m_bits.change->setText(originalBits > 0 ? signedPercent(result.bitsPerWeight / originalBits - 1) : kDash);
    setTone(m_bits.change, result.bitsPerWeight <= originalBits ? Tone::Success : Tone::Warning);
    setPerplexity(outcome);
    setSpeed(outcome);

    const QString name = shown(outcome.plan.model.displayName(), 60);
    QString headline = tr("%1 is %2 times smaller").arg(name, decimalText(ratio, 1));
    if (outcome.before && outcome.after && std::isfinite(outcome.after->perplexity) && outcome.before->perplexity > 0) {
        const double change = outcome.after->perplexity / outcome.before->perplexity - 1;
        headline = change > 0 ? tr("%1, at %2 more perplexity").arg(headline, percentText(change, 1))
                              : tr("%1, at no loss of perplexity").arg(headline);
    }
    m_headline->setText(headline);
    m_where->setText(tr("%1 layers quantized in %2. Written and verified: %3")
                         .arg(countText(static_cast<qint64>(outcome.layers.size())), durationText(result.seconds),
                              shown(outcome.plan.quantize.out, 200)));
}

void ResultPanel::setPerplexity(const RunOutcome& outcome)
{
    m_perplexity.before->setText(outcome.before ? decimalText(outcome.before->perplexity, 2) : kDash);
    m_perplexity.after->setText(outcome.after ? decimalText(outcome.after->perplexity, 2) : kDash);
    m_perplexity.change->setText(tr("not measured"));
    setTone(m_perplexity.change, Tone::Plain);
    if (!outcome.before || !outcome.after || !std::isfinite(outcome.before->perplexity) ||
        !std::isfinite(outcome.after->perplexity) || outcome.before->perplexity <= 0)
        return;
    const double difference = outcome.after->perplexity - outcome.before->perplexity;
    const double change = difference / outcome.before->perplexity;
    m_perplexity.change->setText(QStringLiteral("%1 (%2)").arg(signedText(difference, 2), signedPercent(change)));
    setTone(m_perplexity.change, change <= 0 ? Tone::Success : change <= kSmallLoss ? Tone::Plain : Tone::Warning);
}

void ResultPanel::setSpeed(const RunOutcome& outcome)
{
    const auto text = [](const std::optional<EvaluateResult>& result) {
        return result && result->tokensPerSecond > 0 ? tr("%1 tokens/s").arg(decimalText(result->tokensPerSecond, 0))
                                                     : kDash;
    };
    m_speed.before->setText(text(outcome.before));
    m_speed.after->setText(text(outcome.after));
    m_speed.change->setText(kDash);
    if (outcome.before && outcome.after && outcome.before->tokensPerSecond > 0)
        m_speed.change->setText(signedPercent(outcome.after->tokensPerSecond / outcome.before->tokensPerSecond - 1));
}

void ResultPanel::setJobsAllowed(bool allowed)
{
    m_export->setEnabled(allowed);
}

QString ResultPanel::headline() const
{
    return m_headline->text();
}

} // namespace sa::ui
