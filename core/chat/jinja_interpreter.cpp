// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/chat/jinja_interpreter.h"

#include "core/chat/jinja_filters.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>

namespace sa::jinja
{

namespace
{

// Expressions, blocks and macro calls in each other; a level takes up to 30 KB of stack (with sanitizers).
constexpr int kMaxDepth = 200;
constexpr int kMaxValueDepth = 100;
constexpr std::size_t kMaxOutputBytes = 64u << 20;

enum class Flow { Normal, Break, Continue };

struct Scope {
    Scope* parent = nullptr;
    std::vector<std::pair<std::string, Value>> variables;

    void set(const std::string& name, Value value)
    {
        for (auto& [key, old] : variables) {
            if (key == name) {
                old = std::move(value);
                return;
            }
        }
        variables.emplace_back(name, std::move(value));
    }
};

struct Namespace : Object {
    Dict values;
    Value attribute(const std::string& name) const override
    {
        const Value* const found = values.find(name);
        return found ? *found : Object::attribute(name);
    }
};

struct Macro : Object {
    const Stmt* definition = nullptr;
    Scope* scope = nullptr; ///< where it was defined; scopes live as long as the rendering
};

/// "loop" inside of a for.
struct Loop : Object {
    const std::vector<Value>* items = nullptr;
    std::int64_t index = 0;
    Value attribute(const std::string& name) const override
    {
        const auto size = static_cast<std::int64_t>(items->size());
        if (name == "index")
            return index + 1;
        if (name == "index0")
            return index;
        if (name == "revindex")
            return size - index;
        if (name == "revindex0")
            return size - index - 1;
        if (name == "first")
            return index == 0;
        if (name == "last")
            return index + 1 == size;
        if (name == "length")
            return size;
        if (name == "previtem" && index > 0)
            return (*items)[static_cast<std::size_t>(index - 1)];
        if (name == "nextitem" && index + 1 < size)
            return (*items)[static_cast<std::size_t>(index + 1)];
        return Object::attribute(name);
    }
};

struct Builtin : Object {
    explicit Builtin(std::string functionName)
        : name(std::move(functionName))
    {
    }
    std::string name;
};
constexpr std::array<const char*, 5> kBuiltins{"namespace", "raise_exception", "strftime_now", "range", "dict"};

class Interpreter
{
public:
    Interpreter(const Dict& variables, std::time_t now)
        : m_now(now)
    {
        Scope& builtins = newScope(nullptr);
        for (const char* const name : kBuiltins)
            builtins.set(name, Value(std::shared_ptr<Object>(std::make_shared<Builtin>(name))));
        m_scope = &newScope(&builtins);
        for (const auto& [name, value] : variables.members)
            m_scope->set(name, value);
        m_scope = &newScope(m_scope);
    }
    ~Interpreter()
    {
        for (const auto& space : m_namespaces) // one may hold itself
            space->values.members.clear();
    }
    Interpreter(const Interpreter&) = delete;
    Interpreter& operator=(const Interpreter&) = delete;

    Result<std::string> run(const Block& block)
    {
        SA_TRY([[maybe_unused]] const Flow flow, execute(block));
        return std::move(m_out);
    }

private:
    /// Counts a level for as long as it lives.
    class Level
    {
    public:
        explicit Level(int& depth)
            : m_depth(++depth)
        {
        }
        ~Level() { --m_depth; }
        Level(const Level&) = delete;
        Level& operator=(const Level&) = delete;

    private:
        int& m_depth;
    };

    Scope& newScope(Scope* parent)
    {
        m_budget.bytes -= 512;            // seen at the next step
        m_scopes.push_back({parent, {}}); // macros keep the scope they were defined in, so none is used again
        return m_scopes.back();
    }

    // --- Statements
    Result<Flow> execute(const Block& block)
    {
        for (const auto& stmt : block) {
            auto flow = executeOne(*stmt);
            if (!flow) {
                if (flow.error().where.empty())
                    flow.error().where = "line " + std::to_string(stmt->line);
                return flow;
            }
            if (*flow != Flow::Normal)
                return flow;
        }
        return Flow::Normal;
    }

