#include "io/posix/send_reports.hpp"

#include <cerrno>

#include <linux/net_tstamp.h>

namespace handfast::io::posix {

const u32 SendReports::wanted =
    SOF_TIMESTAMPING_TX_SCHED | SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_TX_ACK;

void SendReports::report(const Stamp& stamp, u32 kind, Instant now, ErrorQueue& errors) const {
  QueuedError entry;
  entry.error.ee_errno = ENOMSG;
  entry.error.ee_origin = SO_EE_ORIGIN_TIMESTAMPING;
  entry.error.ee_info = kind;
  if ((stamp.flags & SOF_TIMESTAMPING_OPT_ID) != 0)
    entry.error.ee_data = to<u32>((stamp.end - 1 - first_byte_) & 0xffff'ffff);
  // Without OPT_TSONLY the packet itself would come along, and is cut.
  entry.truncated = (stamp.flags & SOF_TIMESTAMPING_OPT_TSONLY) == 0;
  scm_timestamping times{};
  const auto since = now.time_since_epoch();
  times.ts[0].tv_sec = since / 1s;
  times.ts[0].tv_nsec = since % 1s / 1ns;
  entry.times = times;
  errors.push(entry);
}

bool SendReports::take(const Progress& progress, Instant now, ErrorQueue& errors) {
  bool any = false;
  for (Stamp& stamp : stamps_) {
    if (stamp.sent || progress.sent < stamp.end) continue;
    stamp.sent = true;
    any = true;
    if ((stamp.flags & SOF_TIMESTAMPING_TX_SCHED) != 0)
      report(stamp, SCM_TSTAMP_SCHED, now, errors);
    if ((stamp.flags & SOF_TIMESTAMPING_TX_SOFTWARE) != 0)
      report(stamp, SCM_TSTAMP_SND, now, errors);
  }
  while (!stamps_.empty() && (progress.over || stamps_.front().end <= progress.acknowledged)) {
    const Stamp done = stamps_.front();
    stamps_.pop_front();
    const bool acknowledged = done.end <= progress.acknowledged;
    if (acknowledged && (done.flags & SOF_TIMESTAMPING_TX_ACK) != 0) {
      report(done, SCM_TSTAMP_ACK, now, errors);
      any = true;
    }
  }
  // Linux tells of a zero-copy send when the last reference to its pages is gone: when it has been
  // acknowledged, or will never be.
  while (!zerocopy_.empty() && (progress.over || zerocopy_.front().end <= progress.acknowledged)) {
    errors.push_completion(zerocopy_.front().number, zerocopy_.front().number);
    zerocopy_.pop_front();
    any = true;
  }
  return any;
}

}  // namespace handfast::io::posix
