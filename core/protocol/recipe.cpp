// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/protocol/recipe.h"

namespace sa
{

Json recipeOf(const QuantizeSpec& spec)
{
    Json recipe = toJson(JobSpec(spec));
    if (spec.method == QuantizeSpec().method) {
        for (const char* member :
             {"model", "out", "calibration", "threads", "device", "options", "plan", "resume", "restart"})
            recipe.erase(member);
        recipe["rescale"] = spec.rescales(); // what was left to the mode is written out
        recipe["rotate"] = spec.rotates();
        recipe["refinements"] = spec.refinementPasses();
        return recipe;
    }
    Json out = Json::object();
    for (const char* member : {"method", "options", "samples", "seqlen", "seed"})
        out[member] = recipe[member];
    return out;
}

Result<Json> readRecipe(const std::string& path)
{
    SA_TRY(Json recipe, json::parseFile(path));
    const JsonField field(recipe, path);
    SA_TRY(const auto members, field.members());
    const Json known = toJson(JobSpec(QuantizeSpec()));
    for (const auto& [key, member] : members) {
        if (known.contains(key))
            continue;
        std::string expected;
        for (const auto& entry : known.items())
            expected += (expected.empty() ? "" : ", ") + entry.key();
        return makeError(Errc::BadFormat, "a recipe has no such option").in(path).at(display(key, 60)).wanted(expected);
    }
    return recipe;
}

} // namespace sa
