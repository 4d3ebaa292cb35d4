#include "io/http_service.hpp"

#include <chrono>

namespace handfast::io {

HttpHead::HttpHead(const HttpReply& reply, std::string_view server, i64 now)
    : status_(reply.status), date_(http::format_date(now)), length_(std::to_string(reply.length)) {
  add("Date", http::as_text(date_));
  if (!server.empty()) add("Server", server);
  // A 304 has no content of its own, and no length is better than a wrong one (RFC 9110 §8.6).
  if (status_ != 304) {
    add("Content-Type", reply.content_type);
    add("Content-Length", length_);
  }
  if (reply.modified >= 0) {
    // RFC 9110 §8.8.2.1: never later than Date.
    modified_ = http::format_date(std::min(reply.modified, now));
    add("Last-Modified", http::as_text(modified_));
  }
  if (!reply.entity_tag.empty()) {
    add("ETag", reply.entity_tag);
    add("Accept-Ranges", "bytes");
  }
  if (!reply.content_range.empty()) add("Content-Range", reply.content_range);
  if (!reply.location.empty()) add("Location", reply.location);
  if (status_ == 405) add("Allow", "GET, HEAD");
}

i64 HttpService::unix_time() const {
  if (options_.unix_time) return options_.unix_time();
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::floor<std::chrono::seconds>(now).count();
}

void HttpService::tell(const HttpAccess& access) {
  ++counters_.requests;
  if (access.status >= 400) ++counters_.refused;
  if (!access.complete) ++counters_.cut_off;
  if (told_) told_(access);
}

}  // namespace handfast::io
