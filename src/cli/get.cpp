// `handfast get URL`: fetches over our own TCP on a TUN device, or over the kernel's.
#include <csignal>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <asio/co_spawn.hpp>
#include <asio/signal_set.hpp>
#include <fmt/format.h>

#include "cli/command.hpp"
#include "cli/download.hpp"
#include "cli/own_stack.hpp"
#include "cli/terminal.hpp"
#include "cli/tls_options.hpp"
#include "cli/units.hpp"
#include "cli/watch.hpp"
#include "http/target.hpp"
#include "io/driver.hpp"
#include "io/http_agent.hpp"
#include "io/networks.hpp"
#include "io/resolver.hpp"

namespace handfast::cli {

namespace {

struct GetOptions {
  std::string url{};
  std::string output = "-";
  OwnStackOptions own{};
  TlsClientOptions tls{};
  std::vector<std::string> name_servers{};
  std::string connect_timeout = "10s";
  std::string idle_timeout = "60s";
  u32 redirects_max = 10;
  bool quiet = false;
  bool verbose = false;
};

Duration duration_of(const char* option, const std::string& text) {
  const bool is_bare = text.find_first_not_of("0123456789.") == std::string::npos;
  const auto time = parse_duration(is_bare ? text + "s" : text);
  if (!time || *time == Duration{})
    throw Failure("not a time", fmt::format("{} {}", option, text), "write 10s or 500ms",
                  Exit::usage);
  return *time;
}

http::Url url_of(const std::string& text) {
  auto url = http::parse_url(text);
  if (!url) throw Failure("bad URL", text, std::string(url.error().why), Exit::usage);
  return std::move(*url);
}

/// What went wrong, in words for whoever asked for `url`.
Failure failed(const http::Url& url, const io::HttpFailure& failure, const Download& download) {
  using Kind = io::HttpFailure::Kind;
  const std::string got =
      download.is_stdout() || download.written() == 0
          ? fmt::format("{} came", bytes_text(failure.content_bytes))
          : fmt::format("the first {} are in {}", bytes_text(download.written()), download.path());
  switch (failure.kind) {
    case Kind::sink: return {"cannot write", download.path(), failure.code.message()};
    case Kind::timeout:
      if (failure.is_answered) return {failure.why, url.text(), got};
      break;
    case Kind::cut_off: return {failure.why, url.text(), got};
    case Kind::protocol:
      return {"not a valid HTTP/1.1 response", url.text(), failure.why + " (" + got + ")"};
    case Kind::stream:
      if (!failure.why.empty()) return {"TLS failed", url.text(), failure.why};
      return {failure.code.message(), url.text(), got};
    default: break;
  }
  return {failure.why, failure.where, failure.advice};
}

SipKey draw_key() {
  Rng rng = io::system_rng();
  return SipKey::draw(rng);
}

/// Name servers of --dns, or else those of /etc/resolv.conf. Throws Failure.
io::Resolver::Options names_of(const GetOptions& options, const io::Network& network) {
  io::Resolver::Options names{.conf = io::load_resolv_conf()};
  auto& servers = names.conf.dns.servers;
  if (!options.name_servers.empty()) servers.clear();
  for (const std::string& text : options.name_servers) {
    const auto address = wire::IpAddress::parse(text);
    const auto endpoint = address ? wire::Endpoint{*address, wire::dns_port}
                                  : wire::Endpoint::parse(text).value_or(wire::Endpoint{});
    if (endpoint.port == 0)
      throw Failure("not a name server's address", "--dns " + text,
                    "write 192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:5353", Exit::usage);
    servers.push_back(endpoint);
  }
  // Such as systemd-resolved at 127.0.0.53.
  if (!network.has_loopback())
    std::erase_if(servers, [](const wire::Endpoint& one) { return one.address.is_loopback(); });
  return names;
}

class Fetch {
 public:
  Fetch(const GetOptions& options, io::Network& network)
      : options_(options),
        download_(options.output, options.quiet),
        resolver_(network, names_of(options, network), draw_key()),
        agent_(
            network, resolver_, [this]() -> io::TlsContext& { return tls(); }, settings(options)) {
    resolver_.on_note = [this](const std::string& text) { note(text); };
    agent_.dialer().on_note = [this](const std::string& text) { note(text); };
    agent_.dialer().on_secured = [this](const tls::Summary& summary) { note(describe(summary)); };
    agent_.on_redirect = [this](const io::HttpResult&, const http::Url& next) {
      note(fmt::format("redirected to {}", next.text()));
    };
  }

  /// Throws Failure.
  asio::awaitable<void> run() {
    const http::Url url = url_of(options_.url);
    const io::HttpFetch request{.url = url};
    const auto result = co_await agent_.fetch(request, download_);
    download_.progress().clear();
    if (!result) {
      io::HttpFailure failure = result.error();
      if (failure.kind == io::HttpFailure::Kind::tls && tls_->refused) {
        note("the server's certificate:\n" + describe(tls_->refused->certificate));
        failure.advice += advice_on_refused(*tls_);
      }
      throw failed(url, failure, download_);
    }
    if (result->status >= 400)
      throw Failure(fmt::format("the server answered {} {}", result->status, result->reason),
                    result->url.text(), "");
    co_await agent_.close();
    if (const std::error_code error = download_.finish())
      throw Failure("cannot write", download_.path(), error.message());
    if (options_.output != "-" && !options_.quiet) tell_success();
  }

  void cancel() {
    interrupted_ = true;
    agent_.cancel();
  }
  Failure interrupted() const {
    return {"interrupted", options_.url,
            fmt::format("{} were written", bytes_text(download_.written()))};
  }
  bool was_interrupted() const { return interrupted_; }
  ProgressBar& progress() { return download_.progress(); }

