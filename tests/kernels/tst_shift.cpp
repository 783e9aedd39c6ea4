// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cpu/shift.h"

#include <QtTest>

#include <random>

using namespace sa::kernels;
using cpu::ShiftScale;

class TestShift : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void oneTermIsExactlyLdexp()
    {
        const std::uint32_t mantissas[] = {0, 1, 0x2AAAAA, 0x400000, 0x7FFFFF};
        for (int e = 1; e < 64; ++e) {
            const ShiftScale scale = cpu::shiftScale(static_cast<PackedScale>(e << 10));
            for (std::uint32_t exponent = 0; exponent < 255; ++exponent) { // subnormal, normal, on the way to infinity
                for (const std::uint32_t mantissa : mantissas) {
                    for (const std::uint32_t sign : {0U, 1U}) {
                        const auto x = std::bit_cast<float>(sign << 31 | exponent << 23 | mantissa);
                        const float expected = std::ldexp(x, e - kScaleExponentBias);
                        const float got = cpu::shifted(x, scale);
                        QVERIFY2(got == expected, qPrintable(QString("%1 * 2^%2").arg(x).arg(e - 40)));
                    }
                }
            }
        }
    }

    void everyWordShiftsEveryKindOfFloatCorrectly()
    {
        std::mt19937_64 random(1);
        for (int i = 0; i < 65536; ++i) {
            const auto word = static_cast<PackedScale>(i);
            if (!apotValid(word))
                continue;
            const ShiftScale scale = cpu::shiftScale(word);
            for (int repeat = 0; repeat < 8; ++repeat) {
                const auto x = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
                const double exact = apotValue(word) * static_cast<double>(x);
                const float got = cpu::shifted(x, scale);
                const auto rounded = static_cast<float>(exact);
                if (!std::isfinite(x)) {
                    QVERIFY(std::isnan(rounded) ? std::isnan(got) : got == rounded);
                    continue;
                }
                if (std::isinf(rounded) || got == rounded)
                    continue; // within two roundings of the largest float either answer will do
                // two additions of terms that are at most 1.5 and 1.75 times the result's leading term, and their sum
                // never under a quarter of it
                const double bound = 4.0 * 0x1p-24 * std::fabs(exact) + 0x1p-150;
                QVERIFY2(std::fabs(got - exact) <= bound,
                         qPrintable(QString("%1 by word %2: %3, not %4").arg(x).arg(i, 0, 16).arg(got).arg(exact)));
            }
        }
    }

    void theEdgesOfTheOrdinaryRangeAreThoseOfNormalFloats()
    {
        const ShiftScale scale =
            cpu::shiftScale(apotRound(std::ldexp(1.0 + 0.25 + 1.0 / 16, -10), 3)); // 2^-10, -12, -14
        QCOMPARE(scale.terms, 3);
        QVERIFY(cpu::ordinaryShift(scale, 15, 254));
        QVERIFY(!cpu::ordinaryShift(scale, 14, 254)); // the last term would be subnormal
        QVERIFY(!cpu::ordinaryShift(scale, 15, 255)); // infinity or NaN
        const ShiftScale up = cpu::shiftScale(apotRound(1024.0, 3));
        QVERIFY(cpu::ordinaryShift(up, 1, 243));
        QVERIFY(!cpu::ordinaryShift(up, 1, 244)); // sums of terms might overflow
        QVERIFY(!cpu::ordinaryShift(up, 0, 243)); // subnormal x has no exponent to add to
    }

    void zeroStaysZeroAndAZeroScaleGivesZero()
    {
        const ShiftScale none = cpu::shiftScale(0);
        QCOMPARE(none.terms, 0);
        QCOMPARE(cpu::shifted(3.0F, none), 0.0F);
        QVERIFY(std::isnan(cpu::shifted(std::numeric_limits<float>::infinity(), none)));
        for (const double value : {1e-9, 0.7, 1e6}) {
            const ShiftScale scale = cpu::shiftScale(apotRound(value, 3));
            QCOMPARE(cpu::shifted(0.0F, scale), 0.0F);
            QCOMPARE(cpu::shifted(-0.0F, scale), 0.0F);
        }
    }
};

QTEST_APPLESS_MAIN(TestShift)
#include "tst_shift.moc"
