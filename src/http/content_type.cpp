#include "http/content_type.hpp"

#include <algorithm>
#include <array>

#include "http/grammar.hpp"

namespace handfast::http {
namespace {

struct Known {
  std::string_view extension;
  std::string_view type;
};
constexpr std::array known{
    Known{"html", "text/html; charset=utf-8"},
    Known{"htm", "text/html; charset=utf-8"},
    Known{"css", "text/css; charset=utf-8"},
    Known{"js", "text/javascript; charset=utf-8"},
    Known{"mjs", "text/javascript; charset=utf-8"},
    Known{"json", "application/json"},
    Known{"txt", "text/plain; charset=utf-8"},
    Known{"md", "text/markdown; charset=utf-8"},
    Known{"csv", "text/csv; charset=utf-8"},
    Known{"xml", "application/xml"},
    Known{"svg", "image/svg+xml"},
    Known{"png", "image/png"},
    Known{"jpg", "image/jpeg"},
    Known{"jpeg", "image/jpeg"},
    Known{"gif", "image/gif"},
    Known{"webp", "image/webp"},
    Known{"avif", "image/avif"},
    Known{"ico", "image/vnd.microsoft.icon"},
    Known{"woff2", "font/woff2"},
    Known{"woff", "font/woff"},
    Known{"ttf", "font/ttf"},
    Known{"otf", "font/otf"},
    Known{"pdf", "application/pdf"},
    Known{"wasm", "application/wasm"},
    Known{"zip", "application/zip"},
    Known{"gz", "application/gzip"},
    Known{"tar", "application/x-tar"},
    Known{"mp3", "audio/mpeg"},
    Known{"mp4", "video/mp4"},
    Known{"webm", "video/webm"},
    Known{"pcap", "application/vnd.tcpdump.pcap"},
    Known{"pcapng", "application/vnd.tcpdump.pcap"},
    Known{"map", "application/json"},
    Known{"jsonld", "application/ld+json"},
    Known{"webmanifest", "application/manifest+json"},
    Known{"xhtml", "application/xhtml+xml"},
    Known{"atom", "application/atom+xml"},
    Known{"rss", "application/rss+xml"},
    Known{"yaml", "application/yaml"},
    Known{"yml", "application/yaml"},
    Known{"log", "text/plain; charset=utf-8"},
    Known{"ics", "text/calendar; charset=utf-8"},
    Known{"vtt", "text/vtt; charset=utf-8"},
    Known{"sh", "text/x-shellscript; charset=utf-8"},
    Known{"py", "text/x-python; charset=utf-8"},
    Known{"c", "text/x-c; charset=utf-8"},
    Known{"h", "text/x-c; charset=utf-8"},
    Known{"cpp", "text/x-c++; charset=utf-8"},
    Known{"hpp", "text/x-c++; charset=utf-8"},
    Known{"bmp", "image/bmp"},
    Known{"tif", "image/tiff"},
    Known{"tiff", "image/tiff"},
    Known{"heic", "image/heic"},
    Known{"jxl", "image/jxl"},
    Known{"apng", "image/apng"},
    Known{"ogg", "audio/ogg"},
    Known{"opus", "audio/ogg"},
    Known{"oga", "audio/ogg"},
    Known{"wav", "audio/wav"},
    Known{"flac", "audio/flac"},
    Known{"aac", "audio/aac"},
    Known{"m4a", "audio/mp4"},
    Known{"weba", "audio/webm"},
    Known{"ogv", "video/ogg"},
    Known{"mov", "video/quicktime"},
    Known{"mkv", "video/matroska"},
    Known{"m3u8", "application/vnd.apple.mpegurl"},
    Known{"ts", "video/mp2t"},
    Known{"7z", "application/x-7z-compressed"},
    Known{"xz", "application/x-xz"},
    Known{"bz2", "application/x-bzip2"},
    Known{"zst", "application/zstd"},
    Known{"tgz", "application/gzip"},
    Known{"jar", "application/java-archive"},
    Known{"epub", "application/epub+zip"},
    Known{"rtf", "application/rtf"},
    Known{"doc", "application/msword"},
    Known{"xls", "application/vnd.ms-excel"},
    Known{"ppt", "application/vnd.ms-powerpoint"},
    Known{"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    Known{"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
    Known{"pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
    Known{"odt", "application/vnd.oasis.opendocument.text"},
    Known{"ods", "application/vnd.oasis.opendocument.spreadsheet"},
    Known{"pem", "application/x-pem-file"},
    Known{"deb", "application/vnd.debian.binary-package"},
};
constexpr auto by_extension = [] {
  auto sorted = known;
  std::ranges::sort(sorted, {}, &Known::extension);
  return sorted;
}();
constexpr std::size_t extension_bytes_max = 16;
static_assert(std::ranges::all_of(known, [](const Known& one) {
  return one.extension.size() <= extension_bytes_max;
}));

}  // namespace

std::string_view content_type(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  const auto dot = name.rfind('.');
  constexpr std::string_view unknown = "application/octet-stream";
  std::array<char, extension_bytes_max> lower;
  if (dot == name.npos || name.size() - dot - 1 > lower.size()) return unknown;
  const std::string_view extension = name.substr(dot + 1);
  std::ranges::transform(extension, lower.begin(), to_lower);
  const std::string_view wanted(lower.data(), extension.size());
  const auto at = std::ranges::lower_bound(by_extension, wanted, {}, &Known::extension);
  return at != by_extension.end() && at->extension == wanted ? at->type : unknown;
}

bool is_compressible(std::string_view type) {
  type = type.substr(0, type.find(';'));
  constexpr std::array others{std::string_view("application/json"),
                              std::string_view("application/xml"),
                              std::string_view("application/wasm"),
                              std::string_view("application/yaml"),
                              std::string_view("application/rtf"),
                              std::string_view("image/bmp"),
                              std::string_view("image/vnd.microsoft.icon"),
                              std::string_view("font/ttf"),
                              std::string_view("font/otf")};
  return type.starts_with("text/") || type.ends_with("+xml") || type.ends_with("+json") ||
         std::ranges::find(others, type) != others.end();
}

}  // namespace handfast::http
