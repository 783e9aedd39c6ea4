// SPDX-License-Identifier: GPL-3.0-or-later
// The cut of a chain's work over multiprocessors, and the memory that its phases share: plain C++, tested without a
// device.
#include "sa/kernels/gpu_chain.h"

#include "kernels/cuda/chain_tables.h"
#include "sa/kernels/one_bit.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <vector>

namespace sa::kernels
{

namespace
{

using namespace gpu;

/// Of a product in its block: query, key and value; output; gate and up; down.
enum LinearPlace { Asked, Joined, Gated, Lowered };
/// Partial sums of their rows, as measured best.
constexpr int kChainParts[] = {6, 6, 6, 12};

/// Rows of one group, whole tiles.
struct Panel {
    int group, row, rows, tile, tiles;
};

std::vector<Panel> panelsOf(const GpuImage& image, double mostTiles)
{
    std::vector<Panel> out;
    int group = 0, row = 0, tile = 0;
    for (int part = 0; part < image.partCount; ++part) {
        const GpuRows& rows = image.parts[part];
        for (int begin = 0; begin < rows.N; begin += rows.R, ++group) {
            const int count = std::min(rows.R, rows.N - begin);
            const int tiles = (count + onebit::kTileRows - 1) / onebit::kTileRows;
            const int pieces = std::clamp(static_cast<int>(tiles / mostTiles + 0.5), 1, tiles);
            for (int i = 0; i < pieces; ++i) {
                const int first = tiles * i / pieces, last = tiles * (i + 1) / pieces;
                const int panelRow = first * onebit::kTileRows;
                out.push_back({group, row + begin + panelRow, std::min(count, last * onebit::kTileRows) - panelRow,
                               tile + first, last - first});
            }
            tile += tiles;
        }
        row += rows.N;
    }
    return out;
}

struct Cut {
    std::vector<ChainWork> works;
    int parts = 0;                         ///< partial sums of a row
    std::vector<std::pair<int, int>> last; ///< multiprocessor and segment with the last of them, of each panel

