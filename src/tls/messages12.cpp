#include "tls/messages12.hpp"

#include <array>

#include <fmt/format.h>

#include "tls/writer.hpp"

namespace handfast::tls {
namespace {

constexpr u8 named_curve = 3;
constexpr u8 ocsp = 1;

std::unexpected<Error> malformed(HandshakeType type) {
  return failure(
      Error{Alert::decode_error, fmt::format("{} is cut off or malformed", to_string(type))});
}

template <class Fill>
std::vector<u8> message(HandshakeType type, Fill fill) {
  Writer writer;
  writer.code(type);
  writer.vector(3, [&] { fill(writer); });
  return writer.finish();
}

}  // namespace

Result<CertificateMessage, Error> parse_certificate12(Bytes body) {
  Reader reader(body);
  CertificateMessage it;
  Reader list(reader.vector24());
  if (!reader.done()) return malformed(HandshakeType::certificate);
  while (!list.empty()) {
    if (it.count == certificates_max)
      return failure(
          Error{Alert::bad_certificate,
                fmt::format("the peer's chain has more than {} certificates", certificates_max)});
    it.storage[it.count++].der = list.vector24(1);
  }
  if (!list.ok()) return malformed(HandshakeType::certificate);
  return it;
}

std::vector<u8> emit_certificate12(const CertificateMessage& it) {
  return message(HandshakeType::certificate, [&](Writer& writer) {
    writer.vector(3, [&] {
      for (const CertificateEntry& entry : it.entries()) writer.vector24(entry.der);
    });
  });
}

Result<Bytes, Error> parse_certificate_status(Bytes body) {
  Reader reader(body);
  const u8 type = reader.number8();
  const Bytes response = reader.vector24(1);
  if (!reader.done() || type != ocsp) return malformed(HandshakeType::certificate_status);
  return response;
}

std::vector<u8> emit_certificate_status(Bytes response) {
  return message(HandshakeType::certificate_status, [&](Writer& writer) {
    writer.number8(ocsp);
    writer.vector24(response);
  });
}

Result<ServerKeyExchange, Error> parse_server_key_exchange(Bytes body, Exchange exchange) {
  Reader reader(body);
  ServerKeyExchange it;
  if (exchange == Exchange::dhe) {
    it.prime = reader.vector16(1);
    it.generator = reader.vector16(1);
    it.share.share = reader.vector16(1);
  } else {
    const u8 type = reader.number8();
    it.share.group = static_cast<crypto::Group>(reader.number16());
    it.share.share = reader.vector8(1);
    if (reader.ok() && type != named_curve)
      return failure(Error{Alert::illegal_parameter, "the server uses a curve without a name"});
  }
  if (!reader.ok()) return malformed(HandshakeType::server_key_exchange);
  it.parameters = body.first(body.size() - reader.size());
  it.scheme = static_cast<crypto::SignatureScheme>(reader.number16());
  it.signature = reader.vector16();
  if (!reader.done()) return malformed(HandshakeType::server_key_exchange);
  return it;
}

std::vector<u8> emit_parameters(const KeyShare& share) {
  constexpr std::array<u8, 1> generator{2};
  Writer writer;
  if (crypto::is_finite_field(share.group)) {
    writer.vector16(crypto::prime_of(share.group));
    writer.vector16(generator);
    writer.vector16(share.share);
  } else {
    writer.number8(named_curve);
    writer.code(share.group);
    writer.vector8(share.share);
  }
  return writer.finish();
}

std::vector<u8> emit_server_key_exchange(Bytes parameters, crypto::SignatureScheme scheme,
                                         Bytes signature) {
  return message(HandshakeType::server_key_exchange, [&](Writer& writer) {
    writer.bytes(parameters);
    writer.code(scheme);
    writer.vector16(signature);
  });
}

Result<CertificateRequest, Error> parse_certificate_request12(Bytes body) {
  Reader reader(body);
  CertificateRequest it;
  reader.vector8(1);  // kinds of certificates: the signature schemes say it better
  it.schemes = CodeList<crypto::SignatureScheme>(reader.numbers16());
  it.authorities = reader.vector16();
  if (!reader.done()) return malformed(HandshakeType::certificate_request);
  return it;
}

std::vector<u8> emit_certificate_request12(const CertificateRequest& it) {
  constexpr std::array<u8, 2> kinds{1, 64};  // rsa_sign, ecdsa_sign
  return message(HandshakeType::certificate_request, [&](Writer& writer) {
    writer.vector8(kinds);
    writer.vector16(it.schemes.raw());
    writer.vector16(it.authorities);
  });
}

Result<Bytes, Error> parse_client_key_exchange(Bytes body, Exchange exchange) {
  Reader reader(body);
  const Bytes content = exchange == Exchange::ecdhe ? reader.vector8(1) : reader.vector16(1);
  if (!reader.done()) return malformed(HandshakeType::client_key_exchange);
  return content;
}

std::vector<u8> emit_client_key_exchange(Bytes content, Exchange exchange) {
  return message(HandshakeType::client_key_exchange, [&](Writer& writer) {
    exchange == Exchange::ecdhe ? writer.vector8(content) : writer.vector16(content);
  });
}

Result<NewSessionTicket, Error> parse_new_session_ticket12(Bytes body) {
  Reader reader(body);
  NewSessionTicket it;
  it.lifetime_s = reader.number32();
  it.ticket = reader.vector16();
  if (!reader.done()) return malformed(HandshakeType::new_session_ticket);
  return it;
}

std::vector<u8> emit_new_session_ticket12(const NewSessionTicket& it) {
  return message(HandshakeType::new_session_ticket, [&](Writer& writer) {
    writer.number32(it.lifetime_s);
    writer.vector16(it.ticket);
  });
}

}  // namespace handfast::tls
