// SPDX-License-Identifier: GPL-3.0-or-later
// The product's own sources, compiled over sixteen-lane vectors that count: how much of what a weight costs. It also
// runs the paths of a sixteen-lane unit on processors that have none.
#include "core/eval/op_counts.h"
#include "counting_ops.h"
#include "planes_fixture.h"

#include "hwy/base.h"

#define SA_LUT_OPS countingOps
#define SA_LUT_NAMESPACE counted
#define SA_LUT_BEFORE_NAMESPACE
#define SA_LUT_AFTER_NAMESPACE
#define SA_LUT_ROW_UNIT 512
#define SA_LUT_INTERLEAVES 1
namespace sa::kernels::cpu::counted
{
namespace hn = countingOps;
using hn::select16;
} // namespace sa::kernels::cpu::counted

#include "kernels/cpu/lut_gemm-inl.h"

#include <QtTest>

using namespace sa::kernels;
using countingOps::Counts;
using countingOps::counts;

namespace
{

std::vector<float> product(const SignPlanes& w, const std::vector<float>& x, int M, int chunk)
{
    GuardedFloats scratch(cpu::counted::scratchFloats());
    std::vector<float> y(size(M) * size(w.N), std::nanf(""));
    for (int m = 0; m < M; m += chunk)
        cpu::counted::run({w, x.data() + size(m) * size(w.K), std::min(chunk, M - m), y.data() + size(m) * size(w.N),
                           w.N, 0, size(w.N)},
                          scratch.data());
    return scratch.guardsIntact() ? y : std::vector<float>();
}

std::vector<float> fastProduct(const SignPlanes& w, const std::vector<float>& x)
{
    GuardedFloats scratch(cpu::counted::scratchFloats());
    std::vector<float> y(size(w.N), std::nanf(""));
    cpu::counted::runFast({w, x.data(), 1, y.data(), w.N, 0, size(w.N)}, scratch.data());
    return scratch.guardsIntact() ? y : std::vector<float>();
}

} // namespace

