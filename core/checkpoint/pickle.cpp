// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/pickle.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace sa
{

namespace
{

using Kind = PickleValue::Kind;

constexpr std::uint32_t kNoValue = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t kMaxNameBytes = 4096; ///< of a module or a global

struct Permitted {
    const char* name;
    bool callable;
};
constexpr const char* kOrderedDict = "collections.OrderedDict";
constexpr Permitted kPermitted[] = {
    {kOrderedDict, true},
    {"torch._utils._rebuild_tensor_v2", true},
    {"torch._utils._rebuild_parameter", true},
    {"torch.FloatStorage", false},
    {"torch.HalfStorage", false},
    {"torch.BFloat16Storage", false},
    {"torch.DoubleStorage", false},
    {"torch.LongStorage", false},
    {"torch.IntStorage", false},
    {"torch.ShortStorage", false},
    {"torch.CharStorage", false},
    {"torch.ByteStorage", false},
    {"torch.BoolStorage", false},
    {"torch.ComplexFloatStorage", false},
};

const Permitted* permitted(std::string_view name)
{
    const auto* place = std::find_if(std::begin(kPermitted), std::end(kPermitted),
                                     [&](const auto& entry) { return entry.name == name; });
    return place == std::end(kPermitted) ? nullptr : place;
}

const char* refusalRemedy()
{
    return "Nothing was run. Weights need no such instruction: use a safetensors version of the model, or leave the "
           "file alone unless you know where it comes from";
}

} // namespace

/// Runs the permitted instructions of one pickle. Every method that can fail leaves the machine unusable.
class PickleMachine
{
public:
    PickleMachine(std::string_view bytes, const std::string& file)
        : m_bytes(bytes.substr(0, Pickle::kMaxBytes))
        , m_file(file)
    {
    }

    Result<Pickle> run()
    {
        std::string_view head;
        if (m_bytes.size() < 2 || m_bytes[0] != '\x80')
            return bad("this is not a pickle").wanted("a pickle of protocol 2 to 5");
        SA_CHECK(take(2, head));
        if (head[1] < 2 || head[1] > 5)
            return makeError(Errc::Unsupported, "the pickle has a protocol that this program does not read")
                .in(m_file)
                .at(place())
                .butFound(std::to_string(static_cast<unsigned char>(head[1])))
                .wanted("2 to 5");
        while (!m_done)
            SA_CHECK(step());
        m_out.m_sizeBytes = m_at;
        return std::move(m_out);
    }

private:
    std::string place() const { return "pickle byte " + std::to_string(m_begin); }
    Error bad(std::string message) const
    {
        return makeError(Errc::BadFormat, std::move(message)).in(m_file).at(place());
    }
    Error refuse(std::string message) const
    {
        return makeError(Errc::Unsupported, std::move(message)).in(m_file).at(place()).tryThis(refusalRemedy());
    }

    Result<void> take(std::uint64_t count, std::string_view& out)
    {
        if (count > m_bytes.size() - m_at)
            return bad("the pickle is cut").butFound(std::to_string(m_bytes.size() - m_at) + " bytes left");
        out = m_bytes.substr(m_at, static_cast<std::size_t>(count));
        m_at += out.size();
        return {};
    }
    template<class Number> Result<Number> number()
    {
        std::string_view raw;
        SA_CHECK(take(sizeof(Number), raw));
        Number value = 0;
        std::memcpy(&value, raw.data(), sizeof value);
        return value;
    }
    Result<std::string_view> line()
    {
        const auto end = m_bytes.substr(m_at, kMaxNameBytes + 1).find('\n');
        if (end == std::string_view::npos)
            return bad("a name in the pickle has no end");
        const std::string_view text = m_bytes.substr(m_at, end);
        m_at += end + 1;
        return text;
    }

    PickleValue& value(std::uint32_t index) { return m_out.m_values[index]; }
    Result<std::uint32_t> create(Kind kind)
    {
        if (m_out.m_values.size() >= Pickle::kMaxValues)
            return bad("the pickle holds too many values").wanted("at most " + std::to_string(Pickle::kMaxValues));
        m_out.m_values.emplace_back().kind = kind;
        return static_cast<std::uint32_t>(m_out.m_values.size() - 1);
    }
    Result<void> pushNew(Kind kind, std::int64_t number = 0, std::string_view text = {})
    {
        SA_TRY(const std::uint32_t index, create(kind));
        value(index).number = number;
        value(index).text = text;
        m_stack.push_back(index);
        return {};
    }
    /// What lies above the last mark, or above the begin.
    std::size_t above() const { return m_stack.size() - (m_marks.empty() ? 0 : m_marks.back()); }
    Result<std::uint32_t> pop()
    {
        if (above() == 0)
            return bad("the pickle takes a value from an empty stack");
        const std::uint32_t index = m_stack.back();
        m_stack.pop_back();
        return index;
    }
    Result<std::uint32_t> top(Kind kind)
    {
        if (above() == 0)
            return bad("the pickle takes a value from an empty stack");
        if (value(m_stack.back()).kind != kind)
            return bad("an instruction of the pickle meets a value of the wrong kind")
                .butFound(name(value(m_stack.back()).kind))
                .wanted(name(kind));
        return m_stack.back();
    }
    Result<std::vector<std::uint32_t>> popMarked()
    {
        if (m_marks.empty())
            return bad("an instruction of the pickle needs a mark, and there is none");
        const auto begin = m_stack.begin() + static_cast<std::ptrdiff_t>(m_marks.back());
        std::vector<std::uint32_t> items(begin, m_stack.end());
        m_stack.erase(begin, m_stack.end());
        m_marks.pop_back();
        return items;
    }
    Result<void> pushTuple(std::vector<std::uint32_t> items)
    {
        SA_TRY(const std::uint32_t index, create(Kind::Tuple));
        value(index).items = std::move(items);
        m_stack.push_back(index);
        return {};
    }
    Result<void> pushTuple(std::size_t size)
    {
        if (above() < size)
            return bad("the pickle takes a value from an empty stack");
        const auto begin = m_stack.end() - static_cast<std::ptrdiff_t>(size);
        std::vector<std::uint32_t> items(begin, m_stack.end());
        m_stack.erase(begin, m_stack.end());
        return pushTuple(std::move(items));
    }
    Result<void> extend(Kind kind, const std::vector<std::uint32_t>& items)
    {
        if (kind == Kind::Dict && items.size() % 2 != 0)
            return bad("a dictionary of the pickle has a key without a value");
        SA_TRY(const std::uint32_t target, top(kind));
        auto& all = value(target).items;
        all.insert(all.end(), items.begin(), items.end());
        return {};
    }

    Result<void> remember(std::uint64_t slot)
    {
        if (above() == 0)
            return bad("the pickle remembers a value, and there is none");
        // As many slots as values: a number out of nowhere must not cost memory.
        if (slot >= Pickle::kMaxValues)
            return bad("the pickle remembers a value under an impossible number")
                .butFound(std::to_string(slot))
                .wanted("less than " + std::to_string(Pickle::kMaxValues));
        if (slot >= m_memo.size())
            m_memo.resize(static_cast<std::size_t>(slot) + 1, kNoValue);
        auto& place = m_memo[static_cast<std::size_t>(slot)];
        m_remembered += place == kNoValue ? 1 : 0;
        place = m_stack.back();
        return {};
    }
    Result<void> recall(std::uint64_t slot)
    {
        if (slot >= m_memo.size() || m_memo[static_cast<std::size_t>(slot)] == kNoValue)
            return bad("the pickle recalls a value that it never remembered").butFound(std::to_string(slot));
        if (m_stack.size() >= Pickle::kMaxValues)
            return bad("the stack of the pickle grows too large");
        m_stack.push_back(m_memo[static_cast<std::size_t>(slot)]);
        return {};
    }

    Result<void> pushText(std::uint64_t size)
    {
        std::string_view text;
        SA_CHECK(take(size, text));
        return pushNew(Kind::Text, 0, text);
    }
    Result<void> pushLong(std::uint64_t size)
    {
        std::string_view raw;
        SA_CHECK(take(size, raw));
        if (raw.size() > sizeof(std::int64_t))
            return bad("an integer of the pickle does not fit into 64 bits");
        std::int64_t number = !raw.empty() && (raw.back() & '\x80') != 0 ? -1 : 0; // two's complement, sign extended
        std::memcpy(&number, raw.data(), raw.size());
        return pushNew(Kind::Int, number);
    }
    Result<void> pushGlobal(std::string_view module, std::string_view member)
    {
        const std::string full = std::string(module) + "." + std::string(member);
        const Permitted* entry = permitted(full);
        if (!entry)
            return refuse("the pickle asks for a name that is not on the list of permitted ones")
                .butFound(display(full, 120))
                .wanted("tensors, parameters and ordered dictionaries");
        return pushNew(Kind::Global, 0, entry->name);
    }
    Result<void> stackGlobal()
    {
        SA_TRY(const std::uint32_t member, pop());
        SA_TRY(const std::uint32_t module, pop());
        if (value(member).kind != Kind::Text || value(module).kind != Kind::Text)
            return bad("the pickle asks for a name that is not a text");
        if (value(member).text.size() > kMaxNameBytes || value(module).text.size() > kMaxNameBytes)
            return bad("a name in the pickle is too long");
        return pushGlobal(value(module).text, value(member).text);
    }
    Result<void> reduce()
    {
        SA_TRY(const std::uint32_t arguments, pop());
        SA_TRY(const std::uint32_t function, pop());
        if (value(arguments).kind != Kind::Tuple)
            return bad("the arguments of a call are not a tuple").butFound(name(value(arguments).kind));
        if (value(function).kind != Kind::Global || !permitted(value(function).text)->callable)
            return refuse("the pickle calls something that is not a permitted function")
                .butFound(value(function).kind == Kind::Global ? std::string(value(function).text)
                                                               : name(value(function).kind));
        if (value(function).text == kOrderedDict) {
            if (!value(arguments).items.empty())
                return refuse("the pickle makes an ordered dictionary from arguments");
            return pushNew(Kind::Dict);
        }
        SA_TRY(const std::uint32_t call, create(Kind::Call));
        value(call).items = {function, arguments};
        m_stack.push_back(call);
        return {};
    }
    /// Attributes of an ordered dictionary (`_metadata`, versions of modules): not needed.
    Result<void> build()
    {
        SA_TRY(const std::uint32_t state, pop());
        SA_CHECK(top(Kind::Dict));
        if (value(state).kind != Kind::Dict)
            return refuse("the pickle sets a state that is not a dictionary").butFound(name(value(state).kind));
        return {};
    }
    Result<void> persistent()
    {
        SA_TRY(const std::uint32_t id, pop());
        if (value(id).kind != Kind::Tuple)
            return bad("the name of a storage is not a tuple").butFound(name(value(id).kind));
        SA_TRY(const std::uint32_t index, create(Kind::Persistent));
        value(index).items = {id};
        m_stack.push_back(index);
        return {};
    }
    Result<void> stop()
    {
        SA_TRY(m_out.m_root, pop());
        if (!m_stack.empty() || !m_marks.empty())
            return bad("the pickle ends with values left over").butFound(std::to_string(m_stack.size()));
        m_done = true;
        return {};
    }
    Result<void> mark()
    {
        if (m_marks.size() >= Pickle::kMaxMarks)
            return bad("the pickle is nested too deep").wanted("at most " + std::to_string(Pickle::kMaxMarks));
        m_marks.push_back(m_stack.size());
        return {};
    }
    Result<void> setItem(Kind kind, std::size_t size)
    {
        if (above() < size)
            return bad("the pickle takes a value from an empty stack");
        const auto begin = m_stack.end() - static_cast<std::ptrdiff_t>(size);
        const std::vector<std::uint32_t> items(begin, m_stack.end());
        m_stack.erase(begin, m_stack.end());
        return extend(kind, items);
    }
    Result<void> setMarked(Kind kind)
    {
        SA_TRY(const auto items, popMarked());
        return extend(kind, items);
    }
    Result<void> frame()
    {
        SA_TRY(const auto size, number<std::uint64_t>());
        if (size > m_bytes.size() - m_at)
            return bad("a frame of the pickle is longer than the pickle").butFound(std::to_string(size) + " bytes");
        return {};
    }

    template<class Number> Result<void> with(Result<void> (PickleMachine::*next)(std::uint64_t))
    {
        SA_TRY(const auto count, number<Number>());
        return (this->*next)(count);
    }
    template<class Number> Result<void> pushNumber()
    {
        SA_TRY(const auto found, number<Number>());
        return pushNew(Kind::Int, static_cast<std::int64_t>(found));
    }

    Result<void> step()
    {
        m_begin = m_at;
        if (m_at == m_bytes.size())
            return bad("the pickle is cut, or larger than one of weights can be")
                .wanted("an end within " + std::to_string(Pickle::kMaxBytes) + " bytes");
        const char opcode = m_bytes[m_at++];
        switch (opcode) {
        case '.': // STOP
            return stop();
        case '(': // MARK
            return mark();
        case 'N': // NONE
            return pushNew(Kind::None);
        case '\x88': // NEWTRUE
            return pushNew(Kind::Bool, 1);
        case '\x89': // NEWFALSE
            return pushNew(Kind::Bool, 0);
        case 'J': // BININT
            return pushNumber<std::int32_t>();
        case 'K': // BININT1
            return pushNumber<std::uint8_t>();
        case 'M': // BININT2
            return pushNumber<std::uint16_t>();
        case '\x8a': // LONG1
            return with<std::uint8_t>(&PickleMachine::pushLong);
        case '\x8b': // LONG4; a negative size is a size beyond the end
            return with<std::uint32_t>(&PickleMachine::pushLong);
        case 'G': { // BINFLOAT
            std::string_view ignored;
            SA_CHECK(take(8, ignored));
            return pushNew(Kind::Float);
        }
        case '\x8c': // SHORT_BINUNICODE
        case 'U':    // SHORT_BINSTRING, which Python 2 wrote
            return with<std::uint8_t>(&PickleMachine::pushText);
        case 'X': // BINUNICODE
        case 'T': // BINSTRING
            return with<std::uint32_t>(&PickleMachine::pushText);
        case ')': // EMPTY_TUPLE
            return pushNew(Kind::Tuple);
        case ']': // EMPTY_LIST
            return pushNew(Kind::List);
        case '}': // EMPTY_DICT
            return pushNew(Kind::Dict);
        case '\x85': // TUPLE1
            return pushTuple(std::size_t{1});
        case '\x86': // TUPLE2
            return pushTuple(std::size_t{2});
        case '\x87': // TUPLE3
            return pushTuple(std::size_t{3});
        case 't': { // TUPLE
            SA_TRY(auto items, popMarked());
            return pushTuple(std::move(items));
        }
        case 'a': // APPEND
            return setItem(Kind::List, 1);
        case 'e': // APPENDS
            return setMarked(Kind::List);
        case 's': // SETITEM
            return setItem(Kind::Dict, 2);
        case 'u': // SETITEMS
            return setMarked(Kind::Dict);
        case 'q': // BINPUT
            return with<std::uint8_t>(&PickleMachine::remember);
        case 'r': // LONG_BINPUT
            return with<std::uint32_t>(&PickleMachine::remember);
        case '\x94': // MEMOIZE
            return remember(m_remembered);
        case 'h': // BINGET
            return with<std::uint8_t>(&PickleMachine::recall);
        case 'j': // LONG_BINGET
            return with<std::uint32_t>(&PickleMachine::recall);
        case 'c': { // GLOBAL
            SA_TRY(const auto module, line());
            SA_TRY(const auto member, line());
            return pushGlobal(module, member);
        }
        case '\x93': // STACK_GLOBAL
            return stackGlobal();
        case 'R': // REDUCE
            return reduce();
        case 'b': // BUILD
            return build();
        case 'Q': // BINPERSID
            return persistent();
        case '\x95': // FRAME
            return frame();
        case 'i': { // INST: a call in one instruction; never part of weights, but worth a name
            SA_TRY(const auto module, line());
            SA_TRY(const auto member, line());
            return refuse("the pickle calls something that is not a permitted function")
                .butFound(display(std::string(module) + "." + std::string(member), 120));
        }
        default:
            return refuse("the pickle holds an instruction that is not on the list of permitted ones")
                .butFound(opcodeText(opcode));
        }
    }

    static std::string opcodeText(char opcode)
    {
        constexpr char digits[] = "0123456789abcdef";
        const auto byte = static_cast<unsigned char>(opcode);
        std::string text = std::string("0x") + digits[byte >> 4] + digits[byte & 15];
        if (byte > 0x20 && byte < 0x7F)
            text += std::string(" (") + opcode + ")";
        return text;
    }

    std::string_view m_bytes;
    const std::string& m_file;
    std::size_t m_at = 0;
    std::size_t m_begin = 0; ///< of the instruction at work
    bool m_done = false;
    Pickle m_out;
    std::vector<std::uint32_t> m_stack;
    std::vector<std::size_t> m_marks; ///< stack sizes
    std::vector<std::uint32_t> m_memo;
    std::uint64_t m_remembered = 0; ///< slots in use
};

Result<Pickle> Pickle::parse(std::string_view bytes, const std::string& file)
{
    return PickleMachine(bytes, file).run();
}

const char* name(PickleValue::Kind kind) noexcept
{
    switch (kind) {
    case Kind::None:
        return "None";
    case Kind::Bool:
        return "a truth value";
    case Kind::Int:
        return "an integer";
    case Kind::Float:
        return "a float";
    case Kind::Text:
        return "a text";
    case Kind::Tuple:
        return "a tuple";
    case Kind::List:
        return "a list";
    case Kind::Dict:
        return "a dictionary";
    case Kind::Global:
        return "a name";
    case Kind::Call:
        return "a call";
    case Kind::Persistent:
        return "a storage";
    }
    return "?";
}

} // namespace sa
