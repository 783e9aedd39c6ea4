// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/measure/export_gate.h"

#include "core/base/atomic_file.h"
#include "core/base/file.h"
#include "ui/async.h"
#include "ui/text.h"
#include "ui/widgets/parts.h"

#include <QDialog>
#include <QFile>
#include <QFileInfo>
#include <QHBoxLayout>
#include <QLineEdit>

namespace sa::ui
{

namespace
{

constexpr int kDialogWidth = 520;
constexpr std::uint64_t kMaxPage = 32u << 20;

} // namespace

ExportGate::ExportGate(JobService& service, QString place, QWidget* window)
    : QObject(window)
    , m_service(service)
    , m_place(std::move(place))
    , m_window(window)
{
    connect(&m_job, &SingleJob::failed, this, &ExportGate::failed);
    connect(&m_job, &SingleJob::finished, this, [this](const Json& certificate) {
        m_report->certificate = certificate;
        inBackground(
            this,
            [place = m_place, report = *m_report]() -> std::optional<Report> {
                Report changed = report;
                const auto html = readFile(report.spec.html, kMaxPage);
                if (!html)
                    return std::nullopt;
                QFile::remove(fromUtf8(report.spec.html));
                changed.html = fromUtf8(*html);
                changed.spec.html.clear();
                changed.spec.latency.clear();
                const auto kept = keepReport(place, changed, folderStamps({changed.original(), changed.compressed()}));
                return kept ? std::optional(changed) : std::nullopt;
            },
            [this](const std::optional<Report>& changed) {
                if (changed)
                    Q_EMIT reportChanged();
                clear(m_report->certificate);
            });
    });
}

void ExportGate::ask(const QString& packed)
{
    if (m_dialog || isRunning())
        return;
    m_packed = packed;
    inBackground(
        this, [place = m_place, packed] { return keptReport(place, packed); },
        [this](const std::optional<Report>& report) { judge(report); });
}

void ExportGate::judge(const std::optional<Report>& report)
{
    m_report = report;
    if (!report)
        return Q_EMIT cleared(m_packed, {});
    if (report->stale)
        return explain(tr("The report is out of date"),
                       {tr("A model has changed since the report was made: its figures say nothing of this export.")},
                       false);
    if (report->isAccepted())
        return clear(report->certificate);
    QStringList lines;
    for (const LimitRow& row : limitsOf(report->certificate))
        if (!row.passed)
            lines +=
                tr("%1: %2, where at most %3 is allowed.").arg(sentence(row.name).chopped(1), row.value, row.limit);
    explain(tr("This model is past a limit that you set"), lines, true);
}

void ExportGate::explain(const QString& title, const QStringList& lines, bool wantsReason)
{
    m_dialog = new QDialog(m_window);
    m_dialog->setAttribute(Qt::WA_DeleteOnClose);
    m_dialog->setWindowTitle(tr("Export %1").arg(shown(QFileInfo(m_packed).fileName(), 80)));
    m_dialog->setMinimumWidth(kDialogWidth);
    connect(m_dialog, &QObject::destroyed, this, [this] { m_dialog = nullptr; });
    auto* layout = new QVBoxLayout(m_dialog);
    layout->setContentsMargins(space::kPage, space::kPage, space::kPage, space::kLarge);
    layout->setSpacing(space::kMedium);
    layout->addWidget(makeTitle(title, 1.15, m_dialog));
    for (const QString& line : lines) {
        auto* label = makeLabel(line, m_dialog);
        label->setWordWrap(true);
        layout->addWidget(label);
    }
    auto* reason = new QLineEdit(m_dialog);
    reason->setAccessibleName(tr("Reason"));
    reason->setPlaceholderText(tr("Why it may leave all the same"));
    reason->setMaxLength(400);
    reason->setVisible(wantsReason);
    layout->addWidget(reason);
    layout->addWidget(
        makeCaption(wantsReason ? tr("The reason is written into certificate.json in the exported folder, and "
                                     "into the report.")
                                : tr("The export would carry no certificate. Better make the report again first."),
                    m_dialog));
    auto* back = makeButton(tr("Do not export"), {}, m_dialog);
    auto* go = makeButton(wantsReason ? tr("Export all the same…") : tr("Export without it…"),
                          QStringLiteral("warning"), m_dialog);
    go->setEnabled(!wantsReason);
    connect(reason, &QLineEdit::textChanged, go,
            [go](const QString& text) { go->setEnabled(!text.trimmed().isEmpty()); });
    connect(back, &QPushButton::clicked, m_dialog, &QDialog::reject);
    connect(go, &QPushButton::clicked, m_dialog, &QDialog::accept);
    connect(m_dialog, &QDialog::accepted, this,
            [this, reason, wantsReason] { wantsReason ? overrule(reason->text().trimmed()) : cleared(m_packed, {}); });
    auto* buttons = new QHBoxLayout;
    tighten(buttons, space::kSmall);
    buttons->addStretch();
    buttons->addWidget(back);
    buttons->addWidget(go);
    layout->addLayout(buttons);
    back->setDefault(true);
    m_dialog->open();
    (wantsReason ? static_cast<QWidget*>(reason) : back)->setFocus();
}

/// The engine writes the certificate again, with the reason; what it measured is kept, so this is quick.
void ExportGate::overrule(const QString& reason)
{
    m_report->spec.overrideReason = toUtf8(reason);
    m_report->spec.html = toUtf8(m_place + QStringLiteral("/overruled.html"));
    const Json latency = m_report->certificate.value("latency", Json());
    if (latency.is_object())
        m_report->spec.latency = toUtf8(m_place + QStringLiteral("/overruled-latency.json"));
    inBackground(
        this,
        [latency, path = m_report->spec.latency] {
            return errorOf(path.empty() ? Result<void>() : writeFileAtomic(path, json::dump(latency)));
        },
        [this](const std::optional<Error>& error) {
            if (error)
                Q_EMIT failed({*error, false, {}});
            else
                m_job.start(m_service, m_report->spec);
        });
}

void ExportGate::clear(const Json& certificate)
{
    const QString file = m_place + QStringLiteral("/certificate.json");
    inBackground(
        this, [file, certificate] { return errorOf(writeFileAtomic(toUtf8(file), json::dumpPretty(certificate))); },
        [this, file](const std::optional<Error>& error) {
            if (error)
                Q_EMIT failed({*error, false, {}});
            else
                Q_EMIT cleared(m_packed, file);
        });
}

} // namespace sa::ui
