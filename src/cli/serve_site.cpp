#include "cli/serve_site.hpp"

#include <algorithm>
#include <map>

#include <asio/redirect_error.hpp>

#include "cli/command.hpp"
#include "http/target.hpp"
#include "io/hosts.hpp"
#include "io/http_metrics.hpp"
#include "io/kernel_stream.hpp"

namespace handfast::cli {
namespace {

constexpr Duration connect_limit = 5s;

/// "a=b" in two.
std::pair<std::string, std::string> split(const std::string& text, const char* option,
                                          const char* example) {
  const auto mark = text.find('=');
  if (mark == 0 || mark == text.npos || mark + 1 == text.size())
    throw Failure(std::string("not a value of ") + option, text, std::string("write ") + example,
                  Exit::usage);
  return {text.substr(0, mark), text.substr(mark + 1)};
}

asio::awaitable<io::AnyListener::Accepted> connect(asio::io_context& context,
                                                   wire::Endpoint origin) {
  io::KernelStream stream(context.get_executor());
  stream.expires_after(connect_limit);
  std::error_code error;
  co_await stream.async_connect(origin, asio::redirect_error(asio::use_awaitable, error));
  io::AnyListener::Accepted opened;
  opened.error = stream.outcome(error);
  if (!error) opened.stream = io::any_stream(std::move(stream));
  co_return opened;
}

}  // namespace

void add_options(CLI::App& command, SiteOptions& options) {
  command.add_option("DIR", options.directory, "The directory")->required();
  command
      .add_option("--vhost", options.hosts,
                  "Another directory for this host; *.example is every host below. May be given "
                  "more than once")
      ->type_name("NAME=DIR")
      ->allow_extra_args(false);
  command
      .add_option("--proxy", options.proxies,
                  "Have an HTTP server answer what is below this path. May be given more than once")
      ->type_name("PATH=URL")
      ->allow_extra_args(false);
  command
      .add_option(
          "--symlinks", options.links,
          "Which links are followed: none, those that stay inside of the directory, or all. "
          "Default: inside")
      ->type_name("WHICH")
      ->transform(CLI::CheckedTransformer(
                      std::map<std::string, io::LinkPolicy>{{"none", io::LinkPolicy::none},
                                                            {"inside", io::LinkPolicy::inside},
                                                            {"all", io::LinkPolicy::all}})
                      .description(""));
  command.add_flag("--no-listing", options.no_listing,
                   "No page for a directory without index.html");
  command.add_flag("--no-compress", options.no_packing,
                   "Send files as they are; without, texts are packed by br, zstd or gzip, or "
                   "file.br, file.zst and file.gz beside them are sent");
  command
      .add_option("--metrics", options.metrics,
                  "Show the server's counters on this path, as Prometheus reads them")
      ->type_name("PATH");
}

Site::Site(const SiteOptions& options, asio::io_context& context) : options_(options) {
  hosts_.emplace(open(options.directory));
  for (const std::string& text : options.hosts) {
    const auto [name, directory] = split(text, "--vhost", "--vhost www.example=DIR");
    hosts_->add(name, open(directory));
  }
  for (const std::string& text : options.proxies) add_proxy(text, context);
  proxies_.sort([](const auto& a, const auto& b) { return a.first.size() > b.first.size(); });
}

asio::awaitable<void> Site::show_metrics(io::HttpExchange& exchange) const {
  io::HttpResponse response;
  response.fields.add("Content-Type", io::metrics_type);
  const std::string text = metrics ? metrics() : "";
  co_await exchange.respond(response, text);
}

asio::awaitable<void> Site::operator()(io::HttpExchange& exchange) {
  const std::string_view path = exchange.request().path();
  if (!options_.metrics.empty() && path == options_.metrics) return show_metrics(exchange);
  const auto proxy = std::ranges::find_if(
      proxies_, [&](const auto& one) { return exchange.request().target.starts_with(one.first); });
  return proxy != proxies_.end() ? proxy->second(exchange) : (*hosts_)(exchange);
}

io::HttpHandler Site::open(const std::string& directory) {
  auto tree = io::FileTree::open(directory, options_.links);
  if (!tree) {
    const bool is_file = tree.error() == std::errc::not_a_directory;
    throw Failure("cannot serve", directory,
                  tree.error().message() + (is_file ? " (give the directory it is in)" : ""));
  }
  io::HttpDirectoryOptions how;
  how.lists = !options_.no_listing;
  how.packs = how.takes_packed_files = !options_.no_packing;
  return std::ref(directories_.emplace_back(std::move(*tree), how));
}

void Site::add_proxy(const std::string& text, asio::io_context& context) {
  constexpr const char* example = "--proxy /api/=http://127.0.0.1:3000/";
  const auto [prefix, address] = split(text, "--proxy", example);
  const auto url = http::parse_url(address);
  if (!prefix.starts_with('/') || !url || url->is_secure)
    throw Failure("not a value of --proxy", text,
                  std::string("write ") + example + " (https is not spoken to an origin)",
                  Exit::usage);
  const auto found = io::look_up(url->host);
  if (found.empty())
    throw Failure("--proxy names a host that is not known", url->host,
                  "write its address, or put it into /etc/hosts");
  io::HttpReverseProxyOptions how;
  how.authority = url->authority();
  how.prefix = prefix;
  how.replacement = url->target;
  const wire::Endpoint origin{found.front(), url->port};
  proxies_.emplace_back(
      std::piecewise_construct, std::forward_as_tuple(prefix),
      std::forward_as_tuple([&context, origin] { return connect(context, origin); }, how));
}

}  // namespace handfast::cli
