// SPDX-License-Identifier: GPL-3.0-or-later
// Speaks docs/PROTOCOL.md without an engine, and breaks it on demand: the other end for tests of the window's client.
//
//   fake_worker MODE [NUMBER]
//
// Every mode but `silent-exit`, `wrong-version` and `garbage-hello` says a proper hello and answers `open` with a table
// of 42 layers (6 blocks of llama2-6m). NUMBER is the layer, counted from 1, at which a breaking mode acts (default 5).
//
//   script         quantize: 42 layer events in about 1 s, progress, a result. evaluate, generate, export, verify,
//                  doctor: short scripted jobs. analyze: estimates of all 42 layers at once, then (with `measure`)
//                  figures of one layer every 10 ms, and a sensitivity file at `save_to`; layer 20 fails. A model path
//                  that holds "missing" is answered by NotFound, one that holds "broken" by BadFormat; the doctor has a
//                  failed check for both. Cancel, end of file on stdin and SIGTERM are obeyed.
//                  generate: ten words over and over, twenty milliseconds a token; with the seed's word first unless
//                  it is greedy. A model path that holds "packed" opens as a packed model and says other words from the
//                  eighth token on; one that holds "deadly" kills the worker after NUMBER tokens.
//                  latency: three prompt lengths, a packed model faster and smaller, one that holds "sluggish" slower;
//                  energy only where the path holds "metered".
//                  report: KL 0.07, 4 % more perplexity, 1.25 points lost, held against the job's limits.
//   analyzed       as `script`, and an earlier analysis with these settings is known: an `analyze` that does not
//                  `measure` gives its figures, too
//   stale          as `analyzed`, with other settings
//   fast-chat      as `script`, a generate sends its tokens without a pause, however many
//   slow-doctor    as `script`, a doctor takes about 40 s (time to cancel)
//   deaf-doctor    as `slow-doctor`, but the doctor does not hear a cancel
//   crash-doctor   as `script`, a doctor dies by SIGSEGV
//   bad-doctor     as `script`, the result of a doctor contradicts itself
//   slow           as `script`, a quantize takes about 42 s (time to cancel) and a doctor about 2 s
//   deaf           as `slow`, but cancel and end of file are ignored (only signals end it)
//   stubborn       as `deaf`, and SIGTERM is ignored too (only SIGKILL ends it)
//   crash          writes a line to stderr and dies by SIGSEGV after NUMBER layers
//   crash-after    sends the result of a quantize, then dies by SIGSEGV
//   exit           exits 0 without a result after NUMBER layers
//   fail           the job ends with an OutOfMemory error after NUMBER layers
//   hang           sends nothing more, not even ticks, after NUMBER layers
//   flood          sends 200000 progress lines without a pause after NUMBER layers, then goes on
//   half-line      after NUMBER layers sends half a line, flushes it and exits 0
//   garbage        after NUMBER layers sends lines that are not messages, then goes on
//   endless-line   after NUMBER layers sends 4 MiB without a newline, then waits for signals
//   chatter        as `script`, with stray text lines of a library on stdout between the messages
//   noise          as `script`, while stderr gets 1 MiB of text
//   out-of-order   progress before the job starts, of other jobs, going back and beyond the end; two results
//   wrong-version  a hello of protocol 999
//   garbage-hello  a first line that is not JSON
//   silent-exit    exits 0 without a word
#include "core/alloc/sensitivity.h"
#include "core/base/atomic_file.h"
#include "core/protocol/line_buffer.h"
#include "core/protocol/messages.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <string>
#include <vector>

