// SPDX-License-Identifier: GPL-3.0-or-later
// A template as a tree.
#pragma once

#include "core/chat/jinja_value.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sa::jinja
{

struct Expr;
using ExprPtr = std::unique_ptr<const Expr>;

struct Expr {
    enum class Kind {
        Constant,  ///< value
        Name,      ///< text
        List,      ///< items
        Tuple,     ///< items
        Dict,      ///< items: key, value, key, value, ...
        Attribute, ///< items[0].text
        Item,      ///< items[0][items[1]]
        Slice,     ///< items[0][items[1]:items[2]:items[3]]; those left out are null
        Call,      ///< items[0](items[1..], named)
        Filter,    ///< items[0] | text(items[1..], named); in a filter block items[0] is null
        Test,      ///< items[0] is text(items[1..])
        Unary,     ///< text: "-", "+", "not"
        Binary,    ///< text: "+", "and", "in", ...
        Compare,   ///< items[0] text items[1]: "==", "<", "in", "not in", ... ; chains become "and"
        Condition, ///< items[0] if items[1] else items[2] (which may be null)
    };
    Kind kind = Kind::Constant;
    int line = 0;
    int height = 1; ///< of the tree below
    std::string text;
    Value value;
    std::vector<ExprPtr> items;
    std::vector<std::pair<std::string, ExprPtr>> named;
};

struct Stmt;
using Block = std::vector<std::unique_ptr<const Stmt>>;

struct Stmt {
    enum class Kind {
        Data,     ///< text
        Output,   ///< expr
        If,       ///< branches, in order; a branch without a condition is the else
        For,      ///< targets in expr if condition: body, or orElse when nothing was iterated over
        Set,      ///< targets = expr; or text.targets[0] = expr on a namespace
        SetBlock, ///< targets[0] = body, through the filter expr if there is one
        Macro,    ///< text(targets with defaults): body
        Filter,   ///< body through expr
        Scope,    ///< "with" (targets = values), or a mark around the body that changes nothing
        Break,
        Continue,
    };
    struct Branch {
        ExprPtr condition;
        Block body;
    };
    Kind kind = Kind::Data;
    int line = 0;
    std::string text;
    ExprPtr expr;
    ExprPtr condition;
    std::vector<std::string> targets;
    std::vector<ExprPtr> values; ///< defaults of a macro (null: none), values of a "with"
    std::vector<Branch> branches;
    Block body;
    Block orElse;
};

} // namespace sa::jinja
