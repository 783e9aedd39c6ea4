// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/chat/jinja_parser.h"

#include "core/chat/jinja_lexer.h"

#include <algorithm>
#include <charconv>

namespace sa::jinja
{

namespace
{

using TokenKind = Token::Kind;

// The interpreter follows the tree by recursion, as does this.
constexpr int kMaxDepth = 150;
constexpr int kMaxHeight = 400;
constexpr std::size_t kMaxTokens = 1'000'000;

class Parser
{
public:
    explicit Parser(std::vector<Token> tokens)
        : m_tokens(std::move(tokens))
    {
    }

    Result<Block> run()
    {
        SA_TRY(Block out, block({}));
        if (peek().kind != TokenKind::End)
            return wrong("\"" + m_tokens[m_at + 1].text + "\" that nothing opened");
        return out;
    }

private:
    // --- Tokens
    const Token& peek(std::size_t offset = 0) const { return m_tokens[std::min(m_at + offset, m_tokens.size() - 1)]; }
    const Token& take() { return m_tokens[m_at + 1 < m_tokens.size() ? m_at++ : m_at]; }
    bool isName(std::string_view text, std::size_t offset = 0) const
    {
        return peek(offset).kind == TokenKind::Name && peek(offset).text == text;
    }
    bool isSign(std::string_view text) const { return peek().kind == TokenKind::Operator && peek().text == text; }
    bool skipName(std::string_view text)
    {
        const bool found = isName(text);
        m_at += found ? 1 : 0;
        return found;
    }
    bool skipSign(std::string_view text)
    {
        const bool found = isSign(text);
        m_at += found ? 1 : 0;
        return found;
    }
    Error wrong(const std::string& found, const std::string& wanted = {}) const
    {
        return makeError(Errc::BadFormat, "the chat template is not well formed")
            .at("line " + std::to_string(peek().line))
            .butFound(found)
            .wanted(wanted);
    }
    Error unsupported(const std::string& what) const
    {
        return makeError(Errc::Unsupported, "the chat template uses what is not supported here")
            .at("line " + std::to_string(peek().line))
            .butFound(what);
    }
    std::string here() const
    {
        switch (peek().kind) {
        case TokenKind::End:
            return "the end";
        case TokenKind::BlockEnd:
            return "\"%}\"";
        case TokenKind::VariableEnd:
            return "\"}}\"";
        default:
            return "\"" + display(peek().text, 60) + "\"";
        }
    }
    Result<void> expectSign(const char* text)
    {
        if (!skipSign(text))
            return wrong(here(), "\"" + std::string(text) + "\"");
        return {};
    }
    Result<std::string> expectName()
    {
        if (peek().kind != TokenKind::Name)
            return wrong(here(), "a name");
        return take().text;
    }
    Result<void> expectBlockEnd()
    {
        if (peek().kind != TokenKind::BlockEnd)
            return wrong(here(), "\"%}\"");
        ++m_at;
        return {};
    }

    // --- Statements
    /// Up to a block that begins with one of `ends` (the "{%" itself stays), or to the end.
    Result<Block> block(const std::vector<std::string_view>& ends)
    {
        if (++m_depth > kMaxDepth)
            return unsupported("blocks nested too deeply");
        Block out;
        while (peek().kind != TokenKind::End) {
            if (peek().kind == TokenKind::BlockBegin) {
                const Token& word = peek(1);
                if (word.kind == TokenKind::Name && std::find(ends.begin(), ends.end(), word.text) != ends.end())
                    break;
                if (word.kind == TokenKind::Name && ends.empty() &&
                    (word.text.starts_with("end") || word.text == "else" || word.text == "elif"))
                    break;
            }
            SA_TRY(auto one, statement());
            out.push_back(std::move(one));
        }
        --m_depth;
        return out;
    }
    /// The body up to {% end %}, which is taken.
    Result<Block> bodyUntil(std::string_view end)
    {
        SA_TRY(Block out, block({end}));
        if (peek().kind == TokenKind::End)
            return wrong("the end of the template", "\"" + std::string(end) + "\"");
        m_at += 2;
        SA_CHECK(expectBlockEnd());
        return out;
    }

