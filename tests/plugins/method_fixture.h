// SPDX-License-Identifier: GPL-3.0-or-later
// A method from the build tree on a small matrix, through the same door as the engine.
#pragma once

#include "core/engine/method_library.h"
#include "core/methods/method_catalog.h"
#include "core/methods/method_options.h"

namespace test
{

struct Matrix {
    std::int64_t rows = 0, columns = 0;
    std::vector<double> values;
    double& operator()(std::int64_t i, std::int64_t j) { return values[static_cast<std::size_t>(i * columns + j)]; }
    double operator()(std::int64_t i, std::int64_t j) const
    {
        return values[static_cast<std::size_t>(i * columns + j)];
    }
};

inline Matrix zeros(std::int64_t rows, std::int64_t columns)
{
    return {rows, columns, std::vector<double>(static_cast<std::size_t>(rows * columns), 0.0)};
}

/// H: empty for none. `folders`: where the method is.
inline sa::Result<sa::MethodOutput> quantize(const std::string& id, const sa::Json& options, const Matrix& W,
                                             const Matrix& H, sa::MethodHost& host,
                                             const std::vector<std::string>& folders = sa::methodFolders())
{
    SA_TRY(const sa::MethodInfo info, sa::requireMethod(sa::findMethods(folders), id));
    SA_TRY(const sa::Json complete, sa::completeOptions(info, options));
    SA_TRY(const sa::MethodLibrary library, sa::MethodLibrary::load(info));
    SA_TRY(const sa::MethodInstance instance,
           library.create({"input", W.columns, H.values.empty() ? nullptr : H.values.data(), sa::json::dump(complete)},
                          host));
    const std::vector<float> weight(W.values.begin(), W.values.end());
    return instance.quantize({"layer", W.rows, W.columns, weight.data()});
}

} // namespace test
