// SPDX-License-Identifier: GPL-3.0-or-later
#include "allocator_fixture.h"

#include <QTest>

#include <algorithm>
#include <cmath>
#include <limits>

using namespace sa;

namespace
{

/// Sums as a person would take them.
std::pair<std::uint64_t, double> priceOf(const Sensitivity& sensitivity, const std::vector<int>& bits)
{
    std::pair<std::uint64_t, double> out{0, 0.0};
    for (std::size_t i = 0; i < bits.size(); ++i) {
        const Choice* choice = sensitivity.linears[i].choice(bits[i]);
        out.first += choice->bytes;
        out.second += choice->damage.value;
    }
    return out;
}

} // namespace

class TestAllocator : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void plansAddUp()
    {
        const Sensitivity s = smallSensitivity();
        const Allocator allocator = made(s);
        QCOMPARE(allocator.objective(), Objective::Damage);
        QCOMPARE(allocator.provenance(), Provenance::Measured);
        for (const double bits : {2.2, 2.5, 2.75, 3.3}) {
            const std::uint64_t budget = allocator.bytesFor(bits);
            const Allocation plan = solved(allocator.solve(budget));
            const auto [bytes, damage] = priceOf(s, plan.bits);
            QCOMPARE(plan.bytes, bytes);
            QCOMPARE(plan.cost, damage);
            QVERIFY(plan.bytes <= budget && plan.gap == 0 && plan.breaks.empty());
        }
    }

    void bitsPerWeightCountScalesAndGoBackToBytes()
    {
        const Sensitivity s = smallSensitivity();
        const Allocator allocator = made(s);
        for (const int bits : {1, 2, 3, 4, 16}) {
            const Allocation plan = solved(allocator.uniform(bits));
            QVERIFY(bits == 16 || allocator.bitsPerWeight(plan.bytes) > bits);
            QCOMPARE(allocator.bytesFor(allocator.bitsPerWeight(plan.bytes)), plan.bytes);
        }
        QCOMPARE(allocator.bytesFor(std::nan("")), std::uint64_t{0});
        QCOMPARE(allocator.bytesFor(-1), std::uint64_t{0});
    }

    void floorAndCeiling()
    {
        const Sensitivity s = smallSensitivity();
        const Allocator allocator = made(s);
        const Allocation floor = solved(allocator.solve(allocator.floorBytes()));
        QCOMPARE(floor.bits, std::vector<int>(s.linears.size(), 1));
        const Allocation ceiling = solved(allocator.solve(allocator.ceilingBytes()));
        QCOMPARE(ceiling.bits, std::vector<int>(s.linears.size(), kKeptBits));
        QCOMPARE(ceiling.cost, 0.0);
        QCOMPARE(solved(allocator.solve(std::numeric_limits<std::uint64_t>::max())).bits, ceiling.bits);
        const auto below = allocator.solve(allocator.floorBytes() - 1);
        QVERIFY(!below);
        QCOMPARE(below.error().code, Errc::BadInput);
        QVERIFY(below.error().expected.find(std::to_string(allocator.floorBytes())) != std::string::npos);
    }

    void oneLayer()
    {
        Sensitivity s = smallSensitivity();
        s.linears.resize(1);
        const Allocator allocator = made(s);
        for (const Choice& choice : s.linears.front().choices) {
            QCOMPARE(solved(allocator.solve(choice.bytes)).bits, std::vector<int>{choice.bits});
            QCOMPARE(solved(allocator.solve(choice.bytes + 1)).bits, std::vector<int>{choice.bits});
        }
    }

    void allPinned()
    {
        const Sensitivity s = smallSensitivity();
        Constraints constraints;
        for (const LinearSensitivity& linear : s.linears)
            constraints.rules[linear.name].pin = linear.index % 2 == 0 ? 3 : 2;
        const Allocator allocator = made(s, constraints);
        QCOMPARE(allocator.floorBytes(), allocator.ceilingBytes());
        for (const Rule rule : {Rule::Optimal, Rule::SortAndCut, Rule::PerLayer, Rule::Uniform}) {
            const Allocation plan = solved(allocator.allocate(rule, allocator.floorBytes()));
            for (std::size_t i = 0; i < plan.bits.size(); ++i)
                QCOMPARE(plan.bits[i], s.linears[i].index % 2 == 0 ? 3 : 2);
            QVERIFY(!allocator.allocate(rule, allocator.floorBytes() - 1));
        }
        QCOMPARE(allocator.curve(5).size(), std::size_t{1});
    }

    void pinsRangesAndExclusionsHold()
    {
        const Sensitivity s = smallSensitivity();
        Constraints constraints;
        constraints.rules[kFirstQuery].pin = 4;
        constraints.rules["model.layers.1.mlp.up_proj"].excluded = true;
        for (const LinearSensitivity& linear : s.linears)
            if (linear.block > 1)
                constraints.rules[linear.name] = {{}, 2, 3, false};
        const Allocator allocator = made(s, constraints);
        for (const Rule rule : {Rule::Optimal, Rule::SortAndCut, Rule::PerLayer, Rule::Uniform}) {
            const Allocation plan = solved(allocator.allocate(rule, allocator.bytesFor(3.5)));
            QVERIFY(plan.breaks.empty());
            QCOMPARE(bitsOf(s, plan, kFirstQuery), 4);
            QCOMPARE(bitsOf(s, plan, "model.layers.1.mlp.up_proj"), kKeptBits);
            for (std::size_t i = 0; i < plan.bits.size(); ++i)
                QVERIFY(s.linears[i].block <= 1 || plan.bits[i] == 2 || plan.bits[i] == 3);
        }
    }

    void linkedLinearsHaveOneWidth()
    {
        const Sensitivity s = smallSensitivity();
        Constraints constraints;
        constraints.links = linksBySharedInput(s);
        QCOMPARE(constraints.links.size(), std::size_t{12}); // q k v and gate up of six blocks
        const Allocator free = made(s), linked = made(s, constraints);
        for (const double bits : {1.7, 2.2, 2.5, 2.75, 3.1}) {
            const Allocation plan = solved(linked.solve(linked.bytesFor(bits)));
            QVERIFY(plan.breaks.empty());
            for (const auto& link : constraints.links)
                for (const std::string& member : link)
                    QCOMPARE(bitsOf(s, plan, member), bitsOf(s, plan, link.front()));
            QVERIFY(plan.cost >= solved(free.solve(free.bytesFor(bits))).cost);
        }
        // Overlapping links are one group.
        constraints.links = {{kFirstQuery, "model.layers.1.self_attn.q_proj"},
                             {"model.layers.2.self_attn.q_proj", "model.layers.1.self_attn.q_proj"}};
        const Allocator joined = made(s, constraints);
        const Allocation plan = solved(joined.solve(joined.bytesFor(2.5)));
        QCOMPARE(bitsOf(s, plan, kFirstQuery), bitsOf(s, plan, "model.layers.2.self_attn.q_proj"));
    }

    void impossibleDemandsAreNamed_data()
    {
        QTest::addColumn<QString>("kind");
        QTest::addColumn<QString>("where");
        QTest::addColumn<QString>("said");
        const QString first = QString::fromStdString(kFirstQuery);
        QTest::addRow("a pin that was not measured")
            << "pin" << first << "pinned to 4 bits, expected one of 1, 2, 3, 16";
        QTest::addRow("a pin whose measurement failed")
            << "failed" << first << "pinned to 2 bits, expected one of 1, 3, 4, 16";
        QTest::addRow("an empty range") << "range" << first << "bits within 4..4, expected one of 1, 2, 3, 16";
        QTest::addRow("links of different pins") << "links" << first << "q_proj: 2; model.layers.0.self_attn.k_proj: 3";
        QTest::addRow("a rule for nothing") << "stranger"
                                            << "lm_head"
                                            << "does not have";
        QTest::addRow("a link to nothing") << "strange link"
                                           << "lm_head"
                                           << "does not have";
        QTest::addRow("a damage beyond any use") << "huge" << first << "not a usable number";
        QTest::addRow("more bytes than there are") << "bytes" << first << "2^60";
        QTest::addRow("nothing known") << "unknown" << first << "not enough is known";
        QTest::addRow("nothing but failures") << "failures" << first << "out of memory";
    }
    void impossibleDemandsAreNamed()
    {
        QFETCH(const QString, kind);
        QFETCH(const QString, where);
        QFETCH(const QString, said);
        Sensitivity s = smallSensitivity();
        Constraints c;
        LinearSensitivity& first = s.linears.front();
        if (kind == "pin" || kind == "range")
            first.choices.erase(first.choices.begin() + 3);
        if (kind == "pin")
            c.rules[kFirstQuery].pin = 4;
        if (kind == "range")
            c.rules[kFirstQuery] = {{}, 4, 4, false};
        if (kind == "failed") {
            first.choices[1].damage = {std::nan(""), Provenance::Failed};
            c.rules[kFirstQuery].pin = 2;
        }
        if (kind == "links") {
            c.rules[kFirstQuery].pin = 2;
            c.rules["model.layers.0.self_attn.k_proj"].pin = 3;
            c.links = {{kFirstQuery, "model.layers.0.self_attn.k_proj"}};
        }
        if (kind == "stranger")
            c.rules["lm_head"].pin = 2;
        if (kind == "strange link")
            c.links = {{kFirstQuery, "lm_head"}};
        if (kind == "huge")
            first.choices[1].damage.value = 1e300;
        if (kind == "bytes")
            first.choices[1].bytes = std::uint64_t{3} << 60;
        if (kind == "unknown") {
            first.weightScore = {};
            for (Choice& choice : first.choices)
                choice.error = choice.damage = {};
        }
        if (kind == "failures") {
            first.problem = "out of memory";
            first.choices.pop_back();
            for (Choice& choice : first.choices)
                choice.damage.provenance = Provenance::Failed;
        }
        const auto allocator = Allocator::create(s, c);
        QVERIFY(!allocator);
        QCOMPARE(allocator.error().code, Errc::BadInput);
        QCOMPARE(QString::fromStdString(allocator.error().where), where);
        QVERIFY2(QString::fromStdString(allocator.error().sentence()).contains(said),
                 allocator.error().sentence().c_str());
    }

    void figuresThatAreNoNumbersCloseTheirChoice()
    {
        Sensitivity s = smallSensitivity();
        s.linears[0].choices[1].damage.value = std::nan("");
        s.linears[1].choices[1].damage.value = HUGE_VAL;
        const Allocator allocator = made(s);
        QCOMPARE(allocator.objective(), Objective::Damage);
        for (const std::uint64_t budget : {allocator.bytesFor(2.0), allocator.bytesFor(2.5), allocator.bytesFor(3.0)}) {
            const Allocation plan = solved(allocator.solve(budget));
            QVERIFY(plan.bits[0] != 2 && plan.bits[1] != 2 && std::isfinite(plan.cost));
        }
        QVERIFY(!allocator.uniform(2));
        QCOMPARE(allocator.uniform(2).error().where, kFirstQuery);
        QCOMPARE(allocator.uniformWidths(), (std::vector<int>{1, 3, 4, 16}));
    }

    void choicesThatMakeNoSenseDoNoHarm()
    {
        Sensitivity s = smallSensitivity();
        s.linears[2].choices[1].damage.value = s.linears[2].choices[0].damage.value * 2; // more bits, more damage
        s.linears[3].choices[2].bytes = 0;
        s.linears[4].choices[0].bytes = s.linears[4].choices[4].bytes + 1;
        for (std::size_t i = 0; i < 4; ++i)
            s.linears[5].choices[i].damage.value = 0.25; // planes of no use
        const Allocator allocator = made(s);
        double last = HUGE_VAL;
        for (int i = 0; i <= 40; ++i) {
            const std::uint64_t span = allocator.ceilingBytes() - allocator.floorBytes();
            const Allocation plan =
                solved(allocator.solve(allocator.floorBytes() + span * static_cast<std::uint64_t>(i) / 40));
            QVERIFY(plan.gap == 0 && plan.cost <= last + 1e-12);
            QVERIFY(plan.bits[2] != 2 && plan.bits[4] != 1 && (plan.bits[5] == 1 || plan.bits[5] == kKeptBits));
            last = plan.cost;
        }
    }

    void theBestKnownFiguresAreTheObjective()
    {
        Sensitivity s = smallSensitivity();
        s.linears[7].choices[2].damage = {};
        QCOMPARE(made(s).objective(), Objective::Error);
        QVERIFY(!Allocator::create(s, {}, Objective::Damage));
        // A linear that is not up for choice needs no figures.
        Constraints kept;
        kept.rules[s.linears[7].name].excluded = true;
        QCOMPARE(made(s, kept).objective(), Objective::Damage);
        s.linears[7].choices[2].error = {};
        QCOMPARE(made(s).objective(), Objective::WeightScore);
        QCOMPARE(made(s).provenance(), Provenance::Estimated);
        s = smallSensitivity();
        s.linears[3].choices[1].damage.provenance = Provenance::Stale;
        QCOMPARE(made(s).provenance(), Provenance::Stale);
    }

    void theCurveIsConvexAtItsCornersAndExactBetween()
    {
        const Sensitivity s = smallSensitivity();
        const Allocator allocator = made(s);
        const auto curve = allocator.curve(100);
        double worth = HUGE_VAL;
        const CurvePoint* corner = nullptr;
        for (const CurvePoint& point : curve) {
            const Allocation plan = solved(allocator.solve(point.bytes));
            QCOMPARE(plan.bytes, point.bytes);
            QVERIFY(std::abs(plan.cost - point.cost) <= 1e-12 * curve.front().cost);
            if (point.corner && corner) {
                const double next = (corner->cost - point.cost) / static_cast<double>(point.bytes - corner->bytes);
                QVERIFY(next > 0 && next < worth);
                worth = next;
            }
            if (point.corner)
                corner = &point;
        }
        QCOMPARE(curve.front().bytes, allocator.floorBytes());
        QCOMPARE(curve.back().bytes, allocator.ceilingBytes());
        QVERIFY(std::any_of(curve.begin(), curve.end(), [](const CurvePoint& p) { return !p.corner; }));
    }

    void sameInputsGiveTheSamePlan()
    {
        const Sensitivity s = largeSensitivity(false);
        const Allocator first = made(s), second = made(s);
        for (const double bits : {1.3, 2.2, 2.5, 4.1, 9.0})
            for (const Rule rule : {Rule::Optimal, Rule::SortAndCut, Rule::Uniform})
                QCOMPARE(solved(first.allocate(rule, first.bytesFor(bits))).bits,
                         solved(second.allocate(rule, second.bytesFor(bits))).bits);
    }

    void aLargeModelIsProvenAtEveryBudget()
    {
        for (const bool acc : {false, true}) {
            const Allocator allocator = made(largeSensitivity(acc));
            const std::uint64_t span = allocator.ceilingBytes() - allocator.floorBytes();
            for (std::uint64_t i = 0; i <= 200; ++i) {
                const std::uint64_t budget = allocator.floorBytes() + span / 200 * i;
                const Allocation plan = solved(allocator.solve(budget));
                QVERIFY(plan.gap == 0 && plan.bytes <= budget);
            }
        }
    }

    void evaluateRefusesWhatIsNoPlan()
    {
        const Sensitivity s = smallSensitivity();
        const Allocator allocator = made(s);
        std::vector<int> bits(s.linears.size(), 2);
        QCOMPARE(solved(allocator.evaluate(bits)).cost, solved(allocator.uniform(2)).cost);
        bits[3] = 7;
        QCOMPARE(allocator.evaluate(bits).error().where, s.linears[3].name);
        bits.pop_back();
        QVERIFY(!allocator.evaluate(bits));
    }
};

QTEST_APPLESS_MAIN(TestAllocator)
#include "tst_allocator.moc"
