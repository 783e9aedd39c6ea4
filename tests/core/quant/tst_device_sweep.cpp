// SPDX-License-Identifier: GPL-3.0-or-later
// The sweep on a CUDA device against the CPU's, and the Hessian and its factor there. Skipped without a device.
#include "core/base/parallel.h"
#include "core/quant/device_sweep.h"
#include "core/quant/sweep.h"

#include <QTest>

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <cmath>

using namespace sa;

namespace
{

at::Tensor randomMatrix(std::int64_t rows, std::int64_t columns, std::uint64_t seed)
{
    auto generator = at::detail::createCPUGenerator(seed);
    return at::randn({rows, columns}, generator);
}

/// Inputs with correlated columns of different energy; `deadColumn` (if not negative) is always 0.
at::Tensor randomInputs(std::int64_t K, std::int64_t deadColumn)
{
    at::Tensor x = at::mm(randomMatrix(2 * K + 60, K, 1), randomMatrix(K, K, 2)) * at::linspace(0.2, 2.0, K);
    if (deadColumn >= 0)
        x.select(1, deadColumn).zero_();
    return x;
}

SweepFactor factorOn(at::Device device, const at::Tensor& inputs, std::int64_t columnsPerScale)
{
    HessianAccumulator hessian(inputs.size(1), device);
    hessian.add(inputs.slice(0, 0, 40).to(device));
    hessian.add(inputs.slice(0, 40).to(device));
    return *factorize(hessian.matrix(), columnsPerScale, 0.01);
}

SweepFactor onDevice(const SweepFactor& factor, at::Device device)
{
    SweepFactor out = factor;
    for (at::Tensor* tensor : {&out.permutation, &out.hessian, &out.upper})
        *tensor = tensor->to(device);
    return out;
}

LayerSweep::Outcome onCpu(const at::Tensor& weight, const SweepFactor& factor, const SweepOptions& options)
{
    LayerSweep sweep(weight, factor, options);
    const CancelToken cancel;
    parallelFor(sweep.pieces(), [&](std::int64_t i) { sweep.runPiece(i, cancel); });
    return sweep.finish();
}

std::vector<DeviceOutcome> onDevice(const std::vector<at::Tensor>& weights, const SweepFactor& factor,
                                    const SweepOptions& options, at::Device device)
{
    std::vector<DeviceLayer> layers;
    for (const auto& weight : weights)
        layers.push_back({weight.to(device), options.rowsPerScale});
    return *sweepOnDevice(layers, factor, options, CancelToken());
}

bool near(double value, double expected, double share)
{
    return std::abs(value - expected) <= share * std::abs(expected) + 1e-9;
}

template<typename T> double shareEqual(const std::vector<T>& a, const std::vector<T>& b)
{
    std::size_t equal = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        equal += a[i] == b[i] ? 1 : 0;
    return a.empty() ? 1.0 : static_cast<double>(equal) / static_cast<double>(a.size());
}

} // namespace

