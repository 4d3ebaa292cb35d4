// What the TLS connections of a program have in common: settings, whom to trust, tickets, and the
// clocks and the randomness that the engine is handed.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "base/time.hpp"
#include "crypto/chain_verifier.hpp"
#include "crypto/random.hpp"
#include "io/certificate_files.hpp"
#include "io/spare_buffers.hpp"
#include "tls/config.hpp"
#include "tls/session.hpp"
#include "tls/ticket_store.hpp"
#include "trace/event.hpp"
#include "wire/address.hpp"

namespace handfast::io {

/// How a TLS connection ends badly; TlsStream::why() has the sentence.
enum class TlsErrc {
  failed = 1,               // this end refused what the peer did
  refused = 2,              // the peer sent an alert
  truncated = 3,            // the stream ended without close_notify: what came may be a part
  early_data_rejected = 4,  // what was written early reached nobody, and fits no longer
};
const std::error_category& tls_category() noexcept;
inline std::error_code make_error_code(TlsErrc code) {
  return {static_cast<int>(code), tls_category()};
}

/// One thread at a time; it stays where it is and outlives its streams.
class TlsContext {
 public:
  TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  tls::Config config;
  /// Judges the peer's certificate. Without one no peer is accepted that shows a certificate.
  std::optional<crypto::ChainVerifier> verifier;
  /// Takes whoever shows a certificate, be it anybody's. For tests.
  bool accept_anybody = false;
  /// Certificates that a person took in spite of the verifier, each for one name.
  std::vector<crypto::CertificateException> exceptions;
  /// Whom the verifier refused last, for a person to look at; and by which rule.
  struct Refused {
    crypto::Certificate certificate;
    crypto::CertificateRule rule;
  };
  std::optional<Refused> refused;
  /// Client: sessions that can be resumed.
  tls::TicketStore tickets;
  /// Gets each line of the key log, where config.key_log is set.
  std::function<void(const std::string&)> on_key_log;
  /// Hears why a connection failed.
  std::function<void(const wire::Endpoint&, const tls::Error&)> on_failure;
  /// Where secrets come from; null: the system. For worlds that are to be repeated.
  crypto::Random* random_source = nullptr;
  /// Hears all that the streams' sessions tell, with the time of `clock`; null: nobody does.
  trace::Sink* trace = nullptr;
  /// For dates in certificates, and for the age of tickets.
  std::function<WallTime()> wall_clock = wall_now;
  std::function<Instant()> clock;
  /// What streams keep records in. It may outlive this, for a coroutine that nobody resumes.
  std::shared_ptr<SpareBuffers> spare_buffers = std::make_shared<SpareBuffers>();

  /// Server: clients get tickets, and may resume by them. The sessions of TLS 1.2 clients that take
  /// none are kept here.
  void give_tickets(const tls::TicketKeys::Config& how = {});
  /// Server: takes so many bytes a connection before its handshake is done, which TlsStream reads
  /// like others: session().is_early() says that they may be a copy. After give_tickets().
  void take_early_data(u32 bytes_max, const tls::ReplayGuard::Config& how = {});
  crypto::Random& random() { return random_source != nullptr ? *random_source : random_; }

  /// Deals with all that `session` asks and tells. It has no answer to NeedSignature: whose key is
  /// elsewhere drives a session of their own.
  void answer(tls::Session& session, const std::string& server_name);
  /// The verdict on the peer of `session`. `server_name` is whom a client wanted; empty for a
  /// server that looks at its client.
  Result<void, tls::Error> judge(const tls::Session& session, const std::string& server_name);

 private:
  crypto::SystemRandom random_;
  crypto::CertificateCache certificates_;
  std::optional<tls::TicketKeys> ticket_keys_;
  std::optional<tls::ReplayGuard> replay_guard_;
  std::optional<tls::SessionStore> sessions_;
};

/// What the peer hears of a certificate that was not accepted (RFC 8446 §6.2).
tls::Alert alert_of(crypto::CertificateRule rule);

}  // namespace handfast::io

template <>
struct std::is_error_code_enum<handfast::io::TlsErrc> : std::true_type {};
