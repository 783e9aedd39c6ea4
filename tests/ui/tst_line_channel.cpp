// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/ui/ui_fixture.h"
#include "ui/worker/line_channel.h"
#include "ui/worker/log_ring.h"

#include <QBuffer>

using namespace sa;
using namespace sa::ui;

namespace
{

/// A device whose bytes arrive when the test says so.
class Pipe final : public QIODevice
{
public:
    Pipe() { open(QIODevice::ReadOnly | QIODevice::Unbuffered); }
    bool isSequential() const override { return true; }
    qint64 bytesAvailable() const override { return m_bytes.size() + QIODevice::bytesAvailable(); }
    void arrive(const QByteArray& bytes)
    {
        m_bytes += bytes;
        Q_EMIT readyRead();
    }

protected:
    qint64 readData(char* data, qint64 size) override
    {
        const qint64 count = std::min<qint64>(size, m_bytes.size());
        std::copy_n(m_bytes.constData(), count, data);
        m_bytes.remove(0, count);
        return count;
    }
    qint64 writeData(const char*, qint64) override { return -1; }

private:
    QByteArray m_bytes;
};

QByteArray tick(int id)
{
    return "{\"id\":" + QByteArray::number(id) + ",\"tick\":{\"elapsed_seconds\":1.0}}\n";
}

QByteArray progress(int done)
{
    return "{\"id\":1,\"progress\":{\"phase\":\"quantize\",\"step\":\"x\",\"done\":" + QByteArray::number(done) +
           ",\"of\":1000000,\"unit\":\"layers\",\"rate\":null,\"remaining_seconds\":null}}\n";
}

} // namespace

class TestLineChannel : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void init() { failOnWarnings(); }
    void framing_data();
    void framing();
    void aFloodOfProgressIsCoalescedAndTheLastOneArrives();
    void progressKeepsItsPlaceBeforeTheNextEvent();
    void nothingIsDeliveredAfterAViolation();
    void aRecordedFileIsReadToItsEnd();
    void theLogRingKeepsTheLastBytesAndCutsLongLines();
};

void TestLineChannel::framing_data()
{
    QTest::addColumn<QByteArrayList>("chunks");
    QTest::addColumn<int>("messages");
    QTest::addColumn<int>("violations");
    QTest::addRow("split inside a key") << QByteArrayList{tick(1).left(6), tick(1).mid(6)} << 1 << 0;
    QTest::addRow("two in one read") << QByteArrayList{tick(1) + tick(2)} << 2 << 0;
    QByteArrayList single;
    for (char c : tick(1))
        single += QByteArray(1, c);
    QTest::addRow("one byte at a time") << single << 1 << 0;
    QTest::addRow("a half line is not a message") << QByteArrayList{tick(1) + tick(2).left(9)} << 1 << 0;
    QTest::addRow("library chatter on stdout") << QByteArrayList{"loading...\n"} << 0 << 1;
    QTest::addRow("a message of no known kind") << QByteArrayList{"{\"id\":1,\"surprise\":{}}\n"} << 0 << 1;
    QTest::addRow("an unknown member is ignored")
        << QByteArrayList{"{\"id\":1,\"tick\":{\"elapsed_seconds\":1.0,\"new\":true},\"more\":1}\n"} << 1 << 0;
    QTest::addRow("duplicate keys") << QByteArrayList{"{\"id\":1,\"id\":2,\"tick\":{}}\n"} << 0 << 1;
    QTest::addRow("invalid UTF-8") << QByteArrayList{"{\"id\":1,\"note\":{\"severity\":\"a\",\"message\":\"\xff\"}}\n"}
                                   << 0 << 1;
    QTest::addRow("a line longer than 1 MiB") << QByteArrayList{QByteArray((1 << 20) + 2, 'x')} << 0 << 1;
}

