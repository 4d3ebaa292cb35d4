#include "tls/session_store.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"

namespace handfast::tls {
namespace {

/// What a peer sent as an ID, where it is as long as ours are.
std::optional<SessionId> id_of(Bytes bytes) {
  SessionId id;
  if (bytes.size() != id.size()) return std::nullopt;
  std::ranges::copy(bytes, id.begin());
  return id;
}

}  // namespace

SessionStore::SessionStore(const Config& config) : config_(config) {
  ASSERT(config.lifetime <= session_lifetime_max);
}

void SessionStore::put(const SessionId& id, SessionState state) {
  std::size_t bytes = 0;
  for (const std::vector<u8>& der : state.peer_chain) bytes += der.size();
  if (config_.sessions_max == 0 || bytes > config_.chain_bytes_max) return;
  forget(id);
  const auto is_too_old = [&](const Kept& kept) {
    return state.issued >= after(kept.state.issued, config_.lifetime);
  };
  while (!sessions_.empty() &&
         (sessions_.size() >= config_.sessions_max || is_too_old(sessions_.front())))
    forget(SessionId(sessions_.front().id));
  sessions_.push_back({id, std::move(state)});
  by_id_.emplace(id, std::prev(sessions_.end()));
}

const SessionState* SessionStore::find(Bytes id, Instant now) const {
  const auto key = id_of(id);
  const auto found = key ? by_id_.find(*key) : by_id_.end();
  if (found == by_id_.end()) return nullptr;
  const SessionState& state = found->second->state;
  return now < after(state.issued, config_.lifetime) ? &state : nullptr;
}

void SessionStore::forget(Bytes id) {
  const auto key = id_of(id);
  const auto found = key ? by_id_.find(*key) : by_id_.end();
  if (found == by_id_.end()) return;
  sessions_.erase(found->second);
  by_id_.erase(found);
}

}  // namespace handfast::tls
