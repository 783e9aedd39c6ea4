// SPDX-License-Identifier: GPL-3.0-or-later
// SHA-256 (FIPS 180-4) through libcrypto, streamed.
#pragma once

#include "core/base/result.h"

#include <memory>
#include <span>
#include <string>

namespace sa
{

class Sha256
{
public:
    Sha256();
    ~Sha256();
    Sha256(Sha256&&) noexcept;
    Sha256& operator=(Sha256&&) noexcept;
    void update(std::span<const std::byte> bytes);
    void update(const std::string& text);
    std::string hex(); ///< 64 lower-case hex digits; ends the stream

private:
    struct Context;
    std::unique_ptr<Context> m_context;
};

std::string sha256Of(const std::string& bytes);
class CancelToken;
/// Streams a file in 1 MiB steps; looks at `cancel` (may be null) between them.
Result<std::string> sha256OfFile(const std::string& path, const CancelToken* cancel = nullptr);

} // namespace sa
