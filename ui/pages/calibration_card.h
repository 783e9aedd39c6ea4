// SPDX-License-Identifier: GPL-3.0-or-later
// Which text the quantizer looks at, and how much of it.
#pragma once

#include "core/protocol/job_spec.h"
#include "ui/widgets/form_card.h"

namespace sa::ui
{

class FileListEdit;

class CalibrationCard final : public FormCard
{
    Q_OBJECT
public:
    explicit CalibrationCard(QWidget* parent = nullptr);

    /// Tokens that the model can read; 0: unknown.
    void setPositions(int positions);
    void applyTo(QuantizeSpec& spec) const;
    void setWindows(int samples, int seqlen);

Q_SIGNALS:
    void changed();

private:
    FileListEdit* m_files;
    QSpinBox *m_samples, *m_seqlen, *m_seed;
};

} // namespace sa::ui