class TestDeviceSweep : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void initTestCase()
    {
        if (!deviceSweepBuilt() || !at::globalContext().hasCUDA())
            QSKIP("no CUDA device, or a build without its compiler");
    }

    void theFactorIsThatOfTheCpu_data()
    {
        QTest::addColumn<int>("K");
        QTest::addRow("one column") << 1;
        QTest::addRow("odd and small") << 45;
        QTest::addRow("one more than a span") << 129;
        QTest::addRow("wider than a device's tile") << 2051;
    }
    void theFactorIsThatOfTheCpu()
    {
        QFETCH(int, K);
        const at::Tensor inputs = randomInputs(K, K > 100 ? 7 : -1);
        const SweepFactor cpu = factorOn(at::kCPU, inputs, 8), gpu = factorOn(m_device, inputs, 8);
        QVERIFY(at::equal(cpu.permutation, gpu.permutation.cpu()));
        QVERIFY(cpu.dead == gpu.dead);
        const auto differs = [](const at::Tensor& a, const at::Tensor& b) {
            return ((a - b.cpu()).norm() / a.norm()).item<double>();
        };
        QVERIFY2(differs(cpu.hessian, gpu.hessian) < 1e-5,
                 qPrintable(QString::number(differs(cpu.hessian, gpu.hessian))));
        QVERIFY2(differs(cpu.upper, gpu.upper) < 1e-4, qPrintable(QString::number(differs(cpu.upper, gpu.upper))));
    }

    void theTargetCorrectionIsThatOfTheCpu()
    {
        const std::int64_t K = 97;
        // Far from x: the correction comes from a difference of sums, and would be their rounding otherwise.
        const at::Tensor x = randomInputs(K, 5), y = 1.5 * x + 5.0 * randomMatrix(x.size(0), K, 9);
        const auto correction = [&](at::Device device) {
            HessianAccumulator hessian(K, device);
            CrossAccumulator cross(K, device);
            hessian.add(x.to(device));
            cross.add(y.to(device), x.to(device));
            return driftCorrection(cross.matrix(), hessian.matrix(), 300.0).cpu();
        };
        const at::Tensor cpu = correction(at::kCPU), gpu = correction(m_device);
        QVERIFY(((cpu - gpu).norm() / cpu.norm()).item<double>() < 1e-3);
    }

    void codesAndErrorsAreThoseOfTheCpu_data()
    {
        QTest::addColumn<int>("N");
        QTest::addColumn<int>("K");
        QTest::addColumn<int>("planes");
        QTest::addColumn<int>("rowsPerScale");
        QTest::addColumn<int>("columnsPerScale");
        QTest::addColumn<int>("secondLayer");
        QTest::addRow("lat, whole groups") << 64 << 128 << 2 << 0 << 8 << 0;
        QTest::addRow("lat, three layers' worth of rows and ragged columns") << 96 << 301 << 3 << 0 << 8 << 40;
        QTest::addRow("lat, one plane, small groups") << 50 << 150 << 1 << 3 << 8 << 17;
        QTest::addRow("lat, four planes") << 61 << 77 << 4 << 16 << 8 << 0;
        QTest::addRow("lat, a row each") << 9 << 24 << 2 << 1 << 8 << 0;
        QTest::addRow("lat, fewer columns than a block") << 16 << 5 << 2 << 0 << 8 << 0;
        QTest::addRow("lat, groups larger than a block of threads") << 5000 << 40 << 2 << 2500 << 8 << 0;
        QTest::addRow("blocks of 24 columns") << 40 << 200 << 2 << 8 << 24 << 0;
        QTest::addRow("acc, one group") << 120 << 300 << 2 << 120 << 1 << 0;
        QTest::addRow("acc, two layers, odd sizes") << 71 << 263 << 3 << 1000 << 1 << 33;
        QTest::addRow("acc, one plane") << 40 << 140 << 1 << 40 << 1 << 0;
        QTest::addRow("acc, four planes") << 65 << 130 << 4 << 65 << 1 << 0;
        QTest::addRow("acc, more rows than a block of threads has values") << 11008 << 40 << 2 << 11008 << 1 << 4097;
        QTest::addRow("acc, groups of rows") << 77 << 130 << 2 << 20 << 1 << 0;
    }
    void codesAndErrorsAreThoseOfTheCpu()
    {
        QFETCH(int, N);
        QFETCH(int, K);
        QFETCH(int, planes);
        QFETCH(int, rowsPerScale);
        QFETCH(int, columnsPerScale);
        QFETCH(int, secondLayer);
        const SweepFactor factor = factorOn(at::kCPU, randomInputs(K, K > 100 ? 7 : -1), columnsPerScale);
        const SweepFactor deviceFactor = onDevice(factor, m_device);
        std::vector<at::Tensor> weights{randomMatrix(N, K, 3) * 0.05};
        if (secondLayer > 0)
            weights.push_back(randomMatrix(secondLayer, K, 4) * 0.02);
        for (const int passes : {0, 2}) {
            SweepOptions options;
            options.bcq = {planes, 50, 3};
            options.rowsPerScale = rowsPerScale;
            options.columnsPerScale = columnsPerScale;
            options.refinements = passes;
            const auto device = onDevice(weights, deviceFactor, options, m_device);
            const auto again = onDevice(weights, deviceFactor, options, m_device);
            for (std::size_t i = 0; i < weights.size(); ++i) {
                const auto cpu = onCpu(weights[i], factor, options);
                const PackedWeight& packed = device[i].packed;
                QVERIFY(kernels::check(packed.view()) == kernels::Status::Ok && kernels::planesValid(packed.view()));
                QVERIFY(packed.bits == again[i].packed.bits && packed.scales == again[i].packed.scales);
                QVERIFY(device[i].error == again[i].error);
                QVERIFY(at::equal(device[i].dense, again[i].dense));
                at::Tensor unpacked = at::empty_like(weights[i]);
                QVERIFY(kernels::unpackDense(packed.view(), unpacked.data_ptr<float>()) == kernels::Status::Ok);
                QVERIFY(at::equal(unpacked, device[i].dense.cpu()));

                const double bits = shareEqual(packed.bits, cpu.packed.bits);
                const double scales = shareEqual(packed.scales, cpu.packed.scales);
                const QString seen = QString("passes %1 layer %2: words %3 scales %4 errors %5 %6")
                                         .arg(passes)
                                         .arg(i)
                                         .arg(bits)
                                         .arg(scales)
                                         .arg(device[i].error)
                                         .arg(cpu.error);
                qInfo("%s", qPrintable(seen));
                // One code on the other side of a border moves what follows a little; most stays.
                QVERIFY2(scales > 0.8, qPrintable(seen));
                QVERIFY2(near(device[i].error, cpu.error, 0.005), qPrintable(seen));
                QVERIFY2(near(device[i].relativeError, cpu.relativeError, 0.005), qPrintable(seen));
            }
        }
    }

    void withoutCalibrationDataTheSweepIsAFit()
    {
        SweepFactor factor = factorOn(at::kCPU, randomInputs(48, -1), 8);
        factor.dataFree = true;
        factor.upper = at::eye(48);
        const at::Tensor weight = randomMatrix(32, 48, 5);
        SweepOptions options;
        options.bcq.planes = 2;
        const auto cpu = onCpu(weight, factor, options);
        const auto device = onDevice({weight}, onDevice(factor, m_device), options, m_device);
        QCOMPARE(device.front().packed.bits, cpu.packed.bits);
        QCOMPARE(device.front().packed.scales, cpu.packed.scales);
    }

    void aCancelledSweepSaysSo()
    {
        CancelToken cancel;
        cancel.cancel();
        const auto factor = factorOn(m_device, randomInputs(48, -1), 8);
        const auto outcome = sweepOnDevice({{randomMatrix(8, 48, 5).to(m_device), 0}}, factor, SweepOptions(), cancel);
        QVERIFY(!outcome);
        QVERIFY(outcome.error().code == Errc::Cancelled);
    }

private:
    const at::Device m_device{at::kCUDA, 0};
};

QTEST_APPLESS_MAIN(TestDeviceSweep)
#include "tst_device_sweep.moc"
