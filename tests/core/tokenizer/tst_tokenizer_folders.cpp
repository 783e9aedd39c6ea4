// SPDX-License-Identifier: GPL-3.0-or-later
// Folders without tokenizer.json: SentencePiece, vocab.json with merges.txt, tiktoken, llama2.c. The expected ids of
// tests/data/tokenizers come from transformers, sentencepiece and tokenizers.
#include "core/tokenizer/unicode.h"
#include "tokenizer_fixtures.h"

#include <QDir>
#include <QFile>
#include <QRandomGenerator>
#include <QTemporaryDir>
#include <QtTest>
#include <cstring>
#include <map>
#include <sentencepiece_processor.h>

using namespace sa;
using namespace sa::test;

Q_DECLARE_METATYPE(std::vector<sa::TokenId>)

namespace
{

using Ids = std::vector<TokenId>;

const QString kData = QStringLiteral(SA_SOURCE_DIR "/tests/data/tokenizers");

Json readJson(const QString& path)
{
    auto parsed = json::parseFile(path.toStdString());
    return parsed ? *std::move(parsed) : Json();
}

void write(const QString& path, const QByteArray& bytes)
{
    QFile file(path);
    QVERIFY(file.open(QIODevice::WriteOnly));
    QCOMPARE(file.write(bytes), bytes.size());
}

std::string bytesOf(const QString& path)
{
    QFile file(path);
    return file.open(QIODevice::ReadOnly) ? file.readAll().toStdString() : std::string();
}

/// Published texts of one vocabulary, with special characters of all kinds.
std::vector<std::string> publishedTexts()
{
    std::vector<std::string> out;
    const auto parts = QByteArray::fromStdString(
        bytesOf(QStringLiteral(SA_SHARED_DIR "/data/tokenizers/vectors/ggml-vocab-llama-spm.gguf.inp")));
    for (const QString& text : QString::fromUtf8(parts).split("\n__ggml_vocab_test__\n"))
        out.push_back(text.toStdString());
    for (const char* const text : {"", " ", "<s>", "</s> after", "a <s> b </s>", "<s><s>", "<unk>?", "x</s>\n<s>y",
                                   "<|begin_of_text|>Hi<|eot_id|>", "<|reserved_special_token_12|>", "<0x41>", "▁ ▁"})
        out.emplace_back(text);
    return out;
}

/// llama2.c's own way, written down as plainly as possible: the best pair of neighbours, again and again.
class PlainLlama2c
{
public:
    explicit PlainLlama2c(const std::string& bytes)
    {
        for (std::size_t at = 4; at + 8 <= bytes.size();) {
            float score = 0;
            std::int32_t size = 0;
            std::memcpy(&score, bytes.data() + at, 4);
            std::memcpy(&size, bytes.data() + at + 4, 4);
            m_scores.push_back(score);
            m_ids[bytes.substr(at + 8, static_cast<std::size_t>(size))] = static_cast<TokenId>(m_tokens.size());
            m_tokens.push_back(bytes.substr(at + 8, static_cast<std::size_t>(size)));
            at += 8 + static_cast<std::size_t>(size);
        }
    }
    Ids encode(const std::string& text) const
    {
        Ids out{1};
        if (!text.empty())
            out.push_back(m_ids.at(" "));
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t begin = at;
            tokenizer::nextCodePoint(text, at);
            const auto known = m_ids.find(text.substr(begin, at - begin));
            if (known != m_ids.end())
                out.push_back(known->second);
            else
                for (std::size_t i = begin; i < at; ++i)
                    out.push_back(3 + static_cast<unsigned char>(text[i]));
        }
        while (true) {
            std::size_t best = 0;
            TokenId bestId = -1;
            for (std::size_t i = 1; i + 1 < out.size(); ++i) {
                const auto joined = m_ids.find(token(out[i]) + token(out[i + 1]));
                if (joined != m_ids.end() && (bestId < 0 || score(joined->second) > score(bestId))) {
                    best = i;
                    bestId = joined->second;
                }
            }
            if (bestId < 0)
                return out;
            out[best] = bestId;
            out.erase(out.begin() + static_cast<std::ptrdiff_t>(best) + 1);
        }
    }

private:
    const std::string& token(TokenId id) const { return m_tokens[static_cast<std::size_t>(id)]; }
    float score(TokenId id) const { return m_scores[static_cast<std::size_t>(id)]; }
    std::vector<std::string> m_tokens;
    std::vector<float> m_scores;
    std::map<std::string, TokenId> m_ids;
};

} // namespace