    Result<std::unique_ptr<const Stmt>> statement()
    {
        auto out = std::make_unique<Stmt>();
        out->line = peek().line;
        if (peek().kind == TokenKind::Data) {
            out->text = take().text;
            return std::unique_ptr<const Stmt>(std::move(out));
        }
        if (take().kind == TokenKind::VariableBegin) {
            out->kind = Stmt::Kind::Output;
            SA_TRY(out->expr, tupleExpression());
            if (peek().kind != TokenKind::VariableEnd)
                return wrong(here(), "\"}}\"");
            ++m_at;
            return std::unique_ptr<const Stmt>(std::move(out));
        }
        SA_TRY(const std::string word, expectName());
        SA_CHECK(keyword(word, *out));
        return std::unique_ptr<const Stmt>(std::move(out));
    }

    Result<void> keyword(const std::string& word, Stmt& out)
    {
        if (word == "if")
            return ifBlock(out);
        if (word == "for")
            return forBlock(out);
        if (word == "set")
            return setBlock(out);
        if (word == "macro")
            return macroBlock(out);
        if (word == "filter") {
            out.kind = Stmt::Kind::Filter;
            SA_TRY(out.expr, filters(nullptr));
            SA_CHECK(expectBlockEnd());
            SA_TRY(out.body, bodyUntil("endfilter"));
            return {};
        }
        if (word == "generation") { // marks what the assistant said, for training
            out.kind = Stmt::Kind::Scope;
            SA_CHECK(expectBlockEnd());
            SA_TRY(out.body, bodyUntil("endgeneration"));
            return {};
        }
        if (word == "with")
            return withBlock(out);
        if (word == "break" || word == "continue") {
            out.kind = word == "break" ? Stmt::Kind::Break : Stmt::Kind::Continue;
            if (m_loops == 0)
                return wrong("\"" + word + "\" outside of a loop");
            return expectBlockEnd();
        }
        --m_at;
        return unsupported("{% " + display(word, 40) + " %}");
    }

    Result<void> ifBlock(Stmt& out)
    {
        out.kind = Stmt::Kind::If;
        while (true) {
            Stmt::Branch branch;
            SA_TRY(branch.condition, tupleExpression());
            SA_CHECK(expectBlockEnd());
            SA_TRY(branch.body, block({"elif", "else", "endif"}));
            out.branches.push_back(std::move(branch));
            if (peek().kind == TokenKind::End)
                return wrong("the end of the template", "\"endif\"");
            ++m_at;
            const std::string word = take().text;
            if (word == "elif")
                continue;
            SA_CHECK(expectBlockEnd());
            if (word == "endif")
                return {};
            Stmt::Branch otherwise;
            SA_TRY(otherwise.body, bodyUntil("endif"));
            out.branches.push_back(std::move(otherwise));
            return {};
        }
    }

    Result<std::vector<std::string>> names()
    {
        std::vector<std::string> out;
        const bool inBrackets = skipSign("(");
        do {
            if (!out.empty() && (isName("in") || isSign(")")))
                break; // a comma at the end
            SA_TRY(std::string name, expectName());
            out.push_back(std::move(name));
        } while (skipSign(","));
        if (inBrackets)
            SA_CHECK(expectSign(")"));
        return out;
    }

    Result<void> forBlock(Stmt& out)
    {
        out.kind = Stmt::Kind::For;
        SA_TRY(out.targets, names());
        if (!skipName("in"))
            return wrong(here(), "\"in\"");
        SA_TRY(out.expr, tupleExpression(false));
        if (skipName("if")) {
            SA_TRY(out.condition, expression());
        }
        if (isName("recursive"))
            return unsupported("a recursive loop");
        SA_CHECK(expectBlockEnd());
        ++m_loops;
        SA_TRY(out.body, block({"else", "endfor"}));
        --m_loops;
        if (peek().kind == TokenKind::End)
            return wrong("the end of the template", "\"endfor\"");
        ++m_at;
        const bool hasElse = take().text == "else";
        SA_CHECK(expectBlockEnd());
        if (hasElse) {
            SA_TRY(out.orElse, bodyUntil("endfor"));
        }
        return {};
    }

