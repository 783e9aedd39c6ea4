// SPDX-License-Identifier: GPL-3.0-or-later
// Chat templates against what transformers (jinja2) makes of them: tests/data/chat holds templates written for this
// test in the manner of the published ones, and the expected texts.
#include "core/chat/chat_template.h"

#include <QFile>
#include <QTemporaryDir>
#include <QtTest>

using namespace sa;

Q_DECLARE_METATYPE(sa::Errc)

namespace
{

constexpr std::time_t kNow = 1'700'000'000; // 14 Nov 2023 in every time zone but the last ones
const Json kTokens{{"bos_token", "<s>"}, {"eos_token", "</s>"}};

Json readData(const char* name)
{
    auto parsed = json::parseFile(std::string(SA_SOURCE_DIR "/tests/data/chat/") + name);
    return parsed ? *std::move(parsed) : Json();
}

void write(const QString& path, const QByteArray& bytes)
{
    QFile file(path);
    QVERIFY(file.open(QIODevice::WriteOnly | QIODevice::Truncate));
    QCOMPARE(file.write(bytes), bytes.size());
}

/// The text of one template with no messages, or the error as a sentence.
std::string rendered(const std::string& text, const Json& variables = Json::object())
{
    const auto parsed = ChatTemplate::parse(text, "t");
    if (!parsed)
        return parsed.error().sentence();
    ChatOptions options;
    options.variables = variables;
    const auto out = parsed->render(Json::array(), options);
    return out ? *out : out.error().sentence();
}

} // namespace

class TestChatTemplate : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void conversations_data();
    void conversations();
    void expressions_data();
    void expressions();
    void publishedTemplates_data();
    void publishedTemplates();
    void whereTemplatesComeFrom();
    void specialTokensComeWithIt();
    void aBaseModelHasNone();
    void brokenTemplatesNameTheLine_data();
    void brokenTemplatesNameTheLine();
    void hostileTemplatesEnd_data();
    void hostileTemplatesEnd();
};

void TestChatTemplate::conversations_data()
{
    QTest::addColumn<QByteArray>("row");
    for (const Json& entry : readData("golden.json"))
        QTest::addRow("%s", entry.at("name").get<std::string>().c_str())
            << QByteArray::fromStdString(json::dump(entry));
}

void TestChatTemplate::conversations()
{
    QFETCH(QByteArray, row);
    const Json entry = *json::parse(row.toStdString(), "golden");
    const auto parsed = ChatTemplate::parse(entry.at("template").get<std::string>(), "t", kTokens);
    QVERIFY2(parsed.has_value(), parsed ? "" : parsed.error().sentence().c_str());
    QVERIFY(!parsed->isPlain());
    for (const Json& one : entry.at("cases")) {
        ChatOptions options;
        options.addGenerationPrompt = one.at("prompt").get<bool>();
        options.variables = one.at("variables");
        options.now = kNow;
        const auto text = parsed->render(one.at("messages"), options);
        if (one.contains("text")) {
            QVERIFY2(text.has_value(), text ? "" : text.error().sentence().c_str());
            QCOMPARE(*text, one.at("text").get<std::string>());
            continue;
        }
        QVERIFY(!text);
        QCOMPARE(name(text.error().code), name(Errc::BadInput));
        QCOMPARE(text.error().found, one.at("refused").get<std::string>());
        QCOMPARE(text.error().file, std::string("t"));
    }
}

void TestChatTemplate::expressions_data()
{
    QTest::addColumn<QByteArray>("source");
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<bool>("fails");
    const Json data = readData("expressions.json");
    int number = 0;
    for (const Json& row : data.at("rows"))
        QTest::addRow("%d: %s", number++, display(row.at("template").get<std::string>(), 60).c_str())
            << QByteArray::fromStdString(row.at("template").get<std::string>())
            << QByteArray::fromStdString(row.value("text", "")) << row.contains("fails");
}

