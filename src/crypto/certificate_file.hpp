// RFC 7468: what certificate files hold. Reading the files themselves is for rooms that may.
#pragma once

#include <vector>

#include "crypto/certificate.hpp"

namespace handfast::crypto {

inline constexpr u32 certificates_of_file_max = 4096;

/// Every certificate of `file` in its order, at least one: PEM, where keys and other things are
/// passed over, or the DER of one certificate. An error's index counts within the file.
Result<std::vector<Certificate>, CertificateError> parse_certificates(Bytes file);

/// The same, but what cannot be read is passed over: a store of hundreds of strangers' roots is not
/// spoilt by one of them. May be empty.
std::vector<Certificate> parse_readable_certificates(Bytes file);

/// "BEGIN CERTIFICATE" and so on, for each.
std::string to_pem(std::span<const Certificate> certificates);

}  // namespace handfast::crypto
