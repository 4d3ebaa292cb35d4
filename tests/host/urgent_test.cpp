// RFC 6093, RFC 9293 §3.8.5: urgent data.
#include <gtest/gtest.h>

#include "support/scripted_peer.hpp"

namespace handfast::test {
namespace {

tcp::Config out_of_line() {
  tcp::Config config;
  config.urgent_out_of_line = true;
  return config;
}

TEST(Urgent, stays_in_line_and_a_read_stops_at_its_mark) {
  ScriptedPeer peer;
  peer.open_passive();
  EXPECT_FALSE(peer.connection().urgent_mark().has_value());
  peer.inject(data(10).urgent(5));  // bytes 1 to 4, and the fifth is urgent
  peer.expect_told(tcp::Event::urgent);
  EXPECT_EQ(peer.connection().urgent_mark(), 4u);
  EXPECT_EQ(peer.connection().received_size(), 4u);
  EXPECT_EQ(peer.receive(4), 4u);
  EXPECT_EQ(peer.connection().urgent_mark(), 0u);
  EXPECT_EQ(peer.connection().received_size(), 6u) << "in line, the urgent byte comes as well";
  EXPECT_EQ(peer.receive(), 6u);
  EXPECT_FALSE(peer.connection().urgent_mark().has_value());
  EXPECT_FALSE(peer.connection().take_urgent().has_value());
}

TEST(Urgent, comes_out_of_line_where_the_application_wants_that) {
  ScriptedPeer peer(out_of_line());
  peer.open_passive();
  peer.inject(data(10).urgent(5));
  EXPECT_EQ(peer.connection().take_urgent(), stream_byte(4));
  EXPECT_FALSE(peer.connection().take_urgent().has_value()) << "only once";
  EXPECT_EQ(peer.receive(4), 4u);
  EXPECT_EQ(peer.connection().urgent_mark(), 0u);
  peer.skip(1);
  EXPECT_EQ(peer.receive(), 5u);
  EXPECT_FALSE(peer.connection().urgent_mark().has_value());
}

TEST(Urgent, is_announced_before_its_byte_has_come) {
  ScriptedPeer peer(out_of_line());
  peer.open_passive();
  peer.inject(data(10).urgent(100));
  peer.expect_told(tcp::Event::urgent);
  EXPECT_EQ(peer.connection().urgent_mark(), 99u);
  EXPECT_FALSE(peer.connection().take_urgent().has_value());
  EXPECT_EQ(peer.receive(), 10u);
  peer.inject(data(90));
  EXPECT_EQ(peer.connection().take_urgent(), stream_byte(99));
  EXPECT_EQ(peer.receive(), 89u);
}

TEST(Urgent, mark_moves_only_forward) {
  ScriptedPeer peer;
  peer.open_passive();
  peer.inject(data(10).urgent(10));
  peer.inject(data(10).urgent(10));
  EXPECT_EQ(peer.connection().urgent_mark(), 19u);
  peer.inject(data(10).seq(1).urgent(3));  // an old segment again
  EXPECT_EQ(peer.connection().urgent_mark(), 19u);
  EXPECT_EQ(peer.receive(), 30u - 10u);
}

TEST(Urgent, a_single_byte_is_nothing_to_read_out_of_line) {
  ScriptedPeer peer(out_of_line());
  peer.open_passive();
  peer.inject(data(1).urgent(1));
  EXPECT_EQ(peer.connection().received_size(), 0u);
  EXPECT_EQ(peer.connection().urgent_mark(), 0u);
  EXPECT_EQ(peer.connection().take_urgent(), stream_byte(0));
}

TEST(Urgent, pointer_is_sent_until_what_it_points_to_is_acknowledged) {
  ScriptedPeer peer;
  peer.open_passive(syn().mss(1000));
  peer.send_urgent(3);
  peer.expect(data(3).urgent(3));
  peer.send_urgent(2);  // urgent data waits for nothing
  peer.expect(data(2).seq(4).urgent(2));
  peer.inject(ack().ack(6));
  peer.send(10);
  peer.expect(data(10).seq(6));
}

TEST(Urgent, pointer_of_a_long_way_ahead_is_the_largest_there_is) {
  ScriptedPeer peer;
  peer.open_passive(syn().mss(1000).window_scale(10));
  peer.inject(ack().window(1));
  peer.send(80'000);
  peer.expect(data(1000));
  peer.send_urgent(1);
  peer.inject(ack().ack(1001).window(2));
  peer.expect(data(1000).urgent(0xffff));
}

}  // namespace
}  // namespace handfast::test
