// A handshake of QUIC over the transport that BoringSSL's runner plays for it: records that name
// their encryption level and cipher suite and hold the secret itself, so that both ends see whether
// they agree. With the verbs of tls::Session that the shim uses.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "tls/session.hpp"

namespace handfast::bogo {

class QuicSession {
 public:
  static QuicSession client(const tls::Config& config, std::string_view server_name,
                            crypto::Random& random, std::optional<tls::Ticket> ticket,
                            Instant now) {
    return {config,
            std::make_unique<tls::Client>(config, server_name, random, std::move(ticket), now)};
  }
  static QuicSession server(const tls::Config& config, crypto::Random& random) {
    return {config, std::make_unique<tls::Server>(config, random)};
  }

  Result<u32, tls::Error> feed(MutBytes records, Instant now);
  Bytes plaintext() const { return plaintext_; }
  void consume(u32 n) { plaintext_ = plaintext_.subspan(n); }
  u32 take(MutBytes room);
  bool has_output() const { return !output_.empty(); }
  tls::Session::Sealed seal(Bytes plaintext, MutBytes room);
  bool can_seal() const { return is_connected(); }
  std::optional<tls::Event> poll_event();
  tls::Outcome on_verdict(tls::Outcome verdict, Instant now);
  tls::Outcome on_signature(Bytes signature, Instant now);
  bool is_waiting() const { return handshake().is_waiting(); }
  const std::optional<tls::Error>& error() const { return error_; }
  const tls::Summary& summary() const { return handshake().summary(); }
  void export_keying_material(std::string_view label, std::optional<Bytes> context, MutBytes out) {
    handshake().export_keying_material(label, context, out);
  }
  void abort(tls::Alert alert, std::string why) {
    (void)finish(tls::refuse(alert, std::move(why)));
  }

  // What QUIC leaves to itself, or this does not do.
  u32 early_room() const { return 0; }
  tls::Session::Sealed seal_early(Bytes, MutBytes) { return {}; }
  void update_keys(bool) {}
  void close() {}
  bool has_peer_closed() const { return false; }
  tls::Ending end_of_input() const { return tls::Ending::clean; }

 private:
  /// Of one direction and encryption level.
  struct Keys {
    tls::CipherSuite suite{};  // none: 0
    std::vector<u8> secret;
  };
  using Role = std::variant<std::unique_ptr<tls::Client>, std::unique_ptr<tls::Server>>;

  QuicSession(const tls::Config& config, Role role);
  bool is_connected() const { return handshake().state() == tls::State::connected; }
  const tls::Handshake& handshake() const;
  tls::Handshake& handshake();
  tls::Outcome on_record(u8 type, tls::Level level, MutBytes content, Instant now);
  tls::Outcome pump(Instant now);
  tls::Outcome run_actions();
  tls::Outcome install(const tls::InstallKeys& keys);
  tls::Outcome finish(tls::Outcome outcome);
  void append_record(tls::ContentType type, tls::Level level, Bytes content,
                     std::vector<u8>& out) const;

  const tls::Config* config_;
  Role role_;
  std::array<Keys, 4> read_;  // by tls::Level
  std::array<Keys, 4> write_;
  tls::Level read_level_ = tls::Level::initial;
  tls::Level write_level_ = tls::Level::initial;
  std::vector<u8> messages_in_;  // that make no whole message yet, all of read_level_
  std::vector<u8> output_;
  MutBytes plaintext_;
  std::deque<tls::Event> events_;
  std::optional<tls::Error> error_;
};

}  // namespace handfast::bogo
