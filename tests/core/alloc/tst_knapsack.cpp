// SPDX-License-Identifier: GPL-3.0-or-later
// The solver against enumeration and against an independent solver, on instances made to be awkward.
#include "core/alloc/knapsack.h"

#include <QTest>

#include <cmath>
#include <limits>
#include <random>

#ifdef SA_GLPK
#include <glpk.h>
#endif

using namespace sa;

namespace
{

using Classes = std::vector<std::vector<KnapsackOption>>;

constexpr int kStyles = 8;

/// Instances of one style each: what breaks a solver is rarely random in every way.
Classes randomClasses(std::mt19937_64& random, int style, int maxClasses, int maxOptions)
{
    const auto below = [&](std::uint64_t n) { return random() % n; };
    const auto real = [&] { return static_cast<double>(below(1'000'003)) / 7.0; };
    Classes out(1 + below(static_cast<std::uint64_t>(maxClasses)));
    for (auto& options : out) {
        const std::uint64_t count = 1 + below(static_cast<std::uint64_t>(maxOptions)), unit = 1 + below(50);
        double falling = 1000 + real();
        for (std::uint64_t j = 0; j < count; ++j) {
            KnapsackOption option{below(1000), real()};
            if (style == 1) // a few sizes and costs: ties, duplicates, zero sizes
                option = {below(4), static_cast<double>(below(4))};
            if (style == 2) // more than 32 bits
                option = {below(1000) << 33, real()};
            if (style == 3) // cost is what bytes save: a subset sum
                option.cost = -static_cast<double>(option.bytes);
            if (style == 4) // as quantizing is: sizes in steps, errors that fall by a factor
                option = {(j + 1) * unit * 8, falling *= 0.2 + real() / 300'000};
            if (style == 5) // negative and huge costs
                option.cost = (real() - 70'000) * 1e30;
            if (style == 6) // nearly the same worth everywhere
                option.cost = -static_cast<double>(option.bytes) - static_cast<double>(below(10));
            if (style == 7) // more is not better
                option.cost = static_cast<double>(option.bytes) * 3 + real() / 100;
            options.push_back(option);
        }
    }
    return out;
}

std::uint64_t randomBudget(std::mt19937_64& random, const Knapsack& knapsack)
{
    const std::uint64_t span = knapsack.maxBytes() - knapsack.minBytes();
    return knapsack.minBytes() + random() % (span + span / 8 + 2);
}

double bestByEnumeration(const Classes& classes, std::uint64_t budget, std::size_t at = 0)
{
    if (at == classes.size())
        return 0;
    double best = std::numeric_limits<double>::infinity();
    for (const KnapsackOption& option : classes[at])
        if (option.bytes <= budget)
            best = std::min(best, option.cost + bestByEnumeration(classes, budget - option.bytes, at + 1));
    return best;
}

/// Largest size of a cost: what tolerances are relative to.
double scaleOf(const Classes& classes)
{
    double sum = 1e-300;
    for (const auto& options : classes) {
        double most = 0;
        for (const KnapsackOption& option : options)
            most = std::max(most, std::abs(option.cost));
        sum += most;
    }
    return sum;
}

QString complaint(const Classes& classes, std::uint64_t budget, const Result<KnapsackSolution>& solution)
{
    if (!solution)
        return QString::fromStdString(solution.error().sentence());
    std::uint64_t bytes = 0;
    double cost = 0;
    for (std::size_t i = 0; i < classes.size(); ++i) {
        const auto j = static_cast<std::size_t>(solution->choice.at(i));
        if (j >= classes[i].size())
            return "no such option";
        bytes += classes[i][j].bytes;
        cost += classes[i][j].cost;
    }
    if (bytes != solution->bytes || bytes > budget)
        return QString("%1 bytes said, %2 taken, %3 allowed").arg(solution->bytes).arg(bytes).arg(budget);
    if (cost != solution->cost)
        return "the cost is not that of the choice";
    if (solution->gap != 0 || solution->lowerBound != solution->cost)
        return "not proven";
    return {};
}

#ifdef SA_GLPK
/// The same problem as a mixed integer programme; costs and sizes scaled to about 1.
double bestByGlpk(const Classes& classes, std::uint64_t budget, double costScale, double sizeScale)
{
    glp_prob* problem = glp_create_prob();
    glp_set_obj_dir(problem, GLP_MIN);
    glp_add_rows(problem, static_cast<int>(classes.size()) + 1);
    glp_set_row_bnds(problem, 1, GLP_UP, 0, static_cast<double>(budget) / sizeScale);
    std::vector<int> rows{0}, columns{0};
    std::vector<double> values{0};
    for (std::size_t i = 0; i < classes.size(); ++i) {
        const int row = static_cast<int>(i) + 2;
        glp_set_row_bnds(problem, row, GLP_FX, 1, 1);
        for (const KnapsackOption& option : classes[i]) {
            const int column = glp_add_cols(problem, 1);
            glp_set_col_kind(problem, column, GLP_BV);
            glp_set_obj_coef(problem, column, option.cost / costScale);
            rows.insert(rows.end(), {1, row});
            columns.insert(columns.end(), {column, column});
            values.insert(values.end(), {static_cast<double>(option.bytes) / sizeScale, 1.0});
        }
    }
    glp_load_matrix(problem, static_cast<int>(rows.size()) - 1, rows.data(), columns.data(), values.data());
    glp_iocp parameters;
    glp_init_iocp(&parameters);
    parameters.presolve = GLP_ON;
    parameters.msg_lev = GLP_MSG_OFF;
    parameters.tol_int = 1e-9;
    parameters.tol_obj = 1e-11;
    const bool solved = glp_intopt(problem, &parameters) == 0 && glp_mip_status(problem) == GLP_OPT;
    const double best = solved ? glp_mip_obj_val(problem) * costScale : std::nan("");
    glp_delete_prob(problem);
    return best;
}
#endif

} // namespace

class TestKnapsack : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void agreesWithEnumeration()
    {
        std::mt19937_64 random(1);
        for (int i = 0; i < 8000; ++i) {
            const Classes classes = randomClasses(random, i % kStyles, 6, 5);
            const auto knapsack = Knapsack::create(classes);
            QVERIFY(knapsack);
            const std::uint64_t budget = randomBudget(random, *knapsack);
            const auto solution = knapsack->solve(budget);
            const QString wrong = complaint(classes, budget, solution);
            QVERIFY2(wrong.isEmpty(), qPrintable(QString("instance %1: %2").arg(i).arg(wrong)));
            const double best = bestByEnumeration(classes, budget);
            QVERIFY2(std::abs(solution->cost - best) <= 1e-12 * scaleOf(classes),
                     qPrintable(QString("instance %1: %2, not %3").arg(i).arg(solution->cost).arg(best)));
        }
    }

    void agreesWithAnIndependentSolver()
    {
#ifdef SA_GLPK
        glp_term_out(GLP_OFF);
        std::mt19937_64 random(2);
        int compared = 0;
        while (compared < 5000) {
            const Classes classes = randomClasses(random, compared % kStyles, 30, 5);
            const auto knapsack = Knapsack::create(classes);
            QVERIFY(knapsack);
            const std::uint64_t budget = randomBudget(random, *knapsack);
            const auto solution = knapsack->solve(budget);
            const QString wrong = complaint(classes, budget, solution);
            QVERIFY2(wrong.isEmpty(), qPrintable(QString("instance %1: %2").arg(compared).arg(wrong)));
            const double scale = scaleOf(classes);
            const double sizeScale = compared % kStyles == 2 ? 0x1p33 : 1.0;
            const double best = bestByGlpk(classes, budget, scale, sizeScale);
            QVERIFY2(std::abs(solution->cost - best) <= 1e-7 * scale, // the other solver's own tolerance
                     qPrintable(QString("instance %1: %2, not %3").arg(compared).arg(solution->cost).arg(best)));
            ++compared;
        }
        glp_free_env();
#else
        QSKIP("GLPK (libglpk-dev) was not found when this was configured");
#endif
    }

    void theCornersOfTheCurveAreOptimaAtTheirOwnSize()
    {
        std::mt19937_64 random(3);
        for (int i = 0; i < 400; ++i) {
            const Classes classes = randomClasses(random, i % kStyles, 12, 5);
            const auto knapsack = Knapsack::create(classes);
            QVERIFY(knapsack);
            const auto hull = knapsack->hull();
            QCOMPARE(hull.front().bytes, knapsack->minBytes());
            QCOMPARE(hull.back().bytes, knapsack->maxBytes());
            for (std::size_t k = 0; k < hull.size(); ++k) {
                const auto solution = knapsack->solve(hull[k].bytes);
                QVERIFY(solution);
                QVERIFY(std::abs(solution->cost - hull[k].cost) <= 1e-12 * scaleOf(classes));
                QVERIFY(k == 0 || (hull[k - 1].bytes < hull[k].bytes && hull[k - 1].cost > hull[k].cost));
            }
        }
    }

    void aLargerBudgetNeverCostsMore()
    {
        std::mt19937_64 random(4);
        for (int style = 0; style < kStyles; ++style) {
            const auto knapsack = Knapsack::create(randomClasses(random, style, 40, 5));
            QVERIFY(knapsack);
            double last = std::numeric_limits<double>::infinity();
            const std::uint64_t step = std::max<std::uint64_t>((knapsack->maxBytes() - knapsack->minBytes()) / 100, 1);
            for (std::uint64_t budget = knapsack->minBytes(); budget <= knapsack->maxBytes() + step; budget += step) {
                const auto solution = knapsack->solve(budget);
                QVERIFY(solution && solution->gap == 0);
                QVERIFY(solution->cost <= last + std::abs(last) * 1e-12);
                last = solution->cost;
            }
        }
    }

    void theOrderOfQuestionsDoesNotMatter()
    {
        std::mt19937_64 random(5);
        const Classes classes = randomClasses(random, 1, 30, 5);
        const auto first = Knapsack::create(classes), second = Knapsack::create(classes);
        QVERIFY(first && second);
        for (std::uint64_t budget = first->maxBytes(); budget > first->minBytes(); --budget)
            QVERIFY(second->solve(budget));
        for (std::uint64_t budget = first->minBytes(); budget <= first->maxBytes(); ++budget)
            QCOMPARE(first->solve(budget)->choice, second->solve(budget)->choice);
    }

    void anUnprovenSolutionSaysSo()
    {
        std::mt19937_64 random(6);
        Classes classes(60);
        for (auto& options : classes)
            for (int j = 0; j < 3; ++j) {
                const std::uint64_t bytes = random() % (std::uint64_t{1} << 40);
                options.push_back({bytes, -static_cast<double>(bytes)});
            }
        const auto knapsack = Knapsack::create(classes, 2000);
        QVERIFY(knapsack);
        const std::uint64_t budget = (knapsack->minBytes() + knapsack->maxBytes()) / 2;
        const auto solution = knapsack->solve(budget);
        QVERIFY(solution);
        QVERIFY(solution->bytes <= budget);
        QVERIFY(solution->gap > 0);
        QVERIFY(solution->lowerBound < solution->cost);
        QVERIFY(solution->lowerBound >= -static_cast<double>(budget) * (1 + 1e-12)); // one byte saves a cost of one
        QVERIFY(solution->gap < 0x1p40 / 10);
    }

    void refusesWhatHasNoAnswer_data()
    {
        QTest::addColumn<double>("cost");
        QTest::addColumn<quint64>("bytes");
        QTest::addRow("a cost that is not a number") << std::nan("") << quint64{1};
        QTest::addRow("an infinite cost") << HUGE_VAL << quint64{1};
        QTest::addRow("a cost beyond any use") << 1e300 << quint64{1};
        QTest::addRow("bytes that overflow a sum") << 1.0 << ~quint64{0};
        QTest::addRow("bytes that nobody has") << 1.0 << (quint64{1} << 60);
    }
    void refusesWhatHasNoAnswer()
    {
        QFETCH(const double, cost);
        QFETCH(const quint64, bytes);
        const auto knapsack = Knapsack::create({{{5, 1.0}}, {{1, 2.0}, {bytes, cost}}});
        QVERIFY(!knapsack);
        QCOMPARE(knapsack.error().code, Errc::BadInput);
        QCOMPARE(knapsack.error().where, std::string("class 1"));
    }

    void edges()
    {
        QVERIFY(!Knapsack::create({{}}));
        const auto nothing = Knapsack::create({});
        QVERIFY(nothing && nothing->solve(0));
        const auto one = Knapsack::create({{{10, 3.0}, {20, 1.0}, {30, 1.0}, {5, 3.0}}});
        QVERIFY(one);
        QCOMPARE(one->minBytes(), std::uint64_t{5});
        QCOMPARE(one->maxBytes(), std::uint64_t{20}); // 30 bytes buy nothing
        QVERIFY(!one->solve(4));
        QVERIFY(QByteArray(one->solve(4).error().sentence().c_str()).contains("at least 5"));
        QCOMPARE(one->solve(5)->choice, std::vector<int>{3});
        QCOMPARE(one->solve(19)->choice, std::vector<int>{3}); // 10 bytes cost as much as 5
        QCOMPARE(one->solve(~std::uint64_t{0})->choice, std::vector<int>{1});
    }
};

QTEST_APPLESS_MAIN(TestKnapsack)
#include "tst_knapsack.moc"
