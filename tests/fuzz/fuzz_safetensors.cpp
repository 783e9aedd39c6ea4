// SPDX-License-Identifier: GPL-3.0-or-later
// The safetensors reader on arbitrary files. Beyond not crashing: what is accepted tiles the file, and can be read.
// An input with an even first byte is the file itself (from the second byte on). With an odd one, bytes 1 and 2 are the
// number of data bytes and the rest is the header, given its right length: so the fuzzer need not guess 8 bytes at
// once.
#include "memory_file.h"

#include "core/checkpoint/safetensors.h"

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace
{

std::string fileFrom(const std::uint8_t* data, std::size_t size)
{
    const auto* text = reinterpret_cast<const char*>(data);
    if (size == 0 || data[0] % 2 == 0)
        return size == 0 ? std::string() : std::string(text + 1, size - 1);
    if (size < 3)
        return {};
    const std::size_t dataBytes = data[1] + 256u * data[2];
    const std::uint64_t headerBytes = size - 3;
    std::string file(8, '\0');
    std::memcpy(file.data(), &headerBytes, 8);
    file.append(text + 3, size - 3);
    file.append(dataBytes, '\1');
    return file;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    static fuzz::MemoryFile memory("weights.safetensors");
    const std::string bytes = fileFrom(data, size);
    memory.set(bytes);
    const auto file = sa::SafetensorsFile::open(memory.path());
    if (!file) {
        if (file.error().sentence().size() > 8192 || file.error().file.empty())
            fuzz::broken();
        return 0;
    }
    std::vector<char> covered(bytes.size(), 0);
    std::uint64_t headerBytes = 0;
    std::memcpy(&headerBytes, bytes.data(), 8);
    for (std::size_t i = 0; i < 8 + headerBytes; ++i)
        covered[i] = 1;
    for (const auto& [name, tensor] : file->tensors()) {
        if (name != tensor.name || tensor.elements() < 0)
            fuzz::broken();
        if (tensor.sizeBytes !=
            static_cast<std::uint64_t>(tensor.elements()) * static_cast<std::uint64_t>(sa::sizeBytes(tensor.dtype)))
            fuzz::broken();
        if (tensor.offset > bytes.size() || tensor.sizeBytes > bytes.size() - tensor.offset)
            fuzz::broken();
        for (std::uint64_t i = tensor.offset; i < tensor.offset + tensor.sizeBytes; ++i)
            if (covered[i]++ != 0)
                fuzz::broken();
        std::vector<std::byte> content(tensor.sizeBytes);
        if (!file->read(tensor, content))
            fuzz::broken();
    }
    for (const char c : covered)
        if (c != 1)
            fuzz::broken();
    return 0;
}