    Result<Flow> executeOne(const Stmt& stmt)
    {
        const Level level(m_depth);
        if (m_depth > kMaxDepth)
            return templateError("blocks and macros are nested too deeply");
        SA_CHECK(m_budget.step());
        switch (stmt.kind) {
        case Stmt::Kind::Data:
            SA_CHECK(write(stmt.text));
            return Flow::Normal;
        case Stmt::Kind::Output: {
            SA_TRY(const Value value, evaluate(*stmt.expr));
            SA_CHECK(m_budget.charge(value.weight()));
            SA_CHECK(write(toText(value)));
            return Flow::Normal;
        }
        case Stmt::Kind::If:
            for (const auto& branch : stmt.branches) {
                bool holds = true;
                if (branch.condition) {
                    SA_TRY(const Value value, evaluate(*branch.condition));
                    holds = value.truth();
                }
                if (holds)
                    return execute(branch.body);
            }
            return Flow::Normal;
        case Stmt::Kind::For:
            return executeFor(stmt);
        case Stmt::Kind::Set:
            SA_CHECK(executeSet(stmt));
            return Flow::Normal;
        case Stmt::Kind::SetBlock:
        case Stmt::Kind::Filter:
            return executeCapture(stmt);
        case Stmt::Kind::Macro: {
            auto macro = std::make_shared<Macro>();
            macro->definition = &stmt;
            macro->scope = m_scope;
            m_scope->set(stmt.text, Value(std::shared_ptr<Object>(std::move(macro))));
            return Flow::Normal;
        }
        case Stmt::Kind::Scope: {
            std::vector<Value> values;
            for (const ExprPtr& expr : stmt.values) {
                SA_TRY(Value value, evaluate(*expr));
                values.push_back(std::move(value));
            }
            Scope* const outer = std::exchange(m_scope, &newScope(m_scope));
            for (std::size_t i = 0; i < values.size(); ++i)
                m_scope->set(stmt.targets[i], values[i]);
            auto flow = execute(stmt.body);
            m_scope = outer;
            return flow;
        }
        case Stmt::Kind::Break:
            return Flow::Break;
        case Stmt::Kind::Continue:
            return Flow::Continue;
        }
        return Flow::Normal;
    }

    Result<void> write(const std::string& text)
    {
        SA_CHECK(m_budget.charge(text.size()));
        if (m_out.size() + text.size() > kMaxOutputBytes)
            return templateError("the text becomes too long");
        m_out += text;
        return {};
    }

    Result<void> assign(const std::vector<std::string>& targets, const Value& value)
    {
        if (targets.size() == 1) {
            m_scope->set(targets[0], value);
            return {};
        }
        SA_TRY(const auto parts, iterate(value, m_budget));
        if (parts.size() != targets.size())
            return templateError("cannot unpack " + std::to_string(parts.size()) + " values into " +
                                 std::to_string(targets.size()));
        for (std::size_t i = 0; i < parts.size(); ++i)
            m_scope->set(targets[i], parts[i]);
        return {};
    }

    Result<Flow> executeFor(const Stmt& stmt)
    {
        SA_TRY(const Value iterable, evaluate(*stmt.expr));
        SA_TRY(auto items, iterate(iterable, m_budget));
        Scope* const outer = m_scope;
        if (stmt.condition) { // the filter sees the targets, and not yet the loop
            std::vector<Value> kept;
            for (Value& item : items) {
                SA_CHECK(m_budget.step());
                m_scope = &newScope(outer);
                SA_CHECK(assign(stmt.targets, item));
                auto holds = evaluate(*stmt.condition);
                m_scope = outer;
                if (!holds)
                    return std::move(holds).error();
                if (holds->truth())
                    kept.push_back(std::move(item));
            }
            items = std::move(kept);
        }
        if (items.empty())
            return execute(stmt.orElse);
        for (std::size_t i = 0; i < items.size(); ++i) {
            SA_CHECK(m_budget.step());
            m_scope = &newScope(outer);
            SA_CHECK(assign(stmt.targets, items[i]));
            auto loop = std::make_shared<Loop>();
            loop->items = &items;
            loop->index = static_cast<std::int64_t>(i);
            m_scope->set("loop", Value(std::shared_ptr<Object>(loop)));
            auto flow = execute(stmt.body);
            m_scope = outer;
            loop->items = &m_noItems; // a namespace may keep the object
            if (!flow)
                return flow;
            if (*flow == Flow::Break)
                break;
        }
        return Flow::Normal;
    }

