// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/measure/latency_page.h"

#include "core/base/atomic_file.h"
#include "ui/async.h"
#include "ui/compare/pair_chooser.h"
#include "ui/dialogs.h"
#include "ui/measure/file_saver.h"
#include "ui/measure/job_strip.h"
#include "ui/measure/kept_results.h"
#include "ui/measure/latency_form.h"
#include "ui/measure/latency_view.h"
#include "ui/measure/model_pair.h"
#include "ui/measure/pair_bar.h"
#include "ui/text.h"
#include "ui/widgets/banner.h"
#include "ui/widgets/empty_state.h"
#include "ui/widgets/parts.h"

#include <QHBoxLayout>
#include <QLocale>
#include <QScrollArea>
#include <QStackedWidget>
#include <QToolButton>

namespace sa::ui
{

namespace
{

const QString kKind = QStringLiteral("latency");

} // namespace

LatencyPage::LatencyPage(JobService& service, ModelPair& pair, Options options, QWidget* parent)
    : QWidget(parent)
    , m_service(service)
    , m_pair(pair)
    , m_options(std::move(options))
{
    setRole(this, "page");
    m_banner = new Banner(this);
    m_saver = new FileSaver(m_banner, this);
    connect(m_banner, &Banner::acted, this, &LatencyPage::measure); // "Start again" is its only action
    m_chooser = makePairChooser(
        tr("How fast, and in how much memory?"),
        tr("Both models read the same prompts in turns; you see the time to the first token and of each further one."),
        pair, this);
    m_content = makeContent();
    m_stack = new QStackedWidget(this);
    m_stack->addWidget(m_chooser);
    m_stack->addWidget(m_content);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(space::kPage, space::kLarge, space::kPage, space::kLarge);
    layout->setSpacing(space::kMedium);
    layout->addWidget(m_banner);
    layout->addWidget(m_stack, 1);

    connect(&pair, &ModelPair::changed, this, &LatencyPage::onPairChanged);
    connect(&m_job, &SingleJob::progressed, this, [this](const Progress& progress) {
        m_strip->setProgress(progress);
        Q_EMIT activityChanged(m_strip->text(), m_strip->fraction());
    });
    connect(&m_job, &SingleJob::noted, this, &LatencyPage::noted);
    connect(&m_job, &SingleJob::finished, this, &LatencyPage::onFinished);
    connect(&m_job, &SingleJob::failed, this, &LatencyPage::onFailed);
    onPairChanged();
}

QWidget* LatencyPage::makeHeader()
{
    auto* header = new QWidget(this);
    m_status = makeMuted({}, header);
    m_status->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Fixed);
    auto* titles = new QVBoxLayout;
    tighten(titles, 1);
    titles->addWidget(makeTitle(tr("Latency"), 1.5, header));
    titles->addWidget(m_status);
    m_export = makeIconButton(QStringLiteral("export"), tr("Export the figures: JSON or table (CSV)"), header);
    connect(m_export, &QToolButton::clicked, this, [this] {
        askForFile(this, tr("Export the figures"), tr("latency.json"), tr("JSON (*.json);;Table (*.csv)"), true,
                   [this](const QString& path) { exportTo(path); });
    });
    m_measure = makePrimaryButton(tr("Measure"), QStringLiteral("play"), header);
    connect(m_measure, &QPushButton::clicked, this, &LatencyPage::measure);
    auto* row = new QHBoxLayout(header);
    tighten(row, space::kSmall);
    row->addLayout(titles, 1);
    row->addWidget(m_export);
    row->addWidget(m_measure);
    return header;
}

QWidget* LatencyPage::makeContent()
{
    auto* content = new QWidget(this);
    m_form = new LatencyForm(content);
    connect(m_form, &LatencyForm::changed, this, &LatencyPage::refresh);
    m_strip = new JobStrip(content);
    m_strip->hide();
    connect(m_strip, &JobStrip::cancelRequested, this, &LatencyPage::cancel);
    m_nothing = makeEmptyNote(
        tr("Not measured yet"),
        tr("Measure runs the prompts through both models, in turns. Leave the machine alone meanwhile."), content);
    m_view = new LatencyView(content);
    m_scroll = makeScroll(m_view, content);
    m_lower = new QStackedWidget(content);
    m_lower->addWidget(m_nothing);
    m_lower->addWidget(m_scroll);
    auto* layout = new QVBoxLayout(content);
    tighten(layout, space::kMedium);
    layout->addWidget(makeHeader());
    layout->addWidget(new PairBar(m_pair, content));
    layout->addWidget(m_form);
    layout->addWidget(m_strip);
    layout->addWidget(m_lower, 1);
    return content;
}

void LatencyPage::setDevices(const std::vector<DeviceInfo>& devices)
{
    m_form->setDevices(devices);
}

void LatencyPage::setWorkerBusy(bool busy)
{
    m_otherJob = busy && !m_job.isRunning();
    refresh();
}

void LatencyPage::onPairChanged()
{
    m_stack->setCurrentWidget(m_pair.isComplete() ? m_content : static_cast<QWidget*>(m_chooser));
    m_banner->dismiss();
    clearResult();
    loadKept();
}

QString LatencyPage::obstacle() const
{
    if (m_otherJob)
        return tr("The worker is busy with another job. Times are only worth something while nothing else runs.");
    if (!m_pair.isComplete())
        return tr("Choose both models first.");
    if (m_pair.folder(0) == m_pair.folder(1))
        return tr("Both models are the same folder. Choose another one.");
    if (!m_form->spec())
        return tr("Prompt lengths are whole numbers separated by commas, 20 at most.");
    return {};
}

