#include "host/dns_cache.hpp"

#include <algorithm>

namespace handfast::host {

const DnsAnswer* DnsCache::find(const wire::DnsName& name, wire::DnsType type, Instant now) const {
  const auto found = std::ranges::find_if(entries_, [&](const Entry& entry) {
    return entry.type == type && entry.expires > now && entry.name == name;
  });
  return found == entries_.end() ? nullptr : &found->answer;
}

void DnsCache::put(const wire::DnsName& name, wire::DnsType type, const DnsAnswer& answer,
                   Instant now) {
  std::erase_if(entries_, [&](const Entry& entry) {
    return entry.expires <= now || (entry.type == type && entry.name == name);
  });
  if (answer.kind == DnsAnswer::Kind::failed || answer.ttl <= Duration{}) return;
  if (entries_.size() >= answers_max_) entries_.erase(entries_.begin());
  entries_.push_back({name, type, after(now, answer.ttl), answer});
  entries_.back().answer.trips = 0;  // it costs none any more
}

}  // namespace handfast::host
