// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/tensors.h"

#include "core/base/parallel.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <cstdlib>
#include <malloc.h>
#include <omp.h>

namespace sa
{

Result<at::Tensor> readFloatTensor(const WeightStore& store, const std::string& tensorName, at::Device device)
{
    SA_TRY(const TensorInfo* info, store.find(tensorName));
    at::ScalarType type = at::kFloat;
    switch (info->dtype) {
    case Dtype::F32:
        break;
    case Dtype::F16:
        type = at::kHalf;
        break;
    case Dtype::BF16:
        type = at::kBFloat16;
        break;
    default:
        return makeError(Errc::Unsupported, "this tensor is not made of floating point numbers")
            .in(store.folder())
            .at(tensorName)
            .butFound(name(info->dtype))
            .wanted("F32, F16 or BF16");
    }
    at::Tensor raw = at::empty(info->shape, at::TensorOptions().dtype(type).pinned_memory(device.is_cuda()));
    SA_CHECK(store.read(tensorName, std::span(static_cast<std::byte*>(raw.data_ptr()), raw.nbytes())));
    const at::Tensor values = raw.to(device).to(at::kFloat);
    // x * 0 is NaN exactly for NaN and infinity: one pass, no mask tensor.
    if (values.numel() > 0 && !(values * 0).sum().eq(0).item<bool>())
        return makeError(Errc::BadFormat, "a tensor contains NaN or infinite values")
            .in(store.folder())
            .at(tensorName)
            .tryThis("The weights are damaged: download or convert the model again");
    return values;
}

CoarseProducts::CoarseProducts(at::Device device)
    : m_active(device.is_cuda())
{
    if (!m_active)
        return;
    m_before = at::globalContext().allowTF32CuBLAS();
    at::globalContext().setAllowTF32CuBLAS(true);
}

CoarseProducts::~CoarseProducts()
{
    if (m_active)
        at::globalContext().setAllowTF32CuBLAS(m_before);
}

void setThreads(int threads)
{
    // Activations come and go by the megabyte: kept in the heap they cost no page faults (a tenth of an evaluation).
    ::mallopt(M_MMAP_THRESHOLD, 16 << 20);
    ::mallopt(M_TRIM_THRESHOLD, 64 << 20);
    setParallelThreads(threads);
    at::set_num_threads(parallelThreads());
    omp_set_num_threads(parallelThreads());
}

Result<at::Device> parseDevice(const std::string& text)
{
    if (text == "cpu")
        return at::Device(at::kCPU);
    // Read when the device is first used. Large matrices come and go between small ones: without segments that grow, a
    // third of the device's memory ends as pieces that nothing large fits into.
    ::setenv("PYTORCH_CUDA_ALLOC_CONF", "expandable_segments:True", 0);
    if (text.rfind("cuda", 0) == 0 && !at::globalContext().hasCUDA())
        return makeError(Errc::Device, "this machine or this build has no CUDA device")
            .at("device")
            .butFound("\"" + display(text) + "\"")
            .wanted("cpu");
    try {
        return at::Device(text);
    } catch (const std::exception&) {
        return makeError(Errc::Usage, "there is no such device")
            .at("device")
            .butFound("\"" + display(text) + "\"")
            .wanted("cpu or cuda:N");
    }
}

} // namespace sa