    Result<void> executeSet(const Stmt& stmt)
    {
        SA_TRY(const Value value, evaluate(*stmt.expr));
        if (stmt.text.empty())
            return assign(stmt.targets, value);
        const Value space = lookUp(stmt.text);
        auto* const target = dynamic_cast<Namespace*>(space.object());
        if (!target)
            return templateError("cannot assign attribute on what is no namespace: '" + stmt.text + "'");
        target->values.set(stmt.targets[0], value);
        return {};
    }

    /// The text that a body writes.
    Result<std::string> capture(const Block& body, Scope* scope)
    {
        std::string outerText = std::exchange(m_out, {});
        Scope* const outer = std::exchange(m_scope, scope);
        auto flow = execute(body);
        m_scope = outer;
        std::string text = std::exchange(m_out, std::move(outerText));
        if (!flow)
            return std::move(flow).error();
        return text;
    }

    Result<Flow> executeCapture(const Stmt& stmt)
    {
        SA_TRY(std::string text, capture(stmt.body, &newScope(m_scope)));
        Value value(std::move(text));
        if (stmt.expr) {
            SA_TRY(value, filtered(*stmt.expr, &value));
        }
        if (stmt.kind == Stmt::Kind::SetBlock)
            m_scope->set(stmt.targets[0], std::move(value));
        else
            SA_CHECK(write(toText(value)));
        return Flow::Normal;
    }

    // --- Expressions
    Value lookUp(const std::string& name) const
    {
        for (const Scope* scope = m_scope; scope; scope = scope->parent)
            for (const auto& [key, value] : scope->variables)
                if (key == name)
                    return value;
        return Undefined{"'" + name + "' is undefined"};
    }

    Result<Value> evaluate(const Expr& expr)
    {
        const Level level(m_depth);
        if (m_depth > kMaxDepth)
            return templateError("expressions and macros are nested too deeply");
        SA_CHECK(m_budget.step());
        auto out = evaluateKind(expr);
        if (out && (out->depth() > kMaxValueDepth || out->weight() > kMaxOutputBytes))
            out = templateError("lists are nested too deeply, or too long");
        if (!out && out.error().where.empty())
            out.error().where = "line " + std::to_string(expr.line);
        return out;
    }

