#include "trace/pcapng.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include <fmt/format.h>

#include "trace/names.hpp"
#include "wire/drop.hpp"

namespace handfast::trace {

namespace {

// Block types and option codes, sections 4.1 to 4.3 and 4.7 of the draft.
constexpr u32 block_section = 0x0a0d0d0a;
constexpr u32 block_interface = 1;
constexpr u32 block_enhanced_packet = 6;
constexpr u32 block_decryption_secrets = 10;
constexpr u16 option_end = 0;
constexpr u16 option_comment = 1;
constexpr u16 section_application = 4;   // shb_userappl
constexpr u16 interface_name = 2;        // if_name
constexpr u16 interface_resolution = 9;  // if_tsresol
constexpr u16 packet_flags = 2;          // epb_flags

constexpr u16 link_type_ethernet = 1;
constexpr u16 link_type_raw = 101;

u16 link_type_number(LinkType type) {
  return type == LinkType::ethernet ? link_type_ethernet : link_type_raw;
}

}  // namespace

template <class T>
void PcapngWriter::put(T value) {
  const auto bytes = std::bit_cast<std::array<u8, sizeof value>>(value);
  out_.insert(out_.end(), bytes.begin(), bytes.end());
}

PcapngWriter::PcapngWriter(std::string_view application, u64 epoch) : epoch_(epoch) {
  const std::size_t begin = begin_block(block_section);
  put32(0x1a2b3c4d);  // byte-order magic: all numbers are in the order of this machine
  put16(1);           // version 1.0
  put16(0);
  put32(0xffffffff);  // section length: not told
  put32(0xffffffff);
  put_option(section_application, as_bytes(application));
  put_option(option_end, {});
  end_block(begin);
}

u32 PcapngWriter::add_interface(std::string_view name, LinkType link_type, u32 snapshot_length) {
  flush();
  const std::size_t begin = begin_block(block_interface);
  put16(link_type_number(link_type));
  put16(0);
  put32(snapshot_length);
  put_option(interface_name, as_bytes(name));
  constexpr std::array<u8, 1> nanoseconds{9};
  put_option(interface_resolution, nanoseconds);
  put_option(option_end, {});
  end_block(begin);
  return interfaces_++;
}

u64 PcapngWriter::packet(u32 interface, Instant at, const std::array<Bytes, 3>& pieces,
                         Direction direction) {
  write_held(held_max - 1);
  Held& held = held_.emplace_back();
  held.interface = interface;
  held.at = at;
  held.direction = direction;
  for (const Bytes piece : pieces) held.frame.insert(held.frame.end(), piece.begin(), piece.end());
  return ++packets_;
}

bool PcapngWriter::comment(u64 number, std::string_view text) {
  if (number == 0 || packets_ - number >= held_.size()) return false;
  held_[held_.size() - 1 - (packets_ - number)].comments.emplace_back(text);
  return true;
}

u64 PcapngWriter::find(Bytes frame) const {
  for (std::size_t i = held_.size(); i-- > 0;)
    if (std::ranges::equal(frame, held_[i].frame)) return packets_ - (held_.size() - 1 - i);
  return 0;
}

void PcapngWriter::secrets(Secrets type, std::string_view text) {
  const std::size_t begin = begin_block(block_decryption_secrets);
  put32(to<u32>(type));
  put32(to<u32>(text.size()));
  put_padded(as_bytes(text));
  end_block(begin);
}

void PcapngWriter::write_held(std::size_t keep) {
  for (; held_.size() > keep; held_.pop_front()) write(held_.front());
}

void PcapngWriter::write(const Held& packet) {
  const std::size_t begin = begin_block(block_enhanced_packet);
  put32(packet.interface);
  const u64 time = epoch_ + to<u64>(packet.at.time_since_epoch().count());
  put32(to<u32>(time >> 32));
  put32(to<u32>(time));
  put32(to<u32>(packet.frame.size()));  // captured
  put32(to<u32>(packet.frame.size()));  // on the wire
  put_padded(packet.frame);
  for (const std::string& text : packet.comments) put_option(option_comment, as_bytes(text));
  if (packet.direction != Direction::unknown) {
    const u32 flags = to<u32>(packet.direction);
    put_option(packet_flags, std::bit_cast<std::array<u8, 4>>(flags));
  }
  put_option(option_end, {});
  end_block(begin);
}

void PcapngWriter::consume(u32 n) { out_.erase(out_.begin(), out_.begin() + n); }

void PcapngWriter::put_padded(Bytes bytes) {
  out_.insert(out_.end(), bytes.begin(), bytes.end());
  out_.resize((out_.size() + 3) & ~std::size_t{3});  // every block begins at a multiple of 4
}

void PcapngWriter::put_option(u16 code, Bytes value) {
  value = value.first(std::min<std::size_t>(value.size(), 0xffff));
  put16(code);
  put16(to<u16>(value.size()));
  put_padded(value);
}

std::size_t PcapngWriter::begin_block(u32 type) {
  const std::size_t begin = out_.size();
  put32(type);
  put32(0);  // the length, known at the end
  return begin;
}

void PcapngWriter::end_block(std::size_t begin) {
  const u32 length = to<u32>(out_.size() - begin) + 4;
  put32(length);
  std::memcpy(out_.data() + begin + 4, &length, sizeof length);
}

PcapngSink::PcapngSink(PcapngWriter& writer, const Options& options)
    : writer_(writer),
      name_(options.name),
      sent_(options.sent),
      received_(options.received),
      interface_(writer.add_interface(options.name, options.link_type)) {}

void PcapngSink::on(Instant now, const Event& event) {
  if (const auto* sent = std::get_if<FrameSent>(&event)) {
    on_frame(now, sent->pieces, true);
  } else if (const auto* received = std::get_if<FrameReceived>(&event)) {
    on_frame(now, {received->frame, {}, {}}, false);
  } else if (const auto* change = std::get_if<StateChanged>(&event)) {
    on_state(now, *change);
  } else if (const auto* dropped = std::get_if<PacketDropped>(&event)) {
    if (received_number_ != 0 && received_at_ == now)
      writer_.comment(received_number_,
                      fmt::format("{} drops it: {}", name_, wire::to_string(dropped->reason)));
  } else if (const auto* impaired = std::get_if<FrameImpaired>(&event)) {
    writer_.comment(writer_.find(impaired->frame), fmt::format("{} on the wire", impaired->what));
  } else if (const auto* flood = std::get_if<SynFlood>(&event)) {
    if (received_number_ != 0) writer_.comment(received_number_, to_string(*flood));
  }
}

void PcapngSink::on_frame(Instant now, const std::array<Bytes, 3>& pieces, bool is_sent) {
  received_number_ = 0;
  if (!(is_sent ? sent_ : received_)) return;
  using enum PcapngWriter::Direction;
  const u64 number = writer_.packet(interface_, now, pieces, is_sent ? outbound : inbound);
  if (!is_sent) {
    received_number_ = number;
    received_at_ = now;
    return;
  }
  for (const std::string& text : waiting_) writer_.comment(number, text);
  waiting_.clear();
}

void PcapngSink::on_state(Instant now, const StateChanged& change) {
  std::string text =
      fmt::format("{} enters {}: {}", name_, short_state(change.to), to_string(change.why));
  const bool is_cause = received_number_ != 0 && received_at_ == now && !entered_by_call(change.to);
  if (!is_cause || !writer_.comment(received_number_, text)) waiting_.push_back(std::move(text));
}

}  // namespace handfast::trace
