// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/core/eval/counting_number.h"
#include "tests/kernels/planes_fixture.h"

#include "core/eval/energy.h"

#include <QTest>

using namespace sa;
using test::counted;

namespace
{

/// Scales of exactly three terms each, so that the count of terms is the count of shifts.
RandomPlanes threeTermPlanes(const Geometry& geometry, std::mt19937_64& random)
{
    RandomPlanes planes(geometry, random);
    for (kernels::PackedScale& scale : planes.scales) {
        const int e1 = static_cast<int>(random() % 8) - 8;
        scale = static_cast<kernels::PackedScale>((e1 + kernels::kScaleExponentBias) << 10 | (random() % 2) << 9 |
                                                  (1 + random() % 15) << 5 | (random() % 2) << 4 | (1 + random() % 15));
    }
    return planes;
}

void addGeometries()
{
    QTest::addColumn<Geometry>("geometry");
    QTest::addRow("eighths of the rows") << Geometry{64, 32, 3, 8, 8};
    QTest::addRow("one plane") << Geometry{64, 32, 1, 8, 8};
    QTest::addRow("one scale per column") << Geometry{24, 16, 2, 24, 1};
    QTest::addRow("scales of rows") << Geometry{7, 40, 2, 1, 40};
    QTest::addRow("scales of 16 columns") << Geometry{10, 40, 4, 2, 16};
    QTest::addRow("odd rows, columns and groups") << Geometry{13, 37, 3, 5, 8};
    QTest::addRow("less than a key of columns") << Geometry{5, 3, 2, 5, 8};
    QTest::addRow("one weight") << Geometry{1, 1, 1, 1, 8};
    QTest::addRow("a column at a time, odd") << Geometry{9, 19, 3, 4, 1};
}

std::string text(const Operations& n)
{
    return std::to_string(n.multiplies) + " multiplies, " + std::to_string(n.adds) + " adds, " +
           std::to_string(n.shifts) + " shifts, " + std::to_string(n.lookups) + " look-ups";
}

std::uint64_t each(int value)
{
    return static_cast<std::uint64_t>(value);
}

} // namespace

Q_DECLARE_METATYPE(Geometry)

