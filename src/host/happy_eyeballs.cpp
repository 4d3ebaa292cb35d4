// RFC 8305 §3 to §5.
#include "host/happy_eyeballs.hpp"

#include <algorithm>

namespace handfast::host {

void HappyEyeballs::on_addresses(Family family, std::span<const wire::IpAddress> addresses,
                                 Instant now) {
  Side& of = side(family);
  of.is_known = true;
  of.left.assign(addresses.rbegin(), addresses.rend());
  if (of.left.size() > config_.addresses_max)
    of.left.erase(of.left.begin(), of.left.end() - config_.addresses_max);
  if (begun_ > 0 || of.left.empty()) return;
  // §3: IPv6 begins at once; IPv4 gives it a moment, unless it is known to have nothing.
  if (family == Family::v6)
    earliest_ = now;
  else if (!side(Family::v6).is_known)
    earliest_ = after(now, config_.resolution_delay);
}

void HappyEyeballs::on_failure(Instant now) {
  ++failed_;
  earliest_ = std::min(earliest_, now);
}

bool HappyEyeballs::may_begin() const {
  return !side(Family::v6).left.empty() || !side(Family::v4).left.empty();
}

std::optional<wire::IpAddress> HappyEyeballs::poll_attempt(Instant now) {
  if (!may_begin()) return std::nullopt;
  // What was waiting for IPv6 need not do so any more, once that is known to have nothing.
  const bool is_free = begun_ == 0 && side(Family::v6).is_known;
  if (!is_free && now < earliest_) return std::nullopt;
  if (side(next_).left.empty()) next_ = next_ == Family::v6 ? Family::v4 : Family::v6;
  Side& from = side(next_);
  const wire::IpAddress address = from.left.back();
  from.left.pop_back();
  next_ = next_ == Family::v6 ? Family::v4 : Family::v6;
  ++begun_;
  earliest_ = after(now, config_.attempt_delay);
  return address;
}

Instant HappyEyeballs::deadline() const { return may_begin() ? earliest_ : never; }

bool HappyEyeballs::is_exhausted() const {
  return begun_ == failed_ && !may_begin() && side(Family::v6).is_known &&
         side(Family::v4).is_known;
}

}  // namespace handfast::host
