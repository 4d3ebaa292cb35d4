// `handfast ca DIR`: a small certificate authority, with certificates for servers and clients, for
// tests and labs.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/ca_files.hpp"
#include "cli/command.hpp"
#include "cli/terminal.hpp"
#include "crypto/certificate_builder.hpp"
#include "crypto/certificate_file.hpp"
#include "crypto/hash.hpp"
#include "io/certificate_files.hpp"

namespace handfast::cli {

namespace {

using crypto::Certificate;
using crypto::CertificateRole;
using crypto::CertificateTemplate;
using crypto::KeyType;
using crypto::PrivateKey;

constexpr u32 days_max = 36500;
constexpr u32 ca_days = 3650;
constexpr std::chrono::hours backdated{1};  // for peers whose clocks are slow
constexpr std::size_t common_name_max = 64;

struct CaOptions {
  std::string directory{};
  std::vector<std::string> names{};
  std::vector<std::string> clients{};
  std::string out = "server";
  u32 days = 365;
  std::string key = "ecdsa";
  bool expired = false;
  bool force = false;
};

/// The CA, made now or found in the directory.
struct Authority {
  Certificate certificate;
  PrivateKey key;
  bool is_new;
};

PrivateKey new_key(const std::string& kind, u32 rsa_bits) {
  const KeyType type = kind == "rsa"       ? KeyType::rsa
                       : kind == "ed25519" ? KeyType::ed25519
                                           : KeyType::ec_p256;
  auto key = PrivateKey::generate(type, rsa_bits);
  if (!key) throw Failure("cannot make a key", "", key.error().why);
  return std::move(*key);
}

Certificate issued(const CertificateTemplate& wanted, const PrivateKey& key,
                   const Certificate* issuer, const PrivateKey& issuer_key) {
  auto certificate = crypto::issue(wanted, key.public_key(), issuer, issuer_key);
  if (!certificate)
    throw Failure("cannot make a certificate", wanted.common_name, certificate.error().why);
  return std::move(*certificate);
}

Authority make_authority(const CaOptions& options, WallTime now) {
  PrivateKey key = new_key(options.key, 3072);
  // Two CAs of one name would be taken for each other.
  const auto digest = crypto::hash(crypto::HashAlgorithm::sha256, key.public_key().to_der());
  CertificateTemplate wanted;
  wanted.role = CertificateRole::ca;
  wanted.common_name = fmt::format("Handfast test CA {:02x}{:02x}{:02x}", digest.storage[0],
                                   digest.storage[1], digest.storage[2]);
  wanted.path_length = 0;
  wanted.not_before = now - backdated;
  wanted.not_after = now + std::chrono::days{std::max(ca_days, options.days)};
  Certificate certificate = issued(wanted, key, nullptr, key);
  return {std::move(certificate), std::move(key), true};
}

Authority open_authority(const CaOptions& options, WallTime now) {
  const std::string certificate = path_in(options.directory, "ca.pem");
  const std::string key = path_in(options.directory, "ca.key");
  if (!exists(certificate) && !exists(key)) return make_authority(options, now);
  if (!exists(certificate) || !exists(key))
    throw Failure("half of a CA", exists(key) ? key : certificate,
                  "put the other half beside it, or remove this one for a new CA");
  const auto found = io::load_identity(certificate, key);
  if (!found) throw Failure("cannot use the CA that is there", "", found.error());
  Certificate own = *Certificate::parse(found->chain().front());
  if (!own.is_ca()) throw Failure("not a CA", certificate, "remove it and ca.key for a new one");
  if (own.not_after() < now)
    throw Failure("the CA has expired", certificate, "remove it and ca.key for a new one");
  return {std::move(own), found->key()->clone(), false};
}

/// "example.lan", "*.example.lan", "192.0.2.2", "2001:db8::2".
void add_name(CertificateTemplate& wanted, const std::string& text) {
  const auto name = crypto::PeerName::parse(text);
  if (name && name->is_address())
    wanted.addresses.push_back(name->address);
  else if (name)
    wanted.dns.push_back(name->dns);
  else if (text.starts_with("*.") && crypto::is_dns_pattern(text))
    wanted.dns.push_back(text);
  else
    throw Failure("not a name for a server", text,
                  "write a host name, *.DOMAIN or an IP address: --name example.lan", Exit::usage);
}

CertificateTemplate server_template(const CaOptions& options) {
  CertificateTemplate wanted;
  std::vector<std::string> names = options.names;
  if (names.empty()) names = {"localhost", "127.0.0.1", "::1"};
  for (const std::string& name : names) add_name(wanted, name);
  if (!wanted.dns.empty() && wanted.dns.front().size() <= common_name_max)
    wanted.common_name = wanted.dns.front();
  return wanted;
}

/// A name of files, too: nothing that leads elsewhere or looks like an option.
void check_stem(const std::string& name, const char* option) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("._@-").find(c) != std::string_view::npos;
  };
  if (name.empty() || name.size() > common_name_max || name.front() == '.' || name.front() == '-' ||
      name == "ca" || !std::ranges::all_of(name, fits))
    throw Failure(fmt::format("not a name for {}", option), name,
                  "its files are called so: letters, digits and . _ @ - only, and not \"ca\"",
                  Exit::usage);
}

