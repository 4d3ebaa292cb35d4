// RFC 5246 §7.4, RFC 8422 §5, RFC 5077 §3.3, RFC 6066 §8: the messages of TLS 1.2 after the hellos,
// where they are not those of TLS 1.3.
#pragma once

#include <vector>

#include "tls/messages.hpp"

namespace handfast::tls {

/// §7.4.2: certificates alone, without context and extensions.
Result<CertificateMessage, Error> parse_certificate12(Bytes body);
std::vector<u8> emit_certificate12(const CertificateMessage& it);

/// RFC 6066 §8: an OCSPResponse.
Result<Bytes, Error> parse_certificate_status(Bytes body);
std::vector<u8> emit_certificate_status(Bytes response);

/// §7.4.3 and RFC 8422 §5.4: a prime and a generator or a named curve, a share in that, and a
/// signature over both hellos' randoms and these.
struct ServerKeyExchange {
  KeyShare share;  // without its group where that is a prime
  Bytes prime;
  Bytes generator;
  Bytes parameters;  // as they came: what is signed
  crypto::SignatureScheme scheme{};
  Bytes signature;
};
/// By Exchange::ecdhe or dhe.
Result<ServerKeyExchange, Error> parse_server_key_exchange(Bytes body, Exchange exchange);
/// The parameters alone, which are signed; of a named curve, or of a finite field of ours.
std::vector<u8> emit_parameters(const KeyShare& share);
std::vector<u8> emit_server_key_exchange(Bytes parameters, crypto::SignatureScheme scheme,
                                         Bytes signature);

/// §7.4.4, with `context` empty.
Result<CertificateRequest, Error> parse_certificate_request12(Bytes body);
std::vector<u8> emit_certificate_request12(const CertificateRequest& it);

/// §7.4.7 and RFC 8422 §5.7: the client's share, or the encrypted pre-master secret.
Result<Bytes, Error> parse_client_key_exchange(Bytes body, Exchange exchange);
std::vector<u8> emit_client_key_exchange(Bytes content, Exchange exchange);

/// RFC 5077 §3.3: lifetime_s and ticket only; an empty ticket is none.
Result<NewSessionTicket, Error> parse_new_session_ticket12(Bytes body);
std::vector<u8> emit_new_session_ticket12(const NewSessionTicket& it);

}  // namespace handfast::tls
