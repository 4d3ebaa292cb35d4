// pipe(2), for splice(2): bytes that one end takes and the other gives.
#pragma once

#include <deque>
#include <memory>

#include "base/types.hpp"
#include "io/posix/descriptor.hpp"

namespace handfast::io::posix {

class PipeEnd final : public Descriptor {
 public:
  enum class Side : u8 { reading, writing };
  static constexpr std::size_t capacity = 65536;

  /// What both ends of a pipe share.
  struct Buffer {
    std::deque<u8> bytes;
    PipeEnd* reader = nullptr;
    PipeEnd* writer = nullptr;
  };
  PipeEnd(Side side, std::shared_ptr<Buffer> buffer) : side_(side), buffer_(std::move(buffer)) {}
  /// Both ends of a new pipe.
  static std::pair<std::shared_ptr<PipeEnd>, std::shared_ptr<PipeEnd>> make();

  u32 readiness() override;
  void close() override;

  /// Bytes moved, 0 at the end, or a negative errno; one try.
  long read(MutBytes into);
  long write(Bytes from);
  Side side() const { return side_; }
  std::size_t room() const { return capacity - buffer_->bytes.size(); }

 private:
  Side side_;
  std::shared_ptr<Buffer> buffer_;
};

}  // namespace handfast::io::posix
