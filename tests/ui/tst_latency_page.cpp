// SPDX-License-Identifier: GPL-3.0-or-later
// The Latency page with a process of the scripted worker, and what its figures are called.
#include "tests/ui/measure_fixture.h"
#include "ui/compare/pair_chooser.h"
#include "ui/measure/job_strip.h"
#include "ui/measure/kept_results.h"
#include "ui/measure/latency_form.h"
#include "ui/measure/latency_page.h"
#include "ui/measure/latency_view.h"
#include "ui/measure/memory_bars.h"
#include "ui/widgets/banner.h"
#include "ui/widgets/data_table.h"

#include <QClipboard>
#include <QPushButton>

using namespace sa;
using namespace sa::ui;

namespace
{

Json spread(double median, double half)
{
    return {{"median", median}, {"low", median - half}, {"high", median + half}};
}

QString textOf(const Json& value)
{
    return QString::fromStdString(value.dump());
}

Json twoModels(double before, double after, double half, std::int64_t bytesBefore, std::int64_t bytesAfter)
{
    const auto model = [half](const char* name, double seconds, std::int64_t bytes) {
        return Json{{"model", name},
                    {"memory", {{"linear_bytes", bytes}}},
                    {"lengths",
                     {{{"prompt_tokens", 16},
                       {"first_token_seconds", spread(0.1, 0.01)},
                       {"decode_seconds_per_token", spread(seconds, half)}}}}};
    };
    return {{"models", {model("/a", before, bytesBefore), model("/b", after, bytesAfter)}}, {"repeats", 5}};
}

} // namespace

