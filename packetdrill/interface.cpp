// The table of C functions, and the names of the C library that packetdrill calls on our
// descriptors although they are not the process's own.
#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstring>
#include <vector>

#include <sys/sendfile.h>
#include <sys/syscall.h>

#include "abi.hpp"
#include "instance.hpp"

using handfast::packetdrill::current_instance;
using handfast::packetdrill::first_descriptor;
using handfast::packetdrill::Instance;
using handfast::packetdrill::set_current_instance;

namespace {

Instance& instance_of(void* userdata) { return *static_cast<Instance*>(userdata); }

/// -1 and errno for what is negative.
template <class Status>
Status as_libc(Status status) {
  if (status >= 0) return status;
  errno = static_cast<int>(-status);
  return -1;
}

template <auto Method>
struct Slot;
/// A C function for one of the methods of Sockets.
template <class Status, class... Args, Status (handfast::io::posix::Sockets::*Method)(Args...)>
struct Slot<Method> {
  static Status call(void* userdata, Args... arguments) {
    return as_libc(
        instance_of(userdata).run([&](auto& sockets) { return (sockets.*Method)(arguments...); }));
  }
};

using Sockets = handfast::io::posix::Sockets;

void free_instance(void* userdata) {
  Instance* gone = &instance_of(userdata);
  if (current_instance() == gone) set_current_instance(nullptr);
  delete gone;
}

int accept_connection(void* userdata, int fd, sockaddr* address, socklen_t* length) {
  return Slot<&Sockets::accept>::call(userdata, fd, address, length, 0);
}

int control_descriptor(void* userdata, int fd, int command, ...) {
  va_list rest;
  va_start(rest, command);
  const int argument = va_arg(rest, int);
  va_end(rest);
  return Slot<&Sockets::fcntl>::call(userdata, fd, command, argument);
}

int control_device(void* userdata, int fd, unsigned long request, ...) {
  va_list rest;
  va_start(rest, request);
  int* const argument = va_arg(rest, int*);
  va_end(rest);
  return Slot<&Sockets::ioctl>::call(userdata, fd, request, argument);
}

int wait_for_events(void* userdata, int set, epoll_event* events, int events_max, int timeout) {
  return Slot<&Sockets::epoll_wait>::call(userdata, set, events, events_max, timeout);
}

int control_events(void* userdata, int set, int operation, int fd, epoll_event* event) {
  return Slot<&Sockets::epoll_ctl>::call(userdata, set, operation, fd, event);
}

// packetdrill hands over the script's NULL as a pointer to 0.
int splice_pipe(void* userdata, int from, loff_t* from_offset, int into, loff_t* into_offset,
                size_t length, unsigned flags) {
  if (from_offset != nullptr && *from_offset == 0) from_offset = nullptr;
  if (into_offset != nullptr && *into_offset == 0) into_offset = nullptr;
  return static_cast<int>(
      Slot<&Sockets::splice>::call(userdata, from, from_offset, into, into_offset, length, flags));
}

int receive_packet(void* userdata, const void* packet, size_t size) {
  instance_of(userdata).deliver({static_cast<const handfast::u8*>(packet), size});
  return 0;
}

int next_packet(void* userdata, void* into, size_t* size, long long* time_us) {
  const auto sent = instance_of(userdata).next_sent();
  if (!sent || sent->bytes.size() > *size) {
    *size = 0;
    return 0;
  }
  std::memcpy(into, sent->bytes.data(), sent->bytes.size());
  *size = sent->bytes.size();
  *time_us = sent->time_us;
  return 0;
}

int sleep_us(void* userdata, useconds_t time) {
  instance_of(userdata).sleep(std::chrono::microseconds(time));
  return 0;
}

int read_clock(void* userdata, timeval* out, struct ::timezone*) {
  const auto us = instance_of(userdata).read_clock_us();
  out->tv_sec = us / 1'000'000;
  out->tv_usec = us % 1'000'000;
  return 0;
}

}  // namespace

extern "C" {

__attribute__((visibility("default"))) void packetdrill_interface_init(const char* flags,
                                                                       packetdrill_interface* out) {
  auto* made = new Instance(flags);
  set_current_instance(made);
  *out = packetdrill_interface{.userdata = made,
                               .free = free_instance,
                               .socket = Slot<&Sockets::socket>::call,
                               .bind = Slot<&Sockets::bind>::call,
                               .listen = Slot<&Sockets::listen>::call,
                               .accept = accept_connection,
                               .connect = Slot<&Sockets::connect>::call,
                               .read = Slot<&Sockets::read>::call,
                               .readv = Slot<&Sockets::readv>::call,
                               .recv = Slot<&Sockets::recv>::call,
                               .recvfrom = Slot<&Sockets::recvfrom>::call,
                               .recvmsg = Slot<&Sockets::recvmsg>::call,
                               .write = Slot<&Sockets::write>::call,
                               .writev = Slot<&Sockets::writev>::call,
                               .send = Slot<&Sockets::send>::call,
                               .sendto = Slot<&Sockets::sendto>::call,
                               .sendmsg = Slot<&Sockets::sendmsg>::call,
                               .fcntl = control_descriptor,
                               .ioctl = control_device,
                               .close = Slot<&Sockets::close>::call,
                               .shutdown = Slot<&Sockets::shutdown>::call,
                               .getsockopt = Slot<&Sockets::getsockopt>::call,
                               .setsockopt = Slot<&Sockets::setsockopt>::call,
                               .poll = Slot<&Sockets::poll>::call,
                               .netdev_send = receive_packet,
                               .netdev_receive = next_packet,
                               .usleep = sleep_us,
                               .gettimeofday = read_clock,
                               .epoll_create = Slot<&Sockets::epoll_create>::call,
                               .epoll_ctl = control_events,
                               .epoll_wait = wait_for_events,
                               .pipe = Slot<&Sockets::pipe>::call,
                               .splice = splice_pipe};
}

// packetdrill closes what a script left open, and asks for TCP_INFO in its Python blocks, by the
// C library's own names. With the object preloaded those come here; what is not ours goes on to
// the kernel.
__attribute__((visibility("default"))) int close(int fd) {
  Instance* instance = fd >= first_descriptor ? current_instance() : nullptr;
  if (instance != nullptr && instance->owns(fd)) return Slot<&Sockets::close>::call(instance, fd);
  return static_cast<int>(syscall(SYS_close, fd));
}

__attribute__((visibility("default"))) int getsockopt(int fd, int level, int name, void* value,
                                                      socklen_t* length) {
  Instance* instance = fd >= first_descriptor ? current_instance() : nullptr;
  if (instance != nullptr && instance->owns(fd))
    return Slot<&Sockets::getsockopt>::call(instance, fd, level, name, value, length);
  return static_cast<int>(syscall(SYS_getsockopt, fd, level, name, value, length));
}

__attribute__((visibility("default"))) ssize_t sendfile(int into, int from, off_t* offset,
                                                        size_t size) {
  Instance* instance = into >= first_descriptor ? current_instance() : nullptr;
  if (instance == nullptr || !instance->owns(into))
    return syscall(SYS_sendfile, into, from, offset, size);
  std::vector<char> text(std::min<size_t>(size, 1u << 20));
  const ssize_t got = offset == nullptr ? read(from, text.data(), text.size())
                                        : pread(from, text.data(), text.size(), *offset);
  if (got <= 0) return got;
  const ssize_t sent =
      Slot<&Sockets::send>::call(instance, into, text.data(), static_cast<size_t>(got), 0);
  if (sent > 0 && offset != nullptr) *offset += sent;
  return sent;
}
}
