// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda/launch.h"
#include "sa/kernels/gpu_step.h"

namespace sa::kernels
{

namespace
{
cudaStream_t streamOf(void* stream)
{
    return static_cast<cudaStream_t>(stream);
}
} // namespace

GpuGraph::~GpuGraph()
{
    if (m_graph != nullptr)
        cudaGraphExecDestroy(static_cast<cudaGraphExec_t>(m_graph));
    if (m_stream != nullptr)
        cudaStreamDestroy(streamOf(m_stream));
}

Status GpuGraph::open(int device) noexcept
{
    if (const Status status = gpu::remember(cudaSetDevice(device)); status != Status::Ok)
        return status;
    cudaStream_t stream = nullptr;
    const Status status = gpu::remember(cudaStreamCreate(&stream));
    m_stream = stream;
    return status;
}

Status GpuGraph::beginRecording() noexcept
{
    return gpu::remember(cudaStreamBeginCapture(streamOf(m_stream), cudaStreamCaptureModeThreadLocal));
}

Status GpuGraph::endRecording() noexcept
{
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t runnable = nullptr;
    Status status = gpu::remember(cudaStreamEndCapture(streamOf(m_stream), &graph));
    if (status == Status::Ok)
        status = gpu::remember(cudaGraphInstantiate(&runnable, graph, 0));
    if (graph != nullptr)
        cudaGraphDestroy(graph);
    if (m_graph != nullptr)
        cudaGraphExecDestroy(static_cast<cudaGraphExec_t>(m_graph));
    m_graph = runnable;
    return status;
}

Status GpuGraph::replay(int times) noexcept
{
    if (m_graph == nullptr)
        return Status::BadPointer;
    auto status = Status::Ok;
    for (int i = 0; i < times && status == Status::Ok; ++i)
        status = gpu::remember(cudaGraphLaunch(static_cast<cudaGraphExec_t>(m_graph), streamOf(m_stream)));
    return status;
}

Status GpuGraph::wait() noexcept
{
    return gpu::remember(cudaStreamSynchronize(streamOf(m_stream)));
}

Status GpuGraph::time(int times, double& seconds) noexcept
{
    cudaEvent_t begin = nullptr, end = nullptr;
    Status status = gpu::remember(cudaEventCreate(&begin));
    if (status == Status::Ok)
        status = gpu::remember(cudaEventCreate(&end));
    if (status == Status::Ok)
        status = gpu::remember(cudaEventRecord(begin, streamOf(m_stream)));
    if (status == Status::Ok)
        status = replay(times);
    if (status == Status::Ok)
        status = gpu::remember(cudaEventRecord(end, streamOf(m_stream)));
    if (status == Status::Ok)
        status = gpu::remember(cudaEventSynchronize(end));
    float milliseconds = 0;
    if (status == Status::Ok)
        status = gpu::remember(cudaEventElapsedTime(&milliseconds, begin, end));
    seconds = milliseconds * 1e-3;
    if (begin != nullptr)
        cudaEventDestroy(begin);
    if (end != nullptr)
        cudaEventDestroy(end);
    return status;
}

std::int32_t* gpuMappedInts(int count) noexcept
{
    void* memory = nullptr;
    const auto bytes = static_cast<std::size_t>(count) * sizeof(std::int32_t);
    return gpu::remember(cudaHostAlloc(&memory, bytes, cudaHostAllocMapped)) == Status::Ok
               ? static_cast<std::int32_t*>(memory)
               : nullptr;
}

void gpuFreeMapped(std::int32_t* memory) noexcept
{
    cudaFreeHost(memory);
}

} // namespace sa::kernels
