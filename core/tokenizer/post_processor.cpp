// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/post_processor.h"

namespace sa::tokenizer
{

namespace
{

using IsKnown = std::function<bool(TokenId)>;

constexpr std::size_t kMaxTemplatePieces = 256;

Result<TokenId> readId(const JsonField& field, const IsKnown& isKnown)
{
    SA_TRY(const std::int64_t value, field.asInt(0, kMaxTokenId));
    const auto id = static_cast<TokenId>(value);
    if (!isKnown(id))
        return field.wrong("the id of a token");
    return id;
}

/// One piece of a template: the text itself, or the ids of a special token.
struct TemplatePiece {
    bool isText = false;
    std::vector<TokenId> ids;
};

Result<TemplatePiece> readPiece(const JsonField& field, const JsonField& specials, const IsKnown& isKnown)
{
    TemplatePiece out;
    if (const auto sequence = field.find("Sequence")) {
        SA_CHECK(onlyFields(field, {"Sequence"}));
        SA_TRY(const JsonField name, sequence->at("id"));
        SA_TRY(const std::string text, name.asString());
        if (text != "A")
            return name.wrong("\"A\", as a single text is encoded");
        out.isText = true;
        return out;
    }
    const auto special = field.find("SpecialToken");
    if (!special)
        return field.wrong("an object with \"Sequence\" or \"SpecialToken\"");
    SA_CHECK(onlyFields(field, {"SpecialToken"}));
    SA_TRY(const JsonField name, special->at("id"));
    SA_TRY(const std::string text, name.asString());
    const auto definition = specials.find(text);
    if (!definition)
        return name.wrong("a name that \"special_tokens\" explains");
    SA_TRY(const JsonField ids, definition->at("ids"));
    SA_TRY(const auto elements, ids.elements(kMaxTemplatePieces));
    for (const JsonField& element : elements) {
        SA_TRY(const TokenId id, readId(element, isKnown));
        out.ids.push_back(id);
    }
    return out;
}

Result<PostProcessor> readTemplate(const JsonField& field, const IsKnown& isKnown)
{
    SA_CHECK(onlyFields(field, {"single", "pair", "special_tokens"})); // pairs of texts are never encoded here
    SA_TRY(const JsonField specials, field.at("special_tokens"));
    if (!specials.isObject())
        return specials.wrong("an object");
    SA_TRY(const JsonField single, field.at("single"));
    SA_TRY(const auto pieces, single.elements(kMaxTemplatePieces));
    PostProcessor out;
    bool seenText = false;
    for (const JsonField& piece : pieces) {
        SA_TRY(const TemplatePiece part, readPiece(piece, specials, isKnown));
        if (part.isText && seenText)
            return makeError(Errc::Unsupported, "this template repeats the text").in(piece.file()).at(piece.path());
        seenText = seenText || part.isText;
        auto& side = seenText ? out.after : out.before;
        side.insert(side.end(), part.ids.begin(), part.ids.end());
    }
    if (!seenText)
        return single.wrong("a template with the text in it ({\"Sequence\": {\"id\": \"A\"}})");
    return out;
}

/// RoBERTa and BERT: [text, id] pairs named cls and sep.
Result<PostProcessor> readClsSep(const JsonField& field, const IsKnown& isKnown)
{
    PostProcessor out;
    for (const char* const key : {"cls", "sep"}) {
        SA_TRY(const JsonField pair, field.at(key));
        SA_TRY(const auto elements, pair.elements(2));
        if (elements.size() != 2)
            return pair.wrong("a token and its id");
        SA_CHECK(elements[0].asString());
        SA_TRY(const TokenId id, readId(elements[1], isKnown));
        (key[0] == 'c' ? out.before : out.after).push_back(id);
    }
    return out;
}

} // namespace

Result<PostProcessor> PostProcessor::read(const JsonField& field, const IsKnown& isKnown)
{
    if (field.isNull())
        return PostProcessor();
    SA_TRY(const std::string type, typeOf(field));
    if (type == "TemplateProcessing")
        return readTemplate(field, isKnown);
    if (type == "ByteLevel") { // concerns offsets only
        SA_CHECK(onlyFields(field, {"add_prefix_space", "trim_offsets", "use_regex"}));
        return PostProcessor();
    }
    if (type == "RobertaProcessing") {
        SA_CHECK(onlyFields(field, {"sep", "cls", "trim_offsets", "add_prefix_space"}));
        return readClsSep(field, isKnown);
    }
    if (type == "BertProcessing") {
        SA_CHECK(onlyFields(field, {"sep", "cls"}));
        return readClsSep(field, isKnown);
    }
    if (type != "Sequence")
        return unsupportedType(field, "post-processor", type);
    SA_CHECK(onlyFields(field, {"processors"}));
    SA_TRY(const auto elements, sequenceOf(field, "processors"));
    PostProcessor out;
    for (const JsonField& element : elements) {
        SA_TRY(PostProcessor part, read(element, isKnown));
        if (part.before.empty() && part.after.empty())
            continue;
        // The reference would treat what the first one added as texts of their own.
        if (!out.before.empty() || !out.after.empty())
            return makeError(Errc::Unsupported, "two post-processors both add tokens")
                .in(element.file())
                .at(element.path());
        out = std::move(part);
    }
    return out;
}

} // namespace sa::tokenizer
