#include "host/datagram_queue.hpp"

#include <algorithm>

namespace handfast::host {

bool DatagramQueue::push(const wire::Endpoint& source, const wire::Endpoint& destination,
                         Bytes payload) {
  const u32 length = to<u32>(payload.size());
  if (u64{used_} + length + overhead > bytes_max_) return false;
  std::optional<u32> offset = place(length);
  if (!offset) {
    if (!grow(length)) return false;
    offset = place(length);
    if (!offset) return false;
  }
  std::ranges::copy(payload, block_.begin() + *offset);
  records_.push_back({source, destination, *offset, length});
  end_ = *offset + length;
  used_ += length + overhead;
  return true;
}

std::optional<DatagramQueue::Item> DatagramQueue::pop() {
  if (records_.empty()) return std::nullopt;
  const Record record = records_.pop_front();
  used_ -= record.length + overhead;
  return Item{record.source, record.destination,
              Bytes(block_).subspan(record.offset, record.length)};
}

/// Where `length` bytes fit in one piece: behind the youngest, or at the start once the oldest has
/// made room there. One byte stays free, so that full and empty differ.
std::optional<u32> DatagramQueue::place(u32 length) {
  const u32 capacity = to<u32>(block_.size());
  if (records_.empty()) return length < capacity ? std::optional<u32>(0) : std::nullopt;
  const u32 begin = records_.front().offset;
  if (end_ >= begin && records_[records_.size() - 1].offset >= begin) {
    if (capacity - end_ > length) return end_;
    return begin > length ? std::optional<u32>(0) : std::nullopt;
  }
  return begin - end_ > length ? std::optional<u32>(end_) : std::nullopt;
}

bool DatagramQueue::grow(u32 length) {
  constexpr u32 smallest = 4096;
  // Twice the limit, so that what is lost where it wraps never keeps a datagram out.
  const u64 limit = u64{bytes_max_} * 2;
  u64 wanted = std::max<u64>(block_.size() * 2, smallest);
  while (wanted < u64{used_} + length + 1) wanted *= 2;
  wanted = std::min(wanted, limit);
  if (wanted <= block_.size()) return false;
  std::vector<u8> wider(wanted);
  u32 at = 0;
  for (u32 i = 0; i < records_.size(); ++i) {
    Record& record = records_[i];
    std::copy_n(block_.begin() + record.offset, record.length, wider.begin() + at);
    record.offset = at;
    at += record.length;
  }
  end_ = at;
  block_ = std::move(wider);
  return true;
}

}  // namespace handfast::host
