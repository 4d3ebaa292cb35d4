// RFC 8446 §5: records and their protection.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "base/types.hpp"
#include "crypto/aead.hpp"
#include "crypto/hmac.hpp"
#include "crypto/secret.hpp"
#include "tls/alert.hpp"
#include "tls/codes.hpp"

namespace handfast::tls {

inline constexpr u32 record_header_size = 5;
/// §5.1: of a record's content.
inline constexpr u32 fragment_max = 1 << 14;
/// §5.2: of what stands behind a protected record's header.
inline constexpr u32 protected_fragment_max = fragment_max + 256;
/// A caller's buffer that holds this holds any record.
inline constexpr u32 record_size_max = record_header_size + protected_fragment_max;
/// What protecting adds to the content at most: header, explicit nonce or type, and tag.
inline constexpr u32 record_overhead_max = record_header_size + 8 + crypto::aead_tag_size;

struct RecordHeader {
  ContentType type{};
  Version version{};
  u16 length = 0;
};
RecordHeader parse_record_header(Bytes header);
void emit_record_header(const RecordHeader& header, MutBytes out);

/// What a first record that is no TLS looks like, by name: "HTTP without TLS", "SSL 2.0",
/// "SSL 2.0's hello, which offers TLS 1.0"; or empty.
std::string name_of_stranger(Bytes start);

/// One direction under one traffic secret, and the secrets after it (§5.2, §5.3, §7.2); or under
/// one key of TLS 1.2.
class Protection {
 public:
  Protection(const Suite& suite, crypto::Aead::Use use, crypto::Secret traffic_secret);
  /// TLS 1.2 (RFC 5246 §6.2.3.3, RFC 5288, RFC 7905): a key that lasts, and the nonce's secret
  /// part.
  Protection(const Suite& suite, crypto::Aead::Use use, const crypto::Secret& key, Bytes iv);

  /// What sealing adds to the content, and how much of that stands in front of it.
  u32 overhead() const;
  u32 prefix() const;
  /// Writes a whole record of `content`; `record` has content.size() + overhead() bytes, and the
  /// content may lie in it where it belongs.
  void seal(ContentType type, Bytes content, MutBytes record);

  struct Opened {
    ContentType type{};
    MutBytes content;
  };
  /// Decrypts a record where it lies, and takes its padding off.
  Result<Opened, Error> open(Bytes header, MutBytes body);

  /// The next key (§7.2).
  void update();
  /// This key has served for all the records that it may (§5.5).
  bool is_used_up() const { return sequence_ >= suite_->records_max; }
  /// For tests: as if `n` records had gone by.
  void skip_to(u64 sequence) { sequence_ = sequence; }
  u64 sequence() const { return sequence_; }

 private:
  bool is_tls12() const { return suite_->version == Version::tls_1_2; }
  /// RFC 5288 §3: eight bytes of the nonce stand in front of each record.
  bool has_explicit_nonce() const {
    return is_tls12() && suite_->aead != crypto::AeadAlgorithm::chacha20_poly1305;
  }
  void make_keys();
  crypto::AeadNonce nonce() const;
  std::array<u8, 13> additional_data(ContentType type, std::size_t length) const;
  void seal12(ContentType type, Bytes content, MutBytes record);
  Result<Opened, Error> open12(Bytes header, MutBytes body);

  const Suite* suite_;
  crypto::Aead::Use use_;
  crypto::Secret secret_;
  crypto::Hmac hmac_;
  std::optional<crypto::Aead> aead_;
  crypto::AeadNonce iv_{};
  u64 sequence_ = 0;
};

}  // namespace handfast::tls
