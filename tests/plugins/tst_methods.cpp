// SPDX-License-Identifier: GPL-3.0-or-later
// Golden results of the methods on tiny matrices: written down where they can be worked out by hand, otherwise from the
// method's definition in float64 (optimal brain quantization by fresh inverses, explicit rotation matrices).
#include "method_fixture.h"

#include "plugins/quip/rotation.h"
#include "sa/kernels/apot.h"

#include <QTest>

#include <c10/util/Half.h>
#include <cmath>
#include <functional>
#include <numeric>
#include <random>

using namespace sa;
using test::Matrix;

namespace
{

constexpr double kClose = 2e-5; ///< float sweeps against float64 ones on values of about 1

Matrix random(std::int64_t rows, std::int64_t columns, unsigned seed)
{
    std::mt19937 engine(seed);
    Matrix out = test::zeros(rows, columns);
    for (double& value : out.values)
        value = static_cast<float>(static_cast<double>(engine()) / 2147483648.0 - 1.0);
    return out;
}

/// X^T X of a few more rows than columns, some channels stronger than others.
Matrix hessian(std::int64_t K, unsigned seed)
{
    const Matrix X = random(2 * K, K, seed);
    Matrix H = test::zeros(K, K);
    for (std::int64_t i = 0; i < K; ++i)
        for (std::int64_t j = 0; j < K; ++j)
            for (std::int64_t t = 0; t < X.rows; ++t)
                H(i, j) += X(t, i) * X(t, j) * static_cast<double>((1 + i % 3) * (1 + j % 3));
    return H;
}

Matrix inverse(Matrix A)
{
    const std::int64_t n = A.rows;
    Matrix out = test::zeros(n, n);
    for (std::int64_t i = 0; i < n; ++i)
        out(i, i) = 1.0;
    for (std::int64_t p = 0; p < n; ++p) { // positive definite: no pivoting
        const double pivot = A(p, p);
        for (std::int64_t j = 0; j < n; ++j)
            A(p, j) /= pivot, out(p, j) /= pivot;
        for (std::int64_t i = 0; i < n; ++i) {
            const double factor = A(i, p);
            for (std::int64_t j = 0; j < n && i != p; ++j)
                A(i, j) -= factor * A(p, j), out(i, j) -= factor * out(p, j);
        }
    }
    return out;
}

using Nearest = std::function<double(std::int64_t row, std::int64_t column, double w)>;

/// Optimal brain quantization in a fixed order: each weight to its nearest level, the rest of the row moved to the
/// minimum of the damped quadratic given what is fixed. A fresh inverse of what is left at every step.
Matrix optimalBrain(Matrix W, const Matrix& H, double damping, std::vector<std::int64_t> order, const Nearest& nearest)
{
    const std::int64_t K = W.columns;
    double mean = 0.0;
    for (std::int64_t k = 0; k < K; ++k)
        mean += H(k, k) / static_cast<double>(K);
    Matrix out = test::zeros(W.rows, K);
    while (!order.empty()) {
        const auto left = static_cast<std::int64_t>(order.size());
        Matrix part = test::zeros(left, left);
        for (std::int64_t i = 0; i < left; ++i)
            for (std::int64_t j = 0; j < left; ++j)
                part(i, j) = H(order[static_cast<std::size_t>(i)], order[static_cast<std::size_t>(j)]) +
                             (i == j ? damping * mean : 0.0);
        const Matrix G = inverse(part);
        for (std::int64_t n = 0; n < W.rows; ++n) {
            const double w = W(n, order[0]), level = nearest(n, order[0], w);
            out(n, order[0]) = level;
            for (std::int64_t i = 0; i < left; ++i)
                W(n, order[static_cast<std::size_t>(i)]) -= (w - level) * G(i, 0) / G(0, 0);
        }
        order.erase(order.begin());
    }
    return out;
}

std::vector<std::int64_t> columnOrder(const Matrix& H, bool byEnergy)
{
    std::vector<std::int64_t> order(static_cast<std::size_t>(H.rows));
    std::iota(order.begin(), order.end(), 0);
    if (byEnergy)
        std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return H(a, a) > H(b, b); });
    return order;
}

