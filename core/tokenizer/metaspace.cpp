// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/metaspace.h"

namespace sa::tokenizer
{

namespace
{

class MetaspacePreTokenizer : public PreTokenizer
{
public:
    explicit MetaspacePreTokenizer(Metaspace settings)
        : m_settings(std::move(settings))
    {
    }

    void apply(Pieces& pieces, RegexScratch&) const override
    {
        bool first = pieces.atStart;
        rewritePieces(pieces, [&](std::string_view piece, std::string& out) {
            const bool prepend = m_settings.prepend == Metaspace::Prepend::Always ||
                                 (m_settings.prepend == Metaspace::Prepend::First && first);
            first = false;
            if (prepend && piece.front() != ' ' && !piece.starts_with(m_settings.replacement))
                out += m_settings.replacement;
            for (const char c : piece) {
                if (c == ' ')
                    out += m_settings.replacement;
                else
                    out += c;
            }
        });
        if (m_settings.split)
            splitPieces(pieces, SplitBehavior::MergedWithNext,
                        [&](std::string_view piece, std::vector<Span>& spans) { cover(piece, spans); });
    }

private:
    void cover(std::string_view piece, std::vector<Span>& spans) const
    {
        spans.clear();
        std::size_t from = 0;
        for (std::size_t at = 0; (at = piece.find(m_settings.replacement, from)) != std::string_view::npos;) {
            if (from != at)
                spans.push_back({from, at, false});
            from = at + m_settings.replacement.size();
            spans.push_back({at, from, true});
        }
        if (from != piece.size())
            spans.push_back({from, piece.size(), false});
    }

    Metaspace m_settings;
};

} // namespace

Result<Metaspace> readMetaspace(const JsonField& field)
{
    SA_CHECK(onlyFields(field, {"replacement", "prepend_scheme", "split", "add_prefix_space", "str_rep"}));
    Metaspace out;
    SA_TRY(out.replacement, characterAt(field, "replacement"));
    SA_TRY(out.split, field.boolOr("split", true));
    SA_TRY(const std::string scheme, field.stringOr("prepend_scheme", "always"));
    if (scheme == "always")
        out.prepend = Metaspace::Prepend::Always;
    else if (scheme == "first")
        out.prepend = Metaspace::Prepend::First;
    else if (scheme == "never")
        out.prepend = Metaspace::Prepend::Never;
    else
        return field.find("prepend_scheme")->wrong("\"always\", \"first\" or \"never\"");
    if (const auto addPrefix = field.find("add_prefix_space")) {
        SA_TRY(const bool add, addPrefix->asBool());
        if (!add && out.prepend == Metaspace::Prepend::First)
            return addPrefix->wrong("true, as \"prepend_scheme\" says \"first\"");
        if (!add)
            out.prepend = Metaspace::Prepend::Never;
    }
    if (const auto older = field.find("str_rep")) {
        SA_TRY(const std::string text, older->asString());
        if (text != out.replacement)
            return older->wrong("the same character as \"replacement\"");
    }
    return out;
}

Result<std::unique_ptr<const PreTokenizer>> readMetaspacePreTokenizer(const JsonField& field, double& growth)
{
    SA_TRY(Metaspace settings, readMetaspace(field));
    growth *= 1.0 + static_cast<double>(settings.replacement.size());
    return std::unique_ptr<const PreTokenizer>(std::make_unique<MetaspacePreTokenizer>(std::move(settings)));
}

} // namespace sa::tokenizer
