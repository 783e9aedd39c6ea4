// SPDX-License-Identifier: GPL-3.0-or-later
// The dense float16 product of cuBLAS, the best of its ways for one shape.
#pragma once

#include <cublasLt.h>
#include <cublas_v2.h>

#include <cstdint>
#include <vector>

namespace sa::gpubench
{

class DenseProduct
{
public:
    DenseProduct(int N, int K, int tokens);
    ~DenseProduct();
    DenseProduct(const DenseProduct&) = delete;
    DenseProduct& operator=(const DenseProduct&) = delete;

    /// Way 0 is cublasGemmEx, the others what cublasLt suggests.
    int ways() const { return 1 + static_cast<int>(m_found.size()); }
    /// y [tokens][N] = x [tokens][K] W^T, W [N][K], all float16 with float32 sums. False when cuBLAS refuses.
    bool run(int way, const void* weight, const void* x, void* y, cudaStream_t stream);

private:
    int m_N, m_K, m_tokens;
    cublasHandle_t m_handle = nullptr;
    cublasLtHandle_t m_light = nullptr;
    cublasLtMatmulDesc_t m_operation = nullptr;
    cublasLtMatrixLayout_t m_weight = nullptr, m_x = nullptr, m_y = nullptr;
    std::vector<cublasLtMatmulHeuristicResult_t> m_found;
    void* m_workspace = nullptr;
};

} // namespace sa::gpubench
