// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/measure/report_page.h"

#include "core/base/atomic_file.h"
#include "ui/async.h"
#include "ui/compare/pair_chooser.h"
#include "ui/dialogs.h"
#include "ui/measure/file_saver.h"
#include "ui/measure/job_strip.h"
#include "ui/measure/limits_card.h"
#include "ui/measure/model_pair.h"
#include "ui/measure/pair_bar.h"
#include "ui/measure/report_document.h"
#include "ui/measure/report_form.h"
#include "ui/text.h"
#include "ui/widgets/banner.h"
#include "ui/widgets/empty_state.h"
#include "ui/widgets/parts.h"

#include <QHBoxLayout>
#include <QMenu>
#include <QPrintDialog>
#include <QPrinter>
#include <QScrollArea>
#include <QStackedWidget>
#include <QTextBrowser>
#include <QToolButton>

namespace sa::ui
{

namespace
{

constexpr int kFormWidth = 372;

} // namespace

ReportPage::ReportPage(JobService& service, ModelPair& pair, const QString& resultsFolder, QWidget* parent)
    : QWidget(parent)
    , m_pair(pair)
    , m_place(resultsFolder)
    , m_run(new ReportRun(service, resultsFolder, this))
{
    setRole(this, "page");
    m_banner = new Banner(this);
    m_saver = new FileSaver(m_banner, this);
    connect(m_banner, &Banner::acted, this, &ReportPage::make); // "Go on" and "Start again" are its only actions
    m_chooser = makePairChooser(tr("Is it still good enough?"),
                                tr("One page with every figure, for whoever has to decide; limits that an export "
                                   "keeps, or says why not."),
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
    connect(&pair, &ModelPair::changed, this, &ReportPage::onPairChanged);
    connectRun();
    onPairChanged();
}

ReportPage::~ReportPage() = default;

QWidget* ReportPage::makeHeader()
{
    auto* header = new QWidget(this);
    m_status = makeMuted({}, header);
    m_status->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Fixed);
    auto* titles = new QVBoxLayout;
    tighten(titles, 1);
    titles->addWidget(makeTitle(tr("Report"), 1.5, header));
    titles->addWidget(m_status);
    m_save = makeIconButton(QStringLiteral("more"), tr("Report: save as HTML, PDF or JSON, print"), header);
    m_save->setPopupMode(QToolButton::InstantPopup);
    auto* menu = new QMenu(m_save);
    m_save->setMenu(menu);
    const auto add = [&](const QString& text, auto act) {
        connect(menu->addAction(text), &QAction::triggered, this, act);
    };
    add(tr("Save as HTML…"), [this] { askWhereToSave(QStringLiteral("html"), tr("Page (*.html)")); });
    add(tr("Save as PDF…"), [this] { askWhereToSave(QStringLiteral("pdf"), tr("PDF (*.pdf)")); });
    add(tr("Save as JSON…"), [this] { askWhereToSave(QStringLiteral("json"), tr("Certificate (*.json)")); });
    menu->addSeparator();
    add(tr("Print…"), [this] { print(); });
    m_export = makeButton(tr("Export the model…"), QStringLiteral("export"), header);
    m_export->setToolTip(tr("Writes a float16 folder with this certificate in it"));
    connect(m_export, &QPushButton::clicked, this,
            [this] { Q_EMIT exportRequested(m_pair.folder(ModelPair::kCompressed)); });
    m_make = makePrimaryButton(tr("Make the report"), QStringLiteral("play"), header);
    connect(m_make, &QPushButton::clicked, this, &ReportPage::make);
    auto* row = new QHBoxLayout(header);
    tighten(row, space::kSmall);
    row->addLayout(titles, 1);
    row->addWidget(m_save);
    row->addWidget(m_export);
    row->addWidget(m_make);
    return header;
}

QWidget* ReportPage::makeContent()
{
    auto* content = new QWidget(this);
    m_form = new ReportForm(content);
    connect(m_form, &ReportForm::changed, this, &ReportPage::refresh);
    auto* formScroll = makeScroll(m_form, content);
    formScroll->setFixedWidth(kFormWidth);
    m_strip = new JobStrip(content);
    m_strip->hide();
    connect(m_strip, &JobStrip::cancelRequested, this, [this] {
        m_strip->setCancelling();
        cancel();
    });
    m_nothing = makeEmptyNote(tr("No report of these models yet"),
                              tr("What was measured before is not measured again."), content);
    m_result = new QWidget(content);
    m_limits = new LimitsCard(m_result);
    m_preview = new QTextBrowser(m_result);
    setRole(m_preview, "paper");
    m_preview->setAccessibleName(tr("Preview of the report"));
    m_preview->setOpenLinks(false);
    // As wide as a page in any window: laying a long report out again would take longer than a frame.
    m_preview->setLineWrapMode(QTextEdit::FixedPixelWidth);
    m_preview->setLineWrapColumnOrWidth(kReportWidth);
    auto* result = new QVBoxLayout(m_result);
    tighten(result, space::kMedium);
    result->addWidget(m_limits);
    result->addWidget(m_preview, 1);
    m_right = new QStackedWidget(content);
    m_right->addWidget(m_nothing);
    m_right->addWidget(m_result);
    auto* right = new QVBoxLayout;
    tighten(right, space::kMedium);
    right->addWidget(m_strip);
    right->addWidget(m_right, 1);
    auto* lower = new QHBoxLayout;
    tighten(lower, space::kMedium);
    lower->addWidget(formScroll);
    lower->addLayout(right, 1);
    auto* layout = new QVBoxLayout(content);
    tighten(layout, space::kMedium);
    layout->addWidget(makeHeader());
    layout->addWidget(new PairBar(m_pair, content));
    layout->addLayout(lower, 1);
    return content;
}

void ReportPage::connectRun()
{
    connect(m_run, &ReportRun::stepChanged, this, [this](const QString& what) { m_strip->setWhat(what); });
    connect(m_run, &ReportRun::progressed, this, [this](const Progress& progress) {
        m_strip->setProgress(progress);
        Q_EMIT activityChanged(m_strip->text(), m_strip->fraction());
    });
    connect(m_run, &ReportRun::noted, this, &ReportPage::noted);
    const auto settle = [this] {
        refresh();
        Q_EMIT activityChanged({}, 0);
        Q_EMIT runningChanged(false);
    };
    connect(m_run, &ReportRun::finished, this, [this, settle](const Report& report) {
        ++m_generation; // what was kept before is old now
        if (report.compressed() == m_pair.folder(ModelPair::kCompressed) &&
            report.original() == m_pair.folder(ModelPair::kOriginal))
            present(report);
        settle();
    });
    connect(m_run, &ReportRun::failed, this, [this, settle](const JobFailure& failure) {
        if (failure.error.code == Errc::Cancelled)
            m_banner->showMessage(Banner::Severity::Info, tr("The report was cancelled"),
                                  tr("What is measured is kept; the report goes on from there."), tr("Go on"));
        else
            m_banner->showFailure(tr("The report could not be made"), failure,
                                  failure.workerDied ? tr("Go on") : QString());
        settle();
    });
}

void ReportPage::setWorkerBusy(bool busy)
{
    m_otherJob = busy && !isRunning();
    refresh();
}

QString ReportPage::obstacle() const
{
    if (!m_pair.isComplete())
        return tr("Choose both models first.");
    if (m_pair.folder(0) == m_pair.folder(1))
        return tr("Both models are the same folder. Choose another one.");
    if (m_otherJob)
        return tr("The worker is busy with another job.");
    return m_form->obstacle();
}

void ReportPage::refresh()
{
    if (!m_result)
        return; // under construction
    const QString reason = obstacle();
    const bool running = isRunning();
    m_make->setEnabled(reason.isEmpty() && !running);
    m_make->setToolTip(reason);
    m_make->setText(m_report ? tr("Make it again") : tr("Make the report"));
    m_save->setEnabled(m_report.has_value());
    m_export->setEnabled(m_report.has_value() && !running && !m_otherJob);
    m_form->setEnabled(!running);
    m_strip->setVisible(running);
    m_right->setCurrentWidget(m_report ? m_result : m_nothing);
    m_nothing->setVisible(!m_report && !running);
    m_status->setText(!running && !reason.isEmpty() ? reason : tr("Every figure of the compressed model on one page."));
    setTone(m_status, !running && !reason.isEmpty() ? Tone::Warning : Tone::Plain);
}

void ReportPage::onPairChanged()
{
    m_stack->setCurrentWidget(m_pair.isComplete() ? m_content : static_cast<QWidget*>(m_chooser));
    m_banner->dismiss();
    m_report.reset();
    refresh();
    reload();
}

void ReportPage::make()
{
    if (isRunning() || !obstacle().isEmpty())
        return;
    m_banner->dismiss();
    m_strip->begin(tr("Looking at the models"), tr("Stop. What is measured is kept"));
    m_run->start(m_form->plan(m_pair.folder(ModelPair::kOriginal), m_pair.folder(ModelPair::kCompressed)));
    refresh();
    Q_EMIT runningChanged(true);
    Q_EMIT activityChanged(m_strip->text(), 0);
}

void ReportPage::reload()
{
    if (!m_pair.isComplete() || !isVisible() || isRunning())
        return;
    inBackground(
        this, [place = m_place, model = m_pair.folder(ModelPair::kCompressed)] { return keptReport(place, model); },
        [this, generation = ++m_generation](const std::optional<Report>& report) {
            if (generation != m_generation || !report || report->original() != m_pair.folder(ModelPair::kOriginal))
                return;
            present(*report);
            refresh();
        });
}

void ReportPage::present(const Report& report)
{
    const bool same = m_report && m_report->html == report.html;
    m_report = report;
    m_limits->setReport(report);
    if (same) // the reader may be in the middle of it
        return;
    m_preview->setDocument(nullptr);
    m_document.reset();
    inBackground(
        this,
        [html = report.html, home = thread()] {
            auto document = makeReportDocument(html);
            document->setTextWidth(kReportWidth);
            document->moveToThread(home);
            return std::shared_ptr<QTextDocument>(document.release(), [](QTextDocument* last) { last->deleteLater(); });
        },
        [this, html = report.html](const std::shared_ptr<QTextDocument>& document) {
            if (!m_report || m_report->html != html)
                return; // another one has come meanwhile
            m_preview->setDocument(document.get());
            m_document = document;
        });
}

void ReportPage::askWhereToSave(const QString& ending, const QString& filter)
{
    askForFile(this, tr("Save the report"), QStringLiteral("report.") + ending, filter, true,
               [this](const QString& path) { saveTo(path); });
}

void ReportPage::saveTo(const QString& path)
{
    if (!m_report)
        return;
    m_saver->save(path,
                  [path, report = *m_report] {
                      const auto ends = [&path](const char* ending) {
                          return path.endsWith(QLatin1String(ending), Qt::CaseInsensitive);
                      };
                      return ends(".pdf")    ? saveReportPdf(report.html, path)
                             : ends(".json") ? writeFileAtomic(toUtf8(path), json::dumpPretty(report.certificate))
                                             : writeFileAtomic(toUtf8(path), toUtf8(report.html));
                  },
                  {tr("The report was not saved"), tr("The report is saved")});
}

void ReportPage::print()
{
    if (!m_report)
        return;
    auto printer = std::make_shared<QPrinter>(QPrinter::HighResolution);
    auto* dialog = new QPrintDialog(printer.get(), this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    connect(dialog, &QDialog::accepted, this, [this, printer, html = m_report->html] {
        const QString file = printer->outputFileName();
        m_saver->save(file.isEmpty() ? printer->printerName() : file,
                      [printer, html]() -> Result<void> {
                          makeReportDocument(html)->print(printer.get());
                          if (printer->printerState() == QPrinter::Error)
                              return makeError(Errc::Io, "the printer did not take it");
                          return {};
                      },
                      {tr("The report was not printed"), tr("The report is printed")});
    });
    dialog->open();
}

/// A model may have been compressed again meanwhile.
void ReportPage::showEvent(QShowEvent* event)
{
    QWidget::showEvent(event);
    m_pair.known().refresh();
    reload();
}

} // namespace sa::ui
