// SPDX-License-Identifier: GPL-3.0-or-later
// The `lat` checkpoints of the reference implementation of ShiftAddLLM: one PyTorch file per linear layer,
// MODEL_I.MODULE_Qbit.pt (or MODEL_I.MODULE_Qbit_Ggroupsize_blockwise.pt), where I is the block, MODULE the path inside
// it and Q the number of planes. Norms, embeddings and biases are not in them: they come from the base model.
//
//     bWeight  int32    [K, N/32, q]   bit j of [k, w, b]: row 32w + j, column k, plane b; 1 means +1
//     alpha    float32  [K/8, G, q]    scale of row group g (N/G rows) and columns 8c .. 8c+7 in plane b
//
// Source: the files themselves and the reference's loader; design notes in section 7.1 of the algorithm's
// specification.
#pragma once

#include "core/checkpoint/packed_weight.h"

#include "core/base/result.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace sa
{

/// A linear layer as the base model has it.
struct ReferenceLayer {
    std::string name; ///< "model.layers.3.self_attn.q_proj"
    int block = 0;    ///< 3
    std::int64_t N = 0, K = 0;
};

struct ReferenceFile {
    std::string path;
    int q = 0; ///< as the name says
};

/// What follows the block's number in the layer's name: "self_attn.q_proj". Internal when the number is not there.
Result<std::string> referenceModule(const ReferenceLayer& layer);
/// "Llama-2-7b-hf_3.self_attn.q_proj_2bit.pt"
Result<std::string> referenceFileName(const std::string& model, const ReferenceLayer& layer, int q);

/// The file of every layer, by layer name. NotFound lists the layers without one; BadInput: two files for one layer,
/// files of two models, or a file that belongs to no layer.
Result<std::map<std::string, ReferenceFile>> findReferenceFiles(const std::string& folder,
                                                                const std::vector<ReferenceLayer>& layers);

/// Reads one layer: codes bit by bit, scales exactly (of the words for one value, the one that apotRound gives).
/// BadFormat names the file and the tensor when types, shapes or values contradict each other or the layer;
/// Unsupported: more than 4 planes, or a scale that is no sum of three powers of two (its place and value are named). C
/// is 8, R is N/G.
Result<PackedWeight> readReferenceFile(const ReferenceFile& file, const ReferenceLayer& layer);

/// Writes one layer; the archive's inner folder is the file's name without ".pt". Unsupported names what the form
/// cannot hold: N no multiple of 32, K of 8, scales that are not shared by 8 columns or by equal groups of rows.
/// Returns the number of scales that a float32 does not hold exactly (more than 24 binary digits): those are rounded.
Result<std::uint64_t> writeReferenceFile(const std::string& path, const PackedWeight& weight);

} // namespace sa
