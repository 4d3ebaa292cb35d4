// The resolver and the race for a connection, over two of our own stacks in virtual time.
#include "io/resolver.hpp"

#include <map>

#include <asio/detached.hpp>
#include <asio/read.hpp>
#include <asio/redirect_error.hpp>
#include <asio/write.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/byte_order.hpp"
#include "io/connector.hpp"
#include "io/networks.hpp"
#include "io/tcp_listener.hpp"
#include "io/two_stacks.hpp"
#include "io/udp_socket.hpp"
#include "support/test_directory.hpp"

namespace handfast::io {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Kind = Names::Found::Kind;

constexpr wire::IpAddress nobody = wire::IpAddress::v4(192, 0, 2, 99);
const wire::Endpoint dns_at{server_address, wire::dns_port};

/// Answers from a table, by UDP what fits and by TCP everything.
class NameServer {
 public:
  explicit NameServer(TwoStacks& stacks)
      : socket_(*stacks.server, dns_at),
        listener_(*stacks.server, dns_at),
        executor_(stacks.context.get_executor()) {
    asio::co_spawn(executor_, by_udp(), asio::detached);
    asio::co_spawn(executor_, by_tcp(), asio::detached);
  }

  std::multimap<std::string, wire::IpAddress> table;
  std::vector<std::string> asked;
  std::vector<u16> ports;
  u32 answers_by_udp_max = 10;  // records in a datagram
  u32 to_ignore = 0;            // so many datagrams

 private:
  std::vector<u8> answer(Bytes message, u32 records_max) {
    auto reader = wire::DnsReader::open(message);
    const wire::DnsQuestion question = *reader->question();
    asked.push_back((question.type == wire::DnsType::a ? "A " : "AAAA ") + question.name.text());
    const auto [begin, end] = table.equal_range(question.name.text());
    const auto count = to<u32>(std::distance(begin, end));
    std::vector<u8> room(60000);
    wire::DnsWriter writer({.id = reader->header().id,
                            .is_response = true,
                            .is_truncated = count > records_max,
                            .code = count == 0 ? wire::DnsCode::name_error : wire::DnsCode{}},
                           room);
    writer.question(question);
    if (count <= records_max)
      for (auto it = begin; it != end; ++it) {
        const auto type = it->second.is_v4() ? wire::DnsType::a : wire::DnsType::aaaa;
        if (type == question.type)
          writer.record(wire::DnsSection::answer, {question.name, type, 1, 30, it->second});
      }
    room.resize(writer.done()->size());
    return room;
  }
  asio::awaitable<void> by_udp() {
    while (true) {
      std::array<u8, 512> room;
      wire::Endpoint from;
      std::error_code error;
      const std::size_t n = co_await socket_.async_receive_from(
          asio::buffer(room), from, asio::redirect_error(asio::use_awaitable, error));
      if (error) co_return;
      ports.push_back(from.port);
      if (to_ignore > 0) {
        --to_ignore;
        continue;
      }
      const std::vector<u8> reply = answer(Bytes(room).first(n), answers_by_udp_max);
      co_await socket_.async_send_to(asio::buffer(reply), from, asio::use_awaitable);
    }
  }
  asio::awaitable<void> by_tcp() {
    while (true) {
      std::error_code error;
      TcpStream stream =
          co_await listener_.async_accept(asio::redirect_error(asio::use_awaitable, error));
      if (error) co_return;
      std::array<u8, 2> length;
      co_await asio::async_read(stream, asio::buffer(length), asio::use_awaitable);
      std::vector<u8> message(load_be16(length.data()));
      co_await asio::async_read(stream, asio::buffer(message), asio::use_awaitable);
      const std::vector<u8> reply = answer(message, ~0u);
      store_be16(length.data(), to<u16>(reply.size()));
      co_await asio::async_write(stream, asio::buffer(length), asio::use_awaitable);
      co_await asio::async_write(stream, asio::buffer(reply), asio::use_awaitable);
    }
  }

  UdpSocket socket_;
  TcpListener listener_;
  asio::any_io_executor executor_;
};

class Resolving : public testing::Test {
 protected:
  Resolving() {
    options.hosts_file = "/nonexistent";
    options.conf.dns.servers = {dns_at};
  }
  Resolver& resolver() {
    if (!made) made = std::make_unique<Resolver>(network, options, SipKey{3, 4});
    return *made;
  }
  Names::Found look_up(const std::string& host, Family family = Family::v4) {
    std::optional<Names::Found> found;
    Resolver& it = resolver();
    const auto run = [&]() -> asio::awaitable<void> {
      Names::Found result = co_await it.look_up(host, family);
      found.emplace(std::move(result));
    };
    stacks.spawn(run());
    EXPECT_TRUE(stacks.run_until([&] { return found.has_value(); }));
    return std::move(*found);
  }