void TestChatTemplate::expressions()
{
    QFETCH(QByteArray, source);
    QFETCH(QByteArray, text);
    QFETCH(bool, fails);
    const auto parsed = ChatTemplate::parse(source.toStdString(), "t");
    QVERIFY2(parsed.has_value(), parsed ? "" : parsed.error().sentence().c_str());
    ChatOptions options;
    options.variables = readData("expressions.json").at("variables");
    const auto out = parsed->render(Json::array(), options);
    QCOMPARE(!out, fails);
    if (out)
        QCOMPARE(QByteArray::fromStdString(*out), text);
    else
        QCOMPARE(out.error().where, std::string("line 1"));
}

/// Templates under licences that keep them out of the repository, read from ../shared.
void TestChatTemplate::publishedTemplates_data()
{
    QTest::addColumn<QString>("folder");
    QTest::addColumn<QByteArray>("text");
    QTest::addRow("Gemma 2") << "data/tokenizers/gemma-2"
                             << QByteArray("<bos><start_of_turn>user\nHello<end_of_turn>\n<start_of_turn>model\n"
                                           "Yes?<end_of_turn>\n<start_of_turn>user\nNo.<end_of_turn>\n"
                                           "<start_of_turn>model\n");
    const QByteArray turns = "<|start_header_id|>user<|end_header_id|>\n\nHello<|eot_id|>"
                             "<|start_header_id|>assistant<|end_header_id|>\n\nYes?<|eot_id|>"
                             "<|start_header_id|>user<|end_header_id|>\n\nNo.<|eot_id|>"
                             "<|start_header_id|>assistant<|end_header_id|>\n\n";
    QTest::addRow("LLaMA 3") << "data/configs/llama-3-8b"
                             << "<|begin_of_text|>" + turns;
    QTest::addRow("LLaMA 3.2") << "data/configs/llama-3.2-3b-instruct"
                               << "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\n"
                                  "Cutting Knowledge Date: December 2023\nToday Date: 14 Nov 2023\n\n<|eot_id|>" +
                                      turns;
}

void TestChatTemplate::publishedTemplates()
{
    QFETCH(QString, folder);
    QFETCH(QByteArray, text);
    const QString path = QStringLiteral(SA_SHARED_DIR) + "/" + folder;
    if (!QFile::exists(path + "/tokenizer_config.json"))
        QSKIP("this model's tokenizer_config.json of ../shared is absent");
    const auto opened = ChatTemplate::open(path.toStdString());
    QVERIFY2(opened.has_value(), opened ? "" : opened.error().sentence().c_str());
    ChatOptions options;
    options.now = kNow;
    const std::vector<ChatMessage> messages{{"user", "Hello"}, {"assistant", "Yes?"}, {"user", "No."}};
    const auto out = opened->render(messages, options);
    QVERIFY2(out.has_value(), out ? "" : out.error().sentence().c_str());
    QCOMPARE(QByteArray::fromStdString(*out), text);
}

void TestChatTemplate::whereTemplatesComeFrom()
{
    QTemporaryDir temporary;
    const std::string folder = temporary.path().toStdString();
    const auto text = [&](const std::string& name = "default") {
        const auto opened = ChatTemplate::open(folder, name);
        return opened ? *opened->render(Json::array()) : opened.error().sentence();
    };
    write(temporary.filePath("tokenizer_config.json"), R"({"chat_template": "in the config"})");
    QCOMPARE(text(), std::string("in the config"));
    write(
        temporary.filePath("tokenizer_config.json"),
        R"({"chat_template": [{"name": "tool_use", "template": "tools"}, {"name": "default", "template": "usual"}]})");
    QCOMPARE(text(), std::string("usual"));
    QCOMPARE(text("tool_use"), std::string("tools"));
    const auto missing = ChatTemplate::open(folder, "rag");
    QVERIFY(!missing);
    QCOMPARE(name(missing.error().code), name(Errc::NotFound));
    QCOMPARE(missing.error().found, std::string("tool_use, default"));
    QVERIFY(QDir(temporary.path()).mkdir("additional_chat_templates"));
    write(temporary.filePath("additional_chat_templates/rag.jinja"), "found");
    QCOMPARE(text("rag"), std::string("found"));
    write(temporary.filePath("chat_template.json"), R"({"chat_template": "on its own"})");
    QCOMPARE(text(), std::string("on its own"));
    write(temporary.filePath("chat_template.jinja"), "as it is\n");
    QCOMPARE(text(), std::string("as it is"));
    write(temporary.filePath("chat_template.jinja"), "fine\n{% if %}");
    const auto broken = ChatTemplate::open(folder);
    QVERIFY(!broken);
    QCOMPARE(broken.error().file, folder + "/chat_template.jinja");
    QCOMPARE(broken.error().where, std::string("line 2"));
}

