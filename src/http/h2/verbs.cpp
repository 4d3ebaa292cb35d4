// RFC 9113 §8, the sending half: what the application wants.
#include <array>
#include <charconv>

#include "base/assert.hpp"
#include "http/grammar.hpp"
#include "http/h2/callbacks.hpp"

namespace handfast::http::h2 {
namespace {

Error misuse(std::string_view why) { return {500, why}; }

/// nghttp2 copies what it is given.
u8* mutable_bytes(std::string_view text) { return const_cast<u8*>(as_bytes(text).data()); }

nghttp2_nv pair_of(const Field& field) {
  return {mutable_bytes(field.name), mutable_bytes(field.value), field.name.size(),
          field.value.size(), NGHTTP2_NV_FLAG_NONE};
}

std::vector<nghttp2_nv> pairs_of(Fields fields) {
  std::vector<nghttp2_nv> pairs;
  pairs.reserve(fields.size());
  for (const Field& field : fields) pairs.push_back(pair_of(field));
  return pairs;
}

}  // namespace

Result<StreamId, Error> Connection::request(const Request& request, bool is_secure, bool ends) {
  if (role_ != Role::client || has_failed_ || is_shutting_down_)
    return failure(misuse("a request in the wrong place"));
  if (!is_token(request.method) || request.method == "CONNECT")
    return failure(misuse("a method that cannot be sent"));
  if (request.target.empty() || !all(char_target, request.target))
    return failure(misuse("a target that cannot be sent"));
  if (count(request.fields, "host") != 1) return failure(misuse("a request needs one Host field"));
  const auto host = http::find(request.fields, "host");
  fields_.clear();
  fields_.push_back({":method", request.method});
  fields_.push_back({":scheme", is_secure ? "https" : "http"});
  fields_.push_back({":authority", *host});
  fields_.push_back({":path", request.target});
  if (const auto sendable = outgoing_fields(request.fields, true, text_, fields_); !sendable)
    return failure(sendable.error());
  const auto pairs = pairs_of(fields_);
  nghttp2_data_provider content{};
  content.read_callback = Callbacks::read_content;
  const i32 id = nghttp2_submit_request(session_, nullptr, pairs.data(), pairs.size(),
                                        ends ? nullptr : &content, nullptr);
  // What is left when everything sent is right: the numbers have run out (RFC 9113 §5.1.1).
  if (id < 0) return failure(misuse("no more streams on this connection"));
  Stream& stream = make_stream(to<StreamId>(id));
  stream.is_announced = true;
  stream.has_sent_head = true;
  stream.is_finished = ends;
  return stream.id;
}

Result<bool, Error> Connection::respond(StreamId id, const Response& response, bool ends) {
  Stream* stream = find_open(id);
  const bool is_final = response.status >= 200;
  if (role_ != Role::server || response.status < 100 || response.status > 599 ||
      response.status == 101 || (!is_final && ends))
    return failure(misuse("a status that cannot be sent"));
  if (stream == nullptr || stream->has_sent_head) return false;
  std::array<char, 3> digits{};
  std::to_chars(digits.begin(), digits.end(), response.status);
  fields_.clear();
  fields_.push_back({":status", {digits.data(), digits.size()}});
  if (const auto sendable = outgoing_fields(response.fields, false, text_, fields_); !sendable)
    return failure(sendable.error());
  const auto pairs = pairs_of(fields_);
  const auto stream_id = to<i32>(id);
  if (!is_final) {
    return nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, stream_id, nullptr, pairs.data(),
                                  pairs.size(), nullptr) == 0;
  }
  nghttp2_data_provider content{};
  content.read_callback = Callbacks::read_content;
  if (nghttp2_submit_response(session_, stream_id, pairs.data(), pairs.size(),
                              ends ? nullptr : &content) != 0)
    return false;
  stream->has_sent_head = true;
  stream->is_finished = ends;
  return true;
}

