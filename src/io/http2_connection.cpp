#include "io/http2_connection.hpp"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <fmt/format.h>

#include "base/assert.hpp"
#include "http/h2/connection.hpp"
#include "http/parser.hpp"
#include "http/redirect.hpp"

namespace handfast::io {
namespace {

namespace h2 = http::h2;

constexpr u32 read_bytes = 64u << 10;
constexpr u32 write_bytes = 64u << 10;

}  // namespace

/// One request and its response. It is on the stack of exchange(); the reader feeds it.
struct Http2Connection::Exchange {
  const HttpLimits& limits;
  HttpSink& sink;
  std::unique_ptr<NetworkTimer> changed;
  HttpProgress progress{};
  Instant moved{};  // the last byte, either way
  std::optional<HttpFailure> failed{};
  bool is_wanted = false;
  bool is_uploading = false;
  bool is_done = false;

  bool is_over() const { return is_done || failed.has_value(); }
  void fail(HttpFailure::Kind kind, std::error_code code, std::string why) {
    if (is_over()) return;
    failed = HttpFailure{kind, code};
    failed->why = std::move(why);
    changed->cancel();
  }

  void on_head(const http::Response& response) {
    progress.on_head(response);
    progress.result.reason = http::reason_phrase(response.status);
    is_wanted = sink.on_head(response, http::content_length(response.fields));
  }
  void on_content(Bytes bytes) {
    progress.result.content_bytes += bytes.size();
    const std::error_code refused = is_wanted ? sink.on_content(bytes) : std::error_code{};
    if (refused) fail(HttpFailure::Kind::sink, refused, {});
  }
  void on_end(http::Fields trailers) {
    if (is_over()) return;
    if (!trailers.empty()) sink.on_trailers(trailers);
    is_done = true;
    changed->cancel();
  }
  void on_reset(h2::Code code) {
    fail(HttpFailure::Kind::cut_off, std::make_error_code(std::errc::connection_reset),
         fmt::format("the server ended the exchange ({})", h2::to_string(code)));
  }

  /// When the server has been silent for too long.
  Instant deadline() const {
    return after(moved, progress.first_byte || is_uploading ? limits.idle : limits.first_byte);
  }
  void time_out() {
    fail(HttpFailure::Kind::timeout, std::make_error_code(std::errc::timed_out),
         progress.first_byte ? "the server stopped sending" : "the server does not answer");
    const Duration limit = progress.first_byte ? limits.idle : limits.first_byte;
    failed->advice =
        fmt::format("nothing came for {:g} s", std::chrono::duration<double>(limit).count());
  }
};

/// The connection as its coroutines see it.
class Http2Connection::Link {
  using Self = std::shared_ptr<Link>;

 public:
  Link(std::unique_ptr<ByteStream> stream, const Network& network, const h2::Config& config)
      : stream_(std::move(stream)),
        network_(network),
        engine_(http::Role::client, config),
        output_wanted_(network.timer()) {
    stream_->expires_never();
  }

  static void start(const Self& self) {
    asio::co_spawn(self->stream_->executor(), read(self), asio::detached);
    asio::co_spawn(self->stream_->executor(), write(self), asio::detached);
  }

  ByteStream& stream() { return *stream_; }
  h2::Connection& engine() { return engine_; }
  const Network& network() const { return network_; }
  bool is_idle() const { return exchanges_.empty(); }
  bool can_take() {
    return !is_over_ && !is_suspect_ && engine_.requests_left() > 0 && stream_->is_alive();
  }
  /// One that did not answer in time is not asked again.
  void suspect() { is_suspect_ = true; }

  void add(h2::StreamId id, Exchange& exchange) { exchanges_.emplace(id, &exchange); }
  void remove(h2::StreamId id) {
    exchanges_.erase(id);
    engine_.release(id);
    flush();
  }
  void flush() {
    has_output_ = true;
    output_wanted_->cancel();
  }
  void end(std::error_code error);

 private:
  static asio::awaitable<void> read(Self self);
  static asio::awaitable<void> write(Self self);
  void take_events();
  void take(const h2::Event& event);
  Exchange* find(h2::StreamId id) {
    const auto at = exchanges_.find(id);
    return at == exchanges_.end() ? nullptr : at->second;
  }

