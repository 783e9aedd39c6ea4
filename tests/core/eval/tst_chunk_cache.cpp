// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/atomic_file.h"
#include "core/base/file.h"
#include "core/base/resources.h"
#include "core/eval/chunk_cache.h"

#include <QDir>
#include <QTemporaryDir>
#include <QTest>

using namespace sa;

class TestChunkCache : public QObject
{
    Q_OBJECT
    QTemporaryDir m_folder;
    std::string root() const { return m_folder.path().toStdString(); }
    std::string fileOf(const char* pattern) const
    {
        const QStringList folders = QDir(m_folder.path()).entryList({"test-*"}, QDir::Dirs);
        return (m_folder.path() + "/" + folders.front() + "/" + pattern).toStdString();
    }

private Q_SLOTS:
    void init() { QVERIFY(QDir(m_folder.path()).removeRecursively() && QDir().mkpath(m_folder.path())); }

    void whatWasWrittenIsReadAgain()
    {
        const std::string bytes("a\n\0b{}", 6);
        const ChunkCache cache(root(), "test", {{"model", "x"}});
        QVERIFY(cache.keeps());
        QVERIFY(!cache.read(0, 100));
        QVERIFY(cache.write(0, bytes));
        QVERIFY(cache.write(3, "other"));
        QVERIFY(ChunkCache(root(), "test", {{"model", "x"}}).read(0, 100) == bytes);
        QVERIFY(cache.read(3, 5) == std::string("other"));
        QVERIFY(!cache.read(1, 100));
        QVERIFY(!ChunkCache(root(), "test", {{"model", "y"}}).read(0, 100)); // another key
        QVERIFY(json::parseFile(fileOf("identity.json")));
    }

    void withoutAFolderNothingIsKept()
    {
        const ChunkCache cache(std::nullopt, "test", {});
        QVERIFY(!cache.keeps());
        QVERIFY(cache.write(0, "x"));
        QVERIFY(!cache.read(0, 100));
    }

    void anyDamageMakesAChunkAbsent_data()
    {
        QTest::addColumn<QByteArray>("damage");
        for (const char* damage : {"a byte", "the header", "cut", "longer", "empty", "another version", "another chunk",
                                   "another key", "no line", "nested"})
            QTest::addRow("%s", damage) << QByteArray(damage);
    }
    void anyDamageMakesAChunkAbsent()
    {
        QFETCH(QByteArray, damage);
        const ChunkCache cache(root(), "test", {{"model", "x"}});
        QVERIFY(cache.write(0, "payload of a chunk"));
        const std::string path = fileOf("chunk-00000.bin");
        std::string text = *readFile(path, 10'000);
        const auto replace = [&](const std::string& from, const std::string& to) {
            text.replace(text.find(from), from.size(), to);
        };
        if (damage == "a byte")
            text.back() ^= 1;
        if (damage == "the header")
            text[3] ^= 1;
        if (damage == "cut")
            text.pop_back();
        if (damage == "longer")
            text += "x";
        if (damage == "empty")
            text.clear();
        if (damage == "another version")
            replace("\"format\":1", "\"format\":2");
        if (damage == "another chunk")
            replace("\"chunk\":0", "\"chunk\":1");
        if (damage == "another key")
            replace("\"key\":\"", "\"key\":\"0");
        if (damage == "no line")
            text = std::string(5000, '{');
        if (damage == "nested")
            text = std::string(500, '[') + "\n";
        QVERIFY(writeFileAtomic(path, text));
        QVERIFY(!cache.read(0, 1'000'000));
        QVERIFY(cache.write(0, "payload of a chunk")); // and can be made again
        QVERIFY(cache.read(0, 1'000'000));
    }

    void largerThanAskedForIsAbsent()
    {
        const ChunkCache cache(root(), "test", {});
        QVERIFY(cache.write(0, std::string(100'000, 'x')));
        QVERIFY(!cache.read(0, 10));
    }

    void theFolderIsTheUsers()
    {
        const QByteArray before = qgetenv("SHIFTADD_CACHE");
        qputenv("SHIFTADD_CACHE", "off");
        QVERIFY(!userCacheFolder());
        qputenv("SHIFTADD_CACHE", "/some/where");
        QVERIFY(userCacheFolder() == std::string("/some/where"));
        qunsetenv("SHIFTADD_CACHE");
        qputenv("XDG_CACHE_HOME", "/x");
        QVERIFY(userCacheFolder() == std::string("/x/shiftadd"));
        qunsetenv("XDG_CACHE_HOME");
        qputenv("SHIFTADD_CACHE", before);
    }
};

QTEST_APPLESS_MAIN(TestChunkCache)
#include "tst_chunk_cache.moc"