class TestLatencyPage : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { m_theme = englishAndLight(); }
    void init() { failOnWarningsOfWindows(); }
    void cleanup()
    {
        m_page.reset();
        m_fixture.reset();
    }

    void theHeadlineSaysWhatWasMeasured_data()
    {
        QTest::addColumn<QString>("result");
        QTest::addColumn<QString>("headline");
        const auto row = [](const char* name, const Json& result, const char* headline) {
            QTest::addRow("%s", name) << textOf(result) << QString::fromUtf8(headline);
        };
        row("faster and smaller", twoModels(0.018, 0.010, 0.0001, 1000, 210),
            "Decodes 1.8 times as fast, in 0.21 of the memory");
        row("slower is said first", twoModels(0.010, 0.0143, 0.0001, 1000, 210),
            "Slower: decodes at 0.70 of the speed, in 0.21 of the memory");
        row("spreads that overlap are no difference", twoModels(0.010, 0.012, 0.002, 1000, 500),
            "Decodes as fast, in 0.50 of the memory");
        row("two per cent are no difference", twoModels(0.010, 0.0102, 0.00001, 1000, 500),
            "Decodes as fast, in 0.50 of the memory");
        row("larger is said, too", twoModels(0.018, 0.010, 0.0001, 1000, 1500),
            "Decodes 1.8 times as fast, in 1.5 times the memory");
        row("fractions of ten and more are whole", twoModels(0.5, 0.010, 0.0001, 1000, 1000),
            "Decodes 50 times as fast, in 1.0 of the memory");
    }
    void theHeadlineSaysWhatWasMeasured()
    {
        QFETCH(QString, result);
        QFETCH(QString, headline);
        const auto parsed = parseLatencyResult(Json::parse(result.toStdString()));
        QVERIFY2(parsed, parsed ? "" : parsed.error().sentence().c_str());
        QCOMPARE(latencyHeadline(*parsed), headline);
    }

    void aResultThatContradictsItselfIsRefused_data()
    {
        QTest::addColumn<QString>("result");
        QTest::addRow("nothing") << textOf(Json::object());
        QTest::addRow("no models") << textOf({{"models", Json::array()}});
        QTest::addRow("three models") << textOf({{"models", {1, 2, 3}}});
        Json uneven = twoModels(1, 1, 0, 1, 1);
        uneven["models"][1]["lengths"].push_back(uneven["models"][1]["lengths"][0]);
        QTest::addRow("lengths of one model only") << textOf(uneven);
        Json negative = twoModels(1, 1, 0, 1, 1);
        negative["models"][0]["lengths"][0]["first_token_seconds"]["median"] = -1;
        QTest::addRow("negative time") << textOf(negative);
    }
    void aResultThatContradictsItselfIsRefused()
    {
        QFETCH(QString, result);
        QVERIFY(!parseLatencyResult(Json::parse(result.toStdString())));
    }

    void lengthsAreNumbersAndCommas()
    {
        QCOMPARE(*parseLengths("256, 16,64,16"), (std::vector<int>{16, 64, 256}));
        for (const char* wrong : {"", "16;64", "0", "a", "16,,64", "-5", "1e3"})
            QVERIFY2(!parseLengths(wrong), wrong);
    }

    void thePageOffersModelsUntilItHasBoth()
    {
        makePage();
        QVERIFY(m_page->chooser()->isVisible());
        QVERIFY(!m_page->obstacle().isEmpty());
        m_fixture->choose("toy", "toy-packed");
        QVERIFY(!m_page->chooser()->isVisible());
        QVERIFY(m_page->obstacle().isEmpty());
        m_fixture->pair.choose(ModelPair::kOriginal, m_fixture->pair.folder(ModelPair::kCompressed));
        QVERIFY(m_page->obstacle().contains("same folder"));
        m_fixture->choose("toy", "toy-packed");
        m_page->form()->lengthsEdit()->setText("16, x");
        QVERIFY(m_page->obstacle().contains("commas"));
        m_page->measure();
        QVERIFY(!m_page->isRunning());
    }

    void figuresComeAndAreKept()
    {
        makePage();
        m_fixture->choose("toy", "toy-packed");
        QSignalSpy keptSpy(m_page.get(), &LatencyPage::kept);
        m_page->measure();
        QVERIFY(m_page->isRunning());
        QTRY_VERIFY_WITH_TIMEOUT(m_page->strip()->fraction() > 0, kPatienceMs);
        QVERIFY(m_page->strip()->isVisible());
        QVERIFY(m_page->strip()->text().contains("runs"));
        QTRY_VERIFY_WITH_TIMEOUT(!m_page->isRunning(), kPatienceMs);
        QVERIFY(m_page->showsResult());
        QVERIFY(m_page->view()->headline().startsWith("Decodes 1.9 times as fast, in 0.31 of the memory"));
        QVERIFY(m_page->view()->memory()->accessibleDescription().contains("toy-packed: Weights 5.82"));
        QVERIFY(m_page->view()->energy().contains("Not measured on this machine"));
        QVERIFY(m_page->view()->energy().contains(QString::fromUtf8("500 µJ, 250 µJ")));
        DataTable* table = m_page->view()->table();
        QCOMPARE(table->model()->rowCount(), 6);
        table->selectAll();
        QTest::keyClick(table, Qt::Key_C, Qt::ControlModifier);
        QCOMPARE(QApplication::clipboard()->text().count(u'\n'), 7);
        QVERIFY(QApplication::clipboard()->text().contains("toy-packed\t16\t8.00\t7.60 to 8.40"));
        QTRY_COMPARE_WITH_TIMEOUT(keptSpy.size(), 1, kPatienceMs);

        m_page.reset(); // the next session
        showPage();
        QTRY_VERIFY_WITH_TIMEOUT(m_page->showsResult(), kPatienceMs);
        QVERIFY(!m_page->isStale());
        MeasureFixture::write(m_fixture->pair.folder(1) + "/model.safetensors", "other weights");
        m_page->hide();
        m_page->show();
        QTRY_VERIFY_WITH_TIMEOUT(m_page->isStale(), kPatienceMs);
        QVERIFY(m_page->view()->provenance().contains("changed"));
        m_fixture->choose("toy", "toy-packed-other");
        QVERIFY(!m_page->showsResult());
    }

    void measuredEnergyIsCalledMeasured()
    {
        makePage();
        m_fixture->choose("metered", "metered-packed");
        m_page->measure();
        QTRY_VERIFY_WITH_TIMEOUT(m_page->showsResult(), kPatienceMs);
        QVERIFY(m_page->view()->energy().contains("measured: 30.0 mJ, 15.0 mJ"));
        QVERIFY(m_page->view()->energy().contains("RAPL"));
    }

    void aSlowerModelIsCalledSlower()
    {
        makePage();
        m_fixture->choose("toy", "sluggish-packed");
        m_page->measure();
        QTRY_VERIFY_WITH_TIMEOUT(m_page->showsResult(), kPatienceMs);
        QVERIFY(m_page->view()->headline().startsWith("Slower: decodes at 0.5"));
    }

    void figuresAreExported()
    {
        makePage();
        m_fixture->choose("toy", "toy-packed");
        m_page->measure();
        QTRY_VERIFY_WITH_TIMEOUT(m_page->showsResult(), kPatienceMs);
        const QString json = m_fixture->folder.filePath("out.json"), csv = m_fixture->folder.filePath("out.csv");
        m_page->exportTo(json);
        m_page->exportTo(csv);
        QTRY_VERIFY_WITH_TIMEOUT(QFile::exists(json) && QFile::exists(csv), kPatienceMs);
        QVERIFY(*json::parseFile(json.toStdString()) == m_page->result()->raw);
        QCOMPARE(MeasureFixture::read(csv).count('\n'), 7);
        m_page->exportTo(m_fixture->folder.filePath("no/such/folder.json"));
        QTRY_VERIFY_WITH_TIMEOUT(m_page->banner()->details().contains("not exported"), kPatienceMs);
    }

    void cancelLeavesTheEarlierFigures()
    {
        makePage();
        m_fixture->choose("toy", "toy-packed");
        m_page->measure();
        QTRY_VERIFY_WITH_TIMEOUT(m_page->showsResult(), kPatienceMs);
        m_page->measure();
        QTRY_VERIFY_WITH_TIMEOUT(m_page->strip()->fraction() > 0, kPatienceMs);
        m_page->cancel();
        QTRY_VERIFY_WITH_TIMEOUT(!m_page->isRunning(), kPatienceMs);
        QVERIFY(m_page->banner()->isVisible());
        QVERIFY(m_page->showsResult());
    }

    void aFailureIsTold()
    {
        makePage();
        m_fixture->choose("broken", "toy-packed");
        m_page->measure();
        QTRY_VERIFY_WITH_TIMEOUT(!m_page->isRunning(), kPatienceMs);
        QTRY_VERIFY_WITH_TIMEOUT(m_page->banner()->isVisible(), kPatienceMs);
        QVERIFY(!m_page->showsResult());
    }

    void anotherJobGoesFirst()
    {
        makePage();
        m_fixture->choose("toy", "toy-packed");
        m_page->setWorkerBusy(true);
        QVERIFY(m_page->obstacle().contains("busy"));
        m_page->measure();
        QVERIFY(!m_page->isRunning());
    }

    void everyControlHasAName()
    {
        makePage();
        m_fixture->choose("toy", "toy-packed");
        m_page->measure();
        QTRY_VERIFY_WITH_TIMEOUT(m_page->showsResult(), kPatienceMs);
        QCOMPARE(namelessControls(*m_page).join(u' '), QString());
    }

private:
    void makePage()
    {
        m_fixture = std::make_unique<MeasureFixture>();
        showPage();
    }
    void showPage()
    {
        m_page = std::make_unique<LatencyPage>(m_fixture->worker, m_fixture->pair,
                                               LatencyPage::Options{m_fixture->folder.filePath("measurements")});
        m_page->resize(1180, 720);
        m_page->show();
    }

    std::unique_ptr<Theme> m_theme;
    std::unique_ptr<MeasureFixture> m_fixture;
    std::unique_ptr<LatencyPage> m_page;
};

QTEST_MAIN(TestLatencyPage)
#include "tst_latency_page.moc"
