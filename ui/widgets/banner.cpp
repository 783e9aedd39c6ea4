// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/banner.h"

#include "ui/style/icons.h"
#include "ui/text.h"
#include "ui/widgets/icon_label.h"
#include "ui/widgets/parts.h"

#include <QClipboard>
#include <QGridLayout>
#include <QGuiApplication>
#include <QPlainTextEdit>
#include <QToolButton>

namespace sa::ui
{

namespace
{

constexpr int kLogHeight = 132;
constexpr std::size_t kMaxLogBytes = 64 * 1024;

QString whereText(const Error& error)
{
    const QString file = shown(error.file, 1000);
    const QString place = shown(error.where);
    if (file.isEmpty() || place.isEmpty())
        return file + place;
    return file + QStringLiteral("\n") + place;
}

/// display() writes line ends as "\n"; a log is a list of lines.
QString shownLog(const QString& log)
{
    QStringList lines;
    for (const QString& line : log.right(kMaxLogBytes).split(u'\n'))
        lines += shown(line, 4096);
    return lines.join(u'\n').trimmed();
}

} // namespace

Banner::Banner(QWidget* parent)
    : QFrame(parent)
{
    setRole(this, "banner");
    setVisible(false);
    m_icon = new IconLabel(20, this);
    m_title = makeTitle({}, 1.0, this);
    m_text = makeLabel({}, this);
    for (QLabel* label : {m_title, m_text}) {
        label->setWordWrap(true);
        label->setTextInteractionFlags(Qt::TextSelectableByMouse);
    }
    auto* close = makeIconButton(QStringLiteral("close"), tr("Dismiss this message"), this);
    connect(close, &QToolButton::clicked, this, [this] {
        dismiss();
        Q_EMIT dismissed();
    });

    auto* rows = new QGridLayout;
    rows->setHorizontalSpacing(space::kMedium);
    rows->setVerticalSpacing(2);
    rows->setColumnStretch(1, 1);
    const auto addRow = [&](const QString& name) {
        Row row{makeMuted(name, this), makeLabel({}, this)};
        row.value->setWordWrap(true);
        row.value->setTextInteractionFlags(Qt::TextSelectableByMouse);
        row.name->setAlignment(Qt::AlignLeft | Qt::AlignTop);
        const int line = rows->rowCount();
        rows->addWidget(row.name, line, 0);
        rows->addWidget(row.value, line, 1);
        return row;
    };
    m_where = addRow(tr("Where"));
    m_found = addRow(tr("Found"));
    m_expected = addRow(tr("Expected"));
    m_remedy = addRow(tr("What to do"));

    m_action = makePrimaryButton({}, {}, this);
    m_copy = makeButton(tr("Copy details"), QStringLiteral("copy"), this);
    m_logToggle = new QToolButton(this);
    m_logToggle->setText(tr("The worker's last words"));
    m_logToggle->setCheckable(true);
    m_logToggle->setArrowType(Qt::RightArrow);
    m_logToggle->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    m_log = new QPlainTextEdit(this);
    m_log->setReadOnly(true);
    m_log->setAcceptDrops(false);
    m_log->setFixedHeight(kLogHeight);
    m_log->setFont(fixedFont());
    m_log->setAccessibleName(tr("The worker's last words"));
    m_action->setAccessibleName(tr("Suggested action")); // its text comes with the message
    connect(m_action, &QPushButton::clicked, this, &Banner::acted);
    connect(m_copy, &QPushButton::clicked, this, [this] { QGuiApplication::clipboard()->setText(m_details); });
    connect(m_logToggle, &QToolButton::toggled, this, [this](bool open) {
        m_logToggle->setArrowType(open ? Qt::DownArrow : Qt::RightArrow);
        m_log->setVisible(open);
    });

    auto* buttons = new QHBoxLayout;
    tighten(buttons, space::kSmall);
    buttons->addWidget(m_action);
    buttons->addWidget(m_copy);
    buttons->addWidget(m_logToggle);
    buttons->addStretch();

    auto* body = new QVBoxLayout;
    tighten(body, space::kSmall);
    auto* head = new QVBoxLayout;
    tighten(head, 2);
    head->addWidget(m_title);
    head->addWidget(m_text);
    body->addLayout(head);
    body->addLayout(rows);
    body->addLayout(buttons);
    body->addWidget(m_log);

    auto* layout = new QHBoxLayout(this);
    layout->setContentsMargins(space::kMedium, space::kMedium, space::kMedium, space::kMedium);
    layout->setSpacing(space::kMedium);
    layout->addWidget(m_icon, 0, Qt::AlignTop);
    layout->addLayout(body, 1);
    layout->addWidget(close, 0, Qt::AlignTop);
}

void Banner::showError(const QString& title, const Error& error, const QString& action)
{
    showFailure(title, JobFailure{error, false, {}}, action);
}

void Banner::showFailure(const QString& title, const JobFailure& failure, const QString& action)
{
    const Error& error = failure.error;
    setRow(m_where.name, m_where.value, whereText(error));
    setRow(m_found.name, m_found.value, shown(error.found));
    setRow(m_expected.name, m_expected.value, shown(error.expected));
    setRow(m_remedy.name, m_remedy.value, sentence(shown(error.remedy, 1000)));
    setLog(shownLog(failure.logTail));
    present(Severity::Error, title, sentence(shown(error.message, 1000)), action);
    m_copy->setVisible(true);
    m_details =
        title + QStringLiteral("\n") + fromUtf8(name(error.code)) + QStringLiteral(": ") + fromUtf8(error.sentence());
    if (!failure.logTail.isEmpty())
        m_details += QStringLiteral("\n\n") + shownLog(failure.logTail);
}

void Banner::showMessage(Severity severity, const QString& title, const QString& text, const QString& action)
{
    for (const Row& row : {m_where, m_found, m_expected, m_remedy})
        setRow(row.name, row.value, {});
    setLog({});
    present(severity, title, text, action);
    m_copy->setVisible(false);
    m_details = title + QStringLiteral("\n") + text;
}

void Banner::dismiss()
{
    setVisible(false);
    m_details.clear();
}

void Banner::setRow(QLabel* name, QLabel* value, const QString& text)
{
    value->setText(text);
    name->setVisible(!text.isEmpty());
    value->setVisible(!text.isEmpty());
}

void Banner::setLog(const QString& log)
{
    m_log->setPlainText(log);
    m_logToggle->setChecked(false);
    m_logToggle->setVisible(!log.isEmpty());
    m_log->setVisible(false);
    m_log->moveCursor(QTextCursor::End);
}

void Banner::present(Severity severity, const QString& title, const QString& text, const QString& action)
{
    switch (severity) {
    case Severity::Info:
        setTone(this, Tone::Accent);
        m_icon->setIcon(icon(QStringLiteral("info"), IconTone::Accent));
        break;
    case Severity::Warning:
        setTone(this, Tone::Warning);
        m_icon->setIcon(icon(QStringLiteral("warning"), IconTone::Warning));
        break;
    case Severity::Error:
        setTone(this, Tone::Danger);
        m_icon->setIcon(icon(QStringLiteral("error"), IconTone::Danger));
        break;
    }
    m_title->setText(title);
    m_text->setText(text);
    m_text->setVisible(!text.isEmpty());
    m_action->setText(withoutMnemonics(action));
    m_action->setVisible(!action.isEmpty());
    setAccessibleName(title);
    setAccessibleDescription(text);
    setVisible(true);
}

} // namespace sa::ui
