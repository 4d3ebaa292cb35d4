// RFC 8446 §4.1.3 and §4.1.4: ServerHello and HelloRetryRequest, read and written.
#include <fmt/format.h>

#include "tls/extensions.hpp"
#include "tls/hello.hpp"
#include "tls/writer.hpp"

namespace handfast::tls {

const std::array<u8, random_size> retry_random{
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};
const std::array<u8, 8> downgrade_to_1_2{'D', 'O', 'W', 'N', 'G', 'R', 'D', 1};
const std::array<u8, 8> downgrade_to_1_1{'D', 'O', 'W', 'N', 'G', 'R', 'D', 0};

namespace {

void read_extension(ExtensionType type, Reader& reader, ServerHello& hello) {
  using enum ExtensionType;
  switch (type) {
    case pre_shared_key:
      if (hello.is_retry) break;
      hello.psk = reader.number16();
      return;
    case key_share: {
      const auto group = static_cast<crypto::Group>(reader.number16());
      hello.share = KeyShare{group, hello.is_retry ? Bytes{} : reader.vector16(1)};
      return;
    }
    case cookie:
      if (!hello.is_retry) break;
      hello.cookie = reader.vector16(1);
      return;
    case supported_versions: hello.version = static_cast<Version>(reader.number16()); return;
    case renegotiation_info: hello.renegotiation_info = reader.vector8(); return;
    case extended_master_secret: hello.extended_master_secret = true; return;
    case session_ticket: hello.session_ticket = true; return;
    case status_request: hello.status_request = true; return;
    case server_name: hello.server_name = true; return;
    case ec_point_formats: hello.point_formats = reader.vector8(1); return;
    case record_size_limit: hello.record_size_limit = reader.number16(); return;
    case supported_groups: reader.rest(); return;  // some servers of TLS 1.2 tell; harmless
    case alpn: {
      Reader list(reader.vector16(2));
      hello.protocol = as_text(list.vector8(1));
      if (!list.done()) reader.fail();
      return;
    }
    default: break;
  }
  reader.rest();
  hello.stray = type;
}

/// What a version has no place for is a stray (RFC 8446 §4.1.3).
bool is_of_other_version(ExtensionType type, const ServerHello& hello) {
  using enum ExtensionType;
  const bool is_13 =
      type == pre_shared_key || type == key_share || type == cookie || type == supported_versions;
  return is_13 != (hello.version == Version::tls_1_3 || hello.is_retry);
}

}  // namespace

Result<ServerHello, Error> parse_server_hello(Bytes body) {
  Reader reader(body);
  ServerHello hello;
  hello.legacy_version = static_cast<Version>(reader.number16());
  hello.random = reader.take(random_size);
  hello.is_retry = std::ranges::equal(hello.random, retry_random);
  hello.session_id = reader.vector8();
  hello.suite = static_cast<CipherSuite>(reader.number16());
  hello.compression_method = reader.number8();
  if (!reader.ok() || hello.session_id.size() > session_id_size_max)
    return failure(Error{Alert::decode_error, "the ServerHello is cut off or malformed"});
  if (reader.done()) return hello;

  ExtensionReader extensions(reader);
  std::vector<ExtensionType> types;
  while (const auto extension = extensions.next()) {
    types.push_back(extension->type);
    Reader content(extension->content);
    read_extension(extension->type, content, hello);
    if (!content.done())
      return failure(Error{Alert::decode_error, fmt::format("the ServerHello's {} is malformed",
                                                            to_string(extension->type))});
  }
  if (extensions.has_duplicate())
    return failure(Error{Alert::illegal_parameter, "the ServerHello has an extension twice"});
  if (!extensions.good())
    return failure(Error{Alert::decode_error, "the ServerHello's extensions are malformed"});
  for (const ExtensionType type : types)
    if (is_of_other_version(type, hello)) hello.stray = type;
  return hello;
}

namespace {

/// Those of TLS 1.2.
void emit_old_extensions(Writer& writer, const ServerHello& hello) {
  const auto extension = [&](ExtensionType type, auto fill) {
    writer.code(type);
    writer.vector(2, fill);
  };
  if (hello.renegotiation_info)
    extension(ExtensionType::renegotiation_info,
              [&] { writer.vector8(*hello.renegotiation_info); });
  if (hello.extended_master_secret) extension(ExtensionType::extended_master_secret, [] {});
  if (hello.server_name) extension(ExtensionType::server_name, [] {});
  if (hello.point_formats)
    extension(ExtensionType::ec_point_formats, [&] { writer.vector8(*hello.point_formats); });
  if (hello.session_ticket) extension(ExtensionType::session_ticket, [] {});
  if (hello.status_request) extension(ExtensionType::status_request, [] {});
  if (hello.record_size_limit)
    extension(ExtensionType::record_size_limit, [&] { writer.number16(*hello.record_size_limit); });
  if (hello.protocol)
    extension(ExtensionType::alpn,
              [&] { writer.vector(2, [&] { writer.vector8(as_bytes(*hello.protocol)); }); });
}

}  // namespace

std::vector<u8> emit_server_hello(const ServerHello& hello) {
  Writer writer;
  const auto extension = [&](ExtensionType type, auto fill) {
    writer.code(type);
    writer.vector(2, fill);
  };
  writer.code(HandshakeType::server_hello);
  writer.vector(3, [&] {
    writer.code(hello.legacy_version);
    writer.bytes(hello.random);
    writer.vector8(hello.session_id);
    writer.code(hello.suite);
    writer.number8(hello.compression_method);
    writer.vector(2, [&] {
      if (hello.psk) extension(ExtensionType::pre_shared_key, [&] { writer.number16(*hello.psk); });
      if (hello.share)
        extension(ExtensionType::key_share, [&] {
          writer.code(hello.share->group);
          if (!hello.is_retry) writer.vector16(hello.share->share);
        });
      if (hello.cookie) extension(ExtensionType::cookie, [&] { writer.vector16(*hello.cookie); });
      if (hello.version)
        extension(ExtensionType::supported_versions, [&] { writer.code(*hello.version); });
      if (!hello.version) emit_old_extensions(writer, hello);
    });
  });
  return writer.finish();
}

}  // namespace handfast::tls
