// The steps of validating a chain, for chain_verifier.cpp.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "crypto/certificate.hpp"
#include "crypto/chain_verifier.hpp"
#include "crypto/trust_store.hpp"

namespace handfast::crypto {

using Checked = Result<void, CertificateError>;

/// §6.1 by libcrypto: from sent[0] to a certificate of the store; signatures, dates, CA bits, path
/// lengths, name constraints, purposes.
Result<std::vector<Certificate>, CertificateError> build_path(std::span<const Certificate> sent,
                                                              const TrustStore& store,
                                                              Purpose purpose, WallTime now,
                                                              const VerifierConfig& config);

/// Our own rules for a path, all that depend neither on the time nor on the name asked for.
Checked check_path(std::span<const Certificate> path, Purpose purpose,
                   const VerifierConfig& config);
/// A CA at index 1 and above, the peer's own at 0.
Checked check_role(const Certificate& certificate, u32 index, Purpose purpose, bool is_anchor);
/// What libcrypto leaves open in §4.2.1.10; name_constraints.cpp.
Checked check_constraints(std::span<const Certificate> path);
/// The CA/Browser Forum's rules; public_profile.cpp.
Checked check_public_profile(std::span<const Certificate> path);
Checked check_key(const Certificate& certificate, u32 index, const VerifierConfig& config);

Checked check_date(const Certificate& certificate, u32 index, WallTime now);
Checked check_name(const Certificate& peer, const std::optional<PeerName>& name);
/// RFC 6960 and RFC 7633; staple.cpp.
Checked check_staple(std::span<const Certificate> path, const VerifyRequest& request,
                     const VerifierConfig& config);

std::unexpected<CertificateError> refusal(CertificateRule rule, u32 index, std::string sentence);
/// "certificate 1 (CN = Example CA)"; without the subject for the peer's own.
std::string named(u32 index, const Certificate& certificate);

}  // namespace handfast::crypto
