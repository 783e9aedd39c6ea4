// SPDX-License-Identifier: GPL-3.0-or-later
// Sixteen-lane vectors in plain C++ with the operations that the CPU product is written in. Float arithmetic is
// counted, one per lane, so that a test can say what a product costs; integer work and look-ups are counted apart.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace countingOps
{

struct Counts {
    std::uint64_t additions = 0;       ///< float additions, subtractions
    std::uint64_t multiplications = 0; ///< float, a multiply-add counts one of each
    std::uint64_t integerAdditions = 0;
    std::uint64_t selections = 0; ///< table entries selected in registers
};
inline Counts counts;

template<class T, std::size_t kLanes> struct Tag {
    using Lane = T;
    static constexpr std::size_t kSize = kLanes;
};
template<class T, std::size_t kLanes> struct Vector {
    T lane[kLanes];
};

inline constexpr std::size_t kFullLanes = 16;
template<class T> using ScalableTag = Tag<T, kFullLanes>;
template<class T, std::size_t kCap> using CappedTag = Tag<T, std::min(kCap, kFullLanes)>;
template<class T, std::size_t kLanes> using FixedTag = Tag<T, kLanes>;
template<class D> using Vec = Vector<typename D::Lane, D::kSize>;
template<class T, class D> using Repartition = Tag<T, D::kSize * sizeof(typename D::Lane) / sizeof(T)>;
template<class D> using RebindToUnsigned = Tag<std::uint32_t, D::kSize>;
template<class D> using RebindToSigned = Tag<std::int32_t, D::kSize>;

template<class D> constexpr std::size_t MaxLanes(D)
{
    return D::kSize;
}
template<class D> constexpr std::size_t Lanes(D)
{
    return D::kSize;
}

template<class V, class F> V generate(F&& lane)
{
    V v;
    for (std::size_t i = 0; i < sizeof(v.lane) / sizeof(v.lane[0]); ++i)
        v.lane[i] = lane(i);
    return v;
}

template<class D> Vec<D> Set(D, typename D::Lane value)
{
    return generate<Vec<D>>([value](std::size_t) { return value; });
}
template<class D> Vec<D> Zero(D d)
{
    return Set(d, typename D::Lane{});
}
template<class D> Vec<D> LoadU(D, const typename D::Lane* from)
{
    return generate<Vec<D>>([from](std::size_t i) { return from[i]; });
}
template<class D> Vec<D> Load(D d, const typename D::Lane* from)
{
    return LoadU(d, from);
}
template<class T, std::size_t kLanes, class D> void Store(const Vector<T, kLanes>& v, D, T* to)
{
    std::copy_n(v.lane, kLanes, to);
}
template<class T, std::size_t kLanes, class D> void StoreU(const Vector<T, kLanes>& v, D d, T* to)
{
    Store(v, d, to);
}
template<class D> std::size_t FirstN(D, std::size_t count)
{
    return count;
}
template<class D> Vec<D> MaskedLoad(std::size_t count, D, const typename D::Lane* from)
{
    return generate<Vec<D>>([=](std::size_t i) { return i < count ? from[i] : typename D::Lane{}; });
}
template<class T, std::size_t kLanes> T GetLane(const Vector<T, kLanes>& v)
{
    return v.lane[0];
}
template<class D, class T, std::size_t kLanes> Vec<D> BitCast(D, const Vector<T, kLanes>& v)
{
    return std::bit_cast<Vec<D>>(v);
}

template<class T, std::size_t kLanes> Vector<T, kLanes> Add(const Vector<T, kLanes>& a, const Vector<T, kLanes>& b)
{
    (std::is_same_v<T, float> ? counts.additions : counts.integerAdditions) += kLanes;
    return generate<Vector<T, kLanes>>([&](std::size_t i) { return static_cast<T>(a.lane[i] + b.lane[i]); });
}
template<class T, std::size_t kLanes> Vector<T, kLanes> Sub(const Vector<T, kLanes>& a, const Vector<T, kLanes>& b)
{
    (std::is_same_v<T, float> ? counts.additions : counts.integerAdditions) += kLanes;
    return generate<Vector<T, kLanes>>([&](std::size_t i) { return static_cast<T>(a.lane[i] - b.lane[i]); });
}
template<std::size_t kLanes> Vector<float, kLanes> Mul(const Vector<float, kLanes>& a, const Vector<float, kLanes>& b)
{
    counts.multiplications += kLanes;
    return generate<Vector<float, kLanes>>([&](std::size_t i) { return a.lane[i] * b.lane[i]; });
}
template<std::size_t kLanes>
Vector<float, kLanes> MulAdd(const Vector<float, kLanes>& a, const Vector<float, kLanes>& b,
                             const Vector<float, kLanes>& c)
{
    return Add(Mul(a, b), c);
}
template<std::size_t kLanes> Vector<float, kLanes> Neg(const Vector<float, kLanes>& v)
{
    return generate<Vector<float, kLanes>>([&v](std::size_t i) { return -v.lane[i]; });
}
template<class T, std::size_t kLanes> Vector<T, kLanes> Xor(const Vector<T, kLanes>& a, const Vector<T, kLanes>& b)
{
    using Bits = std::conditional_t<std::is_same_v<T, float>, std::uint32_t, T>;
    return generate<Vector<T, kLanes>>([&](std::size_t i) {
        return std::bit_cast<T>(static_cast<Bits>(std::bit_cast<Bits>(a.lane[i]) ^ std::bit_cast<Bits>(b.lane[i])));
    });
}
template<class T, std::size_t kLanes> Vector<T, kLanes> And(const Vector<T, kLanes>& a, const Vector<T, kLanes>& b)
{
    return generate<Vector<T, kLanes>>([&](std::size_t i) { return static_cast<T>(a.lane[i] & b.lane[i]); });
}
template<class T, std::size_t kLanes> Vector<T, kLanes> Or(const Vector<T, kLanes>& a, const Vector<T, kLanes>& b)
{
    return generate<Vector<T, kLanes>>([&](std::size_t i) { return static_cast<T>(a.lane[i] | b.lane[i]); });
}
template<int kBits, class T, std::size_t kLanes> Vector<T, kLanes> ShiftRight(const Vector<T, kLanes>& v)
{
    return generate<Vector<T, kLanes>>([&v](std::size_t i) { return static_cast<T>(v.lane[i] >> kBits); });
}
template<int kBits, class T, std::size_t kLanes> Vector<T, kLanes> ShiftLeft(const Vector<T, kLanes>& v)
{
    return generate<Vector<T, kLanes>>([&v](std::size_t i) { return static_cast<T>(v.lane[i] << kBits); });
}
template<std::size_t kLanes> Vector<float, kLanes> Abs(const Vector<float, kLanes>& v)
{
    return generate<Vector<float, kLanes>>([&v](std::size_t i) { return v.lane[i] < 0.0F ? -v.lane[i] : v.lane[i]; });
}
template<class T, std::size_t kLanes> Vector<T, kLanes> Max(const Vector<T, kLanes>& a, const Vector<T, kLanes>& b)
{
    return generate<Vector<T, kLanes>>([&](std::size_t i) { return std::max(a.lane[i], b.lane[i]); });
}
template<class T, std::size_t kLanes> Vector<T, kLanes> Min(const Vector<T, kLanes>& a, const Vector<T, kLanes>& b)
{
    return generate<Vector<T, kLanes>>([&](std::size_t i) { return std::min(a.lane[i], b.lane[i]); });
}
template<class T, std::size_t kLanes> Vector<bool, kLanes> Eq(const Vector<T, kLanes>& a, const Vector<T, kLanes>& b)
{
    return generate<Vector<bool, kLanes>>([&](std::size_t i) { return a.lane[i] == b.lane[i]; });
}
template<class T, std::size_t kLanes>
Vector<T, kLanes> IfThenElse(const Vector<bool, kLanes>& mask, const Vector<T, kLanes>& yes,
                             const Vector<T, kLanes>& no)
{
    return generate<Vector<T, kLanes>>([&](std::size_t i) { return mask.lane[i] ? yes.lane[i] : no.lane[i]; });
}
template<class T, std::size_t kLanes>
Vector<T, kLanes> IfThenZeroElse(const Vector<bool, kLanes>& mask, const Vector<T, kLanes>& no)
{
    return generate<Vector<T, kLanes>>([&](std::size_t i) { return mask.lane[i] ? T{} : no.lane[i]; });
}

// Inside one block of 128 bits, which is all of the vectors that these are used with.

template<class D> Vec<D> LoadDup128(D d, const typename D::Lane* from)
{
    static_assert(sizeof(Vec<D>) == 16);
    return LoadU(d, from);
}
template<class V> V TableLookupBytes(const V& bytes, const V& index)
{
    static_assert(sizeof(V) == 16);
    counts.selections += 16;
    return generate<V>([&](std::size_t i) { return bytes.lane[index.lane[i]]; });
}
template<class D, class V> V InterleaveLower(D, const V& a, const V& b)
{
    return generate<V>([&](std::size_t i) { return (i % 2 == 0 ? a : b).lane[i / 2]; });
}
template<class D, class V> V InterleaveUpper(D, const V& a, const V& b)
{
    return generate<V>([&](std::size_t i) { return (i % 2 == 0 ? a : b).lane[D::kSize / 2 + i / 2]; });
}
template<class D, class V> V ConcatLowerLower(D, const V& upper, const V& lower)
{
    return generate<V>([&](std::size_t i) { return i < D::kSize / 2 ? lower.lane[i] : upper.lane[i - D::kSize / 2]; });
}
template<class D, class V> V ConcatUpperUpper(D, const V& upper, const V& lower)
{
    return generate<V>([&](std::size_t i) { return i < D::kSize / 2 ? lower.lane[i + D::kSize / 2] : upper.lane[i]; });
}
template<class V> V OddEven(const V& odd, const V& even)
{
    return generate<V>([&](std::size_t i) { return (i % 2 == 0 ? even : odd).lane[i]; });
}
/// Lane i of four takes the one that the digit tells, from the right.
template<std::size_t k3, std::size_t k2, std::size_t k1, std::size_t k0, class V> V shuffle(const V& v)
{
    static_assert(sizeof(v.lane) / sizeof(v.lane[0]) == 4);
    return {v.lane[k0], v.lane[k1], v.lane[k2], v.lane[k3]};
}
template<class V> V Shuffle0321(const V& v)
{
    return shuffle<0, 3, 2, 1>(v);
}
template<class V> V Shuffle1032(const V& v)
{
    return shuffle<1, 0, 3, 2>(v);
}
template<class V> V Shuffle2103(const V& v)
{
    return shuffle<2, 1, 0, 3>(v);
}
template<class V> V Shuffle2301(const V& v)
{
    return shuffle<2, 3, 0, 1>(v);
}

/// What AVX-512 does in one instruction.
inline Vector<float, 16> select16(const float* table, const Vector<std::uint32_t, 16>& index)
{
    counts.selections += 16;
    return generate<Vector<float, 16>>([&](std::size_t i) { return table[index.lane[i] & 15U]; });
}

} // namespace countingOps
