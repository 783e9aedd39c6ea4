// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/half.h"

#include <QtTest>

#include <cmath>
#include <limits>
#include <vector>

namespace
{

/// By the definition of binary16, in double arithmetic, where everything here is exact.
double halfByDefinition(std::uint16_t half)
{
    const int exponent = (half >> 10) & 31;
    const int mantissa = half & 0x3FF;
    const double sign = (half & 0x8000) != 0 ? -1 : 1;
    if (exponent == 31)
        return mantissa != 0 ? std::numeric_limits<double>::quiet_NaN()
                             : sign * std::numeric_limits<double>::infinity();
    if (exponent == 0)
        return sign * std::ldexp(mantissa, -24);
    return sign * std::ldexp(1024 + mantissa, exponent - 25);
}

std::uint32_t bitsOf(float value)
{
    return std::bit_cast<std::uint32_t>(value);
}

bool isNan(std::uint16_t half)
{
    return (half & 0x7C00) == 0x7C00 && (half & 0x3FF) != 0;
}

} // namespace

class TestHalf : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void everyHalfBecomesItsValue();
    void everyBfloatIsTheUpperHalfOfAFloat();
    void everyHalfSurvivesTheRoundTrip();
    void everyMidpointRoundsToEven();
    void limits_data();
    void limits();
    void listsAreConvertedAsSingleValues();
    void overflowsAreCounted();
};

void TestHalf::everyHalfBecomesItsValue()
{
    for (std::uint32_t i = 0; i < 65536; ++i) {
        const auto half = static_cast<std::uint16_t>(i);
        const float value = sa::halfToFloat(half);
        if (isNan(half)) {
            // The payload moves to the front of the longer mantissa, the sign stays.
            const std::uint32_t wanted = 0x7F800000u | (i & 0x3FFu) << 13 | (i & 0x8000u) << 16;
            QVERIFY2(bitsOf(value) == wanted, qPrintable(QString::number(i, 16)));
            continue;
        }
        const auto wanted = static_cast<float>(halfByDefinition(half)); // exact: floats hold every half
        QVERIFY2(bitsOf(value) == bitsOf(wanted), qPrintable(QString::number(i, 16)));
    }
}

void TestHalf::everyBfloatIsTheUpperHalfOfAFloat()
{
    for (std::uint32_t i = 0; i < 65536; ++i)
        QCOMPARE(bitsOf(sa::bfloat16ToFloat(static_cast<std::uint16_t>(i))), i << 16);
    QCOMPARE(sa::bfloat16ToFloat(0x3F80), 1.0f);
    QCOMPARE(sa::bfloat16ToFloat(0xC049), -3.140625f);
}

void TestHalf::everyHalfSurvivesTheRoundTrip()
{
    for (std::uint32_t i = 0; i < 65536; ++i) {
        const auto half = static_cast<std::uint16_t>(i);
        const std::uint16_t back = sa::floatToHalf(sa::halfToFloat(half));
        const auto wanted = isNan(half) ? static_cast<std::uint16_t>((half & 0x8000) | 0x7E00) : half;
        QVERIFY2(back == wanted, qPrintable(QString::number(i, 16)));
    }
}

void TestHalf::everyMidpointRoundsToEven()
{
    // All neighbours (a, a+1) up to the largest finite half, subnormals and the step to 2^-14 included.
    for (std::uint32_t i = 0; i < 0x7BFF; ++i) {
        const auto low = static_cast<std::uint16_t>(i);
        const auto high = static_cast<std::uint16_t>(i + 1);
        const auto middle = static_cast<float>((halfByDefinition(low) + halfByDefinition(high)) / 2); // exact
        const std::uint16_t even = (i & 1) == 0 ? low : high;
        const float below = std::nextafterf(middle, 0.0f);
        const float above = std::nextafterf(middle, 1e9f);
        for (const int sign : {0, 0x8000}) {
            const float factor = sign != 0 ? -1.0f : 1.0f;
            QVERIFY2(sa::floatToHalf(factor * middle) == (even | sign), qPrintable(QString::number(i, 16)));
            QVERIFY2(sa::floatToHalf(factor * below) == (low | sign), qPrintable(QString::number(i, 16)));
            QVERIFY2(sa::floatToHalf(factor * above) == (high | sign), qPrintable(QString::number(i, 16)));
        }
    }
}

