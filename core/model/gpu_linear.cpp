// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/gpu_linear.h"

#include "sa/kernels/gpu.h"
#include "sa/kernels/rotation.h"

#include <ATen/ATen.h>
#include <map>
#include <stdexcept>

namespace sa
{

namespace
{

using namespace kernels;

/// Elements of W^ that are dense at a time while many tokens pass.
constexpr std::int64_t kSlabElements = std::int64_t(1) << 26;

at::Tensor bytesOn(at::Device device, std::size_t bytes)
{
    return at::empty({static_cast<std::int64_t>(bytes)}, at::TensorOptions().dtype(at::kByte).device(device));
}

void expectOk(Status status)
{
    if (status != Status::Ok)
        throw std::runtime_error(std::string("the packed kernel failed on the device: ") + name(status) + " " +
                                 gpuLastError());
}

at::Tensor signsOn(at::Device device, std::optional<std::uint64_t> seed, int n)
{
    if (!seed)
        return {};
    at::Tensor words = at::empty({(n + 31) / 32}, at::kInt);
    rotationSigns(*seed, n, reinterpret_cast<std::uint32_t*>(words.data_ptr<int>()));
    return words.to(device);
}

const std::uint32_t* wordsOf(const at::Tensor& signs)
{
    return signs.defined() ? reinterpret_cast<const std::uint32_t*>(signs.data_ptr<int>()) : nullptr;
}

/// Products of up to kGpuMaxTokens tokens with all parts. The result is kept until each part has been asked for with
/// the same x.
class GpuProducts
{
public:
    explicit GpuProducts(std::shared_ptr<const GpuPlanes> planes)
        : m_planes(std::move(planes))
    {
    }
    const std::shared_ptr<const GpuPlanes>& planes() const { return m_planes; }

    /// x: f32 [.., K] -> [tokens, N of the part], without bias and rotation back.
    at::Tensor part(std::size_t index, const at::Tensor& x, int tokens)
    {
        const std::uint32_t bit = 1U << index;
        if ((m_waiting & bit) == 0 || !x.is_same(m_x)) {
            m_x = x;
            m_y = multiply(transformed(x), tokens);
            m_waiting = (1U << m_planes->parts.size()) - 1U;
        }
        m_waiting &= ~bit;
        const GpuPlanes::Part& own = m_planes->parts[index];
        const at::Tensor y = m_y.narrow(1, own.rowBegin, own.N);
        if (m_waiting == 0) {
            m_x = at::Tensor();
            m_y = at::Tensor();
        }
        return y;
    }

    /// x in the planes' own basis, contiguous.
    at::Tensor transformed(const at::Tensor& x) const
    {
        const GpuPlanes& p = *m_planes;
        at::Tensor input = x.contiguous();
        if (!p.exponents.defined() && !p.inputSigns.defined())
            return input;
        input = input.clone();
        expectOk(gpuShiftAndRotate(p.exponents.defined() ? p.exponents.data_ptr<std::int8_t>() : nullptr,
                                   wordsOf(p.inputSigns), p.image.K, input.data_ptr<float>(),
                                   static_cast<int>(input.numel() / p.image.K), p.image.K, nullptr));
        return input;
    }

private:
    at::Tensor multiply(const at::Tensor& x, int tokens) const
    {
        const GpuPlanes& p = *m_planes;
        at::Tensor y = at::empty({tokens, p.image.N}, x.options());
        if (tokens == 0)
            return y;
        GpuCall call;
        call.image = p.bytes.data_ptr();
        call.x = x.data_ptr<float>();
        call.M = tokens;
        call.y = y.data_ptr<float>();
        call.ldy = p.image.N;
        call.buffers = sharedGpuBuffers(p.bytes.device(), p.image);
        call.overlapped = p.overlapped;
        expectOk(gpuProduct(p.image, call));
        return y;
    }

    std::shared_ptr<const GpuPlanes> m_planes;
    at::Tensor m_x, m_y;
    std::uint32_t m_waiting = 0; ///< parts that have not asked yet, as bits
};

class GpuLinear final : public Linear
{
public:
    GpuLinear(std::shared_ptr<GpuProducts> products, std::size_t part)
        : m_products(std::move(products))
        , m_part(part)
    {
    }

    at::Tensor forward(const at::Tensor& x) const override
    {
        const GpuPlanes::Part& own = part();
        const std::int64_t tokens = x.numel() / m_products->planes()->image.K;
        auto shape = x.sizes().vec();
        shape.back() = own.N;
        at::Tensor y = tokens > kGpuMaxTokens ? dense(m_products->transformed(x), tokens)
                                              : m_products->part(m_part, x, static_cast<int>(tokens));
        if (own.outputSigns.defined()) {
            y = y.contiguous();
            expectOk(gpuRotateBack(wordsOf(own.outputSigns), own.N, y.data_ptr<float>(), static_cast<int>(tokens),
                                   own.N, nullptr));
        }
        if (own.bias.defined())
            y = y + own.bias;
        return y.reshape(shape);
    }
    std::int64_t weightBytes() const override
    {
        const GpuPlanes& planes = *m_products->planes();
        return planes.bytes.numel() * part().N / planes.image.N;
    }
    GpuPart where() const { return {m_products->planes(), m_part}; }

private:
    const GpuPlanes::Part& part() const { return m_products->planes()->parts[m_part]; }

