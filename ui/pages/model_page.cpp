// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/model_page.h"

#include "ui/models/layer_filter.h"
#include "ui/models/layer_table_model.h"
#include "ui/pages/doctor_panel.h"
#include "ui/pages/failed_view.h"
#include "ui/pages/model_header.h"
#include "ui/pages/start_view.h"
#include "ui/pages/unfinished_list.h"
#include "ui/style/icons.h"
#include "ui/text.h"
#include "ui/widgets/banner.h"
#include "ui/widgets/check_list.h"
#include "ui/widgets/data_table.h"
#include "ui/widgets/parts.h"
#include "ui/widgets/segmented_control.h"
#include "ui/widgets/share_delegate.h"

#include <QAction>
#include <QDir>
#include <QFileInfo>
#include <QHBoxLayout>
#include <QLineEdit>
#include <QScrollArea>
#include <QStackedWidget>
#include <QVBoxLayout>

#include <algorithm>
#include <iterator>

namespace sa::ui
{

ModelPage::ModelPage(QWidget* parent)
    : QWidget(parent)
{
    setRole(this, "page");
    m_banner = new Banner(this);
    connect(m_banner, &Banner::acted, this, [this] {
        if (!m_failedFolder.isEmpty())
            Q_EMIT retryRequested(m_failedFolder);
    });
    connect(m_banner, &Banner::dismissed, this, &ModelPage::refreshFailure);
    m_showFailed = makeLinkButton({}, this);
    connect(m_showFailed, &QPushButton::clicked, this, [this] {
        m_stack->setCurrentWidget(m_failed);
        refreshFailure();
    });
    m_start = new StartView(this);
    m_unfinished = new UnfinishedList(this);
    for (UnfinishedList* list : {m_start->unfinished(), m_unfinished}) {
        connect(list, &UnfinishedList::resumeRequested, this, &ModelPage::resumeRequested);
        connect(list, &UnfinishedList::discardRequested, this, &ModelPage::discardRequested);
        connect(list, &UnfinishedList::laterRequested, this, &ModelPage::laterRequested);
    }
    m_failed = new FailedView(this);
    connect(m_failed, &FailedView::openRequested, this, &ModelPage::openRequested);
    connect(m_failed, &FailedView::backRequested, this, [this] {
        m_stack->setCurrentWidget(m_folder.isEmpty() ? m_startScroll : m_content);
        m_banner->dismiss();
        refreshFailure();
    });
    connect(m_failed->checks(), &DoctorPanel::checkRequested, this, [this] { Q_EMIT checkRequested(m_failedFolder); });

    m_stack = new QStackedWidget(this);
    m_startScroll = makeScroll(m_start, this);
    m_stack->addWidget(m_startScroll);
    m_stack->addWidget(makeOpening());
    m_stack->addWidget(makeContent());
    m_stack->addWidget(m_failed);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(space::kPage, space::kPage, space::kPage, space::kPage);
    layout->setSpacing(space::kMedium);
    layout->addWidget(m_banner);
    layout->addWidget(m_showFailed, 0, Qt::AlignLeft);
    layout->addWidget(m_stack, 1);
    refreshFailure();
}

QWidget* ModelPage::makeOpening()
{
    m_opening = new QWidget(this);
    m_openingText = makeMuted({}, m_opening);
    auto* layout = new QVBoxLayout(m_opening);
    layout->addStretch();
    layout->addWidget(m_openingText, 0, Qt::AlignHCenter);
    layout->addStretch();
    return m_opening;
}

QWidget* ModelPage::makeContent()
{
    m_content = new QWidget(this);
    m_header = new ModelHeader(m_content);
    connect(m_header, &ModelHeader::openRequested, this, &ModelPage::openRequested);
    connect(m_header, &ModelHeader::compressRequested, this, &ModelPage::compressRequested);
    connect(m_header, &ModelHeader::exportRequested, this, &ModelPage::exportRequested);

    m_parts = new SegmentedControl(m_content);
    m_parts->setAccessibleName(tr("What is shown of the model"));
    m_parts->addSegment(Layers, tr("Layers"), tr("The weight matrices of the decoder blocks"));
    m_parts->addSegment(Checks, tr("Checks"), tr("Will this model open, run and compress here?"));
    m_parts->setValue(Layers);
    m_parts->setSizePolicy(QSizePolicy::Maximum, QSizePolicy::Fixed);
    connect(m_parts, &SegmentedControl::valueChanged, this, &ModelPage::showPart);
    m_count = makeMuted({}, m_content);
    m_filterEdit = new QLineEdit(m_content);
    m_filterEdit->setPlaceholderText(tr("Filter layers, e.g. “q_proj” or “layers.3”"));
    m_filterEdit->setAccessibleName(tr("Filter layers by name"));
    m_filterEdit->setClearButtonEnabled(true);
    m_filterEdit->addAction(icon(QStringLiteral("search"), IconTone::Muted), QLineEdit::LeadingPosition);
    m_filterEdit->setAcceptDrops(false); // a dropped folder opens, wherever it falls
    m_filterEdit->setFixedWidth(320);
    connect(m_filterEdit, &QLineEdit::textChanged, this, [this](const QString& text) {
        m_filter->setWords(text);
        refreshCount();
    });

    auto* checks = new QWidget(m_content);
    m_checks = new DoctorPanel(checks);
    connect(m_checks, &DoctorPanel::checkRequested, this, [this] { Q_EMIT checkRequested(m_folder); });
    auto* checksLayout = new QVBoxLayout(checks);
    tighten(checksLayout, 0);
    checksLayout->addWidget(m_checks);
    checksLayout->addStretch();
    m_body = new QStackedWidget(m_content);
    m_body->insertWidget(Layers, makeLayerCard());
    m_body->insertWidget(Checks, checks);

    auto* tools = new QHBoxLayout;
    tighten(tools, space::kMedium);
    tools->addWidget(m_parts);
    tools->addWidget(m_count);
    tools->addStretch();
    tools->addWidget(m_filterEdit);
    auto* layout = new QVBoxLayout(m_content);
    tighten(layout, space::kMedium);
    layout->addWidget(m_header);
    layout->addWidget(m_unfinished);
    layout->addSpacing(space::kTight);
    layout->addLayout(tools);
    layout->addWidget(m_body, 1);
    return m_content;
}

QWidget* ModelPage::makeLayerCard()
{
    m_model = new LayerTableModel(this);
    m_filter = new LayerFilter(LayerTableModel::SortRole, LayerTableModel::NameRole, this);
    m_filter->setSourceModel(m_model);
    QFrame* card = makeCard(m_content);
    m_table = new DataTable(tr("Layers of the model"), card);
    setRole(m_table, "flush");
    m_table->setModel(m_filter);
    m_shares = new ShareDelegate(LayerTableModel::ShareRole, this);
    m_table->setItemDelegateForColumn(LayerTableModel::Share, m_shares);
    m_table->setColumnSamples(
        {"000", "self_attn.q_proj_______", "128,256 × 16,384", "sign planes__", "16", "1,023 KiB__", "", "1,000,000"});
    auto* layout = new QVBoxLayout(card);
    layout->setContentsMargins(1, 2, 1, 1);
    layout->addWidget(m_table);
    return card;
}

void ModelPage::showOpening(const QString& folder)
{
    m_banner->dismiss();
    m_failed->checks()->clear();
    m_openingText->setText(tr("Opening %1 …").arg(shown(QFileInfo(folder).fileName())));
    m_stack->setCurrentWidget(m_folder.isEmpty() ? m_opening : m_content);
    refreshFailure();
}

void ModelPage::showModel(const ModelSummary& model)
{
    m_folder = model.folder;
    m_failedFolder.clear();
    m_failed->setModelToGoBackTo(model.displayName());
    m_checks->clear();
    refreshChecks();
    m_banner->dismiss();
    m_header->setModel(model);
    refreshUnfinished();
    m_filterEdit->clear();
    m_table->resetOrder();
    m_model->setLayers(model.layers);
    double total = 0;
    double largest = 0;
    for (const LayerRow& row : model.layers) {
        total += row.weights();
        largest = std::max(largest, row.weights());
    }
    m_shares->setLargest(total > 0 ? largest / total : 1);
    m_table->setColumnHidden(LayerTableModel::Loss, !m_model->hasLosses());
    m_table->scrollToTop();
    refreshCount();
    m_stack->setCurrentWidget(m_content);
    refreshFailure();
    showLayers();
    m_table->setFocus();
    if (!model.warnings.isEmpty()) {
        QStringList lines;
        for (const QString& warning : model.warnings.mid(0, 5))
            lines += sentence(shown(warning, 500));
        m_banner->showMessage(Banner::Severity::Warning, tr("The model opens, with remarks"), lines.join(u'\n'));
    }
}

void ModelPage::showOpenFailure(const QString& folder, const JobFailure& failure)
{
    m_failedFolder = folder;
    m_failed->setFolder(folder);
    m_failed->checks()->clear();
    const QString name = shown(QFileInfo(folder).fileName());
    m_showFailed->setText(withoutMnemonics(tr("See all checks of “%1”").arg(name)));
    m_stack->setCurrentWidget(m_folder.isEmpty() ? m_startScroll : m_content);
    refreshFailure();
    const QString action = failure.workerDied ? tr("Start again") : tr("Try again");
    m_banner->showFailure(tr("“%1” cannot be opened").arg(name), failure, action);
}

void ModelPage::showChecking(const QString& folder)
{
    if (folder == m_failedFolder) {
        m_failed->checks()->showChecking();
        if (m_folder.isEmpty())
            m_stack->setCurrentWidget(m_failed);
        refreshFailure();
    } else if (folder == m_folder) {
        m_checks->showChecking();
        refreshChecks();
    }
}

void ModelPage::showReport(const QString& folder, const DoctorReport& report)
{
    const QString name = QFileInfo(folder).fileName();
    if (folder == m_failedFolder) {
        m_failed->checks()->showReport(name, report);
        refreshFailure();
    } else if (folder == m_folder) {
        m_checks->showReport(name, report);
        refreshChecks();
        if (report.failed > 0)
            showChecks();
    }
}

void ModelPage::showNoReport(const QString& folder, const QString& reason)
{
    if (folder == m_failedFolder) {
        m_failed->checks()->showFailure(reason);
        refreshFailure();
    } else if (folder == m_folder) {
        m_checks->showFailure(reason);
        refreshChecks();
    }
}

DoctorPanel* ModelPage::failedChecks() const
{
    return m_failed->checks();
}

void ModelPage::setUnfinishedJobs(const std::vector<UnfinishedJob>& jobs)
{
    m_jobs = jobs;
    m_start->unfinished()->setJobs(jobs);
    refreshUnfinished();
}

void ModelPage::setResumeAllowed(bool allowed)
{
    for (UnfinishedList* list : {m_start->unfinished(), m_unfinished})
        list->setResumeAllowed(allowed);
}

void ModelPage::refreshUnfinished()
{
    std::vector<UnfinishedJob> own;
    std::copy_if(m_jobs.begin(), m_jobs.end(), std::back_inserter(own), [this](const UnfinishedJob& job) {
        return QDir::cleanPath(fromUtf8(job.quantize.model)) == m_folder;
    });
    m_unfinished->setJobs(own);
}

void ModelPage::showLayers()
{
    m_parts->setValue(Layers);
}

void ModelPage::showChecks()
{
    m_parts->setValue(Checks);
}

bool ModelPage::showsChecks() const
{
    return m_parts->value() == Checks;
}

void ModelPage::focusFilter()
{
    showLayers();
    m_filterEdit->setFocus(Qt::ShortcutFocusReason);
    m_filterEdit->selectAll();
}

void ModelPage::showPart()
{
    // Hiding what has the focus would hand it to whatever comes next.
    const QWidget* focus = focusWidget();
    const bool follow = focus && (focus == m_filterEdit || m_body->isAncestorOf(focus));
    m_body->setCurrentIndex(m_parts->value());
    if (follow)
        (showsChecks() ? static_cast<QWidget*>(m_checks->list()) : m_table)->setFocus();
    m_count->setVisible(!showsChecks());
    m_filterEdit->setVisible(!showsChecks());
}

void ModelPage::refreshCount()
{
    const int all = m_model->rowCount();
    const int visible = m_filter->rowCount();
    const QString text = counted(all, tr("1 layer"), tr("%1 layers"));
    m_count->setText(visible == all ? text : tr("%1 of %2").arg(countText(visible), text));
}

/// The segment says how the checks stand, whatever is shown.
void ModelPage::refreshChecks()
{
    QString text = tr("Checks");
    if (m_checks->state() == DoctorPanel::State::Checking)
        text = tr("Checks …");
    else if (m_checks->needAttention() > 0)
        text = tr("Checks (%1)").arg(countText(m_checks->needAttention()));
    m_parts->setSegmentText(Checks, text);
}

/// A folder that fails beside an open model has its checks one click away; without a model they are in view already.
void ModelPage::refreshFailure()
{
    m_showFailed->setVisible(m_failed->checks()->state() == DoctorPanel::State::Done && m_banner->isVisibleTo(this) &&
                             m_stack->currentWidget() == m_content);
}

} // namespace sa::ui
