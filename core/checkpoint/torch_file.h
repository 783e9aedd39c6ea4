// SPDX-License-Identifier: GPL-3.0-or-later
// A PyTorch checkpoint (`pytorch_model.bin`, `*.pt`): a dictionary of tensors as torch.save writes it since
// version 1.6. It is a ZIP archive of stored entries under one folder of any name: FOLDER/data.pkl describes the
// tensors (a pickle, read by core/checkpoint/pickle.h and never run), FOLDER/data/KEY holds the values of storage KEY,
// FOLDER/byteorder says "little" where it is there. Source: torch/serialization.py and torch/_utils.py of PyTorch 2.
#pragma once

#include "core/base/file.h"
#include "core/checkpoint/strided_view.h"
#include "core/checkpoint/tensor_file.h"

namespace sa
{

class TorchFile final : public TensorFile
{
public:
    static constexpr std::size_t kMaxRank = 32;

    /// Reads the archive's directory and the description, no values. BadFormat names the file and the tensor or the
    /// byte: every storage must be stored whole in the archive with the size that its type and count give, and every
    /// tensor must lie inside its storage and not on itself. Unsupported: a file from before 1.6 (no ZIP archive),
    /// TorchScript, big-endian values, or a pickle that asks for anything but tensors ("posix.system" is named).
    static Result<TorchFile> open(const std::string& path);

    const std::string& path() const override { return m_file.path(); }
    std::uint64_t fileBytes() const override { return m_file.sizeBytes(); }
    const std::map<std::string, TensorInfo>& tensors() const override { return m_tensors; }
    std::vector<std::string> warnings() const override { return m_warnings; }
    Result<void> readPart(const TensorInfo& tensor, std::uint64_t begin, std::span<std::byte> out) const override;

private:
    friend class TorchFileReader;
    explicit TorchFile(File file)
        : m_file(std::move(file))
    {
    }
    File m_file;
    std::map<std::string, TensorInfo> m_tensors;
    std::map<std::string, StridedView> m_views; ///< of tensors that are not row-major
    std::vector<std::string> m_warnings;
};

} // namespace sa
