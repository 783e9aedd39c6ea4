// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/runtime/stop_text.h"

#include <QTest>

using namespace sa;

class TestStopText : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void textEndsBeforeTheFirstStop_data()
    {
        QTest::addColumn<QStringList>("stops");
        QTest::addColumn<QStringList>("pieces");
        QTest::addColumn<QStringList>("emitted"); ///< by push, one each
        QTest::addColumn<QString>("rest");
        QTest::addColumn<bool>("found");
        QTest::addRow("no stops") << QStringList{} << QStringList{"a", "b"} << QStringList{"a", "b"} << "" << false;
        QTest::addRow("a stop in one piece")
            << QStringList{"\n\n"} << QStringList{"a", "b\n\nc", "d"} << QStringList{"a", "b", ""} << "" << true;
        QTest::addRow("a stop across pieces")
            << QStringList{"User:"} << QStringList{"yes Us", "er", ": no"} << QStringList{"yes ", "", ""} << "" << true;
        QTest::addRow("what only looked like one")
            << QStringList{"User:"} << QStringList{"Us", "e it"} << QStringList{"", "Use it"} << "" << false;
        QTest::addRow("the beginning of one at the end")
            << QStringList{"User:"} << QStringList{"ask Use"} << QStringList{"ask "} << "Use" << false;
        QTest::addRow("the earlier of two")
            << QStringList{"cd", "b"} << QStringList{"abcd"} << QStringList{"a"} << "" << true;
        QTest::addRow("a stop that repeats itself")
            << QStringList{"aab"} << QStringList{"aaa", "b"} << QStringList{"a", ""} << "" << true;
        QTest::addRow("an empty stop does not count")
            << QStringList{""} << QStringList{"a"} << QStringList{"a"} << "" << false;
    }
    void textEndsBeforeTheFirstStop()
    {
        QFETCH(QStringList, stops);
        QFETCH(QStringList, pieces);
        QFETCH(QStringList, emitted);
        QFETCH(QString, rest);
        QFETCH(bool, found);
        std::vector<std::string> texts;
        for (const QString& stop : stops)
            texts.push_back(stop.toStdString());
        StopText stop(texts);
        QStringList out;
        for (const QString& piece : pieces)
            out << QString::fromStdString(stop.push(piece.toStdString()));
        QCOMPARE(out, emitted);
        QCOMPARE(QString::fromStdString(stop.finish()), rest);
        QCOMPARE(stop.found(), found);
    }
};

QTEST_APPLESS_MAIN(TestStopText)
#include "tst_stop_text.moc"
