// RFC 8446 §7.1, the key schedule. Each stage consumes itself when it gives the next one, so a
// secret of the wrong stage cannot be derived: it does not compile.
#pragma once

#include <string_view>

#include "base/types.hpp"
#include "crypto/hash.hpp"
#include "crypto/hmac.hpp"
#include "crypto/secret.hpp"
#include "tls/state.hpp"

namespace handfast::tls {

using crypto::Digest;
using crypto::Secret;

/// HKDF-Expand-Label: fills `out`. `label` is without "tls13 ".
void expand_label(crypto::Hmac& hmac, Bytes secret, std::string_view label, Bytes context,
                  MutBytes out);
/// §4.4.4: the code in Finished, under a traffic secret of the handshake.
Digest finished_code(crypto::Hmac& hmac, const Secret& traffic_secret, Bytes transcript_hash);
/// §7.2: the traffic secret after this one.
Secret next_traffic_secret(crypto::Hmac& hmac, const Secret& traffic_secret);

/// The handshake is done: tickets and exporters.
class ConnectedStage {
 public:
  static constexpr std::string_view name = "resumption secret";

  /// §4.6.1: the PSK of a ticket.
  Secret ticket_psk(Bytes nonce);
  /// §7.5: fills `out`, of at most 255 digests.
  void export_keying_material(std::string_view label, Bytes context, MutBytes out);

 private:
  friend class ApplicationStage;
  ConnectedStage(crypto::Hmac hmac, Secret resumption, Secret exporter)
      : hmac_(hmac), resumption_(std::move(resumption)), exporter_(std::move(exporter)) {}

  crypto::Hmac hmac_;
  Secret resumption_;
  Secret exporter_;
};

/// The server's Finished is in the transcript.
class ApplicationStage {
 public:
  static constexpr std::string_view name = "application secrets";

  const Secret& client_traffic() const { return client_; }
  const Secret& server_traffic() const { return server_; }
  const Secret& exporter() const { return exporter_; }
  /// The client's secret of the handshake, of which there is use after early data only.
  const Secret& client_handshake() const { return client_handshake_; }
  /// The client's Finished, still under its secret of the handshake.
  Digest client_finished(Bytes transcript_hash);
  /// With the transcript up to the client's Finished.
  ConnectedStage connected(Bytes transcript_hash) &&;

 private:
  friend class HandshakeStage;
  ApplicationStage(crypto::Hmac hmac, Secret client_handshake, Secret master, Bytes transcript);

  crypto::Hmac hmac_;
  Secret client_handshake_;
  Secret master_;
  Secret client_;
  Secret server_;
  Secret exporter_;
};

/// Both hellos are in the transcript.
class HandshakeStage {
 public:
  static constexpr std::string_view name = "handshake secrets";

  const Secret& client_traffic() const { return client_; }
  const Secret& server_traffic() const { return server_; }
  Digest server_finished(Bytes transcript_hash) {
    return finished_code(hmac_, server_, transcript_hash);
  }
  /// With the transcript up to the server's Finished.
  ApplicationStage application(Bytes transcript_hash) &&;

 private:
  friend class EarlyStage;
  HandshakeStage(crypto::Hmac hmac, Secret handshake, Bytes transcript);

  crypto::Hmac hmac_;
  Secret handshake_;
  Secret client_;
  Secret server_;
};

/// Before the hellos: with a PSK, or without.
class EarlyStage {
 public:
  explicit EarlyStage(crypto::HashAlgorithm algorithm, Bytes psk = {});

  /// §4.2.11.2: the binder over a ClientHello without its binders.
  Digest binder(Bytes transcript_hash);
  /// The client's secret for early data.
  Secret early_traffic(Bytes transcript_hash);
  /// `shared` is what the key exchange gave, empty with psk_ke; the transcript goes up to the
  /// ServerHello.
  HandshakeStage handshake(Bytes shared, Bytes transcript_hash) &&;

 private:
  crypto::Hmac hmac_;
  Secret early_;
};

}  // namespace handfast::tls