void TestLineChannel::framing()
{
    QFETCH(QByteArrayList, chunks);
    QFETCH(int, messages);
    QFETCH(int, violations);
    Pipe pipe;
    LineChannel channel(&pipe);
    QSignalSpy received(&channel, &LineChannel::received);
    QSignalSpy violated(&channel, &LineChannel::violated);
    for (const QByteArray& chunk : chunks)
        pipe.arrive(chunk);
    QTRY_COMPARE(pipe.bytesAvailable(), 0);
    QCOMPARE(received.count(), messages);
    QCOMPARE(violated.count(), violations);
}

void TestLineChannel::aFloodOfProgressIsCoalescedAndTheLastOneArrives()
{
    constexpr int kLines = 100'000;
    Pipe pipe;
    LineChannel channel(&pipe);
    int count = 0;
    double last = -1;
    connect(&channel, &LineChannel::received, this, [&](const WorkerMessage& message) {
        ++count;
        last = std::get<Progress>(message.body).done;
    });
    QByteArray flood;
    for (int i = 1; i <= kLines; ++i)
        flood += progress(i);
    pipe.arrive(flood);
    QTRY_COMPARE_WITH_TIMEOUT(last, double(kLines), kPatienceMs);
    QVERIFY2(count < kLines / 20, qPrintable(QString::number(count)));
}

void TestLineChannel::progressKeepsItsPlaceBeforeTheNextEvent()
{
    Pipe pipe;
    LineChannel channel(&pipe);
    QStringList order;
    connect(&channel, &LineChannel::received, this, [&](const WorkerMessage& message) {
        order += std::holds_alternative<Progress>(message.body) ? "progress" : "tick";
    });
    pipe.arrive(progress(1) + progress(2) + tick(1) + progress(3));
    QTRY_COMPARE(order, (QStringList{"progress", "tick", "progress"}));
}

void TestLineChannel::nothingIsDeliveredAfterAViolation()
{
    Pipe pipe;
    LineChannel channel(&pipe);
    QSignalSpy received(&channel, &LineChannel::received);
    QSignalSpy violated(&channel, &LineChannel::violated);
    pipe.arrive(progress(1) + "oops\n" + tick(1));
    pipe.arrive(tick(2) + "oops\n");
    QTest::qWait(50);
    QCOMPARE(violated.count(), 1);
    QVERIFY(received.count() <= 1); // the progress line that came before
}

void TestLineChannel::aRecordedFileIsReadToItsEnd()
{
    QByteArray recorded = tick(1) + progress(5) + tick(2) + "{\"id\":1,\"ti";
    QBuffer file(&recorded);
    QVERIFY(file.open(QIODevice::ReadOnly));
    LineChannel channel(&file);
    QSignalSpy received(&channel, &LineChannel::received);
    QSignalSpy ended(&channel, &LineChannel::ended);
    channel.finish();
    QTRY_COMPARE(ended.count(), 1);
    QCOMPARE(received.count(), 3);
    QCOMPARE(ended.first().first().toBool(), true); // the half line is reported, not delivered
}

void TestLineChannel::theLogRingKeepsTheLastBytesAndCutsLongLines()
{
    LogRing ring;
    qsizetype skipped = 0;
    QCOMPARE(ring.append("one\ntw", 10, skipped), QStringList{"one"});
    QCOMPARE(ring.append("o\r\n\x1b[31mred\n", 10, skipped), (QStringList{"two", "\\x1b[31mred"}));
    QCOMPARE(ring.tail(1), QByteArray("\x1b[31mred\n"));
    QCOMPARE(ring.tail(99), QByteArray("one\ntwo\r\n\x1b[31mred\n"));
    QByteArray many;
    for (int i = 0; i < 100'000; ++i)
        many += "line\n";
    const QStringList lines = ring.append(many, 50, skipped);
    QCOMPARE(lines.size(), 50);
    QCOMPARE(skipped, 100'000 - 50);
    QCOMPARE(ring.bytes().size(), LogRing::kCapacityBytes);
    QCOMPARE(ring.append(QByteArray(1 << 20, 'x'), 10, skipped), QStringList());
    QVERIFY(ring.append("\n", 10, skipped).first().size() <= LogRing::kMaxLineBytes + 3);
}

QTEST_GUILESS_MAIN(TestLineChannel)
#include "tst_line_channel.moc"
