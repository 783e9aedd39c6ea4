// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/power_meter.h"

#include <dlfcn.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <vector>

namespace sa
{

namespace
{

namespace fs = std::filesystem;

std::optional<std::uint64_t> readNumber(const fs::path& path)
{
    std::ifstream file(path);
    std::uint64_t value = 0;
    return file >> value ? std::optional(value) : std::nullopt;
}

/// Counters of the packages, in microjoules; they start over at max_energy_range_uj.
class RaplMeter final : public PowerMeter
{
public:
    static std::unique_ptr<PowerMeter> open(const std::string& root)
    {
        auto meter = std::make_unique<RaplMeter>();
        std::error_code failed;
        for (const auto& entry : fs::directory_iterator(root, failed)) {
            const std::string name = entry.path().filename().string();
            // intel-rapl:0 is a package (AMD's too); intel-rapl:0:1 a part of it that it counts already.
            if (name.rfind("intel-rapl:", 0) != 0 || std::count(name.begin(), name.end(), ':') != 1)
                continue;
            const auto now = readNumber(entry.path() / "energy_uj");
            if (now)
                meter->m_packages.push_back({entry.path() / "energy_uj",
                                             readNumber(entry.path() / "max_energy_range_uj").value_or(0), *now, 0});
        }
        if (meter->m_packages.empty())
            return nullptr;
        return meter;
    }
    const char* source() const override { return "rapl"; }
    std::optional<double> joules() override
    {
        double sum = 0.0;
        for (Package& package : m_packages) {
            const auto now = readNumber(package.path);
            if (!now)
                return std::nullopt;
            package.total += *now >= package.last ? *now - package.last : *now + package.range - package.last;
            package.last = *now;
            sum += static_cast<double>(package.total) * 1e-6;
        }
        return sum;
    }

private:
    struct Package {
        fs::path path;
        std::uint64_t range, last, total;
    };
    std::vector<Package> m_packages;
};

/// Found at run time: the library comes with the driver, and the program runs without either.
class NvmlMeter final : public PowerMeter
{
public:
    static std::unique_ptr<PowerMeter> open(unsigned index)
    {
        auto meter = std::make_unique<NvmlMeter>();
        meter->m_library = ::dlopen("libnvidia-ml.so.1", RTLD_NOW);
        if (!meter->m_library)
            return nullptr;
        const auto initialise = meter->symbol<int (*)()>("nvmlInit_v2");
        const auto device = meter->symbol<int (*)(unsigned, void**)>("nvmlDeviceGetHandleByIndex_v2");
        meter->m_energy = meter->symbol<int (*)(void*, unsigned long long*)>("nvmlDeviceGetTotalEnergyConsumption");
        const bool usable = initialise && device && meter->m_energy && initialise() == 0 &&
                            device(index, &meter->m_device) == 0 && meter->joules();
        if (!usable)
            return nullptr;
        return meter;
    }
    ~NvmlMeter() override
    {
        if (m_library)
            ::dlclose(m_library);
    }
    const char* source() const override { return "nvml"; }
    std::optional<double> joules() override
    {
        unsigned long long millijoules = 0;
        return m_energy(m_device, &millijoules) == 0 ? std::optional(static_cast<double>(millijoules) * 1e-3)
                                                     : std::nullopt;
    }

private:
    template<class F> F symbol(const char* name) { return reinterpret_cast<F>(::dlsym(m_library, name)); }
    void* m_library = nullptr;
    void* m_device = nullptr;
    int (*m_energy)(void*, unsigned long long*) = nullptr;
};

} // namespace

std::unique_ptr<PowerMeter> openPowerMeter(const std::string& device, const std::string& root)
{
    if (device.rfind("cuda:", 0) == 0)
        return NvmlMeter::open(static_cast<unsigned>(std::stoul(device.substr(5))));
    return RaplMeter::open(root);
}

} // namespace sa