    at::Tensor dense(const at::Tensor& x, std::int64_t tokens) const
    {
        const GpuPlanes& p = *m_products->planes();
        const at::Tensor input = x.view({tokens, p.image.K});
        at::Tensor y = at::empty({tokens, part().N}, x.options());
        const std::int64_t rows =
            std::min<std::int64_t>(part().N, std::max<std::int64_t>(1, kSlabElements / p.image.K));
        const at::Tensor slab = at::empty({rows, p.image.K}, x.options());
        for (std::int64_t begin = 0; begin < part().N; begin += rows) {
            const std::int64_t count = std::min(rows, part().N - begin);
            const auto first = static_cast<int>(part().rowBegin + begin);
            expectOk(gpuDense(p.image, p.bytes.data_ptr(), first, first + static_cast<int>(count), GpuFloat::F32,
                              slab.data_ptr<float>(), nullptr));
            y.narrow(1, begin, count).copy_(at::linear(input, slab.narrow(0, 0, count)));
        }
        return y;
    }

    std::shared_ptr<GpuProducts> m_products;
    std::size_t m_part;
};

/// Layers that share an image, on the device.
Result<std::shared_ptr<const GpuPlanes>> toDevice(std::span<GpuLayer> layers, const GpuInfo& info, at::Device device)
{
    auto planes = std::make_shared<GpuPlanes>();
    std::vector<SignPlanes> views;
    for (GpuLayer& layer : layers) {
        const PackedWeight& w = layer.weight;
        const int rowBegin = planes->parts.empty() ? 0 : planes->parts.back().rowBegin + planes->parts.back().N;
        planes->parts.push_back({rowBegin, w.N, layer.bias, signsOn(device, w.outputRotation, w.N)});
        views.push_back(w.view());
    }
    const auto count = static_cast<int>(views.size());
    Status status = gpuImage(views.data(), count, info, GpuPath::Auto, {}, planes->image);
    if (status == Status::Ok) {
        at::Tensor host = at::zeros({static_cast<std::int64_t>(planes->image.bytes)}, at::kByte);
        status = gpuImageWrite(views.data(), count, planes->image, host.data_ptr());
        planes->bytes = host.to(device);
    }
    if (status != Status::Ok)
        return makeError(Errc::Device, "the packed kernels cannot run on this device")
            .at("device")
            .butFound(device.str() + ": " + name(status) + " " + gpuLastError());
    const PackedWeight& first = layers.front().weight;
    if (!first.exponents.empty()) {
        at::Tensor exponents = at::empty({first.K}, at::kChar);
        std::copy(first.exponents.begin(), first.exponents.end(), exponents.data_ptr<std::int8_t>());
        planes->exponents = exponents.to(device);
    }
    planes->inputSigns = signsOn(device, first.inputRotation, first.K);
    planes->overlapped = info.architecture >= 90;
    return std::shared_ptr<const GpuPlanes>(std::move(planes));
}

} // namespace

kernels::GpuBuffers sharedGpuBuffers(at::Device device, const kernels::GpuImage& image)
{
    struct Buffers {
        at::Tensor zeroed, scratch;
    };
    static std::map<int, Buffers> all; // one job at a time
    Buffers& own = all[device.index()];
    const auto short_ = [](const at::Tensor& tensor, std::size_t bytes) {
        return !tensor.defined() || static_cast<std::size_t>(tensor.numel()) < bytes;
    };
    if (short_(own.zeroed, image.zeroedBytes))
        own.zeroed = bytesOn(device, image.zeroedBytes).zero_();
    if (short_(own.scratch, image.scratchBytes))
        own.scratch = bytesOn(device, image.scratchBytes);
    return {own.zeroed.data_ptr(), own.scratch.data_ptr()};
}

Result<std::vector<std::unique_ptr<Linear>>> makeGpuLinears(std::vector<GpuLayer> layers, at::Device device)
{
    GpuInfo info;
    if (const Status status = gpuInfo(std::max(0, static_cast<int>(device.index())), info); status != Status::Ok)
        return makeError(Errc::Device, "the packed kernels cannot run on this device")
            .at("device")
            .butFound(device.str() + ": " + name(status) + " " + gpuLastError());
    std::vector<std::unique_ptr<Linear>> out;
    for (std::size_t begin = 0; begin < layers.size();) {
        std::size_t end = begin + 1;
        while (end < layers.size() && shareImage(layers[begin].weight, layers[end].weight))
            ++end;
        SA_TRY(auto planes, toDevice(std::span(layers).subspan(begin, end - begin), info, device));
        const auto products = std::make_shared<GpuProducts>(std::move(planes));
        for (std::size_t i = 0; i < end - begin; ++i)
            out.push_back(std::make_unique<GpuLinear>(products, i));
        begin = end;
    }
    return out;
}

std::optional<GpuPart> gpuPartOf(const Linear& linear)
{
    const auto* own = dynamic_cast<const GpuLinear*>(&linear);
    return own ? std::optional(own->where()) : std::nullopt;
}

} // namespace sa
