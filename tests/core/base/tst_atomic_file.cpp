// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/atomic_file.h"
#include "core/base/file.h"
#include "core/base/sha256.h"
#include "core/base/staged_folder.h"

#include <QDir>
#include <QFile>
#include <QTemporaryDir>
#include <QTest>

#include <csignal>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace sa;

class TestAtomicFile : public QObject
{
    Q_OBJECT
    QTemporaryDir m_folder;
    std::string path(const char* name) const { return m_folder.filePath(QString::fromLatin1(name)).toStdString(); }
    QStringList entries() const
    {
        return QDir(m_folder.path()).entryList(QDir::AllEntries | QDir::Hidden | QDir::NoDotAndDotDot);
    }

private Q_SLOTS:
    void init() { QVERIFY(m_folder.isValid()); }
    void cleanup()
    {
        for (const auto& entry : entries()) {
            const QString full = m_folder.filePath(entry);
            QFileInfo(full).isDir() ? (void)QDir(full).removeRecursively() : (void)QFile::remove(full);
        }
    }

    void aFileAppearsWholeOrNotAtAll()
    {
        {
            auto file = AtomicFile::create(path("a"));
            QVERIFY(file);
            QVERIFY(file->write("half"));
            QVERIFY(!exists(path("a")));
        }
        QVERIFY(entries().isEmpty()); // dropped without commit: nothing stays
        QVERIFY(writeFileAtomic(path("a"), "whole"));
        QCOMPARE(*readFile(path("a"), 100), std::string("whole"));
        QCOMPARE(entries(), QStringList{"a"});
    }

