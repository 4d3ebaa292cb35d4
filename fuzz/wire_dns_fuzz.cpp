// Any bytes are a DNS message or none, and one survives being written (without compression) and
// read: the same header, questions and records.
#include <algorithm>
#include <vector>

#include "base/assert.hpp"
#include "wire/dns.hpp"

namespace {

using namespace handfast;
using namespace handfast::wire;

struct Message {
  DnsHeader header;
  std::vector<DnsQuestion> questions;
  std::vector<DnsReader::Entry> records;
};

std::optional<Message> read(Bytes bytes) {
  auto reader = DnsReader::open(bytes);
  if (!reader) return std::nullopt;
  Message message{reader->header(), {}, {}};
  for (u32 i = 0; i < reader->questions(); ++i) {
    const auto question = reader->question();
    if (!question) return std::nullopt;
    message.questions.push_back(*question);
  }
  while (true) {
    const auto entry = reader->next();
    if (!entry) return std::nullopt;
    if (!*entry) return message;
    message.records.push_back(**entry);
  }
}

bool is_same(const DnsData& a, const DnsData& b) {
  if (a.index() != b.index()) return false;
  if (const auto* bytes = std::get_if<Bytes>(&a))
    return std::ranges::equal(*bytes, std::get<Bytes>(b));
  if (const auto* name = std::get_if<DnsName>(&a)) return *name == std::get<DnsName>(b);
  if (const auto* soa = std::get_if<DnsSoa>(&a)) return *soa == std::get<DnsSoa>(b);
  return std::get<IpAddress>(a) == std::get<IpAddress>(b);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto message = read({data, size});
  if (!message) return 0;
  // Names without compression: each two bytes may become 255.
  std::vector<u8> room(dns_header_size + size * 160);
  DnsWriter writer(message->header, room);
  for (const DnsQuestion& question : message->questions) writer.question(question);
  for (const auto& [section, record] : message->records) writer.record(section, record);
  const auto bytes = writer.done();
  ASSERT(bytes);
  if (bytes->size() > 65535) return 0;
  const auto again = read(*bytes);
  ASSERT(again && again->header == message->header && again->questions == message->questions);
  ASSERT(again->records.size() == message->records.size());
  for (std::size_t i = 0; i < message->records.size(); ++i) {
    const DnsRecord& a = message->records[i].record;
    const DnsRecord& b = again->records[i].record;
    ASSERT(a.name == b.name && a.type == b.type && a.of_class == b.of_class && a.ttl == b.ttl);
    ASSERT(is_same(a.data, b.data));
    static_cast<void>(a.name.text());
  }
  return 0;
}
