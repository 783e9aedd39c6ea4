// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/unfinished_list.h"

#include "ui/style/icons.h"
#include "ui/text.h"
#include "ui/widgets/elided_label.h"
#include "ui/widgets/icon_label.h"
#include "ui/widgets/parts.h"

#include <QFileInfo>
#include <QHBoxLayout>
#include <QLocale>
#include <QToolButton>
#include <QVBoxLayout>

#include <algorithm>

namespace sa::ui
{

namespace
{

constexpr std::size_t kShownJobs = 3;

/// "today at 14:03", "yesterday at 09:10", "on Nov 3, 2026"
QString whenText(const QDateTime& time)
{
    const qint64 days = time.date().daysTo(QDate::currentDate());
    const QString clock = QLocale().toString(time.time(), QLocale::ShortFormat);
    if (days == 0)
        return UnfinishedList::tr("today at %1").arg(clock);
    if (days == 1)
        return UnfinishedList::tr("yesterday at %1").arg(clock);
    return UnfinishedList::tr("on %1").arg(QLocale().toString(time.date(), QLocale::ShortFormat));
}

} // namespace

QString keptText(const KeptWork& kept)
{
    return UnfinishedList::tr("%1 of %2 layers").arg(countText(kept.layers), countText(kept.ofLayers));
}

UnfinishedList::UnfinishedList(QWidget* parent)
    : QWidget(parent)
    , m_rows(new QVBoxLayout(this))
{
    tighten(m_rows, space::kSmall);
    setVisible(false);
}

void UnfinishedList::setJobs(const std::vector<UnfinishedJob>& jobs)
{
    m_jobs = jobs;
    while (QLayoutItem* item = m_rows->takeAt(0)) {
        item->widget()->deleteLater();
        item->widget()->hide();
        delete item;
    }
    for (std::size_t i = 0; i < std::min(jobs.size(), kShownJobs); ++i)
        m_rows->addWidget(makeRow(jobs[i]));
    setVisible(!jobs.empty());
}

QWidget* UnfinishedList::makeRow(const UnfinishedJob& job)
{
    const QString model = QFileInfo(fromUtf8(job.quantize.model)).fileName();
    const QString out = fromUtf8(job.quantize.out);
    auto* row = new QFrame(this);
    setRole(row, "banner");
    setTone(row, Tone::Accent);
    auto* glyph = new IconLabel(20, row);
    glyph->setIcon(icon(QStringLiteral("compress"), IconTone::Accent));

    auto* title = new ElidedLabel(Qt::ElideMiddle, row);
    scaleText(title, 1.0, QFont::DemiBold);
    title->setText(tr("Unfinished: %1 to %2").arg(model, counted(job.quantize.bits, tr("1 bit"), tr("%1 bits"))));
    auto* text = makeLabel(tr("%1 are done (%2 of work). It stopped %3.")
                               .arg(keptText(job.kept), durationText(job.kept.seconds), whenText(job.kept.stopped)),
                           row);
    text->setWordWrap(true);
    auto* place = new ElidedLabel(Qt::ElideMiddle, row);
    place->setText(out);
    place->setMuted(true);
    place->setToolTip(plainToolTip(shown(out, 1000)));
    auto* texts = new QVBoxLayout;
    tighten(texts, 2);
    texts->addWidget(title);
    texts->addWidget(text);
    texts->addWidget(place);

    auto* resume = makePrimaryButton(tr("Resume"), {}, row);
    resume->setEnabled(m_resumeAllowed);
    resume->setToolTip(tr("Go on after the last finished layer"));
    auto* discard = makeButton(tr("Discard…"), {}, row);
    discard->setToolTip(tr("Delete the finished layers"));
    auto* later = makeButton(tr("Later"), {}, row);
    later->setToolTip(tr("Nothing is lost: it is offered again at the next start"));
    for (QPushButton* button : {resume, discard, later})
        button->setAccessibleDescription(out);
    connect(resume, &QPushButton::clicked, this, [this, job] { Q_EMIT resumeRequested(job); });
    connect(discard, &QPushButton::clicked, this, [this, job] { Q_EMIT discardRequested(job); });
    connect(later, &QPushButton::clicked, this, [this, job] { Q_EMIT laterRequested(job); });

    auto* layout = new QHBoxLayout(row);
    layout->setContentsMargins(space::kMedium, space::kMedium, space::kMedium, space::kMedium);
    layout->setSpacing(space::kMedium);
    layout->addWidget(glyph, 0, Qt::AlignTop);
    layout->addLayout(texts, 1);
    layout->addWidget(resume);
    layout->addWidget(discard);
    layout->addWidget(later);
    return row;
}

void UnfinishedList::setResumeAllowed(bool allowed)
{
    if (m_resumeAllowed == allowed)
        return;
    m_resumeAllowed = allowed;
    setJobs(std::vector(m_jobs));
}

} // namespace sa::ui
