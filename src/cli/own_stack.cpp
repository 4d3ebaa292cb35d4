#include "cli/own_stack.hpp"

#include <chrono>
#include <optional>

#include <fmt/format.h>

#include "cli/capture.hpp"
#include "cli/command.hpp"
#include "cli/units.hpp"
#include "io/driver.hpp"
#include "link/impaired.hpp"
#include "link/tun.hpp"
#include "trace/tee.hpp"
#include "wire/drop.hpp"

namespace handfast::cli {

namespace {

constexpr const char* impair_grammar =
    "write NAME=VALUE,... with loss, duplicate, reorder or corrupt as a percentage, delay or "
    "jitter "
    "as a duration, rate in bit/s, queue in bytes: loss=2%,reorder=1%,delay=20ms";

u64 positive(std::string_view name, std::string_view value) {
  const auto size = parse_size(value);
  if (!size || *size == 0)
    throw Failure(fmt::format("not a {}", name), fmt::format("--impair {}={}", name, value),
                  impair_grammar, Exit::usage);
  return *size;
}

Ratio percentage(std::string_view name, std::string_view value) {
  const auto ratio = parse_percentage(value);
  if (!ratio)
    throw Failure("not a percentage", fmt::format("--impair {}={}", name, value), impair_grammar,
                  Exit::usage);
  return *ratio;
}

Duration duration(std::string_view name, std::string_view value) {
  const auto time = parse_duration(value);
  if (!time)
    throw Failure("not a duration", fmt::format("--impair {}={}", name, value), impair_grammar,
                  Exit::usage);
  return *time;
}

void apply(link::ImpairmentOptions& options, std::string_view name, std::string_view value) {
  if (name == "loss") {
    options.loss = percentage(name, value);
  } else if (name == "duplicate") {
    options.duplicate = percentage(name, value);
  } else if (name == "reorder") {
    options.reorder = percentage(name, value);
  } else if (name == "corrupt") {
    options.corrupt = percentage(name, value);
  } else if (name == "delay") {
    options.delay = duration(name, value);
  } else if (name == "jitter") {
    options.jitter = duration(name, value);
  } else if (name == "rate") {
    options.rate = positive(name, value);
  } else if (name == "queue") {
    options.queue_bytes = to<u32>(std::min<u64>(positive(name, value), 1u << 30));
  } else {
    throw Failure("no such impairment", std::string(name), impair_grammar, Exit::usage);
  }
}

link::Tun open_device(const OwnStackOptions& options, bool offload) {
  auto device = link::Tun::open({.name = options.tun,
                                 .mode = options.tap ? link::TunMode::tap : link::TunMode::tun,
                                 .offload = offload});
  if (!device) throw Failure(device.error().what, "", device.error().advice);
  return std::move(*device);
}

host::InterfaceConfig interface_of(const link::Caps& caps,
                                   const std::vector<link::InterfaceAddress>& addresses, Rng& rng) {
  host::InterfaceConfig config;
  config.link_type = caps.link_type;
  config.mtu = caps.mtu;
  config.checksum_offload = caps.checksum_offload;
  config.segment_bytes_max = caps.segment_bytes_max;
  // Locally administered and unicast (IEEE 802c), and another one each time.
  const u64 draw = rng.next();
  for (u32 i = 0; i < 6; ++i) config.mac.octets[i] = to<u8>(draw >> (8 * i));
  config.mac.octets[0] = to<u8>((config.mac.octets[0] & 0xfc) | 0x02);
  for (const link::InterfaceAddress& address : addresses) {
    config.addresses.push_back({address.ours, address.prefix_length});
    auto& gateway = address.ours.is_v4() ? config.gateway_v4 : config.gateway_v6;
    if (!gateway) gateway = address.kernel;
  }
  return config;
}

/// RFC 1122 §3.2.1.3, RFC 4291 §2.5: one that a host may have, in a prefix of that length.
bool is_host_address(const link::InterfaceAddress& of) {
  const wire::IpAddress& address = of.ours;
  if (address.is_unspecified() || address.is_multicast() || address.is_loopback() ||
      address.is_limited_broadcast())
    return false;
  const u32 host_bits = (address.is_v4() ? 32u : 128u) - of.prefix_length;
  if (host_bits < 2) return true;
  bool all_zero = true;
  bool all_one = true;
  for (u32 bit = 0; bit < host_bits; ++bit) {
    const bool is_one = (address.octets[15 - bit / 8] >> (bit % 8) & 1) != 0;
    all_zero = all_zero && !is_one;
    all_one = all_one && is_one;
  }
  return !all_zero && (!all_one || address.is_v6());
}

/// Instant{} by the wall clock, in ns since 1970.
u64 steady_epoch() {
  const auto wall = std::chrono::system_clock::now().time_since_epoch();
  return to<u64>((wall - io::steady_now().time_since_epoch()).count());
}

}  // namespace

struct OwnStack::Parts {
  using ImpairedTun = link::Impaired<link::Tun>;

