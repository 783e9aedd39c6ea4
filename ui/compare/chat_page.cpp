// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/compare/chat_page.h"

#include "core/base/memory_use.h"
#include "ui/async.h"
#include "ui/compare/chat_pane.h"
#include "ui/compare/chat_session.h"
#include "ui/compare/chat_view.h"
#include "ui/compare/composer.h"
#include "ui/compare/sampling_bar.h"
#include "ui/text.h"
#include "ui/widgets/banner.h"
#include "ui/widgets/parts.h"

#include <QHBoxLayout>
#include <QMenu>
#include <QStackedWidget>
#include <QThread>
#include <QToolButton>

#include <algorithm>

namespace sa::ui
{

ChatPage::ChatPage(Options options, QWidget* parent)
    : QWidget(parent)
    , m_options(std::move(options))
{
    setRole(this, "page");
    for (WorkerClient*& worker : m_workers)
        worker = new WorkerClient(m_options.worker, m_options.timing, this);
    m_session = new ChatSession({m_workers[0], m_workers[1]}, this);
    m_session->setThreads(std::max(1, QThread::idealThreadCount() / 2));
    m_banner = new Banner(this);
    m_banner->hide();
    m_known = new KnownModels(this);
    m_chooser = new PairChooser(
        tr("Ask two models the same"),
        tr("Their answers stream side by side, and you see at which word, and how surely, they part."), this);
    m_view = new ChatView(*m_session, this);
    m_stack = new QStackedWidget(this);
    m_stack->addWidget(m_chooser);
    m_stack->addWidget(m_view);

    m_new = makeIconButton(QStringLiteral("add"), tr("New conversation"), this);
    m_earlier = makeIconButton(QStringLiteral("text"), tr("Earlier conversations"), this);
    m_earlier->setPopupMode(QToolButton::InstantPopup);
    m_menu = new QMenu(m_earlier);
    m_earlier->setMenu(m_menu);
    connect(m_new, &QToolButton::clicked, this, &ChatPage::startNew);
    connect(m_menu, &QMenu::aboutToShow, this, &ChatPage::fillHistoryMenu);
    m_view->samplingBar()->addButtons({m_earlier, m_new});

    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(space::kPage, space::kLarge, space::kPage, space::kLarge);
    layout->setSpacing(space::kMedium);
    layout->addWidget(m_banner);
    layout->addWidget(m_stack, 1);

    for (int number = 0; number < 2; ++number)
        connectSide(number);
    connectSession();
    connect(m_chooser, &PairChooser::chosen, this, &ChatPage::chooseModel);
    connect(m_chooser, &PairChooser::browseRequested, this, &ChatPage::browse);
    connect(m_known, &KnownModels::changed, this, [this] { m_chooser->setKnown(m_known->models()); });
    connect(m_view, &ChatView::changeModelRequested, this, [this](int number, const QPoint& position) {
        m_known->popUp(this, side(number).folder, position,
                       [this, number](const QString& folder) { chooseModel(number, folder); });
    });
    connect(m_view->samplingBar(), &SamplingBar::inTurnChosen, this, [this](bool inTurn) {
        m_orderChosen = true;
        m_session->setInTurn(inTurn);
    });
    refreshSides();
}

ChatPage::~ChatPage() = default;

void ChatPage::connectSide(int number)
{
    connect(&side(number).open, &SingleJob::finished, this,
            [this, number](const Json& result) { onOpened(number, result); });
    connect(&side(number).open, &SingleJob::failed, this,
            [this, number](const JobFailure& failure) { onOpenFailed(number, failure); });
    // A model that was chosen while the worker had to end another opening.
    connect(m_workers[static_cast<std::size_t>(number)], &WorkerClient::stateChanged, this,
            [this](WorkerClient::State state) {
                if (state == WorkerClient::State::Ready || state == WorkerClient::State::Dead)
                    QMetaObject::invokeMethod(this, &ChatPage::openWanted, Qt::QueuedConnection);
            });
}

void ChatPage::connectSession()
{
    connect(m_session, &ChatSession::finished, this, &ChatPage::save);
    connect(m_session, &ChatSession::runningChanged, this, [this](bool running) {
        m_new->setEnabled(!running);
        m_earlier->setEnabled(!running);
        if (!running)
            openWanted();
    });
}

void ChatPage::setRecentModels(const QStringList& folders)
{
    m_known->setRecent(folders);
}

/// The models of a conversation that has begun stay.
bool ChatPage::isUnderWay() const
{
    return m_session->isRunning() || !m_session->conversation().turns.empty();
}

void ChatPage::suggest(const ModelSummary& model)
{
    const int number = model.packed ? 1 : 0;
    if (!isUnderWay())
        chooseModel(number, model.folder);
}

void ChatPage::suggestPair(const QString& original, const QString& packed)
{
    m_known->addMade(packed);
    if (isUnderWay())
        return;
    chooseModel(0, original);
    chooseModel(1, packed);
}

void ChatPage::chooseModel(int number, const QString& folder)
{
    if (folder.isEmpty() || m_session->isRunning())
        return;
    Side& target = side(number);
    if (target.folder == folder && (target.model || target.open.isRunning()))
        return;
    target.open.forget();
    target.folder = folder;
    target.model.reset();
    target.failed = false;
    m_orderChosen = false;
    m_banner->dismiss();
    m_chooser->banner()->dismiss();
    openWanted();
    refreshSides();
}

/// Nobody looks at a page that is not visible: no process is started for it.
void ChatPage::openWanted()
{
    if (!isVisible() || m_session->isRunning())
        return;
    for (int number = 0; number < 2; ++number) {
        Side& target = side(number);
        if (!target.folder.isEmpty() && !target.model && !target.failed && !target.open.isRunning() &&
            !m_workers[static_cast<std::size_t>(number)]->isBusy())
            target.open.start(*m_workers[static_cast<std::size_t>(number)], OpenSpec{toUtf8(target.folder)});
    }
}

void ChatPage::onOpened(int number, const Json& result)
{
    auto model = parseModelSummary(result);
    if (!model)
        return onOpenFailed(number, {model.error(), false, {}});
    model->folder = side(number).folder;
    side(number).model = std::move(*model);
    refreshSides();
    refreshMemory();
}

void ChatPage::onOpenFailed(int number, const JobFailure& failure)
{
    side(number).failed = true;
    Banner* banner = showsConversation() ? m_banner : m_chooser->banner();
    banner->showFailure(number == 0 ? tr("The left model cannot be opened") : tr("The right model cannot be opened"),
                        failure);
    if (!showsConversation())
        side(number).folder.clear(); // the choice is open again
    refreshSides();
}

void ChatPage::refreshSides()
{
    const auto sameVocabulary = [this] {
        const auto &left = m_sides[0].model, &right = m_sides[1].model;
        return !left || !right ||
               (left->tokenizerType == right->tokenizerType && left->tokenizerVocab == right->tokenizerVocab);
    };
    m_session->setModels({m_sides[0].folder, m_sides[1].folder}, sameVocabulary());
    for (int number = 0; number < 2; ++number) {
        const Side& shownSide = side(number);
        m_chooser->setChosen(number, shownSide.folder, shownSide.open.isRunning());
        m_view->pane(number)->setModel(shownSide.model, shownSide.folder);
    }
    const bool both = isReady();
    m_stack->setCurrentWidget(both || !m_session->conversation().turns.empty() ? static_cast<QWidget*>(m_view)
                                                                               : m_chooser);
    setFocusProxy(showsConversation() ? m_view : nullptr);
    m_view->setObstacle(both ? QString()
                        : m_sides[0].open.isRunning() || m_sides[1].open.isRunning()
                            ? tr("Reading the models' headers…")
                            : tr("Choose both models first"));
    if (both && isVisible())
        m_view->setFocus();
}

bool ChatPage::isReady() const
{
    return m_sides[0].model && m_sides[1].model;
}

bool ChatPage::showsConversation() const
{
    return m_stack->currentWidget() == m_view;
}

void ChatPage::pretendFree(std::optional<std::uint64_t> bytes)
{
    m_pretended = bytes;
    refreshMemory();
}

void ChatPage::refreshMemory()
{
    if (!isReady())
        return;
    const quint64 generation = ++m_memoryGeneration;
    inBackground(
        this, [pretended = m_pretended] { return pretended ? pretended : availableMemory(); },
        [this, generation](std::optional<std::uint64_t> available) {
            if (generation == m_memoryGeneration && isReady())
                applyMemory(available);
        });
}

void ChatPage::applyMemory(std::optional<std::uint64_t> available)
{
    const MemoryFit fit = memoryFit(*m_sides[0].model, *m_sides[1].model, available);
    SamplingBar* bar = m_view->samplingBar();
    if (!available)
        bar->setMemoryRemark(tr("about %1 in memory").arg(bytesText(fit.needed)), false);
    else if (fit.together)
        bar->setMemoryRemark(tr("about %1 of %2 free").arg(bytesText(fit.needed), bytesText(fit.available)), false);
    else
        bar->setMemoryRemark(tr("both need about %1, %2 are free: one after the other")
                                 .arg(bytesText(fit.needed), bytesText(fit.available)),
                             true);
    if (m_orderChosen || m_session->isRunning())
        return;
    bar->setInTurn(!fit.together);
    m_session->setInTurn(!fit.together);
}

void ChatPage::browse(int number)
{
    KnownModels::browse(this, side(number).folder.isEmpty() ? side(1 - number).folder : side(number).folder,
                        [this, number](const QString& folder) { chooseModel(number, folder); });
}

bool ChatPage::isRunning() const
{
    return m_session->isRunning();
}

void ChatPage::stop()
{
    m_session->stop();
}

void ChatPage::shutDown()
{
    for (WorkerClient* worker : m_workers)
        worker->shutDown();
}

void ChatPage::showEvent(QShowEvent* event)
{
    QWidget::showEvent(event);
    openWanted();
    refreshSides();
    m_known->refresh();
    refreshHistory();
}

} // namespace sa::ui
