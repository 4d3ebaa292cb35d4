// Any bytes as a chain that a peer sends, with a staple: a verdict or an acceptance that holds. The
// last certificate is the trust store, so that a corpus of good chains leads everywhere.
// Input: flags, then parts, each with a length of two bytes: the staple, and the certificates.
#include <array>
#include <string>
#include <vector>

#include "base/assert.hpp"
#include "crypto/certificate.hpp"
#include "crypto/chain_verifier.hpp"

namespace {

using namespace handfast;
using namespace handfast::crypto;

constexpr WallTime now = std::chrono::sys_days{std::chrono::year{2030} / 6 / 15};

std::vector<Bytes> parts_of(Bytes in) {
  std::vector<Bytes> parts;
  while (in.size() >= 2 && parts.size() < 20) {
    const std::size_t wanted = static_cast<std::size_t>(in[0]) << 8 | in[1];
    const Bytes part = in.subspan(2, std::min(wanted, in.size() - 2));
    parts.push_back(part);
    in = in.subspan(2 + part.size());
  }
  return parts;
}

std::string verdict(const Result<VerifiedChain, CertificateError>& result) {
  if (result) return "";
  ASSERT(!result.error().sentence.empty());
  return std::string(to_string(result.error().rule)) + result.error().sentence;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::vector<Bytes> parts = parts_of(Bytes(data, size).subspan(1));
  if (parts.size() < 2) return 0;
  VerifyRequest request;
  request.purpose = (data[0] & 1) != 0 ? Purpose::client : Purpose::server;
  request.now = now;
  request.staple = parts.front();
  request.staple_asked = (data[0] & 2) != 0;
  if ((data[0] & 4) != 0) request.name = *PeerName::parse("localhost");

  TrustStore store;
  if (const auto root = Certificate::parse(parts.back())) store.add(*root);
  ChainVerifier verifier(std::move(store), {.public_profile = (data[0] & 8) != 0});
  const std::span<const Bytes> sent = std::span(parts).subspan(1);
  const auto first = verifier.verify(sent, request);
  const auto second = verifier.verify(sent, request);
  ASSERT(verdict(first) == verdict(second));
  if (!first) return 0;
  ASSERT(second->was_cached && second->path == first->path);
  const Certificate& own = first->path.front();
  ASSERT(verifier.store().contains(first->path.back()));
  ASSERT(own.not_before() <= now && now <= own.not_after());
  ASSERT(own.allows(request.purpose));
  if (request.name) ASSERT(own.names() && names_match(*own.names(), *request.name));
  return 0;
}
