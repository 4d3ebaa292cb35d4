#include "io/http_pool.hpp"

#include <algorithm>
#include <ranges>

namespace handfast::io {

HttpPool::~HttpPool() {
  for (const Entry& entry : entries_)
    if (entry.connection->is_idle()) entry.connection->close();
}

std::shared_ptr<HttpChannel> HttpPool::take(const std::string& origin, Instant now) {
  tidy(now);
  for (const Entry& entry : entries_ | std::views::reverse)
    if (entry.origin == origin && entry.connection->can_take()) return entry.connection;
  return nullptr;
}

void HttpPool::add(const std::string& origin, std::shared_ptr<HttpChannel> connection,
                   Instant now) {
  entries_.push_back({origin, std::move(connection), now});
}

void HttpPool::released(const HttpChannel& connection, Instant now) {
  const auto found = std::ranges::find_if(
      entries_, [&](const Entry& entry) { return entry.connection.get() == &connection; });
  if (found == entries_.end()) return;
  found->used = now;
  std::rotate(found, found + 1, entries_.end());
  tidy(now);
}

std::shared_ptr<HttpChannel> HttpPool::take_any() {
  if (entries_.empty()) return nullptr;
  std::shared_ptr<HttpChannel> connection = std::move(entries_.back().connection);
  entries_.pop_back();
  return connection;
}

void HttpPool::abort_all() {
  for (const Entry& entry : entries_) entry.connection->abort();
}

void HttpPool::tidy(Instant now) {
  auto idle = std::ranges::count_if(entries_,
                                    [](const Entry& entry) { return entry.connection->is_idle(); });
  std::erase_if(entries_, [&](const Entry& entry) {
    if (!entry.connection->is_idle()) return false;
    const bool is_over = !entry.connection->can_take() ||
                         now - entry.used >= config_.idle_time_max ||
                         idle > i64{config_.idle_connections_max};
    if (!is_over) return false;
    entry.connection->close();
    --idle;
    return true;
  });
}

}  // namespace handfast::io
