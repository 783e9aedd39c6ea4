// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/json.h"

#include <QTest>

using namespace sa;

class TestJson : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void accepts_data()
    {
        QTest::addColumn<QByteArray>("text");
        const char* const texts[] = {"{}",
                                     "[]",
                                     "null",
                                     " true ",
                                     "-0",
                                     "1e-3",
                                     "\"\\u20ac\\ud83d\\ude00\"",
                                     "[[[[1]]]]",
                                     "{\"a\":{\"a\":1}}",
                                     "[{\"a\":1},{\"a\":2}]",
                                     "9223372036854775807",
                                     "18446744073709551615",
                                     "\"\xC3\xA9\"",
                                     "\n\t[1,\r2]"};
        for (const char* text : texts)
            QTest::addRow("%s", text) << QByteArray(text);
    }
    void accepts()
    {
        QFETCH(QByteArray, text);
        const auto value = json::parse(text.toStdString(), "f");
        QVERIFY2(value, value ? "" : value.error().sentence().c_str());
        QCOMPARE(json::dump(*value), json::dump(Json::parse(text.toStdString())));
    }

    void refuses_data()
    {
        QTest::addColumn<QByteArray>("text");
        QTest::addColumn<QString>("says");
        const auto row = [](const char* name, QByteArray text, const char* says) {
            QTest::addRow("%s", name) << text << QString(says);
        };
        row("nothing", "", "not valid JSON");
        row("white space only", " \n", "not valid JSON");
        row("duplicate keys", "{\"a\":1,\"a\":2}", "twice");
        row("duplicate keys written differently", "{\"a\":1,\"\\u0061\":2}", "twice");
        row("duplicate keys deep inside", "[{\"x\":{\"b\":1,\"c\":2,\"b\":3}}]", "twice");
        row("65 levels", QByteArray(65, '[') + QByteArray(65, ']'), "deeply");
        row("100000 open brackets", QByteArray(100000, '['), "deeply");
        row("NUL after the end", QByteArray("{}\0", 3), "NUL");
        row("something after the end", "{} x", "not valid JSON");
        row("two values", "1 2", "not valid JSON");
        row("trailing comma", "[1,]", "not valid JSON");
        row("comment", "[1] // no", "not valid JSON");
        row("byte order mark", "\xEF\xBB\xBF{}", "byte order mark");
        row("UTF-16", QByteArray("{\0}\0", 4), "NUL");
        row("bad UTF-8", "\"\xff\"", "not valid JSON");
        row("lone surrogate", "\"\\ud800\"", "not valid JSON");
        row("NaN", "[NaN]", "not valid JSON");
        row("Infinity", "[-Infinity]", "not valid JSON");
        row("1e400", "[1e400]", "overflow");
        row("leading zero", "[01]", "not valid JSON");
        row("plus sign", "[+1]", "not valid JSON");
        row("hex", "[0x1]", "not valid JSON");
        row("single quotes", "['a']", "not valid JSON");
        row("raw control character in a string", "\"a\nb\"", "not valid JSON");
        row("cut in a string", "{\"a", "not valid JSON");
        row("cut in an escape", "\"\\u00", "not valid JSON");
        row("key without value", "{\"a\"}", "not valid JSON");
        row("unquoted key", "{a:1}", "not valid JSON");
    }
    void refuses()
    {
        QFETCH(QByteArray, text);
        QFETCH(QString, says);
        const auto value = json::parse(text.toStdString(), "file.json");
        QVERIFY(!value);
        QCOMPARE(value.error().code, Errc::BadFormat);
        QCOMPARE(value.error().file, std::string("file.json"));
        const QString sentence = QString::fromStdString(value.error().sentence());
        QVERIFY2(sentence.contains(says), qPrintable(sentence));
    }

    void refusesWhatIsTooLarge()
    {
        const auto value = json::parse("[1,2,3]", "f", {.maxBytes = 6, .maxDepth = 8});
        QVERIFY(!value);
        QCOMPARE(value.error().expected, std::string("at most 6"));
    }

    void numbersHaveRanges()
    {
        const Json value = *json::parse(
            R"({"i":5,"neg":-1,"f":3.0,"big":18446744073709551615,"s":"5","n":null,"b":true,"o":{"x":[1,{"y":"z"}]}})",
            "f");
        const JsonField root(value, "f");
        QCOMPARE(*root.intAt("i", 0, 5), 5);
        QVERIFY(!root.intAt("i", 6, 9));
        QVERIFY(!root.intAt("neg", 0, 9));
        QVERIFY(!root.intAt("f", 0, 9)); // an integer field is not a float
        QVERIFY(!root.intAt("big", 0, std::numeric_limits<std::int64_t>::max()));
        QVERIFY(!root.intAt("s", 0, 9));
        QVERIFY(!root.intAt("b", 0, 9));
        QCOMPARE(*root.intOr("n", 7, 0, 9), 7);
        QCOMPARE(*root.intOr("absent", 7, 0, 9), 7);
        QVERIFY(!root.intOr("s", 7, 0, 9)); // wrong is not absent
        QCOMPARE(*root.doubleOr("f", 0, 0, 4), 3.0);
        QVERIFY(!root.doubleOr("f", 0, 0, 1));
        QCOMPARE(*root.boolOr("b", false), true);
        QVERIFY(!root.boolOr("i", false));
    }

    void complaintsNameThePlace()
    {
        const Json value = *json::parse(R"({"o":{"x":[1,{"y":"z"}]}})", "f");
        const JsonField root(value, "config.json");
        const auto list = *(*root.at("o")).at("x")->elements();
        const auto wrong = list[1].intAt("y", 0, 1);
        QVERIFY(!wrong);
        QCOMPARE(wrong.error().where, std::string("o.x[1].y"));
        QCOMPARE(wrong.error().file, std::string("config.json"));
        QCOMPARE(wrong.error().found, std::string("\"z\""));
        const auto missing = root.at("p");
        QVERIFY(!missing);
        QCOMPARE(missing.error().where, std::string("p"));
    }

    void dumpingIsDeterministic()
    {
        const Json value = *json::parse(R"({"b":1,"a":0.1,"c":[1.0,2]})", "f");
        QCOMPARE(json::dump(value), std::string(R"({"a":0.1,"b":1,"c":[1.0,2]})"));
        QCOMPARE(json::dump(Json("\xff")), std::string("\"\xEF\xBF\xBD\""));
    }
};

QTEST_APPLESS_MAIN(TestJson)
#include "tst_json.moc"
