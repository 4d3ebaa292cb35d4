#include "support/scripted_peer.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "wire/ip.hpp"
#include "wire/print.hpp"

namespace handfast::test {

namespace {

using tcp::State;

constexpr wire::IpAddress host_v4 = wire::IpAddress::v4(192, 0, 2, 1);
constexpr wire::IpAddress peer_v4 = wire::IpAddress::v4(192, 0, 2, 2);

double seconds(Duration d) { return std::chrono::duration<double>(d).count(); }

host::Config host_config(const PeerConfig& config, const wire::IpAddress& address) {
  host::Config out = config.host;
  out.tcp = config.tcp;
  const u8 prefix_length = config.ipv6 ? 64 : 24;
  out.interfaces = {host::InterfaceConfig{.link_type = trace::LinkType::ip,
                                          .mtu = config.mtu,
                                          .addresses = {{address, prefix_length}}}};
  return out;
}

}  // namespace

ScriptedPeer::ScriptedPeer(PeerConfig config)
    : host_address_(config.ipv6 ? *wire::IpAddress::parse("2001:db8::1") : host_v4),
      peer_address_(config.ipv6 ? *wire::IpAddress::parse("2001:db8::2") : peer_v4),
      isn_(config.isn) {
  host_config_ = host_config(config, host_address_);
  host_.emplace(host_config_, now_, Rng(config.seed), config.sink);
  drain();
}

void ScriptedPeer::inject(Segment segment) {
  if (failed_) return;
  if (!segment.sequence()) segment.seq(next_);
  if ((segment.flags() & wire::TcpFlags::ack) != 0 && !segment.acknowledgment())
    segment.ack(received_);
  wire::TcpHeader header = segment.header(isn_, host_isn_);
  if (header.options.timestamps) {
    wire::TcpTimestamps& stamps = *header.options.timestamps;
    if (stamps.value == 0) stamps.value = clock_ + to<u32>((now_ - clock_set_) / 1ms);
    if (stamps.echo_reply == 0) stamps.echo_reply = echo_;
    clock_ = stamps.value;
    clock_set_ = now_;
  }
  header.source_port = peer_port_;
  header.destination_port = host_port_;
  const u32 end = *segment.sequence() + segment.sequence_length();
  if (to<i32>(end - next_) > 0) next_ = end;

  const bool has_syn = (segment.flags() & wire::TcpFlags::syn) != 0;
  std::vector<u8> payload(segment.length());
  fill_stream(payload, *segment.sequence() + (has_syn ? 1 : 0) - 1u);
  std::vector<u8> bytes(wire::tcp_header_size_max + payload.size());
  const u32 size =
      wire::emit_tcp(header, {Bytes(payload), Bytes()}, peer_address_, host_address_, bytes);
  bytes.resize(size);
  bytes.insert(bytes.end(), payload.begin(), payload.end());
  note("> " + describe({header, payload}, isn_, host_isn_));
  send_packet(bytes, wire::protocol_tcp, segment.ecn().value_or(0));
}

void ScriptedPeer::inject_bytes(Bytes tcp_segment) {
  note(fmt::format("> {} raw bytes", tcp_segment.size()));
  send_packet(tcp_segment, wire::protocol_tcp);
}

void ScriptedPeer::inject_icmp(wire::IcmpProblem problem, u32 sequence, u32 mtu) {
  if (failed_) return;
  wire::TcpHeader header;
  header.source_port = host_port_;
  header.destination_port = peer_port_;
  header.sequence = host_isn_ + sequence;
  std::vector<u8> original(128);
  const wire::IpHeader ip{
      .source = host_address_, .destination = peer_address_, .protocol = wire::protocol_tcp};
  const u32 at = wire::emit_ip(ip, wire::tcp_header_size, original);
  wire::emit_tcp(header, {}, host_address_, peer_address_, MutBytes(original).subspan(at));
  original.resize(at + wire::tcp_header_size);

  const wire::IcmpError error{.problem = problem, .mtu = mtu, .original = original};
  std::vector<u8> message(256);
  const bool v4 = host_address_.is_v4();
  message.resize(v4 ? wire::emit_icmpv4(error, message)
                    : wire::emit_icmpv6(error, peer_address_, host_address_, message));
  note(fmt::format("> ICMP {}", wire::to_string(problem)));
  send_packet(message, v4 ? wire::protocol_icmp : wire::protocol_icmpv6);
}

void ScriptedPeer::expect(const Segment& segment, When when, Here here) {
  if (failed_) return;
  while (came_.empty() && step(mark_ + when.latest)) {
  }
  if (came_.empty()) {
    const wire::TcpHeader header = segment.header(0, 0);
    return fail(here, fmt::format("nothing came until {:.3f} s where {} was expected",
                                  seconds(mark_ + when.latest - begun_),
                                  wire::flags_to_string(header.flags)));
  }
  const Came came = std::move(came_.front());
  came_.pop_front();
  learn_flow(came.segment.header);
  std::string wrong = segment.differences(came.segment, host_isn_, isn_);
  if (segment.ecn().has_value() && *segment.ecn() != came.ecn)
    wrong += fmt::format("  ECN field: {} came, {} expected\n", came.ecn, *segment.ecn());
  const u32 relative = came.segment.header.sequence - host_isn_;
  const bool has_syn = came.segment.header.has(wire::TcpFlags::syn);
  if (!is_stream(came.segment.payload, relative + (has_syn ? 1 : 0) - 1u))
    wrong += "  payload: not the bytes that the application sent\n";
  const Duration waited = came.at - mark_;
  if (waited < when.earliest || waited > when.latest)
    wrong += fmt::format("  time: {:.3f} s after the last step; {:.3f} to {:.3f} expected\n",
                         seconds(waited), seconds(when.earliest), seconds(when.latest));
  last_ = came.segment.header;
  last_.options.raw = {};
  const std::size_t ip_size = host_address_.is_v4() ? 20 : 40;
  last_bytes_.assign(came.packet.begin() + to<i64>(ip_size), came.packet.end());
  if (last_.options.timestamps) echo_ = last_.options.timestamps->value;
  const u32 end = relative + came.segment.sequence_length();
  if (to<i32>(received_ - relative) >= 0 && to<i32>(end - received_) > 0) received_ = end;
  mark_ = std::max(mark_, came.at);
  if (!wrong.empty()) fail(here, "another segment was expected:\n" + wrong);
}

void ScriptedPeer::expect_nothing(Duration d, Here here) {
  if (failed_) return;
  run_to(std::max(now_, mark_ + d));
  mark_ = now_;
  if (!came_.empty()) fail(here, fmt::format("silence for {:.3f} s was expected", seconds(d)));
}

void ScriptedPeer::let_pass(Duration d) {
  run_to(now_ + d);
  mark_ = now_;
  for (const Came& came : came_) {
    learn_flow(came.segment.header);
    last_ = came.segment.header;
    last_.options.raw = {};  // it lies in the packet, which goes now
    if (last_.options.timestamps) echo_ = last_.options.timestamps->value;
  }
  came_.clear();
}

std::vector<wire::TcpHeader> ScriptedPeer::take_headers() {
  std::vector<wire::TcpHeader> headers;
  for (const Came& came : came_) {
    headers.push_back(came.segment.header);
    headers.back().options.raw = {};  // it lies in the packet, which goes now
  }
  came_.clear();
  return headers;
}

void ScriptedPeer::new_flow() {
  came_.clear();
  ++peer_port_;
  isn_ += 0x01234567;
  host_port_ = 80;
  host_isn_known_ = false;
  host_isn_ = next_ = received_ = echo_ = 0;
  connection_ = {};
  told_.clear();
  app_sent_ = app_received_ = 0;
  note("-- another flow");
}

bool ScriptedPeer::step(Instant limit) {
  const Instant deadline = std::max(host_->deadline(), now_);
  if (deadline > limit) {
    now_ = std::max(now_, limit);
    return false;
  }
  now_ = deadline;
  host_->on_deadline(now_);
  drain();
  return true;
}

void ScriptedPeer::run_to(Instant until) {
  // A host that always has something due at the same instant would never let time pass.
  u32 steps = 0;
  while (step(until)) {
    if (++steps < 1'000'000) continue;
    ADD_FAILURE() << "the host's deadline does not advance\n" << transcript_;
    failed_ = true;
    return;
  }
}

void ScriptedPeer::drain() {
  constexpr u32 batch = 16;
  std::array<std::array<u8, wire::Frame::header_room>, batch> headers;
  std::array<wire::Frame, batch> frames;
  for (;;) {
    for (u32 i = 0; i < batch; ++i) frames[i] = wire::Frame{.header = headers[i]};
    const u32 count = host_->poll_transmit(0, frames, now_);
    if (count == 0) break;
    for (u32 i = 0; i < count; ++i) {
      std::vector<u8> packet(frames[i].header.begin(), frames[i].header.end());
      for (const Bytes piece : frames[i].payload)
        packet.insert(packet.end(), piece.begin(), piece.end());
      on_packet(packet);
    }
  }
  while (const std::optional<host::Event> event = host_->poll_event())
    if (event->kind == host::Event::Kind::tcp && event->connection == connection_)
      told_.insert(event->tcp);
}

void ScriptedPeer::on_packet(Bytes packet) {
  Came came{now_, {packet.begin(), packet.end()}, {}, 0};
  const auto ip = wire::parse_ip(came.packet);
  ASSERT_TRUE(ip.has_value()) << "the host sent a bad packet: " << wire::to_string(ip.error());
  if (ip->header.protocol != wire::protocol_tcp) return note("< " + wire::describe_ip(packet));
  const auto segment = wire::parse_tcp(ip->payload, ip->header.source, ip->header.destination);
  ASSERT_TRUE(segment.has_value())
      << "the host sent a bad segment: " << wire::to_string(segment.error());
  came.segment = *segment;
  came.ecn = ip->header.ecn();
  learn_flow(segment->header);
  note("< " + describe(*segment, host_isn_, isn_));
  came_.push_back(std::move(came));
}

void ScriptedPeer::send_packet(Bytes segment, u8 protocol, u8 ecn) {
  if (failed_) return;
  const wire::IpHeader header{.source = peer_address_,
                              .destination = host_address_,
                              .protocol = protocol,
                              .traffic_class = ecn};
  std::vector<u8> packet(wire::ip_header_size(header));
  wire::emit_ip(header, to<u32>(segment.size()), packet);
  packet.insert(packet.end(), segment.begin(), segment.end());
  mark_ = now_;
  host_->on_frame(0, packet, now_);
  drain();
}

void ScriptedPeer::learn_flow(const wire::TcpHeader& header) {
  if (host_isn_known_ || !header.has(wire::TcpFlags::syn)) return;
  host_isn_ = header.sequence;
  host_isn_known_ = true;
  host_port_ = header.source_port;
}

void ScriptedPeer::note(std::string_view line) {
  transcript_ += fmt::format("{:10.3f} {}\n", seconds(now_ - begun_), line);
}

void ScriptedPeer::fail(const Here& here, std::string_view what) {
  failed_ = true;
  ADD_FAILURE_AT(here.file_name(), to<int>(here.line()))
      << what << "\nThe conversation (s; > to the host, < from it), now in state "
      << tcp::to_string(state()) << ":\n"
      << transcript_;
}

}  // namespace handfast::test
