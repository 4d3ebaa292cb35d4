// RFC 9112 §6 and §9, the sending half: events to bytes.
#include <array>
#include <charconv>
#include <cstring>

#include "http/connection.hpp"
#include "http/grammar.hpp"
#include "http/scan.hpp"

namespace handfast::http {
namespace {

Error misuse(std::string_view why) { return {500, why}; }

/// Appends to a room and remembers where it was too small.
class Writer {
 public:
  explicit Writer(MutBytes room) : room_(room) {}
  Writer& operator<<(std::string_view text) {
    if (has_room(text.size())) append(text);
    return *this;
  }
  Writer& operator<<(Bytes bytes) { return *this << as_text(bytes); }
  Writer& number(u64 value, int base = 10) {
    std::array<char, 20> digits;
    const auto end = std::to_chars(digits.begin(), digits.end(), value, base).ptr;
    return *this << std::string_view(digits.data(), to<std::size_t>(end - digits.data()));
  }
  Writer& fields(Fields fields) {
    for (const Field& field : fields) {
      if (!has_room(field.name.size() + field.value.size() + 4)) break;
      append(field.name);
      append(": ");
      append(field.value);
      append("\r\n");
    }
    return *this;
  }
  bool overflow() const { return overflow_; }
  u32 used() const { return used_; }

 private:
  bool has_room(std::size_t n) {
    if (n > room_.size() - used_) overflow_ = true;
    return !overflow_;
  }
  void append(std::string_view text) {
    if (!text.empty()) std::memcpy(room_.data() + used_, text.data(), text.size());
    used_ += to<u32>(text.size());
  }