    Result<Value> evaluateKind(const Expr& expr)
    {
        switch (expr.kind) {
        case Expr::Kind::Constant:
            return expr.value;
        case Expr::Kind::Name:
            return lookUp(expr.text);
        case Expr::Kind::List:
        case Expr::Kind::Tuple: {
            List out;
            out.isTuple = expr.kind == Expr::Kind::Tuple;
            SA_CHECK(m_budget.charge(expr.items.size() * 32));
            for (const ExprPtr& item : expr.items) {
                SA_TRY(Value value, evaluate(*item));
                out.items.push_back(std::move(value));
            }
            return Value(std::move(out));
        }
        case Expr::Kind::Dict:
            return evaluateDict(expr);
        case Expr::Kind::Attribute: {
            SA_TRY(const Value value, evaluate(*expr.items[0]));
            return attributeOf(value, expr.text);
        }
        case Expr::Kind::Item: {
            SA_TRY(const Value value, evaluate(*expr.items[0]));
            SA_TRY(const Value key, evaluate(*expr.items[1]));
            if (value.text())
                SA_CHECK(m_budget.charge(value.text()->size()));
            return itemOf(value, key);
        }
        case Expr::Kind::Slice:
            return evaluateSlice(expr);
        case Expr::Kind::Call:
            return call(expr);
        case Expr::Kind::Filter:
            return filtered(expr, nullptr);
        case Expr::Kind::Test: {
            SA_TRY(const Value value, evaluate(*expr.items[0]));
            SA_TRY(const Arguments arguments, argumentsOf(expr));
            SA_TRY(const bool holds, applyTest(expr.text, value, arguments));
            return Value(holds);
        }
        case Expr::Kind::Unary:
            return unary(expr);
        case Expr::Kind::Binary:
            return binary(expr);
        case Expr::Kind::Compare:
            return compare(expr);
        case Expr::Kind::Condition: {
            SA_TRY(const Value condition, evaluate(*expr.items[1]));
            if (condition.truth())
                return evaluate(*expr.items[0]);
            if (expr.items[2])
                return evaluate(*expr.items[2]);
            return Value(Undefined{"the inline if has no else"});
        }
        }
        return Value();
    }

    Result<Value> evaluateDict(const Expr& expr)
    {
        Dict out;
        SA_CHECK(m_budget.charge(expr.items.size() * 64));
        for (std::size_t i = 0; i + 1 < expr.items.size(); i += 2) {
            SA_TRY(const Value key, evaluate(*expr.items[i]));
            SA_TRY(Value value, evaluate(*expr.items[i + 1]));
            if (!key.text())
                return templateError("only a str can be a key here, not " + key.typeName());
            out.set(*key.text(), std::move(value));
        }
        return Value(std::move(out));
    }

    Result<Value> evaluateSlice(const Expr& expr)
    {
        SA_TRY(const Value value, evaluate(*expr.items[0]));
        std::array<Value, 3> parts;
        for (std::size_t i = 0; i < 3; ++i)
            if (expr.items[i + 1]) {
                SA_TRY(parts[i], evaluate(*expr.items[i + 1]));
            }
        return sliceOf(value, &parts[0], &parts[1], &parts[2], m_budget);
    }

    Result<Arguments> argumentsOf(const Expr& expr)
    {
        Arguments out;
        for (std::size_t i = 1; i < expr.items.size(); ++i) {
            SA_TRY(Value value, evaluate(*expr.items[i]));
            out.positional.push_back(std::move(value));
        }
        for (const auto& [name, argument] : expr.named) {
            SA_TRY(Value value, evaluate(*argument));
            out.named.emplace_back(name, std::move(value));
        }
        return out;
    }

    /// `input` stands in for the innermost input that a block gives.
    Result<Value> filtered(const Expr& expr, const Value* input)
    {
        Value value;
        if (!expr.items[0])
            value = *input;
        else if (input && expr.items[0]->kind == Expr::Kind::Filter) {
            SA_TRY(value, filtered(*expr.items[0], input));
        } else {
            SA_TRY(value, evaluate(*expr.items[0]));
        }
        SA_TRY(const Arguments arguments, argumentsOf(expr));
        return applyFilter(expr.text, value, arguments, m_budget);
    }

    Result<Value> unary(const Expr& expr)
    {
        SA_TRY(const Value value, evaluate(*expr.items[0]));
        if (expr.text == "not")
            return Value(!value.truth());
        if (const auto* undefined = value.undefined())
            return templateError(undefined->what);
        if (!value.isNumber())
            return templateError("bad operand type for unary " + expr.text + ": '" + value.typeName() + "'");
        const bool negative = expr.text == "-";
        if (value.real())
            return Value(negative ? -*value.real() : *value.real());
        const std::int64_t integer = value.integer() ? *value.integer() : static_cast<std::int64_t>(*value.boolean());
        if (integer == INT64_MIN)
            return templateError("this number is too large");
        return Value(negative ? -integer : integer);
    }

