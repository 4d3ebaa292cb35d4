#include "cli/request_options.hpp"

#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "cli/command.hpp"
#include "cli/units.hpp"
#include "http/grammar.hpp"
#include "link/descriptor.hpp"

namespace handfast::cli {

namespace {

/// A file's content; of standard input or a pipe as long as it lasts.
class FileSource final : public io::HttpSource {
 public:
  explicit FileSource(link::Descriptor file) : file_(std::move(file)) {
    struct stat status{};
    if (::fstat(file_.get(), &status) == 0 && S_ISREG(status.st_mode))
      length_ = to<u64>(status.st_size);
  }
  std::optional<u64> length() const override { return length_; }
  asio::awaitable<io::Moved> read(MutBytes room) override {
    io::Moved moved;
    const ssize_t n = ::read(file_.get(), room.data(), room.size());
    if (n < 0)
      moved.error = std::error_code(errno, std::generic_category());
    else
      moved.bytes = to<std::size_t>(n);
    co_return moved;
  }
  bool rewind() override { return ::lseek(file_.get(), 0, SEEK_SET) == 0; }

 private:
  link::Descriptor file_;
  std::optional<u64> length_;
};

link::Descriptor open_data(const std::string& name) {
  link::Descriptor file(name == "-" ? ::dup(STDIN_FILENO)
                                    : ::open(name.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) throw Failure("cannot read", name, std::strerror(errno));
  return file;
}

std::string all_of(const link::Descriptor& file, const std::string& name) {
  constexpr std::size_t most = std::size_t{64} << 20;
  std::string text;
  std::array<char, 65536> room;
  while (true) {
    const ssize_t n = ::read(file.get(), room.data(), room.size());
    if (n < 0) throw Failure("cannot read", name, std::strerror(errno));
    if (n == 0) return text;
    text.append(room.data(), to<std::size_t>(n));
    if (text.size() > most)
      throw Failure("too much to be joined with other --data", name, "send it alone");
  }
}

io::HttpField field_of(const std::string& text) {
  const auto colon = text.find(':');
  const std::string_view name = std::string_view(text).substr(0, colon);
  const std::string_view value =
      colon == text.npos ? "" : http::trim(std::string_view(text).substr(colon + 1));
  if (colon == text.npos || !http::is_token(name) || !http::all(http::char_value, value))
    throw Failure("not a header field", "--header '" + text + "'", "write 'Name: value'",
                  Exit::usage);
  return {std::string(name), std::string(value)};
}

}  // namespace

http::Url url_of(const std::string& text) {
  auto url = http::parse_url(text);
  if (!url) throw Failure("bad URL", text, std::string(url.error().why), Exit::usage);
  return std::move(*url);
}

Duration duration_of(const char* option, const std::string& text) {
  const bool is_bare = text.find_first_not_of("0123456789.") == std::string::npos;
  const auto time = parse_duration(is_bare ? text + "s" : text);
  if (!time || *time == Duration{})
    throw Failure("not a time", fmt::format("{} {}", option, text), "write 10s or 500ms",
                  Exit::usage);
  return *time;
}

std::unique_ptr<io::HttpSource> content_of(const GetOptions& options) {
  if (options.data.empty()) return nullptr;
  if (options.data.size() == 1 && options.data[0].starts_with('@'))
    return std::make_unique<FileSource>(open_data(options.data[0].substr(1)));
  std::string text;
  for (const std::string& one : options.data) {
    if (!text.empty()) text += '&';
    text += one.starts_with('@') ? all_of(open_data(one.substr(1)), one.substr(1)) : one;
  }
  return std::make_unique<io::HttpText>(std::move(text));
}

io::HttpFetch request_of(const GetOptions& options, io::HttpSource* content) {
  io::HttpFetch request;
  request.content = content;
  request.method = content != nullptr ? "POST" : options.is_head ? "HEAD" : "GET";
  if (!options.method.empty()) request.method = options.method;
  if (!http::is_token(request.method) || request.method == "CONNECT")
    throw Failure("not a method that can be sent", "-X " + options.method, "such as PUT",
                  Exit::usage);
  for (const std::string& text : options.fields) request.fields.push_back(field_of(text));
  if (content != nullptr && io::find(request.fields, "content-type") == nullptr)
    request.fields.push_back({"Content-Type", "application/x-www-form-urlencoded"});
  if (!options.range.empty()) request.fields.push_back({"Range", "bytes=" + options.range});
  return request;
}

io::HttpAgent::Options agent_options(const GetOptions& options) {
  io::HttpAgent::Options settings;
  settings.redirects_max = options.redirects_max;
  settings.may_downgrade = options.may_downgrade;
  settings.decompress = options.is_compressed;
  settings.dial.connect_timeout = duration_of("--connect-timeout", options.connect_timeout);
  settings.dial.tls_timeout = duration_of("--tls-timeout", options.tls_timeout);
  settings.limits.idle = duration_of("--timeout", options.idle_timeout);
  settings.limits.first_byte =
      options.first_byte_timeout.empty()
          ? settings.limits.idle
          : duration_of("--first-byte-timeout", options.first_byte_timeout);
  if (options.proxy.empty()) return settings;
  const bool has_scheme = options.proxy.find("://") != std::string::npos;
  settings.dial.proxy = url_of(has_scheme ? options.proxy : "http://" + options.proxy);
  if (settings.dial.proxy->is_secure)
    throw Failure("a proxy that is reached by TLS is not supported", options.proxy,
                  "write --proxy http://host:port", Exit::usage);
  return settings;
}

io::Resolver::Options resolver_options(const GetOptions& options, const io::Network& network) {
  io::Resolver::Options names{.conf = io::load_resolv_conf()};
  auto& servers = names.conf.dns.servers;
  if (!options.name_servers.empty()) servers.clear();
  for (const std::string& text : options.name_servers) {
    const auto address = wire::IpAddress::parse(text);
    const auto endpoint = address ? wire::Endpoint{*address, wire::dns_port}
                                  : wire::Endpoint::parse(text).value_or(wire::Endpoint{});
    if (endpoint.port == 0)
      throw Failure("not a name server's address", "--dns " + text,
                    "write 192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:5353", Exit::usage);
    servers.push_back(endpoint);
  }
  // Such as systemd-resolved at 127.0.0.53.
  if (!network.has_loopback())
    std::erase_if(servers, [](const wire::Endpoint& one) { return one.address.is_loopback(); });
  return names;
}

}  // namespace handfast::cli
