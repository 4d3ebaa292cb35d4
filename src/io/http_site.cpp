// RFC 9110 §9.3 (GET, HEAD), §13 (conditional requests), §14 (ranges), §15 (status codes), for a
// directory.
#include "io/http_site.hpp"

#include <fmt/format.h>

#include "http/conditional.hpp"
#include "http/content_type.hpp"
#include "http/date.hpp"
#include "http/target.hpp"
#include "io/http_service.hpp"

namespace handfast::io {
namespace {

HttpReply page(u16 status, std::string text) {
  HttpReply reply;
  reply.status = status;
  reply.length = text.size();
  reply.text = std::move(text);
  return reply;
}

HttpReply error_reply(u16 status, std::string_view why) {
  return page(status, error_page(status, why));
}

HttpReply reply_to(const std::error_code& error) {
  if (error == std::errc::cross_device_link)
    return error_reply(403, "This path leads out of what is served.");
  if (error == std::errc::permission_denied || error == std::errc::operation_not_permitted)
    return error_reply(403, "The server may not read this.");
  if (error == std::errc::operation_not_supported)
    return error_reply(403, "This is neither a file nor a directory.");
  if (error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory ||
      error == std::errc::filename_too_long || error == std::errc::too_many_symbolic_link_levels)
    return error_reply(404, "There is nothing of this name.");
  if (error == std::errc::too_many_files_open || error == std::errc::too_many_files_open_in_system)
    return error_reply(503, "Too many files are open. Try again.");
  return error_reply(500, "The server could not read this.");
}

std::string entity_tag(const TreeEntry& entry) {
  return fmt::format("\"{:x}-{:x}-{:x}\"", entry.modified, entry.modified_fraction, entry.size);
}

/// RFC 9110 §15.3.7: several ranges go out as multipart/byteranges, one as itself.
void take_ranges(HttpReply& reply, const std::vector<http::ByteRange>& ranges, u64 size) {
  reply.status = 206;
  if (ranges.size() == 1) {
    reply.content_range = http::content_range(ranges[0], size);
    reply.parts = {{{}, ranges[0]}};
    reply.length = ranges[0].length;
    return;
  }
  std::string boundary = "part" + reply.entity_tag;
  std::erase_if(boundary, [](char c) { return c == '"' || c == '-'; });
  auto multipart = http::make_multipart(ranges, size, reply.content_type, boundary);
  reply.content_type = "multipart/byteranges; boundary=" + boundary;
  reply.parts = std::move(multipart.parts);
  reply.text = std::move(multipart.tail);
  reply.length = multipart.length;
}

HttpReply file_reply(const http::Request& request, const std::string& path, TreeEntry entry) {
  HttpReply reply;
  reply.content_type = http::content_type(path);
  reply.modified = entry.modified;
  reply.entity_tag = entity_tag(entry);
  const http::Validators validators{reply.entity_tag, reply.modified};
  const auto precondition = http::check_preconditions(request, validators);
  if (precondition == http::Precondition::fails)
    return error_reply(412, "The file is not the one that the request is meant for.");
  if (precondition == http::Precondition::not_modified) {
    reply.status = 304;
    return reply;
  }
  reply.length = entry.size;
  reply.parts = {{{}, {0, entry.size}}};
  if (http::if_range_holds(request, validators)) {
    if (const auto ranges = http::requested_ranges(request, entry.size)) {
      if (ranges->empty()) {
        reply = error_reply(416, "The file has no such bytes.");
        reply.content_range = http::unsatisfied_range(entry.size);
        return reply;
      }
      take_ranges(reply, *ranges, entry.size);
    }
  }
  reply.file = std::move(entry.fd);
  return reply;
}

std::string size_text(u64 bytes) {
  if (bytes < 1024) return fmt::format("{} B", bytes);
  double size = static_cast<double>(bytes) / 1024;
  std::string_view units = "KMGTPE";
  for (; size >= 1024 && units.size() > 1; units.remove_prefix(1)) size /= 1024;
  return fmt::format("{:.1f} {}iB", size, units.front());
}

std::string listing(std::string_view path, const std::vector<TreeName>& names) {
  const std::string title = http::escape_html(path);
  std::string text = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{}</title></head>\n"
      "<body><h1>{}</h1>\n<table>\n",
      title, title);
  // A full path: a relative "../" would work too, but not for a client that dropped the slash.
  if (path != "/") {
    const auto parent = path.substr(0, path.rfind('/', path.size() - 2) + 1);
    text += fmt::format("<tr><td><a href=\"{}\">..</a></td><td></td></tr>\n",
                        http::encode_path(parent));
  }
  for (const TreeName& entry : names) {
    const std::string_view slash = entry.is_directory ? "/" : "";
    text += fmt::format("<tr><td><a href=\"{}{}{}\">{}{}</a></td><td>{}</td></tr>\n",
                        http::encode_path(path), http::encode_path(entry.name), slash,
                        http::escape_html(entry.name), slash,
                        entry.is_directory ? "" : size_text(entry.size));
  }
  if (names.size() == HttpDirectory::names_max) text += "<tr><td>and more</td><td></td></tr>\n";
  return text + "</table></body></html>\n";
}

HttpResponse head_of(const HttpReply& reply, i64 now) {
  HttpResponse response{.status = reply.status, .fields = {}, .length = reply.length};
  FieldList& fields = response.fields;
  if (reply.status != 304) fields.add("Content-Type", reply.content_type);
  if (reply.modified >= 0) {
    // RFC 9110 §8.8.2.1: never later than Date.
    const auto modified = http::format_date(std::min(reply.modified, now));
    fields.add("Last-Modified", http::as_text(modified));
  }
  if (!reply.entity_tag.empty()) {
    fields.add("ETag", reply.entity_tag);
    fields.add("Accept-Ranges", "bytes");
  }
  if (!reply.content_range.empty()) fields.add("Content-Range", reply.content_range);
  if (!reply.location.empty()) fields.add("Location", reply.location);
  if (reply.status == 405) fields.add("Allow", "GET, HEAD");
  return response;
}

}  // namespace

