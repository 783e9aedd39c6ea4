// SPDX-License-Identifier: GPL-3.0-or-later
// Quantize jobs that end early and are continued (docs/decisions/0010), in the test's own process.
#include "core/base/file.h"
#include "core/base/staged_folder.h"
#include "core/protocol/job_journal.h"
#include "job_runner.h"
#include "tests/support/folder_digests.h"
#include "tests/support/tiny_model.h"

#include <QDir>
#include <QDirIterator>
#include <QTemporaryDir>
#include <QTest>

#include <csignal>
#include <sys/resource.h>

using namespace sa;

namespace
{

constexpr int kBlocks = 6;
constexpr int kFinished = 2; ///< blocks of the unfinished job that most tests start from
constexpr int kLayersPerBlock = test::kTinyLayersPerBlock;

bool copyTree(const QString& from, const QString& to)
{
    bool ok = QDir().mkpath(to);
    QDirIterator files(from, QDir::Files | QDir::Hidden, QDirIterator::Subdirectories);
    while (files.hasNext()) {
        const QString path = files.next();
        const QString target = to + u'/' + QDir(from).relativeFilePath(path);
        ok = ok && QDir().mkpath(QFileInfo(target).path()) && QFile::copy(path, target) &&
             QFile::setPermissions(target, QFile::ReadOwner | QFile::WriteOwner);
    }
    return ok;
}

void flipByte(const QString& path, qint64 place)
{
    QFile file(path);
    QVERIFY(file.open(QIODevice::ReadWrite));
    QVERIFY(file.seek(place < 0 ? file.size() + place : place));
    const char old = file.peek(1).at(0);
    const char flipped = static_cast<char>(old ^ 0x10);
    QCOMPARE(file.write(&flipped, 1), 1);
}

/// What a job said, sorted.
struct Said {
    int computed = 0, restored = 0; ///< layers
    QStringList warnings;
    double firstDone = -1; ///< of the first progress of the quantizing itself

    explicit Said(const std::vector<Json>& events)
    {
        for (const auto& event : events) {
            if (event.contains("layer"))
                ++(event["layer"].value("restored", false) ? restored : computed);
            if (event.contains("note") && event["note"]["severity"] == "warning")
                warnings += QString::fromStdString(event["note"]["message"].get<std::string>());
            if (event.contains("progress") && event["progress"]["phase"] == "quantize" && firstDone < 0)
                firstDone = event["progress"]["done"].get<double>();
        }
    }
};

} // namespace

class TestResumeJob : public QObject
{
    Q_OBJECT
    QTemporaryDir m_folder;
    std::map<QString, std::string> m_whole; ///< of the uninterrupted job's folder
    Error m_cancelled;
    std::string m_mode = "lat";

    QString path(const QString& name) const { return m_folder.filePath(name); }
    std::string out() const { return path("out").toStdString(); }
    QString unfinished() const { return QString::fromStdString(StagedFolder::unfinishedRoot(out())); }
    QString shard(int block) const
    {
        return unfinished() + QString::asprintf("/model/model-%05d-of-%05d.safetensors", block + 2, kBlocks + 1);
    }
    QString journal() const { return unfinished() + "/journal.jsonl"; }
    QuantizeSpec quickJob(const std::string& out) const
    {
        QuantizeSpec spec;
        spec.model = path("tiny").toStdString();
        spec.out = out;
        spec.mode = m_mode;
        spec.bits = 2;
        spec.calibration = {path("text.txt").toStdString()};
        spec.samples = 3;
        spec.seqlen = 64;
        spec.rounds = 2;
        return spec;
    }
    QuantizeSpec resumed() const
    {
        QuantizeSpec spec = quickJob(out());
        spec.resume = true;
        return spec;
    }
    QStringList leftovers() const
    {
        return QDir(m_folder.path()).entryList({"*out*"}, QDir::AllEntries | QDir::Hidden | QDir::NoDotAndDotDot);
    }
    /// Runs it to its end, which must be the uninterrupted job's.
    Said finish(const QuantizeSpec& spec)
    {
        std::vector<Json> events;
        const auto result = test::run(spec, &events);
        if (!result) {
            QTest::qFail(result.error().sentence().c_str(), __FILE__, __LINE__);
            return Said(events);
        }
        QTest::qCompare((*result)["layers"].size(), std::size_t{kBlocks * kLayersPerBlock}, "layers", "all", __FILE__,
                        __LINE__);
        QTest::qVerify(test::digestsOf(path("out")) == m_whole, "the folder is the uninterrupted one", "", __FILE__,
                       __LINE__);
        QTest::qCompare(leftovers(), QStringList{"out"}, "what is there", "the folder alone", __FILE__, __LINE__);
        return Said(events);
    }

private Q_SLOTS:
    void initTestCase()
    {
        QVERIFY(QDir().mkpath(path("tiny")) && test::writeTinyModel(path("tiny").toStdString()));
        QVERIFY(test::writeShortText(path("text.txt").toStdString()));
        QVERIFY(test::run(quickJob(path("whole").toStdString())));
        m_whole = test::digestsOf(path("whole"));
        QVERIFY(m_whole.size() >= kBlocks + 4);
        // In the middle of the third block
        const auto stopped = test::runUntil(quickJob(out()), kFinished * kLayersPerBlock + 3, {});
        QVERIFY(!stopped);
        m_cancelled = stopped.error();
        QVERIFY(QFile::rename(unfinished(), path("template")));
        QCOMPARE(leftovers(), QStringList());
    }

