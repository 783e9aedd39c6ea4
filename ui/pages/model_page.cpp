// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/model_page.h"

#include "ui/models/layer_filter.h"
#include "ui/models/layer_table_model.h"
#include "ui/pages/model_header.h"
#include "ui/pages/start_view.h"
#include "ui/style/icons.h"
#include "ui/text.h"
#include "ui/widgets/banner.h"
#include "ui/widgets/data_table.h"
#include "ui/widgets/parts.h"
#include "ui/widgets/share_delegate.h"

#include <QAction>
#include <QFileInfo>
#include <QHBoxLayout>
#include <QLineEdit>
#include <QScrollArea>
#include <QStackedWidget>
#include <QVBoxLayout>

#include <algorithm>

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
    m_start = new StartView(this);

    m_opening = new QWidget(this);
    m_openingText = makeMuted({}, m_opening);
    auto* opening = new QVBoxLayout(m_opening);
    opening->addStretch();
    opening->addWidget(m_openingText, 0, Qt::AlignHCenter);
    opening->addStretch();

    m_content = new QWidget(this);
    m_header = new ModelHeader(m_content);
    connect(m_header, &ModelHeader::openRequested, this, &ModelPage::openRequested);
    connect(m_header, &ModelHeader::compressRequested, this, &ModelPage::compressRequested);
    connect(m_header, &ModelHeader::exportRequested, this, &ModelPage::exportRequested);

    m_model = new LayerTableModel(this);
    m_filter = new LayerFilter(LayerTableModel::SortRole, LayerTableModel::NameRole, this);
    m_filter->setSourceModel(m_model);
    m_filterEdit = new QLineEdit(m_content);
    m_filterEdit->setPlaceholderText(tr("Filter layers, e.g. “q_proj” or “layers.3”"));
    m_filterEdit->setAccessibleName(tr("Filter layers by name"));
    m_filterEdit->setClearButtonEnabled(true);
    m_filterEdit->addAction(icon(QStringLiteral("search"), IconTone::Muted), QLineEdit::LeadingPosition);
    m_filterEdit->setAcceptDrops(false); // a dropped folder opens, wherever it falls
    m_filterEdit->setFixedWidth(320);
    m_count = makeMuted({}, m_content);
    connect(m_filterEdit, &QLineEdit::textChanged, this, [this](const QString& text) {
        m_filter->setWords(text);
        refreshCount();
    });

    auto* card = makeCard(m_content);
    m_table = new DataTable(tr("Layers of the model"), card);
    setRole(m_table, "flush");
    m_table->setModel(m_filter);
    m_shares = new ShareDelegate(LayerTableModel::ShareRole, this);
    m_table->setItemDelegateForColumn(LayerTableModel::Share, m_shares);
    m_table->setColumnSamples(
        {"000", "self_attn.q_proj_______", "128,256 × 16,384", "sign planes__", "16", "1,023 KiB__", "", "1,000,000"});
    auto* cardLayout = new QVBoxLayout(card);
    cardLayout->setContentsMargins(1, 2, 1, 1);
    cardLayout->addWidget(m_table);

    auto* tools = new QHBoxLayout;
    tighten(tools, space::kMedium);
    tools->addWidget(makeTitle(tr("Layers"), 1.1, m_content));
    tools->addWidget(m_count);
    tools->addStretch();
    tools->addWidget(m_filterEdit);
    auto* content = new QVBoxLayout(m_content);
    tighten(content, space::kMedium);
    content->addWidget(m_header);
    content->addSpacing(space::kTight);
    content->addLayout(tools);
    content->addWidget(card, 1);

    m_stack = new QStackedWidget(this);
    m_startScroll = makeScroll(m_start, this);
    m_stack->addWidget(m_startScroll);
    m_stack->addWidget(m_opening);
    m_stack->addWidget(m_content);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(space::kPage, space::kPage, space::kPage, space::kPage);
    layout->setSpacing(space::kMedium);
    layout->addWidget(m_banner);
    layout->addWidget(m_stack, 1);
}

void ModelPage::showOpening(const QString& folder)
{
    m_banner->dismiss();
    m_openingText->setText(tr("Opening %1 …").arg(shown(QFileInfo(folder).fileName())));
    if (!m_hasModel)
        m_stack->setCurrentWidget(m_opening);
}

void ModelPage::showModel(const ModelSummary& model)
{
    m_hasModel = true;
    m_failedFolder.clear();
    m_banner->dismiss();
    m_header->setModel(model);
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
    m_stack->setCurrentWidget(m_hasModel ? m_content : m_startScroll);
    const QString action = failure.workerDied ? tr("Start again") : tr("Try again");
    m_banner->showFailure(tr("“%1” cannot be opened").arg(shown(QFileInfo(folder).fileName())), failure, action);
}

void ModelPage::focusFilter()
{
    m_filterEdit->setFocus(Qt::ShortcutFocusReason);
    m_filterEdit->selectAll();
}

void ModelPage::refreshCount()
{
    const int all = m_model->rowCount();
    const int visible = m_filter->rowCount();
    m_count->setText(visible == all ? countText(all) : tr("%1 of %2").arg(countText(visible), countText(all)));
}

} // namespace sa::ui
