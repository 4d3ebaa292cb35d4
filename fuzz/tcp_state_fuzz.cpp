// RFC 9293 §3.10: the events of one connection between two hosts in an order that the input
// chooses: frames delivered, lost and repeated, time, user calls, forged segments. Nothing may
// crash. Where all forgeries were of the kinds that must be survived, the streams must arrive
// whole; and whatever happened, nothing may be left in the end.
#include <cstring>

#include "base/assert.hpp"
#include "sim/attacker.hpp"
#include "sim/pair.hpp"
#include "tcp/connection.hpp"
#include "wire/ip.hpp"

namespace {

using namespace handfast;

constexpr u32 steps_max = 600;

u8 stream_byte(u32 end, u32 offset) { return to<u8>(offset * 7 + offset / 251 + end); }

class Input {
 public:
  explicit Input(Bytes bytes) : bytes_(bytes) {}
  bool empty() const { return bytes_.empty(); }
  template <class T>
  T take() {
    T value{};
    const std::size_t size = std::min(sizeof value, bytes_.size());
    if (size > 0) std::memcpy(&value, bytes_.data(), size);
    bytes_ = bytes_.subspan(size);
    return value;
  }

 private:
  Bytes bytes_;
};

class Machine {
 public:
  explicit Machine(Input input)
      : input_(input), pair_(1), attacker_(pair_, Rng(input_.take<u16>())) {
    const u8 options = input_.take<u8>();
    simultaneous_ = (options & 1) != 0;
    if (!simultaneous_) listener_ = *pair_.host(1).listen(here(1), 4, pair_.now());
    connection_[0] = *pair_.host(0).connect(here(1), pair_.now(), here(0));
    if (simultaneous_) connection_[1] = *pair_.host(1).connect(here(0), pair_.now(), here(1));
    pair_.collect();
  }

  void run() {
    for (u32 step = 0; step < steps_max && !input_.empty(); ++step) {
      act(input_.take<u8>());
      accept();
    }
    if (!hurt_) finish_both();
    let_go();
  }

 private:
  static wire::Endpoint here(u32 end) {
    return {Pair::address(end), end == 0 ? u16{40000} : u16{80}};
  }
  using Pair = sim::Pair;

  tcp::Connection* find(u32 end) { return pair_.host(end).find(connection_[end]); }

  void accept() {
    if (connection_[1] || !listener_) return;
    if (const auto accepted = pair_.host(1).accept(*listener_)) connection_[1] = *accepted;
  }

  void act(u8 what) {
    const u32 end = what & 1;
    switch ((what >> 1) % 8) {
      case 0: pair_.deliver_one(end); return;
      case 1: write(end, input_.take<u16>()); return;
      case 2: read(end, input_.take<u16>()); return;
      case 3: wait(std::chrono::milliseconds(input_.take<u16>())); return;
      case 4: close(end); return;
      case 5: forge(end); return;
      case 6: inject(end); return;
      default: disturb(end, input_.take<u8>()); return;
    }
  }

  /// Time passes, at most up to the next deadline. A network that holds everything back for minutes
  /// would be reason enough to give up.
  void wait(Duration limit) {
    const Instant before = pair_.now();
    if (held_back_ > 20s) pair_.deliver_all();
    pair_.wait(limit);
    held_back_ += pair_.now() - before;
  }