double half(double value)
{
    return static_cast<float>(c10::Half(static_cast<float>(value)));
}

/// The nearest of all levels scale (code - zero), found by trying each.
double nearestUniform(const std::vector<double>& group, int bits, bool symmetric, double w)
{
    const int top = (1 << bits) - 1;
    double low = std::min(0.0, *std::min_element(group.begin(), group.end()));
    double high = std::max(0.0, *std::max_element(group.begin(), group.end()));
    if (symmetric)
        high = std::max(high, -low), low = -high;
    const double scale = half((high - low) / top);
    const double zero = symmetric ? (top + 1) / 2.0 : std::nearbyint(-low / scale);
    double best = 0.0, distance = INFINITY;
    for (int code = 0; code <= top; ++code)
        if (const double level = scale * (code - zero); std::abs(level - w) < distance)
            best = level, distance = std::abs(level - w);
    return best;
}

std::vector<double> groupOf(const Matrix& W, std::int64_t row, std::int64_t column, std::int64_t width)
{
    const std::int64_t begin = column / width * width, end = std::min(W.columns, begin + width);
    return {W.values.begin() + row * W.columns + begin, W.values.begin() + row * W.columns + end};
}

double traceOf(const Matrix& W, const std::vector<double>& Q, const Matrix& H)
{
    double sum = 0.0;
    for (std::int64_t n = 0; n < W.rows; ++n)
        for (std::int64_t i = 0; i < W.columns; ++i)
            for (std::int64_t j = 0; j < W.columns; ++j)
                sum += (Q[static_cast<std::size_t>(n * W.columns + i)] - W(n, i)) * H(i, j) *
                       (Q[static_cast<std::size_t>(n * W.columns + j)] - W(n, j));
    return sum;
}

QString differenceOf(const std::vector<float>& found, const std::vector<double>& expected)
{
    if (found.size() != expected.size())
        return "sizes";
    for (std::size_t i = 0; i < found.size(); ++i)
        if (!(std::abs(found[i] - expected[i]) < kClose))
            return QString("element %1: found %2, expected %3").arg(i).arg(found[i]).arg(expected[i]);
    return {};
}

MethodOutput run(const std::string& id, const Json& options, const Matrix& W, const Matrix& H = {})
{
    static const CancelToken never;
    MethodHost host(never);
    auto output = test::quantize(id, options, W, H, host);
    if (!output)
        QTest::qFail(output.error().sentence().c_str(), __FILE__, __LINE__);
    return output ? *std::move(output) : MethodOutput();
}

} // namespace

