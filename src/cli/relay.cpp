// `handfast relay`: a bad link between two TUN devices, for whoever is behind them: two kernels in
// namespaces of their own, or a kernel and a stack of ours.
#include <array>
#include <csignal>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>
#include <fmt/format.h>

#include "cli/command.hpp"
#include "cli/own_stack.hpp"
#include "io/driver.hpp"
#include "link/impairment.hpp"
#include "link/tun.hpp"

namespace handfast::cli {

namespace {

struct RelayOptions {
  std::vector<std::string> tuns{};
  std::string impair{};
  std::optional<u64> seed{};
};

link::Tun open_device(const std::string& name) {
  auto device = link::Tun::open({.name = name});
  if (!device) throw Failure(device.error().what, "", device.error().advice);
  return std::move(*device);
}

/// Two devices, and for each the link by which packets from the other one arrive.
class Relay {
 public:
  Relay(asio::io_context& context, const RelayOptions& options, Rng rng)
      : ends_{End(context, open_device(options.tuns[0])),
              End(context, open_device(options.tuns[1]))},
        timer_(context) {
    link::ImpairmentOptions harm = parse_impairment(options.impair);
    harm.frames_max = 1u << 16;
    for (End& end : ends_) end.arriving.emplace(harm, rng.fork());
  }
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;
  ~Relay() {
    for (End& end : ends_) end.descriptor.release();  // it stays the device's
  }

  void start() {
    for (u32 end = 0; end < 2; ++end) wait_readable(end);
  }

  const std::string& name(u32 end) const { return ends_[end].device.name(); }
  const link::ImpairmentCounters& arriving(u32 end) const {
    return ends_[end].arriving->counters();
  }
  /// Why it cannot go on, if so.
  const std::optional<std::string>& fault() const { return fault_; }

 private:
  struct End {
    End(asio::io_context& context, link::Tun tun)
        : device(std::move(tun)), descriptor(context, device.fd()) {}
    link::Tun device;
    asio::posix::stream_descriptor descriptor;
    std::optional<link::Impairment> arriving{};
  };

  void wait_readable(u32 end) {
    ends_[end].descriptor.async_wait(asio::posix::descriptor_base::wait_read,
                                     [this, end](std::error_code error) {
                                       if (!error) readable(end);
                                     });
  }

  void readable(u32 end) {
    const Instant now = io::steady_now();
    std::array<link::Received, link::batch_max> batch;
    link::Tun& from = ends_[end].device;
    const u32 count = from.receive(batch, now);
    for (u32 i = 0; i < count; ++i) ends_[1 - end].arriving->on_frame(batch[i], now);
    from.release();
    deliver();
    if (from.fault())
      fault_ = from.fault()->what;
    else
      wait_readable(end);
  }

  /// Hands over what has arrived, and waits for what arrives next.
  void deliver() {
    const Instant now = io::steady_now();
    Instant next = never;
    for (End& end : ends_) {
      while (end.arriving->deadline() <= now) {
        const std::span<wire::Frame> room = end.device.room();
        u32 count = 0;
        while (count < room.size()) {
          const auto frame = end.arriving->poll(now);
          if (!frame) break;
          room[count].header = {};
          room[count++].payload[0] = frame->frame;
        }
        end.device.transmit(count, now);
      }
      next = std::min(next, end.arriving->deadline());
    }
    if (next >= armed_) return;  // one that fires too early is set anew
    armed_ = next;
    using Clock = std::chrono::steady_clock;
    timer_.expires_at(
        Clock::time_point(std::chrono::ceil<Clock::duration>(next.time_since_epoch())));
    timer_.async_wait([this](std::error_code error) {
      if (error) return;
      armed_ = never;
      deliver();
    });
  }

  std::array<End, 2> ends_;
  asio::steady_timer timer_;
  Instant armed_ = never;
  std::optional<std::string> fault_;
};

void run_relay(const RelayOptions& options) {
  if (options.tuns.size() != 2)
    throw Failure("a relay has two ends", "", "write --tun NAME twice", Exit::usage);
  asio::io_context context(1);
  Rng rng = io::system_rng();
  Relay relay(context, options, Rng(options.seed.value_or(rng.next())));
  bool stopped = false;
  asio::signal_set signals(context, SIGINT, SIGTERM);
  signals.async_wait([&](std::error_code error, int) { stopped = !error; });
  relay.start();
  fmt::print("Relaying between {} and {}. Ctrl-C ends.\n", relay.name(0), relay.name(1));
  std::fflush(stdout);
  while (!stopped && !relay.fault()) context.run_one();
  for (u32 end = 0; end < 2; ++end) {
    const link::ImpairmentCounters& to = relay.arriving(end);
    fmt::print("To {}: {} packets, {} lost, {} overflowed, {} reordered, {} duplicated\n",
               relay.name(end), to.frames, to.lost, to.overflowed, to.reordered, to.duplicated);
  }
  if (relay.fault()) throw Failure(*relay.fault(), "", "both devices must stay until the end");
}

}  // namespace

void add_relay(CLI::App& app, Exit& exit) {
  auto options = std::make_shared<RelayOptions>();
  CLI::App* command = app.add_subcommand("relay", "Be a bad link between two TUN devices");
  command
      ->add_option("--tun", options->tuns,
                   "A device, made if there is none; given twice (needs root)")
      ->type_name("NAME")
      ->required()
      ->allow_extra_args(false);
  command
      ->add_option("--impair", options->impair,
                   "What happens to packets, each way: as for `serve`, such as "
                   "loss=1%,delay=25ms,rate=100M,queue=64k")
      ->type_name("LIST");
  command->add_option("--seed", options->seed, "Decides which packets are harmed")->type_name("N");
  command->footer(
      "Every IP packet that the kernel sends into one device comes out of the other, late or not\n"
      "at all. Addresses, routes and namespaces are yours to set; a device may be moved to "
      "another\n"
      "namespace while the relay runs. Ctrl-C ends it with a summary.\n"
      "\nExample:\n"
      "  handfast relay --tun left --tun right --impair loss=1%,delay=25ms\n");
  command->callback([options, &exit] {
    run_relay(*options);
    exit = Exit::ok;
  });
}

}  // namespace handfast::cli
