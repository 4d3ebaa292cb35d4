// DNS messages: RFC 1035 §4, with AAAA (RFC 3596) and EDNS(0) (RFC 6891). A message is read record
// by record, so nothing is allocated however many there are.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.hpp"
#include "base/types.hpp"
#include "wire/address.hpp"

namespace handfast::wire {

inline constexpr u16 dns_port = 53;
inline constexpr u16 dns_class_in = 1;
inline constexpr u32 dns_header_size = 12;

enum class DnsType : u16 { a = 1, ns = 2, cname = 5, soa = 6, ptr = 12, aaaa = 28, opt = 41 };

/// §4.1.1: RCODE; from the wire it may have any value up to 15.
enum class DnsCode : u8 {
  no_error,
  format_error,
  server_failure,
  name_error,
  not_implemented,
  refused
};
/// "SERVFAIL", "RCODE 9".
std::string to_string(DnsCode code);

/// A domain name as it is on the wire, without compression (§3.1). Letters compare in any case
/// (RFC 4343).
class DnsName {
 public:
  static constexpr u32 size_max = 255;

  /// The root.
  DnsName() = default;
  /// "www.example.org", with or without a dot at the end; "." and "" are the root. Only what may
  /// be a host's name: labels of 1 to 63 letters, digits, "-" and "_".
  static std::optional<DnsName> parse(std::string_view text);

  Bytes bytes() const { return Bytes(octets_).first(size_); }
  u32 labels() const;
  /// Without the dot at the end; "." for the root. Octets that no host's name has are escaped
  /// (§5.1).
  std::string text() const;
  friend bool operator==(const DnsName& a, const DnsName& b);

 private:
  friend class DnsReader;
  bool append(Bytes label);  // with its length octet

  std::array<u8, size_max> octets_{};
  u8 size_ = 1;
};

/// §4.1.1, without the counts.
struct DnsHeader {
  u16 id = 0;
  bool is_response = false;
  u8 opcode = 0;
  bool is_authoritative = false;
  bool is_truncated = false;
  bool recursion_desired = false;
  bool recursion_available = false;
  u8 reserved = 0;  // Z, AD, CD
  DnsCode code = DnsCode::no_error;
  friend bool operator==(const DnsHeader&, const DnsHeader&) = default;
};

struct DnsQuestion {
  DnsName name{};
  DnsType type = DnsType::a;
  u16 of_class = dns_class_in;
  friend bool operator==(const DnsQuestion&, const DnsQuestion&) = default;
};

/// §3.3.13.
struct DnsSoa {
  DnsName primary{};
  DnsName mailbox{};
  u32 serial = 0;
  u32 refresh = 0;
  u32 retry = 0;
  u32 expire = 0;
  u32 minimum = 0;  // how long a name may be remembered as not there (RFC 2308 §4)
  friend bool operator==(const DnsSoa&, const DnsSoa&) = default;
};

/// What a record says: an address (A, AAAA), a name (CNAME, NS, PTR), or else its bytes, as a view
/// into the message.
using DnsData = std::variant<IpAddress, DnsName, DnsSoa, Bytes>;

struct DnsRecord {
  DnsName name{};
  DnsType type = DnsType::a;
  u16 of_class = dns_class_in;  // OPT: how large an answer by UDP may be
  u32 ttl = 0;
  DnsData data{};
};

enum class DnsSection : u8 { answer, authority, additional };

/// Reads a message from the front. An error is a literal for people, and final.
class DnsReader {
 public:
  using Why = std::string_view;
  static Result<DnsReader, Why> open(Bytes message);

  const DnsHeader& header() const { return header_; }
  u16 questions() const { return questions_; }
  /// To be called questions() times, before next().
  Result<DnsQuestion, Why> question();
  struct Entry {
    DnsSection section;
    DnsRecord record;
  };
  /// The next record; none at the end, where nothing may follow.
  Result<std::optional<Entry>, Why> next();

 private:
  explicit DnsReader(Bytes message) : message_(message) {}
  Result<DnsName, Why> name();
  Result<DnsData, Why> data(DnsType type, u32 size);
  bool has(u32 n) const { return message_.size() - at_ >= n; }
  u16 take16();
  u32 take32();

  Bytes message_;
  u32 at_ = dns_header_size;
  DnsHeader header_;
  u16 questions_ = 0;
  std::array<u16, 3> left_{};  // records of each section
};

/// Writes a message from the front, without compressing names. Too little room, or a section that
/// goes back, makes done() give nothing.
class DnsWriter {
 public:
  DnsWriter(const DnsHeader& header, MutBytes room);
  DnsWriter& question(const DnsQuestion& question);
  DnsWriter& record(DnsSection section, const DnsRecord& record);
  std::optional<Bytes> done() const;

 private:
  void put(Bytes bytes);
  void put16(u16 value);
  void put32(u32 value);
  void count(u32 offset);
  void put_data(const DnsData& data);

  MutBytes room_;
  u32 at_ = 0;
  u32 section_ = 0;
  bool is_broken_ = false;
};

/// A question to a recursive server; `udp_size` (0: none) goes into an OPT record. The bytes in
/// `room`, which must have dns_query_size_max.
inline constexpr u32 dns_query_size_max = dns_header_size + DnsName::size_max + 4 + 11;
Bytes emit_dns_query(u16 id, const DnsQuestion& question, u16 udp_size, MutBytes room);

}  // namespace handfast::wire
