// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/compare/chat_tour.h"

#include "ui/compare/chat_page.h"
#include "ui/compare/chat_pane.h"
#include "ui/compare/chat_session.h"
#include "ui/compare/chat_view.h"
#include "ui/compare/composer.h"
#include "ui/compare/sampling_bar.h"
#include "ui/main_window.h"
#include "ui/widgets/banner.h"

#include <algorithm>

namespace sa::ui
{

namespace
{

constexpr std::size_t kTokensInPicture = 30; // both answers are well under way

} // namespace

ChatTour::ChatTour(MainWindow& window, Theme& theme, Options options, QObject* parent)
    : PictureTaker(window, theme, options.folder, options.suffix, parent)
    , m_options(std::move(options))
{
    if (m_options.prompts.isEmpty())
        m_options.prompts = {tr("Why is the sky blue? Answer in three sentences.")};
}

ChatPage* ChatTour::page() const
{
    return m_window.chatPage();
}

void ChatTour::start()
{
    if (!begin())
        return;
    m_window.showChatPage();
    page()->setRecentModels({m_options.original, m_options.compressed});
    showChooser();
}

void ChatTour::showChooser()
{
    page()->chooseModel(0, m_options.original);
    waitFor([this] { return !page()->worker(0)->isBusy(); },
            [this] {
                shoot(QStringLiteral("chat-models"), [this] {
                    page()->chooseModel(1, m_options.compressed);
                    showStreaming();
                });
            });
}

void ChatTour::showStreaming()
{
    connect(page()->session(), &ChatSession::failed, this,
            [this](int, const JobFailure& failure) { fail(QString::fromStdString(failure.error.sentence())); });
    waitFor([this] { return page()->isReady() || page()->chooser()->banner()->isVisible(); },
            [this] {
                if (!page()->isReady())
                    return fail(QStringLiteral("the models do not open"));
                ask(0);
                const auto underWay = [this] {
                    const auto& answers = page()->session()->conversation().turns.back().answers;
                    return !page()->isRunning() ||
                           std::min(answers[0].tokens.size(), answers[1].tokens.size()) >= kTokensInPicture;
                };
                waitFor(underWay, [this] { shoot(QStringLiteral("chat-answering"), [this] { showNextTurn(1); }); });
            });
}

void ChatTour::ask(int turn)
{
    Sampling sampling;
    sampling.maxTokens = m_options.maxTokens;
    page()->view()->samplingBar()->setSampling(sampling);
    page()->session()->setSampling(sampling);
    page()->view()->composer()->setPrompt(m_options.prompts[turn]);
    page()->view()->composer()->act();
}

void ChatTour::showNextTurn(int turn)
{
    waitFor([this] { return !page()->isRunning(); },
            [this, turn] {
                if (turn >= m_options.prompts.size())
                    return shoot(QStringLiteral("chat"), [this] { showDifference(); });
                ask(turn);
                showNextTurn(turn + 1);
            });
}

void ChatTour::showDifference()
{
    page()->view()->showFirstDifference();
    shoot(QStringLiteral("chat-difference"), [this] { showDivergence(); });
}

void ChatTour::showDivergence()
{
    page()->view()->pointAt(0, {});
    page()->session()->force();
    waitFor([this] { return !page()->isRunning(); },
            [this] { shoot(QStringLiteral("chat-divergence"), [this] { succeed(); }); });
}

} // namespace sa::ui
