// RFC 5246 §7.3 and §7.4 as the server sees it, with RFC 8422 (ECDHE), RFC 7919 (DHE), RFC 7627
// (extended master secret), RFC 5746 (renegotiation, which is refused) RFC 5077 (tickets)
// and session IDs without them.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "crypto/rsa_transport.hpp"
#include "tls/key_exchange12.hpp"
#include "tls/messages12.hpp"
#include "tls/server.hpp"
#include "tls/writer.hpp"

namespace handfast::tls {

Outcome Server::on_message12(Bytes message, Instant now) {
  using enum HandshakeType;
  const auto type = static_cast<HandshakeType>(message[0]);
  switch (state()) {
    case State::wait_certificate:
      if (type == certificate) return on_certificate12(message);
      break;
    case State::wait_client_key_exchange:
      if (type == client_key_exchange) return on_client_key_exchange(message);
      break;
    case State::wait_certificate_verify:
      if (type == certificate_verify) return on_certificate_verify(message);
      break;
    case State::wait_finished:
      if (type == finished) return on_finished12(message, now);
      break;
    case State::connected:
      if (type == client_hello)
        return refuse(Alert::no_renegotiation, "the client wants to renegotiate, which is refused");
      break;
    default: break;
  }
  return unexpected_message(message, state());
}

Outcome Server::on_client_hello12(const ClientHello& hello, Bytes message, Instant now) {
  speak(Version::tls_1_2);
  if (const Outcome good = check_hello12(hello); !good) return good;
  agreed().server_name = hello.server_name.value_or("");
  set_client_random(hello.random);
  version_offered_ = hello.legacy_version;
  sends_ticket_ = hello.session_ticket.has_value() && config().ticket_keys != nullptr;
  Outcome good = choose_limits(hello);
  if (good) good = choose_protocol(hello);
  if (good) choose_session12(hello, now);
  if (good && !session_) good = choose_suite12(hello);
  if (good) good = check_master_secret12(hello);
  if (!good) return good;
  enter(State::negotiated);
  if (session_ && !config().renews_tickets) sends_ticket_ = false;
  transcript().select(agreed().suite->hash, true);
  transcript().add(message);
  send_server_hello12(hello);
  return session_ ? resume12(now) : send_flight12(hello);
}

Outcome Server::check_hello12(const ClientHello& hello) const {
  const auto has = [](Bytes list, u8 value) {
    return std::ranges::find(list, value) != list.end();
  };
  // RFC 7507: a client that was made to offer less than it can.
  if (hello.suites.contains(signals_fallback) && config().speaks(Version::tls_1_3))
    return refuse(Alert::inappropriate_fallback,
                  "the client fell back to TLS 1.2, and this server speaks TLS 1.3");
  if (!has(hello.compression_methods, 0))
    return refuse(Alert::illegal_parameter, "the client wants to compress");
  if (hello.point_formats && !has(*hello.point_formats, 0))
    return refuse(Alert::illegal_parameter, "the client does not take uncompressed points");
  if (hello.renegotiation_info && !hello.renegotiation_info->empty())
    return refuse(Alert::handshake_failure, "the client's first handshake is a renegotiation");
  return {};
}

/// Asked for last: a client so old as not to have it mostly lacks all suites too, and is told so.
Outcome Server::check_master_secret12(const ClientHello& hello) {
  if (hello.extended_master_secret) return {};
  return refuse(Alert::handshake_failure,
                "the client has no extended master secret (RFC 7627), without which TLS 1.2 "
                "sessions can be mixed up");
}

/// RFC 5077 §3.4: what a ticket of ours says counts, or without a ticket the session's ID.
void Server::choose_session12(const ClientHello& hello, Instant now) {
  session_.reset();
  if (sends_ticket_ && !hello.session_ticket->empty()) {
    session_ = config().ticket_keys->open(*hello.session_ticket, now);
  } else if (config().sessions != nullptr && !hello.session_id.empty()) {
    const SessionState* kept = config().sessions->find(hello.session_id, now);
    if (kept != nullptr) session_ = kept->clone();
  }
  if (session_ && !is_resumable12(*session_, hello)) session_.reset();
  if (!session_) return;
  agreed().suite = find_suite(session_->suite);
  session_id_.assign(hello.session_id.begin(), hello.session_id.end());
}

/// It fits what the client offers now.
bool Server::is_resumable12(const SessionState& session, const ClientHello& hello) const {
  const Suite* suite = find_suite(session.suite);
  const auto& ours = config().suites;
  return suite != nullptr && suite->version == Version::tls_1_2 &&
         hello.suites.contains(session.suite) &&
         std::ranges::find(ours, session.suite) != ours.end() &&
         session.server_name == agreed().server_name &&
         (config().client_auth != ClientAuth::require || !session.peer_chain.empty());
}

/// Of ours that the client has too. RFC 8422 §4: a client that names no groups takes any curve, and
/// P-256 is what all have. RFC 7919 §4: one that names no finite field takes any of those.
std::optional<crypto::Group> Server::group_for(const Suite& suite, const ClientHello& hello) const {
  const bool takes_any = suite.exchange == Exchange::dhe && !lists_finite_fields(hello.groups);
  for (const crypto::Group group : config().groups) {
    if (!fits(group, suite)) continue;
    const bool is_default = hello.groups.empty() && group == crypto::Group::secp256r1;
    if (takes_any || is_default || hello.groups.contains(group)) return group;
  }
  return std::nullopt;
}

bool Server::choose_identity12(const Suite& suite, const ClientHello& hello) {
  const auto is_good = [&](const Identity& identity) {
    return identity.fits(suite) && identity.is_within(hello.groups);
  };
  return choose_identity(hello, is_good, suite.exchange != Exchange::rsa);
}

Outcome Server::choose_suite12(const ClientHello& hello) {
  Lacking lacking = Lacking::suite;
  for (const CipherSuite code : config().suites) {
    const Suite* suite = find_suite(code);
    if (suite == nullptr || suite->version != Version::tls_1_2 || !hello.suites.contains(code))
      continue;
    group_ = group_for(*suite, hello);
    const bool has_group = group_ || suite->exchange == Exchange::rsa;
    lacking = std::max(lacking, has_group ? Lacking::certificate : Lacking::group);
    if (!has_group || !choose_identity12(*suite, hello)) continue;
    agreed().suite = suite;
    return {};
  }
  return failure(nothing_in_common12(hello, lacking));
}

Error Server::nothing_in_common12(const ClientHello& hello, Lacking lacking) {
  switch (lacking) {
    case Lacking::suite: break;
    case Lacking::group:
      // RFC 7919 §4 has an alert for who could only exchange keys in fields that we do not take.
      return {lists_finite_fields(hello.groups) ? Alert::insufficient_security
                                                : Alert::handshake_failure,
              fmt::format("no group for key exchange in TLS 1.2 in common; the client offers {}",
                          names(hello.groups))};
    case Lacking::certificate:
      // RFC 5246 §7.4.1.4.1: who names no schemes takes SHA-1 alone.
      return {Alert::handshake_failure,
              fmt::format("no certificate here is for the client, which offers {} and {}",
                          names(hello.suites),
                          hello.schemes.empty() ? "names no signature schemes, which means SHA-1"
                                                : "takes signatures by " + names(hello.schemes))};
  }
  return {Alert::handshake_failure,
          fmt::format("no cipher suite of TLS 1.2 in common; the client offers {}",
                      suites_offered(hello))};
}

void Server::send_server_hello12(const ClientHello& hello) {
  entropy().fill(server_random_);
  // RFC 8446 §4.1.3: so that a client that could do better knows.
  if (config().speaks(Version::tls_1_3))
    std::ranges::copy(downgrade_to_1_2, server_random_.end() - downgrade_to_1_2.size());
  ServerHello answer;
  answer.random = server_random_;
  if (!session_ && !sends_ticket_ && config().sessions != nullptr) {
    session_id_.resize(session_id_size_max);
    entropy().fill(session_id_);
  }
  answer.session_id = session_id_;
  answer.suite = agreed().suite->code;
  answer.extended_master_secret = true;
  if (hello.renegotiation_info || hello.suites.contains(signals_renegotiation_info))
    answer.renegotiation_info = Bytes{};
  answer.session_ticket = sends_ticket_;
  answer.server_name = hello.server_name.has_value() && !session_;
  constexpr std::array<u8, 1> uncompressed{0};
  if (hello.point_formats && !session_) answer.point_formats = uncompressed;
  answer.status_request = staples(hello);
  if (!agreed().protocol.empty()) answer.protocol = agreed().protocol;
  if (hello.record_size_limit) answer.record_size_limit = config().record_size_limit;
  send(emit_server_hello(answer));
}

bool Server::staples(const ClientHello& hello) const {
  return !session_ && hello.status_request && !identity_->ocsp_response().empty();
}

Outcome Server::send_flight12(const ClientHello& hello) {
  send_certificate(identity_, false);
  if (staples(hello)) send(emit_certificate_status(identity_->ocsp_response()));
  asks_certificate_ = config().client_auth != ClientAuth::none;
  if (agreed().suite->exchange == Exchange::rsa) {
    finish_flight12();
    return {};
  }
  key_exchange_.emplace(*group_, entropy());
  agreed().group = group_;
  parameters_ = emit_parameters({*group_, key_exchange_->share()});
  std::vector<u8> content(client_random().begin(), client_random().end());
  content.insert(content.end(), server_random_.begin(), server_random_.end());
  content.insert(content.end(), parameters_.begin(), parameters_.end());
  return ask_for_signature(*identity_, *scheme_, std::move(content));
}

Outcome Server::on_signed12(Bytes signature) {
  send(emit_server_key_exchange(parameters_, scheme_asked(), signature));
  finish_flight12();
  return {};
}

void Server::finish_flight12() {
  if (asks_certificate_) {
    Writer schemes;
    for (const crypto::SignatureScheme scheme : config().schemes) schemes.code(scheme);
    const std::vector<u8> raw = schemes.finish();
    CertificateRequest request;
    request.schemes = CodeList<crypto::SignatureScheme>(raw);
    send(emit_certificate_request12(request));
  }
  send(emit_plain(HandshakeType::server_hello_done, {}));
  enter(asks_certificate_ ? State::wait_certificate : State::wait_client_key_exchange);
}

Outcome Server::on_certificate12(Bytes message) {
  const auto certificate = parse_certificate12(message.subspan(message_header_size));
  if (!certificate) return failure(certificate.error());
  if (certificate->count == 0 && config().client_auth == ClientAuth::require)
    return refuse(Alert::handshake_failure, "the client has no certificate to show");
  if (certificate->count > 0)
    if (const Outcome good = on_certificate(*certificate); !good) return good;
  transcript().add(message);
  enter(State::wait_client_key_exchange);
  return {};
}

Result<crypto::SharedSecret, Error> Server::shared12(Bytes content) {
  if (agreed().suite->exchange != Exchange::rsa) return agree12(*key_exchange_, content);
  // RFC 5246 §7.4.7.1: whatever is wrong with it shows only when the client's Finished does not
  // decrypt, so that nobody can ask us what they may have guessed.
  const crypto::PreMaster secret =
      crypto::decrypt_pre_master(*identity_->key(), content, to<u16>(version_offered_), entropy());
  return crypto::SharedSecret(secret.bytes());
}

Outcome Server::on_client_key_exchange(Bytes message) {
  const auto content =
      parse_client_key_exchange(message.subspan(message_header_size), agreed().suite->exchange);
  if (!content) return failure(content.error());
  const auto shared = shared12(*content);
  if (!shared) return failure(shared.error());
  transcript().add(message);
  set_stage(MasterStage(*agreed().suite, client_random(), server_random_, shared->bytes(),
                        transcript().digest()));
  log_master();
  enter(agreed().peer_chain.empty() ? State::wait_change_cipher_spec
                                    : State::wait_certificate_verify);
  return {};
}

Outcome Server::resume12(Instant now) {
  agreed().is_resumed = true;
  agreed().peer_chain = session_->peer_chain;
  set_stage(MasterStage(*agreed().suite, client_random(), server_random_, session_->psk.bytes()));
  log_master();
  send_ticket12(now);
  send_finished12();
  enter(State::wait_change_cipher_spec);
  return {};
}

Outcome Server::on_finished12(Bytes message, Instant now) {
  if (const Outcome good = check_finished12(message); !good) return good;
  if (!agreed().is_resumed) {
    send_ticket12(now);
    send_finished12();
    keep_session12(now);
  }
  transcript().forget_messages();
  enter(State::connected);
  act(HandshakeDone{});
  return {};
}

void Server::keep_session12(Instant now) {
  if (session_id_.empty()) return;
  SessionId id;
  std::ranges::copy(session_id_, id.begin());
  config().sessions->put(id, state_to_keep(stage<MasterStage>().master().clone(), now));
}

/// RFC 5246 §7.2.2: "Servers and clients MUST forget any session-identifiers, keys, and secrets
/// associated with a failed connection".
void Server::on_failed() {
  if (config().sessions != nullptr) config().sessions->forget(session_id_);
}

void Server::send_ticket12(Instant now) {
  if (!sends_ticket_) return;
  const SessionState state = state_to_keep(stage<MasterStage>().master().clone(), now);
  const std::vector<u8> sealed = config().ticket_keys->seal(state, now);
  NewSessionTicket ticket;
  ticket.lifetime_s = lifetime_s();
  ticket.ticket = sealed;
  send(emit_new_session_ticket12(ticket));
}

}  // namespace handfast::tls