class TestOpCounts : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void planesCountWhatTheAlgorithmDoes_data() { addGeometries(); }
    void planesCountWhatTheAlgorithmDoes()
    {
        QFETCH(Geometry, geometry);
        std::mt19937_64 random(1);
        const RandomPlanes planes = threeTermPlanes(geometry, random);
        std::vector<double> x(each(geometry.K));
        std::normal_distribution<float> normal;
        for (double& value : x)
            value = static_cast<double>(normal(random));
        const std::vector<float> floats(x.begin(), x.end());
        std::vector<float> truth(each(geometry.N));
        QCOMPARE(lutGemmRef(planes.view(), floats.data(), 1, truth.data(), geometry.N, 0, geometry.N),
                 kernels::Status::Ok);

        std::vector<ScalePlace> places{ScalePlace::Activations};
        if (geometry.C > 1)
            places.push_back(ScalePlace::Lookups);
        for (const ScalePlace place : places) {
            counted = Operations();
            const auto y = test::PlanesProduct(planes.view(), x).run(place);
            for (std::size_t n = 0; n < y.size(); ++n) // it is that product that was counted
                QVERIFY(std::abs(y[n] - static_cast<double>(truth[n])) <= 1e-6 * (1 + std::abs(y[n])));
            const Operations expected = planesOperations(planes.view(), 3, false, place);
            QVERIFY2(counted == expected, (text(counted) + " / " + text(expected)).c_str());
        }
    }

    void denseLayersCountEveryProduct()
    {
        for (const auto& [N, K] : {std::pair{3, 5}, {1, 1}, {7, 2}}) {
            counted = Operations();
            for (int n = 0; n < N; ++n) {
                test::Sum sum;
                for (int k = 0; k < K; ++k)
                    sum.add(test::Number{1.0} * test::Number{2.0});
                sum.add({1.0}); // the bias
            }
            QVERIFY(counted == denseOperations(each(N), each(K), true));
            QCOMPARE(counted.adds - denseOperations(each(N), each(K), false).adds, each(N));
        }
    }

    void scalesGoWhereTheyCostLess_data()
    {
        QTest::addColumn<Geometry>("geometry");
        QTest::addColumn<bool>("onActivations");
        QTest::addRow("large groups share shifted tables") << Geometry{4096, 4096, 3, 512, 8} << true;
        QTest::addRow("groups of 16 rows share unshifted ones") << Geometry{4096, 4096, 3, 16, 8} << false;
        QTest::addRow("one scale a row is applied once") << Geometry{4096, 4096, 3, 1, 4096} << false;
        QTest::addRow("one scale a column has no choice") << Geometry{4096, 4096, 3, 16, 1} << true;
    }
    void scalesGoWhereTheyCostLess()
    {
        QFETCH(Geometry, geometry);
        QFETCH(bool, onActivations);
        const kernels::SignPlanes shape{nullptr, nullptr, geometry.N, geometry.K, geometry.q, geometry.R, geometry.C};
        const ScalePlace place = onActivations ? ScalePlace::Activations : ScalePlace::Lookups;
        QVERIFY(planesOperations(shape, 3, true) == planesOperations(shape, 3, true, place));
        QCOMPARE(planesOperations(shape, 3, true).multiplies, std::uint64_t{0});
    }

    void morePlanesAndTermsCostMore_data() { addGeometries(); }
    void morePlanesAndTermsCostMore()
    {
        QFETCH(Geometry, geometry);
        kernels::SignPlanes shape{nullptr, nullptr, geometry.N, geometry.K, 1, geometry.R, geometry.C};
        Operations before = planesOperations(shape, 3, true), kernelBefore = kernelOperations(shape, 3, true);
        for (shape.q = 2; shape.q <= 4; ++shape.q) {
            const Operations now = planesOperations(shape, 3, true), kernelNow = kernelOperations(shape, 3, true);
            QVERIFY(now.lookups > before.lookups && now.adds > before.adds && now.adds + now.shifts > before.adds);
            QVERIFY(kernelNow.lookups > kernelBefore.lookups && kernelNow.adds > kernelBefore.adds);
            QVERIFY(planesOperations(shape, 2, true).shifts < now.shifts);
            QVERIFY(planesOperations(shape, 1, true).adds < now.adds);
            before = now;
            kernelBefore = kernelNow;
        }
    }

    void energyIsWorkTimesPrices_data()
    {
        QTest::addColumn<QByteArray>("table");
        QTest::addColumn<int>("bits");
        QTest::addColumn<double>("picojoules");
        // 2 multiplies, 3 adds, 5 shifts, 7 look-ups and 1 + 10 + 100 + 1000 bytes at 100 pJ, by hand:
        constexpr double kBytes = 111'100, kLookups = 7 * 0.37;
        QTest::addRow("paper, 16 bits") << QByteArray("paper") << 16 << kBytes + kLookups + 1.8 + 1.2 + 5 * 0.057;
        QTest::addRow("paper, 32 bits") << QByteArray("paper") << 32 << kBytes + kLookups + 7.4 + 3.3 + 5 * 0.13;
        QTest::addRow("published, 16 bits") << QByteArray("published") << 16 << kBytes + kLookups + 2.2 + 1.2 + 0.25;
        QTest::addRow("published, 32 bits") << QByteArray("published") << 32 << kBytes + kLookups + 7.4 + 2.7 + 0.5;
    }
    void energyIsWorkTimesPrices()
    {
        QFETCH(QByteArray, table);
        QFETCH(int, bits);
        QFETCH(double, picojoules);
        const auto units = unitEnergy(table.toStdString(), bits);
        QVERIFY(units);
        const Cost cost{{2, 3, 5, 7}, {1, 10, 100, 1000}};
        QVERIFY(std::abs(units->picojoules(cost) - picojoules) < 1e-6);
    }

    void anUnknownTableIsNamed()
    {
        const auto units = unitEnergy("7 nm", 16);
        QVERIFY(!units);
        QCOMPARE(units.error().code, Errc::Usage);
        QCOMPARE(units.error().found, std::string("\"7 nm\""));
    }
};

QTEST_APPLESS_MAIN(TestOpCounts)
#include "tst_op_counts.moc"
