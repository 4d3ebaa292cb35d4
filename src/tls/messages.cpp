#include "tls/messages.hpp"

#include <fmt/format.h>

#include "tls/extensions.hpp"
#include "tls/writer.hpp"

namespace handfast::tls {
namespace {

std::unexpected<Error> malformed(HandshakeType type) {
  return failure(
      Error{Alert::decode_error, fmt::format("{} is cut off or malformed", to_string(type))});
}

/// Reads the extensions that are the rest of a message of `type`; `read` takes each one's type and
/// content.
template <class Read>
Result<void, Error> read_extensions(Reader& reader, HandshakeType type, Read read) {
  ExtensionReader extensions(reader);
  while (const auto extension = extensions.next()) {
    Reader content(extension->content);
    read(extension->type, content);
    if (!content.done())
      return failure(
          Error{Alert::decode_error, fmt::format("the {} extension of {} is malformed",
                                                 to_string(extension->type), to_string(type))});
  }
  if (extensions.has_duplicate())
    return failure(
        Error{Alert::illegal_parameter, fmt::format("{} has an extension twice", to_string(type))});
  if (!extensions.good()) return malformed(type);
  return {};
}

template <class Fill>
std::vector<u8> message(HandshakeType type, Fill fill) {
  Writer writer;
  writer.code(type);
  writer.vector(3, [&] { fill(writer); });
  return writer.finish();
}
template <class Fill>
void extension(Writer& writer, ExtensionType type, Fill fill) {
  writer.code(type);
  writer.vector(2, fill);
}

}  // namespace

Result<EncryptedExtensions, Error> parse_encrypted_extensions(Bytes body) {
  using enum ExtensionType;
  Reader reader(body);
  EncryptedExtensions message;
  const auto read = [&](ExtensionType type, Reader& content) {
    if (type == supported_groups) {
      message.groups = CodeList<crypto::Group>(content.numbers16());
    } else if (type == ExtensionType::record_size_limit) {
      message.record_size_limit = content.number16();
    } else if (type == ExtensionType::server_name) {
      message.server_name = true;
    } else if (type == ExtensionType::early_data) {
      message.early_data = true;
    } else if (type == quic_transport_parameters) {
      message.quic_parameters = content.rest();
    } else if (type == alpn) {
      Reader list(content.vector16(2));
      message.protocol = as_text(list.vector8(1));
      if (!list.done()) content.fail();
    } else {
      message.stray = type;
      content.rest();
    }
  };
  const auto outcome = read_extensions(reader, HandshakeType::encrypted_extensions, read);
  if (!outcome) return failure(outcome.error());
  return message;
}

std::vector<u8> emit(const EncryptedExtensions& it) {
  return message(HandshakeType::encrypted_extensions, [&](Writer& writer) {
    writer.vector(2, [&] {
      if (!it.groups.empty())
        extension(writer, ExtensionType::supported_groups,
                  [&] { writer.vector16(it.groups.raw()); });
      if (it.record_size_limit)
        extension(writer, ExtensionType::record_size_limit,
                  [&] { writer.number16(*it.record_size_limit); });
      if (it.server_name) extension(writer, ExtensionType::server_name, [] {});
      if (it.early_data) extension(writer, ExtensionType::early_data, [] {});
      if (it.quic_parameters)
        extension(writer, ExtensionType::quic_transport_parameters,
                  [&] { writer.bytes(*it.quic_parameters); });
      if (it.protocol)
        extension(writer, ExtensionType::alpn,
                  [&] { writer.vector(2, [&] { writer.vector8(as_bytes(*it.protocol)); }); });
    });
  });
}

Result<CertificateRequest, Error> parse_certificate_request(Bytes body) {
  using enum ExtensionType;
  Reader reader(body);
  CertificateRequest message;
  message.context = reader.vector8();
  if (!reader.ok()) return malformed(HandshakeType::certificate_request);
  const auto read = [&](ExtensionType type, Reader& content) {
    if (type == signature_algorithms)
      message.schemes = CodeList<crypto::SignatureScheme>(content.numbers16());
    else if (type == signature_algorithms_cert)
      message.certificate_schemes = CodeList<crypto::SignatureScheme>(content.numbers16());
    else if (type == compress_certificate)
      message.compressions = CodeList<crypto::CertificateCompression>(content.numbers16(1));
    else if (type == certificate_authorities)
      message.authorities = content.vector16(3);
    else
      content.rest();  // §4.3.2: "Clients MUST ignore unrecognized extensions"
  };
  const auto outcome = read_extensions(reader, HandshakeType::certificate_request, read);
  if (!outcome) return failure(outcome.error());
  if (message.schemes.empty())
    return failure(Error{Alert::missing_extension,
                         "CertificateRequest does not say which signatures it takes"});
  return message;
}

std::vector<u8> emit(const CertificateRequest& it) {
  return message(HandshakeType::certificate_request, [&](Writer& writer) {
    writer.vector8(it.context);
    writer.vector(2, [&] {
      extension(writer, ExtensionType::signature_algorithms,
                [&] { writer.vector16(it.schemes.raw()); });
      if (!it.certificate_schemes.empty())
        extension(writer, ExtensionType::signature_algorithms_cert,
                  [&] { writer.vector16(it.certificate_schemes.raw()); });
      if (!it.compressions.empty())
        extension(writer, ExtensionType::compress_certificate,
                  [&] { writer.vector8(it.compressions.raw()); });
      if (!it.authorities.empty())
        extension(writer, ExtensionType::certificate_authorities,
                  [&] { writer.vector16(it.authorities); });
    });
  });
}

namespace {

/// The extensions of one certificate (§4.4.2.1).
bool read_entry(Reader& list, CertificateMessage& message) {
  constexpr u8 ocsp = 1;
  CertificateEntry entry;
  entry.der = list.vector24(1);
  Reader extensions(list.vector16());
  while (!extensions.empty()) {
    const auto type = static_cast<ExtensionType>(extensions.number16());
    Reader content(extensions.vector16());
    if (type == ExtensionType::status_request && !entry.ocsp_response) {
      if (content.number8() != ocsp) content.fail();
      entry.ocsp_response = content.vector24(1);
      if (!content.done()) return false;
    } else {
      message.stray = type;
    }
  }
  message.storage[message.count++] = entry;
  return list.ok() && extensions.ok();
}

}  // namespace

Result<CertificateMessage, Error> parse_certificate(Bytes body) {
  Reader reader(body);
  CertificateMessage message;
  message.context = reader.vector8();
  Reader list(reader.vector24());
  if (!reader.done()) return malformed(HandshakeType::certificate);
  while (!list.empty()) {
    if (message.count == certificates_max)
      return failure(
          Error{Alert::bad_certificate,
                fmt::format("the peer's chain has more than {} certificates", certificates_max)});
    if (!read_entry(list, message)) return malformed(HandshakeType::certificate);
  }
  return message;
}

std::vector<u8> emit(const CertificateMessage& it) {
  return message(HandshakeType::certificate, [&](Writer& writer) {
    writer.vector8(it.context);
    writer.vector(3, [&] {
      for (const CertificateEntry& entry : it.entries()) {
        writer.vector24(entry.der);
        writer.vector(2, [&] {
          if (!entry.ocsp_response) return;
          extension(writer, ExtensionType::status_request, [&] {
            writer.number8(1);
            writer.vector24(*entry.ocsp_response);
          });
        });
      }
    });
  });
}

Result<CompressedCertificate, Error> parse_compressed_certificate(Bytes body) {
  Reader reader(body);
  CompressedCertificate message;
  message.algorithm = static_cast<crypto::CertificateCompression>(reader.number16());
  message.length = reader.number24();
  message.packed = reader.vector24(1);
  if (!reader.done()) return malformed(HandshakeType::compressed_certificate);
  return message;
}

std::vector<u8> emit(const CompressedCertificate& it) {
  return message(HandshakeType::compressed_certificate, [&](Writer& writer) {
    writer.code(it.algorithm);
    writer.number24(it.length);
    writer.vector24(it.packed);
  });
}

Result<CertificateVerify, Error> parse_certificate_verify(Bytes body) {
  Reader reader(body);
  CertificateVerify message;
  message.scheme = static_cast<crypto::SignatureScheme>(reader.number16());
  message.signature = reader.vector16();
  if (!reader.done()) return malformed(HandshakeType::certificate_verify);
  return message;
}

std::vector<u8> emit(const CertificateVerify& it) {
  return message(HandshakeType::certificate_verify, [&](Writer& writer) {
    writer.code(it.scheme);
    writer.vector16(it.signature);
  });
}

std::vector<u8> signed_content(bool by_server, Bytes transcript_hash) {
  constexpr u32 spaces = 64;
  std::vector<u8> content(spaces, ' ');
  const Bytes role = as_bytes(by_server ? "TLS 1.3, server CertificateVerify"
                                        : "TLS 1.3, client CertificateVerify");
  content.insert(content.end(), role.begin(), role.end());
  content.push_back(0);
  content.insert(content.end(), transcript_hash.begin(), transcript_hash.end());
  return content;
}

Result<NewSessionTicket, Error> parse_new_session_ticket(Bytes body) {
  Reader reader(body);
  NewSessionTicket message;
  message.lifetime_s = reader.number32();
  message.age_add = reader.number32();
  message.nonce = reader.vector8();
  message.ticket = reader.vector16(1);
  if (!reader.ok()) return malformed(HandshakeType::new_session_ticket);
  const auto read = [&](ExtensionType type, Reader& content) {
    if (type == ExtensionType::early_data)
      message.early_data_max = content.number32();
    else
      content.rest();  // §4.6.1: "Clients MUST ignore unrecognized extensions"
  };
  const auto outcome = read_extensions(reader, HandshakeType::new_session_ticket, read);
  if (!outcome) return failure(outcome.error());
  return message;
}

std::vector<u8> emit(const NewSessionTicket& it) {
  return message(HandshakeType::new_session_ticket, [&](Writer& writer) {
    writer.number32(it.lifetime_s);
    writer.number32(it.age_add);
    writer.vector8(it.nonce);
    writer.vector16(it.ticket);
    writer.vector(2, [&] {
      if (it.early_data_max)
        extension(writer, ExtensionType::early_data, [&] { writer.number32(*it.early_data_max); });
    });
  });
}

Result<KeyUpdate, Error> parse_key_update(Bytes body) {
  if (body.size() != 1) return malformed(HandshakeType::key_update);
  if (body[0] > 1)
    return failure(Error{Alert::illegal_parameter, "KeyUpdate asks for something unknown"});
  return KeyUpdate{body[0] == 1};
}

std::vector<u8> emit(const KeyUpdate& it) {
  return message(HandshakeType::key_update,
                 [&](Writer& writer) { writer.number8(it.update_requested ? 1 : 0); });
}

std::vector<u8> emit_plain(HandshakeType type, Bytes body) {
  return message(type, [&](Writer& writer) { writer.bytes(body); });
}

}  // namespace handfast::tls
