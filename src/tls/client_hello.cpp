// RFC 8446 §4.1.2 and §4.2: ClientHello, read and written.
#include <fmt/format.h>

#include "tls/extensions.hpp"
#include "tls/hello.hpp"
#include "tls/writer.hpp"

namespace handfast::tls {
namespace {

/// RFC 6066 §3: one name of type host_name, and no other type exists.
void read_server_name(Reader& reader, ClientHello& hello) {
  Reader list(reader.vector16(1));
  if (list.number8() != 0) list.fail();
  const std::string_view name = as_text(list.vector16(1));
  if (!list.done() || name.contains('\0')) reader.fail();
  hello.server_name = name;
}

Bytes read_protocols(Reader& reader) {
  const Bytes list = reader.vector16(2);
  Reader names(list);
  while (!names.empty()) names.vector8(1);
  if (!names.ok()) reader.fail();
  return list;
}

Bytes read_shares(Reader& reader) {
  const Bytes list = reader.vector16();
  Reader shares(list);
  while (!shares.empty()) {
    shares.number16();
    shares.vector16(1);
  }
  if (!shares.ok()) reader.fail();
  return list;
}

void read_psk(Reader& reader, ClientHello& hello) {
  constexpr u32 identity_min = 7;
  constexpr u32 binder_min = 32;
  hello.psk_identities = reader.vector16(identity_min);
  hello.psk_binders = reader.vector16(binder_min + 1);
  Reader list(*hello.psk_identities);
  while (!list.empty()) {
    list.vector16(1);
    list.number32();
  }
  Reader codes(*hello.psk_binders);
  while (!codes.empty()) codes.vector8(binder_min);
  if (!list.ok() || !codes.ok()) reader.fail();
}

/// One byte that is a status_type, and for OCSP two lists (RFC 6066 §8).
void read_status_request(Reader& reader, ClientHello& hello) {
  constexpr u8 ocsp = 1;
  hello.status_request = reader.number8() == ocsp;
  if (hello.status_request) {
    reader.vector16();
    reader.vector16();
  } else {
    reader = Reader({});
  }
}

void read_extension(ExtensionType type, Reader& reader, ClientHello& hello) {
  using enum ExtensionType;
  switch (type) {
    case server_name: return read_server_name(reader, hello);
    case renegotiation_info: hello.renegotiation_info = reader.vector8(); return;
    case supported_groups: hello.groups = CodeList<crypto::Group>(reader.numbers16()); return;
    case ec_point_formats: hello.point_formats = reader.vector8(1); return;
    case session_ticket: hello.session_ticket = reader.rest(); return;
    case extended_master_secret: hello.extended_master_secret = true; return;
    case status_request: return read_status_request(reader, hello);
    case alpn: hello.alpn = read_protocols(reader); return;
    case key_share: hello.key_shares = read_shares(reader); return;
    case early_data: hello.early_data = true; return;
    case supported_versions: hello.versions = CodeList<Version>(reader.numbers16(1)); return;
    case signature_algorithms:
      hello.schemes = CodeList<crypto::SignatureScheme>(reader.numbers16());
      return;
    case signature_algorithms_cert:
      hello.certificate_schemes = CodeList<crypto::SignatureScheme>(reader.numbers16());
      return;
    case compress_certificate:
      hello.compressions = CodeList<crypto::CertificateCompression>(reader.numbers16(1));
      return;
    case cookie: hello.cookie = reader.vector16(1); return;
    case psk_key_exchange_modes: hello.psk_modes = reader.vector8(1); return;
    case post_handshake_auth: hello.post_handshake_auth = true; return;
    case record_size_limit: hello.record_size_limit = reader.number16(); return;
    case quic_transport_parameters: hello.quic_parameters = reader.rest(); return;
    case padding: hello.padding = to<u32>(reader.rest().size()); return;
    case pre_shared_key: return read_psk(reader, hello);
    case certificate_authorities: reader.rest(); return;
  }
  reader.rest();  // unknown: ignored
  if (is_grease(to<u16>(type)) && !hello.grease_extension) hello.grease_extension = to<u16>(type);
}

/// A refusal that says which extension.
Error broken(ExtensionType type) {
  return {Alert::decode_error,
          fmt::format("the ClientHello's {} extension is malformed", to_string(type))};
}

}  // namespace

Result<ClientHello, Error> parse_client_hello(Bytes body) {
  Reader reader(body);
  ClientHello hello;
  hello.legacy_version = static_cast<Version>(reader.number16());
  hello.random = reader.take(random_size);
  hello.session_id = reader.vector8();
  hello.suites = CodeList<CipherSuite>(reader.numbers16());
  hello.compression_methods = reader.vector8(1);
  if (!reader.ok() || hello.session_id.size() > session_id_size_max)
    return failure(Error{Alert::decode_error, "the ClientHello is cut off or malformed"});
  if (reader.done()) return hello;  // before TLS 1.2 there were no extensions

  ExtensionReader extensions(reader);
  while (const auto extension = extensions.next()) {
    // §4.2.11: "The pre_shared_key extension MUST be the last extension in the ClientHello".
    if (hello.psk_identities)
      return failure(
          Error{Alert::illegal_parameter, "the ClientHello has extensions behind pre_shared_key"});
    Reader content(extension->content);
    read_extension(extension->type, content, hello);
    if (!content.done()) return failure(broken(extension->type));
  }
  if (extensions.has_duplicate())
    return failure(Error{Alert::illegal_parameter, "the ClientHello has an extension twice"});
  if (!extensions.good())
    return failure(Error{Alert::decode_error, "the ClientHello's extensions are malformed"});
  return hello;
}

namespace {

/// Writes extensions in one order, which is that of RFC 8448's traces.
class HelloWriter {
 public:
  HelloWriter(Writer& writer, const ClientHello& hello) : writer_(writer), hello_(hello) {}

