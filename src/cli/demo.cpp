// `handfast demo`: TCP connections from SYN to CLOSED on a simulated wire, with the TLS and HTTP
// that they carry, drawn as a ladder.
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <unistd.h>

#include <fmt/format.h>

#include "cli/command.hpp"
#include "cli/demo_world.hpp"
#include "cli/terminal.hpp"
#include "cli/units.hpp"

namespace handfast::cli {

namespace {

constexpr u64 size_max = 100'000'000;  // bytes of the page: all is kept in memory
constexpr u32 width_max = 1000;
constexpr u32 requests_max = 100;

/// The command line as it was typed.
struct DemoArguments {
  std::vector<std::string> loss;
  u64 seed = 1;
  std::string pcap;
  bool ascii = false;
  bool unfolded = false;
  u32 width = 0;
  std::string delay = "10ms";
  std::string size = "1000";
  std::string close = "client";
  std::string close_after = "10ms";
  std::string request_after{};
  std::string duplicate = "0%";
  std::string reorder = "0%";
  std::string corrupt = "0%";
  bool ipv6 = false;
  DemoTlsOptions tls{};
  u32 kept_alive = 0;  // requests on one connection
  u32 closed = 0;      // requests on a connection each
  std::string color = "auto";
};

Failure wrong(std::string_view option, const std::string& value, std::string_view advice) {
  return {"wrong value", fmt::format("{} {}", option, value), std::string{advice}, Exit::usage};
}

Ratio percentage(std::string_view option, const std::string& text) {
  const auto ratio = parse_percentage(text);
  if (!ratio) throw wrong(option, text, "write a percentage such as 5%");
  return *ratio;
}

Duration duration(std::string_view option, const std::string& text) {
  const auto time = parse_duration(text);
  if (!time || *time > 1h)
    throw wrong(option, text, "write a time such as 20ms, 1.5s or 0, at most 1h");
  return *time;
}

DemoOptions understand(const DemoArguments& arguments) {
  DemoOptions options;
  options.seed = arguments.seed;
  options.ipv6 = arguments.ipv6;
  options.closer = arguments.close == "client"   ? Closer::client
                   : arguments.close == "server" ? Closer::server
                                                 : Closer::both;
  options.tls = arguments.tls;
  if (options.tls.rsa && !options.tls.tls12)
    throw Failure("RSA key transport is TLS 1.2's", "--rsa", "add --tls12", Exit::usage);
  options.tls.is_on = options.tls.is_on || options.tls.tls12 || options.tls.is_resumed();
  if (options.tls.tls12 && options.tls.early_data)
    throw Failure("TLS 1.2 has no early data", "--early-data", "leave out --tls12", Exit::usage);
  options.requests = std::max({arguments.kept_alive, arguments.closed, 1u});
  options.is_kept_alive = arguments.closed == 0;
  if (!options.is_kept_alive) options.closer = Closer::server;
  for (const std::string& one : arguments.loss) {
    const auto added = add_loss(options.loss, one, options.closer == Closer::server);
    if (!added) throw wrong("--loss", one, fmt::format("{}: {}", added.error(), loss_grammar));
  }
  options.duplicate = percentage("--duplicate", arguments.duplicate);
  options.reorder = percentage("--reorder", arguments.reorder);
  options.corrupt = percentage("--corrupt", arguments.corrupt);
  options.delay = duration("--delay", arguments.delay);
  // A lone ACK is a fine end of the handshake to look at; in a longer story it would be in the way.
  const bool is_long = options.tls.is_on || options.requests > 1;
  if (!arguments.request_after.empty())
    options.request_after = duration("--request-after", arguments.request_after);
  else
    options.request_after = is_long ? 0ms : 5ms;
  options.close_after = duration("--close-after", arguments.close_after);
  const auto size = parse_size(arguments.size);
  if (!size || *size > size_max)
    throw wrong("--size", arguments.size, "write bytes such as 1000, 64k or 1MiB, at most 100M");
  options.size = *size;
  return options;
}

trace::LadderOptions drawing(const DemoArguments& arguments) {
  trace::LadderOptions options;
  options.width = terminal_columns(STDOUT_FILENO);
  if (arguments.width != 0) {
    options.width = arguments.width;
    if (options.width < trace::LadderOptions::width_min || options.width > width_max)
      throw wrong(
          "--width", fmt::to_string(arguments.width),
          fmt::format("between {} and {} columns", trace::LadderOptions::width_min, width_max));
  }
  options.ascii = arguments.ascii;
  options.fold = !arguments.unfolded;
  const ColorMode mode = arguments.color == "always"  ? ColorMode::always
                         : arguments.color == "never" ? ColorMode::never
                                                      : ColorMode::automatic;
  options.color = wants_color(mode, STDOUT_FILENO);
  return options;
}

/// A file that is opened before the work, so that a bad name is told at once.
class CaptureFile {
 public:
  explicit CaptureFile(const std::string& path) : path_(path) {
    if (path.empty()) return;
    file_.reset(std::fopen(path.c_str(), "wb"));
    if (!file_) throw Failure("cannot write the capture", path, std::strerror(errno));
  }
  void write(trace::PcapngWriter& capture) {
    if (!file_) return;
    const Bytes bytes = capture.ready();
    const bool is_written = std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) == bytes.size();
    if (!is_written || std::fflush(file_.get()) != 0)
      throw Failure("cannot write the capture", path_, std::strerror(errno));
  }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::string path_;
  std::unique_ptr<std::FILE, Close> file_;
};

/// Lines broken at spaces so that they fit; what goes on is indented.
std::string fit(std::string_view text, std::size_t width) {
  std::string out;
  std::size_t column = 0;
  while (!text.empty()) {
    const std::size_t length = std::min(text.find_first_of(" \n"), text.size());
    if (column != 0 && column + 1 + length > width) {
      out += "\n ";
      column = 1;
    }
    if (column != 0) out += ' ';
    out += text.substr(0, length);
    column += length + (column != 0 ? 1 : 0);
    if (length < text.size() && text[length] == '\n') {
      out += '\n';
      column = 0;
    }
    text.remove_prefix(std::min(length + 1, text.size()));
  }
  return out;
}

/// The same requests the other way, to say what keeping a connection saves.
std::string compare_ways(const Demo& demo, DemoOptions options) {
  const bool is_kept_alive = options.is_kept_alive;
  options.is_kept_alive = !is_kept_alive;
  options.closer = is_kept_alive ? Closer::server : Closer::client;
  const u32 requests = options.requests;
  Demo other(std::move(options));
  other.run();
  return is_kept_alive ? compare(demo, other, requests) : compare(other, demo, requests);
}

Exit run_demo(const DemoArguments& arguments) {
  const DemoOptions options = understand(arguments);
  const trace::LadderOptions ladder = drawing(arguments);
  CaptureFile file(arguments.pcap);
  Demo demo(options);
  demo.run();
  file.write(demo.capture());
  const std::string hint =
      arguments.pcap.empty()
          ? std::string{"--pcap FILE keeps the packets, --loss syn-ack:1 loses one\n"}
          : fmt::format("packets: {0} (wireshark {0}, or tshark -r {0})\n", arguments.pcap);
  std::string more = demo.summary();
  if (options.requests > 1) more += compare_ways(demo, options);
  print(demo.ladder().render(ladder) + "\n" + demo.costs() + "\n" + fit(more + hint, ladder.width));
  if (demo.problem().empty()) return Exit::ok;
  throw Failure("the page did not arrive", demo.problem(),
                "lose less (--loss), or see above what became of it");
}

void add_wire_options(CLI::App& command, DemoArguments& arguments) {
  const std::string group = "The wire";
  command
      .add_option(
          "--loss", arguments.loss,
          "Lose segments: syn:1, syn-ack:1, ack:1, data:3, fin:1, rst:1 (the Nth of its "
          "kind; * for all; client-fin:1 and server-fin:1 choose the sender), or 5% of all. "
          "Several, separated by commas")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("WHAT")
      ->group(group);
  command.add_option("--duplicate", arguments.duplicate, "Deliver so many segments twice")
      ->type_name("PERCENT")
      ->group(group);
  command.add_option("--reorder", arguments.reorder, "Let others overtake so many segments")
      ->type_name("PERCENT")
      ->group(group);
  command.add_option("--corrupt", arguments.corrupt, "Flip a bit in so many segments")
      ->type_name("PERCENT")
      ->group(group);
  command.add_option("--delay", arguments.delay, "One way through the wire")
      ->type_name("TIME")
      ->capture_default_str()
      ->group(group);
  command.add_option("--seed", arguments.seed, "The same seed shows the same, byte for byte")
      ->type_name("N")
      ->capture_default_str()
      ->group(group);
}

void add_talk_options(CLI::App& command, DemoArguments& arguments) {
  const std::string group = "The conversation";
  const auto add = [&](const char* name, std::string& value, const char* type, const char* help) {
    return command.add_option(name, value, help)
        ->type_name(type)
        ->capture_default_str()
        ->group(group);
  };
  add("--size", arguments.size, "BYTES", "Size of the page that is fetched, as 1000, 64k, 1MiB");
  add("--close", arguments.close, "WHO", "Who closes first: client, server or both")
      ->check(CLI::IsMember({"client", "server", "both"}).description(""));
  add("--request-after", arguments.request_after, "TIME",
      "How long the client waits with its request; 0 sends it with the ACK that ends the "
      "handshake. Default: 5ms, and 0 with TLS or more than one request");
  add("--close-after", arguments.close_after, "TIME",
      "How much later the other end closes; 0 sends its FIN with the ACK, and the close takes "
      "three "
      "segments instead of four");
  CLI::Option* kept_alive =
      command
          .add_option("--keep-alive", arguments.kept_alive,
                      "So many requests on one connection, and what that saves")
          ->type_name("N")
          ->check(CLI::Range(1u, requests_max).description(""))
          ->group(group);
  command
      .add_option("--connection-close", arguments.closed,
                  "So many requests with Connection: close, on a connection each")
      ->type_name("N")
      ->check(CLI::Range(1u, requests_max).description(""))
      ->excludes(kept_alive)
      ->group(group);
  command.add_flag("--ipv6", arguments.ipv6, "Talk over IPv6")->group(group);
}

void add_tls_options(CLI::App& command, DemoArguments& arguments) {
  const std::string group = "TLS";
  const auto add = [&](const char* name, bool& value, const char* help) {
    command.add_flag(name, value, help)->group(group);
  };
  add("--tls", arguments.tls.is_on, "HTTPS by TLS 1.3");
  add("--tls12", arguments.tls.tls12, "HTTPS by TLS 1.2: one round trip more");
  add("--rsa", arguments.tls.rsa,
      "The classic exchange, with --tls12: a pre-master secret, encrypted to the server's key");
  add("--resume", arguments.tls.resume,
      "Resume the session of a connection before, which is not shown");
  add("--early-data", arguments.tls.early_data,
      "The same, with the request in the first flight (0-RTT)");
}

void add_output_options(CLI::App& command, DemoArguments& arguments) {
  const std::string group = "The output";
  command
      .add_option("--pcap", arguments.pcap,
                  "Write the packets to a pcapng file, states and losses as comments")
      ->type_name("FILE")
      ->group(group);
  command
      .add_option("--width", arguments.width,
                  "Columns, at least 60; else those of the terminal, or 100")
      ->type_name("N")
      ->group(group);
  command.add_flag("--ascii", arguments.ascii, "Draw with ASCII only")->group(group);
  command.add_flag("--unfolded", arguments.unfolded, "Show every segment of a long transfer")
      ->group(group);
  command
      .add_option("--color", arguments.color,
                  "Colours: auto (on a terminal, without NO_COLOR), always or never")
      ->type_name("WHEN")
      ->check(CLI::IsMember({"auto", "always", "never"}).description(""))
      ->capture_default_str()
      ->group(group);
}

}  // namespace

