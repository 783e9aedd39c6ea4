// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/method_library.h"

#include "core/base/file.h"
#include "core/base/parallel.h"
#include "core/checkpoint/packed_layout.h"
#include "core/quant/bcq.h"
#include "shiftadd/method.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <dlfcn.h>
#include <limits>

namespace sa
{

namespace
{

constexpr int kMaxRounds = 10'000;

int hostCancelled(void* context)
{
    return static_cast<MethodHost*>(context)->cancel().cancelled() ? 1 : 0;
}

void hostLog(void* context, const char* message)
{
    static_cast<MethodHost*>(context)->log(message);
}

void hostParallelFor(void*, std::int64_t count, void (*body)(void*, std::int64_t), void* state)
{
    parallelFor(count, [&](std::int64_t i) { body(state, i); });
}

std::uint16_t hostApotRound(double value, int terms)
{
    return kernels::apotRound(value, std::clamp(terms, 1, kernels::kMaxApotTerms));
}

double hostApotValue(std::uint16_t word)
{
    return kernels::apotValue(word);
}

int hostBcqFit(const float* values, const float* factors, std::int64_t count, int planes, int rounds, int terms,
               std::uint16_t* scales)
{
    if (!values || !scales || count < 1 || planes < 1 || planes > kMaxPlanes || rounds < 0 || rounds > kMaxRounds ||
        terms < 1 || terms > kernels::kMaxApotTerms)
        return 1;
    try {
        thread_local BcqFitter fitter;
        const auto size = static_cast<std::size_t>(count);
        const BcqGrid grid = fitter.fit({values, size}, factors ? std::span(factors, size) : std::span<const float>(),
                                        {planes, rounds, terms});
        std::copy_n(grid.scales.begin(), planes, scales);
        return 0;
    } catch (const std::bad_alloc&) {
        return 2;
    }
}

shiftadd_host hostTable(MethodHost& host)
{
    shiftadd_host table{};
    table.struct_bytes = sizeof table;
    table.context = &host;
    table.cancelled = hostCancelled;
    table.log = hostLog;
    table.parallel_for = hostParallelFor;
    table.apot_round = hostApotRound;
    table.apot_value = hostApotValue;
    table.bcq_fit = hostBcqFit;
    return table;
}

Error fault(const std::string& id, const std::string& what)
{
    return makeError(Errc::Internal, "the method " + id + " " + what);
}

/// Calls into the library: its status and message, or what it threw although it must not, as an Error.
template<class Call> Result<void> called(const std::string& id, const MethodHost& host, const Call& call)
{
    shiftadd_error said{};
    int status = SHIFTADD_FAILED;
    try {
        status = call(&said);
    } catch (const std::bad_alloc&) {
        return makeError(Errc::OutOfMemory, "the method " + id + " needs more memory than there is");
    } catch (const std::exception& exception) {
        return fault(id, "threw an exception: " + display(exception.what()));
    } catch (...) {
        return fault(id, "threw an exception of a kind that nobody knows");
    }
    if (status == SHIFTADD_OK)
        return {};
    SA_CHECK(host.cancel().check());
    said.message[sizeof said.message - 1] = '\0';
    const std::string message = said.message[0] ? display(said.message, sizeof said.message) : "it does not say why";
    switch (status) {
    case SHIFTADD_BAD_OPTIONS:
        return makeError(Errc::Usage, "the method " + id + " refuses its options: " + message).at("options");
    case SHIFTADD_BAD_INPUT:
        return makeError(Errc::BadInput, "the method " + id + " cannot use this layer: " + message);
    case SHIFTADD_OUT_OF_MEMORY:
        return makeError(Errc::OutOfMemory, "the method " + id + " needs more memory than there is");
    default:
        return fault(id, "failed: " + message);
    }
}

/// Takes a result over, copying only what has the sizes that it must have.
class Sink
{
public:
    Sink(std::string id, const MethodInstance::Layer& layer, bool wantsPlanes)
        : m_id(std::move(id))
        , m_layer(layer)
        , m_wantsPlanes(wantsPlanes)
    {
    }

