// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/cockpit/plan_memory.h"

#include "core/alloc/json_fields.h"
#include "core/base/atomic_file.h"
#include "ui/async.h"
#include "ui/text.h"

#include <QCryptographicHash>
#include <QDir>
#include <QFileInfo>
#include <QUndoStack>

namespace sa::ui
{

namespace
{

constexpr const char* kFormat = "shiftadd-demands";
constexpr int kVersion = 1;
constexpr int kPauseMs = 300; // edits in quick succession are written once
constexpr int kNameCharacters = 32;

/// The fingerprint is the worker's word, so it is no part of a path.
QString fileOf(const QString& folder, const QString& model, const QString& mode)
{
    const QByteArray key = (model + QChar(u'\n') + mode).toUtf8();
    const QByteArray name = QCryptographicHash::hash(key, QCryptographicHash::Sha256).toHex().left(kNameCharacters);
    return QDir(folder).filePath(QString::fromLatin1(name) + QStringLiteral(".json"));
}

Json toJson(const PlanInputs& inputs)
{
    return {{"format", kFormat},
            {"version", kVersion},
            {"rule", name(inputs.rule)},
            {"budget_bytes", inputs.budget},
            {"constraints", sa::toJson(inputs.constraints)}};
}

Result<PlanInputs> read(const std::string& path)
{
    SA_TRY(const Json json, json::parseFile(path));
    const JsonField file(json, path);
    SA_CHECK(checkFormat(file, kFormat, kVersion));
    SA_CHECK(refuseUnknownMembers(file, {"format", "version", "rule", "budget_bytes", "constraints"}));
    PlanInputs out;
    SA_TRY(const JsonField rule, file.at("rule"));
    SA_TRY(const std::string ruleText, rule.asString());
    const auto known = ruleFromName(ruleText);
    if (!known)
        return rule.wrong("the name of a rule");
    out.rule = *known;
    SA_TRY(out.budget, unsignedAt(file, "budget_bytes"));
    SA_TRY(const JsonField constraints, file.at("constraints"));
    SA_TRY(out.constraints, constraintsFromJson(constraints));
    return out;
}

Result<void> write(const QString& path, const PlanInputs& inputs)
{
    const QString folder = QFileInfo(path).path();
    if (!QDir().mkpath(folder))
        return makeError(Errc::Io, "the folder of the last demands cannot be made").in(toUtf8(folder));
    return writeFileAtomic(toUtf8(path), json::dumpPretty(toJson(inputs)));
}

struct Recalled {
    std::optional<PlanInputs> inputs;
    std::optional<Error> error; ///< of a file that is there
};

} // namespace

PlanMemory::PlanMemory(AllocationDocument& document)
    : m_document(document)
{
    m_pool.setMaxThreadCount(1);
    m_timer.setSingleShot(true);
    m_timer.setInterval(kPauseMs);
    connect(&m_timer, &QTimer::timeout, this, [this] {
        if (m_document.isDragging()) // its end is one edit
            m_timer.start();
        else
            save();
    });
    connect(&document, &AllocationDocument::reset, this, &PlanMemory::onReset);
    connect(&document, &AllocationDocument::inputsChanged, this, &PlanMemory::onEdited);
    connect(document.undoStack(), &QUndoStack::indexChanged, this, &PlanMemory::onEdited);
}

PlanMemory::~PlanMemory()
{
    flush();
}

void PlanMemory::setModel(const QString& fingerprint)
{
    flush();
    m_model = fingerprint;
    m_file.clear();
}

void PlanMemory::setMode(const QString& mode)
{
    if (mode == m_mode)
        return;
    flush();
    m_mode = mode;
    recall();
}

/// Whatever the undo stack did on the way to other linears was no edit.
void PlanMemory::onReset()
{
    m_timer.stop();
    m_steps = 0;
    recall();
}

void PlanMemory::recall()
{
    ++m_generation;
    m_file.clear();
    m_editedEarly = false;
    if (m_folder.isEmpty() || m_model.isEmpty() || m_mode.isEmpty() || m_document.isEmpty())
        return;
    const QString file = fileOf(m_folder, m_model, m_mode);
    inBackground(
        this,
        [file] {
            Recalled out;
            if (!QFileInfo::exists(file))
                return out;
            if (auto inputs = read(toUtf8(file)))
                out.inputs = std::move(*inputs);
            else
                out.error = std::move(inputs).error();
            return out;
        },
        [this, file, generation = m_generation](Recalled&& recalled) {
            if (generation != m_generation)
                return;
            m_file = file;
            m_kept = recalled.inputs.value_or(PlanInputs());
            if (!isUntouched()) {
                if (m_editedEarly)
                    m_timer.start();
                return;
            }
            if (recalled.inputs)
                recalled.error = errorOf(m_document.restore(*recalled.inputs));
            if (recalled.error)
                Q_EMIT noted({"warning", "the last demands on this model's plan are not brought back: " +
                                             recalled.error->sentence()});
            else if (m_document.undoStack()->count() > m_steps)
                Q_EMIT noted({"info", "the last demands on this model's plan are back; undo takes them away"});
            m_steps = m_document.undoStack()->count();
        },
        m_pool);
}

bool PlanMemory::isUntouched() const
{
    const QUndoStack& undo = *m_document.undoStack();
    return undo.count() == m_steps && undo.index() == m_steps && !m_document.isDragging();
}

void PlanMemory::onEdited()
{
    if (m_file.isEmpty())
        m_editedEarly = true;
    else
        m_timer.start();
}

void PlanMemory::save()
{
    // Where all is undone, nothing is demanded: the budget is only what the model happens to start with.
    const PlanInputs demands = m_document.undoStack()->index() == 0 ? PlanInputs() : m_document.inputs();
    if (demands == m_kept)
        return;
    m_kept = demands;
    inBackground(
        this, [file = m_file, demands] { return errorOf(write(file, demands)); },
        [this](const std::optional<Error>& error) {
            if (error)
                Q_EMIT noted({"warning", "the demands on this model's plan could not be kept: " + error->sentence()});
        },
        m_pool);
}

void PlanMemory::flush()
{
    if (!m_timer.isActive())
        return;
    m_timer.stop();
    save();
}

} // namespace sa::ui
