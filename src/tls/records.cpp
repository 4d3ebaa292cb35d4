#include "tls/records.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "base/byte_order.hpp"
#include "tls/key_schedule.hpp"

namespace handfast::tls {
namespace {

constexpr u32 explicit_nonce_size = 8;

Error undecryptable() {
  return {Alert::bad_record_mac,
          "a record does not decrypt: it was changed on the way, or the keys differ"};
}

}  // namespace

RecordHeader parse_record_header(Bytes header) {
  ASSERT(header.size() >= record_header_size);
  return {static_cast<ContentType>(header[0]), static_cast<Version>(load_be16(&header[1])),
          load_be16(&header[3])};
}

void emit_record_header(const RecordHeader& header, MutBytes out) {
  out[0] = to<u8>(header.type);
  store_be16(&out[1], to<u16>(header.version));
  store_be16(&out[3], header.length);
}

std::string name_of_stranger(Bytes start) {
  if (start.size() < record_header_size) return {};
  for (const std::string_view method : {"GET ", "POST", "HEAD", "PUT ", "OPTI", "HTTP"})
    if (as_text(start).starts_with(method)) return "HTTP without TLS";
  if (as_text(start).starts_with("SSH-")) return "SSH";
  // RFC 6101 appendix E, RFC 6176: a length with its top bit set; CLIENT-HELLO and the version that
  // it offers, or SERVER-HELLO.
  if ((start[0] & 0x80) == 0) return {};
  if (start[2] == 1 && start[3] == 3)
    return "SSL 2.0's hello, which offers " + to_string(static_cast<Version>(load_be16(&start[3])));
  const bool is_hello = (start[2] == 1 && start[3] == 0) || (start[2] == 4 && start[3] <= 1);
  return is_hello ? "SSL 2.0" : "";
}

Protection::Protection(const Suite& suite, crypto::Aead::Use use, crypto::Secret traffic_secret)
    : suite_(&suite), use_(use), secret_(std::move(traffic_secret)), hmac_(suite.hash) {
  make_keys();
}

Protection::Protection(const Suite& suite, crypto::Aead::Use use, const crypto::Secret& key,
                       Bytes iv)
    : suite_(&suite), use_(use), hmac_(suite.hash) {
  aead_.emplace(suite.aead, use, key.bytes());
  std::ranges::copy(iv, iv_.begin());
}

u32 Protection::overhead() const {
  const u32 type_size = is_tls12() ? 0 : 1;
  return prefix() + type_size + crypto::aead_tag_size;
}

u32 Protection::prefix() const {
  return record_header_size + (has_explicit_nonce() ? explicit_nonce_size : 0);
}

void Protection::make_keys() {
  crypto::Secret key(key_size(suite_->aead));
  expand_label(hmac_, secret_.bytes(), "key", {}, key.room());
  expand_label(hmac_, secret_.bytes(), "iv", {}, iv_);
  aead_.emplace(suite_->aead, use_, key.bytes());
  sequence_ = 0;
}

void Protection::update() {
  secret_ = next_traffic_secret(hmac_, secret_);
  make_keys();
}

/// §5.3: the sequence number, padded on the left, exclusive-or the IV.
crypto::AeadNonce Protection::nonce() const {
  crypto::AeadNonce nonce = iv_;
  for (u32 i = 0; i < sizeof sequence_; ++i)
    nonce[nonce.size() - 1 - i] ^= to<u8>(sequence_ >> (8 * i));
  return nonce;
}

void Protection::seal(ContentType type, Bytes content, MutBytes record) {
  ASSERT(record.size() == content.size() + overhead());
  if (is_tls12()) return seal12(type, content, record);
  emit_record_header({ContentType::application_data, Version::tls_1_2,
                      to<u16>(record.size() - record_header_size)},
                     record);
  const u8 inner_type = to<u8>(type);
  aead_->seal(nonce(), record.first(record_header_size), content, {&inner_type, 1},
              record.subspan(record_header_size));
  ++sequence_;
}

Result<Protection::Opened, Error> Protection::open(Bytes header, MutBytes body) {
  if (is_tls12()) return open12(header, body);
  if (!aead_->open(nonce(), header, body)) return failure(undecryptable());
  ++sequence_;
  const MutBytes inner = body.first(body.size() - crypto::aead_tag_size);
  // §5.4: the last byte that is not zero is the type.
  std::size_t end = inner.size();
  while (end > 0 && inner[end - 1] == 0) --end;
  if (inner.size() > fragment_max + 1)
    return failure(Error{Alert::record_overflow, "a record holds more than 16384 bytes"});
  if (end == 0) return failure(Error{Alert::unexpected_message, "a record is nothing but padding"});
  return Opened{static_cast<ContentType>(inner[end - 1]), inner.first(end - 1)};
}

/// RFC 5246 §6.2.3.3: "seq_num + TLSCompressed.type + TLSCompressed.version + length".
std::array<u8, 13> Protection::additional_data(ContentType type, std::size_t length) const {
  std::array<u8, 13> data{};
  store_be(data.data(), sequence_);
  emit_record_header({type, Version::tls_1_2, to<u16>(length)}, MutBytes(data).subspan(8));
  return data;
}

void Protection::seal12(ContentType type, Bytes content, MutBytes record) {
  emit_record_header({type, Version::tls_1_2, to<u16>(record.size() - record_header_size)}, record);
  MutBytes body = record.subspan(record_header_size);
  if (has_explicit_nonce()) {
    store_be(body.data(), sequence_);
    body = body.subspan(explicit_nonce_size);
  }
  aead_->seal(nonce(), additional_data(type, content.size()), content, {}, body);
  ++sequence_;
}

Result<Protection::Opened, Error> Protection::open12(Bytes header, MutBytes body) {
  const u32 least = overhead() - record_header_size;
  if (body.size() < least) return failure(undecryptable());
  const auto type = parse_record_header(header).type;
  crypto::AeadNonce its = nonce();
  if (has_explicit_nonce()) {
    // Its sender may choose it as it likes.
    std::copy_n(body.begin(), explicit_nonce_size, its.end() - explicit_nonce_size);
    body = body.subspan(explicit_nonce_size);
  }
  const std::size_t length = body.size() - crypto::aead_tag_size;
  if (!aead_->open(its, additional_data(type, length), body)) return failure(undecryptable());
  ++sequence_;
  if (length > fragment_max)
    return failure(Error{Alert::record_overflow, "a record holds more than 16384 bytes"});
  return Opened{type, body.first(length)};
}

}  // namespace handfast::tls
