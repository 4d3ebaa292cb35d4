#include "cli/fetch.hpp"

#include <csignal>
#include <cstdio>
#include <memory>
#include <optional>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/signal_set.hpp>
#include <fmt/format.h>

#include "base/printable.hpp"
#include "cli/command.hpp"
#include "cli/download.hpp"
#include "cli/request_options.hpp"
#include "cli/retry.hpp"
#include "cli/terminal.hpp"
#include "cli/timing.hpp"
#include "cli/watch.hpp"
#include "http/redirect.hpp"
#include "io/driver.hpp"

namespace handfast::cli {

namespace {

SipKey draw_key() {
  Rng rng = io::system_rng();
  return SipKey::draw(rng);
}

/// What went wrong, in words for whoever asked for `url`.
Failure failed(const http::Url& url, const io::HttpFailure& failure, const Download& download) {
  using Kind = io::HttpFailure::Kind;
  const std::string got =
      download.is_stdout() || download.written() == 0
          ? fmt::format("{} came", bytes_text(failure.content_bytes))
          : fmt::format("the first {} are in {}", bytes_text(download.end()), download.path());
  switch (failure.kind) {
    case Kind::sink:
      if (!download.wrong_part().empty())
        return {"not the part that was asked for", url.text(), download.wrong_part()};
      return {"cannot write", download.path(), failure.code.message()};
    case Kind::source: return {"cannot read what is to be sent", "", failure.code.message()};
    case Kind::timeout:
      if (failure.is_answered) return {failure.why, url.text(), got};
      break;
    case Kind::cut_off: return {failure.why, url.text(), got};
    case Kind::protocol:
      return {"not a valid HTTP response", url.text(), failure.why + " (" + got + ")"};
    case Kind::stream:
      if (!failure.why.empty()) return {"TLS failed", url.text(), failure.why};
      return {failure.code.message(), url.text(), got};
    default: break;
  }
  return {failure.why, failure.where, failure.advice};
}

/// The files that the URLs go to. Throws Failure.
std::vector<std::string> paths_of(const GetOptions& options) {
  std::vector<std::string> paths = options.outputs;
  if (paths.size() > options.urls.size())
    throw Failure("more files than URLs", "-o " + paths.back(), "leave it out", Exit::usage);
  for (std::size_t i = paths.size(); i < options.urls.size(); ++i) {
    paths.emplace_back("-");
    if (!options.use_remote_name) continue;
    paths.back() = url_of(options.urls[i]).file_name();
    if (paths.back().empty())
      throw Failure("no file name in the URL", options.urls[i], "name the file by -o", Exit::usage);
  }
  return paths;
}

class Session {
 public:
  /// Of `watcher` and `own`, see observe().
  Session(const GetOptions& options, io::Network& network, trace::Sink* watcher, OwnStack* own)
      : options_(options),
        watcher_(watcher),
        own_(own),
        network_(network),
        paths_(paths_of(options)),
        content_(content_of(options)),
        request_(request_of(options, content_.get())),
        resolver_(network, resolver_options(options, network), draw_key()),
        agent_(
            network, resolver_, [this]() -> io::TlsContext& { return tls(); },
            agent_options(options)),
        pause_(network.timer()) {
    const auto tell = [this](const std::string& text) { note(text); };
    resolver_.on_note = tell;
    agent_.dialer().on_note = tell;
    agent_.dialer().on_secured = [this](const tls::Summary& summary) { note(describe(summary)); };
    if (options_.is_verbose) {
      agent_.on_request = tell_request;
      agent_.on_response = tell_response;
    }
    agent_.on_redirect = [this](const io::HttpResult& result, const http::Url& next) {
      tell_timing(result);
      note(fmt::format("redirected to {}", next.text()));
    };
    add_cookies();
  }

  /// Throws Failure.
  asio::awaitable<void> run() {
    std::optional<Failure> last;
    for (std::size_t i = 0; i < options_.urls.size() && stop_reason_.empty(); ++i) {
      const http::Url url = url_of(options_.urls[i]);
      std::optional<Failure> one = co_await fetch(url, paths_[i]);
      if (one && last) fmt::print(stderr, "{}\n", last->what());
      if (one) last = std::move(one);
    }
    if (stop_reason_.empty()) co_await agent_.close();
    if (last) throw Failure(*last);
  }

  /// Ends what is under way, because of `reason`.
  void stop(std::string reason) {
    if (!stop_reason_.empty()) return;
    stop_reason_ = std::move(reason);
    agent_.cancel();
    pause_->cancel();
  }
  void clear_progress() {
    if (download_ != nullptr) download_->progress().clear();
  }

 private:
  using Outcome = std::optional<Failure>;

