// RFC 9113 §5: streams, flow control, the end of a connection; events and output.
#include "http/h2/connection.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "http/h2/callbacks.hpp"

namespace handfast::http::h2 {

Connection::Connection(Role role, const Config& config)
    : role_(role),
      config_(config),
      resets_(config.resets_burst_max, config.resets_per_second_max),
      idle_frames_(config.idle_frames_burst_max, config.idle_frames_per_second_max) {
  make_session();
  std::vector<nghttp2_settings_entry> entries{
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, config_.stream_window_max},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, config_.http.head_bytes_max},
  };
  // Not NO_RFC7540_PRIORITIES: with it nghttp2 forgets closed streams, and misses what comes late.
  if (role_ == Role::server)
    entries.push_back({NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, config_.streams_max});
  else
    entries.push_back({NGHTTP2_SETTINGS_ENABLE_PUSH, 0});
  ASSERT(nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, entries.data(), entries.size()) == 0);
  ASSERT(nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0,
                                               to<i32>(config_.connection_window_max)) == 0);
}

Connection::~Connection() { nghttp2_session_del(session_); }

Stream* Connection::find(StreamId id) const {
  const auto at = std::ranges::lower_bound(streams_, id, {}, [](const auto& it) { return it->id; });
  return at != streams_.end() && (*at)->id == id ? at->get() : nullptr;
}

/// Numbers of new streams only grow, for nghttp2 as well.
Stream& Connection::make_stream(StreamId id) {
  ASSERT(streams_.empty() || streams_.back()->id < id);
  if (spare_.empty()) spare_.push_back(std::make_unique<Stream>());
  streams_.push_back(std::move(spare_.back()));
  spare_.pop_back();
  streams_.back()->id = id;
  return *streams_.back();
}

void Connection::forget(const Stream& stream) {
  if (receiving_ == &stream.head || receiving_ == &stream.trailers) receiving_ = nullptr;
  const auto at = std::ranges::find(streams_, &stream,
                                    [](const auto& it) -> const Stream* { return it.get(); });
  if (spare_.size() < spare_streams_max) {
    (*at)->start_over();
    spare_.push_back(std::move(*at));
  }
  streams_.erase(at);
}

void Connection::on_input(Bytes bytes, Instant now) {
  now_ = now;
  if (has_failed_) return;
  const ssize_t taken = nghttp2_session_mem_recv(session_, bytes.data(), bytes.size());
  if (taken < 0) on_failure_of_session(to<int>(taken));
  wake_waiting();
}

void Connection::on_failure_of_session(int error) {
  if (limit_) return fail(limit_->code, limit_->why);
  switch (error) {
    case NGHTTP2_ERR_BAD_CLIENT_MAGIC: return fail(Code::protocol_error, "what came is not HTTP/2");
    case NGHTTP2_ERR_FLOODED:
      return fail(Code::enhance_your_calm, "too many SETTINGS and PING wait for their answers");
    case NGHTTP2_ERR_TOO_MANY_CONTINUATIONS:
      return fail(Code::enhance_your_calm, "a section of fields goes on in too many frames");
    default: return fail(Code::internal_error, nghttp2_strerror(error));
  }
}

void Connection::on_end_of_input() {
  if (!fault_ && !is_shutting_down_) fault_ = Failure{Code::no_error, "the stream ended"};
  close_all(Code::cancel);
}

void Connection::fail(Code code, std::string_view why) {
  if (std::exchange(has_failed_, true)) return;
  if (!fault_) fault_ = Failure{code, std::string(why)};
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE,
                        nghttp2_session_get_last_proc_stream_id(session_), to<u32>(code),
                        as_bytes(why).data(), why.size());
  close_all(code);
}

void Connection::close_all(Code code) {
  // Backwards: on_closed() may take the stream out.
  for (std::size_t i = streams_.size(); i-- > 0;)
    if (!streams_[i]->is_closed) on_closed(streams_[i]->id, code);
}

std::optional<Event> Connection::poll_event() {
  while (pending_begin_ < pending_.size()) {
    const Pending pending = pending_[pending_begin_++];
    if (pending_begin_ == pending_.size()) {
      pending_.clear();
      pending_begin_ = 0;
    }
    if (auto event = event_of(pending)) return event;
  }
  return std::nullopt;
}

/// Nothing where the stream is gone, or nobody wants to hear of it.
std::optional<Event> Connection::event_of(const Pending& pending) {
  using Kind = Pending::Kind;
  if (pending.kind == Kind::going_away) return GoingAway{pending.stream, pending.code};
  Stream* stream = find(pending.stream);
  if (stream == nullptr || stream->is_released) {
    drop(pending);
    return std::nullopt;
  }
  switch (pending.kind) {
    case Kind::head:
      if (role_ == Role::client) return ResponseHead{stream->id, stream->response};
      stream->is_announced = true;
      if (stream->is_refused) return RequestRefused{stream->id, stream->request, stream->refusal};
      return RequestHead{stream->id, stream->request, stream->has_content};
    case Kind::informational:
      return ResponseHead{stream->id, Response{pending.status, {}, 0, {}, 2}};
    case Kind::content: return Content{stream->id, pending.bytes};
    case Kind::end: return End{stream->id, stream->trailers.fields()};
    case Kind::reset: return Reset{stream->id, pending.code};
    case Kind::writable: return Writable{stream->id};
    case Kind::going_away: break;
  }
  return std::nullopt;
}

