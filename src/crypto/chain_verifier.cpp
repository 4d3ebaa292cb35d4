#include "crypto/chain_verifier.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "crypto/chain_checks.hpp"
#include "crypto/hash.hpp"

namespace handfast::crypto {
namespace {

Checked check_sizes(std::span<const Bytes> sent, const VerifierConfig& config) {
  if (sent.empty())
    return refusal(CertificateRule::malformed, 0,
                   "the peer sent no certificate: it must be given one");
  const u32 last = to<u32>(sent.size()) - 1;
  if (sent.size() > config.certificates_max)
    return refusal(CertificateRule::too_large, last,
                   fmt::format("the peer sent {} certificates; at most {} are read: it should send "
                               "its own and the intermediates",
                               sent.size(), config.certificates_max));
  std::size_t bytes = 0;
  for (const Bytes one : sent) bytes += one.size();
  if (bytes > config.chain_bytes_max)
    return refusal(CertificateRule::too_large, last,
                   fmt::format("the peer sent {} bytes of certificates; at most {} are read", bytes,
                               config.chain_bytes_max));
  return {};
}

/// Of what was sent, and for which purpose; lengths go in, so that bytes do not move between two.
Fingerprint key_of(std::span<const Bytes> sent, Purpose purpose) {
  Hash running(HashAlgorithm::sha256);
  const std::array<u8, 1> use{to<u8>(purpose)};
  running.update(use);
  for (const Bytes one : sent) {
    const u32 size = to<u32>(one.size());
    const std::array<u8, 4> length{to<u8>(size >> 24), to<u8>(size >> 16), to<u8>(size >> 8),
                                   to<u8>(size)};
    running.update(length);
    running.update(one);
  }
  Fingerprint key{};
  std::ranges::copy(running.finish().bytes(), key.begin());
  return key;
}

/// What is looked at each time. The dates come first: who waits for a name to be right should not
/// hear of an old certificate afterwards.
Checked check_use(std::span<const Certificate> path, const VerifyRequest& request,
                  const VerifierConfig& config) {
  for (u32 i = 0; i < path.size(); ++i)
    if (auto date = check_date(path[i], i, request.now); !date) return date;
  if (auto name = check_name(path.front(), request.name); !name) return name;
  return check_staple(path, request, config);
}

}  // namespace

ChainVerifier::ChainVerifier(TrustStore store, const VerifierConfig& config)
    : store_(std::move(store)), config_(config) {}

void ChainVerifier::replace_store(TrustStore store) { store_ = std::move(store); }

Result<VerifiedChain, CertificateError> ChainVerifier::verify(std::span<const Bytes> sent,
                                                              const VerifyRequest& request) {
  if (auto sizes = check_sizes(sent, config_); !sizes) return std::unexpected(sizes.error());
  const Fingerprint key = key_of(sent, request.purpose);
  if (CachedChain* known = find(key); known != nullptr) {
    // Where it no longer fits, another path may: that is for verify_anew() to find and to tell.
    if (check_use(known->path, request, config_)) {
      known->used = ++uses_;
      return VerifiedChain{known->path, true, {}};
    }
  }
  std::vector<Certificate> certificates;
  for (const Bytes der : sent) {
    auto certificate = Certificate::parse(der, to<u32>(certificates.size()));
    // A CA of tomorrow, whose key nobody here can use: perhaps it is not needed.
    if (!certificate && !certificates.empty() &&
        certificate.error().rule == CertificateRule::weak_key)
      continue;
    if (!certificate) return std::unexpected(std::move(certificate.error()));
    certificates.push_back(std::move(*certificate));
  }
  auto verdict = verify_anew(certificates, request, key);
  if (verdict || request.exception == nullptr || !may_be_accepted(verdict.error().rule))
    return verdict;
  const Certificate& own = certificates.front();
  const CertificateException& exception = *request.exception;
  if (exception.certificate != own.fingerprint() || exception.name != request.name) return verdict;
  if (auto strong = check_key(own, 0, config_); !strong) return std::unexpected(strong.error());
  return VerifiedChain{{own}, false, std::move(verdict.error())};
}

Result<VerifiedChain, CertificateError> ChainVerifier::verify_anew(
    std::span<const Certificate> sent, const VerifyRequest& request, const Fingerprint& key) {
  auto path = build_path(sent, store_, request.purpose, request.now, config_);
  if (!path) return std::unexpected(std::move(path.error()));
  if (auto good = check_path(*path, request.purpose, config_); !good)
    return std::unexpected(std::move(good.error()));
  keep(key, *path);
  if (auto good = check_use(*path, request, config_); !good)
    return std::unexpected(std::move(good.error()));
  return VerifiedChain{std::move(*path), false, {}};
}

ChainVerifier::CachedChain* ChainVerifier::find(const Fingerprint& key) {
  const auto at = std::ranges::find_if(cache_, [&](const CachedChain& chain) {
    return chain.key == key && chain.store == store_.id();
  });
  return at == cache_.end() ? nullptr : &*at;
}

void ChainVerifier::keep(const Fingerprint& key, const std::vector<Certificate>& path) {
  if (config_.cached_chains_max == 0) return;
  CachedChain chain{key, store_.id(), path, ++uses_};
  if (CachedChain* known = find(key); known != nullptr)
    *known = std::move(chain);
  else if (cache_.size() < config_.cached_chains_max)
    cache_.push_back(std::move(chain));
  else
    *std::ranges::min_element(cache_, {}, &CachedChain::used) = std::move(chain);
}

}  // namespace handfast::crypto