class TestTokenizerFolders : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void agreesWithTheReference_data();
    void agreesWithTheReference();
    void sentencePieceAgreesWithItsLibrary_data();
    void sentencePieceAgreesWithItsLibrary();
    void sentencePieceThatNormalisesIsRefused();
    void sentencePieceAgreesWithTokenizerJson();
    void tiktokenAgreesWithTokenizerJson();
    void publishedVectors_data();
    void publishedVectors();
    void optBeginsWithItsEndToken();
    void vocabAndMerges();
    void llama2cAgreesWithThePlainWay();
    void oneFileOfLlama2cIsFound();
    void theFirstFileCounts();
    void hugeTextsComeBack_data();
    void hugeTextsComeBack();
};

void TestTokenizerFolders::agreesWithTheReference_data()
{
    QTest::addColumn<QString>("folder");
    for (const QString& name : QDir(kData).entryList(QDir::Dirs | QDir::NoDotAndDotDot))
        QTest::addRow("%s", qPrintable(name)) << kData + "/" + name;
}

void TestTokenizerFolders::agreesWithTheReference()
{
    QFETCH(QString, folder);
    const auto opened = Tokenizer::open(folder.toStdString());
    QVERIFY2(opened.has_value(), opened ? "" : opened.error().sentence().c_str());
    const Json rows = readJson(folder + "/expected.json");
    QVERIFY(rows.size() > 100);
    for (const Json& row : rows) {
        const auto text = row.at("text").get<std::string>();
        const auto ids = row.at("ids").get<Ids>();
        QVERIFY2(opened->encode(text) == ids, text.c_str());
        QVERIFY2(opened->encode(text, false) == row.at("plain").get<Ids>(), text.c_str());
        if (row.contains("decoded"))
            QCOMPARE(opened->decode(ids), row.at("decoded").get<std::string>());
        Tokenizer::Stream stream(*opened);
        std::string streamed;
        for (const TokenId id : ids) {
            const std::string part = stream.push(id);
            std::string unused;
            QVERIFY(tokenizer::toValidUtf8(part, unused).data() == part.data());
            streamed += part;
        }
        QCOMPARE(streamed + stream.finish(), opened->decode(ids));
    }
}

void TestTokenizerFolders::sentencePieceAgreesWithItsLibrary_data()
{
    QTest::addColumn<QString>("model");
    QTest::addRow("sentencepiece-bpe") << kData + "/sentencepiece-bpe/tokenizer.model";
    for (const char* const name : {"llama-2", "mistral-v1", "mistral-v3"}) {
        const QString path = sharedPath(QStringLiteral("data/tokenizers/") + name + "/tokenizer.model");
        if (!path.isEmpty())
            QTest::addRow("%s", name) << path;
    }
}

/// Random texts without special tokens, which the library does not find in texts.
void TestTokenizerFolders::sentencePieceAgreesWithItsLibrary()
{
    QFETCH(QString, model);
    QTemporaryDir temporary;
    QVERIFY(QFile::copy(model, temporary.filePath("tokenizer.model")));
    const auto ours = Tokenizer::open(temporary.path().toStdString());
    QVERIFY2(ours.has_value(), ours ? "" : ours.error().sentence().c_str());
    sentencepiece::SentencePieceProcessor library;
    QVERIFY(library.Load(model.toStdString()).ok());
    QCOMPARE(ours->size(), static_cast<std::size_t>(library.GetPieceSize()));
    QRandomGenerator random(23);
    const QStringList words{"The",   " the", " window", "ing",  "\n",   "  ",     "    ", "\t",
                            "1234",  "é",    "日本語",  "🦙", "<tag", ">",      "▁",    "_",
                            "don't", "\r",   " quant",  "ize",  "ß",    "\u00a0", "x",    "́"};
    for (int round = 0; round < 3000; ++round) {
        QString text;
        for (int i = random.bounded(1, 12); i > 0; --i)
            text += round % 3 ? words[random.bounded(words.size())] : QString(QChar(random.bounded(32, 0x2FF)));
        std::vector<int> ids;
        QVERIFY(library.Encode(text.toStdString(), &ids).ok());
        QVERIFY2(ours->encode(text.toStdString(), false) == ids, qPrintable(text));
    }
}