/// Content that nobody will take still gives the peer its window back.
void Connection::drop(const Pending& pending) {
  if (pending.kind == Pending::Kind::content)
    consume(pending.stream, to<u32>(pending.bytes.size()));
}

u32 Connection::poll_output(MutBytes room) {
  ASSERT(room.size() >= output_room_min);
  room_ = room;
  written_ = 0;
  for (;;) {
    const std::size_t n = std::min(leftover_.size(), room_.size() - written_);
    std::copy_n(leftover_.begin(), n, room_.begin() + written_);
    leftover_ = leftover_.subspan(n);
    written_ += to<u32>(n);
    if (!wants_output() || !leftover_.empty()) break;
    const u8* frame = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &frame);
    if (size < 0) on_failure_of_session(to<int>(size));
    if (size <= 0) break;
    leftover_ = {frame, to<std::size_t>(size)};
  }
  room_ = {};
  wake_waiting();
  return written_;
}

bool Connection::wants_output() const {
  if (!leftover_.empty()) return true;
  return has_failed_ ? !has_said_why_ : nghttp2_session_want_write(session_) != 0;
}

bool Connection::is_over() const {
  if (wants_output()) return false;
  return has_failed_ || (!waits_for_last_ && nghttp2_session_want_read(session_) == 0);
}

ssize_t Callbacks::read_content(nghttp2_session*, i32 id, u8* /*buffer*/, size_t size, u32* flags,
                                nghttp2_data_source*, void* user) {
  auto& connection = *static_cast<Connection*>(user);
  const Stream* stream = connection.find(to<StreamId>(id));
  if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  const std::size_t n = std::min<std::size_t>(size, stream->out.size());
  *flags = NGHTTP2_DATA_FLAG_NO_COPY;
  if (stream->is_finished && n == stream->out.size()) {
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (!stream->trailers_out.empty()) {
      *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
      connection.submit_trailers(*stream);
    }
  } else if (n == 0) {
    return NGHTTP2_ERR_DEFERRED;
  }
  return to<ssize_t>(n);
}

/// The frame goes straight into the room of poll_output(): whole, or not now.
int Callbacks::send_content(nghttp2_session*, nghttp2_frame* frame, const u8* head, size_t size,
                            nghttp2_data_source*, void* user) {
  constexpr u32 head_bytes = 9;
  auto& connection = *static_cast<Connection*>(user);
  if (connection.room_.size() - connection.written_ < head_bytes + size)
    return NGHTTP2_ERR_WOULDBLOCK;
  Stream* stream = connection.find(to<StreamId>(frame->hd.stream_id));
  if (stream == nullptr || stream->out.size() < size) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  // Not std::ranges::copy, which g++ 12 makes a loop of where the bytes are const.
  const auto at = std::copy_n(head, head_bytes, connection.room_.begin() + connection.written_);
  std::copy_n(stream->out.front(to<u32>(size)).begin(), size, at);
  stream->out.consume(to<u32>(size));
  connection.bytes_held_ -= to<u32>(size);
  connection.written_ += head_bytes + to<u32>(size);
  return 0;
}

void Connection::drop_output(Stream& stream) {
  bytes_held_ -= stream.out.size();
  stream.out.clear();
  stream.wants_space = false;
}

/// As much as may be kept for `stream`. What the peer's window does not let go would stand in the
/// way of other streams, so it is not taken in.
u32 Connection::space(const Stream& stream) const {
  if (stream.is_closed || stream.is_finished || !stream.has_sent_head) return 0;
  const i32 window = nghttp2_session_get_stream_remote_window_size(session_, to<i32>(stream.id));
  const u32 most = std::min(to<u32>(std::max(window, 0)), config_.stream_send_max);
  const u32 held = stream.out.size();
  if (held >= most || bytes_held_ >= config_.connection_send_max) return 0;
  return std::min(most - held, config_.connection_send_max - bytes_held_);
}

void Connection::wake_waiting() {
  if (!has_waiting_) return;
  has_waiting_ = false;
  for (const auto& stream : streams_) {
    if (!stream->wants_space) continue;
    const u32 n = space(*stream);
    // Not for every few bytes, where more will come free as what is there goes out.
    if (n > 0 && (stream->out.size() == 0 || n >= config_.stream_send_max / 2)) {
      stream->wants_space = false;
      tell({Pending::Kind::writable, stream->id});
    } else {
      has_waiting_ = true;
    }
  }
}

}  // namespace handfast::http::h2
