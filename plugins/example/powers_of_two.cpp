// SPDX-License-Identifier: GPL-3.0-or-later
// Every weight becomes the nearest signed power of two among `exponents` of them, counted down from the largest weight
// of its row. Stored: a sign and an exponent code per weight, and the largest exponent of each row in a byte.
#include "shiftadd/method_class.h"

#include <cmath>

namespace
{

class PowersOfTwo
{
public:
    PowersOfTwo(const shiftadd::Host&, const shiftadd::Input&, const shiftadd::Options& options)
        : m_exponents(options.integer("exponents"))
    {
    }

    void quantize(const shiftadd::Host& host, const shiftadd::Layer& layer, shiftadd::Result& result) const
    {
        const std::int64_t N = layer.rows, K = layer.columns;
        std::vector<float> values(layer.weight, layer.weight + N * K);
        for (std::int64_t n = 0; n < N; ++n) {
            host.checkCancelled();
            float* row = values.data() + n * K;
            float largest = 0.0f;
            for (std::int64_t k = 0; k < K; ++k)
                largest = std::max(largest, std::fabs(row[k]));
            const int top = largest > 0.0f ? nearestExponent(largest) : 0;
            for (std::int64_t k = 0; k < K && largest > 0.0f; ++k) {
                const int wanted = row[k] == 0.0f ? top - m_exponents : nearestExponent(std::fabs(row[k]));
                row[k] = std::copysign(std::ldexp(1.0f, std::max(wanted, top - m_exponents + 1)), row[k]);
            }
        }
        int bits = 1; // the sign
        for (int codes = 1; codes < m_exponents; codes *= 2)
            ++bits;
        result.dense(values, static_cast<std::uint64_t>((N * K * bits + 7) / 8 + N));
    }

private:
    /// e such that 2^e is nearest: the border between 2^e and 2^(e+1) is 1.5 * 2^e.
    static int nearestExponent(float magnitude)
    {
        int exponent = 0;
        const float mantissa = std::frexp(magnitude, &exponent); // in [0.5, 1)
        return mantissa < 0.75f ? exponent - 1 : exponent;
    }

    int m_exponents;
};

} // namespace

SHIFTADD_METHOD("powers-of-two", PowersOfTwo)