void LatencyPage::refresh()
{
    const QString reason = obstacle();
    const bool running = isRunning();
    m_measure->setEnabled(reason.isEmpty() && !running);
    m_measure->setText(m_result ? tr("Measure again") : tr("Measure"));
    m_measure->setToolTip(reason);
    m_export->setEnabled(m_result.has_value());
    m_form->setEnabled(!running);
    m_strip->setVisible(running);
    QString status = tr("Times, memory and energy of the two models, measured in turns on this machine.");
    if (running)
        status = tr("Measuring. Other work on this machine shows in the times.");
    else if (!reason.isEmpty())
        status = reason;
    m_status->setText(status);
    setTone(m_status, !running && !reason.isEmpty() ? Tone::Warning : Tone::Plain);
    m_lower->setCurrentWidget(m_result ? m_scroll : m_nothing);
    m_nothing->setVisible(!m_result && !running);
}

bool LatencyPage::showsResult() const
{
    return m_stack->currentWidget() == m_content && m_result.has_value();
}

/// The folders are looked at before the job, so that what changes meanwhile counts as changed since.
void LatencyPage::measure()
{
    if (isRunning() || !obstacle().isEmpty())
        return;
    m_banner->dismiss();
    m_stamping = true;
    m_measuring = m_pair.folders();
    m_strip->begin(tr("Measuring"), tr("Stop. Nothing of this measurement is kept"));
    refresh();
    Q_EMIT runningChanged(true);
    Q_EMIT activityChanged(m_strip->text(), 0);
    inBackground(
        this, [folders = m_measuring] { return folderStamps(folders); },
        [this](const QStringList& stamps) {
            if (std::exchange(m_stamping, false))
                launch(stamps);
        });
}

void LatencyPage::launch(const QStringList& stamps)
{
    m_stamps = stamps;
    LatencySpec spec = m_form->spec().value_or(LatencySpec{});
    spec.model = toUtf8(m_measuring[0]);
    spec.against = toUtf8(m_measuring[1]);
    m_job.start(m_service, spec);
    refresh();
}

void LatencyPage::cancel()
{
    if (std::exchange(m_stamping, false))
        return settle();
    if (!m_job.isRunning())
        return;
    m_strip->setCancelling();
    m_job.cancel();
}

void LatencyPage::settle()
{
    refresh();
    Q_EMIT activityChanged({}, 0);
    Q_EMIT runningChanged(false);
}

void LatencyPage::onFinished(const Json& json)
{
    auto result = parseLatencyResult(json);
    if (!result)
        return onFailed({result.error(), false, {}});
    inBackground(
        this,
        [place = m_options.resultsFolder, folders = m_measuring, stamps = m_stamps, json] {
            return errorOf(keepResult(place, kKind, folders, stamps, json));
        },
        [this](const std::optional<Error>& error) {
            if (error)
                m_banner->showError(tr("The measurement could not be kept for later"), *error);
            else
                Q_EMIT kept();
        });
    ++m_generation; // what was kept before is old now
    if (m_measuring == m_pair.folders())
        present(std::move(*result), QDateTime::currentDateTime(), false);
    settle();
}

void LatencyPage::onFailed(const JobFailure& failure)
{
    if (failure.error.code == Errc::Cancelled)
        m_banner->showMessage(Banner::Severity::Info, tr("The measurement was cancelled"),
                              m_result ? tr("The earlier figures stay.") : tr("Nothing was kept."));
    else
        m_banner->showFailure(tr("The models could not be measured"), failure,
                              failure.workerDied ? tr("Start again") : QString());
    settle();
}

void LatencyPage::loadKept()
{
    if (!m_pair.isComplete() || !isVisible())
        return;
    inBackground(
        this,
        [place = m_options.resultsFolder, folders = m_pair.folders()] { return keptResult(place, kKind, folders); },
        [this, generation = ++m_generation](const std::optional<KeptResult>& keptBefore) {
            if (generation != m_generation || !keptBefore)
                return;
            if (auto result = parseLatencyResult(keptBefore->value)) {
                present(std::move(*result), keptBefore->measured.toLocalTime(), keptBefore->stale);
                refresh();
            }
        });
}

void LatencyPage::present(LatencyResult result, const QDateTime& measured, bool stale)
{
    m_stale = stale;
    m_view->setResult(result, {m_pair.name(0), m_pair.name(1)});
    const QString when = QLocale().toString(measured, QLocale::ShortFormat);
    m_view->setProvenance(stale ? tr("Measured %1; a model has changed since. Measure again").arg(when)
                                : tr("Measured %1").arg(when),
                          stale);
    m_result = std::move(result);
}

void LatencyPage::clearResult()
{
    m_result.reset();
    m_stale = false;
    refresh();
}

void LatencyPage::exportTo(const QString& path)
{
    if (!m_result)
        return;
    const bool table = path.endsWith(QLatin1String(".csv"), Qt::CaseInsensitive);
    m_saver->save(path,
                  [path, bytes = table ? latencyCsv(*m_result) : json::dumpPretty(m_result->raw)] {
                      return writeFileAtomic(toUtf8(path), bytes);
                  },
                  {tr("The figures were not exported"), tr("The figures are exported")});
}

/// A model may have been compressed again meanwhile.
void LatencyPage::showEvent(QShowEvent* event)
{
    QWidget::showEvent(event);
    m_pair.known().refresh();
    if (!isRunning())
        loadKept();
}

} // namespace sa::ui
