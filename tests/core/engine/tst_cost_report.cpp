// SPDX-License-Identifier: GPL-3.0-or-later
// The member `cost` of results: totals, prices, the variants side by side.
#include "core/engine/cost_report.h"
#include "core/engine/estimates.h"
#include "tests/core/engine/job_runner.h"

#include <QTest>

using namespace sa;
using test::run;

namespace
{

const std::string kSample = SA_SOURCE_DIR "/resources/sample-model";

const char* const kCounts[] = {"multiplies",       "adds",        "shifts", "lookups",    "weight_bytes", "scale_bytes",
                               "activation_bytes", "cache_bytes", "bytes",  "microjoules"};

bool same(double a, double b)
{
    return std::abs(a - b) <= 1e-9 * std::abs(b);
}

} // namespace

class TestCostReport : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void totalsAreSums()
    {
        const auto opened = run(OpenSpec{kSample});
        QVERIFY(opened);
        const Json& cost = (*opened)["cost"];
        QCOMPARE(cost["context"].get<int>(), 1024); // the model has no more positions
        QCOMPARE(cost["energy"].get<std::string>(), std::string("published"));
        const Json& original = cost["variants"][0];
        for (const char* key : kCounts) {
            double layers = 0, parts = 0;
            for (const Json& layer : (*opened)["layers"])
                layers += layer["cost"]["original"][key].get<double>();
            for (const Json& part : cost["parts"])
                parts += part[key].get<double>();
            QVERIFY2(same(original["layers"][key].get<double>(), layers), key);
            QVERIFY2(same(original["total"][key].get<double>(), layers + parts), key);
        }
    }

    void theEnergyFollowsFromTheUnitsShown_data()
    {
        QTest::addColumn<QByteArray>("table");
        QTest::addRow("paper") << QByteArray("paper");
        QTest::addRow("published") << QByteArray("published");
    }
    void theEnergyFollowsFromTheUnitsShown()
    {
        QFETCH(QByteArray, table);
        const auto opened = run(OpenSpec{kSample, table.toStdString()});
        QVERIFY(opened);
        const Json& cost = (*opened)["cost"];
        for (const Json& variant : cost["variants"]) {
            const Json& total = variant["total"];
            double picojoules = 0;
            for (const auto& [count, unit] : {std::pair{"bytes", "memory_byte"},
                                              {"multiplies", "multiply"},
                                              {"adds", "add"},
                                              {"shifts", "shift"},
                                              {"lookups", "lookup"}})
                picojoules += total[count].get<double>() * cost["units_pj"][unit].get<double>();
            QVERIFY(same(total["microjoules"].get<double>(), 1e-6 * picojoules));
        }
    }

    void anOriginalShowsWhatFewerBitsWouldMakeOfIt()
    {
        const auto opened = run(OpenSpec{kSample});
        QVERIFY(opened);
        const Json& variants = (*opened)["cost"]["variants"];
        QCOMPARE(variants.size(), std::size_t{4});
        for (std::size_t i = 1; i < 4; ++i) {
            QCOMPARE(variants[i]["name"].get<std::string>(), std::to_string(i + 1) + " bits");
            QCOMPARE(variants[i]["layers"]["multiplies"].get<int>(), 0);
            QVERIFY(variants[i]["total"]["microjoules"] < variants[0]["total"]["microjoules"]);
            QVERIFY(i == 1 || variants[i]["total"]["microjoules"] > variants[i - 1]["total"]["microjoules"]);
        }
    }

    void theForecastIsWhatThePackedModelCosts()
    {
        const auto model = ModelFolder::open(kSample);
        QVERIFY(model);
        QuantizeSpec spec;
        spec.bits = 3;
        QuantizationInfo info;
        info.layers = plannedLayers(*model, spec);
        const auto forecast = CostReport::create(*model, nullptr), packed = CostReport::create(*model, &info);
        QVERIFY(forecast && packed);
        Json expected = forecast->summary()["variants"][2];
        expected["name"] = "packed";
        QVERIFY(packed->summary()["variants"][1] == expected);
        QVERIFY(packed->ofLayer(0)["packed"]["microjoules"] < packed->ofLayer(0)["original"]["microjoules"]);
        QVERIFY(!forecast->ofLayer(0).contains("packed"));
        info.recipe = {{"apot", 1}};
        const auto oneTerm = CostReport::create(*model, &info);
        QVERIFY(oneTerm);
        QVERIFY(oneTerm->summary()["variants"][1]["layers"]["shifts"] < expected["layers"]["shifts"]);
    }

    void theContextIsTheModelsAtMost()
    {
        const auto at = [](int context) { return run(OpenSpec{kSample, "paper", context}); };
        const auto least = at(1), most = at(1024), beyond = at(1025);
        QVERIFY(least && most);
        QCOMPARE((*least)["cost"]["context"].get<int>(), 1);
        QVERIFY((*least)["cost"]["variants"][0]["total"]["cache_bytes"] <
                (*most)["cost"]["variants"][0]["total"]["cache_bytes"]);
        QVERIFY(!beyond);
        QCOMPARE(beyond.error().code, Errc::Usage);
        QCOMPARE(beyond.error().where, std::string("context"));
    }
};

QTEST_APPLESS_MAIN(TestCostReport)
#include "tst_cost_report.moc"
