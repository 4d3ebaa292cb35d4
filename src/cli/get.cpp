// `handfast get URL`: fetches over our own TCP on a TUN device, or over the kernel's.
#include <csignal>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <asio/co_spawn.hpp>
#include <asio/ip/tcp.hpp>
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
#include "io/hosts.hpp"
#include "io/http_client.hpp"
#include "io/kernel_stream.hpp"
#include "io/tcp_stream.hpp"
#include "io/tls_stream.hpp"

namespace handfast::cli {

namespace {

struct GetOptions {
  std::string url{};
  std::string output = "-";
  OwnStackOptions own{};
  TlsClientOptions tls{};
  std::string connect_timeout = "10s";
  std::string idle_timeout = "60s";
  u32 redirects_max = 10;
  bool quiet = false;
  bool verbose = false;
};

/// The kernel's TCP and the system's resolver.
struct KernelNetwork {
  using Stream = io::KernelStream;
  static constexpr const char* name = "the kernel's TCP";

  asio::awaitable<std::vector<wire::IpAddress>> look_up(const http::Url& url) {
    asio::ip::tcp::resolver resolver(executor);
    std::error_code error;
    const auto found = co_await resolver.async_resolve(
        url.host, "", asio::redirect_error(asio::use_awaitable, error));
    std::vector<wire::IpAddress> addresses;
    for (const auto& entry : found) addresses.push_back(io::from_asio(entry.endpoint().address()));
    co_return addresses;
  }
  Stream stream() const { return Stream(executor); }
  static std::string advice() { return "the system's resolver does not know it"; }

  asio::any_io_executor executor;
};

/// Our own TCP; names come from /etc/hosts alone.
struct OwnNetwork {
  using Stream = io::TcpStream;
  static constexpr const char* name = "our own TCP";

  asio::awaitable<std::vector<wire::IpAddress>> look_up(const http::Url& url) {
    co_return io::look_up(url.host);
  }
  Stream stream() const { return Stream(stack); }
  static std::string advice() {
    return "our own stack asks no DNS server yet: give an address, or name it in /etc/hosts";
  }

  io::Stack& stack;
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

/// What went wrong after the connection was open, in words for whoever asked for `url`. `tls_why`
/// is what TLS has to say about it.
Failure failed(const http::Url& url, const io::HttpFailure& failure, const Download& download,
               const std::string& tls_why) {
  using Kind = io::HttpFailure::Kind;
  const std::string got =
      download.is_stdout() || download.written() == 0
          ? fmt::format("{} came", bytes_text(failure.content_bytes))
          : fmt::format("the first {} are in {}", bytes_text(download.written()), download.path());
  switch (failure.kind) {
    case Kind::sink: return {"cannot write", download.path(), failure.code.message()};
    case Kind::timeout: return {"the server stopped sending", url.text(), got};
    case Kind::cut_off: return {failure.why, url.text(), got};
    case Kind::protocol:
      return {"not a valid HTTP/1.1 response", url.text(), failure.why + " (" + got + ")"};
    case Kind::stream: break;
  }
  if (!tls_why.empty()) return {"TLS failed", url.text(), tls_why};
  return {failure.code.message(), url.text(), got};
}

Failure cannot_connect(const wire::Endpoint& endpoint, std::error_code error, Duration limit) {
  const std::string where = wire::to_string(endpoint);
  if (error == std::errc::timed_out)
    return {fmt::format("no answer within {:g} s", std::chrono::duration<double>(limit).count()),
            where, "is the host up, and is there a route to it?"};
  if (error == std::errc::connection_refused)
    return {"connection refused", where, "no server listens on that port"};
  return {"cannot connect to", where, error.message()};
}

template <class Network>
class Fetch {
 public:
  Fetch(const GetOptions& options, Network network)
      : options_(options),
        network_(std::move(network)),
        connect_timeout_(duration_of("--connect-timeout", options.connect_timeout)),
        idle_timeout_(duration_of("--timeout", options.idle_timeout)),
        download_(options.output, options.quiet, options.redirects_max > 0) {}

  /// Throws Failure.
  asio::awaitable<void> run() {
    http::Url url = url_of(options_.url);
    for (u32 redirects = 0;; ++redirects) {
      const io::HttpResult result = co_await fetch(url);
      if (result.status >= 400)
        throw Failure(fmt::format("the server answered {} {}", result.status, result.reason),
                      url.text(), "");
      if (result.location.empty() || options_.redirects_max == 0) break;
      if (redirects == options_.redirects_max)
        throw Failure("too many redirects", url.text(), "--redirects sets how many are followed");
      auto next = http::resolve(url, result.location);
      if (!next) throw Failure("bad redirect", result.location, std::string(next.error().why));
      url = std::move(*next);
      note(fmt::format("redirected to {}", url.text()));
    }
    if (const std::error_code error = download_.finish())
      throw Failure("cannot write", download_.path(), error.message());
    if (options_.output != "-" && !options_.quiet) tell_success();
  }

