// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/alloc/plan.h"

#include "core/alloc/json_fields.h"
#include "core/base/atomic_file.h"

namespace sa
{

namespace
{

constexpr const char* kFormat = "shiftadd-plan";

template<class T>
Result<T> namedAt(const JsonField& object, const char* key, T fallback,
                  std::optional<T> (*fromName)(const std::string&), const char* expected)
{
    const auto field = object.find(key);
    if (!field)
        return fallback;
    SA_TRY(const std::string text, field->asString());
    const auto value = fromName(text);
    if (!value)
        return field->wrong(expected);
    return *value;
}

Result<std::uint64_t> bytesAt(const JsonField& object, const char* key)
{
    SA_TRY(const std::int64_t bytes, object.intOr(key, 0, 0, kMaxStoredBytes));
    return static_cast<std::uint64_t>(bytes);
}

} // namespace

Plan makePlan(const Sensitivity& sensitivity, const Constraints& constraints, const Allocator& allocator,
              const Allocation& allocation)
{
    Plan out;
    out.model = sensitivity.model;
    out.sensitivitySha256 = identityOf(sensitivity);
    out.settings = sensitivity.settings;
    out.rule = allocation.rule;
    out.objective = allocator.objective();
    out.provenance = allocator.provenance();
    out.constraints = constraints;
    for (std::size_t i = 0; i < allocation.bits.size(); ++i)
        out.bits[sensitivity.linears[i].name] = allocation.bits[i];
    out.weights = sensitivity.weights();
    out.budgetBytes = allocation.budget;
    out.bytes = allocation.bytes;
    out.otherBytes = sensitivity.otherBytes;
    out.cost = allocation.cost;
    out.lowerBound = allocation.lowerBound;
    out.gap = allocation.gap;
    return out;
}

Json toJson(const Plan& plan)
{
    Json predicted{{"objective", name(plan.objective)}, {"is", name(plan.provenance)}, {"cost", plan.cost}};
    if (plan.rule == Rule::Optimal) {
        predicted["lower_bound"] = plan.lowerBound;
        predicted["gap"] = plan.gap;
    }
    Json out{{"format", kFormat},
             {"version", Plan::kVersion},
             {"model", toJson(plan.model)},
             {"settings", plan.settings},
             {"rule", name(plan.rule)},
             {"constraints", toJson(plan.constraints)},
             {"layers", plan.bits},
             {"weights", plan.weights},
             {"bytes", plan.bytes},
             {"other_bytes", plan.otherBytes},
             {"predicted", std::move(predicted)}};
    if (!plan.sensitivitySha256.empty())
        out["sensitivity_sha256"] = plan.sensitivitySha256;
    if (plan.budgetBytes > 0)
        out["budget_bytes"] = plan.budgetBytes;
    return out;
}

Result<Plan> planFromJson(const JsonField& field)
{
    SA_CHECK(checkFormat(field, kFormat, Plan::kVersion));
    SA_CHECK(refuseUnknownMembers(field, {"format", "version", "model", "sensitivity_sha256", "settings", "rule",
                                          "constraints", "layers", "weights", "budget_bytes", "bytes", "other_bytes",
                                          "predicted"}));
    Plan out;
    if (const auto model = field.find("model")) {
        SA_TRY(out.model, modelFrom(*model));
    }
    if (const auto identity = field.find("sensitivity_sha256")) {
        SA_TRY(out.sensitivitySha256, sha256Text(*identity));
    }
    if (const auto settings = field.find("settings")) {
        if (!settings->isObject())
            return settings->wrong("an object");
        out.settings = settings->raw();
    }
    SA_TRY(out.rule,
           namedAt(field, "rule", out.rule, ruleFromName, "optimal, sort-and-cut, per-layer, uniform or manual"));
    if (const auto constraints = field.find("constraints")) {
        SA_TRY(out.constraints, constraintsFromJson(*constraints));
    }
    SA_TRY(const JsonField layers, field.at("layers"));
    SA_TRY(const auto members, layers.members());
    if (members.empty() || members.size() > kMaxLinears)
        return layers.wrong("the bits of every linear layer, by name");
    for (const auto& [linear, bits] : members) {
        SA_TRY(out.bits[linear], bitsFrom(bits));
    }
    SA_TRY(out.weights, bytesAt(field, "weights"));
    SA_TRY(out.budgetBytes, bytesAt(field, "budget_bytes"));
    SA_TRY(out.bytes, bytesAt(field, "bytes"));
    SA_TRY(out.otherBytes, bytesAt(field, "other_bytes"));
    if (const auto predicted = field.find("predicted")) {
        SA_CHECK(refuseUnknownMembers(*predicted, {"objective", "is", "cost", "lower_bound", "gap"}));
        SA_TRY(out.objective,
               namedAt(*predicted, "objective", out.objective, objectiveFromName, "damage, error or weight-score"));
        SA_TRY(out.provenance, namedAt(*predicted, "is", out.provenance, provenanceFromName,
                                       "missing, estimated, measured, stale or failed"));
        SA_TRY(out.cost, predicted->doubleOr("cost", 0, -1e300, 1e300));
        SA_TRY(out.lowerBound, predicted->doubleOr("lower_bound", 0, -1e300, 1e300));
        SA_TRY(out.gap, predicted->doubleOr("gap", 0, 0, 1e300));
    }
    return out;
}

Result<Plan> readPlan(const std::string& path)
{
    SA_TRY(const Json file, json::parseFile(path));
    return planFromJson(JsonField(file, path));
}

Result<void> writePlan(const std::string& path, const Plan& plan)
{
    return writeFileAtomic(path, json::dumpPretty(toJson(plan)));
}

} // namespace sa
