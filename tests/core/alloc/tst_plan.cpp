// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/alloc/plan.h"
#include "core/base/atomic_file.h"
#include "core/base/file.h"
#include "sensitivity_fixture.h"

#include <QTemporaryDir>
#include <QTest>

#include <functional>

using namespace sa;

namespace
{

using Change = std::function<void(Json&)>;

Plan samplePlan(Rule rule = Rule::Optimal)
{
    const Sensitivity s = smallSensitivity();
    Constraints c;
    c.rules["model.layers.0.self_attn.q_proj"].pin = 3;
    c.rules["model.layers.5.mlp.down_proj"].excluded = true;
    c.rules["model.layers.4.mlp.down_proj"] = {{}, 2, 4, false};
    c.links = linksBySharedInput(s);
    c.links.erase(c.links.begin());
    const auto allocator = Allocator::create(s, c);
    if (!allocator)
        qFatal("%s", allocator.error().sentence().c_str());
    const auto plan = allocator->allocate(rule, allocator->bytesFor(2.9));
    if (!plan)
        qFatal("%s", plan.error().sentence().c_str());
    return makePlan(s, c, *allocator, *plan);
}

} // namespace
Q_DECLARE_METATYPE(Change)

class TestPlan : public QObject
{
    Q_OBJECT
    QTemporaryDir m_folder;
    std::string path(const char* name) const { return m_folder.filePath(QString::fromLatin1(name)).toStdString(); }

private Q_SLOTS:
    void comesBackFromAFile()
    {
        for (const Rule rule : {Rule::Optimal, Rule::SortAndCut}) {
            const Plan plan = samplePlan(rule);
            QVERIFY(writePlan(path("plan.json"), plan));
            const auto read = readPlan(path("plan.json"));
            QVERIFY2(read, read ? "" : read.error().sentence().c_str());
            QVERIFY(read->model == plan.model);
            QVERIFY(read->constraints == plan.constraints);
            QCOMPARE(read->bits, plan.bits);
            QCOMPARE(read->bits.at("model.layers.0.self_attn.q_proj"), 3);
            QCOMPARE(read->bits.at("model.layers.5.mlp.down_proj"), kKeptBits);
            QCOMPARE(read->sensitivitySha256, identityOf(smallSensitivity()));
            QCOMPARE(read->rule, rule);
            QCOMPARE(read->provenance, Provenance::Measured);
            QCOMPARE(read->cost, plan.cost);
            QCOMPARE(read->bitsPerWeight(), plan.bitsPerWeight());
            QVERIFY(read->settings == plan.settings);
            QCOMPARE(json::dump(toJson(*read)), json::dump(toJson(plan)));
        }
    }

    void sameInputsGiveTheSameBytes()
    {
        QVERIFY(writePlan(path("a.json"), samplePlan()));
        QVERIFY(writePlan(path("b.json"), samplePlan()));
        const auto a = readFile(path("a.json"), 1 << 20), b = readFile(path("b.json"), 1 << 20);
        QVERIFY(a && b && *a == *b);
        QVERIFY(a->size() < 10'000); // a small file
    }

    void aPlanByHandNeedsOnlyItsLayers()
    {
        QVERIFY(writeFileAtomic(path("hand.json"),
                                R"({"format": "shiftadd-plan", "version": 1, "layers": {"a": 2, "b": 16}})"));
        const auto plan = readPlan(path("hand.json"));
        QVERIFY(plan);
        QCOMPARE(plan->bits, (std::map<std::string, int>{{"a", 2}, {"b", 16}}));
        QVERIFY(plan->sensitivitySha256.empty());
        QCOMPARE(plan->rule, Rule::Manual);
        QCOMPARE(plan->bitsPerWeight(), 0.0);
    }

    void malformedPlansAreNamed_data()
    {
        QTest::addColumn<Change>("change");
        QTest::addColumn<QString>("where");
        QTest::addColumn<QString>("said");
        const auto row = [](const char* title, Change change, const char* where, const char* said) {
            QTest::addRow("%s", title) << std::move(change) << where << said;
        };
        row(
            "a sensitivity file", [](Json& f) { f["format"] = "shiftadd-sensitivity"; }, "format", "shiftadd-plan");
        row(
            "a later version", [](Json& f) { f["version"] = 9; }, "version", "expected 1");
        row(
            "no layers", [](Json& f) { f.erase("layers"); }, "layers", "missing");
        row(
            "empty layers", [](Json& f) { f["layers"] = Json::object(); }, "layers", "every linear layer");
        row(
            "five bits", [](Json& f) { f["layers"]["model.layers.0.self_attn.q_proj"] = 5; },
            "layers.model.layers.0.self_attn.q_proj", "1, 2, 3, 4 or 16");
        row(
            "bits as text", [](Json& f) { f["layers"]["model.layers.0.self_attn.q_proj"] = "3"; },
            "layers.model.layers.0.self_attn.q_proj", "1, 2, 3, 4 or 16");
        row(
            "a misspelt field", [](Json& f) { f["layer"] = f["layers"]; }, "layer", "no such field");
        row(
            "an unknown rule", [](Json& f) { f["rule"] = "best"; }, "rule", "sort-and-cut");
        row(
            "an unknown objective", [](Json& f) { f["predicted"]["objective"] = "loss"; }, "predicted.objective",
            "damage, error");
        row(
            "a damage that is text", [](Json& f) { f["predicted"]["cost"] = "low"; }, "predicted.cost", "a number");
        row(
            "a range upside down",
            [](Json& f) {
                f["constraints"]["rules"]["model.layers.4.mlp.down_proj"] = {{"low", 4}, {"high", 2}};
            },
            "constraints.rules.model.layers.4.mlp.down_proj", "low at most high");
        row(
            "a link that is no list", [](Json& f) { f["constraints"]["links"][0] = "q"; }, "constraints.links[0]",
            "a list");
        row(
            "negative bytes", [](Json& f) { f["bytes"] = -4; }, "bytes", "from 0 to");
    }
    void malformedPlansAreNamed()
    {
        QFETCH(const Change, change);
        QFETCH(const QString, where);
        QFETCH(const QString, said);
        Json file = toJson(samplePlan());
        change(file);
        QVERIFY(writeFileAtomic(path("bad.json"), json::dump(file)));
        const auto read = readPlan(path("bad.json"));
        QVERIFY(!read);
        QCOMPARE(read.error().file, path("bad.json"));
        QCOMPARE(QString::fromStdString(read.error().where), where);
        QVERIFY2(QString::fromStdString(read.error().sentence()).contains(said), read.error().sentence().c_str());
    }
};

QTEST_APPLESS_MAIN(TestPlan)
#include "tst_plan.moc"
