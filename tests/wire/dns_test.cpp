#include "wire/dns.hpp"

#include <algorithm>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace handfast::wire {
namespace {

DnsName name(std::string_view text) { return *DnsName::parse(text); }

/// A whole message: no error, and nothing left.
std::string why(Bytes message) {
  auto reader = DnsReader::open(message);
  if (!reader) return std::string(reader.error());
  for (u32 i = 0; i < reader->questions(); ++i)
    if (const auto question = reader->question(); !question) return std::string(question.error());
  while (true) {
    const auto entry = reader->next();
    if (!entry) return std::string(entry.error());
    if (!*entry) return "";
  }
}

/// RFC 1035 §4.1.4's example of compression: F.ISI.ARPA, FOO.F.ISI.ARPA, ARPA and the root, as
/// names of four A records.
const std::vector<u8> compressed = [] {
  std::vector<u8> out{0, 7, 0x81, 0x80, 0, 0, 0, 4, 0, 0, 0, 0};
  const auto add = [&](std::vector<u8> name_octets) {
    out.insert(out.end(), name_octets.begin(), name_octets.end());
    const std::vector<u8> rest{0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1};
    out.insert(out.end(), rest.begin(), rest.end());
  };
  add({1, 'F', 3, 'I', 'S', 'I', 4, 'A', 'R', 'P', 'A', 0});
  add({3, 'F', 'O', 'O', 0xc0, 12});
  add({0xc0, 18});
  add({0});
  return out;
}();

TEST(DnsName, is_read_from_text_and_written_again) {
  EXPECT_EQ(name("www.Example.org").text(), "www.Example.org");
  EXPECT_EQ(name("www.example.org.").text(), "www.example.org");
  EXPECT_EQ(name("").text(), ".");
  EXPECT_EQ(name("a.b").labels(), 2u);
  EXPECT_TRUE(name("WWW.example.org") == name("www.EXAMPLE.org"));
  EXPECT_FALSE(name("www.example.org") == name("example.org"));
  EXPECT_EQ(name("_a-b.c").bytes().size(), 8u);
}

TEST(DnsName, that_no_host_can_have_is_refused) {
  for (const std::string& text :
       {std::string("a..b"), std::string(".a"), std::string("a b"), std::string("a.."),
        std::string("a/b"), std::string(64, 'x'), std::string("\xc3\xa4.org")})
    EXPECT_FALSE(DnsName::parse(text)) << text;
  std::string longest;
  for (u32 i = 0; i < 3; ++i) longest += std::string(63, 'x') + ".";
  EXPECT_TRUE(DnsName::parse(longest + std::string(61, 'y')));
  EXPECT_FALSE(DnsName::parse(longest + std::string(62, 'y')));
}

TEST(DnsReader, expands_the_compressed_names_of_the_rfcs_example) {
  auto reader = DnsReader::open(compressed);
  ASSERT_TRUE(reader.has_value());
  EXPECT_EQ(reader->header().id, 7);
  EXPECT_TRUE(reader->header().is_response);
  for (const char* text : {"F.ISI.ARPA", "FOO.F.ISI.ARPA", "ARPA", "."}) {
    const auto entry = reader->next();
    ASSERT_TRUE(entry.has_value() && entry->has_value());
    EXPECT_EQ((*entry)->record.name.text(), text);
    EXPECT_EQ(std::get<IpAddress>((*entry)->record.data), IpAddress::v4(192, 0, 2, 1));
  }
  EXPECT_FALSE(reader->next()->has_value());
}

TEST(DnsReader, refuses_every_message_that_was_cut_off_or_has_something_behind_it) {
  EXPECT_EQ(why(compressed), "");
  for (std::size_t size = 0; size < compressed.size(); ++size) {
    const std::vector<u8> part(compressed.begin(), compressed.begin() + to<std::ptrdiff_t>(size));
    EXPECT_NE(why(part), "") << size;
  }
  std::vector<u8> longer = compressed;
  longer.push_back(0);
  EXPECT_EQ(why(longer), "bytes behind the last record");
}

TEST(DnsReader, follows_no_pointer_that_does_not_lead_back) {
  std::vector<u8> message = compressed;
  const std::size_t pointer = 12 + 12 + 14 + 4;  // of the second record
  ASSERT_EQ(message[pointer], 0xc0);
  for (const std::size_t target : {pointer, pointer - 4, pointer + 4, std::size_t{3}}) {
    message[pointer + 1] = to<u8>(target);
    EXPECT_EQ(why(message), "a compressed name that does not point backwards") << target;
  }
  message[pointer] = 0x80;
  EXPECT_EQ(why(message), "a label of an unknown kind");
}

TEST(DnsReader, refuses_addresses_of_a_wrong_length_and_leaves_mapped_ones_alone) {
  const auto with = [](DnsType type, std::vector<u8> data) {
    std::vector<u8> room(512);
    const DnsRecord record{.name = name("a"), .type = type, .ttl = 1, .data = Bytes(data)};
    const auto message =
        DnsWriter({.is_response = true}, room).record(DnsSection::answer, record).done();
    return std::vector<u8>(message->begin(), message->end());
  };
  EXPECT_EQ(why(with(DnsType::a, {1, 2, 3})), "an address of a wrong length");
  EXPECT_EQ(why(with(DnsType::aaaa, {1, 2, 3, 4})), "an address of a wrong length");
  const auto mapped = with(DnsType::aaaa, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1});
  auto reader = DnsReader::open(mapped);
  EXPECT_TRUE(std::holds_alternative<Bytes>((*reader->next())->record.data));
}

