// RFC 8446 §4.1.2 to §4.6 as the server sees it, in appendix A.2's order.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/assert.hpp"
#include "crypto/wipe.hpp"
#include "tls/server.hpp"
#include "tls/writer.hpp"

namespace handfast::tls {
namespace {

template <class Code>
std::vector<u8> list(const std::vector<Code>& codes) {
  Writer writer;
  for (const Code code : codes) writer.code(code);
  return writer.finish();
}

}  // namespace

Outcome Server::on_message(Bytes message, Instant now) {
  if (agreed().version == Version::tls_1_2) return on_message12(message, now);
  const auto type = static_cast<HandshakeType>(message[0]);
  switch (state()) {
    case State::start:
    case State::wait_second_hello:
      if (type == HandshakeType::client_hello) return on_client_hello(message, now);
      break;
    case State::wait_end_of_early_data:
      if (type == HandshakeType::end_of_early_data) return on_end_of_early_data(message);
      break;
    case State::wait_certificate:
      if (type == HandshakeType::certificate || (type == HandshakeType::compressed_certificate &&
                                                 !config().certificate_compression.empty()))
        return on_client_certificate(message);
      break;
    case State::wait_certificate_verify:
      if (type == HandshakeType::certificate_verify) return on_certificate_verify(message);
      break;
    case State::wait_finished:
      if (type == HandshakeType::finished) return on_finished(message, now);
      break;
    case State::connected:
      if (type == HandshakeType::key_update && !config().is_quic())
        return on_key_update(message.subspan(message_header_size));
      break;
    default: break;  // nothing may come
  }
  return unexpected_message(message, state());
}

Outcome Server::on_client_hello(Bytes message, Instant now) {
  const auto parsed = parse_client_hello(message.subspan(message_header_size));
  if (!parsed) return failure(parsed.error());
  const ClientHello& hello = *parsed;
  const bool is_second = state() == State::wait_second_hello;
  const auto version = choose_version(hello);
  if (!version) return failure(version.error());
  if (const Outcome good = check_quic(hello); !good) return good;
  if (*version == Version::tls_1_2 && !is_second) return on_client_hello12(hello, message, now);
  if (*version == Version::tls_1_2)
    return refuse(Alert::illegal_parameter, "the client offers TLS 1.2 after a HelloRetryRequest");
  speak(Version::tls_1_3);
  Outcome good = check_hello(hello);
  if (good && is_second) good = check_second_hello(hello);
  if (good) good = choose_suite(hello);
  if (good) good = choose_psk(hello, message, now);
  if (good) good = choose_group(hello);
  if (good) good = choose_limits(hello);
  if (!good) return good;
  agreed().server_name = hello.server_name.value_or("");
  if (const auto& quic = hello.quic_parameters)
    agreed().peer_quic_parameters.assign(quic->begin(), quic->end());
  skips_early_data_ = hello.early_data;
  if (hello.early_data) agreed().early_data = EarlyData::rejected;
  if (group_ && peer_share_.empty()) {
    send_retry(hello, message);
    return {};
  }
  good = choose_protocol(hello);
  if (good && !session_) good = choose_identity(hello);
  if (!good) return good;
  if (takes_early_data(hello, now)) {
    agreed().early_data = EarlyData::accepted;
    skips_early_data_ = false;
  }
  enter(State::negotiated);
  set_client_random(hello.random);
  return send_server_hello(hello, message);
}

void Server::send_retry(const ClientHello& hello, Bytes message) {
  agreed().is_retried = true;
  transcript().add(message);
  transcript().select(agreed().suite->hash);
  transcript().replace_by_hash();
  ServerHello retry;
  retry.is_retry = true;
  retry.random = retry_random;
  retry.session_id = hello.session_id;
  retry.suite = agreed().suite->code;
  retry.share = KeyShare{*group_, {}};
  retry.version = Version::tls_1_3;
  send(emit_server_hello(retry));
  if (!hello.session_id.empty()) act(SendChangeCipherSpec{});
  enter(State::wait_second_hello);
}

Outcome Server::send_server_hello(const ClientHello& hello, Bytes message) {
  std::array<u8, random_size> random_bytes{};
  entropy().fill(random_bytes);
  ServerHello answer;
  answer.random = random_bytes;
  answer.session_id = hello.session_id;
  answer.suite = agreed().suite->code;
  answer.version = Version::tls_1_3;
  if (session_) answer.psk = psk_index_;
  crypto::KeyExchange::Answer exchange;
  if (group_) {
    auto answered = crypto::KeyExchange::answer(*group_, peer_share_, entropy());
    if (!answered) return refuse(Alert::illegal_parameter, answered.error().why);
    exchange = std::move(*answered);
    answer.share = KeyShare{*group_, exchange.share};
    agreed().group = group_;
  }
  agreed().is_resumed = session_.has_value();
  transcript().add(message);
  transcript().select(agreed().suite->hash);
  EarlyStage early(agreed().suite->hash, session_ ? session_->psk.bytes() : Bytes{});
  const bool takes_early_data = agreed().early_data == EarlyData::accepted;
  if (takes_early_data)
    install_early_keys(Direction::read, *agreed().suite, early, transcript().digest());
  send(emit_server_hello(answer));
  if (!hello.session_id.empty() && !agreed().is_retried) act(SendChangeCipherSpec{});

  enter_handshake_keys(std::move(early), exchange.secret.bytes());
  install(Direction::write, Level::handshake, stage<HandshakeStage>().server_traffic());
  if (!takes_early_data)
    install(Direction::read, Level::handshake, stage<HandshakeStage>().client_traffic());
  send_encrypted_extensions(hello);
  if (session_) {
    agreed().peer_chain = session_->peer_chain;
    send_finished();
    enter(takes_early_data ? State::wait_end_of_early_data : State::wait_finished);
    return {};
  }
  asks_certificate_ = config().client_auth != ClientAuth::none;
  if (asks_certificate_) send_certificate_request();
  send_certificate(identity_, hello.status_request, hello.compressions);
  return ask_for_signature(*identity_, *scheme_, content_to_sign());
}

void Server::send_encrypted_extensions(const ClientHello& hello) {
  EncryptedExtensions extensions;
  const std::vector<u8> groups = list(config().told_groups());
  if (config().announce_groups) extensions.groups = CodeList<crypto::Group>(groups);
  if (hello.record_size_limit) extensions.record_size_limit = config().record_size_limit;
  // RFC 6066 §3: the name was used, unless an old session goes on.
  extensions.server_name = hello.server_name.has_value() && !session_;
  if (!agreed().protocol.empty()) extensions.protocol = agreed().protocol;
  if (config().is_quic()) extensions.quic_parameters = *config().quic_parameters;
  extensions.early_data = agreed().early_data == EarlyData::accepted;
  send(emit(extensions));
}

void Server::send_certificate_request() {
  CertificateRequest request;
  const std::vector<u8> schemes = list(config().schemes);
  request.schemes = CodeList<crypto::SignatureScheme>(schemes);
  const std::vector<u8> compressions = list(config().certificate_compression);
  request.compressions = CodeList<crypto::CertificateCompression>(compressions);
  send(emit(request));
}

Outcome Server::on_signed(Bytes signature) {
  if (agreed().version == Version::tls_1_2) return on_signed12(signature);
  send_certificate_verify(signature);
  send_finished();
  enter(asks_certificate_ ? State::wait_certificate : State::wait_finished);
  return {};
}

void Server::send_finished() {
  auto& keys = stage<HandshakeStage>();
  send(emit_plain(HandshakeType::finished, keys.server_finished(transcript().digest())));
  derive_application_keys();
  install(Direction::write, Level::application, stage<ApplicationStage>().server_traffic());
}

Outcome Server::on_client_certificate(Bytes message) {
  const auto body = certificate_body(message);
  if (!body) return failure(body.error());
  const auto certificate = parse_certificate(*body);
  if (!certificate) return failure(certificate.error());
  if (!certificate->context.empty())
    return refuse(Alert::illegal_parameter, "the client's Certificate has a context");
  if (certificate->count == 0) {
    if (config().client_auth == ClientAuth::require)
      return refuse(Alert::certificate_required, "the client has no certificate to show");
    transcript().add(message);
    enter(State::wait_finished);
    return {};
  }
  if (certificate->entries()[0].ocsp_response)
    return refuse(Alert::unsupported_extension,
                  "the client stapled an OCSP response, which was not asked for");
  if (const Outcome good = on_certificate(*certificate); !good) return good;
  transcript().add(message);
  enter(State::wait_certificate_verify);
  return {};
}

Outcome Server::on_accepted() {
  const bool is_tls12 = agreed().version == Version::tls_1_2;
  enter(is_tls12 ? State::wait_change_cipher_spec : State::wait_finished);
  return {};
}

Outcome Server::on_finished(Bytes message, Instant now) {
  auto& keys = stage<ApplicationStage>();
  const Digest wanted = keys.client_finished(transcript().digest());
  if (!crypto::equal_in_constant_time(wanted, message.subspan(message_header_size)))
    return refuse(Alert::decrypt_error,
                  "the client's Finished is wrong: the handshake was changed on the way");
  transcript().add(message);
  install(Direction::read, Level::application, keys.client_traffic());
  set_stage(std::move(keys).connected(transcript().digest()));
  enter(State::connected);
  act(HandshakeDone{});
  send_tickets(now);
  return {};
}

void Server::send_tickets(Instant now) {
  TicketIssuer* keys = config().ticket_keys;
  if (keys == nullptr || !takes_tickets_) return;
  for (u32 i = 0; i < config().tickets_per_session; ++i) {
    const std::array<u8, 1> nonce{to<u8>(i)};
    SessionState state = state_to_keep(stage<ConnectedStage>().ticket_psk(nonce), now);
    if (config().takes_early_data()) state.early_bytes_max = config().early_bytes_max;
    const std::vector<u8> sealed = keys->seal(state, now);
    if (sealed.empty()) return;
    NewSessionTicket ticket;
    ticket.lifetime_s = lifetime_s();
    ticket.age_add = state.age_add;
    ticket.nonce = nonce;
    ticket.ticket = sealed;
    if (state.early_bytes_max > 0) ticket.early_data_max = state.early_bytes_max;
    act(SendMessage{Level::application, emit(ticket)});
  }
}

SessionState Server::state_to_keep(crypto::Secret secret, Instant now) {
  SessionState state;
  state.suite = agreed().suite->code;
  state.psk = std::move(secret);
  state.issued = now;
  std::array<u8, 4> age_add{};
  entropy().fill(age_add);
  state.age_add = load_be32(age_add.data());
  state.server_name = agreed().server_name;
  state.protocol = agreed().protocol;
  state.peer_chain = agreed().peer_chain;
  return state;
}

u32 Server::lifetime_s() const {
  const Duration lifetime = config().ticket_keys->lifetime();
  return to<u32>(std::chrono::duration_cast<std::chrono::seconds>(lifetime).count());
}

}  // namespace handfast::tls
