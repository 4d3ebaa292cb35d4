#include "io/two_stacks.hpp"

#include <algorithm>
#include <utility>

namespace handfast::io {
namespace {

host::Config config_of(std::string name, const wire::IpAddress& address, const tcp::Config& tcp) {
  host::InterfaceConfig interface;
  interface.addresses = {{address, 24}};
  host::Config config;
  config.name = std::move(name);
  config.interfaces = {interface};
  config.tcp = tcp;
  return config;
}

}  // namespace

TwoStacks::TwoStacks(const tcp::Config& tcp)
    : client(std::make_unique<Stack>(context.get_executor(),
                                     config_of("client", client_address, tcp), Instant{}, Rng(1))),
      server(std::make_unique<Stack>(
          context.get_executor(), config_of("server", server_address, tcp), Instant{}, Rng(2))) {}

TwoStacks::~TwoStacks() = default;

bool TwoStacks::transmit(Stack* from, bool to_server) {
  if (from == nullptr) return false;
  static std::array<std::array<u8, wire::Frame::header_room>, 16> headers;
  bool any = false;
  while (true) {
    std::array<wire::Frame, 16> room;
    for (std::size_t i = 0; i < room.size(); ++i) room[i] = {.header = headers[i]};
    const u32 count = from->poll_transmit(0, room, now_);
    if (count == 0) return any;
    any = true;
    for (const wire::Frame& frame : std::span(room).first(count)) {
      if (cut) continue;
      Flying flying{now_ + delay, to_server, {}};
      for (const Bytes piece : {Bytes(frame.header), frame.payload[0], frame.payload[1]})
        flying.bytes.insert(flying.bytes.end(), piece.begin(), piece.end());
      flying_.push_back(std::move(flying));
    }
  }
}

void TwoStacks::settle() {
  bool again = true;
  while (again) {
    context.restart();
    again = context.poll() > 0;
    again |= transmit(client.get(), true);
    again |= transmit(server.get(), false);
  }
  if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
}

bool TwoStacks::step(Instant end) {
  Instant next = flying_.empty() ? never : flying_.front().due;
  for (const auto* stack : {client.get(), server.get()})
    if (stack != nullptr) next = std::min(next, stack->deadline());
  if (next == never || next > end) return false;
  now_ = std::max(now_, next);
  while (!flying_.empty() && flying_.front().due <= now_) {
    const Flying arrived = std::move(flying_.front());
    flying_.pop_front();
    Stack* to = arrived.to_server ? server.get() : client.get();
    if (to == nullptr) continue;
    to->on_frame(0, arrived.bytes, now_);
    ++frames;
  }
  for (auto* stack : {client.get(), server.get()})
    if (stack != nullptr && stack->deadline() <= now_) stack->on_deadline(now_);
  settle();
  return true;
}

bool TwoStacks::run_until(const std::function<bool()>& done, Duration limit) {
  const Instant end = after(now_, limit);
  settle();
  while (!done())
    if (!step(end)) return done();
  return true;
}

void TwoStacks::run_for(Duration time) {
  const Instant end = after(now_, time);
  run_until([] { return false; }, time);
  now_ = end;
  // Whoever asks a stack for the time without a clock is told what the driver said last.
  for (auto* stack : {client.get(), server.get()})
    if (stack != nullptr) stack->on_deadline(now_);
  settle();
}

void TwoStacks::spawn(asio::awaitable<void> coroutine) {
  ++coroutines_;
  asio::co_spawn(context, std::move(coroutine), [this](std::exception_ptr thrown) {
    --coroutines_;
    if (thrown && !thrown_) thrown_ = thrown;
  });
}

void TwoStacks::run_coroutines(Duration limit) {
  EXPECT_TRUE(run_until([this] { return coroutines_ == 0; }, limit))
      << coroutines_ << " coroutines still wait";
}

std::string pattern(std::size_t size, u64 seed) {
  Rng rng(seed);
  std::string text(size, '\0');
  for (char& c : text) c = to<char>(rng.next() & 0x7f);
  return text;
}

}  // namespace handfast::io
