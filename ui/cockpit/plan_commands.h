// SPDX-License-Identifier: GPL-3.0-or-later
// The jobs of the bit budget page as specs and as command lines.
#pragma once

#include "core/protocol/job_spec.h"
#include "ui/cockpit/allocation_document.h"
#include "ui/models/model_summary.h"

#include <QList>
#include <QStringList>

namespace sa::ui
{

/// An analysis with the quantizer that `settings` describe. It looks at less text than a run: that is what the
/// analysis has as its own default.
AnalyzeSpec analyzeSpec(const ModelSummary& model, const QuantizeSpec& settings);

struct PlanCommands {
    QList<QStringList> commands;
    QString remark; ///< what has to be done besides, or empty
};

/// analyze, allocate, quantize: what gives the present plan from a terminal. The command line links projections in
/// every block; where single layers are linked otherwise, the plan has to come from a file.
PlanCommands planCommands(const AllocationDocument& document, const AnalyzeSpec& analysis,
                          const QuantizeSpec& settings);

} // namespace sa::ui