    Result<Value> binary(const Expr& expr)
    {
        SA_TRY(const Value left, evaluate(*expr.items[0]));
        if (expr.text == "and")
            return left.truth() ? evaluate(*expr.items[1]) : left;
        if (expr.text == "or")
            return left.truth() ? left : evaluate(*expr.items[1]);
        SA_TRY(const Value right, evaluate(*expr.items[1]));
        if (expr.text == "~") {
            SA_CHECK(m_budget.charge(left.weight() + right.weight()));
            std::string text = toText(left) + toText(right);
            return Value(std::move(text));
        }
        for (const Value* value : {&left, &right})
            if (const auto* undefined = value->undefined())
                return templateError(undefined->what);
        if (left.isNumber() && right.isNumber())
            return arithmetic(expr.text, left, right);
        if (expr.text == "+" && left.text() && right.text()) {
            SA_CHECK(m_budget.charge(left.text()->size() + right.text()->size()));
            return Value(*left.text() + *right.text());
        }
        if (expr.text == "+" && left.list() && right.list() && left.list()->isTuple == right.list()->isTuple) {
            List out = *left.list();
            const auto& more = right.list()->items;
            SA_CHECK(m_budget.charge((out.items.size() + more.size()) * 32));
            out.items.insert(out.items.end(), more.begin(), more.end());
            return Value(std::move(out));
        }
        if (expr.text == "*" && (left.integer() || right.integer()))
            return repeated(left.integer() ? right : left, *(left.integer() ? left : right).integer());
        return templateError("unsupported operand type(s) for " + expr.text + ": '" + left.typeName() + "' and '" +
                             right.typeName() + "'");
    }

    Result<Value> repeated(const Value& value, std::int64_t count)
    {
        const auto times = static_cast<std::size_t>(std::max<std::int64_t>(count, 0));
        const std::size_t size = value.text() ? value.text()->size() : lengthOf(value).value_or(0) * 32;
        if (size > 0 && times > (std::size_t{1} << 40) / size)
            return templateError("it takes too much memory");
        SA_CHECK(m_budget.charge(size * times));
        if (size == 0)
            return value;
        if (value.text()) {
            std::string out;
            for (std::size_t i = 0; i < times; ++i)
                out += *value.text();
            return Value(std::move(out));
        }
        if (!value.list())
            return templateError("'" + value.typeName() + "' cannot be repeated");
        List out;
        out.isTuple = value.list()->isTuple;
        for (std::size_t i = 0; i < times; ++i)
            out.items.insert(out.items.end(), value.list()->items.begin(), value.list()->items.end());
        return Value(std::move(out));
    }

    static Result<Value> arithmetic(const std::string& sign, const Value& left, const Value& right)
    {
        const bool divides = sign == "/" || sign == "//" || sign == "%";
        if (divides && right.number() == 0)
            return templateError("division by zero");
        if (left.real() || right.real() || sign == "/" || (sign == "**" && right.number() < 0)) {
            const double a = left.number();
            const double b = right.number();
            if (sign == "%")
                return Value(a - b * std::floor(a / b));
            return Value(sign == "+"    ? a + b
                         : sign == "-"  ? a - b
                         : sign == "*"  ? a * b
                         : sign == "/"  ? a / b
                         : sign == "//" ? std::floor(a / b)
                                        : std::pow(a, b));
        }
        const auto integerOf = [](const Value& value) {
            return value.integer() ? *value.integer() : static_cast<std::int64_t>(*value.boolean());
        };
        const std::int64_t a = integerOf(left);
        const std::int64_t b = integerOf(right);
        std::int64_t out = 0;
        bool overflows = false;
        if (sign == "+")
            overflows = __builtin_add_overflow(a, b, &out);
        else if (sign == "-")
            overflows = __builtin_sub_overflow(a, b, &out);
        else if (sign == "*")
            overflows = __builtin_mul_overflow(a, b, &out);
        else if (sign == "**") {
            out = 1;
            for (std::int64_t i = 0; i < b && !overflows && a != 1; ++i) {
                overflows = __builtin_mul_overflow(out, a, &out);
                if (a == 0 || (a == -1 && i > 1))
                    break;
            }
            if (a == -1)
                out = b % 2 == 0 ? 1 : -1;
        } else if (b == -1) {
            overflows = sign == "//" && a == INT64_MIN;
            out = sign == "//" && !overflows ? -a : 0;
        } else { // Python rounds down, and the remainder has the divisor's sign
            const std::int64_t remainder = a % b;
            const bool adjusts = remainder != 0 && (remainder < 0) != (b < 0);
            out = sign == "//" ? a / b - (adjusts ? 1 : 0) : remainder + (adjusts ? b : 0);
        }
        if (overflows)
            return templateError("a number is too large");
        return Value(out);
    }

