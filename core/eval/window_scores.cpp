// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/eval/window_scores.h"

#include "core/base/parallel.h"

#include <ATen/ATen.h>
#include <algorithm>
#include <cstring>

namespace sa
{

namespace
{

/// Windows [begin, end) of some chunks that are computed side by side: enough for all threads, whatever their number.
struct Batch {
    std::int64_t firstChunk, lastChunk; ///< [first, last)
};

std::vector<Batch> batchesOf(const TextWindows& windows)
{
    const std::int64_t chunks = (windows.count + kWindowsPerChunk - 1) / kWindowsPerChunk;
    const std::int64_t step =
        std::max<std::int64_t>(1, (2 * parallelThreads() + kWindowsPerChunk - 1) / kWindowsPerChunk);
    std::vector<Batch> out;
    for (std::int64_t begin = 0; begin < chunks; begin += step)
        out.push_back({begin, std::min(chunks, begin + step)});
    return out;
}

std::int64_t firstWindow(std::int64_t chunk)
{
    return chunk * kWindowsPerChunk;
}
std::int64_t windowsIn(const TextWindows& windows, std::int64_t chunk)
{
    return std::min(kWindowsPerChunk, windows.count - firstWindow(chunk));
}

/// At least `bytes` of a chunk, which a longer run may have made longer.
std::optional<std::string> readChunk(const ChunkCache& cache, std::int64_t chunk, std::size_t bytesPerWindow,
                                     std::int64_t windows)
{
    auto found = cache.read(static_cast<int>(chunk), bytesPerWindow * kWindowsPerChunk);
    if (!found || found->size() < bytesPerWindow * static_cast<std::size_t>(windows))
        return std::nullopt;
    return found;
}

/// Runs body(window) for every window of the chunks, in parallel; windows that a cancel left out make it fail.
Result<void> forEachWindow(const std::vector<std::int64_t>& todo, const CancelToken& cancel,
                           const std::function<void(std::int64_t)>& body)
{
    parallelFor(static_cast<std::int64_t>(todo.size()), [&](std::int64_t i) {
        if (!cancel.cancelled())
            body(todo[static_cast<std::size_t>(i)]);
    });
    return cancel.check();
}

} // namespace

Result<TextWindows> TextWindows::of(std::span<const std::int32_t> ids, int length, std::optional<int> maxWindows)
{
    TextWindows out{ids, length, static_cast<std::int64_t>(ids.size()) / length};
    if (maxWindows)
        out.count = std::min<std::int64_t>(out.count, *maxWindows);
    if (out.count == 0)
        return makeError(Errc::BadInput, "the evaluation text is shorter than one window")
            .butFound(std::to_string(ids.size()) + " tokens")
            .wanted("at least " + std::to_string(length))
            .tryThis("Give more text or a smaller window length");
    return out;
}

Result<void> keepStates(const DecoderSource& original, std::int64_t width, const TextWindows& windows,
                        const ChunkCache& states, const CancelToken& cancel, ScoringProgress& progress)
{
    const auto rows = static_cast<std::size_t>(windows.length - 1);
    const std::size_t windowBytes = rows * static_cast<std::size_t>(width) * sizeof(float);
    const Decoder* decoder = nullptr;
    for (const Batch& batch : batchesOf(windows)) {
        SA_CHECK(cancel.check());
        progress.update(firstWindow(batch.firstChunk), windows.count);
        std::vector<std::int64_t> todo;
        for (std::int64_t chunk = batch.firstChunk; chunk < batch.lastChunk; ++chunk) {
            if (readChunk(states, chunk, windowBytes, windowsIn(windows, chunk)))
                continue;
            for (std::int64_t w = 0; w < windowsIn(windows, chunk); ++w)
                todo.push_back(firstWindow(chunk) + w);
        }
        if (todo.empty())
            continue;
        if (!decoder) {
            SA_TRY(decoder, original());
        }
        std::vector<at::Tensor> made(todo.size());
        std::vector<std::int64_t> places(todo.size());
        for (std::size_t i = 0; i < places.size(); ++i)
            places[i] = static_cast<std::int64_t>(i);
        SA_CHECK(forEachWindow(places, cancel, [&](std::int64_t i) {
            const auto at = static_cast<std::size_t>(i);
            made[at] = decoder->hidden(windows.at(todo[at]))
                           .slice(0, 0, static_cast<std::int64_t>(rows))
                           .to(at::kCPU)
                           .contiguous();
        }));
        for (std::size_t i = 0; i < todo.size();) {
            const std::int64_t chunk = todo[i] / kWindowsPerChunk;
            std::string bytes;
            for (; i < todo.size() && todo[i] / kWindowsPerChunk == chunk; ++i)
                bytes.append(static_cast<const char*>(made[i].data_ptr()), made[i].nbytes());
            SA_CHECK(states.write(static_cast<int>(chunk), bytes));
        }
        progress.computed += static_cast<std::int64_t>(todo.size());
    }
    progress.update(windows.count, windows.count);
    return {};
}

Result<std::vector<TokenScore>> scoreWindows(const DecoderSource& model, const TextWindows& windows,
                                             const ReferenceStates* reference, const ChunkCache& kept,
                                             const CancelToken& cancel, ScoringProgress& progress)
{
    const auto rows = static_cast<std::size_t>(windows.length - 1);
    const std::size_t scoreBytes = rows * sizeof(TokenScore);
    std::vector<TokenScore> scores(static_cast<std::size_t>(windows.count) * rows);
    const auto scoresOf = [&](std::int64_t window) { return scores.data() + static_cast<std::size_t>(window) * rows; };
    const Decoder* decoder = nullptr;
    for (const Batch& batch : batchesOf(windows)) {
        SA_CHECK(cancel.check());
        progress.update(firstWindow(batch.firstChunk), windows.count);
        std::vector<std::int64_t> todo, chunks;
        std::vector<std::string> states(static_cast<std::size_t>(batch.lastChunk - batch.firstChunk));
        for (std::int64_t chunk = batch.firstChunk; chunk < batch.lastChunk; ++chunk) {
            const std::int64_t count = windowsIn(windows, chunk);
            if (const auto found = readChunk(kept, chunk, scoreBytes, count)) {
                std::memcpy(scoresOf(firstWindow(chunk)), found->data(), scoreBytes * static_cast<std::size_t>(count));
                continue;
            }
            chunks.push_back(chunk);
            for (std::int64_t w = 0; w < count; ++w)
                todo.push_back(firstWindow(chunk) + w);
            if (!reference)
                continue;
            const std::size_t bytes = rows * static_cast<std::size_t>(reference->width) * sizeof(float);
            auto found = readChunk(reference->states, chunk, bytes, count);
            if (!found)
                return makeError(Errc::Io, "the original's results have gone from the cache")
                    .tryThis("Start again: they are computed anew");
            states[static_cast<std::size_t>(chunk - batch.firstChunk)] = *std::move(found);
        }
        if (todo.empty())
            continue;
        if (!decoder) {
            SA_TRY(decoder, model());
        }
        SA_CHECK(forEachWindow(todo, cancel, [&](std::int64_t window) {
            const auto ids = windows.at(window);
            const at::Tensor hidden = decoder->hidden(ids);
            std::vector<TokenScore> made;
            if (reference) {
                const std::int64_t chunk = window / kWindowsPerChunk;
                std::string& bytes = states[static_cast<std::size_t>(chunk - batch.firstChunk)];
                const auto width = static_cast<std::size_t>(reference->width);
                char* at =
                    bytes.data() + static_cast<std::size_t>(window - firstWindow(chunk)) * rows * width * sizeof(float);
                at::Tensor original = at::empty({static_cast<std::int64_t>(rows), reference->width}, at::kFloat);
                std::memcpy(original.data_ptr(), at, original.nbytes());
                made = scoreWindow(decoder->embeddings(), hidden, reference->head, original.to(hidden.device()), ids);
            } else {
                made = scoreWindow(decoder->embeddings(), hidden, ids);
            }
            std::copy(made.begin(), made.end(), scoresOf(window));
        }));
        for (const std::int64_t chunk : chunks)
            SA_CHECK(kept.write(static_cast<int>(chunk),
                                std::string_view(reinterpret_cast<const char*>(scoresOf(firstWindow(chunk))),
                                                 scoreBytes * static_cast<std::size_t>(windowsIn(windows, chunk)))));
        progress.computed += static_cast<std::int64_t>(todo.size());
    }
    progress.update(windows.count, windows.count);
    return scores;
}

} // namespace sa
