// SPDX-License-Identifier: GPL-3.0-or-later
// The filters ("x | trim") and tests ("x is defined") that chat templates use.
#pragma once

#include "core/chat/jinja_access.h"

namespace sa::jinja
{

bool isFilter(const std::string& name);
bool isTest(const std::string& name);

/// As in jinja2, a name that is not known fails only where it is used.
Result<Value> applyFilter(const std::string& name, const Value& input, const Arguments& arguments, Budget& budget);
Result<bool> applyTest(const std::string& name, const Value& input, const Arguments& arguments);

} // namespace sa::jinja
