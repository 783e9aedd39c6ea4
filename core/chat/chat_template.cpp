// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/chat/chat_template.h"

#include "core/base/file.h"
#include "core/chat/jinja_interpreter.h"
#include "core/chat/jinja_parser.h"
#include "core/tokenizer/unicode.h"

#include <algorithm>

namespace sa
{

namespace
{

constexpr std::size_t kMaxTemplateBytes = 1 << 20;

/// "bos_token" and its siblings: a text, or an object with "content".
Json specialTokensOf(const Json& config)
{
    Json out = Json::object();
    for (const char* const key :
         {"bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"}) {
        const auto field = config.find(key);
        if (field == config.end())
            continue;
        if (field->is_string())
            out[key] = *field;
        else if (field->is_object() && field->contains("content") && (*field)["content"].is_string())
            out[key] = (*field)["content"];
    }
    return out;
}

struct Source {
    std::string text;
    std::string file;
};

/// A text, or a list of {"name", "template"}.
Result<Source> chooseTemplate(const JsonField& field, const std::string& name)
{
    if (field.isString()) {
        SA_TRY(std::string text, field.asString());
        return Source{std::move(text), field.file()};
    }
    SA_TRY(const auto entries, field.elements(1000));
    std::string known;
    for (const JsonField& entry : entries) {
        SA_TRY(const std::string entryName, entry.stringAt("name"));
        if (entryName == name || entries.size() == 1) {
            SA_TRY(std::string text, entry.stringAt("template"));
            return Source{std::move(text), field.file()};
        }
        known += (known.empty() ? "" : ", ") + entryName;
    }
    return makeError(Errc::NotFound, "there is no chat template of this name")
        .in(field.file())
        .at(field.path())
        .butFound(display(known))
        .wanted(name);
}

} // namespace

struct ChatTemplate::Impl {
    jinja::Block block;
    std::string file;
    Json specialTokens;
    bool plain = false;
};

ChatTemplate::ChatTemplate(std::shared_ptr<const Impl> impl)
    : m_impl(std::move(impl))
{
}

Result<ChatTemplate> ChatTemplate::open(const std::string& folder, const std::string& name)
{
    if (!isFolder(folder))
        return makeError(Errc::NotFound, "there is no such folder").in(folder);
    const std::string configFile = joinPath(folder, "tokenizer_config.json");
    Json config = Json::object();
    if (exists(configFile)) {
        SA_TRY(config, json::parseFile(configFile));
        if (!config.is_object())
            return JsonField(config, configFile).wrong("an object");
    }
    Json specialTokens = specialTokensOf(config);
    const std::string mapFile = joinPath(folder, "special_tokens_map.json");
    if (exists(mapFile)) {
        SA_TRY(const Json map, json::parseFile(mapFile));
        const Json more = map.is_object() ? specialTokensOf(map) : Json::object();
        for (const auto& [key, value] : more.items())
            specialTokens.emplace(key, value); // the first file counts
    }
    const std::string jinjaFile =
        joinPath(folder, name == "default" ? "chat_template.jinja" : "additional_chat_templates/" + name + ".jinja");
    if (exists(jinjaFile)) {
        SA_TRY(const std::string text, readFile(jinjaFile, kMaxTemplateBytes));
        return parse(text, jinjaFile, specialTokens);
    }
    const std::string jsonFile = joinPath(folder, "chat_template.json");
    Json separate;
    if (exists(jsonFile)) {
        SA_TRY(separate, json::parseFile(jsonFile));
    }
    for (const auto& [root, file] : {std::pair(&separate, &jsonFile), std::pair(&config, &configFile)}) {
        if (!root->is_object())
            continue;
        const auto field = JsonField(*root, *file).find("chat_template");
        if (!field)
            continue;
        SA_TRY(const Source source, chooseTemplate(*field, name));
        return parse(source.text, source.file, specialTokens);
    }
    auto impl = std::make_shared<Impl>();
    impl->plain = true;
    return ChatTemplate(std::move(impl));
}

Result<ChatTemplate> ChatTemplate::parse(const std::string& text, const std::string& file, const Json& specialTokens)
{
    if (text.size() > kMaxTemplateBytes)
        return makeError(Errc::Unsupported, "the chat template is too long")
            .in(file)
            .butFound(std::to_string(text.size()) + " bytes")
            .wanted("at most " + std::to_string(kMaxTemplateBytes));
    std::string repaired;
    auto block = jinja::parse(tokenizer::toValidUtf8(text, repaired));
    if (!block)
        return std::move(block).error().in(file).tryThis("Use a newer version of this model's tokenizer files");
    auto impl = std::make_shared<Impl>();
    impl->block = *std::move(block);
    impl->file = file;
    impl->specialTokens = specialTokens;
    return ChatTemplate(std::move(impl));
}

bool ChatTemplate::isPlain() const
{
    return m_impl->plain;
}

Result<std::string> ChatTemplate::render(const std::vector<ChatMessage>& messages, const ChatOptions& options) const
{
    Json list = Json::array();
    for (const ChatMessage& message : messages)
        list.push_back({{"role", message.role}, {"content", message.content}});
    return render(list, options);
}

Result<std::string> ChatTemplate::render(const Json& messages, const ChatOptions& options) const
{
    if (m_impl->plain) {
        std::string out;
        for (const Json& message : messages)
            if (message.is_object() && message.contains("content") && message["content"].is_string())
                out += (out.empty() ? "" : "\n\n") + message["content"].get<std::string>();
        return out;
    }
    jinja::Dict variables;
    const auto set = [&](const std::string& name, const Json& value) {
        variables.set(name, jinja::Value::fromJson(value));
    };
    set("messages", messages);
    set("tools", nullptr);
    set("documents", nullptr);
    set("add_generation_prompt", options.addGenerationPrompt);
    for (const auto& [name, value] : m_impl->specialTokens.items())
        set(name, value);
    for (const auto& [name, value] : options.variables.items())
        set(name, value);
    auto out = jinja::render(m_impl->block, variables, options.now.value_or(std::time(nullptr)));
    if (!out)
        return std::move(out).error().in(m_impl->file);
    return out;
}

} // namespace sa
