// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/error.h"
#include "core/base/json.h"

#include <QTest>

using namespace sa;

class TestError : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void everyCodeSurvivesItsNameAndHasAnExitStatus()
    {
        for (int i = 0; i <= static_cast<int>(Errc::Internal); ++i) {
            const auto code = static_cast<Errc>(i);
            QCOMPARE(errcFromName(name(code)), code);
            QVERIFY(exitStatus(code) > 0);
        }
        QCOMPARE(exitStatus(Errc::Usage), 2);
        QCOMPARE(exitStatus(Errc::BadFormat), 3);
        QCOMPARE(exitStatus(Errc::NoSpace), 3);
        QCOMPARE(exitStatus(Errc::Cancelled), 130);
        QCOMPARE(exitStatus(Errc::Io), 1);
        QCOMPARE(errcFromName("NoSuchCode"), Errc::Internal);
    }

    void sentenceHasEveryPartOnOneLine()
    {
        const Error error = makeError(Errc::BadFormat, "a tensor has the wrong shape")
                                .in("model.safetensors")
                                .at("lm_head.weight")
                                .butFound("[2, 3]")
                                .wanted("[3, 2]")
                                .tryThis("Download it again");
        QCOMPARE(
            QString::fromStdString(error.sentence()),
            QString("model.safetensors: lm_head.weight: a tensor has the wrong shape: found [2, 3], expected [3, 2]. "
                    "Download it again"));
    }

    void innermostPlaceWins()
    {
        const Error error = makeError(Errc::Io, "x").in("inner").in("outer").at("field").at("other");
        QCOMPARE(error.file, std::string("inner"));
        QCOMPARE(error.where, std::string("field"));
    }

    void displayNeutralisesWhatCouldFoolATerminal_data()
    {
        QTest::addColumn<QByteArray>("in");
        QTest::addColumn<QByteArray>("out");
        QTest::addRow("plain text stays") << QByteArray("a b") << QByteArray("a b");
        QTest::addRow("umlauts and CJK stay")
            << QByteArray("\xC3\xA4\xE4\xB8\xAD") << QByteArray("\xC3\xA4\xE4\xB8\xAD");
        QTest::addRow("escape sequences become text") << QByteArray("\x1b[31m") << QByteArray("\\x1b[31m");
        QTest::addRow("line ends become text") << QByteArray("a\nb\r") << QByteArray("a\\nb\\x0d");
        QTest::addRow("invalid UTF-8 becomes text") << QByteArray("\xff\xc3") << QByteArray("\\xff\\xc3");
        QTest::addRow("overlong forms are invalid") << QByteArray("\xc0\xaf") << QByteArray("\\xc0\\xaf");
        QTest::addRow("surrogates are invalid") << QByteArray("\xed\xa0\x80") << QByteArray("\\xed\\xa0\\x80");
        QTest::addRow("right-to-left override") << QByteArray("\xe2\x80\xae") << QByteArray("\\xe2\\x80\\xae");
        QTest::addRow("C1 control") << QByteArray("\xc2\x9b") << QByteArray("\\xc2\\x9b");
        QTest::addRow("NUL") << QByteArray("a\0b", 3) << QByteArray("a\\x00b");
    }
    void displayNeutralisesWhatCouldFoolATerminal()
    {
        QFETCH(QByteArray, in);
        QFETCH(QByteArray, out);
        QCOMPARE(QByteArray::fromStdString(display(in.toStdString())), out);
    }

    void displayIsBounded()
    {
        const std::string shown = display(std::string(100000, 'x'), 100);
        QVERIFY(shown.size() <= 103);
        QVERIFY(shown.ends_with("..."));
    }

    void errorsSurviveTheWire()
    {
        const Error error = makeError(Errc::NoSpace, "m").in("f").at("w").butFound("x").wanted("y").tryThis("z");
        const Error back = json::toError(json::fromError(error));
        QCOMPARE(back.code, error.code);
        QCOMPARE(back.sentence(), error.sentence());
        QVERIFY(!json::fromError(makeError(Errc::Io, "m")).contains("remedy"));
    }
};

QTEST_APPLESS_MAIN(TestError)
#include "tst_error.moc"
