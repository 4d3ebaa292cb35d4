#include "trace/pcapng.hpp"

#include <cstring>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "trace/conversation.hpp"

namespace handfast::test {
namespace {

using trace::PcapngSink;
using trace::PcapngWriter;

struct Block {
  u32 type;
  Bytes body;
};

u32 load32(Bytes bytes, std::size_t at) {
  u32 value = 0;
  EXPECT_LE(at + 4, bytes.size());
  std::memcpy(&value, bytes.data() + at, 4);
  return value;
}

/// Walks the blocks forward; each must say its length at both ends.
std::vector<Block> blocks(Bytes file) {
  std::vector<Block> all;
  while (!file.empty()) {
    const u32 length = load32(file, 4);
    EXPECT_EQ(length % 4, 0u);
    if (length < 12 || length > file.size()) {
      ADD_FAILURE() << "a block of " << length << " bytes";
      break;
    }
    EXPECT_EQ(load32(file, length - 4), length);
    all.push_back({load32(file, 0), file.subspan(8, length - 12)});
    file = file.subspan(length);
  }
  return all;
}

bool contains(const Block& block, std::string_view text) {
  return as_text(block.body).find(text) != std::string_view::npos;
}

TEST(Pcapng, a_file_is_a_section_its_interfaces_and_the_packets) {
  PcapngWriter writer{"handfast"};
  const u32 first = writer.add_interface("client", trace::LinkType::ip);
  const u32 second = writer.add_interface("lan", trace::LinkType::ethernet, 96);
  EXPECT_EQ(first, 0u);
  EXPECT_EQ(second, 1u);
  const std::vector<u8> head{1, 2, 3};
  const std::vector<u8> tail{4, 5};
  writer.packet(second, Instant{5s + 7ns}, {head, tail, {}}, PcapngWriter::Direction::inbound);
  writer.flush();

  const std::vector<Block> all = blocks(writer.ready());
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[0].type, 0x0a0d0d0au);
  EXPECT_EQ(load32(all[0].body, 0), 0x1a2b3c4du);
  EXPECT_TRUE(contains(all[0], "handfast"));
  EXPECT_EQ(load32(all[1].body, 0), 101u);
  EXPECT_TRUE(contains(all[1], "client"));
  EXPECT_EQ(load32(all[2].body, 0), 1u);
  EXPECT_EQ(load32(all[2].body, 4), 96u);
  EXPECT_EQ(all[3].type, 6u);
  EXPECT_EQ(load32(all[3].body, 0), second);
  const u64 time = (u64{load32(all[3].body, 4)} << 32) | load32(all[3].body, 8);
  EXPECT_EQ(time, 5'000'000'007u);
  EXPECT_EQ(load32(all[3].body, 12), 5u);
  EXPECT_EQ(as_text(all[3].body.subspan(20, 5)), std::string_view("\1\2\3\4\5"));
}

TEST(Pcapng, a_comment_reaches_the_packet_that_it_is_about_while_that_is_held) {
  PcapngWriter writer{"handfast"};
  const u32 interface = writer.add_interface("client", trace::LinkType::ip);
  const auto send = [&](u8 byte) {
    const std::vector<u8> frame{byte};
    return writer.packet(interface, Instant{}, {frame, {}, {}}, PcapngWriter::Direction::outbound);
  };
  const u64 first = send(1);
  const u64 second = send(2);
  EXPECT_TRUE(writer.comment(first, "the first"));
  EXPECT_TRUE(writer.comment(second, "the second"));
  const std::vector<u8> one{1};
  EXPECT_EQ(writer.find(one), first);
  EXPECT_FALSE(writer.comment(0, "nobody's"));
  EXPECT_FALSE(writer.comment(second + 1, "too early"));
  for (u8 i = 0; i < 64; ++i) send(3);
  EXPECT_EQ(writer.find(one), 0u);
  EXPECT_FALSE(writer.comment(second, "too late"));
  writer.flush();
  const std::vector<Block> all = blocks(writer.ready());
  ASSERT_EQ(all.size(), 68u);
  EXPECT_TRUE(contains(all[2], "the first"));
  EXPECT_TRUE(contains(all[3], "the second"));
  EXPECT_FALSE(contains(all[3], "too late"));
}

TEST(Pcapng, consumed_bytes_do_not_come_again) {
  PcapngWriter writer{"handfast"};
  writer.consume(to<u32>(writer.ready().size()));
  EXPECT_TRUE(writer.ready().empty());
  writer.secrets(PcapngWriter::Secrets::tls_key_log, "CLIENT_RANDOM 00 11\n");
  const std::vector<Block> all = blocks(writer.ready());
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].type, 10u);
  EXPECT_EQ(load32(all[0].body, 0), 0x544c534bu);
}

TEST(PcapngSink, tells_states_beside_the_frame_that_caused_them_and_losses_beside_the_lost) {
  PcapngWriter writer{"handfast"};
  PcapngSink sink{writer, {.name = "server"}};
  const wire::Flow& flow = Conversation::flow(server);
  const std::vector<u8> frame{0x45, 1};
  sink.on(Instant{1ms}, trace::FrameReceived{0, trace::LinkType::ip, frame});
  sink.on(Instant{1ms}, trace::StateChanged{flow, "ESTABLISHED", "CLOSE_WAIT", {"FIN came"}});
  sink.on(Instant{1ms}, trace::StateChanged{flow, "CLOSE_WAIT", "LAST_ACK", {"CLOSE"}});
  const std::vector<u8> answer{0x45, 2};
  sink.on(Instant{1ms}, trace::FrameSent{0, trace::LinkType::ip, {answer, {}, {}}});
  sink.on(Instant{1ms}, trace::FrameImpaired{"lost", answer});
  writer.flush();
  const std::vector<Block> all = blocks(writer.ready());
  ASSERT_EQ(all.size(), 4u);
  EXPECT_TRUE(contains(all[2], "server enters CLOSE_WAIT: FIN came"));
  EXPECT_FALSE(contains(all[2], "LAST_ACK"));
  EXPECT_TRUE(contains(all[3], "server enters LAST_ACK: CLOSE"));
  EXPECT_TRUE(contains(all[3], "lost on the wire"));
}

TEST(PcapngSink, leaves_out_what_it_is_told_to_leave_out) {
  PcapngWriter writer{"handfast"};
  PcapngSink sink{writer, {.name = "server", .received = false}};
  const std::vector<u8> frame{0x45, 1};
  sink.on(Instant{}, trace::FrameReceived{0, trace::LinkType::ip, frame});
  writer.flush();
  EXPECT_EQ(blocks(writer.ready()).size(), 2u);
}

}  // namespace
}  // namespace handfast::test
