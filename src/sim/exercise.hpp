// RFC 9293 §3.10: the events of one connection between two hosts in an order that an input chooses:
// segments delivered, lost, overtaken and repeated, time, user calls, forged segments. Nothing may
// crash; after every event the TCBs are in order and no window shrinks; memory stays bounded.
// Where all forgeries were of the kinds that must be survived, the streams must arrive whole; and
// whatever happened, nothing may be left in the end. For the fuzzer, and for seeded tests.
#pragma once

#include <array>
#include <cstring>
#include <optional>
#include <string>

#include "base/types.hpp"
#include "sim/attacker.hpp"
#include "sim/pair.hpp"
#include "trace/event.hpp"

namespace handfast::sim {

/// Looks at every segment of both ends: RFC 9293 §3.8.6, "a TCP receiver SHOULD NOT shrink the
/// window", and nobody sends beyond what was offered.
class Witness final : public trace::Sink {
 public:
  void on(Instant now, const trace::Event& event) override;
  const std::string& problem() const { return problem_; }

 private:
  struct End {
    std::optional<u32> last;          // the highest sequence number that it sent
    std::optional<u32> acknowledged;  // the highest ACK that it sent
    std::optional<u32> offered;       // right edge of the window that it offered
    std::optional<u32> allowed;       // right edge that it was offered, as far as it has heard
    std::optional<u8> scale;          // of its own SYN
    bool heard_fin = false;           // from then on nobody cares for its window
  };

  void sent(End& self, const End& other, const wire::TcpHeader& header, u32 length);
  static void heard(End& self, const End& other, const wire::TcpHeader& header);

  std::array<End, 2> ends_;
  std::string problem_;
};

class Exercise {
 public:
  explicit Exercise(Bytes input);
  /// Does what the input says. What went wrong; empty: nothing.
  std::string run();

 private:
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

  static wire::Endpoint here(u32 end) {
    return {Pair::address(end), end == 0 ? u16{40000} : u16{80}};
  }
  tcp::Connection* find(u32 end) { return pair_.host(end).find(connection_[end]); }
  void accept();
  void act(u8 what);
  void wait(Duration limit);
  void write(u32 end, u32 n);
  void read(u32 end, u32 n);
  void close(u32 end);
  void touched(u32 end);
  void forge(u32 victim);
  void inject(u32 victim);
  void disturb(u32 end, u8 how);
  void check();
  void finish_both();
  void let_go();
  void failed(std::string what);

  Input input_;
  u16 seed_;
  u8 options_;
  Witness witness_;
  Pair pair_;
  Attacker attacker_;
  Duration held_back_{};  // time that passed with packets under way
  bool hurt_ = false;     // something happened that may legally end or spoil the connection
  u32 losses_left_;
  std::optional<host::Listen> listener_;
  std::array<host::Conn, 2> connection_{};
  std::array<u32, 2> sent_{}, received_{};
  std::string problem_;
};

}  // namespace handfast::sim
