// What a connection tells of the messages that it carries, called only where somebody listens.
#include <string>

#include <fmt/format.h>

#include "http/connection.hpp"
#include "http/grammar.hpp"

namespace handfast::http {
namespace {

void add(std::string& text, std::string_view word) {
  if (!text.empty() && !word.empty()) text += ' ';
  text += word;
}

std::string describe(Fields fields) {
  std::string text;
  if (const auto type = find(fields, "content-type")) add(text, type->substr(0, type->find(';')));
  if (const auto length = find(fields, "content-length"))
    add(text, fmt::format("{} bytes", *length));
  if (has_token(fields, "transfer-encoding", "chunked")) add(text, "chunked");
  if (has_token(fields, "connection", "close")) add(text, "Connection: close");
  return text;
}

}  // namespace

void Connection::tell(trace::Way way, const Event& event, trace::StreamRange range) const {
  if (const auto* request = std::get_if<Request>(&event)) {
    const std::string line = fmt::format("{} {}", request->method, request->target);
    sink_->on(trace::HttpHead{way, true, line, describe(request->fields), range});
  } else if (const auto* response = std::get_if<Response>(&event)) {
    const std::string_view reason =
        response->reason.empty() ? reason_phrase(response->status) : response->reason;
    const std::string line = fmt::format("{} {}", response->status, reason);
    sink_->on(trace::HttpHead{way, false, line, describe(response->fields), range});
  } else if (std::holds_alternative<EndOfMessage>(event)) {
    sink_->on(trace::HttpEnd{way, machine_.keep_alive()});
  }
}

}  // namespace handfast::http
