// RFC 8446 §2 and appendix A.1: the client's side of a handshake.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/key_exchange.hpp"
#include "tls/handshake.hpp"
#include "tls/hello.hpp"
#include "tls/messages12.hpp"
#include "tls/ticket.hpp"

namespace handfast::tls {

class Client final : public Handshake {
 public:
  /// Begins: the first actions are there. `server_name` goes out as SNI unless it is empty or an
  /// address. With a usable `ticket` for that name, resumption is offered.
  Client(const Config& config, std::string_view server_name, crypto::Random& random,
         std::optional<Ticket> ticket, Instant now, trace::StreamSink* sink = nullptr);

  /// A whole message of the server's, with its header.
  Outcome on_message(Bytes message, Instant now);

  /// Of early data that may go out under Level::early_data, in all.
  u32 early_bytes_max() const { return ticket_ ? ticket_->early_bytes_max : 0; }

 private:
  Outcome on_accepted() override;
  Outcome on_signed(Bytes signature) override;

  void draw();
  /// RFC 8446 appendix D.4, for which QUIC has no use (RFC 9001 §8.4).
  bool disguises() const { return config().middlebox_compatibility && !config().is_quic(); }
  void draw_shares();
  const crypto::KeyExchange* share_of(crypto::Group group) const;
  void send_hello(Instant now);
  std::vector<u8> build_hello(Instant now) const;
  void add_old_extensions(ClientHello& hello) const;
  void bind(std::vector<u8>& hello) const;
  bool offers_ticket(Version version) const;
  u16 grease(u32 index) const;

  // Early data (client_early.cpp).
  bool may_offer_early_data() const;
  void begin_early_data();
  Outcome on_early_answer(bool is_accepted);
  void end_early_data();

  Outcome on_server_hello(Bytes message, Instant now);
  Outcome check_server_hello(const ServerHello& hello) const;
  Outcome on_retry(const ServerHello& hello, Bytes message, Instant now);
  Outcome on_parameters(const ServerHello& hello, Bytes message);
  Result<crypto::SharedSecret, Error> agree(const ServerHello& hello) const;
  Outcome on_encrypted_extensions(Bytes message);
  Outcome check_encrypted_extensions(const EncryptedExtensions& extensions) const;
  Outcome check_quic(const EncryptedExtensions& extensions) const;
  Outcome check_size_limit(u16 limit) const;
  Outcome check_protocol(std::string_view chosen) const;
  Outcome on_certificate_request(Bytes message);
  bool is_certificate(HandshakeType type) const;
  Outcome on_server_certificate(Bytes message);
  Outcome on_finished(Bytes message);
  Outcome finish();
  Outcome on_new_session_ticket(Bytes message, Instant now);

  // TLS 1.2 (client12.cpp).
  Outcome on_message12(Bytes message, Instant now);
  Outcome on_server_hello12(const ServerHello& hello, Bytes message);
  Outcome check_server_hello12(const ServerHello& hello) const;
  Outcome check_old_extensions(const ServerHello& hello) const;
  Outcome on_certificate12(Bytes message);
  Outcome on_certificate_status(Bytes message);
  Outcome on_server_key_exchange(Bytes message);
  Result<crypto::Group, Error> group_of(const ServerKeyExchange& exchange) const;
  Outcome on_certificate_request12(Bytes message);
  Outcome on_hello_done(Bytes message);
  Outcome send_flight12();
  void send_client_key_exchange();
  Outcome finish_flight12();
  Outcome on_new_session_ticket12(Bytes message, Instant now);
  Outcome on_finished12(Bytes message, Instant now);
  Ticket session_to_keep12(Instant now);
  void keep_session12(Instant now);

  std::string server_name_;
  std::optional<Ticket> ticket_;
  std::array<u8, random_size> random_bytes_{};
  std::vector<u8> session_id_;
  std::array<u8, 4> grease_seed_{};
  std::vector<crypto::KeyExchange> shares_;  // of the last hello
  std::vector<u8> cookie_;
  u32 hellos_sent_ = 0;
  std::vector<u8> hello_bytes_;  // the last one
  ClientHello offered_;          // points into it
  std::optional<CipherSuite> retry_suite_;

  // From CertificateRequest.
  bool is_certificate_asked_ = false;
  std::vector<u8> schemes_asked_;  // 16-bit code points
  std::vector<u8> compressions_asked_;

  // TLS 1.2.
  std::array<u8, random_size> server_random_{};
  std::optional<crypto::KeyExchange> key_exchange_;
  crypto::SharedSecret shared_;
  std::optional<Ticket> new_ticket_;
  std::vector<u8> session_id12_;  // by which the server knows this session
  bool is_ticket_coming_ = false;
  bool is_status_coming_ = false;
};

/// An address in text: RFC 6066 §3 has no room for one in server_name.
bool is_address(std::string_view name);

}  // namespace handfast::tls
