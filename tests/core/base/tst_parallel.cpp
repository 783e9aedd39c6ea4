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

    void aTeamEndsEachStageBeforeTheNext_data() { everyIndexRunsOnce_data(); }
    void aTeamEndsEachStageBeforeTheNext()
    {
        QFETCH(int, threads);
        setParallelThreads(threads);
        constexpr std::int64_t kWidth = 37;
        std::vector<std::int64_t> left(kWidth, 1), right(kWidth, 0);
        std::atomic<int> members{0};
        parallelTeam([&](Team& team, int rank) {
            members += rank < threads ? 1 : 100;
            for (int stage = 0; stage < 100; ++stage) {
                const auto& from = stage % 2 == 0 ? left : right; // each stage reads all that the one before wrote
                auto& to = stage % 2 == 0 ? right : left;
                team.forEach(kWidth, [&](std::int64_t i) {
                    to[static_cast<std::size_t>(i)] =
                        (std::accumulate(from.begin(), from.end(), std::int64_t{0}) + i) % 1009;
                });
            }
        });
        std::vector<std::int64_t> expected(kWidth, 1);
        for (int stage = 0; stage < 100; ++stage) {
            const std::int64_t sum = std::accumulate(expected.begin(), expected.end(), std::int64_t{0});
            for (std::int64_t i = 0; i < kWidth; ++i)
                expected[static_cast<std::size_t>(i)] = (sum + i) % 1009;
        }
        QCOMPARE(left, expected);
        QVERIFY(members >= 1 && members <= threads);
    }

    void aLoopInsideATeamIsTheCallingThread()
    {
        setParallelThreads(2);
        std::atomic<int> count{0};
        parallelTeam([&](Team& team, int) {
            team.forEach(4, [&](std::int64_t) {
                parallelFor(5, [&](std::int64_t) { ++count; });
                parallelTeam([&](Team& inner, int) { inner.forEach(3, [&](std::int64_t) { ++count; }); });
            });
        });
        QCOMPARE(count.load(), 32);
    }

    void aTeamInsideALoopIsTheCallingThread()
    {
        setParallelThreads(2);
        std::atomic<int> count{0};
        parallelFor(4, [&](std::int64_t) {
            parallelTeam([&](Team& team, int) { team.forEach(5, [&](std::int64_t) { ++count; }); });
        });
        QCOMPARE(count.load(), 20);
    }

    void anExceptionInAStageReachesTheCaller()
    {
        setParallelThreads(2);
        QVERIFY_EXCEPTION_THROWN(parallelTeam([](Team& team, int) {
                                     for (int stage = 0; stage < 3; ++stage)
                                         team.forEach(10, [](std::int64_t i) {
                                             if (i == 7)
                                                 throw std::runtime_error("seven");
                                         });
                                 }),
                                 std::runtime_error);
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