void TestTokenizerFolders::sentencePieceThatNormalisesIsRefused()
{
    const auto refused = Tokenizer::open((kData + "/../sentencepiece-unigram").toStdString());
    QVERIFY(!refused);
    QCOMPARE(name(refused.error().code), name(Errc::Unsupported));
    QCOMPARE(refused.error().found, std::string("a model that is not BPE"));
    QVERIFY(refused.error().remedy.find("tokenizer.json") != std::string::npos);
}

void TestTokenizerFolders::sentencePieceAgreesWithTokenizerJson()
{
    const QString folder = sharedPath("data/tokenizers/llama-2");
    if (folder.isEmpty())
        QSKIP("LLaMA-2's tokenizer of ../shared is absent");
    QTemporaryDir temporary;
    QVERIFY(QFile::copy(folder + "/tokenizer.model", temporary.filePath("tokenizer.model")));
    // As that tokenizer.json was made: the prefix stands before every section.
    write(temporary.filePath("tokenizer_config.json"), R"({"tokenizer_class": "LlamaTokenizer", "legacy": true})");
    const auto fromJson = Tokenizer::open(folder.toStdString());
    const auto fromModel = Tokenizer::open(temporary.path().toStdString());
    QVERIFY(fromJson.has_value() && fromModel.has_value());
    for (const std::string& text : publishedTexts()) {
        const Ids ids = fromModel->encode(text);
        QVERIFY2(ids == fromJson->encode(text), text.c_str());
        QCOMPARE(fromModel->decode(ids), fromJson->decode(ids));
    }
    for (TokenId id = 0; id < 32000; ++id)
        QCOMPARE(fromModel->tokenText(id), fromJson->tokenText(id));
    QCOMPARE(fromModel->size(), fromJson->size());
}

void TestTokenizerFolders::tiktokenAgreesWithTokenizerJson()
{
    const QString folder = sharedPath("data/tokenizers/llama-3");
    if (folder.isEmpty())
        QSKIP("LLaMA-3's tokenizer of ../shared is absent");
    const std::string text = tokenizerText({"llama-3", folder + "/tokenizer.json.xz"});
    if (text.empty())
        QSKIP("the xz program, which unpacks LLaMA-3's tokenizer.json, is missing");
    const auto fromJson = Tokenizer::parse(text, "llama-3");
    const auto fromRanks = Tokenizer::open((folder + "/original").toStdString());
    QVERIFY2(fromRanks.has_value(), fromRanks ? "" : fromRanks.error().sentence().c_str());
    QVERIFY(fromJson.has_value());
    QCOMPARE(fromRanks->size(), fromJson->size());
    for (TokenId id = 0; static_cast<std::size_t>(id) < fromJson->size(); ++id)
        QCOMPARE(fromRanks->tokenText(id), fromJson->tokenText(id));
    for (const std::string& published : publishedTexts()) {
        const Ids ids = fromRanks->encode(published, false);
        QVERIFY2(ids == fromJson->encode(published, false), published.c_str());
        // The first published tokenizer.json did not add it, as a later one and the reference's code do.
        QCOMPARE(fromRanks->encode(published).front(), TokenId(128000));
        QCOMPARE(fromRanks->decode(ids), fromJson->decode(ids));
    }
}

