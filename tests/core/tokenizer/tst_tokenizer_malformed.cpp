// SPDX-License-Identifier: GPL-3.0-or-later
// A tokenizer.json that is wrong or beyond this program gives one error that names the file and the field.
#include "core/tokenizer/unicode.h"
#include "tokenizer_fixtures.h"

#include <QMap>
#include <QRandomGenerator>
#include <QtTest>
#include <sys/stat.h>

using namespace sa;
using namespace sa::test;

Q_DECLARE_METATYPE(sa::Errc)

class TestTokenizerMalformed : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void isRefusedByName_data();
    void isRefusedByName();
    void notEvenJson_data();
    void notEvenJson();
    void unigramIsRefusedByName_data();
    void unigramIsRefusedByName();
    void damagedRulesAreRefused();
    void foldersAreRefusedByName_data();
    void foldersAreRefusedByName();
    void anyDamageIsAnErrorOrATokenizer_data();
    void anyDamageIsAnErrorOrATokenizer();
    void filesThatAreNone_data();
    void filesThatAreNone();
    void oddButRight_data();
    void oddButRight();
    void aMillionMergesLoad();
};

namespace
{

const Json kBase = smallTokenizer({"ab", "bc"}, {{"model", {{"merges", {"a b"}}}}});

/// The base with the value at `pointer` ("/model/vocab") replaced, added, or removed (discarded JSON).
QByteArray changed(const char* pointer, const Json& value)
{
    Json out = kBase;
    const Json::json_pointer place(pointer);
    if (value.is_discarded())
        out[place.parent_pointer()].erase(place.back());
    else
        out[place] = value;
    return QByteArray::fromStdString(dumped(out));
}

const Json kRemoved(Json::value_t::discarded);

Json addedToken(int id, const char* content)
{
    return {{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", false},
            {"rstrip", false}, {"normalized", false}, {"special", true}};
}

Json regex(const std::string& text)
{
    return {{"type", "Split"}, {"pattern", {{"Regex", text}}}, {"behavior", "Isolated"}, {"invert", false}};
}

} // namespace

void TestTokenizerMalformed::isRefusedByName_data()
{
    QTest::addColumn<QByteArray>("json");
    QTest::addColumn<Errc>("code");
    QTest::addColumn<QByteArray>("where");
    const auto row = [](const char* name, const char* pointer, const Json& value, Errc code, const char* where) {
        QTest::addRow("%s", name) << changed(pointer, value) << code << QByteArray(where);
    };
    const auto bad = [&](const char* name, const char* pointer, const Json& value, const char* where) {
        row(name, pointer, value, Errc::BadFormat, where);
    };
    const auto foreign = [&](const char* name, const char* pointer, const Json& value, const char* where) {
        row(name, pointer, value, Errc::Unsupported, where);
    };

    QTest::addRow("the whole is a list") << QByteArray("[]") << Errc::BadFormat << QByteArray("(top level)");
    QTest::addRow("the whole is null") << QByteArray("null") << Errc::BadFormat << QByteArray("(top level)");
    QTest::addRow("nothing in it") << QByteArray("{}") << Errc::BadFormat << QByteArray("model");
    foreign("a later version of the format", "/version", "2.0", "version");
    bad("a version that is a number", "/version", 1, "version");

    bad("no model", "/model", kRemoved, "model");
    bad("a model that is a text", "/model", "BPE", "model");
    foreign("a model of another kind", "/model/type", "WordPiece", "model.type");
    bad("a kind of model that is a number", "/model/type", 3, "model.type");
    foreign("a setting of the model that is not known", "/model/surprise", true, "model.surprise");
    foreign("dropout", "/model/dropout", 0.1, "model.dropout");
    bad("dropout out of range", "/model/dropout", 1.5, "model.dropout");
    foreign("a prefix for continuing tokens", "/model/continuing_subword_prefix", "##",
            "model.continuing_subword_prefix");
    foreign("a suffix for last tokens", "/model/end_of_word_suffix", "</w>", "model.end_of_word_suffix");
    bad("fuse_unk as a text", "/model/fuse_unk", "yes", "model.fuse_unk");
    bad("byte_fallback as a number", "/model/byte_fallback", 1, "model.byte_fallback");
    bad("ignore_merges as a list", "/model/ignore_merges", Json::array(), "model.ignore_merges");
    bad("unk_token that is not in the vocabulary", "/model/unk_token", "<unk>", "model.unk_token");
    bad("unk_token as a number", "/model/unk_token", 0, "model.unk_token");

    bad("no vocabulary", "/model/vocab", kRemoved, "model.vocab");
    bad("a vocabulary that is a list", "/model/vocab", Json::array(), "model.vocab");
    bad("an empty vocabulary", "/model", {{"type", "BPE"}, {"vocab", Json::object()}, {"merges", Json::array()}},
        "model");
    bad("a negative id", "/model/vocab/a", -1, "model.vocab.a");
    bad("an id above 2^24", "/model/vocab/a", (1 << 24) + 1, "model.vocab.a");
    bad("an id of 2^63", "/model/vocab/a", 9223372036854775808u, "model.vocab.a");
    bad("an id that is a fraction", "/model/vocab/a", 65.5, "model.vocab.a");
    bad("an id that is a text", "/model/vocab/a", "65", "model.vocab.a");
    bad("an id that is null", "/model/vocab/a", nullptr, "model.vocab.a");
    bad("two tokens of one id", "/model/vocab/b", 65, "model.vocab.b");

    bad("no merges", "/model/merges", kRemoved, "model.merges");
    bad("merges that are an object", "/model/merges", Json::object(), "model.merges");
    bad("a merge of one token", "/model/merges", {"a b", "ab"}, "model.merges[1]");
    bad("a merge of three tokens", "/model/merges", {"a b c"}, "model.merges[0]");
    bad("a merge of an empty token", "/model/merges", {" a"}, "model.merges[0]");
    bad("an empty merge", "/model/merges", {""}, "model.merges[0]");
    bad("a merge that is a list of three", "/model/merges", Json::array({Json::array({"a", "b", "c"})}),
        "model.merges[0]");
    bad("a merge that is a number", "/model/merges", {7}, "model.merges[0]");
    bad("a merge of ids", "/model/merges", Json::array({Json::array({65, 66})}), "model.merges[0]");
    bad("a merge that names an unknown token", "/model/merges", {"a b", "ab zz"}, "model.merges[1]");
    bad("a merge whose result is unknown", "/model/merges", {"c a"}, "model.merges[0]");
    bad("a merge longer than any token", "/model/merges", {"ab bc"}, "model.merges[0]");

    bad("added tokens that are an object", "/added_tokens", Json::object(), "added_tokens");
    bad("an added token that is a text", "/added_tokens", {"<s>"}, "added_tokens[0]");
    bad("an added token without an id", "/added_tokens", Json::array({{{"content", "<s>"}}}), "added_tokens[0].id");
    bad("an added token without a content", "/added_tokens", Json::array({{{"id", 102}}}), "added_tokens[0].content");
    bad("an added token with an id above 2^24", "/added_tokens", Json::array({addedToken(1 << 30, "<s>")}),
        "added_tokens[0].id");
    bad("an added token that leaves a gap", "/added_tokens", Json::array({addedToken(500, "<s>")}),
        "added_tokens[0].id");
    bad("an added token with another token's id", "/added_tokens", Json::array({addedToken(5, "<s>")}),
        "added_tokens[0].id");
    bad("an added token that has another id in the vocabulary", "/added_tokens", Json::array({addedToken(102, "ab")}),
        "added_tokens[0].id");
    bad("two added tokens of one id", "/added_tokens", Json::array({addedToken(102, "<s>"), addedToken(102, "</s>")}),
        "added_tokens[1].id");
    bad("an added token twice", "/added_tokens", Json::array({addedToken(102, "<s>"), addedToken(103, "<s>")}),
        "added_tokens[1].content");
    bad("an added token of 2 KB", "/added_tokens", Json::array({addedToken(102, std::string(2000, 'x').c_str())}),
        "added_tokens[0].content");
    Json crowd = Json::array();
    for (int i = 0; i < 5000; ++i)
        crowd.push_back(addedToken(102 + i, (std::to_string(i) + std::string(1000, 'x')).c_str()));
    foreign("five megabytes of added tokens", "/added_tokens", crowd, "added_tokens");
    foreign("an added token with an unknown setting", "/added_tokens",
            Json::array({{{"id", 102}, {"content", "<s>"}, {"shiny", true}}}), "added_tokens[0].shiny");

    foreign("a normalizer of an unknown kind", "/normalizer", {{"type", "BertNormalizer"}}, "normalizer.type");
    bad("a normalizer without a kind", "/normalizer", Json::object(), "normalizer.type");
    bad("a normalizer that is a list", "/normalizer", Json::array(), "normalizer");
    foreign("a setting of a normalizer that is not known", "/normalizer", {{"type", "NFC"}, {"strict", true}},
            "normalizer.strict");
    bad("a normalizer in a sequence that is null", "/normalizer", {{"type", "Sequence"}, {"normalizers", {nullptr}}},
        "normalizer.normalizers[0]");
    foreign("a kind deep inside", "/normalizer",
            {{"type", "Sequence"}, {"normalizers", {{{"type", "NFC"}}, {{"type", "Nmt"}}}}},
            "normalizer.normalizers[1].type");
    bad("Replace of nothing", "/normalizer", {{"type", "Replace"}, {"pattern", {{"String", ""}}}, {"content", "x"}},
        "normalizer.pattern.String");
    bad("Replace of two things", "/normalizer",
        {{"type", "Replace"}, {"pattern", {{"String", "a"}, {"Regex", "b"}}}, {"content", "x"}}, "normalizer.pattern");
    bad("Replace without its content", "/normalizer", {{"type", "Replace"}, {"pattern", {{"String", "a"}}}},
        "normalizer.content");
    Json doubling = Json::array();
    for (int i = 0; i < 40; ++i)
        doubling.push_back({{"type", "Replace"}, {"pattern", {{"String", "a"}}}, {"content", "aa"}});
    foreign("normalizers that double the text forty times", "/normalizer",
            {{"type", "Sequence"}, {"normalizers", doubling}}, "normalizer.normalizers[9]");
    bad("a hundred normalizers", "/normalizer",
        {{"type", "Sequence"}, {"normalizers", Json(100, Json{{"type", "Lowercase"}})}}, "normalizer.normalizers");

    foreign("a pre-tokenizer of an unknown kind", "/pre_tokenizer", {{"type", "UnicodeScripts"}}, "pre_tokenizer.type");
    bad("ByteLevel without its settings", "/pre_tokenizer", {{"type", "ByteLevel"}}, "pre_tokenizer.add_prefix_space");
    bad("a behaviour that does not exist", "/pre_tokenizer",
        {{"type", "Split"}, {"pattern", {{"String", "a"}}}, {"behavior", "Melted"}}, "pre_tokenizer.behavior");
    bad("Metaspace with two characters", "/pre_tokenizer", {{"type", "Metaspace"}, {"replacement", "__"}},
        "pre_tokenizer.replacement");
    bad("Metaspace with an unknown scheme", "/pre_tokenizer",
        {{"type", "Metaspace"}, {"replacement", "_"}, {"prepend_scheme", "last"}}, "pre_tokenizer.prepend_scheme");
    bad("Metaspace that contradicts itself", "/pre_tokenizer",
        {{"type", "Metaspace"}, {"replacement", "_"}, {"prepend_scheme", "first"}, {"add_prefix_space", false}},
        "pre_tokenizer.add_prefix_space");
    bad("a regular expression that is none", "/pre_tokenizer", regex("(a"), "pre_tokenizer.pattern.Regex");
    bad("a character class without an end", "/pre_tokenizer", regex("[a-"), "pre_tokenizer.pattern.Regex");
    bad("a range backwards", "/pre_tokenizer", regex("[z-a]"), "pre_tokenizer.pattern.Regex");
    bad("nothing to repeat", "/pre_tokenizer", regex("(*UTF)a"), "pre_tokenizer.pattern.Regex");
    bad("a backslash at the end", "/pre_tokenizer", regex("a\\"), "pre_tokenizer.pattern.Regex");
    bad("an empty regular expression", "/pre_tokenizer", regex(""), "pre_tokenizer.pattern.Regex");
    bad("a repetition of repetitions of repetitions", "/pre_tokenizer", regex("(?:(?:(?:abc){1000}){1000}){1000}"),
        "pre_tokenizer.pattern.Regex");
    bad("ten thousand brackets", "/pre_tokenizer", regex(std::string(5000, '(') + "a" + std::string(5000, ')')),
        "pre_tokenizer.pattern.Regex");
    foreign("a regular expression of 20 KB", "/pre_tokenizer", regex(std::string(20'000, 'a')),
            "pre_tokenizer.pattern.Regex");
    foreign("an intersection of classes", "/pre_tokenizer", regex("[a-z&&[^b]]"), "pre_tokenizer.pattern.Regex");
    foreign("a back reference", "/pre_tokenizer", regex("(a)\\1"), "pre_tokenizer.pattern.Regex");
    foreign("a recursion", "/pre_tokenizer", regex("(?<x>a\\g<x>?)"), "pre_tokenizer.pattern.Regex");
    foreign("a property that does not exist", "/pre_tokenizer", regex("\\p{Klingon}"), "pre_tokenizer.pattern.Regex");
    foreign("an option in the middle", "/pre_tokenizer", regex("a(?i)b|c"), "pre_tokenizer.pattern.Regex");
    foreign("classes nested too deeply", "/pre_tokenizer", regex(std::string(50, '[') + "a" + std::string(50, ']')),
            "pre_tokenizer.pattern.Regex");

    foreign("a post-processor of an unknown kind", "/post_processor", {{"type", "Magic"}}, "post_processor.type");
    const Json text{{"Sequence", {{"id", "A"}, {"type_id", 0}}}};
    const Json start{{"SpecialToken", {{"id", "s"}, {"type_id", 0}}}};
    const auto templated = [](const Json& single, const Json& specials) {
        return Json{
            {"type", "TemplateProcessing"}, {"single", single}, {"pair", Json::array()}, {"special_tokens", specials}};
    };
    bad("a template without the text", "/post_processor", templated({start}, {{"s", {{"ids", {0}}}}}),
        "post_processor.single");
    foreign("a template with the text twice", "/post_processor", templated({text, text}, Json::object()),
            "post_processor.single[1]");
    bad("a template with an unexplained token", "/post_processor", templated({start, text}, Json::object()),
        "post_processor.single[0].SpecialToken.id");
    bad("a template with an id that no token has", "/post_processor",
        templated({start, text}, {{"s", {{"ids", {5000}}}}}), "post_processor.special_tokens.s.ids[0]");
    bad("a template for a second text", "/post_processor", templated({{{"Sequence", {{"id", "B"}}}}}, Json::object()),
        "post_processor.single[0].Sequence.id");
    bad("RoBERTa without its token", "/post_processor", {{"type", "RobertaProcessing"}, {"sep", {"</s>", 1}}},
        "post_processor.cls");
    foreign("two that both add tokens", "/post_processor",
            {{"type", "Sequence"}, {"processors", Json(2, templated({start, text}, {{"s", {{"ids", {0}}}}}))}},
            "post_processor.processors[1]");

    foreign("a decoder of an unknown kind", "/decoder", {{"type", "CTC"}}, "decoder.type");
    bad("Strip of two characters", "/decoder", {{"type", "Strip"}, {"content", "ab"}, {"start", 1}, {"stop", 0}},
        "decoder.content");
    bad("Strip with a negative number", "/decoder", {{"type", "Strip"}, {"content", " "}, {"start", -1}, {"stop", 0}},
        "decoder.start");
    bad("a decoder in a sequence that is null", "/decoder", {{"type", "Sequence"}, {"decoders", {nullptr}}},
        "decoder.decoders[0]");
}

void TestTokenizerMalformed::isRefusedByName()
{
    QFETCH(QByteArray, json);
    QFETCH(Errc, code);
    QFETCH(QByteArray, where);
    const auto refused = Tokenizer::parse(json.toStdString(), "broken/tokenizer.json");
    QVERIFY(!refused);
    const Error& error = refused.error();
    QCOMPARE(QByteArray::fromStdString(error.where), where);
    QCOMPARE(name(error.code), name(code));
    QCOMPARE(error.file, std::string("broken/tokenizer.json"));
    QVERIFY(!error.message.empty());
    QVERIFY(error.sentence().size() < 2000);
}

void TestTokenizerMalformed::notEvenJson_data()
{
    QTest::addColumn<QByteArray>("bytes");
    QTest::addRow("an empty file") << QByteArray("");
    QTest::addRow("half a file") << QByteArray::fromStdString(dumped(kBase)).left(500);
    QTest::addRow("a page of a web site") << QByteArray("<!DOCTYPE html><html>Not found</html>");
    QTest::addRow("a pointer to a large file")
        << QByteArray("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n");
    QTest::addRow("a byte order mark") << "\xEF\xBB\xBF" + QByteArray::fromStdString(dumped(kBase));
    QTest::addRow("a name twice")
        << QByteArray::fromStdString(dumped(kBase)).replace("\"version\"", "\"model\":{},\"version\"");
    QTest::addRow("invalid UTF-8") << QByteArray("{\"version\":\"1.0\xFF\"}");
    QTest::addRow("a thousand brackets") << "{\"normalizer\":" + QByteArray(1000, '[') + QByteArray(1000, ']') + "}";
    QTest::addRow("something after the end") << QByteArray::fromStdString(dumped(kBase)) + "{}";
}

void TestTokenizerMalformed::notEvenJson()
{
    QFETCH(QByteArray, bytes);
    const auto refused = Tokenizer::parse(bytes.toStdString(), "broken/tokenizer.json");
    QVERIFY(!refused);
    QCOMPARE(name(refused.error().code), name(Errc::BadFormat));
    QCOMPARE(refused.error().file, std::string("broken/tokenizer.json"));
}

void TestTokenizerMalformed::unigramIsRefusedByName_data()
{
    QTest::addColumn<QByteArray>("model");
    QTest::addColumn<QByteArray>("where");
    const auto row = [](const char* name, const char* model, const char* where) {
        QTest::addRow("%s", name) << QByteArray(model) << QByteArray(where);
    };
    row("no vocabulary", R"({"type": "Unigram", "unk_id": 0})", "model.vocab");
    row("an empty vocabulary", R"({"type": "Unigram", "unk_id": 0, "vocab": []})", "model.vocab");
    row("a vocabulary like BPE's", R"({"type": "Unigram", "unk_id": 0, "vocab": {"a": 0}})", "model.vocab");
    row("no unknown token", R"({"type": "Unigram", "vocab": [["a", 0]]})", "model.unk_id");
    row("an unknown token that is null", R"({"type": "Unigram", "unk_id": null, "vocab": [["a", 0]]})", "model.unk_id");
    row("an unknown token outside", R"({"type": "Unigram", "unk_id": 1, "vocab": [["a", 0]]})", "model.unk_id");
    row("a token without a score", R"({"type": "Unigram", "unk_id": 0, "vocab": [["a"]]})", "model.vocab[0]");
    row("a score that is a text", R"({"type": "Unigram", "unk_id": 0, "vocab": [["a", "0"]]})", "model.vocab[0][1]");
    row("a token that is a number", R"({"type": "Unigram", "unk_id": 0, "vocab": [["a", 0], [1, 0]]})",
        "model.vocab[1][0]");
    row("a score beyond all", R"({"type": "Unigram", "unk_id": 0, "vocab": [["a", -1e300]]})", "model.vocab[0][1]");
    row("a setting that is not known", R"({"type": "Unigram", "unk_id": 0, "vocab": [["a", 0]], "alpha": 0.1})",
        "model.alpha");
}

void TestTokenizerMalformed::unigramIsRefusedByName()
{
    QFETCH(QByteArray, model);
    QFETCH(QByteArray, where);
    const auto refused = Tokenizer::parse("{\"model\": " + model.toStdString() + "}", "broken/tokenizer.json");
    QVERIFY(!refused);
    QCOMPARE(QByteArray::fromStdString(refused.error().where), where);
    QCOMPARE(refused.error().file, std::string("broken/tokenizer.json"));
}

/// One byte of the rules is changed at a time: never a crash, and never text that is not UTF-8.
void TestTokenizerMalformed::damagedRulesAreRefused()
{
    Json file = *json::parseFile(SA_SOURCE_DIR "/tests/data/tokenizers/unigram/tokenizer.json");
    Json& map = file["normalizer"]["normalizers"][0]["precompiled_charsmap"];
    const QByteArray rules = QByteArray::fromBase64(QByteArray::fromStdString(map.get<std::string>()));
    const std::string text = "ﬁne ①② e\u0301 ﷺ plain ＡＢ";
    std::size_t refused = 0;
    for (qsizetype i = 0; i < rules.size(); i += 3) {
        QByteArray damaged = rules;
        damaged[i] = static_cast<char>(damaged[i] ^ (1 << (i % 8)));
        map = damaged.toBase64().toStdString();
        const auto opened = Tokenizer::parse(dumped(file), "damaged");
        refused += opened ? 0 : 1;
        if (opened) {
            std::string unused;
            const std::string decoded = opened->decode(opened->encode(text));
            QCOMPARE(tokenizer::toValidUtf8(decoded, unused).data(), decoded.data());
        }
    }
    QVERIFY(refused > 0);
    for (const char* const whole : {"", "AAAA", "not base64!", "AAQAAA=="}) {
        map = whole;
        const auto opened = Tokenizer::parse(dumped(file), "damaged");
        QVERIFY(!opened);
        QCOMPARE(opened.error().where, std::string("normalizer.normalizers[0].precompiled_charsmap"));
    }
}

void TestTokenizerMalformed::foldersAreRefusedByName_data()
{
    QTest::addColumn<QMap<QString, QByteArray>>("files");
    QTest::addColumn<Errc>("code");
    QTest::addColumn<QString>("file");
    QTest::addColumn<QString>("where");
    using Files = QMap<QString, QByteArray>;
    const auto row = [](const char* name, const Files& files, Errc code, const char* file, const char* where) {
        QTest::addRow("%s", name) << files << code << file << where;
    };
    const QByteArray vocab = R"({"a": 0, "b": 1, "ab": 2, "</s>": 3})";
    const QByteArray merges = "#version: 0.2\na b\n";
    row("no merges.txt", {{"vocab.json", vocab}}, Errc::NotFound, "merges.txt", "");
    row("no vocab.json", {{"merges.txt", merges}}, Errc::NotFound, "vocab.json", "");
    row("a line of one token", {{"vocab.json", vocab}, {"merges.txt", "a b\nab\n"}}, Errc::BadFormat, "merges.txt",
        "line 2");
    row("a line of three tokens", {{"vocab.json", vocab}, {"merges.txt", "a b ab\n"}}, Errc::BadFormat, "merges.txt",
        "line 1");
    row("a line that is not UTF-8", {{"vocab.json", vocab}, {"merges.txt", "a \xFF\n"}}, Errc::BadFormat, "merges.txt",
        "line 1");
    row("a merge of an unknown token", {{"vocab.json", vocab}, {"merges.txt", "a c\n"}}, Errc::BadFormat, "merges.txt",
        "merges[0]");
    row("a vocabulary that says nothing of special tokens", {{"vocab.json", R"({"a": 0})"}, {"merges.txt", ""}},
        Errc::Unsupported, "vocab.json", "");
    row("a class that cuts texts differently",
        {{"vocab.json", vocab},
         {"merges.txt", merges},
         {"tokenizer_config.json", R"({"tokenizer_class": "CLIPTokenizer"})"}},
        Errc::Unsupported, "tokenizer_config.json", "tokenizer_class");
    row("an added token with another one's id",
        {{"vocab.json", vocab},
         {"merges.txt", merges},
         {"tokenizer_config.json", R"({"added_tokens_decoder": {"1": {"content": "<x>"}}})"}},
        Errc::BadFormat, "tokenizer_config.json", "added_tokens_decoder.1");
    row("an id that is no number",
        {{"vocab.json", vocab},
         {"merges.txt", merges},
         {"tokenizer_config.json", R"({"added_tokens_decoder": {"one": {"content": "<x>"}}})"}},
        Errc::BadFormat, "tokenizer_config.json", "added_tokens_decoder.one");

    const QString data = QStringLiteral(SA_SOURCE_DIR "/tests/data/tokenizers/sentencepiece-bpe/tokenizer.model");
    QFile modelFile(data);
    QVERIFY(modelFile.open(QIODevice::ReadOnly));
    const QByteArray model = modelFile.readAll();
    row("an empty tokenizer.model", {{"tokenizer.model", ""}}, Errc::BadFormat, "tokenizer.model", "");
    row("half a tokenizer.model", {{"tokenizer.model", model.left(model.size() / 2)}}, Errc::BadFormat,
        "tokenizer.model", "");
    row("a pointer to a large file",
        {{"tokenizer.model", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"}}, Errc::BadFormat,
        "tokenizer.model", "");
    row("a class that moves all ids",
        {{"tokenizer.model", model}, {"tokenizer_config.json", R"({"tokenizer_class": "XGLMTokenizer"})"}},
        Errc::Unsupported, "tokenizer_config.json", "tokenizer_class");
    row("a first token that is not known",
        {{"tokenizer.model", model}, {"tokenizer_config.json", R"({"bos_token": ""})"}}, Errc::BadFormat,
        "tokenizer_config.json", "bos_token");
    row("tiktoken of another model", {{"tokenizer.model", "IQ== 0\nIg== 1\n"}}, Errc::Unsupported, "tokenizer.model",
        "");
    row("tiktoken with a gap", {{"tokenizer.model", "IQ== 0\nIg== 2\n"}}, Errc::BadFormat, "tokenizer.model", "line 2");
    row("tiktoken that is no base64", {{"tokenizer.model", "IQ== 0\nI! 1\n"}}, Errc::BadFormat, "tokenizer.model",
        "line 2");

    QByteArray llama2c = QByteArray("\5\0\0\0", 4);
    const auto add = [&](const QByteArray& token) {
        const qint32 size = static_cast<qint32>(token.size());
        llama2c += QByteArray(4, '\0') + QByteArray(reinterpret_cast<const char*>(&size), 4) + token;
    };
    add("<unk>");
    row("three tokens of llama2.c", {{"tokenizer.bin", llama2c}}, Errc::BadFormat, "tokenizer.bin", "token 1");
    row("llama2.c, cut inside of a score", {{"tok512.bin", llama2c + QByteArray(3, '\0')}}, Errc::BadFormat,
        "tok512.bin", "token 1");
    row("llama2.c, a length beyond the end", {{"tok512.bin", llama2c + QByteArray("\0\0\0\0\xFF\0\0\0", 8)}},
        Errc::BadFormat, "tok512.bin", "token 1");
    row("llama2.c, a negative length", {{"tok512.bin", llama2c + QByteArray("\0\0\0\0\xFF\xFF\xFF\xFF", 8)}},
        Errc::BadFormat, "tok512.bin", "token 1");
    row("llama2.c, a score that is none", {{"tok512.bin", llama2c + QByteArray("\0\0\xC0\x7F\0\0\0\0", 8)}},
        Errc::BadFormat, "tok512.bin", "token 1");
    for (int i = 0; i < 300; ++i)
        add(QByteArray::number(i));
    row("llama2.c without bytes", {{"tok512.bin", llama2c}}, Errc::BadFormat, "tok512.bin", "token 3");
}

void TestTokenizerMalformed::foldersAreRefusedByName()
{
    using Files = QMap<QString, QByteArray>;
    QFETCH(Files, files);
    QFETCH(Errc, code);
    QFETCH(QString, file);
    QFETCH(QString, where);
    QTemporaryDir temporary;
    for (auto it = files.cbegin(); it != files.cend(); ++it) {
        QFile out(temporary.filePath(it.key()));
        QVERIFY(out.open(QIODevice::WriteOnly));
        out.write(it.value());
    }
    const auto refused = Tokenizer::open(temporary.path().toStdString());
    QVERIFY(!refused);
    QCOMPARE(QString::fromStdString(refused.error().file), temporary.filePath(file));
    QCOMPARE(QString::fromStdString(refused.error().where), where);
    QCOMPARE(name(refused.error().code), name(code));
}

void TestTokenizerMalformed::anyDamageIsAnErrorOrATokenizer_data()
{
    QTest::addColumn<QString>("model");
    QTest::addRow("sentencepiece-bpe") << QStringLiteral(SA_SOURCE_DIR "/tests/data/tokenizers/sentencepiece-bpe");
}

/// Bytes are changed all over the file; what opens must still encode.
void TestTokenizerMalformed::anyDamageIsAnErrorOrATokenizer()
{
    QFETCH(QString, model);
    QFile file(model + "/tokenizer.model");
    QVERIFY(file.open(QIODevice::ReadOnly));
    const QByteArray whole = file.readAll();
    QRandomGenerator random(11);
    QTemporaryDir temporary;
    int opened = 0;
    for (int round = 0; round < 300; ++round) {
        QByteArray damaged = round % 3 == 0 ? whole.left(random.bounded(static_cast<int>(whole.size()))) : whole;
        for (int i = 0; i < 1 + round % 4 && !damaged.isEmpty(); ++i)
            damaged[random.bounded(static_cast<int>(damaged.size()))] = static_cast<char>(random.bounded(256));
        QFile out(temporary.filePath("tokenizer.model"));
        QVERIFY(out.open(QIODevice::WriteOnly | QIODevice::Truncate));
        out.write(damaged);
        out.close();
        const auto tokenizer = Tokenizer::open(temporary.path().toStdString());
        if (!tokenizer)
            continue;
        ++opened;
        const auto ids = tokenizer->encode("The window, step by step: é 🦙 <s> 1234");
        for (const TokenId id : ids)
            QVERIFY(id >= 0 && static_cast<std::size_t>(id) < tokenizer->size());
        std::string unused;
        const std::string text = tokenizer->decode(ids);
        QCOMPARE(tokenizer::toValidUtf8(text, unused).data(), text.data());
    }
    qInfo("%d of 300 damaged files still open", opened);
}

void TestTokenizerMalformed::filesThatAreNone_data()
{
    QTest::addColumn<QString>("kind");
    QTest::addColumn<Errc>("code");
    QTest::addRow("no such folder") << "nowhere" << Errc::NotFound;
    QTest::addRow("no tokenizer.json in it") << "empty" << Errc::NotFound;
    QTest::addRow("tokenizer.json is a folder") << "folder" << Errc::BadFormat;
    QTest::addRow("tokenizer.json is a pipe that nobody writes") << "pipe" << Errc::BadFormat;
}

void TestTokenizerMalformed::filesThatAreNone()
{
    QFETCH(QString, kind);
    QFETCH(Errc, code);
    QTemporaryDir temporary;
    const QString folder = kind == "nowhere" ? temporary.filePath("nowhere") : temporary.path();
    const std::string file = (folder + "/tokenizer.json").toStdString();
    if (kind == "folder")
        QVERIFY(QDir(folder).mkdir("tokenizer.json"));
    if (kind == "pipe")
        QCOMPARE(::mkfifo(file.c_str(), 0600), 0);
    const auto refused = Tokenizer::open(folder.toStdString());
    QVERIFY(!refused);
    QCOMPARE(name(refused.error().code), name(code));
    QCOMPARE(refused.error().file, file);
}

void TestTokenizerMalformed::oddButRight_data()
{
    QTest::addColumn<QByteArray>("json");
    QTest::addRow("dropout of zero") << changed("/model/dropout", 0.0);
    QTest::addRow("affixes that are empty") << changed("/model/end_of_word_suffix", "");
    QTest::addRow("no kind of model, as in the oldest files") << changed("/model/type", kRemoved);
    QTest::addRow("an empty token in the vocabulary") << changed("/model/vocab/", 102);
    QTest::addRow("gaps between ids") << changed("/model/vocab/bc", 1 << 24);
    QTest::addRow("an added token without a text") << changed("/added_tokens", Json::array({addedToken(102, "")}));
    QTest::addRow("truncation and padding, which are for training") << changed(
        "/truncation", {{"direction", "Right"}, {"max_length", 1}, {"strategy", "LongestFirst"}, {"stride", 0}});
    QTest::addRow("a field at the top that nobody reads") << changed("/comment", "hello");
    QTest::addRow("only what is needed") << QByteArray::fromStdString(dumped(Json{{"model", kBase.at("model")}}));
}

void TestTokenizerMalformed::oddButRight()
{
    QFETCH(QByteArray, json);
    const auto tokenizer = Tokenizer::parse(json.toStdString(), "odd");
    QVERIFY2(tokenizer.has_value(), tokenizer ? "" : tokenizer.error().sentence().c_str());
    QCOMPARE(tokenizer->encode("abc"), (std::vector<TokenId>{100, 'c' - 32}));
}

void TestTokenizerMalformed::aMillionMergesLoad()
{
    Json many = kBase;
    many["model"]["merges"] = Json(1'000'000, "a b");
    const auto tokenizer = Tokenizer::parse(dumped(many), "many");
    QVERIFY2(tokenizer.has_value(), tokenizer ? "" : tokenizer.error().sentence().c_str());
    QCOMPARE(tokenizer->encode("abab"), (std::vector<TokenId>{100, 100}));
}

QTEST_GUILESS_MAIN(TestTokenizerMalformed)
#include "tst_tokenizer_malformed.moc"
