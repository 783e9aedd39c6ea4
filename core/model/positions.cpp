// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/positions.h"

#include <ATen/ATen.h>
#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>

namespace sa
{

namespace
{

/// Llama-3.1: long wavelengths are stretched, short ones kept, those between interpolated.
double llama3Frequency(const RopeConfig& rope, double frequency)
{
    const double wavelength = 2.0 * std::numbers::pi / frequency;
    if (wavelength > rope.originalPositions / rope.lowFrequencyFactor)
        return frequency / rope.factor;
    if (wavelength < rope.originalPositions / rope.highFrequencyFactor)
        return frequency;
    const double smooth = (rope.originalPositions / wavelength - rope.lowFrequencyFactor) /
                          (rope.highFrequencyFactor - rope.lowFrequencyFactor);
    return (1.0 - smooth) * frequency / rope.factor + smooth * frequency;
}

/// YaRN (Peng et al., 2023, section 3.2): the share of dimension i that is interpolated, as a ramp between the
/// dimensions that turn betaFast and betaSlow times within the original context.
class YarnRamp
{
public:
    YarnRamp(const RopeConfig& rope, std::int64_t headDim)
    {
        const auto dimensionOf = [&](double rotations) {
            return static_cast<double>(headDim) *
                   std::log(rope.originalPositions / (rotations * 2.0 * std::numbers::pi)) /
                   (2.0 * std::log(rope.theta));
        };
        double low = dimensionOf(rope.betaFast), high = dimensionOf(rope.betaSlow);
        if (rope.roundRamp) {
            low = std::floor(low);
            high = std::ceil(high);
        }
        m_low = std::max(low, 0.0);
        m_high = std::min(high, static_cast<double>(headDim) - 1.0);
        if (m_low == m_high)
            m_high += 0.001;
    }
    double interpolated(std::size_t i) const
    {
        return std::clamp((static_cast<double>(i) - m_low) / (m_high - m_low), 0.0, 1.0);
    }

private:
    double m_low, m_high;
};

} // namespace

at::Tensor Rotary::apply(const at::Tensor& x) const
{
    const std::int64_t half = x.size(-1) / 2;
    const at::Tensor a = x.slice(-1, 0, half), b = x.slice(-1, half);
    return at::cat({a * cos - b * sin, b * cos + a * sin}, -1);
}

RotaryEmbedding::RotaryEmbedding(const RopeConfig& rope, std::int64_t headDim, at::Device device)
    : m_rope(rope)
    , m_headDim(headDim)
    , m_device(device)
    , m_inverseFrequencies(inverseFrequencies(rope.theta))
{
}

at::Tensor RotaryEmbedding::inverseFrequencies(double theta) const
{
    const YarnRamp ramp(m_rope, m_headDim);
    std::vector<float> out(static_cast<std::size_t>(m_headDim / 2));
    for (std::size_t i = 0; i < out.size(); ++i) {
        double frequency = std::pow(theta, -2.0 * static_cast<double>(i) / static_cast<double>(m_headDim));
        switch (m_rope.scaling) {
        case RopeConfig::Scaling::None:
        case RopeConfig::Scaling::Dynamic:
            break;
        case RopeConfig::Scaling::Linear:
            frequency /= m_rope.factor;
            break;
        case RopeConfig::Scaling::Llama3:
            frequency = llama3Frequency(m_rope, frequency);
            break;
        case RopeConfig::Scaling::Yarn: {
            const double share = ramp.interpolated(i);
            frequency = share * frequency / m_rope.factor + (1.0 - share) * frequency;
            break;
        }
        }
        out[i] = static_cast<float>(frequency);
    }
    return at::tensor(out, at::kFloat).to(m_device);
}

Rotary RotaryEmbedding::at(std::int64_t firstPosition, std::int64_t count) const
{
    at::Tensor frequencies = m_inverseFrequencies;
    const double length = static_cast<double>(firstPosition + count);
    if (m_rope.scaling == RopeConfig::Scaling::Dynamic && length > m_rope.originalPositions) {
        // NTK-aware scaling grows with the text; keys cached before keep the base they were rotated with.
        const double growth = m_rope.factor * length / m_rope.originalPositions - (m_rope.factor - 1.0);
        const double dimensions = static_cast<double>(m_headDim);
        frequencies = inverseFrequencies(m_rope.theta * std::pow(growth, dimensions / (dimensions - 2.0)));
    }
    const at::Tensor positions = at::arange(firstPosition, firstPosition + count, frequencies.options());
    const at::Tensor angles = at::outer(positions, frequencies);
    if (m_rope.attentionFactor == 1.0)
        return {angles.cos(), angles.sin()};
    return {angles.cos() * m_rope.attentionFactor, angles.sin() * m_rope.attentionFactor};
}

PositionEncoder::PositionEncoder(const ModelConfig& config, at::Device device)
{
    if (config.positionScheme == PositionScheme::Rotary)
        m_rotary.emplace(config.rope, config.headDim, device);
    if (config.localRope)
        m_localRotary.emplace(*config.localRope, config.headDim, device);
    if (config.positionScheme == PositionScheme::Alibi)
        m_slopes = at::tensor(alibiSlopes(config.heads), at::kFloat).to(device);
}

PositionCodes PositionEncoder::at(std::int64_t firstPosition, std::int64_t count) const
{
    PositionCodes codes;
    if (m_rotary)
        codes.rotary = m_rotary->at(firstPosition, count);
    if (m_localRotary)
        codes.localRotary = m_localRotary->at(firstPosition, count);
    codes.slopes = m_slopes;
    return codes;
}

std::vector<float> alibiSlopes(std::int64_t heads)
{
    const auto regular = static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(heads)));
    std::vector<float> out;
    for (std::int64_t i = 0; i < heads; ++i) {
        const double exponent = i < regular
                                    ? 8.0 * static_cast<double>(i + 1) / static_cast<double>(regular)
                                    : 4.0 * static_cast<double>(2 * (i - regular) + 1) / static_cast<double>(regular);
        out.push_back(static_cast<float>(std::exp2(-exponent)));
    }
    return out;
}

} // namespace sa
