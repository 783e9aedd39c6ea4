// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/progress.h"
#include "core/engine/shards.h"

#include <QTest>

using namespace sa;

class TestShards : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void blocksAndTheRestAreToldApart()
    {
        const auto shards = dealToShards({"lm_head.weight", "model.layers.0.a", "model.layers.1.b", "model.layers.10.c",
                                          "model.layers.2.d", "model.layers.x.e", "model.layers.", "model.layers.1",
                                          "model.layers.-1.f", "model.norm.weight"},
                                         "model.layers", 3);
        QCOMPARE(shards.size(), std::size_t{4});
        QCOMPARE(shards[1], std::vector<std::string>{"model.layers.0.a"});
        QCOMPARE(shards[2], std::vector<std::string>{"model.layers.1.b"});
        QCOMPARE(shards[3], std::vector<std::string>{"model.layers.2.d"});
        QCOMPARE(shards[0].size(), std::size_t{7}); // block 10 is beyond the model: kept, but outside
    }

    void progressIsRateLimitedAndKeepsItsEnds()
    {
        std::vector<Json> events;
        const EventSink sink = [&](const Json& event) { events.push_back(event); };
        ProgressMeter meter(sink, "evaluate", "windows", 100000);
        for (int i = 0; i <= 100000; ++i)
            meter.update(i);
        QVERIFY(events.size() >= 2 && events.size() < 50);
        QCOMPARE(events.front()["progress"]["done"].get<double>(), 0.0);
        QVERIFY(events.front()["progress"]["remaining_seconds"].is_null());
        QCOMPARE(events.back()["progress"]["done"].get<double>(), 100000.0);
        QCOMPARE(events.back()["progress"]["phase"].get<std::string>(), std::string("evaluate"));
    }
};

QTEST_APPLESS_MAIN(TestShards)
#include "tst_shards.moc"
