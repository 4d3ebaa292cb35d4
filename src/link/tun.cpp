#include "link/tun.hpp"

#include <bit>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <fmt/format.h>

#include "base/assert.hpp"
#include "link/virtio.hpp"

namespace handfast::link {
namespace {

constexpr const char* device_file = "/dev/net/tun";
constexpr u32 mtu_default = 1500;
// What TCP may be given at once: an IP packet of 65535 bytes, less the largest headers.
constexpr u32 segment_bytes = 65'535 - wire::Frame::header_room;

std::string_view word(TunMode mode) { return mode == TunMode::tun ? "tun" : "tap"; }

ifreq request_for(const std::string& name) {
  ifreq request{};
  std::memcpy(request.ifr_name, name.data(), name.size());
  return request;
}

std::optional<Error> check_name(const std::string& name) {
  if (name.size() >= IFNAMSIZ)
    return Error{fmt::format("the name {} is too long for an interface", name),
                 fmt::format("use at most {} characters", IFNAMSIZ - 1), ENAMETOOLONG};
  if (name == "." || name == ".." || name.find_first_of("/: \t\n%") != std::string::npos)
    return Error{fmt::format("'{}' is no name for an interface", name),
                 "use letters, digits, '-' and '.'", EINVAL};
  return std::nullopt;
}

Error cannot_open_file(int code) {
  Error error{fmt::format("cannot open {}: {}", device_file, std::system_category().message(code)),
              "", code};
  if (code == ENOENT || code == ENODEV || code == ENXIO) {
    error.what = fmt::format("this machine has no {}", device_file);
    error.advice = "`modprobe tun` as root; for a container, pass the device into it";
  } else if (code == EACCES || code == EPERM) {
    error.what = fmt::format("no permission to open {}", device_file);
    error.advice = "run as root";
  }
  return error;
}

Error cannot_attach(const TunOptions& options, int code) {
  const std::string_view mode = word(options.mode);
  const std::string name = options.name.empty() ? fmt::format("a {} device", mode) : options.name;
  Error error{fmt::format("cannot open {}: {}", name, std::system_category().message(code)), "",
              code};
  if (code == EPERM) {
    error.what = fmt::format("no permission to open or create {}: this needs CAP_NET_ADMIN", name);
    error.advice = fmt::format(
        "run as root, or let root make it for you: "
        "`ip tuntap add dev {} mode {} user NAME`",
        options.name.empty() ? "tun0" : options.name, mode);
  } else if (code == EBUSY) {
    error.what = fmt::format("{} is in use by another process", name);
    error.advice = "choose another name, or end that process";
  } else if (code == EINVAL && if_nametoindex(options.name.c_str()) != 0) {
    error.what = fmt::format("{} exists and is not a {} device of one queue", name, mode);
    error.advice = fmt::format("choose another name, or remove it with `ip link del {}`", name);
  }
  return error;
}

int attach(int fd, ifreq& request, const TunOptions& options) {
  int flags = (options.mode == TunMode::tun ? IFF_TUN : IFF_TAP) | IFF_NO_PI;
  if (options.offload) flags |= IFF_VNET_HDR;
  request.ifr_flags = to<short>(flags);
  if (ioctl(fd, TUNSETIFF, &request) < 0) return errno;
  const unsigned offloads = options.offload ? TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 : 0;
  if (options.offload && ioctl(fd, TUNSETOFFLOAD, offloads) < 0) return errno;
  return 0;
}

}  // namespace

Result<Tun, Error> Tun::open(const TunOptions& options) {
  if (auto error = check_name(options.name)) return failure(*error);
  Descriptor device(::open(device_file, O_RDWR | O_CLOEXEC | O_NONBLOCK));
  if (!device) return failure(cannot_open_file(errno));
  ifreq request = request_for(options.name);
  const int code = attach(device.get(), request, options);
  if (code != 0) return failure(cannot_attach(options, code));
  return Tun(std::move(device), request.ifr_name, options);
}

Tun::Tun(Descriptor device, std::string name, const TunOptions& options)
    : device_(std::move(device)),
      name_(std::move(name)),
      mode_(options.mode),
      offload_(options.offload),
      slots_(std::make_unique_for_overwrite<u8[]>(std::size_t{slot_bytes} * batch_max)),
      headers_(std::make_unique<u8[]>(std::size_t{wire::Frame::header_room} * batch_max)) {
  for (u32 i = 0; i < batch_max; ++i) lend_header(i);
}

void Tun::lend_header(u32 i) {
  u8* header = headers_.get() + std::size_t{i} * wire::Frame::header_room;
  frames_[i].header = {header, wire::Frame::header_room};
}

Caps Tun::caps() const {
  ifreq request = request_for(name_);
  u32 mtu = mtu_default;
  const Descriptor any_socket(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (ioctl(any_socket.get(), SIOCGIFMTU, &request) == 0) mtu = to<u32>(request.ifr_mtu);
  const bool is_tap = mode_ == TunMode::tap;
  return {.link_type = is_tap ? trace::LinkType::ethernet : trace::LinkType::ip,
          .mtu = mtu,
          .checksum_offload = offload_,
          .segment_bytes_max = offload_ ? segment_bytes : 0};
}

u32 Tun::receive(std::span<Received> in, Instant /*now*/) {
  u32 count = 0;
  while (count < in.size() && lent_ < batch_max && lent_bytes_ < batch_bytes_max &&
         receive_one(in[count]))
    ++count;
  return count;
}

bool Tun::receive_one(Received& received) {
  u8* slot = slots_.get() + std::size_t{lent_} * slot_bytes;
  VirtioHeader header;
  std::array<iovec, 2> into{{{&header, sizeof header}, {slot, slot_bytes}}};
  const std::size_t first = offload_ ? 0 : 1;
  const ssize_t got = readv(device_.get(), &into[first], to<int>(into.size() - first));
  if (got < 0) {
    note(errno);
    return false;
  }
  const std::size_t prefix = offload_ ? sizeof header : 0;
  if (to<std::size_t>(got) <= prefix) return false;
  const MutBytes frame{slot, to<std::size_t>(got) - prefix};
  finish_checksum(header, frame);
  received = {.frame = frame,
              .segment_size = header.segment_size,
              .checksum_verified = tcp_checksum_is_good(header)};
  ++lent_;
  lent_bytes_ += to<u32>(frame.size());
  ++counters_.frames_received;
  return true;
}

void Tun::release() {
  lent_ = 0;
  lent_bytes_ = 0;
}

std::span<wire::Frame> Tun::room() { return frames_; }

void Tun::transmit(u32 count, Instant /*now*/) {
  ASSERT(count <= frames_.size());
  for (u32 i = 0; i < count; ++i) {
    transmit_one(frames_[i]);
    lend_header(i);
  }
}

void Tun::transmit_one(const wire::Frame& frame) {
  const auto link_type = mode_ == TunMode::tap ? trace::LinkType::ethernet : trace::LinkType::ip;
  VirtioHeader header;
  if (offload_) header = virtio_header_of(frame, link_type);
  const auto piece = [](Bytes bytes) {
    return iovec{std::bit_cast<void*>(bytes.data()), bytes.size()};  // writev() only reads
  };
  std::array<iovec, 4> from{{{&header, sizeof header},
                             piece(frame.header),
                             piece(frame.payload[0]),
                             piece(frame.payload[1])}};
  const std::size_t first = offload_ ? 0 : 1;
  if (writev(device_.get(), &from[first], to<int>(from.size() - first)) < 0) {
    ++counters_.frames_refused;
    note(errno);
    return;
  }
  ++counters_.frames_sent;
}

// EAGAIN and ENOBUFS are a full queue, EIO a link that is down: the frame is lost, as on any wire.
void Tun::note(int code) {
  if (code != EBADFD && code != ENODEV) return;
  fault_ = Error{fmt::format("{} was removed", name_), "start again to create it anew", code};
}

}  // namespace handfast::link
