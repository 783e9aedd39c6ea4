// SPDX-License-Identifier: GPL-3.0-or-later
// One token through a block on the CPU: plain vectors and stages of one team, no tensor is made. The same formulas as
// DecoderBlock::forward, which says more about them.
#include "core/base/parallel.h"
#include "core/model/decoder_block.h"
#include "core/model/step_memory.h"
#include "sa/kernels/rows.h"

#include <ATen/ATen.h>
#include <cmath>
#include <numbers>
#include <span>

namespace sa
{

namespace
{

struct Product {
    const Linear* linear;
    LinearRole role;
    const float* x;
    float* y;
};

/// Linears that do not wait for each other, in one go over all their pieces.
void multiply(Team& team, const StepMemory& memory, std::span<const Product> products)
{
    const auto buffer = [&memory](const Product& p) { return memory.prepared[static_cast<std::size_t>(p.role)]; };
    bool prepares = false, finishes = false;
    std::int64_t pieces = 0;
    for (const Product& p : products) {
        const RowPieces& rows = *p.linear->rowPieces();
        prepares = prepares || rows.prepares();
        finishes = finishes || rows.finishes();
        pieces += rows.pieces();
    }
    if (prepares)
        team.forEach(static_cast<std::int64_t>(products.size()), [&](std::int64_t i) {
            const Product& p = products[static_cast<std::size_t>(i)];
            const RowPieces& rows = *p.linear->rowPieces();
            if (rows.prepares())
                rows.prepare(std::copy_n(p.x, rows.inputs(), buffer(p)) - rows.inputs());
        });
    team.forEach(pieces, [&](std::int64_t piece) {
        for (const Product& p : products) {
            const RowPieces& rows = *p.linear->rowPieces();
            if (piece < rows.pieces())
                return rows.product(piece, rows.prepares() ? buffer(p) : p.x, p.y);
            piece -= rows.pieces();
        }
    });
    if (finishes)
        team.forEach(static_cast<std::int64_t>(products.size()), [&](std::int64_t i) {
            const Product& p = products[static_cast<std::size_t>(i)];
            if (p.linear->rowPieces()->finishes())
                p.linear->rowPieces()->finish(p.y);
        });
}

float activated(Activation activation, float x)
{
    constexpr float kSlope = 0.7978845608F; // sqrt(2 / pi)
    switch (activation) {
    case Activation::Silu:
        return x / (1.0F + std::exp(-x));
    case Activation::Relu:
        return std::max(x, 0.0F);
    case Activation::Gelu:
        return 0.5F * x * (1.0F + std::erf(x * static_cast<float>(1.0 / std::numbers::sqrt2)));
    case Activation::GeluTanh:
        break;
    }
    // 0.5 x (1 + tanh u) = x / (1 + exp(-2 u))
    return x / (1.0F + std::exp(-2.0F * kSlope * (x + 0.044715F * x * x * x)));
}

void rotateHead(const Rotary& rotary, std::int64_t d, float* x)
{
    const float *cosines = rotary.cos.data_ptr<float>(), *sines = rotary.sin.data_ptr<float>();
    const std::int64_t half = d / 2;
    for (std::int64_t i = 0; i < half; ++i) {
        const float a = x[i], b = x[half + i];
        x[i] = a * cosines[i] - b * sines[i];
        x[half + i] = b * cosines[i] + a * sines[i];
    }
}

void softmax(float* x, std::int64_t count)
{
    const float highest = *std::max_element(x, x + count);
    float sum = 0.0F;
    for (std::int64_t i = 0; i < count; ++i)
        sum += x[i] = std::exp(x[i] - highest);
    for (std::int64_t i = 0; i < count; ++i)
        x[i] /= sum;
}

} // namespace

bool DecoderBlock::canStep() const
{
    return std::all_of(m_linears.begin(), m_linears.end(),
                       [](const auto& body) { return !body || body->rowPieces() != nullptr; });
}

/// The query of one head against the keys so far, and the values it picks.
void DecoderBlock::attendHead(std::int64_t head, float* query, const PositionCodes& positions, const KvCache& cache,
                              float* scores, float* mixed) const
{
    const std::int64_t d = m_shape.headDim, capacity = cache.keys.size(1), past = cache.length;
    const std::int64_t window = m_shape.attention.window;
    const std::int64_t first = window > 0 ? std::max<std::int64_t>(0, past + 1 - window) : 0;
    const std::int64_t visible = past + 1 - first;
    const std::int64_t offset = (head / (m_shape.heads / m_shape.kvHeads) * capacity + first) * d;
    m_norms.query.row(query, d, query);
    if (const Rotary* rotary = positions.rotaryFor(m_shape.windowed))
        rotateHead(*rotary, d, query);
    kernels::rowDots(cache.keys.data_ptr<float>() + offset, kernels::Element::F32, visible, d, query, scores);
    const auto scale = static_cast<float>(m_shape.attention.scale);
    for (std::int64_t i = 0; i < visible; ++i)
        scores[i] *= scale;
    if (m_shape.attention.softcap) {
        const auto cap = static_cast<float>(*m_shape.attention.softcap);
        for (std::int64_t i = 0; i < visible; ++i)
            scores[i] = std::tanh(scores[i] / cap) * cap;
    }
    if (positions.slopes.defined()) {
        const float slope = positions.slopes.data_ptr<float>()[head];
        for (std::int64_t i = 0; i < visible; ++i)
            scores[i] += slope * static_cast<float>(first + i);
    }
    softmax(scores, visible);
    kernels::weightedRowSum(cache.values.data_ptr<float>() + offset, visible, d, scores, mixed);
}

/// As `join`, for a state that is this thread's own.
void DecoderBlock::joinRow(const StepMemory::Own& own, const float* branch, std::int64_t width, const Norm& before,
                           const Norm& after) const
{
    const float* base = own.state;
    if (m_shape.placement == NormPlacement::Sandwich) {
        after.row(branch, width, own.spare);
        branch = own.spare;
    } else if (m_shape.placement == NormPlacement::Before && m_shape.residualFromNorm) {
        base = own.normed;
    }
    for (std::int64_t i = 0; i < width; ++i)
        own.state[i] = base[i] + branch[i];
    if (m_shape.placement == NormPlacement::After)
        before.row(own.state, width, own.state);
}

void DecoderBlock::step(Team& team, const StepMemory& memory, const StepMemory::Own& own, std::int64_t width,
                        const PositionCodes& positions, const KvCache& cache) const
{
    constexpr std::int64_t kChunk = 512;
    const std::int64_t d = m_shape.headDim, capacity = cache.keys.size(1);
    const bool fused = m_shape.fusedAttention, normFirst = m_shape.placement != NormPlacement::After;
    const auto product = [&](LinearRole role, const float* x, float* y) { return Product{&linear(role), role, x, y}; };

    if (normFirst)
        m_norms.attention.row(own.state, width, own.normed);
    const float* input = normFirst ? own.normed : own.state;
    if (fused)
        multiply(team, memory, std::array{product(LinearRole::QueryKeyValue, input, memory.query)});
    else
        multiply(team, memory,
                 std::array{product(LinearRole::Query, input, memory.query),
                            product(LinearRole::Key, input, memory.key),
                            product(LinearRole::Value, input, memory.value)});
    // Fused rows are (head, q|k|v, d).
    const std::int64_t stride = fused ? 3 * d : d;
    float* key = fused ? memory.query + d : memory.key;
    const float* value = fused ? memory.query + 2 * d : memory.value;
    team.forEach(m_shape.kvHeads, [&](std::int64_t head) {
        float* k = key + head * stride;
        m_norms.key.row(k, d, k);
        if (const Rotary* rotary = positions.rotaryFor(m_shape.windowed))
            rotateHead(*rotary, d, k);
        const std::int64_t place = (head * capacity + cache.length) * d;
        std::copy_n(k, d, cache.keys.data_ptr<float>() + place);
        std::copy_n(value + head * stride, d, cache.values.data_ptr<float>() + place);
    });
    team.forEach(m_shape.heads, [&](std::int64_t head) {
        attendHead(head, memory.query + head * stride, positions, cache, own.scores, memory.mixed + head * d);
    });
    multiply(team, memory, std::array{product(LinearRole::Output, memory.mixed, memory.branch)});
    joinRow(own, memory.branch, width, m_norms.attention, m_norms.attentionPost);

    if (normFirst)
        m_norms.mlp.row(own.state, width, own.normed);
    if (m_shape.gatedMlp)
        multiply(team, memory,
                 std::array{product(LinearRole::Gate, input, memory.inner), product(LinearRole::Up, input, memory.up)});
    else
        multiply(team, memory, std::array{product(LinearRole::Up, input, memory.inner)});
    const std::int64_t inner = linear(LinearRole::Down).rowPieces()->inputs();
    team.forEach((inner + kChunk - 1) / kChunk, [&](std::int64_t chunk) {
        for (std::int64_t i = chunk * kChunk; i < std::min(inner, (chunk + 1) * kChunk); ++i) {
            const float active = activated(m_shape.activation, memory.inner[i]);
            memory.inner[i] = m_shape.gatedMlp ? active * memory.up[i] : active;
        }
    });
    multiply(team, memory, std::array{product(LinearRole::Down, memory.inner, memory.branch)});
    joinRow(own, memory.branch, width, m_norms.mlp, m_norms.mlpPost);
}

} // namespace sa
