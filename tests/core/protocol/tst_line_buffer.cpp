// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/protocol/line_buffer.h"

#include <QTest>

#include <random>

using sa::LineBuffer;

namespace
{

std::vector<std::string> take(LineBuffer& buffer)
{
    std::vector<std::string> lines;
    while (auto line = buffer.next())
        lines.push_back(*std::move(line));
    return lines;
}

QStringList asStrings(const std::vector<std::string>& lines)
{
    QStringList out;
    for (const auto& line : lines)
        out << QString::fromStdString(line);
    return out;
}

} // namespace

class TestLineBuffer : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void framing_data()
    {
        QTest::addColumn<QByteArrayList>("chunks");
        QTest::addColumn<QStringList>("lines");
        QTest::addColumn<int>("pending");
        QTest::addRow("nothing in, nothing out") << QByteArrayList{} << QStringList{} << 0;
        QTest::addRow("an empty read") << QByteArrayList{""} << QStringList{} << 0;
        QTest::addRow("one line in one read") << QByteArrayList{"{}\n"} << QStringList{"{}"} << 0;
        QTest::addRow("two lines in one read") << QByteArrayList{"{}\n[]\n"} << QStringList{"{}", "[]"} << 0;
        QTest::addRow("a line split inside a key")
            << QByteArrayList{"{\"a", "\":1}\n"} << QStringList{"{\"a\":1}"} << 0;
        QTest::addRow("the newline comes alone") << QByteArrayList{"{}", "\n"} << QStringList{"{}"} << 0;
        QTest::addRow("an unfinished line stays inside") << QByteArrayList{"{}\n{\"a"} << QStringList{"{}"} << 3;
        QTest::addRow("empty lines are lines") << QByteArrayList{"\n\n"} << QStringList{"", ""} << 0;
        QTest::addRow("a carriage return before the newline goes")
            << QByteArrayList{"{}\r\n"} << QStringList{"{}"} << 0;
        QTest::addRow("only one carriage return goes") << QByteArrayList{"a\r\r\n"} << QStringList{"a\r"} << 0;
        QTest::addRow("a carriage return inside stays") << QByteArrayList{"a\rb\n"} << QStringList{"a\rb"} << 0;
    }

    void framing()
    {
        QFETCH(QByteArrayList, chunks);
        QFETCH(QStringList, lines);
        QFETCH(int, pending);
        LineBuffer buffer;
        for (const QByteArray& chunk : chunks)
            QVERIFY(buffer.feed(chunk.toStdString()));
        QCOMPARE(asStrings(take(buffer)), lines);
        QCOMPARE(buffer.pending(), static_cast<std::size_t>(pending));
    }

    void anySplitGivesTheSameLines()
    {
        std::string stream;
        std::vector<std::string> expected;
        for (int i = 0; i < 200; ++i) {
            expected.push_back(std::string(static_cast<std::size_t>(i * 7 % 61), static_cast<char>('a' + i % 26)));
            stream += expected.back() + "\n";
        }
        for (unsigned seed = 0; seed < 50; ++seed) {
            std::mt19937 random(seed);
            LineBuffer buffer;
            std::vector<std::string> lines;
            for (std::size_t place = 0; place < stream.size();) {
                const std::size_t count = std::min<std::size_t>(stream.size() - place, seed == 0 ? 1 : random() % 97);
                QVERIFY(buffer.feed(std::string_view(stream).substr(place, count)));
                place += count;
                if (random() % 2 == 0)
                    for (auto& line : take(buffer))
                        lines.push_back(std::move(line));
            }
            for (auto& line : take(buffer))
                lines.push_back(std::move(line));
            QVERIFY2(lines == expected, qPrintable(QString("seed %1").arg(seed)));
        }
    }

    void nulBytesAreCarried()
    {
        LineBuffer buffer;
        QVERIFY(buffer.feed(std::string_view("a\0b\n", 4)));
        QVERIFY(buffer.next() == std::string("a\0b", 3));
    }

    void aLineOfTheLimitPassesAndOneByteMoreDoesNot()
    {
        LineBuffer exact(8);
        QVERIFY(exact.feed("12345678\n"));
        QCOMPARE(*exact.next(), std::string("12345678"));

        LineBuffer over(8);
        const auto fed = over.feed("123456789\n");
        QVERIFY(!fed);
        QCOMPARE(fed.error().code, sa::Errc::Protocol);
        QVERIFY(QString::fromStdString(fed.error().expected).contains("8 bytes"));
    }

    void completeLinesBeforeAnEndlessOneSurvive()
    {
        LineBuffer buffer(8);
        QVERIFY(buffer.feed("one\n"));
        QVERIFY(!buffer.feed("two\n123456789"));
        QCOMPARE(asStrings(take(buffer)), (QStringList{"one", "two"}));
    }

    void afterARefusalNothingIsAccepted()
    {
        LineBuffer buffer(8);
        QVERIFY(!buffer.feed("123456789"));
        const auto fed = buffer.feed("{}\n");
        QVERIFY(!fed);
        QCOMPARE(fed.error().code, sa::Errc::Protocol);
        QVERIFY(!buffer.next());
        QCOMPARE(buffer.pending(), std::size_t{0});
    }

    void anEndlessLineIsRefusedAtTheLimitHoweverItArrives()
    {
        LineBuffer buffer(1000);
        std::size_t accepted = 0;
        while (buffer.feed("xxxxxxxxxx") && accepted < 100'000)
            accepted += 10;
        QCOMPARE(accepted, std::size_t{1000});
    }
};

QTEST_GUILESS_MAIN(TestLineBuffer)
#include "tst_line_buffer.moc"
