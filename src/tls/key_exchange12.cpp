#include "tls/key_exchange12.hpp"

#include <algorithm>
#include <bit>

#include <fmt/format.h>

namespace handfast::tls {

using crypto::Group;

bool fits(Group group, const Suite& suite) {
  const bool is_curve =
      group == Group::x25519 || group == Group::secp256r1 || group == Group::secp384r1;
  if (suite.exchange == Exchange::dhe) return crypto::is_finite_field(group);
  return suite.exchange == Exchange::ecdhe && is_curve;
}

bool lists_finite_fields(const CodeList<Group>& groups) {
  for (u32 i = 0; i < groups.size(); ++i)
    if (to<u16>(groups[i]) >> 8 == 1) return true;
  return false;
}

Result<crypto::SharedSecret, Error> agree12(const crypto::KeyExchange& ours, Bytes peer_share) {
  const bool is_number = crypto::is_finite_field(ours.group());
  std::vector<u8> padded;
  if (is_number) {
    const Bytes number = crypto::without_leading_zeros(peer_share);
    const std::size_t size = std::max<std::size_t>(share_size(ours.group()), number.size());
    padded.resize(size - number.size());
    padded.insert(padded.end(), number.begin(), number.end());
    peer_share = padded;
  }
  auto secret = ours.agree(peer_share);
  if (!secret) return failure(Error{Alert::illegal_parameter, secret.error().why});
  if (!is_number) return std::move(*secret);
  return crypto::SharedSecret(crypto::without_leading_zeros(secret->bytes()));
}

Error unsafe_group(Bytes prime) {
  constexpr u32 bits_min = 2048;
  const Bytes number = crypto::without_leading_zeros(prime);
  const u32 bits =
      number.empty() ? 0 : 8 * to<u32>(number.size()) - to<u32>(std::countl_zero(number[0]));
  if (bits < bits_min)
    return {Alert::insufficient_security,
            fmt::format("the server's Diffie-Hellman prime has {} bits: anything below {} can be "
                        "broken",
                        bits, bits_min)};
  return {Alert::insufficient_security,
          fmt::format("the server has a Diffie-Hellman group of its own ({} bits), and nobody can "
                      "tell whether that is safe; it should take ffdhe2048 or ffdhe3072 (RFC 7919)",
                      bits)};
}

}  // namespace handfast::tls
