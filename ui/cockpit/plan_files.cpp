// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/cockpit/plan_files.h"

#include "core/base/atomic_file.h"
#include "core/base/sha256.h"
#include "ui/async.h"
#include "ui/dialogs.h"
#include "ui/plots/pareto_plot.h"
#include "ui/text.h"

#include <QDir>
#include <QMenu>
#include <QPointer>

namespace sa::ui
{

namespace
{

struct Stored {
    QString path;
    std::optional<Error> error;
};

/// A file name that any system takes.
QString plainName(const std::string& name)
{
    QString out;
    for (const QChar c : fromUtf8(name))
        out += c.isLetterOrNumber() || c == u'-' || c == u'_' || c == u'.' ? c : QChar(u'-');
    return out.isEmpty() || out.startsWith(u'.') ? QStringLiteral("model") + out : out.left(80);
}

} // namespace

PlanFiles::PlanFiles(AllocationDocument& document, ParetoPlot& plot, QWidget* window)
    : QObject(window)
    , m_document(document)
    , m_plot(plot)
    , m_window(window)
{
}

void PlanFiles::addTo(QMenu& menu)
{
    const auto add = [this, &menu](const QString& text, const QString& meaning, auto act) {
        QAction* action = menu.addAction(text);
        action->setToolTip(meaning);
        connect(action, &QAction::triggered, this, act);
        return action;
    };
    add(tr("Save plan…"), tr("A small file that “shiftadd quantize --plan” takes too"),
        [this] { ask(tr("Save the plan"), tr("plan.json"), tr("Plans (*.json)"), true, &PlanFiles::savePlan); });
    add(tr("Load plan…"), tr("Takes over the demands, rule and budget of a plan of this model"),
        [this] { ask(tr("Load a plan"), {}, tr("Plans (*.json)"), false, &PlanFiles::loadPlan); });
    menu.addSeparator();
    add(tr("Export the figures…"), tr("All that was measured, as JSON or as a table (CSV)"), [this] {
        ask(tr("Export the figures"), tr("sensitivity.json"), tr("JSON (*.json);;Table (*.csv)"), true,
            &PlanFiles::exportFigures);
    });
    add(tr("Export the plot…"), tr("Size against damage, as a picture"), [this] {
        ask(tr("Export the plot"), tr("trade-off.png"), tr("Picture (*.png);;Drawing (*.svg)"), true,
            &PlanFiles::exportPlot);
    });
}

void PlanFiles::ask(const QString& title, const QString& name, const QString& filter, bool save,
                    void (PlanFiles::*then)(const QString&))
{
    askForFile(m_window, title, name, filter, save, [self = QPointer(this), then](const QString& path) {
        if (self)
            (self->*then)(path);
    });
}

template<class Work> void PlanFiles::write(const QString& title, const QString& path, Work work)
{
    inBackground(this, std::move(work), [this, title, path](const std::optional<Error>& error) {
        if (error)
            Q_EMIT failed(title, *error);
        else
            Q_EMIT written(path);
    });
}

void PlanFiles::savePlan(const QString& path)
{
    const auto plan = m_document.plan();
    if (!plan)
        return Q_EMIT failed(tr("The plan was not saved"),
                             makeError(Errc::BadInput, toUtf8(tr("there is no plan for the present demands"))));
    write(tr("The plan was not saved"), path, [plan = *plan, path] { return errorOf(writePlan(toUtf8(path), plan)); });
}

void PlanFiles::loadPlan(const QString& path)
{
    struct Loaded {
        std::optional<Plan> plan;
        std::optional<Error> error;
    };
    inBackground(
        this,
        [path] {
            Loaded loaded;
            auto plan = readPlan(toUtf8(path));
            if (plan)
                loaded.plan = std::move(*plan);
            else
                loaded.error = std::move(plan).error();
            return loaded;
        },
        [this, path](const Loaded& loaded) {
            std::optional<Error> error = loaded.error;
            if (loaded.plan)
                error = errorOf(m_document.adopt(*loaded.plan));
            if (error)
                Q_EMIT failed(tr("The plan was not loaded"), std::move(*error).in(toUtf8(path)));
        });
}

void PlanFiles::exportFigures(const QString& path)
{
    const bool csv = path.endsWith(QLatin1String(".csv"), Qt::CaseInsensitive);
    write(tr("The figures were not exported"), path, [sensitivity = m_document.sensitivity(), path, csv] {
        return errorOf(csv ? writeFileAtomic(toUtf8(path), sensitivityCsv(sensitivity))
                           : writeSensitivity(toUtf8(path), sensitivity));
    });
}

void PlanFiles::exportPlot(const QString& path)
{
    if (auto saved = m_plot.save(path); !saved)
        Q_EMIT failed(tr("The plot was not exported"), saved.error());
    else
        Q_EMIT written(path);
}

void PlanFiles::store(const Plan& plan, const QString& folder)
{
    inBackground(
        this,
        [plan, folder] {
            const QString digest = fromUtf8(sha256Of(json::dump(toJson(plan)))).left(12);
            const QString name =
                QStringLiteral("%1-%2bit-%3.json")
                    .arg(plainName(plan.model.name), QString::number(plan.bitsPerWeight(), 'f', 2), digest);
            const QString path = QDir(folder).filePath(name);
            if (!QDir().mkpath(folder))
                return Stored{path, makeError(Errc::Io, "the folder for plans cannot be made").in(toUtf8(folder))};
            return Stored{path, errorOf(writePlan(toUtf8(path), plan))};
        },
        [this, plan](const Stored& storing) {
            if (storing.error)
                Q_EMIT failed(tr("The plan could not be kept"), *storing.error);
            else
                Q_EMIT stored(storing.path, plan);
        });
}

} // namespace sa::ui
