#include "tls/handshake.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/assert.hpp"
#include "crypto/certificate.hpp"
#include "crypto/wipe.hpp"
#include "tls/messages12.hpp"

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
  act(InstallKeys{direction, level, summary_.suite, secret.clone(), {}});
}

void Handshake::install_early_keys(Direction direction, const Suite& suite, EarlyStage& early,
                                   Bytes hello_hash) {
  Secret secret = early.early_traffic(hello_hash);
  log_secret("CLIENT_EARLY_TRAFFIC_SECRET", secret);
  if (direction == Direction::write) write_level_ = Level::early_data;
  act(InstallKeys{direction, Level::early_data, &suite, std::move(secret), {}});
}

void Handshake::drop_keys() {
  write_level_ = Level::initial;
  act(DropKeys{});
}

void Handshake::log_secret(std::string_view label, const Secret& secret) {
  if (!config_.key_log) return;
  act(KeyLogLine{fmt::format("{} {} {}", label, hex(client_random_), hex(secret.bytes()))});
}

/// What entered the key schedule is in the handshake's secrets, or the master secret; the later
/// ones follow from these.
void Handshake::tell_secrets(std::string_view name) const {
  const bool is_first =
      std::holds_alternative<HandshakeStage>(stage_) || std::holds_alternative<MasterStage>(stage_);
  const bool is_tls12 = summary_.version == Version::tls_1_2;
  std::string from;
  if (is_first && summary_.is_resumed) from = is_tls12 ? "the session before" : "PSK";
  if (is_first && summary_.group)
    from += (from.empty() ? "" : ", ") + crypto::to_string(*summary_.group);
  // RFC 5246 §8.1.1.
  if (is_first && from.empty() && summary_.suite->exchange == Exchange::rsa)
    from = "both randoms, pre-master secret";
  machine_.sink()->on(trace::TlsSecrets{name, from});
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

Result<Bytes, Error> Handshake::certificate_body(Bytes message) {
  const Bytes body = message.subspan(message_header_size);
  if (static_cast<HandshakeType>(message[0]) == HandshakeType::certificate) return body;
  const auto packed = parse_compressed_certificate(body);
  if (!packed) return failure(packed.error());
  if (std::ranges::find(config_.certificate_compression, packed->algorithm) ==
      config_.certificate_compression.end())
    return refuse(Alert::illegal_parameter,
                  fmt::format("the peer's certificates are compressed by {}, which was not offered",
                              crypto::to_string(packed->algorithm)));
  auto unpacked = crypto::decompress(packed->algorithm, packed->packed, packed->length,
                                     config_.message_bytes_max);
  // RFC 8879 §4: "MUST be aborted with a "bad_certificate" alert".
  if (!unpacked) return refuse(Alert::bad_certificate, "the peer sent " + unpacked.error());
  unpacked_ = std::move(*unpacked);
  summary_.peer_compression = packed->algorithm;
  return Bytes(unpacked_);
}

Outcome Handshake::on_certificate(const CertificateMessage& message) {
  if (message.stray)
    return refuse(Alert::unsupported_extension,
                  fmt::format("the peer's certificate comes with {}, which was not asked for",
                              to_string(*message.stray)));
  ASSERT(message.count > 0);
  const Bytes der = message.entries()[0].der;
  const auto leaf = config_.certificates != nullptr ? config_.certificates->parse(der)
                                                    : crypto::Certificate::parse(der);
  if (!leaf)
    return refuse(Alert::bad_certificate,
                  "the peer's certificate cannot be read: " + leaf.error().sentence);
  peer_key_ = leaf->public_key();
  may_peer_decipher_ = leaf->allows(crypto::KeyUsage::key_encipherment);
  may_peer_sign_ = leaf->allows(crypto::KeyUsage::digital_signature);
  for (const CertificateEntry& entry : message.entries())
    summary_.peer_chain.emplace_back(entry.der.begin(), entry.der.end());
  if (const auto& ocsp = message.entries()[0].ocsp_response)
    summary_.peer_ocsp_response.assign(ocsp->begin(), ocsp->end());
  return {};
}

Outcome Handshake::on_certificate_verify(Bytes message) {
  const auto verify = parse_certificate_verify(message.subspan(message_header_size));
  if (!verify) return failure(verify.error());
  const bool is_tls12 = summary_.version == Version::tls_1_2;
  const Bytes all = transcript_.messages();
  const std::vector<u8> content =
      is_tls12 ? std::vector<u8>(all.begin(), all.end())
               : signed_content(role() == Role::client, transcript_.digest());
  if (const Outcome good = check_signature(verify->scheme, content, verify->signature); !good)
    return good;
  transcript_.add(message);
  enter(State::wait_verdict);
  act(NeedVerdict{});
  return {};
}

Outcome Handshake::check_signature(crypto::SignatureScheme scheme, Bytes content, Bytes signature) {
  const bool is_tls12 = summary_.version == Version::tls_1_2;
  const auto& ours = config_.schemes;
  // RFC 8446 §4.4.3: what we offered, and nothing that this version forbids.
  if (std::ranges::find(ours, scheme) == ours.end() || !is_usable(scheme, summary_.version))
    return refuse(
        Alert::illegal_parameter,
        fmt::format("the peer signed by {}, which was not offered", crypto::to_string(scheme)));
  if (!peer_key_->fits(scheme, is_tls12))
    return refuse(Alert::illegal_parameter,
                  fmt::format("the peer signed by {} with a key of another kind ({})",
                              crypto::to_string(scheme), crypto::to_string(peer_key_->type())));
  // §4.4.2.2: "the digitalSignature bit MUST be set if the Key Usage extension is present".
  if (!may_peer_sign_)
    return refuse(Alert::unsupported_certificate,
                  "the peer's certificate does not allow its key to sign (key usage)");
  if (!peer_key_->verify(scheme, content, signature))
    return refuse(Alert::decrypt_error,
                  "the peer's signature is wrong: it does not have its certificate's key");
  summary_.peer_scheme = scheme;
  return {};
}

Outcome Handshake::on_verdict(Outcome verdict) {
  ASSERT(state() == State::wait_verdict);
  if (!verdict) return verdict;
  return on_accepted();
}

void Handshake::send_certificate(const Identity* identity, bool with_ocsp,
                                 const CodeList<crypto::CertificateCompression>& compressions) {
  if (identity == nullptr)
    return send(summary_.version == Version::tls_1_2 ? emit_certificate12({})
                                                     : emit(CertificateMessage{}));
  if (summary_.version == Version::tls_1_2)
    return send(emit_certificate12(certificate_message(*identity, false)));
  for (const crypto::CertificateCompression algorithm : config_.certificate_compression)
    if (compressions.contains(algorithm))
      return send(identity->compressed_certificate(algorithm, with_ocsp));
  send(emit(certificate_message(*identity, with_ocsp)));
}

std::vector<u8> Handshake::content_to_sign() const {
  return signed_content(role() == Role::server, transcript_.digest());
}

Outcome Handshake::ask_for_signature(const Identity& identity, crypto::SignatureScheme scheme,
                                     std::vector<u8> content) {
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
  return on_signed(signature);
}

void Handshake::send_certificate_verify(Bytes signature) {
  send(emit(CertificateVerify{*scheme_asked_, signature}));
}

void Handshake::export_keying_material(std::string_view label, std::optional<Bytes> context,
                                       MutBytes out) {
  if (summary_.version == Version::tls_1_2)
    stage<MasterStage>().export_keying_material(label, context, out);
  else
    stage<ConnectedStage>().export_keying_material(label, context.value_or(Bytes{}), out);
}

void Handshake::update_keys(bool request_peer) {
  ASSERT(state() == State::connected && summary_.version == Version::tls_1_3);
  ASSERT(!config_.is_quic());
  act(SendMessage{write_level_, emit(KeyUpdate{request_peer})});
  act(UpdateKeys{Direction::write});
  owes_key_update_ = false;
}

Outcome Handshake::on_key_update(Bytes body) {
  const auto message = parse_key_update(body);
  if (!message) return failure(message.error());
  act(UpdateKeys{Direction::read});
  // §4.6.3: "an implementation which receives multiple KeyUpdates while it is silent [will] respond
  // with a single update".
  owes_key_update_ = owes_key_update_ || message->update_requested;
  return {};
}

void Handshake::log_master() { log_secret("CLIENT_RANDOM", stage<MasterStage>().master()); }

void Handshake::send_finished12() {
  act(SendChangeCipherSpec{});
  auto& master = stage<MasterStage>();
  TrafficKeys keys = master.keys_of(role());
  write_level_ = Level::application;
  act(InstallKeys{Direction::write, Level::application, summary_.suite, std::move(keys.key),
                  std::move(keys.iv)});
  send(emit_plain(HandshakeType::finished, master.finished(role(), transcript_.digest())));
}

void Handshake::on_change_cipher_spec() {
  TrafficKeys keys = stage<MasterStage>().keys_of(other(role()));
  act(InstallKeys{Direction::read, Level::application, summary_.suite, std::move(keys.key),
                  std::move(keys.iv)});
  enter(State::wait_finished);
}

Outcome Handshake::check_finished12(Bytes message) {
  const Digest wanted = stage<MasterStage>().finished(other(role()), transcript_.digest());
  if (!crypto::equal_in_constant_time(wanted, message.subspan(message_header_size)))
    return refuse(Alert::decrypt_error,
                  "the peer's Finished is wrong: the handshake was changed on the way");
  transcript_.add(message);
  return {};
}

}  // namespace handfast::tls