 private:
  static io::HttpAgent::Options settings(const GetOptions& options) {
    io::HttpAgent::Options settings;
    settings.redirects_max = options.redirects_max;
    settings.dial.connect_timeout = duration_of("--connect-timeout", options.connect_timeout);
    settings.dial.tls_timeout = settings.dial.connect_timeout;
    settings.limits.idle = duration_of("--timeout", options.idle_timeout);
    settings.limits.first_byte = settings.limits.idle;
    return settings;
  }

  /// Throws Failure.
  io::TlsContext& tls() {
    if (!tls_) {
      configure(tls_.emplace(), options_.tls);
      accept(*tls_, options_.tls, url_of(options_.url).host);
    }
    return *tls_;
  }

  void note(const std::string& text) const {
    if (options_.verbose) fmt::print(stderr, "* {}\n", text);
  }

  void tell_success() {
    const double seconds = std::max(download_.progress().seconds(), 1e-6);
    const double rate = static_cast<double>(download_.written()) / seconds;
    fmt::print(stderr, "{} in {:.2f} s ({}/s) -> {}\n", bytes_text(download_.written()), seconds,
               bytes_text(static_cast<u64>(rate)), download_.path());
  }

  const GetOptions& options_;
  Download download_;
  io::Resolver resolver_;
  std::optional<io::TlsContext> tls_;  // with the first https URL
  io::HttpAgent agent_;
  bool interrupted_ = false;
};

/// Runs the transfer, or ends it at SIGINT. Throws Failure.
void run_fetch(asio::io_context& context, const GetOptions& options, io::Network& network) {
  Fetch fetch(options, network);
  asio::signal_set signals(context, SIGINT, SIGTERM);
  signals.async_wait([&](std::error_code error, int) {
    if (!error) fetch.cancel();
  });
  std::exception_ptr failure;
  bool done = false;
  asio::co_spawn(context, fetch.run(), [&](const std::exception_ptr& thrown) {
    failure = thrown;
    done = true;
  });
  while (!done) context.run_one();
  fetch.progress().clear();
  if (fetch.was_interrupted()) throw fetch.interrupted();
  if (failure) std::rethrow_exception(failure);
}

void run_own(asio::io_context& context, const GetOptions& options) {
  Watch watch;
  OwnStack own(context, options.own, options.verbose ? &watch : nullptr);
  std::optional<std::string> fault;
  own.on_fault([&](const std::string& what) { fault = what; });
  std::exception_ptr failure;
  try {
    io::StackNetwork network(own.stack());
    run_fetch(context, options, network);
  } catch (const Failure&) {
    failure = std::current_exception();
  }
  if (fault) throw Failure(*fault, "", "the device must stay until the end");
  own.drain(context);
  if (options.verbose && !own.impairment_summary().empty())
    fmt::print(stderr, "* impairment: {}\n", own.impairment_summary());
  own.finish();
  if (failure) std::rethrow_exception(failure);
}

void run_get(const GetOptions& options) {
  url_of(options.url);
  asio::io_context context(1);
  if (!options.own.tun.empty() || !options.own.addresses.empty()) return run_own(context, options);
  io::KernelNetwork network(context.get_executor());
  run_fetch(context, options, network);
}

}  // namespace

void add_get(CLI::App& app, Exit& exit) {
  auto options = std::make_shared<GetOptions>();
  CLI::App* command = app.add_subcommand("get", "Fetch a URL over HTTP or HTTPS");
  command->add_option("URL", options->url, "http[s]://host[:port][/path]")->required();
  command->add_option("-o,--output", options->output, "Write to this file; - is standard output")
      ->type_name("FILE");
  add_options(*command, options->own);
  add_options(*command, options->tls);
  command
      ->add_option("--dns", options->name_servers,
                   "Ask this name server, instead of those of /etc/resolv.conf. May be given more "
                   "than once")
      ->type_name("ADDR[:PORT]")
      ->allow_extra_args(false);
  command
      ->add_option("--connect-timeout", options->connect_timeout,
                   "Give a connection up after this (default 10s)")
      ->type_name("TIME");
  command
      ->add_option("--timeout", options->idle_timeout,
                   "Give up when nothing has come for this long (default 60s)")
      ->type_name("TIME");
  command
      ->add_option("--redirects", options->redirects_max,
                   "Follow at most this many (default 10; 0 shows the redirect itself)")
      ->type_name("N");
  command->add_flag("-q,--quiet", options->quiet, "No progress and no summary");
  command->add_flag("-v,--verbose", options->verbose,
                    "What happens, on stderr; with our own TCP its states and why");
  command->footer(
      "With --tun or --address the connection is our own from the first SYN: the kernel only\n"
      "carries packets to and from the device. Without, the kernel's TCP is used.\n"
      "Fails if the server answers with an error, or if not all of it came.\n"
      "An https URL is fetched by TLS 1.3 or 1.2 of our own; SSLKEYLOGFILE names a file for its "
      "keys.\n"
      "\nExamples:\n"
      "  handfast get http://192.0.2.1/ --tun hf0 --address 192.0.2.2/24 -v\n"
      "  handfast get http://[2001:db8::1]:8080/a.bin -o a.bin --tun hf0 --address "
      "2001:db8::2/64\n"
      "  handfast get http://127.0.0.1:8080/            over the kernel's TCP\n"
      "  handfast get https://server.lan/ --ca ca.pem\n");
  command->callback([options, &exit] {
    run_get(*options);
    exit = Exit::ok;
  });
}

}  // namespace handfast::cli
