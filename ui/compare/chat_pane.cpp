// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/compare/chat_pane.h"

#include "ui/text.h"
#include "ui/widgets/banner.h"
#include "ui/widgets/elided_label.h"
#include "ui/widgets/parts.h"

#include <QFileInfo>
#include <QHBoxLayout>
#include <QToolButton>

#include <cmath>
#include <utility>

namespace sa::ui
{

namespace
{

QString kindOf(const ModelSummary& model)
{
    const QString bits = decimalText(model.bitsPerWeight, model.packed ? 2 : 0);
    return model.packed ? ChatPane::tr("%1, %2 bits a weight").arg(shown(model.mode, 20), bits)
                        : ChatPane::tr("not compressed");
}

QString stateText(const Answer& answer, bool otherFirst)
{
    switch (answer.state) {
    case Answer::State::None:
    case Answer::State::Done:
        return {};
    case Answer::State::Waiting:
        return otherFirst ? ChatPane::tr("waits for the other model") : ChatPane::tr("loading and reading the prompt…");
    case Answer::State::Writing:
        return ChatPane::tr("answering…");
    case Answer::State::Stopped:
        return ChatPane::tr("stopped");
    case Answer::State::Failed:
        return ChatPane::tr("failed");
    }
    return {};
}

QString noteText(const Answer& answer)
{
    switch (answer.state) {
    case Answer::State::Stopped:
        return ChatPane::tr("Stopped here.");
    case Answer::State::Failed:
        return ChatPane::tr("Ended here: %1").arg(shown(answer.failure, 200));
    case Answer::State::Done:
        return answer.end == QLatin1String("length") ? ChatPane::tr("Cut off at the length limit.") : QString();
    default:
        return {};
    }
}

QString figuresText(const Answer& answer)
{
    QStringList parts;
    if (!answer.tokens.empty())
        parts += counted(static_cast<qint64>(answer.tokens.size()), ChatPane::tr("1 token"), ChatPane::tr("%1 tokens"));
    if (std::isfinite(answer.tokensPerSecond))
        parts += ChatPane::tr("%1 tokens/s").arg(decimalText(answer.tokensPerSecond, 1));
    if (std::isfinite(answer.firstTokenSeconds))
        parts += ChatPane::tr("first token after %1 s").arg(decimalText(answer.firstTokenSeconds, 2));
    if (answer.memoryBytes > 0)
        parts += ChatPane::tr("%1 in memory").arg(bytesText(answer.memoryBytes));
    return parts.join(QStringLiteral("  ·  "));
}

} // namespace

ChatPane::ChatPane(const QString& role, QWidget* parent)
    : QFrame(parent)
    , m_role(role)
    , m_name(role)
{
    setRole(this, "card");
    m_title = new ElidedLabel(Qt::ElideMiddle, this);
    scaleText(m_title, 1.0, QFont::DemiBold);
    m_kind = makeChip({}, Tone::Plain, this);
    m_state = makeMuted({}, this);
    m_copy = makeIconButton(QStringLiteral("copy"), tr("Copy the last answer of %1").arg(role), this);
    m_change = makeIconButton(QStringLiteral("open"), tr("Choose another model: %1").arg(role), this);
    connect(m_copy, &QToolButton::clicked, this, &ChatPane::copyRequested);
    connect(m_change, &QToolButton::clicked, this,
            [this] { Q_EMIT changeRequested(m_change->mapToGlobal(QPoint(0, m_change->height()))); });
    m_view = new TokenView(tr("Answers: %1").arg(role), this);
    connect(m_view, &TokenView::currentChanged, this, &ChatPane::pointed);
    connect(m_view, &TokenView::copyRequested, this, &ChatPane::copyRequested);
    m_banner = new Banner(this);
    m_banner->hide();
    connect(m_banner, &Banner::acted, this, &ChatPane::retryRequested);
    m_figures = makeMuted({}, this);
    m_figures->setToolTip(plainToolTip(
        tr("Speed of decoding, higher is better. The first token's time is counted from the end of loading, lower is "
           "better. Two models that answer at once share the processor.")));
    m_figures->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Fixed);

