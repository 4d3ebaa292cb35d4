// What became of each connection, in one line, as `ss` would print it.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <utility>

#include "base/time.hpp"
#include "base/types.hpp"
#include "trace/event.hpp"

namespace handfast::trace {

class ConnectionTable final : public Sink {
 public:
  /// One connection, as the host that is traced sees it.
  struct Row {
    wire::Flow flow{};
    std::string_view state = "CLOSED";
    std::string why{};       // of the last change of state
    Instant opened = never;  // its first SYN
    Instant established = never;
    Instant closed = never;
    u64 bytes_sent = 0;      // payload, each byte once
    u64 bytes_received = 0;  // the same in order, as far as this end acknowledged it
    u64 segments_sent = 0;
    u64 segments_received = 0;
    u64 retransmissions = 0;    // segments
    Duration smoothed_rtt{};    // zero: not measured
    u32 congestion_window = 0;  // bytes; zero: it never moved
  };

  /// Beyond `rows_max` the oldest connection is forgotten.
  explicit ConnectionTable(u32 rows_max = 10'000) : rows_max_(rows_max) {}
  void on(Instant now, const Event& event) override;

  /// In the order in which they appeared. A listener is no connection.
  const std::deque<Row>& rows() const { return rows_; }
  const Row* find(const wire::Flow& flow) const;
  /// The last word about each SYN flood, by listener.
  const std::map<wire::Endpoint, std::string>& floods() const { return floods_; }
  /// A heading and one line for each connection, columns aligned; then the floods.
  std::string render() const;

 private:
  struct Progress {
    u32 row = 0;  // index, counted from the first one ever
    bool sent_any = false;
    bool received_any = false;
    bool received_fin = false;
    u32 sent_end = 0;       // behind the last sequence number so far
    u32 received_next = 0;  // the next one that is expected in order
    u32 fin = 0;            // sequence number of the peer's FIN
  };
  std::pair<Row&, Progress&> at(const wire::Flow& flow);
  void forget_one();
  void on_sent(Instant now, const SegmentSent& event);
  void on_acknowledged(Row& row, Progress& progress, u32 acknowledgment);
  void on_received(const SegmentReceived& event);
  void on_state(Instant now, const StateChanged& event);

  u32 rows_max_;
  u32 forgotten_ = 0;
  std::deque<Row> rows_;
  std::map<wire::Flow, Progress> progress_;
  std::map<wire::Endpoint, std::string> floods_;
};

}  // namespace handfast::trace
