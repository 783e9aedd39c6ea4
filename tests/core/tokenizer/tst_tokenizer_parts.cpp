// SPDX-License-Identifier: GPL-3.0-or-later
// Every part of tokenizer.json by itself, on tokenizers made in the test. The expected pieces agree with the reference
// implementation (tokenizers 0.22), which by now refuses Metaspace with nothing but "add_prefix_space": false.
#include "tokenizer_fixtures.h"

#include <QtTest>

using namespace sa;
using namespace sa::test;

namespace
{

using Strings = std::vector<std::string>;

/// A tokenizer in which every piece that the pre-tokenizer should make is one token.
QByteArray piecesTokenizer(const Strings& pieces, Json parts)
{
    Strings tokens;
    for (const std::string& piece : pieces)
        if (std::find(tokens.begin(), tokens.end(), piece) == tokens.end())
            tokens.push_back(piece);
    parts["model"]["ignore_merges"] = true;
    return QByteArray::fromStdString(dumped(smallTokenizer(tokens, parts)));
}

std::string joined(const Strings& pieces)
{
    std::string out;
    for (const std::string& piece : pieces)
        out += (out.empty() ? "" : "|") + piece;
    return out;
}

std::string encoded(const Tokenizer& tokenizer, const std::string& text, bool special)
{
    Strings pieces;
    for (const TokenId id : tokenizer.encode(text, special))
        pieces.push_back(tokenizer.tokenText(id));
    return joined(pieces);
}

Json split(const Json& pattern, const char* behavior, bool invert = false)
{
    return {{"type", "Split"}, {"pattern", pattern}, {"behavior", behavior}, {"invert", invert}};
}

Json regexSplit(const char* regex)
{
    return split({{"Regex", regex}}, "Isolated");
}

Json added(TokenId id, const char* content, const Json& flags)
{
    Json out{{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", false},
             {"rstrip", false}, {"normalized", false}, {"special", false}};
    out.update(flags);
    return out;
}

} // namespace

class TestTokenizerParts : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void preTokenizers_data();
    void preTokenizers();
    void normalizers_data();
    void normalizers();
    void models_data();
    void models();
    void addedTokens_data();
    void addedTokens();
    void postProcessors_data();
    void postProcessors();
    void decoders_data();
    void decoders();
    void brokenUtf8BecomesReplacementCharacters();
    void hungryRegexEndsAndLosesNothing_data();
    void hungryRegexEndsAndLosesNothing();
    void longRunsOfMarksAreNormalized();
    void configOverrulesFirstAndLastTokens_data();
    void configOverrulesFirstAndLastTokens();

private:
    void check();
};

/// Columns json, text, expected ("a|b").
void TestTokenizerParts::check()
{
    QFETCH(QByteArray, json);
    QFETCH(QByteArray, text);
    QFETCH(QByteArray, expected);
    const auto tokenizer = Tokenizer::parse(json.toStdString(), "test");
    QVERIFY2(tokenizer.has_value(), tokenizer ? "" : tokenizer.error().sentence().c_str());
    QCOMPARE(QByteArray::fromStdString(encoded(*tokenizer, text.toStdString(), true)), expected);
}