    void anOldFileSurvivesAWriterThatRunsOutOfSpace()
    {
        QVERIFY(writeFileAtomic(path("a"), "old"));
        // A file size limit makes write() fail part of the way, as a full disk does.
        const pid_t child = ::fork();
        if (child == 0) {
            ::signal(SIGXFSZ, SIG_IGN);
            const rlimit limit{4096, 4096};
            ::setrlimit(RLIMIT_FSIZE, &limit);
            const auto written = writeFileAtomic(path("a"), std::string(100'000, 'x'));
            ::_exit(written ? 1 : 0);
        }
        int status = 0;
        QCOMPARE(::waitpid(child, &status, 0), child);
        QVERIFY(WIFEXITED(status));
        QCOMPARE(WEXITSTATUS(status), 0);
        QCOMPARE(*readFile(path("a"), 100), std::string("old"));
        QCOMPARE(entries(), QStringList{"a"});
    }

    void aFolderThatCannotBeWrittenIsNamed()
    {
        const auto written = writeFileAtomic(path("no/such/folder/a"), "x");
        QVERIFY(!written);
        QCOMPARE(written.error().code, Errc::NotFound);
        QCOMPARE(written.error().file, path("no/such/folder/a"));
    }

    void aStagedFolderAppearsWithAllItsFiles()
    {
        auto stage = StagedFolder::create(path("out"));
        QVERIFY(stage);
        QVERIFY(writeFileAtomic(joinPath(stage->path(), "x"), "1"));
        QVERIFY(!exists(path("out")));
        QVERIFY(stage->publish());
        QCOMPARE(*readFile(path("out/x"), 10), std::string("1"));
        QCOMPARE(entries(), QStringList{"out"}); // no lock, no stage
    }

    void aStagedFolderThatIsDroppedLeavesNothing()
    {
        {
            auto stage = StagedFolder::create(path("out"));
            QVERIFY(stage);
            QVERIFY(writeFileAtomic(joinPath(stage->path(), "x"), "1"));
        }
        QVERIFY(entries().isEmpty());
    }

    void anEmptyFolderMayBeTheTarget()
    {
        QVERIFY(QDir(m_folder.path()).mkdir("out"));
        auto stage = StagedFolder::create(path("out/"));
        QVERIFY(stage);
        QVERIFY(writeFileAtomic(joinPath(stage->path(), "x"), "1"));
        QVERIFY(stage->publish());
        QVERIFY(exists(path("out/x")));
    }

    void busyTargetsAreRefused()
    {
        QVERIFY(QDir(m_folder.path()).mkdir("full"));
        QVERIFY(writeFileAtomic(path("full/precious"), "1"));
        auto full = StagedFolder::create(path("full"));
        QVERIFY(!full);
        QCOMPARE(full.error().code, Errc::BadInput);
        QCOMPARE(full.error().found, std::string("precious"));
        QVERIFY(writeFileAtomic(path("file"), "1"));
        QVERIFY(!StagedFolder::create(path("file")));

        auto first = StagedFolder::create(path("out"));
        QVERIFY(first);
        auto second = StagedFolder::create(path("out"));
        QVERIFY(!second);
        QVERIFY(second.error().message.find("another job") != std::string::npos);
    }

    void aStageLeftByADeadProcessIsReplaced()
    {
        const pid_t child = ::fork();
        if (child == 0) {
            auto stage = StagedFolder::create(path("out"));
            (void)writeFileAtomic(joinPath(stage->path(), "stale"), "1");
            ::kill(::getpid(), SIGKILL);
        }
        int status = 0;
        QCOMPARE(::waitpid(child, &status, 0), child);
        QVERIFY(!exists(path("out")));
        auto stage = StagedFolder::create(path("out"));
        QVERIFY(stage);
        QVERIFY(!exists(joinPath(stage->path(), "stale")));
        QVERIFY(stage->publish());
        QCOMPARE(entries(), QStringList{"out"});
    }

    void anAppendedFileKeepsWhatItIsToldTo()
    {
        {
            auto file = AppendFile::open(path("log"), 0);
            QVERIFY(file && file->append("one\n") && file->append("two\n") && file->append("tor"));
        }
        QCOMPARE(*readFile(path("log"), 100), std::string("one\ntwo\ntor"));
        auto file = AppendFile::open(path("log"), 8);
        QVERIFY(file && file->append("three\n"));
        QCOMPARE(*readFile(path("log"), 100), std::string("one\ntwo\nthree\n"));
    }

    void aStageThatIsKeptIsContinued()
    {
        for (const char* content : {"first", "second"}) {
            auto stage = StagedFolder::continued(path("out"));
            QVERIFY(stage);
            QVERIFY(writeFileAtomic(joinPath(stage->path(), content), content));
            QVERIFY(writeFileAtomic(joinPath(stage->root(), "records"), content));
            stage->keep(true);
            QVERIFY(StagedFolder::isLocked(path("out")));
        }
        QVERIFY(!StagedFolder::isLocked(path("out")));
        QCOMPARE(entries(), QStringList{".out.unfinished"});
        auto stage = StagedFolder::continued(path("out"));
        QVERIFY(stage);
        QCOMPARE(*readFile(joinPath(stage->root(), "records"), 10), std::string("second"));
        QVERIFY(stage->publish());
        QCOMPARE(entries(), QStringList{"out"});
        QCOMPARE(*readFile(path("out/first"), 10), std::string("first"));
        QCOMPARE(*readFile(path("out/second"), 10), std::string("second"));
        QVERIFY(!exists(path("out/records")));
    }

    void aStageThatIsNotKeptLeavesNothing()
    {
        for (const bool before : {false, true}) { // whether an earlier one was kept
            auto stage = StagedFolder::continued(path("out"));
            QVERIFY(stage);
            stage->keep(!before);
        }
        QVERIFY(entries().isEmpty());
    }

    void onlyOneContinues()
    {
        auto first = StagedFolder::continued(path("out"));
        QVERIFY(first);
        first->keep(true);
        const auto second = StagedFolder::continued(path("out"));
        QVERIFY(!second);
        QCOMPARE(second.error().code, Errc::BadInput);
        QVERIFY(QString::fromStdString(second.error().found).contains(QString::number(::getpid())));
        QVERIFY(!StagedFolder::discardUnfinished(path("out")));
        QVERIFY(exists(first->path()));
    }

    void anotherKindOfStageLeavesItAlone()
    {
        {
            auto kept = StagedFolder::continued(path("out"));
            QVERIFY(kept);
            kept->keep(true);
        }
        QVERIFY(StagedFolder::create(path("out")));
        QCOMPARE(entries(), QStringList{".out.unfinished"});
        QVERIFY(StagedFolder::discardUnfinished(path("out")));
        QVERIFY(entries().isEmpty());
        QVERIFY(StagedFolder::discardUnfinished(path("out")));
    }

    void onlyRegularFilesAreRead()
    {
        QVERIFY(!File::open(path("absent")));
        QCOMPARE(File::open(path("absent")).error().code, Errc::NotFound);
        QVERIFY(!File::open(m_folder.path().toStdString()));
        QCOMPARE(::mkfifo(path("pipe").c_str(), 0600), 0);
        const auto pipe = File::open(path("pipe")); // must not wait for a writer
        QVERIFY(!pipe);
        QCOMPARE(pipe.error().found, std::string("a pipe"));
        QVERIFY(!File::open("/dev/zero"));
    }

    void readsPastTheEndFail()
    {
        QVERIFY(writeFileAtomic(path("a"), "12345"));
        const auto file = File::open(path("a"));
        QVERIFY(file);
        std::vector<std::byte> buffer(3);
        QVERIFY(file->readAt(2, buffer));
        QVERIFY(!file->readAt(3, buffer));
        QVERIFY(!file->readAt(~std::uint64_t{0}, buffer));
        QVERIFY(!readFile(path("a"), 4));
        QCOMPARE(::truncate(path("a").c_str(), 2), 0); // cut under our hands
        const auto cut = file->readAt(0, buffer);
        QVERIFY(!cut);
        QCOMPARE(cut.error().code, Errc::BadFormat);
    }

    void sha256MatchesTheStandard()
    {
        QCOMPARE(sha256Of("abc"), std::string("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
        QVERIFY(writeFileAtomic(path("a"), std::string(3'000'000, 'a')));
        QCOMPARE(*sha256OfFile(path("a")), sha256Of(std::string(3'000'000, 'a')));
    }
};

QTEST_APPLESS_MAIN(TestAtomicFile)
#include "tst_atomic_file.moc"
