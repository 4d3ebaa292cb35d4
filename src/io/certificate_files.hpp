// Certificates, keys and trust stores in files: room crypto takes bytes and opens nothing.
// Errors are sentences that name the file.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "crypto/certificate.hpp"
#include "crypto/private_key.hpp"
#include "crypto/trust_store.hpp"
#include "tls/identity.hpp"

namespace handfast::io {

/// PEM, or DER of a single one; at least one.
Result<std::vector<crypto::Certificate>, std::string> load_certificates(const std::string& path);
/// PEM, unencrypted.
Result<crypto::PrivateKey, std::string> load_private_key(const std::string& path);

/// What a server or client shows: its own certificate first, and the key to it. Fails too where the
/// key is another certificate's. Both may be in one file.
Result<tls::Identity, std::string> load_identity(const std::string& certificates,
                                                 const std::string& key);

/// From a file, of which every certificate must be readable, or from the files *.pem, *.crt and
/// *.cer of a directory, where the unreadable are passed over.
Result<crypto::TrustStore, std::string> load_trust_store(const std::string& path);
/// What the system trusts: Debian's /etc/ssl/certs/ca-certificates.crt, or what others have.
Result<crypto::TrustStore, std::string> load_system_trust_store();

/// Now, as certificates count time.
WallTime wall_now();

}  // namespace handfast::io