    void init() { QVERIFY(copyTree(path("template"), unfinished())); }

    void cleanup()
    {
        QDir(path("out")).removeRecursively();
        QDir(unfinished()).removeRecursively();
        QCOMPARE(leftovers(), QStringList());
    }

    void aCancelledJobKeepsItsBlocksAndSaysSo()
    {
        QCOMPARE(m_cancelled.code, Errc::Cancelled);
        QVERIFY2(m_cancelled.remedy.find("2 of 6 blocks are kept") != std::string::npos, m_cancelled.remedy.c_str());
        QVERIFY(m_cancelled.remedy.find("--resume") != std::string::npos);
        const auto found = findUnfinished(out());
        QVERIFY(found);
        QCOMPARE(found->finished.size(), std::size_t{kFinished});
        QCOMPARE(found->finishedLayers(), kFinished * kLayersPerBlock);
        QCOMPARE(found->layers, kBlocks * kLayersPerBlock);
        QVERIFY(found->seconds() > 0);
    }

    void aResumedFolderIsTheUninterruptedOne_data()
    {
        QTest::addColumn<int>("threads");
        QTest::addRow("with as many threads as there are cores") << 0;
        QTest::addRow("with one thread") << 1;
        QTest::addRow("with three threads") << 3;
    }
    void aResumedFolderIsTheUninterruptedOne()
    {
        QFETCH(int, threads);
        QuantizeSpec spec = resumed();
        spec.threads = threads;
        const Said said = finish(spec);
        QCOMPARE(said.restored, kFinished * kLayersPerBlock);
        QCOMPARE(said.computed, (kBlocks - kFinished) * kLayersPerBlock);
        QCOMPARE(said.firstDone, static_cast<double>(kFinished * kLayersPerBlock));
        QVERIFY(said.warnings.isEmpty());
    }

    void theOtherModeIsResumedToo()
    {
        // Its layers have transforms, which the shards and the journal carry.
        QVERIFY(QDir(unfinished()).removeRecursively());
        m_mode = "acc";
        const auto lat = std::exchange(m_whole, {});
        QVERIFY(test::run(quickJob(path("whole-acc").toStdString())));
        m_whole = test::digestsOf(path("whole-acc"));
        const auto stopped = test::runUntil(quickJob(out()), 3 * kLayersPerBlock + 1, {});
        QVERIFY(!stopped);
        QCOMPARE(finish(resumed()).restored, 3 * kLayersPerBlock);
        m_mode = "lat";
        m_whole = lat;
    }

    void theTimeOfAllStartsIsSummedUp()
    {
        const double before = findUnfinished(out())->seconds();
        const auto result = test::run(resumed());
        QVERIFY(result);
        QVERIFY((*result)["seconds"].get<double>() > before);
    }

