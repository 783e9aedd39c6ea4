// SPDX-License-Identifier: GPL-3.0-or-later
// How positions enter the attention: rotation of queries and keys, or a slope per head on the scores.
#pragma once

#include "core/model/config.h"

#include <ATen/core/Tensor.h>

namespace sa
{

/// Cosines and sines for the positions of one call, f32 [T, headDim/2].
struct Rotary {
    at::Tensor cos, sin;
    /// x: [heads, T, headDim], rotated in the half-split layout of Hugging Face checkpoints.
    at::Tensor apply(const at::Tensor& x) const;
};

/// Inverse frequencies as RopeConfig says, float32 as the reference framework computes them.
class RotaryEmbedding
{
public:
    RotaryEmbedding(const RopeConfig& rope, std::int64_t headDim, at::Device device);
    Rotary at(std::int64_t firstPosition, std::int64_t count) const;

private:
    at::Tensor inverseFrequencies(double theta) const; ///< f32 [headDim/2]

    RopeConfig m_rope;
    std::int64_t m_headDim;
    at::Device m_device;
    at::Tensor m_inverseFrequencies;
};

/// What the blocks need of one call's positions; only what the model uses is set.
struct PositionCodes {
    std::optional<Rotary> rotary, localRotary;
    at::Tensor slopes; ///< ALiBi: f32 [heads]

    const Rotary* rotaryFor(bool windowed) const
    {
        return windowed && localRotary ? &*localRotary : rotary ? &*rotary : nullptr;
    }
};

class PositionEncoder
{
public:
    PositionEncoder(const ModelConfig& config, at::Device device);
    PositionCodes at(std::int64_t firstPosition, std::int64_t count) const;

private:
    std::optional<RotaryEmbedding> m_rotary, m_localRotary;
    at::Tensor m_slopes;
};

/// The slopes of ALiBi (Press et al., 2022) for any number of heads: 2^(-8i/n) for the largest power of two n <= heads,
/// then every other one of 2n.
std::vector<float> alibiSlopes(std::int64_t heads);

} // namespace sa