    Result<void> setBlock(Stmt& out)
    {
        out.kind = Stmt::Kind::Set;
        SA_TRY(out.targets, names());
        if (skipSign(".")) {
            out.text = out.targets[0];
            SA_TRY(out.targets[0], expectName());
        }
        if (skipSign("=")) {
            SA_TRY(out.expr, tupleExpression());
            return expectBlockEnd();
        }
        out.kind = Stmt::Kind::SetBlock;
        if (out.targets.size() != 1 || !out.text.empty())
            return wrong(here(), "\"=\"");
        if (isSign("|")) {
            SA_TRY(out.expr, filters(nullptr, true));
        }
        SA_CHECK(expectBlockEnd());
        SA_TRY(out.body, bodyUntil("endset"));
        return {};
    }

    Result<void> macroBlock(Stmt& out)
    {
        out.kind = Stmt::Kind::Macro;
        SA_TRY(out.text, expectName());
        SA_CHECK(expectSign("("));
        while (!skipSign(")")) {
            if (!out.targets.empty())
                SA_CHECK(expectSign(","));
            if (skipSign(")"))
                break;
            SA_TRY(std::string name, expectName());
            out.targets.push_back(std::move(name));
            ExprPtr fallback;
            if (skipSign("=")) {
                SA_TRY(fallback, expression());
            } else if (!out.values.empty() && out.values.back()) {
                return wrong("a parameter without a default after one with");
            }
            out.values.push_back(std::move(fallback));
        }
        SA_CHECK(expectBlockEnd());
        const int loops = std::exchange(m_loops, 0); // a loop around the macro is none of its own
        SA_TRY(out.body, bodyUntil("endmacro"));
        m_loops = loops;
        return {};
    }

    Result<void> withBlock(Stmt& out)
    {
        out.kind = Stmt::Kind::Scope;
        while (peek().kind != TokenKind::BlockEnd) {
            if (!out.targets.empty())
                SA_CHECK(expectSign(","));
            SA_TRY(std::string name, expectName());
            out.targets.push_back(std::move(name));
            SA_CHECK(expectSign("="));
            SA_TRY(ExprPtr value, expression());
            out.values.push_back(std::move(value));
        }
        SA_CHECK(expectBlockEnd());
        SA_TRY(out.body, bodyUntil("endwith"));
        return {};
    }

    // --- Expressions, from loose to tight
    std::unique_ptr<Expr> make(Expr::Kind kind, std::string text = {}) const
    {
        auto out = std::make_unique<Expr>();
        out->kind = kind;
        out->line = peek().line;
        out->text = std::move(text);
        return out;
    }
    ExprPtr pair(Expr::Kind kind, std::string text, ExprPtr left, ExprPtr right) const
    {
        auto out = make(kind, std::move(text));
        out->items.push_back(std::move(left));
        out->items.push_back(std::move(right));
        return done(std::move(out));
    }
    /// The last touch on a node: how high the tree below it is.
    static ExprPtr done(std::unique_ptr<Expr> out)
    {
        for (const ExprPtr& item : out->items)
            if (item)
                out->height = std::max(out->height, item->height + 1);
        for (const auto& [name, value] : out->named)
            out->height = std::max(out->height, value->height + 1);
        return out;
    }

    /// One expression, or several with commas: a tuple.
    Result<ExprPtr> tupleExpression(bool conditions = true)
    {
        const auto next = [&] { return conditions ? expression() : orExpression(); };
        SA_TRY(ExprPtr first, next());
        if (!isSign(","))
            return first;
        auto out = make(Expr::Kind::Tuple);
        out->items.push_back(std::move(first));
        while (skipSign(",")) {
            const auto kind = peek().kind;
            if (kind == TokenKind::BlockEnd || kind == TokenKind::VariableEnd || isSign(")"))
                break;
            SA_TRY(ExprPtr item, next());
            out->items.push_back(std::move(item));
        }
        return done(std::move(out));
    }