    shiftadd_result table()
    {
        shiftadd_result out{};
        out.struct_bytes = sizeof out;
        out.context = this;
        out.dense = [](void* context, const float* values, std::int64_t count, std::uint64_t storedBytes) {
            Sink& sink = *static_cast<Sink*>(context);
            return sink.take([&] { return sink.takeDense(values, count, storedBytes); });
        };
        out.planes = [](void* context, const shiftadd_planes* planes) {
            Sink& sink = *static_cast<Sink*>(context);
            return sink.take([&] { return sink.takePlanes(planes); });
        };
        return out;
    }
    /// What was refused comes before what the method made of the refusal.
    Result<MethodOutput> finish(Result<void> outcome)
    {
        if (m_problem)
            return *std::move(m_problem);
        SA_CHECK(outcome);
        if (m_results == 0)
            return fault(m_id, "gave no result");
        return std::move(m_output);
    }

private:
    template<class Take> int take(const Take& copy) noexcept
    {
        try {
            auto outcome = ++m_results == 1 ? copy() : Result<void>(fault(m_id, "gave two results for one layer"));
            if (!outcome && !m_problem)
                m_problem = std::move(outcome).error();
            return outcome ? 0 : 1;
        } catch (const std::bad_alloc&) {
            m_problem = Error{};
            m_problem->code = Errc::OutOfMemory;
            m_problem->message = "no room"; // fits the string itself: nothing can be allocated here
            return 1;
        }
    }

    Result<void> takeDense(const float* values, std::int64_t count, std::uint64_t storedBytes)
    {
        if (m_wantsPlanes)
            return fault(m_id, "gave dense values although its metadata promises planes");
        const std::int64_t expected = m_layer.N * m_layer.K;
        if (!values || count != expected)
            return fault(m_id, "gave a result of the wrong size")
                .butFound(values ? std::to_string(count) + " values" : "none")
                .wanted(std::to_string(expected));
        const float* bad = std::find_if_not(values, values + count, [](float v) { return std::isfinite(v); });
        if (bad != values + count)
            return fault(m_id, "gave a weight that is NaN or infinite")
                .butFound("row " + std::to_string((bad - values) / m_layer.K) + ", column " +
                          std::to_string((bad - values) % m_layer.K));
        if (storedBytes == 0)
            return fault(m_id, "does not say how many bytes its result takes");
        m_output.dense.assign(values, values + count);
        m_output.storedBytes = storedBytes;
        return {};
    }

    Result<void> takePlanes(const shiftadd_planes* given)
    {
        if (!m_wantsPlanes)
            return fault(m_id, "gave planes although its metadata promises dense values");
        if (!given || given->struct_bytes < sizeof *given || !given->bits || !given->scales)
            return fault(m_id, "gave planes that are not there");
        constexpr std::int64_t kLargest = std::numeric_limits<std::int32_t>::max() - 8;
        if (given->q < 1 || given->q > kMaxPlanes || given->R < 1 || given->R > kLargest || given->C < 1 ||
            given->C > kLargest)
            return fault(m_id, "gave planes of an impossible geometry")
                .butFound("q " + std::to_string(given->q) + ", R " + std::to_string(given->R) + ", C " +
                          std::to_string(given->C));
        PackedWeight out;
        out.N = static_cast<int>(m_layer.N);
        out.K = static_cast<int>(m_layer.K);
        out.q = given->q;
        out.R = static_cast<int>(given->R);
        out.C = static_cast<int>(given->C);
        const auto words = static_cast<std::int64_t>(out.view().wordCount());
        const auto scales = static_cast<std::int64_t>(out.view().scaleCount());
        if (given->bit_words != words || given->scale_words != scales)
            return fault(m_id, "gave planes of the wrong size")
                .butFound(std::to_string(given->bit_words) + " words and " + std::to_string(given->scale_words) +
                          " scales")
                .wanted(std::to_string(words) + " and " + std::to_string(scales));
        out.bits.assign(given->bits, given->bits + words);
        out.scales.assign(given->scales, given->scales + scales);
        if (const auto status = kernels::check(out.view()); status != kernels::Status::Ok)
            return fault(m_id, std::string("gave planes of an impossible geometry: ") + kernels::name(status));
        if (const auto problem = findPlanesProblem(out.view()))
            return fault(m_id, "gave planes that break the format: " + problem->message).butFound(problem->found);
        m_output.dense.resize(static_cast<std::size_t>(m_layer.N * m_layer.K));
        kernels::unpackDense(out.view(), m_output.dense.data());
        m_output.storedBytes = out.storedBytes();
        m_output.planes = std::move(out);
        return {};
    }