class TestMethods : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void everyMethodOfTheProjectIsFound()
    {
        const auto catalog = findMethods();
        for (const char* id : {"awq", "lutgemm-bcq", "optq", "quip", "rtn", "shiftadd"})
            QVERIFY2(catalog.find(id), id);
        QCOMPARE(catalog.methods.front().id, std::string("shiftadd"));
    }

    void rtnByHand_data()
    {
        QTest::addColumn<QString>("options");
        QTest::addColumn<QList<double>>("weight");
        QTest::addColumn<QList<double>>("expected");
        QTest::addColumn<int>("bytes");
        using L = QList<double>;
        // 2 rows of 4 weights. Codes 8 * 2 bits, a scale of 2 bytes and 2 bits of zero point per grid.
        QTest::addRow("a grid per row") << R"({"bits":2})" << L{-1, 0.2, 0.6, 2, 0, 3, 1.4, 6}
                                        << L{-1, 0, 1, 2, 0, 4, 2, 6} << 2 + 2 * 2 + 1;
        QTest::addRow("a grid for two columns") << R"({"bits":2,"group_columns":2})" << L{-1, 2, 0.75, 1.5, 0, -3, 3, 3}
                                                << L{-1, 2, 1, 1.5, 0, -3, 3, 3} << 2 + 4 * 2 + 1;
        QTest::addRow("a symmetric grid without zero points")
            << R"({"bits":2,"sym":true})" << L{-3, 3, 1.1, 0.9, 0, 0, 1.5, -1.5} << L{-4, 2, 2, 0, 0, 0, 1, -2}
            << 2 + 2 * 2;
        QTest::addRow("one bit") << R"({"bits":1})" << L{0, 1, 0.4, 0.6, -2, -1.2, 0, -0.8}
                                 << L{0, 1, 0, 1, -2, -2, 0, 0} << 1 + 2 * 2 + 1;
        QTest::addRow("nothing but zeros")
            << R"({"bits":3})" << L{0, 0, 0, 0, 0, 0, 0, 7} << L{0, 0, 0, 0, 0, 0, 0, 7} << 3 + 2 * 2 + 1;
    }
    void rtnByHand()
    {
        QFETCH(QString, options);
        QFETCH(QList<double>, weight);
        QFETCH(QList<double>, expected);
        QFETCH(int, bytes);
        const Matrix W{2, 4, {weight.begin(), weight.end()}};
        const auto output = run("rtn", *json::parse(options.toStdString(), "options"), W);
        QCOMPARE(differenceOf(output.dense, {expected.begin(), expected.end()}), QString());
        QCOMPARE(output.storedBytes, static_cast<std::uint64_t>(bytes));
        QVERIFY(!output.planes);
    }

    void optqIsOptimalBrainQuantization_data()
    {
        QTest::addColumn<QString>("options");
        QTest::addColumn<int>("K");
        QTest::addRow("plain") << R"({"bits":2})" << 6;
        QTest::addRow("in order of activation") << R"({"bits":2,"act_order":true})" << 6;
        QTest::addRow("groups of columns, out of order") << R"({"bits":3,"group_columns":4,"act_order":true})" << 10;
        QTest::addRow("symmetric, more damping") << R"({"bits":3,"sym":true,"damping":0.1})" << 5;
        QTest::addRow("wider than a lazy block") << R"({"bits":4})" << 140;
    }
    void optqIsOptimalBrainQuantization()
    {
        QFETCH(QString, options);
        QFETCH(int, K);
        const Json given = *json::parse(options.toStdString(), "options");
        const int bits = given["bits"].get<int>();
        const bool symmetric = given.value("sym", false);
        const std::int64_t width = given.value("group_columns", K), groups = (K + width - 1) / width;
        const Matrix W = random(3, K, 1), H = hessian(K, 2);
        const Matrix expected = optimalBrain(
            W, H, given.value("damping", 0.01), columnOrder(H, given.value("act_order", false)),
            [&](auto n, auto k, double w) { return nearestUniform(groupOf(W, n, k, width), bits, symmetric, w); });
        const auto output = run("optq", given, W, H);
        QCOMPARE(differenceOf(output.dense, expected.values), QString());
        const std::int64_t codes = (3 * K * bits + 7) / 8, zeros = symmetric ? 0 : (3 * groups * bits + 7) / 8;
        QCOMPARE(output.storedBytes, static_cast<std::uint64_t>(codes + 3 * groups * 2 + zeros));
    }

    void optqIgnoresDeadInputs()
    {
        Matrix H = hessian(4, 3), W{1, 4, {0.5, 100, -1, 1}};
        for (int i = 0; i < 4; ++i)
            H(i, 1) = H(1, i) = 0.0;
        const auto output = run("optq", {{"bits", 4}}, W, H);
        QCOMPARE(output.dense[1], 0.0f); // and its 100 does not stretch the grid of the others
        QVERIFY(std::abs(output.dense[3] - 1.0f) < 0.2f);
    }

    void lutgemmByHand()
    {
        // Levels -3, -1, 1, 3 from the scales 2 and 1; -0.5 and 0.5 from 0.5 and 0 cannot be told apart from one plane.
        const Matrix W{2, 8, {3, 1, -1, -3, 3, 1, -1, -3, 6, 2, -2, -6, 6, 2, -2, -6}};
        const auto output = run("lutgemm-bcq", {{"bits", 2}, {"sweep", false}}, W);
        QCOMPARE(differenceOf(output.dense, W.values), QString());
        QVERIFY(output.planes);
        QCOMPARE(output.planes->R, 1);
        QCOMPARE(output.planes->C, 8);
        const auto& scales = output.planes->scales; // [1][q][N]
        QCOMPARE(kernels::apotValue(scales[0]), 2.0);
        QCOMPARE(kernels::apotValue(scales[1]), 4.0);
        QCOMPARE(kernels::apotValue(scales[2]), 1.0);
        QCOMPARE(kernels::apotValue(scales[3]), 2.0);
        QCOMPARE(output.planes->bits[0], 0b00110011u); // plane 0, row 0: + + - - + + - -
        QCOMPARE(output.planes->bits[2], 0b01010101u); // plane 1, row 0
        QCOMPARE(output.storedBytes, std::uint64_t{4 * 4 + 4 * 2});
    }

    void lutgemmWithOnePlaneIsTheMeanMagnitude()
    {
        const Matrix W = random(5, 20, 4);
        const auto output = run("lutgemm-bcq", {{"bits", 1}, {"sweep", false}, {"group_columns", 8}}, W);
        std::vector<double> expected;
        for (std::int64_t n = 0; n < 5; ++n)
            for (std::int64_t k = 0; k < 20; ++k) {
                double sum = 0.0;
                const auto group = groupOf(W, n, k, 8);
                for (const double w : group)
                    sum += std::abs(w);
                const double scale = kernels::apotValue(kernels::apotRound(sum / static_cast<double>(group.size()), 3));
                expected.push_back(W(n, k) >= 0 ? scale : -scale);
            }
        QCOMPARE(differenceOf(output.dense, expected), QString());
    }

    void lutgemmSweepsOnTheLevelsOfTheOriginalWeights_data()
    {
        QTest::addColumn<bool>("ordered");
        QTest::addRow("in the columns' order") << false;
        QTest::addRow("in order of activation") << true;
    }
    void lutgemmSweepsOnTheLevelsOfTheOriginalWeights()
    {
        QFETCH(bool, ordered);
        const Matrix W = random(3, 16, 5), H = hessian(16, 6);
        const Json options{{"bits", 2}, {"act_order", ordered}, {"damping", 0.05}};
        Json dataFree = options;
        dataFree["sweep"] = false;
        const auto fitted = run("lutgemm-bcq", dataFree, W), output = run("lutgemm-bcq", options, W, H);
        QVERIFY(output.planes && fitted.planes);
        QVERIFY(output.planes->scales == fitted.planes->scales);
        const Matrix expected = optimalBrain(W, H, 0.05, columnOrder(H, ordered), [&](auto n, auto, double w) {
            const double a = kernels::apotValue(fitted.planes->scales[static_cast<std::size_t>(n)]),
                         b = kernels::apotValue(fitted.planes->scales[static_cast<std::size_t>(3 + n)]);
            double best = a + b;
            for (const double level : {a - b, b - a, -a - b})
                best = std::abs(level - w) < std::abs(best - w) ? level : best;
            return best;
        });
        QCOMPARE(differenceOf(output.dense, expected.values), QString());
        QVERIFY(traceOf(W, {output.dense.begin(), output.dense.end()}, H) <
                traceOf(W, {fitted.dense.begin(), fitted.dense.end()}, H));
    }

    void awqTakesTheBestOfItsStretches()
    {
        const std::int64_t K = 8;
        const Matrix W = random(4, K, 7);
        Matrix H = hessian(K, 8);
        for (std::int64_t i = 0; i < K; ++i) { // a channel that matters
            H(i, 2) *= 20.0;
            H(2, i) *= 20.0;
        }
        std::vector<double> best;
        double least = INFINITY;
        std::uint64_t bytes = 0;
        for (int step = 0; step <= 10; ++step) {
            std::vector<double> s;
            for (std::int64_t k = 0; k < K; ++k)
                s.push_back(std::pow(H(k, k), 0.05 * step));
            const double middle =
                std::sqrt(*std::min_element(s.begin(), s.end()) * *std::max_element(s.begin(), s.end()));
            Matrix stretched = W;
            for (std::int64_t n = 0; n < 4; ++n)
                for (std::int64_t k = 0; k < K; ++k)
                    stretched(n, k) *= s[static_cast<std::size_t>(k)] =
                        half(n == 0 ? s[static_cast<std::size_t>(k)] / middle : s[static_cast<std::size_t>(k)]);
            std::vector<double> Q;
            for (std::int64_t n = 0; n < 4; ++n)
                for (std::int64_t k = 0; k < K; ++k)
                    Q.push_back(nearestUniform(groupOf(stretched, n, 0, K), 3, false, stretched(n, k)) /
                                s[static_cast<std::size_t>(k)]);
            if (const double error = traceOf(W, Q, H); error < least) {
                least = error;
                best = Q;
                bytes = 4 * 8 * 3 / 8 + 4 * 2 + 2 + (step == 0 ? 0 : 2 * 8);
            }
        }
        const auto output = run("awq", {{"bits", 3}, {"steps", 10}}, W, H);
        QCOMPARE(differenceOf(output.dense, best), QString());
        QCOMPARE(output.storedBytes, bytes);
        const auto plain = run("rtn", {{"bits", 3}}, W);
        QVERIFY(least < traceOf(W, {plain.dense.begin(), plain.dense.end()}, H));
    }

    void quipIsTheSweepInTheTurnedBasis_data()
    {
        QTest::addColumn<bool>("rotate");
        QTest::addColumn<bool>("rescale");
        QTest::addRow("neither") << false << false;
        QTest::addRow("rescaled") << false << true;
        QTest::addRow("rotated") << true << false;
        QTest::addRow("both") << true << true;
    }
    void quipIsTheSweepInTheTurnedBasis()
    {
        QFETCH(bool, rotate);
        QFETCH(bool, rescale);
        const std::int64_t N = 4, K = 6;
        const Matrix W = random(N, K, 9), H = hessian(K, 10);
        std::vector<double> s(6, 1.0);
        double largest = 0.0, trace = 0.0;
        for (const double h : H.values)
            largest = std::max(largest, h);
        for (std::int64_t k = 0; k < K && rescale; ++k) {
            double energy = 0.0;
            for (std::int64_t n = 0; n < N; ++n)
                energy += W(n, k) * W(n, k);
            s[static_cast<std::size_t>(k)] = half(std::pow(H(k, k) / largest / energy, 0.25));
        }
        const auto matrix = [&](std::int64_t n, std::uint64_t seed) {
            const quip::Rotation rotation(n, seed);
            Matrix out = test::zeros(n, n);
            for (std::int64_t k = 0; k < n; ++k) {
                std::vector<double> x(static_cast<std::size_t>(n), 0.0);
                x[static_cast<std::size_t>(k)] = 1.0;
                if (rotate)
                    rotation.forward(x.data());
                for (std::int64_t i = 0; i < n; ++i)
                    out(i, k) = x[static_cast<std::size_t>(i)];
            }
            return out;
        };
        const Matrix V = matrix(K, 3), U = matrix(N, 4);
        Matrix turned = test::zeros(N, K), turnedH = test::zeros(K, K);
        for (std::int64_t k = 0; k < K; ++k)
            trace += H(k, k) / s[static_cast<std::size_t>(k)] / s[static_cast<std::size_t>(k)];
        for (std::int64_t i = 0; i < K; ++i)
            for (std::int64_t j = 0; j < K; ++j) {
                for (std::int64_t a = 0; a < K; ++a)
                    for (std::int64_t b = 0; b < K; ++b)
                        turnedH(i, j) += V(i, a) * V(j, b) * H(a, b) / s[static_cast<std::size_t>(a)] /
                                         s[static_cast<std::size_t>(b)] *
                                         (rotate ? static_cast<double>(K) / trace : 1.0);
                turnedH(i, j) += rotate && i == j ? 0.01 : 0.0;
            }
        double square = 0.0;
        for (std::int64_t n = 0; n < N; ++n)
            for (std::int64_t k = 0; k < K; ++k) {
                for (std::int64_t a = 0; a < N; ++a)
                    for (std::int64_t b = 0; b < K; ++b)
                        turned(n, k) += U(n, a) * W(a, b) * s[static_cast<std::size_t>(b)] * V(k, b);
                square += turned(n, k) * turned(n, k);
            }
        const double range = 2.4 * std::sqrt(square / static_cast<double>(N * K));
        const Matrix swept = optimalBrain(turned, turnedH, 0.01, columnOrder(turnedH, true), [&](auto, auto, double w) {
            double best = -range;
            for (const double level : {-range / 3, range / 3, range})
                best = std::abs(level - w) < std::abs(best - w) ? level : best;
            return best;
        });
        Matrix expected = test::zeros(N, K);
        for (std::int64_t n = 0; n < N; ++n)
            for (std::int64_t k = 0; k < K; ++k)
                for (std::int64_t a = 0; a < N; ++a)
                    for (std::int64_t b = 0; b < K; ++b)
                        expected(n, k) += U(a, n) * swept(a, b) * V(b, k) / s[static_cast<std::size_t>(k)];
        const auto output = run("quip", {{"bits", 2}, {"rotate", rotate}, {"rescale", rescale}, {"seed", 3}}, W, H);
        QCOMPARE(differenceOf(output.dense, expected.values), QString());
        QCOMPARE(output.storedBytes, std::uint64_t{4u * 6 * 2 / 8 + 12 + (rescale ? 12u : 0u)});
    }

    void greedyPassesEndWhereNoCodeCanImprove()
    {
        const std::int64_t N = 3, K = 8;
        const Matrix W = random(N, K, 11), H = hessian(K, 12);
        const Json options{{"bits", 2}, {"rotate", false}, {"rescale", false}, {"greedy_passes", 100}};
        Json none = options;
        none["greedy_passes"] = 0;
        const auto output = run("quip", options, W, H), swept = run("quip", none, W, H);
        std::vector<double> Q(output.dense.begin(), output.dense.end());
        const double reached = traceOf(W, Q, H);
        QVERIFY(reached <= traceOf(W, {swept.dense.begin(), swept.dense.end()}, H) + 1e-9);
        double square = 0.0;
        for (const double w : W.values)
            square += w * w;
        const double range = 2.4 * std::sqrt(square / static_cast<double>(N * K));
        for (double& value : Q) {
            const double kept = value;
            for (const double level : {-range, -range / 3, range / 3, range}) {
                value = level;
                QVERIFY(traceOf(W, Q, H) > reached - 1e-4);
            }
            value = kept;
        }
    }

    void methodsStopWhenTheyAreAskedTo_data()
    {
        QTest::addColumn<QString>("id");
        for (const char* id : {"rtn", "optq", "lutgemm-bcq", "awq", "quip"})
            QTest::addRow("%s", id) << id;
    }
    void methodsStopWhenTheyAreAskedTo()
    {
        QFETCH(QString, id);
        CancelToken cancel;
        cancel.cancel();
        MethodHost host(cancel);
        const auto output = test::quantize(id.toStdString(), Json::object(), random(4, 8, 1), hessian(8, 2), host);
        QVERIFY(!output);
        QCOMPARE(output.error().code, Errc::Cancelled);
    }

    void aHessianThatCannotBeFactoredIsAReason()
    {
        Matrix H = test::zeros(2, 2);
        H(0, 0) = H(1, 1) = 1.0;
        H(0, 1) = H(1, 0) = 5.0;
        const CancelToken never;
        MethodHost host(never);
        const auto output = test::quantize("optq", Json::object(), random(2, 2, 1), H, host);
        QVERIFY(!output);
        QCOMPARE(output.error().code, Errc::BadInput);
    }
};

QTEST_APPLESS_MAIN(TestMethods)
#include "tst_methods.moc"
