// A small certificate authority for tests: chains made on the fly, good ones and bad ones.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "crypto/certificate_builder.hpp"
#include "crypto/chain_verifier.hpp"

namespace handfast::crypto {

inline constexpr WallTime lab_now = std::chrono::sys_days{std::chrono::year{2030} / 6 / 15};
inline constexpr std::chrono::days lab_year{365};

using Change = std::function<void(CertificateTemplate&)>;

/// A certificate with its key.
struct Identity {
  Certificate certificate;
  PrivateKey key;
};

/// Self-signed, or by `issuer`; what `change` leaves alone is right.
Identity make_identity(CertificateTemplate wanted, const Identity* issuer, const Change& change,
                       PrivateKey key);
Identity make_root(const std::string& name = "Lab root", const Change& change = {});
Identity make_ca(const Identity& issuer, const std::string& name, const Change& change = {});
Identity make_server(const Identity& issuer, const std::string& name, const Change& change = {});
Identity make_client(const Identity& issuer, const std::string& name, const Change& change = {});

PrivateKey make_key(KeyType type = KeyType::ec_p256, u32 rsa_bits = 2048);
/// On a curve that we do not take.
PrivateKey make_odd_key();

PeerName name_of(const std::string& text);

/// A verifier that trusts `roots`.
ChainVerifier trusting(const std::vector<const Identity*>& roots,
                       const VerifierConfig& config = {});

/// Hands a chain over as a handshake would.
Result<VerifiedChain, CertificateError> verify(ChainVerifier& verifier,
                                               const std::vector<const Identity*>& chain,
                                               const VerifyRequest& request);
/// As a client that asks for `name` at lab_now.
VerifyRequest asking_for(const std::string& name);

}  // namespace handfast::crypto
