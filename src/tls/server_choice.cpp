// RFC 8446 §4.1.1 and §4.2: what the server chooses of what the client offers.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "crypto/wipe.hpp"
#include "tls/server.hpp"
#include "tls/suite_names.hpp"

namespace handfast::tls {
namespace {

using crypto::Group;
using crypto::to_string;

/// How far the client's view of a ticket's age may be from ours: only early data minds more.
constexpr Duration age_error_max = std::chrono::minutes{1};

bool has_mode(const ClientHello& hello, u8 mode) {
  return std::ranges::find(*hello.psk_modes, mode) != hello.psk_modes->end();
}
constexpr u8 psk_ke = 0;
constexpr u8 psk_dhe_ke = 1;

}  // namespace

std::string suites_offered(const ClientHello& hello) {
  const std::string broken = never_taken(hello.suites);
  return names(hello.suites) + (broken.empty() ? "" : "; never taken: " + broken);
}

/// §4.2.1. Without the extension the old field counts.
Result<Version, Error> Server::choose_version(const ClientHello& hello) const {
  const bool is_old = hello.versions.empty();
  for (const Version version : {Version::tls_1_3, Version::tls_1_2}) {
    const bool is_offered = is_old ? version == Version::tls_1_2 && hello.legacy_version >= version
                                   : hello.offers(version);
    if (is_offered && config().speaks(version)) return version;
  }
  const std::string offered = is_old ? to_string(hello.legacy_version) : names(hello.versions);
  return refuse(Alert::protocol_version,
                fmt::format("the client offers {}; this server speaks {} to {}", offered,
                            to_string(config().version_min), to_string(config().version_max)));
}

Outcome Server::check_hello(const ClientHello& hello) const {
  if (hello.legacy_version < Version::tls_1_0)
    return refuse(Alert::protocol_version, "the ClientHello has the version of SSL 3.0 or older");
  // §4.1.2: "this vector MUST contain exactly one byte, set to zero".
  if (hello.compression_methods.size() != 1 || hello.compression_methods[0] != 0)
    return refuse(Alert::illegal_parameter, "the client offers compression, which TLS 1.3 forbids");
  // §9.2.
  if (hello.psk_identities && !hello.psk_modes)
    return refuse(Alert::missing_extension, "the client offers a PSK without a mode for it");
  if (!hello.psk_identities && (hello.schemes.empty() || hello.groups.empty()))
    return refuse(Alert::missing_extension,
                  "the client offers neither a PSK nor signature algorithms and groups");
  if (hello.groups.empty() != !hello.key_shares)
    return refuse(Alert::missing_extension,
                  "the client sent one of supported_groups and key_share without the other");
  return {};
}

/// RFC 9001 §8.2 and §8.4.
Outcome Server::check_quic(const ClientHello& hello) const {
  if (!config().is_quic() && hello.quic_parameters)
    return refuse(Alert::unsupported_extension,
                  "the client tells transport parameters of QUIC, which this is not");
  if (config().is_quic() && !hello.quic_parameters)
    return refuse(Alert::missing_extension, "the client tells no transport parameters of QUIC");
  if (config().is_quic() && !hello.session_id.empty())
    return refuse(Alert::illegal_parameter,
                  "the client has a session ID for middleboxes, of which QUIC has none");
  return {};
}

/// §4.1.2: what a client may change after a HelloRetryRequest.
Outcome Server::check_second_hello(const ClientHello& hello) const {
  if (hello.early_data)
    return refuse(Alert::illegal_parameter,
                  "the client offers early data again after a HelloRetryRequest");
  u32 shares = 0;
  bool is_asked = false;
  each_share(hello.key_shares.value_or(Bytes{}), [&](const KeyShare& share) {
    ++shares;
    is_asked = share.group == *group_;
    return true;
  });
  if (shares != 1 || !is_asked)
    return refuse(Alert::illegal_parameter,
                  fmt::format("the client was asked for a key share of {}, and sent something else",
                              to_string(*group_)));
  return {};
}

Outcome Server::choose_suite(const ClientHello& hello) {
  const Suite* before = agreed().suite;
  for (const CipherSuite code : config().suites) {
    if (!hello.suites.contains(code)) continue;
    const Suite* suite = find_suite(code);
    if (suite == nullptr || suite->version != Version::tls_1_3) continue;
    if (before != nullptr && suite != before)
      return refuse(Alert::illegal_parameter,
                    "the client's second ClientHello offers other cipher suites than its first");
    agreed().suite = suite;
    return {};
  }
  return refuse(
      Alert::handshake_failure,
      fmt::format("no cipher suite in common; the client offers {}", suites_offered(hello)));
}

bool Server::is_resumable(const SessionState& session, const PskIdentity& identity,
                          const ClientHello& hello, Instant now) const {
  const Suite* suite = find_suite(session.suite);
  if (suite == nullptr || suite->version != Version::tls_1_3 || suite->hash != agreed().suite->hash)
    return false;
  if (session.server_name != hello.server_name.value_or("")) return false;
  // Who must show a certificate has shown it when the session began.
  if (config().client_auth == ClientAuth::require && session.peer_chain.empty()) return false;
  const Duration drift = (now - session.issued) - session.age(identity.obfuscated_age);
  return drift < age_error_max && -drift < age_error_max;
}

/// §4.2.11: the first identity that we know, and then its binder must be right.
Outcome Server::choose_psk(const ClientHello& hello, Bytes message, Instant now) {
  // §4.1.2: only PSKs that do not fit the retry's suite may go.
  if (std::exchange(session_, std::nullopt) && !hello.psk_identities)
    return refuse(Alert::illegal_parameter,
                  "the client's second ClientHello lacks the PSK of its first");
  takes_tickets_ =
      hello.psk_modes && (has_mode(hello, psk_dhe_ke) ||
                          (has_mode(hello, psk_ke) && config().psk_without_key_exchange));
  if (!hello.psk_identities) return {};
  u32 count = 0;
  each_identity(*hello.psk_identities, [&](const PskIdentity& identity) {
    if (!session_ && config().ticket_keys != nullptr && takes_tickets_) {
      session_ = config().ticket_keys->open(identity.identity, now);
      if (session_ && !is_resumable(*session_, identity, hello, now)) session_.reset();
      psk_index_ = to<u16>(count);
    }
    ++count;
    return true;
  });
  u32 binders = 0;
  for (Reader list(*hello.psk_binders); !list.empty(); ++binders) list.vector8();
  if (count != binders)
    return refuse(Alert::illegal_parameter, "the client sent more or fewer binders than PSKs");
  if (!session_) return {};
  EarlyStage early(agreed().suite->hash, session_->psk.bytes());
  const Bytes partial = message.first(message.size() - binders_size(hello));
  const Digest wanted = early.binder(transcript().digest_with(agreed().suite->hash, partial));
  if (!crypto::equal_in_constant_time(wanted, binder(*hello.psk_binders, psk_index_)))
    return refuse(Alert::decrypt_error, "the binder of the client's PSK is wrong");
  return {};
}

Outcome Server::choose_group(const ClientHello& hello) {
  const bool may_skip =
      session_ && config().psk_without_key_exchange && !has_mode(hello, psk_dhe_ke);
  if (may_skip) return {};
  if (!hello.key_shares) return refuse(Alert::missing_extension, "the client offers no key share");
  u32 shares = 0;
  bool is_good = true;
  std::vector<Group> seen;
  each_share(*hello.key_shares, [&](const KeyShare& share) {
    // §4.2.8: one a group, and only of groups that were offered.
    is_good = hello.groups.contains(share.group) &&
              std::ranges::find(seen, share.group) == seen.end() && ++shares <= extensions_max;
    seen.push_back(share.group);
    return is_good;
  });
  if (!is_good)
    return refuse(Alert::illegal_parameter,
                  "the client sent a key share twice, or of a group that it does not offer");
  group_.reset();
  for (const Group group : config().groups) {
    if (!hello.groups.contains(group) || !crypto::is_known(group)) continue;
    if (!group_) group_ = group;  // what a retry would ask for
    each_share(*hello.key_shares, [&](const KeyShare& share) {
      if (share.group == group) peer_share_.assign(share.share.begin(), share.share.end());
      return share.group != group;
    });
    if (peer_share_.empty()) continue;
    group_ = group;
    return {};
  }
  if (group_) return {};
  return refuse(Alert::handshake_failure,
                fmt::format("no group for key exchange in common; the client offers {}",
                            names(hello.groups)));
}

Outcome Server::choose_protocol(const ClientHello& hello) {
  // RFC 9001 §8.1: with QUIC there must be one.
  if (config().is_quic() && (!hello.alpn || config().protocols.empty()))
    return refuse(Alert::no_application_protocol, "one of us offers no application protocol");
  if (!hello.alpn || config().protocols.empty()) return {};
  std::string offered;
  for (const std::string& ours : config().protocols) {
    offered.clear();
    bool is_offered = false;
    each_protocol(*hello.alpn, [&](std::string_view protocol) {
      offered += (offered.empty() ? "" : ", ") + std::string(protocol);
      is_offered = protocol == ours;
      return !is_offered;
    });
    if (!is_offered) continue;
    agreed().protocol = ours;
    return {};
  }
  return refuse(Alert::no_application_protocol,
                fmt::format("no application protocol in common; the client offers {}", offered));
}

/// By name and by what the client can verify; the first identity stands in for unknown names.
Outcome Server::choose_identity(const ClientHello& hello) {
  if (hello.schemes.empty())
    return refuse(Alert::missing_extension, "the client does not say which signatures it takes");
  if (choose_identity(hello, [](const Identity&) { return true; })) return {};
  if (config().identities.empty())
    return refuse(Alert::handshake_failure, "this server has no certificate");
  return refuse(Alert::handshake_failure,
                fmt::format("no certificate here can be verified by the client, which takes {}",
                            names(hello.schemes)));
}

Outcome Server::choose_limits(const ClientHello& hello) {
  if (!hello.record_size_limit) return {};
  // RFC 8449 §4: more than we know of is as much as there is.
  if (*hello.record_size_limit < 64)
    return refuse(Alert::illegal_parameter,
                  fmt::format("the client's record size limit is {}, less than 64",
                              *hello.record_size_limit));
  agreed().record_size_limit = std::min<u16>(*hello.record_size_limit, (1 << 14) + 1);
  return {};
}

}  // namespace handfast::tls
