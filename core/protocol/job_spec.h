// SPDX-License-Identifier: GPL-3.0-or-later
// What a job is asked to do: the `spec` members of docs/PROTOCOL.md as values. Worker, command line and window share
// them, so that every dialog can show its command line and every job can be replayed.
#pragma once

#include "core/base/json.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace sa
{

struct OpenSpec {
    std::string model;                ///< original or packed folder
    std::string energy = "published"; ///< or "paper": unit prices of the token's energy
    std::optional<int> context = {};  ///< positions that the token attends to; default min(2048, the model's positions)
    bool operator==(const OpenSpec&) const = default;
};

struct DoctorSpec {
    std::string model; ///< original or packed folder, whole or not
    bool operator==(const DoctorSpec&) const = default;
};

struct QuantizeSpec {
    std::string model;
    std::string out;
    std::string method = "shiftadd"; ///< or the id of a plugin
    Json options = Json::object();   ///< of the method; checked against its schema by the engine
    std::string mode = "lat";
    int bits = 3;                         ///< planes per weight, 1..4
    std::vector<std::string> calibration; ///< text files, joined in order; empty: the bundled text
    int samples = 128;                    ///< calibration windows
    std::optional<int> seqlen;            ///< tokens a window; default min(2048, the model's positions)
    std::uint64_t seed = 0;
    int rounds = 50;                ///< BCQ refinement rounds T (algorithm 1.3)
    int apot = 3;                   ///< terms of a scale, 1..3
    std::optional<int> groupRows;   ///< R; default ceil(N/8) in `lat`, N in `acc`
    double damping = 0.01;          ///< fraction of mean(diag H) added to the diagonal
    std::optional<bool> rescale;    ///< power-of-two factors per input channel; default on
    std::optional<bool> rotate;     ///< rotations of adds on inputs and outputs; default on in `acc`, off in `lat`
    bool weightedFit = true;        ///< scales fitted to what errors cost, not to the weights alone
    std::optional<int> refinements; ///< passes of coordinate descent over scales and codes; default 2, 6 in `acc`
    bool driftCorrection = true;    ///< aim at the original model's outputs (docs/decisions/0007)

    int columnsPerScale() const { return mode == "acc" ? 1 : 8; } ///< C
    int rowsPerScale(int N) const { return std::min(N, groupRows.value_or(mode == "acc" ? N : (N + 7) / 8)); }
    int refinementPasses() const { return refinements.value_or(mode == "acc" ? 6 : 2); }
    bool rescales() const { return rescale.value_or(true); }
    bool rotates() const { return rotate.value_or(mode == "acc"); }
    int threads = 0; ///< 0: all cores
    std::string device = "cpu";
    bool resume = false;  ///< continue an unfinished job of the same output folder, if there is one
    bool restart = false; ///< discard it
    bool operator==(const QuantizeSpec&) const = default;
};

struct EvaluateSpec {
    std::string model;
    std::string text;          ///< wire name `ppl`
    std::string join = "none"; ///< "raw": a raw WikiText file, joined as the literature does
    int seqlen = 512;
    std::optional<int> maxWindows;
    int threads = 0;
    std::string device = "cpu";
    bool operator==(const EvaluateSpec&) const = default;
};

struct GenerateSpec {
    std::string model;
    std::string prompt;
    int maxTokens = 128;
    bool greedy = false;
    double temperature = 1.0;
    double topP = 1.0;
    std::uint64_t seed = 0;
    int threads = 0;
    std::string device = "cpu";
    bool operator==(const GenerateSpec&) const = default;
};

struct ExportSpec {
    std::string model; ///< packed folder
    std::string out;
    std::string format = "hf-fp16"; ///< or "reference-pt": the files of the reference implementation
    bool operator==(const ExportSpec&) const = default;
};

struct VerifySpec {
    std::string model; ///< packed folder
    bool operator==(const VerifySpec&) const = default;
};

struct ImportReferenceSpec {
    std::string reference; ///< folder of the reference implementation's files, one a layer
    std::string base;      ///< the original model that they were made from
    std::string out;
    bool operator==(const ImportReferenceSpec&) const = default;
};

/// A variant of a model that computes the same and has outlier channels, for testing quantizers.
struct AddOutliersSpec {
    std::string model;
    std::string out;
    int channels = 4;     ///< per norm
    double factor = 30.0; ///< on the norm's gain, and 1/factor on the columns behind it
    std::uint64_t seed = 0;
    bool operator==(const AddOutliersSpec&) const = default;
};

/// Speed of the packed product on weight shapes with random weights.
struct BenchSpec {
    std::vector<std::string> shapes; ///< "N,K": rows, columns
    std::vector<int> bits = {3};     ///< planes, 1..4 each
    std::string geometry = "lat";    ///< scales as quantize makes them: lat or acc
    std::optional<int> groupRows;    ///< rows of a scale; default of the geometry
    int tokens = 1;                  ///< 1..8
    int repeats = 15;
    std::uint64_t seed = 0;
    int threads = 0;
    std::string device = "cpu";
    bool operator==(const BenchSpec&) const = default;
};

/// What methods there are; says nothing about a model.
struct MethodsSpec {
    bool operator==(const MethodsSpec&) const = default;
};

using JobSpec = std::variant<OpenSpec, QuantizeSpec, EvaluateSpec, GenerateSpec, ExportSpec, VerifySpec, DoctorSpec,
                             ImportReferenceSpec, MethodsSpec, AddOutliersSpec, BenchSpec>;

/// "open", "quantize", ...: the wire's `do`.
const char* kindOf(const JobSpec& spec) noexcept;
/// Usage errors name the member ("spec.bits"), what was found and the range. Unknown members are ignored.
Result<JobSpec> parseJobSpec(const std::string& kind, const Json& spec);
/// The full spec, defaults included; parse(kindOf(s), toJson(s)) == s.
Json toJson(const JobSpec& spec);
/// The same job for a shell: {"shiftadd", "quantize", MODEL, OUT, "--bits", "3", ...}; only what differs from the
/// defaults.
std::vector<std::string> commandLine(const JobSpec& spec);

} // namespace sa