  void cancel() {
    interrupted_ = true;
    // Not only what waits now: an operation may be over whose coroutine has not heard of it yet.
    if (cancel_) cancel_();
  }
  Failure interrupted() const {
    return {"interrupted", options_.url,
            fmt::format("{} were written", bytes_text(download_.written()))};
  }
  bool was_interrupted() const { return interrupted_; }
  ProgressBar& progress() { return download_.progress(); }

 private:
  using Stream = typename Network::Stream;

  asio::awaitable<io::HttpResult> fetch(const http::Url& url) {
    Stream stream = co_await connect(url);
    if (interrupted_) throw interrupted();
    if (!url.is_secure) co_return co_await ask(url, stream);
    if (!tls_) {
      configure(tls_.emplace(), options_.tls);
      accept(*tls_, options_.tls, url_of(options_.url).host);
    }
    io::TlsStream<Stream> secured(std::move(stream), *tls_, url.host);
    cancel_ = [&secured] { secured.abort(); };
    secured.expires_after(connect_timeout_);
    std::error_code error;
    co_await secured.async_handshake(asio::redirect_error(asio::use_awaitable, error));
    if (error) {
      if (tls_->refused) note("the server's certificate:\n" + describe(tls_->refused->certificate));
      throw Failure(
          "the TLS handshake failed", url.text(),
          (secured.why().empty() ? error.message() : secured.why()) + advice_on_refused(*tls_));
    }
    note(describe(secured.session().summary()));
    const io::HttpResult result = co_await ask(url, secured);
    co_return result;
  }

  /// One request on an open stream, which is closed then.
  template <class Open>
  asio::awaitable<io::HttpResult> ask(const http::Url& url, Open& stream) {
    cancel_ = [&stream] { stream.abort(); };
    io::HttpClient<Open> client(stream, {.idle_timeout = idle_timeout_});
    const auto result = co_await client.get(url, download_);
    cancel_ = nullptr;
    if (!result) {
      download_.progress().clear();
      std::string why;
      if constexpr (requires { stream.why(); }) why = stream.why();
      stream.abort();
      throw failed(url, result.error(), download_, why);
    }
    if constexpr (requires { stream.why(); }) {
      std::error_code ignored;
      stream.expires_after(connect_timeout_);
      co_await stream.async_shutdown(asio::redirect_error(asio::use_awaitable, ignored));
    }
    stream.close();
    co_return *result;
  }

  asio::awaitable<Stream> connect(const http::Url& url) {
    const auto addresses = co_await network_.look_up(url);
    if (addresses.empty()) throw Failure("unknown host", url.host, Network::advice());
    std::error_code error;
    for (const wire::IpAddress& address : addresses) {
      const wire::Endpoint endpoint{address, url.port};
      if (interrupted_)
        throw cannot_connect(endpoint, asio::error::operation_aborted, connect_timeout_);
      note(fmt::format("connecting to {} over {}", wire::to_string(endpoint), Network::name));
      Stream stream = network_.stream();
      cancel_ = [&stream] { stream.abort(); };
      stream.expires_after(connect_timeout_);
      co_await stream.async_connect(endpoint, asio::redirect_error(asio::use_awaitable, error));
      cancel_ = nullptr;
      error = io::outcome(stream, error);
      if (!error) co_return stream;
      if (interrupted_ || address == addresses.back())
        throw cannot_connect(endpoint, error, connect_timeout_);
    }
    throw Failure("unknown host", url.host, Network::advice());
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
  Network network_;
  Duration connect_timeout_;
  Duration idle_timeout_;
  Download download_;
  std::optional<io::TlsContext> tls_;  // with the first https URL
  std::function<void()> cancel_;       // what is under way
  bool interrupted_ = false;
};

/// Runs the transfer, or ends it at SIGINT. Throws Failure.
template <class Network>
void run_fetch(asio::io_context& context, const GetOptions& options, Network network) {
  Fetch<Network> fetch(options, std::move(network));
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
    run_fetch(context, options, OwnNetwork{own.stack()});
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
  if (!options.own.tun.empty() || !options.own.addresses.empty())
    run_own(context, options);
  else
    run_fetch(context, options, KernelNetwork{context.get_executor()});
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
