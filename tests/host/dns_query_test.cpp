// The resolver's question, in made-up time, and the cache of its answers.
#include "host/dns_query.hpp"

#include <functional>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/dns_cache.hpp"

namespace handfast::host {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using wire::DnsName;
using wire::DnsSection;
using wire::DnsType;
using wire::DnsWriter;
using Kind = DnsAnswer::Kind;

const wire::Endpoint server1{wire::IpAddress::v4(192, 0, 2, 53), 53};
const wire::Endpoint server2{wire::IpAddress::v4(192, 0, 2, 54), 53};
const wire::IpAddress address1 = wire::IpAddress::v4(198, 51, 100, 1);
const wire::IpAddress address2 = wire::IpAddress::v4(198, 51, 100, 2);

DnsName name(std::string_view text) { return *DnsName::parse(text); }

class Query : public testing::Test {
 protected:
  void ask(std::string_view of = "www.a.test", DnsType type = DnsType::a) {
    query.emplace(config, name(of), type, SipKey{1, 2}, now);
    take();
  }
  /// The next question that goes out; false: none does.
  bool take() {
    const auto send = query->poll_transmit();
    if (!send) return false;
    to = send->server;
    by_stream = send->by_stream;
    auto reader = wire::DnsReader::open(send->message);
    header = reader->header();
    question = *reader->question();
    has_edns = reader->next()->has_value();
    return true;
  }
  using Fill = std::function<void(DnsWriter&)>;
  /// A response to the last question.
  std::vector<u8> response(const Fill& fill, wire::DnsCode code = {}, bool truncated = false) {
    std::vector<u8> room(4096);
    DnsWriter writer({.id = header.id,
                      .is_response = true,
                      .is_truncated = truncated,
                      .recursion_available = true,
                      .code = code},
                     room);
    writer.question(question);
    if (fill) fill(writer);
    room.resize(writer.done()->size());
    return room;
  }
  void answer(const Fill& fill, wire::DnsCode code = {}) {
    query->on_message(response(fill, code), to, by_stream, now);
  }
  static Fill address(std::string_view of, wire::IpAddress is, u32 ttl = 60) {
    return [=](DnsWriter& writer) {
      const DnsType type = is.is_v4() ? DnsType::a : DnsType::aaaa;
      writer.record(DnsSection::answer, {name(of), type, 1, ttl, is});
    };
  }
  static Fill alias(std::string_view of, std::string_view to_name, u32 ttl = 60) {
    return [=](DnsWriter& writer) {
      writer.record(DnsSection::answer, {name(of), DnsType::cname, 1, ttl, name(to_name)});
    };
  }
  static Fill soa(u32 ttl, u32 minimum) {
    return [=](DnsWriter& writer) {
      wire::DnsSoa data;
      data.minimum = minimum;
      writer.record(DnsSection::authority, {name("a.test"), DnsType::soa, 1, ttl, data});
    };
  }
  static Fill both(Fill first, Fill second) {
    return [=](DnsWriter& writer) {
      first(writer);
      second(writer);
    };
  }
  const DnsAnswer& told() { return *query->answer(); }

