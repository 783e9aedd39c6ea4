// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/doctor_panel.h"

#include "ui/models/check_list_model.h"
#include "ui/style/icons.h"
#include "ui/text.h"
#include "ui/widgets/check_list.h"
#include "ui/widgets/icon_label.h"
#include "ui/widgets/parts.h"

#include <QClipboard>
#include <QGuiApplication>
#include <QVBoxLayout>

namespace sa::ui
{

DoctorPanel::DoctorPanel(QWidget* parent)
    : QFrame(parent)
{
    setRole(this, "card");
    setAccessibleName(tr("Checks of the model"));
    setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Maximum);
    m_icon = new IconLabel(20, this);
    m_headline = makeTitle({}, 1.0, this);
    m_remark = makeMuted({}, this);
    for (QLabel* label : {m_headline, m_remark})
        label->setWordWrap(true);
    m_again = makeButton(tr("Check again"), QStringLiteral("refresh"), this);
    m_again->setToolTip(tr("Look at the folder once more, after something in it was changed"));
    m_copy = makeButton(tr("Copy"), QStringLiteral("copy"), this);
    m_copy->setToolTip(tr("Copy all checks as plain text"));
    m_copy->setAccessibleDescription(m_copy->toolTip());
    connect(m_again, &QPushButton::clicked, this, &DoctorPanel::checkRequested);
    connect(m_copy, &QPushButton::clicked, this, [this] { QGuiApplication::clipboard()->setText(plainText()); });
    m_line = makeLine(this);
    m_model = new CheckListModel(this);
    m_list = new CheckList(this);
    m_list->setModel(m_model);

    auto* words = new QVBoxLayout;
    tighten(words, 2);
    words->addWidget(m_headline);
    words->addWidget(m_remark);
    auto* head = new QHBoxLayout;
    head->setContentsMargins(20, space::kMedium, space::kLarge, space::kMedium);
    head->setSpacing(space::kMedium);
    head->addWidget(m_icon);
    head->addLayout(words, 1);
    head->addWidget(m_again);
    head->addWidget(m_copy);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(1, 1, 1, space::kTight);
    layout->setSpacing(0);
    layout->addLayout(head);
    layout->addWidget(m_line);
    layout->addWidget(m_list, 1);
    clear();
}

void DoctorPanel::clear()
{
    setState(State::Empty, tr("Nothing was checked yet"), {});
}

void DoctorPanel::showChecking()
{
    setState(State::Checking, tr("Checking …"),
             tr("Configuration, weights, tokenizer, memory and disk space are looked at. Go on meanwhile."));
}

void DoctorPanel::showReport(const QString& name, const DoctorReport& report)
{
    m_name = shown(name);
    m_model->setChecks(report.checks);
    m_needAttention = report.needAttention();
    setState(State::Done, report.summary(), {});
    const auto [glyph, tone] = report.failed > 0     ? std::pair("error", IconTone::Danger)
                               : report.warnings > 0 ? std::pair("warning", IconTone::Warning)
                                                     : std::pair("done", IconTone::Success);
    m_icon->setIcon(icon(QLatin1String(glyph), tone));
    m_list->scrollToTop();
}

void DoctorPanel::showFailure(const QString& reason)
{
    setState(State::Failed, tr("The checks could not be made"), reason);
}

void DoctorPanel::setState(State state, const QString& headline, const QString& remark)
{
    m_state = state;
    if (state != State::Done) {
        m_model->setChecks({});
        m_needAttention = 0;
        m_icon->setIcon(icon(QStringLiteral("info"), IconTone::Muted));
    }
    m_headline->setText(headline);
    m_remark->setText(remark);
    m_remark->setVisible(!remark.isEmpty());
    m_again->setVisible(state != State::Checking);
    m_copy->setVisible(state == State::Done);
    m_line->setVisible(state == State::Done);
    m_list->setVisible(state == State::Done);
    m_list->setAccessibleDescription(headline);
}

QString DoctorPanel::summary() const
{
    return m_headline->text();
}

QString DoctorPanel::plainText() const
{
    QStringList lines{tr("Checks of %1: %2").arg(m_name, summary())};
    for (int row = 0; row < m_model->rowCount(); ++row)
        lines += m_model->index(row).data(CheckListModel::PlainTextRole).toString();
    return lines.join(u'\n') + u'\n';
}

} // namespace sa::ui
