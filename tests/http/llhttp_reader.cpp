// llhttp as a reader. Its sources are not ours: CMake compiles them where Debian's node-llhttp has
// put them.
#ifdef HANDFAST_LLHTTP
#include <llhttp.h>

#include <fmt/format.h>

#include "http/reading.hpp"

namespace handfast::http {
namespace {

struct Reader {
  explicit Reader(bool requests) {
    llhttp_settings_init(&settings);
    settings.on_message_begin = [](llhttp_t* p) { return of(p).on_begin(); };
    settings.on_method = [](llhttp_t* p, const char* at, std::size_t n) {
      return append(of(p).method, at, n);
    };
    settings.on_url = [](llhttp_t* p, const char* at, std::size_t n) {
      return append(of(p).target, at, n);
    };
    settings.on_status = settings.on_url;
    settings.on_header_field = [](llhttp_t* p, const char* at, std::size_t n) {
      return append(of(p).field.name, at, n);
    };
    settings.on_header_value = [](llhttp_t* p, const char* at, std::size_t n) {
      return append(of(p).field.value, at, n);
    };
    settings.on_header_value_complete = [](llhttp_t* p) { return of(p).on_field(); };
    settings.on_headers_complete = [](llhttp_t* p) { return of(p).on_head(); };
    settings.on_body = [](llhttp_t* p, const char* at, std::size_t n) {
      return append(of(p).message.content, at, n);
    };
    settings.on_message_complete = [](llhttp_t* p) { return of(p).on_complete(); };
    llhttp_init(&parser, requests ? HTTP_REQUEST : HTTP_RESPONSE, &settings);
    parser.data = this;
  }

  static Reader& of(llhttp_t* p) { return *static_cast<Reader*>(p->data); }
  static int append(std::string& to, const char* at, std::size_t n) {
    to.append(at, n);
    return HPE_OK;
  }

  int on_begin() {
    message = {};
    method.clear();
    target.clear();
    in_head = true;
    return HPE_OK;
  }
  int on_field() {
    (in_head ? message.fields : message.trailers).push_back(field);
    field = {};
    return HPE_OK;
  }
  int on_head() {
    in_head = false;
    const bool is_request = parser.type == HTTP_REQUEST;
    message.start =
        fmt::format("{} {} {}.{}", is_request ? method : fmt::to_string(parser.status_code), target,
                    int{parser.http_major}, int{parser.http_minor});
    return HPE_OK;
  }
  int on_complete() {
    reading.messages.push_back(message);
    const bool is_last = parser.method == HTTP_CONNECT || llhttp_should_keep_alive(&parser) == 0;
    if (!is_last) return HPE_OK;
    reading.end = Reading::End::last;
    return HPE_PAUSED;
  }

  void read(std::string_view text) {
    llhttp_errno_t error = llhttp_execute(&parser, text.data(), text.size());
    // We read on in HTTP/1.1 where a server may switch protocols and does not (RFC 9110 §7.8).
    while (error == HPE_PAUSED_UPGRADE && reading.end == Reading::End::more) {
      const char* stopped = llhttp_get_error_pos(&parser);
      llhttp_resume_after_upgrade(&parser);
      error = llhttp_execute(&parser, stopped,
                             static_cast<std::size_t>(text.data() + text.size() - stopped));
    }
    if (reading.end == Reading::End::last) return;
    if (error == HPE_OK) error = llhttp_finish(&parser);
    if (error == HPE_OK || error == HPE_INVALID_EOF_STATE || reading.end == Reading::End::last)
      return;
    reading.end = Reading::End::refusal;
    reading.why = fmt::format("{}: {}", llhttp_errno_name(error), llhttp_get_error_reason(&parser));
  }

  llhttp_t parser;
  llhttp_settings_t settings;
  bool in_head = true;
  std::string method;
  std::string target;  // or reason
  FieldText field;
  Message message;
  Reading reading;
};

}  // namespace

std::string llhttp_version() {
  return fmt::format("{}.{}.{}", LLHTTP_VERSION_MAJOR, LLHTTP_VERSION_MINOR, LLHTTP_VERSION_PATCH);
}

Reading read_by_llhttp(bool requests, std::string_view text) {
  Reader reader(requests);
  reader.read(text);
  return reader.reading;
}

}  // namespace handfast::http
#endif