  DnsConfig config{.servers = {server1, server2}};
  Instant now{};
  std::optional<DnsQuery> query;
  wire::Endpoint to;
  bool by_stream = false;
  bool has_edns = false;
  wire::DnsHeader header;
  wire::DnsQuestion question;
};

TEST_F(Query, asks_the_first_server_and_takes_its_addresses) {
  ask();
  EXPECT_EQ(to, server1);
  EXPECT_TRUE(header.recursion_desired && has_edns && !by_stream);
  EXPECT_EQ(question, (wire::DnsQuestion{name("www.a.test"), DnsType::a}));
  EXPECT_FALSE(take()) << "once";
  answer(both(address("WWW.a.TEST", address1, 100), address("www.a.test", address2, 50)));
  EXPECT_EQ(told().kind, Kind::addresses);
  EXPECT_THAT(told().addresses, ElementsAre(address1, address2));
  EXPECT_EQ(told().ttl, 50s);
  EXPECT_EQ(told().trips, 1u);
  EXPECT_EQ(query->deadline(), never);
}

TEST_F(Query, takes_no_address_of_another_name_or_type) {
  ask();
  answer(both(address("evil.test", address1), address("www.a.test", wire::loopback_v6)));
  EXPECT_EQ(told().kind, Kind::no_data);
}

TEST_F(Query, follows_aliases_in_any_order_and_takes_the_shortest_time) {
  ask();
  answer(both(address("c.test", address1, 90),
              both(alias("b.test", "c.test", 30), alias("www.a.test", "b.test", 40))));
  EXPECT_THAT(told().addresses, ElementsAre(address1));
  EXPECT_EQ(told().ttl, 30s);
}

TEST_F(Query, asks_again_where_an_alias_leads_out_of_the_answer) {
  ask();
  const u16 first = header.id;
  answer(alias("www.a.test", "b.test", 20));
  ASSERT_TRUE(take());
  EXPECT_EQ(question.name, name("b.test"));
  EXPECT_NE(header.id, first);
  answer(address("b.test", address1));
  EXPECT_EQ(told().kind, Kind::addresses);
  EXPECT_EQ(told().ttl, 20s);
  EXPECT_EQ(told().trips, 2u);
}

TEST_F(Query, leaves_a_circle_of_aliases) {
  ask();
  answer(both(alias("www.a.test", "b.test"), alias("b.test", "www.a.test")));
  EXPECT_EQ(told().kind, Kind::failed);
  EXPECT_THAT(told().why, HasSubstr("circle"));
  ask();
  for (u32 i = 0; !query->answer(); ++i) {
    ASSERT_LT(i, 20u);
    answer(alias(question.name.text(), "x" + std::to_string(i) + ".test"));
    take();
  }
  EXPECT_EQ(told().kind, Kind::failed);
}

TEST_F(Query, tells_a_name_that_is_not_there_from_one_without_addresses) {
  ask();
  answer(soa(300, 60), wire::DnsCode::name_error);
  EXPECT_EQ(told().kind, Kind::no_such_name);
  EXPECT_EQ(told().ttl, 60s);
  ask();
  answer(soa(30, 600));
  EXPECT_EQ(told().kind, Kind::no_data);
  EXPECT_EQ(told().ttl, 30s);
  ask();
  answer({});
  EXPECT_EQ(told().kind, Kind::no_data);
  EXPECT_EQ(told().ttl, 0s) << "nobody said how long";
}

TEST_F(Query, tries_every_server_in_turn_and_waits_longer_each_time_round) {
  ask();
  std::vector<std::pair<wire::Endpoint, Duration>> tried{{to, query->deadline() - now}};
  while (!query->answer()) {
    now = query->deadline();
    query->on_deadline(now);
    if (take()) tried.emplace_back(to, query->deadline() - now);
  }
  EXPECT_THAT(tried,
              ElementsAre(std::pair(server1, 2s), std::pair(server2, 2s), std::pair(server1, 4s),
                          std::pair(server2, 4s), std::pair(server1, 8s), std::pair(server2, 8s)));
  EXPECT_EQ(told().kind, Kind::failed);
  EXPECT_EQ(told().why, "no answer from 192.0.2.54:53");
}

TEST_F(Query, goes_to_the_next_server_where_one_fails_or_cannot_be_reached) {
  for (const auto code : {wire::DnsCode::server_failure, wire::DnsCode::refused}) {
    ask();
    answer({}, code);
    ASSERT_TRUE(take());
    EXPECT_EQ(to, server2);
  }
  query->on_unreachable(server1, "an old one", now);
  EXPECT_FALSE(take());
  query->on_unreachable(server2, "port unreachable", now);
  ASSERT_TRUE(take());
  EXPECT_EQ(to, server1);
}

TEST_F(Query, tells_which_server_said_what_where_all_fail) {
  config.rounds_max = 1;
  ask();
  answer({}, wire::DnsCode::server_failure);
  take();
  answer({}, wire::DnsCode::refused);
  EXPECT_EQ(told().why, "192.0.2.54:53 answered REFUSED");
}

TEST_F(Query, asks_by_tcp_what_does_not_fit_a_datagram) {
  ask();
  query->on_message(response({}, {}, true), to, false, now);
  ASSERT_TRUE(take());
  EXPECT_TRUE(by_stream);
  EXPECT_EQ(to, server1);
  answer(address("www.a.test", address1));
  EXPECT_THAT(told().addresses, ElementsAre(address1));
  EXPECT_EQ(told().trips, 2u);
}

TEST_F(Query, drops_edns_for_a_server_that_does_not_know_it) {
  ask();
  answer({}, wire::DnsCode::format_error);
  ASSERT_TRUE(take());
  EXPECT_EQ(to, server1);
  EXPECT_FALSE(has_edns);
  answer({}, wire::DnsCode::format_error);
  ASSERT_TRUE(take());
  EXPECT_EQ(to, server2);
  EXPECT_TRUE(has_edns);
}

TEST_F(Query, believes_nothing_that_does_not_fit_its_question) {
  ask();
  const auto good = response(address("www.a.test", address1));
  const auto changed = [&](std::size_t at, u8 value) {
    auto message = good;
    message[at] ^= value;
    return message;
  };
  query->on_message(good, server2, false, now);
  query->on_message(changed(0, 1), server1, false, now);            // identifier
  query->on_message(changed(2, 0x80), server1, false, now);         // a question
  query->on_message(changed(2, 0x08), server1, false, now);         // another opcode
  query->on_message(changed(13, 1), server1, false, now);           // another name
  query->on_message(changed(12 + 12 + 1, 1), server1, false, now);  // another type
  query->on_message(Bytes(good).first(11), server1, false, now);
  EXPECT_FALSE(query->answer());
  EXPECT_FALSE(take());
  // What fits and is broken behind that is the server's fault.
  query->on_message(Bytes(good).first(good.size() - 1), server1, false, now);
  EXPECT_TRUE(take());
  EXPECT_EQ(to, server2);
}

TEST_F(Query, without_servers_says_so) {
  config.servers.clear();
  ask();
  EXPECT_EQ(told().why, "no name server is known");
}

TEST_F(Query, keeps_no_more_addresses_than_it_may) {
  config.addresses_max = 1;
  ask();
  answer(both(address("www.a.test", address1), address("www.a.test", address2)));
  EXPECT_THAT(told().addresses, ElementsAre(address1));
}

TEST(DnsCache, gives_answers_until_they_expire) {
  DnsCache cache(2);
  const auto at = [](Duration time) { return Instant{} + time; };
  const DnsAnswer good{Kind::addresses, {address1}, 10s, {}, 3};
  cache.put(name("a.test"), DnsType::a, good, at(0s));
  ASSERT_NE(cache.find(name("A.test"), DnsType::a, at(9s)), nullptr);
  EXPECT_EQ(cache.find(name("A.test"), DnsType::a, at(9s))->trips, 0u);
  EXPECT_EQ(cache.find(name("a.test"), DnsType::aaaa, at(9s)), nullptr);
  EXPECT_EQ(cache.find(name("a.test"), DnsType::a, at(10s)), nullptr);
  cache.put(name("b.test"), DnsType::a, {Kind::no_such_name, {}, 5s, {}, 1}, at(0s));
  EXPECT_NE(cache.find(name("b.test"), DnsType::a, at(4s)), nullptr);
  cache.put(name("c.test"), DnsType::a, {Kind::failed, {}, 5s, "x", 1}, at(0s));
  cache.put(name("d.test"), DnsType::a, {Kind::no_data, {}, 0s, {}, 1}, at(0s));
  EXPECT_EQ(cache.size(), 2u);
  cache.put(name("e.test"), DnsType::a, good, at(1s));
  EXPECT_EQ(cache.size(), 2u);
  EXPECT_EQ(cache.find(name("a.test"), DnsType::a, at(1s)), nullptr) << "the oldest has gone";
}

}  // namespace
}  // namespace handfast::host
