// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/power_meter.h"

#include <QDir>
#include <QFile>
#include <QTemporaryDir>
#include <QTest>

using namespace sa;

class TestPowerMeter : public QObject
{
    Q_OBJECT
    QTemporaryDir m_folder;
    void counter(const QString& name, const char* value, const char* range = "1000000")
    {
        QVERIFY(QDir(m_folder.path()).mkpath(name));
        for (const auto& [file, text] : {std::pair{"energy_uj", value}, {"max_energy_range_uj", range}}) {
            QFile out(m_folder.filePath(name + "/" + file));
            QVERIFY(out.open(QIODevice::WriteOnly));
            out.write(text);
        }
    }

private Q_SLOTS:
    void packagesAreSummedAndCountersStartOver()
    {
        const std::string root = m_folder.path().toStdString();
        QVERIFY(!openPowerMeter("cpu", root));
        QVERIFY(!openPowerMeter("cpu", root + "/absent"));
        counter("intel-rapl:0", "900000");
        counter("intel-rapl:1", "100");
        counter("intel-rapl:0:0", "5"); // a part of the first
        const auto meter = openPowerMeter("cpu", root);
        QVERIFY(meter);
        QCOMPARE(*meter->joules(), 0.0);
        counter("intel-rapl:0", "100000"); // 200 000 further
        counter("intel-rapl:1", "300100");
        counter("intel-rapl:0:0", "900000");
        QCOMPARE(*meter->joules(), 0.5);
        QVERIFY(QFile::remove(m_folder.filePath("intel-rapl:1/energy_uj")));
        QVERIFY(!meter->joules());
    }
};

QTEST_APPLESS_MAIN(TestPowerMeter)
#include "tst_power_meter.moc"
