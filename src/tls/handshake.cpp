#include "tls/handshake.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/assert.hpp"
#include "crypto/certificate.hpp"
#include "crypto/wipe.hpp"

namespace handfast::tls {
namespace {

std::string hex(Bytes bytes) {
  std::string text;
  for (const u8 byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

}  // namespace

std::unexpected<Error> refuse(Alert alert, std::string why) {
  return failure(Error{alert, std::move(why)});
}

std::unexpected<Error> unexpected_message(Bytes message, State state) {
  return refuse(Alert::unexpected_message,
                fmt::format("{} came where it has no place (in state {})",
                            to_string(static_cast<HandshakeType>(message[0])), to_string(state)));
}

std::optional<Action> Handshake::poll_action() {
  if (actions_.empty()) return std::nullopt;
  std::optional<Action> action(std::move(actions_.front()));
  actions_.pop_front();
  return action;
}

bool Handshake::is_waiting() const {
  return state() == State::wait_verdict || state() == State::wait_signature;
}

void Handshake::send(std::vector<u8> message) {
  transcript_.add(message);
  act(SendMessage{write_level_, std::move(message)});
}

void Handshake::install(Direction direction, Level level, const Secret& secret) {
  if (direction == Direction::write) write_level_ = level;
  act(InstallKeys{direction, level, summary_.suite, secret.clone()});
}

void Handshake::log_secret(std::string_view label, const Secret& secret) {
  if (!config_.key_log) return;
  act(KeyLogLine{fmt::format("{} {} {}", label, hex(client_random_), hex(secret.bytes()))});
}

void Handshake::enter_handshake_keys(EarlyStage early, Bytes shared) {
  HandshakeStage keys = std::move(early).handshake(shared, transcript_.digest());
  log_secret("CLIENT_HANDSHAKE_TRAFFIC_SECRET", keys.client_traffic());
  log_secret("SERVER_HANDSHAKE_TRAFFIC_SECRET", keys.server_traffic());
  set_stage(std::move(keys));
}

void Handshake::derive_application_keys() {
  ApplicationStage keys = std::move(stage<HandshakeStage>()).application(transcript_.digest());
  log_secret("CLIENT_TRAFFIC_SECRET_0", keys.client_traffic());
  log_secret("SERVER_TRAFFIC_SECRET_0", keys.server_traffic());
  log_secret("EXPORTER_SECRET", keys.exporter());
  set_stage(std::move(keys));
}

Outcome Handshake::on_certificate(const CertificateMessage& message) {
  if (message.stray)
    return refuse(Alert::unsupported_extension,
                  fmt::format("the peer's certificate comes with {}, which was not asked for",
                              to_string(*message.stray)));
  ASSERT(message.count > 0);
  const auto leaf = crypto::Certificate::parse(message.entries()[0].der);
  if (!leaf)
    return refuse(Alert::bad_certificate,
                  "the peer's certificate cannot be read: " + leaf.error().sentence);
  peer_key_ = leaf->public_key();
  for (const CertificateEntry& entry : message.entries())
    summary_.peer_chain.emplace_back(entry.der.begin(), entry.der.end());
  if (const auto& ocsp = message.entries()[0].ocsp_response)
    summary_.peer_ocsp_response.assign(ocsp->begin(), ocsp->end());
  return {};
}

Outcome Handshake::on_certificate_verify(Bytes message) {
  const auto verify = parse_certificate_verify(message.subspan(message_header_size));
  if (!verify) return failure(verify.error());
  const auto& ours = config_.schemes;
  // §4.4.3: what we offered, and nothing that TLS 1.3 forbids.
  if (std::ranges::find(ours, verify->scheme) == ours.end() || !is_for_tls13(verify->scheme))
    return refuse(Alert::illegal_parameter,
                  fmt::format("the peer signed by {}, which was not offered",
                              crypto::to_string(verify->scheme)));
  if (!peer_key_->fits(verify->scheme))
    return refuse(
        Alert::illegal_parameter,
        fmt::format("the peer signed by {} with a key of another kind ({})",
                    crypto::to_string(verify->scheme), crypto::to_string(peer_key_->type())));
  const auto content = signed_content(role() == Role::client, transcript_.digest());
  if (!peer_key_->verify(verify->scheme, content, verify->signature))
    return refuse(Alert::decrypt_error,
                  "the peer's signature is wrong: it does not have its certificate's key");
  summary_.peer_scheme = verify->scheme;
  transcript_.add(message);
  enter(State::wait_verdict);
  act(NeedVerdict{});
  return {};
}

Outcome Handshake::on_verdict(Outcome verdict) {
  ASSERT(state() == State::wait_verdict);
  if (!verdict) return verdict;
  return on_accepted();
}

void Handshake::send_certificate(const Identity* identity, Bytes context, bool with_ocsp) {
  CertificateMessage message;
  message.context = context;
  if (identity != nullptr) {
    for (const std::vector<u8>& der : identity->chain()) {
      ASSERT(message.count < certificates_max);
      message.storage[message.count++] = {der, std::nullopt};
    }
    if (with_ocsp && !identity->ocsp_response().empty())
      message.storage[0].ocsp_response = identity->ocsp_response();
  }
  send(emit(message));
}

Outcome Handshake::ask_for_signature(const Identity& identity, crypto::SignatureScheme scheme) {
  std::vector<u8> content = signed_content(role() == Role::server, transcript_.digest());
  scheme_asked_ = scheme;
  enter(State::wait_signature);
  const crypto::PrivateKey* key = identity.key();
  if (key == nullptr) {
    act(NeedSignature{scheme, std::move(content), &identity});
    return {};
  }
  std::vector<u8> signature(key->signature_size_max());
  const auto size = key->sign(scheme, content, signature);
  if (!size) return refuse(Alert::internal_error, size.error().why);
  return on_signature(Bytes(signature).first(*size));
}

Outcome Handshake::on_signature(Bytes signature) {
  ASSERT(state() == State::wait_signature);
  if (signature.empty())
    return refuse(Alert::internal_error, "the key that must sign the handshake did not");
  send(emit(CertificateVerify{*scheme_asked_, signature}));
  return on_signed();
}

void Handshake::export_keying_material(std::string_view label, Bytes context, MutBytes out) {
  stage<ConnectedStage>().export_keying_material(label, context, out);
}

void Handshake::update_keys(bool request_peer) {
  ASSERT(state() == State::connected);
  act(SendMessage{write_level_, emit(KeyUpdate{request_peer})});
  act(UpdateKeys{Direction::write});
}

Outcome Handshake::on_key_update(Bytes body) {
  const auto message = parse_key_update(body);
  if (!message) return failure(message.error());
  act(UpdateKeys{Direction::read});
  if (message->update_requested) update_keys(false);
  return {};
}

}  // namespace handfast::tls