void TestHalf::limits_data()
{
    QTest::addColumn<float>("value");
    QTest::addColumn<int>("half");
    const float infinity = std::numeric_limits<float>::infinity();
    QTest::addRow("zero") << 0.0f << 0x0000;
    QTest::addRow("minus zero keeps its sign") << -0.0f << 0x8000;
    QTest::addRow("the smallest float is zero") << std::numeric_limits<float>::denorm_min() << 0x0000;
    QTest::addRow("half of the smallest half is a tie and goes to zero") << std::ldexp(1.0f, -25) << 0x0000;
    QTest::addRow("a little more than half of the smallest half is the smallest half")
        << std::nextafterf(std::ldexp(1.0f, -25), 1.0f) << 0x0001;
    QTest::addRow("the largest half") << 65504.0f << 0x7BFF;
    QTest::addRow("the last float that still rounds to the largest half") << std::nextafterf(65520.0f, 0.0f) << 0x7BFF;
    QTest::addRow("65520 is a tie and goes to infinity") << 65520.0f << 0x7C00;
    QTest::addRow("2^16 is infinite") << 65536.0f << 0x7C00;
    QTest::addRow("the largest float is infinite") << std::numeric_limits<float>::max() << 0x7C00;
    QTest::addRow("infinity") << infinity << 0x7C00;
    QTest::addRow("minus infinity") << -infinity << 0xFC00;
    QTest::addRow("NaN is quiet") << std::numeric_limits<float>::quiet_NaN() << 0x7E00;
    QTest::addRow("NaN with a payload in the low bits stays NaN") << std::bit_cast<float>(0x7F800001u) << 0x7E00;
}

void TestHalf::limits()
{
    QFETCH(float, value);
    QFETCH(int, half);
    QCOMPARE(static_cast<int>(sa::floatToHalf(value)), half);
}

void TestHalf::listsAreConvertedAsSingleValues()
{
    for (const std::size_t count : {0u, 1u, 7u, 8u, 31u, 4095u, 4096u, 4097u, 9000u}) {
        std::vector<std::uint16_t> halves(count), back(count);
        std::vector<float> values(count), wide(count);
        for (std::size_t i = 0; i < count; ++i)
            halves[i] = static_cast<std::uint16_t>(i * 7919u);
        sa::halfToFloat(halves.data(), values.data(), count);
        sa::bfloat16ToFloat(halves.data(), wide.data(), count);
        sa::floatToHalf(values.data(), back.data(), count);
        for (std::size_t i = 0; i < count; ++i) {
            QCOMPARE(bitsOf(values[i]), bitsOf(sa::halfToFloat(halves[i])));
            QCOMPARE(bitsOf(wide[i]), bitsOf(sa::bfloat16ToFloat(halves[i])));
            QCOMPARE(back[i], sa::floatToHalf(values[i]));
        }
    }
}

void TestHalf::overflowsAreCounted()
{
    std::vector<float> values(10000, 1.0f);
    values[0] = 65520.0f;
    values[4096] = -1e30f;
    values[9999] = 65536.0f;
    values[17] = std::numeric_limits<float>::infinity(); // was infinite before: no overflow
    values[18] = std::numeric_limits<float>::quiet_NaN();
    values[19] = 65519.0f;
    std::vector<std::uint16_t> halves(values.size());
    QCOMPARE(sa::floatToHalf(values.data(), halves.data(), values.size()), std::size_t(3));
    QCOMPARE(halves[19], std::uint16_t(0x7BFF));
    QCOMPARE(halves[4096], std::uint16_t(0xFC00));
}

QTEST_APPLESS_MAIN(TestHalf)
#include "tst_half.moc"