    void aJobMayBeStoppedAgainAndAgain()
    {
        for (int start = 0; start < kBlocks - kFinished - 1; ++start) {
            const auto stopped = test::runUntil(resumed(), kLayersPerBlock + 1, {});
            QVERIFY(!stopped);
            QCOMPARE(stopped.error().code, Errc::Cancelled);
            QCOMPARE(findUnfinished(out())->finished.size(), static_cast<std::size_t>(kFinished + 1 + start));
        }
        finish(resumed());
    }

    void withoutAWordItIsNeitherContinuedNorLost()
    {
        const auto before = test::digestsOf(unfinished());
        const auto refused = test::run(quickJob(out()));
        QVERIFY(!refused);
        QCOMPARE(refused.error().code, Errc::BadInput);
        QVERIFY(refused.error().sentence().find("2 of 6 blocks") != std::string::npos);
        QVERIFY(refused.error().remedy.find("--resume") != std::string::npos);
        QVERIFY(refused.error().remedy.find("--restart") != std::string::npos);
        QVERIFY(test::digestsOf(unfinished()) == before);
    }

    void restartDiscardsIt()
    {
        QuantizeSpec spec = quickJob(out());
        spec.restart = true;
        QCOMPARE(finish(spec).restored, 0);
    }

    void thereMayBeNothingToResume()
    {
        QVERIFY(QDir(unfinished()).removeRecursively());
        QCOMPARE(finish(resumed()).restored, 0);
    }

    void aJobWithoutAFinishedBlockLeavesNothing()
    {
        QVERIFY(QDir(unfinished()).removeRecursively());
        const auto stopped = test::runUntil(quickJob(out()), 2, {});
        QVERIFY(!stopped);
        QVERIFY(stopped.error().remedy.empty());
        QCOMPARE(leftovers(), QStringList());
    }

    void anotherJobIsRefusedByField_data()
    {
        QTest::addColumn<QString>("field");
        QTest::addColumn<std::function<void(QuantizeSpec&, const QString&)>>("change");
        using Change = std::function<void(QuantizeSpec&, const QString&)>;
        const auto row = [](const char* field, Change change) {
            QTest::addRow("%s", field) << QString(field) << std::move(change);
        };
        const auto changedModel = [this](const char* file,
                                         const std::function<void(const QString&)>& change) -> Change {
            return [=, this](QuantizeSpec& spec, const QString& folder) {
                const QString model = folder + "/model";
                QDir(model).removeRecursively();
                QVERIFY(copyTree(path("tiny"), model));
                change(model + u'/' + file);
                spec.model = model.toStdString();
            };
        };
        row("recipe.bits", [](QuantizeSpec& s, const QString&) { s.bits = 3; });
        row("recipe.head_bits", [](QuantizeSpec& s, const QString&) { s.headBits = 8; });
        row("recipe.rounds", [](QuantizeSpec& s, const QString&) { s.rounds = 3; });
        row("recipe.apot", [](QuantizeSpec& s, const QString&) { s.apot = 2; });
        row("recipe.damping", [](QuantizeSpec& s, const QString&) { s.damping = 0.02; });
        row("recipe.group_rows", [](QuantizeSpec& s, const QString&) { s.groupRows = 16; });
        row("calibration.samples", [](QuantizeSpec& s, const QString&) { s.samples = 4; });
        row("calibration.seqlen", [](QuantizeSpec& s, const QString&) { s.seqlen = 65; });
        row("calibration.seed", [](QuantizeSpec& s, const QString&) { s.seed = 1; });
        row("calibration.sha256", [](QuantizeSpec& s, const QString&) {
            s.calibration = {SA_SOURCE_DIR "/resources/sample-text/evaluation.raw.txt"};
        });
        row("source.weights_sha256.model.safetensors", changedModel("model.safetensors", [](const QString& file) {
                flipByte(file, -1); // size and names stay
            }));
        row("source.config_sha256", changedModel("config.json", [](const QString& file) {
                QFile config(file);
                QVERIFY(config.open(QIODevice::Append) && config.write(" ") == 1);
            }));
        row("source.tokenizer_sha256", changedModel("tokenizer.json", [](const QString& file) {
                QFile tokenizer(file);
                QVERIFY(tokenizer.open(QIODevice::Append) && tokenizer.write(" ") == 1);
            }));
    }
    void anotherJobIsRefusedByField()
    {
        QFETCH(QString, field);
        using Change = std::function<void(QuantizeSpec&, const QString&)>;
        QFETCH(Change, change);
        QuantizeSpec spec = resumed();
        change(spec, m_folder.path());
        const auto before = test::digestsOf(unfinished());
        const auto refused = test::run(spec);
        QVERIFY(!refused);
        QCOMPARE(refused.error().code, Errc::BadInput);
        const QString message = QString::fromStdString(refused.error().message);
        QVERIFY2(message.contains(field + " (found "), qPrintable(message));
        QVERIFY2(message.contains(", expected "), qPrintable(message));
        QVERIFY(findUnfinished(out()));
        QVERIFY2(before.at("journal.jsonl") == test::digestsOf(unfinished()).at("journal.jsonl"),
                 "the journal was touched");
        QVERIFY(test::digestsOf(unfinished()).size() + 20 > before.size());
        finish(resumed()); // and it can still be continued
    }

