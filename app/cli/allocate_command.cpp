// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/allocate_command.h"

#include "app/cli/format.h"
#include "core/alloc/plan.h"
#include "core/protocol/messages.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

namespace sa::cli
{

namespace
{

Error usage(const char* option, std::string message, const std::string& found, std::string expected)
{
    Error error = makeError(Errc::Usage, std::move(message)).at(option).wanted(std::move(expected));
    error.found = display(found, 60);
    return error;
}

std::optional<double> parsePositive(const std::string& text, std::string& rest)
{
    double value = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (code != std::errc() || !std::isfinite(value) || !(value > 0))
        return std::nullopt;
    rest.assign(end, text.data() + text.size());
    return value;
}

/// Budget in bytes of the linears.
Result<std::uint64_t> budgetOf(const AllocateCommand& command, const Allocator& allocator, std::uint64_t otherBytes)
{
    if (command.bits) {
        std::string rest;
        const auto bits = parsePositive(*command.bits, rest);
        if (!bits || !rest.empty())
            return usage("--bits", "this is no number of bits", *command.bits, "a number such as 2.5");
        return allocator.bytesFor(*bits);
    }
    const auto bytes = parseByteCount(*command.bytes);
    if (!bytes)
        return usage("--bytes", "this is no size", *command.bytes, "bytes, or a size such as 4.5GB or 700MiB");
    if (*bytes < otherBytes)
        return makeError(Errc::BadInput, "the tensors that are stored as they are take more than that")
            .at("--bytes")
            .butFound(*command.bytes)
            .wanted("at least " + std::to_string(otherBytes + allocator.floorBytes()) + " bytes");
    return *bytes - otherBytes;
}

Result<Constraints> constraintsOf(const AllocateCommand& command, const Sensitivity& sensitivity)
{
    std::vector<RuleText> texts;
    for (const std::string& text : command.excludes)
        texts.push_back({RuleText::Kind::Exclude, text});
    for (const std::string& text : command.ranges)
        texts.push_back({RuleText::Kind::Range, text});
    for (const std::string& text : command.pins)
        texts.push_back({RuleText::Kind::Pin, text});
    Constraints out;
    SA_TRY(out.rules, resolveRules(sensitivity, texts));
    for (const std::string& link : command.links) {
        std::vector<std::vector<std::string>> groups = linksBySharedInput(sensitivity);
        if (link != "shared") {
            std::vector<std::string> words;
            for (std::size_t at = 0; at <= link.size();) {
                const std::size_t end = std::min(link.find(',', at), link.size());
                words.push_back(link.substr(at, end - at));
                at = end + 1;
            }
            SA_TRY(groups, linksByProjection(sensitivity, words));
        }
        out.links.insert(out.links.end(), groups.begin(), groups.end());
    }
    return out;
}

Json resultOf(const Plan& plan, const Allocator& allocator, const std::optional<std::string>& out)
{
    const auto uniform = allocator.uniformInterpolated(plan.bytes);
    return {{"plan", out ? Json(*out) : Json()},
            {"rule", name(plan.rule)},
            {"objective", name(plan.objective)},
            {"is", name(plan.provenance)},
            {"bits_per_weight", plan.bitsPerWeight()},
            {"bytes", plan.bytes},
            {"budget_bytes", plan.budgetBytes},
            {"file_bytes", plan.bytes + plan.otherBytes},
            {"floor_bytes", allocator.floorBytes()},
            {"ceiling_bytes", allocator.ceilingBytes()},
            {"cost", plan.cost},
            {"gap", plan.rule == Rule::Optimal ? Json(plan.gap) : Json()},
            {"uniform_cost", uniform ? Json(*uniform) : Json()},
            {"layers", plan.bits}};
}

/// Blocks down, projections across.
std::string grid(const Sensitivity& sensitivity, const Plan& plan)
{
    std::vector<std::string> projections;
    std::map<int, std::map<std::string, std::string>> cells;
    for (const LinearSensitivity& linear : sensitivity.linears) {
        if (std::find(projections.begin(), projections.end(), linear.projection) == projections.end())
            projections.push_back(linear.projection);
        std::string& cell = cells[linear.block][linear.projection];
        cell += (cell.empty() ? "" : " ") + std::to_string(plan.bits.at(linear.name));
    }
    Table table;
    table.column("Block", Table::Align::Right);
    for (const std::string& projection : projections)
        table.column(shortened(display(projection), 20), Table::Align::Right);
    for (auto& [block, row] : cells) {
        std::vector<std::string> texts{std::to_string(block)};
        for (const std::string& projection : projections)
            texts.push_back(row[projection]);
        table.row(std::move(texts));
    }
    return table.text();
}

std::string unitOf(Objective objective)
{
    return objective == Objective::Damage  ? " nats a token, summed over layers"
           : objective == Objective::Error ? " relative error, summed over layers"
                                           : " from the weights alone";
}

std::string textOf(const Sensitivity& sensitivity, const Plan& plan, const Allocator& allocator)
{
    const auto bits = [&](std::uint64_t bytes) { return formatNumber(allocator.bitsPerWeight(bytes), 5); };
    const auto bytes = [](std::uint64_t count) { return formatBytes(static_cast<double>(count)); };
    std::vector<std::pair<std::string, std::string>> lines;
    const bool isOptimal = plan.rule == Rule::Optimal;
    lines.emplace_back("Rule",
                       std::string(name(plan.rule)) + (!isOptimal      ? ""
                                                       : plan.gap == 0 ? ", proven"
                                                                       : ", within " + formatNumber(plan.gap, 3)));
    lines.emplace_back("Bits per weight", bits(plan.bytes) + " of " + bits(plan.budgetBytes) +
                                              " allowed; possible are " + bits(allocator.floorBytes()) + " to " +
                                              bits(allocator.ceilingBytes()));
    lines.emplace_back("Size", bytes(plan.bytes) + ", with the other tensors " + bytes(plan.bytes + plan.otherBytes));
    lines.emplace_back("Predicted damage",
                       formatNumber(plan.cost, 4) + unitOf(plan.objective) + " (" + name(plan.provenance) + ")");
    if (const auto uniform = allocator.uniformInterpolated(plan.bytes))
        lines.emplace_back("Uniform, same size", formatNumber(*uniform, 4));
    std::map<int, int> counts;
    for (const auto& [linear, width] : plan.bits)
        ++counts[width];
    std::string widths;
    for (const auto& [width, count] : counts)
        widths += (widths.empty() ? "" : ", ") + std::to_string(count) + " at " + std::to_string(width);
    lines.emplace_back("Layers", widths);
    return labelled(lines) + "\n" + grid(sensitivity, plan);
}

} // namespace

std::optional<std::uint64_t> parseByteCount(const std::string& text)
{
    constexpr std::pair<const char*, double> kUnits[] = {
        {"", 1},      {"B", 1},        {"kB", 1e3},     {"KB", 1e3},     {"MB", 1e6},    {"GB", 1e9},
        {"TB", 1e12}, {"KiB", 0x1p10}, {"MiB", 0x1p20}, {"GiB", 0x1p30}, {"TiB", 0x1p40}};
    std::string unit;
    const auto value = parsePositive(text, unit);
    if (!value)
        return std::nullopt;
    unit.erase(0, std::min(unit.find_first_not_of(' '), unit.size()));
    for (const auto& [known, factor] : kUnits)
        if (unit == known && *value * factor < 0x1p60)
            return static_cast<std::uint64_t>(*value * factor);
    return std::nullopt;
}

Result<std::string> runAllocateCommand(const AllocateCommand& command)
{
    if (command.bits.has_value() == command.bytes.has_value())
        return makeError(Errc::Usage, command.bits ? "only one budget can be kept" : "a budget is required")
            .wanted("--bits or --bytes")
            .tryThis("See shiftadd allocate --help");
    const auto rule = ruleFromName(command.rule);
    if (!rule || *rule == Rule::Manual)
        return usage("--rule", "there is no such rule", command.rule, "optimal, sort-and-cut, per-layer or uniform");
    std::optional<Objective> objective;
    if (command.objective) {
        objective = objectiveFromName(*command.objective);
        if (!objective)
            return usage("--objective", "there is no such objective", *command.objective,
                         "damage, error or weight-score");
    }
    SA_TRY(const Sensitivity sensitivity, readSensitivity(command.sensitivity));
    SA_TRY(const Constraints constraints, constraintsOf(command, sensitivity));
    SA_TRY(const Allocator allocator, Allocator::create(sensitivity, constraints, objective));
    SA_TRY(const std::uint64_t budget, budgetOf(command, allocator, sensitivity.otherBytes));
    SA_TRY(const Allocation allocation, allocator.allocate(*rule, budget));
    const Plan plan = makePlan(sensitivity, constraints, allocator, allocation);
    if (command.out)
        SA_CHECK(writePlan(*command.out, plan));
    if (command.json)
        return eventLine(0, toJson(JobResult{resultOf(plan, allocator, command.out)}));
    return textOf(sensitivity, plan, allocator) +
           (command.out ? "\nWritten to " + display(*command.out, 1000) + "\n" : "");
}

} // namespace sa::cli
