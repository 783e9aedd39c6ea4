// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/compare/divergence_card.h"

#include "ui/compare/candidate_card.h"
#include "ui/compare/token_compare.h"
#include "ui/plots/divergence_plot.h"
#include "ui/text.h"
#include "ui/widgets/parts.h"

#include <QHBoxLayout>
#include <QToolButton>

#include <algorithm>
#include <cmath>

namespace sa::ui
{

namespace
{

bool anyKnown(const std::vector<double>& values)
{
    return std::any_of(values.begin(), values.end(), [](double value) { return std::isfinite(value); });
}

QString kindText(DivergenceValues::Kind kind)
{
    switch (kind) {
    case DivergenceValues::Kind::Exact:
        return DivergenceCard::tr("KL divergence over the whole vocabulary");
    case DivergenceValues::Kind::AtLeast:
        return DivergenceCard::tr("KL divergence, at least: from the likeliest tokens of both");
    case DivergenceValues::Kind::LogProbability:
        return DivergenceCard::tr("no divergence is known: the loss of log-probability of the token itself");
    }
    return {};
}

} // namespace

DivergenceValues divergenceValues(const Turn& turn)
{
    const auto& left = turn.answers[0].tokens;
    const auto& forced = turn.forced.tokens;
    const std::size_t count = std::min(left.size(), forced.size());
    DivergenceValues out;
    bool exact = count > 0;
    for (std::size_t i = 0; i < count; ++i) {
        out.values.push_back(forced[i].divergence);
        exact = exact && std::isfinite(forced[i].divergence);
    }
    if (exact || count == 0)
        return out;
    out.kind = DivergenceValues::Kind::AtLeast;
    for (std::size_t i = 0; i < count; ++i)
        out.values[i] = divergenceAtLeast(left[i].top, forced[i].top);
    if (anyKnown(out.values))
        return out;
    out.kind = DivergenceValues::Kind::LogProbability;
    for (std::size_t i = 0; i < count; ++i)
        out.values[i] = left[i].logProbability - forced[i].logProbability;
    return out;
}

DivergenceCard::DivergenceCard(QWidget* parent)
    : QFrame(parent)
{
    setRole(this, "card");
    m_title = makeTitle(tr("Along the left text"), 1.0, this);
    m_summary = makeMuted({}, this);
    m_summary->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Fixed);
    auto* close = makeIconButton(QStringLiteral("close"), tr("Close the divergence"), this);
    connect(close, &QToolButton::clicked, this, &DivergenceCard::closeRequested);
    m_plot = new DivergencePlot(this);
    m_plot->setFixedHeight(116);
    connect(m_plot, &DivergencePlot::pointed, this, &DivergenceCard::pointed);
    auto* head = new QHBoxLayout;
    head->setContentsMargins(14, 6, 8, 0);
    head->setSpacing(space::kMedium);
    head->addWidget(m_title);
    head->addWidget(m_summary, 1);
    head->addWidget(close);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(1, 1, 8, 4);
    layout->setSpacing(0);
    layout->addLayout(head);
    layout->addWidget(m_plot);
}

void DivergenceCard::showTurn(const Turn& turn, std::optional<int> firstDifference)
{
    const DivergenceValues divergence = divergenceValues(turn);
    const auto& values = divergence.values;
    m_plot->setValues(values, static_cast<int>(turn.answers[0].tokens.size()));
    m_plot->setMark(firstDifference.value_or(-1));

    double sum = 0, largest = -1;
    std::size_t known = 0, at = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (!std::isfinite(values[i]))
            continue;
        sum += values[i];
        ++known;
        if (values[i] > largest) {
            largest = values[i];
            at = i;
        }
    }
    if (turn.forced.state == Answer::State::Failed)
        m_summary->setText(tr("It could not be measured."));
    else if (known == 0)
        m_summary->setText(turn.forced.isRunning() ? tr("Both models read the text…") : tr("Stopped."));
    else
        m_summary->setText(tr("%1, nats (lower is better): mean %2, largest %3 at token %4, %5")
                               .arg(kindText(divergence.kind), significantText(sum / static_cast<double>(known), 3),
                                    significantText(largest, 3), countText(static_cast<qint64>(at) + 1),
                                    quotedToken(turn.answers[0].tokens[at].text)));
    m_summary->setToolTip(plainToolTip(m_summary->text()));
    setAccessibleName(m_title->text());
    setAccessibleDescription(m_summary->text());
}

void DivergenceCard::highlight(int token)
{
    m_plot->highlight(token);
}

QString DivergenceCard::summary() const
{
    return m_summary->text();
}

} // namespace sa::ui