    void allDifferencesAreNamedAtOnce()
    {
        QuantizeSpec spec = resumed();
        spec.bits = 4;
        spec.seed = 9;
        const auto refused = test::run(spec);
        QVERIFY(!refused);
        const QString message = QString::fromStdString(refused.error().message);
        QVERIFY2(message.contains("recipe.bits (found 4, expected 2)"), qPrintable(message));
        QVERIFY2(message.contains("calibration.seed (found 9, expected 0)"), qPrintable(message));
        QVERIFY2(!message.contains("rounds"), qPrintable(message));
    }

    void damageIsDoneAgain_data()
    {
        QTest::addColumn<std::function<void(const TestResumeJob&)>>("damage");
        QTest::addColumn<int>("intact");
        QTest::addColumn<bool>("warned");
        using Damage = std::function<void(const TestResumeJob&)>;
        const auto row = [](const char* name, int intact, bool warned, Damage damage) {
            QTest::addRow("%s", name) << std::move(damage) << intact << warned;
        };
        row("a byte of the first shard", 0, true, [](const auto& t) { flipByte(t.shard(0), 1000); });
        row("the last byte of the second shard", 1, true, [](const auto& t) { flipByte(t.shard(1), -1); });
        row("a shard is cut", 1, true, [](const auto& t) { QVERIFY(QFile::resize(t.shard(1), 100)); });
        row("a shard is gone", 0, true, [](const auto& t) { QVERIFY(QFile::remove(t.shard(0))); });
        row("two shards are swapped", 0, true, [](const auto& t) {
            QVERIFY(QFile::rename(t.shard(0), t.shard(0) + ".x"));
            QVERIFY(QFile::rename(t.shard(1), t.shard(0)));
            QVERIFY(QFile::rename(t.shard(0) + ".x", t.shard(1)));
        });
        row("the last line of the journal is torn", 1, false, [](const auto& t) {
            QFile file(t.journal());
            QVERIFY(file.resize(file.size() - 40));
        });
        row("the last line of the journal is torn to its first byte", 1, false, [](const auto& t) {
            QFile file(t.journal());
            QVERIFY(file.open(QIODevice::ReadOnly));
            const QByteArray text = file.readAll();
            file.close();
            QVERIFY(file.resize(text.lastIndexOf('\n', -2) + 2));
        });
        row("nothing but the line end of the last line is missing", 1, false, [](const auto& t) {
            QFile file(t.journal());
            QVERIFY(file.resize(file.size() - 1));
        });
        row("a bit of the last line of the journal", 1, true, [](const auto& t) { flipByte(t.journal(), -300); });
        row("the line of the first block is gone", 0, true, [](const auto& t) {
            QFile file(t.journal());
            QVERIFY(file.open(QIODevice::ReadWrite));
            QList<QByteArray> lines = file.readAll().split('\n');
            lines.removeAt(1);
            QVERIFY(file.resize(0) && file.seek(0));
            file.write(lines.join('\n'));
        });
        row("what another program left beside the shards", kFinished, false, [](const auto& t) {
            QFile stray(t.unfinished() + "/model/.model-00004-of-00007.safetensors.partial-1");
            QVERIFY(stray.open(QIODevice::WriteOnly) && stray.write("half") == 4);
            QVERIFY(QDir().mkpath(t.unfinished() + "/model/chat_templates"));
        });
    }
    void damageIsDoneAgain()
    {
        using Damage = std::function<void(const TestResumeJob&)>;
        QFETCH(Damage, damage);
        QFETCH(int, intact);
        QFETCH(bool, warned);
        damage(*this);
        const Said said = finish(resumed());
        QCOMPARE(said.restored, intact * kLayersPerBlock);
        QCOMPARE(!said.warnings.isEmpty(), warned);
    }

