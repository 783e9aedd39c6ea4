// SPDX-License-Identifier: GPL-3.0-or-later
// The Report page and the gate before exports, with a process of the scripted worker: KL 0.07, 4 % more perplexity.
#include "tests/ui/measure_fixture.h"
#include "ui/measure/export_gate.h"
#include "ui/measure/job_strip.h"
#include "ui/measure/limits_card.h"
#include "ui/measure/report_document.h"
#include "ui/measure/report_form.h"
#include "ui/measure/report_page.h"
#include "ui/widgets/banner.h"

#include <QDialog>
#include <QPrintDialog>
#include <QPrinter>
#include <QPushButton>
#include <QTextBrowser>

using namespace sa;
using namespace sa::ui;

class TestReportPage : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { m_theme = englishAndLight(); }
    void init()
    {
        failOnWarningsOfWindows();
        m_fixture = std::make_unique<MeasureFixture>();
        m_window = std::make_unique<QWidget>();
        showPage();
        m_gate = new ExportGate(m_fixture->worker, place(), m_window.get());
    }
    void cleanup()
    {
        m_page.reset();
        m_window.reset();
        m_fixture.reset();
    }

    void nothingIsMadeWithoutTwoModelsAndAText()
    {
        QVERIFY(m_page->obstacle().contains("both models"));
        choose();
        QVERIFY(m_page->obstacle().isEmpty());
        ReportPlan nothing;
        m_page->form()->setPlan(nothing);
        QVERIFY(m_page->obstacle().contains("says nothing"));
        m_page->setWorkerBusy(true);
        QVERIFY(m_page->obstacle().contains("busy"));
    }

    void limitsAreKeptOrExceeded_data()
    {
        QTest::addColumn<double>("kl");
        QTest::addColumn<double>("perplexity");
        QTest::addColumn<QString>("verdict");
        QTest::addColumn<bool>("accepted");
        QTest::addRow("both kept") << 0.1 << 5.0 << "Within all 2 limits" << true;
        QTest::addRow("one exceeded") << 0.05 << 5.0 << "1 limit is exceeded" << false;
        QTest::addRow("both exceeded") << 0.05 << 3.0 << "2 limits are exceeded" << false;
    }
    void limitsAreKeptOrExceeded()
    {
        QFETCH(double, kl);
        QFETCH(double, perplexity);
        QFETCH(QString, verdict);
        QFETCH(bool, accepted);
        make(kl, perplexity);
        QVERIFY(m_page->limits()->text().startsWith(verdict));
        QCOMPARE(m_page->report()->isAccepted(), accepted);
        QVERIFY(m_page->limits()->text().contains("0.0700"));
        QTRY_VERIFY_WITH_TIMEOUT(m_page->preview()->toPlainText().contains("Perplexity 61.25"), kPatienceMs);
        QVERIFY(!m_page->preview()->toPlainText().contains("svg"));
    }

    void aReportComesBackAndKnowsWhenItIsOld()
    {
        make(0.1, 5);
        m_page.reset(); // the next session
        showPage();
        QTRY_VERIFY_WITH_TIMEOUT(m_page->report().has_value(), kPatienceMs);
        QVERIFY(!m_page->report()->stale);
        MeasureFixture::write(m_fixture->pair.folder(0) + "/model.safetensors", "other weights");
        m_page->hide();
        m_page->show();
        QTRY_VERIFY_WITH_TIMEOUT(m_page->report()->stale, kPatienceMs);
        QVERIFY(m_page->limits()->text().contains("changed"));
    }

    void jobsFollowEachOtherAndCancelEndsThem()
    {
        choose();
        ReportPlan plan = planWith(0.1, 5);
        plan.latency = true;
        plan.spec.evaluate.tasks = {"copa"};
        m_page->form()->setPlan(plan);
        QStringList steps;
        connect(m_page->findChild<ReportRun*>(), &ReportRun::stepChanged, this,
                [&](const QString& what) { steps += what; });
        m_page->make();
        QTRY_COMPARE_WITH_TIMEOUT(steps.size(), 2, kPatienceMs);
        QVERIFY(m_page->strip()->isVisible());
        m_page->cancel();
        QTRY_VERIFY_WITH_TIMEOUT(!m_page->isRunning(), kPatienceMs);
        QVERIFY(m_page->banner()->isVisible());
        QVERIFY(!m_page->report());
        steps.clear();
        m_page->make();
        QTRY_VERIFY_WITH_TIMEOUT(m_page->report().has_value(), kPatienceMs);
        QCOMPARE(steps.size(), 5); // text, tasks of both, times, the report
        QVERIFY(m_page->report()->certificate["latency"].is_object());
    }

    void aFailureIsTold()
    {
        choose("toy", "broken-packed");
        m_page->form()->setPlan(planWith(0.1, 5));
        m_page->make();
        QTRY_VERIFY_WITH_TIMEOUT(m_page->banner()->isVisible(), kPatienceMs);
        QVERIFY(!m_page->report() && !m_page->isRunning());
    }

    void theReportIsSaved()
    {
        make(0.1, 5);
        const QString html = m_fixture->folder.filePath("r.html"), pdf = m_fixture->folder.filePath("r.pdf"),
                      json = m_fixture->folder.filePath("r.json");
        for (const QString& path : {html, pdf, json})
            m_page->saveTo(path);
        QTRY_VERIFY_WITH_TIMEOUT(QFile::exists(html) && QFile::exists(pdf) && QFile::exists(json), kPatienceMs);
        QVERIFY(*json::parseFile(json.toStdString()) == m_page->report()->certificate);
        QVERIFY(MeasureFixture::read(pdf).startsWith("%PDF-"));
        QVERIFY(MeasureFixture::read(html).contains("<svg"));
    }

    void theReportIsPrinted()
    {
        make(0.1, 5);
        auto* preview = m_page->findChild<QTextBrowser*>();
        QTRY_VERIFY_WITH_TIMEOUT(preview->toPlainText().contains("Quality certificate"), kPatienceMs);
        m_page->print();
        auto* dialog = m_page->findChild<QPrintDialog*>();
        QVERIFY(dialog && dialog->isVisible());
        const QString path = m_fixture->folder.filePath("printed.pdf");
        dialog->printer()->setOutputFileName(path); // what choosing "Print to File" does
        Q_EMIT dialog->accepted();
        QTRY_VERIFY_WITH_TIMEOUT(m_page->banner()->isVisible(), kPatienceMs);
        QVERIFY2(MeasureFixture::read(path).startsWith("%PDF-"), qPrintable(m_page->banner()->details()));
        dialog->close();
    }

    void anExportWithoutAReportIsNotHeldUp()
    {
        choose();
        QSignalSpy cleared(m_gate, &ExportGate::cleared);
        m_gate->ask(m_fixture->pair.folder(1));
        QTRY_COMPARE_WITH_TIMEOUT(cleared.size(), 1, kPatienceMs);
        QVERIFY(cleared[0][1].toString().isEmpty());
    }

    void aModelWithinItsLimitsTakesItsCertificateAlong()
    {
        make(0.1, 5);
        QSignalSpy cleared(m_gate, &ExportGate::cleared);
        m_gate->ask(m_fixture->pair.folder(1));
        QTRY_COMPARE_WITH_TIMEOUT(cleared.size(), 1, kPatienceMs);
        QVERIFY(*json::parseFile(cleared[0][1].toString().toStdString()) == m_page->report()->certificate);
    }

    void pastALimitOnlyAReasonHelpsAndIsRecorded()
    {
        make(0.05, 5);
        QSignalSpy cleared(m_gate, &ExportGate::cleared);
        m_gate->ask(m_fixture->pair.folder(1));
        QTRY_VERIFY_WITH_TIMEOUT(m_gate->dialog(), kPatienceMs);
        QPushButton* go = button("Export all the same");
        QVERIFY(go && !go->isEnabled());
        m_gate->dialog()->findChild<QLineEdit*>()->setText("  ");
        QVERIFY(!go->isEnabled());
        QCOMPARE(namelessControls(*m_gate->dialog()).join(u' '), QString());
        m_gate->dialog()->reject();
        QTRY_VERIFY_WITH_TIMEOUT(!m_gate->dialog(), kPatienceMs);
        QCOMPARE(cleared.size(), 0);

        m_gate->ask(m_fixture->pair.folder(1));
        QTRY_VERIFY_WITH_TIMEOUT(m_gate->dialog(), kPatienceMs);
        m_gate->dialog()->findChild<QLineEdit*>()->setText("a test board only");
        QVERIFY(button("Export all the same")->isEnabled());
        m_gate->dialog()->accept();
        QTRY_COMPARE_WITH_TIMEOUT(cleared.size(), 1, kPatienceMs);
        const auto certificate = json::parseFile(cleared[0][1].toString().toStdString());
        QVERIFY(certificate);
        QCOMPARE((*certificate)["gate"]["override"].get<std::string>(), std::string("a test board only"));
        QVERIFY(!(*certificate)["gate"]["passed"].get<bool>() && (*certificate)["gate"]["accepted"].get<bool>());
        m_page->reload();
        QTRY_VERIFY_WITH_TIMEOUT(m_page->limits()->text().contains("a test board only"), kPatienceMs);
    }

    void anOldReportDoesNotGoAlong()
    {
        make(0.1, 5);
        MeasureFixture::write(m_fixture->pair.folder(1) + "/model.safetensors", "other weights");
        QSignalSpy cleared(m_gate, &ExportGate::cleared);
        m_gate->ask(m_fixture->pair.folder(1));
        QTRY_VERIFY_WITH_TIMEOUT(m_gate->dialog(), kPatienceMs);
        m_gate->dialog()->accept();
        QCOMPARE(cleared.size(), 1);
        QVERIFY(cleared[0][1].toString().isEmpty());
    }

    void everyControlHasAName()
    {
        make(0.05, 5);
        QCOMPARE(namelessControls(*m_page).join(u' '), QString());
    }

