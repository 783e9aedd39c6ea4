// SPDX-License-Identifier: GPL-3.0-or-later
// What a method may do wrong ends in an error that names the method and the layer, and never in a crash.
#include "method_fixture.h"

#include <QFile>
#include <QTemporaryDir>
#include <QTest>

using namespace sa;

namespace
{

const test::Matrix kWeight{2, 3, {1, 2, 3, 4, 5, 6}};

Result<MethodOutput> withFault(const char* fault, MethodHost& host)
{
    return test::quantize("faulty", {{"fault", fault}}, kWeight, {}, host, {SA_FAULTY_METHODS});
}

} // namespace

class TestMethodLibrary : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void everyFaultIsAnError_data()
    {
        QTest::addColumn<QString>("fault");
        QTest::addColumn<QString>("code");
        QTest::addColumn<QString>("says");
        const auto row = [](const char* name, const char* fault, const char* code, const char* says) {
            QTest::addRow("%s", name) << fault << code << says;
        };
        row("an exception leaves it", "throw", "Internal", "threw an exception: escaped");
        row("something else is thrown", "throw_number", "Internal", "nobody knows");
        row("it throws while it is made ready", "throw_in_create", "Internal", "create must not throw");
        row("a weight is NaN", "nan", "Internal", "found row 1, column 2");
        row("a value less", "too_few", "Internal", "found 5 values, expected 6");
        row("a value more", "too_many", "Internal", "found 7 values, expected 6");
        row("no values at all", "null", "Internal", "wrong size");
        row("a result that takes no bytes", "no_bytes", "Internal", "how many bytes");
        row("no result", "nothing", "Internal", "gave no result");
        row("two results", "twice", "Internal", "two results");
        row("planes where dense was promised", "planes", "Internal", "although its metadata promises dense");
        row("a failure with a reason", "status", "Internal", "because I say so");
        row("a failure without one", "silent_status", "Internal", "does not say why");
        row("a message without an end", "long_message", "Internal", "xxxx");
        row("options that it refuses", "bad_options", "Usage", "because I say so");
        row("a layer that it refuses", "bad_input", "BadInput", "because I say so");
        row("no memory", "memory", "OutOfMemory", "memory");
        row("cancelled although nobody asked", "cancel", "Internal", "failed");
    }
    void everyFaultIsAnError()
    {
        QFETCH(QString, fault);
        QFETCH(QString, code);
        QFETCH(QString, says);
        const CancelToken cancel;
        MethodHost host(cancel);
        const auto output = withFault(fault.toLatin1().constData(), host);
        QVERIFY(!output);
        const QString sentence = QString::fromStdString(output.error().sentence());
        QCOMPARE(QString::fromLatin1(name(output.error().code)), code);
        QVERIFY2(sentence.contains(says), qPrintable(sentence));
        QVERIFY2(sentence.contains("faulty"), qPrintable(sentence));
    }

    void aCancelledJobIsCancelledWhateverTheMethodSays()
    {
        CancelToken cancel;
        cancel.cancel();
        MethodHost host(cancel);
        const auto output = withFault("status", host);
        QVERIFY(!output);
        QCOMPARE(output.error().code, Errc::Cancelled);
    }

    void chatterIsBoundedAndHarmless()
    {
        const CancelToken cancel;
        MethodHost host(cancel);
        const auto output = withFault("chatter", host);
        QVERIFY2(output, output ? "" : output.error().sentence().c_str());
        const auto notes = host.takeNotes();
        QCOMPARE(notes.size(), std::size_t{1000});
        QVERIFY(notes.front().find('\x1b') == std::string::npos);
        QVERIFY(host.takeNotes().empty());
    }

    void librariesThatCannotBeUsedAreNamed_data()
    {
        QTest::addColumn<QByteArray>("library");
        QTest::addColumn<QString>("code");
        QTest::addRow("missing") << QByteArray() << "NotFound";
        QTest::addRow("not a library") << QByteArray("hello") << "BadFormat";
        QTest::addRow("a library of something else") << QByteArray("@libm") << "BadFormat";
        QTest::addRow("another method") << QByteArray("@faulty") << "BadFormat";
    }
    void librariesThatCannotBeUsedAreNamed()
    {
        QFETCH(QByteArray, library);
        QFETCH(QString, code);
        QTemporaryDir folder;
        MethodInfo info;
        info.id = "mine";
        info.library = folder.filePath("mine.so").toStdString();
        if (library == "@libm") {
            info.library = QFile::exists("/lib/x86_64-linux-gnu/libm.so.6") ? "/lib/x86_64-linux-gnu/libm.so.6"
                                                                            : "/lib64/libm.so.6";
            if (!QFile::exists(QString::fromStdString(info.library)))
                QSKIP("no libm where it is looked for");
        } else if (library == "@faulty") {
            info.library = std::string(SA_FAULTY_METHODS) + "/faulty.so";
        } else if (!library.isEmpty()) {
            QFile file(QString::fromStdString(info.library));
            QVERIFY(file.open(QIODevice::WriteOnly) && file.write(library) > 0);
        }
        const auto loaded = MethodLibrary::load(info);
        QVERIFY(!loaded);
        QCOMPARE(QString::fromLatin1(name(loaded.error().code)), code);
        QCOMPARE(loaded.error().file, info.library);
    }
};

QTEST_APPLESS_MAIN(TestMethodLibrary)
#include "tst_method_library.moc"
