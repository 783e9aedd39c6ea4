// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/compare/generate_figures.h"

#include "ui/text.h"

#include <limits>

namespace sa::ui
{

namespace
{

double positive(const JsonField& object, const char* key)
{
    const auto value = object.doubleOr(key, 0, 0, std::numeric_limits<double>::max());
    return value && *value > 0 ? *value : kNoNumber;
}

} // namespace

void takeFigures(const Json& result, Answer& answer)
{
    const JsonField root(result, {}, "result");
    if (const double speed = positive(root, "tokens_per_second"); speed > 0)
        answer.tokensPerSecond = speed;
    answer.firstTokenSeconds = positive(root, "first_token_seconds");
    if (const auto end = root.stringOr("stop", {}))
        answer.end = shown(*end, 40);
    if (const auto memory = root.find("memory"); memory && memory->isObject())
        if (const double bytes = positive(*memory, "resident_bytes"); bytes > 0 && bytes < 1e18)
            answer.memoryBytes = static_cast<std::uint64_t>(bytes);
}

} // namespace sa::ui