    Result<Value> compare(const Expr& expr)
    {
        SA_TRY(const Value left, evaluate(*expr.items[0]));
        SA_TRY(const Value right, evaluate(*expr.items[1]));
        SA_CHECK(m_budget.charge((left.weight() + right.weight()) / 16)); // comparing goes through both
        const std::string& sign = expr.text;
        if (sign == "==" || sign == "!=")
            return Value(equal(left, right) == (sign == "=="));
        if (sign == "in" || sign == "not in") {
            SA_TRY(const bool found, contains(right, left));
            return Value(found == (sign == "in"));
        }
        const bool swaps = sign == ">" || sign == "<=";
        SA_TRY(const bool smaller, swaps ? less(right, left) : less(left, right));
        return Value(smaller == (sign.size() == 1));
    }

    // --- Calls
    Result<Value> call(const Expr& expr)
    {
        const Expr& callee = *expr.items[0];
        Value function;
        if (callee.kind == Expr::Kind::Attribute) {
            SA_TRY(const Value owner, evaluate(*callee.items[0]));
            if (hasMethod(owner, callee.text)) {
                SA_TRY(const Arguments arguments, argumentsOf(expr));
                return callMethod(owner, callee.text, arguments, m_budget);
            }
            if (const auto* loop = dynamic_cast<const Loop*>(owner.object()); loop && callee.text == "cycle") {
                SA_TRY(const Arguments arguments, argumentsOf(expr));
                if (arguments.positional.empty())
                    return templateError("cycle() needs an argument");
                return arguments.positional[static_cast<std::size_t>(loop->index) % arguments.positional.size()];
            }
            SA_TRY(function, attributeOf(owner, callee.text));
            if (function.isUndefined())
                return templateError("'" + owner.typeName() + "' has no method '" + callee.text + "'");
        } else {
            SA_TRY(function, evaluate(callee));
        }
        if (const auto* undefined = function.undefined())
            return templateError(undefined->what);
        SA_TRY(const Arguments arguments, argumentsOf(expr));
        if (const auto* macro = dynamic_cast<const Macro*>(function.object()))
            return callMacro(*macro, arguments);
        if (const auto* builtin = dynamic_cast<const Builtin*>(function.object()))
            return callBuiltin(builtin->name, arguments);
        return templateError("'" + function.typeName() + "' object is not callable");
    }

    Result<Value> callMacro(const Macro& macro, const Arguments& arguments)
    {
        const Stmt& definition = *macro.definition;
        if (arguments.positional.size() > definition.targets.size())
            return templateError("macro '" + definition.text + "' takes not more than " +
                                 std::to_string(definition.targets.size()) + " argument(s)");
        for (const auto& [name, value] : arguments.named)
            if (std::find(definition.targets.begin(), definition.targets.end(), name) == definition.targets.end())
                return templateError("macro '" + definition.text + "' takes no keyword argument '" + name + "'");
        Scope& scope = newScope(macro.scope);
        Scope* const outer = std::exchange(m_scope, &scope);
        for (std::size_t i = 0; i < definition.targets.size(); ++i) {
            const std::string& name = definition.targets[i];
            if (const Value* const given = arguments.find(i, name)) {
                scope.set(name, *given);
            } else if (definition.values[i]) {
                auto value = evaluate(*definition.values[i]);
                if (!value) {
                    m_scope = outer;
                    return value;
                }
                scope.set(name, *std::move(value));
            } else {
                scope.set(name, Undefined{"parameter '" + name + "' was not provided"});
            }
        }
        m_scope = outer;
        SA_TRY(std::string text, capture(definition.body, &scope));
        return Value(std::move(text));
    }