void add_demo(CLI::App& app, Exit& exit) {
  CLI::App* command =
      app.add_subcommand("demo", "Watch TCP, TLS and HTTP: open, carry a page and close");
  auto arguments = std::make_shared<DemoArguments>();
  add_wire_options(*command, *arguments);
  add_talk_options(*command, *arguments);
  add_tls_options(*command, *arguments);
  add_output_options(*command, *arguments);
  command->footer(
      "\nA client and a server, both made of Handfast's own stack, on a simulated wire in "
      "simulated\n"
      "time: needs no root and no network. On each arrow stand the messages of TLS and HTTP that\n"
      "the segment carries, beside it the states that the two ends enter, and why. {} are "
      "protected\n"
      "by the handshake's keys, [] by the application's, () by those of early data. The capture "
      "of\n"
      "--pcap has the keys with it.\n"
      "\nExamples:\n"
      "  handfast demo --loss syn-ack:1           a lost SYN-ACK is sent again\n"
      "  handfast demo --close both               FINs that cross: CLOSING on both ends\n"
      "  handfast demo --close-after 0            the close in three segments\n"
      "  handfast demo --size 100k --loss data:9  a hole, and the fast retransmission that fills "
      "it\n"
      "  handfast demo --tls                      TCP, TLS and HTTP: a round trip each\n"
      "  handfast demo --tls12 --rsa              the classic exchange\n"
      "  handfast demo --tls --early-data         resumed, and no round trip for TLS\n"
      "  handfast demo --keep-alive 3 --tls       three requests, one handshake\n"
      "  handfast demo --tls --pcap d.pcapng && tshark -r d.pcapng    opens decrypted\n"
      "\nExit codes: 0 the page arrived, 1 it did not, 2 wrong usage.\n");
  command->callback([arguments, &exit] { exit = run_demo(*arguments); });
}

}  // namespace handfast::cli