namespace
{

using sa::Json;
using Clock = std::chrono::steady_clock;

volatile std::sig_atomic_t terminated = 0;

void put(const std::string& text)
{
    std::size_t done = 0;
    while (done < text.size()) {
        const ssize_t count = ::write(STDOUT_FILENO, text.data() + done, text.size() - done);
        if (count < 0 && errno != EINTR)
            std::_Exit(0);
        if (count > 0)
            done += static_cast<std::size_t>(count);
    }
}

void send(std::int64_t id, const Json& event)
{
    put(sa::eventLine(id, event));
}

struct FakeLayer {
    std::string name;
    int block;
    int N, K;
};

std::vector<FakeLayer> layerTable()
{
    struct Shape {
        const char* name;
        int N, K;
    };
    constexpr std::array<Shape, 7> shapes{{{"self_attn.q_proj", 256, 256},
                                           {"self_attn.k_proj", 256, 256},
                                           {"self_attn.v_proj", 256, 256},
                                           {"self_attn.o_proj", 256, 256},
                                           {"mlp.gate_proj", 704, 256},
                                           {"mlp.up_proj", 704, 256},
                                           {"mlp.down_proj", 256, 704}}};
    std::vector<FakeLayer> layers;
    for (int block = 0; block < 6; ++block)
        for (const Shape& shape : shapes)
            layers.push_back({"model.layers." + std::to_string(block) + "." + shape.name, block, shape.N, shape.K});
    return layers;
}

Json openResult(const std::string& model)
{
    Json layers = Json::array();
    std::int64_t quantizable = 0;
    for (const FakeLayer& layer : layerTable()) {
        quantizable += std::int64_t{layer.N} * layer.K;
        layers.push_back({{"name", layer.name},
                          {"block", layer.block},
                          {"N", layer.N},
                          {"K", layer.K},
                          {"dtype", "F16"},
                          {"bytes", std::int64_t{layer.N} * layer.K * 2},
                          {"bits", 16.0},
                          {"quantizable", true},
                          {"error", nullptr}});
    }
    const bool packed = model.find("packed") != std::string::npos;
    return {{"model", model},
            {"fingerprint", model.substr(model.rfind('/') + 1)}, // folders of one name hold the same model
            {"format", packed ? "packed" : "original"},
            {"architecture", "LlamaForCausalLM"},
            {"family", "llama"},
            {"parameters", 6'917'376},
            {"original_bytes", 13'840'864},
            {"stored_bytes", 13'840'864},
            {"dtype", "F16"},
            {"config",
             {{"hidden_size", 256},
              {"layers", 6},
              {"heads", 8},
              {"kv_heads", 8},
              {"vocab_size", 4096},
              {"positions", 1024}}},
            {"tokenizer", {{"type", "BPE"}, {"vocab", 4096}}},
            {"quantizable_parameters", quantizable},
            {"bits_per_weight", packed ? 3.4 : 16.0},
            {"quantization", packed ? Json{{"method", "shiftadd"}, {"mode", "lat"}, {"bits", 3}} : Json()},
            {"layers", layers},
            {"warnings", Json::array()}};
}

Json doctorResult(const std::string& model)
{
    const auto check = [](const char* id, const char* title, const char* status, const char* detail,
                          const char* remedy) {
        return Json{{"id", id}, {"title", title}, {"status", status}, {"detail", detail}, {"remedy", remedy}};
    };
    Json checks = Json::array();
    int warnings = 0;
    int failed = 0;
    if (model.find("missing") != std::string::npos) {
        checks.push_back(
            check("config", "Configuration", "failed", "the folder does not exist", "Choose another folder"));
        failed = 1;
    } else {
        checks.push_back(check("architecture", "Architecture", "passed", "LlamaForCausalLM, 6 blocks", ""));
        if (model.find("incomplete") != std::string::npos) { // opens, but would not be of much use
            checks.push_back(check("vocabulary", "Tokenizer against embeddings", "warning", "4097 tokens for 4096",
                                   "Use the tokenizer that came with these weights"));
            checks.push_back(check("memory", "Memory for quantizing", "failed", "quantizing needs about 900 GiB",
                                   "Close other programs"));
            warnings = failed = 1;
        } else if (model.find("broken") != std::string::npos) {
            checks.push_back(check("weights", "Weight files", "failed", "the header is longer than the file",
                                   "Download the file again"));
            failed = 1;
        } else {
            checks.push_back(check("weights", "Weight files", "passed", "1 file, 57 tensors, 13 MiB", ""));
        }
    }
    const int passed = static_cast<int>(checks.size()) - warnings - failed;
    return {{"model", model},   {"checks", std::move(checks)},
            {"passed", passed}, {"warnings", warnings},
            {"failed", failed}, {"estimates", {{"memory_bytes", 200'000'000}, {"seconds", 3.5}}}};
}

/// Medians with a spread of 5 %.
Json latencyModel(const std::string& model, const std::vector<int>& lengths)
{
    const bool packed = model.find("packed") != std::string::npos;
    const bool metered = model.find("metered") != std::string::npos;
    const double factor = model.find("sluggish") != std::string::npos ? 2.0 : packed ? 0.5 : 1.0;
    const auto spread = [](double value) {
        return Json{{"median", value},    {"low", 0.95 * value}, {"high", 1.05 * value},
                    {"min", 0.9 * value}, {"max", 1.1 * value},  {"values", Json::array({value})}};
    };
    Json rows = Json::array();
    for (const int length : lengths)
        rows.push_back({{"prompt_tokens", length},
                        {"prefill_seconds", spread(0.001 * factor * length)},
                        {"first_token_seconds", spread(0.001 * factor * length)},
                        {"decode_seconds_per_token", spread(0.004 * factor + 1e-6 * length)},
                        {"cache_bytes", 2048 * length},
                        {"prefill_joules", metered ? spread(0.02 * length) : Json()},
                        {"decode_joules_per_token", metered ? spread(0.03 * factor) : Json()}});
    return {{"model", model},
            {"lengths", rows},
            {"calculated",
             {{"context", 288}, {"energy", "published"}, {"bytes", 1'000'000}, {"microjoules", 500 * factor}}},
            {"memory",
             {{"linear_bytes", packed ? 1'900'000 : 18'900'000},
              {"embedding_bytes", 4'200'000},
              {"cache_bytes", 590'000},
              {"scratch_bytes", 1'000'000}}}};
}

Json latencyResult(const Json& spec)
{
    const auto lengths = spec.value("lengths", std::vector<int>{16});
    Json models = Json::array({latencyModel(spec.value("model", ""), lengths)});
    if (spec.contains("against") && spec["against"].is_string())
        models.push_back(latencyModel(spec["against"].get<std::string>(), lengths));
    const bool metered = spec.value("model", "").find("metered") != std::string::npos;
    return {{"models", models},
            {"decode_tokens", spec.value("decode", 32)},
            {"repeats", spec.value("repeats", 5)},
            {"warmup", 1},
            {"device", "cpu"},
            {"threads", 2},
            {"energy_source", metered ? Json("rapl") : Json()}};
}

/// Deterministic figures that fall with the bits and differ between layers, as real ones do.
sa::LinearSensitivity figuresOf(const FakeLayer& layer, int index, bool measured)
{
    sa::LinearSensitivity linear;
    linear.name = layer.name;
    linear.projection = layer.name.substr(layer.name.rfind('.') + 1);
    linear.input = index % 7 < 3 ? "attention" : index % 7 == 3 ? "context" : index % 7 < 6 ? "mlp" : "hidden";
    linear.block = layer.block;
    linear.index = index % 7;
    linear.N = layer.N;
    linear.K = layer.K;
    const double weight = (1 + index * 7 % 5) * (layer.block == 0 ? 4.0 : 1.0);
    linear.weightScore = {0.01 * weight, sa::Provenance::Estimated};
    for (int bits = 1; bits <= 4; ++bits) {
        sa::Choice choice;
        choice.bits = bits;
        choice.bytes = static_cast<std::uint64_t>(layer.N * layer.K * bits / 8 + layer.K * bits * 2);
        if (measured && index == 19)
            choice.error.provenance = choice.damage.provenance = sa::Provenance::Failed;
        else if (measured) {
            choice.error = {0.4 / (1 << (2 * bits)) * (1 + index % 3), sa::Provenance::Measured};
            choice.damage = {choice.error.value * 0.01 * weight, sa::Provenance::Measured};
        }
        linear.choices.push_back(choice);
    }
    linear.choices.push_back({sa::kKeptBits,
                              static_cast<std::uint64_t>(layer.N) * static_cast<std::uint64_t>(layer.K) * 2,
                              {0, sa::Provenance::Measured},
                              {0, sa::Provenance::Measured}});
    if (measured && index == 19)
        linear.problem = "the Hessian is not positive definite";
    else if (measured)
        linear.criterion = {weight * 3, sa::Provenance::Measured};
    return linear;
}

class FakeWorker
{
public:
    FakeWorker(std::string mode, int breakAt)
        : m_mode(std::move(mode))
        , m_breakAt(breakAt)
    {
    }

    int run()
    {
        if (m_mode == "silent-exit")
            return 0;
        if (m_mode == "garbage-hello") {
            put("Loading libraries, please wait...\n");
        } else {
            sa::Hello hello;
            hello.protocol = m_mode == "wrong-version" ? 999 : sa::kProtocolVersion;
            hello.build = m_mode == "wrong-version" ? "9.9.9" : sa::buildVersion();
            hello.kernel = "FAKE";
            hello.devices = {{"cpu", "Fake CPU", 2, 8ull << 30}};
            send(0, toJson(hello));
        }
        while (!m_stopped) {
            if (m_requests.empty()) {
                wait(1000);
                continue;
            }
            const sa::Request request = m_requests.front();
            m_requests.pop_front();
            serve(request);
        }
        return 0;
    }

private:
    bool ignoresRequests() const { return m_mode == "deaf" || m_mode == "stubborn"; }

    /// Sleeps, reading requests meanwhile.
    void wait(int milliseconds)
    {
        const auto end = Clock::now() + std::chrono::milliseconds(milliseconds);
        while (!m_stopped) {
            if (terminated) {
                m_stopped = m_cancelled = true;
                return;
            }
            const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
            if (left < 0 || (m_running == 0 && !m_requests.empty()))
                return;
            pollfd input{m_eof ? -1 : STDIN_FILENO, POLLIN, 0};
            if (::poll(&input, 1, static_cast<int>(left) + 1) > 0)
                readInput();
        }
    }

    void readInput()
    {
        std::array<char, 65536> bytes;
        const ssize_t count = ::read(STDIN_FILENO, bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR)
            return;
        if (count <= 0) {
            m_eof = true;
            m_stopped = m_cancelled = !ignoresRequests();
            return;
        }
        if (!m_lines.feed({bytes.data(), static_cast<std::size_t>(count)})) {
            m_stopped = true;
            return;
        }
        while (const auto line = m_lines.next()) {
            const auto request = sa::parseRequest(*line);
            if (!request)
                send(0, toJson(request.error()));
            else if (request->kind != "cancel")
                m_requests.push_back(*request);
            else if (request->id == m_running && !ignoresRequests()) {
                send(request->id, toJson(sa::Cancelling{}));
                m_cancelled = true;
            }
        }
    }

    void serve(const sa::Request& request)
    {
        m_running = request.id;
        m_cancelled = false;
        const std::string model = request.spec.is_object() ? request.spec.value("model", std::string()) : std::string();
        if (request.kind == "doctor")
            doctor(request.id, model);
        else if (model.find("missing") != std::string::npos)
            send(request.id, toJson(sa::makeError(sa::Errc::NotFound, "the folder does not exist").in(model)));
        else if (model.find("broken") != std::string::npos)
            send(request.id, toJson(sa::makeError(sa::Errc::BadFormat, "the header is longer than the file")
                                        .in(model + "/model.safetensors")
                                        .at("byte 0")
                                        .butFound("9223372036854775807 bytes")
                                        .wanted("at most 13840864")
                                        .tryThis("Download the file again")));
        else if (request.kind == "open")
            send(request.id, {{"result", openResult(model)}});
        else if (request.kind == "quantize")
            quantize(request);
        else if (request.kind == "generate")
            generate(request);
        else if (request.kind == "analyze")
            analyze(request);
        else if (request.kind == "evaluate")
            steps(request, "evaluate", "windows", 20,
                  {{"perplexity", 58.807},
                   {"tokens", 10'220},
                   {"windows", 20},
                   {"seconds", 1.0},
                   {"tokens_per_second", 10'220.0}});
        else if (request.kind == "latency")
            steps(request, "evaluate", "runs", 20, latencyResult(request.spec));
        else if (request.kind == "report")
            report(request);
        else if (request.kind == "export")
            steps(request, "write", "layers", 10,
                  {{"out", request.spec.value("out", "")}, {"stored_bytes", 13'840'864}, {"seconds", 0.5}});
        else if (request.kind == "verify")
            steps(request, "verify", "layers", 10,
                  {{"tensors", 98}, {"bytes", 5'500'000}, {"layers", 42}, {"seconds", 0.5}});
        else
            send(request.id,
                 toJson(sa::makeError(sa::Errc::Protocol, "unknown request").at("do").butFound(request.kind)));
        m_running = 0;
    }

    void doctor(std::int64_t id, const std::string& model)
    {
        if (m_mode == "crash-doctor")
            crash();
        const int steps = m_mode == "slow-doctor" || m_mode == "deaf-doctor" ? 400 : m_mode == "slow" ? 20 : 0;
        for (int i = 0; i < steps; ++i) {
            wait(100);
            if (m_mode != "deaf-doctor" && endedEarly(id))
                return;
            if (m_stopped)
                return;
        }
        Json result = doctorResult(model);
        if (m_mode == "bad-doctor")
            result["passed"] = 99;
        send(id, {{"result", result}});
    }

    /// True once the job has to end; the error is sent.
    bool endedEarly(std::int64_t id)
    {
        if (!m_cancelled)
            return false;
        send(id, toJson(sa::makeError(sa::Errc::Cancelled, "cancelled")));
        return true;
    }

    void progress(std::int64_t id, const char* phase, const std::string& step, int done, int of, const char* unit)
    {
        sa::Progress value;
        value.phase = phase;
        value.step = step;
        value.unit = unit;
        value.done = done;
        value.of = of;
        const double elapsed = std::chrono::duration<double>(Clock::now() - m_jobStart).count();
        if (done > 0 && elapsed > 0) {
            value.rate = done / elapsed;
            value.remainingSeconds = (of - done) / *value.rate;
        }
        send(id, toJson(value));
    }

    void steps(const sa::Request& request, const char* phase, const char* unit, int count, const Json& result)
    {
        m_jobStart = Clock::now();
        for (int i = 0; i < count; ++i) {
            progress(request.id, phase, unit + std::string(" ") + std::to_string(i), i, count, unit);
            wait(m_mode == "slow" || ignoresRequests() ? 1000 : 25);
            if (endedEarly(request.id))
                return;
        }
        progress(request.id, phase, {}, count, count, unit);
        send(request.id, {{"result", result}});
    }

    /// The `i`-th token of an answer, with candidates as docs/PROTOCOL.md has them.
    static sa::Token wordAt(const sa::Request& request, int i)
    {
        constexpr const char* words[] = {" the",  " quick", " brown", " fox", " jumps",
                                         " over", " the",   " lazy",  " dog", "."};
        const bool packed = request.spec.value("model", "").find("packed") != std::string::npos;
        const int seed = request.spec.value("greedy", false) ? 0 : static_cast<int>(request.spec.value("seed", 0) % 10);
        const int step = packed && i >= 7 ? 3 : 1;
        sa::Token token;
        token.id = 300 + (i * step + seed) % 10;
        const Json forced = request.spec.value("force_ids", Json::array());
        if (i < static_cast<int>(forced.size())) {
            token.id = forced[static_cast<std::size_t>(i)];
            token.divergence = 0.01 * (i + 1);
        }
        token.text = words[token.id % 10];
        const int candidates = request.spec.value("top_k_logged", 0);
        if (candidates > 0)
            token.logProbability = -0.5;
        for (int k = 0; k < candidates; ++k)
            token.top.push_back({300 + (token.id + k) % 10, words[(token.id + k) % 10], -0.5 - k});
        return token;
    }

    /// KL 0.07 and 4 % more perplexity, whatever the models; the page is small and has a drawing.
    void report(const sa::Request& request)
    {
        const Json& spec = request.spec;
        Json limits = Json::array();
        bool passed = true;
        const auto limit = [&](const char* key, const char* name, double value) {
            if (!spec.contains(key) || !spec[key].is_number())
                return;
            const bool within = value <= spec[key].get<double>();
            limits.push_back({{"name", name}, {"limit", spec[key]}, {"value", value}, {"passed", within}});
            passed = passed && within;
        };
        limit("max_kl", "mean KL divergence, nats a token", 0.07);
        limit("max_ppl_increase", "increase of perplexity, %", 4.0);
        limit("max_accuracy_loss", "loss of accuracy, percentage points", 1.25);
        const Json reason = passed ? Json() : spec.value("override", Json());
        const Json certificate{
            {"certificate", 1},
            {"evaluation", {{"perplexity", 61.25}}},
            {"latency", spec.value("latency", Json()).is_string() ? Json{{"models", Json::array()}} : Json()},
            {"gate",
             {{"limits", limits},
              {"passed", passed},
              {"override", reason},
              {"accepted", passed || !reason.is_null()}}}};
        const std::string page =
            "<!DOCTYPE html><html><head><style>x{}</style></head><body><h1>Quality certificate</h1>"
            "<p>Perplexity <data value=\"61.25\">61.25</data></p>"
            "<svg viewBox=\"0 0 72 22\"><rect x=\"0\" y=\"0\" width=\"72\" height=\"22\" "
            "fill=\"#2b6cb0\"/></svg></body></html>";
        if (const Json html = spec.value("html", Json()); html.is_string())
            if (const auto written = sa::writeFileAtomic(html.get<std::string>(), page); !written)
                return send(request.id, toJson(written.error()));
        steps(request, "evaluate", "windows", 4, certificate);
    }

    void generate(const sa::Request& request)
    {
        const bool fast = m_mode == "fast-chat";
        const bool deadly = request.spec.value("model", "").find("deadly") != std::string::npos;
        const auto forced = request.spec.value("force_ids", Json::array()).size();
        int maxTokens = std::min(fast ? 100'000 : 200, request.spec.value("max_tokens", 128));
        if (forced > 0)
            maxTokens = static_cast<int>(forced);
        Json ids = Json::array();
        std::string text;
        for (int i = 0; i < maxTokens; ++i) {
            if (!fast || i % 50 == 0)
                wait(fast ? 0 : 20);
            if (endedEarly(request.id))
                return;
            const sa::Token token = wordAt(request, i);
            ids.push_back(token.id);
            text += token.text;
            send(request.id, toJson(token));
            if (deadly && i + 1 == m_breakAt)
                crash();
        }
        send(request.id, {{"result",
                           {{"text", text},
                            {"ids", ids},
                            {"prompt_tokens", 5},
                            {"prefill_seconds", 0.02},
                            {"first_token_seconds", 0.02},
                            {"tokens_per_second", 50.0},
                            {"memory", {{"resident_bytes", 200'000'000}, {"peak_bytes", 250'000'000}}},
                            {"stop", forced > 0 ? "forced" : "length"}}}});
    }

    void analyze(const sa::Request& request)
    {
        const std::int64_t id = request.id;
        const bool measure = request.spec.value("measure", true);
        const auto table = layerTable();
        sa::Sensitivity whole;
        whole.model = {"LlamaForCausalLM", "toy", {{"model.safetensors", std::string(64, 'a')}}};
        whole.calibration = {{std::string(64, 'b')}, measure ? 32 : 0, measure ? 512 : 0, 0};
        whole.settings = {{"mode", request.spec.value("mode", "lat")}};
        whole.otherBytes = 4'400'000;
        m_jobStart = Clock::now();
        for (std::size_t i = 0; i < table.size(); ++i) {
            whole.linears.push_back(figuresOf(table[i], static_cast<int>(i), false));
            send(id, {{"sensitivity", toJson(whole.linears.back())}});
        }
        for (std::size_t i = 0; !measure && (m_mode == "analyzed" || m_mode == "stale") && i < table.size(); ++i) {
            whole.linears[i] = figuresOf(table[i], static_cast<int>(i), true);
            for (sa::Choice& choice : whole.linears[i].choices)
                if (m_mode == "stale" && choice.error.known() && choice.bits != sa::kKeptBits)
                    choice.error.provenance = choice.damage.provenance = sa::Provenance::Stale;
            send(id, {{"sensitivity", toJson(whole.linears[i])}});
        }
        for (std::size_t i = 0; measure && i < table.size(); ++i) {
            progress(id, "measure", table[i].name, static_cast<int>(i), static_cast<int>(table.size()), "layers");
            wait(m_mode == "slow" || ignoresRequests() ? 1000 : 10);
            if (endedEarly(id))
                return;
            whole.linears[i] = figuresOf(table[i], static_cast<int>(i), true);
            send(id, {{"sensitivity", toJson(whole.linears[i])}});
            if (static_cast<int>(i) + 1 == m_breakAt && misbehave(id))
                return;
        }
        const std::string file = request.spec.contains("save_to") && request.spec["save_to"].is_string()
                                     ? request.spec["save_to"].get<std::string>()
                                     : std::string();
        if (!file.empty())
            if (const auto written = sa::writeSensitivity(file, whole); !written)
                return send(id, toJson(written.error()));
        send(id, {{"result",
                   {{"sensitivity_file", file.empty() ? sa::Json() : sa::Json(file)},
                    {"seconds", 0.5},
                    {"cached", false},
                    {"linears", table.size()}}}});
    }

    void quantize(const sa::Request& request)
    {
        const std::int64_t id = request.id;
        const int bits = request.spec.value("bits", 3);
        const auto table = layerTable();
        const int count = static_cast<int>(table.size());
        m_jobStart = Clock::now();
        if (m_mode == "out-of-order") {
            progress(id + 1000, "quantize", "another job", 1, 2, "layers");
            send(id, {{"progress",
                       {{"phase", "quantize"}, {"done", 90}, {"of", 42}, {"rate", -1}, {"remaining_seconds", -5}}}});
            send(id, {{"progress", {{"phase", "quantize"}, {"done", nullptr}, {"of", nullptr}}}});
        }
        Json layers = Json::array();
        std::int64_t bytes = 2'300'000; // what stays dense
        for (int i = 0; i < count; ++i) {
            progress(id, "quantize", table[i].name, i, count, "layers");
            if (m_mode == "noise")
                std::fprintf(stderr, "%s\n", std::string(25'000, 'x').c_str());
            if (m_mode == "chatter")
                put("[W NNPACK.cpp:79] Could not initialize NNPACK!\n");
            wait(m_mode == "slow" || ignoresRequests() ? 1000 : 24);
            if (endedEarly(id))
                return;
            sa::LayerResult layer;
            layer.name = table[i].name;
            layer.block = table[i].block;
            layer.index = i;
            layer.bits = bits;
            layer.N = table[i].N;
            layer.K = table[i].K;
            layer.relativeError = 0.25 / (1 << (2 * bits)) * (1.0 + 0.3 * (i % 7));
            layer.error = layer.relativeError * 40.0;
            layer.seconds = 0.024;
            layer.bytes = static_cast<std::uint64_t>(layer.N * layer.K * bits / 8 + layer.K * bits / 8 * 16);
            bytes += static_cast<std::int64_t>(layer.bytes);
            const Json event = toJson(layer);
            layers.push_back(event.at("layer"));
            send(id, event);
            if (i + 1 == m_breakAt && misbehave(id))
                return;
        }
        progress(id, "quantize", {}, count, count, "layers");
        Json result{{"seconds", 1.0},
                    {"bits_per_weight", bits + 0.375 * bits},
                    {"stored_bytes", bytes},
                    {"original_bytes", 13'840'864},
                    {"out", request.spec.value("out", "")},
                    {"layers", layers}};
        if (request.spec.contains("plan") && request.spec["plan"].is_string()) {
            Json predictions = Json::array();
            for (const Json& layer : layers)
                predictions.push_back({{"name", layer.at("name")},
                                       {"bits", layer.at("bits")},
                                       {"predicted", layer.at("relative_error").get<double>() * 1.1},
                                       {"measured", layer.at("relative_error")}});
            result["prediction"] = {{"layers", predictions}, {"kendall_tau", 0.97}, {"source", "plan"}};
        }
        send(id, {{"result", result}});
        if (m_mode == "out-of-order")
            send(id, {{"result", result}});
        if (m_mode == "crash-after")
            crash();
    }

    [[noreturn]] static void crash()
    {
        std::fprintf(stderr, "[critical] fake worker: about to crash\n");
        std::signal(SIGSEGV, SIG_DFL);
        std::raise(SIGSEGV);
        std::abort();
    }

    /// True when the job is over.
    bool misbehave(std::int64_t id)
    {
        if (m_mode == "crash")
            crash();
        if (m_mode == "exit")
            std::_Exit(0);
        if (m_mode == "fail") {
            send(id, toJson(sa::makeError(sa::Errc::OutOfMemory, "not enough memory for the Hessian")
                                .at("model.layers.0.mlp.up_proj")
                                .butFound("1.2 GiB free")
                                .wanted("9.1 GiB")
                                .tryThis("Use fewer or shorter calibration windows")));
            return true;
        }
        if (m_mode == "hang")
            while (!terminated)
                ::pause();
        if (m_mode == "flood")
            for (int i = 0; i < 200'000; ++i)
                progress(id, "quantize", "flood " + std::to_string(i), m_breakAt, 42, "layers");
        if (m_mode == "half-line") {
            put("{\"id\":" + std::to_string(id) + ",\"progress\":{\"phase\":\"quan");
            std::_Exit(0);
        }
        if (m_mode == "garbage")
            put("Warning: something in a "
                "library\n\xff\xfe\x80garbage\n[1,2,3]\n{}\n{\"id\":\"seven\",\"tick\":{}}\n\n");
        if (m_mode == "endless-line") {
            put(std::string(4u << 20, 'x'));
            while (!terminated)
                ::pause();
        }
        return terminated != 0;
    }

    std::string m_mode;
    int m_breakAt;
    sa::LineBuffer m_lines;
    std::deque<sa::Request> m_requests;
    std::int64_t m_running = 0;
    bool m_cancelled = false;
    bool m_stopped = false;
    bool m_eof = false;
    Clock::time_point m_jobStart = Clock::now();
};

} // namespace

int main(int argc, char** argv)
{
    const std::string mode = argc > 1 ? argv[1] : "script";
    const int breakAt = argc > 2 ? std::atoi(argv[2]) : 5;
    std::signal(SIGPIPE, SIG_IGN);
    if (mode == "stubborn") {
        std::signal(SIGTERM, SIG_IGN);
    } else {
        struct sigaction action {
        };
        action.sa_handler = [](int) { terminated = 1; };
        ::sigaction(SIGTERM, &action, nullptr);
    }
    return FakeWorker(mode, breakAt).run();
}
