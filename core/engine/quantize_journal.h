// SPDX-License-Identifier: GPL-3.0-or-later
// What makes a quantize job resumable (docs/decisions/0010): its stage and journal, and the way back to the state in
// which an earlier process left it.
#pragma once

#include "core/engine/layer_ledger.h"
#include "core/protocol/job_journal.h"

#include <ATen/core/TensorBody.h>

namespace sa
{

/// The stage of the spec's output folder, locked. What is there of an earlier start is kept with `resume`, removed with
/// `restart`, and otherwise an error (BadInput) that says so. Records of a job without a finished block count as
/// nothing.
Result<StagedFolder> openQuantizeStage(const QuantizeSpec& spec, const JobContext& context);

/// A layer of a block that is durable.
struct FinishedLayer {
    std::string name;
    double seconds = 0;
    Json entry; ///< of quantization_config.layers; of a layer that stays dense what denseEntry() says
};
/// What its method's own format would take, and how well it is met.
Json denseEntry(int bits, std::uint64_t storedBytes, const LayerOutcome& outcome);

class QuantizeJournal
{
public:
    /// Moves a pipeline past a block; `finished` holds the block as it became.
    using Skip = std::function<Result<void>(int index, const ModelFolder& finished)>;

    /// Finds out what is finished of the job for `out`, whose stage is `folder`: reads the journal if there is one,
    /// refuses another job's (BadInput, naming every field that differs), and hashes the shards; a damaged one and all
    /// behind it are done again, with a warning. `info` describes the job but for its layers; `windows` are the
    /// calibration windows, `more` is what else the shards depend on.
    static Result<QuantizeJournal> open(const std::string& out, const std::string& folder, const ModelFolder& model,
                                        const QuantizationInfo& info,
                                        const std::vector<std::vector<std::int32_t>>& windows, at::Device device,
                                        const JobContext& context, const Json& more = Json::object());

    int finishedBlocks() const { return static_cast<int>(m_finished.size()); }
    double seconds() const { return m_finished.empty() ? 0 : m_finished.back().seconds; } ///< spent on them

    /// Brings the books and the pipeline to where the finished blocks end. `tensors`: names by shard (shards.h).
    Result<void> restore(const ModelFolder& model, const QuantizationInfo& info,
                         const std::vector<std::vector<std::string>>& tensors, PackedWriter& writer, const Skip& skip,
                         LayerLedger& ledger, const JobContext& context) const;
    /// One more block is durable: its shard, its layers, the job's seconds so far.
    Result<void> add(const PackedWriter::Shard& shard, const std::vector<FinishedLayer>& layers, double seconds);

private:
    QuantizeJournal(std::string folder, JournalWriter writer, std::vector<FinishedBlock> finished)
        : m_folder(std::move(folder))
        , m_writer(std::move(writer))
        , m_finished(std::move(finished))
    {
    }
    Result<ModelFolder> finishedModel(const ModelFolder& model, const QuantizationInfo& info) const;

    std::string m_folder; ///< of the shards
    JournalWriter m_writer;
    std::vector<FinishedBlock> m_finished;
};

/// The error with the word that the finished blocks are kept and how to go on, if there are any.
Error withResumeHint(Error error, const std::string& out);

} // namespace sa
