// Connections that are open, by origin: what can carry one more exchange is found again.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "io/http_fetch.hpp"

namespace handfast::io {

class HttpPool {
 public:
  struct Config {
    u32 idle_connections_max = 16;
    Duration idle_time_max = 60s;  // looked at whenever the pool is used
  };
  HttpPool() = default;
  explicit HttpPool(const Config& config) : config_(config) {}
  /// What is in use goes on.
  ~HttpPool();
  HttpPool(const HttpPool&) = delete;
  HttpPool& operator=(const HttpPool&) = delete;

  /// The one that was used last of those for `origin` that can take an exchange; or null.
  std::shared_ptr<HttpChannel> take(const std::string& origin, Instant now);
  void add(const std::string& origin, std::shared_ptr<HttpChannel> connection, Instant now);
  /// An exchange on `connection` has ended.
  void released(const HttpChannel& connection, Instant now);
  /// Any, which is the pool's no more; or null.
  std::shared_ptr<HttpChannel> take_any();
  void abort_all();
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string origin;
    std::shared_ptr<HttpChannel> connection;
    Instant used;
  };
  void tidy(Instant now);

  Config config_{};
  std::vector<Entry> entries_;  // used last: at the end
};

}  // namespace handfast::io
