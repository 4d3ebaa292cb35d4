#include "io/http1_connection.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <asio/co_spawn.hpp>
#include <fmt/format.h>

#include "base/assert.hpp"
#include "http/grammar.hpp"
#include "http/redirect.hpp"

namespace handfast::io {
namespace {

std::string seconds_text(Duration time) {
  return fmt::format("{:g} s", std::chrono::duration<double>(time).count());
}

}  // namespace

Http1Connection::Http1Connection(std::unique_ptr<ByteStream> stream, const Network& network,
                                 const Options& options)
    : stream_(std::move(stream)),
      network_(network),
      options_(options),
      connection_(http::Role::client, options.http),
      changed_(network.timer()) {}

bool Http1Connection::can_take() {
  return !is_busy_ && options_.keep_alive && connection_.our_state() == http::State::idle &&
         begin_ == end_ && !is_broken_ && stream_->is_alive();
}

void Http1Connection::close() {
  if (is_busy_)
    stream_->abort();
  else
    stream_->close();
}

void Http1Connection::begin() {
  progress_ = {.started = network_.now()};
  upload_ = Upload::none;
  has_consent_ = is_wanted_ = is_done_ = false;
  source_error_.clear();
  is_busy_ = true;
}

asio::awaitable<HttpOutcome> Http1Connection::exchange(const HttpFetch& request,
                                                       const HttpLimits& limits, HttpSink& sink) {
  begin();
  stream_->expires_after(limits.idle);
  Outcome failed = co_await send_head(request);
  if (!failed && request.content != nullptr) start_upload(request, limits);
  while (!failed && !is_done_) failed = co_await step(limits, sink);
  if (upload_ == Upload::running) co_await stop_upload();
  stream_->expires_never();
  co_return finish(std::move(failed));
}

HttpOutcome Http1Connection::finish(Outcome failed) {
  is_busy_ = false;
  HttpOutcome outcome = progress_.conclude(std::move(failed), *stream_, network_.now());
  if (!outcome) stream_->abort();
  return outcome;
}

std::vector<http::Field> Http1Connection::make_fields(const HttpFetch& request,
                                                      const std::string& host,
                                                      const std::string& length) const {
  std::vector<http::Field> fields{{"Host", host}};
  for (const HttpField& field : request.fields)
    if (!is_framing_field(field.name)) fields.push_back({field.name, field.value});
  if (!length.empty())
    fields.push_back({"Content-Length", length});
  else if (request.content != nullptr)
    fields.push_back({"Transfer-Encoding", "chunked"});
  if (!has_consent_) fields.push_back({"Expect", "100-continue"});
  if (!options_.keep_alive) fields.push_back({"Connection", "close"});
  return fields;
}

asio::awaitable<Http1Connection::Outcome> Http1Connection::send_head(const HttpFetch& request) {
  const HttpField* named = find(request.fields, "host");
  const std::string host = named != nullptr ? named->value : request.url.authority();
  const auto size = request.content != nullptr ? request.content->length() : std::optional<u64>(0);
  const bool has_length = size && (request.content != nullptr || expects_content(request.method));
  const std::string length = has_length ? std::to_string(*size) : "";
  has_consent_ = size && *size < expect_bytes_min;
  const std::string target = options_.is_to_proxy && !request.url.is_secure
                                 ? "http://" + request.url.authority() + request.url.target
                                 : request.url.target;
  const std::vector<http::Field> fields = make_fields(request, host, length);

  std::size_t room_size = 64 + request.method.size() + target.size();
  for (const http::Field& field : fields) room_size += field.name.size() + field.value.size() + 4;
  std::vector<u8> room(room_size);
  const http::Request head{request.method, target, 1, fields};
  const auto n = connection_.send(head, room);
  if (!n) co_return protocol(n.error());
  if (request.content == nullptr)
    if (const auto end = connection_.send(http::EndOfMessage{}, {}); !end)
      co_return protocol(end.error());
  const Bytes bytes = Bytes(room).first(*n);
  const std::error_code error = co_await stream_->write(bytes);
  if (error) {
    const HttpLimits none{};
    co_return stream_failure(error, none);
  }
  co_return std::nullopt;
}

// The request's content ---------------------------------------------------------------------------

void Http1Connection::start_upload(const HttpFetch& request, const HttpLimits& limits) {
  upload_ = Upload::running;
  asio::co_spawn(
      stream_->executor(), upload(request.content, limits.idle),
      [this, first_byte = limits.first_byte](const std::exception_ptr& thrown, Upload outcome) {
        if (thrown) std::rethrow_exception(thrown);
        upload_ = outcome;
        if (source_error_) stream_->cancel();
        if (outcome == Upload::complete && !progress_.first_byte)
          stream_->expires_after(first_byte);
        changed_->cancel();
      });
}

asio::awaitable<Http1Connection::Upload> Http1Connection::upload(HttpSource* source,
                                                                 Duration idle) {
  if (!has_consent_) {
    // A server that does not know of Expect says nothing; then content goes all the same.
    changed_->expires_at(after(network_.now(), consent_wait_max));
    const std::error_code error = co_await changed_->wait();
    changed_->expires_at(never);
    // The final response is there without it.
    if (error && !has_consent_) co_return Upload::stopped;
  }
  const Upload outcome = co_await send_content(source, idle);
  co_return outcome;
}

/// What the server has said about it, if it did, is worth more than that it listens no more.
asio::awaitable<Http1Connection::Upload> Http1Connection::send_content(HttpSource* source,
                                                                       Duration idle) {
  std::vector<u8> content(write_bytes);
  std::vector<u8> room(write_bytes + http::Connection::data_overhead_max);
  std::optional<u64> left = source->length();
  bool is_last = left == 0u;
  while (!is_done_) {
    Moved got;
    if (!is_last) got = co_await source->read(content);
    if (!got.error && left && (got.bytes > *left || (got.bytes == 0 && !is_last)))
      got.error = std::make_error_code(std::errc::message_size);  // it is not as long as it says
    source_error_ = got.error;
    if (got.error) co_return Upload::failed;
    if (is_done_) break;
    if (left) *left -= got.bytes;
    is_last = left ? *left == 0 : got.bytes == 0;
    if (!progress_.first_byte) stream_->expires_after(idle);
    const Bytes bytes = frame_content(Bytes(content).first(got.bytes), is_last, room);
    const std::error_code error = co_await stream_->write(bytes);
    if (error) co_return Upload::failed;
    if (is_last) co_return Upload::complete;
  }
  co_return Upload::stopped;
}

/// `content`, and the end of the message where nothing follows, as they go out in `room`.
Bytes Http1Connection::frame_content(Bytes content, bool is_last, MutBytes room) {
  const auto data = connection_.send(http::Data{content}, room);
  ASSERT(data);
  u32 size = *data;
  if (is_last) {
    const auto end = connection_.send(http::EndOfMessage{}, room.subspan(size));
    ASSERT(end);
    size += *end;
  }
  return room.first(size);
}

/// The response is complete, or will not be: what is left of the content has no use.
asio::awaitable<void> Http1Connection::stop_upload() {
  is_done_ = true;
  // All of it went to the stream, which is about to say so.
  const bool is_nearly_complete = connection_.our_state() != http::State::send_body;
  stream_->expires_after(linger_max);
  while (upload_ == Upload::running) {
    if (!is_nearly_complete) stream_->cancel();
    changed_->cancel();
    const std::error_code ignored = co_await changed_->wait();
    static_cast<void>(ignored);
  }
  is_broken_ = upload_ != Upload::complete;
}

// The response ------------------------------------------------------------------------------------

asio::awaitable<Http1Connection::Outcome> Http1Connection::step(const HttpLimits& limits,
                                                                HttpSink& sink) {
  Bytes in = Bytes(input_).first(end_).subspan(begin_);
  const auto event = connection_.next(in);
  begin_ = end_ - to<u32>(in.size());
  if (!event) co_return protocol(event.error());
  if (const auto* response = std::get_if<http::Response>(&*event)) {
    if (response->status >= 200) on_head(*response, sink);
    if (response->status == 100 && !std::exchange(has_consent_, true)) changed_->cancel();
  } else if (const auto* data = std::get_if<http::Data>(&*event)) {
    progress_.result.content_bytes += data->bytes.size();
    const std::error_code refused = is_wanted_ ? sink.on_content(data->bytes) : std::error_code{};
    if (refused) co_return HttpFailure{HttpFailure::Kind::sink, refused};
  } else if (const auto* end = std::get_if<http::EndOfMessage>(&*event)) {
    is_done_ = true;
    if (!end->trailers.empty()) sink.on_trailers(end->trailers);
  } else {
    co_return co_await read(limits);
  }
  co_return std::nullopt;
}

void Http1Connection::on_head(const http::Response& response, HttpSink& sink) {
  progress_.on_head(response);
  if (!has_consent_) changed_->cancel();
  is_wanted_ = sink.on_head(response, connection_.content_left());
}

asio::awaitable<Http1Connection::Outcome> Http1Connection::read(const HttpLimits& limits) {
  if (source_error_) co_return HttpFailure{HttpFailure::Kind::source, source_error_};
  std::copy(input_.begin() + begin_, input_.begin() + end_, input_.begin());
  end_ -= std::exchange(begin_, 0);
  input_.resize(std::max<std::size_t>(end_ + read_bytes, input_.size()));
  const bool is_first = !progress_.first_byte && upload_ != Upload::running;
  stream_->expires_after(is_first ? limits.first_byte : limits.idle);
  const MutBytes room = MutBytes(input_).subspan(end_);
  const Moved got = co_await stream_->read_some(room);
  end_ += to<u32>(got.bytes);
  if (got.bytes > 0 && !progress_.first_byte) progress_.first_byte = network_.now();
  if (source_error_) co_return HttpFailure{HttpFailure::Kind::source, source_error_};
  if (got.error == asio::error::eof) {
    is_ended_ = true;
    connection_.end_of_input();
    co_return std::nullopt;
  }
  if (got.error) co_return stream_failure(got.error, limits);
  co_return std::nullopt;
}

HttpFailure Http1Connection::stream_failure(std::error_code error, const HttpLimits& limits) const {
  HttpFailure failed{HttpFailure::Kind::stream, error};
  if (error == std::errc::timed_out) {
    failed.kind = HttpFailure::Kind::timeout;
    failed.why = progress_.first_byte ? "the server stopped sending" : "the server does not answer";
    failed.advice =
        fmt::format("nothing came for {}",
                    seconds_text(progress_.first_byte ? limits.idle : limits.first_byte));
  } else {
    failed.why = stream_->why();
  }
  return failed;
}

/// What is refused because the stream ended too early is no fault of the protocol.
HttpFailure Http1Connection::protocol(const http::Error& error) const {
  HttpFailure failed{is_ended_ ? HttpFailure::Kind::cut_off : HttpFailure::Kind::protocol};
  failed.why = error.why;
  return failed;
}

}  // namespace handfast::io
