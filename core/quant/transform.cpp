// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quant/transform.h"

#include "sa/kernels/rotation.h"

#include <ATen/ATen.h>
#include <algorithm>
#include <cmath>

namespace sa
{

namespace
{

/// The Walsh-Hadamard matrix of order n = 2^j, natural order, entries +-1.
at::Tensor walshHadamard(std::int64_t n, const at::TensorOptions& options)
{
    at::Tensor out = at::ones({1, 1}, options);
    while (out.size(0) < n)
        out = at::cat({at::cat({out, out}, 1), at::cat({out, -out}, 1)}, 0);
    return out;
}

at::Tensor signTensor(std::uint64_t seed, std::int64_t n, const at::TensorOptions& options)
{
    const auto words = kernels::rotationSigns(seed, static_cast<int>(n));
    at::Tensor out = at::empty({n}, at::kFloat);
    for (std::int64_t k = 0; k < n; ++k)
        out.data_ptr<float>()[k] = words[static_cast<std::size_t>(k / 32)] >> (k % 32) & 1U ? -1.0F : 1.0F;
    return out.to(options);
}

/// [K]: 2^(direction * e)
at::Tensor powersOfTwo(const std::vector<std::int8_t>& exponents, int direction, const at::TensorOptions& options)
{
    at::Tensor out = at::empty({static_cast<std::int64_t>(exponents.size())}, at::kDouble);
    for (std::size_t k = 0; k < exponents.size(); ++k)
        out.data_ptr<double>()[k] = std::ldexp(1.0, direction * exponents[k]);
    return out.to(options);
}

/// One window of a rotation, its own inverse: b = s * s columns from `begin` on, in place. The matrix of order b is the
/// Kronecker square of the one of order s: two products with it.
void mixWindow(at::Tensor& x, std::int64_t begin, std::int64_t b, const at::Tensor& factor)
{
    const std::int64_t s = factor.size(0);
    at::Tensor window = x.narrow(1, begin, b);
    const at::Tensor square = window.reshape({-1, s, s});
    window.copy_((at::matmul(at::matmul(factor, square), factor) / static_cast<double>(s)).view({-1, b}));
}

/// The columns at which a rotation's windows begin, in order; the last one ends with the row.
std::vector<std::int64_t> windowBegins(std::int64_t n, std::int64_t b)
{
    std::vector<std::int64_t> begins;
    for (std::int64_t begin = 0; begin < n; begin += b)
        begins.push_back(std::min(begin, n - b));
    return begins;
}

at::Tensor rotationFactor(std::int64_t b, const at::TensorOptions& options)
{
    return walshHadamard(std::llround(std::sqrt(static_cast<double>(b))), options);
}

} // namespace

at::Tensor rotateRows(const at::Tensor& x, std::uint64_t seed)
{
    const std::int64_t n = x.size(1), b = kernels::rotationWindow(static_cast<int>(n));
    const at::Tensor factor = rotationFactor(b, x.options());
    at::Tensor out = x * signTensor(seed, n, x.options());
    for (const std::int64_t begin : windowBegins(n, b))
        mixWindow(out, begin, b, factor);
    return out;
}

at::Tensor rotateRowsBack(const at::Tensor& x, std::uint64_t seed)
{
    const std::int64_t n = x.size(1), b = kernels::rotationWindow(static_cast<int>(n));
    const at::Tensor factor = rotationFactor(b, x.options());
    at::Tensor out = x.clone();
    const auto begins = windowBegins(n, b);
    for (auto begin = begins.rbegin(); begin != begins.rend(); ++begin)
        mixWindow(out, *begin, b, factor);
    return out.mul_(signTensor(seed, n, x.options()));
}

at::Tensor InputTransform::ofWeight(const at::Tensor& weight) const
{
    at::Tensor out = exponents.empty() ? weight : weight * powersOfTwo(exponents, -1, weight.options());
    return rotation ? rotateRows(out, *rotation) : out;
}

at::Tensor InputTransform::ofQuantized(const at::Tensor& weight) const
{
    const at::Tensor out = rotation ? rotateRowsBack(weight, *rotation) : weight;
    return exponents.empty() ? out : out * powersOfTwo(exponents, 1, weight.options());
}

at::Tensor InputTransform::ofSecondMoment(const at::Tensor& sum) const
{
    at::Tensor out = sum;
    if (!exponents.empty()) {
        const at::Tensor powers = powersOfTwo(exponents, 1, sum.options());
        out = out * powers * powers.unsqueeze(1);
    }
    return rotation ? rotateRows(rotateRows(out, *rotation).t().contiguous(), *rotation).t().contiguous() : out;
}

std::vector<std::int8_t> balancingExponents(const at::Tensor& hessian, const std::vector<at::Tensor>& weights,
                                            double threshold)
{
    constexpr double kLargest = 24; // leaves room in a scale's range of exponents
    const std::int64_t K = hessian.size(0);
    at::Tensor energy = at::zeros({K}, at::kDouble);
    for (const auto& weight : weights)
        energy += weight.to(at::kDouble).square().sum(0).cpu();
    const at::Tensor diagonal = hessian.diagonal().to(at::kDouble).cpu().contiguous();
    std::vector<double> logs(static_cast<std::size_t>(K)), known;
    for (std::int64_t k = 0; k < K; ++k) {
        const double h = diagonal.data_ptr<double>()[k], w = energy.data_ptr<double>()[k];
        logs[static_cast<std::size_t>(k)] = h > 0.0 && w > 0.0 ? 0.25 * std::log2(h / w) : std::nan("");
        if (h > 0.0 && w > 0.0)
            known.push_back(logs[static_cast<std::size_t>(k)]);
    }
    if (known.empty())
        return {};
    const auto middle = known.begin() + static_cast<std::ptrdiff_t>(known.size() / 2);
    std::nth_element(known.begin(), middle, known.end());
    std::vector<std::int8_t> out(static_cast<std::size_t>(K), 0);
    for (std::size_t k = 0; k < out.size(); ++k)
        if (std::abs(logs[k] - *middle) >= threshold) // no NaN is
            out[k] = static_cast<std::int8_t>(-std::clamp(std::round(logs[k] - *middle), -kLargest, kLargest));
    return std::any_of(out.begin(), out.end(), [](std::int8_t e) { return e != 0; }) ? out : std::vector<std::int8_t>();
}

} // namespace sa