  Parts(std::vector<link::InterfaceAddress> of, link::Tun device)
      : addresses(std::move(of)), tun(std::move(device)) {}

  std::vector<link::InterfaceAddress> addresses;
  link::Tun tun;
  trace::Tee tee{};
  std::unique_ptr<Capture> capture{};
  std::optional<ImpairedTun> impaired{};
  std::optional<io::Stack> stack{};
  std::optional<io::Driver<link::Tun>> driver{};
  std::optional<io::Driver<ImpairedTun>> impaired_driver{};
};

void add_options(CLI::App& command, OwnStackOptions& options) {
  command
      .add_option("--tun", options.tun,
                  "Run over our own TCP on this TUN device, made if there is none (needs root)")
      ->type_name("NAME");
  command
      .add_option("--address", options.addresses,
                  "Our address on the device, with its prefix; the kernel gets the first other one "
                  "of the prefix. May be given more than once")
      ->type_name("ADDR/LEN")
      ->allow_extra_args(false);
  command.add_flag("--tap", options.tap, "A TAP device (Ethernet) instead of TUN (IP)");
  command
      .add_option("--impair", options.impair,
                  "Harm packets both ways, such as loss=2%,reorder=1%,delay=20ms; also duplicate, "
                  "corrupt, jitter, rate in bit/s, and queue in bytes before that rate")
      ->type_name("LIST");
  command.add_option("--seed", options.seed, "Decides which packets --impair harms")
      ->type_name("N");
  command
      .add_option("--pcap", options.pcap,
                  "Write all packets to a pcapng file, with the keys of TLS")
      ->type_name("FILE");
}

link::InterfaceAddress parse_interface_address(const std::string& text) {
  const auto slash = text.find('/');
  const auto address = wire::IpAddress::parse(std::string_view(text).substr(0, slash));
  const std::string length = slash == text.npos ? "" : text.substr(slash + 1);
  const bool is_number = !length.empty() && length.size() <= 3 &&
                         length.find_first_not_of("0123456789") == std::string::npos;
  const u32 bits = is_number ? to<u32>(std::stoul(length)) : 0;
  if (!address || bits == 0 || bits > (address->is_v4() ? 32u : 128u))
    throw Failure("not an address with its prefix", text, "write --address 192.0.2.2/24",
                  Exit::usage);
  link::InterfaceAddress parsed{*address, to<u8>(bits)};
  if (!is_host_address(parsed))
    throw Failure("not the address of a host", text,
                  "it stands for the network or for more than one host", Exit::usage);
  const auto kernel = link::kernel_address_for(parsed.ours, parsed.prefix_length);
  if (!kernel) throw Failure(kernel.error().what, text, kernel.error().advice, Exit::usage);
  parsed.kernel = *kernel;
  return parsed;
}

link::ImpairmentOptions parse_impairment(std::string_view text) {
  link::ImpairmentOptions options;
  while (!text.empty()) {
    const std::string_view item = text.substr(0, text.find(','));
    text.remove_prefix(std::min(item.size() + 1, text.size()));
    const auto equals = item.find('=');
    if (equals == item.npos)
      throw Failure("no value for the impairment", std::string(item), impair_grammar, Exit::usage);
    apply(options, item.substr(0, equals), item.substr(equals + 1));
  }
  return options;
}

OwnStack::OwnStack(asio::io_context& context, const OwnStackOptions& options,
                   trace::Sink* watcher) {
  if (options.addresses.empty())
    throw Failure("no address for our own stack", "--tun " + options.tun,
                  "add --address 192.0.2.2/24", Exit::usage);
  std::vector<link::InterfaceAddress> addresses;
  for (const std::string& text : options.addresses)
    addresses.push_back(parse_interface_address(text));
  const bool is_harmed = !options.impair.empty();
  const link::ImpairmentOptions harm = parse_impairment(options.impair);

  // A capture shows packets as they are on a wire, so with one the kernel gets no super-segments.
  parts_ = std::make_unique<Parts>(std::move(addresses),
                                   open_device(options, options.pcap.empty() && !is_harmed));
  Parts& parts = *parts_;
  if (const auto up = link::configure(parts.tun.name(), {.addresses = parts.addresses}); !up)
    throw Failure(up.error().what, "", up.error().advice);

  if (watcher != nullptr) parts.tee.add(*watcher);
  if (!options.pcap.empty()) {
    parts.capture = std::make_unique<Capture>(options.pcap, "handfast", parts.tun.caps().link_type,
                                              steady_epoch());
    parts.tee.add(*parts.capture);
  }
  trace::Sink* sink = watcher != nullptr || parts.capture ? &parts.tee : nullptr;
  Rng rng = io::system_rng();
  if (is_harmed) {
    parts.impaired.emplace(parts.tun, harm, harm, Rng(options.seed.value_or(rng.next())), sink);
  }
  host::Config config;
  config.tcp = options.tcp;
  config.interfaces.push_back(interface_of(
      parts.impaired ? parts.impaired->caps() : parts.tun.caps(), parts.addresses, rng));
  parts.stack.emplace(context.get_executor(), std::move(config), io::steady_now(), rng, sink);
  if (parts.impaired) {
    parts.impaired_driver.emplace(*parts.stack, *parts.impaired, parts.tun);
    parts.impaired_driver->start();
  } else {
    parts.driver.emplace(*parts.stack, parts.tun);
    parts.driver->start();
  }
}

OwnStack::~OwnStack() = default;

io::Stack& OwnStack::stack() { return *parts_->stack; }
const std::string& OwnStack::device_name() const { return parts_->tun.name(); }
const std::vector<link::InterfaceAddress>& OwnStack::addresses() const { return parts_->addresses; }

void OwnStack::on_fault(std::function<void(const std::string&)> told) {
  if (parts_->driver) parts_->driver->on_fault(told);
  if (parts_->impaired_driver) parts_->impaired_driver->on_fault(told);
}

void OwnStack::log_key(const std::string& line) {
  if (parts_->capture) parts_->capture->add_secret(line);
}
bool OwnStack::has_capture() const { return parts_->capture != nullptr; }

void OwnStack::drain(asio::io_context& context) {
  const auto end = std::chrono::steady_clock::now() + 2s;
  const auto is_busy = [&] {
    return stack().host().census().connections > 0 ||
           (parts_->impaired && parts_->impaired->outgoing().in_flight() > 0);
  };
  while (is_busy() && std::chrono::steady_clock::now() < end) context.run_one_for(10ms);
}

void OwnStack::finish() {
  if (parts_->driver) parts_->driver->stop();
  if (parts_->impaired_driver) parts_->impaired_driver->stop();
  if (parts_->capture) parts_->capture->finish();
}

std::string OwnStack::impairment_summary() const {
  if (!parts_->impaired) return {};
  const auto& out = parts_->impaired->outgoing().counters();
  const auto& in = parts_->impaired->incoming().counters();
  return fmt::format("{} of {} packets lost, {} reordered, {} duplicated, {} corrupted",
                     out.lost + in.lost + out.overflowed + in.overflowed, out.frames + in.frames,
                     out.reordered + in.reordered, out.duplicated + in.duplicated,
                     out.corrupted + in.corrupted);
}

std::vector<std::string> drop_lines(const host::Host& host) {
  std::vector<std::string> lines;
  const auto& drops = host.counters().drops;
  for (u32 i = 0; i < drops.size(); ++i)
    if (drops[i] > 0)
      lines.push_back(fmt::format("{} {}", drops[i], wire::to_string(static_cast<wire::Drop>(i))));
  return lines;
}

}  // namespace handfast::cli
