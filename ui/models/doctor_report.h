// SPDX-License-Identifier: GPL-3.0-or-later
// The result of a `doctor` job (docs/PROTOCOL.md) as a value for pages and models.
#pragma once

#include "core/base/json.h"

#include <QString>

#include <cstdint>
#include <optional>
#include <vector>

namespace sa::ui
{

/// In the order in which people want to see them.
enum class CheckStatus { Failed, Warning, Passed };

struct Check {
    QString id;     ///< "tokenizer": the same for every model
    QString title;  ///< never empty
    QString detail; ///< what was found
    QString remedy; ///< what to do, or empty
    CheckStatus status = CheckStatus::Passed;
};

struct DoctorReport {
    std::vector<Check> checks; ///< in the order in which they were made
    int passed = 0, warnings = 0, failed = 0;

    /// Of a quantize job with default settings, as far as they could be made.
    std::optional<std::uint64_t> memoryBytes, residentBytes, diskBytes;
    std::optional<double> seconds;

    int needAttention() const { return warnings + failed; }
    /// "11 passed, 1 to look at, none failed"
    QString summary() const;
};

/// The worker is not trusted: every member is checked, the number of checks is bounded, and the counts are those of the
/// list.
Result<DoctorReport> parseDoctorReport(const Json& result);

} // namespace sa::ui
