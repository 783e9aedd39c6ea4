// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/cockpit/cockpit_page.h"

#include "ui/cockpit/budget_panel.h"
#include "ui/cockpit/cockpit_header.h"
#include "ui/cockpit/heatmap_card.h"
#include "ui/cockpit/heatmap_view.h"
#include "ui/cockpit/plan_actions.h"
#include "ui/cockpit/plan_commands.h"
#include "ui/cockpit/plan_files.h"
#include "ui/cockpit/side_panel.h"
#include "ui/cockpit/skeleton.h"
#include "ui/text.h"
#include "ui/widgets/banner.h"
#include "ui/widgets/empty_state.h"
#include "ui/widgets/parts.h"

#include <QAction>
#include <QDir>
#include <QMenu>
#include <QScrollArea>
#include <QSplitter>
#include <QStackedWidget>
#include <QUndoStack>
#include <QVBoxLayout>

#include <algorithm>

namespace sa::ui
{

namespace
{

constexpr std::uint64_t kQuickBytes = 1ull << 30; // models up to here are estimated before anyone looks

/// What decides a figure, the amount of text aside: more of it makes a figure better, not other.
QuantizerOptions comparable(QuantizerOptions options)
{
    options.samples = 0;
    return options;
}

bool hasMeasured(const Sensitivity& sensitivity)
{
    const auto measured = [](const Choice& choice) {
        return choice.bits != kKeptBits && choice.error.provenance == Provenance::Measured;
    };
    return std::any_of(sensitivity.linears.begin(), sensitivity.linears.end(), [&](const LinearSensitivity& linear) {
        return std::any_of(linear.choices.begin(), linear.choices.end(), measured);
    });
}

} // namespace

CockpitPage::CockpitPage(JobService& service, QWidget* parent)
    : QWidget(parent)
    , m_service(service)
    , m_analysis(new AnalysisRun(service, this))
{
    setRole(this, "page");
    m_banner = new Banner(this);
    connect(m_banner, &Banner::acted, this, [this] {
        if (m_problemShown)
            m_document.undoStack()->undo();
        else
            analyze();
    });
    m_stack = new QStackedWidget(this);
    m_empty =
        new EmptyState(QStringLiteral("budget"), tr("No model to share bits in"),
                       tr("Open a model. Its layers appear at once, with what their weights alone say of them."), this);
    connect(m_empty, &EmptyState::openRequested, this, &CockpitPage::openModelRequested);
    m_stack->addWidget(m_empty);
    m_stack->addWidget(makeContent());
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(space::kPage, space::kLarge, space::kPage, space::kLarge);
    layout->setSpacing(space::kMedium);
    layout->addWidget(m_banner);
    layout->addWidget(m_stack, 1);
    connectAnalysis();
    connect(&m_memory, &PlanMemory::noted, this, &CockpitPage::noted);
    connect(&m_document, &AllocationDocument::problemChanged, this, &CockpitPage::showProblem);
    connect(&m_document, &AllocationDocument::inputsChanged, this, [this] {
        if (!m_document.isDragging())
            refreshCommands();
    });
    connect(m_document.undoStack(), &QUndoStack::indexChanged, this, &CockpitPage::refreshCommands);
    connect(&m_document, &AllocationDocument::plansChanged, this, &CockpitPage::refreshCommands);
}

QWidget* CockpitPage::makeContent()
{
    auto* box = new QWidget(this);
    m_content = makeScroll(box, this); // for small windows and large text
    m_header = new CockpitHeader(m_document, box);
    m_budget = new BudgetPanel(m_document, box);
    m_heatmap = new HeatmapCard(m_document, m_selection, box);
    m_side = new SidePanel(m_document, m_selection, box);
    m_actions = new PlanActions(m_document, m_selection, this);
    m_files = new PlanFiles(m_document, *m_side->pareto(), this);
    m_header->addIconAction(m_actions->undo());
    m_header->addIconAction(m_actions->redo());
    m_files->addTo(*m_header->menu());
    connect(m_header, &CockpitHeader::analyzeRequested, this, &CockpitPage::analyze);
    connect(m_header, &CockpitHeader::cancelRequested, this, &CockpitPage::cancel);
    connect(m_header, &CockpitHeader::compressRequested, this, &CockpitPage::compress);
    HeatmapView* heatmap = m_heatmap->heatmap();
    connect(heatmap, &HeatmapView::menuRequested, this,
            [this](const QPoint& at) { m_actions->showMenu(at, m_heatmap); });
    connect(heatmap, &HeatmapView::pinRequested, m_actions, &PlanActions::pin);
    connect(heatmap, &HeatmapView::freeRequested, m_actions, &PlanActions::free);
    connect(m_side, &SidePanel::menuRequested, this, [this](const QPoint& at) { m_actions->showMenu(at, m_side); });
    connect(m_files, &PlanFiles::failed, this, [this](const QString& title, const Error& error) {
        m_problemShown = false;
        m_banner->showError(title, error);
    });
    connect(m_files, &PlanFiles::stored, this, &CockpitPage::compressRequested);

    auto* splitter = new QSplitter(Qt::Horizontal, box);
    splitter->addWidget(m_heatmap);
    splitter->addWidget(m_side);
    splitter->setHandleWidth(space::kMedium);
    splitter->setChildrenCollapsible(false);
    splitter->setStretchFactor(0, 3);
    splitter->setStretchFactor(1, 2);
    splitter->setSizes({690, 430});
    auto* layout = new QVBoxLayout(box);
    tighten(layout, space::kMedium);
    layout->addWidget(m_header);
    layout->addWidget(m_budget);
    layout->addWidget(splitter, 1);
    return m_content;
}

void CockpitPage::connectAnalysis()
{
    connect(m_analysis, &AnalysisRun::arrived, this,
            [this](const std::vector<LinearSensitivity>& linears) { m_document.updateLinears(linears); });
    connect(m_analysis, &AnalysisRun::noted, this, &CockpitPage::noted);
    connect(m_analysis, &AnalysisRun::progressed, this, [this](const Progress& progress) {
        m_header->setProgress(progress);
        if (isRunning())
            Q_EMIT activityChanged(m_header->activityText(), m_header->fraction());
    });
    connect(m_analysis, &AnalysisRun::finished, this, &CockpitPage::onAnalyzed);
    connect(m_analysis, &AnalysisRun::failed, this, &CockpitPage::onAnalysisFailed);
}

void CockpitPage::setModel(const ModelSummary& model)
{
    const bool useful = !model.packed && model.quantizableParameters > 0;
    m_stack->setCurrentWidget(useful ? m_content : m_empty);
    if (!useful) { // what is known of the model before stays, for when it is opened again
        m_empty->setTexts(
            model.packed ? tr("The bits of this model are given out already")
                         : tr("Nothing in this model can be compressed"),
            model.packed
                ? tr("It is compressed: its weights are sign planes now. Open the original to share bits anew.")
                : tr("It has no linear layers of a kind that this program knows."));
        return;
    }
    if (model.folder == m_model.folder && model.fingerprint == m_model.fingerprint && !m_document.isEmpty())
        return;
    m_analysis->forget();
    m_memory.setModel(model.fingerprint);
    m_model = model;
    m_measuredWith.reset();
    m_banner->dismiss();
    m_header->setWork(CockpitHeader::Work::None);
    m_document.clear();
    m_wantsEstimate = true;
    m_budget->setTraffic(model.traffic, model.positions);
    m_document.setSensitivity(skeletonOf(model, m_settings));
    refreshHead();
    refreshCommands();
}

void CockpitPage::showEvent(QShowEvent* event)
{
    QWidget::showEvent(event);
    if (m_wantsEstimate)
        Q_EMIT shownFirst();
}

void CockpitPage::setSettings(const QuantizeSpec& settings)
{
    m_settings = settings;
    m_memory.setMode(fromUtf8(settings.mode));
    refreshHead();
    refreshStale();
    refreshCommands();
}

void CockpitPage::setPlansFolder(const QString& folder)
{
    m_plansFolder = folder;
    m_memory.setFolder(QDir(folder).filePath(QStringLiteral("last")));
}

void CockpitPage::refreshHead()
{
    m_budget->setHeadChange(headChange(m_model, m_settings.headBits, m_settings.groupRows));
}

void CockpitPage::refreshStale()
{
    m_document.setStale(m_measuredWith && comparable(*m_measuredWith) != comparable(m_settings));
}

void CockpitPage::setWorkerBusy(bool busy)
{
    m_header->setBlocked(busy && !isRunning() ? tr("The worker is busy with another job.") : QString());
}

void CockpitPage::setSpeedBasis(const std::optional<SpeedBasis>& basis)
{
    m_budget->setSpeedBasis(basis);
}

bool CockpitPage::isRunning() const
{
    return m_analysis->isRunning() && m_analysis->spec().measure;
}

void CockpitPage::estimate()
{
    if (!m_wantsEstimate || m_stack->currentWidget() != m_content || m_analysis->isRunning() || m_service.isBusy() ||
        (!isVisible() && m_model.storedBytes > kQuickBytes))
        return;
    m_wantsEstimate = false;
    AnalyzeSpec spec = analyzeSpec(m_model, m_settings);
    spec.measure = false;
    m_estimatedWith = spec;
    m_header->setWork(CockpitHeader::Work::Estimating);
    m_analysis->start(std::move(spec));
}

void CockpitPage::analyze()
{
    if (isRunning() || m_document.isEmpty())
        return;
    if (m_analysis->isRunning()) // an estimate makes room
        m_analysis->forget();
    m_wantsEstimate = false;
    m_banner->dismiss();
    m_problemShown = false;
    m_header->setWork(CockpitHeader::Work::Measuring);
    m_measuredWith = m_settings;
    refreshStale();
    m_analysis->start(analyzeSpec(m_model, m_settings));
    Q_EMIT runningChanged(true);
    Q_EMIT activityChanged(m_header->activityText(), 0);
}

void CockpitPage::cancel()
{
    if (!isRunning())
        return;
    m_header->setWork(CockpitHeader::Work::Cancelling);
    m_analysis->cancel();
}

void CockpitPage::onAnalyzed(const std::shared_ptr<Sensitivity>& sensitivity)
{
    const bool measured = m_analysis->spec().measure;
    m_header->setWork(CockpitHeader::Work::None);
    m_document.setSensitivity(std::move(*sensitivity));
    if (!measured && hasMeasured(m_document.sensitivity())) // with an earlier analysis' figures, of just these settings
        m_measuredWith = m_estimatedWith;
    refreshStale();
    refreshCommands();
    if (!measured)
        return;
    Q_EMIT activityChanged({}, 0);
    Q_EMIT runningChanged(false);
}

void CockpitPage::onAnalysisFailed(const JobFailure& failure)
{
    const bool measured = m_analysis->spec().measure;
    const bool cancelled = failure.error.code == Errc::Cancelled;
    m_header->setWork(CockpitHeader::Work::None);
    if (!measured && cancelled) { // it made room; it may come back when the worker is free
        m_wantsEstimate = !m_document.isSolvable();
        return;
    }
    m_problemShown = false;
    if (cancelled)
        m_banner->showMessage(Banner::Severity::Info, tr("The analysis was cancelled"),
                              tr("What was measured stays. It can go on from there, now or later."), tr("Go on"));
    else
        m_banner->showFailure(measured ? tr("The analysis failed; what was measured stays")
                                       : tr("The layers could not be estimated"),
                              failure, measured ? tr("Try again") : QString());
    if (!measured)
        return;
    Q_EMIT activityChanged({}, 0);
    Q_EMIT runningChanged(false);
}

/// The last plan stays in sight; the banner says why it is not the one that was asked for.
void CockpitPage::showProblem()
{
    if (const auto& problem = m_document.problem()) {
        m_problemShown = true;
        m_banner->showError(tr("There is no plan for these demands; the last one is still shown"), *problem,
                            m_document.undoStack()->canUndo() ? tr("Undo") : QString());
    } else if (std::exchange(m_problemShown, false)) {
        m_banner->dismiss();
    }
}

void CockpitPage::compress()
{
    if (const auto plan = m_document.plan())
        m_files->store(*plan, m_plansFolder);
}

void CockpitPage::showOutcome(const RunOutcome& outcome)
{
    const PreparedPlans* plans = m_document.plans();
    if (!outcome.quantized.prediction || !plans || outcome.plan.model.folder != m_model.folder)
        return;
    std::vector<int> bits(m_document.sensitivity().linears.size(), kKeptBits);
    for (const LayerResult& layer : outcome.layers)
        if (const int linear = m_document.indexOf(layer.name); linear >= 0)
            bits[static_cast<std::size_t>(linear)] = layer.bits;
    const auto built = plans->allocator->evaluate(bits);
    m_side->showOutcome(outcome, built ? built->bytes : 0, built ? built->cost : 0);
}

void CockpitPage::refreshCommands()
{
    if (m_document.isEmpty())
        return;
    const PlanCommands commands = planCommands(m_document, analyzeSpec(m_model, m_settings), m_settings);
    m_side->setCommands(commands.commands, commands.remark);
}

void CockpitPage::addTo(QMenu& menu)
{
    menu.addAction(m_actions->undo());
    menu.addAction(m_actions->redo());
    menu.addSeparator();
    m_actions->addTo(menu);
    menu.addSeparator();
    m_files->addTo(menu);
}

} // namespace sa::ui
