// What `handfast serve` answers: directories, by host; other servers, by path; its counters.
#pragma once

#include <functional>
#include <list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <asio/io_context.hpp>

#include "io/http_hosts.hpp"
#include "io/http_reverse_proxy.hpp"
#include "io/http_site.hpp"

namespace handfast::cli {

struct SiteOptions {
  std::string directory{};
  std::vector<std::string> hosts{};    // "www.example=DIR"
  std::vector<std::string> proxies{};  // "/api/=http://127.0.0.1:3000/"
  io::LinkPolicy links = io::LinkPolicy::inside;
  bool no_listing = false;
  bool no_packing = false;
  std::string metrics{};  // a path
};
void add_options(CLI::App& command, SiteOptions& options);

/// It stays where it is as long as a server uses its handler.
class Site {
 public:
  /// Throws Failure. Origins of --proxy are reached over the kernel's TCP, on `context`.
  Site(const SiteOptions& options, asio::io_context& context);
  Site(const Site&) = delete;
  Site& operator=(const Site&) = delete;

  asio::awaitable<void> operator()(io::HttpExchange& exchange);
  /// What the metrics page says; until then it is empty.
  std::function<std::string()> metrics;

 private:
  asio::awaitable<void> show_metrics(io::HttpExchange& exchange) const;
  io::HttpHandler open(const std::string& directory);
  void add_proxy(const std::string& text, asio::io_context& context);

  SiteOptions options_;
  std::list<io::HttpDirectory> directories_;
  std::list<std::pair<std::string, io::HttpReverseProxy>> proxies_;  // longest prefix first
  std::optional<io::HttpHosts> hosts_;
};

}  // namespace handfast::cli
