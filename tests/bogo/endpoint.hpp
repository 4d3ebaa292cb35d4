// What a shim keeps from one connection to the next, and the configuration of each.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "bogo/failure.hpp"
#include "bogo/options.hpp"
#include "crypto/private_key.hpp"
#include "crypto/random.hpp"
#include "tls/session.hpp"

namespace handfast::bogo {

/// Tickets: those that a client was given, and the keys under which a server seals its own; and its
/// sessions that go by an ID.
class Endpoint {
 public:
  Endpoint()
      : ticket_keys_({}, random_, now()),
        sessions_(tls::SessionStore::Config{}),
        replay_guard_({.tickets_max = 16}, random_, now()) {}

  /// Of a clock that only pass() moves: the runner compares ages of tickets to the millisecond.
  Instant now() const { return now_; }
  void pass(Duration time) { now_ += time; }

  crypto::Random& random() { return random_; }
  tls::TicketKeys& ticket_keys() { return ticket_keys_; }
  tls::SessionStore& sessions() { return sessions_; }
  tls::ReplayGuard& replay_guard() { return replay_guard_; }
  /// A client's, from the connection before.
  std::optional<tls::Ticket> ticket;

 private:
  crypto::SystemRandom random_;
  Instant now_{1h};
  tls::TicketKeys ticket_keys_;
  tls::SessionStore sessions_;
  tls::ReplayGuard replay_guard_;
};

/// One connection's. The key is apart where signing is to be answered later.
struct Settings {
  tls::Config config;
  std::optional<crypto::PrivateKey> key;
};

Result<Settings, Failure> settings(const Options& options, Endpoint& endpoint);

Result<std::string, Failure> read_file(const std::string& path);
/// DER of each certificate of a PEM file.
Result<std::vector<std::vector<u8>>, Failure> read_chain(const std::string& path);

}  // namespace handfast::bogo
