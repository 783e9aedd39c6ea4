// SPDX-License-Identifier: GPL-3.0-or-later
// Uniform plans and the paper's rules, and the optimum beside them.
#include "allocator_fixture.h"

#include <QTest>

#include <cmath>

using namespace sa;

class TestAllocationRules : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void neverWorseThanUniform_data()
    {
        QTest::addColumn<unsigned>("seed");
        QTest::addColumn<double>("spread");
        for (unsigned seed = 1; seed <= 10; ++seed)
            QTest::addRow("model %u", seed) << seed << 0.2 * seed;
        QTest::addRow("all blocks alike") << 99u << 0.0;
    }
    void neverWorseThanUniform()
    {
        QFETCH(const unsigned, seed);
        QFETCH(const double, spread);
        const Sensitivity s = makeSensitivity(8, llamaBlock(512, 256, 1408), seed, spread, seed % 2 == 0);
        const Allocator allocator = made(s);
        for (const int bits : allocator.uniformWidths()) {
            const Allocation uniform = solved(allocator.uniform(bits));
            const Allocation plan = solved(allocator.solve(uniform.bytes));
            QVERIFY(uniform.breaks.empty());
            QVERIFY(plan.bytes <= uniform.bytes);
            QVERIFY2(plan.cost <= uniform.cost, qPrintable(QString::number(bits)));
        }
        const std::uint64_t low = allocator.floorBytes(), high = solved(allocator.uniform(4)).bytes;
        for (int i = 0; i <= 50; ++i) {
            const std::uint64_t budget = low + (high - low) * static_cast<std::uint64_t>(i) / 50;
            const double cost = solved(allocator.solve(budget)).cost;
            for (const Rule rule : {Rule::SortAndCut, Rule::PerLayer, Rule::Uniform})
                if (const auto other = allocator.allocate(rule, budget)) {
                    QVERIFY(other->bytes <= budget);
                    QVERIFY2(cost <= other->cost * (1 + 1e-12), name(rule));
                }
        }
    }

    void uniformSaysWhichConstraintsItBreaks()
    {
        const Sensitivity s = smallSensitivity();
        Constraints constraints;
        constraints.rules[kFirstQuery].pin = 3;
        const Allocator allocator = made(s, constraints);
        QCOMPARE(solved(allocator.uniform(2)).breaks, std::vector<std::string>{kFirstQuery});
        QVERIFY(solved(allocator.uniform(3)).breaks.empty());
        // As a rule it obeys them, and the optimum is no worse than that.
        const Allocation two = solved(allocator.allocate(Rule::Uniform, solved(allocator.uniform(3)).bytes - 1));
        QCOMPARE(bitsOf(s, two, kFirstQuery), 3);
        QVERIFY(two.breaks.empty());
        QVERIFY(solved(allocator.solve(two.bytes)).cost <= two.cost);
    }

    void uniformPlansAreInterpolatedOverBytes()
    {
        const Sensitivity s = smallSensitivity();
        const Allocator allocator = made(s);
        const Allocation two = solved(allocator.uniform(2)), three = solved(allocator.uniform(3));
        QCOMPARE(*allocator.uniformInterpolated(two.bytes), two.cost);
        const double half = *allocator.uniformInterpolated((two.bytes + three.bytes) / 2);
        QVERIFY(std::abs(half - (two.cost + three.cost) / 2) < 1e-6 * half);
        QVERIFY(!allocator.uniformInterpolated(solved(allocator.uniform(1)).bytes - 1));
        QVERIFY(!allocator.uniformInterpolated(solved(allocator.uniform(16)).bytes + 1));
    }

    void sortAndCutAsTheReleasedCode()
    {
        // Ranks by hand: criterion 1..6, shares 0 / 0.5 / 0.5 of six entries cut after the third.
        Sensitivity s = smallSensitivity();
        s.linears.resize(6);
        const double criteria[] = {3, 1, 6, 2, 5, 4};
        for (std::size_t i = 0; i < 6; ++i)
            s.linears[i].criterion.value = criteria[i];
        QCOMPARE(solved(made(s).sortAndCut({0, 0.5, 0.5})).bits, (std::vector<int>{2, 2, 3, 2, 3, 3}));
        QCOMPARE(solved(made(s).sortAndCut({0.34, 0.66})).bits, (std::vector<int>{1, 1, 2, 1, 2, 2}));
        QVERIFY(!made(s).sortAndCut({0.5, 0.4}));
        QVERIFY(!made(s).sortAndCut({1.5, -0.5}));
        // OPT: four entries for an fc layer, the last of which decides where a cut goes through them.
        s.model.architecture = "OPTForCausalLM";
        s.linears[3].projection = "fc1"; // criterion 2: entries at ranks 1..4 of 9
        QCOMPARE(solved(made(s).sortAndCut({0, 0.5, 0.5})).bits, (std::vector<int>{3, 2, 3, 2, 3, 3}));
        QCOMPARE(solved(made(s).sortAndCut({0, 0.4, 0.6})).bits, (std::vector<int>{3, 2, 3, 3, 3, 3}));
        s.linears[0].criterion = {};
        QCOMPARE(made(s).sortAndCut({0, 0.5, 0.5}).error().where, kFirstQuery);
    }

    void sortAndCutTakesAsManyAsFit()
    {
        const Sensitivity s = smallSensitivity();
        const Allocator allocator = made(s);
        const std::uint64_t budget = allocator.bytesFor(2.5);
        const Allocation plan = solved(allocator.allocate(Rule::SortAndCut, budget));
        double lowestHigh = HUGE_VAL, highestLow = 0;
        std::size_t next = 0;
        for (std::size_t i = 0; i < plan.bits.size(); ++i) {
            const double criterion = s.linears[i].criterion.value;
            QVERIFY(plan.bits[i] == 2 || plan.bits[i] == 3);
            if (plan.bits[i] == 3)
                lowestHigh = std::min(lowestHigh, criterion);
            else if (criterion > highestLow) {
                highestLow = criterion;
                next = i;
            }
        }
        QVERIFY(lowestHigh > highestLow);
        QVERIFY(plan.bytes + s.linears[next].choice(3)->bytes - s.linears[next].choice(2)->bytes > budget);
    }

    void perLayerIsEquationFour()
    {
        Sensitivity s = smallSensitivity();
        s.linears.resize(5);
        const Allocator allocator = made(s);
        for (int sum = 10; sum <= 20; ++sum) {
            const Allocation plan = solved(allocator.perLayer(sum / 5.0));
            double best = HUGE_VAL;
            for (int code = 0; code < 243; ++code) { // every plan of 2, 3 and 4 bits
                int total = 0, rest = code;
                double error = 0;
                for (const LinearSensitivity& linear : s.linears) {
                    const int bits = 2 + rest % 3;
                    rest /= 3;
                    total += bits;
                    error += linear.choice(bits)->error.value;
                }
                if (total <= sum)
                    best = std::min(best, error);
            }
            double error = 0;
            for (std::size_t i = 0; i < 5; ++i)
                error += s.linears[i].choice(plan.bits[i])->error.value;
            QVERIFY(std::abs(error - best) < 1e-12);
        }
        QVERIFY(!allocator.perLayer(1.9));
        QVERIFY(!allocator.perLayer(std::nan("")));
    }
};

QTEST_APPLESS_MAIN(TestAllocationRules)
#include "tst_allocation_rules.moc"
