// SPDX-License-Identifier: GPL-3.0-or-later
// Ids pushed one by one give exactly the text of decode(), and never half a character.
#include "core/tokenizer/unicode.h"
#include "tokenizer_fixtures.h"

#include <QRandomGenerator>
#include <QtTest>

using namespace sa;
using namespace sa::test;

class TestTokenizerStream : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void agreesWithDecode_data();
    void agreesWithDecode();
    void charactersArriveWhole_data();
    void charactersArriveWhole();
    void leadingSpaceGoesOnlyOnce();
    void finishStartsAnew();
    void outlivesItsTokenizer();
};

namespace
{

bool isWhole(const std::string& text)
{
    std::string unused;
    return tokenizer::toValidUtf8(text, unused).data() == text.data();
}

Json part(const char* type)
{
    return {{"type", type}};
}

/// LLaMA-2's decoder over a vocabulary with all 256 byte tokens.
Tokenizer llamaLike()
{
    std::vector<std::string> tokens;
    for (int byte = 0; byte < 256; ++byte)
        tokens.push_back(QString::asprintf("<0x%02X>", byte).toStdString());
    tokens.push_back("▁Hi");
    const Json space{{"type", "Replace"}, {"pattern", {{"String", "▁"}}}, {"content", " "}};
    const Json strip{{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}};
    const Json decoder{{"type", "Sequence"}, {"decoders", {space, part("ByteFallback"), part("Fuse"), strip}}};
    const Json model{{"byte_fallback", true}};
    return *Tokenizer::parse(dumped(smallTokenizer(tokens, {{"decoder", decoder}, {"model", model}})), "test");
}

} // namespace

void TestTokenizerStream::agreesWithDecode_data()
{
    QTest::addColumn<QString>("path");
    for (const auto& file : tokenizerFiles())
        QTest::addRow("%s", qPrintable(file.name)) << file.path;
}

void TestTokenizerStream::agreesWithDecode()
{
    QFETCH(QString, path);
    const std::string text = tokenizerText({QString(), path});
    if (text.empty())
        QSKIP("the xz program, which unpacks this tokenizer, is missing");
    const auto opened = Tokenizer::parse(text, path.toStdString());
    QVERIFY(opened.has_value());
    const Tokenizer& tok = *opened;
    QRandomGenerator random(7);
    const auto below = [&](std::size_t n) { return static_cast<TokenId>(random.bounded(static_cast<quint32>(n))); };
    for (int round = 0; round < 400; ++round) {
        std::vector<TokenId> ids;
        const int length = random.bounded(40);
        // Low ids are bytes and special tokens, and a few ids do not exist.
        for (int i = 0; i < length; ++i)
            ids.push_back(round % 2 ? below(std::min<std::size_t>(300, tok.size())) : below(tok.size() + 5));
        for (const bool skipSpecial : {false, true}) {
            Tokenizer::Stream stream(tok, skipSpecial);
            std::string streamed;
            for (const TokenId id : ids) {
                const std::string fresh = stream.push(id);
                QVERIFY(isWhole(fresh));
                streamed += fresh;
            }
            const std::string rest = stream.finish();
            QVERIFY(isWhole(rest));
            QCOMPARE(streamed + rest, tok.decode(ids, skipSpecial));
        }
    }
}

void TestTokenizerStream::charactersArriveWhole_data()
{
    QTest::addColumn<bool>("byteLevel");
    QTest::addRow("a character in bytes comes when the run of bytes ends") << false;
    QTest::addRow("a character in letters comes with its last byte") << true;
}

void TestTokenizerStream::charactersArriveWhole()
{
    QFETCH(bool, byteLevel);
    if (!byteLevel) {
        const Tokenizer tok = llamaLike();
        Tokenizer::Stream stream(tok);
        QCOMPARE(stream.push(*tok.idOf("a")), std::string("a"));
        for (const char* const byte : {"<0xF0>", "<0x9F>", "<0xA6>", "<0x99>"})
            QCOMPARE(stream.push(*tok.idOf(byte)), std::string());
        QCOMPARE(stream.push(*tok.idOf("b")), std::string("\U0001F999b"));
        QCOMPARE(stream.push(*tok.idOf("<0xF0>")), std::string());
        QCOMPARE(stream.finish(), std::string("\uFFFD"));
        return;
    }
    const Json decoder{{"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", true}, {"use_regex", true}};
    const Tokenizer tok =
        *Tokenizer::parse(dumped(smallTokenizer({"ðŁ", "¦", "Ļ", "Ļb"}, {{"decoder", decoder}})), "test");
    Tokenizer::Stream stream(tok);
    QCOMPARE(stream.push(*tok.idOf("ðŁ")), std::string());
    QCOMPARE(stream.push(*tok.idOf("¦")), std::string());
    QCOMPARE(stream.push(*tok.idOf("Ļb")), std::string("\U0001F999b"));
    QCOMPARE(stream.push(*tok.idOf("ðŁ")), std::string());
    QCOMPARE(stream.push(*tok.idOf("a")), std::string("\uFFFDa"));
    QCOMPARE(stream.push(*tok.idOf("¦")), std::string("\uFFFD"));
    QCOMPARE(stream.push(*tok.idOf("ðŁ")), std::string());
    QCOMPARE(stream.finish(), std::string("\uFFFD"));
}

void TestTokenizerStream::leadingSpaceGoesOnlyOnce()
{
    const Tokenizer tok = llamaLike();
    const TokenId hi = *tok.idOf("▁Hi");
    Tokenizer::Stream stream(tok);
    QCOMPARE(stream.push(hi), std::string("Hi"));
    QCOMPARE(stream.push(hi), std::string(" Hi"));
    QCOMPARE(stream.push(*tok.idOf("▁")), std::string(" "));
    QCOMPARE(stream.push(hi), std::string(" Hi"));
    QCOMPARE(stream.finish(), std::string());
}

void TestTokenizerStream::finishStartsAnew()
{
    const Tokenizer tok = llamaLike();
    const TokenId hi = *tok.idOf("▁Hi");
    Tokenizer::Stream stream(tok);
    for (int round = 0; round < 2; ++round) {
        QCOMPARE(stream.push(hi), std::string("Hi"));
        QCOMPARE(stream.push(*tok.idOf("<0xC3>")), std::string());
        QCOMPARE(stream.finish(), std::string("\uFFFD"));
    }
    QCOMPARE(stream.finish(), std::string());
}

void TestTokenizerStream::outlivesItsTokenizer()
{
    std::optional<Tokenizer> tok(llamaLike());
    const TokenId hi = *tok->idOf("▁Hi");
    Tokenizer::Stream stream(*tok);
    tok.reset();
    QCOMPARE(stream.push(hi), std::string("Hi"));
    Tokenizer::Stream moved(std::move(stream));
    QCOMPARE(moved.push(hi), std::string(" Hi"));
}

QTEST_GUILESS_MAIN(TestTokenizerStream)
#include "tst_tokenizer_stream.moc"
