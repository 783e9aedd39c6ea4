// SPDX-License-Identifier: GPL-3.0-or-later
// PyTorch checkpoints in bytes, right ones and wrong ones: pickle instructions and ZIP archives put together by hand.
#pragma once

#include "checkpoint_files.h"

#include <QList>

#include <optional>

namespace test
{

template<class Number> QByteArray little(Number value)
{
    QByteArray out(static_cast<qsizetype>(sizeof value), '\0');
    std::memcpy(out.data(), &value, sizeof value);
    return out;
}

namespace pickle
{

inline QByteArray text(const QByteArray& value)
{
    return "X" + little(static_cast<std::uint32_t>(value.size())) + value;
}
inline QByteArray integer(std::int64_t value)
{
    if (value >= 0 && value < 256)
        return "K" + little(static_cast<std::uint8_t>(value));
    return QByteArray("\x8a\x08", 2) + little(value);
}
inline QByteArray global(const QByteArray& module, const QByteArray& member)
{
    return "c" + module + "\n" + member + "\n";
}
inline QByteArray tuple(const QList<std::int64_t>& values)
{
    QByteArray out = "(";
    for (const auto value : values)
        out += integer(value);
    return out + "t";
}
inline QByteArray ordered()
{
    return global("collections", "OrderedDict") + ")R";
}
inline QByteArray storage(const QByteArray& type, const QByteArray& key, std::int64_t count)
{
    return "(" + text("storage") + global("torch", type) + text(key) + text("cpu") + integer(count) + "tQ";
}
inline QByteArray tensor(const QByteArray& storage, std::int64_t offset, const QList<std::int64_t>& size,
                         const QList<std::int64_t>& stride)
{
    return global("torch._utils", "_rebuild_tensor_v2") + "(" + storage + integer(offset) + tuple(size) +
           tuple(stride) + "\x89" + ordered() + "tR";
}
/// Protocol 2 around the instructions that make one value.
inline QByteArray whole(const QByteArray& body)
{
    return QByteArray("\x80\x02", 2) + body + ".";
}
inline QByteArray dictionary(const QList<QByteArray>& keysAndValues)
{
    return "}(" + keysAndValues.join() + "u";
}

} // namespace pickle

/// One entry; what is set lies about it.
struct ZipItem {
    QByteArray name;
    QByteArray data;
    std::uint16_t method = 0;
    std::uint16_t flags = 0;
    std::optional<std::uint32_t> sizeInDirectory = {};
    std::optional<std::uint32_t> packedInDirectory = {};
    std::optional<std::uint32_t> offsetInDirectory = {};
    std::optional<QByteArray> nameInEntry = {};
    QByteArray extraInDirectory = {};
};

struct ZipShape {
    bool zip64 = false; ///< with the end records of zip64
    QByteArray comment = {};
    int entriesMore = 0;   ///< than there are, in the end record
    int directoryMore = 0; ///< bytes more than there are, in the end record
    QByteArray before = {};
};

inline QByteArray zip(const QList<ZipItem>& items, const ZipShape& shape = {})
{
    QByteArray out = shape.before, directory;
    for (const ZipItem& item : items) {
        const auto offset = static_cast<std::uint32_t>(out.size());
        const auto size = static_cast<std::uint32_t>(item.data.size());
        const QByteArray inEntry = item.nameInEntry.value_or(item.name);
        const QByteArray padding(5, '\0'); // as PyTorch pads to align
        const QByteArray extra = little<std::uint16_t>(0x4246) + little<std::uint16_t>(5) + padding;
        const QByteArray common = little<std::uint16_t>(20) + little(item.flags) + little(item.method) +
                                  little<std::uint32_t>(0) + little<std::uint32_t>(0xDEADBEEF); // a wrong checksum
        out += "PK\x03\x04" + common + little(size) + little(size) +
               little(static_cast<std::uint16_t>(inEntry.size())) + little(static_cast<std::uint16_t>(extra.size())) +
               inEntry + extra + item.data;
        directory += "PK\x01\x02" + little<std::uint16_t>(20) + common + little(item.packedInDirectory.value_or(size)) +
                     little(item.sizeInDirectory.value_or(size)) +
                     little(static_cast<std::uint16_t>(item.name.size())) +
                     little(static_cast<std::uint16_t>(item.extraInDirectory.size())) + little<std::uint16_t>(0) +
                     little<std::uint16_t>(0) + little<std::uint16_t>(0) + little<std::uint32_t>(0) +
                     little(item.offsetInDirectory.value_or(offset)) + item.name + item.extraInDirectory;
    }
    const auto at = static_cast<std::uint64_t>(out.size());
    const auto bytes = static_cast<std::uint64_t>(directory.size() + shape.directoryMore);
    const auto count = static_cast<std::uint64_t>(items.size() + shape.entriesMore);
    out += directory;
    if (shape.zip64) {
        const auto end64 = static_cast<std::uint64_t>(out.size());
        out += "PK\x06\x06" + little<std::uint64_t>(44) + little<std::uint16_t>(45) + little<std::uint16_t>(45) +
               little<std::uint32_t>(0) + little<std::uint32_t>(0) + little(count) + little(count) + little(bytes) +
               little(at);
        out += "PK\x06\x07" + little<std::uint32_t>(0) + little(end64) + little<std::uint32_t>(1);
        out += "PK\x05\x06" + little<std::uint32_t>(0) + QByteArray(12, '\xFF');
    } else {
        out += "PK\x05\x06" + little<std::uint32_t>(0) + little(static_cast<std::uint16_t>(count)) +
               little(static_cast<std::uint16_t>(count)) + little(static_cast<std::uint32_t>(bytes)) +
               little(static_cast<std::uint32_t>(at));
    }
    return out + little(static_cast<std::uint16_t>(shape.comment.size())) + shape.comment;
}

/// 24 floats: 0, 0.5, 1, ...
inline QByteArray floats(int count = 24)
{
    QByteArray out;
    for (int i = 0; i < count; ++i)
        out += little(0.5f * static_cast<float>(i));
    return out;
}

/// The entries of a checkpoint whose storage "0" holds floats().
inline QList<ZipItem> checkpointItems(const QByteArray& description)
{
    return {{"archive/data.pkl", description}, {"archive/byteorder", "little"}, {"archive/data/0", floats()}};
}
inline QByteArray checkpoint(const QByteArray& description)
{
    return zip(checkpointItems(description));
}
/// {"w": a tensor of 4 x 6 floats}
inline QByteArray matrix()
{
    return pickle::whole(pickle::dictionary(
        {pickle::text("w"), pickle::tensor(pickle::storage("FloatStorage", "0", 24), 0, {4, 6}, {6, 1})}));
}
inline QByteArray checkpointOf(const QByteArray& tensor)
{
    return checkpoint(pickle::whole(pickle::dictionary({pickle::text("w"), tensor})));
}

} // namespace test
