// SPDX-License-Identifier: GPL-3.0-or-later
// What methods share, against the definitions in float64.
#include "plugins/common/linalg.h"
#include "plugins/common/uniform_grid.h"
#include "plugins/quip/rotation.h"

#include <QTest>

#include <cmath>
#include <random>

namespace
{

using namespace plugins;

std::size_t at(std::int64_t i)
{
    return static_cast<std::size_t>(i);
}

const shiftadd_host kHost{sizeof(shiftadd_host),
                          nullptr,
                          [](void*) { return 0; },
                          [](void*, const char*) {},
                          [](void*, std::int64_t count, void (*body)(void*, std::int64_t), void* state) {
                              for (std::int64_t i = count - 1; i >= 0; --i) // any order will do
                                  body(state, i);
                          },
                          nullptr,
                          nullptr,
                          nullptr};

std::vector<double> random(std::int64_t count, unsigned seed)
{
    std::mt19937 engine(seed);
    std::vector<double> out(at(count));
    for (double& value : out)
        value = static_cast<double>(engine()) / 4294967296.0 - 0.5;
    return out;
}

} // namespace

class TestPluginNumerics : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void productsOfAnySize_data()
    {
        QTest::addColumn<int>("m");
        QTest::addColumn<int>("k");
        QTest::addColumn<int>("n");
        QTest::addRow("nothing") << 0 << 3 << 3;
        QTest::addRow("one number") << 1 << 1 << 1;
        QTest::addRow("less than a tile") << 3 << 5 << 7;
        QTest::addRow("exactly tiles") << 8 << 16 << 32;
        QTest::addRow("tiles and rests, deeper than a pass") << 9 << 300 << 37;
    }
    void productsOfAnySize()
    {
        QFETCH(int, m);
        QFETCH(int, k);
        QFETCH(int, n);
        const auto A = random(m * k, 1), B = random(k * n, 2), C = random(m * n, 3);
        const std::vector<float> Af(A.begin(), A.end()), Bf(B.begin(), B.end());
        auto doubles = C;
        std::vector<float> floats(C.begin(), C.end());
        addProduct(-1.0, A.data(), k, B.data(), n, doubles.data(), n, m, k, n);
        addProduct(1.0f, Af.data(), k, Bf.data(), n, floats.data(), n, m, k, n);
        for (int i = 0; i < m; ++i)
            for (int j = 0; j < n; ++j) {
                double sum = 0.0;
                for (int p = 0; p < k; ++p)
                    sum += A[at(i * k + p)] * B[at(p * n + j)];
                QVERIFY(std::abs(doubles[at(i * n + j)] - (C[at(i * n + j)] - sum)) < 1e-12);
                QVERIFY(std::abs(floats[at(i * n + j)] - (C[at(i * n + j)] + sum)) < 1e-4);
            }
    }

    void factorAndInverse_data()
    {
        QTest::addColumn<int>("n");
        for (const int n : {1, 5, 64, 65, 150})
            QTest::addRow("%d columns", n) << n;
    }
    void factorAndInverse()
    {
        QFETCH(int, n);
        const shiftadd::Host host(kHost);
        const auto X = random(n * n, 4);
        std::vector<double> A(at(n * n));
        for (int i = 0; i < n; ++i)
            for (int j = 0; j < n; ++j) {
                A[at(i * n + j)] = i == j ? 0.1 : 0.0;
                for (int p = 0; p < n; ++p)
                    A[at(i * n + j)] += X[at(i * n + p)] * X[at(j * n + p)];
            }
        std::vector<double> L = A;
        QVERIFY(cholesky(L, n, host));
        const auto inverse = invertLower(L, n, host);
        for (int i = 0; i < n; ++i)
            for (int j = 0; j <= i; ++j) {
                double product = 0.0, unit = 0.0;
                for (int p = 0; p <= j; ++p)
                    product += L[at(i * n + p)] * L[at(j * n + p)];
                for (int p = j; p <= i; ++p)
                    unit += L[at(i * n + p)] * inverse[at(p * n + j)];
                QVERIFY(std::abs(product - A[at(i * n + j)]) < 1e-10 * n);
                QVERIFY(std::abs(unit - (i == j ? 1.0 : 0.0)) < 1e-8);
                if (j < i)
                    QCOMPARE(inverse[at(j * n + i)], 0.0);
            }
        A[0] = -1.0;
        QVERIFY(!cholesky(A, n, host));
    }

    void energyIsTheTrace()
    {
        const int rows = 35, K = 300; // more than one piece of rows, more than one of columns
        const shiftadd::Host host(kHost);
        const auto e = random(rows * K, 5), x = random(K * K, 6);
        std::vector<float> H(at(K * K));
        for (int i = 0; i < K; ++i)
            for (int j = 0; j < K; ++j)
                H[at(i * K + j)] = static_cast<float>(x[at(i * K + j)] + x[at(j * K + i)]);
        const std::vector<float> E(e.begin(), e.end());
        double expected = 0.0;
        for (int r = 0; r < rows; ++r)
            for (int i = 0; i < K; ++i)
                for (int j = 0; j < K; ++j)
                    expected += e[at(r * K + i)] * H[at(i * K + j)] * e[at(r * K + j)];
        QVERIFY(std::abs(energy(E, rows, K, H, host) - expected) < 1e-4 * std::abs(expected) + 1e-2);
    }

    void halvesAreRoundedToNearest_data()
    {
        QTest::addColumn<float>("value");
        QTest::addColumn<float>("expected");
        QTest::addRow("a half already") << 0.333251953125f << 0.333251953125f;
        QTest::addRow("a third") << 1.0f / 3.0f << 0.333251953125f;
        QTest::addRow("a tie goes to even") << 1.0f + 0x1p-11f << 1.0f;
        QTest::addRow("above a tie") << 1.0f + 0x1.1p-11f << 1.0f + 0x1p-10f;
        QTest::addRow("subnormal") << 0x1.8p-24f << 0x1p-23f;
        QTest::addRow("too small") << 0x1p-26f << 0.0f;
        QTest::addRow("negative") << -0.1f << -0.0999755859375f;
        QTest::addRow("too large") << 1e9f << 65504.0f;
    }
    void halvesAreRoundedToNearest()
    {
        QFETCH(float, value);
        QFETCH(float, expected);
        QCOMPARE(roundToHalf(value), expected);
    }

    void aRotationIsOrthogonalAndSeeded_data()
    {
        QTest::addColumn<int>("n");
        for (const int n : {1, 2, 7, 8, 12, 44})
            QTest::addRow("%d entries", n) << n;
    }
    void aRotationIsOrthogonalAndSeeded()
    {
        QFETCH(int, n);
        const quip::Rotation rotation(n, 7), same(n, 7), other(n, 8);
        std::vector<std::vector<double>> columns;
        bool differs = n < 4;
        for (int k = 0; k < n; ++k) {
            std::vector<double> x(at(n), 0.0);
            x[at(k)] = 1.0;
            auto again = x, elsewhere = x;
            rotation.forward(x.data());
            same.forward(again.data());
            other.forward(elsewhere.data());
            QVERIFY(x == again);
            differs = differs || x != elsewhere;
            auto back = x;
            rotation.inverse(back.data());
            for (int i = 0; i < n; ++i)
                QVERIFY(std::abs(back[at(i)] - (i == k ? 1.0 : 0.0)) < 1e-12);
            columns.push_back(x);
        }
        QVERIFY(differs);
        for (const auto& a : columns)
            for (const auto& b : columns) {
                double dot = 0.0;
                for (int i = 0; i < n; ++i)
                    dot += a[at(i)] * b[at(i)];
                QVERIFY(std::abs(dot - (&a == &b ? 1.0 : 0.0)) < 1e-12);
            }
    }
};

QTEST_APPLESS_MAIN(TestPluginNumerics)
#include "tst_plugin_numerics.moc"
