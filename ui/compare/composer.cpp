// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/compare/composer.h"

#include "ui/style/icons.h"
#include "ui/widgets/parts.h"

#include <QHBoxLayout>
#include <QKeyEvent>
#include <QPlainTextEdit>
#include <QTextDocument>

#include <algorithm>

namespace sa::ui
{

namespace
{

constexpr int kMinLines = 2, kMaxLines = 6;

} // namespace

Composer::Composer(QWidget* parent)
    : QFrame(parent)
{
    setRole(this, "card");
    m_box = new QPlainTextEdit(this);
    m_box->setPlaceholderText(tr("Ask both models something. Enter asks, Shift+Enter starts a new line."));
    m_box->setAccessibleName(tr("Prompt for both models"));
    m_box->setTabChangesFocus(true);
    m_box->setAcceptDrops(false);
    m_box->installEventFilter(this);
    setRole(m_box, "pane");
    m_send = makePrimaryButton({}, QStringLiteral("play"), this);
    m_send->setMinimumWidth(92);
    m_again = makeLinkButton(tr("Answer again"), this);
    m_again->setToolTip(tr("With the same seed and settings the same answers come"));
    m_edit = makeLinkButton(tr("Edit the last prompt"), this);
    m_difference = makeLinkButton(tr("Show the first difference"), this);
    m_force = makeLinkButton(tr("Score the left text with the right model"), this);
    m_force->setToolTip(tr("The right model reads the left answer token by token: how far it is from the left model "
                           "at each of them"));
    m_hint = makeMuted({}, this);
    m_hint->setAlignment(Qt::AlignRight | Qt::AlignVCenter);
    m_hint->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);

    connect(m_box, &QPlainTextEdit::textChanged, this, [this] {
        fitBox();
        refresh();
    });
    connect(m_send, &QPushButton::clicked, this, &Composer::act);
    connect(m_again, &QPushButton::clicked, this, &Composer::regenerateRequested);
    connect(m_edit, &QPushButton::clicked, this, [this] {
        if (m_editing) {
            m_box->clear();
            endEditing();
        } else {
            Q_EMIT editRequested();
        }
    });
    connect(m_force, &QPushButton::clicked, this, &Composer::forceRequested);
    connect(m_difference, &QPushButton::clicked, this, &Composer::differenceRequested);

    auto* top = new QHBoxLayout;
    tighten(top, space::kSmall);
    top->addWidget(m_box, 1);
    top->addWidget(m_send, 0, Qt::AlignBottom);
    auto* links = new QHBoxLayout;
    tighten(links, space::kMedium);
    links->addWidget(m_again);
    links->addWidget(m_edit);
    links->addWidget(m_difference);
    links->addWidget(m_force);
    links->addWidget(m_hint, 1);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(6, 6, space::kMedium, 6);
    layout->setSpacing(2);
    layout->addLayout(top);
    layout->addLayout(links);
    fitBox();
    refresh();
}

void Composer::setState(const State& state)
{
    m_state = state;
    if (m_editing && !state.hasTurn)
        endEditing();
    refresh();
}

QString Composer::prompt() const
{
    return m_box->toPlainText();
}

void Composer::setPrompt(const QString& prompt)
{
    m_box->setPlainText(prompt);
    m_box->moveCursor(QTextCursor::End);
}

void Composer::startEditing(const QString& prompt)
{
    m_editing = true;
    setPrompt(prompt);
    m_box->setFocus();
    refresh();
}

void Composer::endEditing()
{
    m_editing = false;
    refresh();
}

void Composer::act()
{
    if (m_state.running)
        return Q_EMIT stopRequested();
    const QString text = prompt();
    if (!m_state.canSend || text.trimmed().isEmpty())
        return;
    const bool replaces = m_editing;
    m_editing = false;
    m_box->clear();
    Q_EMIT sendRequested(text, replaces);
}

bool Composer::eventFilter(QObject* watched, QEvent* event)
{
    if (watched == m_box && event->type() == QEvent::KeyPress) {
        const auto* key = static_cast<QKeyEvent*>(event);
        const bool enter = key->key() == Qt::Key_Return || key->key() == Qt::Key_Enter;
        if (enter && !(key->modifiers() & (Qt::ShiftModifier | Qt::ControlModifier))) {
            if (!m_state.running)
                act();
            return true;
        }
        if (key->key() == Qt::Key_Escape && m_state.running) {
            Q_EMIT stopRequested();
            return true;
        }
        if (key->key() == Qt::Key_Escape && m_editing) {
            m_box->clear();
            endEditing();
            return true;
        }
    }
    return QFrame::eventFilter(watched, event);
}

void Composer::changeEvent(QEvent* event)
{
    QFrame::changeEvent(event);
    if (event->type() == QEvent::FontChange)
        fitBox();
}

/// As high as its text, within bounds.
void Composer::fitBox()
{
    const int lines = std::clamp(static_cast<int>(m_box->document()->size().height()), kMinLines, kMaxLines);
    m_box->setFixedHeight(lines * m_box->fontMetrics().lineSpacing() + 12);
}

void Composer::refresh()
{
    m_send->setText(m_state.running ? tr("Stop") : m_editing ? tr("Ask instead") : tr("Ask"));
    m_send->setIcon(icon(m_state.running ? QStringLiteral("stop") : QStringLiteral("play"), IconTone::OnAccent));
    m_send->setEnabled(m_state.running || (m_state.canSend && !prompt().trimmed().isEmpty()));
    m_again->setEnabled(m_state.hasTurn && m_state.canSend && !m_editing);
    m_edit->setText(m_editing ? tr("Keep the last prompt") : tr("Edit the last prompt"));
    m_edit->setEnabled(m_state.hasTurn && m_state.canSend);
    m_force->setEnabled(m_state.canForce);
    m_difference->setEnabled(m_state.hasDifference);
    for (QPushButton* link : {m_again, m_edit, m_force})
        link->setVisible(m_state.hasTurn);
    m_difference->setVisible(m_state.hasTurn);
    m_hint->setText(m_state.whyNot);
}

} // namespace sa::ui