    Result<ExprPtr> expression()
    {
        if (++m_depth > kMaxDepth)
            return unsupported("expressions nested too deeply");
        SA_TRY(ExprPtr out, orExpression());
        while (skipName("if")) {
            auto condition = make(Expr::Kind::Condition);
            SA_TRY(ExprPtr test, orExpression());
            ExprPtr otherwise;
            if (skipName("else")) {
                SA_TRY(otherwise, expression());
            }
            condition->items.push_back(std::move(out));
            condition->items.push_back(std::move(test));
            condition->items.push_back(std::move(otherwise));
            out = done(std::move(condition));
            if (out->height > kMaxHeight)
                return unsupported("expressions nested too deeply");
        }
        if (out->height > kMaxHeight)
            return unsupported("expressions nested too deeply");
        --m_depth;
        return out;
    }

    Result<ExprPtr> orExpression() { return chain("or", &Parser::andExpression); }
    Result<ExprPtr> andExpression() { return chain("and", &Parser::notExpression); }

    /// a WORD b WORD c, from the left.
    Result<ExprPtr> chain(const char* word, Result<ExprPtr> (Parser::*operand)())
    {
        SA_TRY(ExprPtr left, (this->*operand)());
        while (skipName(word)) {
            SA_TRY(ExprPtr right, (this->*operand)());
            left = pair(Expr::Kind::Binary, word, std::move(left), std::move(right));
            if (left->height > kMaxHeight)
                return unsupported("expressions nested too deeply");
        }
        return left;
    }

    Result<ExprPtr> notExpression()
    {
        int count = 0;
        while (skipName("not"))
            ++count;
        if (count > kMaxDepth)
            return unsupported("too many \"not\"");
        SA_TRY(ExprPtr out, compare());
        for (; count > 0; --count) {
            auto inverse = make(Expr::Kind::Unary, "not");
            inverse->items.push_back(std::move(out));
            out = done(std::move(inverse));
        }
        return out;
    }

    std::string comparison()
    {
        for (const char* const sign : {"==", "!=", "<=", ">=", "<", ">"})
            if (skipSign(sign))
                return sign;
        if (skipName("in"))
            return "in";
        if (isName("not") && isName("in", 1)) {
            m_at += 2;
            return "not in";
        }
        return {};
    }

    /// a < b < c compares b twice; no template does that with an expression that costs anything.
    Result<ExprPtr> compare()
    {
        SA_TRY(ExprPtr left, sum());
        const std::size_t before = m_at;
        const std::string sign = comparison();
        if (sign.empty())
            return left;
        SA_TRY(ExprPtr right, sum());
        ExprPtr out = pair(Expr::Kind::Compare, sign, std::move(left), std::move(right));
        if (!comparison().empty()) {
            m_at = before;
            return unsupported("a chain of comparisons");
        }
        return out;
    }

    Result<ExprPtr> binary(std::initializer_list<const char*> signs, Result<ExprPtr> (Parser::*next)())
    {
        SA_TRY(ExprPtr left, (this->*next)());
        while (true) {
            const auto sign = std::find_if(signs.begin(), signs.end(), [&](const char* s) { return isSign(s); });
            if (sign == signs.end())
                return left;
            ++m_at;
            SA_TRY(ExprPtr right, (this->*next)());
            left = pair(Expr::Kind::Binary, *sign, std::move(left), std::move(right));
            if (left->height > kMaxHeight)
                return unsupported("expressions nested too deeply");
        }
    }
    Result<ExprPtr> sum() { return binary({"+", "-"}, &Parser::joined); }
    Result<ExprPtr> joined() { return binary({"~"}, &Parser::product); }
    Result<ExprPtr> product() { return binary({"*", "//", "/", "%"}, &Parser::power); }
    Result<ExprPtr> power() { return binary({"**"}, &Parser::filteredUnary); }
    Result<ExprPtr> filteredUnary() { return unary(true); }