  TwoStacks stacks;
  StackNetwork network{*stacks.client};
  NameServer server{stacks};
  Resolver::Options options;
  std::unique_ptr<Resolver> made;
};

TEST_F(Resolving, asks_the_name_server_once_and_remembers) {
  server.table.emplace("a.test", server_address);
  const auto found = look_up("a.test");
  EXPECT_THAT(found.addresses, ElementsAre(server_address));
  EXPECT_EQ(found.trips, 1u);
  EXPECT_EQ(look_up("A.Test.").trips, 0u);
  EXPECT_EQ(look_up("a.test", Family::v6).kind, Kind::no_data);
  EXPECT_THAT(server.asked, ElementsAre("A a.test", "AAAA a.test"));
  stacks.run_for(31s);
  EXPECT_EQ(look_up("a.test").trips, 1u) << "it lived 30 s";
  EXPECT_EQ(look_up("b.test").kind, Kind::no_such_name);
}

TEST_F(Resolving, repeats_what_was_lost_and_gives_up_in_the_end) {
  server.table.emplace("a.test", server_address);
  server.to_ignore = 2;
  const Instant begin = stacks.now();
  EXPECT_EQ(look_up("a.test").trips, 3u);
  EXPECT_NEAR(std::chrono::duration<double>(stacks.now() - begin).count(), 6.01, 0.01);
  server.to_ignore = 100;
  const auto found = look_up("b.test");
  EXPECT_EQ(found.kind, Kind::failed);
  EXPECT_EQ(found.why, "no answer from 192.0.2.2:53");
}

TEST_F(Resolving, asks_by_tcp_where_the_answer_is_too_long) {
  for (u8 i = 0; i < 20; ++i) server.table.emplace("big.test", wire::IpAddress::v4(10, 0, 0, i));
  const auto found = look_up("big.test");
  EXPECT_EQ(found.addresses.size(), 20u);
  EXPECT_EQ(found.trips, 2u);
}

TEST_F(Resolving, hears_at_once_that_no_server_is_there) {
  options.conf.dns.servers = {{server_address, 5353}, dns_at};
  server.table.emplace("a.test", server_address);
  const Instant begin = stacks.now();
  EXPECT_EQ(look_up("a.test").kind, Kind::addresses);
  EXPECT_LT(stacks.now() - begin, 100ms) << "an ICMP error, no time-out";
}

TEST_F(Resolving, uses_ports_that_nobody_can_guess) {
  for (const char* name : {"a.test", "b.test", "c.test", "d.test"}) look_up(name);
  ASSERT_EQ(server.ports.size(), 4u);
  for (std::size_t i = 1; i < 4; ++i) {
    const int step = server.ports[i] - server.ports[i - 1];
    EXPECT_GT(std::abs(step), 16) << "ports follow each other";
  }
}

TEST_F(Resolving, asks_no_server_about_addresses_hosts_and_localhost) {
  const test::TestDirectory files;
  options.hosts_file =
      files.write("hosts", "192.0.2.7 Listed other # comment\n2001:db8::7 listed\n");
  EXPECT_THAT(look_up("192.0.2.1").addresses, ElementsAre(wire::IpAddress::v4(192, 0, 2, 1)));
  EXPECT_EQ(look_up("2001:db8::1", Family::v4).kind, Kind::no_data);
  EXPECT_THAT(look_up("listed").addresses, ElementsAre(wire::IpAddress::v4(192, 0, 2, 7)));
  EXPECT_EQ(look_up("listed", Family::v6).addresses.size(), 1u);
  EXPECT_EQ(look_up("other", Family::v6).kind, Kind::no_data);
  EXPECT_THAT(look_up("localhost").addresses, ElementsAre(wire::IpAddress::v4(127, 0, 0, 1)));
  EXPECT_THAT(look_up("x.LocalHost.", Family::v6).addresses, ElementsAre(wire::loopback_v6));
  EXPECT_EQ(look_up("x.invalid").kind, Kind::no_such_name);
  EXPECT_EQ(look_up("no name", Family::v6).kind, Kind::failed);
  EXPECT_TRUE(server.asked.empty());
}

TEST_F(Resolving, completes_short_names_by_the_search_list) {
  options.conf.search = {"one.test", "two.test"};
  server.table.emplace("www.two.test", server_address);
  EXPECT_EQ(look_up("www").kind, Kind::addresses);
  EXPECT_EQ(look_up("a.b").kind, Kind::no_such_name);
  EXPECT_EQ(look_up("www.").kind, Kind::no_such_name);
  EXPECT_THAT(server.asked, ElementsAre("A www.one.test", "A www.two.test", "A a.b",
                                        "A a.b.one.test", "A a.b.two.test", "A www"));
}

TEST(ResolvConf, is_read_as_the_c_library_reads_it) {
  const ResolvConf conf = parse_resolv_conf(
      "# nameserver 192.0.2.1\n"
      "nameserver 192.0.2.2\n"
      "nameserver\t2001:db8::53  # behind\n"
      "nameserver nonsense\n"
      "domain old.test\n"
      "search a.test b.test\n"
      "options ndots:2 timeout:3 attempts:4 rotate ndots:x\n"
      "nameserver 192.0.2.3\n"
      "nameserver 192.0.2.4");
  EXPECT_THAT(conf.dns.servers,
              ElementsAre(wire::Endpoint{wire::IpAddress::v4(192, 0, 2, 2), 53},
                          wire::Endpoint{*wire::IpAddress::parse("2001:db8::53"), 53},
                          wire::Endpoint{wire::IpAddress::v4(192, 0, 2, 3), 53}));
  EXPECT_THAT(conf.search, ElementsAre("a.test", "b.test"));
  EXPECT_EQ(conf.dots_min, 2u);
  EXPECT_EQ(conf.dns.attempt_timeout, 3s);
  EXPECT_EQ(conf.dns.rounds_max, 4u);
  EXPECT_TRUE(parse_resolv_conf("").dns.servers.empty());
}

class Connecting : public Resolving {
 protected:
  Connector::Connected connect(const std::string& host, u16 port, Duration limit = 10s) {
    std::optional<Connector::Connected> connected;
    connector.emplace(network, resolver());
    const auto run = [&]() -> asio::awaitable<void> {
      Connector::Connected result = co_await connector->connect(host, port, limit, opening);
      connected.emplace(std::move(result));
    };
    stacks.spawn(run());
    EXPECT_TRUE(stacks.run_until([&] { return connected.has_value(); }));
    return std::move(*connected);
  }
  std::optional<Connector> connector;
  TcpListener listener{*stacks.server, {server_address, 80}};
  HttpOpening opening;
};

TEST_F(Connecting, finds_the_name_and_takes_the_connection) {
  server.table.emplace("a.test", server_address);
  const auto connected = connect("a.test", 80);
  ASSERT_TRUE(connected.has_value());
  EXPECT_EQ((*connected)->remote_endpoint(), (wire::Endpoint{server_address, 80}));
  EXPECT_EQ(opening.name, 10ms);
  EXPECT_EQ(opening.name_trips, 1u);
  EXPECT_EQ(opening.tcp, 10ms);
  EXPECT_EQ(opening.attempts, 1u);
}

TEST_F(Connecting, does_not_wait_for_an_address_that_does_not_answer) {
  server.table.emplace("a.test", nobody);
  server.table.emplace("a.test", server_address);
  ASSERT_TRUE(connect("a.test", 80).has_value());
  EXPECT_EQ(opening.attempts, 2u);
  EXPECT_EQ(opening.tcp, 260ms);
}

TEST_F(Connecting, goes_on_where_ipv6_leads_nowhere) {
  server.table.emplace("a.test", *wire::IpAddress::parse("2001:db8::1"));
  server.table.emplace("a.test", server_address);
  ASSERT_TRUE(connect("a.test", 80).has_value());
  EXPECT_EQ(opening.attempts, 2u);
  EXPECT_EQ(opening.tcp, 10ms) << "there is no route, which is told at once";
}

TEST_F(Connecting, tells_each_way_of_failing_from_the_others) {
  using Failed = HttpFailure::Kind;
  const auto failed = [&](const std::string& host, u16 port) {
    const auto connected = connect(host, port, 3s);
    EXPECT_FALSE(connected.has_value());
    return connected.error();
  };
  EXPECT_EQ(failed("no.test", 80).why, "unknown host");
  EXPECT_THAT(failed("no.test", 80).advice, HasSubstr("NXDOMAIN"));
  server.table.emplace("v6.test", *wire::IpAddress::parse("2001:db8::1"));
  EXPECT_EQ(failed("v6.test", 80).kind, Failed::connect);
  EXPECT_EQ(failed("192.0.2.2", 81).why, "connection refused");
  const auto silent = failed("192.0.2.99", 80);
  EXPECT_EQ(silent.kind, Failed::timeout);
  EXPECT_EQ(silent.why, "no answer within 3 s");
  EXPECT_EQ(silent.where, "192.0.2.99:80");
  server.to_ignore = 100;
  const auto unnamed = failed("new.test", 80);
  EXPECT_EQ(unnamed.kind, Failed::name);
  EXPECT_THAT(unnamed.advice, HasSubstr("no answer from 192.0.2.2:53"));
}

TEST_F(Connecting, aborted_ends_at_once) {
  std::optional<Connector::Connected> connected;
  connector.emplace(network, resolver());
  const auto run = [&]() -> asio::awaitable<void> {
    Connector::Connected result = co_await connector->connect("192.0.2.99", 80, 10s, opening);
    connected.emplace(std::move(result));
  };
  stacks.spawn(run());
  stacks.run_for(1s);
  connector->abort();
  EXPECT_TRUE(stacks.run_until([&] { return connected.has_value(); }, 1s));
  EXPECT_EQ(connected->error().kind, HttpFailure::Kind::cancelled);
}

}  // namespace
}  // namespace handfast::io
