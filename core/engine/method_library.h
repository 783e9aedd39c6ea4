// SPDX-License-Identifier: GPL-3.0-or-later
// A quantization method in a shared library: loaded, called, and not believed. Whatever it does short of writing into
// our memory ends in an Error that names the method and the layer.
#pragma once

#include "core/base/cancel.h"
#include "core/checkpoint/packed_weight.h"
#include "core/methods/method_info.h"

#include <memory>
#include <mutex>
#include <optional>

struct shiftadd_method;
struct shiftadd_host;

namespace sa
{

/// What a method made of one layer: planes or dense values, checked.
struct MethodOutput {
    std::optional<PackedWeight> planes;
    std::vector<float> dense;      ///< [N][K], finite; of planes what they stand for
    std::uint64_t storedBytes = 0; ///< in the method's own format
};

/// The functions that a method may call, for one job. Methods log from any thread; the job takes it from here.
class MethodHost
{
public:
    explicit MethodHost(const CancelToken& cancel)
        : m_cancel(cancel)
    {
    }
    std::vector<std::string> takeNotes();
    const CancelToken& cancel() const { return m_cancel; }
    void log(const char* message) noexcept;

private:
    const CancelToken& m_cancel;
    std::mutex m_mutex;
    std::vector<std::string> m_notes;
};

/// A method made ready for one input of a block; `quantize` may be called from several threads unless the method's
/// metadata has "threads": "own".
class MethodInstance
{
public:
    struct Layer {
        std::string name;
        std::int64_t N = 0, K = 0;
        const float* weight = nullptr; ///< [N][K]
    };
    Result<MethodOutput> quantize(const Layer& layer) const;

private:
    friend class MethodLibrary;
    const shiftadd_method* m_method = nullptr;
    MethodHost* m_host = nullptr;
    std::string m_id;
    bool m_givesPlanes = false;
    std::shared_ptr<void> m_state;
};

class MethodLibrary
{
public:
    /// Loads the library of `info` (never unloaded again) and asks it who it is. BadFormat/Unsupported name the file.
    static Result<MethodLibrary> load(const MethodInfo& info);

    struct Input {
        std::string name; ///< of the first layer that reads it
        std::int64_t K = 0;
        const double* hessian = nullptr; ///< [K][K] or null; must outlive the instance
        std::string options;             ///< JSON, complete (completeOptions)
    };
    /// `host` must outlive the instance.
    Result<MethodInstance> create(const Input& input, MethodHost& host) const;

private:
    const shiftadd_method* m_method = nullptr;
    std::string m_id;
    bool m_givesPlanes = false;
};

} // namespace sa
