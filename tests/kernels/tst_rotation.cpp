// SPDX-License-Identifier: GPL-3.0-or-later
// The transforms of activations against their definition in float64.
#include "sa/kernels/rotation.h"

#include <QtTest>

#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

using namespace sa::kernels;

namespace
{

std::vector<float> randomRow(int n, unsigned seed)
{
    std::mt19937 generator(seed);
    std::normal_distribution<float> normal;
    std::vector<float> out(static_cast<std::size_t>(n));
    for (float& x : out)
        x = normal(generator);
    return out;
}

std::vector<std::uint32_t> signsOf(std::uint64_t seed, int n)
{
    std::vector<std::uint32_t> words((static_cast<std::size_t>(n) + 31) / 32);
    rotationSigns(seed, n, words.data());
    return words;
}

/// Straight from the text of the header: entry (i, j) of a Walsh-Hadamard matrix is the parity of i & j.
std::vector<double> byDefinition(const std::vector<float>& x, const std::vector<std::uint32_t>& signs)
{
    const int n = static_cast<int>(x.size());
    int b = 1;
    while (4 * b <= n)
        b *= 4;
    std::vector<double> out(x.begin(), x.end());
    for (int k = 0; k < n; ++k)
        if (signs[static_cast<std::size_t>(k / 32)] >> (k % 32) & 1U)
            out[static_cast<std::size_t>(k)] = -out[static_cast<std::size_t>(k)];
    for (int begin = 0; begin < n; begin += b) {
        const int first = std::min(begin, n - b);
        std::vector<double> window(static_cast<std::size_t>(b), 0.0);
        for (int i = 0; i < b; ++i)
            for (int j = 0; j < b; ++j) {
                const bool odd = std::popcount(static_cast<unsigned>(i & j)) % 2 != 0;
                window[static_cast<std::size_t>(i)] +=
                    (odd ? -1.0 : 1.0) * out[static_cast<std::size_t>(first + j)] / std::sqrt(b);
            }
        std::copy(window.begin(), window.end(), out.begin() + first);
    }
    return out;
}

} // namespace

class TestRotation : public QObject
{
    Q_OBJECT

    static void widths()
    {
        QTest::addColumn<int>("n");
        QTest::addColumn<int>("window");
        for (const auto& [n, window] : {std::pair{1, 1},
                                        {2, 1},
                                        {3, 1},
                                        {4, 4},
                                        {5, 4},
                                        {16, 16},
                                        {31, 16},
                                        {63, 16},
                                        {64, 64},
                                        {288, 256},
                                        {704, 256},
                                        {1000, 256},
                                        {2048, 1024}})
            QTest::addRow("%d channels in windows of %d", n, window) << n << window;
    }

private Q_SLOTS:
    void theRotationIsWhatTheFormatSays_data() { widths(); }
    void theRotationIsWhatTheFormatSays()
    {
        QFETCH(int, n);
        QFETCH(int, window);
        QCOMPARE(rotationWindow(n), window);
        const auto x = randomRow(n, 7);
        const auto signs = signsOf(99, n);
        auto y = x;
        QCOMPARE(rotate(signs.data(), n, y.data(), 1, n), Status::Ok);
        const auto expected = byDefinition(x, signs);
        for (int k = 0; k < n; ++k)
            QVERIFY2(std::abs(y[static_cast<std::size_t>(k)] - expected[static_cast<std::size_t>(k)]) < 1e-5,
                     qPrintable(QString("channel %1: %2").arg(k).arg(y[static_cast<std::size_t>(k)])));
    }

    void itKeepsLengthsAndTurnsBack_data() { widths(); }
    void itKeepsLengthsAndTurnsBack()
    {
        QFETCH(int, n);
        constexpr int kRows = 3, kGap = 5;
        const int stride = n + kGap;
        const auto x = randomRow(kRows * stride, 3);
        const auto signs = signsOf(1, n);
        auto y = x;
        QCOMPARE(rotate(signs.data(), n, y.data(), kRows, stride), Status::Ok);
        for (int m = 0; m < kRows; ++m) {
            const auto lengthOf = [&](const std::vector<float>& v) {
                return std::inner_product(v.begin() + m * stride, v.begin() + m * stride + n, v.begin() + m * stride,
                                          0.0);
            };
            QVERIFY(std::abs(lengthOf(y) / lengthOf(x) - 1.0) < 1e-5);
            for (int k = n; k < stride; ++k) // what lies between the rows is not ours
                QCOMPARE(y[static_cast<std::size_t>(m * stride + k)], x[static_cast<std::size_t>(m * stride + k)]);
        }
        QCOMPARE(rotateBack(signs.data(), n, y.data(), kRows, stride), Status::Ok);
        for (std::size_t i = 0; i < x.size(); ++i)
            QVERIFY(std::abs(y[i] - x[i]) < 1e-5F);
    }

    void signsAreTheGeneratorsBits()
    {
        // The first outputs of splitmix64 from state 0, as published with it.
        const auto words = signsOf(0, 100);
        QCOMPARE(words.size(), std::size_t{4});
        QCOMPARE(words[0], 0x7B1DCDAFU);
        QCOMPARE(words[1], 0xE220A839U);
        QCOMPARE(words[2], 0xA1B965F4U);
        QCOMPARE(words[3], 0x6E789E6AU & 0xFU);
        QVERIFY(signsOf(1, 64) != signsOf(2, 64));
    }

    void factorsAreExact()
    {
        const float infinity = std::numeric_limits<float>::infinity();
        const std::vector<float> x = {1.5F, -3.0F, 0.0F, 1e38F, 1e-38F, infinity, -0.0F, 7e-45F};
        const std::vector<std::int8_t> exponents = {3, -5, 10, 24, -24, -3, 1, 20};
        const int n = static_cast<int>(x.size());
        auto y = x;
        QCOMPARE(shiftChannels(exponents.data(), 1, n, y.data(), 1, n), Status::Ok);
        for (std::size_t k = 0; k < x.size(); ++k)
            QCOMPARE(std::bit_cast<std::uint32_t>(y[k]), std::bit_cast<std::uint32_t>(std::ldexp(x[k], exponents[k])));
        y = x;
        QCOMPARE(shiftChannels(exponents.data(), -1, n, y.data(), 1, n), Status::Ok);
        for (std::size_t k = 0; k < x.size(); ++k)
            QCOMPARE(std::bit_cast<std::uint32_t>(y[k]), std::bit_cast<std::uint32_t>(std::ldexp(x[k], -exponents[k])));
    }

    void wrongCallsAreRefused()
    {
        float x[4] = {};
        const std::uint32_t signs = 0;
        const std::int8_t exponents[4] = {};
        QCOMPARE(rotate(nullptr, 4, x, 1, 4), Status::BadPointer);
        QCOMPARE(rotateBack(&signs, 4, nullptr, 1, 4), Status::BadPointer);
        QCOMPARE(rotate(&signs, 0, x, 1, 4), Status::BadShape);
        QCOMPARE(rotate(&signs, 4, x, 2, 3), Status::BadShape);
        QCOMPARE(shiftChannels(exponents, 2, 4, x, 1, 4), Status::BadShape);
    }
};

QTEST_APPLESS_MAIN(TestRotation)
#include "tst_rotation.moc"
