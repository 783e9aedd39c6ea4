// SPDX-License-Identifier: GPL-3.0-or-later
// The metadata file of a quantization method (plugins/README.md): who it is, what it needs, which parameters it takes.
// A form can be built from it without loading the method's code.
#pragma once

#include "core/base/json.h"

namespace sa
{

/// What this program understands in "api"; also the number of the C border (core/api/include/shiftadd/method.h).
inline constexpr int kMethodApi = 1;
/// The method that the program itself is about: it has metadata and no library.
inline constexpr const char* kBuiltInMethod = "shiftadd";

struct ParameterInfo {
    enum class Type { Integer, Number, Flag, Choice };
    std::string key;  ///< "group_columns": the name in options and after --set
    std::string name; ///< for a form: "Columns a group"
    std::string help; ///< one plain sentence
    std::string unit; ///< "columns"; may be empty
    Type type = Type::Integer;
    double min = 0, max = 0; ///< of an integer or a number, both allowed
    std::vector<std::string> choices;
    Json fallback; ///< the default
};

struct MethodInfo {
    enum class ResultKind { Dense, Planes };
    std::string id;       ///< "optq"
    std::string name;     ///< "OPTQ (GPTQ)"
    std::string summary;  ///< one or two sentences
    std::string citation; ///< where the method comes from; may be empty
    ResultKind result = ResultKind::Dense;
    bool hessian = false;    ///< it looks at calibration data, if the options agree:
    Json hessianWhen;        ///< {parameter: value}: only when all of these are so; empty object: always
    bool ownThreads = false; ///< layers come one after the other and the method splits its work itself
    std::vector<ParameterInfo> parameters;
    std::string file;    ///< the metadata file
    std::string library; ///< full path of the shared library; empty: built in

    const ParameterInfo* find(const std::string& key) const;
    /// Whether a run with these (complete) options needs calibration data.
    bool needsHessian(const Json& options) const;
};

/// BadFormat/Unsupported name the file and the field.
Result<MethodInfo> readMethodInfo(const std::string& path);

/// {"id", "name", "summary", "citation", "result", "hessian", "built_in", "file", "parameters": [...]} as in the files.
Json toJson(const MethodInfo& method);

const char* name(ParameterInfo::Type type) noexcept; ///< "integer"

} // namespace sa