  asio::awaitable<Outcome> fetch(http::Url url, std::string path) {
    Download download({.path = std::move(path),
                       .is_quiet = options_.is_quiet,
                       .shows_head = request_.method == "HEAD",
                       .resume = options_.resume});
    download_ = &download;
    Retry retry(options_.retries_max, request_.method);
    Outcome outcome;
    bool again = true;
    while (again) {
      io::HttpFetch request = request_;
      request.url = url;
      for (io::HttpField& field : download.conditions()) request.fields.push_back(std::move(field));
      const io::HttpOutcome result = co_await agent_.fetch(request, download);
      clear_progress();
      outcome = judge(url, result, download);
      again = outcome && stop_reason_.empty() && wants_another(retry, result, download);
      if (!again) break;
      note(fmt::format("{}; trying again in {}", outcome->what(), time_text(retry.delay())));
      pause_->expires_at(after(network_.now(), retry.delay()));
      const std::error_code ended = co_await pause_->wait();
      again = !ended && stop_reason_.empty();
    }
    download_ = nullptr;
    if (outcome && !stop_reason_.empty())
      outcome = Failure(stop_reason_, url.text(),
                        fmt::format("{} were written", bytes_text(download.written())));
    co_return outcome;
  }

  /// Whether another attempt has any prospect; then everything is made ready for it.
  bool wants_another(Retry& retry, const io::HttpOutcome& result, Download& download) {
    if (result && result->status == 412 && !download.conditions().empty()) {
      note("the server has something newer: starting over");
      download.start_over();
      return retry.once_at_once();
    }
    // RFC 8470 §5.2: "MAY … retry … once the TLS handshake is complete".
    if (result && result->status == 425 && tls_ &&
        std::exchange(tls_->config.offers_early_data, false))
      return retry.once_at_once();
    const i64 now = io::wall_now().time_since_epoch().count();
    if (!retry.next(result, now)) return false;
    if (content_ && !content_->rewind()) return false;
    const bool can_resume =
        !options_.is_compressed && options_.range.empty() && request_.method == "GET";
    return download.go_on(can_resume);
  }

  Outcome judge(const http::Url& url, const io::HttpOutcome& result, Download& download) {
    if (!result) {
      io::HttpFailure failure = result.error();
      if (failure.kind == io::HttpFailure::Kind::tls && tls_->refused) {
        note("the server's certificate:\n" + describe(tls_->refused->certificate));
        failure.advice += advice_on_refused(*tls_);
      }
      return failed(url, failure, download);
    }
    if (result->timing.early_data == tls::EarlyData::accepted) note("early data accepted");
    if (result->timing.early_data == tls::EarlyData::rejected) note("early data rejected");
    tell_timing(*result);
    const bool is_all_there =
        result->status == 416 && download.offset() > 0 &&
        download.length_without_more().value_or(download.offset()) == download.offset();
    if (result->status >= 400 && !is_all_there && !download.shows_head())
      return Failure(fmt::format("the server answered {} {}", result->status, result->reason),
                     result->url.text(), advice_on(result->status, download));
    if (const std::error_code error = download.finish())
      return Failure("cannot write", download.path(), error.message());
    if (is_all_there) note("nothing is missing");
    if (!download.is_stdout() && !options_.is_quiet) tell_success(download);
    return std::nullopt;
  }

  static std::string advice_on(u16 status, const Download& download) {
    if (status != 416 || download.offset() == 0) return "";
    return fmt::format(
        "{} bytes are here already, and the server has {}: is it the same file?", download.offset(),
        download.length_without_more() ? std::to_string(*download.length_without_more()) : "fewer");
  }

  /// Throws Failure.
  io::TlsContext& tls() {
    if (tls_) return *tls_;
    configure(tls_.emplace(), options_.tls);
    observe(*tls_, watcher_, own_);
    if (request_.method != "GET" && request_.method != "HEAD")
      tls_->config.offers_early_data = false;  // RFC 8470 §4
    if (options_.only_http1) tls_->config.protocols = {"http/1.1"};
    accept(*tls_, options_.tls, url_of(options_.urls.front()).host);
    return *tls_;
  }

  void add_cookies() {
    const http::Url first = url_of(options_.urls.front());
    const i64 now = io::wall_now().time_since_epoch().count();
    for (std::string_view rest : options_.cookies)
      while (!rest.empty()) {
        const std::string_view one = rest.substr(0, rest.find(';'));
        rest.remove_prefix(std::min(one.size() + 1, rest.size()));
        if (!agent_.cookies().set(first, std::string(one) + "; Path=/", now))
          throw Failure("not a cookie", "--cookie '" + std::string(one) + "'", "write NAME=VALUE",
                        Exit::usage);
      }
  }