private:
    QString place() const { return m_fixture->folder.filePath("measurements"); }
    void showPage()
    {
        m_page = std::make_unique<ReportPage>(m_fixture->worker, m_fixture->pair, place());
        m_page->resize(1180, 720);
        m_page->show();
    }
    void choose(const QString& original = "toy", const QString& packed = "toy-packed")
    {
        m_fixture->choose(original, packed);
        m_page->form()->setPlan(planWith(0.1, 5));
    }
    ReportPlan planWith(double kl, double perplexity) const
    {
        ReportPlan plan;
        plan.spec.evaluate.text = m_fixture->folder.filePath("text.txt").toStdString();
        plan.spec.maxKl = kl;
        plan.spec.maxPerplexityIncrease = perplexity;
        return plan;
    }
    void make(double kl, double perplexity)
    {
        choose();
        m_page->form()->setPlan(planWith(kl, perplexity));
        m_page->make();
        QVERIFY(m_page->isRunning());
        QTRY_VERIFY_WITH_TIMEOUT(m_page->report().has_value(), kPatienceMs);
        QVERIFY(!m_page->isRunning());
    }
    QPushButton* button(const QString& text) const
    {
        for (QPushButton* candidate : m_gate->dialog()->findChildren<QPushButton*>())
            if (candidate->text().startsWith(text))
                return candidate;
        return nullptr;
    }

    std::unique_ptr<Theme> m_theme;
    std::unique_ptr<MeasureFixture> m_fixture;
    std::unique_ptr<QWidget> m_window;
    std::unique_ptr<ReportPage> m_page;
    ExportGate* m_gate = nullptr;
};

QTEST_MAIN(TestReportPage)
#include "tst_report_page.moc"
