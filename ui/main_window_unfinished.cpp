// SPDX-License-Identifier: GPL-3.0-or-later
// The window's part in unfinished compressions: remembers what it starts, offers what did not come to its end.
#include "ui/async.h"
#include "ui/main_window.h"
#include "ui/pages/model_page.h"
#include "ui/pages/run_page.h"
#include "ui/pages/unfinished_list.h"
#include "ui/style/icons.h"
#include "ui/text.h"
#include "ui/widgets/banner.h"

#include <QDir>
#include <QMessageBox>
#include <QPushButton>

namespace sa::ui
{

void MainWindow::connectUnfinished()
{
    connect(m_runPage->run(), &CompressionRun::stageChanged, this, [this](CompressionRun::Stage stage) {
        if (stage != CompressionRun::Stage::Quantizing)
            return refreshUnfinished();
        const RunPlan plan = m_runPage->run()->plan();
        inBackground(
            this,
            [folder = m_jobRecords, plan] {
                rememberJob(folder, plan);
                return true;
            },
            [this](bool) { refreshUnfinished(); });
    });
    connect(m_modelPage, &ModelPage::resumeRequested, this, &MainWindow::resumeJob);
    connect(m_modelPage, &ModelPage::discardRequested, this, &MainWindow::askAboutDiscarding);
    connect(m_modelPage, &ModelPage::laterRequested, this, [this](const UnfinishedJob& job) {
        m_notNow.insert(job.quantize.out);
        refreshUnfinished();
    });
}

void MainWindow::refreshUnfinished()
{
    const CompressionRun* run = m_runPage->run();
    const std::string running = run->isRunning() ? run->plan().quantize.out : std::string();
    const quint64 generation = ++m_unfinishedGeneration;
    inBackground(
        this, [folder = m_jobRecords, running] { return unfinishedJobs(folder, running); },
        [this, generation](std::vector<UnfinishedJob> jobs) {
            if (generation != m_unfinishedGeneration)
                return;
            std::erase_if(jobs, [this](const UnfinishedJob& job) { return m_notNow.count(job.quantize.out) != 0; });
            m_modelPage->setUnfinishedJobs(jobs);
        });
}

void MainWindow::resumeJob(const UnfinishedJob& job)
{
    if (m_runPage->isRunning())
        return;
    const QString model = fromUtf8(job.quantize.model);
    if (m_model && m_model->folder == QDir::cleanPath(model)) {
        showRunPage();
        return m_runPage->resumeRun(job, *m_model);
    }
    openModel(model);
    m_resuming = job;
}

/// Hours of work may go with it, so it is asked for once more; nothing blocks meanwhile.
void MainWindow::askAboutDiscarding(const UnfinishedJob& job)
{
    auto* box =
        new QMessageBox(QMessageBox::Question, tr("Discard the unfinished run"),
                        tr("Delete the %1 that are done?").arg(keptText(job.kept)), QMessageBox::NoButton, this);
    box->setAttribute(Qt::WA_DeleteOnClose);
    box->setIconPixmap(icon(QStringLiteral("warning"), IconTone::Warning).pixmap(QSize(32, 32), devicePixelRatioF()));
    box->setTextFormat(Qt::PlainText);
    box->setInformativeText(
        tr("%1 of work go with them. The original model stays as it is.").arg(durationText(job.kept.seconds)));
    QPushButton* discard = box->addButton(tr("Discard"), QMessageBox::DestructiveRole);
    QPushButton* keep = box->addButton(tr("Keep"), QMessageBox::RejectRole);
    box->setDefaultButton(keep);
    box->setEscapeButton(keep);
    connect(discard, &QPushButton::clicked, this, [this, out = job.quantize.out] {
        inBackground(
            this, [folder = m_jobRecords, out] { return errorOf(discardJob(folder, out)); },
            [this](const std::optional<Error>& error) {
                if (error)
                    m_modelPage->banner()->showError(tr("The unfinished run could not be discarded"), *error);
                refreshUnfinished();
            });
    });
    box->open();
}

} // namespace sa::ui
