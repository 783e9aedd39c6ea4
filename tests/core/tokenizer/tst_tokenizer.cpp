// SPDX-License-Identifier: GPL-3.0-or-later
// Real tokenizers against ids computed by the reference implementations.
#include "tokenizer_fixtures.h"

#include <QElapsedTimer>
#include <QFile>
#include <QtTest>
#include <map>

using namespace sa;
using namespace sa::test;

Q_DECLARE_METATYPE(std::vector<sa::TokenId>)

namespace
{

Json readJson(const QString& path)
{
    auto parsed = json::parseFile(path.toStdString());
    return parsed ? *std::move(parsed) : Json();
}

std::vector<TokenId> idsOf(const Json& list)
{
    return list.get<std::vector<TokenId>>();
}

/// "Hello\n" as it may stand in a row's name.
QString quoted(const std::string& text)
{
    return "\"" + QString::fromStdString(display(text, 40)) + "\"";
}

/// The golden files: that of the sample model is in the repository.
std::map<QString, QString> goldenFiles()
{
    std::map<QString, QString> out{{"sample-model", QStringLiteral(SA_SOURCE_DIR "/tests/data/llama2-6m.golden.json")}};
    for (const auto& file : tokenizerFiles()) {
        const QString golden = QFileInfo(file.path).dir().filePath("golden.json");
        if (QFile::exists(golden))
            out[file.name] = golden;
    }
    return out;
}

/// GPT-2's tokenizer.json, put together from its two older files.
Json gpt2Tokenizer()
{
    const QString folder = sharedPath("data/tokenizers/gpt2");
    QFile merges(folder + "/merges.txt");
    if (folder.isEmpty() || !merges.open(QIODevice::ReadOnly))
        return {};
    Json list = Json::array();
    for (const QByteArray& line : merges.readAll().split('\n'))
        if (!line.isEmpty())
            list.push_back(line.toStdString()); // the first one is "#version: 0.2"
    const Json byteLevel{
        {"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", true}};
    return {{"version", "1.0"},
            {"added_tokens", Json::array()},
            {"pre_tokenizer", byteLevel},
            {"decoder", byteLevel},
            {"model", {{"type", "BPE"}, {"vocab", readJson(folder + "/vocab.json")}, {"merges", std::move(list)}}}};
}

} // namespace

class TestTokenizer : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void goldenStrings_data();
    void goldenStrings();
    void goldenSamples_data();
    void goldenSamples();
    void wholeBook_data();
    void wholeBook();
    void publishedVectors_data();
    void publishedVectors();
    void everyFileOpensOrSaysWhyNot_data();
    void everyFileOpensOrSaysWhyNot();
    void hugeTextsComeBack_data();
    void hugeTextsComeBack();
    void manyThreadsAgree();
    void questionsAboutTokens();

private:
    /// Opened once; null (with a failure or a skip in the test) when it cannot be.
    const Tokenizer* tokenizer(const QString& name);
    std::map<QString, std::optional<Tokenizer>> m_open;
};

const Tokenizer* TestTokenizer::tokenizer(const QString& name)
{
    auto& slot = m_open[name];
    if (slot)
        return &*slot;
    std::string text;
    if (name == "gpt2") {
        const Json assembled = gpt2Tokenizer();
        text = assembled.is_null() ? std::string() : dumped(assembled);
    } else {
        for (const auto& file : tokenizerFiles())
            if (file.name == name)
                text = tokenizerText(file);
    }
    if (text.empty())
        return nullptr;
    auto parsed = Tokenizer::parse(text, name.toStdString());
    if (!parsed) {
        qWarning("%s", parsed.error().sentence().c_str());
        return nullptr;
    }
    slot = *std::move(parsed);
    return &*slot;
}

