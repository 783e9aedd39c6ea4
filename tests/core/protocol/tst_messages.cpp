// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/protocol/messages.h"

#include "core/protocol/line_buffer.h"

#include <QTest>

#include <cmath>
#include <limits>
#include <random>

using namespace sa;

namespace
{

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
/// Everything that a careless reader, label or shell trips over: quote, newline, %1, markup, right-to-left override.
const std::string kNastyText = "a\"b\\c\nd\te%1<b>\xE2\x80\xAE \xF0\x9F\x98\x80 \x01\x7f";

std::string withoutNewline(std::string line)
{
    if (!line.empty() && line.back() == '\n')
        line.pop_back();
    return line;
}

template<class T> T throughTheWire(const T& value, std::int64_t id = 7)
{
    const std::string line = withoutNewline(eventLine(id, toJson(value)));
    const auto message = parseWorkerMessage(line);
    if (!message)
        qFatal("%s: %s", line.c_str(), message.error().sentence().c_str());
    if (message->id != id || !std::holds_alternative<T>(message->body))
        qFatal("%s: another message came out", line.c_str());
    return std::get<T>(message->body);
}

Progress progressFrom(const std::string& members)
{
    const auto message = parseWorkerMessage("{\"id\":1,\"progress\":{\"phase\":\"p\"," + members + "}}");
    if (!message)
        qFatal("%s", message.error().sentence().c_str());
    return std::get<Progress>(message->body);
}

} // namespace

