// Answers that may still be given again (RFC 1034 §5.3.1; negative ones RFC 2308 §5).
#pragma once

#include <vector>

#include "host/dns_query.hpp"

namespace handfast::host {

class DnsCache {
 public:
  explicit DnsCache(u32 answers_max = 256) : answers_max_(answers_max) {}

  /// Null: not known, or not any more. Valid until the next call.
  const DnsAnswer* find(const wire::DnsName& name, wire::DnsType type, Instant now) const;
  /// Failures, and what may not be remembered, are not. The oldest goes where there is no room.
  void put(const wire::DnsName& name, wire::DnsType type, const DnsAnswer& answer, Instant now);
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    wire::DnsName name;
    wire::DnsType type;
    Instant expires;
    DnsAnswer answer;
  };
  u32 answers_max_;
  std::vector<Entry> entries_;  // in the order of their coming
};

}  // namespace handfast::host
