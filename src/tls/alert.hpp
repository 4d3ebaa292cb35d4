// RFC 8446 §6: what one end tells the other before it stops.
#pragma once

#include <string>
#include <string_view>

#include "base/types.hpp"

namespace handfast::tls {

enum class Alert : u8 {
  close_notify = 0,
  unexpected_message = 10,
  bad_record_mac = 20,
  record_overflow = 22,
  handshake_failure = 40,
  bad_certificate = 42,
  unsupported_certificate = 43,
  certificate_revoked = 44,
  certificate_expired = 45,
  certificate_unknown = 46,
  illegal_parameter = 47,
  unknown_ca = 48,
  access_denied = 49,
  decode_error = 50,
  decrypt_error = 51,
  protocol_version = 70,
  insufficient_security = 71,
  internal_error = 80,
  inappropriate_fallback = 86,
  user_canceled = 90,
  no_renegotiation = 100,
  missing_extension = 109,
  unsupported_extension = 110,
  unrecognized_name = 112,
  bad_certificate_status_response = 113,
  unknown_psk_identity = 115,
  certificate_required = 116,
  no_application_protocol = 120,
};
/// "handshake_failure", "alert 99".
std::string to_string(Alert alert);
/// What a peer that sends it means, and what to do about it; empty where the name says it all.
std::string_view advice(Alert alert);

/// Why a connection failed: what the peer hears, or what it said, and a sentence for people that
/// says what to do where something can be done.
struct Error {
  Alert alert{};
  std::string why{};
  bool from_peer = false;
};

}  // namespace handfast::tls
