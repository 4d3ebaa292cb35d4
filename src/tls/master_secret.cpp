#include "tls/master_secret.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "base/byte_order.hpp"

namespace handfast::tls {

MasterStage::MasterStage(const Suite& suite, Bytes client_random, Bytes server_random, Bytes shared,
                         Bytes session_hash)
    : suite_(&suite),
      hmac_(suite.hash),
      client_random_(client_random),
      server_random_(server_random),
      master_(size) {
  expand(shared, "extended master secret", {session_hash}, master_.room());
}

MasterStage::MasterStage(const Suite& suite, Bytes client_random, Bytes server_random, Bytes master)
    : suite_(&suite),
      hmac_(suite.hash),
      client_random_(client_random),
      server_random_(server_random),
      master_(master) {}

/// PRF, §5: A(i) = HMAC(secret, A(i-1)), and the output is HMAC(secret, A(i) + seed) for each i.
void MasterStage::expand(Bytes secret, std::string_view label, std::initializer_list<Bytes> seed,
                         MutBytes out) {
  std::vector<u8> whole(label.begin(), label.end());
  for (const Bytes piece : seed) whole.insert(whole.end(), piece.begin(), piece.end());
  crypto::Secret step(hmac_.size());
  hmac_.make(secret, {whole}, step.room());
  while (!out.empty()) {
    crypto::Secret block(hmac_.size());
    hmac_.make(secret, {step.bytes(), whole}, block.room());
    const std::size_t n = std::min<std::size_t>(out.size(), block.size());
    std::copy_n(block.bytes().begin(), n, out.begin());
    out = out.subspan(n);
    crypto::Secret next(hmac_.size());
    hmac_.make(secret, {step.bytes()}, next.room());
    step = std::move(next);
  }
}

TrafficKeys MasterStage::keys_of(Role writer) {
  // RFC 5288 §3: of a GCM nonce, 4 bytes are secret; of ChaCha20-Poly1305's all (RFC 7905 §2).
  const bool is_gcm = suite_->aead != crypto::AeadAlgorithm::chacha20_poly1305;
  const u32 iv_size = is_gcm ? 4 : crypto::aead_nonce_size;
  const u32 key_size = crypto::key_size(suite_->aead);
  crypto::SecretBytes<2 * (crypto::aead_key_size_max + crypto::aead_nonce_size)> block(
      2 * (key_size + iv_size));
  expand("key expansion", {server_random_.bytes(), client_random_.bytes()}, block.room());
  const u32 index = writer == Role::client ? 0 : 1;
  const Bytes all = block.bytes();
  return {crypto::Secret(all.subspan(std::size_t{index} * key_size, key_size)),
          crypto::Secret(
              all.subspan(std::size_t{2} * key_size + std::size_t{index} * iv_size, iv_size))};
}

crypto::Digest MasterStage::finished(Role by, Bytes transcript_hash) {
  crypto::Digest code;
  code.size = verify_data_size;
  expand(by == Role::client ? "client finished" : "server finished", {transcript_hash},
         MutBytes(code.storage).first(verify_data_size));
  return code;
}

void MasterStage::export_keying_material(std::string_view label, std::optional<Bytes> context,
                                         MutBytes out) {
  std::array<u8, 2> length{};
  if (context) store_be16(length.data(), to<u16>(context->size()));
  expand(label,
         {client_random_.bytes(), server_random_.bytes(), context ? Bytes(length) : Bytes{},
          context.value_or(Bytes{})},
         out);
}

}  // namespace handfast::tls
