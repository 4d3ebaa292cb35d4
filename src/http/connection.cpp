// RFC 9112 §6 and §9, the receiving half: bytes to events.
#include "http/connection.hpp"

#include "base/assert.hpp"
#include "http/grammar.hpp"

namespace handfast::http {
namespace {

/// Told from the first bytes, so that somebody who speaks another protocol does not have to wait.
bool looks_like_head(Role reader, std::string_view text) {
  constexpr std::string_view name = "HTTP/";
  if (reader == Role::server) return is(char_token, text.front());
  return name.starts_with(text.substr(0, name.size()));
}

/// Framing is decided by the last of the fields that declare it.
std::unexpected<Error> at_framing_field(Error error, std::string_view head, Fields fields) {
  for (const Field& field : fields)
    if (equals_ignoring_case(field.name, "transfer-encoding") ||
        equals_ignoring_case(field.name, "content-length"))
      error.offset = to<u64>(field.name.data() - head.data());
  return failure(error);
}

/// RFC 9112 §9.3. An HTTP/1.0 peer asks for what HTTP/1.1 takes for granted.
bool persists(u8 minor_version, Fields fields) {
  if (has_token(fields, "connection", "close")) return false;
  return minor_version >= 1 || has_token(fields, "connection", "keep-alive");
}

}  // namespace

Result<Event, Error> Connection::next(Bytes& in) {
  if (their_state() == State::error) return failure(error_);
  const std::size_t held = in.size();
  auto event = next_event(in);
  const u64 begin = taken_;
  taken_ += held - in.size();
  if (event && sink_ != nullptr) tell(trace::Way::received, *event, {begin, taken_});
  if (event) return event;
  error_ = event.error();
  error_.offset += taken_;
  // A client has nobody to answer: what it tells its own user is "bad gateway".
  if (role_ == Role::client) error_.status = 502;
  if (sink_ != nullptr) sink_->on(trace::HttpRefused{error_.status, error_.why, error_.section});
  machine_.take(other(role_), Happening::failure);
  return failure(error_);
}

Result<Event, Error> Connection::next_event(Bytes& in) {
  switch (their_state()) {
    case State::idle:
    case State::send_response: return next_head(in);
    case State::send_body: return next_content(in);
    case State::done: return Paused{};
    case State::must_close:
      // RFC 9112 §9.6: after the last message nothing more is read as one.
      in = in.last(0);
      if (!input_ended_) return NeedMore{};
      machine_.take(other(role_), Happening::connection_closed);
      return ConnectionClosed{};
    case State::closed: return ConnectionClosed{};
    case State::switched: return Switched{};
    case State::error: return failure(error_);
  }
  return failure(error_);
}

Result<Event, Error> Connection::next_head(Bytes& in) {
  const bool is_server = role_ == Role::server;
  // RFC 9112 §2.2: a server "SHOULD ignore at least one empty line (CRLF) received prior to the
  // request-line".
  if (is_server && !skipped_line_ && in.size() >= 2 && in[0] == '\r' && in[1] == '\n') {
    in = in.subspan(2);
    skipped_line_ = true;
  }
  if (in.empty()) return need_more(in);
  if (!is_server && their_state() == State::idle)
    return failure(Error{400, "bytes that answer no request", "RFC 9112 §9.2"});
  const bool is_lone_cr = is_server && !skipped_line_ && in[0] == '\r' && in.size() == 1;
  if (!is_lone_cr && !looks_like_head(role_, as_text(in)))
    return failure(Error{400, "what came is not HTTP/1", "RFC 9112 §2.1"});

  const auto length = is_lone_cr ? Result<u32, Error>(0) : scanner_.find_end(in, config_);
  if (!length) return failure(length.error());
  if (*length == 0) return need_more(in);
  const std::string_view head = as_text(in.first(*length));
  auto event = is_server ? on_request(head) : on_response(head);
  if (event) in = in.subspan(*length);
  return event;
}

Result<Event, Error> Connection::on_request(std::string_view head) {
  const auto request = parse_request(head, fields_, config_);
  if (!request) return failure(request.error());
  const auto framing = request_framing(*request);
  if (!framing) return at_framing_field(framing.error(), head, request->fields);

  in_framing_ = *framing;
  skipped_line_ = false;
  to_head_ = request->method == "HEAD";
  offer_ = offer_of(*request);
  request_minor_ = request->minor_version;
  machine_.take(Role::client, Happening::request);
  if (!persists(request_minor_, request->fields)) machine_.end_keep_alive();
  client_waits_ = request_minor_ >= 1 && content_left() != 0u &&
                  has_token(request->fields, "expect", "100-continue");
  return *request;
}

Result<Event, Error> Connection::on_response(std::string_view head) {
  const auto response = parse_response(head, fields_, config_);
  if (!response) return failure(response.error());
  if (is_agreement(response->status)) {
    if (our_state() == State::send_body)
      return failure(Error{400, "a switch of protocols inside the request", "RFC 9110 §7.8"});
    machine_.take(Role::server, Happening::switched);
    return *response;
  }
  if (response->status == 101)
    return failure(Error{400, "a switch of protocols that was not asked for", "RFC 9110 §15.2.2"});
  const auto framing = response_framing(*response, to_head_);
  if (!framing) return at_framing_field(framing.error(), head, response->fields);
  if (response->status < 200) {
    if (++informational_ > config_.informational_max)
      return failure(Error{400, "too many informational responses", "RFC 9110 §15.2"});
    machine_.take(Role::server, Happening::informational);
    return *response;
  }

  informational_ = 0;
  in_framing_ = *framing;
  machine_.take(Role::server, Happening::response);
  if (!persists(response->minor_version, response->fields) ||
      std::holds_alternative<UntilClose>(in_framing_))
    machine_.end_keep_alive();
  return *response;
}

Result<Event, Error> Connection::next_content(Bytes& in) {
  const Role peer = other(role_);
  const auto content = read_content(in_framing_, in, config_);
  if (!content) return failure(content.error());
  switch (content->kind) {
    case Content::Kind::data:
      client_waits_ = false;
      machine_.take(peer, Happening::data);
      return Data{content->bytes};
    case Content::Kind::complete:
      machine_.take(peer, Happening::end_of_message);
      return EndOfMessage{};
    case Content::Kind::need_more: return need_more(in);
    case Content::Kind::trailers: break;
  }
  const auto length = scanner_.find_end(in, config_);
  if (!length) return failure(length.error());
  if (*length == 0) return need_more(in);
  const auto parsed = parse_fields(as_text(in.first(*length)), fields_, config_);
  if (!parsed) return failure(parsed.error());
  in = in.subspan(*length);
  client_waits_ = false;
  machine_.take(peer, Happening::end_of_message);
  return EndOfMessage{fields_};
}

Result<Event, Error> Connection::need_more(Bytes in) {
  if (!input_ended_) return NeedMore{};
  const Role peer = other(role_);
  if (their_state() == State::idle && in.empty()) {
    machine_.take(peer, Happening::connection_closed);
    return ConnectionClosed{};
  }
  if (their_state() == State::send_response && in.empty())
    return failure(Error{400, "the connection ended before the response", "RFC 9112 §8"});
  if (their_state() != State::send_body || !std::holds_alternative<UntilClose>(in_framing_))
    return failure(Error{400, "the connection ended inside a message", "RFC 9112 §8", in.size()});
  machine_.take(peer, Happening::end_of_message);
  return EndOfMessage{};
}

Connection::Offer Connection::offer_of(const Request& request) {
  if (request.method == "CONNECT") return Offer::tunnel;
  // RFC 9110 §7.8: "A server MUST ignore an Upgrade header field that is received in an HTTP/1.0
  // request."
  const bool upgrades = request.minor_version >= 1 && count(request.fields, "upgrade") > 0 &&
                        has_token(request.fields, "connection", "upgrade");
  return upgrades ? Offer::upgrade : Offer::none;
}

bool Connection::is_agreement(u16 status) const {
  if (offer_ == Offer::tunnel) return status >= 200 && status < 300;
  return offer_ == Offer::upgrade && status == 101;
}

std::optional<u64> Connection::content_left() const {
  if (const auto* length = std::get_if<Length>(&in_framing_)) return length->left;
  return std::nullopt;
}

}  // namespace handfast::http
