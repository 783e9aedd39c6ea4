// SPDX-License-Identifier: GPL-3.0-or-later
// The cut of a chain's products over multiprocessors: every chunk of every tile once, every partial sum written.
#include "kernels/cuda/chain_tables.h"
#include "sa/kernels/one_bit.h"

#include <QtTest>

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <set>

using namespace sa::kernels;
using namespace sa::kernels::gpu;

namespace
{

GpuInfo hopper(int multiprocessors = 132)
{
    GpuInfo info;
    info.architecture = 90;
    info.multiprocessors = multiprocessors;
    info.sharedBytes = 232448;
    return info;
}

/// An image as gpuImage would describe it; nothing reads its planes here.
GpuImage imageOf(const std::vector<int>& rows, int K, int q, int C)
{
    GpuImage image;
    image.path = GpuPath::OneBit;
    image.K = K;
    image.q = q;
    image.C = C;
    image.partCount = static_cast<int>(rows.size());
    image.scaleColumns = K / C;
    image.chunks = q * K / kChainColumns;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const int N = rows[i], R = C == 1 ? N : (N + 7) / 8;
        image.parts[i] = {N, R};
        image.N += N;
        for (int begin = 0; begin < N; begin += R)
            image.tiles += (std::min(R, N - begin) + onebit::kTileRows - 1) / onebit::kTileRows;
    }
    return image;
}

struct Shape {
    int hidden = 0, inner = 0, heads = 0, kvHeads = 0, headDim = 0, q = 0, C = 0, multiprocessors = 132;
};

/// A model without weights, a block for each width; none: two of the shape's.
class Model
{
public:
    explicit Model(const Shape& s, std::vector<int> widths = {})
    {
        if (widths.empty())
            widths = {s.q, s.q};
        for (const int q : widths) {
            const int asked = s.heads * s.headDim, keys = s.kvHeads * s.headDim;
            auto& images = m_images.emplace_back(
                std::array{imageOf({asked, keys, keys}, s.hidden, q, s.C), imageOf({s.hidden}, asked, q, s.C),
                           imageOf({s.inner, s.inner}, s.hidden, q, s.C), imageOf({s.hidden}, s.inner, q, s.C)});
            ChainBlock block;
            ChainProduct* const products[] = {&block.attention, &block.output, &block.mlp, &block.down};
            for (std::size_t i = 0; i < images.size(); ++i) {
                products[i]->image = &images[i];
                products[i]->deviceImage = reinterpret_cast<const void*>(std::uintptr_t(1) << 30);
            }
            block.mixing.heads = s.heads;
            block.mixing.kvHeads = s.kvHeads;
            block.mixing.headDim = s.headDim;
            m_blocks.push_back(block);
        }
        model.blocks = m_blocks.data();
        model.count = static_cast<int>(m_blocks.size());
        model.x = model.y = reinterpret_cast<float*>(std::uintptr_t(1) << 20);
        model.state = reinterpret_cast<const std::int32_t*>(std::uintptr_t(1) << 21);
    }
    /// Of the products in order, four a block.
    const GpuImage& image(int product) const
    {
        return m_images[static_cast<std::size_t>(product / 4)][static_cast<std::size_t>(product % 4)];
    }
    ChainBlock& block(int i) { return m_blocks[static_cast<std::size_t>(i)]; }

    ChainModel model;

private:
    std::deque<std::array<GpuImage, 4>> m_images;
    std::vector<ChainBlock> m_blocks;
};

/// Empty, or what is wrong with the works of one product.
QString wrong(const GpuImage& image, const ChainWork* works, int multiprocessors, int parts)
{
    std::vector<int> units(static_cast<std::size_t>(image.tiles) * static_cast<std::size_t>(image.chunks));
    std::vector<std::set<int>> sums(static_cast<std::size_t>(image.N));
    std::vector<int> owners(static_cast<std::size_t>(image.K / kChainColumns));
    for (int m = 0; m < multiprocessors; ++m) {
        const ChainWork& work = works[m];
        int chunk = 0, pieces = 0;
        for (int i = 0; i < work.columns; ++i)
            owners[work.column[i]] += work.owned[i];
        for (int s = 0; s < work.segments; ++s) {
            const ChainSegment& segment = work.segment[s];
            const int tile = static_cast<int>(segment.firstUnit) / image.chunks;
            const int first = static_cast<int>(segment.firstUnit) % image.chunks;
            if (segment.localChunk != chunk)
                return "operands overlap";
            for (int c = 0; c < segment.chunks; ++c, ++chunk) {
                const ChainChunk& own = work.chunk[chunk];
                if (own.segment != s || work.column[own.column] != (first + c) / image.q)
                    return "a chunk is of another segment or column";
                for (int t = 0; t < segment.tiles; ++t)
                    ++units[static_cast<std::size_t>((tile + t) * image.chunks + first + c)];
            }
            for (int row = 0; row < segment.rows; ++row)
                for (int slot = 0; slot <= segment.zeroSlots; ++slot)
                    if (!sums[static_cast<std::size_t>(segment.row + row)].insert(segment.slot + slot).second)
                        return QString("row %1 has slot %2 twice").arg(segment.row + row).arg(segment.slot + slot);
            pieces += ((segment.tiles - 1) >> segment.tilesLog2) + 1;
        }
        if (chunk != work.chunks || pieces != work.pieces)
            return "counts differ";
    }
    if (std::any_of(units.begin(), units.end(), [](int count) { return count != 1; }))
        return "a chunk of a tile is multiplied not once";
    if (std::any_of(sums.begin(), sums.end(),
                    [&](const std::set<int>& of) { return static_cast<int>(of.size()) != parts || *of.begin() != 0; }))
        return "a partial sum is not written";
    if (std::any_of(owners.begin(), owners.end(), [](int count) { return count != 1; }))
        return "a column block has not one owner";
    return {};
}

} // namespace

