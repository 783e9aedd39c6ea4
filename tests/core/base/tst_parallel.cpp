// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/parallel.h"

#include <QTest>

#include <algorithm>
#include <atomic>
#include <numeric>
#include <stdexcept>
#include <vector>

using namespace sa;

class TestParallel : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void cleanup() { setParallelThreads(0); }

    void everyIndexRunsOnce_data()
    {
        QTest::addColumn<int>("threads");
        for (const int threads : {1, 2, 3, 8})
            QTest::addRow("%d threads", threads) << threads;
    }
    void everyIndexRunsOnce()
    {
        QFETCH(int, threads);
        setParallelThreads(threads);
        std::vector<int> seen(1000, 0);
        parallelFor(1000, [&](std::int64_t i) { ++seen[static_cast<std::size_t>(i)]; });
        QCOMPARE(std::accumulate(seen.begin(), seen.end(), 0), 1000);
        QCOMPARE(*std::min_element(seen.begin(), seen.end()), 1);
    }

    void nestedLoopsRunInTheCallingThread()
    {
        setParallelThreads(2);
        std::atomic<int> count{0};
        parallelFor(4, [&](std::int64_t) { parallelFor(5, [&](std::int64_t) { ++count; }); });
        QCOMPARE(count.load(), 20);
    }

    void anExceptionReachesTheCaller()
    {
        setParallelThreads(2);
        QVERIFY_EXCEPTION_THROWN(parallelFor(100,
                                             [](std::int64_t i) {
                                                 if (i == 7)
                                                     throw std::runtime_error("seven");
                                             }),
                                 std::runtime_error);
        int ran = 0;
        setParallelThreads(1);
        parallelFor(3, [&](std::int64_t) { ++ran; }); // usable afterwards
        QCOMPARE(ran, 3);
    }

    void nothingToDoIsFine()
    {
        parallelFor(0, [](std::int64_t) { QFAIL("called"); });
    }
};

QTEST_APPLESS_MAIN(TestParallel)
#include "tst_parallel.moc"
