// `handfast serve DIR`: a directory over HTTP, over our own TCP on a TUN device or over the
// kernel's.
#include <csignal>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <asio/co_spawn.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>
#include <fmt/format.h>

#include "cli/command.hpp"
#include "cli/own_stack.hpp"
#include "cli/progress.hpp"
#include "cli/terminal.hpp"
#include "cli/tls_options.hpp"
#include "cli/watch.hpp"
#include "io/http_server.hpp"
#include "io/http_site.hpp"
#include "io/kernel_stream.hpp"
#include "io/tcp_listener.hpp"

namespace handfast::cli {

namespace {

struct ServeOptions {
  std::string directory{};
  OwnStackOptions own{};
  TlsServerOptions tls{};
  std::vector<std::string> listen{};
  std::optional<u16> port{};
  u32 backlog = 1024;
  bool quiet = false;
  bool verbose = false;
};

constexpr std::chrono::seconds grace{5};  // for responses under way when a signal came

/// What nobody should have to look for.
class Alarms final : public trace::Sink {
 public:
  void on(Instant /*now*/, const trace::Event& event) override {
    if (const auto* flood = std::get_if<trace::SynFlood>(&event))
      fmt::print(stderr, "{}\n", to_string(*flood));
  }
};

/// Where a server is to run, and by TLS where there is a context for that.
struct Place {
  const ServeOptions& options;
  io::TlsContext* tls = nullptr;
  std::vector<std::unique_ptr<io::AnyListener>> listeners{};
};

void log_access(const io::HttpExchange& exchange) {
  const io::HttpRequest& request = exchange.request();
  const std::string line = fmt::format(
      "{} {} {} {} {}{}\n", wire::to_string(request.client), request.method, request.target,
      exchange.status(), exchange.content_bytes(), exchange.is_complete() ? "" : " (cut off)");
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fflush(stdout);
}

void tell_tls_failure(const wire::Endpoint& client, const tls::Error& error) {
  fmt::print(stderr, "{}: TLS failed: {}\n", wire::to_string(client), error.why);
}

io::HttpDirectory open_site(const std::string& directory) {
  auto tree = io::FileTree::open(directory);
  if (!tree) {
    const bool is_file = tree.error() == std::errc::not_a_directory;
    throw Failure("cannot serve", directory,
                  tree.error().message() + (is_file ? " (give the directory it is in)" : ""));
  }
  return io::HttpDirectory(std::move(*tree));
}

Failure cannot_listen(const wire::Endpoint& endpoint, const std::error_code& error) {
  std::string advice = error.message();
  if (error == std::errc::address_in_use) advice += " (choose another port)";
  if (error == std::errc::permission_denied)
    advice += " (ports below 1024 need root: choose one above)";
  return {"cannot listen on", wire::to_string(endpoint), advice};
}

/// "127.0.0.1:8080", "[::1]:8080" or an address alone.
wire::Endpoint parse_listen(const std::string& text, std::optional<u16> port) {
  if (const auto endpoint = wire::Endpoint::parse(text)) return *endpoint;
  if (const auto address = wire::IpAddress::parse(text)) return {*address, port.value_or(8080)};
  throw Failure("not an address to listen on", text, "write --listen 127.0.0.1:8080", Exit::usage);
}

void listen_on_own(Place& place, OwnStack& own) {
  const u16 port = place.options.port.value_or(place.tls != nullptr ? 443 : 80);
  for (const link::InterfaceAddress& address : own.addresses()) {
    const wire::Endpoint endpoint{address.ours, port};
    io::TcpListener listener(own.stack());
    if (const auto error = listener.listen(endpoint, place.options.backlog))
      throw cannot_listen(endpoint, error);
    place.listeners.push_back(io::any_listener(std::move(listener), place.tls));
  }
}

void listen_on_kernel(Place& place, asio::io_context& context) {
  for (const std::string& text : place.options.listen) {
    const wire::Endpoint endpoint = parse_listen(text, place.options.port);
    io::KernelListener listener(context.get_executor());
    if (const auto error = listener.listen(endpoint)) throw cannot_listen(endpoint, error);
    place.listeners.push_back(io::any_listener(std::move(listener), place.tls));
  }
}

std::string greeting(const Place& place, const OwnStack* own) {
  const ServeOptions& options = place.options;
  std::string text = fmt::format("Serving {} over ", options.directory);
  if (own != nullptr)
    text += fmt::format("our own TCP on {} ({})\n", own->device_name(),
                        options.own.tap ? "TAP" : "TUN");
  else
    text += "the kernel's TCP\n";
  const bool secure = options.tls.is_on;
  for (const auto& listener : place.listeners) {
    const wire::Endpoint endpoint = listener->local_endpoint();
    const std::string host = endpoint.address.is_v4()
                                 ? wire::to_string(endpoint.address)
                                 : fmt::format("[{}]", wire::to_string(endpoint.address));
    const bool is_default = endpoint.port == (secure ? 443 : 80);
    text += fmt::format("  curl {}://{}{}/\n", secure ? "https" : "http", host,
                        is_default ? "" : fmt::format(":{}", endpoint.port));
  }
  return text + "Ctrl-C ends it.\n";
}

/// "1 request", "2 requests".
std::string counted(u64 n, std::string_view what) {
  return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
}

std::string summary(const io::HttpServerCounters& sum, OwnStack* own) {
  std::string text =
      fmt::format("\n{} on {}, {} sent", counted(sum.requests, "request"),
                  counted(sum.connections, "connection"), bytes_text(sum.content_bytes));
  if (sum.refused > 0) text += fmt::format(", {} answered with an error", sum.refused);
  if (sum.cut_off > 0) text += fmt::format(", {} cut off", sum.cut_off);
  text += '\n';
  if (own == nullptr) return text;
  const tcp::Counters& tcp = own->stack().host().tcp_counters();
  text += fmt::format("TCP: {} segments out, {} in, {} retransmitted ({} time-outs)\n",
                      tcp.segments_out, tcp.segments_in, tcp.segments_retransmitted, tcp.timeouts);
  if (tcp.syn_cookies_sent > 0)
    text += fmt::format("SYN cookies: {} sent, {} valid, {} invalid; {}\n", tcp.syn_cookies_sent,
                        tcp.syn_cookies_valid, tcp.syn_cookies_invalid,
                        counted(tcp.syn_floods, "SYN flood"));
  if (const std::string harm = own->impairment_summary(); !harm.empty())
    text += "Impairment: " + harm + "\n";
  std::string drops;
  for (const std::string& line : drop_lines(own->stack().host()))
    drops += (drops.empty() ? "" : ", ") + line;
  return text + "Dropped packets: " + (drops.empty() ? "none" : drops) + "\n";
}

/// Stops the servers at the first signal, gently, and for good at the second or after a while.
class Stopper {
 public:
  Stopper(asio::io_context& context, io::HttpServer& server)
      : server_(server), signals_(context, SIGINT, SIGTERM), timer_(context) {
    wait();
  }
  void stop() {
    server_.stop();
    timer_.expires_after(grace);
    timer_.async_wait([this](std::error_code error) {
      if (!error) abort();
    });
  }
  void done() {
    signals_.cancel();
    timer_.cancel();
  }

