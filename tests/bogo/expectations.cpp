#include <algorithm>

#include <fmt/format.h>

#include "bogo/exchange.hpp"

namespace handfast::bogo {
namespace {

template <class Code>
u32 number(const std::optional<Code>& code) {
  return code ? to<u32>(*code) : 0;
}

std::unexpected<Failure> unlike(std::string_view what, u32 is, u32 wanted) {
  return fail(fmt::format("{} is {:#06x}, and {:#06x} was expected", what, is, wanted));
}

}  // namespace

template <class Session>
Done Exchange<Session>::check_handshake() const {
  const tls::Summary& is = session_.summary();
  if (is.suite == nullptr) return fail("there is no cipher suite after the handshake");
  const u32 version = to<u32>(is.version);
  const u32 suite = to<u32>(is.suite->code);
  const u32 group = number(is.group);
  const Options& want = *options_;
  if (want.expect_version != 0 && version != want.expect_version)
    return unlike("the version", version, want.expect_version);
  if (want.expect_cipher != 0 && suite != want.expect_cipher)
    return unlike("the cipher suite", suite, want.expect_cipher);
  if (want.expect_cipher_aes != 0 && suite != want.expect_cipher_aes)
    return unlike("the cipher suite", suite, want.expect_cipher_aes);
  // A resumed session of TLS 1.2 has no key exchange, and remembers none.
  if (want.expect_curve_id != 0 && group != want.expect_curve_id && is.group)
    return unlike("the group", group, want.expect_curve_id);
  if (is.protocol != (want.is_server ? want.select_alpn : want.expect_alpn))
    return fail(fmt::format("the application protocol is \"{}\"", is.protocol));
  if (!want.expect_quic_transport_params.empty() &&
      is.peer_quic_parameters != want.expect_quic_transport_params)
    return fail("the peer's transport parameters are not the expected ones");
  if (!want.expect_server_name.empty() && is.server_name != want.expect_server_name)
    return fail(fmt::format("the server's name is \"{}\"", is.server_name));
  if ((want.expect_hrr && !is.is_retried) || (want.expect_no_hrr && is.is_retried))
    return fail("the connection was retried by HelloRetryRequest, or not, against expectation");
  // expect_extended_master_secret: the engine speaks TLS 1.2 with it, or not at all.
  if (const Done done = check_resumption(); !done) return done;
  if (const Done done = check_early_data(); !done) return done;
  return check_peer();
}

template <class Session>
Done Exchange<Session>::check_resumption() const {
  const tls::Summary& is = session_.summary();
  const bool is_expected = is_resumption_ && !options_->expect_session_miss;
  if (is.is_resumed != is_expected)
    return fail(fmt::format("the session was{} resumed", is.is_resumed ? "" : " not"));
  const bool has_kept = endpoint_.sessions().size() > 0;
  if (!is_resumption_ && (options_->expect_session_id || options_->expect_no_session_id) &&
      has_kept != options_->expect_session_id)
    return fail(fmt::format("the server keeps {} session", has_kept ? "a" : "no"));
  if (options_->is_server || is.version == tls::Version::tls_1_3) return {};
  // With TLS 1.3 tickets come later.
  const bool is_new =
      !options_->expect_no_session && (!is.is_resumed || options_->expect_ticket_renewal);
  if (is_new != got_ticket_)
    return fail(fmt::format("there was {} ticket", got_ticket_ ? "a" : "no"));
  return {};
}

/// BoringSSL's reasons why there was none are not told; whether there was is.
template <class Session>
Done Exchange<Session>::check_early_data() const {
  if (!is_rejection_expected_) return fail("the early data was rejected");
  const bool is_accepted = session_.summary().early_data == tls::EarlyData::accepted;
  const std::string& reason = options_->expect_early_data_reason;
  if ((options_->expect_accept_early_data || reason == "accept") && !is_accepted)
    return fail("the early data was not accepted");
  if ((options_->expect_reject_early_data || (!reason.empty() && reason != "accept")) &&
      is_accepted)
    return fail("the early data was accepted");
  return {};
}

template <class Session>
Done Exchange<Session>::check_peer() const {
  const tls::Summary& is = session_.summary();
  const auto& chain = is.peer_chain;
  // Who the peer is was shown when the session began; a client's ticket does not remember it.
  if (is.is_resumed && !options_->is_server) return {};
  const u32 scheme = number(is.peer_scheme);
  if (options_->expect_peer_signature_algorithm != 0 && !is.is_resumed &&
      scheme != options_->expect_peer_signature_algorithm)
    return unlike("the peer's signature scheme", scheme, options_->expect_peer_signature_algorithm);
  if (!options_->expect_ocsp_response.empty() &&
      is.peer_ocsp_response != options_->expect_ocsp_response)
    return fail("the OCSP response is not the expected one");
  if (options_->expect_verify_result && !is.is_resumed && !chain.empty() && !was_judged_)
    return fail("the peer's certificate was not judged");
  if (chain.empty() && (!options_->is_server || options_->require_any_client_certificate))
    return fail("the peer showed no certificate");
  if (options_->expect_peer_cert_file.empty()) return {};
  const auto expected = read_chain(options_->expect_peer_cert_file);
  if (!expected) return failure(expected.error());
  if (chain != *expected) return fail("the peer's certificates are not the expected ones");
  return {};
}

template <class Session>
Done Exchange<Session>::check_new_ticket() const {
  if (options_->is_server || session_.summary().version != tls::Version::tls_1_3) return {};
  const bool is_expected = !options_->expect_no_session && !options_->shim_shuts_down;
  if (got_ticket_ != is_expected)
    return fail(fmt::format("there was {} ticket", got_ticket_ ? "a" : "no"));
  if (got_ticket_ && takes_ticket_early_data_ != options_->expect_ticket_supports_early_data)
    return fail(
        fmt::format("the ticket allows {} early data", takes_ticket_early_data_ ? "" : "no"));
  return {};
}

template Done Exchange<tls::Session>::check_handshake() const;
template Done Exchange<tls::Session>::check_new_ticket() const;
template Done Exchange<QuicSession>::check_handshake() const;
template Done Exchange<QuicSession>::check_new_ticket() const;

}  // namespace handfast::bogo