void TestTokenizer::goldenStrings_data()
{
    QTest::addColumn<QString>("name");
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<std::vector<TokenId>>("ids");
    QTest::addColumn<std::vector<TokenId>>("plainIds");
    QTest::addColumn<QByteArray>("decoded");
    for (const auto& [name, path] : goldenFiles()) {
        const Json golden = readJson(path);
        for (const Json& row : golden.value("tokenizer", Json::array())) {
            const auto text = row.at("text").get<std::string>();
            QTest::addRow("%s encodes %s and back", qPrintable(name), qPrintable(quoted(text)))
                << name << QByteArray::fromStdString(text) << idsOf(row.at("ids")) << idsOf(row.at("ids_no_special"))
                << QByteArray::fromStdString(row.at("decoded").get<std::string>());
        }
    }
}

void TestTokenizer::goldenStrings()
{
    QFETCH(QString, name);
    QFETCH(QByteArray, text);
    QFETCH(std::vector<TokenId>, ids);
    QFETCH(std::vector<TokenId>, plainIds);
    QFETCH(QByteArray, decoded);
    const Tokenizer* const tok = tokenizer(name);
    QVERIFY(tok);
    QCOMPARE(tok->encode(text.toStdString()), ids);
    QCOMPARE(tok->encode(text.toStdString(), false), plainIds);
    QCOMPARE(QByteArray::fromStdString(tok->decode(plainIds, false)), decoded);
}

void TestTokenizer::goldenSamples_data()
{
    QTest::addColumn<QString>("name");
    QTest::addColumn<QByteArray>("sample");
    for (const auto& [name, path] : goldenFiles()) {
        const Json golden = readJson(path);
        for (const Json& sample : golden.value("samples", Json::array())) {
            if (!sample.contains("prompt"))
                continue;
            QTest::addRow("%s, prompt %s", qPrintable(name), qPrintable(quoted(sample.at("prompt").get<std::string>())))
                << name << QByteArray::fromStdString(json::dump(sample));
        }
    }
}

void TestTokenizer::goldenSamples()
{
    QFETCH(QString, name);
    QFETCH(QByteArray, sample);
    const Tokenizer* const tok = tokenizer(name);
    if (!tok)
        QSKIP("the golden file has no tokenizer.json beside it");
    const Json row = *json::parse(sample.toStdString(), "sample");
    const auto ids = idsOf(row.at("ids"));
    QCOMPARE(tok->encode(row.at("prompt").get<std::string>()), ids);
    QCOMPARE(tok->decode(ids, false), row.at("decoded").get<std::string>());
    QCOMPARE(tok->decode(ids, true), row.at("decoded_skip_special").get<std::string>());
    QCOMPARE(tok->decode(idsOf(row.at("greedy_ids")), true), row.at("greedy_text").get<std::string>());
}

void TestTokenizer::wholeBook_data()
{
    QTest::addColumn<QString>("name");
    QTest::addColumn<qulonglong>("tokens");
    for (const auto& [name, path] : goldenFiles()) {
        const Json golden = readJson(path);
        if (golden.contains("wikitext2_test"))
            QTest::addRow("%s", qPrintable(name)) << name << golden["wikitext2_test"].at("tokens").get<qulonglong>();
    }
}

void TestTokenizer::wholeBook()
{
    QFETCH(QString, name);
    QFETCH(qulonglong, tokens);
    const QString path = sharedPath("data/wikitext2/test.joined.txt");
    if (path.isEmpty())
        QSKIP("the WikiText-2 test text of ../shared is absent");
    const Tokenizer* const tok = tokenizer(name);
    QVERIFY(tok);
    QFile file(path);
    QVERIFY(file.open(QIODevice::ReadOnly));
    const std::string text = file.readAll().toStdString();
    QElapsedTimer timer;
    timer.start();
    const auto ids = tok->encode(text);
    qInfo("%s: %.1f MB/s", qPrintable(name),
          static_cast<double>(text.size()) / 1e3 / static_cast<double>(timer.elapsed() + 1));
    QCOMPARE(ids.size(), static_cast<std::size_t>(tokens));
    QCOMPARE(tok->decode(ids), text);
}