void TestTokenizerFolders::publishedVectors_data()
{
    QTest::addColumn<QString>("folder");
    QTest::addColumn<std::vector<std::string>>("texts");
    QTest::addColumn<std::vector<Ids>>("ids");
    QTest::addColumn<bool>("special");
    struct Source {
        const char* folder;
        const char* vectors;
    };
    // RoBERTa has OPT's vocabulary.
    for (const Source& source :
         {Source{"opt", "roberta-bpe"}, Source{"gpt2", "gpt-2"}, Source{"llama-3/original", "llama-bpe"}}) {
        const QString stem =
            QStringLiteral("data/tokenizers/vectors/ggml-vocab-") + source.vectors + QStringLiteral(".gguf");
        const QString folder = sharedPath(QStringLiteral("data/tokenizers/") + source.folder);
        if (folder.isEmpty() || sharedPath(stem + ".inp").isEmpty())
            continue;
        std::vector<std::string> texts;
        std::vector<Ids> ids;
        const auto lines = QByteArray::fromStdString(bytesOf(sharedPath(stem + ".out"))).split('\n');
        const auto inputs = QByteArray::fromStdString(bytesOf(sharedPath(stem + ".inp")));
        for (const QString& text : QString::fromUtf8(inputs).split("\n__ggml_vocab_test__\n")) {
            if (static_cast<qsizetype>(texts.size()) >= lines.size() - 1)
                break;
            Ids row;
            for (const QByteArray& number : lines[static_cast<qsizetype>(texts.size())].split(' '))
                if (!number.isEmpty())
                    row.push_back(number.toInt());
            texts.push_back(text.toStdString());
            ids.push_back(std::move(row));
        }
        QTest::addRow("%s", source.folder) << folder << texts << ids << false;
    }
    const Json mistral = readJson(sharedPath("data/tokenizers/vectors/mistral-v1.json"));
    if (mistral.is_object()) {
        std::vector<std::string> texts;
        std::vector<Ids> ids;
        for (const Json& row : mistral.at("vectors")) {
            texts.push_back(row.at("text").get<std::string>());
            ids.push_back(row.at("ids").get<Ids>());
        }
        QTest::addRow("mistral-v1") << sharedPath("data/tokenizers/mistral-v1") << texts << ids
                                    << mistral.at("bos_added").get<bool>();
    }
}

void TestTokenizerFolders::publishedVectors()
{
    if (sharedPath("data/tokenizers/vectors").isEmpty())
        QSKIP("the published vectors of ../shared are absent");
    QFETCH(QString, folder);
    QFETCH(std::vector<std::string>, texts);
    QFETCH(std::vector<Ids>, ids);
    QFETCH(bool, special);
    const auto opened = Tokenizer::open(folder.toStdString());
    QVERIFY2(opened.has_value(), opened ? "" : opened.error().sentence().c_str());
    QVERIFY(texts.size() > 10);
    for (std::size_t i = 0; i < texts.size(); ++i)
        QVERIFY2(opened->encode(texts[i], special) == ids[i], texts[i].c_str());
}

void TestTokenizerFolders::optBeginsWithItsEndToken()
{
    const QString folder = sharedPath("data/tokenizers/opt");
    if (folder.isEmpty())
        QSKIP("OPT's tokenizer of ../shared is absent");
    const auto opt = Tokenizer::open(folder.toStdString());
    QVERIFY(opt.has_value());
    QCOMPARE(opt->encode("Hello"), (Ids{2, 31414}));
    QCOMPARE(opt->encode("</s>Hello</s>", false), (Ids{2, 31414, 2}));
    QCOMPARE(opt->decode({2, 31414}), std::string("Hello"));
}