void TestTokenizerParts::preTokenizers_data()
{
    QTest::addColumn<QByteArray>("json");
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<QByteArray>("expected");
    const auto row = [](const char* name, const Json& part, const char* text, const Strings& pieces) {
        QTest::addRow("%s", name) << piecesTokenizer(pieces, {{"pre_tokenizer", part}}) << QByteArray(text)
                                  << QByteArray::fromStdString(joined(pieces));
    };
    const Json dash{{"String", "--"}};
    row("Split drops what it finds", split(dash, "Removed"), "ab--cd--", {"ab", "cd"});
    row("Split sets what it finds apart", split(dash, "Isolated"), "ab--cd--", {"ab", "--", "cd", "--"});
    row("Split leaves it with what is before", split(dash, "MergedWithPrevious"), "--ab----cd",
        {"--", "ab--", "--", "cd"});
    row("Split leaves it with what is after", split(dash, "MergedWithNext"), "ab----cd--", {"ab", "--", "--cd", "--"});
    row("Split keeps neighbouring matches together", split(dash, "Contiguous"), "ab----cd", {"ab", "----", "cd"});
    row("inverted, Split keeps only what it finds", split({{"Regex", "[a-z]+"}}, "Removed", true), "ab--cd",
        {"ab", "cd"});
    row("inverted and merged with what is before", split({{"Regex", "[a-z]+"}}, "MergedWithPrevious", true), "ab--cd",
        {"ab--", "cd"});
    row("a pattern that matches nothing leaves the text whole", split({{"String", "x"}}, "Isolated"), "abc", {"abc"});
    row("a pattern that can be empty still advances", regexSplit("b*"), "abba", {"a", "bb", "a"});

    row("GPT-2 keeps the space before a word",
        {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", true}},
        "it's  here, 12!", {"it", "'s", "Ġ", "Ġhere", ",", "Ġ12", "!"});
    row("ByteLevel can put a space in front",
        {{"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", true}, {"use_regex", true}}, "it is",
        {"Ġit", "Ġis"});
    row("ByteLevel without its pattern does not split",
        {{"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", true}, {"use_regex", false}}, " it is",
        {"ĠitĠis"});
    row("LLaMA-3 takes three digits at a time",
        {{"type", "Sequence"},
         {"pretokenizers",
          {regexSplit(
               "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"
               "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"),
           {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", false}}}}},
        "I'VE 12345 (ok)\n\n  go", {"I", "'VE", "Ġ", "123", "45", "Ġ(", "ok", ")ĊĊ", "Ġ", "Ġgo"});
    row("Bloom's nested character class is one set", regexSplit(" ?[^(\\s|[.,!?])]+"), "(one two) three.",
        {"(", "one", " two", ")", " three", "."});

    const auto metaspace = [](const Json& fields) {
        Json out{{"type", "Metaspace"}, {"replacement", "▁"}};
        out.update(fields);
        return out;
    };
    row("Metaspace prepends always", metaspace({{"prepend_scheme", "always"}, {"split", true}}), "a b  c",
        {"▁a", "▁b", "▁", "▁c"});
    row("Metaspace does not prepend before a space", metaspace({{"prepend_scheme", "always"}, {"split", true}}), " a",
        {"▁a"});
    row("Metaspace never prepends", metaspace({{"prepend_scheme", "never"}, {"split", true}}), "a b", {"a", "▁b"});
    row("Metaspace without splitting", metaspace({{"prepend_scheme", "first"}, {"split", false}}), "a b", {"▁a▁b"});
    row("Metaspace in its older spelling", metaspace({{"add_prefix_space", true}, {"str_rep", "▁"}}), "a b",
        {"▁a", "▁b"});
    row("Metaspace in its older spelling, without a prefix", metaspace({{"add_prefix_space", false}}), "a b",
        {"a", "▁b"});
    row("Metaspace prepends to the first piece only",
        {{"type", "Sequence"},
         {"pretokenizers", {{{"type", "WhitespaceSplit"}}, metaspace({{"prepend_scheme", "first"}, {"split", true}})}}},
        "aa bb", {"▁aa", "bb"});

    row("Whitespace parts words from symbols", {{"type", "Whitespace"}}, "Hey, you_2!? \n ok",
        {"Hey", ",", "you_2", "!?", "ok"});
    row("WhitespaceSplit parts at white space only", {{"type", "WhitespaceSplit"}}, " Hey,  you!\n", {"Hey,", "you!"});
    row("Digits together", {{"type", "Digits"}, {"individual_digits", false}}, "ab123c", {"ab", "123", "c"});
    row("Digits one by one", {{"type", "Digits"}, {"individual_digits", true}}, "ab12", {"ab", "1", "2"});
    row("Punctuation stands alone", {{"type", "Punctuation"}}, "a$!b", {"a", "$", "!", "b"});
    row("Punctuation together", {{"type", "Punctuation"}, {"behavior", "Contiguous"}}, "a$!b", {"a", "$!", "b"});

    row("a lookahead sees the text behind the match", regexSplit("\\s+(?!\\S)|\\s+"), "a   b", {"a", "  ", " ", "b"});
    row("\\h is a hexadecimal digit", regexSplit("\\h+"), "xfF9g", {"x", "fF9", "g"});
    row("an interval with + repeats the interval", regexSplit("(?:ab){2}+"), "ababababab", {"abababab", "ab"});
    row("{n}? is the interval or nothing", regexSplit("xa{2}?y"), "xy-xaay", {"xy", "-", "xaay"});
    row("{,n} starts at zero", regexSplit("xa{,1}y"), "xy-xay", {"xy", "-", "xay"});
    row("^ and $ belong to lines", regexSplit("^.|.$"), "abc\nxyz", {"a", "b", "c", "\n", "x", "y", "z"});
    row("groups, names and options", regexSplit("(?<word>[a-z]+)(?i:END)"), "someEnd.", {"someEnd", "."});
    row("POSIX brackets", regexSplit("[[:punct:]]+|[[:space:]]"), "a+-b c", {"a", "+-", "b", " ", "c"});
    row("\\b is where a word begins or ends", regexSplit("\\bis\\b"), "is this is", {"is", " this ", "is"});
    row("\\u and \\x escapes", regexSplit("[\\u0041-\\x43]"), "zBz", {"z", "B", "z"});
}

void TestTokenizerParts::preTokenizers()
{
    check();
}

void TestTokenizerParts::normalizers_data()
{
    QTest::addColumn<QByteArray>("json");
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<QByteArray>("expected");
    const auto row = [](const char* name, const Json& part, const char* text, const char* whole) {
        const Strings pieces = *whole ? Strings{whole} : Strings{};
        QTest::addRow("%s", name) << piecesTokenizer(pieces, {{"normalizer", part}}) << QByteArray(text)
                                  << QByteArray::fromStdString(joined(pieces));
    };
    const auto sequence = [](const Json& parts) { return Json{{"type", "Sequence"}, {"normalizers", parts}}; };
    row("LLaMA-2 prepends, then replaces",
        sequence({{{"type", "Prepend"}, {"prepend", "▁"}},
                  {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", "▁"}}}),
        "a b", "▁a▁b");
    row("nothing is prepended to nothing", {{"type", "Prepend"}, {"prepend", "▁"}}, "", "");
    row("Replace with a pattern", {{"type", "Replace"}, {"pattern", {{"Regex", " {2,}"}}}, {"content", "_"}}, "a   b c",
        "a_b c");
    row("Replace with nothing", {{"type", "Replace"}, {"pattern", {{"String", "--"}}}, {"content", ""}}, "a---b",
        "a-b");
    row("NFC composes", {{"type", "NFC"}}, "e\u0301", "é");
    row("NFD decomposes", {{"type", "NFD"}}, "é", "e\u0301");
    row("NFKC also replaces ligatures", {{"type", "NFKC"}}, "ﬁn \u212B", "fin Å");
    row("NFKD decomposes those, too", {{"type", "NFKD"}}, "\u00BDé", "1\u20442e\u0301");
    row("marks are put in order", {{"type", "NFD"}}, "a\u0301\u0323", "a\u0323\u0301");
    row("Lowercase goes character by character", {{"type", "Lowercase"}}, "ÀΣ\u0130", "àσi\u0307");
    row("Strip takes white space of both ends", {{"type", "Strip"}, {"strip_left", true}, {"strip_right", true}},
        " \t\u00A0a b\n\u3000", "a b");
    row("Strip can leave the left end", {{"type", "Strip"}, {"strip_left", false}, {"strip_right", true}}, " a ", " a");
    row("Strip can leave nothing", {{"type", "Strip"}, {"strip_left", true}, {"strip_right", true}}, "  \n ", "");
    row("StripAccents takes marks only", sequence({{{"type", "NFD"}}, {{"type", "StripAccents"}}}), "áé", "ae");
    row("an empty Sequence does nothing", sequence(Json::array()), "ab", "ab");
    row("ByteLevel writes bytes as letters", {{"type", "ByteLevel"}}, "a é", "aĠÃ©");
}

void TestTokenizerParts::normalizers()
{
    check();
}

void TestTokenizerParts::models_data()
{
    QTest::addColumn<QByteArray>("json");
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<QByteArray>("expected");
    const auto row = [](const char* name, const Strings& tokens, const Json& model, const char* text,
                        const char* expected) {
        QTest::addRow("%s", name) << QByteArray::fromStdString(dumped(smallTokenizer(tokens, {{"model", model}})))
                                  << QByteArray(text) << QByteArray(expected);
    };
    const Strings abc{"ab", "bc", "abc", "cd", "abcd", "aa", "aaaa"};
    row("the merge of the lowest rank goes first", abc, {{"merges", {"b c", "a b", "a bc"}}}, "abc", "abc");
    row("a merge can take away what another one needs", abc, {{"merges", {"b c", "a b"}}}, "abc", "a|bc");
    row("of equal ranks the left one goes first", abc, {{"merges", {"a a"}}}, "aaaaa", "aa|aa|a");
    row("merges as lists of two", abc,
        {{"merges", Json::array({Json::array({"a", "b"}), Json::array({"c", "d"}), Json::array({"ab", "cd"})})}},
        "abcd", "abcd");
    row("a version line is no merge", abc, {{"merges", {"#version: 0.2", "a b"}}}, "ab", "ab");
    row("of two equal merges the later rank counts", abc, {{"merges", {"a b", "b c", "a b"}}}, "abc", "a|bc");
    row("ignore_merges takes a whole piece from the vocabulary", abc, {{"merges", {"a b"}}, {"ignore_merges", true}},
        "abcd", "abcd");
    row("without it only merges count", abc, {{"merges", {"a b"}}}, "abcd", "ab|c|d");

    const Strings unk{"<unk>", "<0xE4>", "<0xB8>", "<0xAD>", "<0xC3>"};
    row("an unknown character is dropped without unk_token", unk, Json::object(), "a中b", "a|b");
    row("an unknown character becomes unk_token", unk, {{"unk_token", "<unk>"}}, "a中中b", "a|<unk>|<unk>|b");
    row("fuse_unk makes one of several", unk, {{"unk_token", "<unk>"}, {"fuse_unk", true}}, "a中中b", "a|<unk>|b");
    row("byte_fallback spells the bytes", unk, {{"unk_token", "<unk>"}, {"byte_fallback", true}}, "a中b",
        "a|<0xE4>|<0xB8>|<0xAD>|b");
    row("byte_fallback needs every byte", unk, {{"unk_token", "<unk>"}, {"byte_fallback", true}}, "à", "<unk>");
    row("unk_token comes behind the bytes that follow it", unk, {{"unk_token", "<unk>"}, {"byte_fallback", true}},
        "à中b", "<0xE4>|<0xB8>|<0xAD>|<unk>|b");
    row("an empty token is never found", {""}, Json::object(), "ab", "a|b");

    // Longer than what is merged by scanning, and than what is cached.
    std::string many(1000, 'a');
    std::string expected;
    for (int i = 0; i < 250; ++i)
        expected += std::string(i ? "|" : "") + "aaaa";
    row("a long word is merged like a short one", abc, {{"merges", {"a a", "aa aa"}}}, many.c_str(), expected.c_str());
}

void TestTokenizerParts::models()
{
    check();
}

void TestTokenizerParts::addedTokens_data()
{
    QTest::addColumn<QByteArray>("json");
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<QByteArray>("expected");
    const auto row = [](const char* name, const Json& flags, const char* text, const char* expected,
                        Json parts = Json::object()) {
        parts["added_tokens"] = {added(100, "<x>", flags), added(101, "<x><x>!", Json::object())};
        QTest::addRow("%s", name) << QByteArray::fromStdString(dumped(smallTokenizer({}, parts))) << QByteArray(text)
                                  << QByteArray(expected);
    };
    row("it is found anywhere", Json::object(), "a<x>b", "a|<x>|b");
    row("the longest one wins", Json::object(), "<x><x>!<x><x>", "<x><x>!|<x>|<x>");
    row("a word of its own", {{"single_word", true}}, "a<x> <x>b <x>", "a|<|x|>| |<|x|>|b| |<x>");
    row("with the space before it", {{"lstrip", true}}, "a \n<x> b", "a|<x>| |b");
    row("with the space after it", {{"rstrip", true}}, "a <x> \nb", "a| |<x>|b");
    row("alone in the text", Json::object(), "<x>", "<x>");
    const Json lower{{"normalizer", {{"type", "Lowercase"}}}};
    row("looked for in the raw text", {{"normalized", false}}, "<X><x>", "<|x|>|<x>", lower);
    row("looked for in the normalized text", {{"normalized", true}}, "<X><x>", "<x>|<x>", lower);
    row("Metaspace prepends only where the text begins", Json::object(), "a<x>b", "▁|a|<x>|b",
        {{"pre_tokenizer",
          {{"type", "Metaspace"}, {"replacement", "▁"}, {"prepend_scheme", "first"}, {"split", true}}}});
    row("nothing is prepended when a token begins the text", Json::object(), "<x>b", "<x>|b",
        {{"pre_tokenizer",
          {{"type", "Metaspace"}, {"replacement", "▁"}, {"prepend_scheme", "first"}, {"split", true}}}});
    row("every section is normalized by itself", Json::object(), "a<x>b", "▁|a|<x>|▁|b",
        {{"normalizer", {{"type", "Prepend"}, {"prepend", "▁"}}}});
}

void TestTokenizerParts::addedTokens()
{
    check();
}

void TestTokenizerParts::postProcessors_data()
{
    QTest::addColumn<QByteArray>("json");
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<QByteArray>("expected");
    const auto row = [](const char* name, const Json& part, const char* expected) {
        const Json tokens = {added(100, "<s>", {{"special", true}}), added(101, "</s>", {{"special", true}})};
        QTest::addRow("%s", name) << QByteArray::fromStdString(dumped(
                                         smallTokenizer({}, {{"post_processor", part}, {"added_tokens", tokens}})))
                                  << QByteArray("ab") << QByteArray(expected);
    };
    const Json text{{"Sequence", {{"id", "A"}, {"type_id", 0}}}};
    const auto special = [](const char* name) { return Json{{"SpecialToken", {{"id", name}, {"type_id", 0}}}}; };
    const Json names{{"b", {{"id", "b"}, {"ids", {100}}, {"tokens", {"<s>"}}}},
                     {"e", {{"id", "e"}, {"ids", {101, 100}}, {"tokens", {"</s>", "<s>"}}}}};
    const Json byteLevel{
        {"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", false}, {"use_regex", true}};
    const Json first{{"type", "TemplateProcessing"},
                     {"single", {special("b"), text}},
                     {"pair", Json::array()},
                     {"special_tokens", names}};
    row("a template puts tokens in front", first, "<s>|a|b");
    row("a template puts several tokens behind",
        {{"type", "TemplateProcessing"},
         {"single", {text, special("e")}},
         {"pair", Json::array()},
         {"special_tokens", names}},
        "a|b|</s>|<s>");
    row("ByteLevel adds nothing", byteLevel, "a|b");
    row("RoBERTa's tokens around the text",
        {{"type", "RobertaProcessing"},
         {"sep", {"</s>", 101}},
         {"cls", {"<s>", 100}},
         {"trim_offsets", true},
         {"add_prefix_space", true}},
        "<s>|a|b|</s>");
    row("BERT's tokens around the text", {{"type", "BertProcessing"}, {"sep", {"</s>", 101}}, {"cls", {"<s>", 100}}},
        "<s>|a|b|</s>");
    row("a Sequence with one that adds", {{"type", "Sequence"}, {"processors", {byteLevel, first}}}, "<s>|a|b");
}

void TestTokenizerParts::postProcessors()
{
    check();
    QFETCH(QByteArray, json);
    const auto tokenizer = Tokenizer::parse(json.toStdString(), "test");
    QVERIFY(tokenizer.has_value());
    QCOMPARE(encoded(*tokenizer, "ab", false), std::string("a|b"));
}

void TestTokenizerParts::decoders_data()
{
    QTest::addColumn<QByteArray>("json");
    QTest::addColumn<std::vector<std::string>>("tokens");
    QTest::addColumn<QByteArray>("expected");
    const auto row = [](const char* name, const Json& part, const Strings& tokens, const char* expected) {
        Strings fresh; // characters are in every vocabulary
        for (const std::string& token : tokens)
            if (token.size() > 1 && token != "▁" && token != "Ġ" &&
                std::find(fresh.begin(), fresh.end(), token) == fresh.end())
                fresh.push_back(token);
        QTest::addRow("%s", name) << QByteArray::fromStdString(dumped(smallTokenizer(fresh, {{"decoder", part}})))
                                  << tokens << QByteArray(expected);
    };
    const auto sequence = [](const Json& parts) { return Json{{"type", "Sequence"}, {"decoders", parts}}; };
    const auto replace = [](const Json& pattern, const char* content) {
        return Json{{"type", "Replace"}, {"pattern", pattern}, {"content", content}};
    };
    const Json fuse{{"type", "Fuse"}};
    const Json bytes{{"type", "ByteFallback"}};
    const auto strip = [](int start, int stop) {
        return Json{{"type", "Strip"}, {"content", " "}, {"start", start}, {"stop", stop}};
    };
    const Json llama = sequence({replace({{"String", "▁"}}, " "), bytes, fuse, strip(1, 0)});
    row("without a decoder tokens are joined by spaces", nullptr, {"ab", "c"}, "ab c");
    row("LLaMA-2 drops the first space only", llama, {"▁Hi", "▁you"}, "Hi you");
    row("LLaMA-2 drops one of two first spaces", llama, {"▁", "▁Hi"}, " Hi");
    row("bytes become characters", llama, {"▁a", "<0xE4>", "<0xB8>", "<0xAD>", "b"}, "a中b");
    row("a run of bytes that is not UTF-8 is replaced byte by byte", llama,
        {"<0xE4>", "<0xB8>", "<0xAD>", "<0xFF>", "a"}, "\uFFFD\uFFFD\uFFFD\uFFFDa");
    row("two runs of bytes are two", llama, {"<0xE4>", "a", "<0xB8>"}, "\uFFFDa\uFFFD");
    row("what only looks like a byte is text", sequence({bytes, fuse}), {"<0x-1>", "<0xZZ>", "<0x1>"},
        "<0x-1><0xZZ><0x1>");
    row("Strip without Fuse works on every token", strip(1, 1), {" a ", " b "}, "ab");
    row("Strip takes as many as it is told", sequence({fuse, strip(2, 1)}), {"   a", "b   "}, " ab  ");
    row("Strip of nothing but spaces", sequence({fuse, strip(1, 1)}), {" ", " ", " "}, " ");
    row("Replace works on every token by itself", replace({{"String", "ab"}}, "x"), {"a", "b", "ab"}, "abx");
    row("behind Fuse, Replace sees across tokens", sequence({fuse, replace({{"String", "aab"}}, "x")}),
        {"a", "a", "a", "b", "a"}, "axa");
    row("Replace with a pattern behind Fuse", sequence({fuse, replace({{"Regex", "a+"}}, "x")}), {"a", "a", "b", "aa"},
        "xbx");
    const Json byteLevel{
        {"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", true}, {"use_regex", true}};
    row("ByteLevel puts a character together", byteLevel, {"ä", "¸Ń", "Ġb"}, "中 b");
    row("ByteLevel replaces each broken part once", byteLevel, {"ä¸", "a", "ÿ"}, "\uFFFDa\uFFFD");
    row("ByteLevel leaves a token with other characters alone", byteLevel, {"Ġ中"}, "Ġ中");
    const auto metaspace = [](const char* scheme) {
        return Json{{"type", "Metaspace"}, {"replacement", "▁"}, {"prepend_scheme", scheme}, {"split", true}};
    };
    row("Metaspace drops the spaces of the first token", metaspace("always"), {"▁▁a", "▁b"}, "a b");
    row("Metaspace keeps them when none is prepended", metaspace("never"), {"▁a", "▁b"}, " a b");
    row("an empty Sequence joins the tokens", sequence(Json::array()), {"ab", "c"}, "abc");
}

void TestTokenizerParts::decoders()
{
    QFETCH(QByteArray, json);
    QFETCH(std::vector<std::string>, tokens);
    QFETCH(QByteArray, expected);
    const auto tokenizer = Tokenizer::parse(json.toStdString(), "test");
    QVERIFY2(tokenizer.has_value(), tokenizer ? "" : tokenizer.error().sentence().c_str());
    std::vector<TokenId> ids;
    for (const std::string& token : tokens) {
        const auto id = tokenizer->idOf(token);
        QVERIFY2(id.has_value(), token.c_str());
        ids.push_back(*id);
    }
    QCOMPARE(QByteArray::fromStdString(tokenizer->decode(ids)), expected);
    Tokenizer::Stream stream(*tokenizer);
    std::string streamed;
    for (const TokenId id : ids)
        streamed += stream.push(id);
    QCOMPARE(QByteArray::fromStdString(streamed + stream.finish()), expected);
}

void TestTokenizerParts::brokenUtf8BecomesReplacementCharacters()
{
    const auto tokenizer = Tokenizer::parse(dumped(smallTokenizer({"\uFFFD"})), "test");
    QVERIFY(tokenizer.has_value());
    const std::string r = "\uFFFD";
    const std::vector<std::pair<std::string, std::string>> rows{
        {"a\xFFz", "a|" + r + "|z"},
        {"\xE4\xB8z", r + "|z"},                 // cut short: one part
        {"\xC0\xAFz", r + "|" + r + "|z"},       // overlong
        {"\xED\xA0\x80", r + "|" + r + "|" + r}, // a surrogate
        {"\xF4\x90\x80\x80", r + "|" + r + "|" + r + "|" + r},
        {"z\xF0\x9F\xA6", "z|" + r},
    };
    for (const auto& [text, expected] : rows)
        QCOMPARE(encoded(*tokenizer, text, true), expected);
}

void TestTokenizerParts::hungryRegexEndsAndLosesNothing_data()
{
    QTest::addColumn<QByteArray>("regex");
    QTest::addColumn<QByteArray>("text");
    const QByteArray a(100'000, 'a');
    QTest::addRow("nested repetition") << QByteArray("(a+)+!$b") << a + "!";
    QTest::addRow("ambiguous alternatives") << QByteArray("(?:a|aa)+$x") << a;
    QTest::addRow("three times everything") << QByteArray("[\\s\\S]*[\\s\\S]*[\\s\\S]*z") << a;
    QTest::addRow("a group for every character") << QByteArray("(?:\\p{L}\\p{M}*)+") << a;
    QTest::addRow("a lookahead over all that follows") << QByteArray("a{1,3}(?=(?:a{3})*(?:b|$))") << a;
    QTest::addRow("optional, optional, optional")
        << QByteArray("(?:(?:a?){30}){30}a{30}b") << QByteArray("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
}

void TestTokenizerParts::hungryRegexEndsAndLosesNothing()
{
    QFETCH(QByteArray, regex);
    QFETCH(QByteArray, text);
    const auto tokenizer = Tokenizer::parse(
        dumped(smallTokenizer({}, {{"pre_tokenizer", regexSplit(regex.constData())}, {"decoder", {{"type", "Fuse"}}}})),
        "test");
    QVERIFY2(tokenizer.has_value(), tokenizer ? "" : tokenizer.error().sentence().c_str());
    QVERIFY(tokenizer->decode(tokenizer->encode(text.toStdString())) == text.toStdString());
}

void TestTokenizerParts::longRunsOfMarksAreNormalized()
{
    // Alternating combining classes: sorting such a run must not take quadratic time.
    std::string text = "a";
    std::string sorted = "a";
    for (int i = 0; i < 200'000; ++i)
        text += "\u0301\u0323";
    for (const char* const mark : {"\u0323", "\u0301"})
        for (int i = 0; i < 200'000; ++i)
            sorted += mark;
    const Json parts{{"normalizer", {{"type", "NFD"}}}, {"decoder", {{"type", "Fuse"}}}};
    const auto tokenizer = Tokenizer::parse(dumped(smallTokenizer({"\u0301", "\u0323"}, parts)), "test");
    QVERIFY(tokenizer.has_value());
    QVERIFY(tokenizer->decode(tokenizer->encode(text)) == sorted);
}

void TestTokenizerParts::configOverrulesFirstAndLastTokens_data()
{
    QTest::addColumn<QByteArray>("config");
    QTest::addColumn<QByteArray>("expected");
    QTest::addRow("no file") << QByteArray() << QByteArray("a|b");
    QTest::addRow("LLaMA adds a first token")
        << QByteArray(R"({"tokenizer_class":"LlamaTokenizer","add_bos_token":true,"bos_token":{"content":"<s>"}})")
        << QByteArray("<s>|a|b");
    QTest::addRow("LLaMA adds a last token")
        << QByteArray(R"({"tokenizer_class":"LlamaTokenizerFast","add_eos_token":true,"eos_token":"</s>"})")
        << QByteArray("a|b|</s>");
    QTest::addRow("LLaMA's tokens are known without being named")
        << QByteArray(R"({"tokenizer_class":"LlamaTokenizer","add_bos_token":true,"add_eos_token":true})")
        << QByteArray("<s>|a|b|</s>");
    QTest::addRow("a class that takes tokenizer.json as it is")
        << QByteArray(R"({"tokenizer_class":"PreTrainedTokenizerFast","add_bos_token":true,"bos_token":"<s>"})")
        << QByteArray("a|b");
    QTest::addRow("a token that does not exist")
        << QByteArray(R"({"tokenizer_class":"GemmaTokenizer","add_bos_token":true,"bos_token":"<bos>"})")
        << QByteArray("refused: bos_token");
    QTest::addRow("not JSON") << QByteArray("{") << QByteArray("refused: byte 2");
    QTest::addRow("not an object") << QByteArray("[]") << QByteArray("refused: (top level)");
}

void TestTokenizerParts::configOverrulesFirstAndLastTokens()
{
    QFETCH(QByteArray, config);
    QFETCH(QByteArray, expected);
    QTemporaryDir folder;
    const auto write = [&](const char* name, const QByteArray& bytes) {
        QFile file(folder.filePath(name));
        QVERIFY(file.open(QIODevice::WriteOnly));
        QCOMPARE(file.write(bytes), bytes.size());
    };
    const Json tokens = {added(100, "<s>", {{"special", true}}), added(101, "</s>", {{"special", true}})};
    write("tokenizer.json", QByteArray::fromStdString(dumped(smallTokenizer({}, {{"added_tokens", tokens}}))));
    if (!config.isEmpty())
        write("tokenizer_config.json", config);
    const auto tokenizer = Tokenizer::open(folder.path().toStdString());
    if (expected.startsWith("refused: ")) {
        QVERIFY(!tokenizer);
        QCOMPARE(tokenizer.error().code, Errc::BadFormat);
        QVERIFY(QString::fromStdString(tokenizer.error().file).endsWith("/tokenizer_config.json"));
        QCOMPARE(QByteArray::fromStdString(tokenizer.error().where), expected.mid(9));
        return;
    }
    QVERIFY2(tokenizer.has_value(), tokenizer ? "" : tokenizer.error().sentence().c_str());
    QCOMPARE(QByteArray::fromStdString(encoded(*tokenizer, "ab", true)), expected);
}

QTEST_GUILESS_MAIN(TestTokenizerParts)
#include "tst_tokenizer_parts.moc"
