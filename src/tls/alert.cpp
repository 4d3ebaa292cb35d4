#include "tls/alert.hpp"

#include <fmt/format.h>

namespace handfast::tls {

std::string to_string(Alert alert) {
  switch (alert) {
    case Alert::close_notify: return "close_notify";
    case Alert::unexpected_message: return "unexpected_message";
    case Alert::bad_record_mac: return "bad_record_mac";
    case Alert::record_overflow: return "record_overflow";
    case Alert::handshake_failure: return "handshake_failure";
    case Alert::bad_certificate: return "bad_certificate";
    case Alert::unsupported_certificate: return "unsupported_certificate";
    case Alert::certificate_revoked: return "certificate_revoked";
    case Alert::certificate_expired: return "certificate_expired";
    case Alert::certificate_unknown: return "certificate_unknown";
    case Alert::illegal_parameter: return "illegal_parameter";
    case Alert::unknown_ca: return "unknown_ca";
    case Alert::access_denied: return "access_denied";
    case Alert::decode_error: return "decode_error";
    case Alert::decrypt_error: return "decrypt_error";
    case Alert::protocol_version: return "protocol_version";
    case Alert::insufficient_security: return "insufficient_security";
    case Alert::internal_error: return "internal_error";
    case Alert::inappropriate_fallback: return "inappropriate_fallback";
    case Alert::user_canceled: return "user_canceled";
    case Alert::no_renegotiation: return "no_renegotiation";
    case Alert::missing_extension: return "missing_extension";
    case Alert::unsupported_extension: return "unsupported_extension";
    case Alert::unrecognized_name: return "unrecognized_name";
    case Alert::bad_certificate_status_response: return "bad_certificate_status_response";
    case Alert::unknown_psk_identity: return "unknown_psk_identity";
    case Alert::certificate_required: return "certificate_required";
    case Alert::no_application_protocol: return "no_application_protocol";
  }
  return fmt::format("alert {}", to<u8>(alert));
}

std::string_view advice(Alert alert) {
  switch (alert) {
    case Alert::handshake_failure:
      return "it found nothing in common: compare cipher suites, groups and signature schemes";
    case Alert::protocol_version: return "it speaks none of the versions that we offer";
    case Alert::bad_certificate:
    case Alert::unsupported_certificate:
    case Alert::certificate_unknown: return "it does not accept our certificate";
    case Alert::certificate_expired: return "our certificate is out of date, or its clock is wrong";
    case Alert::certificate_revoked: return "our certificate was revoked";
    case Alert::unknown_ca: return "it does not know the CA that signed our certificate";
    case Alert::certificate_required: return "it wants a client certificate, and we showed none";
    case Alert::no_application_protocol: return "it speaks none of the protocols that we offered";
    case Alert::unrecognized_name: return "it has no certificate for the name that we asked for";
    case Alert::access_denied: return "our certificate is good, but not for this";
    default: return {};
  }
}

}  // namespace handfast::tls