  MutBytes room_;
  u32 used_ = 0;
  bool overflow_ = false;
};

bool fields_are_valid(Fields fields) {
  return std::ranges::all_of(fields,
                             [](const Field& it) { return is_sendable(it.name, it.value); });
}

}  // namespace

Result<u32, Error> Connection::send(const Event& event, MutBytes room) {
  // Raw content is counted by sent_content().
  const bool is_counted = std::holds_alternative<Data>(event) && sends_raw_content();
  auto size = send_event(event, room);
  if (!size) return size;
  const u64 begin = sent_;
  if (!is_counted) sent_ += *size;
  if (sink_ != nullptr) tell(trace::Way::sent, event, {begin, sent_});
  return size;
}

Result<u32, Error> Connection::send_event(const Event& event, MutBytes room) {
  if (const auto* request = std::get_if<Request>(&event)) return send_request(*request, room);
  if (const auto* response = std::get_if<Response>(&event)) return send_response(*response, room);
  if (const auto* data = std::get_if<Data>(&event)) return send_data(data->bytes, room);
  if (const auto* end = std::get_if<EndOfMessage>(&event)) return send_end(end->trailers, room);
  if (std::holds_alternative<ConnectionClosed>(event)) {
    if (!machine_.may(role_, Happening::connection_closed))
      return failure(misuse("closed inside a message"));
    machine_.take(role_, Happening::connection_closed);
    return 0;
  }
  return failure(misuse("an event that cannot be sent"));
}

Result<u32, Error> Connection::send_request(const Request& request, MutBytes room) {
  if (role_ != Role::client || !machine_.may(role_, Happening::request))
    return failure(misuse("a request in the wrong place"));
  if (!is_token(request.method)) return failure(misuse("a method that cannot be sent"));
  if (request.target.empty() || !all(char_target, request.target))
    return failure(misuse("a target that cannot be sent"));
  if (!fields_are_valid(request.fields)) return failure(misuse("a field that cannot be sent"));
  if (count(request.fields, "host") != 1) return failure(misuse("a request needs one Host field"));
  const auto framing = request_framing({request.method, request.target, 1, request.fields});
  if (!framing) return failure(misuse(framing.error().why));

  const bool says_close = has_token(request.fields, "connection", "close");
  Writer out(room);
  out << request.method << " " << request.target << " HTTP/1.1\r\n";
  out.fields(request.fields);
  if (!keep_alive() && !says_close) out << "Connection: close\r\n";
  out << "\r\n";
  if (out.overflow()) return failure(misuse("too little room for the head"));

  out_framing_ = *framing;
  to_head_ = request.method == "HEAD";
  offer_ = offer_of(request);
  machine_.take(role_, Happening::request);
  if (says_close) machine_.end_keep_alive();
  return out.used();
}

Result<u32, Error> Connection::send_response(const Response& response, MutBytes room) {
  const bool is_final = response.status >= 200;
  const Happening what = is_final ? Happening::response : Happening::informational;
  if (role_ != Role::server || !machine_.may(role_, what))
    return failure(misuse("a response in the wrong place"));
  if (our_state() == State::send_response && is_agreement(response.status))
    return send_agreement(response, room);
  if (response.status < 100 || response.status > 599 || response.status == 101)
    return failure(misuse("a status that cannot be sent"));
  if (!fields_are_valid(response.fields) || !consists_of<char_value>(response.reason))
    return failure(misuse("a field that cannot be sent"));
  // What answers no request is an HTTP/1.1 message with content, whatever came before.
  const bool is_answer = our_state() != State::idle;
  const u8 minor = is_answer ? request_minor_ : u8{1};
  const auto declared =
      response_framing({response.status, {}, minor, response.fields}, is_answer && to_head_);
  if (!declared) return failure(misuse(declared.error().why));

  Framing framing = *declared;
  const bool is_undeclared = std::holds_alternative<UntilClose>(framing);
  if (is_undeclared && minor >= 1) framing = Chunked{};
  const bool says_close = has_token(response.fields, "connection", "close");
  const bool is_last = is_final && (!keep_alive() || says_close || !is_answer ||
                                    std::holds_alternative<UntilClose>(framing));
  const std::string_view reason =
      response.reason.empty() ? reason_phrase(response.status) : response.reason;
  Writer out(room);
  out << "HTTP/1.1 ";
  out.number(response.status) << " " << reason << "\r\n";
  out.fields(response.fields);
  if (is_undeclared && minor >= 1) out << "Transfer-Encoding: chunked\r\n";
  if (is_last && !says_close) out << "Connection: close\r\n";
  // An HTTP/1.0 client that asked to keep the connection waits for its end unless it hears this.
  if (is_final && !is_last && minor == 0 && !has_token(response.fields, "connection", "keep-alive"))
    out << "Connection: keep-alive\r\n";
  out << "\r\n";
  if (out.overflow()) return failure(misuse("too little room for the head"));

  client_waits_ = false;
  if (is_final) out_framing_ = framing;
  machine_.take(role_, what);
  if (is_last) machine_.end_keep_alive();
  return out.used();
}

Result<u32, Error> Connection::send_agreement(const Response& response, MutBytes room) {
  if (their_state() == State::send_body)
    return failure(misuse("a switch of protocols inside the request"));
  // RFC 9110 §9.3.6: a 2xx to CONNECT has neither.
  const bool is_framed = count(response.fields, "content-length") > 0 ||
                         count(response.fields, "transfer-encoding") > 0;
  if (is_framed || !fields_are_valid(response.fields) || !consists_of<char_value>(response.reason))
    return failure(misuse("a field that cannot be sent"));
  const std::string_view reason =
      response.reason.empty() ? reason_phrase(response.status) : response.reason;
  Writer out(room);
  out << "HTTP/1.1 ";
  out.number(response.status) << " " << reason << "\r\n";
  out.fields(response.fields) << "\r\n";
  if (out.overflow()) return failure(misuse("too little room for the head"));
  machine_.take(role_, Happening::switched);
  return out.used();
}

Result<u32, Error> Connection::send_data(Bytes bytes, MutBytes room) {
  if (!machine_.may(role_, Happening::data)) return failure(misuse("data in the wrong place"));
  if (bytes.empty()) return 0;  // an empty chunk would end the message
  Writer out(room);
  const bool is_chunked = std::holds_alternative<Chunked>(out_framing_);
  if (is_chunked) out.number(bytes.size(), 16) << "\r\n";
  out << bytes;
  if (is_chunked) out << "\r\n";
  if (out.overflow()) return failure(misuse("too little room for the data"));
  if (is_chunked) {
    machine_.take(role_, Happening::data);
  } else if (const auto sent = sent_content(bytes.size()); !sent) {
    return failure(sent.error());
  }
  return out.used();
}

Result<void, Error> Connection::sent_content(u64 n) {
  if (!machine_.may(role_, Happening::data) || !sends_raw_content())
    return failure(misuse("data in the wrong place"));
  if (auto* length = std::get_if<Length>(&out_framing_)) {
    if (n > length->left) return failure(misuse("more data than the Content-Length says"));
    length->left -= n;
  }
  sent_ += n;
  machine_.take(role_, Happening::data);
  return {};
}

Result<u32, Error> Connection::send_end(Fields trailers, MutBytes room) {
  if (!machine_.may(role_, Happening::end_of_message))
    return failure(misuse("the end of a message in the wrong place"));
  const auto* length = std::get_if<Length>(&out_framing_);
  if (length != nullptr && length->left != 0)
    return failure(misuse("less data than the Content-Length says"));
  Writer out(room);
  if (std::holds_alternative<Chunked>(out_framing_)) {
    if (!fields_are_valid(trailers)) return failure(misuse("a field that cannot be sent"));
    out << "0\r\n";
    out.fields(trailers) << "\r\n";
  } else if (!trailers.empty()) {
    return failure(misuse("trailers without chunks"));
  }
  if (out.overflow()) return failure(misuse("too little room for the trailers"));
  machine_.take(role_, Happening::end_of_message);
  return out.used();
}

}  // namespace handfast::http
