// A client that resumes without a key exchange or not at all (RFC 8446 §4.2.9); ours offers both.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "tls/client.hpp"
#include "tls/talk.hpp"

namespace handfast::tls {

inline Ticket copy(const Ticket& from) {
  return {from.suite,    from.psk.clone(), from.ticket,      from.session_id, from.age_add,
          from.received, from.lifetime,    from.server_name, from.protocol,   from.early_bytes_max};
}

/// The ClientHello of ours with `ticket`, but for psk_ke alone, and without a key share where
/// `shares` is false: bound anew.
inline std::vector<u8> hello_by_psk_ke(const Config& config, const Ticket& ticket, Instant now,
                                       bool shares) {
  crypto::SystemRandom random;
  Client client(config, server_name, random, copy(ticket), now);
  const std::vector<u8> ours = std::get<SendMessage>(*client.poll_action()).bytes;
  ClientHello hello = *parse_client_hello(Bytes(ours).subspan(message_header_size));
  constexpr std::array<u8, 1> psk_ke{0};
  hello.psk_modes = psk_ke;
  if (!shares) {
    hello.key_shares.reset();
    hello.groups = {};
  }
  std::vector<u8> bytes = emit_client_hello(hello);
  const crypto::HashAlgorithm hash = find_suite(ticket.suite)->hash;
  EarlyStage early(hash, ticket.psk.bytes());
  const Bytes partial = Bytes(bytes).first(bytes.size() - binders_size(hello));
  const crypto::Digest code = early.binder(Transcript().digest_with(hash, partial));
  std::ranges::copy(code.bytes(), bytes.end() - code.size);
  return bytes;
}

}  // namespace handfast::tls