class TestLutOperations : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void shiftedTablesNeverMultiply_data()
    {
        QTest::addColumn<int>("N");
        QTest::addColumn<int>("R");
        QTest::addColumn<int>("C");
        QTest::addColumn<int>("M");
        QTest::addRow("one token, eight row groups") << 256 << 32 << 8 << 1;
        QTest::addRow("one token, one group per column") << 256 << 256 << 1 << 1;
        QTest::addRow("one token, large groups") << 1024 << 128 << 8 << 1;
        QTest::addRow("32 tokens, eight row groups") << 256 << 32 << 8 << 32;
        QTest::addRow("32 tokens, one group per column") << 256 << 256 << 1 << 32;
        QTest::addRow("16 tokens, large groups") << 1024 << 128 << 8 << 16;
    }
    void shiftedTablesNeverMultiply()
    {
        QFETCH(int, N);
        QFETCH(int, R);
        QFETCH(int, C);
        QFETCH(int, M);
        const int K = 64;
        const int q = 3;
        std::mt19937_64 random(3);
        RandomPlanes planes({N, K, q, R, C}, random);
        const std::vector<float> x = gaussian(size(M) * size(K), random);
        counts = Counts();
        QVERIFY(!product(planes.view(), x, M, M).empty());

        QCOMPARE(counts.multiplications, std::uint64_t{0});
        // Per row: a look-up per 4 weights, each with one addition (the eight of a word add up to its sum and into the
        // row's).
        const std::uint64_t lookUps = std::uint64_t{1} * size(N) * size(K) / 4 * size(q) * size(M);
        // Per row group: at most 2 additions shift a column, and at most 16 * 3 make a table of 4 columns.
        const std::uint64_t tables = size(N / R) * size(K) / 4 * size(q) * size(M) * (4 * 2 + 16 * 3);
        QVERIFY(counts.additions > lookUps);
        QVERIFY2(counts.additions <= lookUps + tables,
                 qPrintable(QString("%1 additions, %2 look-ups").arg(counts.additions).arg(lookUps)));
        if (M == 1)
            QCOMPARE(counts.selections, lookUps);
    }

    void byteTablesNeverMultiply_data()
    {
        QTest::addColumn<int>("R");
        QTest::addColumn<int>("C");
        QTest::addRow("eight row groups") << 64 << 8;
        QTest::addRow("one group per column") << 512 << 1;
    }
    void byteTablesNeverMultiply()
    {
        QFETCH(int, R);
        QFETCH(int, C);
        const int N = 512, K = 128, q = 3;
        std::mt19937_64 random(7);
        const RandomPlanes planes({N, K, q, R, C}, random);
        const std::vector<float> x = gaussian(size(K), random);
        counts = Counts();
        const std::vector<float> y = fastProduct(planes.view(), x);
        QVERIFY(!y.empty());
        QCOMPARE(counts.multiplications, std::uint64_t{0});
        const std::uint64_t weights = std::uint64_t{1} * size(N) * size(K) * size(q);
        const std::uint64_t groups = size(N / R) * size(K) / 4 * size(q); // tables
        // Two selections for 4 weights; per byte of them one to sort the bytes; per table 4 columns and 2 orders of 16.
        QCOMPARE(counts.selections, weights / 2 + weights / 8 + groups * 6 * 16);
        // Float additions: two a row for 64 columns; the rest shifts, measures and rounds activations, once a group.
        const std::uint64_t perRow = 2 * size(N) * size(K) / 64;
        QVERIFY(counts.additions >= perRow);
        QVERIFY(counts.additions <= perRow + size(N) + groups * 4 * (2 + 2 + 1));

        std::vector<float> truth(size(N));
        QCOMPARE(lutGemmRef(planes.view(), x.data(), 1, truth.data(), N, 0, N), Status::Ok);
        double error = 0.0, norm = 0.0;
        for (std::size_t n = 0; n < truth.size(); ++n) {
            error += std::pow(static_cast<double>(y[n]) - truth[n], 2.0);
            norm += std::pow(static_cast<double>(truth[n]), 2.0);
        }
        QVERIFY(std::sqrt(error / norm) <= 5e-4); // the bound of tst_lut_fast
    }

    void sharedTablesMultiplyOncePerEightWeights_data()
    {
        QTest::addColumn<int>("M");
        QTest::addRow("one token") << 1;
        QTest::addRow("32 tokens") << 32;
    }
    void sharedTablesMultiplyOncePerEightWeights()
    {
        QFETCH(int, M);
        const Geometry geometry{256, 64, 3, 16, 8};
        std::mt19937_64 random(4);
        RandomPlanes planes(geometry, random);
        const std::vector<float> x = gaussian(size(M) * size(geometry.K), random);
        counts = Counts();
        QVERIFY(!product(planes.view(), x, M, M).empty());
        QCOMPARE(counts.multiplications, std::uint64_t{1} * 256 * 64 * 3 / 8 * size(M));
    }

    void theReportCountsWhatTheKernelDoes_data()
    {
        QTest::addColumn<Geometry>("geometry");
        QTest::addRow("eight row groups") << Geometry{256, 64, 3, 32, 8};
        QTest::addRow("one group per column") << Geometry{256, 64, 2, 256, 1};
        QTest::addRow("a last word of 8 columns") << Geometry{256, 72, 3, 32, 8};
        QTest::addRow("two blocks of columns") << Geometry{256, 1024, 1, 32, 8};
        QTest::addRow("shared tables") << Geometry{256, 64, 3, 16, 8};
    }
    void theReportCountsWhatTheKernelDoes()
    {
        QFETCH(Geometry, geometry);
        constexpr int kTokens = 16; // one vector of tokens; a single token would look up in registers instead
        std::mt19937_64 random(6);
        RandomPlanes planes(geometry, random);
        for (PackedScale& scale : planes.scales)
            scale = apotRound(0.7, 3); // 2^-1 + 2^-2 - 2^-4
        const std::vector<float> x = gaussian(size(kTokens) * size(geometry.K), random);
        const sa::Operations each = sa::kernelOperations(planes.view(), 3, false);
        counts = Counts();
        QVERIFY(!product(planes.view(), x, kTokens, kTokens).empty());
        QCOMPARE(counts.multiplications, each.multiplies * kTokens);
        QCOMPARE(counts.additions, each.adds * kTokens);
        counts = Counts();
        QVERIFY(!product(planes.view(), x, 1, 1).empty());
        QCOMPARE(counts.multiplications, each.multiplies);
        QCOMPARE(counts.selections, each.lookups);
    }

    void sixteenLanesMeetTheBoundAndAgreeForEveryBatch_data()
    {
        QTest::addColumn<Geometry>("geometry");
        QTest::addRow("eight row groups that are no vector multiple") << Geometry{88, 160, 3, 11, 8};
        QTest::addRow("one row group, one scale per column") << Geometry{130, 70, 2, 130, 1};
        QTest::addRow("2 rows per scale") << Geometry{50, 64, 4, 2, 8};
        QTest::addRow("row-wise, ragged") << Geometry{45, 77, 1, 1, 80};
        QTest::addRow("several blocks of columns") << Geometry{40, 1100, 3, 20, 8};
        QTest::addRow("more rows than a tile") << Geometry{4200, 40, 2, 4200, 8};
    }
    void sixteenLanesMeetTheBoundAndAgreeForEveryBatch()
    {
        QFETCH(Geometry, geometry);
        std::mt19937_64 random(5);
        RandomPlanes planes(geometry, random);
        const SignPlanes w = planes.view();
        const int M = 37;
        const std::vector<float> x = gaussian(size(M) * size(geometry.K), random);
        std::vector<float> truth(size(M) * size(geometry.N));
        QCOMPARE(lutGemmRef(w, x.data(), M, truth.data(), w.N, 0, w.N), Status::Ok);
        const std::vector<float> whole = product(w, x, M, M);
        QCOMPARE(whole.size(), truth.size());
        double error = 0.0;
        double norm = 0.0;
        for (std::size_t i = 0; i < truth.size(); ++i) {
            error += std::pow(static_cast<double>(whole[i]) - truth[i], 2.0);
            norm += std::pow(static_cast<double>(truth[i]), 2.0);
        }
        QVERIFY(std::sqrt(error / norm) <= 8e-7); // the bound of tst_lut_gemm
        for (const int chunk : {1, 7, 16})
            QVERIFY(product(w, x, M, chunk) == whole);
    }
};

QTEST_APPLESS_MAIN(TestLutOperations)
#include "tst_lut_operations.moc"
