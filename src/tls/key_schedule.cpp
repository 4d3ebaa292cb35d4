#include "tls/key_schedule.hpp"

#include <array>

#include "base/assert.hpp"

namespace handfast::tls {
namespace {

using crypto::digest_size_max;
using crypto::Hmac;

Secret derive(Hmac& hmac, const Secret& secret, std::string_view label, Bytes transcript_hash) {
  Secret derived(hmac.size());
  expand_label(hmac, secret.bytes(), label, transcript_hash, derived.room());
  return derived;
}

/// Derive-Secret(., "derived", "") and HKDF-Extract with it: the way down the schedule.
Secret next_stage(Hmac& hmac, const Secret& secret, Bytes input) {
  const Secret salt = derive(hmac, secret, "derived", crypto::hash(hmac.algorithm(), {}));
  return hmac.extract(salt.bytes(), input);
}

/// "0", a string of zeros as long as a digest.
Bytes zeros(const Hmac& hmac) {
  static constexpr std::array<u8, digest_size_max> none{};
  return {none.data(), hmac.size()};
}

}  // namespace

void expand_label(Hmac& hmac, Bytes secret, std::string_view label, Bytes context, MutBytes out) {
  constexpr std::string_view prefix = "tls13 ";
  constexpr std::size_t text_max = 255;
  std::array<u8, 2 + 1 + text_max + 1 + text_max> info;
  u32 size = 0;
  const auto put = [&](Bytes bytes) {
    for (const u8 byte : bytes) info[size++] = byte;
  };
  const std::size_t label_size = prefix.size() + label.size();
  ASSERT(label_size <= text_max && context.size() <= text_max && out.size() <= 0xffff);
  info[size++] = to<u8>(out.size() >> 8);
  info[size++] = to<u8>(out.size());
  info[size++] = to<u8>(label_size);
  put(as_bytes(prefix));
  put(as_bytes(label));
  info[size++] = to<u8>(context.size());
  put(context);
  hmac.expand(secret, Bytes(info).first(size), out);
}

Digest finished_code(Hmac& hmac, const Secret& traffic_secret, Bytes transcript_hash) {
  const Secret key = derive(hmac, traffic_secret, "finished", {});
  Digest code;
  code.size = hmac.size();
  hmac.make(key.bytes(), {transcript_hash}, code.storage);
  return code;
}

Secret next_traffic_secret(Hmac& hmac, const Secret& traffic_secret) {
  return derive(hmac, traffic_secret, "traffic upd", {});
}

EarlyStage::EarlyStage(crypto::HashAlgorithm algorithm, Bytes psk) : hmac_(algorithm) {
  early_ = hmac_.extract({}, psk.empty() ? zeros(hmac_) : psk);
}

Digest EarlyStage::binder(Bytes transcript_hash) {
  const Secret key = derive(hmac_, early_, "res binder", crypto::hash(hmac_.algorithm(), {}));
  return finished_code(hmac_, key, transcript_hash);
}

Secret EarlyStage::early_traffic(Bytes transcript_hash) {
  return derive(hmac_, early_, "c e traffic", transcript_hash);
}

HandshakeStage EarlyStage::handshake(Bytes shared, Bytes transcript_hash) && {
  Secret secret = next_stage(hmac_, early_, shared.empty() ? zeros(hmac_) : shared);
  early_.clear();
  return {hmac_, std::move(secret), transcript_hash};
}

HandshakeStage::HandshakeStage(Hmac hmac, Secret handshake, Bytes transcript)
    : hmac_(hmac),
      handshake_(std::move(handshake)),
      client_(derive(hmac_, handshake_, "c hs traffic", transcript)),
      server_(derive(hmac_, handshake_, "s hs traffic", transcript)) {}

ApplicationStage HandshakeStage::application(Bytes transcript_hash) && {
  Secret master = next_stage(hmac_, handshake_, zeros(hmac_));
  handshake_.clear();
  return {hmac_, std::move(client_), std::move(master), transcript_hash};
}

ApplicationStage::ApplicationStage(Hmac hmac, Secret client_handshake, Secret master,
                                   Bytes transcript)
    : hmac_(hmac),
      client_handshake_(std::move(client_handshake)),
      master_(std::move(master)),
      client_(derive(hmac_, master_, "c ap traffic", transcript)),
      server_(derive(hmac_, master_, "s ap traffic", transcript)),
      exporter_(derive(hmac_, master_, "exp master", transcript)) {}

Digest ApplicationStage::client_finished(Bytes transcript_hash) {
  return finished_code(hmac_, client_handshake_, transcript_hash);
}

ConnectedStage ApplicationStage::connected(Bytes transcript_hash) && {
  Secret resumption = derive(hmac_, master_, "res master", transcript_hash);
  master_.clear();
  return {hmac_, std::move(resumption), std::move(exporter_)};
}

Secret ConnectedStage::ticket_psk(Bytes nonce) {
  return derive(hmac_, resumption_, "resumption", nonce);
}

void ConnectedStage::export_keying_material(std::string_view label, Bytes context, MutBytes out) {
  const crypto::HashAlgorithm algorithm = hmac_.algorithm();
  const Secret secret = derive(hmac_, exporter_, label, crypto::hash(algorithm, {}));
  expand_label(hmac_, secret.bytes(), "exporter", crypto::hash(algorithm, context), out);
}

}  // namespace handfast::tls