  void write(u32 end, u32 n) {
    tcp::Connection* const mine = find(end);
    if (mine == nullptr) return;
    const MutBytes space = mine->send_space(std::min<u32>(n, 20'000));
    for (u8& byte : space) byte = stream_byte(end, sent_[end]++);
    if (!space.empty()) mine->send(to<u32>(space.size()));
    touched(end);
  }

  void read(u32 end, u32 n) {
    tcp::Connection* const mine = find(end);
    if (mine == nullptr) return;
    const Bytes bytes = mine->received().first(std::min<std::size_t>(n, mine->received().size()));
    for (const u8 byte : bytes) {
      const u8 expected = stream_byte(1 - end, received_[end]++);
      ASSERT(hurt_ || byte == expected);
    }
    mine->consume(to<u32>(bytes.size()), pair_.now());
    touched(end);
  }

  void close(u32 end) {
    tcp::Connection* const mine = find(end);
    if (mine == nullptr || !tcp::is_synchronized(mine->state())) return;
    mine->close(pair_.now());
    touched(end);
  }

  void touched(u32 end) {
    pair_.host(end).touch(connection_[end], pair_.now());
    pair_.collect();
  }

  /// A segment of a kind that must be survived.
  void forge(u32 victim) {
    const auto kind = static_cast<sim::Forgery>(input_.take<u8>() % to<u8>(sim::Forgery::count_));
    const auto forged =
        attacker_.forge(kind, victim, {here(victim), here(1 - victim)}, find(victim));
    if (forged) pair_.inject(victim, *forged);
  }

  /// Any segment, near to where the victim stands: it may well end or confuse the connection.
  void inject(u32 victim) {
    hurt_ = true;
    const tcp::Connection* const target = find(victim);
    u32 expected = 0, acceptable = 0;
    if (target != nullptr && target->state() != tcp::State::closed) {
      expected = target->remembered().rcv_nxt;
      acceptable = target->remembered().snd_nxt;
    }
    wire::TcpHeader header;
    header.source_port = here(1 - victim).port;
    header.destination_port = here(victim).port;
    header.sequence = expected + to<u32>(i32{input_.take<i16>()});
    header.acknowledgment = acceptable + to<u32>(i32{input_.take<i16>()});
    header.flags = input_.take<u16>() & 0x1ff;
    header.window = input_.take<u16>();
    const u8 options = input_.take<u8>();
    if ((options & 1) != 0) header.options.mss = input_.take<u16>();
    if ((options & 2) != 0) header.options.window_scale = input_.take<u8>();
    if ((options & 4) != 0)
      header.options.timestamps = wire::TcpTimestamps{input_.take<u32>(), input_.take<u32>()};
    header.options.sack_permitted = (options & 8) != 0;
    header.options.sack_count = (options >> 4) % 5;
    for (u8 i = 0; i < header.options.sack_count; ++i)
      header.options.sack[i] = {acceptable + to<u32>(i32{input_.take<i16>()}),
                                acceptable + to<u32>(i32{input_.take<i16>()})};
    pair_.inject(victim, packet(victim, header, input_.take<u8>()));
  }

  static Pair::Packet packet(u32 victim, const wire::TcpHeader& header, u32 length) {
    const wire::IpAddress from = Pair::address(1 - victim);
    const wire::IpAddress dest = Pair::address(victim);
    const std::vector<u8> text(length, 0xa5);
    const wire::IpHeader ip{.source = from, .destination = dest, .protocol = wire::protocol_tcp};
    Pair::Packet out(wire::ipv4_header_size + wire::tcp_header_size_max);
    const u32 size = wire::emit_tcp(header, {Bytes(text), Bytes()}, from, dest,
                                    MutBytes(out).subspan(wire::ipv4_header_size));
    wire::emit_ip(ip, size + length, out);
    out.resize(wire::ipv4_header_size + size);
    out.insert(out.end(), text.begin(), text.end());
    return out;
  }

  /// The network repeats a packet, or the application aborts.
  void disturb(u32 end, u8 how) {
    if (how < 250) {
      if (!pair_.under_way(end).empty()) pair_.inject(end, pair_.under_way(end).front());
      return;
    }
    hurt_ = true;
    if (tcp::Connection* const mine = find(end)) mine->abort(pair_.now());
    if (connection_[end]) touched(end);
  }

  void settle_time(Duration limit) {
    pair_.deliver_all();
    accept();
    pair_.wait(limit);
  }

  /// Both applications read all there is and close; everything must have arrived.
  void finish_both() {
    const auto over = [this](u32 end) {
      const tcp::Connection* const mine = find(end);
      return mine != nullptr && received_[end] == sent_[1 - end] &&
             (mine->state() == tcp::State::closed || mine->state() == tcp::State::time_wait);
    };
    for (u32 i = 0; i < 20'000 && !(over(0) && over(1)); ++i) {
      for (u32 end = 0; end < 2; ++end) {
        read(end, 0xffff'ffff);
        close(end);
      }
      settle_time(5min);
    }
    for (u32 end = 0; end < 2; ++end) {
      ASSERT(over(end));
      ASSERT(find(end)->error() == tcp::Errc::none);
    }
  }

  void let_go() {
    if (listener_) pair_.host(1).close(*listener_, pair_.now());
    for (u32 end = 0; end < 2; ++end)
      if (connection_[end]) pair_.host(end).release(connection_[end], pair_.now());
    pair_.collect();
    pair_.run_for(12h);
    ASSERT(pair_.is_clean());
  }

  Input input_;
  sim::Pair pair_;
  sim::Attacker attacker_;
  bool simultaneous_ = false;
  Duration held_back_{};  // time that passed with packets under way
  bool hurt_ = false;     // something happened that may legally end or spoil the connection
  std::optional<host::Listen> listener_;
  std::array<host::Conn, 2> connection_{};
  std::array<u32, 2> sent_{}, received_{};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Machine(Input(Bytes(data, size))).run();
  return 0;
}
