// `handfast serve DIR`: a directory over HTTP, over our own TCP on a TUN device or over the
// kernel's.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <asio/co_spawn.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>
#include <fmt/format.h>

#include "cli/access_log.hpp"
#include "cli/command.hpp"
#include "cli/own_stack.hpp"
#include "cli/progress.hpp"
#include "cli/serve_site.hpp"
#include "cli/terminal.hpp"
#include "cli/tls_options.hpp"
#include "cli/watch.hpp"
#include "io/http_hosts.hpp"
#include "io/http_metrics.hpp"
#include "io/http_server.hpp"
#include "io/kernel_stream.hpp"
#include "io/tcp_listener.hpp"

namespace handfast::cli {

namespace {

struct ServeOptions {
  SiteOptions site{};
  AccessLogOptions log{};
  OwnStackOptions own{};
  TlsServerOptions tls{};
  std::vector<std::string> listen{};
  std::optional<u16> port{};
  std::optional<u16> redirect_port{};
  std::optional<u32> hsts{};  // seconds
  u32 backlog = 1024;
  u32 connections_max = 4096;
  u32 rate_min = 0;
  u32 idle_timeout = 30;  // seconds
  u32 grace = 5;          // seconds for responses under way when a signal came
  bool is_kernel = false;
  bool only_http1 = false;
  bool quiet = false;
  bool verbose = false;
};

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
  std::vector<std::unique_ptr<io::AnyListener>> redirecting{};  // to HTTPS
};

using Servers = std::vector<std::unique_ptr<io::HttpServer>>;

void print_access(const io::HttpExchange& exchange) {
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

Failure cannot_listen(const wire::Endpoint& endpoint, const std::error_code& error) {
  std::string advice = error.message();
  if (error == std::errc::address_in_use) advice += " (choose another port)";
  if (error == std::errc::permission_denied)
    advice += " (ports below 1024 need root: choose one above)";
  return {"cannot listen on", wire::to_string(endpoint), advice};
}

io::TcpListener listen_on_own(OwnStack& own, const wire::Endpoint& endpoint, u32 backlog) {
  io::TcpListener listener(own.stack());
  if (const auto error = listener.listen(endpoint, backlog)) throw cannot_listen(endpoint, error);
  return listener;
}
io::KernelListener listen_on_kernel(asio::io_context& context, const wire::Endpoint& endpoint) {
  io::KernelListener listener(context.get_executor());
  if (const auto error = listener.listen(endpoint)) throw cannot_listen(endpoint, error);
  return listener;
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
    place.listeners.push_back(
        io::any_listener(listen_on_own(own, endpoint, place.options.backlog), place.tls));
    if (place.options.redirect_port)
      place.redirecting.push_back(io::any_listener(
          listen_on_own(own, {address.ours, *place.options.redirect_port}, place.options.backlog)));
  }
}

void listen_on_kernel(Place& place, asio::io_context& context) {
  std::vector<std::string> where = place.options.listen;
  if (place.options.is_kernel) where.insert(where.end(), {"0.0.0.0", "::"});
  for (const std::string& text : where) {
    const wire::Endpoint endpoint = parse_listen(text, place.options.port);
    place.listeners.push_back(io::any_listener(listen_on_kernel(context, endpoint), place.tls));
    if (place.options.redirect_port)
      place.redirecting.push_back(io::any_listener(
          listen_on_kernel(context, {endpoint.address, *place.options.redirect_port})));
  }
}

std::string greeting(const Place& place, const OwnStack* own) {
  const ServeOptions& options = place.options;
  std::string text = fmt::format("Serving {} over ", options.site.directory);
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
  Stopper(asio::io_context& context, Servers& servers, u32 grace)
      : servers_(servers), grace_(grace), signals_(context, SIGINT, SIGTERM), timer_(context) {
    wait();
  }
  void stop() {
    for (const auto& server : servers_) server->stop();
    timer_.expires_after(std::chrono::seconds(grace_));
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
  void abort() {
    for (const auto& server : servers_) server->abort();
  }

  Servers& servers_;
  u32 grace_;
  asio::signal_set signals_;
  asio::steady_timer timer_;
  bool stopping_ = false;
};

/// The log's file is flushed once a second, and opened anew on SIGHUP.
class LogKeeper {
 public:
  LogKeeper(asio::io_context& context, AccessLog& log)
      : log_(log), hangup_(context, SIGHUP), timer_(context) {
    wait_for_hangup();
    wait_for_second();
  }
  void done() {
    hangup_.cancel();
    timer_.cancel();
    log_.flush();
  }

 private:
  void wait_for_hangup() {
    hangup_.async_wait([this](std::error_code error, int) {
      if (error) return;
      log_.reopen();
      wait_for_hangup();
    });
  }
  void wait_for_second() {
    timer_.expires_after(std::chrono::seconds(1));
    timer_.async_wait([this](std::error_code error) {
      if (error) return;
      log_.flush();
      wait_for_second();
    });
  }

  AccessLog& log_;
  asio::signal_set hangup_;
  asio::steady_timer timer_;
};

io::HttpServerOptions server_options(const ServeOptions& options) {
  io::HttpServerOptions how;
  how.connections_max = options.connections_max;
  how.rate_min = options.rate_min;
  how.idle_timeout = std::chrono::seconds(options.idle_timeout);
  how.offers_http2 = !options.only_http1;
  if (options.hsts) how.hsts = fmt::format("max-age={}", *options.hsts);
  return how;
}

void check(const ServeOptions& options, bool is_own) {
  const bool is_kernel = options.is_kernel || !options.listen.empty();
  if (!is_own && !is_kernel)
    throw Failure("where to serve is not said", "",
                  "over our own TCP: --tun hf0 --address 192.0.2.2/24 (needs root); over the "
                  "kernel's: --listen 127.0.0.1:8080, or --kernel for all its addresses",
                  Exit::usage);
  if (is_own && is_kernel)
    throw Failure("--listen and --kernel are for the kernel's TCP", "",
                  "leave out --tun and --address", Exit::usage);
  if (!options.tls.is_on && (options.redirect_port || options.hsts))
    throw Failure("--redirect-http and --hsts are about HTTPS", "", "add --tls", Exit::usage);
}

/// The one that serves, and after it the one that sends to it who came without TLS.
Servers make_servers(Place& place, Site& site) {
  const u16 port = place.listeners.front()->local_endpoint().port;
  Servers servers;
  servers.push_back(std::make_unique<io::HttpServer>(std::move(place.listeners), std::ref(site),
                                                     server_options(place.options)));
  if (!place.redirecting.empty())
    servers.push_back(std::make_unique<io::HttpServer>(
        std::move(place.redirecting), io::redirect_to_https(port), server_options(place.options)));
  return servers;
}

/// A connection of the kernel's takes a descriptor, and a file that is sent one more.
void raise_descriptor_limit(u32 connections) {
  constexpr rlim_t others = 64;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const rlim_t wanted = std::min<rlim_t>(limit.rlim_max, 2 * rlim_t{connections} + others);
  limit.rlim_cur = std::max(limit.rlim_cur, wanted);
  setrlimit(RLIMIT_NOFILE, &limit);
}

void run_serve(const ServeOptions& options) {
  const bool is_own = !options.own.tun.empty() || !options.own.addresses.empty();
  check(options, is_own);
  raise_descriptor_limit(options.connections_max);
  asio::io_context context(1);
  Site site(options.site, context);
  std::optional<AccessLog> log;
  if (!options.log.file.empty()) log.emplace(options.log);
  std::optional<io::TlsContext> tls;
  if (options.tls.is_on) configure(tls.emplace(), options.tls);
  if (tls) tls->on_failure = tell_tls_failure;
  if (tls && !options.only_http1) tls->config.protocols.insert(tls->config.protocols.begin(), "h2");
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
  Servers servers = make_servers(place, site);
  site.metrics = [&] {
    std::string text = io::metrics_text(servers.front()->counters());
    if (own) text += io::metrics_text(own->stack().host().tcp_counters());
    return text;
  };

  std::optional<std::string> fault;
  Stopper stopper(context, servers, options.grace);
  std::optional<LogKeeper> keeper;
  if (log) keeper.emplace(context, *log);
  std::size_t active = servers.size();
  for (const auto& server : servers) {
    server->on_access([&](const io::HttpExchange& exchange) {
      if (!options.quiet) print_access(exchange);
      if (log) log->write(exchange);
    });
    asio::co_spawn(context, server->run(), [&](const std::exception_ptr&) {
      if (--active > 0) return;
      stopper.done();
      if (keeper) keeper->done();
    });
  }
  if (own)
    own->on_fault([&](const std::string& what) {
      fault = what;
      stopper.stop();
    });
  print(welcome);
  while (active > 0) context.run_one();
  if (own && !fault) own->drain(context);
  if (fault) throw Failure(*fault, "", "the device must stay as long as the server runs");
  print(summary(servers.front()->counters(), own ? &*own : nullptr));
  if (own) own->finish();
}

void add_limits(CLI::App& command, ServeOptions& options) {
  command
      .add_option("--connections-max", options.connections_max,
                  "Beyond so many, a client hears 503. Default: 4096")
      ->type_name("N")
      ->check(CLI::Range(1, 1'000'000).description(""));
  command
      .add_option("--rate-min", options.rate_min,
                  "Cut off who sends or reads content slower than this for half a minute. Default: "
                  "0, any")
      ->type_name("BYTES/S");
  command
      .add_option("--idle-timeout", options.idle_timeout,
                  "How long a connection is kept between two requests. Default: 30")
      ->type_name("SECONDS")
      ->check(CLI::Range(1, 86400).description(""));
  command
      .add_option("--grace", options.grace,
                  "How long responses may go on when a signal came. Default: 5")
      ->type_name("SECONDS")
      ->check(CLI::Range(0, 86400).description(""));
  command
      .add_option("--redirect-http", options.redirect_port,
                  "Send who comes to this port without TLS to HTTPS")
      ->type_name("PORT")
      ->check(CLI::Range(1, 65535).description(""));
  command
      .add_option("--hsts", options.hsts,
                  "Have browsers use nothing but HTTPS here for so long (RFC 6797)")
      ->type_name("SECONDS");
}

}  // namespace

void add_serve(CLI::App& app, Exit& exit) {
  auto options = std::make_shared<ServeOptions>();
  CLI::App* command = app.add_subcommand("serve", "Serve a directory over HTTP or HTTPS");
  add_options(*command, options->site);
  add_options(*command, options->own);
  add_options(*command, options->tls);
  command
      ->add_option("--listen", options->listen,
                   "Serve over the kernel's TCP instead, on this address. May be given more than "
                   "once")
      ->type_name("ADDR[:PORT]")
      ->allow_extra_args(false);
  command->add_flag("--kernel", options->is_kernel,
                    "Serve over the kernel's TCP on all its addresses");
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
  add_limits(*command, *options);
  add_options(*command, options->log);
  command->add_flag("--http1.1", options->only_http1,
                    "No HTTP/2. Without, a client gets it that asks: with TLS by ALPN, else by its "
                    "first bytes");
  command->add_flag("-q,--quiet", options->quiet, "No line for each request");
  command->add_flag("-v,--verbose", options->verbose,
                    "Every connection's states and why, on stderr: of TLS, and of our own TCP");
  command->footer(
      "With --tun or --address, every packet is handled by our own stack: the kernel only carries\n"
      "them to and from the device. With --listen, the kernel's TCP is used.\n"
      "index.html stands for its directory; hidden files are not served, and no name or link "
      "leads\n"
      "out of DIR. Ctrl-C or SIGTERM lets responses finish for --grace, then prints a summary.\n"
      "\nExamples:\n"
      "  handfast serve . --tun hf0 --address 192.0.2.2/24 --address 2001:db8::2/64\n"
      "  handfast serve . --tun hf0 --address 192.0.2.2/24 --impair loss=2%,reorder=1%\n"
      "  handfast serve . --listen 127.0.0.1:8080\n"
      "  handfast serve . --listen 127.0.0.1:8443 --tls --cert server.pem --key server.key\n"
      "  handfast serve . --listen 127.0.0.1:8080 --proxy /api/=http://127.0.0.1:3000/\n");
  command->callback([options, &exit] {
    run_serve(*options);
    exit = Exit::ok;
  });
}

}  // namespace handfast::cli
