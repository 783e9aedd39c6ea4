// SPDX-License-Identifier: GPL-3.0-or-later
#include "planes_fixture.h"
#include "sa/kernels/sign_planes.h"

#include <QtTest>

using namespace sa::kernels;

class TestSignPlanes : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void bitIOfWordTBNIsColumn32TPlusI()
    {
        // two planes, three rows, 40 columns; only plane 1, row 2, columns 0, 33 and 39 are +1
        std::vector<std::int8_t> codes(2 * 3 * 40, -1);
        for (const std::size_t k : {0U, 33U, 39U})
            codes[(1 * 3 + 2) * 40 + k] = 1;
        std::vector<std::uint32_t> words(2 * 2 * 3, 0xFFFFFFFFU);
        QCOMPARE(packBits(codes.data(), 3, 40, 2, words.data()), Status::Ok);
        std::vector<std::uint32_t> expected(2 * 2 * 3, 0U);
        expected[(0 * 2 + 1) * 3 + 2] = 1U << 0;
        expected[(1 * 2 + 1) * 3 + 2] = (1U << 1) | (1U << 7);
        QVERIFY(words == expected);
    }

    void aZeroCodeCountsAsPlus()
    {
        const std::vector<std::int8_t> codes = {0, -128, 127, -1};
        std::uint32_t word = 0;
        QCOMPARE(packBits(codes.data(), 1, 4, 1, &word), Status::Ok);
        QCOMPARE(word, 0b0101U);
    }

    void unpackingAgreesWithTheFormula_data()
    {
        QTest::addColumn<int>("N");
        QTest::addColumn<int>("K");
        QTest::addColumn<int>("q");
        QTest::addColumn<int>("R");
        QTest::addColumn<int>("C");
        QTest::addRow("one weight") << 1 << 1 << 1 << 1 << 1;
        QTest::addRow("blocks of 8 columns, whole words") << 64 << 64 << 3 << 8 << 8;
        QTest::addRow("one scale per column") << 24 << 33 << 2 << 24 << 1;
        QTest::addRow("ragged rows and columns") << 37 << 77 << 4 << 5 << 8;
        QTest::addRow("row-wise") << 7 << 61 << 2 << 1 << 64;
        QTest::addRow("columns past a word by one") << 9 << 65 << 1 << 4 << 16;
    }
    void unpackingAgreesWithTheFormula()
    {
        QFETCH(int, N);
        QFETCH(int, K);
        QFETCH(int, q);
        QFETCH(int, R);
        QFETCH(int, C);
        std::mt19937_64 random(7);
        RandomPlanes planes({N, K, q, R, C}, random);
        const auto count = static_cast<std::size_t>(N) * static_cast<std::size_t>(K);
        // codes with the planes' signs, packed again: the same words
        std::vector<std::int8_t> codes;
        for (int b = 0; b < q; ++b)
            for (int n = 0; n < N; ++n)
                for (int k = 0; k < K; ++k)
                    codes.push_back((planes.word(n, k, b) >> (k % 32)) & 1U ? 1 : -1);
        std::vector<std::uint32_t> words(planes.bits.size(), 0xDEADBEEFU);
        QCOMPARE(packBits(codes.data(), N, K, q, words.data()), Status::Ok);
        QVERIFY(words == planes.bits);
        QVERIFY(planesValid(planes.view()));

        std::vector<float> dense(count);
        QCOMPARE(unpackDense(planes.view(), dense.data()), Status::Ok);
        for (int n = 0; n < N; ++n) {
            for (int k = 0; k < K; ++k) {
                double sum = 0.0;
                for (int b = 0; b < q; ++b)
                    sum += planes.alpha(n, k, b) *
                           codes[(static_cast<std::size_t>(b * N + n)) * static_cast<std::size_t>(K) +
                                 static_cast<std::size_t>(k)];
                QVERIFY(dense[static_cast<std::size_t>(n * K + k)] == static_cast<float>(sum));
            }
        }

        const int begin = N / 3;
        const int end = N - N / 4;
        std::vector<float> slice(static_cast<std::size_t>((end - begin) * K));
        QCOMPARE(unpackDenseRows(planes.view(), begin, end, slice.data()), Status::Ok);
        QVERIFY(std::equal(slice.begin(), slice.end(), dense.begin() + static_cast<std::ptrdiff_t>(begin) * K));
    }

    void impossibleShapesAreRefused_data()
    {
        QTest::addColumn<int>("N");
        QTest::addColumn<int>("K");
        QTest::addColumn<int>("q");
        QTest::addColumn<int>("R");
        QTest::addColumn<int>("C");
        QTest::addColumn<Status>("status");
        QTest::addRow("an ordinary matrix is fine") << 8 << 40 << 3 << 2 << 8 << Status::Ok;
        QTest::addRow("row-wise scales of 40 columns are fine") << 8 << 40 << 3 << 1 << 40 << Status::Ok;
        QTest::addRow("row-wise scales round K up to eights") << 8 << 33 << 3 << 1 << 40 << Status::Ok;
        QTest::addRow("no rows") << 0 << 40 << 3 << 1 << 8 << Status::BadShape;
        QTest::addRow("negative columns") << 8 << -1 << 3 << 1 << 8 << Status::BadShape;
        QTest::addRow("no planes") << 8 << 40 << 0 << 1 << 8 << Status::BadShape;
        QTest::addRow("five planes") << 8 << 40 << 5 << 1 << 8 << Status::BadShape;
        QTest::addRow("no rows per scale") << 8 << 40 << 3 << 0 << 8 << Status::BadShape;
        QTest::addRow("more rows per scale than rows") << 8 << 40 << 3 << 9 << 8 << Status::BadShape;
        QTest::addRow("no columns per scale") << 8 << 40 << 3 << 2 << 0 << Status::BadShape;
        QTest::addRow("columns per scale that split a byte") << 8 << 40 << 3 << 2 << 4 << Status::BadShape;
        QTest::addRow("columns per scale not in eights") << 8 << 40 << 3 << 2 << 12 << Status::BadShape;
        QTest::addRow("more columns per scale than columns") << 8 << 40 << 3 << 2 << 48 << Status::BadShape;
        QTest::addRow("the largest int does not overflow") << 8 << 2147483647 << 3 << 2 << 8 << Status::Ok;
    }
    void impossibleShapesAreRefused()
    {
        QFETCH(int, N);
        QFETCH(int, K);
        QFETCH(int, q);
        QFETCH(int, R);
        QFETCH(int, C);
        QFETCH(Status, status);
        const std::uint32_t word = 0;
        const PackedScale scale = 0;
        SignPlanes planes;
        planes.bits = &word;
        planes.scales = &scale;
        planes.N = N;
        planes.K = K;
        planes.q = q;
        planes.R = R;
        planes.C = C;
        QCOMPARE(check(planes), status);
        float out = 5.0F;
        if (status != Status::Ok) {
            QCOMPARE(unpackDense(planes, &out), status);
            QVERIFY(!planesValid(planes));
            QCOMPARE(out, 5.0F);
        }
    }

    void unusablePointersAreRefused()
    {
        std::mt19937_64 random(1);
        RandomPlanes planes({4, 32, 1, 4, 8}, random);
        SignPlanes view = planes.view();
        view.bits = nullptr;
        QCOMPARE(check(view), Status::BadPointer);
        view = planes.view();
        view.scales = nullptr;
        QCOMPARE(check(view), Status::BadPointer);
        view = planes.view();
        view.bits = reinterpret_cast<const std::uint32_t*>(reinterpret_cast<const char*>(view.bits) + 1);
        QCOMPARE(check(view), Status::BadPointer);
        QCOMPARE(unpackDense(planes.view(), nullptr), Status::BadPointer);
        QCOMPARE(unpackDenseRows(planes.view(), 3, 2, nullptr), Status::BadShape);
        QCOMPARE(unpackDenseRows(planes.view(), 0, 5, nullptr), Status::BadShape);
        QCOMPARE(unpackDenseRows(planes.view(), 2, 2, nullptr), Status::Ok);
        std::uint32_t word = 0;
        QCOMPARE(packBits(nullptr, 1, 1, 1, &word), Status::BadPointer);
        const std::int8_t code = 1;
        QCOMPARE(packBits(&code, 1, 1, 1, nullptr), Status::BadPointer);
        QCOMPARE(packBits(&code, 0, 1, 1, &word), Status::BadShape);
        QCOMPARE(packBits(&code, 1, 1, 5, &word), Status::BadShape);
    }

    void damagedContentsAreNoticed()
    {
        std::mt19937_64 random(2);
        RandomPlanes planes({5, 40, 2, 2, 8}, random);
        QVERIFY(planesValid(planes.view()));
        for (int n = 0; n < 5; ++n) { // a bit past column 39, in every row of the last plane
            planes.word(n, 39, 1) ^= 1U << 8;
            QVERIFY(!planesValid(planes.view()));
            planes.word(n, 39, 1) ^= 1U << 8;
        }
        planes.word(0, 39, 0) ^= 1U << 31;
        QVERIFY(!planesValid(planes.view()));
        planes.word(0, 39, 0) ^= 1U << 31;
        planes.word(0, 39, 0) ^= 1U << 7; // column 39 itself may be anything
        QVERIFY(planesValid(planes.view()));
        const PackedScale last = planes.scales.back();
        planes.scales.back() = 0x0001; // payload under E = 0
        QVERIFY(!planesValid(planes.view()));
        planes.scales.back() = last;
        QVERIFY(planesValid(planes.view()));
    }
};

QTEST_APPLESS_MAIN(TestSignPlanes)
#include "tst_sign_planes.moc"
