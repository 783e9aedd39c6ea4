// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/prompt_panel.h"

#include "ui/jobs/job_results.h"
#include "ui/text.h"
#include "ui/widgets/parts.h"

#include <QHBoxLayout>
#include <QLineEdit>
#include <QPlainTextEdit>
#include <QSpinBox>
#include <QVBoxLayout>

namespace sa::ui
{

namespace
{

constexpr int kFrameMs = 16;
constexpr int kDefaultTokens = 48;

} // namespace

PromptPanel::PromptPanel(QWidget* parent)
    : QWidget(parent)
{
    m_prompt = new QLineEdit(this);
    m_prompt->setPlaceholderText(tr("The beginning of a text, e.g. “The history of the city begins”"));
    m_prompt->setAccessibleName(tr("Prompt"));
    m_prompt->setAcceptDrops(false);
    m_length = new QSpinBox(this);
    m_length->setRange(1, 2000);
    m_length->setValue(kDefaultTokens);
    m_length->setSuffix(tr(" tokens"));
    m_length->setAlignment(Qt::AlignRight);
    m_length->setMinimumWidth(120);
    m_length->setAccessibleName(tr("Tokens to generate"));
    m_button = makeButton(tr("Generate"), QStringLiteral("chat"), this);
    m_button->setToolTip(
        tr("Both models choose the most likely token each time, so differences come from compression"));
    connect(m_button, &QPushButton::clicked, this, [this] { isRunning() ? cancel() : generate(); });
    connect(m_prompt, &QLineEdit::returnPressed, this, &PromptPanel::generate);
    connect(m_prompt, &QLineEdit::textChanged, this, &PromptPanel::refreshButton);
    auto* row = new QHBoxLayout;
    tighten(row, space::kSmall);
    row->addWidget(m_prompt, 1);
    row->addWidget(m_length);
    row->addWidget(m_button);

    auto* panes = new QHBoxLayout;
    tighten(panes, space::kMedium);
    const QString titles[] = {tr("Original"), tr("Compressed")};
    for (int side = 0; side < 2; ++side) {
        auto* card = makeCard(this);
        m_panes[side] = makePane(titles[side], card);
        panes->addWidget(card, 1);
    }
    auto* layout = new QVBoxLayout(this);
    tighten(layout, space::kMedium);
    layout->addLayout(row);
    layout->addLayout(panes, 1);

    m_frame.setSingleShot(true);
    m_frame.setInterval(kFrameMs);
    connect(&m_frame, &QTimer::timeout, this, &PromptPanel::flush);
    connect(&m_job, &SingleJob::tokenArrived, this, [this](const Token& token) {
        m_panes[m_side].pending += fromUtf8(token.text);
        if (!m_frame.isActive())
            m_frame.start();
    });
    connect(&m_job, &SingleJob::finished, this, [this](const Json& result) {
        flush();
        if (const auto parsed = parseGenerateResult(result)) {
            m_panes[m_side].speed->setText(tr("%1 tokens/s").arg(decimalText(parsed->tokensPerSecond, 1)));
            if (m_side == 1 && parsed->tokensPerSecond > 0)
                Q_EMIT speedMeasured(parsed->tokensPerSecond);
        }
        if (m_side == 0)
            startSide(1);
        else
            finish();
    });
    connect(&m_job, &SingleJob::failed, this, [this](const JobFailure& failure) {
        flush();
        m_panes[m_side].speed->setText(failure.error.code == Errc::Cancelled ? tr("stopped") : tr("failed"));
        finish();
        if (failure.error.code != Errc::Cancelled)
            Q_EMIT failed(failure);
    });
    refreshButton();
}

PromptPanel::Pane PromptPanel::makePane(const QString& title, QWidget* card)
{
    Pane pane;
    pane.text = new QPlainTextEdit(card);
    pane.text->setReadOnly(true);
    pane.text->setFrameShape(QFrame::NoFrame);
    pane.text->setAcceptDrops(false);
    pane.text->setTabChangesFocus(true);
    pane.text->setAccessibleName(title);
    setRole(pane.text, "pane");
    pane.speed = makeMuted({}, card);
    auto* head = new QHBoxLayout;
    head->setContentsMargins(14, 10, 14, 0);
    head->addWidget(makeTitle(title, 1.0, card), 1);
    head->addWidget(pane.speed);
    auto* layout = new QVBoxLayout(card);
    layout->setContentsMargins(1, 1, 1, 6);
    layout->setSpacing(2);
    layout->addLayout(head);
    layout->addWidget(pane.text, 1);
    return pane;
}

void PromptPanel::reset(const RunPlan& plan)
{
    m_plan = plan;
    for (Pane& pane : m_panes) {
        pane.text->clear();
        pane.speed->clear();
        pane.pending.clear();
    }
}

void PromptPanel::setPrompt(const QString& prompt)
{
    m_prompt->setText(prompt);
}

void PromptPanel::setJobsAllowed(bool allowed)
{
    m_allowed = allowed;
    refreshButton();
}

void PromptPanel::generate()
{
    if (isRunning() || !m_allowed || !m_service || m_prompt->text().isEmpty())
        return;
    reset(m_plan);
    startSide(0);
    Q_EMIT runningChanged(true);
    refreshButton();
}

void PromptPanel::cancel()
{
    m_job.cancel();
}

void PromptPanel::startSide(int side)
{
    m_side = side;
    m_panes[side].speed->setText(tr("generating…"));
    GenerateSpec spec;
    spec.model = side == 0 ? m_plan.quantize.model : m_plan.quantize.out;
    spec.prompt = toUtf8(m_prompt->text());
    spec.maxTokens = m_length->value();
    spec.greedy = true;
    spec.threads = m_plan.quantize.threads;
    spec.device = m_plan.quantize.device;
    m_job.start(*m_service, spec);
}

/// Generated text is foreign: line breaks stay, other control characters are shown escaped.
void PromptPanel::flush()
{
    m_frame.stop();
    for (Pane& pane : m_panes) {
        if (pane.pending.isEmpty())
            continue;
        QStringList lines;
        for (const QString& line : std::exchange(pane.pending, {}).split(u'\n'))
            lines += shown(line, 64 * 1024);
        pane.text->moveCursor(QTextCursor::End);
        pane.text->insertPlainText(lines.join(u'\n'));
    }
}

void PromptPanel::finish()
{
    Q_EMIT runningChanged(false);
    refreshButton();
}

void PromptPanel::refreshButton()
{
    m_button->setText(isRunning() ? tr("Stop") : tr("Generate"));
    m_button->setEnabled(isRunning() || (m_allowed && !m_prompt->text().isEmpty()));
    m_prompt->setReadOnly(isRunning());
}

} // namespace sa::ui
