// TLS as `serve` and `get` set it up from their options.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "cli/own_stack.hpp"
#include "io/tls_context.hpp"

namespace handfast::cli {

/// Lets `watcher`, if there is one, hear what TLS does, and puts its keys into the capture of
/// `own`, if that is there and has one.
void observe(io::TlsContext& context, trace::Sink* watcher, OwnStack* own);

/// Ways of TLS 1.2 to come to a secret that are off unless asked for.
struct OldExchanges {
  bool dhe = false;
  bool rsa_key_transport = false;
};

struct TlsClientOptions {
  std::string ca{};
  std::string certificate{};
  std::string key{};
  std::string accept{};
  bool is_insecure = false;
  bool sends_early_data = false;
  OldExchanges old_exchanges{};
};
void add_options(CLI::App& command, TlsClientOptions& options);

struct TlsServerOptions {
  bool is_on = false;
  std::vector<std::string> certificates{};
  std::vector<std::string> keys{};  // one for each, or none
  std::string client_ca{};
  bool takes_early_data = false;
  OldExchanges old_exchanges{};
};
void add_options(CLI::App& command, TlsServerOptions& options);

/// Fill `context` from the files that the options name, and log keys where SSLKEYLOGFILE says.
/// Throw Failure.
void configure(io::TlsContext& context, const TlsClientOptions& options);
void configure(io::TlsContext& context, const TlsServerOptions& options);

/// Lets `context` take the certificate of --accept for `host`, the one that was asked for. Throws
/// Failure.
void accept(io::TlsContext& context, const TlsClientOptions& options, const std::string& host);
/// What a person can do about the certificate that `context` refused: " (…)", or nothing.
std::string advice_on_refused(const io::TlsContext& context);

/// "TLS 1.3, TLS_AES_128_GCM_SHA256, x25519, ecdsa_secp256r1_sha256".
std::string describe(const tls::Summary& summary);

}  // namespace handfast::cli
