// RFC 8446 §2 and appendix A.2: the server's side of a handshake.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "crypto/key_exchange.hpp"
#include "tls/handshake.hpp"
#include "tls/hello.hpp"
#include "tls/ticket.hpp"

namespace handfast::tls {

class Server final : public Handshake {
 public:
  Server(const Config& config, crypto::Random& random) : Handshake(Role::server, config, random) {}

  /// A whole message of the client's, with its header.
  Outcome on_message(Bytes message, Instant now);

  /// The client sent early data that we do not take: what does not decrypt is to be skipped.
  bool skips_early_data() const { return skips_early_data_; }

 private:
  Outcome on_accepted() override;
  Outcome on_signed() override;

  Outcome on_client_hello(Bytes message, Instant now);
  // What both ends can do (server_choice.cpp).
  Outcome check_hello(const ClientHello& hello) const;
  Outcome check_second_hello(const ClientHello& hello) const;
  Outcome choose_suite(const ClientHello& hello);
  Outcome choose_psk(const ClientHello& hello, Bytes message, Instant now);
  bool is_resumable(const SessionState& session, const PskIdentity& identity,
                    const ClientHello& hello, Instant now) const;
  Outcome choose_group(const ClientHello& hello);
  Outcome choose_protocol(const ClientHello& hello);
  Outcome choose_identity(const ClientHello& hello);
  Outcome choose_limits(const ClientHello& hello);

  void send_retry(const ClientHello& hello, Bytes message);
  Outcome send_server_hello(const ClientHello& hello, Bytes message);
  void send_encrypted_extensions(const ClientHello& hello);
  void send_certificate_request();
  void send_finished();

  Outcome on_client_certificate(Bytes message);
  Outcome on_finished(Bytes message, Instant now);
  void send_tickets(Instant now);

  std::optional<crypto::Group> group_;  // none: psk_ke
  std::vector<u8> peer_share_;          // empty: the client has to be asked for it
  std::optional<SessionState> session_;
  u16 psk_index_ = 0;
  const Identity* identity_ = nullptr;
  std::optional<crypto::SignatureScheme> scheme_;
  bool asks_certificate_ = false;
  bool takes_tickets_ = false;
  bool skips_early_data_ = false;
};

}  // namespace handfast::tls
