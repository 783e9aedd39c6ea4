// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/sha256.h"

#include "core/base/cancel.h"
#include "core/base/file.h"

#include <algorithm>
#include <array>
#include <openssl/evp.h>
#include <stdexcept>
#include <vector>

namespace sa
{

struct Sha256::Context {
    EVP_MD_CTX* md = EVP_MD_CTX_new();
    ~Context() { EVP_MD_CTX_free(md); }
};

Sha256::Sha256()
    : m_context(std::make_unique<Context>())
{
    // Fails only when memory is gone or the library was built without SHA-256.
    if (!m_context->md || EVP_DigestInit_ex(m_context->md, EVP_sha256(), nullptr) != 1)
        throw std::bad_alloc();
}

Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::span<const std::byte> bytes)
{
    EVP_DigestUpdate(m_context->md, bytes.data(), bytes.size());
}

void Sha256::update(const std::string& text)
{
    update(std::as_bytes(std::span(text)));
}

std::string Sha256::hex()
{
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    EVP_DigestFinal_ex(m_context->md, digest.data(), &size);
    constexpr char digits[] = "0123456789abcdef";
    std::string out;
    for (unsigned i = 0; i < size; ++i) {
        out += digits[digest[i] >> 4];
        out += digits[digest[i] & 15];
    }
    return out;
}

std::string sha256Of(const std::string& bytes)
{
    Sha256 hash;
    hash.update(bytes);
    return hash.hex();
}

Result<std::string> sha256OfFile(const std::string& path, const CancelToken* cancel)
{
    SA_TRY(File file, File::open(path));
    std::vector<std::byte> buffer(1u << 20);
    Sha256 hash;
    for (std::uint64_t offset = 0; offset < file.sizeBytes();) {
        if (cancel)
            SA_CHECK(cancel->check());
        const auto step = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), file.sizeBytes() - offset));
        SA_CHECK(file.readAt(offset, std::span(buffer).first(step)));
        hash.update(std::span<const std::byte>(buffer.data(), step));
        offset += step;
    }
    return hash.hex();
}

} // namespace sa
