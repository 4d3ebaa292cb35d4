// RFC 1035 §3 and §4.
#include "wire/dns.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/assert.hpp"
#include "base/byte_order.hpp"

namespace handfast::wire {
namespace {

constexpr u32 label_max = 63;
constexpr u32 record_fixed_size = 10;  // type, class, TTL, length

constexpr u8 lower(u8 c) { return c >= 'A' && c <= 'Z' ? to<u8>(c + ('a' - 'A')) : c; }
constexpr bool is_host_octet(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

DnsHeader header_of(const u8* at) {
  const u16 flags = load_be16(at + 2);
  const auto bit = [flags](u32 n) { return (flags >> n & 1) != 0; };
  return {.id = load_be16(at),
          .is_response = bit(15),
          .opcode = to<u8>(flags >> 11 & 15),
          .is_authoritative = bit(10),
          .is_truncated = bit(9),
          .recursion_desired = bit(8),
          .recursion_available = bit(7),
          .reserved = to<u8>(flags >> 4 & 7),
          .code = static_cast<DnsCode>(flags & 15)};
}

u16 flags_of(const DnsHeader& header) {
  return to<u16>(to<u32>(header.is_response) << 15 | (header.opcode & 15u) << 11 |
                 to<u32>(header.is_authoritative) << 10 | to<u32>(header.is_truncated) << 9 |
                 to<u32>(header.recursion_desired) << 8 | to<u32>(header.recursion_available) << 7 |
                 (header.reserved & 7u) << 4 | (to<u32>(header.code) & 15u));
}

constexpr bool holds_name(DnsType type) {
  return type == DnsType::cname || type == DnsType::ns || type == DnsType::ptr;
}

}  // namespace

std::string to_string(DnsCode code) {
  switch (code) {
    case DnsCode::no_error: return "NOERROR";
    case DnsCode::format_error: return "FORMERR";
    case DnsCode::server_failure: return "SERVFAIL";
    case DnsCode::name_error: return "NXDOMAIN";
    case DnsCode::not_implemented: return "NOTIMP";
    case DnsCode::refused: return "REFUSED";
  }
  return fmt::format("RCODE {}", static_cast<u32>(code));
}

// DnsName -----------------------------------------------------------------------------------------

bool DnsName::append(Bytes label) {
  if (size_ + label.size() > size_max) return false;
  std::ranges::copy(label, octets_.begin() + size_ - 1);  // over the root's
  size_ = to<u8>(size_ + label.size());
  octets_[size_ - 1u] = 0;
  return true;
}

std::optional<DnsName> DnsName::parse(std::string_view text) {
  DnsName name;
  if (text.ends_with('.')) text.remove_suffix(1);
  while (!text.empty()) {
    const std::string_view label = text.substr(0, text.find('.'));
    if (label.empty() || label.size() > label_max || !std::ranges::all_of(label, is_host_octet))
      return std::nullopt;
    std::array<u8, label_max + 1> octets{to<u8>(label.size())};
    std::ranges::copy(as_bytes(label), octets.begin() + 1);
    if (!name.append(Bytes(octets).first(label.size() + 1))) return std::nullopt;
    if (label.size() == text.size()) break;
    text.remove_prefix(label.size() + 1);
    if (text.empty()) return std::nullopt;  // two dots at the end
  }
  return name;
}

u32 DnsName::labels() const {
  u32 count = 0;
  for (u32 at = 0; octets_[at] != 0; at += octets_[at] + 1u) ++count;
  return count;
}

std::string DnsName::text() const {
  std::string out;
  for (u32 at = 0; octets_[at] != 0; at += octets_[at] + 1u) {
    if (at > 0) out += '.';
    for (const u8 c : Bytes(octets_).subspan(at + 1, octets_[at]))
      out += is_host_octet(to<char>(c)) ? std::string(1, to<char>(c)) : fmt::format("\\{:03}", c);
  }
  return out.empty() ? "." : out;
}

bool operator==(const DnsName& a, const DnsName& b) {
  return std::ranges::equal(a.bytes(), b.bytes(), {}, lower, lower);
}

// DnsReader ---------------------------------------------------------------------------------------

Result<DnsReader, DnsReader::Why> DnsReader::open(Bytes message) {
  if (message.size() < dns_header_size) return failure(Why("shorter than a DNS header"));
  if (message.size() > 65535) return failure(Why("longer than a DNS message can be"));
  DnsReader reader(message);
  const u8* at = message.data();
  reader.header_ = header_of(at);
  reader.questions_ = load_be16(at + 4);
  for (std::size_t i = 0; i < reader.left_.size(); ++i) reader.left_[i] = load_be16(at + 6 + 2 * i);
  return reader;
}

u16 DnsReader::take16() {
  at_ += 2;
  return load_be16(message_.data() + at_ - 2);
}
u32 DnsReader::take32() {
  at_ += 4;
  return load_be32(message_.data() + at_ - 4);
}

/// §4.1.4. A pointer leads to "a prior occurrence", so it must lead backwards, each one farther
/// than the last: that ends.
Result<DnsName, DnsReader::Why> DnsReader::name() {
  DnsName name;
  u32 at = at_;
  u32 horizon = at_;
  bool has_jumped = false;
  while (true) {
    if (at >= message_.size()) return failure(Why("a name runs out of the message"));
    const u32 octet = message_[at];
    if (octet == 0) break;
    if (octet <= label_max) {
      if (message_.size() - at < octet + 1) return failure(Why("a name runs out of the message"));
      if (!name.append(message_.subspan(at, octet + 1)))
        return failure(Why("a name of more than 255 octets"));
      at += octet + 1;
      continue;
    }
    if (octet < 0xc0) return failure(Why("a label of an unknown kind"));
    if (message_.size() - at < 2) return failure(Why("a name runs out of the message"));
    const u32 target = load_be16(message_.data() + at) & 0x3fffu;
    if (!has_jumped) at_ = at + 2;
    has_jumped = true;
    if (target >= horizon || target < dns_header_size)
      return failure(Why("a compressed name that does not point backwards"));
    at = horizon = target;
  }
  if (!has_jumped) at_ = at + 1;
  return name;
}

Result<DnsQuestion, DnsReader::Why> DnsReader::question() {
  auto of = name();
  if (!of) return failure(of.error());
  if (!has(4)) return failure(Why("a question runs out of the message"));
  DnsQuestion question{*of};
  question.type = static_cast<DnsType>(take16());
  question.of_class = take16();
  return question;
}

Result<std::optional<DnsReader::Entry>, DnsReader::Why> DnsReader::next() {
  u32 section = 0;
  while (section < left_.size() && left_[section] == 0) ++section;
  if (section == left_.size()) {
    if (at_ != message_.size()) return failure(Why("bytes behind the last record"));
    return std::nullopt;
  }
  --left_[section];
  auto of = name();
  if (!of) return failure(of.error());
  if (!has(record_fixed_size)) return failure(Why("a record runs out of the message"));
  Entry entry{static_cast<DnsSection>(section), {.name = *of}};
  entry.record.type = static_cast<DnsType>(take16());
  entry.record.of_class = take16();
  entry.record.ttl = take32();
  // RFC 2181 §8: a TTL with its highest bit set counts as 0.
  if (entry.record.type != DnsType::opt && entry.record.ttl > 0x7fffffff) entry.record.ttl = 0;
  const u32 size = take16();
  if (!has(size)) return failure(Why("a record runs out of the message"));
  const u32 end = at_ + size;
  auto what = data(entry.record.type, size);
  if (!what) return failure(what.error());
  if (at_ != end) return failure(Why("a record whose length is not that of its data"));
  entry.record.data = *what;
  return entry;
}

Result<DnsData, DnsReader::Why> DnsReader::data(DnsType type, u32 size) {
  const u8* at = message_.data() + at_;
  if (type == DnsType::a || type == DnsType::aaaa) {
    const u32 wanted = type == DnsType::a ? 4 : 16;
    if (size != wanted) return failure(Why("an address of a wrong length"));
    at_ += size;
    if (type == DnsType::a) return IpAddress::from_v4(at);
    // A mapped one is no address that anybody has: it stays bytes.
    const IpAddress address = IpAddress::from_v6(at);
    return address.is_v4() ? DnsData(Bytes(at, size)) : DnsData(address);
  }
  if (holds_name(type)) {
    auto target = name();
    if (!target) return failure(target.error());
    return *target;
  }
  if (type == DnsType::soa) {
    DnsSoa soa;
    for (DnsName* one : {&soa.primary, &soa.mailbox}) {
      auto of = name();
      if (!of) return failure(of.error());
      *one = *of;
    }
    if (!has(20)) return failure(Why("a record runs out of the message"));
    for (u32* one : {&soa.serial, &soa.refresh, &soa.retry, &soa.expire, &soa.minimum})
      *one = take32();
    return soa;
  }
  at_ += size;
  return Bytes(at, size);
}

// DnsWriter ---------------------------------------------------------------------------------------

DnsWriter::DnsWriter(const DnsHeader& header, MutBytes room) : room_(room) {
  put16(header.id);
  put16(flags_of(header));
  put32(0);
  put32(0);
}

void DnsWriter::put(Bytes bytes) {
  if (bytes.size() > room_.size() - at_) is_broken_ = true;
  if (is_broken_) return;
  std::ranges::copy(bytes, room_.begin() + at_);
  at_ += to<u32>(bytes.size());
}
void DnsWriter::put16(u16 value) {
  std::array<u8, 2> bytes;
  store_be16(bytes.data(), value);
  put(bytes);
}
void DnsWriter::put32(u32 value) {
  std::array<u8, 4> bytes;
  store_be32(bytes.data(), value);
  put(bytes);
}

/// One more in the header's counter at `offset`.
void DnsWriter::count(u32 offset) {
  if (offset < section_ || room_.size() < dns_header_size) is_broken_ = true;
  if (is_broken_) return;
  section_ = offset;
  store_be16(room_.data() + offset, to<u16>(load_be16(room_.data() + offset) + 1));
}

DnsWriter& DnsWriter::question(const DnsQuestion& question) {
  count(4);
  put(question.name.bytes());
  put16(to<u16>(question.type));
  put16(question.of_class);
  return *this;
}

DnsWriter& DnsWriter::record(DnsSection section, const DnsRecord& record) {
  count(6 + 2 * to<u32>(section));
  put(record.name.bytes());
  put16(to<u16>(record.type));
  put16(record.of_class);
  put32(record.ttl);
  const u32 length_at = at_;
  put16(0);
  put_data(record.data);
  if (!is_broken_) store_be16(room_.data() + length_at, to<u16>(at_ - length_at - 2));
  return *this;
}

void DnsWriter::put_data(const DnsData& data) {
  if (const auto* address = std::get_if<IpAddress>(&data)) {
    put(address->is_v4() ? Bytes(address->v4_octets(), 4) : Bytes(address->octets));
  } else if (const auto* name = std::get_if<DnsName>(&data)) {
    put(name->bytes());
  } else if (const auto* soa = std::get_if<DnsSoa>(&data)) {
    put(soa->primary.bytes());
    put(soa->mailbox.bytes());
    for (const u32 value : {soa->serial, soa->refresh, soa->retry, soa->expire, soa->minimum})
      put32(value);
  } else {
    put(std::get<Bytes>(data));
  }
}

std::optional<Bytes> DnsWriter::done() const {
  if (is_broken_) return std::nullopt;
  return Bytes(room_).first(at_);
}

Bytes emit_dns_query(u16 id, const DnsQuestion& question, u16 udp_size, MutBytes room) {
  DnsWriter writer({.id = id, .recursion_desired = true}, room);
  writer.question(question);
  if (udp_size > 0)
    writer.record(DnsSection::additional,
                  {.type = DnsType::opt, .of_class = udp_size, .data = Bytes{}});
  const auto message = writer.done();
  ASSERT(message);
  return *message;
}

}  // namespace handfast::wire
