// RFC 5246 §7.3 and §7.4 as the server sees it, with RFC 8422 (ECDHE), RFC 7627 (extended master
// secret), RFC 5746 (renegotiation, which is refused) and RFC 5077 (tickets).
#include <algorithm>
#include <array>

#include <fmt/format.h>

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
  sends_ticket_ = hello.session_ticket.has_value() && config().ticket_keys != nullptr;
  Outcome good = choose_limits(hello);
  if (good) good = choose_protocol(hello);
  if (good) choose_session12(hello, now);
  if (good && !session_) good = choose_group12(hello);
  if (good && !session_) good = choose_suite12(hello);
  if (!good) return good;
  enter(State::negotiated);
  if (session_ && !config().renews_tickets) sends_ticket_ = false;
  transcript().select(agreed().suite->hash, true);
  transcript().add(message);
  send_server_hello12(hello);
  return session_ ? resume12(now) : send_parameters(hello);
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
  if (!hello.extended_master_secret)
    return refuse(Alert::handshake_failure,
                  "the client has no extended master secret (RFC 7627), without which TLS 1.2 "
                  "sessions can be mixed up");
  return {};
}

/// RFC 5077 §3.4: the ticket is one of ours, and fits what the client offers now.
void Server::choose_session12(const ClientHello& hello, Instant now) {
  session_.reset();
  if (!sends_ticket_ || hello.session_ticket->empty() || hello.session_id.empty()) return;
  session_ = config().ticket_keys->open(*hello.session_ticket, now);
  if (!session_) return;
  const Suite* suite = find_suite(session_->suite);
  const auto& ours = config().suites;
  const bool is_good =
      suite != nullptr && suite->version == Version::tls_1_2 &&
      hello.suites.contains(session_->suite) &&
      std::ranges::find(ours, session_->suite) != ours.end() &&
      session_->server_name == agreed().server_name &&
      (config().client_auth != ClientAuth::require || !session_->peer_chain.empty());
  if (is_good)
    agreed().suite = suite;
  else
    session_.reset();
}

/// RFC 8422 §4: a client that names no groups takes any; P-256 is what all have.
Outcome Server::choose_group12(const ClientHello& hello) {
  for (const crypto::Group group : config().groups) {
    if (!is_curve12(group)) continue;
    const bool is_offered =
        hello.groups.empty() ? group == crypto::Group::secp256r1 : hello.groups.contains(group);
    if (!is_offered) continue;
    group_ = group;
    return {};
  }
  return refuse(Alert::handshake_failure,
                "no group for key exchange in common with the client, which offers TLS 1.2");
}

Outcome Server::choose_suite12(const ClientHello& hello) {
  for (const CipherSuite code : config().suites) {
    const Suite* suite = find_suite(code);
    if (suite == nullptr || suite->version != Version::tls_1_2 || !hello.suites.contains(code))
      continue;
    const auto fits = [&](const Identity& identity) {
      return identity.fits(*suite) && identity.is_within(hello.groups);
    };
    if (!choose_identity(hello, fits)) continue;
    agreed().suite = suite;
    return {};
  }
  return refuse(Alert::handshake_failure,
                fmt::format("no cipher suite of TLS 1.2 in common for the certificates here; the "
                            "client offers {}",
                            names(hello.suites)));
}

void Server::send_server_hello12(const ClientHello& hello) {
  entropy().fill(server_random_);
  // RFC 8446 §4.1.3: so that a client that could do better knows.
  if (config().speaks(Version::tls_1_3))
    std::ranges::copy(downgrade_to_1_2, server_random_.end() - downgrade_to_1_2.size());
  ServerHello answer;
  answer.random = server_random_;
  if (session_) answer.session_id = hello.session_id;
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

Outcome Server::send_parameters(const ClientHello& hello) {
  send_certificate(identity_, {}, false);
  if (staples(hello)) send(emit_certificate_status(identity_->ocsp_response()));
  key_exchange_.emplace(*group_, entropy());
  agreed().group = group_;
  parameters_ = emit_parameters({*group_, key_exchange_->share()});
  asks_certificate_ = config().client_auth != ClientAuth::none;
  std::vector<u8> content(client_random().begin(), client_random().end());
  content.insert(content.end(), server_random_.begin(), server_random_.end());
  content.insert(content.end(), parameters_.begin(), parameters_.end());
  return ask_for_signature(*identity_, *scheme_, std::move(content));
}

Outcome Server::on_signed12(Bytes signature) {
  send(emit_server_key_exchange(parameters_, scheme_asked(), signature));
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
  return {};
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

Outcome Server::on_client_key_exchange(Bytes message) {
  const auto share = parse_client_key_exchange(message.subspan(message_header_size));
  if (!share) return failure(share.error());
  const auto shared = key_exchange_->agree(*share);
  if (!shared) return refuse(Alert::illegal_parameter, shared.error().why);
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
  }
  transcript().forget_messages();
  enter(State::connected);
  act(HandshakeDone{});
  return {};
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
