#include "tls/transcript.hpp"

#include "base/assert.hpp"
#include "tls/codes.hpp"

namespace handfast::tls {

void Transcript::add(Bytes message) {
  if (hash_) hash_->update(message);
  if (keep_) kept_.insert(kept_.end(), message.begin(), message.end());
}

void Transcript::select(crypto::HashAlgorithm algorithm, bool keep) {
  ASSERT(!hash_ || hash_->algorithm() == algorithm);
  if (hash_) return;
  hash_.emplace(algorithm);
  hash_->update(kept_);
  if (keep) return;
  forget_messages();
  kept_.shrink_to_fit();
}

crypto::Digest Transcript::digest() const {
  ASSERT(hash_);
  return hash_->peek();
}

crypto::Digest Transcript::digest_with(crypto::HashAlgorithm algorithm, Bytes partial) const {
  ASSERT(!hash_ || hash_->algorithm() == algorithm);
  crypto::Hash hash = hash_.value_or(crypto::Hash(algorithm));
  if (!hash_) hash.update(kept_);
  hash.update(partial);
  return hash.peek();
}

void Transcript::replace_by_hash() {
  ASSERT(hash_);
  const crypto::Digest first = hash_->finish();
  const std::array<u8, 4> header{to<u8>(HandshakeType::message_hash), 0, 0, to<u8>(first.size)};
  hash_->update(header);
  hash_->update(first);
}

}  // namespace handfast::tls