    /// Whoever has the last sum of a row also writes those that are nobody's.
    void widen(int to)
    {
        for (const auto& [multiprocessor, segment] : last) {
            std::uint16_t& zeros = works[static_cast<std::size_t>(multiprocessor)].segment[segment].zeroSlots;
            zeros = static_cast<std::uint16_t>(zeros + to - parts);
        }
        parts = to;
    }
};

/// Asking for a piece of the stream takes half a microsecond, in which 12 KB come: pieces are to be larger.
int tilesPerPieceLog2(int chunks)
{
    int log2 = 0;
    while (log2 < kChainMostTilesLog2 && (chunks << (log2 + 1)) <= kChainPieceChunks)
        ++log2;
    return log2;
}

/// Adds chunk `chunk` of a panel to a work; false where it has no room.
bool add(ChainWork& work, const GpuImage& image, const Panel& panel, int panelIndex, int& lastPanel, int chunk)
{
    const int column = chunk / image.q, plane = chunk % image.q;
    const bool same = work.segments > 0 && lastPanel == panelIndex;
    if (work.chunks == kChainChunks || (!same && work.segments == kChainSegments))
        return false;
    if (!same) {
        ChainSegment& segment = work.segment[work.segments++];
        segment = {};
        segment.firstUnit = static_cast<std::uint32_t>(panel.tile) * static_cast<std::uint32_t>(image.chunks) +
                            static_cast<std::uint32_t>(chunk);
        segment.tiles = static_cast<std::uint16_t>(panel.tiles);
        segment.localChunk = work.chunks;
        segment.row = panel.row;
        segment.rows = panel.rows;
        lastPanel = panelIndex;
    }
    if (!same || work.column[work.columns - 1] != column) {
        if (work.columns == kChainColumnBlocks)
            return false;
        work.column[work.columns] = static_cast<std::uint16_t>(column);
        work.owned[work.columns++] = 0;
    }
    if (panelIndex == 0 && plane == 0)
        work.owned[work.columns - 1] = 1;
    const int perColumn = kChainColumns / image.C;
    work.chunk[work.chunks++] = {(panel.group * image.q + plane) * image.scaleColumns + column * perColumn,
                                 static_cast<std::uint16_t>(work.columns - 1),
                                 static_cast<std::uint16_t>(work.segments - 1)};
    ++work.segment[work.segments - 1].chunks;
    return true;
}

/// Contiguous ranges of the chunks of all panels, of about equal bytes.
bool cutPanels(const GpuImage& image, const std::vector<Panel>& panels, int multiprocessors, int operandTiles, Cut& out)
{
    out.works.assign(static_cast<std::size_t>(multiprocessors), ChainWork{});
    double all = 0, before = 0;
    for (const Panel& panel : panels)
        all += static_cast<double>(panel.tiles + operandTiles) * image.chunks;
    std::vector<int> segments(panels.size());
    out.last.resize(panels.size());
    int lastPanel = -1, lastSm = -1;
    for (int p = 0; p < static_cast<int>(panels.size()); ++p) {
        const Panel& panel = panels[static_cast<std::size_t>(p)];
        for (int chunk = 0; chunk < image.chunks; ++chunk) {
            const double middle = before + 0.5 * (panel.tiles + operandTiles);
            before += panel.tiles + operandTiles;
            const int sm = std::min(multiprocessors - 1, static_cast<int>(middle * multiprocessors / all));
            if (sm != lastSm)
                lastPanel = -1;
            lastSm = sm;
            ChainWork& work = out.works[static_cast<std::size_t>(sm)];
            const int had = work.segments;
            if (!add(work, image, panel, p, lastPanel, chunk))
                return false;
            if (work.segments != had) {
                work.segment[had].slot = static_cast<std::uint16_t>(segments[static_cast<std::size_t>(p)]++);
                out.last[static_cast<std::size_t>(p)] = {sm, had};
            }
        }
    }
    out.parts = *std::max_element(segments.begin(), segments.end());
    for (std::size_t p = 0; p < panels.size(); ++p)
        out.works[static_cast<std::size_t>(out.last[p].first)].segment[out.last[p].second].zeroSlots =
            static_cast<std::uint16_t>(out.parts - segments[p]);
    for (ChainWork& work : out.works)
        for (int s = 0; s < work.segments; ++s) {
            ChainSegment& segment = work.segment[s];
            segment.tilesLog2 = static_cast<std::uint16_t>(tilesPerPieceLog2(segment.chunks));
            work.pieces = static_cast<std::uint16_t>(work.pieces + ((segment.tiles - 1) >> segment.tilesLog2) + 1);
        }
    return true;
}

bool suits(const GpuImage& image, const GpuInfo& device)
{
    return image.path == GpuPath::OneBit && image.K % kChainColumns == 0 && (image.C == 8 || image.C == 1) &&
           image.partCount <= kGpuMostParts && device.architecture == 90 && device.sharedBytes >= 227 * 1024;
}

/// About `parts` partial sums of a row, more where an operand would be too large. Where small groups make operands of
/// many chunks, those count for more beside the planes.
bool cut(const GpuImage& image, const GpuInfo& device, int parts, Cut& out)
{
    const double share = static_cast<double>(image.tiles) * image.chunks / device.multiprocessors;
    // A range seldom begins with a panel: one sum more.
    const double most = std::max(1.0, image.chunks / std::max(0.5, parts - 1.0));
    for (int operandTiles = kChainOperandTiles; operandTiles <= 8 * kChainOperandTiles; operandTiles *= 2)
        for (double span = most; span >= 1; span *= 0.8) {
            const double tiles = std::max(2.0, share / std::min<double>(span, image.chunks));
            if (cutPanels(image, panelsOf(image, tiles), device.multiprocessors, operandTiles, out))
                return true;
        }
    return false;
}

/// A product's cut is that of all products of its shape and place.
using ShapeKey = std::array<int, 5 + 2 * kGpuMostParts>;
ShapeKey keyOf(const GpuImage& image, LinearPlace place)
{
    ShapeKey key{place, image.K, image.q, image.C, image.partCount};
    for (int i = 0; i < kGpuMostParts; ++i) {
        key[static_cast<std::size_t>(5 + 2 * i)] = image.parts[i].N;
        key[static_cast<std::size_t>(6 + 2 * i)] = image.parts[i].R;
    }
    return key;
}

/// Phases with offsets in the chain's memory where pointers will be.
class Builder
{
public:
    Builder(const GpuInfo& device, const ChainTuning& tuning)
        : m_device(device)
        , m_tuning(tuning)
    {
    }