void TestChatTemplate::specialTokensComeWithIt()
{
    QTemporaryDir temporary;
    write(temporary.filePath("tokenizer_config.json"),
          R"({"chat_template": "{{ bos_token }}{{ eos_token }}{{ pad_token }}{{ unk_token is defined }}",
              "bos_token": {"__type": "AddedToken", "content": "<a>"}, "eos_token": "<b>", "unk_token": null})");
    write(temporary.filePath("special_tokens_map.json"), R"({"eos_token": "<not this>", "pad_token": "<c>"})");
    const auto opened = ChatTemplate::open(temporary.path().toStdString());
    QVERIFY2(opened.has_value(), opened ? "" : opened.error().sentence().c_str());
    QCOMPARE(*opened->render(Json::array()), std::string("<a><b><c>False"));
}

void TestChatTemplate::aBaseModelHasNone()
{
    QTemporaryDir temporary;
    write(temporary.filePath("tokenizer_config.json"), R"({"bos_token": "<s>", "chat_template": null})");
    const auto opened = ChatTemplate::open(temporary.path().toStdString());
    QVERIFY2(opened.has_value(), opened ? "" : opened.error().sentence().c_str());
    QVERIFY(opened->isPlain());
    QCOMPARE(*opened->render(std::vector<ChatMessage>{{"system", "A story."}, {"user", "Once"}}),
             std::string("A story.\n\nOnce"));
    QCOMPARE(*opened->render(std::vector<ChatMessage>{}), std::string());
    const auto nowhere = ChatTemplate::open(temporary.filePath("nowhere").toStdString());
    QVERIFY(!nowhere);
    QCOMPARE(name(nowhere.error().code), name(Errc::NotFound));
}

