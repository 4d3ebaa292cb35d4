// RFC 8446 §2 and appendix A.2: the server's side of a handshake.
#pragma once

#include <array>
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
  Server(const Config& config, crypto::Random& random, trace::StreamSink* sink = nullptr)
      : Handshake(Role::server, config, random, sink) {}

  /// A whole message of the client's, with its header.
  Outcome on_message(Bytes message, Instant now);

  /// The client sent early data that we do not take: what does not decrypt is to be skipped.
  bool skips_early_data() const { return skips_early_data_; }
  /// What it may send, where it is taken: more is refused.
  u32 early_bytes_max() const;

 private:
  Outcome on_accepted() override;
  Outcome on_signed(Bytes signature) override;
  void on_failed() override;

  Outcome on_client_hello(Bytes message, Instant now);
  // What both ends can do (server_choice.cpp).
  Result<Version, Error> choose_version(const ClientHello& hello) const;
  Outcome check_hello(const ClientHello& hello) const;
  Outcome check_quic(const ClientHello& hello) const;
  Outcome check_second_hello(const ClientHello& hello) const;
  Outcome choose_suite(const ClientHello& hello);
  Outcome choose_psk(const ClientHello& hello, Bytes message, Instant now);
  bool is_resumable(const SessionState& session, const PskIdentity& identity,
                    const ClientHello& hello, Instant now) const;
  Outcome choose_group(const ClientHello& hello);
  Outcome choose_protocol(const ClientHello& hello);
  Outcome choose_identity(const ClientHello& hello);
  /// Of those that `fits` holds for; true where there is one. It signs, or decrypts.
  template <class Fits>
  bool choose_identity(const ClientHello& hello, Fits fits, bool signs = true);
  Outcome choose_limits(const ClientHello& hello);
  bool takes_early_data(const ClientHello& hello, Instant now) const;

  void send_retry(const ClientHello& hello, Bytes message);
  Outcome send_server_hello(const ClientHello& hello, Bytes message);
  void send_encrypted_extensions(const ClientHello& hello);
  void send_certificate_request();
  void send_finished();

  Outcome on_end_of_early_data(Bytes message);
  Outcome on_client_certificate(Bytes message);
  Outcome on_finished(Bytes message, Instant now);
  void send_tickets(Instant now);
  SessionState state_to_keep(crypto::Secret secret, Instant now);
  u32 lifetime_s() const;

  // TLS 1.2 (server12.cpp).
  Outcome on_message12(Bytes message, Instant now);
  Outcome on_client_hello12(const ClientHello& hello, Bytes message, Instant now);
  Outcome check_hello12(const ClientHello& hello) const;
  static Outcome check_master_secret12(const ClientHello& hello);
  void choose_session12(const ClientHello& hello, Instant now);
  std::optional<crypto::Group> group_for(const Suite& suite, const ClientHello& hello) const;
  Outcome choose_suite12(const ClientHello& hello);
  bool choose_identity12(const Suite& suite, const ClientHello& hello);
  /// How far the choice of a suite came.
  enum class Lacking : u8 { suite, group, certificate };
  static Error nothing_in_common12(const ClientHello& hello, Lacking lacking);
  bool is_resumable12(const SessionState& session, const ClientHello& hello) const;
  void send_server_hello12(const ClientHello& hello);
  bool staples(const ClientHello& hello) const;
  Outcome send_flight12(const ClientHello& hello);
  Outcome on_signed12(Bytes signature);
  void finish_flight12();
  Outcome on_certificate12(Bytes message);
  Outcome on_client_key_exchange(Bytes message);
  Result<crypto::SharedSecret, Error> shared12(Bytes content);
  Outcome resume12(Instant now);
  Outcome on_finished12(Bytes message, Instant now);
  void send_ticket12(Instant now);
  void keep_session12(Instant now);

  std::optional<crypto::Group> group_;  // none: psk_ke, RSA key transport
  std::vector<u8> peer_share_;          // empty: the client has to be asked for it
  std::optional<SessionState> session_;
  u16 psk_index_ = 0;
  const Identity* identity_ = nullptr;
  std::optional<crypto::SignatureScheme> scheme_;
  bool asks_certificate_ = false;
  bool takes_tickets_ = false;
  bool skips_early_data_ = false;

  // TLS 1.2.
  std::array<u8, random_size> server_random_{};
  Version version_offered_{};  // the ClientHello's
  std::optional<crypto::KeyExchange> key_exchange_;
  std::vector<u8> parameters_;  // of ServerKeyExchange
  bool sends_ticket_ = false;
  std::vector<u8> session_id_;  // of a session that is in the store, or will be
};

template <class Fits>
bool Server::choose_identity(const ClientHello& hello, Fits fits, bool signs) {
  const auto try_all = [&](bool by_name) {
    for (const Identity& identity : config().identities) {
      if (!fits(identity) || (by_name && !identity.is_for(*hello.server_name))) continue;
      scheme_ = identity.choose_scheme(hello.schemes, agreed().version);
      if (signs && !scheme_) continue;
      identity_ = &identity;
      return true;
    }
    return false;
  };
  return (hello.server_name && try_all(true)) || try_all(false);
}

/// The suites of `hello`, for people; and what of them is never taken: "TLS_RSA_WITH_RC4_128_MD5;
/// never taken: RC4, MD5".
std::string suites_offered(const ClientHello& hello);

/// "TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384 and 7 more", for people; GREASE left out.
template <class Code>
std::string names(const CodeList<Code>& list) {
  constexpr u32 shown_max = 8;
  std::string text;
  u32 shown = 0;
  u32 left = 0;
  for (u32 i = 0; i < list.size(); ++i) {
    if (is_grease(to<u16>(list[i]))) continue;
    if (shown == shown_max) {
      ++left;
      continue;
    }
    text += (shown++ > 0 ? ", " : "") + to_string(list[i]);
  }
  if (left > 0) text += " and " + std::to_string(left) + " more";
  return text.empty() ? "nothing that exists" : text;
}

}  // namespace handfast::tls
