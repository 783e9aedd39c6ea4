// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/analysis.h"

#include "core/base/sha256.h"
#include "core/engine/progress.h"
#include "core/engine/weight_score.h"
#include "core/protocol/messages.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

namespace sa
{

namespace
{

/// Of what decides a figure in this folder; a cache of another version is not used.
constexpr int kAlgorithmVersion = 1;
constexpr std::size_t kOutlierChannels = 16;
constexpr double kOutlierRatio = 2.0;

/// Two bits first: where plans below three bits are decided. Then one, which other widths predict worst; three and four
/// follow from two by their errors within some percent (docs/decisions/0020).
constexpr int kWidthOrder[] = {2, 1, 3, 4};

bool settled(const Figure& figure)
{
    return figure.provenance == Provenance::Measured || figure.provenance == Provenance::Failed;
}

Choice* choiceOf(LinearSensitivity& linear, int bits)
{
    for (Choice& choice : linear.choices)
        if (choice.bits == bits)
            return &choice;
    return nullptr;
}

bool sameShape(const LinearSensitivity& a, const LinearSensitivity& b)
{
    return a.N == b.N && a.K == b.K && a.block == b.block && a.index == b.index && a.detail && b.detail &&
           std::equal(a.choices.begin(), a.choices.end(), b.choices.begin(), b.choices.end(),
                      [](const Choice& x, const Choice& y) { return x.bits == y.bits; });
}

std::vector<TensorDetail::OutlierChannel> outliersOf(const MeasuredLayer& measured)
{
    std::vector<double> sorted = measured.inputRms;
    std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2), sorted.end());
    const double median = sorted[sorted.size() / 2];
    std::vector<TensorDetail::OutlierChannel> out;
    for (std::size_t k = 0; median > 0 && k < measured.inputRms.size(); ++k)
        if (const double ratio = measured.inputRms[k] / median; ratio >= kOutlierRatio)
            out.push_back({static_cast<std::int64_t>(k), ratio, measured.inputRms[k], measured.columnNorm[k]});
    std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.ratio > b.ratio; });
    if (out.size() > kOutlierChannels)
        out.resize(kOutlierChannels);
    return out;
}

/// Of the leading terms of all scales that are not 0.
TensorDetail::ExponentHistogram exponentsOf(const PackedWeight& weight)
{
    constexpr int kExponentShift = 10; // docs/FORMAT.md, scale word
    std::map<int, std::uint64_t> counts;
    for (const kernels::PackedScale scale : weight.scales)
        if (scale != 0)
            ++counts[(scale >> kExponentShift) - kernels::kScaleExponentBias];
    TensorDetail::ExponentHistogram out;
    if (counts.empty())
        return out;
    out.first = counts.begin()->first;
    out.counts.resize(static_cast<std::size_t>(counts.rbegin()->first - out.first + 1));
    for (const auto& [exponent, count] : counts)
        out.counts[static_cast<std::size_t>(exponent - out.first)] = count;
    return out;
}

std::string digestOf(const std::vector<std::vector<std::int32_t>>& windows)
{
    Sha256 digest;
    for (const auto& window : windows)
        digest.update(std::as_bytes(std::span(window)));
    return digest.hex();
}

} // namespace

Analysis::Analysis(const ModelFolder& model, const AnalyzeSpec& spec, const JobContext& context)
    : m_model(model)
    , m_spec(spec)
    , m_context(context)
    , m_layers(linearLayers(model.config))
{
    m_sensitivity.model.architecture = model.config.architecture;
    m_sensitivity.model.name = splitPath(model.path).name;
    m_sensitivity.settings = toJson(JobSpec(spec));
    for (const char* member : {"model", "calibration", "samples", "seqlen", "seed", "measure", "save_to", "csv",
                               "cache", "threads", "device"})
        m_sensitivity.settings.erase(member);
    m_sensitivity.settings["rescale"] = spec.rescales(); // what was left to the mode is written out
    m_sensitivity.settings["rotate"] = spec.rotates();
    m_sensitivity.settings["refinements"] = spec.refinementPasses();
}

void Analysis::tell(const LinearSensitivity& linear) const
{
    m_context.emit(toJson(LayerSensitivity{toJson(linear)}));
}

Result<void> Analysis::publish(std::size_t index)
{
    const LinearSensitivity& linear = m_sensitivity.linears[index];
    tell(linear);
    if (!m_cache)
        return {};
    if (auto written = m_cache->write(index, linear); !written) {
        m_context.warn("results cannot be kept for another time: " + written.error().sentence());
        m_cache.reset();
    }
    return {};
}

