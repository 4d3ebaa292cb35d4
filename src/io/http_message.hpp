// RFC 9110 §6 for handlers: a request that is kept while it is answered, and the head of an answer.
// The same for every version of HTTP.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/types.hpp"
#include "http/message.hpp"
#include "wire/address.hpp"

namespace handfast::io {

/// Fields with their text.
class FieldList {
 public:
  FieldList() = default;
  explicit FieldList(http::Fields fields) { assign(fields); }
  FieldList(std::initializer_list<http::Field> fields) {
    assign(http::Fields(fields.begin(), fields.size()));
  }
  FieldList(const FieldList& other) { assign(other.view()); }
  FieldList(FieldList&&) = default;
  FieldList& operator=(const FieldList& other) {
    if (this != &other) assign(other.view());
    return *this;
  }
  FieldList& operator=(FieldList&&) = default;

  void add(std::string_view name, std::string_view value);
  /// In place of all fields of this name.
  void set(std::string_view name, std::string_view value);
  void remove(std::string_view name);
  /// Keeps its memory.
  void assign(http::Fields fields);
  void clear() { assign({}); }

  /// Valid until the list is changed.
  http::Fields view() const { return fields_; }
  std::optional<std::string_view> find(std::string_view name) const {
    return http::find(fields_, name);
  }

 private:
  void reserve(std::size_t more);
  std::string_view keep(std::string_view text);

  std::vector<char> text_;  // what the fields show; it does not move when the list does
  std::vector<http::Field> fields_;
};

struct HttpRequest {
  std::string method{};
  std::string target{};         // path and query, as sent
  std::string scheme = "http";  // "https" over TLS
  std::string authority{};      // the host that is wanted, with a port where one was named
  u8 major_version = 1;
  u8 minor_version = 1;
  FieldList fields{};
  bool has_content = false;
  std::optional<u64> content_length{};  // where the head tells it
  wire::Endpoint client{};
  /// What the pattern of a route has named (HttpRouter), decoded.
  std::vector<std::pair<std::string, std::string>> parameters{};

  bool is_head() const { return method == "HEAD"; }
  /// The target's two parts, not decoded: see http::decode_path().
  std::string_view path() const;
  std::string_view query() const;
  /// The value of a parameter; "" where there is none of this name.
  std::string_view parameter(std::string_view name) const;
  /// For what works on a request's head; valid until this changes.
  http::Request view() const { return {method, target, minor_version, fields.view()}; }
};

/// The head of a final response. Date, Server and Content-Length are added to it.
struct HttpResponse {
  u16 status = 200;
  FieldList fields{};
  std::optional<u64> length{};  // of the content, where it is known: else it goes out in chunks
};

}  // namespace handfast::io
