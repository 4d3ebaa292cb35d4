// Our own host on a TUN or TAP device, as `serve` and `get` set it up from their options.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <asio/io_context.hpp>

#include "io/stack.hpp"
#include "link/impairment.hpp"
#include "link/interface.hpp"
#include "trace/event.hpp"

namespace handfast::cli {

struct OwnStackOptions {
  std::string tun{};
  bool tap = false;
  std::vector<std::string> addresses{};
  std::string impair{};
  std::string pcap{};
  std::optional<u64> seed{};
  tcp::Config tcp{};
};
void add_options(CLI::App& command, OwnStackOptions& options);

/// "192.0.2.2/24". Throws Failure.
link::InterfaceAddress parse_interface_address(const std::string& text);
/// "loss=2%,reorder=1%,duplicate=1%,corrupt=0.1%,delay=20ms,jitter=5ms,rate=10M". Throws Failure.
link::ImpairmentOptions parse_impairment(std::string_view text);

/// The device exists and carries packets as long as this lives. Throws Failure where it cannot be.
class OwnStack {
 public:
  /// `watcher` hears every event, if there is one.
  OwnStack(asio::io_context& context, const OwnStackOptions& options,
           trace::Sink* watcher = nullptr);
  ~OwnStack();
  OwnStack(const OwnStack&) = delete;
  OwnStack& operator=(const OwnStack&) = delete;

  io::Stack& stack();
  const std::string& device_name() const;
  /// Ours, and the kernel's on the other end of the device.
  const std::vector<link::InterfaceAddress>& addresses() const;
  /// Called when the device is gone.
  void on_fault(std::function<void(const std::string&)> told);
  /// Puts a line of TLS's key log into the capture, if there is one.
  void log_key(const std::string& line);
  bool has_capture() const;
  /// Lets connections that were closed finish their last handshake, for two seconds at most.
  void drain(asio::io_context& context);
  /// Sends what is to be sent, stops, and finishes the capture. Throws Failure where the capture
  /// could not be written.
  void finish();
  /// What the --impair link did, both ways together; empty without --impair.
  std::string impairment_summary() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// Packets and segments that were dropped, "3 checksum does not match"; a line for each reason.
std::vector<std::string> drop_lines(const host::Host& host);

}  // namespace handfast::cli