Q_DECLARE_METATYPE(Shape)

class TestChainPlan : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void everythingIsDoneOnce_data()
    {
        QTest::addColumn<Shape>("shape");
        const Shape shapes[] = {
            {4096, 11008, 32, 32, 128, 3, 8}, {8192, 28672, 64, 8, 128, 3, 8},     {8192, 28672, 64, 8, 128, 4, 8},
            {4096, 14336, 32, 8, 128, 2, 8},  {2048, 8192, 32, 8, 64, 3, 8},       {256, 256, 8, 8, 32, 3, 8},
            {2048, 2048, 32, 1, 64, 4, 8},    {2048, 5632, 8, 1, 256, 1, 8},       {4096, 11008, 32, 32, 128, 3, 1},
            {512, 1024, 8, 4, 64, 4, 1},      {4096, 14336, 32, 8, 128, 3, 8, 114}};
        for (const Shape& s : shapes)
            QTest::addRow("%d %d %d/%d q %d C %d on %d", s.hidden, s.inner, s.heads, s.kvHeads, s.q, s.C,
                          s.multiprocessors)
                << s;
    }
    void everythingIsDoneOnce()
    {
        QFETCH(Shape, shape);
        const Model m(shape);
        const GpuInfo device = hopper(shape.multiprocessors);
        GpuChain chain;
        QCOMPARE(gpuChain(m.model, device, {}, chain), Status::Ok);
        QCOMPARE(chain.phases, 2 * 5 + 1);
        QCOMPARE(chain.products, 2 * 4);
        QVERIFY(chain.ringChunks * kChunkBytes == chain.operand && chain.operand < chain.input &&
                chain.input < chain.scales && chain.scales < kChainSharedBytes);
        verifyProducts(m, device, chain);
    }

    /// Blocks take turns with their buffers, whose marks are right only where each writes all that is read.
    void widthsMayDiffer()
    {
        const Model m({4096, 11008, 32, 32, 128, 3, 8}, {1, 4, 2, 3, 3, 2});
        GpuChain chain;
        QCOMPARE(gpuChain(m.model, hopper(), {}, chain), Status::Ok);
        const auto parts = verifyProducts(m, hopper(), chain);
        for (std::size_t i = 4; i < parts.size(); ++i)
            QCOMPARE(parts[i], parts[i - 4]);
    }

    void othersAreRefused()
    {
        const Shape llama{4096, 11008, 32, 32, 128, 3, 8};
        const auto statusOf = [&](const Model& m, const GpuInfo& device) {
            GpuChain chain;
            return gpuChain(m.model, device, {}, chain);
        };
        QCOMPARE(statusOf(Model(llama), hopper()), Status::Ok);
        GpuInfo ampere = hopper();
        ampere.architecture = 80;
        QCOMPARE(statusOf(Model(llama), ampere), Status::Unsupported);
        QCOMPARE(statusOf(Model({256, 688, 8, 8, 32, 3, 8}), hopper()), Status::Unsupported); // 688 = 2.7 x 256
        QCOMPARE(statusOf(Model({4096, 11008, 32, 32, 128, 3, 64}), hopper()), Status::Unsupported);
        Model capped(llama);
        capped.block(1).mixing.softcap = 30;
        QCOMPARE(statusOf(capped, hopper()), Status::Unsupported);
        Model incomplete(llama);
        incomplete.block(1).down.deviceImage = nullptr;
        QCOMPARE(statusOf(incomplete, hopper()), Status::Unsupported);
        Model nothing(llama);
        nothing.model.count = 0;
        QCOMPARE(statusOf(nothing, hopper()), Status::Unsupported);
    }

private:
    /// -> partial sums of the rows of each product.
    static std::vector<int> verifyProducts(const Model& m, const GpuInfo& device, const GpuChain& chain)
    {
        constexpr std::uintptr_t kMemory = 1 << 12;
        std::vector<char> host(chain.written);
        const Status status = gpuChainWrite(m.model, device, {}, reinterpret_cast<const void*>(kMemory), host.data());
        const auto read = [&host](auto& out, std::size_t offset) {
            std::memcpy(&out, host.data() + offset, sizeof out);
        };
        std::vector<int> parts;
        const auto verify = [&] {
            QCOMPARE(status, Status::Ok);
            for (int i = 0; i < chain.phases; ++i) {
                ChainPhase phase;
                read(phase, static_cast<std::size_t>(i) * sizeof phase);
                if (phase.kind != ChainKind::Product)
                    continue;
                ChainSource source;
                read(source, chain.sources + parts.size() * sizeof source);
                QCOMPARE(source.work, phase.work);
                std::vector<ChainWork> works(static_cast<std::size_t>(device.multiprocessors));
                std::memcpy(works.data(), host.data() + (reinterpret_cast<std::uintptr_t>(phase.work) - kMemory),
                            works.size() * sizeof(ChainWork));
                const GpuImage& image = m.image(static_cast<int>(parts.size()));
                QCOMPARE(source.chunks, image.chunks);
                QCOMPARE(wrong(image, works.data(), device.multiprocessors, phase.outParts), QString());
                parts.push_back(phase.outParts);
            }
            QCOMPARE(static_cast<int>(parts.size()), chain.products);
        };
        verify();
        return parts;
    }
};

QTEST_APPLESS_MAIN(TestChainPlan)
#include "tst_chain_plan.moc"
