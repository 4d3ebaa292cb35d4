// Received datagrams, waiting: each in one piece, all in one block that grows up to a limit.
#pragma once

#include <optional>
#include <vector>

#include "base/types.hpp"
#include "host/fifo.hpp"
#include "wire/address.hpp"

namespace handfast::host {

class DatagramQueue {
 public:
  /// `bytes_max` limits payloads and a little for each datagram together.
  explicit DatagramQueue(u32 bytes_max) : bytes_max_(bytes_max) {}

  struct Item {
    wire::Endpoint source;
    wire::Endpoint destination;
    Bytes payload;
  };
  bool empty() const { return records_.empty(); }
  u32 size() const { return records_.size(); }
  /// Copies the datagram in; false where it does not fit.
  bool push(const wire::Endpoint& source, const wire::Endpoint& destination, Bytes payload);
  /// The oldest. Its payload stays valid until the next push().
  std::optional<Item> pop();

 private:
  static constexpr u32 overhead = 64;  // what a datagram counts besides its payload

  struct Record {
    wire::Endpoint source{};
    wire::Endpoint destination{};
    u32 offset = 0;
    u32 length = 0;
  };
  std::optional<u32> place(u32 length);
  bool grow(u32 length);

  u32 bytes_max_;
  u32 used_ = 0;
  u32 end_ = 0;  // behind the youngest
  std::vector<u8> block_;
  Fifo<Record> records_;
};

}  // namespace handfast::host
