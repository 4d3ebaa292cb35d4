#include "io/http2_session.hpp"

#include <algorithm>
#include <utility>

#include <asio/co_spawn.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>

namespace handfast::io {

Http2Session::Http2Session(AnyStream& stream, HttpService& service, Bytes received)
    : stream_(stream),
      service_(service),
      client_(stream.remote_endpoint()),
      connection_(http::Role::server, service.options().http2),
      received_(received.begin(), received.end()),
      output_wanted_(stream.get_executor(), asio::steady_timer::time_point::max()),
      changed_(stream.get_executor(), asio::steady_timer::time_point::max()),
      idle_since_(service.now()) {}

asio::awaitable<void> Http2Session::run() {
  asio::co_spawn(stream_.get_executor(), write_all(), [this](const std::exception_ptr&) {
    is_writer_over_ = true;
    // The reader waits for what nobody will answer any more.
    if (is_reading_) stream_.cancel();
    changed_.cancel();
  });
  if (service_.stopping) stop();
  connection_.on_input(received_, service_.now());
  take_events();
  received_ = std::vector<u8>();
  co_await read_all();
  is_reading_ = false;
  connection_.on_end_of_input();
  take_events();
  flush();
  while (!exchanges_.empty() || !is_writer_over_) co_await wait(changed_);
  if (has_failed_)
    stream_.abort();
  else
    co_await close();
}

void Http2Session::stop() {
  connection_.shut_down();
  is_ending_ = true;
  idle_since_ = service_.now();
  flush();
  set_limit();
}

void Http2Session::abort() {
  has_failed_ = true;
  for (auto& [id, exchange] : exchanges_) exchange.fail(asio::error::operation_aborted);
  stream_.abort();  // a handler may take its time
  flush();
}

asio::awaitable<void> Http2Session::wait(asio::steady_timer& timer) {
  std::error_code ignored;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

u32 Http2Session::buffer_bytes() const {
  return std::max(service_.buffer_bytes(stream_), http::h2::Connection::output_room_min);
}

// Reading ----------------------------------------------------------------------------------------

asio::awaitable<void> Http2Session::read_all() {
  Buffer buffer;
  while (!has_failed_ && !is_writer_over_) {
    const Transferred got = co_await read_some(buffer);
    if (got.error == std::errc::timed_out) {
      if (!on_time_out()) break;
      flush();
      continue;
    }
    if (got.error) {
      if (got.error != asio::error::eof && !is_writer_over_) has_failed_ = true;
      break;
    }
    connection_.on_input(buffer.all().first(got.bytes), service_.now());
    take_events();
    if (connection_.wants_output() || connection_.is_over()) flush();
  }
  service_.give_back(std::move(buffer));
}

asio::awaitable<Transferred> Http2Session::read_some(Buffer& buffer) {
  set_limit();
  if (exchanges_.empty()) {
    service_.give_back(std::exchange(buffer, Buffer()));
    const Transferred waited = co_await stream_.wait_to_read();
    if (waited.error) co_return waited;
  }
  if (!buffer) buffer = service_.take_buffer(buffer_bytes());
  co_return co_await stream_.read_some(buffer.all());
}

void Http2Session::take_events() {
  namespace h2 = http::h2;
  while (const auto event = connection_.poll_event()) {
    if (const auto* head = std::get_if<h2::RequestHead>(&*event)) {
      make(head->stream).take_request(head->request, head->has_content);
      begin(head->stream);
    } else if (const auto* refused = std::get_if<h2::RequestRefused>(&*event)) {
      make(refused->stream).refuse(refused->request, refused->error);
      begin(refused->stream);
    } else if (const auto* content = std::get_if<h2::Content>(&*event)) {
      Http2Exchange* exchange = find(content->stream);
      if (exchange != nullptr) exchange->take_content(content->bytes);
    } else if (const auto* end = std::get_if<h2::End>(&*event)) {
      if (Http2Exchange* exchange = find(end->stream)) exchange->take_end(end->trailers);
    } else if (const auto* reset = std::get_if<h2::Reset>(&*event)) {
      if (Http2Exchange* exchange = find(reset->stream))
        exchange->fail(std::make_error_code(std::errc::connection_reset));
    } else if (const auto* writable = std::get_if<h2::Writable>(&*event)) {
      if (Http2Exchange* exchange = find(writable->stream)) exchange->wake();
    }
  }
}

// Requests ---------------------------------------------------------------------------------------

Http2Exchange* Http2Session::find(http::h2::StreamId id) {
  const auto at = exchanges_.find(id);
  return at == exchanges_.end() ? nullptr : &at->second;
}

Http2Exchange& Http2Session::make(http::h2::StreamId id) {
  return exchanges_.try_emplace(id, *this, id).first->second;
}

void Http2Session::begin(http::h2::StreamId id) {
  Http2Exchange& exchange = *find(id);
  if (has_failed_) exchange.fail(asio::error::operation_aborted);
  asio::co_spawn(stream_.get_executor(), exchange.run(),
                 [this, id](const std::exception_ptr&) { end(id); });
}

void Http2Session::end(http::h2::StreamId id) {
  const u32 unread = find(id)->unread();
  if (unread > 0) connection_.consume(id, unread);
  connection_.release(id);
  exchanges_.erase(id);
  if (!service_.options().keep_alive) stop();
  // While others are open, a limit that was this one's passes for nothing.
  if (exchanges_.empty()) {
    idle_since_ = service_.now();
    set_limit();
  }
  flush();
  changed_.cancel();
}

// Writing ----------------------------------------------------------------------------------------

void Http2Session::flush() {
  if (!std::exchange(has_output_, true)) output_wanted_.cancel();
}

asio::awaitable<void> Http2Session::write_all() {
  Buffer buffer;
  while (!has_failed_) {
    if (!buffer) buffer = service_.take_buffer(buffer_bytes());
    has_output_ = false;
    const bool has_written = co_await write_output(buffer);
    if (has_written || has_output_) continue;
    service_.give_back(std::exchange(buffer, Buffer()));
    if (connection_.is_over() || (!is_reading_ && exchanges_.empty())) break;
    co_await wait(output_wanted_);
  }
  service_.give_back(std::move(buffer));
}

/// False where there was nothing to write, or it failed.
asio::awaitable<bool> Http2Session::write_output(Buffer& buffer) {
  const u32 n = connection_.poll_output(buffer.all());
  take_events();
  Bytes rest = buffer.all().first(n);
  if (n == 0) {
    if (std::exchange(is_writing_, false)) set_limit();
    co_return false;
  }
  // What one turn of the loop has made is not so much that others would wait.
  const Transferred at_once = stream_.write_now(rest);
  written_ += at_once.bytes;
  rest = rest.subspan(at_once.bytes);
  has_failed_ = has_failed_ || at_once.error;
  if (rest.empty() || has_failed_) co_return !has_failed_;
  if (!std::exchange(is_writing_, true)) {
    written_ = 0;
    writing_since_ = service_.now();
  }
  while (!rest.empty()) {
    set_limit();
    const Transferred done = co_await stream_.write_some(rest);
    if (done.error) {
      has_failed_ = true;
      co_return false;
    }
    written_ += done.bytes;
    rest = rest.subspan(done.bytes);
  }
  co_return true;
}

/// RFC 9113 §5.4.1: what was said last should reach the client before a reset does.
asio::awaitable<void> Http2Session::close() {
  stream_.shutdown_send();
  stream_.expires_after(service_.options().linger_timeout);
  Buffer buffer = service_.take_buffer(buffer_bytes());
  u64 dropped = 0;
  Transferred got;
  while (!got.error && dropped <= service_.options().dropped_content_max) {
    got = co_await stream_.read_some(buffer.all());
    dropped += got.bytes;
  }
  service_.give_back(std::move(buffer));
  stream_.close();
}

// Time -------------------------------------------------------------------------------------------

/// While something is being written, that alone counts: a limit that passes would tear the record
/// of TLS that is on its way.
void Http2Session::set_limit() {
  const HttpServerOptions& options = service_.options();
  const Instant now = service_.now();
  Instant first = never;
  if (is_writing_) {
    first = after(now, service_.limit(options.write_timeout, written_, writing_since_));
  } else if (exchanges_.empty()) {
    first = after(idle_since_, is_ending_ ? options.linger_timeout : options.idle_timeout);
  } else {
    for (const auto& [id, exchange] : exchanges_) first = std::min(first, exchange.deadline());
  }
  limit_ = first;
  if (first == never)
    stream_.expires_never();
  else
    stream_.expires_after(std::max(first - now, Duration{}));
}

void Http2Session::watch(Instant deadline) {
  if (!is_writing_ && deadline < limit_) set_limit();
}

bool Http2Session::on_time_out() {
  const Instant now = service_.now();
  if (is_writing_) return false;
  for (auto& [id, exchange] : exchanges_)
    if (exchange.deadline() <= now) exchange.on_deadline();
  const bool is_idle = exchanges_.empty() && limit_ <= now;
  if (!is_idle) return true;
  if (is_ending_) return false;
  stop();
  return true;
}

}  // namespace handfast::io
