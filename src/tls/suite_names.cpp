// The registry's names of the suites that old peers offer, so that a refusal can say them.
#include "tls/suite_names.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

namespace handfast::tls {
namespace {

struct Named {
  u16 code;
  std::string_view name;
};
constexpr std::array names{Named{0x0000, "TLS_NULL_WITH_NULL_NULL"},
                           Named{0x0001, "TLS_RSA_WITH_NULL_MD5"},
                           Named{0x0002, "TLS_RSA_WITH_NULL_SHA"},
                           Named{0x0003, "TLS_RSA_EXPORT_WITH_RC4_40_MD5"},
                           Named{0x0004, "TLS_RSA_WITH_RC4_128_MD5"},
                           Named{0x0005, "TLS_RSA_WITH_RC4_128_SHA"},
                           Named{0x0006, "TLS_RSA_EXPORT_WITH_RC2_CBC_40_MD5"},
                           Named{0x0007, "TLS_RSA_WITH_IDEA_CBC_SHA"},
                           Named{0x0008, "TLS_RSA_EXPORT_WITH_DES40_CBC_SHA"},
                           Named{0x0009, "TLS_RSA_WITH_DES_CBC_SHA"},
                           Named{0x000a, "TLS_RSA_WITH_3DES_EDE_CBC_SHA"},
                           Named{0x0011, "TLS_DHE_DSS_EXPORT_WITH_DES40_CBC_SHA"},
                           Named{0x0012, "TLS_DHE_DSS_WITH_DES_CBC_SHA"},
                           Named{0x0013, "TLS_DHE_DSS_WITH_3DES_EDE_CBC_SHA"},
                           Named{0x0014, "TLS_DHE_RSA_EXPORT_WITH_DES40_CBC_SHA"},
                           Named{0x0015, "TLS_DHE_RSA_WITH_DES_CBC_SHA"},
                           Named{0x0016, "TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA"},
                           Named{0x0017, "TLS_DH_anon_EXPORT_WITH_RC4_40_MD5"},
                           Named{0x0018, "TLS_DH_anon_WITH_RC4_128_MD5"},
                           Named{0x001b, "TLS_DH_anon_WITH_3DES_EDE_CBC_SHA"},
                           Named{0x002f, "TLS_RSA_WITH_AES_128_CBC_SHA"},
                           Named{0x0032, "TLS_DHE_DSS_WITH_AES_128_CBC_SHA"},
                           Named{0x0033, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA"},
                           Named{0x0034, "TLS_DH_anon_WITH_AES_128_CBC_SHA"},
                           Named{0x0035, "TLS_RSA_WITH_AES_256_CBC_SHA"},
                           Named{0x0038, "TLS_DHE_DSS_WITH_AES_256_CBC_SHA"},
                           Named{0x0039, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA"},
                           Named{0x003a, "TLS_DH_anon_WITH_AES_256_CBC_SHA"},
                           Named{0x003b, "TLS_RSA_WITH_NULL_SHA256"},
                           Named{0x003c, "TLS_RSA_WITH_AES_128_CBC_SHA256"},
                           Named{0x003d, "TLS_RSA_WITH_AES_256_CBC_SHA256"},
                           Named{0x0040, "TLS_DHE_DSS_WITH_AES_128_CBC_SHA256"},
                           Named{0x0041, "TLS_RSA_WITH_CAMELLIA_128_CBC_SHA"},
                           Named{0x0067, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256"},
                           Named{0x006a, "TLS_DHE_DSS_WITH_AES_256_CBC_SHA256"},
                           Named{0x006b, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256"},
                           Named{0x0084, "TLS_RSA_WITH_CAMELLIA_256_CBC_SHA"},
                           Named{0x0096, "TLS_RSA_WITH_SEED_CBC_SHA"},
                           Named{0x00a2, "TLS_DHE_DSS_WITH_AES_128_GCM_SHA256"},
                           Named{0x00a3, "TLS_DHE_DSS_WITH_AES_256_GCM_SHA384"},
                           Named{0x00a6, "TLS_DH_anon_WITH_AES_128_GCM_SHA256"},
                           Named{0x00ff, "TLS_EMPTY_RENEGOTIATION_INFO_SCSV"},
                           Named{0x1304, "TLS_AES_128_CCM_SHA256"},
                           Named{0x1305, "TLS_AES_128_CCM_8_SHA256"},
                           Named{0x5600, "TLS_FALLBACK_SCSV"},
                           Named{0xc007, "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA"},
                           Named{0xc008, "TLS_ECDHE_ECDSA_WITH_3DES_EDE_CBC_SHA"},
                           Named{0xc009, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"},
                           Named{0xc00a, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA"},
                           Named{0xc011, "TLS_ECDHE_RSA_WITH_RC4_128_SHA"},
                           Named{0xc012, "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA"},
                           Named{0xc013, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"},
                           Named{0xc014, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"},
                           Named{0xc016, "TLS_ECDH_anon_WITH_RC4_128_SHA"},
                           Named{0xc018, "TLS_ECDH_anon_WITH_AES_128_CBC_SHA"},
                           Named{0xc023, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256"},
                           Named{0xc024, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384"},
                           Named{0xc027, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256"},
                           Named{0xc028, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384"}};

/// A part of a suite's name, and what it stands for.
constexpr std::array<std::pair<std::string_view, std::string_view>, 11> broken{{
    {"_RC4_", "RC4"},
    {"_3DES_", "3DES"},
    {"_DES_", "DES"},
    {"_DES40_", "40-bit DES"},
    {"_RC2_", "RC2"},
    {"_IDEA_", "IDEA"},
    {"_MD5", "MD5"},
    {"_DSS_", "DSA"},
    {"_EXPORT_", "export keys"},
    {"_anon_", "no certificate"},
    {"_NULL_", "no encryption"},
}};

}  // namespace

std::string to_string(CipherSuite code) {
  if (const Suite* known = find_suite(code)) return std::string(known->name);
  const auto* row = std::ranges::find(names, to<u16>(code), &Named::code);
  return row == names.end() ? fmt::format("0x{:04x}", to<u16>(code)) : std::string(row->name);
}

std::string never_taken(const CodeList<CipherSuite>& offered) {
  std::string found;
  for (const auto& [part, what] : broken)
    for (u32 i = 0; i < offered.size(); ++i) {
      if (!to_string(offered[i]).contains(part)) continue;
      found += fmt::format("{}{}", found.empty() ? "" : ", ", what);
      break;
    }
  return found;
}

}  // namespace handfast::tls
