// RFC 8446 §4.4.1: the hash of all handshake messages so far.
#pragma once

#include <optional>
#include <vector>

#include "base/types.hpp"
#include "crypto/hash.hpp"

namespace handfast::tls {

class Transcript {
 public:
  /// A whole message. Until the hash is chosen, messages are kept; with TLS 1.2 longer.
  void add(Bytes message);
  /// The cipher suite has been agreed on, and with it the hash.
  void select(crypto::HashAlgorithm algorithm, bool keep = false);
  /// All messages themselves, where they were kept: what TLS 1.2 signs.
  Bytes messages() const { return kept_; }
  /// They are no longer needed.
  void forget_messages() {
    keep_ = false;
    kept_ = {};
  }
  bool is_selected() const { return hash_.has_value(); }

  /// The hash of what came, which must have been selected.
  crypto::Digest digest() const;
  /// The hash as if `partial` had come too: for binders (§4.2.11.2), which need no selection.
  crypto::Digest digest_with(crypto::HashAlgorithm algorithm, Bytes partial) const;
  /// After a HelloRetryRequest the first ClientHello counts as its hash alone. Call it when that
  /// hello is all that came.
  void replace_by_hash();

 private:
  std::vector<u8> kept_;
  bool keep_ = true;
  std::optional<crypto::Hash> hash_;
};

}  // namespace handfast::tls
