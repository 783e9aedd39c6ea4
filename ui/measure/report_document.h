// SPDX-License-Identifier: GPL-3.0-or-later
// The engine's report page as a document of Qt: for the preview, the printer and PDF. Drawings stay vectors.
#pragma once

#include "core/base/result.h"

#include <QTextDocument>

#include <memory>

namespace sa::ui
{

inline constexpr int kReportWidth = 720; ///< pixels of the preview's text

/// Dark on white whatever the theme: it is paper.
std::unique_ptr<QTextDocument> makeReportDocument(const QString& html);
/// A4. Needs no screen.
Result<void> saveReportPdf(const QString& html, const QString& path);

} // namespace sa::ui
