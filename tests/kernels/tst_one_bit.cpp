// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda/tables.h"
#include "planes_fixture.h"
#include "sa/kernels/gpu.h"
#include "sa/kernels/one_bit.h"

#include <QtTest>

#include <limits>

using namespace sa::kernels;

namespace
{

constexpr Geometry kGeometries[] = {{1, 1, 1, 1, 1},      {64, 256, 3, 8, 8},   {130, 70, 2, 130, 1},
                                    {150, 90, 4, 33, 8},  {77, 1100, 1, 20, 8}, {45, 77, 2, 1, 80},
                                    {96, 200, 4, 96, 24}, {300, 39, 3, 100, 1}};

GpuInfo hopper()
{
    GpuInfo info;
    info.architecture = 90;
    info.multiprocessors = 132;
    info.sharedBytes = 232448;
    return info;
}

} // namespace

class TestOneBit : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void placesInATileAreAPermutation()
    {
        std::vector<int> seen(onebit::kTileWords);
        for (int i = 0; i < onebit::kTileWords; ++i) {
            const auto [row, word] = onebit::placeInTile(i);
            QCOMPARE(onebit::indexInTile(row, word), i);
            ++seen[size(row * onebit::kChunkWords + word)];
        }
        QVERIFY(std::all_of(seen.begin(), seen.end(), [](int count) { return count == 1; }));
    }

    void tilesGiveTheWordsBack()
    {
        std::mt19937_64 random(1);
        for (const Geometry& g : kGeometries) {
            RandomPlanes planes(g, random);
            const SignPlanes w = planes.view();
            std::vector<std::uint32_t> tiles(size(oneBitTiles(w)) * size(oneBitChunks(w)) * onebit::kTileWords, ~0U);
            QCOMPARE(toOneBitTiles(w, tiles.data()), Status::Ok);
            std::vector<std::uint32_t> back(w.wordCount());
            QCOMPARE(fromOneBitTiles(w, tiles.data(), back.data()), Status::Ok);
            QVERIFY(back == planes.bits);
            const auto ones = [](const std::vector<std::uint32_t>& words) {
                std::int64_t sum = 0;
                for (const std::uint32_t word : words)
                    sum += __builtin_popcount(word);
                return sum;
            };
            QCOMPARE(ones(tiles), ones(planes.bits)); // padding is 0
        }
    }

    void fixedPointNumbersAreTheProductsRounded()
    {
        std::mt19937_64 random(2);
        std::uniform_real_distribution<double> exponent(-20.0, 3.0), size2(-30.0, 10.0);
        for (int i = 0; i < 20000; ++i) {
            const PackedScale scale = apotRound(std::exp2(exponent(random)), 1 + i % 3);
            const auto x = static_cast<float>(std::exp2(size2(random)) * (random() % 2 == 0 ? 1 : -1));
            std::uint32_t bits = 0;
            std::memcpy(&bits, &x, 4);
            const double v = apotValue(scale) * static_cast<double>(x); // 24 + 31 bits: rounded, far below what is kept
            const int least = onebit::exponentAbove(bits & onebit::kMagnitude, scale);
            QVERIFY(std::fabs(v) < std::ldexp(1.0, least));
            if (std::fabs(v) < std::ldexp(1.0 - 0x1p-26, std::ilogb(v) + 1))
                QCOMPARE(least, std::ilogb(v) + 1);
            const int e = least + static_cast<int>(random() % 40);
            const double q = std::ldexp(v, onebit::kFraction - e);
            QVERIFY(std::fabs(onebit::fixedPoint(bits, scale, e) - q) <= 0.5 + 1e-6 + (e == least ? 0.5 : 0.0));
        }
    }

    void theProductMeetsTheBound()
    {
        std::mt19937_64 random(3);
        for (const Geometry& g : kGeometries) {
            RandomPlanes planes(g, random, -20.0, 3.0);
            const SignPlanes w = planes.view();
            for (const int kind : {0, 1, 2, 3, 4}) {
                std::vector<float> x = gaussian(size(2 * g.K), random);
                for (std::size_t i = 0; i < x.size(); ++i) {
                    if (kind == 1)
                        x[i] = i % size(g.K) == size(g.K / 2) ? 65504.0F : 0.0F; // one-hot
                    if (kind == 2)
                        x[i] *= 0x1p-140F; // subnormal
                    if (kind == 3 && i == size(g.K / 3))
                        x[i] *= 1000.0F;
                    if (kind == 4)
                        x[i] *= 0x1p120F;
                }
                std::vector<float> y(size(2 * g.N)), truth(size(2 * g.N));
                QCOMPARE(oneBitRef(w, x.data(), 2, nullptr, y.data(), g.N), Status::Ok);
                QCOMPARE(lutGemmRef(w, x.data(), 2, truth.data(), g.N, 0, g.N), Status::Ok);
                for (int m = 0; m < 2; ++m)
                    for (int n = 0; n < g.N; ++n) {
                        double magnitude = 0;
                        for (int k = 0; k < g.K; ++k)
                            for (int b = 0; b < g.q; ++b)
                                magnitude += planes.alpha(n, k, b) * std::fabs(x[size(m * g.K + k)]);
                        const double t = truth[size(m * g.N + n)], got = y[size(m * g.N + n)];
                        if (std::isinf(t))
                            continue;
                        const double bound = 0x1p-17 * magnitude + 0x1p-23 * std::fabs(t) + 0x1p-149;
                        QVERIFY2(std::fabs(got - t) <= bound, qPrintable(QString("N %1 K %2 kind %3: %4, expected %5")
                                                                             .arg(g.N)
                                                                             .arg(g.K)
                                                                             .arg(kind)
                                                                             .arg(got)
                                                                             .arg(t)));
                    }
            }
        }
    }

    void theErrorOfGaussianInputIsThatOfFloat32()
    {
        std::mt19937_64 random(4);
        for (const Geometry& g : {Geometry{128, 2048, 3, 16, 8}, Geometry{128, 2048, 3, 128, 1}}) {
            RandomPlanes planes(g, random, -9.0, -3.0);
            const std::vector<float> x = gaussian(size(g.K), random);
            std::vector<float> y(size(g.N)), truth(size(g.N));
            QCOMPARE(oneBitRef(planes.view(), x.data(), 1, nullptr, y.data(), g.N), Status::Ok);
            QCOMPARE(lutGemmRef(planes.view(), x.data(), 1, truth.data(), g.N, 0, g.N), Status::Ok);
            double error = 0, norm = 0;
            for (std::size_t n = 0; n < y.size(); ++n) {
                error += std::pow(static_cast<double>(y[n]) - truth[n], 2.0);
                norm += std::pow(static_cast<double>(truth[n]), 2.0);
            }
            QVERIFY2(std::sqrt(error / norm) <= 2e-6, qPrintable(QString::number(std::sqrt(error / norm))));
        }
    }

    void doubledInputAndComplementedPlanesGiveExactAnswers()
    {
        std::mt19937_64 random(5);
        RandomPlanes planes({50, 333, 3, 25, 8}, random);
        std::vector<float> x = gaussian(333, random), twice = x, y(50), y2(50), y3(50);
        for (float& value : twice)
            value *= 2;
        QCOMPARE(oneBitRef(planes.view(), x.data(), 1, nullptr, y.data(), 50), Status::Ok);
        QCOMPARE(oneBitRef(planes.view(), twice.data(), 1, nullptr, y2.data(), 50), Status::Ok);
        planes.complement();
        QCOMPARE(oneBitRef(planes.view(), x.data(), 1, nullptr, y3.data(), 50), Status::Ok);
        for (std::size_t n = 0; n < y.size(); ++n) {
            QCOMPARE(y2[n], 2 * y[n]);
            QCOMPARE(y3[n], -y[n]);
        }
    }

    void whatIsNotFiniteMakesNaN()
    {
        std::mt19937_64 random(6);
        RandomPlanes planes({9, 64, 2, 9, 8}, random);
        std::vector<float> x = gaussian(128, random), y(18);
        x[70] = std::numeric_limits<float>::infinity();
        const std::vector<float> bias(9, 3.0F);
        std::fill(x.begin(), x.begin() + 64, 0.0F);
        QCOMPARE(oneBitRef(planes.view(), x.data(), 2, bias.data(), y.data(), 9), Status::Ok);
        for (std::size_t n = 0; n < 9; ++n) {
            QCOMPARE(y[n], 3.0F);
            QVERIFY(std::isnan(y[9 + n]));
        }
    }

    void imagesCutTheWorkWithoutGapsOrOverlaps()
    {
        std::mt19937_64 random(7);
        const Geometry parts[] = {{300, 1100, 3, 100, 8}, {140, 1100, 3, 64, 8}, {33, 1100, 3, 33, 8}};
        std::vector<RandomPlanes> planes;
        std::vector<SignPlanes> views;
        for (const Geometry& g : parts)
            planes.emplace_back(g, random);
        for (const auto& p : planes)
            views.push_back(p.view());
        for (const int most : {0, 1, 5}) {
            GpuImage image;
            QCOMPARE(gpuImage(views.data(), 3, hopper(), GpuPath::OneBit, {most, 0, most}, image), Status::Ok);
            QCOMPARE(image.N, 473);
            std::vector<char> host(image.bytes);
            QCOMPARE(gpuImageWrite(views.data(), 3, image, host.data()), Status::Ok);
            std::vector<GpuPlan> plans(std::begin(image.plans), std::end(image.plans));
            plans.push_back(image.step);
            for (const GpuPlan& plan : plans) {
                const auto* segments = reinterpret_cast<const gpu::Segment*>(host.data() + plan.segments);
                const auto* ranges = reinterpret_cast<const gpu::Range*>(host.data() + plan.ranges);
                const int units = image.tiles * image.chunks;
                std::vector<int> seen(size(units));
                int unit = 0;
                for (int s = 0; s < plan.segmentCount; ++s) {
                    QCOMPARE(segments[s].unitBegin, unit);
                    unit += segments[s].tiles * segments[s].chunks;
                    QVERIFY(segments[s].chunks <= plan.windowChunks);
                    for (int t = 0; t < segments[s].tiles; ++t)
                        for (int c = 0; c < segments[s].chunks; ++c)
                            ++seen[size((segments[s].tileBegin + t) * image.chunks + segments[s].chunkBegin + c)];
                }
                QVERIFY(std::all_of(seen.begin(), seen.end(), [](int count) { return count == 1; }));
                unit = 0;
                for (int b = 0; b < plan.blocks; ++b) {
                    QCOMPARE(ranges[b].unitBegin, unit);
                    unit = ranges[b].unitEnd;
                    const auto& first = segments[ranges[b].segmentBegin];
                    const auto& last = segments[ranges[b].segmentEnd - 1];
                    QVERIFY(first.unitBegin <= ranges[b].unitBegin);
                    QVERIFY(last.unitBegin + last.tiles * last.chunks >= ranges[b].unitEnd);
                }
                QCOMPARE(unit, units);
            }
        }
    }

    void aStepsScalesAreThoseOfTheGroupsInOrder()
    {
        std::mt19937_64 random(9);
        for (const int C : {8, 24, 1}) {
            RandomPlanes planes[] = {{{300, 77, 3, 100, C}, random}, {{64, 77, 3, 64, C}, random}};
            const SignPlanes views[] = {planes[0].view(), planes[1].view()};
            GpuImage image;
            QCOMPARE(gpuImage(views, 2, hopper(), GpuPath::OneBit, {}, image), Status::Ok);
            std::vector<char> host(image.bytes, '\xFF'); // what is read must have been written
            QCOMPARE(gpuImageWrite(views, 2, image, host.data()), Status::Ok);
            const auto* scales = reinterpret_cast<const float*>(host.data() + image.stepScales);
            const auto* maxima = reinterpret_cast<const float*>(host.data() + image.stepMaxima);
            const int firstRows[] = {0, 100, 200, 0};
            QCOMPARE(image.groups, 4);
            for (int g = 0; g < image.groups; ++g)
                for (int c = 0; c < image.scaleColumns; ++c) {
                    float most = 0;
                    for (int b = 0; b < image.q; ++b) {
                        const bool inside = c < image.columnGroups;
                        const double alpha = inside ? planes[g == 3 ? 1 : 0].alpha(firstRows[g], c * C, b) : 0.0;
                        const float got = scales[(g * image.q + b) * image.scaleColumns + c];
                        QCOMPARE(got, static_cast<float>(alpha));
                        most = std::max(most, got);
                    }
                    QCOMPARE(maxima[g * image.scaleColumns + c], most);
                }
        }
    }

    void thePathFollowsTheGeometryAndTheDevice()
    {
        std::mt19937_64 random(8);
        RandomPlanes large({512, 64, 2, 64, 8}, random), small({1024, 64, 2, 16, 8}, random);
        GpuImage image;
        const SignPlanes a = large.view(), b = small.view();
        QCOMPARE(gpuImage(&a, 1, hopper(), GpuPath::Auto, {}, image), Status::Ok);
        QCOMPARE(image.path, GpuPath::OneBit);
        QCOMPARE(gpuImage(&b, 1, hopper(), GpuPath::Auto, {}, image), Status::Ok);
        QCOMPARE(image.path, GpuPath::Table);
        for (const int architecture : {75, 100, 120}) {
            GpuInfo other = hopper();
            other.architecture = architecture;
            QCOMPARE(gpuImage(&a, 1, other, GpuPath::Auto, {}, image), Status::Ok);
            QCOMPARE(image.path, GpuPath::Table);
        }
    }
};

QTEST_APPLESS_MAIN(TestOneBit)
#include "tst_one_bit.moc"