Result<void> Analysis::score()
{
    ProgressMeter meter(m_context.emit, "score", "layers", static_cast<double>(m_layers.size()));
    std::uint64_t linearBytes = 0;
    int block = -1, index = 0;
    for (std::size_t i = 0; i < m_layers.size(); ++i) {
        SA_CHECK(m_context.cancel.check());
        meter.update(static_cast<double>(i), m_layers[i].name);
        SA_TRY(LinearSensitivity linear, scoreWeights(m_model, m_layers[i], m_spec));
        index = linear.block == block ? index + 1 : 0;
        block = linear.block;
        linear.index = index;
        linearBytes += linear.choices.back().bytes;
        tell(linear);
        m_sensitivity.linears.push_back(std::move(linear));
    }
    meter.update(static_cast<double>(m_layers.size()));
    m_sensitivity.otherBytes = m_model.store.totalBytes() - std::min(m_model.store.totalBytes(), linearBytes);
    return {};
}

/// Fills in the rest of the header; gives what the results depend on.
Json Analysis::describeHeader(const QuantizationInfo& original, const SplitCalibration& text, at::Device device)
{
    const Json& calibration = text.calibration.record;
    m_sensitivity.model.weightsSha256.clear();
    for (const auto& [file, digest] : original.source.at("weights_sha256").items())
        m_sensitivity.model.weightsSha256[file] = digest.get<std::string>();
    m_sensitivity.calibration = {};
    for (const auto& digest : calibration.at("sha256"))
        m_sensitivity.calibration.sha256.push_back(digest.get<std::string>());
    m_sensitivity.calibration.samples = m_spec.samples;
    m_sensitivity.calibration.seqlen = calibration.at("seqlen").get<int>();
    m_sensitivity.calibration.seed = m_spec.seed;
    m_sensitivity.settings["device"] = device.is_cpu() ? "cpu" : "cuda";
    const auto widths = static_cast<std::int64_t>(damageWidths().size());
    // One for the errors; one for the original's outputs and one for every changed model.
    m_sensitivity.forwardPasses = 1 + (widths > 0 ? 1 + widths * static_cast<std::int64_t>(m_layers.size()) : 0);
    m_sensitivity.tokens = 0;
    for (const auto& window : text.held)
        m_sensitivity.tokens += widths > 0 ? static_cast<std::int64_t>(window.size()) : 0;
    return {{"algorithm", kAlgorithmVersion},
            {"source", original.source},
            {"calibration", calibration},
            {"windows_sha256", digestOf(text.calibration.windows)},
            {"held_windows_sha256", digestOf(text.held)},
            {"settings", m_sensitivity.settings}};
}

void Analysis::describe(const QuantizationInfo& original, const SplitCalibration& text, at::Device device)
{
    const Json identity = describeHeader(original, text, device);
    if (!m_spec.cache)
        return;
    auto cache = SensitivityCache::open(identity);
    if (!cache)
        return m_context.warn("results cannot be kept for another time: " + cache.error().sentence());
    m_cache = *std::move(cache);
    takeOver(*m_cache);
}

std::size_t Analysis::takeOver(const SensitivityCache& cache)
{
    std::size_t count = 0;
    for (std::size_t i = 0; i < m_layers.size(); ++i) {
        auto known = cache.read(i, m_layers[i].name);
        if (!known || !sameShape(*known, m_sensitivity.linears[i]))
            continue;
        m_sensitivity.linears[i] = *std::move(known);
        tell(m_sensitivity.linears[i]);
        ++count;
    }
    return count;
}

void Analysis::recall(const QuantizationInfo& original, const SplitCalibration* text, at::Device device)
{
    if (text) {
        const Sensitivity scored = m_sensitivity;
        const auto cache = SensitivityCache::find(describeHeader(original, *text, device));
        if (cache && takeOver(*cache) > 0)
            return;
        m_sensitivity = scored;
    }
    takeStale(original.source);
}