/// Makes a certificate and puts it with its key among `files`; says so.
std::string add_certificate(std::vector<NewFile>& files, const CaOptions& options,
                            const Authority& authority, CertificateTemplate wanted,
                            const std::string& stem, WallTime now) {
  wanted.not_before = now - backdated;
  wanted.not_after =
      std::min(now + std::chrono::days{options.days}, authority.certificate.not_after());
  if (options.expired) {
    wanted.not_after = now - std::chrono::days{1};
    wanted.not_before = wanted.not_after - std::chrono::days{options.days};
  }
  const PrivateKey key = new_key(options.key, 2048);
  const Certificate certificate = issued(wanted, key, &authority.certificate, authority.key);
  files.push_back({stem + ".pem", crypto::to_pem(std::span(&certificate, 1)), false});
  files.push_back({stem + ".key", key.to_pem(), true});
  const auto names = certificate.names();
  return fmt::format(
      "  {:<24}{} {}, {}, {} {}\n  {:<24}its key\n", path_in(options.directory, stem + ".pem"),
      wanted.role == CertificateRole::server ? "server" : "client",
      names ? to_string(*names) : wanted.common_name, to_string(key.type()),
      options.expired ? "expired" : "until", crypto::to_string(certificate.not_after()),
      path_in(options.directory, stem + ".key"));
}

void run_ca(const CaOptions& options) {
  check_stem(options.out, "--out");
  for (const std::string& client : options.clients) check_stem(client, "--client");
  const bool makes_server = !options.names.empty() || options.clients.empty();
  const CertificateTemplate server = server_template(options);
  const WallTime now = io::wall_now();
  const Authority authority = open_authority(options, now);

  std::vector<NewFile> files;
  std::string text;
  if (authority.is_new) {
    files.push_back({"ca.pem", crypto::to_pem(std::span(&authority.certificate, 1)), false});
    files.push_back({"ca.key", authority.key.to_pem(), true});
    text = fmt::format("  {:<24}{}, until {}: peers must trust this one\n  {:<24}its key\n",
                       path_in(options.directory, "ca.pem"), authority.certificate.subject(),
                       crypto::to_string(authority.certificate.not_after()),
                       path_in(options.directory, "ca.key"));
  }
  if (makes_server) text += add_certificate(files, options, authority, server, options.out, now);
  for (const std::string& client : options.clients) {
    CertificateTemplate wanted;
    wanted.role = CertificateRole::client;
    wanted.common_name = client;
    text += add_certificate(files, options, authority, wanted, client, now);
  }
  write_files(options.directory, files, options.force);
  print((authority.is_new ? "Made a CA and, by it,\n"
                          : fmt::format("Made, by {},\n", authority.certificate.subject())) +
        text);
}

}  // namespace

void add_ca(CLI::App& app, Exit& exit) {
  auto options = std::make_shared<CaOptions>();
  CLI::App* command =
      app.add_subcommand("ca", "Make a small CA, and certificates by it, for tests and labs");
  command->add_option("DIR", options->directory, "Where the files go; made if it is not there")
      ->required();
  command
      ->add_option("--name", options->names,
                   "A name of the server: a host name, *.DOMAIN or an IP address. May be given "
                   "more than once. Default: localhost, 127.0.0.1 and ::1")
      ->type_name("NAME")
      ->allow_extra_args(false);
  command
      ->add_option("--client", options->clients,
                   "Make a certificate for this client. May be given more than once; without "
                   "--name, no server's is made then")
      ->type_name("NAME")
      ->allow_extra_args(false);
  command
      ->add_option("--out", options->out,
                   "What the server's files are called. Default: server, so server.pem, server.key")
      ->type_name("NAME");
  command->add_option("--days", options->days, "How long they are valid. Default: 365; a CA 3650")
      ->type_name("N")
      ->check(CLI::Range(1U, days_max).description(""));
  command
      ->add_option("--key", options->key,
                   "Kind of all keys: ecdsa (P-256), rsa or ed25519. "
                   "Default: ecdsa")
      ->type_name("KIND")
      ->check(CLI::IsMember({"ecdsa", "rsa", "ed25519"}).description(""));
  command->add_flag("--expired", options->expired, "Let them have ended yesterday");
  command->add_flag("--force", options->force, "Replace files that are there (never the CA)");
  command->footer(
      "Where DIR has a CA (ca.pem and ca.key) it is used, else one is made. Keys can be read by\n"
      "their owner alone and have no password: this is for tests and labs, not for the Internet.\n"
      "\nExamples:\n"
      "  handfast ca lab                                   a CA, and a server on localhost\n"
      "  handfast ca lab --name www.lab --name 192.0.2.2 --out www\n"
      "  handfast ca lab --client alice --days 30\n"
      "  openssl verify -CAfile lab/ca.pem lab/server.pem\n");
  command->callback([options, &exit] {
    run_ca(*options);
    exit = Exit::ok;
  });
}

}  // namespace handfast::cli
