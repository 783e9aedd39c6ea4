// SPDX-License-Identifier: GPL-3.0-or-later
// Device memory for the tests: guards on both sides, poisoned with NaN patterns.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

class DeviceMemory
{
public:
    DeviceMemory() = default;
    explicit DeviceMemory(std::size_t bytes)
        : m_bytes(bytes)
    {
        if (cudaMalloc(&m_memory, bytes + 2 * kGuard) == cudaSuccess)
            cudaMemset(m_memory, kPoison, bytes + 2 * kGuard);
        else
            m_memory = nullptr;
    }
    DeviceMemory(DeviceMemory&& other) noexcept { *this = std::move(other); }
    DeviceMemory& operator=(DeviceMemory&& other) noexcept
    {
        std::swap(m_memory, other.m_memory);
        std::swap(m_bytes, other.m_bytes);
        return *this;
    }
    ~DeviceMemory() { cudaFree(m_memory); }

    void* data() const { return m_memory == nullptr ? nullptr : static_cast<char*>(m_memory) + kGuard; }
    void write(const void* source, std::size_t bytes) { cudaMemcpy(data(), source, bytes, cudaMemcpyHostToDevice); }
    void read(void* target, std::size_t bytes) const { cudaMemcpy(target, data(), bytes, cudaMemcpyDeviceToHost); }
    void fill(int byte) { cudaMemset(data(), byte, m_bytes); }
    bool guardsIntact() const
    {
        std::vector<unsigned char> guards(2 * kGuard);
        const auto* begin = static_cast<const char*>(m_memory);
        cudaMemcpy(guards.data(), begin, kGuard, cudaMemcpyDeviceToHost);
        cudaMemcpy(guards.data() + kGuard, begin + kGuard + m_bytes, kGuard, cudaMemcpyDeviceToHost);
        for (const unsigned char byte : guards)
            if (byte != kPoison)
                return false;
        return true;
    }
    /// Waits; why the device failed, or empty.
    static std::string finish()
    {
        const cudaError_t error = cudaDeviceSynchronize();
        return error == cudaSuccess ? std::string() : cudaGetErrorString(error);
    }

private:
    static constexpr std::size_t kGuard = 4096;
    static constexpr unsigned char kPoison = 0xFF;
    void* m_memory = nullptr;
    std::size_t m_bytes = 0;
};