    Result<ExprPtr> unary(bool withFilters)
    {
        if (isSign("-") || isSign("+")) {
            if (++m_depth > kMaxDepth)
                return unsupported("expressions nested too deeply");
            auto out = make(Expr::Kind::Unary, take().text);
            SA_TRY(ExprPtr inner, unary(false));
            --m_depth;
            out->items.push_back(std::move(inner));
            return withFilters ? filters(done(std::move(out))) : Result<ExprPtr>(done(std::move(out)));
        }
        SA_TRY(ExprPtr out, primary());
        SA_TRY(out, postfix(std::move(out)));
        return withFilters ? filters(std::move(out)) : Result<ExprPtr>(std::move(out));
    }

    Result<ExprPtr> primary()
    {
        const Token token = peek();
        auto out = make(Expr::Kind::Constant);
        switch (token.kind) {
        case TokenKind::Text:
            while (peek().kind == TokenKind::Text)
                out->text += take().text;
            out->value = Value(std::exchange(out->text, {}));
            return done(std::move(out));
        case TokenKind::Integer: {
            std::int64_t value = 0;
            const char* const end = token.text.data() + token.text.size();
            if (std::from_chars(token.text.data(), end, value).ec != std::errc())
                return unsupported("the number " + token.text);
            ++m_at;
            out->value = Value(value);
            return done(std::move(out));
        }
        case TokenKind::Real: {
            double value = 0;
            const char* const end = token.text.data() + token.text.size();
            if (std::from_chars(token.text.data(), end, value).ec != std::errc())
                return unsupported("the number " + token.text);
            ++m_at;
            out->value = Value(value);
            return done(std::move(out));
        }
        case TokenKind::Name:
            ++m_at;
            if (token.text == "true" || token.text == "True" || token.text == "false" || token.text == "False")
                out->value = Value(token.text[0] == 't' || token.text[0] == 'T');
            else if (token.text != "none" && token.text != "None") {
                out->kind = Expr::Kind::Name;
                out->text = token.text;
            }
            return done(std::move(out));
        default:
            break;
        }
        if (skipSign("("))
            return inBrackets();
        if (skipSign("["))
            return listOf(Expr::Kind::List, "]");
        if (skipSign("{"))
            return listOf(Expr::Kind::Dict, "}");
        return wrong(here(), "an expression");
    }

    Result<ExprPtr> inBrackets()
    {
        if (skipSign(")"))
            return done(make(Expr::Kind::Tuple));
        SA_TRY(ExprPtr out, tupleExpression());
        SA_CHECK(expectSign(")"));
        return out;
    }

    Result<ExprPtr> listOf(Expr::Kind kind, const char* end)
    {
        auto out = make(kind);
        while (!skipSign(end)) {
            if (!out->items.empty()) {
                SA_CHECK(expectSign(","));
                if (skipSign(end))
                    break;
            }
            SA_TRY(ExprPtr item, expression());
            out->items.push_back(std::move(item));
            if (kind != Expr::Kind::Dict)
                continue;
            SA_CHECK(expectSign(":"));
            SA_TRY(ExprPtr value, expression());
            out->items.push_back(std::move(value));
        }
        return done(std::move(out));
    }

    Result<ExprPtr> postfix(ExprPtr inner)
    {
        for (int links = 0;; ++links) {
            if (links > kMaxDepth)
                return unsupported("expressions nested too deeply");
            if (skipSign(".")) {
                auto out = make(Expr::Kind::Attribute);
                if (peek().kind == TokenKind::Integer) { // foo.0 is foo[0]
                    SA_TRY(ExprPtr index, primary());
                    inner = pair(Expr::Kind::Item, {}, std::move(inner), std::move(index));
                    continue;
                }
                SA_TRY(out->text, expectName());
                out->items.push_back(std::move(inner));
                inner = done(std::move(out));
            } else if (skipSign("[")) {
                SA_TRY(inner, subscript(std::move(inner)));
            } else if (isSign("(")) {
                auto out = make(Expr::Kind::Call);
                out->items.push_back(std::move(inner));
                SA_CHECK(arguments(*out));
                inner = done(std::move(out));
            } else {
                return inner;
            }
        }
    }

