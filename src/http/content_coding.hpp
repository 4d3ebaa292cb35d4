// RFC 9110 §8.4 and §12.5.3: content codings, and which of them a client takes.
#pragma once

#include <array>
#include <string_view>

#include "base/types.hpp"
#include "http/message.hpp"

namespace handfast::http {

enum class Coding : u8 { identity, gzip, br, zstd };
/// In the order in which a server prefers them where the client does not care.
inline constexpr std::array codings{Coding::br, Coding::zstd, Coding::gzip};

/// "gzip", as in Content-Encoding.
std::string_view to_string(Coding coding);
/// ".gz": what the name of a file ends with that has content of this coding.
std::string_view file_extension(Coding coding);

/// How much a client with these fields likes `coding`, in thousandths; 0: not at all. Without
/// Accept-Encoding only identity is liked. RFC 9110 §12.5.3: identity is acceptable unless it is
/// excluded by name or by "*;q=0"; it gets a 1 where it is not named.
u32 weight_of(Coding coding, Fields fields);

}  // namespace handfast::http
