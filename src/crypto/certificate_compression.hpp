// RFC 8879: TLS certificate compression, and the limits that keep it from being a bomb.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/types.hpp"

namespace handfast::crypto {

/// §7.3; from the wire it may have any value.
enum class CertificateCompression : u16 { zlib = 1, brotli = 2, zstd = 3 };

bool is_known(CertificateCompression algorithm);
/// "brotli"; "0x1234" of one that is not known.
std::string to_string(CertificateCompression algorithm);

/// A Certificate message's body, compressed once and sent many times: small rather than quick. By a
/// known algorithm.
std::vector<u8> compress(CertificateCompression algorithm, Bytes message);

/// §4: what `compressed` holds, which must be `length` bytes, no more and no less, and end with its
/// last. Takes no memory before `length` is found to be within `length_max`. The reason where not.
Result<std::vector<u8>, std::string> decompress(CertificateCompression algorithm, Bytes compressed,
                                                u32 length, u32 length_max);

}  // namespace handfast::crypto
