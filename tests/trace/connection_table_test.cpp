#include "trace/connection_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "trace/conversation.hpp"
#include "trace/tee.hpp"

namespace handfast::test {
namespace {

using testing::HasSubstr;

struct Tables {
  trace::ConnectionTable of_client;
  trace::ConnectionTable of_server;
  Conversation talk{of_client, of_server};
};

TEST(ConnectionTable, counts_each_byte_once_and_retransmissions_apart) {
  Tables tables;
  tables.talk.open();
  tables.talk.receive(tables.talk.send(client, push, 1, 1, 100));
  tables.talk.receive(tables.talk.send(client, push, 1, 1, 100));   // the same again
  tables.talk.receive(tables.talk.send(client, push, 51, 1, 100));  // half of it is new
  tables.talk.receive(tables.talk.send(server, push, 1, 151, 7));
  tables.talk.receive(tables.talk.send(client, ack, 151, 8));
  const auto* ours = tables.of_client.find(Conversation::flow(client));
  ASSERT_NE(ours, nullptr);
  EXPECT_EQ(ours->bytes_sent, 150u);
  EXPECT_EQ(ours->retransmissions, 1u);
  EXPECT_EQ(ours->bytes_received, 7u);
  const auto* theirs = tables.of_server.find(Conversation::flow(server));
  ASSERT_NE(theirs, nullptr);
  EXPECT_EQ(theirs->bytes_received, 150u);
  EXPECT_EQ(theirs->segments_received, 6u);
}

TEST(ConnectionTable, counts_what_came_out_of_order_when_it_is_acknowledged) {
  Tables tables;
  tables.talk.open();
  const Segment late = tables.talk.send(client, push, 1, 1, 100);
  const Segment last = tables.talk.send(client, fin, 101, 1, 50);
  tables.talk.receive(last);
  tables.talk.send(server, ack, 1, 1);
  tables.talk.receive(late);
  tables.talk.send(server, ack, 1, 152);
  EXPECT_EQ(tables.of_server.find(Conversation::flow(server))->bytes_received, 150u);
}

TEST(ConnectionTable, knows_when_and_why_a_connection_closed) {
  Tables tables;
  tables.talk.open();
  tables.talk.at(70ms);
  tables.talk.enter(client, "ESTABLISHED", "CLOSED", {"RST from the peer"});
  const auto& row = tables.of_client.rows().front();
  EXPECT_EQ(row.opened, Instant{0ms});
  EXPECT_EQ(row.established, Instant{20ms});
  EXPECT_EQ(row.closed, Instant{70ms});
  EXPECT_EQ(row.why, "RST from the peer");
}

TEST(ConnectionTable, a_new_connection_between_the_same_endpoints_is_a_row_of_its_own) {
  Tables tables;
  tables.talk.open();
  tables.talk.enter(client, "ESTABLISHED", "CLOSED", {"RST from the peer"});
  tables.talk.open();
  EXPECT_EQ(tables.of_client.rows().size(), 2u);
}

TEST(ConnectionTable, forgets_the_oldest_when_it_is_full) {
  trace::ConnectionTable table{3};
  for (u16 port = 1; port <= 5; ++port) {
    const wire::Flow flow{{wire::IpAddress::v4(192, 0, 2, 1), port},
                          {wire::IpAddress::v4(192, 0, 2, 2), 80}};
    table.on(Instant{}, trace::StateChanged{flow, "CLOSED", "SYN_SENT", {"active open"}});
  }
  ASSERT_EQ(table.rows().size(), 3u);
  EXPECT_EQ(table.rows().front().flow.local.port, 3);
  EXPECT_EQ(
      table.find({{wire::IpAddress::v4(192, 0, 2, 1), 1}, {wire::IpAddress::v4(192, 0, 2, 2), 80}}),
      nullptr);
}

TEST(ConnectionTable, a_listener_is_no_connection) {
  trace::ConnectionTable table;
  const wire::Flow listener{{wire::any_v4, 80}, {}};
  table.on(Instant{}, trace::StateChanged{listener, "CLOSED", "LISTEN", {"passive open"}});
  EXPECT_TRUE(table.rows().empty());
}

TEST(ConnectionTable, prints_aligned_columns) {
  Tables tables;
  tables.talk.open();
  tables.talk.tell(client, trace::RttMeasured{Conversation::flow(client), 20ms, 20125us, 200ms});
  EXPECT_EQ(tables.of_client.render(),
            "State        Recv  Sent  Retrans        RTT  Local            Peer          Why\n"
            "ESTABLISHED     0     0        0  20.125 ms  192.0.2.1:40000  192.0.2.2:80  "
            "SYN,ACK accepted\n");
}

TEST(Tee, hands_each_event_to_every_sink) {
  trace::ConnectionTable one;
  trace::ConnectionTable other;
  trace::NullSink silent;
  trace::Tee tee{&one, &other};
  tee.add(silent);
  const wire::Flow flow = Conversation::flow(client);
  tee.on(Instant{}, trace::StateChanged{flow, "CLOSED", "SYN_SENT", {"active open"}});
  EXPECT_NE(one.find(flow), nullptr);
  EXPECT_NE(other.find(flow), nullptr);
}

TEST(Why, fills_in_up_to_two_numbers) {
  EXPECT_EQ(trace::to_string(trace::Why{"SYN accepted, backlog {}/{}", 1, 128}),
            "SYN accepted, backlog 1/128");
  EXPECT_EQ(trace::to_string(trace::Why{"active open"}), "active open");
  EXPECT_EQ(trace::to_string(trace::Why{}), "");
}

}  // namespace
}  // namespace handfast::test