  void write() {
    if (hello_.grease_extension)
      extension(static_cast<ExtensionType>(*hello_.grease_extension), {});
    write_name();
    if (hello_.renegotiation_info) vector8(renegotiation_info, *hello_.renegotiation_info);
    if (hello_.extended_master_secret) extension(extended_master_secret, {});
    if (!hello_.groups.empty()) vector16(supported_groups, hello_.groups.raw());
    if (hello_.point_formats) vector8(ec_point_formats, *hello_.point_formats);
    if (hello_.session_ticket) extension(session_ticket, *hello_.session_ticket);
    if (hello_.alpn) vector16(alpn, *hello_.alpn);
    if (hello_.status_request) extension(status_request, std::array<u8, 5>{1});
    if (hello_.key_shares) vector16(key_share, *hello_.key_shares);
    if (hello_.early_data) extension(early_data, {});
    if (!hello_.versions.empty()) vector8(supported_versions, hello_.versions.raw());
    if (!hello_.schemes.empty()) vector16(signature_algorithms, hello_.schemes.raw());
    if (!hello_.certificate_schemes.empty())
      vector16(signature_algorithms_cert, hello_.certificate_schemes.raw());
    if (!hello_.compressions.empty()) vector8(compress_certificate, hello_.compressions.raw());
    if (hello_.cookie) vector16(cookie, *hello_.cookie);
    if (hello_.psk_modes) vector8(psk_key_exchange_modes, *hello_.psk_modes);
    if (hello_.quic_parameters) extension(quic_transport_parameters, *hello_.quic_parameters);
    if (hello_.post_handshake_auth) extension(post_handshake_auth, {});
    if (hello_.record_size_limit)
      with(record_size_limit, [&] { writer_.number16(*hello_.record_size_limit); });
    if (hello_.padding) with(padding, [&] { writer_.zeros(*hello_.padding); });
    if (hello_.psk_identities)
      with(pre_shared_key, [&] {
        writer_.vector16(*hello_.psk_identities);
        writer_.vector16(*hello_.psk_binders);
      });
  }

 private:
  using enum ExtensionType;

  template <class Fill>
  void with(ExtensionType type, Fill fill) {
    writer_.code(type);
    writer_.vector(2, fill);
  }
  void extension(ExtensionType type, Bytes content) {
    with(type, [&] { writer_.bytes(content); });
  }
  void vector8(ExtensionType type, Bytes content) {
    with(type, [&] { writer_.vector8(content); });
  }
  void vector16(ExtensionType type, Bytes content) {
    with(type, [&] { writer_.vector16(content); });
  }
  void write_name() {
    if (!hello_.server_name) return;
    with(server_name, [&] {
      writer_.vector(2, [&] {
        writer_.number8(0);
        writer_.vector16(as_bytes(*hello_.server_name));
      });
    });
  }

  Writer& writer_;
  const ClientHello& hello_;
};

}  // namespace

std::vector<u8> emit_client_hello(const ClientHello& hello) {
  Writer writer;
  writer.code(HandshakeType::client_hello);
  writer.vector(3, [&] {
    writer.code(hello.legacy_version);
    writer.bytes(hello.random);
    writer.vector8(hello.session_id);
    writer.vector16(hello.suites.raw());
    writer.vector8(hello.compression_methods);
    writer.vector(2, [&] { HelloWriter(writer, hello).write(); });
  });
  return writer.finish();
}

u32 binders_size(const ClientHello& hello) {
  return hello.psk_binders ? 2 + to<u32>(hello.psk_binders->size()) : 0;
}

Bytes binder(Bytes binders, u32 index) {
  Reader reader(binders);
  Bytes found;
  for (u32 i = 0; i <= index; ++i) found = reader.vector8();
  return found;
}

}  // namespace handfast::tls
