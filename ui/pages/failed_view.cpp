// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/failed_view.h"

#include "ui/pages/doctor_panel.h"
#include "ui/text.h"
#include "ui/widgets/elided_label.h"
#include "ui/widgets/parts.h"

#include <QFileInfo>
#include <QVBoxLayout>

namespace sa::ui
{

FailedView::FailedView(QWidget* parent)
    : QWidget(parent)
{
    m_name = new ElidedLabel(Qt::ElideMiddle, this);
    scaleText(m_name, 1.3, QFont::DemiBold);
    m_path = new ElidedLabel(Qt::ElideMiddle, this);
    m_path->setMuted(true);
    m_back = makeButton({}, {}, this);
    auto* open = makeButton(tr("Open another…"), QStringLiteral("open"), this);
    connect(m_back, &QPushButton::clicked, this, &FailedView::backRequested);
    connect(open, &QPushButton::clicked, this, &FailedView::openRequested);
    m_checks = new DoctorPanel(this);

    auto* titles = new QVBoxLayout;
    tighten(titles, 2);
    titles->addWidget(m_name);
    titles->addWidget(m_path);
    auto* head = new QHBoxLayout;
    tighten(head, space::kSmall);
    head->addLayout(titles, 1);
    head->addSpacing(space::kLarge);
    head->addWidget(m_back);
    head->addWidget(open);
    auto* layout = new QVBoxLayout(this);
    tighten(layout, space::kMedium);
    layout->addLayout(head);
    layout->addWidget(m_checks);
    layout->addStretch();
    setModelToGoBackTo({});
}

void FailedView::setFolder(const QString& folder)
{
    m_name->setText(QFileInfo(folder).fileName());
    m_path->setText(folder);
}

void FailedView::setModelToGoBackTo(const QString& name)
{
    m_back->setText(name.isEmpty() ? tr("Back to the start")
                                   : withoutMnemonics(tr("Back to “%1”").arg(shown(name, 40))));
}

} // namespace sa::ui
