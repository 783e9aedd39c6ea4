// SPDX-License-Identifier: GPL-3.0-or-later
#include "sa/kernels/rows.h"

#include "planes_fixture.h"

#include <QtTest>

#include <bit>

using namespace sa::kernels;

namespace
{

/// Rows of an element type as stored, and what they mean. Values have 8 significant bits, so that all float types hold
/// them; bytes are integers.
struct Rows {
    Rows(Element element, int count, int K, std::mt19937_64& random)
    {
        std::uniform_int_distribution<int> mantissa(-255, 255), exponent(-9, -2);
        for (int i = 0; i < count * K; ++i) {
            if (element == Element::I8) {
                bytes.push_back(static_cast<std::int8_t>(mantissa(random) / 2));
                values.push_back(bytes.back());
                continue;
            }
            const float value = std::ldexp(static_cast<float>(mantissa(random)), exponent(random) - 8);
            values.push_back(value);
            const auto bits = std::bit_cast<std::uint32_t>(value);
            const std::uint32_t sign = bits >> 31 << 15, e = (bits >> 23) & 0xFFU;
            if (element == Element::BF16)
                halves.push_back(static_cast<std::uint16_t>(bits >> 16));
            else
                halves.push_back(static_cast<std::uint16_t>(
                    value == 0.0F ? 0
                                  : sign | (e >= 113 ? (e - 112) << 10 | ((bits >> 13) & 0x3FFU)
                                                     : ((bits & 0x7FFFFFU) | 0x800000U) >> (126 - e))));
        }
    }
    const void* data(Element element) const
    {
        return element == Element::F32  ? static_cast<const void*>(values.data())
               : element == Element::I8 ? static_cast<const void*>(bytes.data())
                                        : halves.data();
    }

    std::vector<float> values;
    std::vector<std::uint16_t> halves;
    std::vector<std::int8_t> bytes;
};

} // namespace

class TestRows : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void dotsAreThoseOfDoubles_data()
    {
        QTest::addColumn<int>("element");
        QTest::addColumn<int>("count");
        QTest::addColumn<int>("K");
        const char* names[] = {"float32", "float16", "bfloat16", "bytes"};
        for (int element = 0; element < 4; ++element)
            for (const auto& [count, K] : {std::pair{4, 64}, {1, 1}, {7, 37}, {9, 256}, {3, 1000}, {0, 8}})
                QTest::addRow("%s, %d rows of %d", names[element], count, K) << element << count << K;
    }
    void dotsAreThoseOfDoubles()
    {
        QFETCH(int, element);
        QFETCH(int, count);
        QFETCH(int, K);
        std::mt19937_64 random(31);
        const auto type = static_cast<Element>(element);
        const Rows rows(type, count, K, random);
        const std::vector<float> x = gaussian(size(K), random);
        GuardedFloats out(size(count) + 1);
        rowDots(rows.data(type), type, count, K, x.data(), out.data());
        QVERIFY(out.guardsIntact() && out.untouched(size(count)));
        for (int r = 0; r < count; ++r) {
            double truth = 0.0, magnitude = 0.0;
            for (int k = 0; k < K; ++k) {
                const double term = static_cast<double>(rows.values[size(r * K + k)]) * x[size(k)];
                truth += term;
                magnitude += std::fabs(term);
            }
            QVERIFY(std::fabs(out.data()[r] - truth) <= (K / 4.0 + 8.0) * 0x1p-24 * magnitude);
        }
    }

    void aRowsDotDoesNotDependOnItsNeighbours()
    {
        std::mt19937_64 random(32);
        const Rows rows(Element::F32, 9, 70, random);
        const std::vector<float> x = gaussian(70, random);
        std::vector<float> all(9), one(1);
        rowDots(rows.values.data(), Element::F32, 9, 70, x.data(), all.data());
        for (std::size_t r = 0; r < 9; ++r) {
            rowDots(rows.values.data() + 70 * r, Element::F32, 1, 70, x.data(), one.data());
            QCOMPARE(std::bit_cast<std::uint32_t>(one[0]), std::bit_cast<std::uint32_t>(all[r]));
        }
    }

    void weightedSumsAreThoseOfDoubles_data()
    {
        QTest::addColumn<int>("count");
        QTest::addColumn<int>("K");
        for (const auto& [count, K] : {std::pair{5, 64}, {1, 32}, {300, 96}, {3, 7}, {17, 80}})
            QTest::addRow("%d rows of %d", count, K) << count << K;
    }
    void weightedSumsAreThoseOfDoubles()
    {
        QFETCH(int, count);
        QFETCH(int, K);
        std::mt19937_64 random(33);
        const std::vector<float> rows = gaussian(size(count) * size(K), random),
                                 weights = gaussian(size(count), random);
        GuardedFloats out(size(K));
        weightedRowSum(rows.data(), count, K, weights.data(), out.data());
        QVERIFY(out.guardsIntact());
        for (int k = 0; k < K; ++k) {
            double truth = 0.0, magnitude = 0.0;
            for (int r = 0; r < count; ++r) {
                const double term = static_cast<double>(rows[size(r * K + k)]) * weights[size(r)];
                truth += term;
                magnitude += std::fabs(term);
            }
            QVERIFY(std::fabs(out.data()[k] - truth) <= (count + 2.0) * 0x1p-24 * magnitude);
        }
    }
};

QTEST_APPLESS_MAIN(TestRows)
#include "tst_rows.moc"
