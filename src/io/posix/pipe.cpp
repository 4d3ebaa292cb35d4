#include "io/posix/pipe.hpp"

#include <algorithm>
#include <cerrno>

namespace handfast::io::posix {

std::pair<std::shared_ptr<PipeEnd>, std::shared_ptr<PipeEnd>> PipeEnd::make() {
  auto buffer = std::make_shared<Buffer>();
  auto reader = std::make_shared<PipeEnd>(Side::reading, buffer);
  auto writer = std::make_shared<PipeEnd>(Side::writing, buffer);
  buffer->reader = reader.get();
  buffer->writer = writer.get();
  return {reader, writer};
}

u32 PipeEnd::readiness() {
  if (side_ == Side::writing) {
    if (buffer_->reader == nullptr) return EPOLLOUT | EPOLLERR;
    return room() > 0 ? EPOLLOUT | EPOLLWRNORM : 0;
  }
  u32 events = buffer_->bytes.empty() ? 0 : EPOLLIN | EPOLLRDNORM;
  if (buffer_->writer == nullptr) events |= EPOLLHUP;
  return events;
}

void PipeEnd::close() {
  PipeEnd*& self = side_ == Side::reading ? buffer_->reader : buffer_->writer;
  PipeEnd* other = side_ == Side::reading ? buffer_->writer : buffer_->reader;
  self = nullptr;
  if (other != nullptr) other->wake(0);
}

long PipeEnd::read(MutBytes into) {
  if (side_ != Side::reading) return -EBADF;
  std::deque<u8>& bytes = buffer_->bytes;
  if (bytes.empty()) return buffer_->writer == nullptr || into.empty() ? 0 : -EAGAIN;
  const std::size_t count = std::min(into.size(), bytes.size());
  std::copy_n(bytes.begin(), count, into.begin());
  bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count));
  if (buffer_->writer != nullptr) buffer_->writer->wake(EPOLLOUT);
  return static_cast<long>(count);
}

long PipeEnd::write(Bytes from) {
  if (side_ != Side::writing) return -EBADF;
  if (buffer_->reader == nullptr) return -EPIPE;
  if (from.empty()) return 0;
  const std::size_t count = std::min(from.size(), room());
  if (count == 0) return -EAGAIN;
  buffer_->bytes.insert(buffer_->bytes.end(), from.begin(),
                        from.begin() + static_cast<std::ptrdiff_t>(count));
  buffer_->reader->wake(EPOLLIN);
  return static_cast<long>(count);
}

}  // namespace handfast::io::posix