  std::unique_ptr<ByteStream> stream_;
  const Network& network_;
  h2::Connection engine_;
  std::map<h2::StreamId, Exchange*> exchanges_;
  std::unique_ptr<NetworkTimer> output_wanted_;  // never expires: cancelled by flush()
  bool has_output_ = true;
  bool is_over_ = false;
  bool is_suspect_ = false;
};

/// Nothing more goes either way; `error` is why, none where this end wanted it.
void Http2Connection::Link::end(std::error_code error) {
  if (std::exchange(is_over_, true)) return;
  std::string why = stream_->why();
  auto kind = HttpFailure::Kind::stream;
  if (engine_.fault()) {
    kind = HttpFailure::Kind::protocol;
    why = engine_.fault()->why;
  } else if (error == asio::error::eof) {
    kind = HttpFailure::Kind::cut_off;
    why = "the connection ended inside the exchange";
  }
  for (const auto& [id, exchange] : exchanges_) exchange->fail(kind, error, why);
  flush();
  stream_->cancel();
}

asio::awaitable<void> Http2Connection::Link::read(Self self) {
  std::vector<u8> room(read_bytes);
  while (!self->is_over_) {
    const Moved got = co_await self->stream_->read_some(room);
    if (self->is_over_) break;  // and the network may be gone
    self->engine_.on_input(Bytes(room).first(got.bytes), self->network_.now());
    self->take_events();
    if (self->engine_.wants_output()) self->flush();
    if (got.error) self->end(got.error);
    if (self->engine_.is_over()) self->end({});
  }
}

asio::awaitable<void> Http2Connection::Link::write(Self self) {
  std::vector<u8> room(write_bytes);
  while (!self->is_over_) {
    self->has_output_ = false;
    const u32 n = self->engine_.poll_output(room);
    self->take_events();
    const Bytes bytes = Bytes(room).first(n);
    std::error_code error;
    if (n > 0) error = co_await self->stream_->write(bytes);
    if (error) self->end(error);
    if (n > 0 || self->has_output_ || self->is_over_) continue;
    if (self->engine_.is_over()) {
      self->end({});
      break;
    }
    self->output_wanted_->expires_at(never);
    const std::error_code ignored = co_await self->output_wanted_->wait();
    static_cast<void>(ignored);
  }
}

void Http2Connection::Link::take_events() {
  while (const auto event = engine_.poll_event()) take(*event);
}

void Http2Connection::Link::take(const h2::Event& event) {
  const auto exchange_of = [this](h2::StreamId id) {
    Exchange* exchange = find(id);
    if (exchange != nullptr) exchange->moved = network_.now();
    return exchange;
  };
  if (const auto* head = std::get_if<h2::ResponseHead>(&event)) {
    Exchange* exchange = exchange_of(head->stream);
    if (exchange == nullptr) return;
    if (!exchange->progress.first_byte) exchange->progress.first_byte = exchange->moved;
    if (head->response.status >= 200) exchange->on_head(head->response);
  } else if (const auto* content = std::get_if<h2::Content>(&event)) {
    if (Exchange* exchange = exchange_of(content->stream)) exchange->on_content(content->bytes);
    engine_.consume(content->stream, to<u32>(content->bytes.size()));
  } else if (const auto* done = std::get_if<h2::End>(&event)) {
    if (Exchange* exchange = exchange_of(done->stream)) exchange->on_end(done->trailers);
  } else if (const auto* reset = std::get_if<h2::Reset>(&event)) {
    if (Exchange* exchange = exchange_of(reset->stream)) exchange->on_reset(reset->code);
  } else if (const auto* writable = std::get_if<h2::Writable>(&event)) {
    if (Exchange* exchange = exchange_of(writable->stream)) exchange->changed->cancel();
  }
}

// The exchange ------------------------------------------------------------------------------------

namespace {

http::Fields fields_of(const HttpFetch& request, const std::string& host, const std::string& length,
                       std::vector<http::Field>& storage) {
  storage.push_back({"host", host});
  for (const HttpField& field : request.fields)
    if (!is_framing_field(field.name)) storage.push_back({field.name, field.value});
  if (!length.empty()) storage.push_back({"content-length", length});
  return storage;
}

}  // namespace

Http2Connection::Http2Connection(std::unique_ptr<ByteStream> stream, const Network& network,
                                 const h2::Config& config)
    : link_(std::make_shared<Link>(std::move(stream), network, config)) {
  Link::start(link_);
}

Http2Connection::~Http2Connection() { close(); }

bool Http2Connection::can_take() { return link_->can_take(); }
bool Http2Connection::is_idle() const { return link_->is_idle(); }
ByteStream& Http2Connection::stream() { return link_->stream(); }

void Http2Connection::close() {
  link_->end({});
  link_->stream().close();
}

void Http2Connection::abort() {
  link_->end(asio::error::operation_aborted);
  link_->stream().abort();
}

asio::awaitable<HttpOutcome> Http2Connection::exchange(const HttpFetch& request,
                                                       const HttpLimits& limits, HttpSink& sink) {
  const std::shared_ptr<Link> link = link_;
  Exchange it{limits, sink, link->network().timer()};
  it.moved = it.progress.started = link->network().now();
  const auto id = begin(request);
  if (id) {
    link->add(*id, it);
    link->flush();
    if (request.content != nullptr) co_await upload(*id, it, *request.content);
    while (!it.is_over()) {
      const std::error_code ignored = co_await wait(it);
      static_cast<void>(ignored);
    }
    link->remove(*id);
  } else {
    it.fail(HttpFailure::Kind::protocol, {}, std::string(id.error().why));
  }
  co_return it.progress.conclude(std::move(it.failed), link->stream(), link->network().now());
}

Result<h2::StreamId, http::Error> Http2Connection::begin(const HttpFetch& request) {
  const HttpField* named = find(request.fields, "host");
  const std::string host = named != nullptr ? named->value : request.url.authority();
  const auto size = request.content != nullptr ? request.content->length() : std::optional<u64>(0);
  const bool has_length = size && (request.content != nullptr || expects_content(request.method));
  const std::string length = has_length ? std::to_string(*size) : "";
  std::vector<http::Field> fields;
  const http::Request head{request.method, request.url.target, 1,
                           fields_of(request, host, length, fields)};
  return link_->engine().request(head, request.url.is_secure, request.content == nullptr);
}

/// Until something has changed. Too long without a byte: the exchange has failed by that.
asio::awaitable<std::error_code> Http2Connection::wait(Exchange& it) {
  it.changed->expires_at(it.deadline());
  const std::error_code woken = co_await it.changed->wait();
  if (!woken && it.deadline() <= link_->network().now() && !it.is_over()) {
    link_->suspect();
    it.time_out();
  }
  co_return woken;
}

/// Sends content until all of it has gone, or the server wants no more.
asio::awaitable<void> Http2Connection::upload(h2::StreamId id, Exchange& it, HttpSource& source) {
  it.is_uploading = true;
  std::vector<u8> content(write_bytes);
  std::optional<u64> left = source.length();
  bool is_last = left == 0u;
  while (!it.is_over()) {
    Moved got;
    if (!is_last) got = co_await source.read(content);
    if (!got.error && left && (got.bytes > *left || (got.bytes == 0 && !is_last)))
      got.error = std::make_error_code(std::errc::message_size);  // it is not as long as it says
    if (got.error) {
      it.fail(HttpFailure::Kind::source, got.error, {});
      break;
    }
    if (left) *left -= got.bytes;
    is_last = left ? *left == 0 : got.bytes == 0;
    const Bytes piece = Bytes(content).first(got.bytes);
    co_await send(id, it, piece);
    if (is_last) break;
  }
  it.is_uploading = false;
  if (it.is_over()) co_return;
  const auto finished = link_->engine().finish(id);
  ASSERT(finished);
  it.moved = link_->network().now();
  link_->flush();
}

asio::awaitable<void> Http2Connection::send(h2::StreamId id, Exchange& it, Bytes bytes) {
  while (!bytes.empty() && !it.is_over()) {
    const MutBytes space = link_->engine().send_space(id, to<u32>(bytes.size()));
    if (space.empty()) {
      link_->flush();
      const std::error_code ignored = co_await wait(it);
      static_cast<void>(ignored);
      continue;
    }
    std::copy_n(bytes.begin(), space.size(), space.begin());
    link_->engine().send(id, to<u32>(space.size()));
    bytes = bytes.subspan(space.size());
    it.moved = link_->network().now();
    link_->flush();
  }
}

}  // namespace handfast::io
