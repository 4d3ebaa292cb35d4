// What BoringSSL's test runner asks of its shim, by the names that it uses on the command line.
#pragma once

#include <array>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/types.hpp"
#include "bogo/failure.hpp"

namespace handfast::bogo {

/// How to run one connection. What is 0 or empty was not asked for.
struct Options {
  u32 port = 0;
  bool ipv6 = false;
  u64 shim_id = 0;
  bool is_server = false;
  bool quic = false;
  std::vector<u8> quic_transport_params;
  u32 quic_use_legacy_codepoint = 0;
  bool is_handshaker_supported = false;  // asked of a shim once: "No"
  u32 resume_count = 0;
  u32 resumption_delay = 0;  // seconds

  // What both ends can do.
  u32 min_version = 0;
  u32 max_version = 0;
  bool no_tls12 = false;
  bool no_tls13 = false;
  std::vector<u32> curves;
  std::vector<u32> signing_prefs;
  std::vector<u32> verify_prefs;
  bool fips_202205 = false;
  bool wpa_202304 = false;
  bool enable_grease = false;
  bool enable_early_data = false;
  bool no_ticket = false;
  u32 max_cert_list = 0;

  // Who they are.
  std::string key_file;
  std::string cert_file;
  std::string host_name;
  bool require_any_client_certificate = false;
  bool verify_peer = false;
  bool verify_fail = false;
  bool use_custom_verify_callback = false;
  bool fail_ocsp_callback = false;
  bool decline_ocsp_callback = false;
  bool enable_ocsp_stapling = false;
  std::vector<u8> ocsp_response;
  std::vector<u8> advertise_alpn;
  std::string select_alpn;
  bool decline_alpn = false;
  bool reject_alpn = false;

  // How to talk.
  bool async = false;
  bool shim_writes_first = false;
  bool shim_shuts_down = false;
  bool check_close_notify = false;
  bool send_alert = false;
  bool key_update = false;
  bool peek_then_read = false;
  bool read_with_unfinished_write = false;
  bool write_different_record_sizes = false;
  bool use_exporter_between_reads = false;
  u32 read_size = 0;
  u32 export_keying_material = 0;
  std::string export_label;
  std::string export_context;
  bool use_export_context = false;
  bool export_traffic_secrets = false;

  // What must come of it.
  u32 expect_version = 0;
  u32 expect_cipher = 0;
  u32 expect_cipher_aes = 0;
  u32 expect_curve_id = 0;
  u32 expect_peer_signature_algorithm = 0;
  std::string expect_alpn;
  std::string expect_server_name;
  std::vector<u8> expect_quic_transport_params;
  std::string expect_peer_cert_file;
  std::vector<u8> expect_ocsp_response;
  bool expect_verify_result = false;
  bool expect_session_miss = false;
  bool expect_no_session = false;
  bool expect_session_id = false;
  bool expect_no_session_id = false;
  bool expect_ticket_renewal = false;
  bool expect_ticket_supports_early_data = false;
  bool expect_accept_early_data = false;
  bool expect_reject_early_data = false;
  bool expect_no_offer_early_data = false;
  std::string expect_early_data_reason;
  bool expect_hrr = false;
  bool expect_no_hrr = false;
  bool expect_extended_master_secret = false;
};

/// For the first connection, for those that resume it, and for one that goes on after early data
/// was refused.
struct OptionSets {
  Options initial;
  Options resume;
  Options retry;
};

/// A Failure of Failure::unimplemented for what this shim does not know.
Result<OptionSets, Failure> parse_options(std::span<char* const> arguments);

}  // namespace handfast::bogo
