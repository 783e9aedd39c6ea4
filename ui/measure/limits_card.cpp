// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/measure/limits_card.h"

#include "ui/text.h"
#include "ui/widgets/parts.h"

#include <QGridLayout>
#include <QHBoxLayout>
#include <QLocale>

namespace sa::ui
{

LimitsCard::LimitsCard(QWidget* parent)
    : QFrame(parent)
    , m_grid(new QGridLayout)
{
    setRole(this, "card");
    m_title = makeTitle({}, 1.15, this);
    m_made = makeCaption({}, this);
    m_made->setWordWrap(false);
    m_reason = makeLabel({}, this);
    m_reason->setWordWrap(true);
    setTone(m_reason, Tone::Danger);
    auto* top = new QHBoxLayout;
    tighten(top, space::kMedium);
    top->addWidget(m_title, 1);
    top->addWidget(m_made);
    m_grid->setContentsMargins(0, 0, 0, 0);
    m_grid->setHorizontalSpacing(space::kLarge);
    m_grid->setVerticalSpacing(space::kTight);
    m_grid->setColumnStretch(0, 1);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(20, space::kMedium, 20, space::kMedium);
    layout->setSpacing(space::kSmall);
    layout->addLayout(top);
    layout->addLayout(m_grid);
    layout->addWidget(m_reason);
    setAccessibleName(tr("Limits of the report"));
}

void LimitsCard::setReport(const Report& report)
{
    while (QLayoutItem* item = m_grid->takeAt(0)) {
        item->widget()->deleteLater();
        delete item;
    }
    const std::vector<LimitRow> rows = limitsOf(report.certificate);
    int exceeded = 0, line = 0;
    m_lines.clear();
    for (const LimitRow& row : rows) {
        exceeded += !row.passed;
        const QString verdict = row.passed ? tr("passed") : tr("exceeded");
        auto* value = makeLabel(row.value, this);
        auto* limit = makeMuted(tr("at most %1").arg(row.limit), this);
        value->setAlignment(Qt::AlignRight | Qt::AlignVCenter);
        limit->setAlignment(Qt::AlignRight | Qt::AlignVCenter);
        m_grid->addWidget(makeLabel(sentence(row.name).chopped(1), this), line, 0);
        m_grid->addWidget(value, line, 1);
        m_grid->addWidget(limit, line, 2);
        m_grid->addWidget(makeChip(verdict, row.passed ? Tone::Success : Tone::Danger, this), line++, 3);
        m_lines += tr("%1: %2, at most %3: %4").arg(row.name, row.value, row.limit, verdict);
    }
    const Json reason = report.certificate.value(Json::json_pointer("/gate/override"), Json());
    m_reason->setText(reason.is_string() ? tr("Accepted all the same: %1").arg(shown(reason.get<std::string>(), 400))
                                         : QString());
    m_reason->setVisible(reason.is_string());
    if (rows.empty())
        m_title->setText(tr("No limits were set"));
    else if (exceeded == 0)
        m_title->setText(rows.size() == 1 ? tr("Within the limit") : tr("Within all %1 limits").arg(rows.size()));
    else
        m_title->setText(tr("%1 exceeded").arg(counted(exceeded, tr("1 limit is"), tr("%1 limits are"))));
    setTone(m_title, rows.empty() ? Tone::Plain : exceeded == 0 ? Tone::Success : Tone::Danger);
    const QString when = QLocale().toString(report.made.toLocalTime(), QLocale::ShortFormat);
    m_made->setText(report.stale ? tr("Made %1; a model has changed since. Make it again").arg(when)
                                 : tr("Made %1").arg(when));
    setTone(m_made, report.stale ? Tone::Warning : Tone::Plain);
    setAccessibleDescription(text());
}

QString LimitsCard::text() const
{
    return (QStringList{m_title->text()} + m_lines + QStringList{m_reason->text(), m_made->text()}).join(u'\n');
}

} // namespace sa::ui
