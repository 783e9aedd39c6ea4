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

/// What the products of one device share: they run one after another on its stream.
GpuBuffers sharedBuffers(at::Device device, const GpuImage& image)
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

class GpuLinear final : public Linear
{
public:
    GpuLinear(const PackedWeight& weight, const GpuImage& image, at::Tensor bytes, at::Tensor bias, bool overlapped)
        : m_image(image)
        , m_bytes(std::move(bytes))
        , m_bias(std::move(bias))
        , m_inputSigns(signsOn(m_bytes.device(), weight.inputRotation, weight.K))
        , m_outputSigns(signsOn(m_bytes.device(), weight.outputRotation, weight.N))
        , m_overlapped(overlapped)
    {
        if (!weight.exponents.empty()) {
            at::Tensor exponents = at::empty({weight.K}, at::kChar);
            std::copy(weight.exponents.begin(), weight.exponents.end(), exponents.data_ptr<std::int8_t>());
            m_exponents = exponents.to(m_bytes.device());
        }
    }

    at::Tensor forward(const at::Tensor& x) const override
    {
        at::Tensor input = x.contiguous();
        const std::int64_t tokens = input.numel() / m_image.K;
        auto shape = input.sizes().vec();
        shape.back() = m_image.N;
        if (m_exponents.defined() || m_inputSigns.defined()) {
            input = input.clone();
            expectOk(gpuShiftAndRotate(m_exponents.defined() ? m_exponents.data_ptr<std::int8_t>() : nullptr,
                                       wordsOf(m_inputSigns), m_image.K, input.data_ptr<float>(),
                                       static_cast<int>(tokens), m_image.K, nullptr));
        }
        at::Tensor output = tokens > kGpuMaxTokens ? denseForward(input.view({tokens, m_image.K}))
                                                   : packedForward(input, static_cast<int>(tokens));
        if (m_outputSigns.defined())
            expectOk(gpuRotateBack(wordsOf(m_outputSigns), m_image.N, output.data_ptr<float>(),
                                   static_cast<int>(tokens), m_image.N, nullptr));
        if (m_bias.defined() && (m_outputSigns.defined() || tokens > kGpuMaxTokens))
            output.add_(m_bias);
        return output.view(shape);
    }
    std::int64_t weightBytes() const override { return m_bytes.numel(); }

private:
    at::Tensor packedForward(const at::Tensor& x, int tokens) const
    {
        at::Tensor y = at::empty({tokens, m_image.N}, x.options());
        if (tokens == 0)
            return y;
        GpuCall call;
        call.image = m_bytes.data_ptr();
        call.x = x.data_ptr<float>();
        call.M = tokens;
        call.bias = m_bias.defined() && !m_outputSigns.defined() ? m_bias.data_ptr<float>() : nullptr;
        call.y = y.data_ptr<float>();
        call.ldy = m_image.N;
        call.buffers = sharedBuffers(m_bytes.device(), m_image);
        call.overlapped = m_overlapped;
        expectOk(gpuProduct(m_image, call));
        return y;
    }
    at::Tensor denseForward(const at::Tensor& x) const
    {
        at::Tensor y = at::empty({x.size(0), m_image.N}, x.options());
        const std::int64_t rows =
            std::min<std::int64_t>(m_image.N, std::max<std::int64_t>(1, kSlabElements / m_image.K));
        const at::Tensor slab = at::empty({rows, m_image.K}, x.options());
        for (std::int64_t begin = 0; begin < m_image.N; begin += rows) {
            const std::int64_t count = std::min(rows, m_image.N - begin);
            expectOk(gpuDense(m_image, m_bytes.data_ptr(), static_cast<int>(begin), static_cast<int>(begin + count),
                              GpuFloat::F32, slab.data_ptr<float>(), nullptr));
            y.narrow(1, begin, count).copy_(at::linear(x, slab.narrow(0, 0, count)));
        }
        return y;
    }

    GpuImage m_image;
    at::Tensor m_bytes; ///< the image
    at::Tensor m_bias;
    at::Tensor m_exponents, m_inputSigns, m_outputSigns;
    bool m_overlapped;
};

} // namespace

Result<std::unique_ptr<Linear>> makeGpuLinear(const PackedWeight& weight, at::Tensor bias, at::Device device)
{
    GpuInfo info;
    const SignPlanes planes = weight.view();
    GpuImage image;
    Status status = gpuInfo(std::max(0, static_cast<int>(device.index())), info);
    if (status == Status::Ok)
        status = gpuImage(&planes, 1, info, GpuPath::Auto, {}, image);
    at::Tensor host;
    if (status == Status::Ok) {
        host = at::zeros({static_cast<std::int64_t>(image.bytes)}, at::kByte);
        status = gpuImageWrite(&planes, 1, image, host.data_ptr());
    }
    if (status != Status::Ok)
        return makeError(Errc::Device, "the packed kernels cannot run on this device")
            .at("device")
            .butFound(device.str() + ": " + name(status) + " " + gpuLastError());
    return std::unique_ptr<Linear>(
        std::make_unique<GpuLinear>(weight, image, host.to(device), std::move(bias), info.architecture >= 90));
}

} // namespace sa