    std::string m_id;
    const MethodInstance::Layer& m_layer;
    bool m_wantsPlanes;
    int m_results = 0;
    std::optional<Error> m_problem;
    MethodOutput m_output;
};

} // namespace

std::vector<std::string> MethodHost::takeNotes()
{
    const std::lock_guard lock(m_mutex);
    return std::exchange(m_notes, {});
}

void MethodHost::log(const char* message) noexcept
{
    constexpr std::size_t kMaxNotes = 1000; // a method that chatters does not fill the memory
    try {
        const std::lock_guard lock(m_mutex);
        if (message && m_notes.size() < kMaxNotes)
            m_notes.push_back(display(message, 1000));
    } catch (const std::exception&) {
        return; // a note less
    }
}

Result<MethodOutput> MethodInstance::quantize(const Layer& layer) const
{
    const shiftadd_host table = hostTable(*m_host);
    shiftadd_layer argument{};
    argument.struct_bytes = sizeof argument;
    argument.name = layer.name.c_str();
    argument.rows = layer.N;
    argument.columns = layer.K;
    argument.weight = layer.weight;
    Sink sink(m_id, layer, m_givesPlanes);
    shiftadd_result result = sink.table();
    auto outcome = called(m_id, *m_host, [&](shiftadd_error* error) {
        return m_method->quantize(m_state.get(), &table, &argument, &result, error);
    });
    auto output = sink.finish(std::move(outcome));
    if (!output)
        return std::move(output).error().at(layer.name);
    return output;
}

Result<MethodLibrary> MethodLibrary::load(const MethodInfo& info)
{
    const auto broken = [&](Errc code, std::string message) {
        return makeError(code, std::move(message)).in(info.library);
    };
    if (info.library.empty())
        return makeError(Errc::Internal, "the method is built in and has no library").at(info.id);
    if (!exists(info.library))
        return broken(Errc::NotFound, "the library of the method " + info.id + " is missing");
    // RTLD_LOCAL: two methods may use the same names inside.
    void* library = ::dlopen(info.library.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        const char* why = ::dlerror();
        return broken(Errc::BadFormat, "the library of the method " + info.id + " cannot be loaded")
            .butFound(display(why ? why : "no reason", 300));
    }
    const auto entry = reinterpret_cast<shiftadd_method_entry_function>(::dlsym(library, SHIFTADD_METHOD_ENTRY));
    if (!entry)
        return broken(Errc::BadFormat, "the library exports no " SHIFTADD_METHOD_ENTRY);
    const shiftadd_method* method = nullptr;
    try {
        method = entry(SHIFTADD_METHOD_API);
    } catch (...) {
        return broken(Errc::BadFormat, "the library throws when it is asked for its method");
    }
    if (!method || method->api != SHIFTADD_METHOD_API)
        return broken(Errc::Unsupported, "the library was built for another version of the plugin interface")
            .butFound(method ? std::to_string(method->api) : "none that it would speak here")
            .wanted(std::to_string(SHIFTADD_METHOD_API));
    if (method->struct_bytes < sizeof *method || !method->create || !method->quantize || !method->destroy)
        return broken(Errc::BadFormat, "the library's table of functions is incomplete");
    if (!method->id || info.id != method->id)
        return broken(Errc::BadFormat, "the library is another method than its metadata say")
            .butFound(method->id ? display(method->id, 60) : "no name")
            .wanted(info.id);
    MethodLibrary out;
    out.m_method = method;
    out.m_id = info.id;
    out.m_givesPlanes = info.result == MethodInfo::ResultKind::Planes;
    return out;
}

Result<MethodInstance> MethodLibrary::create(const Input& input, MethodHost& host) const
{
    const shiftadd_host table = hostTable(host);
    shiftadd_input argument{};
    argument.struct_bytes = sizeof argument;
    argument.name = input.name.c_str();
    argument.columns = input.K;
    argument.hessian = input.hessian;
    argument.options = input.options.c_str();
    void* state = nullptr;
    auto outcome =
        called(m_id, host, [&](shiftadd_error* error) { return m_method->create(&table, &argument, &state, error); });
    if (!outcome)
        return std::move(outcome).error().at(input.name);
    MethodInstance out;
    out.m_method = m_method;
    out.m_host = &host;
    out.m_id = m_id;
    out.m_givesPlanes = m_givesPlanes;
    out.m_state = std::shared_ptr<void>(state, [destroy = m_method->destroy](void* instance) {
        try {
            if (instance)
                destroy(instance);
        } catch (...) {
            return; // nothing is left to be done about it
        }
    });
    return out;
}

} // namespace sa
