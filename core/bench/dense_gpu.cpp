// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/bench/dense_gpu.h"

#include <cuda_runtime.h>

namespace sa::gpubench
{

namespace
{
constexpr std::size_t kWorkspaceBytes = 32U << 20;
constexpr int kSuggestions = 8;
} // namespace

DenseProduct::DenseProduct(int N, int K, int tokens)
    : m_N(N)
    , m_K(K)
    , m_tokens(tokens)
{
    cublasCreate(&m_handle);
    cudaMalloc(&m_workspace, kWorkspaceBytes);
    cublasSetWorkspace(m_handle, m_workspace, kWorkspaceBytes); // none is allocated while a graph is recorded
    cublasLtCreate(&m_light);
    cublasLtMatmulDescCreate(&m_operation, CUBLAS_COMPUTE_32F, CUDA_R_32F);
    const cublasOperation_t transposed = CUBLAS_OP_T;
    cublasLtMatmulDescSetAttribute(m_operation, CUBLASLT_MATMUL_DESC_TRANSA, &transposed, sizeof transposed);
    const auto columns = [](int n) { return static_cast<std::uint64_t>(n); };
    cublasLtMatrixLayoutCreate(&m_weight, CUDA_R_16F, columns(K), columns(N), K);
    cublasLtMatrixLayoutCreate(&m_x, CUDA_R_16F, columns(K), columns(tokens), K);
    cublasLtMatrixLayoutCreate(&m_y, CUDA_R_16F, columns(N), columns(tokens), N);
    cublasLtMatmulPreference_t preference = nullptr;
    cublasLtMatmulPreferenceCreate(&preference);
    cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &kWorkspaceBytes,
                                         sizeof kWorkspaceBytes);
    m_found.resize(kSuggestions);
    int found = 0;
    if (cublasLtMatmulAlgoGetHeuristic(m_light, m_operation, m_weight, m_x, m_y, m_y, preference, kSuggestions,
                                       m_found.data(), &found) != CUBLAS_STATUS_SUCCESS)
        found = 0;
    m_found.resize(static_cast<std::size_t>(found));
    cublasLtMatmulPreferenceDestroy(preference);
}

DenseProduct::~DenseProduct()
{
    cublasLtMatrixLayoutDestroy(m_weight);
    cublasLtMatrixLayoutDestroy(m_x);
    cublasLtMatrixLayoutDestroy(m_y);
    cublasLtMatmulDescDestroy(m_operation);
    cublasLtDestroy(m_light);
    cublasDestroy(m_handle);
    cudaFree(m_workspace);
}

bool DenseProduct::run(int way, const void* weight, const void* x, void* y, cudaStream_t stream)
{
    const float one = 1, zero = 0;
    if (way == 0) {
        cublasSetStream(m_handle, stream);
        cublasSetWorkspace(m_handle, m_workspace, kWorkspaceBytes);
        return cublasGemmEx(m_handle, CUBLAS_OP_T, CUBLAS_OP_N, m_N, m_tokens, m_K, &one, weight, CUDA_R_16F, m_K, x,
                            CUDA_R_16F, m_K, &zero, y, CUDA_R_16F, m_N, CUBLAS_COMPUTE_32F,
                            CUBLAS_GEMM_DEFAULT) == CUBLAS_STATUS_SUCCESS;
    }
    const auto& found = m_found[static_cast<std::size_t>(way - 1)];
    return found.state == CUBLAS_STATUS_SUCCESS &&
           cublasLtMatmul(m_light, m_operation, &one, weight, m_weight, x, m_x, &zero, y, m_y, y, m_y, &found.algo,
                          m_workspace, kWorkspaceBytes, stream) == CUBLAS_STATUS_SUCCESS;
}

} // namespace sa::gpubench