void TestTokenizer::publishedVectors_data()
{
    QTest::addColumn<QString>("name");
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<std::vector<TokenId>>("ids");
    QTest::addColumn<bool>("special");

    struct Source {
        const char* tokenizer;
        const char* file;
    };
    for (const Source& source :
         {Source{"data/tokenizers/llama-2", "ggml-vocab-llama-spm.gguf"},
          Source{"data/tokenizers/llama-3", "ggml-vocab-llama-bpe.gguf"}, Source{"gpt2", "ggml-vocab-gpt-2.gguf"}}) {
        const QString stem = QStringLiteral("data/tokenizers/vectors/") + source.file;
        QFile in(sharedPath(stem + ".inp"));
        QFile out(sharedPath(stem + ".out"));
        if (!in.open(QIODevice::ReadOnly) || !out.open(QIODevice::ReadOnly))
            continue;
        const QStringList texts = QString::fromUtf8(in.readAll()).split("\n__ggml_vocab_test__\n");
        const QList<QByteArray> lines = out.readAll().split('\n');
        for (qsizetype i = 0; i < texts.size() && i < lines.size(); ++i) {
            std::vector<TokenId> ids;
            for (const QByteArray& number : lines[i].split(' '))
                if (!number.isEmpty())
                    ids.push_back(number.toInt());
            QTest::addRow("%s, published text %d", source.tokenizer, static_cast<int>(i))
                << source.tokenizer << texts[i].toUtf8() << ids << false;
        }
    }
    const Json gemma = readJson(sharedPath("data/tokenizers/vectors/gemma.json"));
    int i = 0;
    for (const Json& row : gemma.is_object() ? gemma.at("vectors") : Json::array())
        QTest::addRow("Gemma, published text %d", i++)
            << "data/tokenizers/gemma-2" << QByteArray::fromStdString(row.at("text").get<std::string>())
            << idsOf(row.at("ids")) << gemma.at("bos_added").get<bool>();
}

void TestTokenizer::publishedVectors()
{
    if (sharedPath("data/tokenizers").isEmpty())
        QSKIP("the tokenizers of ../shared are absent");
    QFETCH(QString, name);
    QFETCH(QByteArray, text);
    QFETCH(std::vector<TokenId>, ids);
    QFETCH(bool, special);
    const Tokenizer* const tok = tokenizer(name);
    if (!tok)
        QSKIP("the xz program, which unpacks this tokenizer, is missing");
    QCOMPARE(tok->encode(text.toStdString(), special), ids);
}

void TestTokenizer::everyFileOpensOrSaysWhyNot_data()
{
    QTest::addColumn<QString>("path");
    QTest::addColumn<QString>("name");
    for (const auto& file : tokenizerFiles())
        QTest::addRow("%s opens and gives its own text back", qPrintable(file.name)) << file.path << file.name;
    const QDir folder(QStringLiteral(SA_SHARED_DIR "/data/tokenizers"));
    for (const QString& entry : folder.entryList(QDir::Dirs | QDir::NoDotAndDotDot, QDir::Name))
        if (!folder.exists(entry + "/tokenizer.json.xz") && folder.exists(entry + "/tokenizer_config.json") &&
            !folder.exists(entry + "/tokenizer.json"))
            QTest::addRow("%s has only settings and is refused for that", qPrintable(entry))
                << folder.filePath(entry) << QString();
}

