// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/picture_tour.h"

#include "ui/jobs/bundled_files.h"
#include "ui/main_window.h"
#include "ui/pages/doctor_panel.h"
#include "ui/pages/model_page.h"
#include "ui/pages/prompt_panel.h"
#include "ui/pages/run_form.h"
#include "ui/pages/run_page.h"
#include "ui/pages/run_view.h"
#include "ui/widgets/banner.h"

#include <QDir>
#include <QFileInfo>

#include <utility>

namespace sa::ui
{

namespace
{

constexpr int kLayersBeforeCancel = 16; // of the sample's 42: two blocks are finished
constexpr int kLayersInPicture = 24;    // the run is well under way
// Little text: what matters is what the pages look like, and that a small machine ends soon.
constexpr int kSamples = 32, kSeqlen = 256, kCheckedWindows = 10;
const QString kPrompt = QStringLiteral("The history of the city begins");

} // namespace

PictureTour::PictureTour(MainWindow& window, Theme& theme, Options options, QObject* parent)
    : PictureTaker(window, theme, options.folder, options.suffix, parent)
    , m_options(std::move(options))
{
}

PictureTour::~PictureTour()
{
    if (!m_models.isEmpty())
        QDir(m_models).removeRecursively();
}

void PictureTour::start()
{
    if (m_options.model.isEmpty())
        m_options.model = bundledSampleModel();
    if (!begin() || !prepare())
        return;
    connect(m_window.runPage()->run(), &CompressionRun::layersFinished, this,
            [this](const std::vector<LayerResult>& batch) { m_layers += static_cast<int>(batch.size()); });
    waitFor([this] { return m_window.worker()->state() == WorkerClient::State::Ready; },
            [this] { shoot(QStringLiteral("start"), [this] { showError(); }); });
}

/// Folders whose paths say nothing about the machine: they are in the pictures.
bool PictureTour::prepare()
{
    const QString models = QDir::temp().filePath(QStringLiteral("models"));
    if (QFileInfo::exists(models)) {
        fail(QStringLiteral("%1 is in the way: remove it").arg(models));
        return false;
    }
    m_models = models;
    if (copyModel(QStringLiteral("llama2-6m"), false) && copyModel(QStringLiteral("broken-download"), true))
        return true;
    fail(QStringLiteral("cannot prepare %1").arg(models));
    return false;
}

bool PictureTour::copyModel(const QString& target, bool cutWeights) const
{
    const QDir source(m_options.model);
    const QDir folder(m_models + u'/' + target);
    if (!QDir().mkpath(folder.path()))
        return false;
    for (const QString& name : source.entryList(QDir::Files)) {
        QFile copy(folder.filePath(name));
        if (!QFile::copy(source.filePath(name), copy.fileName()) ||
            !copy.setPermissions(QFile::ReadOwner | QFile::WriteOwner))
            return false;
        if (cutWeights && name.endsWith(QLatin1String(".safetensors")) && !copy.resize(copy.size() / 2))
            return false;
    }
    return true;
}

void PictureTour::showError()
{
    connect(&m_window, &MainWindow::openFailed, this, [this] {
        waitForChecks(m_window.modelPage()->failedChecks(),
                      [this] { shoot(QStringLiteral("error"), [this] { showModel(); }); });
    });
    m_window.openModel(m_models + QStringLiteral("/broken-download"));
}

void PictureTour::showModel()
{
    m_window.disconnect(this);
    connect(&m_window, &MainWindow::openFailed, this, [this] { fail(QStringLiteral("the model does not open")); });
    connect(&m_window, &MainWindow::modelOpened, this, [this] {
        m_window.runPage()->form()->setWindows(kSamples, kSeqlen, kCheckedWindows);
        waitForChecks(m_window.modelPage()->checks(), [this] {
            m_window.modelPage()->showLayers();
            shoot(QStringLiteral("loaded"), [this] { showChecks(); });
        });
    });
    m_window.openModel(m_models + QStringLiteral("/llama2-6m"));
}

void PictureTour::showChecks()
{
    m_window.modelPage()->showChecks();
    shoot(QStringLiteral("checks"), [this] { showEstimated(); });
}

void PictureTour::showRun()
{
    RunPage* page = m_window.runPage();
    m_window.showRunPage();
    waitFor([page] { return page->form()->canStart(); },
            [this, page] {
                shoot(QStringLiteral("settings"), [this, page] {
                    page->startRun();
                    waitFor([this, page] { return m_layers >= kLayersBeforeCancel || !page->isRunning(); },
                            [this] { showStopped(); });
                });
            });
}

void PictureTour::showStopped()
{
    RunPage* page = m_window.runPage();
    page->cancel();
    waitFor([page] { return !page->isRunning() && page->banner()->isVisible(); },
            [this, page] {
                shoot(QStringLiteral("stopped"), [this, page] {
                    m_layers = 0;
                    Q_EMIT page->banner()->acted(); // Resume
                    waitFor([this, page] { return m_layers >= kLayersInPicture || !page->isRunning(); },
                            [this] { shoot(QStringLiteral("running"), [this] { showResult(); }); });
                });
            });
}

void PictureTour::showResult()
{
    RunPage* page = m_window.runPage();
    waitFor([page] { return !page->isRunning(); },
            [this, page] {
                if (page->showsResult())
                    shoot(QStringLiteral("done"), [this] { showPrompt(); });
                else
                    fail(QStringLiteral("the run did not succeed"));
            });
}

void PictureTour::showPrompt()
{
    RunView* view = m_window.runPage()->view();
    view->showPrompt();
    view->prompt()->setPrompt(kPrompt);
    view->prompt()->generate();
    waitFor([view] { return !view->prompt()->isRunning(); },
            [this] { shoot(QStringLiteral("prompt"), [this] { showCheck(); }); });
}

void PictureTour::waitForChecks(const DoctorPanel* panel, std::function<void()> next)
{
    waitFor([panel] { return panel->state() != DoctorPanel::State::Checking; },
            [this, panel, next = std::move(next)] {
                if (panel->state() == DoctorPanel::State::Done)
                    next();
                else
                    fail(QStringLiteral("the model could not be checked"));
            });
}

} // namespace sa::ui
