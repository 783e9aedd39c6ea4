// SPDX-License-Identifier: GPL-3.0-or-later
#include "sa/kernels/rotation.h"

#include <bit>
#include <cmath>

namespace sa::kernels
{

namespace
{

Status checkRows(const void* parameters, int n, const float* x, int M, std::ptrdiff_t stride)
{
    if (n < 1 || M < 0 || (M > 1 && (stride < n)))
        return Status::BadShape;
    if (M > 0 && (parameters == nullptr || x == nullptr))
        return Status::BadPointer;
    return Status::Ok;
}

/// x * 2^exponent. The ordinary case is an addition to the exponent field.
float shifted(float x, int exponent)
{
    const auto bits = std::bit_cast<std::uint32_t>(x);
    const int e = static_cast<int>((bits >> 23) & 0xFFU);
    const bool ordinary = e >= 1 && e <= 254 && e + exponent >= 1 && e + exponent <= 254;
    return ordinary ? std::bit_cast<float>(bits + (static_cast<std::uint32_t>(exponent) << 23))
                    : std::ldexp(x, exponent);
}

void flip(const std::uint32_t* signs, int n, float* x)
{
    for (int k = 0; k < n; ++k) {
        const std::uint32_t sign = (signs[k / 32] >> (k % 32) & 1U) << 31;
        x[k] = std::bit_cast<float>(std::bit_cast<std::uint32_t>(x[k]) ^ sign);
    }
}

/// One window of b = 4^j: two stages of butterflies at a time, each pair halved, which is the normalisation.
void hadamard(float* x, int b)
{
    for (int h = 1; h < b; h *= 4) {
        for (int begin = 0; begin < b; begin += 4 * h) {
            float* p = x + begin;
            for (int i = 0; i < h; ++i) {
                const float a0 = p[i], a1 = p[i + h], a2 = p[i + 2 * h], a3 = p[i + 3 * h];
                const float s0 = a0 + a1, d0 = a0 - a1, s1 = a2 + a3, d1 = a2 - a3;
                p[i] = 0.5F * (s0 + s1);
                p[i + h] = 0.5F * (d0 + d1);
                p[i + 2 * h] = 0.5F * (s0 - s1);
                p[i + 3 * h] = 0.5F * (d0 - d1);
            }
        }
    }
}

} // namespace

int rotationWindow(int n) noexcept
{
    int b = 1;
    while (b <= n / 4)
        b *= 4;
    return b;
}

void rotationSigns(std::uint64_t seed, int n, std::uint32_t* words) noexcept
{
    const int count = (n + 31) / 32;
    for (int t = 0; t < count; t += 2) {
        seed += 0x9E3779B97F4A7C15U;
        std::uint64_t z = seed;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
        z ^= z >> 31;
        words[t] = static_cast<std::uint32_t>(z);
        if (t + 1 < count)
            words[t + 1] = static_cast<std::uint32_t>(z >> 32);
    }
    if (n % 32 != 0)
        words[count - 1] &= (1U << (n % 32)) - 1U;
}

std::vector<std::uint32_t> rotationSigns(std::uint64_t seed, int n)
{
    std::vector<std::uint32_t> words((static_cast<std::size_t>(n) + 31) / 32);
    rotationSigns(seed, n, words.data());
    return words;
}

Status rotate(const std::uint32_t* signs, int n, float* x, int M, std::ptrdiff_t stride) noexcept
{
    if (const Status status = checkRows(signs, n, x, M, stride); status != Status::Ok)
        return status;
    const int b = rotationWindow(n);
    for (int m = 0; m < M; ++m) {
        float* row = x + m * stride;
        flip(signs, n, row);
        for (int begin = 0; begin < n; begin += b)
            hadamard(row + (begin + b <= n ? begin : n - b), b);
    }
    return Status::Ok;
}

Status rotateBack(const std::uint32_t* signs, int n, float* x, int M, std::ptrdiff_t stride) noexcept
{
    if (const Status status = checkRows(signs, n, x, M, stride); status != Status::Ok)
        return status;
    const int b = rotationWindow(n);
    for (int m = 0; m < M; ++m) {
        float* row = x + m * stride;
        for (int begin = (n - 1) / b * b; begin >= 0; begin -= b)
            hadamard(row + (begin + b <= n ? begin : n - b), b);
        flip(signs, n, row);
    }
    return Status::Ok;
}

Status shiftChannels(const std::int8_t* exponents, int direction, int n, float* x, int M,
                     std::ptrdiff_t stride) noexcept
{
    if (const Status status = checkRows(exponents, n, x, M, stride); status != Status::Ok)
        return status;
    if (direction != 1 && direction != -1)
        return Status::BadShape;
    for (int m = 0; m < M; ++m)
        for (int k = 0; k < n; ++k)
            x[m * stride + k] = shifted(x[m * stride + k], direction * exponents[k]);
    return Status::Ok;
}

} // namespace sa::kernels