    bool build(const ChainModel& model)
    {
        const ChainBlock* blocks = model.blocks;
        const int count = model.count;
        if (blocks == nullptr || count < 1 || model.x == nullptr || model.y == nullptr || model.state == nullptr)
            return false;
        const ChainBlock& first = blocks[0];
        for (const ChainProduct* p : {&first.attention, &first.down})
            if (p->image == nullptr)
                return false;
        const int hidden = first.attention.image->K, inner = first.down.image->K;
        const int width = first.mixing.heads * first.mixing.headDim;
        m_hidden = hidden;
        m_headDim = first.mixing.headDim;
        m_state = model.state;
        if (first.mixing.heads < 1)
            return false;
        const int parts = std::clamp(m_device.multiprocessors / first.mixing.heads, 1, kChainHeadParts);
        for (int i = 0; i < count; ++i)
            if (!fits(blocks[i], hidden, inner, width, first.mixing))
                return false;
        for (int i = 0; i < count; ++i)
            for (int place = Asked; place <= Lowered; ++place)
                shapeOf(*productsOf(blocks[i])[static_cast<std::size_t>(place)]->image,
                        static_cast<LinearPlace>(place));
        if (m_failed)
            return false;
        const auto columns = static_cast<std::size_t>(hidden / kChainColumns);
        const std::size_t epoch = take(256);
        m_epoch = epoch;
        std::size_t outs[4];
        for (int place = Asked; place <= Lowered; ++place) {
            const GpuImage& image = *productsOf(first)[static_cast<std::size_t>(place)]->image;
            outs[place] = take(static_cast<std::size_t>(settleParts(place)) *
                               static_cast<std::size_t>(strideOf(image)) * sizeof(float));
        }
        const std::size_t mixed = take(static_cast<std::size_t>(parts) * static_cast<std::size_t>(width) * 4);
        const std::size_t shares =
            take(static_cast<std::size_t>(first.mixing.heads) * static_cast<std::size_t>(parts) * 16);
        const std::size_t states[] = {take(static_cast<std::size_t>(hidden) * 8),
                                      take(static_cast<std::size_t>(hidden) * 8)};
        const std::size_t squares[] = {take(columns * 8), take(columns * 8)};
        int downParts = 0, downStride = 0;
        for (int i = 0; i < count; ++i) {
            const ChainBlock& b = blocks[i];
            ChainPhase& q = product(b.attention, Asked, ChainInput::State, i, outs[0]);
            q.epsilon = b.attentionEpsilon;
            q.in = memory<float>(outs[3]);
            q.inParts = i == 0 ? 0 : downParts;
            q.inStride = downStride;
            q.inLag = 1;
            q.plain = i == 0 ? model.x : nullptr;
            q.residual = memory<unsigned long long>(states[1]);
            q.kept = memory<unsigned long long>(states[0]);
            q.squares = memory<unsigned long long>(squares[0]);
            const ChainPhase asked = q;
            ChainPhase& a = phase(ChainKind::Attention, i);
            a.in = asked.out;
            a.inParts = asked.outParts;
            a.inStride = asked.outStride;
            a.epsilon = b.attentionEpsilon;
            a.squares = asked.squares;
            a.out = memory<float>(mixed);
            a.outParts = parts;
            a.outStride = width;
            a.mixing = b.mixing;
            a.sharesOut = memory<unsigned long long>(shares);
            ChainPhase& o = product(b.output, Joined, ChainInput::Heads, i, outs[1]);
            o.in = memory<float>(mixed);
            o.inParts = parts;
            o.inStride = width;
            o.headDim = b.mixing.headDim;
            o.shares = memory<unsigned long long>(shares);
            const ChainPhase joined = o;
            ChainPhase& g = product(b.mlp, Gated, ChainInput::State, i, outs[2]);
            g.epsilon = b.mlpEpsilon;
            g.in = joined.out;
            g.inParts = joined.outParts;
            g.inStride = joined.outStride;
            g.residual = memory<unsigned long long>(states[0]);
            g.kept = memory<unsigned long long>(states[1]);
            g.squares = memory<unsigned long long>(squares[1]);
            const ChainPhase gated = g;
            ChainPhase& d = product(b.down, Lowered, ChainInput::Activated, i, outs[3]);
            d.in = gated.out;
            d.inParts = gated.outParts;
            d.inStride = gated.outStride;
            d.factorOffset = inner;
            d.squares = gated.squares;
            d.epsilon = b.mlpEpsilon;
            d.activation = b.activation;
            downParts = d.outParts;
            downStride = d.outStride;
        }
        ChainPhase& last = phase(ChainKind::Last, count - 1);
        last.in = memory<float>(outs[3]);
        last.inParts = downParts;
        last.inStride = downStride;
        last.residual = memory<unsigned long long>(states[1]);
        last.y = model.y;
        m_layers = count;
        return !m_failed;
    }

