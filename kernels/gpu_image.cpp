// SPDX-License-Identifier: GPL-3.0-or-later
// Images of weight matrices for a device: plain C++, so that they are made and tested without one.
#include "kernels/cuda/tables.h"
#include "sa/kernels/gpu.h"
#include "sa/kernels/one_bit.h"

#include <algorithm>

namespace sa::kernels
{

namespace
{

using namespace gpu;

/// The accumulators count chunks in 10 bits.
constexpr int kMaxChunks = 1023;
/// Rows of a group from which its operand is small beside its planes, 24 bits a virtual column against a bit a row; few
/// groups are cheap in any case.
constexpr int kRowsPerGroup = 128, kFewGroups = 32;
/// Longer cuts would make a block wait for its operand; shorter ones join more sums.
constexpr int kMostSliceChunks = 56;
/// Kept free in shared memory for what describes the work.
constexpr std::size_t kReservedBytes = 4096;

Status checkParts(const SignPlanes* parts, int count)
{
    if (parts == nullptr || count < 1)
        return Status::BadPointer;
    for (int i = 0; i < count; ++i) {
        if (const Status status = check(parts[i]); status != Status::Ok)
            return status;
        if (parts[i].K != parts[0].K || parts[i].q != parts[0].q || parts[i].C != parts[0].C)
            return Status::BadShape;
    }
    return Status::Ok;
}

/// Calls visit(part, group of the part, first row over all parts, rows).
template<class Visit> void forEachGroup(const SignPlanes* parts, int count, Visit visit)
{
    int row = 0;
    for (int i = 0; i < count; ++i) {
        const auto groups = static_cast<int>(parts[i].rowGroups());
        for (int g = 0; g < groups; ++g)
            visit(parts[i], g, row + g * parts[i].R, std::min(parts[i].R, parts[i].N - g * parts[i].R));
        row += parts[i].N;
    }
}

bool suitsOneBit(const GpuInfo& device, const GpuImage& image)
{
    return device.architecture >= 80 && device.architecture <= 90 && image.chunks <= kMaxChunks &&
           (image.groups <= kFewGroups || image.N >= kRowsPerGroup * image.groups);
}

int slicesFor(int chunks, int most)
{
    return (chunks + most - 1) / most;
}

/// Segments and blocks, from the cuts of K.
void cutUnits(const SignPlanes* parts, int count, const GpuInfo& device, const GpuImage& image, GpuPlan& out)
{
    out.segmentCount = 0;
    forEachGroup(parts, count, [&](const SignPlanes&, int, int, int) { out.segmentCount += out.slices; });
    const int units = image.tiles * image.chunks;
    // A warp that has less than a chunk or two only adds to the sums that must be joined.
    out.blocks = std::clamp((units + 2 * kWarps - 1) / (2 * kWarps), 1, device.multiprocessors);
}

/// Cuts of K: a block keeps the operands of two cuts, so that it seldom waits for a second load.
void plan(const SignPlanes* parts, int count, const GpuInfo& device, const GpuTuning& tuning, int tokens,
          const GpuImage& image, GpuPlan& out)
{
    // Hopper and the A100 have 160 KB and more, the small cards 100.
    out.stages = tuning.stages > 0 ? tuning.stages : device.sharedBytes >= 160000 ? kStages : kFewStages;
    const std::size_t room = device.sharedBytes - static_cast<std::size_t>(ringBytes(out.stages)) - kReservedBytes;
    const auto window = static_cast<int>(room / (static_cast<std::size_t>(kOperandBytes) * tokens));
    const int most =
        tuning.sliceChunks > 0 ? std::min(tuning.sliceChunks, window) : std::clamp(window / 2, 1, kMostSliceChunks);
    out.slices = slicesFor(image.chunks, most);
    const int longest = (image.chunks + out.slices - 1) / out.slices;
    out.windowChunks = std::max(longest, std::min(window, kWindowSegments * longest));
    // Two segments are what a block of a large matrix touches at most; more room would only cost occupancy.
    if (image.tiles * out.slices > 4 * device.multiprocessors)
        out.windowChunks = std::min(out.windowChunks, 2 * longest);
    cutUnits(parts, count, device, image, out);
}

/// The cut for the product of a decode step.
void planStep(const SignPlanes* parts, int count, const GpuInfo& device, const GpuTuning& tuning, const GpuImage& image,
              GpuPlan& out)
{
    out.stages = device.sharedBytes >= 160000 ? kStepStages : kFewStages;
    const int most =
        tuning.stepSliceChunks > 0 ? std::min(tuning.stepSliceChunks, kStepWindowChunks) : kStepSliceChunks;
    out.slices = slicesFor(image.chunks, most);
    out.windowChunks = kStepWindowChunks;
    cutUnits(parts, count, device, image, out);
}

} // namespace

Status gpuImage(const SignPlanes* parts, int count, const GpuInfo& device, GpuPath path, const GpuTuning& tuning,
                GpuImage& out) noexcept
{
    if (const Status status = checkParts(parts, count); status != Status::Ok)
        return status;
    GpuImage image;
    image.K = parts[0].K;
    image.q = parts[0].q;
    image.C = parts[0].C;
    image.columnGroups = static_cast<int>(parts[0].columnGroups());
    image.chunks = oneBitChunks(parts[0]);
    std::int64_t rows = 0, tiles = 0;
    for (int i = 0; i < count; ++i) {
        rows += parts[i].N;
        tiles += oneBitTiles(parts[i]);
        image.groups += static_cast<int>(parts[i].rowGroups());
        if (i < kGpuMostParts)
            image.parts[i] = {parts[i].N, parts[i].R};
    }
    image.partCount = count;
    if (rows > 1 << 24 || tiles * image.chunks > 1 << 30)
        return Status::Unsupported;
    image.N = static_cast<int>(rows);
    image.tiles = static_cast<int>(tiles);
    const bool suits = suitsOneBit(device, image);
    if (path == GpuPath::OneBit && (device.architecture < 80 || image.chunks > kMaxChunks))
        return Status::Unsupported;
    image.path = path == GpuPath::Auto ? suits ? GpuPath::OneBit : GpuPath::Table : path;

    std::size_t at = 0;
    const auto place = [&at](std::size_t bytes) {
        const std::size_t begin = at;
        at += aligned(bytes);
        return begin;
    };
    const auto groups = static_cast<std::size_t>(image.groups);
    const std::size_t scales =
        groups * static_cast<std::size_t>(image.q) * static_cast<std::size_t>(image.columnGroups);
    image.groupTable = place(groups * sizeof(Group));
    if (image.path == GpuPath::OneBit) {
        image.planeBytes = static_cast<std::size_t>(image.tiles) * static_cast<std::size_t>(image.chunks) * kChunkBytes;
        image.planes = place(image.planeBytes);
        image.scaleColumns = (image.columnGroups + 7) / 8 * 8;
        image.scaleBytes =
            groups * static_cast<std::size_t>(image.q) * static_cast<std::size_t>(image.scaleColumns) * 2;
        image.scales = place(image.scaleBytes);
        // About one block for each multiprocessor makes the operand, two chunks or more.
        image.operandParts = std::clamp(device.multiprocessors / image.groups, 1, (image.chunks + 1) / 2);
        image.stepMaxima = place(groups * static_cast<std::size_t>(image.scaleColumns) * sizeof(float));
        image.stepScales = place(image.scaleBytes * 2);
        const auto placeTables = [&](GpuPlan& p) {
            p.segments = place(static_cast<std::size_t>(p.segmentCount) * sizeof(Segment));
            p.ranges = place(static_cast<std::size_t>(p.blocks) * sizeof(Range));
        };
        for (int i = 0; i < kGpuPlans; ++i) {
            plan(parts, count, device, tuning, kGpuTokens[i], image, image.plans[i]);
            placeTables(image.plans[i]);
        }
        planStep(parts, count, device, tuning, image, image.step);
        placeTables(image.step);
        constexpr std::size_t kTokens = kGpuTokens[kGpuPlans - 1];
        image.zeroedBytes = aligned(static_cast<std::size_t>(image.tiles) * onebit::kTileRows * kTokens * 8);
        image.scratchBytes =
            aligned(kTokens * groups * static_cast<std::size_t>(image.chunks) * kOperandBytes) +
            aligned(kTokens * groups * static_cast<std::size_t>(image.operandParts) * kOperandWarps * 8) +
            aligned(kTokens * groups * 4);
    } else {
        image.planeBytes =
            parts[0].wordCount() / static_cast<std::size_t>(parts[0].N) * static_cast<std::size_t>(rows) * 4;
        image.planes = place(image.planeBytes);
        image.scaleBytes = scales * sizeof(float);
        image.scales = place(image.scaleBytes);
        image.rowGroups = place(static_cast<std::size_t>(rows) * sizeof(std::int32_t));
        if (image.C == 1)
            forEachGroup(parts, count, [&](const SignPlanes&, int, int, int groupRows) {
                image.blocks += (groupRows + kBlockRows - 1) / kBlockRows;
            });
        else
            image.blocks = (image.N + kBlockRows - 1) / kBlockRows;
        image.blockTable = place(static_cast<std::size_t>(image.blocks) * sizeof(RowBlock));
        const int slabs = (image.K + kSlabColumns - 1) / kSlabColumns;
        image.slices = std::clamp((6 * device.multiprocessors + image.blocks - 1) / image.blocks, 1, slabs);
        image.scratchBytes = aligned(static_cast<std::size_t>(image.slices) * kGpuMaxTokens *
                                     static_cast<std::size_t>(rows) * sizeof(float));
    }
    image.bytes = at;
    out = image;
    return Status::Ok;
}

namespace
{

template<class T> T* at(void* host, std::size_t offset)
{
    return reinterpret_cast<T*>(static_cast<char*>(host) + offset);
}

void writePlan(const SignPlanes* parts, int count, const GpuImage& image, const GpuPlan& plan, void* host)
{
    auto* segments = at<Segment>(host, plan.segments);
    int segment = 0, unit = 0, group = 0, tile = 0;
    forEachGroup(parts, count, [&](const SignPlanes&, int, int row, int rows) {
        const int tiles = (rows + onebit::kTileRows - 1) / onebit::kTileRows;
        for (int s = 0; s < plan.slices; ++s) {
            const int begin = image.chunks * s / plan.slices, end = image.chunks * (s + 1) / plan.slices;
            segments[segment++] = {unit, group, row, rows, tile, tiles, begin, end - begin};
            unit += tiles * (end - begin);
        }
        ++group;
        tile += tiles;
    });
    auto* ranges = at<Range>(host, plan.ranges);
    int first = 0;
    for (int b = 0; b < plan.blocks; ++b) {
        const auto begin = static_cast<std::int32_t>(std::int64_t(unit) * b / plan.blocks);
        const auto end = static_cast<std::int32_t>(std::int64_t(unit) * (b + 1) / plan.blocks);
        while (first + 1 < segment && segments[first + 1].unitBegin <= begin)
            ++first;
        int last = first + 1;
        while (last < segment && segments[last].unitBegin < end)
            ++last;
        ranges[b] = {begin, end, first, last, {segments[first], segments[std::min(first + 1, segment - 1)]}};
    }
}

void writeOneBit(const SignPlanes* parts, int count, const GpuImage& image, void* host)
{
    const auto q = static_cast<std::size_t>(image.q), columns = static_cast<std::size_t>(image.columnGroups);
    const auto stride = static_cast<std::size_t>(image.scaleColumns);
    std::size_t tile = 0, group = 0;
    auto* scales = at<PackedScale>(host, image.scales);
    auto* stepScales = at<float>(host, image.stepScales);
    auto* maxima = at<float>(host, image.stepMaxima);
    std::fill_n(maxima, image.groups * image.scaleColumns, 0.0F);
    std::fill_n(stepScales, image.groups * image.q * image.scaleColumns, 0.0F);
    for (int i = 0; i < count; ++i) {
        const SignPlanes& w = parts[i];
        auto* tiles =
            at<std::uint32_t>(host, image.planes) + tile * static_cast<std::size_t>(image.chunks) * onebit::kTileWords;
        toOneBitTiles(w, tiles);
        tile += static_cast<std::size_t>(oneBitTiles(w));
        // [columns][q][groups] -> [groups][q][columns]: a group's operand is made from a contiguous stretch.
        for (std::size_t g = 0; g < w.rowGroups(); ++g, ++group)
            for (std::size_t b = 0; b < q; ++b)
                for (std::size_t c = 0; c < columns; ++c) {
                    const PackedScale scale = w.scales[(c * q + b) * w.rowGroups() + g];
                    const auto value = static_cast<float>(apotValue(scale)); // not negative
                    scales[(group * q + b) * stride + c] = scale;
                    stepScales[(group * q + b) * stride + c] = value;
                    maxima[group * stride + c] = std::max(maxima[group * stride + c], value);
                }
    }
    for (const GpuPlan& plan : image.plans)
        writePlan(parts, count, image, plan, host);
    writePlan(parts, count, image, image.step, host);
}

void writeTable(const SignPlanes* parts, int count, const GpuImage& image, void* host)
{
    const auto rows = static_cast<std::size_t>(image.N), groups = static_cast<std::size_t>(image.groups);
    const auto q = static_cast<std::size_t>(image.q);
    auto* planes = at<std::uint32_t>(host, image.planes);
    auto* scales = at<float>(host, image.scales);
    std::size_t row = 0, group = 0;
    for (int i = 0; i < count; ++i) {
        const SignPlanes& w = parts[i];
        const auto N = static_cast<std::size_t>(w.N);
        for (std::size_t line = 0; line < w.wordCount() / N; ++line)
            std::copy_n(w.bits + line * N, N, planes + line * rows + row);
        for (std::size_t line = 0; line < w.columnGroups() * q; ++line)
            for (std::size_t g = 0; g < w.rowGroups(); ++g)
                scales[line * groups + group + g] = static_cast<float>(apotValue(w.scales[line * w.rowGroups() + g]));
        row += N;
        group += w.rowGroups();
    }
    auto* rowGroups = at<std::int32_t>(host, image.rowGroups);
    auto* blocks = at<RowBlock>(host, image.blockTable);
    int g = 0, block = 0;
    forEachGroup(parts, count, [&](const SignPlanes&, int, int begin, int groupRows) {
        std::fill_n(rowGroups + begin, groupRows, g);
        for (int r = 0; image.C == 1 && r < groupRows; r += kBlockRows)
            blocks[block++] = {begin + r, std::min(kBlockRows, groupRows - r), g};
        ++g;
    });
    for (int r = 0; image.C != 1 && r < image.N; r += kBlockRows)
        blocks[block++] = {r, std::min(kBlockRows, image.N - r), -1};
}

} // namespace

Status gpuImageWrite(const SignPlanes* parts, int count, const GpuImage& image, void* host) noexcept
{
    if (const Status status = checkParts(parts, count); status != Status::Ok)
        return status;
    if (host == nullptr)
        return Status::BadPointer;
    auto* groups = at<Group>(host, image.groupTable);
    int tile = 0;
    forEachGroup(parts, count, [&](const SignPlanes&, int, int begin, int rows) {
        *groups++ = {begin, rows, tile, 0};
        tile += (rows + onebit::kTileRows - 1) / onebit::kTileRows;
    });
    if (image.path == GpuPath::OneBit)
        writeOneBit(parts, count, image, host);
    else
        writeTable(parts, count, image, host);
    return Status::Ok;
}

} // namespace sa::kernels
