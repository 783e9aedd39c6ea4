// SPDX-License-Identifier: GPL-3.0-or-later
// The reader of PyTorch checkpoints on arbitrary files. Beyond not crashing: what is accepted lies inside the file, is
// no larger than it, and can be read. An input with an even first byte is the file itself (from the second byte on).
// With an odd one, the rest is a pickle, put into a right archive beside 64 bytes of values: so the fuzzer need not
// build one.
#include "memory_file.h"

#include "core/checkpoint/torch_file.h"

#include <cstring>
#include <vector>

namespace
{

template<class Number> void append(std::string& out, Number value)
{
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    out.append(bytes, sizeof value);
}

std::string archiveOf(const std::string& pickle)
{
    std::string out, directory;
    for (const auto& [name, data] :
         {std::pair<std::string, std::string>{"a/data.pkl", pickle}, {"a/data/0", std::string(64, '\1')}}) {
        const auto offset = static_cast<std::uint32_t>(out.size());
        std::string common(2, '\0'); // version, flags, method, time, date, checksum
        common.append(12, '\0');
        append(common, static_cast<std::uint32_t>(data.size()));
        append(common, static_cast<std::uint32_t>(data.size()));
        append(common, static_cast<std::uint16_t>(name.size()));
        out += "PK\x03\x04" + common + std::string(2, '\0') + name + data;
        directory += "PK\x01\x02" + std::string(2, '\0') + common + std::string(12, '\0');
        append(directory, offset);
        directory += name;
    }
    const auto at = static_cast<std::uint32_t>(out.size());
    out += directory + "PK\x05\x06" + std::string(4, '\0');
    append(out, std::uint16_t{2});
    append(out, std::uint16_t{2});
    append(out, static_cast<std::uint32_t>(directory.size()));
    append(out, at);
    append(out, std::uint16_t{0});
    return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    static fuzz::MemoryFile memory("pytorch_model.bin");
    const std::string rest(reinterpret_cast<const char*>(data) + (size == 0 ? 0 : 1), size == 0 ? 0 : size - 1);
    const std::string bytes = size == 0 || data[0] % 2 == 0 ? rest : archiveOf(rest);
    memory.set(bytes);
    const auto file = sa::TorchFile::open(memory.path());
    if (!file) {
        if (file.error().sentence().size() > 8192 || file.error().file.empty())
            fuzz::broken();
        return 0;
    }
    for (const auto& [name, tensor] : file->tensors()) {
        if (name != tensor.name || tensor.elements() < 0)
            fuzz::broken();
        if (tensor.sizeBytes !=
            static_cast<std::uint64_t>(tensor.elements()) * static_cast<std::uint64_t>(sa::sizeBytes(tensor.dtype)))
            fuzz::broken();
        if (tensor.offset > bytes.size() || tensor.sizeBytes > bytes.size())
            fuzz::broken();
        std::vector<std::byte> content(tensor.sizeBytes);
        if (!file->read(tensor, content))
            fuzz::broken();
    }
    return 0;
}
