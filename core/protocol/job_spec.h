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

/// What decides how a layer becomes planes, and on which text: the part that `quantize` and `analyze` share.
struct QuantizerOptions {
    std::string mode = "lat";
    std::vector<std::string> calibration; ///< text files, joined in order; empty: the bundled text
    int samples = 128;                    ///< calibration windows
    std::optional<int> seqlen;            ///< tokens a window; default min(2048, the model's positions)
    std::uint64_t seed = 0;
    int rounds = 50;                ///< BCQ refinement rounds T (algorithm 1.3)
    int apot = 3;                   ///< terms of a scale, 1..3
    std::optional<int> groupRows;   ///< R; default ceil(N/8) in `lat`, N in `acc`
    double damping = 0.1;           ///< fraction of mean(diag H) added to the diagonal
    std::optional<bool> rescale;    ///< power-of-two factors per input channel; default on
    std::optional<bool> rotate;     ///< rotations of adds on inputs and outputs; default on
    bool weightedFit = true;        ///< scales fitted to what errors cost, not to the weights alone
    std::optional<int> refinements; ///< passes of coordinate descent over scales and codes; default 2, 6 in `acc`

    int columnsPerScale() const { return mode == "acc" ? 1 : 8; } ///< C
    int rowsPerScale(int N) const { return std::min(N, groupRows.value_or(mode == "acc" ? N : (N + 7) / 8)); }
    int refinementPasses() const { return refinements.value_or(mode == "acc" ? 6 : 2); }
    bool rescales() const { return rescale.value_or(true); }
    bool rotates() const { return rotate.value_or(true); }
    bool operator==(const QuantizerOptions&) const = default;
};

inline constexpr int kKeptHeadBits = 16;
inline constexpr int kByteHeadBits = 8;

struct QuantizeSpec : QuantizerOptions {
    std::string model;
    std::string out;
    std::string method = "shiftadd"; ///< or the id of a plugin
    Json options = Json::object();   ///< of the method; checked against its schema by the engine
    int bits = 3;                    ///< planes per weight, 1..4; a plan goes before it
    int headBits = kKeptHeadBits;    ///< of the output head: 16 (as it is), 8 (bytes), or planes, 1..4
    std::string plan;                ///< file of a plan (core/alloc/plan.h): bits layer by layer; empty: none
    bool driftCorrection = true;     ///< aim at the original model's outputs (docs/decisions/0007)
    int threads = 0;                 ///< 0: all cores
    std::string device = "cpu";
    bool resume = false;  ///< continue an unfinished job of the same output folder, if there is one
    bool restart = false; ///< discard it
    bool operator==(const QuantizeSpec&) const = default;
};

/// How much each layer suffers at each bit width, before anything is quantized (docs/decisions/0014).
struct AnalyzeSpec : QuantizerOptions {
    AnalyzeSpec() { samples = 32; }
    std::string model;
    std::vector<int> bits = {1, 2, 3, 4}; ///< widths to measure, ascending
    bool measure = true;                  ///< false: only what the weights alone say, within seconds
    std::string downstream = "each";      ///< damage at "each" width; "scaled": at one, others by error; "none"
    int downstreamSamples = 4;            ///< windows that the damage is measured on, held out of the calibration
    std::string saveTo;                   ///< wire name `save_to`: file for the sensitivity (JSON); empty: cache only
    std::string csv;                      ///< file for the same as a table; empty: none
    bool cache = true;                    ///< take and leave results in the cache folder
    int threads = 0;
    std::string device = "cpu";
    bool operator==(const AnalyzeSpec&) const = default;
};

struct EvaluateSpec {
    std::string model;
    std::string text = {};     ///< wire name `ppl`; empty: no text, tasks only
    std::string join = "none"; ///< "raw": a raw WikiText file, joined as the literature does
    int seqlen = 512;
    std::optional<int> maxWindows = {};
    int threads = 0;
    std::string device = "cpu";
    std::string reference = {}; ///< wire name `kld_against`: the original model, to measure divergence from
    bool noiseFloor = true;     ///< with it: also of the original in float16 from itself
    std::vector<std::string> tasks = {};
    std::optional<int> limit = {};      ///< items of each task
    std::string data = {};              ///< folder of the task files; empty: where they are usually
    std::string harness = {};           ///< wire name `harness_out`: folder for results in the harness's format
    bool cache = true;                  ///< take and keep finished pieces
    std::string cpuPrecision = "exact"; ///< of packed products on the CPU: or "fast" (docs/decisions/0023)
    bool operator==(const EvaluateSpec&) const = default;
};