asio::awaitable<void> HttpDirectory::operator()(HttpExchange& exchange) const {
  std::error_code error = co_await exchange.drop_content();
  if (error) co_return;
  const HttpReply reply = find(exchange.request().view());
  const HttpResponse head = head_of(reply, exchange.service().unix_time());
  error = co_await exchange.send_head(head, reply.length > 0);
  for (std::size_t i = 0; i < reply.parts.size() && !error; ++i) {
    const http::Part& part = reply.parts[i];
    const bool more = !reply.text.empty() || i + 1 < reply.parts.size();
    if (!part.head.empty()) error = co_await exchange.write(as_bytes(part.head), true);
    if (!error) error = co_await exchange.write_file(reply.file, part.range, more);
  }
  if (!error && !reply.text.empty()) error = co_await exchange.write(as_bytes(reply.text));
  if (!error) co_await exchange.finish();
}

HttpReply HttpDirectory::find(const http::Request& request) const {
  if (request.method != "GET" && request.method != "HEAD")
    return error_reply(405, "Only GET and HEAD are answered here.");
  const auto path = http::decode_path(request.target);
  if (!path) return error_reply(path.error().status, path.error().why);
  if (path->find("/.") != path->npos) return error_reply(404, "There is nothing of this name.");

  const bool names_directory = path->ends_with('/');
  std::string name = path->substr(1);
  if (name.ends_with('/')) name.pop_back();
  auto entry = tree_.find(name);
  if (!entry) return reply_to(entry.error());
  if (entry->is_directory) return find_directory(*path, request, *entry);
  if (names_directory) return error_reply(404, "There is nothing of this name.");
  return file_reply(request, *path, std::move(*entry));
}

HttpReply HttpDirectory::find_directory(const std::string& path, const http::Request& request,
                                        const TreeEntry& directory) const {
  if (!path.ends_with('/')) {
    HttpReply reply = error_reply(301, "This is a directory.");
    reply.location = http::encode_path(path) + "/";
    return reply;
  }
  auto index = tree_.find(path.substr(1) + "index.html");
  if (index && !index->is_directory)
    return file_reply(request, path + "index.html", std::move(*index));
  const auto names = tree_.list(directory, names_max);
  if (!names) return reply_to(names.error());
  return page(200, listing(path, *names));
}

}  // namespace handfast::io
