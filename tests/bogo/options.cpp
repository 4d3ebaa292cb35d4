#include "bogo/options.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <variant>

namespace handfast::bogo {
namespace {

using Field = std::variant<bool Options::*, u32 Options::*, u64 Options::*, std::string Options::*,
                           std::vector<u32> Options::*, std::vector<u8> Options::*, std::monostate>;
struct Flag {
  std::string_view name;
  Field field;
};

/// std::monostate: what this shim does anyway, or a choice among BoringSSL's callbacks for what is
/// one setting here.
constexpr std::array flags{
    Flag{"-port", &Options::port},
    Flag{"-ipv6", &Options::ipv6},
    Flag{"-shim-id", &Options::shim_id},
    Flag{"-server", &Options::is_server},
    Flag{"-quic", &Options::quic},
    Flag{"-quic-transport-params", &Options::quic_transport_params},
    Flag{"-quic-use-legacy-codepoint", &Options::quic_use_legacy_codepoint},
    Flag{"-expect-quic-transport-params", &Options::expect_quic_transport_params},
    Flag{"-is-handshaker-supported", &Options::is_handshaker_supported},
    Flag{"-resume-count", &Options::resume_count},
    Flag{"-resumption-delay", &Options::resumption_delay},
    Flag{"-min-version", &Options::min_version},
    Flag{"-max-version", &Options::max_version},
    Flag{"-no-tls1", std::monostate{}},
    Flag{"-no-tls11", std::monostate{}},
    Flag{"-no-tls12", &Options::no_tls12},
    Flag{"-no-tls13", &Options::no_tls13},
    Flag{"-curves", &Options::curves},
    Flag{"-signing-prefs", &Options::signing_prefs},
    Flag{"-verify-prefs", &Options::verify_prefs},
    Flag{"-fips-202205", &Options::fips_202205},
    Flag{"-wpa-202304", &Options::wpa_202304},
    Flag{"-enable-grease", &Options::enable_grease},
    Flag{"-enable-early-data", &Options::enable_early_data},
    Flag{"-no-ticket", &Options::no_ticket},
    Flag{"-max-cert-list", &Options::max_cert_list},
    Flag{"-server-preference", std::monostate{}},
    Flag{"-key-file", &Options::key_file},
    Flag{"-cert-file", &Options::cert_file},
    Flag{"-host-name", &Options::host_name},
    Flag{"-require-any-client-certificate", &Options::require_any_client_certificate},
    Flag{"-verify-peer", &Options::verify_peer},
    Flag{"-verify-fail", &Options::verify_fail},
    Flag{"-use-custom-verify-callback", &Options::use_custom_verify_callback},
    Flag{"-use-old-client-cert-callback", std::monostate{}},
    Flag{"-use-early-callback", std::monostate{}},
    Flag{"-use-ocsp-callback", std::monostate{}},
    Flag{"-set-ocsp-in-callback", std::monostate{}},
    Flag{"-fail-ocsp-callback", &Options::fail_ocsp_callback},
    Flag{"-decline-ocsp-callback", &Options::decline_ocsp_callback},
    Flag{"-enable-ocsp-stapling", &Options::enable_ocsp_stapling},
    Flag{"-ocsp-response", &Options::ocsp_response},
    Flag{"-advertise-alpn", &Options::advertise_alpn},
    Flag{"-select-alpn", &Options::select_alpn},
    Flag{"-decline-alpn", &Options::decline_alpn},
    Flag{"-reject-alpn", &Options::reject_alpn},
    Flag{"-async", &Options::async},
    Flag{"-shim-writes-first", &Options::shim_writes_first},
    Flag{"-shim-shuts-down", &Options::shim_shuts_down},
    Flag{"-check-close-notify", &Options::check_close_notify},
    Flag{"-send-alert", &Options::send_alert},
    Flag{"-key-update", &Options::key_update},
    Flag{"-peek-then-read", &Options::peek_then_read},
    Flag{"-read-with-unfinished-write", &Options::read_with_unfinished_write},
    Flag{"-write-different-record-sizes", &Options::write_different_record_sizes},
    Flag{"-use-exporter-between-reads", &Options::use_exporter_between_reads},
    Flag{"-read-size", &Options::read_size},
    Flag{"-no-op-extra-handshake", std::monostate{}},
    Flag{"-handshake-twice", std::monostate{}},
    Flag{"-allow-hint-mismatch", std::monostate{}},
    Flag{"-implicit-handshake", std::monostate{}},
    Flag{"-renegotiate-ignore", std::monostate{}},
    Flag{"-export-keying-material", &Options::export_keying_material},
    Flag{"-export-label", &Options::export_label},
    Flag{"-export-context", &Options::export_context},
    Flag{"-use-export-context", &Options::use_export_context},
    Flag{"-export-traffic-secrets", &Options::export_traffic_secrets},
    Flag{"-expect-version", &Options::expect_version},
    Flag{"-expect-cipher", &Options::expect_cipher},
    Flag{"-expect-cipher-aes", &Options::expect_cipher_aes},
    Flag{"-expect-curve-id", &Options::expect_curve_id},
    Flag{"-expect-peer-signature-algorithm", &Options::expect_peer_signature_algorithm},
    Flag{"-expect-alpn", &Options::expect_alpn},
    Flag{"-expect-server-name", &Options::expect_server_name},
    Flag{"-expect-peer-cert-file", &Options::expect_peer_cert_file},
    Flag{"-expect-ocsp-response", &Options::expect_ocsp_response},
    Flag{"-expect-verify-result", &Options::expect_verify_result},
    Flag{"-expect-session-miss", &Options::expect_session_miss},
    Flag{"-expect-no-session", &Options::expect_no_session},
    Flag{"-expect-session-id", &Options::expect_session_id},
    Flag{"-expect-no-session-id", &Options::expect_no_session_id},
    Flag{"-expect-ticket-renewal", &Options::expect_ticket_renewal},
    Flag{"-expect-ticket-supports-early-data", &Options::expect_ticket_supports_early_data},
    Flag{"-expect-accept-early-data", &Options::expect_accept_early_data},
    Flag{"-expect-reject-early-data", &Options::expect_reject_early_data},
    Flag{"-expect-no-offer-early-data", &Options::expect_no_offer_early_data},
    Flag{"-expect-early-data-reason", &Options::expect_early_data_reason},
    Flag{"-expect-hrr", &Options::expect_hrr},
    Flag{"-expect-no-hrr", &Options::expect_no_hrr},
    Flag{"-expect-extended-master-secret", &Options::expect_extended_master_secret},
};

/// The runner says which root its certificates go back to: chains are judged by other tests. And
/// what is to be chosen without AES in hardware, which libcrypto does not tell.
constexpr std::array<std::string_view, 2> ignored_with_value{"-trust-cert",
                                                             "-expect-cipher-no-aes"};
/// Given as raw bytes; the other byte strings come in base64.
constexpr std::string_view raw_bytes = "-advertise-alpn";

std::optional<std::vector<u8>> decode_base64(std::string_view text) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::vector<u8> bytes;
  u32 bits = 0;
  u32 count = 0;
  for (const char c : text.substr(0, text.find('='))) {
    const std::size_t digit = digits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | to<u32>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes.push_back(to<u8>(bits >> count));
  }
  return bytes;
}

/// Takes a prefix off, where it is there.
bool take(std::string_view& name, std::string_view prefix) {
  if (!name.starts_with(prefix)) return false;
  name.remove_prefix(prefix.size() - 1);  // its last hyphen is the name's first
  return true;
}

class Setter {
 public:
  Setter(std::string_view name, std::string_view value, std::vector<Options*> targets)
      : name_(name), value_(value), targets_(std::move(targets)) {}

