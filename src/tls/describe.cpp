#include "tls/describe.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "crypto/certificate.hpp"
#include "tls/messages12.hpp"

namespace handfast::tls {
namespace {

using crypto::to_string;

/// Words with a space between them.
class Words {
 public:
  Words& add(std::string_view word) {
    if (!text_.empty() && !word.empty()) text_ += ' ';
    text_ += word;
    return *this;
  }
  Words& add_if(bool is_there, std::string_view word) { return is_there ? add(word) : *this; }
  std::string text() const { return text_; }

 private:
  std::string text_;
};

/// What a stranger wrote, in one word without what a terminal obeys.
std::string plain(std::string_view text) {
  std::string word(text);
  std::ranges::replace_if(word, [](char c) { return c <= ' ' || c >= '\x7f'; }, '?');
  return word;
}

/// "TLS1.3".
std::string short_version(Version version) {
  std::string name = to_string(version);
  std::erase(name, ' ');
  return name;
}

/// "AES_128_GCM_SHA256", "ECDHE_RSA_AES_128_GCM_SHA256".
std::string short_suite(CipherSuite code) {
  std::string name = to_string(code);
  if (name.starts_with("TLS_")) name.erase(0, 4);
  if (const auto with = name.find("_WITH_"); with != name.npos) name.erase(with, 5);
  return name;
}

std::string protocols(Bytes list) {
  std::string text;
  each_protocol(list, [&](std::string_view protocol) {
    text += (text.empty() ? "ALPN=" : ",") + plain(protocol);
    return true;
  });
  return text;
}

std::string describe(const ClientHello& hello) {
  Version best = hello.versions.empty() ? hello.legacy_version : Version::ssl_2;
  for (u32 i = 0; i < hello.versions.size(); ++i)
    if (!is_grease(to<u16>(hello.versions[i]))) best = std::max(best, hello.versions[i]);
  Words words;
  words.add(short_version(best));
  if (hello.server_name) words.add(fmt::format("SNI={}", plain(*hello.server_name)));
  if (hello.alpn) words.add(protocols(*hello.alpn));
  each_share(hello.key_shares.value_or(Bytes{}), [&](const KeyShare& share) {
    words.add_if(!is_grease(to<u16>(share.group)), to_string(share.group));
    return true;
  });
  words.add_if(hello.session_ticket && !hello.session_ticket->empty(), "ticket");
  words.add_if(hello.cookie.has_value(), "cookie");
  words.add_if(hello.psk_identities.has_value(), "PSK");
  words.add_if(hello.early_data, "early_data");
  return words.text();
}

std::string describe(const ServerHello& hello) {
  Words words;
  words.add(short_version(hello.version.value_or(hello.legacy_version)));
  words.add(short_suite(hello.suite));
  if (hello.share) words.add(to_string(hello.share->group));
  words.add_if(hello.cookie.has_value(), "cookie");
  words.add_if(hello.psk.has_value(), "PSK");
  if (hello.protocol) words.add(fmt::format("ALPN={}", plain(*hello.protocol)));
  words.add_if(hello.session_ticket, "ticket");
  return words.text();
}

std::string describe(const EncryptedExtensions& extensions) {
  Words words;
  if (extensions.protocol) words.add(fmt::format("ALPN={}", plain(*extensions.protocol)));
  words.add_if(extensions.early_data, "early_data");
  return words.text();
}

std::string describe(const CertificateMessage& message) {
  if (message.count == 0) return "none";
  Words words;
  if (const auto leaf = crypto::Certificate::parse(message.entries()[0].der)) {
    const auto names = leaf->names();
    if (names && !names->dns.empty()) words.add(plain(names->dns.front()));
    words.add(to_string(leaf->public_key().type()));
  }
  words.add_if(message.count > 1, fmt::format("chain={}", message.count));
  words.add_if(message.entries()[0].ocsp_response.has_value(), "OCSP");
  return words.text();
}

std::string describe(const CompressedCertificate& message) {
  constexpr u32 length_max = 128 << 10;
  std::string text = to_string(message.algorithm);
  const auto body =
      crypto::decompress(message.algorithm, message.packed, message.length, length_max);
  if (!body) return text;
  const auto unpacked = parse_certificate(*body);
  return unpacked ? text + ' ' + describe(*unpacked) : text;
}

std::string describe_ticket(u32 lifetime_s, bool takes_early_data) {
  return fmt::format("{} s{}", lifetime_s, takes_early_data ? " early_data" : "");
}

std::string describe(const ServerKeyExchange& message) {
  std::string group = to_string(message.share.group);
  if (!message.prime.empty()) {
    const auto field = crypto::find_finite_field(message.prime, message.generator);
    group = field ? to_string(*field) : "a field of its own";
  }
  return Words().add(group).add(to_string(message.scheme)).text();
}

/// Of those messages that TLS 1.2 has in a form of its own; empty for the others.
std::string describe12(HandshakeType type, Bytes body, Exchange exchange) {
  if (type == HandshakeType::certificate)
    if (const auto it = parse_certificate12(body)) return describe(*it);
  if (type == HandshakeType::server_key_exchange)
    if (const auto it = parse_server_key_exchange(body, exchange)) return describe(*it);
  if (type == HandshakeType::client_key_exchange && exchange == Exchange::rsa)
    return "pre-master secret, encrypted to the server's key";
  if (type == HandshakeType::new_session_ticket)
    if (const auto it = parse_new_session_ticket12(body))
      return describe_ticket(it->lifetime_s, false);
  return {};
}

std::string describe13(HandshakeType type, Bytes body) {
  if (type == HandshakeType::encrypted_extensions)
    if (const auto it = parse_encrypted_extensions(body)) return describe(*it);
  if (type == HandshakeType::certificate)
    if (const auto it = parse_certificate(body)) return describe(*it);
  if (type == HandshakeType::compressed_certificate)
    if (const auto it = parse_compressed_certificate(body)) return describe(*it);
  if (type == HandshakeType::new_session_ticket)
    if (const auto it = parse_new_session_ticket(body))
      return describe_ticket(it->lifetime_s, it->early_data_max.value_or(0) > 0);
  if (type == HandshakeType::key_update)
    if (const auto it = parse_key_update(body))
      return it->update_requested ? "update_requested" : "";
  return {};
}

}  // namespace

std::string describe_name(Bytes message) {
  const auto type = static_cast<HandshakeType>(message[0]);
  if (type == HandshakeType::server_hello)
    if (const auto it = parse_server_hello(message.subspan(message_header_size)))
      if (it->is_retry) return "HelloRetryRequest";
  return to_string(type);
}

std::string describe_fields(Bytes message, const Summary& summary) {
  const auto type = static_cast<HandshakeType>(message[0]);
  const Bytes body = message.subspan(message_header_size);
  if (type == HandshakeType::client_hello) {
    const auto it = parse_client_hello(body);
    return it ? describe(*it) : "";
  }
  if (type == HandshakeType::server_hello) {
    const auto it = parse_server_hello(body);
    return it ? describe(*it) : "";
  }
  if (type == HandshakeType::certificate_verify) {
    const auto it = parse_certificate_verify(body);
    return it ? to_string(it->scheme) : "";
  }
  if (summary.version != Version::tls_1_2 || summary.suite == nullptr)
    return describe13(type, body);
  return describe12(type, body, summary.suite->exchange);
}

std::string_view to_string(ContentType type) {
  switch (type) {
    case ContentType::change_cipher_spec: return "change_cipher_spec";
    case ContentType::alert: return "alert";
    case ContentType::handshake: return "handshake";
    case ContentType::application_data: return "application_data";
  }
  return "unknown";
}

}  // namespace handfast::tls