class TestMessages : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void everyMessageSurvivesTheWire()
    {
        Hello hello;
        hello.build = "0.1.0";
        hello.kernel = "AVX2";
        hello.devices = {{"cpu", kNastyText, 2, 25769803776}, {"cuda:0", "", 0, 0}};
        QVERIFY(throughTheWire(hello, 0) == hello);

        Progress progress;
        progress.phase = "quantize";
        progress.step = kNastyText;
        progress.unit = "layers";
        progress.done = 19;
        progress.of = 42;
        progress.rate = 2.1;
        progress.remainingSeconds = 11.25;
        QVERIFY(throughTheWire(progress) == progress);
        progress.rate.reset();
        progress.remainingSeconds.reset();
        QVERIFY(throughTheWire(progress) == progress);

        LayerResult layer;
        layer.name = kNastyText;
        layer.block = 3;
        layer.index = 24;
        layer.bits = 4;
        layer.N = 704;
        layer.K = 256;
        layer.error = 1.0 / 3.0;
        layer.relativeError = 5e-324;
        layer.seconds = 0.12;
        layer.bytes = std::uint64_t{1} << 53;
        QVERIFY(throughTheWire(layer) == layer);
        layer.restored = true;
        QVERIFY(throughTheWire(layer) == layer);

        QVERIFY(throughTheWire(Token{463, kNastyText}) == (Token{463, kNastyText}));
        QVERIFY(throughTheWire(Token{0, ""}) == (Token{0, ""}));
        const Token scored{7, "a", -0.5, 0.25, {{7, "a", -0.5}, {9, kNastyText, -2.0}}};
        QVERIFY(throughTheWire(scored) == scored);
        QVERIFY(throughTheWire(Note{"warning", kNastyText}) == (Note{"warning", kNastyText}));
        QVERIFY(throughTheWire(Tick{12.5}) == (Tick{12.5}));
        QVERIFY(throughTheWire(Cancelling{}) == Cancelling{});
        const LayerSensitivity sensitivity{{{"name", kNastyText}, {"choices", Json::array()}}};
        QVERIFY(throughTheWire(sensitivity) == sensitivity);
        const JobResult result{{{"seconds", 1.5}, {"layers", Json::array({{{"name", kNastyText}}})}}};
        QVERIFY(throughTheWire(result) == result);
        QVERIFY(throughTheWire(JobResult{Json::object()}) == JobResult{Json::object()});
    }

    void anErrorSurvivesTheWireWithAndWithoutId()
    {
        const Error error = makeError(Errc::BadFormat, "the header is longer than the file")
                                .in("/models/" + kNastyText)
                                .at("byte 0")
                                .butFound("9 bytes")
                                .wanted("8 bytes")
                                .tryThis("Download it again");
        for (const std::int64_t id : {0, 7}) {
            const Error back = throughTheWire(error, id);
            QCOMPARE(back.code, error.code);
            QCOMPARE(back.message, error.message);
            QCOMPARE(back.file, error.file);
            QCOMPARE(back.where, error.where);
            QCOMPARE(back.found, error.found);
            QCOMPARE(back.expected, error.expected);
            QCOMPARE(back.remedy, error.remedy);
        }
    }

    void aMessageIsOneLine()
    {
        const std::string line = eventLine(7, toJson(Note{"warning", kNastyText}));
        QCOMPARE(std::count(line.begin(), line.end(), '\n'), std::ptrdiff_t{1});
        QCOMPARE(line.back(), '\n');
    }

    void bytesThatAreNotUtf8AreReplacedNotSent()
    {
        const Note back = throughTheWire(Note{"warning", "caf\xE9"});
        QCOMPARE(back.message, std::string("caf\xEF\xBF\xBD"));
    }

    void requestsSurviveTheWire()
    {
        for (const Request& request : {Request{7, "quantize", {{"model", kNastyText}, {"bits", 3}}},
                                       Request{std::int64_t{1} << 53, "cancel", Json::object()}}) {
            const auto back = parseRequest(withoutNewline(requestLine(request)));
            QVERIFY(back);
            QVERIFY(*back == request);
        }
    }

    void aRequestWithoutSpecHasAnEmptyOne()
    {
        for (const char* line : {R"({"id":1,"do":"cancel"})", R"({"id":1,"do":"cancel","spec":null})"}) {
            const auto request = parseRequest(line);
            QVERIFY(request);
            QVERIFY(request->spec == Json::object());
        }
    }

    void unknownMembersAreIgnored()
    {
        const auto tick = parseWorkerMessage(R"({"id":3,"future":[1],"tick":{"elapsed_seconds":2,"mood":"good"}})");
        QVERIFY(tick);
        QCOMPARE(std::get<Tick>(tick->body).elapsedSeconds, 2.0);
        QVERIFY(parseRequest(R"({"id":3,"do":"open","spec":{"x":1},"future":{}})"));
    }

    void progressValuesAreMadeUsable_data()
    {
        QTest::addColumn<QByteArray>("members");
        QTest::addColumn<double>("done");
        QTest::addColumn<double>("of");
        QTest::addColumn<double>("fraction");
        QTest::addRow("an ordinary value stays") << QByteArray(R"("done":21,"of":42)") << 21.0 << 42.0 << 0.5;
        QTest::addRow("more than everything is everything")
            << QByteArray(R"("done":90,"of":42)") << 42.0 << 42.0 << 1.0;
        QTest::addRow("a negative count is none") << QByteArray(R"("done":-3,"of":42)") << 0.0 << 42.0 << 0.0;
        QTest::addRow("a negative total is unknown") << QByteArray(R"("done":3,"of":-42)") << 3.0 << 0.0 << 0.0;
        QTest::addRow("null stands for not a number") << QByteArray(R"("done":null,"of":null)") << 0.0 << 0.0 << 0.0;
        QTest::addRow("an unknown total keeps the count") << QByteArray(R"("done":7,"of":0)") << 7.0 << 0.0 << 0.0;
    }

    void progressValuesAreMadeUsable()
    {
        QFETCH(QByteArray, members);
        QFETCH(double, done);
        QFETCH(double, of);
        QFETCH(double, fraction);
        const Progress progress = progressFrom(members.toStdString());
        QCOMPARE(progress.done, done);
        QCOMPARE(progress.of, of);
        QCOMPARE(progress.fraction(), fraction);
    }

    void impossibleRatesAreUnknown()
    {
        QVERIFY(!progressFrom(R"("done":1,"of":2,"rate":-1,"remaining_seconds":-0.5)").rate);
        QVERIFY(!progressFrom(R"("done":1,"of":2,"rate":-1,"remaining_seconds":-0.5)").remainingSeconds);
        QCOMPARE(*progressFrom(R"("done":1,"of":2,"rate":0.0,"remaining_seconds":3)").rate, 0.0);
    }

    void numbersThatJsonCannotCarryLeaveAsNull()
    {
        Progress progress;
        progress.phase = "quantize";
        progress.done = kNaN;
        progress.of = kInfinity;
        progress.rate = kNaN;
        progress.remainingSeconds = kInfinity;
        const Progress back = throughTheWire(progress);
        QCOMPARE(back.done, 0.0);
        QCOMPARE(back.of, 0.0);
        QVERIFY(!back.rate && !back.remainingSeconds);

        LayerResult layer;
        layer.name = "x";
        layer.N = layer.K = 1;
        layer.error = kInfinity;
        layer.relativeError = kNaN;
        const LayerResult layerBack = throughTheWire(layer);
        QVERIFY(std::isnan(layerBack.error));
        QVERIFY(std::isnan(layerBack.relativeError));
    }

    void anotherVersionIsReadAndNamed()
    {
        const auto message =
            parseWorkerMessage(R"({"hello":{"protocol":999,"build":"9.9.9","devices":"a string in this version"}})");
        QVERIFY(message);
        const Hello& hello = std::get<Hello>(message->body);
        QCOMPARE(hello.protocol, 999);
        const auto verdict = checkVersion(hello);
        QVERIFY(!verdict);
        QCOMPARE(verdict.error().code, Errc::Protocol);
        const QString sentence = QString::fromStdString(verdict.error().sentence());
        QVERIFY2(sentence.contains("999") && sentence.contains("9.9.9") &&
                     sentence.contains(QString("protocol %1").arg(kProtocolVersion)) &&
                     sentence.contains(buildVersion()),
                 qPrintable(sentence));
        QVERIFY(checkVersion(Hello{}));
    }

    void malformedLinesAreRefused_data()
    {
        QTest::addColumn<QByteArray>("line");
        const auto row = [](const char* name, const QByteArray& line) { QTest::addRow("%s", name) << line; };
        row("an empty line", "");
        row("library chatter", "Warning: NNPACK could not be initialized");
        row("half a message", "{\"id\":7,\"progress\":{\"phase\":\"quan");
        row("two messages on one line",
            R"({"id":1,"tick":{"elapsed_seconds":1}}{"id":1,"tick":{"elapsed_seconds":2}})");
        row("bytes that are not UTF-8", "{\"id\":1,\"note\":{\"severity\":\"x\",\"message\":\"\xff\xfe\"}}");
        row("a NUL byte", QByteArray("{\"id\":1,\0\"tick\":{\"elapsed_seconds\":1}}", 37));
        row("a byte order mark", "\xEF\xBB\xBF{\"id\":1,\"tick\":{\"elapsed_seconds\":1}}");
        row("a list", "[1,2,3]");
        row("a number", "7");
        row("null", "null");
        row("an empty object", "{}");
        row("a body that nobody knows", R"({"id":1,"surprise":{}})");
        row("two bodies", R"({"id":1,"tick":{"elapsed_seconds":1},"result":{}})");
        row("the same member twice", R"({"id":1,"id":2,"tick":{"elapsed_seconds":1}})");
        row("deep nesting", "{\"id\":1,\"result\":{\"x\":" + QByteArray(200, '[') + QByteArray(200, ']') + "}}");
        row("an infinite number", R"({"id":1,"tick":{"elapsed_seconds":1e999}})");
        row("a line above the limit", "{\"id\":1,\"result\":{\"x\":\"" + QByteArray(1 << 20, 'x') + "\"}}");
        row("an id that is a text", R"({"id":"1","tick":{"elapsed_seconds":1}})");
        row("an id that is zero", R"({"id":0,"tick":{"elapsed_seconds":1}})");
        row("a negative id", R"({"id":-1,"tick":{"elapsed_seconds":1}})");
        row("a fraction as id", R"({"id":1.5,"tick":{"elapsed_seconds":1}})");
        row("an id beyond 2^53", R"({"id":9007199254740993,"tick":{"elapsed_seconds":1}})");
        row("an id that is null", R"({"id":null,"tick":{"elapsed_seconds":1}})");
        row("an event without id", R"({"progress":{"phase":"x","done":1,"of":2}})");
        row("a result without id", R"({"result":{}})");
        row("a body that is a list", R"({"id":1,"tick":[]})");
        row("a body that is null", R"({"id":1,"result":null})");
        row("a hello without protocol", R"({"hello":{"build":"1","devices":[]}})");
        row("a hello without devices", R"({"hello":{"protocol":1,"build":"1"}})");
        row("a hello whose protocol is a text", R"({"hello":{"protocol":"1","build":"1","devices":[]}})");
        row("a device without id", R"({"hello":{"protocol":1,"build":"1","devices":[{"name":"x"}]}})");
        row("a device with negative memory",
            R"({"hello":{"protocol":1,"build":"1","devices":[{"id":"x","memory_bytes":-1}]}})");
        row("a progress without phase", R"({"id":1,"progress":{"done":1,"of":2}})");
        row("a progress without count", R"({"id":1,"progress":{"phase":"x","of":2}})");
        row("a progress whose count is a text", R"({"id":1,"progress":{"phase":"x","done":"1","of":2}})");
        row("a progress whose rate is a text", R"({"id":1,"progress":{"phase":"x","done":1,"of":2,"rate":"fast"}})");
        row("a layer without name",
            R"({"id":1,"layer":{"block":0,"index":0,"bits":3,"N":1,"K":1,"error":0,"relative_error":0,"seconds":0,"bytes":1}})");
        row("a layer with negative bytes",
            R"({"id":1,"layer":{"name":"x","block":0,"index":0,"bits":3,"N":1,"K":1,"error":0,"relative_error":0,"seconds":0,"bytes":-1}})");
        row("a layer with zero rows",
            R"({"id":1,"layer":{"name":"x","block":0,"index":0,"bits":3,"N":0,"K":1,"error":0,"relative_error":0,"seconds":0,"bytes":1}})");
        row("a layer without errors",
            R"({"id":1,"layer":{"name":"x","block":0,"index":0,"bits":3,"N":1,"K":1,"seconds":0,"bytes":1}})");
        row("a token without text", R"({"id":1,"token":{"id":1}})");
        row("a token whose id is negative", R"({"id":1,"token":{"id":-1,"text":""}})");
        row("a note without message", R"({"id":1,"note":{"severity":"warning"}})");
        row("an error without code", R"({"id":1,"error":{"message":"x"}})");
        row("an error without message", R"({"id":1,"error":{"code":"Io"}})");
        row("an error whose file is a number", R"({"id":1,"error":{"code":"Io","message":"x","file":3}})");
    }

    void malformedLinesAreRefused()
    {
        QFETCH(QByteArray, line);
        const auto message = parseWorkerMessage(line.toStdString());
        QVERIFY(!message);
        QCOMPARE(message.error().code, Errc::Protocol);
        QVERIFY(!message.error().message.empty());
        QVERIFY2(message.error().sentence().size() < 8192, "an error repeats the input");
    }

    void malformedRequestsAreRefused_data()
    {
        QTest::addColumn<QByteArray>("line");
        QTest::addRow("an empty line") << QByteArray();
        QTest::addRow("garbage") << QByteArray("quantize please");
        QTest::addRow("a list") << QByteArray("[]");
        QTest::addRow("no id") << QByteArray(R"({"do":"open","spec":{}})");
        QTest::addRow("no verb") << QByteArray(R"({"id":1,"spec":{}})");
        QTest::addRow("a verb that is a number") << QByteArray(R"({"id":1,"do":3})");
        QTest::addRow("an id of zero") << QByteArray(R"({"id":0,"do":"open"})");
        QTest::addRow("a huge id") << QByteArray(R"({"id":18446744073709551615,"do":"open"})");
        QTest::addRow("half a request") << QByteArray(R"({"id":1,"do":"open","spec":{)");
        QTest::addRow("a duplicate member") << QByteArray(R"({"id":1,"do":"open","do":"quantize"})");
    }

    void malformedRequestsAreRefused()
    {
        QFETCH(QByteArray, line);
        const auto request = parseRequest(line.toStdString());
        QVERIFY(!request);
        QCOMPARE(request.error().code, Errc::Protocol);
    }

    void randomBytesAreRefusedWithoutHarm()
    {
        for (unsigned seed = 0; seed < 200; ++seed) {
            std::mt19937 random(seed);
            std::string bytes(random() % 5000, '\0');
            for (char& c : bytes)
                c = static_cast<char>(random());
            QVERIFY(!parseWorkerMessage(bytes));
            QVERIFY(!parseRequest(bytes));
        }
    }

    void everyTruncationOfAMessageIsRefused()
    {
        Progress progress;
        progress.phase = "quantize";
        progress.step = kNastyText;
        progress.of = 42;
        const std::string line = withoutNewline(eventLine(7, toJson(progress)));
        for (std::size_t length = 0; length < line.size(); ++length)
            QVERIFY2(!parseWorkerMessage(std::string_view(line).substr(0, length)),
                     qPrintable(QString::number(length)));
        QVERIFY(parseWorkerMessage(line));
    }

    void anUnknownErrorCodeIsInternal()
    {
        const auto message = parseWorkerMessage(R"({"error":{"code":"NewInVersion2","message":"x"}})");
        QVERIFY(message);
        QCOMPARE(std::get<Error>(message->body).code, Errc::Internal);
    }

    void devicesOfTheEngineFitTheHello()
    {
        const auto devices =
            parseDevices(Json::array({{{"id", "cpu"}, {"name", "x"}, {"threads", 2}, {"memory_bytes", 5}}}));
        QVERIFY(devices);
        QVERIFY(devices->at(0) == (DeviceInfo{"cpu", "x", 2, 5}));
        QVERIFY(!parseDevices(Json::object()));
    }
};

QTEST_GUILESS_MAIN(TestMessages)
#include "tst_messages.moc"
