#include "host/syn_flood.hpp"

#include <algorithm>

namespace handfast::host {

void SynFlood::on_syn(const wire::IpAddress& source) {
  ++syns_;
  sources_.add(siphash(key_, source.octets));
}

void SynFlood::on_cookie(bool valid) {
  ++(valid ? cookies_valid_ : cookies_invalid_);
  finished_ += valid ? 1 : 0;
}

SynFlood::Verdict SynFlood::on_tick(u32 unfinished_max, Instant now) {
  const u64 ms = std::max<u64>(to<u64>((now - ticked_) / 1ms), 1);
  const u64 came = syns_ - syns_before_;
  const u64 done = finished_ - finished_before_;
  rate_ = came * 1000 / ms;
  ticked_ = now;
  syns_before_ = syns_;
  finished_before_ = finished_;
  const bool is_quiet = came <= done + unfinished_max;
  quiet_ticks_ = is_quiet ? quiet_ticks_ + 1 : 0;
  if (quiet_ticks_ >= 2) return Verdict::over;
  // Soon at first, when nothing is known of it, then now and then.
  ++ticks_;
  return ticks_ == 1 || ticks_ % 10 == 0 ? Verdict::tell : Verdict::silent;
}

trace::SynFlood SynFlood::event(const wire::Endpoint& listener, std::string_view state,
                                Instant now) const {
  const Duration lasted = now - began_;
  const bool over = state == "ended";
  const u64 in_all = syns_ * 1000 / std::max<u64>(to<u64>(lasted / 1ms), 1);
  return {.listener = listener,
          .state = state,
          .lasted = lasted,
          .syns_per_second = over ? in_all : rate_,
          .syns = syns_,
          .sources = sources_.estimate(),
          .cookies_sent = cookies_sent_,
          .cookies_valid = cookies_valid_,
          .cookies_invalid = cookies_invalid_};
}

}  // namespace handfast::host
