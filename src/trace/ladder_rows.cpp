#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "trace/ladder_draw.hpp"
#include "wire/tcp.hpp"

namespace handfast::trace::ladder {

using wire::TcpFlags;

namespace {

std::string bytes_text(u64 bytes) {
  if (bytes < 10'000) return fmt::format("{} bytes", bytes);
  if (bytes < 10'000'000) return fmt::format("{} kB", bytes / 1000);
  return fmt::format("{} MB", bytes / 1'000'000);
}

/// Where an arrow was meant to go, if it did not arrive anywhere.
u32 target(const Record& record, const Arrow& arrow) {
  if (arrow.to != none) return arrow.to;
  for (u32 i = 0; i < record.addresses.size(); ++i)
    if (i != arrow.from &&
        std::ranges::find(record.addresses[i], arrow.flow.remote) != record.addresses[i].end())
      return i;
  return arrow.from == 0 ? to<u32>(record.names.size()) - 1 : 0;
}

bool has_state(const std::vector<Note>& notes) {
  return std::ranges::any_of(notes, [](const Note& note) { return !note.state.empty(); });
}

class RowMaker {
 public:
  RowMaker(const Record& record, const LadderOptions& options)
      : record_(record),
        options_(options),
        doings_(record.names.size()),
        names_flows_(has_several_flows(record)) {
    for (const Arrow& arrow : record.arrows) doings_[arrow.from].push_back(arrow.sent_order);
    for (const Mark& mark : record.marks) doings_[mark.endpoint].push_back(mark.order);
    for (auto& orders : doings_) std::ranges::sort(orders);
  }

  std::vector<Row> make() {
    for (const Arrow& arrow : record_.arrows)
      if (is_overtaken(arrow)) overtaken_.push_back(&arrow);
    for (const Arrow& arrow : record_.arrows) add(arrow);
    for (const Mark& mark : record_.marks) {
      Row row{Row::Kind::mark, mark.at, mark.order, mark.endpoint, mark.endpoint};
      row.notes.emplace_back(mark.endpoint, mark.note);
      rows_.push_back(std::move(row));
    }
    std::ranges::sort(rows_, {}, [](const Row& row) { return std::pair{row.at, row.order}; });
    if (options_.fold) fold();
    return std::move(rows_);
  }

 private:
  static bool has_several_flows(const Record& record) {
    if (record.arrows.empty()) return false;
    const wire::Flow& first = record.arrows.front().flow;
    const wire::Flow reverse{first.remote, first.local};
    return std::ranges::any_of(record.arrows, [&](const Arrow& arrow) {
      return arrow.flow != first && arrow.flow != reverse;
    });
  }

  /// One line would tell the story of this arrow in the wrong order, for its receiver did something
  /// of its own while it was under way.
  bool is_overtaken(const Arrow& arrow) const {
    constexpr u16 tellers = TcpFlags::syn | TcpFlags::fin | TcpFlags::rst;
    if (arrow.fate != Arrow::Fate::arrived) return false;
    if ((arrow.flags & tellers) == 0 && !has_state(arrow.at_receiver)) return false;
    const std::vector<u32>& orders = doings_[arrow.to];
    const auto next = std::ranges::upper_bound(orders, arrow.sent_order);
    return next != orders.end() && *next < arrow.arrived_order;
  }

  /// The same for what crosses such an arrow: both are drawn in the same way.
  bool is_split(const Arrow& arrow) const {
    if (arrow.fate != Arrow::Fate::arrived) return false;
    if (is_overtaken(arrow)) return true;
    return has_state(arrow.at_receiver) && std::ranges::any_of(overtaken_, [&](const Arrow* other) {
             return other->from == arrow.to && other->to == arrow.from &&
                    other->sent_order < arrow.sent_order &&
                    arrow.sent_order < other->arrived_order && other->arrived > arrow.sent;
           });
  }

  Row base(const Arrow& arrow) const {
    Row row{Row::Kind::arrow, arrow.sent, arrow.sent_order, arrow.from, target(record_, arrow)};
    row.flag_bits = arrow.flags;
    row.payload_length = arrow.payload_length;
    row.flags = widen(wire::flags_to_string(arrow.flags));
    // In connections side by side the client's port tells which one is meant.
    if (names_flows_)
      row.port =
          widen(fmt::format(":{} ", std::max(arrow.flow.local.port, arrow.flow.remote.port)));
    for (const Carried& carried : carried_by(record_, arrow))
      row.messages.push_back({widen(carried.name), widen(carried.fields)});
    std::string numbers = fmt::format("seq {}", arrow.relative_sequence);
    if ((arrow.flags & TcpFlags::ack) != 0)
      numbers += fmt::format(" ack {}", arrow.relative_acknowledgment);
    if (arrow.payload_length != 0) numbers += fmt::format(" len {}", arrow.payload_length);
    row.numbers = widen(numbers);
    if (!arrow.extra.empty()) row.extras.push_back(widen(arrow.extra));
    row.is_repeat = arrow.is_repeat;
    return row;
  }

  void add(const Arrow& arrow) {
    Row row = base(arrow);
    const u32 receiver = row.to;
    const bool is_halved = is_split(arrow);
    for (const Note& note : arrow.at_sender) row.notes.emplace_back(arrow.from, note);
    if (!is_halved) row.arrived = arrow.arrived;
    if (arrow.fate == Arrow::Fate::lost) row.kind = Row::Kind::lost;
    if (arrow.fate == Arrow::Fate::in_flight || is_halved) row.kind = Row::Kind::departure;
    if (arrow.fate == Arrow::Fate::arrived && arrow.payload_arrived < arrow.payload_length)
      row.extras.push_back(widen(
          fmt::format("{} of it lost", bytes_text(arrow.payload_length - arrow.payload_arrived))));
    if (is_halved) {
      Row arrival = base(arrow);
      arrival.kind = Row::Kind::arrival;
      arrival.at = arrow.arrived;
      arrival.order = arrow.arrived_order;
      arrival.extras.clear();
      for (Row::Message& message : arrival.messages) message.fields.clear();
      for (const Note& note : arrow.at_receiver) arrival.notes.emplace_back(receiver, note);
      rows_.push_back(std::move(arrival));
    } else {
      for (const Note& note : arrow.at_receiver) row.notes.emplace_back(receiver, note);
    }
    rows_.push_back(std::move(row));
  }

  static bool is_uneventful(const Row& row) {
    const bool is_plain = std::ranges::all_of(row.notes, [](const auto& note) {
      return note.second.state.empty() && note.second.tone == Note::Tone::plain;
    });
    return row.kind == Row::Kind::arrow && is_plain && !row.is_repeat && row.extras.empty() &&
           row.messages.empty() && (row.flag_bits & ~(TcpFlags::ack | TcpFlags::psh)) == 0;
  }

  /// Runs of more than a few uneventful rows keep their beginning and their end.
  void fold() {
    constexpr std::ptrdiff_t keep_first = 5;
    constexpr std::ptrdiff_t keep_last = 2;
    constexpr std::ptrdiff_t fold_min = 4;
    std::vector<Row> kept;
    for (auto row = rows_.begin(); row != rows_.end();) {
      const auto end = std::find_if_not(row, rows_.end(), is_uneventful);
      if (end - row >= keep_first + keep_last + fold_min) {
        std::move(row, row + keep_first, std::back_inserter(kept));
        kept.push_back(folded(row + keep_first, end - keep_last));
        std::move(end - keep_last, end, std::back_inserter(kept));
      } else {
        std::move(row, end, std::back_inserter(kept));
      }
      row = end;
      if (row != rows_.end()) kept.push_back(std::move(*row++));
    }
    rows_ = std::move(kept);
  }

  Row folded(std::vector<Row>::iterator begin, std::vector<Row>::iterator end) const {
    struct Sum {
      u64 segments = 0, bytes = 0, acks = 0;
    };
    std::vector<Sum> sums(record_.names.size());
    for (auto row = begin; row != end; ++row) {
      Sum& sum = sums[row->from];
      if (row->payload_length == 0) {
        ++sum.acks;
      } else {
        ++sum.segments;
        sum.bytes += row->payload_length;
      }
    }
    Row row{Row::Kind::fold, begin->at, begin->order, begin->from, begin->to};
    const auto tell = [&](const std::string& text) { row.extras.push_back(widen(text)); };
    for (std::size_t i = 0; i < sums.size(); ++i)
      if (sums[i].segments != 0)
        tell(fmt::format("⋮ {} more from {}, {}", sums[i].segments, record_.names[i],
                         bytes_text(sums[i].bytes)));
    for (std::size_t i = 0; i < sums.size(); ++i)
      if (sums[i].acks != 0) tell(fmt::format("⋮ {} ACKs from {}", sums[i].acks, record_.names[i]));
    return row;
  }

  const Record& record_;
  const LadderOptions& options_;
  std::vector<std::vector<u32>> doings_;  // of each endpoint: orders of what it did
  std::vector<const Arrow*> overtaken_;
  std::vector<Row> rows_;
  bool names_flows_;
};

}  // namespace

std::vector<Row> make_rows(const Record& record, const LadderOptions& options) {
  return RowMaker(record, options).make();
}

}  // namespace handfast::trace::ladder
