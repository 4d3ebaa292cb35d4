// RFC 9113 §5 and §6, the receiving half: what nghttp2 has read becomes events, within limits.
#include "http/h2/callbacks.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/printable.hpp"

namespace handfast::http::h2 {
namespace {

Connection& connection_of(void* user) { return *static_cast<Connection*>(user); }

constexpr std::size_t skipped_runs_max = 16;

/// What a GOAWAY says beyond its code, and not too much of it (RFC 9113 §6.8).
std::string debug_data(const nghttp2_goaway& goaway) {
  const Bytes bytes{goaway.opaque_data, std::min<std::size_t>(goaway.opaque_data_len, 200)};
  return printable(as_text(bytes));
}

}  // namespace

void Connection::make_session() {
  nghttp2_session_callbacks* calls = nullptr;
  ASSERT(nghttp2_session_callbacks_new(&calls) == 0);
  nghttp2_session_callbacks_set_on_begin_frame_callback(calls, Callbacks::begin_frame);
  nghttp2_session_callbacks_set_on_begin_headers_callback(calls, Callbacks::begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(calls, Callbacks::header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(calls, Callbacks::frame_received);
  nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(calls, Callbacks::invalid_frame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(calls, Callbacks::data);
  nghttp2_session_callbacks_set_on_frame_send_callback(calls, Callbacks::frame_sent);
  nghttp2_session_callbacks_set_on_frame_not_send_callback(calls, Callbacks::frame_not_sent);
  nghttp2_session_callbacks_set_on_stream_close_callback(calls, Callbacks::stream_closed);
  nghttp2_session_callbacks_set_send_data_callback(calls, Callbacks::send_content);
  nghttp2_option* option = nullptr;
  ASSERT(nghttp2_option_new(&option) == 0);
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_option_set_max_outbound_ack(option, config_.frames_waiting_max);
  nghttp2_option_set_max_settings(option, config_.settings_entries_max);
  nghttp2_option_set_max_continuations(option, config_.continuations_max);
  nghttp2_option_set_peer_max_concurrent_streams(option, 100);  // until its SETTINGS have come
  // Its own limit reads a clock; `resets_` is in its place.
  nghttp2_option_set_stream_reset_rate_limit(option, u64{1} << 62, 0);
  const auto make =
      role_ == Role::server ? nghttp2_session_server_new2 : nghttp2_session_client_new2;
  ASSERT(make(&session_, calls, this, option) == 0);
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(calls);
}

/// Ends the connection from inside on_input(), which does what fail() does once nghttp2 is back.
int Connection::limit(Code code, std::string_view why) {
  if (!limit_) limit_ = Failure{code, std::string(why)};
  return NGHTTP2_ERR_CALLBACK_FAILURE;
}

int Connection::on_frame_begins(u8 type, u8 flags, u64 length, StreamId id) {
  if (nghttp2_session_get_outbound_queue_size(session_) > config_.frames_waiting_max &&
      role_ == Role::server)
    return limit(Code::enhance_your_calm, "the peer reads none of what it makes this end send");
  bool is_idle = false;
  switch (type) {
    case NGHTTP2_DATA: is_idle = length == 0 && (flags & NGHTTP2_FLAG_END_STREAM) == 0; break;
    case NGHTTP2_HEADERS: return on_stream_number(id);
    case NGHTTP2_RST_STREAM: return on_early_end(Code::cancel);
    case NGHTTP2_SETTINGS: on_settings_begin(); [[fallthrough]];
    case NGHTTP2_PING: is_idle = (flags & NGHTTP2_FLAG_ACK) == 0; break;
    case NGHTTP2_PUSH_PROMISE:
    case NGHTTP2_GOAWAY:
    case NGHTTP2_WINDOW_UPDATE:
    case NGHTTP2_CONTINUATION: break;
    default: is_idle = true; break;
  }
  if (is_idle && !idle_frames_.take(now_))
    return limit(Code::enhance_your_calm, "too many frames that bring no message nearer its end");
  return 0;
}

u32 Connection::peer_window() const {
  return nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE);
}

/// RFC 9113 §6.9.2: a change of the initial window size "that causes any flow-control window to
/// exceed the maximum size" is an error of the connection; nghttp2 resets the stream alone.
void Connection::on_settings_begin() {
  old_window_ = peer_window();
  for (const auto& stream : streams_)
    stream->old_window =
        nghttp2_session_get_stream_remote_window_size(session_, to<i32>(stream->id));
}

int Connection::on_settings() {
  const i64 growth = i64{peer_window()} - old_window_;
  for (const auto& stream : streams_)
    if (stream->old_window + growth > NGHTTP2_MAX_WINDOW_SIZE)
      return limit(Code::flow_control_error, "SETTINGS raise a window above 2^31-1");
  return 0;
}

/// RFC 9113 §5.1.1: "The identifier of a newly established stream MUST be numerically greater than
/// all streams that the initiating endpoint has opened or reserved." nghttp2 forgets which numbers
/// were never used; one of those must not come.
int Connection::on_stream_number(StreamId id) {
  if (role_ != Role::server || id % 2 == 0) return 0;
  if (id <= last_) {
    for (std::size_t i = 0; i < skipped_.size(); i += 2)
      if (skipped_[i] <= id && id <= skipped_[i + 1])
        return limit(Code::protocol_error, "a stream's number is lower than one before");
    return 0;
  }
  if (id > last_ + 2) {
    if (skipped_.size() == 2 * skipped_runs_max)
      skipped_.erase(skipped_.begin(), skipped_.begin() + 2);
    skipped_.push_back(last_ == 0 ? 1 : last_ + 2);
    skipped_.push_back(id - 2);
  }
  last_ = id;
  return 0;
}

int Connection::on_early_end(Code code) {
  if (resets_.take(now_)) return 0;
  return limit(Code::enhance_your_calm, code == Code::cancel
                                            ? "too many streams were opened and reset"
                                            : "too many streams had to be refused or reset");
}

int Connection::on_head_begins(StreamId id, bool is_request) {
  receiving_ = nullptr;
  if (is_request) {
    if (streams_.size() >= config_.streams_max) {
      submit_reset(id, Code::refused_stream);
      return on_early_end(Code::refused_stream);
    }
    receiving_ = &make_stream(id).head;
    return 0;
  }
  Stream* stream = find(id);
  if (stream == nullptr || stream->is_released) return 0;
  receiving_ = stream->has_head ? &stream->trailers : &stream->head;
  receiving_->clear();
  return 0;
}

int Connection::on_head_ends(StreamId id, bool ends) {
  receiving_ = nullptr;
  Stream* stream = find(id);
  if (stream == nullptr) return 0;
  if (stream->is_released) {
    stream->has_ended = ends;
    return 0;
  }
  if (stream->has_head) {
    if (stream->trailers.too_large()) {
      submit_reset(id, Code::enhance_your_calm);
      return on_early_end(Code::enhance_your_calm);
    }
  } else {
    const int verdict =
        role_ == Role::server ? on_request_head(*stream, ends) : on_response_head(*stream);
    if (verdict != 0 || !stream->has_head) return verdict;
  }
  if (ends) on_message_ends(*stream);
  return 0;
}

int Connection::on_request_head(Stream& stream, bool ends) {
  const auto request = stream.head.request(config_.http);
  if (request) {
    stream.request = *request;
  } else if (request.error().status == 400) {
    submit_reset(stream.id, Code::protocol_error);
    return on_early_end(Code::protocol_error);
  } else {
    stream.request = stream.head.partial();
    stream.refusal = request.error();
    stream.is_refused = true;
  }
  stream.has_head = true;
  stream.has_content = !ends;
  tell({Pending::Kind::head, stream.id});
  return 0;
}

int Connection::on_response_head(Stream& stream) {
  const auto response = stream.head.response();
  const bool is_informational = response && response->status < 200;
  if (!response || stream.head.too_large() ||
      (is_informational && ++stream.informational > config_.http.informational_max)) {
    submit_reset(stream.id, Code::enhance_your_calm);
    return 0;
  }
  if (is_informational) {
    tell({Pending::Kind::informational, stream.id, Code::no_error, response->status});
    return 0;
  }
  stream.response = *response;
  stream.has_head = true;
  tell({Pending::Kind::head, stream.id});
  return 0;
}

void Connection::on_message_ends(Stream& stream) {
  stream.has_ended = true;
  if (!stream.is_released) tell({Pending::Kind::end, stream.id});
}

void Connection::on_all_sent(StreamId id) {
  Stream* stream = find(id);
  if (stream == nullptr) return;
  stream->is_all_sent = true;
  // RFC 9113 §8.1: a server that has answered "MAY request that the client abort transmission of a
  // request without error by sending a RST_STREAM with an error code of NO_ERROR".
  if (stream->is_released && !stream->has_ended) submit_reset(id, Code::no_error);
}

void Connection::on_closed(StreamId id, Code code) {
  Stream* stream = find(id);
  if (stream == nullptr) return;
  stream->is_closed = true;
  drop_output(*stream);
  if (stream->is_released || !stream->is_announced) return forget(*stream);
  if (!(stream->has_ended && stream->is_all_sent) && !stream->is_reset)
    tell({Pending::Kind::reset, id, code});
}

int Callbacks::begin_frame(nghttp2_session*, const nghttp2_frame_hd* head, void* user) {
  return connection_of(user).on_frame_begins(head->type, head->flags, head->length,
                                             to<StreamId>(head->stream_id));
}

int Callbacks::begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) {
  if (frame->hd.type != NGHTTP2_HEADERS) return 0;
  return connection_of(user).on_head_begins(to<StreamId>(frame->hd.stream_id),
                                            frame->headers.cat == NGHTTP2_HCAT_REQUEST);
}

int Callbacks::header(nghttp2_session*, const nghttp2_frame*, const u8* name, size_t name_size,
                      const u8* value, size_t value_size, u8 /*flags*/, void* user) {
  Connection& connection = connection_of(user);
  if (connection.receiving_ != nullptr)
    connection.receiving_->add(as_text({name, name_size}), as_text({value, value_size}),
                               connection.config_.http);
  return 0;
}

int Callbacks::frame_received(nghttp2_session*, const nghttp2_frame* frame, void* user) {
  Connection& connection = connection_of(user);
  const auto id = to<StreamId>(frame->hd.stream_id);
  const bool ends = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  switch (frame->hd.type) {
    case NGHTTP2_HEADERS: return connection.on_head_ends(id, ends);
    case NGHTTP2_DATA:
      if (Stream* stream = connection.find(id); stream != nullptr && ends)
        connection.on_message_ends(*stream);
      return 0;
    case NGHTTP2_SETTINGS: return connection.on_settings();
    case NGHTTP2_PING:
      if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0) connection.on_ping_came_back();
      return 0;
    case NGHTTP2_GOAWAY:
      connection.tell({Connection::Pending::Kind::going_away,
                       to<StreamId>(frame->goaway.last_stream_id), Code{frame->goaway.error_code}});
      if (frame->goaway.error_code != 0 && !connection.fault_)
        connection.fault_ =
            Failure{Code{frame->goaway.error_code}, "the peer says: " + debug_data(frame->goaway)};
      return 0;
    default: return 0;
  }
}

int Callbacks::invalid_frame(nghttp2_session*, const nghttp2_frame* frame, int error, void* user) {
  Connection& connection = connection_of(user);
  if (connection.role_ != Role::server || frame->hd.stream_id == 0 || nghttp2_is_fatal(error) != 0)
    return 0;
  return connection.on_early_end(Code::protocol_error);
}

int Callbacks::data(nghttp2_session*, u8 /*flags*/, i32 id, const u8* data, size_t size,
                    void* user) {
  Connection& connection = connection_of(user);
  const Stream* stream = connection.find(to<StreamId>(id));
  const Connection::Pending content{
      Connection::Pending::Kind::content, to<StreamId>(id), Code::no_error, 0, {data, size}};
  if (stream == nullptr || stream->is_released)
    connection.drop(content);
  else
    connection.tell(content);
  return 0;
}

int Callbacks::frame_sent(nghttp2_session*, const nghttp2_frame* frame, void* user) {
  Connection& connection = connection_of(user);
  const u8 type = frame->hd.type;
  if ((type == NGHTTP2_DATA || type == NGHTTP2_HEADERS) &&
      (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
    connection.on_all_sent(to<StreamId>(frame->hd.stream_id));
  if (type == NGHTTP2_GOAWAY) {
    connection.has_said_why_ = connection.has_failed_;
    connection.on_notice_sent();
  }
  if (type == NGHTTP2_GOAWAY && frame->goaway.error_code != 0 && !connection.fault_) {
    const Code code{frame->goaway.error_code};
    std::string why = debug_data(frame->goaway);
    if (why.empty()) why = fmt::format("the peer broke the protocol ({})", to_string(code));
    connection.fault_ = Failure{code, std::move(why)};
    connection.close_all(code);
  }
  return 0;
}

int Callbacks::frame_not_sent(nghttp2_session*, const nghttp2_frame* frame, int /*error*/,
                              void* user) {
  Connection& connection = connection_of(user);
  const auto id = to<StreamId>(frame->hd.stream_id);
  if (frame->hd.type != NGHTTP2_HEADERS) return 0;
  if (frame->headers.cat == NGHTTP2_HCAT_REQUEST)
    connection.on_closed(id, Code::refused_stream);
  else if (nghttp2_session_find_stream(connection.session_, frame->hd.stream_id) != nullptr)
    connection.submit_reset(id, Code::internal_error);
  return 0;
}

int Callbacks::stream_closed(nghttp2_session*, i32 id, u32 code, void* user) {
  connection_of(user).on_closed(to<StreamId>(id), Code{code});
  return 0;
}

}  // namespace handfast::http::h2
