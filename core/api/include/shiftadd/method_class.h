// SPDX-License-Identifier: GPL-3.0-or-later
// The C border as C++: a method is a class, errors are exceptions that end here, and one macro exports it.
//
//     class Mine {
//     public:
//         Mine(const shiftadd::Host& host, const shiftadd::Input& input, const shiftadd::Options& options);
//         void quantize(const shiftadd::Host& host, const shiftadd::Layer& layer, shiftadd::Result& result) const;
//     };
//     SHIFTADD_METHOD("mine", Mine)
#pragma once

#include "shiftadd/method.h"
#include "shiftadd/options.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <vector>

namespace shiftadd
{

using Input = shiftadd_input;
using Layer = shiftadd_layer;

/// What a method throws to say why it cannot go on.
class Failure : public std::exception
{
public:
    Failure(shiftadd_status status, std::string message)
        : m_status(status)
        , m_message(std::move(message))
    {
    }
    shiftadd_status status() const noexcept { return m_status; }
    const char* what() const noexcept override { return m_message.c_str(); }

private:
    shiftadd_status m_status;
    std::string m_message;
};

class Host
{
public:
    explicit Host(const shiftadd_host& host)
        : m_host(host)
    {
    }

    bool cancelled() const { return m_host.cancelled(m_host.context) != 0; }
    void checkCancelled() const
    {
        if (cancelled())
            throw Failure(SHIFTADD_CANCELLED, "cancelled");
    }
    void log(const std::string& message) const { m_host.log(m_host.context, message.c_str()); }
    std::uint16_t apotRound(double value, int terms = 3) const { return m_host.apot_round(value, terms); }
    double apotValue(std::uint16_t word) const { return m_host.apot_value(word); }
    std::vector<std::uint16_t> bcqFit(const float* values, std::int64_t count, int planes, int rounds, int terms) const
    {
        std::vector<std::uint16_t> scales(static_cast<std::size_t>(planes));
        if (m_host.bcq_fit(values, nullptr, count, planes, rounds, terms, scales.data()) != 0)
            throw Failure(SHIFTADD_BAD_OPTIONS, "the host refuses to fit such scales");
        return scales;
    }
    /// body(i) for i in [0, count) on the host's threads. The first exception comes out here, after all have ended.
    template<class Body> void parallelFor(std::int64_t count, const Body& body) const
    {
        struct State {
            const Body& body;
            std::vector<std::exception_ptr> failures; // one place each: no lock needed
        } state{body, std::vector<std::exception_ptr>(static_cast<std::size_t>(count))};
        m_host.parallel_for(
            m_host.context, count,
            [](void* opaque, std::int64_t index) {
                State& own = *static_cast<State*>(opaque);
                try {
                    own.body(index);
                } catch (...) {
                    own.failures[static_cast<std::size_t>(index)] = std::current_exception();
                }
            },
            &state);
        for (const auto& failure : state.failures)
            if (failure)
                std::rethrow_exception(failure);
    }

private:
    const shiftadd_host& m_host;
};

class Result
{
public:
    explicit Result(shiftadd_result& result)
        : m_result(result)
    {
    }
    /// values: [N][K]
    void dense(const std::vector<float>& values, std::uint64_t storedBytes)
    {
        accepted(
            m_result.dense(m_result.context, values.data(), static_cast<std::int64_t>(values.size()), storedBytes));
    }
    void planes(int q, std::int64_t R, std::int64_t C, const std::vector<std::uint32_t>& bits,
                const std::vector<std::uint16_t>& scales)
    {
        const shiftadd_planes planes{sizeof planes,
                                     q,
                                     R,
                                     C,
                                     bits.data(),
                                     static_cast<std::int64_t>(bits.size()),
                                     scales.data(),
                                     static_cast<std::int64_t>(scales.size())};
        accepted(m_result.planes(m_result.context, &planes));
    }

private:
    static void accepted(int refused)
    {
        if (refused != 0)
            throw Failure(SHIFTADD_FAILED, "the result was refused");
    }
    shiftadd_result& m_result;
};

/// Runs a step; what it throws becomes a status and a message.
template<class Step> int guarded(shiftadd_error* error, const Step& step) noexcept
{
    const auto fail = [error](shiftadd_status status, const char* message) {
        std::strncpy(error->message, message, sizeof error->message - 1);
        error->message[sizeof error->message - 1] = '\0';
        return static_cast<int>(status);
    };
    try {
        step();
        return SHIFTADD_OK;
    } catch (const Failure& failure) {
        return fail(failure.status(), failure.what());
    } catch (const std::bad_alloc&) {
        return fail(SHIFTADD_OUT_OF_MEMORY, "there is not enough memory for this layer");
    } catch (const std::exception& exception) {
        return fail(SHIFTADD_FAILED, exception.what());
    } catch (...) {
        return fail(SHIFTADD_FAILED, "an unknown exception was thrown");
    }
}

template<class Method> shiftadd_method describe(const char* id) noexcept
{
    shiftadd_method out{};
    out.api = SHIFTADD_METHOD_API;
    out.struct_bytes = sizeof out;
    out.id = id;
    out.create = [](const shiftadd_host* host, const shiftadd_input* input, void** instance, shiftadd_error* error) {
        return guarded(error, [&] { *instance = new Method(Host(*host), *input, Options(input->options)); });
    };
    out.quantize = [](void* instance, const shiftadd_host* host, const shiftadd_layer* layer, shiftadd_result* result,
                      shiftadd_error* error) {
        return guarded(error, [&] {
            Result sink(*result);
            static_cast<const Method*>(instance)->quantize(Host(*host), *layer, sink);
        });
    };
    out.destroy = [](void* instance) { delete static_cast<Method*>(instance); };
    return out;
}

} // namespace shiftadd

#define SHIFTADD_METHOD(id, Class)                                                                                     \
    extern "C" SHIFTADD_EXPORT const shiftadd_method* shiftadd_method_entry(uint32_t api)                              \
    {                                                                                                                  \
        static const shiftadd_method method = shiftadd::describe<Class>(id);                                           \
        return api == SHIFTADD_METHOD_API ? &method : nullptr;                                                         \
    }
