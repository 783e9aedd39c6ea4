// SPDX-License-Identifier: GPL-3.0-or-later
// The options of the commands that have many, with their defaults in their help.
#pragma once

#include "app/cli/command.h"

namespace sa::cli
{

void describeAnalyze(Command& command);
void describeQuantize(Command& command);
void describeEvaluate(Command& command);
void describeReport(Command& command);
void describeLatency(Command& command);
void describeGenerate(Command& command);

} // namespace sa::cli
