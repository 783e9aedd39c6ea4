// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/protocol/messages.h"

#include "core/protocol/line_buffer.h"

#include <cmath>
#include <limits>

#ifndef SA_VERSION
#error "SA_VERSION comes from CMake"
#endif

namespace sa
{

namespace
{

constexpr json::Limits kLineLimits{LineBuffer::kMaxLineBytes, 32};
/// Integers up to here survive any JSON reader that keeps numbers as doubles.
constexpr std::int64_t kMaxInteger = std::int64_t{1} << 53;
constexpr std::int64_t kMaxInt = std::numeric_limits<std::int32_t>::max();
constexpr double kMaxDouble = std::numeric_limits<double>::max();

/// Whatever the JSON reader complained about, on a pipe it is the other end's fault.
Error asProtocol(Error error)
{
    error.code = Errc::Protocol;
    return error;
}

Json finiteOrNull(double value)
{
    return std::isfinite(value) ? Json(value) : Json();
}

Json numberOrNull(const std::optional<double>& value)
{
    return value ? finiteOrNull(*value) : Json();
}

/// The member must be there; null stands for a number that JSON cannot carry.
Result<std::optional<double>> numberOrNull(const JsonField& object, const std::string& key)
{
    SA_TRY(const JsonField field, object.at(key));
    if (field.isNull())
        return std::optional<double>();
    SA_TRY(const double value, field.asDouble(-kMaxDouble, kMaxDouble));
    return std::optional<double>(value);
}

Result<std::optional<double>> optionalNumber(const JsonField& object, const std::string& key)
{
    const auto field = object.find(key);
    if (!field)
        return std::optional<double>();
    SA_TRY(const double value, field->asDouble(-kMaxDouble, kMaxDouble));
    return std::optional<double>(value);
}

std::optional<double> unlessNegative(std::optional<double> value)
{
    return value && *value >= 0 ? value : std::nullopt;
}

Result<std::vector<DeviceInfo>> parseDeviceFields(const JsonField& list)
{
    SA_TRY(const auto fields, list.elements(1024));
    std::vector<DeviceInfo> devices;
    for (const JsonField& field : fields) {
        DeviceInfo info;
        SA_TRY(info.id, field.stringAt("id"));
        SA_TRY(info.name, field.stringOr("name", {}));
        SA_TRY(const auto threads, field.intOr("threads", 0, 0, kMaxInt));
        SA_TRY(const auto memory, field.intOr("memory_bytes", 0, 0, kMaxInteger));
        info.threads = static_cast<int>(threads);
        info.memoryBytes = static_cast<std::uint64_t>(memory);
        devices.push_back(std::move(info));
    }
    return devices;
}

Result<Hello> parseHello(const JsonField& body)
{
    Hello hello;
    SA_TRY(const auto protocol, body.intAt("protocol", 1, kMaxInt));
    hello.protocol = static_cast<int>(protocol);
    // Another version may have any other members; both ends only need the two numbers to say so.
    if (hello.protocol != kProtocolVersion) {
        if (const auto build = body.find("build"); build && build->isString())
            hello.build = build->raw().get<std::string>();
        return hello;
    }
    SA_TRY(hello.build, body.stringAt("build"));
    SA_TRY(hello.kernel, body.stringOr("kernel", {}));
    SA_TRY(const JsonField list, body.at("devices"));
    SA_TRY(hello.devices, parseDeviceFields(list));
    return hello;
}

Result<Progress> parseProgress(const JsonField& body)
{
    Progress progress;
    SA_TRY(progress.phase, body.stringAt("phase"));
    SA_TRY(progress.step, body.stringOr("step", {}));
    SA_TRY(progress.unit, body.stringOr("unit", {}));
    SA_TRY(const auto done, numberOrNull(body, "done"));
    SA_TRY(const auto of, numberOrNull(body, "of"));
    SA_TRY(progress.rate, optionalNumber(body, "rate"));
    SA_TRY(progress.remainingSeconds, optionalNumber(body, "remaining_seconds"));
    progress.done = done.value_or(0.0);
    progress.of = of.value_or(0.0);
    return sanitized(std::move(progress));
}

Result<LayerResult> parseLayer(const JsonField& body)
{
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    LayerResult layer;
    SA_TRY(layer.name, body.stringAt("name"));
    SA_TRY(const auto block, body.intAt("block", 0, kMaxInt));
    SA_TRY(const auto index, body.intAt("index", 0, kMaxInt));
    SA_TRY(const auto bits, body.intAt("bits", 0, 64));
    SA_TRY(layer.N, body.intAt("N", 1, kMaxInteger));
    SA_TRY(layer.K, body.intAt("K", 1, kMaxInteger));
    SA_TRY(const auto error, numberOrNull(body, "error"));
    SA_TRY(const auto relativeError, numberOrNull(body, "relative_error"));
    SA_TRY(const auto seconds, numberOrNull(body, "seconds"));
    SA_TRY(const auto bytes, body.intAt("bytes", 0, kMaxInteger));
    SA_TRY(layer.restored, body.boolOr("restored", false));
    layer.block = static_cast<int>(block);
    layer.index = static_cast<int>(index);
    layer.bits = static_cast<int>(bits);
    layer.error = error.value_or(nan);
    layer.relativeError = relativeError.value_or(nan);
    layer.seconds = unlessNegative(seconds).value_or(0.0);
    layer.bytes = static_cast<std::uint64_t>(bytes);
    return layer;
}

Result<LayerSensitivity> parseSensitivity(const JsonField& body)
{
    SA_CHECK(body.stringAt("name"));
    return LayerSensitivity{body.raw()};
}

Result<Token> parseToken(const JsonField& body)
{
    Token token;
    SA_TRY(const auto id, body.intAt("id", 0, kMaxInt));
    SA_TRY(token.text, body.stringAt("text"));
    token.id = static_cast<int>(id);
    SA_TRY(token.logProbability, optionalNumber(body, "logprob"));
    SA_TRY(token.divergence, optionalNumber(body, "kl"));
    const auto top = body.find("top");
    if (!top)
        return token;
    SA_TRY(const auto candidates, top->elements(1000));
    for (const JsonField& field : candidates) {
        SA_TRY(const auto candidate, field.intAt("id", 0, kMaxInt));
        SA_TRY(std::string text, field.stringAt("text"));
        SA_TRY(const auto logProbability, numberOrNull(field, "logprob"));
        token.top.push_back({static_cast<int>(candidate), std::move(text),
                             logProbability.value_or(-std::numeric_limits<double>::infinity())});
    }
    return token;
}

Result<Note> parseNote(const JsonField& body)
{
    Note note;
    SA_TRY(note.severity, body.stringAt("severity"));
    SA_TRY(note.message, body.stringAt("message"));
    return note;
}

Result<Tick> parseTick(const JsonField& body)
{
    SA_TRY(const auto elapsed, numberOrNull(body, "elapsed_seconds"));
    return Tick{unlessNegative(elapsed).value_or(0.0)};
}

Result<Cancelling> parseCancelling(const JsonField& body)
{
    if (!body.isObject())
        return body.wrong("an object");
    return Cancelling{};
}

Result<JobResult> parseResult(const JsonField& body)
{
    if (!body.isObject())
        return body.wrong("an object");
    return JobResult{body.raw()};
}

Result<void> checkErrorMembers(const JsonField& body)
{
    SA_CHECK(body.stringAt("code"));
    SA_CHECK(body.stringAt("message"));
    for (const char* key : {"file", "where", "found", "expected", "remedy"})
        SA_CHECK(body.stringOr(key, {}));
    return {};
}

using Body = decltype(WorkerMessage::body);

template<class T> Result<Body> asBody(Result<T> parsed)
{
    if (!parsed)
        return std::move(parsed).error();
    return Body(*std::move(parsed));
}

using BodyParser = Result<Body> (*)(const JsonField&);
struct BodyKind {
    const char* key;
    BodyParser parse;
    bool needsId; ///< concerns a job; the others may concern the connection
};
const BodyKind kBodyKinds[] = {
    {"hello", [](const JsonField& body) { return asBody(parseHello(body)); }, false},
    {"progress", [](const JsonField& body) { return asBody(parseProgress(body)); }, true},
    {"layer", [](const JsonField& body) { return asBody(parseLayer(body)); }, true},
    {"sensitivity", [](const JsonField& body) { return asBody(parseSensitivity(body)); }, true},
    {"token", [](const JsonField& body) { return asBody(parseToken(body)); }, true},
    {"note", [](const JsonField& body) { return asBody(parseNote(body)); }, true},
    {"tick", [](const JsonField& body) { return asBody(parseTick(body)); }, true},
    {"cancelling", [](const JsonField& body) { return asBody(parseCancelling(body)); }, true},
    {"result", [](const JsonField& body) { return asBody(parseResult(body)); }, true},
    {"error",
     [](const JsonField& body) -> Result<Body> {
         SA_CHECK(checkErrorMembers(body));
         return Body(json::toError(body.raw()));
     },
     false},
};

Result<WorkerMessage> parseMessage(const JsonField& line)
{
    if (!line.isObject())
        return line.wrong("an object");
    WorkerMessage message;
    if (line.raw().contains("id")) {
        SA_TRY(message.id, line.intAt("id", 1, kMaxInteger));
    }
    const BodyKind* kind = nullptr;
    for (const BodyKind& candidate : kBodyKinds) {
        if (!line.raw().contains(candidate.key))
            continue;
        if (kind)
            return makeError(Errc::Protocol, "a line has two bodies")
                .butFound(std::string(kind->key) + " and " + candidate.key)
                .wanted("one of them");
        kind = &candidate;
    }
    if (!kind)
        return makeError(Errc::Protocol, "a line has no body that this version knows")
            .wanted("one of hello, progress, layer, sensitivity, token, note, tick, cancelling, result, error");
    if (kind->needsId && message.id == 0)
        return makeError(Errc::Protocol, "a line about a job does not say which one").at("id");
    SA_TRY(const JsonField field, line.at(kind->key));
    if (!field.isObject())
        return field.wrong("an object");
    SA_TRY(message.body, kind->parse(field));
    return message;
}

Result<Request> parseRequestObject(const JsonField& line)
{
    if (!line.isObject())
        return line.wrong("an object");
    Request request;
    SA_TRY(request.id, line.intAt("id", 1, kMaxInteger));
    SA_TRY(request.kind, line.stringAt("do"));
    // A spec of the wrong type is a complaint about the job, which has an id to carry it: parseJobSpec makes it.
    const auto spec = line.find("spec");
    request.spec = spec ? spec->raw() : Json::object();
    return request;
}

} // namespace

const char* buildVersion() noexcept
{
    return SA_VERSION;
}

Progress sanitized(Progress progress)
{
    const auto clean = [](double value) { return std::isfinite(value) && value > 0 ? value : 0.0; };
    const auto cleanOptional = [](std::optional<double> value) {
        return value && std::isfinite(*value) && *value >= 0 ? value : std::nullopt;
    };
    progress.done = clean(progress.done);
    progress.of = clean(progress.of);
    if (progress.of > 0)
        progress.done = std::min(progress.done, progress.of);
    progress.rate = cleanOptional(progress.rate);
    progress.remainingSeconds = cleanOptional(progress.remainingSeconds);
    return progress;
}

Result<void> checkVersion(const Hello& hello)
{
    if (hello.protocol == kProtocolVersion)
        return {};
    const auto text = [](int protocol, const std::string& build) {
        return "protocol " + std::to_string(protocol) + (build.empty() ? "" : " (build " + build + ")");
    };
    return makeError(Errc::Protocol, "the worker belongs to another version of the program")
        .butFound(text(hello.protocol, hello.build))
        .wanted(text(kProtocolVersion, buildVersion()))
        .tryThis("Install the worker and the window from the same package");
}

Result<std::vector<DeviceInfo>> parseDevices(const Json& list)
{
    return parseDeviceFields(JsonField(list, {}, "devices"));
}

Json toJson(const Hello& hello)
{
    Json devices = Json::array();
    for (const DeviceInfo& device : hello.devices)
        devices.push_back({{"id", device.id},
                           {"name", device.name},
                           {"threads", device.threads},
                           {"memory_bytes", device.memoryBytes}});
    return {{"hello",
             {{"protocol", hello.protocol},
              {"build", hello.build},
              {"kernel", hello.kernel},
              {"devices", std::move(devices)}}}};
}

Json toJson(const Progress& progress)
{
    const Progress clean = sanitized(progress);
    return {{"progress",
             {{"phase", clean.phase},
              {"step", clean.step},
              {"unit", clean.unit},
              {"done", clean.done},
              {"of", clean.of},
              {"rate", numberOrNull(clean.rate)},
              {"remaining_seconds", numberOrNull(clean.remainingSeconds)}}}};
}

Json toJson(const LayerResult& layer)
{
    Json body{{"name", layer.name},
              {"block", layer.block},
              {"index", layer.index},
              {"bits", layer.bits},
              {"N", layer.N},
              {"K", layer.K},
              {"error", finiteOrNull(layer.error)},
              {"relative_error", finiteOrNull(layer.relativeError)},
              {"seconds", finiteOrNull(layer.seconds)},
              {"bytes", layer.bytes}};
    if (layer.restored)
        body["restored"] = true;
    return {{"layer", std::move(body)}};
}

Json toJson(const LayerSensitivity& layer)
{
    return {{"sensitivity", layer.value}};
}

Json toJson(const Token& token)
{
    Json body{{"id", token.id}, {"text", token.text}};
    if (token.logProbability)
        body["logprob"] = finiteOrNull(*token.logProbability);
    if (token.divergence)
        body["kl"] = finiteOrNull(*token.divergence);
    for (const TokenCandidate& candidate : token.top)
        body["top"].push_back(
            {{"id", candidate.id}, {"text", candidate.text}, {"logprob", finiteOrNull(candidate.logProbability)}});
    return {{"token", std::move(body)}};
}

Json toJson(const Note& note)
{
    return {{"note", {{"severity", note.severity}, {"message", note.message}}}};
}

Json toJson(const Tick& tick)
{
    return {{"tick", {{"elapsed_seconds", finiteOrNull(tick.elapsedSeconds)}}}};
}

Json toJson(const Cancelling&)
{
    return {{"cancelling", Json::object()}};
}

Json toJson(const JobResult& result)
{
    return {{"result", result.value}};
}

Json toJson(const Error& error)
{
    return {{"error", json::fromError(error)}};
}

Result<WorkerMessage> parseWorkerMessage(std::string_view line)
{
    auto value = json::parse(line, {}, kLineLimits);
    if (!value)
        return asProtocol(std::move(value).error());
    auto message = parseMessage(JsonField(*value, {}));
    if (!message)
        return asProtocol(std::move(message).error());
    return message;
}

Result<Request> parseRequest(std::string_view line)
{
    auto value = json::parse(line, {}, kLineLimits);
    if (!value)
        return asProtocol(std::move(value).error());
    auto request = parseRequestObject(JsonField(*value, {}));
    if (!request)
        return asProtocol(std::move(request).error());
    return request;
}

std::string requestLine(const Request& request)
{
    Json line{{"id", request.id}, {"do", request.kind}};
    if (!request.spec.empty())
        line["spec"] = request.spec;
    return json::dump(line) + "\n";
}

std::string eventLine(std::int64_t id, const Json& event)
{
    Json line = event;
    if (id != 0)
        line["id"] = id;
    return json::dump(line) + "\n";
}

} // namespace sa