 private:
  void wait() {
    signals_.async_wait([this](std::error_code error, int) {
      if (error) return;
      if (std::exchange(stopping_, true)) return abort();
      stop();
      wait();
    });
  }
  void abort() { server_.abort(); }

  io::HttpServer& server_;
  asio::signal_set signals_;
  asio::steady_timer timer_;
  bool stopping_ = false;
};

void run_serve(const ServeOptions& options) {
  const bool is_own = !options.own.tun.empty() || !options.own.addresses.empty();
  if (!is_own && options.listen.empty())
    throw Failure("where to serve is not said", "",
                  "over our own TCP: --tun hf0 --address 192.0.2.2/24 (needs root); over the "
                  "kernel's: --listen 127.0.0.1:8080",
                  Exit::usage);
  if (is_own && !options.listen.empty())
    throw Failure("--listen is for the kernel's TCP", "", "leave out --tun and --address",
                  Exit::usage);
  io::HttpDirectory site = open_site(options.directory);
  std::optional<io::TlsContext> tls;
  if (options.tls.is_on) configure(tls.emplace(), options.tls);
  if (tls) tls->on_failure = tell_tls_failure;
  asio::io_context context(1);
  Watch watch;
  Alarms alarms;
  std::optional<OwnStack> own;
  if (is_own) own.emplace(context, options.own, options.verbose ? &watch : nullptr);
  if (tls) observe(*tls, options.verbose ? &watch : nullptr, own ? &*own : nullptr);
  if (own && !options.verbose) own->stack().host().set_alarms(&alarms);
  Place place{options, tls ? &*tls : nullptr};
  if (own) listen_on_own(place, *own);
  listen_on_kernel(place, context);
  const std::string welcome = greeting(place, own ? &*own : nullptr);
  io::HttpServer server(std::move(place.listeners), std::ref(site));

  std::optional<std::string> fault;
  Stopper stopper(context, server);
  bool active = true;
  if (!options.quiet) server.on_access(log_access);
  asio::co_spawn(context, server.run(), [&](const std::exception_ptr&) {
    active = false;
    stopper.done();
  });
  if (own)
    own->on_fault([&](const std::string& what) {
      fault = what;
      stopper.stop();
    });
  print(welcome);
  while (active) context.run_one();
  if (own && !fault) own->drain(context);
  if (fault) throw Failure(*fault, "", "the device must stay as long as the server runs");
  print(summary(server.counters(), own ? &*own : nullptr));
  if (own) own->finish();
}

}  // namespace

void add_serve(CLI::App& app, Exit& exit) {
  auto options = std::make_shared<ServeOptions>();
  CLI::App* command = app.add_subcommand("serve", "Serve a directory over HTTP or HTTPS");
  command->add_option("DIR", options->directory, "The directory")->required();
  add_options(*command, options->own);
  add_options(*command, options->tls);
  command
      ->add_option("--listen", options->listen,
                   "Serve over the kernel's TCP instead, on this address. May be given more than "
                   "once")
      ->type_name("ADDR[:PORT]")
      ->allow_extra_args(false);
  command->add_option("--port", options->port, "Default: 80, with --tls 443, with --listen 8080")
      ->type_name("PORT")
      ->check(CLI::Range(1, 65535).description(""));
  command
      ->add_option("--backlog", options->backlog,
                   "Connections that may wait, finished or half open. Default: 1024")
      ->type_name("N")
      ->check(CLI::Range(0, 65535).description(""));
  command
      ->add_option("--syn-cookies", options->own.tcp.syn_cookies,
                   "Answer SYNs by cookies: auto (under a flood), always or off. Default: auto")
      ->type_name("WHEN")
      ->transform(CLI::CheckedTransformer(std::map<std::string, tcp::SynCookieUse>{
                                              {"auto", tcp::SynCookieUse::automatic},
                                              {"always", tcp::SynCookieUse::always},
                                              {"off", tcp::SynCookieUse::off}})
                      .description(""));
  command->add_flag("-q,--quiet", options->quiet, "No line for each request");
  command->add_flag("-v,--verbose", options->verbose,
                    "Every connection's states and why, on stderr: of TLS, and of our own TCP");
  command->footer(
      "With --tun or --address, every packet is handled by our own stack: the kernel only carries\n"
      "them to and from the device. With --listen, the kernel's TCP is used.\n"
      "index.html stands for its directory; hidden files are not served, and no name or link "
      "leads\n"
      "out of DIR. Ctrl-C lets responses finish for 5 s, then prints a summary.\n"
      "\nExamples:\n"
      "  handfast serve . --tun hf0 --address 192.0.2.2/24 --address 2001:db8::2/64\n"
      "  handfast serve . --tun hf0 --address 192.0.2.2/24 --impair loss=2%,reorder=1%\n"
      "  handfast serve . --listen 127.0.0.1:8080\n"
      "  handfast serve . --listen 127.0.0.1:8443 --tls --cert server.pem --key server.key\n");
  command->callback([options, &exit] {
    run_serve(*options);
    exit = Exit::ok;
  });
}

}  // namespace handfast::cli
