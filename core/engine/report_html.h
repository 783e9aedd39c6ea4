// SPDX-License-Identifier: GPL-3.0-or-later
// A certificate as one page: no scripts, nothing loaded from elsewhere, pictures as SVG, made for screens and paper.
#pragma once

#include "core/base/json.h"

#include <string>

namespace sa
{

/// Every number on the page is taken from the certificate (docs/evaluation.md); texts are escaped.
std::string reportHtml(const Json& certificate);

} // namespace sa