    GpuChain chain()
    {
        GpuChain out;
        out.phases = static_cast<int>(m_phases.size());
        out.blocks = m_device.multiprocessors;
        out.layers = m_layers;
        out.flightChunks = m_tuning.flightChunks > 0 ? m_tuning.flightChunks : kChainFlightChunks;
        // What the largest work needs; the rest is the ring's.
        int chunks = 4, columns = 1, perColumn = 0;
        for (const auto& [key, shape] : m_shapes) {
            perColumn = std::max(perColumn, kChainColumns / key[3]);
            for (const ChainWork& work : shape.cut.works) {
                chunks = std::max<int>(chunks, work.chunks);
                columns = std::max<int>(columns, work.columns);
            }
        }
        const int operandBytes = chunks * kChainOperandBytes; // attention: three heads' vectors
        const int inputBytes = std::max(columns * kChainColumns, kChainWarps * m_headDim) * 4;
        const int scaleBytes = chunks * perColumn * static_cast<int>(sizeof(PackedScale));
        const auto whole = [](int bytes) { return (bytes + 127) / 128 * 128; };
        out.ringChunks =
            (kChainSharedBytes - whole(operandBytes) - whole(inputBytes) - whole(scaleBytes)) / kChunkBytes;
        out.operand = out.ringChunks * kChunkBytes;
        out.input = out.operand + whole(operandBytes);
        out.scales = out.input + whole(inputBytes);
        out.headDim = m_headDim;
        out.state = m_state;
        std::size_t tables = aligned(m_phases.size() * sizeof(ChainPhase));
        out.products = static_cast<int>(m_sources.size());
        out.sources = tables;
        tables += aligned(m_sources.size() * sizeof(ChainSource));
        for (auto& [key, shape] : m_shapes) {
            shape.place = tables;
            tables += aligned(shape.cut.works.size() * sizeof(ChainWork));
        }
        out.written = tables;
        out.epoch = tables + m_epoch;
        out.bytes = tables + m_at;
        return out;
    }
    /// host: the tables, with addresses of memory that begins at `device`.
    void write(const GpuChain& chain, const void* device, void* host) const
    {
        const auto base = reinterpret_cast<std::uintptr_t>(device);
        const auto settle = [&](auto*& pointer) {
            if (pointer != nullptr)
                pointer = reinterpret_cast<std::remove_reference_t<decltype(pointer)>>(
                    base + chain.written + reinterpret_cast<std::uintptr_t>(pointer) - kBias);
        };
        std::size_t product = 0;
        for (std::size_t i = 0; i < m_phases.size(); ++i) {
            ChainPhase phase = m_phases[i];
            settle(phase.in);
            settle(phase.out);
            settle(phase.residual);
            settle(phase.kept);
            settle(phase.squares);
            settle(phase.shares);
            settle(phase.sharesOut);
            if (m_works[i] != nullptr) {
                phase.work = reinterpret_cast<const ChainWork*>(base + m_works[i]->place);
                ChainSource source = m_sources[product];
                source.work = phase.work;
                std::memcpy(static_cast<char*>(host) + chain.sources + product++ * sizeof source, &source,
                            sizeof source);
            }
            std::memcpy(static_cast<char*>(host) + i * sizeof phase, &phase, sizeof phase);
        }
        for (const auto& [key, shape] : m_shapes)
            std::memcpy(static_cast<char*>(host) + shape.place, shape.cut.works.data(),
                        shape.cut.works.size() * sizeof(ChainWork));
    }

private:
    /// Places in memory that has no address yet are kept as pointers, with this added so that none is null.
    static constexpr std::uintptr_t kBias = 256;
    struct Shape {
        Cut cut;
        std::size_t place = 0;
    };

