// SPDX-License-Identifier: GPL-3.0-or-later
// `open`: by what a model is known again.
#include "job_runner.h"

#include <QDir>
#include <QFileInfo>
#include <QTemporaryDir>
#include <QTest>

using namespace sa;

namespace
{

const QString kModel = QStringLiteral(SA_SOURCE_DIR "/resources/sample-model");
constexpr qint64 kHeaderBytes = 64 << 10; ///< more than the sample's, so that what is behind are weights

QString fingerprintOf(const QString& folder)
{
    const auto opened = test::run(OpenSpec{folder.toStdString()});
    return opened ? QString::fromStdString(opened->value("fingerprint", Json("")).get<std::string>())
                  : QString::fromStdString(opened.error().sentence());
}

bool copySample(const QString& to)
{
    bool copied = QDir().mkpath(to);
    for (const auto& name : QDir(kModel).entryList(QDir::Files)) {
        copied = copied && QFile::copy(kModel + u'/' + name, to + u'/' + name);
        QFile::setPermissions(to + u'/' + name, QFile::ReadOwner | QFile::WriteOwner);
    }
    return copied;
}

/// The bits of `count` bytes from `from` on, turned over.
bool flip(const QString& path, qint64 from, qint64 count)
{
    QFile file(path);
    if (!file.open(QIODevice::ReadWrite) || !file.seek(from))
        return false;
    QByteArray bytes = file.read(count);
    for (char& byte : bytes)
        byte = static_cast<char>(byte ^ 1); // the lowest bit: no value becomes infinite
    return bytes.size() == count && file.seek(from) && file.write(bytes) == count;
}

} // namespace

class TestOpenJob : public QObject
{
    Q_OBJECT
    QTemporaryDir m_folder;
    QString m_original;

private Q_SLOTS:
    void initTestCase()
    {
        m_original = fingerprintOf(kModel);
        QCOMPARE(m_original.size(), 64);
    }

    void theSameModelElsewhereIsKnownAgain()
    {
        const QString copy = m_folder.filePath("copy");
        QVERIFY(copySample(copy));
        QVERIFY(QFile::remove(copy + "/tokenizer_config.json")); // no part of what a plan is about
        QCOMPARE(fingerprintOf(copy), m_original);
    }

    void otherWeightsAreAnotherModel_data()
    {
        QTest::addColumn<double>("from"); // of the weights, as a share
        QTest::addColumn<double>("part");
        QTest::addRow("all were trained") << 0.0 << 1.0;
        QTest::addRow("a twentieth in the middle was trained") << 0.5 << 0.05;
        QTest::addRow("the end was trained") << 0.999 << 0.001;
    }
    void otherWeightsAreAnotherModel()
    {
        QFETCH(double, from);
        QFETCH(double, part);
        const QString copy = m_folder.filePath(QString::fromLatin1(QTest::currentDataTag()));
        QVERIFY(copySample(copy));
        const QString weights = copy + "/model.safetensors";
        const auto size = static_cast<double>(QFileInfo(weights).size() - kHeaderBytes);
        QVERIFY(flip(weights, kHeaderBytes + static_cast<qint64>(from * size), static_cast<qint64>(part * size)));
        const QString found = fingerprintOf(copy);
        QCOMPARE(found.size(), 64);
        QVERIFY(found != m_original);
    }

    void anotherConfigurationIsAnotherModel()
    {
        const QString copy = m_folder.filePath("config");
        QVERIFY(copySample(copy));
        QFile config(copy + "/config.json");
        QVERIFY(config.open(QIODevice::Append));
        config.write("\n");
        config.close();
        QVERIFY(fingerprintOf(copy) != m_original);
    }
};

QTEST_GUILESS_MAIN(TestOpenJob)
#include "tst_open_job.moc"
