// SPDX-License-Identifier: GPL-3.0-or-later
// The lines of docs/PROTOCOL.md as values, for both ends. Parsing treats the other end as broken until shown otherwise.
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

inline constexpr int kProtocolVersion = 1;
const char* buildVersion() noexcept; ///< "0.1.0", from CMake

struct DeviceInfo {
    std::string id, name;
    int threads = 0;
    std::uint64_t memoryBytes = 0;
    bool operator==(const DeviceInfo&) const = default;
};
struct Hello {
    int protocol = kProtocolVersion;
    std::string build;
    std::string kernel;
    std::vector<DeviceInfo> devices;
    bool operator==(const Hello&) const = default;
};
struct Progress {
    std::string phase, step, unit;
    double done = 0, of = 0;
    std::optional<double> rate, remainingSeconds;
    double fraction() const { return of > 0 ? std::min(1.0, std::max(0.0, done / of)) : 0.0; }
    bool operator==(const Progress&) const = default;
};
struct LayerResult {
    std::string name;
    int block = 0, index = 0, bits = 0;
    std::int64_t N = 0, K = 0;
    double error = 0, relativeError = 0; ///< NaN where the worker sent null
    double seconds = 0;
    std::uint64_t bytes = 0;
    bool restored = false; ///< by an earlier process of a job that was resumed
    bool operator==(const LayerResult&) const = default;
};
/// What an analyze job knows of one layer so far (core/alloc/sensitivity.h reads it); replaces what was said before.
struct LayerSensitivity {
    Json value; ///< an object with a `name`
    bool operator==(const LayerSensitivity&) const = default;
};
/// A token that could have come, and how likely it was.
struct TokenCandidate {
    int id = 0;
    std::string text;      ///< as in the vocabulary, one token by itself
    double logProbability; ///< natural logarithm
    bool operator==(const TokenCandidate&) const = default;
};
struct Token {
    int id = 0;
    std::string text;
    std::optional<double> logProbability = {}; ///< under the model, before temperature and top-p
    std::optional<double> divergence = {};     ///< KL from the reference's distribution at this place, nats
    std::vector<TokenCandidate> top = {};      ///< the likeliest first
    bool operator==(const Token&) const = default;
};
struct Note {
    std::string severity, message;
    bool operator==(const Note&) const = default;
};
struct Tick {
    double elapsedSeconds = 0;
    bool operator==(const Tick&) const = default;
};
/// The worker has heard a cancel; the job ends at its next step.
struct Cancelling {
    bool operator==(const Cancelling&) const = default;
};
struct JobResult {
    Json value;
    bool operator==(const JobResult&) const = default;
};

/// One line from the worker. `id` 0: concerns the connection (hello, or an error without id). Names and texts are
/// carried as they are, control characters included: pass them through display() before they are shown.
struct WorkerMessage {
    std::int64_t id = 0;
    std::variant<Hello, Progress, LayerResult, LayerSensitivity, Token, Note, Tick, Cancelling, JobResult, Error> body;
};

/// Negative, infinite and NaN values become 0 (null for the optional ones), done > of becomes of. Parsing does this
/// too.
Progress sanitized(Progress progress);
/// The sentence for the user when the other end speaks another version; a client calls it on the first line. Of such a
/// hello only `protocol` and `build` are filled.
Result<void> checkVersion(const Hello& hello);
/// The `devices` of a hello.
Result<std::vector<DeviceInfo>> parseDevices(const Json& list);

Json toJson(const Hello& hello);
Json toJson(const Progress& progress); ///< {"progress":{...}}; the same shape for the others
Json toJson(const LayerResult& layer);
Json toJson(const LayerSensitivity& layer);
Json toJson(const Token& token);
Json toJson(const Note& note);
Json toJson(const Tick& tick);
Json toJson(const Cancelling& cancelling);
Json toJson(const JobResult& result);
Json toJson(const Error& error); ///< {"error":{...}}

/// Strict: Protocol error for anything that is not a message of version 1 (unknown members are ignored, an object with
/// none of the known bodies is refused).
Result<WorkerMessage> parseWorkerMessage(std::string_view line);

struct Request {
    std::int64_t id = 0;
    std::string kind; ///< the `do`
    Json spec;        ///< object; empty for cancel
    bool operator==(const Request&) const = default;
};
/// Checks `id` and `do`; `spec` is left to parseJobSpec, so that a complaint about it can carry the id.
Result<Request> parseRequest(std::string_view line);
std::string requestLine(const Request& request);           ///< with "\n"
std::string eventLine(std::int64_t id, const Json& event); ///< {"id":id, ...event} with "\n"; 0: no id

} // namespace sa
