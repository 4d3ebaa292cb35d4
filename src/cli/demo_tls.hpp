// TLS for `handfast demo`: certificates, keys and settings of both ends, made from the seed.
#pragma once

#include <functional>
#include <string>

#include "base/time.hpp"
#include "base/types.hpp"
#include "crypto/random.hpp"
#include "io/tls_context.hpp"

namespace handfast::cli {

struct DemoTlsOptions {
  bool is_on = false;
  bool tls12 = false;
  bool rsa = false;         // TLS 1.2 by RSA key transport
  bool resume = false;      // a connection before, not shown, left a ticket
  bool early_data = false;  // the request goes with the ClientHello

  bool is_resumed() const { return resume || early_data; }
};

/// Both ends' contexts. They stay where they are.
class DemoTls {
 public:
  static constexpr const char* server_name = "server.example";

  /// `clock` is the world's. Ed25519 keys, shares and randoms come from `seed`, so that each byte
  /// does; only an RSA key, and what is encrypted to it, are new each time. Throws Failure.
  DemoTls(const DemoTlsOptions& options, u64 seed, const std::function<Instant()>& clock);
  DemoTls(const DemoTls&) = delete;
  DemoTls& operator=(const DemoTls&) = delete;

  io::TlsContext& client() { return client_; }
  io::TlsContext& server() { return server_; }
  /// From now on `write` gets each line of the client's key log.
  void log_keys(std::function<void(const std::string&)> write);

 private:
  void make_certificates(bool rsa);

  crypto::SeededRandom random_;
  io::TlsContext client_;
  io::TlsContext server_;
};

}  // namespace handfast::cli