void TestChatTemplate::brokenTemplatesNameTheLine_data()
{
    QTest::addColumn<QByteArray>("source");
    QTest::addColumn<QByteArray>("where");
    QTest::addColumn<Errc>("code");
    const auto row = [](const char* name, const char* source, const char* where, Errc code = Errc::BadFormat) {
        QTest::addRow("%s", name) << QByteArray(source) << QByteArray(where) << code;
    };
    row("an if without its end", "a\n{% if true %}\nb\n", "line 3");
    row("an end without its if", "a\n{% endif %}", "line 2");
    row("a variable without its end", "\n\n{{ a ", "line 3");
    row("a block without its end", "{% if a", "line 1");
    row("a comment without its end", "x\n{# a", "line 2");
    row("a text without its end", "{{ 'a }}", "line 1");
    row("raw without its end", "{% raw %} {{ a }}", "line 1");
    row("no expression", "{{ }}", "line 1");
    row("two names", "{{ a b }}", "line 1");
    row("a bracket that is not closed", "{{ (a }}", "line 1");
    row("a sign that means nothing", "{{ a ? b }}", "line 1");
    row("an assignment to nothing", "{% set = 1 %}", "line 1");
    row("a loop without in", "{% for x of y %}{% endfor %}", "line 1");
    row("a break outside of a loop", "{% break %}", "line 1");
    row("a break in a macro in a loop", "{% for i in [1] %}{% macro m() %}{% break %}{% endmacro %}{% endfor %}",
        "line 1");
    row("a default before a parameter without", "{% macro m(a=1, b) %}{% endmacro %}", "line 1");
    row("a file that is included", "\n{% include 'x' %}", "line 2", Errc::Unsupported);
    row("a template that is extended", "{% extends 'x' %}", "line 1", Errc::Unsupported);
    row("a recursive loop", "{% for x in y recursive %}{% endfor %}", "line 1", Errc::Unsupported);
    row("a thousand brackets", ("{{ " + std::string(1000, '(') + "1" + std::string(1000, ')') + " }}").c_str(),
        "line 1", Errc::Unsupported);
    row(
        "a thousand nots",
        [] {
            std::string text = "{{ ";
            for (int i = 0; i < 1000; ++i)
                text += "not ";
            return text + "1 }}";
        }()
            .c_str(),
        "line 1", Errc::Unsupported);
    row(
        "a sum of ten thousand",
        [] {
            std::string text = "{{ 1";
            for (int i = 0; i < 10'000; ++i)
                text += "+1";
            return text + " }}";
        }()
            .c_str(),
        "line 1", Errc::Unsupported);
    row(
        "a thousand ifs in each other",
        [] {
            std::string text;
            for (int i = 0; i < 1000; ++i)
                text += "{% if 1 %}";
            return text;
        }()
            .c_str(),
        "line 1", Errc::Unsupported);
}

void TestChatTemplate::brokenTemplatesNameTheLine()
{
    QFETCH(QByteArray, source);
    QFETCH(QByteArray, where);
    QFETCH(Errc, code);
    const auto refused = ChatTemplate::parse(source.toStdString(), "m/chat_template.jinja");
    QVERIFY(!refused);
    QCOMPARE(QByteArray::fromStdString(refused.error().where), where);
    QCOMPARE(name(refused.error().code), name(code));
    QCOMPARE(refused.error().file, std::string("m/chat_template.jinja"));
    QVERIFY(!refused.error().found.empty());
}

void TestChatTemplate::hostileTemplatesEnd_data()
{
    QTest::addColumn<QByteArray>("source");
    const auto row = [](const char* name, const char* source) { QTest::addRow("%s", name) << QByteArray(source); };
    row("loops in loops", "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}");
    row("loops in loops that write",
        "{% for a in range(99999) %}{% for b in range(99999) %}0123456789{% endfor %}{% endfor %}");
    row("a text that doubles",
        "{% set n = namespace(s='ab') %}{% for i in range(99) %}{% set n.s = n.s + n.s %}{% endfor %}{{ n.s }}");
    row("a text times a billion", "{{ 'ab' * 1000000000 }}");
    row("a text times 2^62", "{{ 'ab' * 4611686018427387904 }}");
    row("a list that doubles",
        "{% set n = namespace(s=[1]) %}{% for i in range(99) %}{% set n.s = n.s + n.s %}{% endfor %}");
    row("a list of itself, twice each time",
        "{% set n = namespace(s=[1]) %}{% for i in range(90) %}{% set n.s = [n.s, n.s] %}{% endfor %}{{ n.s }}");
    row("lists in lists",
        "{% set n = namespace(s=[1]) %}{% for i in range(9999) %}{% set n.s = [n.s] %}{% endfor %}{{ n.s }}");
    row("a macro that calls itself", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}");
    row("a macro that calls itself twice, deeply",
        "{% macro m(n) %}{% if n %}{{ m(n-1) }}{{ m(n-1) }}{% endif %}{% endmacro %}{{ m(60) }}");
    row("replacements that grow",
        "{% set n = namespace(s='a') %}{% for i in range(99) %}{% set n.s = n.s|replace('a', 'aaaa') %}{% endfor %}");
    row("a long range", "{{ range(1000000000) }}");
    row("the smallest number divided", "{{ (0 - 9223372036854775807 - 1) // -1 }}");
    row("a large power", "{{ 10 ** 100 }}");
    row("indentation", "{{ ('\\n' * 1000000)|indent(1000, true, true) }}");
}

/// Each ends with an error within a moment, and without much memory.
void TestChatTemplate::hostileTemplatesEnd()
{
    QFETCH(QByteArray, source);
    const auto parsed = ChatTemplate::parse(source.toStdString(), "t");
    QVERIFY2(parsed.has_value(), parsed ? "" : parsed.error().sentence().c_str());
    const auto out = parsed->render(Json::array());
    QVERIFY(!out);
    QCOMPARE(name(out.error().code), name(Errc::BadFormat));
    QCOMPARE(out.error().where, std::string("line 1"));
    // A namespace that holds itself is given back as well (seen by the leak checker).
    QCOMPARE(rendered("{% set n = namespace() %}{% set n.n = n %}{{ n.n.n is defined }}"), std::string("True"));
}

QTEST_GUILESS_MAIN(TestChatTemplate)
#include "tst_chat_template.moc"
