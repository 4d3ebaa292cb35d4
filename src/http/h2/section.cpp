// RFC 9113 §8.2 and §8.3.
#include "http/h2/section.hpp"

#include <algorithm>
#include <array>

#include "http/grammar.hpp"
#include "http/scan.hpp"

namespace handfast::http::h2 {
namespace {

constexpr u32 field_overhead = 32;  // RFC 9113 §6.5.2

/// RFC 9113 §8.2.2.
bool is_connection_specific(std::string_view name) {
  constexpr std::array<std::string_view, 5> names{"connection", "keep-alive", "proxy-connection",
                                                  "transfer-encoding", "upgrade"};
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

void Section::clear() {
  text_.clear();
  lines_.clear();
  fields_.clear();
  method_ = path_ = authority_ = scheme_ = status_ = {};
  bytes_ = 0;
  too_large_ = false;
}

void Section::add(std::string_view name, std::string_view value, const http::Config& limits) {
  const std::size_t size = name.size() + value.size() + field_overhead;
  const bool fits = size <= limits.head_bytes_max - bytes_ && lines_.size() < limits.fields_max;
  if (too_large_ || !fits) {
    too_large_ = true;
    return;
  }
  bytes_ += to<u32>(size);
  if (name.starts_with(':') && take_pseudo(name, value)) return;
  const Range kept = keep(name);
  lines_.push_back({kept, keep(value)});
}

bool Section::take_pseudo(std::string_view name, std::string_view value) {
  Range* place = nullptr;
  if (name == ":method") place = &method_;
  if (name == ":path") place = &path_;
  if (name == ":authority") place = &authority_;
  if (name == ":scheme") place = &scheme_;
  if (name == ":status") place = &status_;
  if (place == nullptr) return false;
  *place = keep(value);
  return true;
}

Section::Range Section::keep(std::string_view text) {
  const Range range{to<u32>(text_.size()), to<u32>(text.size()), true};
  text_ += text;
  return range;
}

std::string_view Section::view(Range range) const {
  return std::string_view(text_).substr(range.begin, range.size);
}

Result<Request, Error> Section::request(const http::Config& limits) {
  if (path_.size > limits.target_bytes_max)
    return failure(Error{414, "the target is too long", "RFC 9110 §15.5.15"});
  if (too_large_)
    return failure(Error{431, "the head has too many fields, or too large ones", "RFC 6585 §5"});
  if (const auto error = check_authority()) return failure(*error);
  if (view(method_) == "CONNECT")
    return failure(Error{501, "CONNECT is not served here", "RFC 9110 §9.3.6"});
  // Of these nghttp2 has checked that :path begins with "/", or is "*" for OPTIONS.
  if (!equals_ignoring_case(view(scheme_), "http") && !equals_ignoring_case(view(scheme_), "https"))
    return failure(Error{400, "neither http nor https", "RFC 9113 §8.3.1"});

  join_cookies();
  Request request = partial();
  fields();
  if (authority_.is_set) {
    std::erase_if(fields_, [](const Field& field) { return field.name == "host"; });
    fields_.insert(fields_.begin(), {"host", view(authority_)});
  }
  request.fields = fields_;
  return request;
}

Request Section::partial() const {
  return {view(method_), view(path_.is_set ? path_ : authority_), 1, {}};
}

/// RFC 9113 §8.3.1: "A server SHOULD treat a request as malformed if it contains a Host header
/// field that identifies an entity that differs from the entity in the ":authority" pseudo-header
/// field." nghttp2 sees to it that there is not more than one of each.
std::optional<Error> Section::check_authority() const {
  bool has_host = authority_.is_set;
  for (const Line& line : lines_) {
    if (view(line.name) != "host") continue;
    has_host = true;
    if (!consists_of<char_host>(view(line.value)))
      return Error{400, "Host is not a host and port", "RFC 9110 §7.2"};
    if (authority_.is_set && !equals_ignoring_case(view(line.value), view(authority_)))
      return Error{400, "Host differs from :authority", "RFC 9113 §8.3.1"};
  }
  if (!has_host) return Error{400, "neither :authority nor Host", "RFC 9113 §8.3.1"};
  // RFC 9113 §8.3.1: no "userinfo subcomponent for http or https".
  if (!consists_of<char_host>(view(authority_)))
    return Error{400, ":authority is not a host and port", "RFC 9113 §8.3.1"};
  return std::nullopt;
}

/// RFC 9113 §8.2.3: cookies that came in pieces "MUST be concatenated into a single octet string
/// using the two-octet delimiter of 0x3b, 0x20".
void Section::join_cookies() {
  const auto is_cookie = [this](const Line& line) { return view(line.name) == "cookie"; };
  if (std::ranges::count_if(lines_, is_cookie) < 2) return;
  std::string joined;
  for (const Line& line : lines_) {
    if (!is_cookie(line)) continue;
    if (!joined.empty()) joined += "; ";
    joined += view(line.value);
  }
  const auto first = std::ranges::find_if(lines_, is_cookie);
  const Range value = keep(joined);
  lines_.erase(std::remove_if(first + 1, lines_.end(), is_cookie), lines_.end());
  first->value = value;
}

std::optional<Response> Section::response() {
  const std::string_view digits = view(status_);
  if (digits.size() != 3) return std::nullopt;
  u16 status = 0;
  for (const char c : digits) status = to<u16>(status * 10 + (c - '0'));
  return Response{status, {}, 0, fields(), 2};
}

Fields Section::fields() {
  fields_.clear();
  for (const Line& line : lines_) fields_.push_back({view(line.name), view(line.value)});
  return fields_;
}

Result<void, Error> outgoing_fields(Fields fields, bool drops_host, std::string& text,
                                    std::vector<Field>& storage) {
  std::size_t bytes = 0;
  for (const Field& field : fields) bytes += field.name.size();
  text.resize(bytes);
  std::size_t at = 0;
  for (const Field& field : fields) {
    if (!is_sendable(field.name, field.value))
      return failure(Error{500, "a field that cannot be sent"});
    std::ranges::transform(field.name, text.begin() + to<i64>(at), to_lower);
    const std::string_view name = std::string_view(text).substr(at, field.name.size());
    at += name.size();
    if (is_connection_specific(name) || (drops_host && name == "host")) continue;
    if (name == "te" && !equals_ignoring_case(field.value, "trailers")) continue;
    storage.push_back({name, field.value});
  }
  return {};
}

}  // namespace handfast::http::h2
