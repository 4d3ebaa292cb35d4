// RFC 8446 appendix A: the states of both ends of TLS 1.3 and every arrow between them. These
// tables are the diagram: `handfast diagram tls13` prints them, an engine refuses an arrow that is
// not in them, and the suite fails on an arrow that no test takes.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string_view>

#include "base/types.hpp"
#include "tls/codes.hpp"
#include "trace/stream_event.hpp"

namespace handfast::tls {

enum class Role : u8 { client, server };
constexpr Role other(Role role) { return role == Role::client ? Role::server : Role::client; }
constexpr std::string_view to_string(Role role) {
  return role == Role::client ? "client" : "server";
}

/// The appendix's names, where it has one. WAIT_VERDICT and WAIT_SIGNATURE are ours: somebody else
/// judges a certificate or holds a key, and answers when they like.
enum class State : u8 {
  start,
  // client
  wait_server_hello,
  wait_encrypted_extensions,
  wait_certificate_or_request,
  // server
  wait_second_hello,
  negotiated,
  wait_end_of_early_data,
  // TLS 1.2: client, server, both
  wait_server_key_exchange,
  wait_request_or_done,
  wait_hello_done,
  wait_new_session_ticket,
  wait_client_key_exchange,
  wait_change_cipher_spec,
  // both
  wait_certificate,
  wait_certificate_verify,
  wait_verdict,
  wait_signature,
  wait_finished,
  connected,
  failed,
};
inline constexpr u32 state_count = 20;

constexpr std::string_view to_string(State state) {
  constexpr std::array<std::string_view, state_count> names{
      "START",        "WAIT_SH",        "WAIT_EE",       "WAIT_CERT_CR", "WAIT_CH2",
      "NEGOTIATED",   "WAIT_EOED",      "WAIT_SKE",      "WAIT_CR_DONE", "WAIT_DONE",
      "WAIT_TICKET",  "WAIT_CKE",       "WAIT_CCS",      "WAIT_CERT",    "WAIT_CV",
      "WAIT_VERDICT", "WAIT_SIGNATURE", "WAIT_FINISHED", "CONNECTED",    "FAILED"};
  return names[to<u8>(state)];
}

struct Edge {
  State from;
  State to;
  std::string_view label;  // event / action
};

/// Appendix A.1. Any state goes to FAILED where an alert is sent or comes.
inline constexpr std::array client13_edges{
    Edge{State::start, State::wait_server_hello, "begin / send ClientHello, early data"},
    Edge{State::wait_server_hello, State::wait_server_hello,
         "HelloRetryRequest / send ClientHello"},
    Edge{State::wait_server_hello, State::wait_encrypted_extensions, "ServerHello"},
    Edge{State::wait_encrypted_extensions, State::wait_certificate_or_request,
         "EncryptedExtensions, using a certificate"},
    Edge{State::wait_encrypted_extensions, State::wait_finished,
         "EncryptedExtensions, using a PSK"},
    Edge{State::wait_certificate_or_request, State::wait_certificate, "CertificateRequest"},
    Edge{State::wait_certificate_or_request, State::wait_certificate_verify, "Certificate"},
    Edge{State::wait_certificate, State::wait_certificate_verify, "Certificate"},
    Edge{State::wait_certificate_verify, State::wait_verdict,
         "CertificateVerify / ask for a verdict"},
    Edge{State::wait_verdict, State::wait_finished, "accepted"},
    Edge{State::wait_finished, State::wait_signature,
         "Finished / send Certificate, ask for a signature"},
    Edge{State::wait_finished, State::connected,
         "Finished / send EndOfEarlyData after early data, Finished"},
    Edge{State::wait_signature, State::connected, "signed / send CertificateVerify, Finished"},
};

/// Appendix A.2.
inline constexpr std::array server13_edges{
    Edge{State::start, State::wait_second_hello, "ClientHello / send HelloRetryRequest"},
    Edge{State::start, State::negotiated, "ClientHello / select parameters"},
    Edge{State::wait_second_hello, State::negotiated, "ClientHello / select parameters"},
    Edge{State::negotiated, State::wait_signature,
         "using a certificate / send ServerHello to Certificate, ask for a signature"},
    Edge{State::negotiated, State::wait_finished, "using a PSK / send ServerHello to Finished"},
    Edge{State::negotiated, State::wait_end_of_early_data,
         "using a PSK, taking early data / send ServerHello to Finished"},
    Edge{State::wait_end_of_early_data, State::wait_finished, "EndOfEarlyData"},
    Edge{State::wait_signature, State::wait_finished, "signed / send CertificateVerify, Finished"},
    Edge{State::wait_signature, State::wait_certificate,
         "signed, client asked for a certificate / send CertificateVerify, Finished"},
    Edge{State::wait_certificate, State::wait_finished, "Certificate, empty"},
    Edge{State::wait_certificate, State::wait_certificate_verify, "Certificate"},
    Edge{State::wait_certificate_verify, State::wait_verdict,
         "CertificateVerify / ask for a verdict"},
    Edge{State::wait_verdict, State::wait_finished, "accepted"},
    Edge{State::wait_finished, State::connected, "Finished / send NewSessionTicket"},
};

/// RFC 5246 §7.3, RFC 5077 §3.1. The ClientHello went out before the version was known.
inline constexpr std::array client12_edges{
    Edge{State::wait_server_hello, State::wait_certificate, "ServerHello"},
    Edge{State::wait_server_hello, State::wait_new_session_ticket,
         "ServerHello, resuming, with a ticket to come"},
    Edge{State::wait_server_hello, State::wait_change_cipher_spec, "ServerHello, resuming"},
    Edge{State::wait_certificate, State::wait_server_key_exchange, "Certificate"},
    Edge{State::wait_certificate, State::wait_request_or_done, "Certificate, by RSA key transport"},
    Edge{State::wait_server_key_exchange, State::wait_request_or_done, "ServerKeyExchange"},
    Edge{State::wait_request_or_done, State::wait_hello_done, "CertificateRequest"},
    Edge{State::wait_request_or_done, State::wait_verdict, "ServerHelloDone / ask for a verdict"},
    Edge{State::wait_hello_done, State::wait_verdict, "ServerHelloDone / ask for a verdict"},
    Edge{State::wait_verdict, State::wait_signature,
         "accepted / send Certificate, ClientKeyExchange, ask for a signature"},
    Edge{State::wait_verdict, State::wait_new_session_ticket,
         "accepted, with a ticket to come / send ClientKeyExchange to Finished"},
    Edge{State::wait_verdict, State::wait_change_cipher_spec,
         "accepted / send ClientKeyExchange to Finished"},
    Edge{State::wait_signature, State::wait_new_session_ticket,
         "signed, with a ticket to come / send CertificateVerify to Finished"},
    Edge{State::wait_signature, State::wait_change_cipher_spec,
         "signed / send CertificateVerify to Finished"},
    Edge{State::wait_new_session_ticket, State::wait_change_cipher_spec, "NewSessionTicket"},
    Edge{State::wait_change_cipher_spec, State::wait_finished, "ChangeCipherSpec"},
    Edge{State::wait_finished, State::connected, "Finished / when resuming, send Finished"},
};

inline constexpr std::array server12_edges{
    Edge{State::start, State::negotiated, "ClientHello / select parameters"},
    Edge{State::negotiated, State::wait_change_cipher_spec,
         "resuming / send ServerHello to Finished"},
    Edge{State::negotiated, State::wait_signature,
         "send ServerHello, Certificate, ask for a signature"},
    Edge{State::negotiated, State::wait_certificate,
         "by RSA key transport / send ServerHello, Certificate, CertificateRequest, "
         "ServerHelloDone"},
    Edge{State::negotiated, State::wait_client_key_exchange,
         "by RSA key transport / send ServerHello, Certificate, ServerHelloDone"},
    Edge{State::wait_signature, State::wait_certificate,
         "signed / send ServerKeyExchange, CertificateRequest, ServerHelloDone"},
    Edge{State::wait_signature, State::wait_client_key_exchange,
         "signed / send ServerKeyExchange, ServerHelloDone"},
    Edge{State::wait_certificate, State::wait_client_key_exchange, "Certificate"},
    Edge{State::wait_client_key_exchange, State::wait_certificate_verify,
         "ClientKeyExchange, after a certificate"},
    Edge{State::wait_client_key_exchange, State::wait_change_cipher_spec, "ClientKeyExchange"},
    Edge{State::wait_certificate_verify, State::wait_verdict,
         "CertificateVerify / ask for a verdict"},
    Edge{State::wait_verdict, State::wait_change_cipher_spec, "accepted"},
    Edge{State::wait_change_cipher_spec, State::wait_finished, "ChangeCipherSpec"},
    Edge{State::wait_finished, State::connected, "Finished / when not resuming, send Finished"},
};

constexpr std::span<const Edge> edges_of(Role role, Version version = Version::tls_1_3) {
  const bool is_client = role == Role::client;
  if (version == Version::tls_1_2)
    return is_client ? std::span<const Edge>(client12_edges) : server12_edges;
  return is_client ? std::span<const Edge>(client13_edges) : server13_edges;
}

/// One end's machine, the only writer of its state.
class Machine {
 public:
  /// Where there is a `sink`, it hears of each arrow.
  explicit Machine(Role role, trace::StreamSink* sink = nullptr) : role_(role), sink_(sink) {}

  State state() const { return state_; }
  Role role() const { return role_; }
  /// Takes the arrow to `to`. ASSERTs that there is one.
  void enter(State to);
  /// From anywhere.
  void fail(std::string_view why);
  /// From here on the tables of this version count; before, those of TLS 1.3.
  void speak(Version version) { version_ = version; }
  Version version() const { return version_; }
  /// The arrows taken so far since then, one bit a row of edges_of(role, version).
  u32 edges_taken() const { return taken_; }
  trace::StreamSink* sink() const { return sink_; }

 private:
  void go(State to, std::string_view why);

  Role role_;
  Version version_ = Version::tls_1_3;
  State state_ = State::start;
  u32 taken_ = 0;
  trace::StreamSink* sink_;
};

}  // namespace handfast::tls