    template<class T> static T* memory(std::size_t offset) { return reinterpret_cast<T*>(offset + kBias); }
    std::size_t take(std::size_t bytes)
    {
        const std::size_t begin = m_at;
        m_at += aligned(bytes);
        return begin;
    }
    bool fits(const ChainBlock& b, int hidden, int inner, int width, const StepAttention& like) const
    {
        const StepAttention& m = b.mixing;
        for (const ChainProduct* p : productsOf(b))
            if (p->image == nullptr || p->deviceImage == nullptr || !suits(*p->image, m_device))
                return false;
        return b.attention.image->K == hidden && b.mlp.image->K == hidden && b.output.image->N == hidden &&
               b.down.image->N == hidden && b.down.image->K == inner && b.mlp.image->N == 2 * inner &&
               b.output.image->K == width && m.heads == like.heads && m.headDim == like.headDim &&
               m.kvHeads == like.kvHeads && m.headDim >= 32 && kChainColumns % m.headDim == 0 && m.kvHeads > 0 &&
               m.heads % m.kvHeads == 0 && m.slopes == nullptr && m.softcap == 0 && m.queryNorm == nullptr &&
               m.keyNorm == nullptr && b.attention.image->N == (m.heads + 2 * m.kvHeads) * m.headDim;
    }
    static std::array<const ChainProduct*, 4> productsOf(const ChainBlock& b)
    {
        return {&b.attention, &b.output, &b.mlp, &b.down};
    }
    Shape* shapeOf(const GpuImage& image, LinearPlace place)
    {
        const auto [it, added] = m_shapes.try_emplace(keyOf(image, place));
        const int parts = m_tuning.parts[place] > 0 ? m_tuning.parts[place] : kChainParts[place];
        if (added && !cut(image, m_device, parts, it->second.cut))
            m_failed = true;
        return &it->second;
    }
    /// Blocks take turns with the buffer of a place. A mark says of which of two turns a sum is, so each has to write
    /// all that any of them reads: as many sums in all blocks, whatever their widths.
    int settleParts(int place)
    {
        int parts = 0;
        for (const auto& [key, shape] : m_shapes)
            parts = key[0] == place ? std::max(parts, shape.cut.parts) : parts;
        for (auto& [key, shape] : m_shapes)
            if (key[0] == place)
                shape.cut.widen(parts);
        return parts;
    }
    static int strideOf(const GpuImage& image) { return (image.N + 3) / 4 * 4; }
    ChainPhase& phase(ChainKind kind, int layer)
    {
        m_works.push_back(nullptr);
        m_phases.push_back({});
        ChainPhase& out = m_phases.back();
        out.kind = kind;
        out.layer = layer;
        out.hidden = m_hidden;
        out.columnBlocks = (m_hidden + kChainColumns - 1) / kChainColumns;
        return out;
    }
    ChainPhase& product(const ChainProduct& product, LinearPlace place, ChainInput input, int layer,
                        std::size_t outPlace)
    {
        const GpuImage& image = *product.image;
        ChainPhase& out = phase(ChainKind::Product, layer);
        m_works.back() = shapeOf(image, place);
        out.input = input;
        const auto* bytes = static_cast<const char*>(product.deviceImage);
        m_sources.push_back({bytes + image.planes, nullptr, image.chunks, 0});
        out.scales = reinterpret_cast<const PackedScale*>(bytes + image.scales);
        out.weight = product.weight;
        out.out = memory<float>(outPlace);
        out.perScale = image.C;
        out.outStride = strideOf(image);
        out.outParts = m_works.back()->cut.parts;
        return out;
    }

    GpuInfo m_device;
    ChainTuning m_tuning;
    int m_hidden = 0, m_headDim = 0, m_layers = 0;
    const std::int32_t* m_state = nullptr;
    std::size_t m_at = 0, m_epoch = 0;
    std::vector<ChainPhase> m_phases;
    std::vector<const Shape*> m_works;  ///< of each phase, null where it is no product
    std::vector<ChainSource> m_sources; ///< of each product
    std::map<ShapeKey, Shape> m_shapes;
    bool m_failed = false;
};

} // namespace

Status gpuChain(const ChainModel& model, const GpuInfo& device, const ChainTuning& tuning, GpuChain& out)
{
    Builder builder(device, tuning);
    if (!builder.build(model))
        return Status::Unsupported;
    out = builder.chain();
    return Status::Ok;
}

Status gpuChainWrite(const ChainModel& model, const GpuInfo& device, const ChainTuning& tuning, const void* memory,
                     void* host)
{
    if (memory == nullptr || host == nullptr)
        return Status::BadPointer;
    Builder builder(device, tuning);
    if (!builder.build(model))
        return Status::Unsupported;
    builder.write(builder.chain(), memory, host);
    return Status::Ok;
}

} // namespace sa::kernels