/// One turn of a conversation.
struct MessageSpec {
    std::string role, content;
    bool operator==(const MessageSpec&) const = default;
};

struct GenerateSpec {
    std::string model;
    std::string prompt = {};
    int maxTokens = 128;
    bool greedy = false;
    double temperature = 1.0;
    double topP = 1.0;
    std::uint64_t seed = 0;
    int threads = 0;
    std::string device = "cpu";
    std::vector<MessageSpec> messages = {}; ///< a conversation, put into the model's chat template; instead of a prompt
    std::vector<std::string> stop = {};     ///< texts that end the answer and are not part of it
    int topLogged = 0;                      ///< wire name `top_k_logged`: candidates to report with each token
    std::vector<std::int32_t> forceIds = {}; ///< tokens to score instead of sampling
    std::string reference = {};              ///< wire name `kld_against`: with forceIds, the model to diverge from
    std::string cpuPrecision = "exact";      ///< of packed products on the CPU: or "fast" (docs/decisions/0023)
    bool operator==(const GenerateSpec&) const = default;
};

/// Speed of one model, or of two in turns.
struct LatencySpec {
    std::string model;
    std::string against = {};                 ///< a second model
    std::vector<int> lengths = {16, 64, 256}; ///< of the prompts, tokens
    int decode = 32;                          ///< tokens to decode after each prompt
    int repeats = 5;
    int warmup = 1;
    int threads = 0;
    std::string device = "cpu";
    std::string cpuPrecision = "exact"; ///< of packed products on the CPU: or "fast" (docs/decisions/0023)
    bool operator==(const LatencySpec&) const = default;
};

/// Certificate of a model: everything that was measured of it, in one place.
struct ReportSpec {
    EvaluateSpec evaluate;            ///< its model is the one that is certified, its reference the original
    std::string out = {};             ///< wire name `certificate`: JSON file to write
    std::string html = {};            ///< page to write
    std::string latency = {};         ///< result of a `latency` job, a JSON file
    std::optional<double> maxKl = {}; ///< gate: mean KL, nats
    std::optional<double> maxPerplexityIncrease = {}; ///< gate: percent over the original's
    std::optional<double> maxAccuracyLoss =
        {};                          ///< gate: percentage points below the original's, the worst of the tasks
    std::string overrideReason = {}; ///< wire name `override`: why a failed gate is passed
    bool operator==(const ReportSpec&) const = default;
};

struct ExportSpec {
    std::string model; ///< packed folder
    std::string out;
    std::string format = "hf-fp16"; ///< or "reference-pt": the files of the reference implementation
    std::string certificate = {};   ///< of a report: goes into the folder; one that was not accepted stops the export
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

/// Speed of the packed product on weight shapes with random weights, or of a whole model one token at a time.
struct BenchSpec {
    std::vector<std::string> shapes; ///< "N,K": rows, columns
    std::string model = {};          ///< a folder, instead of shapes
    std::string config = {};         ///< a config.json: random weights of its shape, instead of shapes
    int context = 128;               ///< of a model: tokens in the cache before
    int decode = 64;                 ///< of a model: tokens of a measurement
    std::vector<int> bits = {3};     ///< planes, 1..4 each
    std::string geometry = "lat";    ///< scales as quantize makes them: lat or acc
    std::optional<int> groupRows;    ///< rows of a scale; default of the geometry
    int tokens = 1;                  ///< 1..8
    int repeats = 15;
    std::uint64_t seed = 0;
    int threads = 0;
    std::string device = "cpu";
    std::string cpuPrecision = "exact"; ///< of packed products on the CPU: or "fast" (docs/decisions/0023)
    bool operator==(const BenchSpec&) const = default;
};

/// What methods there are; says nothing about a model.
struct MethodsSpec {
    bool operator==(const MethodsSpec&) const = default;
};

using JobSpec =
    std::variant<OpenSpec, QuantizeSpec, EvaluateSpec, GenerateSpec, ExportSpec, VerifySpec, DoctorSpec,
                 ImportReferenceSpec, MethodsSpec, AddOutliersSpec, AnalyzeSpec, LatencySpec, ReportSpec, BenchSpec>;

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