    Result<ExprPtr> subscript(ExprPtr inner)
    {
        auto out = make(Expr::Kind::Slice);
        out->items.push_back(std::move(inner));
        out->items.resize(4);
        std::size_t part = 1;
        while (!skipSign("]")) {
            if (skipSign(":")) {
                if (++part > 3)
                    return wrong("a slice of four parts");
                continue;
            }
            if (out->items[part])
                return wrong(here(), "\"]\"");
            SA_TRY(out->items[part], expression());
        }
        if (part > 1)
            return done(std::move(out));
        if (!out->items[1])
            return wrong("\"[]\"", "an index");
        out->kind = Expr::Kind::Item;
        out->items.resize(2);
        return done(std::move(out));
    }

    Result<void> arguments(Expr& out)
    {
        SA_CHECK(expectSign("("));
        bool first = true;
        while (!skipSign(")")) {
            if (!first) {
                SA_CHECK(expectSign(","));
                if (skipSign(")"))
                    break;
            }
            first = false;
            if (isSign("*") || isSign("**"))
                return unsupported("arguments unpacked from a list");
            if (peek().kind == TokenKind::Name && peek(1).kind == TokenKind::Operator && peek(1).text == "=") {
                const std::string name = take().text;
                ++m_at;
                SA_TRY(ExprPtr value, expression());
                out.named.emplace_back(name, std::move(value));
                continue;
            }
            if (!out.named.empty())
                return wrong("an argument without a name after one with");
            SA_TRY(ExprPtr value, expression());
            out.items.push_back(std::move(value));
        }
        return {};
    }

    /// Filters and tests behind `inner`. For a block `inner` is null, and the first filter may stand without "|".
    Result<ExprPtr> filters(ExprPtr inner, bool startsWithSign = false)
    {
        bool pending = !inner && !startsWithSign;
        for (int links = 0;; ++links) {
            if (links > kMaxDepth)
                return unsupported("too many filters in a row");
            if (pending || skipSign("|")) {
                pending = false;
                auto out = make(Expr::Kind::Filter);
                SA_TRY(out->text, expectName());
                out->items.push_back(std::move(inner));
                if (isSign("("))
                    SA_CHECK(arguments(*out));
                inner = done(std::move(out));
            } else if (inner && skipName("is")) {
                SA_TRY(inner, test(std::move(inner)));
            } else if (inner && isSign("(")) {
                SA_TRY(inner, postfix(std::move(inner)));
            } else {
                return inner;
            }
        }
    }

    Result<ExprPtr> test(ExprPtr inner)
    {
        const bool negated = skipName("not");
        auto out = make(Expr::Kind::Test);
        SA_TRY(out->text, expectName());
        out->items.push_back(std::move(inner));
        if (isSign("(")) {
            SA_CHECK(arguments(*out));
        } else if (beginsArgument()) {
            SA_TRY(ExprPtr argument, primary());
            SA_TRY(argument, postfix(std::move(argument)));
            out->items.push_back(std::move(argument));
        }
        if (!negated)
            return done(std::move(out));
        auto inverse = make(Expr::Kind::Unary, "not");
        inverse->items.push_back(std::move(out));
        return done(std::move(inverse));
    }

    /// Whether an argument without brackets follows, as in "is divisibleby 3".
    bool beginsArgument() const
    {
        const Token& token = peek();
        if (token.kind == TokenKind::Name)
            return token.text != "else" && token.text != "or" && token.text != "and" && token.text != "is" &&
                   token.text != "if" && token.text != "not" && token.text != "in";
        return token.kind == TokenKind::Text || token.kind == TokenKind::Integer || token.kind == TokenKind::Real ||
               isSign("[") || isSign("{");
    }

    std::vector<Token> m_tokens;
    std::size_t m_at = 0;
    int m_depth = 0;
    int m_loops = 0;
};

} // namespace

Result<Block> parse(std::string_view source)
{
    SA_TRY(std::vector<Token> tokens, tokenize(source));
    if (tokens.size() > kMaxTokens)
        return makeError(Errc::Unsupported, "the chat template is too long");
    return Parser(std::move(tokens)).run();
}

} // namespace sa::jinja
