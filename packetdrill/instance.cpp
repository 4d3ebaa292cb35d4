#include "instance.hpp"

#include <algorithm>
#include <array>
#include <atomic>

#include "wire/segmentation.hpp"

namespace handfast::packetdrill {

namespace {

std::atomic<Instance*> in_use = nullptr;

// A script's clock begins at some day of the calendar, so that no time is ever negative.
constexpr Instant beginning{std::chrono::seconds(1'000'000)};
// Nothing that a script waits for is further away.
constexpr Duration horizon = std::chrono::hours(48);

}  // namespace

Instance* current_instance() { return in_use.load(); }
void set_current_instance(Instance* instance) { in_use.store(instance); }

Instance::Instance(const char* flags) : options_(parse_options(flags)), now_(beginning) {}

io::posix::Sockets& Instance::sockets() {
  if (sockets_ == nullptr) {
    host_ = std::make_unique<host::Host>(make_config(options_), now_, Rng(options_.seed));
    sockets_ = std::make_unique<io::posix::Sockets>(
        *host_, static_cast<io::posix::Environment&>(*this), first_descriptor,
        [this] { return socket_defaults(options_); });
  }
  return *sockets_;
}

bool Instance::owns(int fd) {
  std::unique_lock lock(mutex_);
  return sockets_ != nullptr && sockets_->owns(fd);
}

// What a call or a packet made possible: segments leave at this moment, sockets hear of events,
// and who waits may look again.
void Instance::pump() {
  if (host_ == nullptr) return;
  sockets_->dispatch_events();
  fetch_sent();
  sockets_->dispatch_events();
  ++changes_;
  changed_.notify_all();
}

// The interface has segmentation offload, as Linux's TUN has; the cut is made here.
void Instance::leave(std::vector<u8> bytes, const wire::Frame& frame) {
  const i64 time_us = now_.time_since_epoch() / 1us;
  if (!frame.checksum_offloaded) {
    sent_.push_back({std::move(bytes), time_us});
    return;
  }
  const wire::Segmentation cut(bytes, frame.segment_size);
  for (u32 i = 0; i < cut.count(); ++i) {
    std::vector<u8> piece(cut.size_max());
    piece.resize(cut.emit(i, piece));
    sent_.push_back({std::move(piece), time_us});
  }
}

void Instance::fetch_sent() {
  constexpr std::size_t batch = 16;
  frame_headers_.resize(batch * wire::Frame::header_room);
  for (;;) {
    std::array<wire::Frame, batch> frames;
    for (std::size_t i = 0; i < batch; ++i)
      frames[i].header =
          MutBytes(frame_headers_).subspan(i * wire::Frame::header_room, wire::Frame::header_room);
    const u32 count = host_->poll_transmit(0, frames, now_);
    if (count == 0) return;
    for (const wire::Frame& frame : std::span(frames).first(count)) {
      std::vector<u8> bytes(frame.header.begin(), frame.header.end());
      for (const Bytes piece : frame.payload) bytes.insert(bytes.end(), piece.begin(), piece.end());
      leave(std::move(bytes), frame);
    }
  }
}

bool Instance::wait(Instant deadline) {
  if (now_ >= deadline) return false;
  if (std::this_thread::get_id() == main_) {
    // Nobody else would move the time.
    if (deadline == never && host_->deadline() > now_ + horizon) return false;
    step(deadline);
    return now_ < deadline;
  }
  std::unique_lock<std::mutex>& lock = *lock_;
  blocked_ = true;
  running_ = false;
  wait_deadline_ = deadline;
  looked_at_ = changes_;
  told_.notify_all();
  changed_.wait(lock, [&] { return changes_ != looked_at_ || now_ >= deadline; });
  lock_ = &lock;
  blocked_ = false;
  running_ = true;
  wait_deadline_ = never;
  return now_ < deadline;
}

// The next thing that time brings, up to `limit`; false where it brings nothing before.
bool Instance::step(Instant limit) {
  const Instant next = std::min(host_ == nullptr ? never : host_->deadline(), wait_deadline_);
  if (next > limit) {
    now_ = std::max(now_, limit);
    return false;
  }
  now_ = std::max(now_, next);
  if (host_ != nullptr && host_->deadline() <= now_) host_->on_deadline(now_);
  pump();
  return true;
}

// A call that was woken returns at this moment of the script: time stands still until it has
// taken note of it, or waits again.
void Instance::let_woken_finish(std::unique_lock<std::mutex>& lock) {
  if (std::this_thread::get_id() != main_) return;
  constexpr auto patience = std::chrono::seconds(10);  // of real time
  told_.wait_for(lock, patience, [&] {
    const bool to_look = blocked_ && (changes_ != looked_at_ || now_ >= wait_deadline_);
    return !to_look && !running_;
  });
}

void Instance::advance(std::unique_lock<std::mutex>& lock, Instant end) {
  while (step(end)) let_woken_finish(lock);
}

void Instance::deliver(Bytes packet) {
  std::unique_lock lock(mutex_);
  sockets();
  host_->on_frame(0, packet, now_);
  pump();
  let_woken_finish(lock);
}

std::optional<Instance::Sent> Instance::next_sent() {
  std::unique_lock lock(mutex_);
  const Instant limit = now_ + horizon;
  while (sent_.empty()) {
    const bool moved = step(limit);
    let_woken_finish(lock);
    if (!moved && sent_.empty()) return std::nullopt;
  }
  Sent first = std::move(sent_.front());
  sent_.pop_front();
  return first;
}

// packetdrill lets go of its lock while it sleeps, and here no time passes: a call that has just
// come back must get hold of that lock before the script goes on with what the call made.
void Instance::sleep(Duration time) {
  constexpr auto to_get_the_lock = std::chrono::milliseconds(5);  // of real time
  if (returned_.exchange(false)) std::this_thread::sleep_for(to_get_the_lock);
  std::unique_lock lock(mutex_);
  advance(lock, now_ + time);
}

i64 Instance::read_clock_us() {
  std::unique_lock lock(mutex_);
  if (running_ && std::this_thread::get_id() != main_) {
    running_ = false;
    returned_ = true;
    told_.notify_all();
  } else {
    advance(lock, now_ + 1us);
  }
  return now_.time_since_epoch() / 1us;
}

}  // namespace handfast::packetdrill
