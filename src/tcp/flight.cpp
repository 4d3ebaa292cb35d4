// The queue of what is in flight (RFC 6675 §3 calls it the scoreboard).
#include "tcp/flight.hpp"

#include <algorithm>

namespace handfast::tcp {

void Flight::pop_front() {
  ASSERT(!empty());
  ++head;
  if (head == records.size()) {
    records.clear();
    head = 0;
  } else if (head >= 64 && head >= records.size() / 2) {
    records.erase(records.begin(), records.begin() + head);  // moves at most what it has dropped
    head = 0;
  }
}

void Flight::split(u32 i, u32 sequence) {
  Sent left = (*this)[i];
  ASSERT(seq_lt(left.start, sequence) && seq_lt(sequence, left.end));
  (*this)[i].start = sequence;
  left.end = sequence;
  records.insert(records.begin() + head + i, left);
}

u32 Flight::find(u32 sequence) const {
  const auto begin = records.begin() + head;
  const auto it = std::upper_bound(begin, records.end(), sequence,
                                   [](u32 s, const Sent& record) { return seq_lt(s, record.end); });
  if (it == records.end() || seq_lt(sequence, it->start)) return size();
  return to<u32>(it - begin);
}

}  // namespace handfast::tcp
