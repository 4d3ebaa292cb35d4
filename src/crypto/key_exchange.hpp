// RFC 8446 §4.2.7 and §4.2.8: the groups of ephemeral key exchange, and what both ends come to.
#pragma once

#include <memory>
#include <optional>
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
  x25519_mlkem768 = 0x11ec,  // draft-ietf-tls-ecdhe-mlkem: both, and safe if one of them is
};
/// "x25519"; of what cannot be used too, where it has a name ("X25519MLKEM768"), else "0x1234".
std::string to_string(Group group);
/// Named above, and libcrypto has it at run time: X25519MLKEM768 needs OpenSSL 3.5.
bool is_known(Group group);
/// Diffie-Hellman modulo a prime, not over a curve.
bool is_finite_field(Group group);
/// The group of that kind with this prime and generator (RFC 7919 appendix A), numbers as they come
/// over the wire; none where it is not one of ours.
std::optional<Group> find_finite_field(Bytes prime, Bytes generator);
/// The prime of such a group, as long as its shares. The generator is 2 in all of them.
Bytes prime_of(Group group);
/// A number as it came, without the zeros that may lead it.
Bytes without_leading_zeros(Bytes number);
/// Bytes of a public share: a point is uncompressed, a number is padded. Of a known group.
u32 share_size(Group group);
/// And of what answers it, which is another thing with X25519MLKEM768.
u32 answer_size(Group group);

/// As long as the longest share of a finite field.
using SharedSecret = SecretBytes<384>;

/// The ephemeral key of who begins, and what who answers makes of its share.
class KeyExchange {
 public:
  struct Answer {
    std::vector<u8> share;  // answer_size() bytes, for the one who began
    SharedSecret secret;
  };
  /// The other end's part in one step. Refuses what agree() refuses.
  static Result<Answer, KeyError> answer(Group group, Bytes peer_share, Random& random);

  /// Of a known group.
  KeyExchange(Group group, Random& random);
  KeyExchange(KeyExchange&&) noexcept = default;
  KeyExchange& operator=(KeyExchange&&) noexcept = default;
  ~KeyExchange() = default;

  Group group() const { return group_; }
  /// What the peer is told: share_size(group()) bytes.
  Bytes share() const { return share_; }
  /// The secret that both ends have now, by the peer's share or answer. Refuses a share of the
  /// wrong length, one that is not in the group, and one that leads to a secret that everybody
  /// knows (RFC 8446 §7.4).
  Result<SharedSecret, KeyError> agree(Bytes peer_share) const;

 private:
  struct FreeNumber {
    void operator()(bignum_st* it) const;
  };
  using Number = std::unique_ptr<bignum_st, FreeNumber>;

  Group group_;
  std::vector<u8> share_;
  KeyHandle x25519_;
  KeyHandle ml_kem_;
  Number private_;  // a scalar or an exponent, where it is not X25519
};

}  // namespace handfast::crypto
