// SPDX-License-Identifier: GPL-3.0-or-later
// The command line killed again and again: whatever the moment, the job is continued, at most one block is done twice,
// and the folder in the end is the one that an undisturbed job makes.
#include "core/base/staged_folder.h"
#include "core/protocol/job_journal.h"
#include "model_folders.h"
#include "tests/support/folder_digests.h"
#include "tests/support/tiny_model.h"

#include <QElapsedTimer>
#include <QProcess>
#include <QTemporaryDir>
#include <QTest>
#include <QThread>

#include <csignal>
#include <map>
#include <random>

using namespace sa;

namespace
{

/// Ends a hanging program; a passing run never comes near.
constexpr int kPatienceMs = 240'000;
constexpr int kKills = 20;
constexpr int kLayersPerBlock = test::kTinyLayersPerBlock;

/// `folder` holds the model "tiny" and "text.txt".
QStringList arguments(const QString& folder, const QString& out, const QStringList& more = {}, int samples = 8)
{
    QStringList all{"quantize", folder + "/tiny", out, "--calibration", folder + "/text.txt", "--json"};
    all << "--bits"
        << "2"
        << "--seqlen"
        << "64"
        << "--rounds"
        << "2"
        << "--samples" << QString::number(samples);
    return all + more;
}

void makeInput(const QString& folder)
{
    test::TinyModel shape;
    shape.hidden = 128; // large enough to be interrupted in the middle
    shape.inner = 256;
    QVERIFY(QDir().mkpath(folder + "/tiny") && test::writeTinyModel(folder.toStdString() + "/tiny", shape));
    QVERIFY(test::writeShortText(folder.toStdString() + "/text.txt"));
}

/// Layers by where they came from, as far as the program's output came through.
struct Layers {
    int computed = 0, restored = 0;

    explicit Layers(const QByteArray& output)
    {
        for (const QByteArray& line : output.split('\n')) {
            const auto event = json::parse(line.toStdString(), {}); // the last line may be torn
            if (event && event->contains("layer"))
                ++((*event)["layer"].value("restored", false) ? restored : computed);
        }
    }
};

Json lastObject(const QByteArray& output)
{
    const auto lines = output.trimmed().split('\n');
    auto parsed = json::parse(lines.last().toStdString(), {});
    return parsed ? *std::move(parsed) : Json::object();
}

void start(QProcess& process, const QStringList& args)
{
    process.setReadChannel(QProcess::StandardOutput);
    process.start(SA_BIN_DIR "/shiftadd", args);
    if (!process.waitForStarted(kPatienceMs))
        qFatal("the program does not start");
}

} // namespace

class TestResume : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void killedAtTwentyRandomMoments()
    {
        const QTemporaryDir folder;
        makeInput(folder.path());
        const QString whole = folder.filePath("whole"), out = folder.filePath("out");
        QElapsedTimer watch;
        watch.start();
        {
            QProcess undisturbed;
            start(undisturbed, arguments(folder.path(), whole));
            QVERIFY(undisturbed.waitForFinished(kPatienceMs));
            QVERIFY2(undisturbed.exitCode() == 0, undisturbed.readAllStandardError().constData());
        }
        const auto expected = test::digestsOf(whole);
        QVERIFY(expected.size() >= 10);
        const auto wholeMs = static_cast<int>(watch.elapsed());

        std::mt19937 random(20240501);
        std::uniform_int_distribution<int> moment(1, wholeMs);
        int kills = 0, killsWithWork = 0;
        for (int runs = 0; kills < kKills; ++runs) {
            QVERIFY2(runs < 20 * kKills, "the machine is too fast or too slow for its own measure");
            const auto before = findUnfinished(out.toStdString());
            const int finishedBefore = before ? static_cast<int>(before->finished.size()) : 0;
            QProcess process;
            start(process, arguments(folder.path(), out, {"--resume"}));
            const bool ended = process.waitForFinished(moment(random));
            if (!ended) {
                ::kill(static_cast<pid_t>(process.processId()), SIGKILL);
                QVERIFY(process.waitForFinished(kPatienceMs));
                ++kills;
            }
            const Layers layers(process.readAllStandardOutput());
            if (QFileInfo::exists(out)) { // it was quicker, or dead right after the rename: all over again
                QVERIFY(test::digestsOf(out) == expected);
                QVERIFY(QDir(out).removeRecursively());
                QDir(QString::fromStdString(StagedFolder::unfinishedRoot(out.toStdString()))).removeRecursively();
                continue;
            }
            QVERIFY2(!ended, process.readAllStandardError().constData());
            const auto after = findUnfinished(out.toStdString());
            const int finishedAfter = after ? static_cast<int>(after->finished.size()) : 0;
            killsWithWork += finishedAfter > 0 ? 1 : 0;
            QVERIFY(finishedAfter >= finishedBefore);
            if (layers.computed > 0) // nothing of what was finished is done again
                QCOMPARE(layers.restored, finishedBefore * kLayersPerBlock);
            // What was computed and is not on disk is one block at most.
            QVERIFY2(layers.computed <= (finishedAfter - finishedBefore + 1) * kLayersPerBlock,
                     qPrintable(QString("%1 layers, %2 to %3 blocks")
                                    .arg(QString::number(layers.computed), QString::number(finishedBefore),
                                         QString::number(finishedAfter))));
        }
        QVERIFY2(killsWithWork > 0, "no kill fell into the middle of a job");

        QProcess last;
        start(last, arguments(folder.path(), out, {"--resume"}));
        QVERIFY(last.waitForFinished(kPatienceMs));
        QVERIFY2(last.exitCode() == 0, last.readAllStandardError().constData());
        QVERIFY(test::digestsOf(out) == expected);
        const auto left =
            QDir(folder.path()).entryList(QDir::AllEntries | QDir::Hidden | QDir::System | QDir::NoDotAndDotDot);
        QCOMPARE(left, (QStringList{"out", "text.txt", "tiny", "whole"}));
    }

    void twoProcessesDoNotShareAFolder()
    {
        const QTemporaryDir folder;
        makeInput(folder.path());
        const QString out = folder.filePath("out");
        QProcess first;
        start(first, arguments(folder.path(), out, {}, 20000));
        QByteArray said;
        while (!said.contains("\"layer\"")) {
            QVERIFY(first.waitForReadyRead(kPatienceMs));
            said += first.readAllStandardOutput();
        }
        for (const QStringList& more : {QStringList{"--resume"}, QStringList{"--restart"}, QStringList{}}) {
            QProcess second;
            start(second, arguments(folder.path(), out, more));
            QVERIFY(second.waitForFinished(kPatienceMs));
            QCOMPARE(second.exitCode(), 3);
            const Json error = lastObject(second.readAllStandardOutput()).value("error", Json::object());
            const auto message = QString::fromStdString(error.value("message", std::string()));
            QVERIFY2(message.contains("another job"), qPrintable(message));
            const auto found = QString::fromStdString(error.value("found", std::string()));
            QVERIFY2(found.contains(QString::number(first.processId())), qPrintable(found));
        }
        QVERIFY(StagedFolder::isLocked(out.toStdString()));
        ::kill(static_cast<pid_t>(first.processId()), SIGKILL);
        QVERIFY(first.waitForFinished(kPatienceMs));
        QVERIFY(!StagedFolder::isLocked(out.toStdString()));
    }
};

QTEST_GUILESS_MAIN(TestResume)
#include "tst_resume.moc"
