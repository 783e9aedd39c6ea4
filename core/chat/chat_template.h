// SPDX-License-Identifier: GPL-3.0-or-later
// Turns a conversation into the text that a chat model was trained on, by the template that came with the model
// (`chat_template` of transformers, a subset of Jinja). Base models have no template: see isPlain().
#pragma once

#include "core/base/json.h"

#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sa
{

struct ChatMessage {
    std::string role;    ///< "system", "user" or "assistant"; a template may know more
    std::string content; ///< UTF-8
};

struct ChatOptions {
    bool addGenerationPrompt = true; ///< end with what makes the model answer
    Json variables = Json::object(); ///< more names for the template ("enable_thinking"); they overrule ours
    std::optional<std::time_t> now;  ///< what strftime_now() tells; nothing: the clock
};

/// Cheap to copy; may be used from several threads at once.
class ChatTemplate
{
public:
    /// chat_template.jinja, chat_template.json or "chat_template" of tokenizer_config.json, in this order, with the
    /// special tokens of tokenizer_config.json (or special_tokens_map.json). Where a file holds several templates, the
    /// one called `name`, or the only one; for other names than "default" additional_chat_templates/NAME.jinja goes
    /// first. A folder without any gives a plain one. Errors name the file and the line.
    static Result<ChatTemplate> open(const std::string& folder, const std::string& name = "default");
    /// `specialTokens`: {"bos_token": "<s>", ...}. `file` is only used in errors.
    static Result<ChatTemplate> parse(const std::string& text, const std::string& file,
                                      const Json& specialTokens = Json::object());

    /// The model has no template. render() then gives the contents one after the other with an empty line between them,
    /// without roles: a base model continues a text.
    bool isPlain() const;

    /// The text of a whole conversation. It usually begins with the model's first token already: encode it with
    /// addSpecial false, unless isPlain(). BadInput when the template itself refuses the messages (its words are in
    /// `found`), BadFormat when it fails.
    Result<std::string> render(const std::vector<ChatMessage>& messages, const ChatOptions& options = {}) const;
    /// The same for messages with other fields (tool calls, content in parts).
    Result<std::string> render(const Json& messages, const ChatOptions& options = {}) const;

private:
    struct Impl;
    explicit ChatTemplate(std::shared_ptr<const Impl> impl);
    std::shared_ptr<const Impl> m_impl;
};

} // namespace sa
