// RFC 5246 §7.3 and §7.4 as the client sees it, with RFC 8422 (ECDHE), RFC 7919 (DHE), RFC 7627
// (extended master secret), RFC 5746 (renegotiation, which is refused) RFC 5077 (tickets)
// and session IDs without them.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/byte_order.hpp"
#include "crypto/rsa_transport.hpp"
#include "tls/client.hpp"
#include "tls/key_exchange12.hpp"

namespace handfast::tls {

using crypto::to_string;

Outcome Client::on_message12(Bytes message, Instant now) {
  using enum HandshakeType;
  const auto type = static_cast<HandshakeType>(message[0]);
  switch (state()) {
    case State::wait_certificate:
      if (type == certificate) return on_certificate12(message);
      break;
    case State::wait_server_key_exchange:
      if (type == certificate_status) return on_certificate_status(message);
      if (type == server_key_exchange) return on_server_key_exchange(message);
      break;
    case State::wait_request_or_done:
      if (type == certificate_status) return on_certificate_status(message);
      if (type == certificate_request) return on_certificate_request12(message);
      if (type == server_hello_done) return on_hello_done(message);
      break;
    case State::wait_hello_done:
      if (type == server_hello_done) return on_hello_done(message);
      break;
    case State::wait_new_session_ticket:
      if (type == new_session_ticket) return on_new_session_ticket12(message, now);
      break;
    case State::wait_finished:
      if (type == finished) return on_finished12(message, now);
      break;
    case State::connected:
      // RFC 5246 §7.4.1.1: "This message will be ignored by the client if … it does not wish to".
      if (type == hello_request && message.size() == message_header_size) return {};
      break;
    default: break;
  }
  return unexpected_message(message, state());
}

Outcome Client::on_server_hello12(const ServerHello& hello, Bytes message) {
  speak(Version::tls_1_2);
  if (const Outcome good = check_server_hello12(hello); !good) return good;
  agreed().suite = find_suite(hello.suite);
  std::ranges::copy(hello.random, server_random_.begin());
  transcript().select(agreed().suite->hash, true);
  transcript().add(message);
  agreed().protocol = hello.protocol.value_or("");
  if (hello.record_size_limit) agreed().record_size_limit = *hello.record_size_limit;
  is_ticket_coming_ = hello.session_ticket;
  is_status_coming_ = hello.status_request;
  session_id12_.assign(hello.session_id.begin(), hello.session_id.end());
  // RFC 5246 §7.4.1.3, RFC 5077 §3.4: a server that resumes echoes the session ID, which may only
  // have come with a ticket.
  const bool is_echo =
      !hello.session_id.empty() && std::ranges::equal(hello.session_id, offered_.session_id);
  if (!is_echo) {
    enter(State::wait_certificate);
    return {};
  }
  if (!offers_ticket(Version::tls_1_2) || ticket_->suite != hello.suite)
    return refuse(Alert::illegal_parameter, "the server resumes another session than the offered");
  agreed().is_resumed = true;
  set_stage(MasterStage(*agreed().suite, client_random(), server_random_, ticket_->psk.bytes()));
  log_master();
  enter(is_ticket_coming_ ? State::wait_new_session_ticket : State::wait_change_cipher_spec);
  return {};
}

Outcome Client::check_server_hello12(const ServerHello& hello) const {
  if (retry_suite_)
    return refuse(Alert::illegal_parameter, "the server speaks TLS 1.2 after a HelloRetryRequest");
  // RFC 8446 §4.1.3: a server that could do better was made to do this by somebody in between.
  const Bytes last = hello.random.last(downgrade_to_1_2.size());
  if (config().speaks(Version::tls_1_3) &&
      (std::ranges::equal(last, downgrade_to_1_2) || std::ranges::equal(last, downgrade_to_1_1)))
    return refuse(Alert::illegal_parameter,
                  "the server can speak TLS 1.3, and somebody on the way prevented that");
  const Suite* suite = find_suite(hello.suite);
  if (!offered_.suites.contains(hello.suite) || suite == nullptr ||
      suite->version != Version::tls_1_2)
    return refuse(Alert::illegal_parameter,
                  fmt::format("the server chose {}, which was not offered for TLS 1.2",
                              to_string(hello.suite)));
  if (hello.compression_method != 0)
    return refuse(Alert::illegal_parameter, "the server wants to compress");
  if (!hello.extended_master_secret)
    return refuse(Alert::handshake_failure,
                  "the server has no extended master secret (RFC 7627), without which TLS 1.2 "
                  "sessions can be mixed up");
  if (!hello.renegotiation_info || !hello.renegotiation_info->empty())
    return refuse(Alert::handshake_failure,
                  "the server does not know how to renegotiate securely (RFC 5746)");
  return check_old_extensions(hello);
}

/// Nothing that was not offered.
Outcome Client::check_old_extensions(const ServerHello& hello) const {
  const auto unasked = [](ExtensionType type) {
    return refuse(Alert::unsupported_extension,
                  fmt::format("the ServerHello holds {}, which was not offered or has no place "
                              "there",
                              to_string(type)));
  };
  if (hello.stray) return unasked(*hello.stray);
  // RFC 8422 §5.1.2: the uncompressed format must be among them.
  if (hello.point_formats &&
      std::ranges::find(*hello.point_formats, 0) == hello.point_formats->end())
    return refuse(Alert::illegal_parameter, "the server does not take uncompressed points");
  if (hello.server_name && !offered_.server_name) return unasked(ExtensionType::server_name);
  if (hello.session_ticket && !offered_.session_ticket)
    return unasked(ExtensionType::session_ticket);
  if (hello.status_request && !offered_.status_request)
    return unasked(ExtensionType::status_request);
  if (hello.record_size_limit)
    if (const Outcome good = check_size_limit(*hello.record_size_limit); !good) return good;
  return hello.protocol ? check_protocol(*hello.protocol) : Outcome{};
}

Outcome Client::on_certificate12(Bytes message) {
  const auto certificate = parse_certificate12(message.subspan(message_header_size));
  if (!certificate) return failure(certificate.error());
  if (certificate->count == 0) return refuse(Alert::decode_error, "the server sent no certificate");
  if (const Outcome good = on_certificate(*certificate); !good) return good;
  if (!fits(peer_key(), *agreed().suite))
    return refuse(Alert::illegal_parameter,
                  fmt::format("the server's certificate has a key ({}) that {} does not take",
                              to_string(peer_key().type()), agreed().suite->name));
  const bool is_transport = agreed().suite->exchange == Exchange::rsa;
  // RFC 5246 §7.4.2: "The keyEncipherment bit MUST be set if the key usage extension is present".
  if (is_transport && !may_peer_decipher())
    return refuse(
        Alert::illegal_parameter,
        "the server's certificate has a key usage without keyEncipherment, and the server "
        "wants a secret encrypted to its key");
  if (!is_within(peer_key(), offered_.groups))
    return refuse(Alert::illegal_parameter,
                  fmt::format("the server's certificate has a key ({}) of a curve that was not "
                              "offered",
                              to_string(peer_key().type())));
  transcript().add(message);
  enter(is_transport ? State::wait_request_or_done : State::wait_server_key_exchange);
  return {};
}

Outcome Client::on_certificate_status(Bytes message) {
  if (!std::exchange(is_status_coming_, false)) return unexpected_message(message, state());
  const auto response = parse_certificate_status(message.subspan(message_header_size));
  if (!response) return failure(response.error());
  agreed().peer_ocsp_response.assign(response->begin(), response->end());
  transcript().add(message);
  return {};
}

/// What the server exchanges keys over, if we offered that.
Result<crypto::Group, Error> Client::group_of(const ServerKeyExchange& exchange) const {
  crypto::Group group = exchange.share.group;
  if (agreed().suite->exchange == Exchange::dhe) {
    const auto field = crypto::find_finite_field(exchange.prime, exchange.generator);
    if (!field) return failure(unsafe_group(exchange.prime));
    group = *field;
  }
  if (!offered_.groups.contains(group) || !fits(group, *agreed().suite))
    return refuse(
        Alert::illegal_parameter,
        fmt::format("the server's key share is of {}, which was not offered", to_string(group)));
  return group;
}

Outcome Client::on_server_key_exchange(Bytes message) {
  is_status_coming_ = false;
  const auto exchange =
      parse_server_key_exchange(message.subspan(message_header_size), agreed().suite->exchange);
  if (!exchange) return failure(exchange.error());
  const auto group = group_of(*exchange);
  if (!group) return failure(group.error());
  std::vector<u8> content(offered_.random.begin(), offered_.random.end());
  content.insert(content.end(), server_random_.begin(), server_random_.end());
  content.insert(content.end(), exchange->parameters.begin(), exchange->parameters.end());
  if (const Outcome good = check_signature(exchange->scheme, content, exchange->signature); !good)
    return good;
  const auto drawn = std::ranges::find(shares_, *group, &crypto::KeyExchange::group);
  if (drawn != shares_.end())
    key_exchange_.emplace(std::move(*drawn));
  else
    key_exchange_.emplace(*group, entropy());
  auto shared = agree12(*key_exchange_, exchange->share.share);
  if (!shared) return failure(shared.error());
  shared_ = std::move(*shared);
  agreed().group = *group;
  transcript().add(message);
  enter(State::wait_request_or_done);
  return {};
}

Outcome Client::on_certificate_request12(Bytes message) {
  const auto request = parse_certificate_request12(message.subspan(message_header_size));
  if (!request) return failure(request.error());
  is_certificate_asked_ = true;
  schemes_asked_.assign(request->schemes.raw().begin(), request->schemes.raw().end());
  transcript().add(message);
  enter(State::wait_hello_done);
  return {};
}

Outcome Client::on_hello_done(Bytes message) {
  if (message.size() != message_header_size)
    return refuse(Alert::decode_error, "ServerHelloDone holds something");
  transcript().add(message);
  enter(State::wait_verdict);
  act(NeedVerdict{});
  return {};
}

/// The server is accepted: our part of the handshake.
Outcome Client::send_flight12() {
  const Identity* identity = nullptr;
  std::optional<crypto::SignatureScheme> scheme;
  if (is_certificate_asked_) {
    const CodeList<crypto::SignatureScheme> asked{schemes_asked_};
    for (const Identity& ours : config().identities) {
      scheme = ours.choose_scheme(asked, Version::tls_1_2);
      if (!scheme) continue;
      identity = &ours;
      break;
    }
    send_certificate(identity, false);
  }
  send_client_key_exchange();
  set_stage(MasterStage(*agreed().suite, client_random(), server_random_, shared_.bytes(),
                        transcript().digest()));
  shared_.clear();
  log_master();
  if (identity == nullptr) return finish_flight12();
  const Bytes all = transcript().messages();
  return ask_for_signature(*identity, *scheme, {all.begin(), all.end()});
}

void Client::send_client_key_exchange() {
  const Exchange exchange = agreed().suite->exchange;
  if (exchange != Exchange::rsa) {
    send(emit_client_key_exchange(key_exchange_->share(), exchange));
    return;
  }
  // RFC 5246 §7.4.7.1: the version that was offered, so that nobody can make both ends take an
  // older one, and 46 random bytes.
  crypto::PreMaster secret(crypto::pre_master_size);
  entropy().fill(secret.room());
  store_be16(secret.room().data(), to<u16>(offered_.legacy_version));
  send(emit_client_key_exchange(encrypt_pre_master(peer_key(), secret, entropy()), exchange));
  shared_ = crypto::SharedSecret(secret.bytes());
}

Outcome Client::finish_flight12() {
  send_finished12();
  enter(is_ticket_coming_ ? State::wait_new_session_ticket : State::wait_change_cipher_spec);
  return {};
}

Outcome Client::on_new_session_ticket12(Bytes message, Instant now) {
  const auto ticket = parse_new_session_ticket12(message.subspan(message_header_size));
  if (!ticket) return failure(ticket.error());
  transcript().add(message);
  enter(State::wait_change_cipher_spec);
  if (ticket->ticket.empty()) return {};
  Ticket& kept = new_ticket_.emplace(session_to_keep12(now));
  kept.ticket.assign(ticket->ticket.begin(), ticket->ticket.end());
  // RFC 5077 §3.3: "A value of zero is reserved to indicate that the lifetime … is unspecified".
  const Duration told = std::chrono::seconds{ticket->lifetime_s};
  kept.lifetime = told == Duration{} ? ticket_lifetime_max : std::min(told, ticket_lifetime_max);
  return {};
}

Ticket Client::session_to_keep12(Instant now) {
  Ticket kept;
  kept.suite = agreed().suite->code;
  kept.psk = stage<MasterStage>().master().clone();
  kept.received = now;
  kept.server_name = server_name_;
  kept.protocol = agreed().protocol;
  return kept;
}

/// A server that gave no ticket may know the session by its ID; it stays as old as it is.
void Client::keep_session12(Instant now) {
  const bool is_by_id = !agreed().is_resumed || !ticket_->session_id.empty();
  if (new_ticket_ || session_id12_.empty() || !is_by_id) return;
  Ticket& kept = new_ticket_.emplace(session_to_keep12(now));
  kept.session_id = session_id12_;
  kept.lifetime = session_lifetime_max;
  if (agreed().is_resumed) kept.received = ticket_->received;
}

Outcome Client::on_finished12(Bytes message, Instant now) {
  if (const Outcome good = check_finished12(message); !good) return good;
  if (agreed().is_resumed) send_finished12();
  transcript().forget_messages();
  enter(State::connected);
  act(HandshakeDone{});
  keep_session12(now);
  if (new_ticket_) act(TicketReceived{std::move(*new_ticket_)});
  new_ticket_.reset();
  return {};
}

}  // namespace handfast::tls
