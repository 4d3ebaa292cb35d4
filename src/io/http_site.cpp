// RFC 9110 §9.3 (GET, HEAD), §13 (conditional requests), §14 (ranges), §15 (status codes), for a
// directory.
#include "io/http_site.hpp"

#include <array>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "http/conditional.hpp"
#include "http/content_type.hpp"
#include "http/target.hpp"

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

template <class Number>
void append_hex(std::string& text, Number number) {
  std::array<char, 17> digits;  // a sign, and 64 bits
  const char* const end =
      std::to_chars(digits.data(), digits.data() + digits.size(), number, 16).ptr;
  text += std::string_view(digits.data(), end);
}

/// RFC 9110 §8.8.3.3: each coding has a tag of its own; a weak one where another version of the
/// library that packs could make other bytes.
std::string entity_tag(const TreeEntry& entry, const HttpReply& reply) {
  std::string tag;
  tag.reserve(48);
  tag += reply.is_packed_here ? "W/\"" : "\"";
  append_hex(tag, entry.modified);
  append_hex(tag += '-', entry.modified_fraction);
  append_hex(tag += '-', entry.size);
  if (reply.coding != http::Coding::identity) (tag += '-') += to_string(reply.coding);
  return tag += '"';
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

}  // namespace

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
  return find_file(request, *path, std::move(*entry));
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
    return find_file(request, path + "index.html", std::move(*index));
  if (!options_.lists) return error_reply(403, "This directory is not listed.");
  const auto names = tree_.list(directory, names_max);
  if (!names) return reply_to(names.error());
  return page(200, listing(path, *names));
}

void HttpDirectory::choose_coding(HttpReply& reply, const http::Request& request,
                                  const std::string& path, TreeEntry& entry) const {
  if (!http::is_compressible(reply.content_type)) return;
  const bool is_packable = options_.packs && entry.size >= options_.packed_bytes_min &&
                           entry.size <= options_.packed_bytes_max;
  // Packed here, a file has no ranges that could be told beforehand.
  const bool may_pack = is_packable && http::count(request.fields, "range") == 0;
  if (!is_packable && !options_.takes_packed_files) return;
  reply.varies = true;
  if (http::count(request.fields, "accept-encoding") == 0) return;
  std::optional<TreeEntry> packed;
  u32 best = http::weight_of(http::Coding::identity, request.fields);
  for (const http::Coding coding : http::codings) {
    const u32 weight = http::weight_of(coding, request.fields);
    // A file that is packed already is better than one that must be.
    if (weight < best || weight == 0 || (weight == best && packed)) continue;
    std::optional<TreeEntry> sibling;
    if (options_.takes_packed_files) {
      auto found = tree_.find(path.substr(1) + std::string(http::file_extension(coding)));
      if (found && !found->is_directory) sibling = std::move(*found);
    }
    const bool is_chosen = reply.is_packed_here && weight == best;
    if (!sibling && (!may_pack || is_chosen)) continue;
    best = weight;
    reply.coding = coding;
    reply.is_packed_here = !sibling;
    packed = std::move(sibling);
  }
  if (packed) entry = std::move(*packed);
}

HttpReply HttpDirectory::find_file(const http::Request& request, const std::string& path,
                                   TreeEntry entry) const {
  HttpReply reply;
  reply.content_type = http::content_type(path);
  choose_coding(reply, request, path, entry);
  reply.modified = entry.modified;
  reply.entity_tag = entity_tag(entry, reply);
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
  if (!reply.is_packed_here && http::if_range_holds(request, validators)) {
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

}  // namespace handfast::io