    auto* head = new QHBoxLayout;
    head->setContentsMargins(14, 8, 8, 4);
    head->setSpacing(space::kSmall);
    head->addWidget(m_title, 1);
    head->addWidget(m_kind);
    head->addWidget(m_copy);
    head->addWidget(m_change);
    auto* notice = new QVBoxLayout;
    notice->setContentsMargins(10, 0, 10, 6);
    notice->addWidget(m_banner);
    auto* foot = new QHBoxLayout;
    foot->setContentsMargins(14, 5, 14, 8);
    foot->addWidget(m_figures, 1);
    foot->addWidget(m_state);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(1, 1, 1, 1);
    layout->setSpacing(0);
    layout->addLayout(head);
    layout->addWidget(m_view, 1);
    layout->addLayout(notice);
    layout->addWidget(makeLine(this));
    layout->addLayout(foot);
    setModel(std::nullopt, {});
}

void ChatPane::setModel(const std::optional<ModelSummary>& model, const QString& folder)
{
    const QString name = model ? model->displayName() : QFileInfo(folder).fileName();
    m_name = name.isEmpty() ? m_role : name;
    m_title->setText(m_name);
    m_kind->setText(model ? kindOf(*model) : tr("no model"));
    setTone(m_kind, model && model->packed ? Tone::Accent : Tone::Plain);
    m_view->setAccessibleName(tr("Answers: %1, %2").arg(m_role, shown(m_name, 100)));
    if (std::exchange(m_folder, folder) != folder)
        clearFailure();
}

void ChatPane::showConversation(const Conversation& conversation, int side)
{
    m_view->clear();
    m_state->clear();
    m_figures->clear();
    clearFailure();
    for (std::size_t turn = 0; turn < conversation.turns.size(); ++turn) {
        const Answer& answer = conversation.turns[turn].answers[static_cast<std::size_t>(side)];
        showTurn(conversation.turns[turn], static_cast<int>(turn), side);
        showTokens(answer, static_cast<int>(turn), 0);
        showAnswer(answer, static_cast<int>(turn), turn + 1 == conversation.turns.size(), false);
    }
}

void ChatPane::showTurn(const Turn& turn, int number, int side)
{
    m_view->keepBlocks(2 * number);
    m_view->addBlock(TokenView::Voice::User, turn.prompt);
    m_view->addBlock(TokenView::Voice::Model);
    const Answer& answer = turn.answers[static_cast<std::size_t>(side)];
    if (!answer.tokens.empty())
        showTokens(answer, number, 0);
    clearFailure();
    m_figures->clear();
}

void ChatPane::showTokens(const Answer& answer, int turn, int first)
{
    m_view->setTokens(2 * turn + 1, answer.tokens, first);
    m_figures->setText(figuresText(answer));
}

void ChatPane::showAnswer(const Answer& answer, int turn, bool isLast, bool otherFirst)
{
    m_view->setNote(2 * turn + 1, noteText(answer));
    if (!isLast)
        return;
    m_state->setText(stateText(answer, otherFirst));
    m_figures->setText(figuresText(answer));
    if (!answer.isRunning()) // for screen readers: all of it at once, not a word at a time
        m_view->setAccessibleDescription(shown(answer.text(), 4000));
}

void ChatPane::showDifference(int turn, int token)
{
    m_view->setMark(2 * turn + 1, token);
}

void ChatPane::showFailure(const QString& title, const JobFailure& failure)
{
    m_banner->showFailure(title, failure, tr("Answer again"));
}

void ChatPane::clearFailure()
{
    m_banner->dismiss();
}

void ChatPane::setIdle(bool idle)
{
    m_change->setEnabled(idle);
}

QString ChatPane::figures() const
{
    return m_figures->text();
}

} // namespace sa::ui