  static void tell_request(const io::HttpFetch& request) {
    fmt::print(stderr, "> {} {}\n", request.method, request.url.text());
    for (const io::HttpField& field : request.fields)
      fmt::print(stderr, "> {}: {}\n", field.name, printable(field.value));
  }
  static void tell_response(const http::Response& response) {
    fmt::print(stderr, "< {} {}\n", response.status, printable(response.reason));
    for (const http::Field& field : response.fields)
      fmt::print(stderr, "< {}: {}\n", field.name, printable(field.value));
  }
  void note(const std::string& text) const {
    if (options_.is_verbose) fmt::print(stderr, "* {}\n", text);
  }
  void tell_timing(const io::HttpResult& result) const {
    if (options_.shows_timing) fmt::print(stderr, "{}", timing_table(result));
  }
  static void tell_success(Download& download) {
    const double seconds = std::max(download.progress().seconds(), 1e-6);
    const double rate = static_cast<double>(download.written()) / seconds;
    fmt::print(stderr, "{} in {:.2f} s ({}/s) -> {}\n", bytes_text(download.written()), seconds,
               bytes_text(static_cast<u64>(rate)), download.path());
  }

  const GetOptions& options_;
  trace::Sink* watcher_;
  OwnStack* own_;
  io::Network& network_;
  std::vector<std::string> paths_;
  std::unique_ptr<io::HttpSource> content_;
  io::HttpFetch request_;  // without its URL
  io::Resolver resolver_;
  std::optional<io::TlsContext> tls_;  // with the first https URL
  io::HttpAgent agent_;
  std::unique_ptr<io::NetworkTimer> pause_;
  Download* download_ = nullptr;  // that is under way
  std::string stop_reason_;
};

asio::awaitable<void> stop_at(Session& session, std::unique_ptr<io::NetworkTimer> timer,
                              std::string reason) {
  const std::error_code error = co_await timer->wait();
  if (!error) session.stop(std::move(reason));
}

/// `session` lives as long as `context` runs anything: a question to a name server may still be
/// open when nobody waits for its answer. Throws Failure.
void run_session(asio::io_context& context, const GetOptions& options, io::Network& network,
                 Session& session) {
  asio::signal_set signals(context, SIGINT, SIGTERM);
  signals.async_wait([&](std::error_code error, int) {
    if (!error) session.stop("interrupted");
  });
  if (!options.time_max.empty()) {
    const Duration limit = duration_of("--max-time", options.time_max);
    auto timer = network.timer();
    timer->expires_at(after(network.now(), limit));
    asio::co_spawn(
        context,
        stop_at(session, std::move(timer), fmt::format("not done within {}", time_text(limit))),
        asio::detached);
  }
  std::exception_ptr failure;
  bool done = false;
  asio::co_spawn(context, session.run(), [&](const std::exception_ptr& thrown) {
    failure = thrown;
    done = true;
  });
  while (!done) context.run_one();
  session.clear_progress();
  if (failure) std::rethrow_exception(failure);
}

void run_own(asio::io_context& context, const GetOptions& options) {
  Watch watch(false);
  OwnStack own(context, options.own, options.is_verbose ? &watch : nullptr);
  std::optional<std::string> fault;
  own.on_fault([&](const std::string& what) { fault = what; });
  io::StackNetwork network(own.stack());
  std::optional<Session> session;
  session.emplace(options, network, options.is_verbose ? &watch : nullptr, &own);
  std::exception_ptr failure;
  try {
    run_session(context, options, network, *session);
  } catch (const Failure&) {
    failure = std::current_exception();
  }
  if (fault) throw Failure(*fault, "", "the device must stay until the end");
  own.drain(context);
  session.reset();
  if (options.is_verbose && !own.impairment_summary().empty())
    fmt::print(stderr, "* impairment: {}\n", own.impairment_summary());
  own.finish();
  if (failure) std::rethrow_exception(failure);
}

/// Throws Failure for options that contradict each other.
void check(const GetOptions& options) {
  for (const std::string& url : options.urls) url_of(url);
  const auto refuse = [](const char* what, const char* advice) {
    throw Failure(what, "", advice, Exit::usage);
  };
  const bool is_own = !options.own.tun.empty() || !options.own.addresses.empty();
  if (options.use_kernel && is_own)
    refuse("--kernel and --tun exclude each other", "leave one of them out");
  if (!options.resume.empty() && !options.range.empty())
    refuse("-C and --range exclude each other", "leave one of them out");
  if (!options.resume.empty() && options.is_compressed)
    refuse("-C and --compressed exclude each other", "a part of packed content cannot be unpacked");
  if (!options.resume.empty() && (!options.data.empty() || options.urls.size() > 1))
    refuse("-C goes with one URL and without --data", "leave the rest out");
  if (options.is_head && !options.data.empty())
    refuse("-I and --data exclude each other", "leave one of them out");
}

}  // namespace

void fetch_all(const GetOptions& options) {
  check(options);
  asio::io_context context(1);
  if (!options.own.tun.empty() || !options.own.addresses.empty()) return run_own(context, options);
  io::KernelNetwork network(context.get_executor());
  Watch watch(false);
  Session session(options, network, options.is_verbose ? &watch : nullptr, nullptr);
  run_session(context, options, network, session);
}

}  // namespace handfast::cli
