// RFC 9293 §3.10.7.2 (LISTEN, third check) and §3.10.7.4 for SYN-RECEIVED after a passive open.
#include "tcp/half_open.hpp"

#include <algorithm>

#include "tcp/accurate_ecn.hpp"
#include "tcp/context.hpp"
#include "tcp/sequence.hpp"
#include "wire/path_mtu.hpp"

namespace handfast::tcp {

using wire::TcpFlags;

namespace {

Duration retry_interval(const Config& config, u8 retries) {
  return std::min(config.rto_initial * (1u << std::min<u32>(retries, 16)), config.rto_max);
}

}  // namespace

HalfOpen::HalfOpen(Context& context, const Settings& settings, const wire::Flow& flow,
                   const wire::TcpSegment& syn, u32 path_mtu, Instant now)
    : flow_(flow),
      iss_(context.initial_sequence(flow, now)),
      irs_(syn.header.sequence),
      sent_at_(now),
      deadline_(now + context.config.rto_initial),
      path_mtu_(to<u16>(std::min<u32>(path_mtu, 65535))),
      mss_max_(to<u16>(settings.mss_max != 0 ? std::min(settings.mss_max, 65535u) : 65535u)),
      window_own_(to<u16>(std::min(initial_window(context.config, settings), 65535u))),
      window_(syn.header.window),
      mss_(syn.header.options.mss.value_or(0)) {
  const wire::TcpOptions& o = syn.header.options;
  scaling_ = o.window_scale.has_value() && settings.window_scaling;
  if (scaling_) window_scale_ = *o.window_scale;
  timestamps_ = o.timestamps.has_value() && settings.timestamps;
  if (timestamps_) timestamp_recent_ = o.timestamps->value;
  sack_ = o.sack_permitted && settings.sack;
  ecn_ = settings.ecn != Ecn::off && syn.header.has(TcpFlags::ece) && syn.header.has(TcpFlags::cwr);
  for (Duration waited = 0s; waited < settings.defer_accept && deferrals_ < 255; ++deferrals_)
    waited += retry_interval(context.config, deferrals_);
  accurate_ = ecn_ && settings.accurate_ecn && syn.header.has(TcpFlags::ae);
}

void HalfOpen::become_cookie(Context& context, Instant now) {
  cookie_ = true;
  accurate_ = false;  // and RFC 3168's in its place
  iss_ = context.syn_cookies.make(flow_, irs_, mss_, now);
  // Without a timestamp there is no room for them.
  if (timestamps_) return;
  ecn_ = false;
  scaling_ = false;
  sack_ = false;
}

std::optional<HalfOpen> HalfOpen::from_cookie(Context& context, const Settings& settings,
                                              const wire::Flow& flow,
                                              const wire::TcpSegment& answer, u32 path_mtu,
                                              Instant now) {
  const wire::TcpHeader& h = answer.header;
  const u32 iss = h.acknowledgment - 1;
  const std::optional<u16> mss = context.syn_cookies.check(flow, h.sequence - 1, iss, now);
  if (!mss) return std::nullopt;
  // The SYN again, as far as it was kept.
  wire::TcpSegment syn;
  syn.header.sequence = h.sequence - 1;
  syn.header.window = h.window;
  if (*mss != 0) syn.header.options.mss = mss;
  if (h.options.timestamps && settings.timestamps) {
    syn.header.options.timestamps = h.options.timestamps;
    const SynStamp stamp = SynStamp::of(h.options.timestamps->echo_reply);
    syn.header.options.window_scale = stamp.window_scale;
    syn.header.options.sack_permitted = stamp.sack;
  }
  HalfOpen record(context, settings, flow, syn, path_mtu, now);
  record.ecn_ = record.timestamps_ && settings.ecn != Ecn::off &&
                SynStamp::of(h.options.timestamps->echo_reply).ecn;
  record.iss_ = iss;
  record.cookie_ = true;
  return record;
}

HalfOpen::Verdict HalfOpen::on_segment(const Context& context, const wire::TcpSegment& segment,
                                       Instant now) {
  const wire::TcpHeader& h = segment.header;
  const u32 next = irs_ + 1;
  // The peer did not hear our SYN,ACK: its SYN comes again.
  if (h.has(TcpFlags::syn) && !h.has(TcpFlags::ack) && !h.has(TcpFlags::rst) &&
      h.sequence == irs_) {
    if (timestamps_ && h.options.timestamps) timestamp_recent_ = h.options.timestamps->value;
    accurate_ = accurate_ && h.has(TcpFlags::ae);
    // This answer takes the place of the one that was due next.
    deadline_ = now + retry_interval(context.config, retries_);
    return Verdict::answer;
  }
  // First: the window is the one that the SYN,ACK offered.
  const u32 window = window_own_;
  const u32 last = h.sequence + std::max<u32>(segment.sequence_length(), 1) - 1;
  const bool acceptable = (seq_ge(h.sequence, next) && seq_lt(h.sequence, next + window)) ||
                          (seq_ge(last, next) && seq_lt(last, next + window));
  const bool old_timestamp =
      timestamps_ && h.options.timestamps && seq_lt(h.options.timestamps->value, timestamp_recent_);
  if (!acceptable || (old_timestamp && !h.has(TcpFlags::rst)))
    return h.has(TcpFlags::rst) ? Verdict::stays : Verdict::challenge;
  // Second: RFC 5961 §3.2 holds here as well.
  if (h.has(TcpFlags::rst)) return h.sequence == next ? Verdict::reset : Verdict::challenge;
  // Fourth: RFC 5961 §4.2.
  if (h.has(TcpFlags::syn)) return Verdict::challenge;
  // Fifth.
  if (!h.has(TcpFlags::ack)) return Verdict::stays;
  if (h.acknowledgment != iss_ + 1) return Verdict::refuse;
  if (retries_ < deferrals_ && segment.payload.empty() && !h.has(TcpFlags::fin)) {
    acked_ = true;
    return Verdict::deferred;
  }
  return Verdict::established;
}

wire::TcpHeader HalfOpen::syn_ack(const Context& context, Instant now) const {
  wire::TcpHeader h = challenge_ack(context, now);
  h.sequence = iss_;
  h.flags = to<u16>(TcpFlags::syn | TcpFlags::ack | ecn_answer());
  const u16 headers = to<u16>(wire::tcp_ip_header_size(flow_.remote.address));
  h.options.mss = std::min(to<u16>(path_mtu_ - std::min(path_mtu_, headers)), mss_max_);
  h.options.style = context.config.option_style;
  h.options.sack_permitted = sack_;
  if (scaling_) h.options.window_scale = window_scale_for(context.config);
  if (cookie_ && timestamps_) {
    SynStamp stamp{.sack = sack_, .ecn = ecn_};
    if (scaling_) stamp.window_scale = std::min<u8>(window_scale_, 14);
    h.options.timestamps->value = stamp.in(h.options.timestamps->value);
  }
  return h;
}

// RFC 9768 §3.1.4.2: a SYN,ACK that is lost twice may be lost for its flags.
u16 HalfOpen::ecn_answer() const {
  if (!ecn_) return 0;
  if (!accurate_) return TcpFlags::ece;
  return retries_ <= 1 ? AccurateEcn::feedback(syn_ecn_) : 0;
}

wire::TcpHeader HalfOpen::challenge_ack(const Context& context, Instant now) const {
  wire::TcpHeader h;
  h.source_port = flow_.local.port;
  h.destination_port = flow_.remote.port;
  h.sequence = iss_ + 1;
  h.acknowledgment = irs_ + 1;
  h.flags = TcpFlags::ack;
  h.window = window_own_;
  if (timestamps_)
    h.options.timestamps = {to<u32>(now.time_since_epoch() / 1ms) + context.timestamp_offset(flow_),
                            timestamp_recent_};
  return h;
}

bool HalfOpen::on_deadline(const Context& context, Instant now) {
  if (retries_ >= std::max<u32>(context.config.syn_ack_retries_max, deferrals_)) return false;
  ++retries_;
  deadline_ = now + retry_interval(context.config, retries_);
  return true;
}

}  // namespace handfast::tcp
