// RFC 5246 §5, §6.3 and §8, RFC 7627, RFC 5705: what TLS 1.2 has for a key schedule.
#pragma once

#include <initializer_list>
#include <optional>
#include <string_view>

#include "base/types.hpp"
#include "crypto/hmac.hpp"
#include "crypto/secret.hpp"
#include "tls/codes.hpp"
#include "tls/state.hpp"

namespace handfast::tls {

/// The keys of one direction.
struct TrafficKeys {
  crypto::Secret key;
  crypto::Secret iv;
};

class MasterStage {
 public:
  static constexpr std::string_view name = "master secret";
  static constexpr u32 size = 48;
  static constexpr u32 verify_data_size = 12;

  /// A new session: from what the key exchange gave and the hash of all messages up to
  /// ClientKeyExchange (RFC 7627 §4).
  MasterStage(const Suite& suite, Bytes client_random, Bytes server_random, Bytes shared,
              Bytes session_hash);
  /// A session that goes on.
  MasterStage(const Suite& suite, Bytes client_random, Bytes server_random, Bytes master);

  const crypto::Secret& master() const { return master_; }
  /// What `writer` seals with.
  TrafficKeys keys_of(Role writer);
  /// §7.4.9: verify_data_size bytes.
  crypto::Digest finished(Role by, Bytes transcript_hash);
  /// RFC 5705 §4: no context is not the same as an empty one.
  void export_keying_material(std::string_view label, std::optional<Bytes> context, MutBytes out);

 private:
  void expand(std::string_view label, std::initializer_list<Bytes> seed, MutBytes out) {
    expand(master_.bytes(), label, seed, out);
  }
  void expand(Bytes secret, std::string_view label, std::initializer_list<Bytes> seed,
              MutBytes out);

  const Suite* suite_;
  crypto::Hmac hmac_;
  crypto::Secret client_random_;
  crypto::Secret server_random_;
  crypto::Secret master_;
};

}  // namespace handfast::tls
