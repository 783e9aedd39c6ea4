// SPDX-License-Identifier: GPL-3.0-or-later
// Written against the C border alone, so that nothing of ours softens a fault.
#include "shiftadd/method.h"

#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

namespace
{

std::string faultOf(const char* options)
{
    const std::string text = options, key = "\"fault\":\"";
    const auto begin = text.find(key) + key.size();
    return text.substr(begin, text.find('"', begin) - begin);
}

int create(const shiftadd_host*, const shiftadd_input* input, void** instance, shiftadd_error*)
{
    auto* fault = new std::string(faultOf(input->options));
    *instance = fault;
    if (*fault == "throw_in_create")
        throw std::runtime_error("create must not throw");
    return SHIFTADD_OK;
}

int quantize(void* instance, const shiftadd_host* host, const shiftadd_layer* layer, shiftadd_result* result,
             shiftadd_error* error)
{
    const std::string& fault = *static_cast<std::string*>(instance);
    const std::int64_t count = layer->rows * layer->columns;
    std::vector<float> values(layer->weight, layer->weight + count);
    if (fault == "throw")
        throw std::runtime_error("escaped");
    if (fault == "throw_number")
        throw 42;
    if (fault == "memory")
        throw std::bad_alloc();
    if (fault == "nan")
        values[static_cast<std::size_t>(layer->columns) + 2] = std::numeric_limits<float>::quiet_NaN();
    if (fault == "status" || fault == "bad_options" || fault == "bad_input")
        std::strcpy(error->message, "because I say so");
    if (fault == "long_message")
        std::memset(error->message, 'x', sizeof error->message); // no terminator
    if (fault == "status" || fault == "silent_status" || fault == "long_message")
        return SHIFTADD_FAILED;
    if (fault == "bad_options")
        return SHIFTADD_BAD_OPTIONS;
    if (fault == "bad_input")
        return SHIFTADD_BAD_INPUT;
    if (fault == "cancel")
        return SHIFTADD_CANCELLED; // although nobody asked
    if (fault == "nothing")
        return SHIFTADD_OK;
    if (fault == "chatter")
        for (int i = 0; i < 5000; ++i)
            host->log(host->context, "\x1b[2J again");
    if (fault == "planes") {
        const shiftadd_planes planes{sizeof planes, 1, 1, 8, nullptr, 0, nullptr, 0};
        result->planes(result->context, &planes);
        return SHIFTADD_OK;
    }
    if (fault == "twice")
        result->dense(result->context, values.data(), count, 8);
    result->dense(result->context, fault == "null" ? nullptr : values.data(),
                  fault == "too_few"    ? count - 1
                  : fault == "too_many" ? count + 1
                                        : count,
                  fault == "no_bytes" ? 0 : 8);
    return SHIFTADD_OK; // whatever the answer was
}

void destroy(void* instance)
{
    delete static_cast<std::string*>(instance);
}

const shiftadd_method kMethod{SHIFTADD_METHOD_API, sizeof(shiftadd_method), "faulty", create, quantize, destroy};

} // namespace

extern "C" SHIFTADD_EXPORT const shiftadd_method* shiftadd_method_entry(uint32_t)
{
    return &kMethod;
}