void Analysis::takeStale(const Json& source)
{
    std::optional<Sensitivity> latest;
    std::filesystem::file_time_type time;
    for (const SensitivityCache& cache : SensitivityCache::all()) {
        std::error_code failed;
        const auto written = std::filesystem::last_write_time(cache.wholePath(), failed);
        if (failed || (latest && written <= time) || cache.identity().value("source", Json()) != source)
            continue;
        if (auto whole = readSensitivity(cache.wholePath())) {
            latest = *std::move(whole);
            time = written;
        }
    }
    if (!latest)
        return;
    const auto take = [](Figure& to, Figure from) {
        if (!from.known())
            return;
        if (from.provenance == Provenance::Measured)
            from.provenance = Provenance::Stale;
        to = from;
    };
    for (LinearSensitivity& linear : m_sensitivity.linears) {
        const LinearSensitivity* known = latest->find(linear.name);
        if (!known || !sameShape(*known, linear))
            continue;
        take(linear.criterion, known->criterion);
        for (std::size_t i = 0; i < linear.choices.size(); ++i) {
            if (linear.choices[i].bits == kKeptBits) // that they cost nothing is no measurement
                continue;
            take(linear.choices[i].error, known->choices[i].error);
            take(linear.choices[i].damage, known->choices[i].damage);
        }
        linear.detail = known->detail;
        tell(linear);
    }
    m_sensitivity.model.weightsSha256 = latest->model.weightsSha256;
    m_sensitivity.calibration = latest->calibration;
    m_sensitivity.forwardPasses = latest->forwardPasses;
    m_sensitivity.tokens = latest->tokens;
}

std::vector<int> Analysis::damageWidths() const
{
    std::vector<int> out;
    if (m_spec.downstream == "none")
        return out;
    for (const int bits : kWidthOrder)
        if (std::count(m_spec.bits.begin(), m_spec.bits.end(), bits) > 0)
            out.push_back(bits);
    if (m_spec.downstream == "scaled")
        out.resize(1);
    return out;
}

std::vector<int> Analysis::missingErrors(const LinearSensitivity& linear) const
{
    std::vector<int> out;
    for (const int bits : m_spec.bits)
        if (const Choice* choice = linear.choice(bits); !choice || !settled(choice->error))
            out.push_back(bits);
    return out;
}

std::vector<int> Analysis::missingDamages(const LinearSensitivity& linear) const
{
    std::vector<int> out;
    for (const int bits : damageWidths())
        if (const Choice* choice = linear.choice(bits); choice && !settled(choice->damage))
            out.push_back(bits);
    return out;
}

bool Analysis::complete() const
{
    return std::all_of(m_sensitivity.linears.begin(), m_sensitivity.linears.end(), [&](const auto& linear) {
        return missingErrors(linear).empty() && missingDamages(linear).empty();
    });
}

std::size_t Analysis::failed() const
{
    return static_cast<std::size_t>(std::count_if(m_sensitivity.linears.begin(), m_sensitivity.linears.end(),
                                                  [](const auto& linear) { return !linear.problem.empty(); }));
}

void Analysis::fail(LinearSensitivity& linear, const std::string& problem)
{
    linear.problem = problem;
    m_context.warn(linear.name + " cannot be measured: " + problem);
}

void Analysis::enter(LinearSensitivity& linear, const MeasuredLayer& measured)
{
    constexpr Figure failure{std::numeric_limits<double>::quiet_NaN(), Provenance::Failed};
    const auto figure = [&](double value) {
        return std::isfinite(value) ? Figure{value, Provenance::Measured} : failure;
    };
    if (!measured.problem.empty()) {
        linear.criterion = failure;
        for (const int bits : m_spec.bits) {
            choiceOf(linear, bits)->error = failure;
            choiceOf(linear, bits)->damage = damageWidths().empty() ? Figure() : failure;
        }
        return fail(linear, measured.problem);
    }
    linear.criterion = figure(measured.criterion);
    const bool whole = measured.widths.size() == m_spec.bits.size(); // otherwise the detail is there already
    if (whole) {
        linear.detail->outliers = outliersOf(measured);
        linear.detail->planeResidual.clear();
        linear.detail->exponents = exponentsOf(measured.widths.back().packed);
    }
    for (const MeasuredWidth& width : measured.widths) {
        Choice& choice = *choiceOf(linear, width.bits);
        choice.error = figure(width.relativeError);
        choice.bytes = width.packed.storedBytes();
        if (whole)
            linear.detail->planeResidual.push_back(width.residual);
    }
}

