#include "io/http1_session.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "http/target.hpp"
#include "tls/session.hpp"

namespace handfast::io {
namespace {

constexpr u32 read_bytes_min = 4096;  // room for one read

}  // namespace

Http1Session::Http1Session(AnyStream& stream, HttpService& service)
    : HttpExchange(service),
      stream_(stream),
      connection_(http::Role::server, service.options().http),
      writer_(stream, service) {
  request().client = stream.remote_endpoint();
  if (stream.tls() != nullptr) request().scheme = "https";
}

Http1Session::~Http1Session() { service().give_back(std::move(input_)); }

asio::awaitable<void> Http1Session::run() {
  constexpr Duration soon = 1s;
  constexpr u32 few = 256;  // connections, whose memory does not matter
  const Duration limit = service().options().idle_timeout;
  // Not "while (co_await …) {}": g++ 12 makes a trap of that. And the long wait is here: each
  // coroutine on the way to it would cost its frame's memory.
  for (bool goes_on = true; goes_on;) {
    std::error_code error;
    if (begin_ == end_) {
      if (service().stopping) break;
      idle_ = true;
      error = std::make_error_code(std::errc::timed_out);
      // Who asks again soon finds all in place.
      if (service().counters().connections_open <= few) {
        stream_.expires_after(std::min(soon, limit));
        error = co_await read_more();
      }
      if (error == std::errc::timed_out && limit > soon) {
        release_memory();
        stream_.expires_after(limit - soon);
        const Transferred waited = co_await stream_.wait_to_read();
        error = waited.error;
        if (!error) error = co_await read_more();
      }
      idle_ = false;
    }
    if (error == std::errc::connection_reset) failed_ = true;
    if (error) break;
    goes_on = co_await serve_one();
  }
  if (!http2_bytes_.empty()) co_return;
  if (failed_)
    stream_.abort();
  else
    co_await close();
}

void Http1Session::stop() {
  if (idle_) stream_.cancel();
}

void Http1Session::abort() {
  error_ = asio::error::operation_aborted;
  failed_ = true;
  stream_.cancel();
}

/// One exchange; true where another may follow.
asio::awaitable<bool> Http1Session::serve_one() {
  std::optional<Got> head = take_head();
  if (!head) head = co_await read_head();
  const Got got = *head;
  if (got == Got::nothing) co_return false;
  writer_.begin();
  const bool is_early = stream_.tls() != nullptr && stream_.tls()->is_early();
  const bool must_wait = got == Got::request && is_too_early(request(), is_early);
  if (must_wait) note_refusal({425, "This request has to wait for the handshake's end."});
  if (got == Got::request && !must_wait) {
    co_await service().answer(*this);
  } else {
    co_await service().refuse(*this);
  }
  if (!is_complete()) failed_ = true;
  if (connection_.our_state() == http::State::switched) co_return false;
  if (failed_ || !connection_.keep_alive()) co_return false;
  if (!content_done_) co_await drop_rest();
  co_return content_done_&& connection_.keep_alive();
}

/// What came so far: none where that is too little to tell.
std::optional<Http1Session::Got> Http1Session::take_head() {
  const auto event = next_event();
  if (!event) {
    if (takes_http2_preface()) return Got::nothing;
    const bool can_answer = connection_.our_state() == http::State::idle;
    refuse_head(event.error());
    return can_answer ? Got::refused : Got::nothing;
  }
  if (const auto* request = std::get_if<http::Request>(&*event)) {
    take_request(*request);
    return Got::request;
  }
  if (!std::holds_alternative<http::NeedMore>(*event)) return Got::nothing;
  if (connection_.our_state() == http::State::must_close) return Got::nothing;
  return std::nullopt;
}

asio::awaitable<Http1Session::Got> Http1Session::read_head() {
  bool is_timed = false;
  while (true) {
    // A limit for the whole head: bytes that drip in do not renew it.
    if (!std::exchange(is_timed, true)) stream_.expires_after(service().options().request_timeout);
    const std::error_code error = co_await read_more();
    if (error == std::errc::timed_out) {
      refuse_head({408, "The request took too long."});
      co_return Got::refused;
    }
    if (error) failed_ = true;
    if (error) co_return Got::nothing;
    const std::optional<Got> got = take_head();
    if (got) co_return *got;
  }
}

/// RFC 9113 §3.4: the preface is made to be refused by HTTP/1.1, as a request of version 2.0.
bool Http1Session::takes_http2_preface() {
  const Bytes all = input_.all().first(end_);
  const bool may = service().options().offers_http2 && stream_.tls() == nullptr && is_first_;
  if (!may || !as_text(all).starts_with("PRI * HTTP/2.0\r\n\r\n")) return false;
  http2_bytes_ = all;
  return true;
}

void Http1Session::refuse_head(const http::Error& error) {
  begin();
  request().method = request().target = "-";
  note_refusal(error);
  connection_.end_keep_alive();
}

void Http1Session::take_request(const http::Request& from) {
  begin();
  HttpRequest& to = request();
  to.method = from.method;
  to.target = from.target;
  to.minor_version = from.minor_version;
  to.fields.assign(from.fields);
  to.authority = to.fields.find("host").value_or("");
  to.content_length = connection_.content_left();
  to.has_content = to.content_length != u64{0};
  content_read_ = 0;
  content_done_ = false;
  is_first_ = false;
  if (!to.has_content) {
    // Its end is known already: then content that nobody reads is not in the way.
    const auto end = next_event();
    ASSERT(end && std::holds_alternative<http::EndOfMessage>(*end));
    content_done_ = true;
    // Whoever is slow to take the answer holds the writer's buffer, and not this one too.
    if (begin_ == end_) release_input();
  }
}

/// Reads what is left of the request's content, where that is little.
asio::awaitable<void> Http1Session::drop_rest() {
  const u64 end = content_read_ + service().options().dropped_content_max;
  HttpPiece piece;
  while (!content_done_ && !piece.error && content_read_ <= end) piece = co_await read();
}

Result<http::Event, http::Error> Http1Session::next_event() {
  Bytes in = input_.all().first(end_).subspan(begin_);
  auto event = connection_.next(in);
  begin_ = end_ - to<u32>(in.size());
  return event;
}

asio::awaitable<std::error_code> Http1Session::read_more() {
  if (!input_) {
    const u32 head_max = service().options().http.head_bytes_max;
    input_ = service().take_buffer(std::max(head_max, read_bytes_min) + read_bytes_min);
  }
  const MutBytes all = input_.all();
  if (all.size() - end_ < read_bytes_min) {
    std::copy(all.begin() + begin_, all.begin() + end_, all.begin());
    end_ -= std::exchange(begin_, 0);
  }
  if (begin_ == end_) begin_ = end_ = 0;
  const Transferred got = co_await stream_.read_some(all.subspan(end_));
  end_ += to<u32>(got.bytes);
  if (got.error == asio::error::eof) {
    connection_.end_of_input();
    co_return std::error_code{};
  }
  co_return got.error;
}

void Http1Session::release_input() {
  begin_ = end_ = 0;
  service().give_back(std::move(input_));
}

void Http1Session::release_memory() {
  release_input();
  release();
  connection_.release();
}

/// RFC 9112 §9.6: closing both ways at once could reset the connection before the client has
/// read the last response. So FIN goes first, and what still comes is read and dropped.
asio::awaitable<void> Http1Session::close() {
  stream_.shutdown_send();
  stream_.expires_after(service().options().linger_timeout);
  u64 dropped = 0;
  Transferred got;
  while (!got.error && !service().stopping && dropped <= service().options().dropped_content_max) {
    begin_ = end_ = 0;
    if (!input_) input_ = service().take_buffer(2 * read_bytes_min);
    got = co_await stream_.read_some(input_.all());
    dropped += got.bytes;
  }
  stream_.close();
}

asio::awaitable<HttpPiece> Http1Session::read() {
  while (!content_done_) {
    const auto event = next_event();
    if (!event) co_return refuse_content(event.error());
    if (const auto* data = std::get_if<http::Data>(&*event)) {
      content_read_ += data->bytes.size();
      co_return HttpPiece{{}, data->bytes};
    }
    if (const auto* end = std::get_if<http::EndOfMessage>(&*event)) {
      set_trailers(end->trailers);
      content_done_ = true;
      break;
    }
    if (content_read_ == 0) content_began_ = service().now();
    if (connection_.client_waits() && status() == 0) {
      const http::Response go_on{100};
      std::error_code error = co_await put(go_on);
      if (!error) error = co_await flush();
      if (error) co_return HttpPiece{error, {}};
    }
    stream_.expires_after(
        service().limit(service().options().content_timeout, content_read_, content_began_));
    const std::error_code error = co_await read_more();
    if (error == std::errc::timed_out)
      co_return refuse_content({408, "The content took too long."});
    if (error) co_return HttpPiece{broken(error), {}};
  }
  co_return HttpPiece{};
}

/// What is wrong with the content: the client hears it where it has heard nothing yet.
HttpPiece Http1Session::refuse_content(const http::Error& error) {
  connection_.end_keep_alive();
  note_refusal(error);
  const bool is_late = error.status == 408;
  return {std::make_error_code(is_late ? std::errc::timed_out : std::errc::bad_message), {}};
}

std::error_code Http1Session::broken(std::error_code error) {
  if (error) {
    error_ = error;
    failed_ = true;
  }
  return error;
}

bool Http1Session::put_now(const http::Event& event, std::error_code& error) {
  error = error_;
  if (error) return true;
  const auto n = connection_.send(event, writer_.room());
  // There may have been too little room; a failed send() has changed nothing.
  if (!n && writer_.holds()) return false;
  if (n)
    writer_.hold(*n);
  else
    error = std::make_error_code(std::errc::invalid_argument);
  return true;
}

asio::awaitable<std::error_code> Http1Session::put(const http::Event& event) {
  std::error_code error;
  if (put_now(event, error)) co_return error;
  error = broken(co_await writer_.flush(true));
  if (!error) put_now(event, error);
  co_return error;
}

bool Http1Session::flush_now(std::error_code& error) {
  const bool is_over = writer_.flush_now(false, error);
  error = broken(error);
  return is_over;
}

asio::awaitable<std::error_code> Http1Session::flush() {
  co_return broken(co_await writer_.flush(false));
}

asio::awaitable<std::error_code> Http1Session::send_informational(u16 status, http::Fields fields) {
  // An HTTP/1.0 client does not know of them (RFC 9110 §15.2).
  if (request().minor_version == 0) co_return std::error_code{};
  if (status < 102 || status > 199) co_return std::make_error_code(std::errc::invalid_argument);
  const http::Response response{status, {}, 1, fields};
  std::error_code error = co_await put(response);
  if (!error) error = co_await flush();
  co_return error;
}

asio::awaitable<std::error_code> Http1Session::put_head(u16 status, http::Fields fields,
                                                        bool more) {
  // Content that was refused, or that the client still holds back, is not wanted any more.
  const bool is_left = !content_done_ && (connection_.client_waits() || refusal());
  if (is_left || service().stopping || !service().options().keep_alive)
    connection_.end_keep_alive();
  const http::Response response{status, {}, 1, fields};
  std::error_code error;
  if (!put_now(response, error)) error = co_await put(response);
  if (error) co_return error;
  note_head(status);
  if (!more && !flush_now(error)) error = co_await flush();
  co_return error;
}

asio::awaitable<std::error_code> Http1Session::write(Bytes content, bool more) {
  if (error_) co_return error_;
  if (sends_no_content()) co_return std::error_code{};
  std::error_code error;
  if (connection_.sends_raw_content()) {
    if (!connection_.sent_content(content.size()))
      co_return std::make_error_code(std::errc::invalid_argument);
    if (!writer_.keep(content, more))
      error = broken(co_await writer_.write(content, more));
    else if (!more && !flush_now(error))
      error = co_await flush();
    if (!error) note_content(content.size());
    co_return error;
  }
  constexpr std::size_t chunk_max = 16u << 10;
  while (!content.empty() && !error) {
    const Bytes chunk = content.first(std::min(content.size(), chunk_max));
    const http::Data data{chunk};
    error = co_await put(data);
    if (!error) note_content(chunk.size());
    content = content.subspan(chunk.size());
  }
  if (!error && !more) error = co_await flush();
  co_return error;
}

asio::awaitable<std::error_code> Http1Session::write_file(const link::Descriptor& file,
                                                          http::ByteRange part, bool more) {
  if (sends_no_content() || !connection_.sends_raw_content())
    co_return co_await HttpExchange::write_file(file, part, more);
  std::error_code error = error_;
  while (part.length > 0 && !error) {
    if (!writer_.has_room_for_file()) error = broken(co_await writer_.make_room());
    if (error) break;
    const Transferred done = writer_.take_file(file, part, more);
    error = broken(done.error);
    if (error) break;
    if (!connection_.sent_content(done.bytes))
      co_return std::make_error_code(std::errc::invalid_argument);
    note_content(done.bytes);
    part.first += done.bytes;
    part.length -= done.bytes;
  }
  if (!error && !more && !flush_now(error)) error = co_await flush();
  co_return error;
}

asio::awaitable<std::error_code> Http1Session::finish(http::Fields trailers) {
  if (connection_.sends_raw_content()) trailers = {};
  const http::EndOfMessage end{trailers};
  std::error_code error;
  if (!put_now(end, error)) error = co_await put(end);
  if (!error && !flush_now(error)) error = co_await flush();
  if (!error) note_complete();
  co_return error;
}

asio::awaitable<HttpTunnel> Http1Session::switch_protocols(http::Fields fields) {
  HttpTunnel tunnel;
  using Offer = http::Connection::Offer;
  if (connection_.offer() == Offer::none || !content_done_) {
    tunnel.error = std::make_error_code(std::errc::operation_not_supported);
    co_return tunnel;
  }
  const u16 agreed = connection_.offer() == Offer::tunnel ? 200 : 101;
  const http::Response response{agreed, {}, 1, fields};
  tunnel.error = co_await put(response);
  if (!tunnel.error) tunnel.error = co_await flush();
  if (tunnel.error) co_return tunnel;
  note_head(agreed);
  note_complete();
  stream_.expires_never();
  tunnel.stream = &stream_;
  tunnel.early = input_.all().first(end_).subspan(begin_);
  co_return tunnel;
}

}  // namespace handfast::io
