// SPDX-License-Identifier: GPL-3.0-or-later
// A product of the CPU on one vector unit between guards, its truth, and the geometries that every product is tried on.
#pragma once

#include "kernels/cpu/lut_gemm_targets.h"
#include "planes_fixture.h"

#include <QtTest>

#include <cstring>

using sa::kernels::SignPlanes;
using sa::kernels::Status;
using sa::kernels::cpu::LutGemmCall;
using sa::kernels::cpu::LutGemmTarget;

/// Which of a unit's products: &LutGemmTarget::run or &LutGemmTarget::runFast.
using LutProduct = void (*LutGemmTarget::*)(const LutGemmCall& call, float* scratch);

/// A product on one vector unit, with poisoned y and guarded y and scratch.
class Product
{
public:
    Product(const LutGemmTarget& target, const SignPlanes& w, const std::vector<float>& x, int M, int tileRows = 0,
            LutProduct product = &LutGemmTarget::run)
        : m_product(target.*product)
        , m_w(w)
        , m_tileRows(size(tileRows))
        , m_x(x)
        , m_M(M)
        , m_scratch(target.scratchFloats)
        , m_y(size(M) * size(w.N))
    {
    }

    void run(int rowBegin, int rowEnd) { run(0, m_M, rowBegin, rowEnd); }
    void run(int firstToken, int tokens, int rowBegin, int rowEnd)
    {
        m_product({m_w, m_x.data() + size(firstToken) * size(m_w.K), tokens,
                   m_y.data() + size(firstToken) * size(m_w.N), m_w.N, size(rowBegin), size(rowEnd), m_tileRows},
                  m_scratch.data());
    }
    bool guardsIntact() const { return m_y.guardsIntact() && m_scratch.guardsIntact(); }
    bool untouched(int m, int n) const { return m_y.untouched(size(m) * size(m_w.N) + size(n)); }
    float at(int m, int n) const { return m_y.data()[size(m) * size(m_w.N) + size(n)]; }
    bool sameBits(const Product& other) const
    {
        return std::memcmp(m_y.data(), other.m_y.data(), size(m_M) * size(m_w.N) * sizeof(float)) == 0;
    }

private:
    void (*m_product)(const LutGemmCall& call, float* scratch);
    SignPlanes m_w;
    std::size_t m_tileRows;
    std::vector<float> m_x;
    int m_M;
    GuardedFloats m_scratch;
    GuardedFloats m_y;
};

inline Product runAll(const LutGemmTarget& target, const SignPlanes& w, const std::vector<float>& x, int M,
                      LutProduct run = &LutGemmTarget::run)
{
    Product product(target, w, x, M, 0, run);
    product.run(0, w.N);
    return product;
}

inline std::vector<float> reference(const SignPlanes& w, const std::vector<float>& x, int M)
{
    std::vector<float> y(size(M) * size(w.N));
    if (sa::kernels::lutGemmRef(w, x.data(), M, y.data(), w.N, 0, w.N) != Status::Ok)
        y.clear();
    return y;
}

/// A_nk = sum_b alpha, [N][K].
inline std::vector<double> sumsOfScales(const RandomPlanes& planes)
{
    const SignPlanes w = planes.view();
    std::vector<double> sums(size(w.N) * size(w.K));
    for (int n = 0; n < w.N; ++n)
        for (int k = 0; k < w.K; ++k)
            for (int b = 0; b < w.q; ++b)
                sums[size(n) * size(w.K) + size(k)] += planes.alpha(n, k, b);
    return sums;
}

inline QByteArray describe(const LutGemmTarget& target, int m, int n, double got, double expected)
{
    return QString("%1: token %2, row %3 is %4, expected %5")
        .arg(target.name)
        .arg(m)
        .arg(n)
        .arg(got, 0, 'g', 9)
        .arg(expected, 0, 'g', 9)
        .toUtf8();
}

inline void addGeometries()
{
    QTest::addColumn<Geometry>("geometry");
    int q = 0;
    const auto add = [&q](const char* name, int N, int K, int R, int C) {
        q = q % 4 + 1; // every number of planes in turn
        QTest::newRow(name) << Geometry{N, K, q, R, C};
    };
    add("a single weight", 1, 1, 1, 1);
    add("eight row groups, blocks of 8 columns", 256, 96, 32, 8);
    add("eight row groups of a small layer", 64, 64, 8, 8);
    add("eight row groups that are no vector multiple", 88, 160, 11, 8);
    add("one row group, one scale per column", 130, 70, 130, 1);
    add("one row group, blocks of 8 columns", 96, 200, 96, 8);
    add("16 rows per scale", 144, 64, 16, 8);
    add("16 rows per scale, four planes, ragged", 150, 90, 16, 8);
    add("2 rows per scale", 50, 64, 2, 8);
    add("2 rows per scale, one scale per column", 21, 40, 2, 1);
    add("1 row per scale", 40, 64, 1, 8);
    add("1 row per scale, one scale per column", 19, 37, 1, 1);
    add("row-wise", 33, 96, 1, 96);
    add("row-wise, ragged", 45, 77, 1, 80);
    add("row-wise in blocks of 16 columns", 45, 77, 1, 16);
    add("31 rows per scale in blocks of 24 columns", 300, 100, 31, 24);
    add("33 rows per scale, last group cut", 300, 39, 33, 8);
    add("columns one past a word", 40, 33, 40, 8);
    add("columns one short of a word", 40, 31, 5, 8);
    add("several blocks of columns, ragged", 40, 1100, 20, 8);
    add("several blocks of columns, shared tables", 40, 1100, 3, 8);
    add("more rows than a tile", 4200, 40, 4200, 8);
    add("more rows than a tile, eight groups", 4200, 33, 525, 1);
}
