// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/check_card.h"

#include "ui/jobs/bundled_files.h"
#include "ui/text.h"
#include "ui/widgets/parts.h"
#include "ui/widgets/path_edit.h"

#include <QCheckBox>
#include <QHBoxLayout>
#include <QSpinBox>

#include <algorithm>

namespace sa::ui
{

namespace
{

constexpr int kDefaultWindows = 40;
constexpr int kWindow = 512; // the length that the reference figures are measured with

} // namespace

CheckCard::CheckCard(QWidget* parent)
    : FormCard(tr("Quality check"), parent)
{
    m_wanted = new QCheckBox(tr("Measure perplexity before and after"), this);
    m_wanted->setChecked(true);
    m_wanted->setToolTip(tr("Perplexity says how surprised the model is by real text. Lower is better"));
    m_text = new PathEdit(PathEdit::Kind::File, tr("Text to measure on"), this);
    m_text->setPlaceholder(tr("The bundled excerpt of English Wikipedia"));
    m_windows = makeSpin(1, 99'999, kDefaultWindows, tr("Windows"),
                         tr("Parts of the text that are read. More is slower and more certain"), this);
    m_raw = new QCheckBox(tr("Raw WikiText file"), this);
    m_raw->setToolTip(tr("Joins the lines of a wiki.*.raw file the way published figures are measured"));
    auto* numbers = new QWidget(this);
    auto* row = new QHBoxLayout(numbers);
    tighten(row, space::kSmall);
    row->addWidget(m_windows);
    row->addWidget(makeMuted(tr("windows of %1 tokens").arg(kWindow), numbers));
    row->addStretch();
    row->addWidget(m_raw);
    numbers->setFocusProxy(m_windows);
    addWide(m_wanted);
    addRow(tr("Text"), m_text);
    addRow(tr("Quick check"), numbers);

    connect(m_wanted, &QCheckBox::toggled, this, [this, numbers](bool on) {
        m_text->setEnabled(on);
        numbers->setEnabled(on);
        Q_EMIT changed();
    });
    connect(m_text, &PathEdit::pathChanged, this, [this] {
        followText();
        Q_EMIT changed();
    });
    followText();
}

void CheckCard::followText()
{
    m_raw->setChecked(isRawWikiText(text()));
    m_raw->setEnabled(!m_text->path().isEmpty()); // of the bundled text it is known
}

QString CheckCard::text() const
{
    const QString chosen = m_text->path().trimmed();
    return chosen.isEmpty() ? bundledEvaluationText() : chosen;
}

bool CheckCard::isWanted() const
{
    return m_wanted->isChecked();
}

bool CheckCard::isComplete() const
{
    return !isWanted() || !text().isEmpty();
}

void CheckCard::setWindows(int windows)
{
    m_windows->setValue(windows);
}

EvaluateSpec CheckCard::evaluation(int positions) const
{
    EvaluateSpec spec;
    spec.text = toUtf8(text());
    spec.join = m_raw->isChecked() ? "raw" : "none";
    spec.seqlen = positions > 0 ? std::min(kWindow, positions) : kWindow;
    spec.maxWindows = m_windows->value();
    return spec;
}

} // namespace sa::ui