    void aJournalThatTellsNothingIsRefused_data()
    {
        QTest::addColumn<QByteArray>("before");
        QTest::addColumn<QByteArray>("after");
        QTest::addColumn<int>("code");
        QTest::addRow("its first line is damaged")
            << QByteArray("\"rounds\":2") << QByteArray("\"rounds\":3") << static_cast<int>(Errc::BadFormat);
        QTest::addRow("its first line is not JSON")
            << QByteArray("{\"check\"") << QByteArray("{check") << static_cast<int>(Errc::BadFormat);
        QTest::addRow("a newer version wrote it")
            << QByteArray("\"format\":1") << QByteArray("\"format\":2") << static_cast<int>(Errc::Unsupported);
    }
    void aJournalThatTellsNothingIsRefused()
    {
        QFETCH(QByteArray, before);
        QFETCH(QByteArray, after);
        QFETCH(int, code);
        QFile file(journal());
        QVERIFY(file.open(QIODevice::ReadWrite));
        QByteArray text = file.readAll();
        const qsizetype place = text.indexOf(before);
        QVERIFY(place >= 0);
        text.replace(place, before.size(), after);
        QVERIFY(file.resize(0) && file.seek(0) && file.write(text) == text.size());
        file.close();
        for (const bool resume : {true, false}) {
            QuantizeSpec spec = quickJob(out());
            spec.resume = resume;
            const auto refused = test::run(spec);
            QVERIFY(!refused);
            if (resume)
                QCOMPARE(static_cast<int>(refused.error().code), code);
            QVERIFY2(refused.error().remedy.find("--restart") != std::string::npos, refused.error().sentence().c_str());
        }
        QVERIFY(QFileInfo::exists(shard(1)));
        QuantizeSpec spec = quickJob(out());
        spec.restart = true;
        finish(spec);
    }

    void aFullDiskKeepsWhatIsFinished()
    {
        // A file size limit makes write() fail part of the way, as a full disk does.
        std::signal(SIGXFSZ, SIG_IGN);
        rlimit old{};
        QCOMPARE(::getrlimit(RLIMIT_FSIZE, &old), 0);
        const auto stopped = test::runUntil(resumed(), kLayersPerBlock + 1, [&] {
            const rlimit limit{4096, old.rlim_max};
            ::setrlimit(RLIMIT_FSIZE, &limit);
        });
        QCOMPARE(::setrlimit(RLIMIT_FSIZE, &old), 0);
        QVERIFY(!stopped);
        QVERIFY2(stopped.error().message.find("write") != std::string::npos, stopped.error().sentence().c_str());
        QVERIFY2(stopped.error().remedy.find("3 of 6 blocks are kept") != std::string::npos,
                 stopped.error().remedy.c_str());
        QCOMPARE(finish(resumed()).restored, (kFinished + 1) * kLayersPerBlock);
    }

    void aFolderThatAppearedWithoutTheLastStepIsNotTouched()
    {
        // The process died between the rename and the removal of its records.
        finish(resumed());
        QVERIFY(QDir().mkpath(unfinished()));
        QVERIFY(QFile::copy(path("template") + "/journal.jsonl", journal()));
        const auto again = test::run(resumed());
        QVERIFY(!again);
        QVERIFY2(again.error().message.find("complete") != std::string::npos, again.error().sentence().c_str());
        QVERIFY(test::digestsOf(path("out")) == m_whole);
        QCOMPARE(leftovers(), QStringList{"out"});
    }
};

QTEST_GUILESS_MAIN(TestResumeJob)
#include "tst_resume_job.moc"