void TestTokenizer::everyFileOpensOrSaysWhyNot()
{
    QFETCH(QString, path);
    QFETCH(QString, name);
    if (name.isEmpty()) {
        const auto refused = Tokenizer::open(path.toStdString());
        QVERIFY(!refused);
        QCOMPARE(refused.error().code, Errc::NotFound);
        QCOMPARE(refused.error().file, path.toStdString() + "/tokenizer.json");
        QVERIFY(!refused.error().remedy.empty());
        return;
    }
    const Tokenizer* const tok = tokenizer(name);
    if (!tok && path.endsWith(".xz"))
        QSKIP("the xz program, which unpacks this tokenizer, is missing");
    QVERIFY(tok);
    QCOMPARE(tok->modelType(), std::string("BPE"));
    const std::string text = "The quick brown fox, 1234 times:\n\njumps  over it!"; // the smallest one lacks a tab
    QCOMPARE(tok->decode(tok->encode(text)), text);
    for (const TokenId id : tok->encode(text))
        QVERIFY(id >= 0 && static_cast<std::size_t>(id) < tok->size());
}

void TestTokenizer::hugeTextsComeBack_data()
{
    QTest::addColumn<QString>("name");
    QTest::addColumn<QByteArray>("text");
    QByteArray letters;
    quint32 state = 1;
    while (letters.size() < 1'000'000) {
        state = state * 1664525u + 1013904223u;
        letters += "etaoinshrdlu"[(state >> 16) % 12];
    }
    for (const char* const name : {"sample-model", "models/llama3-6m", "data/tokenizers/llama-2"}) {
        QTest::addRow("%s, 5 MB of one letter", name) << name << QByteArray(5'000'000, 'a');
        QTest::addRow("%s, 5 MB of spaces", name) << name << QByteArray(5'000'000, ' ');
        QTest::addRow("%s, 1 MB of letters without a space", name) << name << letters;
        QTest::addRow("%s, 1 MB of one digit", name) << name << QByteArray(1'000'000, '7');
    }
}

void TestTokenizer::hugeTextsComeBack()
{
    QFETCH(QString, name);
    QFETCH(QByteArray, text);
    const Tokenizer* const tok = tokenizer(name);
    if (!tok)
        QSKIP("this tokenizer is in ../shared, which is absent");
    const std::string plain = text.toStdString();
    QVERIFY(tok->decode(tok->encode(plain)) == plain);
}

void TestTokenizer::manyThreadsAgree()
{
    const Tokenizer* const tok = tokenizer("sample-model");
    QVERIFY(tok);
    std::string text;
    for (int i = 0; i < 2000; ++i)
        text += "word" + std::to_string(i * 7919) + " and\n";
    const auto expected = tok->encode(text);
    std::vector<std::vector<TokenId>> results(4);
    std::vector<std::unique_ptr<QThread>> threads;
    for (auto& result : results) {
        threads.emplace_back(QThread::create([&result, tok, &text] { result = tok->encode(text); }));
        threads.back()->start();
    }
    for (auto& thread : threads)
        QVERIFY(thread->wait());
    for (const auto& result : results)
        QCOMPARE(result, expected);
}

void TestTokenizer::questionsAboutTokens()
{
    const auto opened = Tokenizer::open(SA_SOURCE_DIR "/resources/sample-model");
    QVERIFY(opened.has_value());
    const Tokenizer& tok = *opened;
    QCOMPARE(tok.size(), std::size_t(4096));
    QCOMPARE(tok.idOf("<s>"), std::optional<TokenId>(1));
    QCOMPARE(tok.idOf("there is no such token"), std::optional<TokenId>());
    QVERIFY(tok.isSpecial(1));
    QVERIFY(!tok.isSpecial(500));
    QCOMPARE(tok.tokenText(2), std::string("</s>"));
    QCOMPARE(tok.tokenText(tok.encode("the", false).front()), std::string("▁the"));
    for (const TokenId id : {-1, 4096, 1 << 30}) {
        QVERIFY(!tok.isSpecial(id));
        QCOMPARE(tok.tokenText(id), std::string());
        QCOMPARE(tok.decode({id}), std::string());
    }
}

QTEST_GUILESS_MAIN(TestTokenizer)
#include "tst_tokenizer.moc"
