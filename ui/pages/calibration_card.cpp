// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/calibration_card.h"

#include "ui/text.h"
#include "ui/widgets/file_list_edit.h"
#include "ui/widgets/parts.h"

#include <QHBoxLayout>
#include <QSpinBox>

#include <algorithm>

namespace sa::ui
{

namespace
{

constexpr int kAutoWindow = 1; // the spin box's least value stands for the default of docs/PROTOCOL.md
constexpr int kDefaultWindow = 2048;
constexpr int kMaxWindow = 1'000'000;
constexpr int kMaxSamples = 99'999;
constexpr int kMaxSeed = 999'999; // the command line takes larger ones

} // namespace

CalibrationCard::CalibrationCard(QWidget* parent)
    : FormCard(tr("Calibration text"), parent)
{
    m_files = new FileListEdit(tr("Calibration text"), tr("The bundled excerpt of English Wikipedia"), this);
    m_files->setToolTip(tr("Text that is like what the model will read. The quantizer keeps what this text needs"));
    const QuantizeSpec defaults;
    m_samples = makeSpin(1, kMaxSamples, defaults.samples, tr("Samples"),
                         tr("Windows of text to look at. More is slower and a little better"), this);
    m_seqlen = makeSpin(kAutoWindow, kMaxWindow, kAutoWindow, tr("Window length"),
                        tr("Tokens in a window. Auto takes what the model can read, at most 2,048"), this);
    m_seed =
        makeSpin(0, kMaxSeed, 0, tr("Seed"), tr("Which windows are drawn. The same seed gives the same bytes"), this);
    setPositions(0);

    auto* numbers = new QWidget(this);
    auto* row = new QHBoxLayout(numbers);
    tighten(row, space::kSmall);
    const auto add = [&](const QString& name, QSpinBox* spin) {
        auto* label = makeLabel(name, numbers);
        label->setBuddy(spin);
        row->addSpacing(space::kSmall);
        row->addWidget(label);
        row->addWidget(spin, 1);
    };
    row->addWidget(m_samples, 1);
    add(tr("Window"), m_seqlen);
    add(tr("Seed"), m_seed);
    numbers->setFocusProxy(m_samples);
    addRow(tr("Files"), m_files);
    addRow(tr("Samples"), numbers);

    connect(m_files, &FileListEdit::filesChanged, this, &CalibrationCard::changed);
    for (QSpinBox* spin : {m_samples, m_seqlen, m_seed})
        connect(spin, &QSpinBox::valueChanged, this, &CalibrationCard::changed);
}

void CalibrationCard::setPositions(int positions)
{
    const int window = positions > 0 ? std::min(kDefaultWindow, positions) : kDefaultWindow;
    m_seqlen->setSpecialValueText(tr("Auto (%1)").arg(countText(window)));
    m_seqlen->setMaximum(positions > 0 ? positions : kMaxWindow);
}

void CalibrationCard::setWindows(int samples, int seqlen)
{
    m_samples->setValue(samples);
    m_seqlen->setValue(seqlen);
}

void CalibrationCard::applyTo(QuantizeSpec& spec) const
{
    spec.calibration.clear();
    for (const QString& file : m_files->files())
        spec.calibration.push_back(toUtf8(file));
    spec.samples = m_samples->value();
    spec.seqlen = m_seqlen->value() > kAutoWindow ? std::optional(m_seqlen->value()) : std::nullopt;
    spec.seed = static_cast<std::uint64_t>(m_seed->value());
}

} // namespace sa::ui
