#include "bogo/endpoint.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>

#include <fmt/format.h>

#include "crypto/certificate_file.hpp"

namespace handfast::bogo {
namespace {

using crypto::Group;
using crypto::SignatureScheme;
using tls::Version;

/// As many as BoringSSL takes, which its tests know.
constexpr u32 early_bytes_max = 14336;

Done set_versions(const Options& options, tls::Config& config) {
  auto& low = config.version_min;
  auto& high = config.version_max;
  const auto known = [](u32 version) {
    return std::clamp(static_cast<Version>(version), Version::tls_1_2, Version::tls_1_3);
  };
  if (options.min_version != 0) low = known(options.min_version);
  if (options.max_version != 0) high = known(options.max_version);
  if (options.no_tls12) low = Version::tls_1_3;
  if (options.no_tls13) high = Version::tls_1_2;
  const bool is_below_all =
      options.max_version != 0 && options.max_version < to<u32>(Version::tls_1_2);
  if (low > high || is_below_all) return unimplemented("TLS 1.0 and 1.1 are not spoken");
  return {};
}

bool is_scheme(SignatureScheme scheme) { return is_known(scheme); }

/// Null where one of `numbers` is not known.
template <class Code, class Known>
std::optional<std::vector<Code>> codes(const std::vector<u32>& numbers, Known is_known) {
  std::vector<Code> list;
  for (const u32 number : numbers) {
    const auto code = static_cast<Code>(number);
    if (!is_known(code)) return std::nullopt;
    list.push_back(code);
  }
  return list;
}

Done set_algorithms(const Options& options, tls::Config& config) {
  if (!options.curves.empty()) {
    auto groups = codes<Group>(options.curves, [](Group group) { return is_known(group); });
    if (!groups) return unimplemented("a group for key exchange that is not known");
    config.groups = std::move(*groups);
  }
  if (!options.verify_prefs.empty()) {
    auto schemes = codes<SignatureScheme>(options.verify_prefs, is_scheme);
    if (!schemes) return unimplemented("a signature scheme that is not known");
    config.schemes = std::move(*schemes);
  }
  return {};
}

/// What a policy leaves of the algorithms.
struct Policy {
  std::vector<tls::CipherSuite> suites;
  std::vector<Group> groups;
  std::vector<SignatureScheme> schemes;
};

/// NIST SP 800-52r2.
Policy fips_202205() {
  using enum tls::CipherSuite;
  using enum SignatureScheme;
  return {{aes_128_gcm_sha256, aes_256_gcm_sha384, ecdsa_aes_128_gcm_sha256, rsa_aes_128_gcm_sha256,
           ecdsa_aes_256_gcm_sha384, rsa_aes_256_gcm_sha384},
          {Group::secp256r1, Group::secp384r1},
          {rsa_pkcs1_sha256, rsa_pkcs1_sha384, rsa_pkcs1_sha512, ecdsa_secp256r1_sha256,
           ecdsa_secp384r1_sha384, rsa_pss_rsae_sha256, rsa_pss_rsae_sha384, rsa_pss_rsae_sha512}};
}

/// WPA3 3.1 §3.5, its 192-bit mode.
Policy wpa_202304() {
  using enum tls::CipherSuite;
  using enum SignatureScheme;
  return {{aes_256_gcm_sha384, ecdsa_aes_256_gcm_sha384, rsa_aes_256_gcm_sha384},
          {Group::secp384r1},
          {rsa_pkcs1_sha384, rsa_pkcs1_sha512, ecdsa_secp384r1_sha384, rsa_pss_rsae_sha384,
           rsa_pss_rsae_sha512}};
}

void set_policy(const Options& options, Settings& settings) {
  if (!options.fips_202205 && !options.wpa_202304) return;
  Policy policy = options.fips_202205 ? fips_202205() : wpa_202304();
  for (tls::Identity& identity : settings.config.identities) identity.set_schemes(policy.schemes);
  settings.config.suites = std::move(policy.suites);
  settings.config.groups = std::move(policy.groups);
  settings.config.schemes = std::move(policy.schemes);
}

Done set_protocols(const Options& options, tls::Config& config) {
  for (tls::Reader list(options.advertise_alpn); !list.empty();)
    config.protocols.emplace_back(as_text(list.vector8()));
  if (!options.is_server) return {};
  config.protocols.clear();
  if (!options.select_alpn.empty()) config.protocols.push_back(options.select_alpn);
  // What no client offers.
  if (options.reject_alpn) config.protocols.emplace_back("\x01rejected");
  return {};
}

Done set_identity(const Options& options, Settings& settings) {
  if (options.cert_file.empty()) return {};
  auto chain = read_chain(options.cert_file);
  if (!chain) return failure(chain.error());
  const auto text = read_file(options.key_file.empty() ? options.cert_file : options.key_file);
  if (!text) return failure(text.error());
  auto key = crypto::PrivateKey::from_pem(*text);
  if (!key) return fail(key.error().why);
  std::optional<crypto::PrivateKey> with;
  if (options.async)
    settings.key = std::move(*key);
  else
    with = std::move(*key);
  auto identity = tls::Identity::make(std::move(*chain), std::move(with));
  if (!identity) return fail(identity.error().why);
  if (!options.decline_ocsp_callback) identity->set_ocsp_response(options.ocsp_response);
  auto schemes = codes<SignatureScheme>(options.signing_prefs, is_scheme);
  if (!schemes) return unimplemented("a signature scheme that is not known");
  identity->set_schemes(std::move(*schemes));
  settings.config.identities.push_back(std::move(*identity));
  return {};
}

Done set_quic(const Options& options, tls::Config& config) {
  if (options.quic_use_legacy_codepoint != 0 && !options.quic_transport_params.empty())
    return unimplemented("the transport parameters of QUIC's drafts");
  if (options.quic == options.quic_transport_params.empty())
    return unimplemented("transport parameters without QUIC, or QUIC without them");
  if (!options.quic) return {};
  if (options.enable_early_data) return unimplemented("early data with QUIC");
  config.version_min = tls::Version::tls_1_3;
  config.quic_parameters = options.quic_transport_params;
  return {};
}

void set_rest(const Options& options, Endpoint& endpoint, tls::Config& config) {
  config.grease = options.enable_grease;
  config.ask_for_ocsp = options.enable_ocsp_stapling;
  config.early_bytes_skipped_max = 16 << 10;
  config.key_log = options.export_traffic_secrets;
  const auto& old = tls::rsa_transport_suites;  // which BoringSSL has unless told otherwise
  config.suites.insert(config.suites.end(), old.begin(), old.end());
  config.offers_early_data = options.enable_early_data;
  if (options.max_cert_list != 0) config.message_bytes_max = options.max_cert_list;
  if (!options.is_server) return;
  if (options.enable_early_data) config.early_bytes_max = early_bytes_max;
  config.replay_guard = &endpoint.replay_guard();
  config.sessions = &endpoint.sessions();
  if (!options.no_ticket) config.ticket_keys = &endpoint.ticket_keys();
  if (options.verify_peer) config.client_auth = tls::ClientAuth::request;
  if (options.require_any_client_certificate) config.client_auth = tls::ClientAuth::require;
}

}  // namespace

Result<Settings, Failure> settings(const Options& options, Endpoint& endpoint) {
  Settings settings;
  set_rest(options, endpoint, settings.config);
  Done done = set_versions(options, settings.config);
  if (done) done = set_algorithms(options, settings.config);
  if (done) done = set_protocols(options, settings.config);
  if (done) done = set_identity(options, settings);
  if (done && options.no_ticket && !options.is_server)
    done = unimplemented("a client that takes no tickets");
  if (done && options.fail_ocsp_callback && options.is_server)
    done = unimplemented("a callback for stapling");
  if (done) set_policy(options, settings);
  if (done) done = set_quic(options, settings.config);
  if (!done) return failure(done.error());
  return settings;
}

Result<std::string, Failure> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(fmt::format("{} cannot be read", path));
  return std::string(std::istreambuf_iterator<char>(file), {});
}

Result<std::vector<std::vector<u8>>, Failure> read_chain(const std::string& path) {
  const auto text = read_file(path);
  if (!text) return failure(text.error());
  const auto certificates = crypto::parse_certificates(as_bytes(*text));
  if (!certificates) return fail(certificates.error().sentence);
  std::vector<std::vector<u8>> chain;
  for (const crypto::Certificate& certificate : *certificates) chain.push_back(certificate.der());
  return chain;
}

}  // namespace handfast::bogo