    Result<Value> callBuiltin(const std::string& name, const Arguments& arguments)
    {
        if (name == "raise_exception") {
            const Value* const message = arguments.find(0, "message");
            return makeError(Errc::BadInput, "the chat template refuses these messages")
                .butFound(display(message ? toText(*message) : std::string()));
        }
        if (name == "strftime_now")
            return now(arguments);
        if (name == "range")
            return range(arguments);
        Dict out;
        for (const Value& value : arguments.positional) {
            if (!value.dict())
                return templateError(name + "() takes a mapping or names with values");
            for (const auto& [key, member] : value.dict()->members)
                out.set(key, member);
        }
        for (const auto& [key, value] : arguments.named)
            out.set(key, value);
        SA_CHECK(m_budget.charge(out.members.size() * 64));
        if (name == "dict")
            return Value(std::move(out));
        auto space = std::make_shared<Namespace>();
        space->values = std::move(out);
        m_namespaces.push_back(space);
        return Value(std::shared_ptr<Object>(std::move(space)));
    }

    Result<Value> now(const Arguments& arguments) const
    {
        const Value* const format = arguments.find(0, "format");
        if (!format || !format->text() || format->text()->size() > 1000)
            return templateError("strftime_now() needs a format");
        std::tm local{};
        ::localtime_r(&m_now, &local);
        std::array<char, 16384> text{};
        const std::size_t size = std::strftime(text.data(), text.size(), format->text()->c_str(), &local);
        return Value(std::string(text.data(), size));
    }

    Result<Value> range(const Arguments& arguments)
    {
        std::vector<std::int64_t> numbers;
        for (const Value& value : arguments.positional) {
            if (!value.integer())
                return templateError("range() needs integers");
            numbers.push_back(*value.integer());
        }
        if (numbers.empty() || numbers.size() > 3 || !arguments.named.empty())
            return templateError("range() takes one to three integers");
        const std::int64_t from = numbers.size() > 1 ? numbers[0] : 0;
        const std::int64_t to = numbers.size() > 1 ? numbers[1] : numbers[0];
        const std::int64_t step = numbers.size() > 2 ? numbers[2] : 1;
        constexpr std::int64_t kMax = 100'000; // jinja2's own limit
        if (step == 0 || std::abs(from) > (std::int64_t{1} << 53) || std::abs(to) > (std::int64_t{1} << 53))
            return templateError("range() cannot count like this");
        const std::int64_t count = step > 0 ? (to - from + step - 1) / step : (from - to - step - 1) / -step;
        if (count > kMax)
            return templateError("range() is too long");
        List out;
        SA_CHECK(m_budget.charge(static_cast<std::size_t>(std::max<std::int64_t>(count, 0)) * 32));
        for (std::int64_t i = 0; i < count; ++i)
            out.items.emplace_back(from + i * step);
        return Value(std::move(out));
    }

    std::time_t m_now;
    Budget m_budget;
    std::deque<Scope> m_scopes;
    std::vector<std::shared_ptr<Namespace>> m_namespaces;
    const std::vector<Value> m_noItems;
    Scope* m_scope = nullptr;
    std::string m_out;
    int m_depth = 0;
};

} // namespace

Result<std::string> render(const Block& block, const Dict& variables, std::time_t now)
{
    return Interpreter(variables, now).run(block);
}

} // namespace sa::jinja
