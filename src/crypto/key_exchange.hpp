// RFC 8446 §4.2.7 and §4.2.8: the groups of ephemeral key exchange, and what both ends come to.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/types.hpp"
#include "crypto/handles.hpp"
#include "crypto/public_key.hpp"
#include "crypto/random.hpp"
#include "crypto/secret.hpp"

struct bignum_st;

namespace handfast::crypto {

/// A group from the wire may have any value; what is not named here cannot be used.
enum class Group : u16 {
  secp256r1 = 0x0017,
  secp384r1 = 0x0018,
  x25519 = 0x001d,
  ffdhe2048 = 0x0100,
  ffdhe3072 = 0x0101,
};
/// "x25519"; of what cannot be used too, where it has a name ("X25519MLKEM768"), else "0x1234".
std::string to_string(Group group);
bool is_known(Group group);
/// Bytes of a public share: a point is uncompressed, a number is padded. Of a known group.
u32 share_size(Group group);

/// As long as the longest share of a finite field.
using SharedSecret = SecretBytes<384>;

/// One end's ephemeral key.
class KeyExchange {
 public:
  /// Of a known group.
  KeyExchange(Group group, Random& random);
  KeyExchange(KeyExchange&&) noexcept = default;
  KeyExchange& operator=(KeyExchange&&) noexcept = default;
  ~KeyExchange() = default;

  Group group() const { return group_; }
  /// What the peer is told: share_size(group()) bytes.
  Bytes share() const { return share_; }
  /// The secret that both ends have now. Refuses a share of the wrong length, one that is not in
  /// the group, and one that leads to a secret that everybody knows (RFC 8446 §7.4).
  Result<SharedSecret, KeyError> agree(Bytes peer_share) const;

 private:
  struct FreeNumber {
    void operator()(bignum_st* it) const;
  };
  using Number = std::unique_ptr<bignum_st, FreeNumber>;

  Group group_;
  std::vector<u8> share_;
  KeyHandle x25519_;
  Number private_;  // a scalar or an exponent, where it is not X25519
};

}  // namespace handfast::crypto
