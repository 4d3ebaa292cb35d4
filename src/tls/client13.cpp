// RFC 8446 §4.1.3 to §4.6 as the client sees it, in appendix A.1's order.
#include <algorithm>

#include <fmt/format.h>

#include "base/assert.hpp"
#include "crypto/wipe.hpp"
#include "tls/client.hpp"
#include "tls/records.hpp"

namespace handfast::tls {

using crypto::to_string;

Outcome Client::on_message(Bytes message, Instant now) {
  if (agreed().version == Version::tls_1_2) return on_message12(message, now);
  const auto type = static_cast<HandshakeType>(message[0]);
  switch (state()) {
    case State::wait_server_hello:
      if (type == HandshakeType::server_hello) return on_server_hello(message, now);
      break;
    case State::wait_encrypted_extensions:
      if (type == HandshakeType::encrypted_extensions) return on_encrypted_extensions(message);
      break;
    case State::wait_certificate_or_request:
      if (type == HandshakeType::certificate_request) return on_certificate_request(message);
      if (is_certificate(type)) return on_server_certificate(message);
      break;
    case State::wait_certificate:
      if (is_certificate(type)) return on_server_certificate(message);
      break;
    case State::wait_certificate_verify:
      if (type == HandshakeType::certificate_verify) return on_certificate_verify(message);
      break;
    case State::wait_finished:
      if (type == HandshakeType::finished) return on_finished(message);
      break;
    case State::connected:
      if (type == HandshakeType::new_session_ticket) return on_new_session_ticket(message, now);
      if (type == HandshakeType::key_update && !config().is_quic())
        return on_key_update(message.subspan(message_header_size));
      break;
    default: break;  // nothing may come
  }
  return unexpected_message(message, state());
}

Outcome Client::on_server_hello(Bytes message, Instant now) {
  const auto hello = parse_server_hello(message.subspan(message_header_size));
  if (!hello) return failure(hello.error());
  const bool is_old = !hello->version && !hello->is_retry;
  // Appendix D.3: "MUST fail a connection if it receives a ServerHello with TLS 1.2 or older".
  if (is_old && agreed().early_data == EarlyData::offered)
    return refuse(Alert::protocol_version,
                  fmt::format("the server speaks {}, and its ticket was for early data of TLS 1.3",
                              to_string(hello->legacy_version)));
  if (is_old && hello->legacy_version == Version::tls_1_2 && config().speaks(Version::tls_1_2))
    return on_server_hello12(*hello, message);
  if (const Outcome good = check_server_hello(*hello); !good) return good;
  speak(Version::tls_1_3);
  agreed().suite = find_suite(hello->suite);
  transcript().select(agreed().suite->hash);
  return hello->is_retry ? on_retry(*hello, message, now) : on_parameters(*hello, message);
}

/// What holds for a ServerHello and for a HelloRetryRequest (§4.1.3, §4.1.4).
Outcome Client::check_server_hello(const ServerHello& hello) const {
  const Version version = hello.version.value_or(hello.legacy_version);
  if (version != Version::tls_1_3 || !config().speaks(version))
    return refuse(
        hello.version ? Alert::illegal_parameter : Alert::protocol_version,
        fmt::format("the server speaks {}{}; this client speaks {} to {}", to_string(version),
                    hello.version ? " by supported_versions, where only TLS 1.3 has a place" : "",
                    to_string(config().version_min), to_string(config().version_max)));
  if (hello.stray)
    return refuse(Alert::unsupported_extension,
                  fmt::format("the ServerHello holds {}", to_string(*hello.stray)));
  if (hello.legacy_version != Version::tls_1_2)
    return refuse(Alert::illegal_parameter,
                  fmt::format("the ServerHello's old version field says {} instead of TLS 1.2",
                              to_string(hello.legacy_version)));
  if (!std::ranges::equal(hello.session_id, offered_.session_id))
    return refuse(Alert::illegal_parameter, "the server does not echo our session ID");
  if (hello.compression_method != 0)
    return refuse(Alert::illegal_parameter, "the server wants to compress");
  const Suite* suite = find_suite(hello.suite);
  if (!offered_.suites.contains(hello.suite) || suite == nullptr || suite->version != version)
    return refuse(
        Alert::illegal_parameter,
        fmt::format("the server chose {}, which was not offered", to_string(hello.suite)));
  if (retry_suite_ && *retry_suite_ != hello.suite)
    return refuse(Alert::illegal_parameter,
                  "the server chose another cipher suite after its HelloRetryRequest");
  return {};
}

Outcome Client::on_retry(const ServerHello& hello, Bytes message, Instant now) {
  if (retry_suite_)
    return refuse(Alert::unexpected_message, "the server sent HelloRetryRequest twice");
  if (!hello.share && !hello.cookie)
    return refuse(Alert::illegal_parameter, "the HelloRetryRequest asks for no change");
  retry_suite_ = hello.suite;
  agreed().is_retried = true;
  transcript().replace_by_hash();
  transcript().add(message);
  if (hello.cookie) cookie_.assign(hello.cookie->begin(), hello.cookie->end());
  if (hello.share) {
    const crypto::Group group = hello.share->group;
    // §4.2.8: one that we offered, and gave no share for.
    const auto& ours = config().groups;
    if (!offered_.groups.contains(group) || !crypto::is_known(group) ||
        std::ranges::find(ours, group) == ours.end() || share_of(group) != nullptr)
      return refuse(Alert::illegal_parameter,
                    fmt::format("the HelloRetryRequest asks for a share of {}, which makes no "
                                "sense",
                                to_string(group)));
    shares_.clear();
    shares_.emplace_back(group, entropy());
  }
  enter(State::wait_server_hello);
  if (agreed().early_data == EarlyData::offered) {
    agreed().early_data = EarlyData::rejected;
    drop_keys();
  } else if (disguises()) {
    act(SendChangeCipherSpec{});
  }
  send_hello(now);
  return {};
}

const crypto::KeyExchange* Client::share_of(crypto::Group group) const {
  const auto found = std::ranges::find(shares_, group, &crypto::KeyExchange::group);
  return found == shares_.end() ? nullptr : &*found;
}

/// The secret that the hellos agree on: none with psk_ke.
Result<crypto::SharedSecret, Error> Client::agree(const ServerHello& hello) const {
  if (!hello.share) {
    if (hello.psk && config().psk_without_key_exchange) return crypto::SharedSecret{};
    return refuse(Alert::missing_extension, "the ServerHello has no key share");
  }
  const crypto::KeyExchange* ours = share_of(hello.share->group);
  if (ours == nullptr)
    return refuse(Alert::illegal_parameter,
                  fmt::format("the server's key share is of {}, for which we sent none",
                              to_string(hello.share->group)));
  auto secret = ours->agree(hello.share->share);
  if (!secret) return refuse(Alert::illegal_parameter, secret.error().why);
  return std::move(*secret);
}

Outcome Client::on_parameters(const ServerHello& hello, Bytes message) {
  if (hello.cookie) return refuse(Alert::unsupported_extension, "the ServerHello holds a cookie");
  const bool has_offered = offered_.psk_identities.has_value() && ticket_.has_value();
  if (hello.psk && !has_offered)
    return refuse(Alert::unsupported_extension, "the server resumes what was not offered");
  if (hello.psk && (*hello.psk != 0 || find_suite(ticket_->suite)->hash != agreed().suite->hash))
    return refuse(Alert::illegal_parameter, "the server resumes another session than the offered");
  const auto shared = agree(hello);
  if (!shared) return failure(shared.error());
  if (hello.share) agreed().group = hello.share->group;
  agreed().is_resumed = hello.psk.has_value();
  transcript().add(message);
  const Bytes psk = hello.psk ? ticket_->psk.bytes() : Bytes{};
  enter_handshake_keys(EarlyStage(agreed().suite->hash, psk), shared->bytes());
  const bool had_early_data = agreed().early_data == EarlyData::offered;
  if (disguises() && !retry_suite_ && !had_early_data) act(SendChangeCipherSpec{});
  install(Direction::read, Level::handshake, stage<HandshakeStage>().server_traffic());
  if (had_early_data && !hello.psk) agreed().early_data = EarlyData::rejected;
  if (agreed().early_data != EarlyData::offered)
    install(Direction::write, Level::handshake, stage<HandshakeStage>().client_traffic());
  enter(State::wait_encrypted_extensions);
  return {};
}

Outcome Client::on_encrypted_extensions(Bytes message) {
  const auto extensions = parse_encrypted_extensions(message.subspan(message_header_size));
  if (!extensions) return failure(extensions.error());
  if (const Outcome good = check_encrypted_extensions(*extensions); !good) return good;
  agreed().protocol = extensions->protocol.value_or("");
  if (extensions->record_size_limit) agreed().record_size_limit = *extensions->record_size_limit;
  if (const auto& quic = extensions->quic_parameters)
    agreed().peer_quic_parameters.assign(quic->begin(), quic->end());
  if (agreed().early_data == EarlyData::offered)
    if (const Outcome good = on_early_answer(extensions->early_data); !good) return good;
  transcript().add(message);
  enter(agreed().is_resumed ? State::wait_finished : State::wait_certificate_or_request);
  return {};
}

Outcome Client::check_encrypted_extensions(const EncryptedExtensions& extensions) const {
  const auto unasked = [](ExtensionType type) {
    return refuse(Alert::unsupported_extension,
                  fmt::format("EncryptedExtensions hold {}, which was not offered or has no place "
                              "there",
                              to_string(type)));
  };
  if (extensions.stray) return unasked(*extensions.stray);
  if (extensions.server_name && !offered_.server_name) return unasked(ExtensionType::server_name);
  if (extensions.quic_parameters && !config().is_quic())
    return unasked(ExtensionType::quic_transport_parameters);
  if (config().is_quic())
    if (const Outcome good = check_quic(extensions); !good) return good;
  if (extensions.early_data && agreed().early_data != EarlyData::offered)
    return unasked(ExtensionType::early_data);
  if (extensions.record_size_limit)
    if (const Outcome good = check_size_limit(*extensions.record_size_limit); !good) return good;
  return extensions.protocol ? check_protocol(*extensions.protocol) : Outcome{};
}

/// RFC 9001 §8.1 and §8.2.
Outcome Client::check_quic(const EncryptedExtensions& extensions) const {
  if (!extensions.quic_parameters)
    return refuse(Alert::missing_extension, "the server tells no transport parameters of QUIC");
  if (!extensions.protocol)
    return refuse(Alert::no_application_protocol, "the server chose no application protocol");
  return {};
}

/// RFC 8449 §4.
Outcome Client::check_size_limit(u16 limit) const {
  if (!offered_.record_size_limit)
    return refuse(Alert::unsupported_extension,
                  "the server limits record sizes without being asked");
  if (limit < 64 || limit > fragment_max + 1)
    return refuse(
        Alert::illegal_parameter,
        fmt::format("the server's record size limit is {}, outside of 64 to 16385", limit));
  return {};
}

/// RFC 7301 §3.2.
Outcome Client::check_protocol(std::string_view chosen) const {
  if (!offered_.alpn)
    return refuse(Alert::unsupported_extension,
                  "the server chose an application protocol without being asked");
  bool is_offered = false;
  each_protocol(*offered_.alpn, [&](std::string_view protocol) {
    is_offered = protocol == chosen;
    return !is_offered;
  });
  if (!is_offered)
    return refuse(Alert::illegal_parameter,
                  "the server chose an application protocol that was not offered");
  return {};
}

Outcome Client::on_certificate_request(Bytes message) {
  const auto request = parse_certificate_request(message.subspan(message_header_size));
  if (!request) return failure(request.error());
  // §4.3.2: "SHALL be zero length unless used for the post-handshake authentication exchanges".
  if (!request->context.empty())
    return refuse(Alert::illegal_parameter, "CertificateRequest has a context in the handshake");
  is_certificate_asked_ = true;
  schemes_asked_.assign(request->schemes.raw().begin(), request->schemes.raw().end());
  compressions_asked_.assign(request->compressions.raw().begin(),
                             request->compressions.raw().end());
  transcript().add(message);
  enter(State::wait_certificate);
  return {};
}

bool Client::is_certificate(HandshakeType type) const {
  return type == HandshakeType::certificate ||
         (type == HandshakeType::compressed_certificate && !offered_.compressions.empty());
}

Outcome Client::on_server_certificate(Bytes message) {
  const auto body = certificate_body(message);
  if (!body) return failure(body.error());
  const auto certificate = parse_certificate(*body);
  if (!certificate) return failure(certificate.error());
  if (!certificate->context.empty())
    return refuse(Alert::illegal_parameter, "the server's Certificate has a context");
  // §4.4.2.4: "the client MUST abort the handshake with a decode_error alert".
  if (certificate->count == 0) return refuse(Alert::decode_error, "the server sent no certificate");
  if (certificate->entries()[0].ocsp_response && !offered_.status_request)
    return refuse(Alert::unsupported_extension,
                  "the server stapled an OCSP response, which was not asked for");
  if (const Outcome good = on_certificate(*certificate); !good) return good;
  transcript().add(message);
  enter(State::wait_certificate_verify);
  return {};
}

Outcome Client::on_accepted() {
  if (agreed().version == Version::tls_1_2) return send_flight12();
  enter(State::wait_finished);
  return {};
}

Outcome Client::on_finished(Bytes message) {
  const Digest wanted = stage<HandshakeStage>().server_finished(transcript().digest());
  if (!crypto::equal_in_constant_time(wanted, message.subspan(message_header_size)))
    return refuse(Alert::decrypt_error,
                  "the server's Finished is wrong: the handshake was changed on the way");
  transcript().add(message);
  derive_application_keys();
  install(Direction::read, Level::application, stage<ApplicationStage>().server_traffic());
  if (agreed().early_data == EarlyData::accepted) end_early_data();
  if (!is_certificate_asked_) return finish();
  const CodeList<crypto::SignatureScheme> asked{schemes_asked_};
  for (const Identity& identity : config().identities) {
    if (const auto scheme = identity.choose_scheme(asked, Version::tls_1_3)) {
      send_certificate(&identity, false,
                       CodeList<crypto::CertificateCompression>(compressions_asked_));
      return ask_for_signature(identity, *scheme, content_to_sign());
    }
  }
  send_certificate(nullptr, false);  // §4.4.2: an empty one, and the server decides
  return finish();
}

Outcome Client::on_signed(Bytes signature) {
  send_certificate_verify(signature);
  return agreed().version == Version::tls_1_2 ? finish_flight12() : finish();
}

Outcome Client::finish() {
  auto& keys = stage<ApplicationStage>();
  send(emit_plain(HandshakeType::finished, keys.client_finished(transcript().digest())));
  install(Direction::write, Level::application, keys.client_traffic());
  set_stage(std::move(keys).connected(transcript().digest()));
  enter(State::connected);
  act(HandshakeDone{});
  return {};
}

Outcome Client::on_new_session_ticket(Bytes message, Instant now) {
  const auto ticket = parse_new_session_ticket(message.subspan(message_header_size));
  if (!ticket) return failure(ticket.error());
  // §4.6.1: a lifetime of zero says that it is to be forgotten at once.
  if (ticket->lifetime_s == 0) return {};
  Ticket kept;
  kept.suite = agreed().suite->code;
  kept.psk = stage<ConnectedStage>().ticket_psk(ticket->nonce);
  kept.ticket.assign(ticket->ticket.begin(), ticket->ticket.end());
  kept.age_add = ticket->age_add;
  kept.received = now;
  kept.lifetime = std::min<Duration>(std::chrono::seconds{ticket->lifetime_s}, ticket_lifetime_max);
  kept.server_name = server_name_;
  kept.protocol = agreed().protocol;
  kept.early_bytes_max = ticket->early_data_max.value_or(0);
  act(TicketReceived{std::move(kept)});
  return {};
}

}  // namespace handfast::tls
