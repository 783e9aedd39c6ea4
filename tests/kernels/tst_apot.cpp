// SPDX-License-Identifier: GPL-3.0-or-later
#include "sa/kernels/apot.h"

#include <QtTest>

#include <bit>
#include <cmath>
#include <initializer_list>
#include <limits>

using namespace sa::kernels;

namespace
{

__extension__ using Wide = unsigned __int128;

struct Term {
    int exponent = 0;
    bool minus = false;
};

class Terms
{
public:
    Terms(std::initializer_list<Term> terms = {})
    {
        for (const Term& term : terms)
            push_back(term);
    }
    void push_back(const Term& term) { m_items[m_count++] = term; }
    int size() const { return m_count; }
    const Term& operator[](int i) const { return m_items[i]; }
    const Term* begin() const { return m_items; }
    const Term* end() const { return m_items + m_count; }

private:
    Term m_items[3];
    int m_count = 0;
};

/// The fields as the header documents them, read independently of the library.
Terms decode(PackedScale word)
{
    Terms terms;
    if (word >> 10 == 0)
        return terms;
    terms.push_back({(word >> 10) - 40, false});
    if (((word >> 5) & 15) == 0)
        return terms;
    terms.push_back({terms[0].exponent - ((word >> 5) & 15), ((word >> 9) & 1) != 0});
    if ((word & 15) != 0)
        terms.push_back({terms[1].exponent - (word & 15), ((word >> 4) & 1) != 0});
    return terms;
}

PackedScale encode(const Terms& terms)
{
    int word = 0;
    if (terms.size() > 0)
        word |= (terms[0].exponent + 40) << 10;
    if (terms.size() > 1)
        word |= (terms[0].exponent - terms[1].exponent) << 5 | (terms[1].minus ? 1 << 9 : 0);
    if (terms.size() > 2)
        word |= (terms[1].exponent - terms[2].exponent) | (terms[2].minus ? 1 << 4 : 0);
    return static_cast<PackedScale>(word);
}

/// round(log2 r) by integers: r = m * 2^e, and r^2 >= 2^(2p+1) is m^2 >= 2^(2p+1-2e).
int roundLog2Exactly(double r)
{
    int e = 0;
    const auto m = static_cast<std::uint64_t>(std::ldexp(std::frexp(r, &e), 53));
    e -= 53;
    const int p = static_cast<int>(std::bit_width(m)) - 1 + e; // floor
    const int power = 2 * p + 1 - 2 * e;                       // 2 * 52 + 1 for a normal r
    return static_cast<Wide>(m) * m >= static_cast<Wide>(1) << power ? p + 1 : p;
}

/// The greedy rule away from the ends of the exponent range.
Terms greedy(double value, int count)
{
    Terms terms;
    double residual = value;
    while (terms.size() < count && residual != 0.0) {
        const int e = roundLog2Exactly(std::fabs(residual));
        if (terms.size() > 0 && terms[terms.size() - 1].exponent - e > 15)
            break;
        terms.push_back({e, residual < 0.0});
        residual -= std::ldexp(residual < 0.0 ? -1.0 : 1.0, e);
    }
    return terms;
}

} // namespace