/// Where a damage was not measured: that of the nearest width that was, times what the error grows or shrinks by.
void Analysis::estimateDamages(LinearSensitivity& linear) const
{
    for (Choice& choice : linear.choices) {
        if (choice.bits == kKeptBits || settled(choice.damage) || !choice.error.known())
            continue;
        const Choice* nearest = nullptr;
        for (const Choice& other : linear.choices)
            if (other.bits != kKeptBits && other.damage.provenance == Provenance::Measured && other.error.value > 0 &&
                (!nearest || std::abs(other.bits - choice.bits) < std::abs(nearest->bits - choice.bits)))
                nearest = &other;
        if (nearest)
            choice.damage = {nearest->damage.value * choice.error.value / nearest->error.value, Provenance::Estimated};
    }
}

Result<void> Analysis::measureErrors(const std::vector<std::vector<std::int32_t>>& windows, at::Device device,
                                     PlaneSpill& spill)
{
    ErrorPass pass(m_model, m_spec, device, m_context);
    SA_CHECK(pass.embed(windows));
    ProgressMeter meter(m_context.emit, "measure", "layers", static_cast<double>(m_layers.size()));
    int lastBlock = -1; // in which something is missing
    for (const LinearSensitivity& linear : m_sensitivity.linears)
        if (!missingErrors(linear).empty() || !missingDamages(linear).empty())
            lastBlock = linear.block;
    std::size_t first = 0; // of the block
    for (int block = 0; block <= lastBlock; ++block) {
        const std::size_t count = linearLayersOfBlock(m_model.config, block).size();
        ErrorPass::Widths widths;
        for (std::size_t i = first; i < first + count; ++i) {
            const LinearSensitivity& linear = m_sensitivity.linears[i];
            std::set<int> wanted;
            for (const auto& list : {missingErrors(linear), missingDamages(linear)})
                wanted.insert(list.begin(), list.end());
            if (!wanted.empty())
                widths[linear.name] = {wanted.begin(), wanted.end()};
        }
        const auto onStep = [&](double share) {
            meter.update(static_cast<double>(first) + share * static_cast<double>(count), m_layers[first].name);
        };
        onStep(0);
        SA_TRY(const auto done, pass.run(block, widths, onStep));
        for (const MeasuredLayer& measured : done) {
            const auto place = std::find_if(m_layers.begin(), m_layers.end(),
                                            [&](const LinearInfo& layer) { return layer.name == measured.name; });
            const auto index = static_cast<std::size_t>(place - m_layers.begin());
            for (const MeasuredWidth& width : measured.widths)
                if (!damageWidths().empty())
                    SA_CHECK(spill.put(index, width.bits, width.packed));
            enter(m_sensitivity.linears[index], measured);
            SA_CHECK(publish(index));
        }
        first += count;
    }
    meter.update(static_cast<double>(m_layers.size()));
    return {};
}

Result<void> Analysis::measureDamages(std::vector<std::vector<std::int32_t>> held, at::Device device,
                                      const PlaneSpill& spill)
{
    std::vector<std::vector<DownstreamMeter::Variant>> rounds;
    std::size_t count = 0;
    for (const int bits : damageWidths()) {
        rounds.emplace_back();
        for (std::size_t i = 0; i < m_layers.size(); ++i) {
            const auto missing = missingDamages(m_sensitivity.linears[i]);
            if (std::count(missing.begin(), missing.end(), bits) > 0)
                rounds.back().push_back({i, bits});
        }
        count += rounds.back().size();
    }
    if (count == 0)
        return {};
    ProgressMeter meter(m_context.emit, "damage", "measurements", static_cast<double>(count));
    meter.update(0);
    DownstreamMeter downstream(m_model, device, m_context);
    SA_CHECK(downstream.prepare(std::move(held)));
    std::size_t before = 0;
    for (const auto& round : rounds) {
        const auto onDone = [&](const DownstreamMeter::Variant& variant, double divergence) {
            LinearSensitivity& linear = m_sensitivity.linears[variant.linear];
            Figure& damage = choiceOf(linear, variant.bits)->damage;
            if (std::isfinite(divergence)) {
                damage = {divergence, Provenance::Measured};
            } else {
                damage = {divergence, Provenance::Failed};
                fail(linear,
                     "the model's output is not finite with this layer at " + std::to_string(variant.bits) + " bits");
            }
            estimateDamages(linear);
            return publish(variant.linear);
        };
        SA_CHECK(downstream.measure(round, spill, onDone,
                                    [&](double done) { meter.update(static_cast<double>(before) + done); }));
        before += round.size();
    }
    meter.update(static_cast<double>(count));
    return {};
}

} // namespace sa
