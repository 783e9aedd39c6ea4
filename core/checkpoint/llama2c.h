// SPDX-License-Identifier: GPL-3.0-or-later
// A checkpoint of llama2.c in its first form ("version 0", as run.c reads it): one file without names, that stands for
// a Hugging Face folder of LlamaForCausalLM. Nothing is copied or converted: the tensors are views on the file under
// their Hugging Face names.
//
//     int32[7]  dim, hidden_dim, n_layers, n_heads, n_kv_heads, vocab_size (negative: the head has its own weights),
//               seq_len; then float32, one after the other, L = n_layers:
//     token_embedding [vocab, dim], rms_att [L, dim], wq [L, dim, dim], wk and wv [L, kv_dim, dim], wo [L, dim, dim],
//     rms_ffn [L, dim], w1 [L, hidden_dim, dim], w2 [L, dim, hidden_dim], w3 [L, hidden_dim, dim], rms_final [dim],
//     freq_cis_real and freq_cis_imag [seq_len, head_dim/2] (not used), and wcls [vocab, dim] unless the head is tied
//
// llama2.c rotates neighbouring values of a head together, Hugging Face the two halves: row 2i + j of a head of wq and
// wk is row j * head_dim/2 + i of q_proj and k_proj.
#pragma once

#include "core/base/json.h"
#include "core/checkpoint/strided_view.h"
#include "core/checkpoint/tensor_file.h"

#include <optional>

namespace sa
{

struct Llama2cHeader {
    std::int64_t dim = 0, hidden = 0, layers = 0, heads = 0, kvHeads = 0, vocab = 0, positions = 0;
    bool tiedHead = true;
    std::uint64_t fileBytes() const; ///< that follow from the numbers
};

/// By content: seven sensible numbers, and exactly the size that follows from them. Nothing when it is something else;
/// Unsupported for the later forms of llama2.c, which begin with "24ka".
Result<std::optional<Llama2cHeader>> recogniseLlama2c(const std::string& path);

/// File name of the one checkpoint of llama2.c in a folder without config.json; nothing when there is none or when
/// there is a config.json. BadInput names them when there are two.
Result<std::optional<std::string>> findLlama2c(const std::string& folder);

/// config.json as Hugging Face would have it: rms_norm_eps 1e-5, rope_theta 10000, both fixed in llama2.c. A text ends
/// with token 1 or 2.
Json llama2cConfig(const Llama2cHeader& header);

class Llama2cFile final : public TensorFile
{
public:
    /// BadFormat when recogniseLlama2c does not know it.
    static Result<Llama2cFile> open(const std::string& path);

    const Llama2cHeader& header() const { return m_header; }
    const std::string& path() const override { return m_file.path(); }
    std::uint64_t fileBytes() const override { return m_file.sizeBytes(); }
    const std::map<std::string, TensorInfo>& tensors() const override { return m_tensors; }
    Result<void> readPart(const TensorInfo& tensor, std::uint64_t begin, std::span<std::byte> out) const override;

private:
    Llama2cFile(File file, const Llama2cHeader& header);
    File m_file;
    Llama2cHeader m_header;
    std::map<std::string, TensorInfo> m_tensors;
    std::map<std::string, StridedView> m_rotated; ///< q_proj and k_proj
};

} // namespace sa