  Done operator()(std::monostate) const { return {}; }
  Done operator()(bool Options::* field) const {
    for (Options* it : targets_) it->*field = true;
    return {};
  }
  Done operator()(u32 Options::* field) const { return number(field); }
  Done operator()(u64 Options::* field) const { return number(field); }
  Done operator()(std::string Options::* field) const {
    for (Options* it : targets_) it->*field = value_;
    return {};
  }
  Done operator()(std::vector<u32> Options::* field) const {
    u32 value = 0;
    if (!parse(value)) return is_no_number();
    for (Options* it : targets_) (it->*field).push_back(value);
    return {};
  }
  Done operator()(std::vector<u8> Options::* field) const {
    const auto bytes = name_ == raw_bytes
                           ? std::vector<u8>(as_bytes(value_).begin(), as_bytes(value_).end())
                           : decode_base64(value_);
    if (!bytes) return fail(std::string(name_) + " has a value that is not base64");
    for (Options* it : targets_) it->*field = *bytes;
    return {};
  }

 private:
  template <class Number>
  Done number(Number Options::* field) const {
    Number value = 0;
    if (!parse(value)) return is_no_number();
    for (Options* it : targets_) it->*field = value;
    return {};
  }
  bool parse(auto& value) const {
    const char* end = value_.data() + value_.size();
    const auto parsed = std::from_chars(value_.data(), end, value);
    return parsed.ec == std::errc{} && parsed.ptr == end;
  }
  std::unexpected<Failure> is_no_number() const {
    return fail(std::string(name_) + " wants a number, not " + std::string(value_));
  }

  std::string_view name_;
  std::string_view value_;
  std::vector<Options*> targets_;
};

}  // namespace

Result<OptionSets, Failure> parse_options(std::span<char* const> arguments) {
  OptionSets sets;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string_view name = arguments[i];
    take(name, "-on-shim-");
    // A handshake that is handed to a second process: never to us.
    const bool is_for_another = take(name, "-on-handshaker-");
    std::vector<Options*> targets{&sets.initial, &sets.resume, &sets.retry};
    if (take(name, "-on-initial-")) targets = {&sets.initial};
    if (take(name, "-on-resume-")) targets = {&sets.resume};
    if (take(name, "-on-retry-")) targets = {&sets.retry};
    if (is_for_another) targets.clear();

    const auto flag = std::ranges::find(flags, name, &Flag::name);
    const bool is_ignored = std::ranges::find(ignored_with_value, name) != ignored_with_value.end();
    if (flag == flags.end() && !is_ignored)
      return unimplemented("this shim does not know " + std::string(name));
    const bool has_value = is_ignored || (!std::holds_alternative<bool Options::*>(flag->field) &&
                                          !std::holds_alternative<std::monostate>(flag->field));
    if (has_value && ++i == arguments.size()) return fail(std::string(name) + " lacks its value");
    if (is_ignored) continue;
    const Setter set(name, has_value ? arguments[i] : "", std::move(targets));
    if (const Done done = std::visit(set, flag->field); !done) return failure(done.error());
  }
  return sets;
}

}  // namespace handfast::bogo