TEST(DnsWriter, writes_what_the_reader_reads) {
  const DnsHeader header{.id = 0xbeef,
                         .is_response = true,
                         .opcode = 0,
                         .is_authoritative = true,
                         .is_truncated = true,
                         .recursion_desired = true,
                         .recursion_available = true,
                         .reserved = 2,
                         .code = DnsCode::name_error};
  const DnsQuestion question{name("www.a.test"), DnsType::aaaa};
  const DnsSoa soa{name("ns.a.test"), name("root.a.test"), 1, 2, 3, 4, 5};
  const std::vector<u8> text{3, 'a', 'b', 'c'};
  const auto txt = static_cast<DnsType>(16);
  const std::vector<std::pair<DnsSection, DnsRecord>> records{
      {DnsSection::answer, {name("www.a.test"), DnsType::cname, 1, 9, name("b.test")}},
      {DnsSection::answer, {name("b.test"), DnsType::a, 1, 8, IpAddress::v4(192, 0, 2, 7)}},
      {DnsSection::answer, {name("b.test"), DnsType::aaaa, 1, 7, loopback_v6}},
      {DnsSection::authority, {name("a.test"), DnsType::soa, 1, 6, soa}},
      {DnsSection::additional, {name("x.test"), txt, 1, 0x7fffffff, Bytes(text)}},
      {DnsSection::additional, {DnsName(), DnsType::opt, 1232, 0x80008000, Bytes{}}}};
  std::vector<u8> room(1000);
  DnsWriter writer(header, room);
  writer.question(question);
  for (const auto& [section, record] : records) writer.record(section, record);
  const auto message = writer.done();
  ASSERT_TRUE(message);
  auto reader = DnsReader::open(*message);
  ASSERT_TRUE(reader.has_value());
  EXPECT_EQ(reader->header(), header);
  EXPECT_EQ(reader->question().value(), question);
  for (const auto& [section, record] : records) {
    const auto entry = reader->next();
    ASSERT_TRUE(entry.has_value() && entry->has_value());
    const DnsRecord& got = (*entry)->record;
    EXPECT_EQ((*entry)->section, section);
    EXPECT_EQ(got.name, record.name);
    EXPECT_EQ(got.ttl, record.ttl);
    EXPECT_EQ(got.of_class, record.of_class);
    ASSERT_EQ(got.data.index(), record.data.index());
    if (const auto* bytes = std::get_if<Bytes>(&record.data)) {
      EXPECT_TRUE(std::ranges::equal(*bytes, std::get<Bytes>(got.data)));
    } else if (const auto* all = std::get_if<DnsSoa>(&record.data)) {
      EXPECT_EQ(std::get<DnsSoa>(got.data), *all);
    } else if (const auto* target = std::get_if<DnsName>(&record.data)) {
      EXPECT_EQ(std::get<DnsName>(got.data), *target);
    } else {
      EXPECT_EQ(std::get<IpAddress>(got.data), std::get<IpAddress>(record.data));
    }
  }
  EXPECT_FALSE(reader->next()->has_value());
}

TEST(DnsWriter, gives_nothing_where_there_is_too_little_room_or_a_section_goes_back) {
  std::vector<u8> room(40);
  for (std::size_t size = 0; size < 24; ++size) {
    DnsWriter writer({}, MutBytes(room).first(size));
    EXPECT_FALSE(writer.question({name("a.b.test")}).done()) << size;
  }
  const DnsRecord record{.name = name("a"), .data = IpAddress::v4(1, 2, 3, 4)};
  DnsWriter writer({}, room);
  writer.record(DnsSection::additional, record).question({});
  EXPECT_FALSE(writer.done());
}

TEST(DnsQuery, asks_one_question_and_says_how_much_it_takes) {
  std::array<u8, dns_query_size_max> room;
  const Bytes message = emit_dns_query(0x1234, {name("a.test"), DnsType::aaaa}, 1232, room);
  auto reader = DnsReader::open(message);
  EXPECT_EQ(reader->header(), (DnsHeader{.id = 0x1234, .recursion_desired = true}));
  EXPECT_EQ(reader->question()->type, DnsType::aaaa);
  EXPECT_EQ((*reader->next())->record.of_class, 1232);
  EXPECT_EQ(why(emit_dns_query(1, {name("a.test")}, 0, room)), "");
}

}  // namespace
}  // namespace handfast::wire
