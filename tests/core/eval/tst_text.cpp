// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/file.h"
#include "core/eval/text.h"

#include <QFile>
#include <QTemporaryDir>
#include <QTest>

#include <set>

using namespace sa;

class TestText : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void rawLinesAreJoinedAsTheLiteratureDoes_data()
    {
        QTest::addColumn<QByteArray>("raw");
        QTest::addColumn<QByteArray>("joined");
        QTest::addRow("a title between blank lines")
            << QByteArray(" \n = A = \n \n text \n") << QByteArray("\n\n = A = \n\n\n\n\n text \n");
        QTest::addRow("no final newline") << QByteArray("a\nb") << QByteArray("a\n\n\nb");
        QTest::addRow("one line") << QByteArray("a\n") << QByteArray("a\n");
        QTest::addRow("nothing") << QByteArray() << QByteArray();
    }
    void rawLinesAreJoinedAsTheLiteratureDoes()
    {
        QFETCH(QByteArray, raw);
        QFETCH(QByteArray, joined);
        QCOMPARE(QByteArray::fromStdString(joinRawLines(raw.toStdString())), joined);
    }

    void wikitextJoinsToTheScoredText()
    {
        const auto raw = readText(SA_SHARED_DIR "/data/wikitext2/wiki.test.raw");
        if (!raw)
            QSKIP("the shared data are not here");
        QVERIFY(joinRawLines(*raw) == *readText(SA_SHARED_DIR "/data/wikitext2/test.joined.txt"));
    }

    void emptyTextsAreRefused()
    {
        QTemporaryDir folder;
        const QString path = folder.filePath("t");
        for (const char* content : {"", " \n\t\r\n"}) {
            QFile file(path);
            QVERIFY(file.open(QIODevice::WriteOnly));
            file.write(content);
            file.close();
            const auto text = readText(path.toStdString());
            QVERIFY(!text);
            QCOMPARE(text.error().code, Errc::BadInput);
            QCOMPARE(text.error().file, path.toStdString());
        }
        QCOMPARE(readText("/no/such/file").error().code, Errc::NotFound);
    }

    void windowsAreSeededAndInside()
    {
        std::vector<std::int32_t> ids(1000);
        for (int i = 0; i < 1000; ++i)
            ids[static_cast<std::size_t>(i)] = i;
        const auto a = sampleWindows(ids, 50, 64, 7), b = sampleWindows(ids, 50, 64, 7),
                   c = sampleWindows(ids, 50, 64, 8);
        QVERIFY(a && b && c);
        QCOMPARE(*a, *b);
        QVERIFY(*a != *c);
        std::set<std::int32_t> starts;
        for (const auto& window : *a) {
            QCOMPARE(window.size(), std::size_t{64});
            QCOMPARE(window.back(), window.front() + 63);
            starts.insert(window.front());
        }
        QVERIFY(starts.size() > 40);
        QVERIFY(sampleWindows(std::vector<std::int32_t>(65), 1, 64, 0));
        const auto tooShort = sampleWindows(std::vector<std::int32_t>(64), 1, 64, 0);
        QVERIFY(!tooShort);
        QCOMPARE(tooShort.error().code, Errc::BadInput);
    }
};

QTEST_APPLESS_MAIN(TestText)
#include "tst_text.moc"
