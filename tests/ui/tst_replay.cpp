// SPDX-License-Identifier: GPL-3.0-or-later
// A recorded session (data/session.ndjson: what a worker said during quantize and two evaluations) replays through
// LineChannel into the real Run page.
#include "tests/ui/ui_fixture.h"
#include "ui/pages/result_panel.h"
#include "ui/pages/run_form.h"
#include "ui/pages/run_page.h"
#include "ui/pages/run_view.h"
#include "ui/style/theme.h"
#include "ui/widgets/banner.h"
#include "ui/widgets/data_table.h"
#include "ui/worker/line_channel.h"

#include <QApplication>
#include <QBuffer>
#include <QFile>
#include <QLabel>
#include <QMap>
#include <QTemporaryDir>

#include <memory>

using namespace sa;
using namespace sa::ui;

namespace
{

/// Serves each job with the part of the recording that has the job's place in it.
class Recording final : public JobService
{
public:
    explicit Recording(const QByteArray& lines)
    {
        for (const QByteArray& line : lines.split('\n')) {
            const auto message = parseWorkerMessage(line.toStdString());
            if (message && message->id > 0)
                m_parts[message->id] += line + '\n';
        }
    }
    JobId start(const JobSpec& spec) override
    {
        kinds += QString::fromUtf8(kindOf(spec));
        const JobId id = ++m_id;
        m_bytes = m_parts.value(id);
        m_device = std::make_unique<QBuffer>(&m_bytes);
        m_device->open(QIODevice::ReadOnly);
        m_channel = std::make_unique<LineChannel>(m_device.get());
        connect(m_channel.get(), &LineChannel::received, this,
                [this](const WorkerMessage& message) { deliver(message); });
        connect(m_channel.get(), &LineChannel::ended, this, [this, id] {
            if (m_open)
                Q_EMIT failed(id, {makeError(Errc::Internal, "the recording ends here"), true, {}});
        });
        m_open = true;
        m_channel->finish();
        return id;
    }
    void cancel(JobId) override {}
    bool isBusy() const override { return m_open; }

    QStringList kinds;

private:
    void deliver(const WorkerMessage& message)
    {
        const JobId id = message.id;
        if (const auto* progress = std::get_if<Progress>(&message.body)) {
            Q_EMIT progressed(id, *progress);
        } else if (const auto* layer = std::get_if<LayerResult>(&message.body)) {
            Q_EMIT layerFinished(id, *layer);
        } else if (const auto* result = std::get_if<JobResult>(&message.body)) {
            m_open = false;
            const Json value = result->value;
            // After this slice: the next job replaces the channel that is delivering now.
            QMetaObject::invokeMethod(
                this, [this, id, value] { Q_EMIT finished(id, value); }, Qt::QueuedConnection);
        } else if (const auto* error = std::get_if<Error>(&message.body)) {
            m_open = false;
            const JobFailure failure{*error, false, {}};
            QMetaObject::invokeMethod(
                this, [this, id, failure] { Q_EMIT failed(id, failure); }, Qt::QueuedConnection);
        }
    }

    QMap<JobId, QByteArray> m_parts;
    QByteArray m_bytes;
    std::unique_ptr<QBuffer> m_device;
    std::unique_ptr<LineChannel> m_channel;
    JobId m_id = 0;
    bool m_open = false;
};

QByteArray recorded()
{
    QFile file(QStringLiteral(SA_SOURCE_DIR "/tests/ui/data/session.ndjson"));
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

ModelSummary toyModel(const QString& folder)
{
    ModelSummary model;
    model.folder = folder + "/toy";
    model.architecture = "LlamaForCausalLM";
    model.parameters = 6'917'376;
    model.quantizableParameters = 4'816'896;
    model.originalBytes = model.storedBytes = 13'840'864;
    model.positions = 1024;
    LayerRow layer;
    layer.name = "model.layers.0.self_attn.q_proj";
    layer.N = layer.K = 256;
    layer.bytes = 131'072;
    model.layers = std::vector<LayerRow>(42, layer);
    return model;
}

QString textOf(const QWidget* widget)
{
    QStringList texts;
    for (const QLabel* label : widget->findChildren<QLabel*>())
        texts += label->text();
    return texts.join(u'\n');
}

} // namespace

class TestReplay : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase();
    void init();
    void theRecordedSessionEndsWithItsFigures();
    void aSessionThatBreaksOffShowsWhatIsKnown();

private:
    void startRun(RunPage& page);

    std::unique_ptr<Theme> m_theme;
    QTemporaryDir m_folder;
};

void TestReplay::initTestCase()
{
    m_theme = englishAndLight();
}

void TestReplay::init()
{
    // The offscreen platform says this about every top-level window.
    failOnWarningsOfWindows();
}

void TestReplay::startRun(RunPage& page)
{
    page.resize(1100, 700);
    page.show();
    page.setModel(toyModel(m_folder.path()));
    QTRY_VERIFY_WITH_TIMEOUT(page.form()->canStart(), kPatienceMs);
    page.startRun();
}

void TestReplay::theRecordedSessionEndsWithItsFigures()
{
    const QByteArray lines = recorded();
    QVERIFY(!lines.isEmpty());
    Recording recording(lines);
    RunPage page(recording);
    startRun(page);
    QTRY_VERIFY_WITH_TIMEOUT(page.showsResult(), kPatienceMs);
    QCOMPARE(recording.kinds, (QStringList{"quantize", "evaluate", "evaluate"}));
    QCOMPARE(page.view()->findChild<DataTable*>()->model()->rowCount(), 42);
    const QString words = textOf(page.view()->result());
    QVERIFY2(words.contains(QStringLiteral("5.82")), qPrintable(words)); // MiB, from stored_bytes
    QVERIFY2(words.contains(QStringLiteral("3.13")), qPrintable(words)); // bits a weight
    QVERIFY(!page.banner()->isVisible());
}

void TestReplay::aSessionThatBreaksOffShowsWhatIsKnown()
{
    const QByteArray lines = recorded();
    Recording recording(lines.left(lines.indexOf("\"result\"") - 200)); // within the quantize job
    RunPage page(recording);
    startRun(page);
    QTRY_VERIFY_WITH_TIMEOUT(page.banner()->isVisible(), kPatienceMs);
    QVERIFY(!page.isRunning());
    QVERIFY(page.form()->isVisible());
    QVERIFY(!page.showsResult());
}

QTEST_MAIN(TestReplay)
#include "tst_replay.moc"
