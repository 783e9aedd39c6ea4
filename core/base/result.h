// SPDX-License-Identifier: GPL-3.0-or-later
// Result<T>: a value or the Error that prevented it. Same member names as std::expected, which gcc 12 lacks in C++20.
#pragma once

#include "core/base/error.h"

#include <cassert>
#include <optional>
#include <utility>
#include <variant>

namespace sa
{

template<class T> class [[nodiscard]] Result
{
public:
    Result(T value)
        : m_state(std::in_place_index<0>, std::move(value))
    {
    }
    Result(Error error)
        : m_state(std::in_place_index<1>, std::move(error))
    {
    }

    bool has_value() const noexcept { return m_state.index() == 0; }
    explicit operator bool() const noexcept { return has_value(); }
    T& value() &
    {
        assert(has_value());
        return *std::get_if<0>(&m_state);
    }
    const T& value() const&
    {
        assert(has_value());
        return *std::get_if<0>(&m_state);
    }
    T&& value() &&
    {
        assert(has_value());
        return std::move(*std::get_if<0>(&m_state));
    }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T&& operator*() && { return std::move(*this).value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }
    Error& error() &
    {
        assert(!has_value());
        return *std::get_if<1>(&m_state);
    }
    const Error& error() const&
    {
        assert(!has_value());
        return *std::get_if<1>(&m_state);
    }
    Error&& error() &&
    {
        assert(!has_value());
        return std::move(*std::get_if<1>(&m_state));
    }

private:
    std::variant<T, Error> m_state;
};

template<> class [[nodiscard]] Result<void>
{
public:
    Result() = default;
    Result(Error error)
        : m_error(std::move(error))
    {
    }

    bool has_value() const noexcept { return !m_error.has_value(); }
    explicit operator bool() const noexcept { return has_value(); }
    Error& error() &
    {
        assert(m_error);
        return *m_error;
    }
    const Error& error() const&
    {
        assert(m_error);
        return *m_error;
    }
    Error&& error() &&
    {
        assert(m_error);
        return std::move(*m_error);
    }

private:
    std::optional<Error> m_error;
};

} // namespace sa

#define SA_CONCAT2(a, b) a##b
#define SA_CONCAT(a, b) SA_CONCAT2(a, b)
#define SA_TRY_IMPL(tmp, decl, expr)                                                                                   \
    auto tmp = (expr);                                                                                                 \
    if (!tmp)                                                                                                          \
        return std::move(tmp).error();                                                                                 \
    decl = *std::move(tmp)
/// SA_TRY(auto header, readHeader(file)); declares `header`, or returns the error from the enclosing function.
#define SA_TRY(decl, expr) SA_TRY_IMPL(SA_CONCAT(saTry, __LINE__), decl, expr)
/// SA_CHECK(file.readAt(...)); for Result<void>, or where the value is not wanted.
#define SA_CHECK(expr)                                                                                                 \
    do {                                                                                                               \
        if (auto saChecked = (expr); !saChecked)                                                                       \
            return std::move(saChecked).error();                                                                       \
    } while (false)