class TestApot : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void everyWordIsValidExactlyWhenItsFieldsAreCanonical()
    {
        int valid = 0;
        for (int i = 0; i < 65536; ++i) {
            const auto word = static_cast<PackedScale>(i);
            QVERIFY2(apotValid(word) == (encode(decode(word)) == word), qPrintable(QString::number(i, 16)));
            valid += apotValid(word) ? 1 : 0;
        }
        QCOMPARE(valid, 1 + 63 * (1 + 30 * (1 + 30))); // zero, and per exponent one, two or three terms
    }

    void everyWordsValueIsTheSumOfItsTerms()
    {
        for (int i = 0; i < 65536; ++i) {
            const auto word = static_cast<PackedScale>(i);
            double sum = 0.0;
            for (const Term& term : decode(word))
                sum += std::ldexp(term.minus ? -1.0 : 1.0, term.exponent);
            QVERIFY2(apotValue(word) == sum, qPrintable(QString::number(i, 16)));
            if (apotValid(word))
                QVERIFY((sum > 0.0) == (word != 0));
        }
    }

    void roundingFollowsTheGreedyRuleExactly()
    {
        std::uint64_t state = 1;
        for (int i = 0; i < 200'000; ++i) {
            state = state * 6364136223846793005ULL + 1442695040888963407ULL;
            const double mantissa = 1.0 + static_cast<double>(state >> 12) * 0x1p-52;
            const double value = std::ldexp(mantissa, static_cast<int>(state % 50) - 30);
            for (int terms = 1; terms <= 3; ++terms) {
                const PackedScale word = apotRound(value, terms);
                QVERIFY(apotValid(word));
                QCOMPARE(word, encode(greedy(value, terms)));
            }
        }
    }

    void theThresholdIsExactlyTheSquareRootOfTwo()
    {
        const double above = 0x1.6A09E667F3BCDp+0; // the doubles around sqrt(2): no input lies between them
        const double below = std::nextafter(above, 0.0);
        for (int e = -38; e <= 22; ++e) {
            QCOMPARE(apotRound(std::ldexp(below, e), 1), encode({{e, false}}));
            QCOMPARE(apotRound(std::ldexp(above, e), 1), encode({{e + 1, false}}));
            // as residuals: x = 2^e + r with r just below and above 2^(e-3) * sqrt(2)
            const double low = std::ldexp(1.0 + std::ldexp(1.41421356, -3), e);
            const double high = std::ldexp(1.0 + std::ldexp(1.41421357, -3), e);
            QCOMPARE(apotRound(low, 2), encode({{e, false}, {e - 3, false}}));
            QCOMPARE(apotRound(high, 2), encode({{e, false}, {e - 2, false}}));
        }
    }

    void theWorstRelativeErrorIsThatOfTheGreedyRule_data()
    {
        QTest::addColumn<int>("terms");
        QTest::addColumn<double>("atLeast");
        QTest::addColumn<double>("atMost");
        QTest::addRow("one term: 41.42 percent") << 1 << 0.4142 << 0.4143;
        QTest::addRow("two terms: 10.82 percent") << 2 << 0.1081 << 0.1082;
        QTest::addRow("three terms: 2.74 percent") << 3 << 0.0273 << 0.0274;
    }
    void theWorstRelativeErrorIsThatOfTheGreedyRule()
    {
        QFETCH(int, terms);
        QFETCH(double, atLeast);
        QFETCH(double, atMost);
        double worst = 0.0;
        for (int i = 0; i < 1 << 20; ++i) {
            const double x = 1.0 + i * 0x1p-20;
            worst = std::max(worst, std::fabs(apotValue(apotRound(x, terms)) - x) / x);
        }
        QVERIFY2(worst >= atLeast && worst <= atMost, qPrintable(QString::number(worst, 'g', 9)));
    }

    void aValueThatRoundingWroteIsKeptByRoundingAgain()
    {
        for (int i = 0; i < 1 << 18; ++i) {
            const double x = std::ldexp(1.0 + (i & 0xFFF) * 0x1p-12, (i >> 12) - 38); // 64 octaves, past both ends
            for (int terms = 1; terms <= 3; ++terms) {
                const double value = apotValue(apotRound(x, terms));
                QCOMPARE(apotValue(apotRound(value, 3)), value);
            }
        }
    }

    void everyValidWordsValueRoundsToWithinThreeTerms()
    {
        for (int i = 0; i < 65536; ++i) {
            const auto word = static_cast<PackedScale>(i);
            const double value = apotValue(word);
            if (!apotValid(word) || value < 0x1.7p-40)
                continue; // below 2^-39.5 everything is zero
            QVERIFY(std::fabs(apotValue(apotRound(value, 3)) - value) <= 0.0274 * value);
        }
    }

    void theEndsOfTheRangeSaturate_data()
    {
        const double infinity = std::numeric_limits<double>::infinity();
        QTest::addColumn<double>("value");
        QTest::addColumn<int>("terms");
        QTest::addColumn<double>("rounded");
        QTest::addRow("zero is zero") << 0.0 << 3 << 0.0;
        QTest::addRow("negative zero is zero") << -0.0 << 3 << 0.0;
        QTest::addRow("a negative value is zero") << -1.5 << 3 << 0.0;
        QTest::addRow("NaN is zero") << std::nan("") << 3 << 0.0;
        QTest::addRow("minus infinity is zero") << -infinity << 3 << 0.0;
        QTest::addRow("the smallest double is zero") << std::numeric_limits<double>::denorm_min() << 3 << 0.0;
        QTest::addRow("just below 2^-39.5 is zero") << std::ldexp(1.41421356, -40) << 3 << 0.0;
        QTest::addRow("just above 2^-39.5 has a first term of 2^-39") << std::ldexp(1.41421357, -40) << 1 << 0x1p-39;
        QTest::addRow("the smallest exponent is kept") << 0x1p-39 << 3 << 0x1p-39;
        QTest::addRow("the largest exponent is kept") << 0x1p23 << 3 << 0x1p23;
        QTest::addRow("above 2^23.5 one term stays at 2^23") << 0x1.8p23 << 1 << 0x1p23;
        QTest::addRow("the largest code of one term") << 1e300 << 1 << 0x1p23;
        QTest::addRow("the largest code of two terms") << 1e300 << 2 << 0x1.8p23;
        QTest::addRow("the largest code of three terms") << 1e300 << 3 << 0x1.Cp23;
        QTest::addRow("infinity is the largest code") << infinity << 3 << 0x1.Cp23;
        QTest::addRow("a second term 15 below is kept") << 1.0 + 0x1p-15 << 3 << 1.0 + 0x1p-15;
        QTest::addRow("a second term 16 below is dropped") << 1.0 + 0x1p-16 << 3 << 1.0;
        QTest::addRow("a third term 15 below is kept") << 1.25 + 0x1p-17 << 3 << 1.25 + 0x1p-17;
        QTest::addRow("a third term 16 below is dropped") << 1.25 + 0x1p-18 << 3 << 1.25;
        QTest::addRow("31 significant bits are exact") << 1.0 + 0x1p-15 - 0x1p-30 << 3 << 1.0 + 0x1p-15 - 0x1p-30;
        QTest::addRow("no terms is zero") << 1.0 << 0 << 0.0;
        QTest::addRow("more than three terms are three") << 0.7 << 9 << apotValue(apotRound(0.7, 3));
    }
    void theEndsOfTheRangeSaturate()
    {
        QFETCH(double, value);
        QFETCH(int, terms);
        QFETCH(double, rounded);
        const PackedScale word = apotRound(value, terms);
        QVERIFY(apotValid(word));
        QVERIFY2(apotValue(word) == rounded, qPrintable(QString::number(apotValue(word), 'g', 17)));
    }
};

QTEST_APPLESS_MAIN(TestApot)
#include "tst_apot.moc"