/// The two older files, with the line ends of another system and tokens that only the settings name.
void TestTokenizerFolders::vocabAndMerges()
{
    QTemporaryDir temporary;
    write(temporary.filePath("vocab.json"),
          R"({"a": 0, "b": 1, "ab": 2, "Ġ": 3, "Ġab": 4, "<|endoftext|>": 5, "#": 6, "##": 7})");
    write(temporary.filePath("merges.txt"), "#version: 0.2\r\na b\r\nĠ ab\r\n# #\r\n");
    auto tokenizer = Tokenizer::open(temporary.path().toStdString());
    QVERIFY2(tokenizer.has_value(), tokenizer ? "" : tokenizer.error().sentence().c_str());
    QCOMPARE(tokenizer->encode("ab ab##<|endoftext|>"), (Ids{2, 4, 7, 5}));
    QVERIFY(tokenizer->isSpecial(5));
    QCOMPARE(tokenizer->decode({2, 4, 5}), std::string("ab ab"));

    write(temporary.filePath("special_tokens_map.json"), R"({"bos_token": "<|endoftext|>", "pad_token": "[PAD]"})");
    write(temporary.filePath("added_tokens.json"), R"({"<mine>": 8})");
    write(temporary.filePath("tokenizer_config.json"), R"({"add_bos_token": true, "add_prefix_space": true})");
    tokenizer = Tokenizer::open(temporary.path().toStdString());
    QVERIFY2(tokenizer.has_value(), tokenizer ? "" : tokenizer.error().sentence().c_str());
    QCOMPARE(tokenizer->encode("ab<mine>[PAD]"), (Ids{5, 4, 8, 9}));
    QVERIFY(tokenizer->isSpecial(9));
    QVERIFY(!tokenizer->isSpecial(8));
}

void TestTokenizerFolders::llama2cAgreesWithThePlainWay()
{
    const QString folder = sharedPath("data/models/stories260K");
    if (folder.isEmpty())
        QSKIP("the llama2.c model of ../shared is absent");
    const PlainLlama2c plain(bytesOf(folder + "/tok512.bin"));
    const auto tokenizer = Tokenizer::open(folder.toStdString());
    QVERIFY2(tokenizer.has_value(), tokenizer ? "" : tokenizer.error().sentence().c_str());
    QCOMPARE(tokenizer->size(), std::size_t(512));
    const auto story = readJson(folder + "/golden.json").at("expected_text").get<std::string>();
    auto texts = publishedTexts();
    texts.push_back(story);
    for (const std::string& text : texts)
        QVERIFY2(tokenizer->encode(text) == plain.encode(text), text.c_str());
    QCOMPARE(tokenizer->decode(tokenizer->encode(story)), story);
    QCOMPARE(tokenizer->encode(""), Ids{1});
    QVERIFY(tokenizer->isSpecial(1) && tokenizer->isSpecial(2));
    QCOMPARE(tokenizer->decode({1, 2}), std::string());
    QCOMPARE(tokenizer->decode({1, 3 + 0xC3, 3 + 0xA9}), std::string("é"));
}

void TestTokenizerFolders::oneFileOfLlama2cIsFound()
{
    const QString file = sharedPath("data/models/stories260K/tok512.bin");
    if (file.isEmpty())
        QSKIP("the llama2.c model of ../shared is absent");
    QTemporaryDir temporary;
    QVERIFY(QFile::copy(file, temporary.filePath("tokenizer.bin")));
    write(temporary.filePath("tokens.bin"), "not a tokenizer, though its name begins like one");
    const auto one = Tokenizer::open(temporary.path().toStdString());
    QVERIFY2(one.has_value(), one ? "" : one.error().sentence().c_str());
    QVERIFY(QFile::copy(file, temporary.filePath("tok512.bin")));
    const auto two = Tokenizer::open(temporary.path().toStdString());
    QVERIFY(!two);
    QCOMPARE(name(two.error().code), name(Errc::BadInput));
    QCOMPARE(two.error().found, std::string("tok512.bin, tokenizer.bin"));
}

void TestTokenizerFolders::theFirstFileCounts()
{
    QTemporaryDir temporary;
    QVERIFY(QFile::copy(kData + "/sentencepiece-bpe/tokenizer.model", temporary.filePath("tokenizer.model")));
    write(temporary.filePath("vocab.json"), "not looked at");
    QCOMPARE(Tokenizer::open(temporary.path().toStdString())->size(), std::size_t(700));
    QVERIFY(QFile::copy(kData + "/unigram/tokenizer.json", temporary.filePath("tokenizer.json")));
    QCOMPARE(Tokenizer::open(temporary.path().toStdString())->modelType(), std::string("Unigram"));
}

void TestTokenizerFolders::hugeTextsComeBack_data()
{
    QTest::addColumn<QString>("folder");
    QTest::addColumn<QByteArray>("text");
    QByteArray letters;
    QRandomGenerator random(3);
    while (letters.size() < 1'000'000)
        letters += "etaoinshrdlu"[random.bounded(12)];
    for (const char* const name : {"sentencepiece-bpe", "unigram-bytes"}) {
        QTest::addRow("%s, 2 MB of one letter", name) << kData + "/" + name << QByteArray(2'000'000, 'a');
        QTest::addRow("%s, 1 MB of letters without a space", name) << kData + "/" + name << letters;
        QTest::addRow("%s, 1 MB of one emoji", name) << kData + "/" + name << QByteArray("🦙").repeated(250'000);
    }
    QTest::addRow("sentencepiece-bpe, 2 MB of spaces") << kData + "/sentencepiece-bpe" << QByteArray(2'000'000, ' ');
}

void TestTokenizerFolders::hugeTextsComeBack()
{
    QFETCH(QString, folder);
    QFETCH(QByteArray, text);
    const auto tokenizer = Tokenizer::open(folder.toStdString());
    QVERIFY(tokenizer.has_value());
    const std::string plain = text.toStdString();
    QVERIFY(tokenizer->decode(tokenizer->encode(plain)) == plain);
}

QTEST_GUILESS_MAIN(TestTokenizerFolders)
#include "tst_tokenizer_folders.moc"
