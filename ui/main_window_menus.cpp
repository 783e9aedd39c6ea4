// SPDX-License-Identifier: GPL-3.0-or-later
// The menus of the window; every action that can be done by hand has its place and most a key.
#include "ui/cockpit/cockpit_page.h"
#include "ui/compare/chat_page.h"
#include "ui/dialogs.h"
#include "ui/jobs/bundled_files.h"
#include "ui/main_window.h"
#include "ui/measure/latency_page.h"
#include "ui/measure/model_pair.h"
#include "ui/measure/report_page.h"
#include "ui/pages/model_page.h"
#include "ui/pages/run_page.h"
#include "ui/pages/start_view.h"
#include "ui/style/icons.h"
#include "ui/style/theme.h"
#include "ui/text.h"
#include "ui/widgets/rail.h"

#include <QActionGroup>
#include <QDockWidget>
#include <QMenuBar>
#include <QStackedWidget>

namespace sa::ui
{

QAction* MainWindow::addAction(QMenu* menu, const QString& text, const QKeySequence& key,
                               const std::function<void()>& act)
{
    QAction* action = menu->addAction(text);
    action->setShortcut(key);
    connect(action, &QAction::triggered, this, act);
    m_shortcuts += action;
    return action;
}

void MainWindow::makeMenus()
{
    QMenu* file = menuBar()->addMenu(tr("&File"));
    addAction(file, tr("&Open model folder…"), QKeySequence::Open, [this] {
        chooseModel();
    })->setIcon(icon(QStringLiteral("open"), IconTone::Muted));
    m_recentMenu = file->addMenu(tr("Open &recent"));
    QAction* sample = addAction(file, tr("Open the &sample model"), {}, [this] { openModel(bundledSampleModel()); });
    sample->setEnabled(!bundledSampleModel().isEmpty());
    addAction(file, tr("Re&load"), QKeySequence::Refresh, [this] {
        if (m_model)
            openModel(m_model->folder);
    });
    file->addSeparator();
    addAction(file, tr("&Quit"), QKeySequence(Qt::CTRL | Qt::Key_Q), [this] { close(); });

    QMenu* run = menuBar()->addMenu(tr("&Run"));
    addAction(run, tr("&Start"), QKeySequence(Qt::CTRL | Qt::Key_Return), [this] {
        showRunPage();
        m_runPage->startRun();
    })->setIcon(icon(QStringLiteral("play"), IconTone::Muted));
    addAction(run, tr("&Cancel the running job"), QKeySequence(Qt::CTRL | Qt::Key_Period), [this] {
        m_cockpitPage->isRunning() ? m_cockpitPage->cancel() : isMeasuring() ? cancelMeasuring() : m_runPage->cancel();
    })->setIcon(icon(QStringLiteral("stop"), IconTone::Muted));

    QMenu* plan = menuBar()->addMenu(tr("&Plan"));
    addAction(plan, tr("&Analyze the layers"), QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_A), [this] {
        showCockpitPage();
        m_cockpitPage->analyze();
    })->setIcon(icon(QStringLiteral("analyze"), IconTone::Muted));
    plan->addSeparator();
    m_cockpitPage->addTo(*plan);

    QMenu* view = menuBar()->addMenu(tr("&View"));
    auto* pages = new QActionGroup(this);
    const auto addPage = [&](const QString& text, const QString& iconName, Qt::Key key, QWidget* page) {
        QAction* action = addAction(view, text, QKeySequence(Qt::CTRL | key), [this, page] {
            m_pages->setCurrentWidget(page);
            page->setFocus(); // Tab leads to the first field; nothing is pressed by accident
        });
        action->setCheckable(true);
        action->setIcon(icon(iconName, IconTone::Muted));
        action->setToolTip(QStringLiteral("%1 (%2)").arg(text, action->shortcut().toString(QKeySequence::NativeText)));
        pages->addAction(action);
        m_rail->addPage(action);
        return action;
    };
    m_modelAction = addPage(tr("Model"), QStringLiteral("model"), Qt::Key_1, m_modelPage);
    m_cockpitAction = addPage(tr("Bit budget"), QStringLiteral("budget"), Qt::Key_2, m_cockpitPage);
    m_runAction = addPage(tr("Compress"), QStringLiteral("compress"), Qt::Key_3, m_runPage);
    m_chatAction = addPage(tr("Chat"), QStringLiteral("chat"), Qt::Key_4, m_chatPage);
    m_latencyAction = addPage(tr("Latency"), QStringLiteral("latency"), Qt::Key_5, m_latencyPage);
    m_reportAction = addPage(tr("Report"), QStringLiteral("report"), Qt::Key_6, m_reportPage);
    m_modelAction->setChecked(true);
    view->addSeparator();
    addAction(view, tr("&Filter layers"), QKeySequence::Find, [this] {
        showModelPage();
        m_modelPage->focusFilter();
    });
    QAction* log = m_logDock->toggleViewAction();
    log->setText(tr("&Log"));
    log->setShortcut(QKeySequence(Qt::CTRL | Qt::Key_L));
    view->addAction(log);
    m_shortcuts += log;
    view->addSeparator();

    QMenu* theme = view->addMenu(tr("&Theme"));
    auto* themes = new QActionGroup(this);
    const std::pair<ThemeMode, QString> modes[] = {
        {ThemeMode::System, tr("&System")}, {ThemeMode::Light, tr("&Light")}, {ThemeMode::Dark, tr("&Dark")}};
    for (const auto& [mode, text] : modes) {
        QAction* action = theme->addAction(text);
        action->setCheckable(true);
        action->setChecked(m_theme.mode() == mode);
        themes->addAction(action);
        connect(action, &QAction::triggered, this, [this, mode = mode] {
            m_theme.apply(mode);
            m_settings.setTheme(mode);
        });
    }
    const auto resizeText = [this](int percent) {
        m_theme.setTextPercent(percent);
        m_settings.setTextPercent(m_theme.textPercent());
    };
    addAction(view, tr("Larger text"), QKeySequence::ZoomIn, [=, this] { resizeText(m_theme.textPercent() + 10); });
    addAction(view, tr("Smaller text"), QKeySequence::ZoomOut, [=, this] { resizeText(m_theme.textPercent() - 10); });
    addAction(view, tr("Normal text"), QKeySequence(Qt::CTRL | Qt::Key_0), [=] { resizeText(100); });

    QMenu* help = menuBar()->addMenu(tr("&Help"));
    addAction(help, tr("&Keyboard shortcuts"), QKeySequence(Qt::Key_F1), [this] { showShortcuts(this, m_shortcuts); });
    addAction(help, tr("&About ShiftAdd Workbench"), {}, [this] { showAbout(this, m_worker->hello()); });
}

void MainWindow::refreshRecent()
{
    const QStringList recent = m_settings.recentModels();
    m_modelPage->startView()->setRecentModels(recent);
    m_chatPage->setRecentModels(recent);
    m_pair->setRecent(recent);
    m_recentMenu->clear();
    for (const QString& folder : recent) {
        QAction* action = m_recentMenu->addAction(withoutMnemonics(shown(folder, 200)));
        connect(action, &QAction::triggered, this, [this, folder] { openModel(folder); });
    }
    m_recentMenu->setEnabled(!recent.isEmpty());
    if (recent.isEmpty())
        return;
    m_recentMenu->addSeparator();
    connect(m_recentMenu->addAction(tr("Clear the list")), &QAction::triggered, this, [this] {
        m_settings.clearRecentModels();
        refreshRecent();
    });
}

} // namespace sa::ui
