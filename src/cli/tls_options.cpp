#include "cli/tls_options.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/assert.hpp"
#include "cli/command.hpp"

namespace handfast::cli {
namespace {

crypto::TrustStore trust_store(const std::string& path) {
  auto store = path.empty() ? io::load_system_trust_store() : io::load_trust_store(path);
  if (!store) throw Failure("no certificates to trust", "", store.error());
  return std::move(*store);
}

void add_identity(io::TlsContext& context, const std::string& certificate, const std::string& key) {
  auto identity = io::load_identity(certificate, key.empty() ? certificate : key);
  if (!identity) throw Failure("cannot use the certificate", "", identity.error());
  context.config.identities.push_back(std::move(*identity));
}

/// The file that Wireshark reads, as browsers and curl write it.
void log_keys(io::TlsContext& context) {
  const char* path = std::getenv("SSLKEYLOGFILE");
  if (path == nullptr || *path == '\0') return;
  std::shared_ptr<std::FILE> file(std::fopen(path, "ae"), [](std::FILE* it) {
    if (it != nullptr) std::fclose(it);
  });
  if (!file)
    throw Failure("cannot write the key log", path,
                  std::error_code(errno, std::system_category()).message());
  context.config.key_log = true;
  context.on_key_log = [file](const std::string& line) {
    fmt::print(file.get(), "{}\n", line);
    std::fflush(file.get());
  };
}

void add_options(CLI::App& command, OldExchanges& options) {
  command.add_flag("--dhe", options.dhe,
                   "Also exchange keys as old peers of TLS 1.2 do: Diffie-Hellman in the finite "
                   "fields of RFC 7919");
  command.add_flag("--rsa-key-transport", options.rsa_key_transport,
                   "Also let a TLS 1.2 client encrypt the secret to the server's RSA key: who gets "
                   "that key later reads all");
}

/// After all others.
void configure(tls::Config& config, const OldExchanges& options) {
  const auto add = [&](const auto& suites) {
    config.suites.insert(config.suites.end(), suites.begin(), suites.end());
  };
  if (options.dhe) add(tls::dhe_suites);
  if (options.rsa_key_transport) add(tls::rsa_transport_suites);
}

}  // namespace

void observe(io::TlsContext& context, trace::Sink* watcher, OwnStack* own) {
  context.trace = watcher;
  if (own == nullptr || !own->has_capture()) return;
  context.config.key_log = true;
  context.on_key_log = [own, file = std::move(context.on_key_log)](const std::string& line) {
    if (file) file(line);
    own->log_key(line);
  };
}

void add_options(CLI::App& command, TlsClientOptions& options) {
  command
      .add_option("--ca", options.ca,
                  "Trust the certificates in this file or directory, instead of the system's")
      ->type_name("PATH");
  command
      .add_option("--cert", options.certificate, "Show this certificate, if the server asks (PEM)")
      ->type_name("FILE");
  command.add_option("--key", options.key, "Its key, where that is in another file (PEM)")
      ->type_name("FILE");
  command
      .add_option("--accept", options.accept,
                  "Take the certificate with this SHA-256 for the host of the URL, whatever is "
                  "wrong with it")
      ->type_name("SHA256")
      ->check([](const std::string& text) -> std::string {
        if (crypto::parse_fingerprint(text)) return "";
        return text + " is no SHA-256: write 64 hexadecimal digits";
      });
  command.add_flag("--insecure", options.is_insecure,
                   "Accept any certificate: whoever is on the way may read and change all");
  command.add_flag("--early-data", options.sends_early_data,
                   "Where a session can be resumed, send the request along with the ClientHello "
                   "(0-RTT): no round trip, but whoever sees it can send it again");
  add_options(command, options.old_exchanges);
}

void add_options(CLI::App& command, TlsServerOptions& options) {
  command.add_flag("--tls", options.is_on, "HTTPS: needs --cert");
  command
      .add_option(
          "--cert", options.certificates,
          "The server's certificate and those above it (PEM). `handfast ca` makes one. More "
          "than one: the client's wish (SNI) chooses")
      ->type_name("FILE")
      ->allow_extra_args(false);
  command
      .add_option("--key", options.keys,
                  "Its key, where that is in another file (PEM); one for each --cert, in order")
      ->type_name("FILE")
      ->allow_extra_args(false);
  command
      .add_option("--client-ca", options.client_ca,
                  "Serve only clients with a certificate of this file's CAs (PEM)")
      ->type_name("FILE");
  command.add_flag("--early-data", options.takes_early_data,
                   "Answer GET and HEAD that come along with the ClientHello of a resumed session "
                   "(0-RTT); other methods wait (425)");
  add_options(command, options.old_exchanges);
}

void configure(io::TlsContext& context, const TlsClientOptions& options) {
  context.config.protocols = {"h2", "http/1.1"};
  configure(context.config, options.old_exchanges);
  context.accept_anybody = options.is_insecure;
  context.config.offers_early_data = options.sends_early_data;
  if (!options.is_insecure) context.verifier.emplace(trust_store(options.ca));
  if (!options.key.empty() && options.certificate.empty())
    throw Failure("--key is of no use without --cert", "", "name the certificate too", Exit::usage);
  if (!options.certificate.empty()) add_identity(context, options.certificate, options.key);
  log_keys(context);
}

void configure(io::TlsContext& context, const TlsServerOptions& options) {
  if (options.certificates.empty())
    throw Failure("--tls needs a certificate", "",
                  "name it: --cert FILE --key FILE (`handfast ca DIR` makes some)", Exit::usage);
  if (!options.keys.empty() && options.keys.size() != options.certificates.size())
    throw Failure("each --cert needs its --key", "", "name as many of each, in the same order",
                  Exit::usage);
  context.config.protocols = {"http/1.1", "http/1.0"};  // `curl -0` offers the latter alone
  configure(context.config, options.old_exchanges);
  for (std::size_t i = 0; i < options.certificates.size(); ++i)
    add_identity(context, options.certificates[i], options.keys.empty() ? "" : options.keys[i]);
  if (!options.client_ca.empty()) {
    context.verifier.emplace(trust_store(options.client_ca));
    context.config.client_auth = tls::ClientAuth::require;
  }
  context.give_tickets();
  constexpr u32 early_bytes_max = 16 << 10;  // a request's head
  if (options.takes_early_data) context.take_early_data(early_bytes_max);
  log_keys(context);
}

void accept(io::TlsContext& context, const TlsClientOptions& options, const std::string& host) {
  if (options.accept.empty()) return;
  const auto fingerprint = crypto::parse_fingerprint(options.accept);
  ASSERT(fingerprint);  // the option has been checked
  auto name = crypto::PeerName::parse(host);
  if (!name) throw Failure("no certificate can be for", host, name.error());
  context.exceptions = {{*fingerprint, std::move(*name)}};
}

std::string advice_on_refused(const io::TlsContext& context) {
  if (!context.refused || !crypto::may_be_accepted(context.refused->rule)) return "";
  std::string digits = crypto::to_string(context.refused->certificate.fingerprint());
  std::erase(digits, ':');
  return fmt::format(" (if you know it to be right: --accept {})", digits);
}

std::string describe(const tls::Summary& summary) {
  std::string text = fmt::format("{}, {}", to_string(summary.version), summary.suite->name);
  if (summary.group) text += ", " + to_string(*summary.group);
  if (summary.peer_scheme) text += ", " + to_string(*summary.peer_scheme);
  if (summary.peer_compression) text += ", certificates by " + to_string(*summary.peer_compression);
  if (summary.is_resumed) text += ", resumed";
  if (summary.early_data == tls::EarlyData::accepted) text += ", early data accepted";
  if (summary.early_data == tls::EarlyData::rejected) text += ", early data rejected";
  if (summary.is_retried) text += ", after a HelloRetryRequest";
  if (!summary.protocol.empty()) text += ", " + summary.protocol;
  return text;
}

}  // namespace handfast::cli
