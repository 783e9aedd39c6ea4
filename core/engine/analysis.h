// SPDX-License-Identifier: GPL-3.0-or-later
// The state of an analyze job: what is known of every layer, where it came from, and what is missing.
#pragma once

#include "core/engine/downstream.h"
#include "core/engine/error_pass.h"
#include "core/engine/quantize_input.h"
#include "core/engine/sensitivity_cache.h"

#include <optional>
#include <vector>

namespace sa
{

class Analysis
{
public:
    /// All references must outlive the object.
    Analysis(const ModelFolder& model, const AnalyzeSpec& spec, const JobContext& context);

    /// From the weights alone, one layer after another.
    Result<void> score();

    /// The rest of the header, which decides what earlier results are good for: those are taken over.
    void describe(const QuantizationInfo& original, const SplitCalibration& text, at::Device device);

    /// In place of describe(), where nothing is to be measured: what earlier analyses of these weights left. Figures
    /// of this very analysis are taken over as they are; where there are none, those of the latest complete one, as
    /// stale. `text` is null where the calibration text cannot be had.
    void recall(const QuantizationInfo& original, const SplitCalibration* text, at::Device device);

    /// Criterion and errors, block by block. Layers that have theirs already are swept again where their planes are
    /// still needed for a damage.
    Result<void> measureErrors(const std::vector<std::vector<std::int32_t>>& windows, at::Device device,
                               PlaneSpill& spill);
    /// Damages, the most useful width first.
    Result<void> measureDamages(std::vector<std::vector<std::int32_t>> held, at::Device device,
                                const PlaneSpill& spill);

    bool complete() const; ///< nothing is left to measure
    const Sensitivity& sensitivity() const { return m_sensitivity; }
    const std::optional<SensitivityCache>& cache() const { return m_cache; }
    std::size_t failed() const; ///< layers with a problem

private:
    Json describeHeader(const QuantizationInfo& original, const SplitCalibration& text, at::Device device);
    std::size_t takeOver(const SensitivityCache& cache); ///< layers that it knew
    void takeStale(const Json& source);
    std::vector<int> damageWidths() const; ///< that the spec asks for, in the order of measuring
    std::vector<int> missingErrors(const LinearSensitivity& linear) const;
    std::vector<int> missingDamages(const LinearSensitivity& linear) const;
    void enter(LinearSensitivity& linear, const MeasuredLayer& measured);
    void estimateDamages(LinearSensitivity& linear) const;
    void fail(LinearSensitivity& linear, const std::string& problem);
    Result<void> publish(std::size_t index); ///< tells of the layer, and keeps it
    void tell(const LinearSensitivity& linear) const;

    const ModelFolder& m_model;
    const AnalyzeSpec& m_spec;
    const JobContext& m_context;
    std::vector<LinearInfo> m_layers;
    Sensitivity m_sensitivity;
    std::optional<SensitivityCache> m_cache;
};

} // namespace sa