MutBytes Connection::send_space(StreamId id, u32 wanted) {
  Stream* stream = find_open(id);
  if (stream == nullptr) return {};
  const u32 n = std::min(space(*stream), wanted);
  if (n > 0) return stream->out.space(n);
  stream->wants_space = !stream->is_finished;
  has_waiting_ = has_waiting_ || stream->wants_space;
  return {};
}

void Connection::send(StreamId id, u32 n) {
  Stream* stream = find(id);
  ASSERT(stream != nullptr);
  stream->out.commit(n);
  bytes_held_ += n;
  if (n > 0) nghttp2_session_resume_data(session_, to<i32>(id));
}

Result<void, Error> Connection::finish(StreamId id, Fields trailers) {
  Stream* stream = find_open(id);
  if (stream == nullptr || stream->is_finished) return {};
  if (!stream->has_sent_head) return failure(misuse("the end of a message in the wrong place"));
  fields_.clear();
  if (const auto sendable = outgoing_fields(trailers, false, text_, fields_); !sendable)
    return failure(sendable.error());
  for (const Field& field : fields_) stream->trailers_out.emplace_back(field.name, field.value);
  stream->is_finished = true;
  nghttp2_session_resume_data(session_, to<i32>(id));
  return {};
}

void Connection::submit_trailers(const Stream& stream) {
  std::vector<nghttp2_nv> pairs;
  for (const auto& [name, value] : stream.trailers_out) pairs.push_back(pair_of({name, value}));
  nghttp2_submit_trailer(session_, to<i32>(stream.id), pairs.data(), pairs.size());
}

void Connection::consume(StreamId id, u32 n) { nghttp2_session_consume(session_, to<i32>(id), n); }

void Connection::submit_reset(StreamId id, Code code) {
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, to<i32>(id), to<u32>(code));
}

void Connection::reset(StreamId id, Code code) {
  Stream* stream = find(id);
  if (stream == nullptr || stream->is_closed || stream->is_reset) return;
  stream->is_reset = true;
  stream->is_finished = true;
  drop_output(*stream);
  submit_reset(id, code);
}

void Connection::release(StreamId id) {
  Stream* stream = find(id);
  if (stream == nullptr || stream->is_released) return;
  stream->is_released = true;
  if (stream->is_closed) return forget(*stream);
  if (stream->is_reset) return;
  const bool is_answered = role_ == Role::server && stream->is_finished;
  if (!is_answered) {
    const bool is_complete = stream->is_finished && stream->has_ended;
    if (!is_complete) reset(id, role_ == Role::server ? Code::internal_error : Code::cancel);
  } else if (stream->is_all_sent && !stream->has_ended) {
    submit_reset(id, Code::no_error);
  }
}

Stream* Connection::find_open(StreamId id) const {
  Stream* stream = find(id);
  const bool is_over =
      stream == nullptr || stream->is_closed || stream->is_released || stream->is_reset;
  return is_over ? nullptr : stream;
}

bool Connection::is_open(StreamId id) const { return find_open(id) != nullptr; }

void Connection::shut_down() {
  if (is_shutting_down_ || has_failed_) return;
  is_shutting_down_ = true;
  if (role_ == Role::client) {
    nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, 0, NGHTTP2_NO_ERROR, nullptr, 0);
    return;
  }
  nghttp2_submit_shutdown_notice(session_);
  waits_for_last_ = true;
}

/// What the client sent before it heard of it has come when a PING behind it is back.
void Connection::on_notice_sent() {
  if (waits_for_last_) nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
}

void Connection::on_ping_came_back() {
  if (!waits_for_last_) return;
  waits_for_last_ = false;
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE,
                        nghttp2_session_get_last_proc_stream_id(session_), NGHTTP2_NO_ERROR,
                        nullptr, 0);
}

u32 Connection::requests_left() const {
  if (has_failed_ || is_shutting_down_ || nghttp2_session_check_request_allowed(session_) == 0)
    return 0;
  const u32 most =
      nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  return most > streams_.size() ? to<u32>(most - streams_.size()) : 0;
}

}  // namespace handfast::http::h2
