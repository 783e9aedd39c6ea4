// SPDX-License-Identifier: GPL-3.0-or-later
#include "tokenizer_fixtures.h"

#include <QDirIterator>
#include <QFile>
#include <QProcess>
#include <QStandardPaths>

namespace sa::test
{

std::vector<TokenizerFile> tokenizerFiles()
{
    std::vector<TokenizerFile> out{
        {"sample-model", QStringLiteral(SA_SOURCE_DIR "/resources/sample-model/tokenizer.json")}};
    const QString root = QStringLiteral(SA_SHARED_DIR);
    for (const char* const part : {"models", "data/models", "data/tokenizers"}) {
        const QDir folder(root + "/" + part);
        for (const QString& entry : folder.entryList(QDir::Dirs | QDir::NoDotAndDotDot, QDir::Name))
            for (const char* const file : {"tokenizer.json", "tokenizer.json.xz"})
                if (folder.exists(entry + "/" + file))
                    out.push_back({QString(part) + "/" + entry, folder.filePath(entry + "/" + file)});
    }
    return out;
}

std::string tokenizerText(const TokenizerFile& file)
{
    if (file.path.endsWith(".xz")) {
        const QString xz = QStandardPaths::findExecutable("xz");
        if (xz.isEmpty())
            return {};
        QProcess process;
        process.start(xz, {"-dc", file.path});
        return process.waitForFinished(60'000) ? process.readAllStandardOutput().toStdString() : std::string();
    }
    QFile source(file.path);
    return source.open(QIODevice::ReadOnly) ? source.readAll().toStdString() : std::string();
}

QString sharedPath(const QString& relative)
{
    const QString path = QStringLiteral(SA_SHARED_DIR) + "/" + relative;
    return QFile::exists(path) ? path : QString();
}

Json smallTokenizer(const std::vector<std::string>& tokens, const Json& parts)
{
    Json vocab = Json::object();
    for (int c = 32; c < 127; ++c)
        vocab[std::string(1, static_cast<char>(c))] = c - 32;
    int id = 95;
    for (const char* const extra : {"\n", "▁", "Ġ", "é", "Ċ"})
        vocab[extra] = id++;
    for (const std::string& token : tokens)
        if (vocab.emplace(token, id).second)
            ++id;
    Json out{{"version", "1.0"},
             {"truncation", nullptr},
             {"padding", nullptr},
             {"added_tokens", Json::array()},
             {"normalizer", nullptr},
             {"pre_tokenizer", nullptr},
             {"post_processor", nullptr},
             {"decoder", nullptr},
             {"model",
              {{"type", "BPE"},
               {"dropout", nullptr},
               {"unk_token", nullptr},
               {"continuing_subword_prefix", nullptr},
               {"end_of_word_suffix", nullptr},
               {"fuse_unk", false},
               {"byte_fallback", false},
               {"ignore_merges", false},
               {"vocab", std::move(vocab)},
               {"merges", Json::array()}}}};
    for (const auto& [key, value] : parts.items()) {
        if (key == "model")
            out["model"].update(value);
        else
            out[key] = value;
    }
    return out;
}

std::string dumped(const Json& value)
{
    return json::dump(value);
}

} // namespace sa::test
