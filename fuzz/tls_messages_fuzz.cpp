// Every parser of handshake messages: it refuses, or what it read comes out again the same. The
// first byte is the message's type, and with its top bit set the message is TLS 1.2's, by the key
// exchange that the two bits below it say.
#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

#include "base/assert.hpp"
#include "tls/messages.hpp"
#include "tls/messages12.hpp"

namespace {

using namespace handfast;

/// `parse(emit(x)) == x`, told by what emit() makes of both.
template <class Parse, class Emit>
void round_trip(Bytes body, Parse parse, Emit emit) {
  const auto message = parse(body);
  if (!message) return;
  const std::vector<u8> once = emit(*message);
  const auto again = parse(Bytes(once).subspan(tls::message_header_size));
  ASSERT(again.has_value());
  ASSERT(emit(*again) == once);
}

/// What reads or writes a message of this key exchange.
template <class Function>
auto by(Function function, tls::Exchange exchange) {
  return [=](const auto& argument) { return function(argument, exchange); };
}

/// Those of TLS 1.2 alone.
void round_trip12(tls::HandshakeType type, tls::Exchange exchange, Bytes body) {
  switch (type) {
    case tls::HandshakeType::certificate:
      return round_trip(body, tls::parse_certificate12, tls::emit_certificate12);
    case tls::HandshakeType::certificate_status:
      return round_trip(body, tls::parse_certificate_status, tls::emit_certificate_status);
    case tls::HandshakeType::server_key_exchange:
      return round_trip(body, by(tls::parse_server_key_exchange, exchange), [&](const auto& it) {
        if (exchange == tls::Exchange::ecdhe)
          ASSERT(std::ranges::equal(tls::emit_parameters(it.share), it.parameters));
        return tls::emit_server_key_exchange(it.parameters, it.scheme, it.signature);
      });
    case tls::HandshakeType::certificate_request:
      return round_trip(body, tls::parse_certificate_request12, tls::emit_certificate_request12);
    case tls::HandshakeType::client_key_exchange:
      return round_trip(body, by(tls::parse_client_key_exchange, exchange),
                        by(tls::emit_client_key_exchange, exchange));
    case tls::HandshakeType::new_session_ticket:
      return round_trip(body, tls::parse_new_session_ticket12, tls::emit_new_session_ticket12);
    default: break;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const Bytes body(data + 1, size - 1);
  const auto emit = [](const auto& message) { return tls::emit(message); };
  constexpr u8 is_tls12 = 0x80;
  if ((data[0] & is_tls12) != 0) {
    constexpr std::array exchanges{tls::Exchange::ecdhe, tls::Exchange::dhe, tls::Exchange::rsa,
                                   tls::Exchange::ecdhe};
    round_trip12(static_cast<tls::HandshakeType>(data[0] & 0x1f), exchanges[data[0] >> 5 & 3],
                 body);
    return 0;
  }
  switch (static_cast<tls::HandshakeType>(data[0])) {
    case tls::HandshakeType::client_hello:
      round_trip(body, tls::parse_client_hello, tls::emit_client_hello);
      break;
    case tls::HandshakeType::server_hello:
      round_trip(body, tls::parse_server_hello, tls::emit_server_hello);
      break;
    case tls::HandshakeType::encrypted_extensions:
      round_trip(body, tls::parse_encrypted_extensions, emit);
      break;
    case tls::HandshakeType::certificate_request:
      round_trip(body, tls::parse_certificate_request, emit);
      break;
    case tls::HandshakeType::certificate: round_trip(body, tls::parse_certificate, emit); break;
    case tls::HandshakeType::certificate_verify:
      round_trip(body, tls::parse_certificate_verify, emit);
      break;
    case tls::HandshakeType::new_session_ticket:
      round_trip(body, tls::parse_new_session_ticket, emit);
      break;
    case tls::HandshakeType::key_update: round_trip(body, tls::parse_key_update, emit); break;
    default: break;
  }
  return 0;
}
