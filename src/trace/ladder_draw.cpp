#include "trace/ladder_draw.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

namespace handfast::trace::ladder {

namespace {

/// Spans of one line of a note.
struct Piece {
  std::u32string text;
  Style style = Style::plain;
  std::size_t strong = 0;  // so much of its beginning stands out
};
using NoteLine = std::vector<Piece>;

Style style_of(const Note& note) {
  switch (note.tone) {
    case Note::Tone::plain: return note.state.empty() ? Style::plain : Style::faint;
    case Note::Tone::repeat: return Style::caution;
    case Note::Tone::trouble: return Style::bad;
  }
  return Style::plain;
}

Style style_of_state(const Note& note) {
  if (note.tone == Note::Tone::trouble) return Style::bad;
  if (note.state == "ESTABLISHED" || note.state == "TLS CONNECTED" || note.state == "answered")
    return Style::good;
  return Style::strong;
}

/// "STATE  why" in one line where it fits, else the reason below the state.
void append_note(std::vector<NoteLine>& lines, const Note& note, u32 width) {
  const std::u32string state = widen(note.state);
  const std::u32string why = widen(note.why);
  if (!state.empty() && state.size() + 2 + why.size() <= width) {
    lines.push_back({{state, style_of_state(note)}, {U"  "}, {why, style_of(note)}});
    return;
  }
  for (const std::u32string& part : wrap(state, width))
    lines.push_back({{part, style_of_state(note)}});
  for (const std::u32string& part : wrap(why, width)) lines.push_back({{part, style_of(note)}});
}

std::vector<NoteLine> note_lines(const Row& row, u32 endpoint, u32 width) {
  std::vector<NoteLine> lines;
  for (const auto& [beside, note] : row.notes)
    if (beside == endpoint) append_note(lines, note, width);
  return lines;
}

/// The columns of a line: time, notes of the first endpoint, the middle with a lifeline at each of
/// its sides, notes of the last endpoint; single spaces between.
struct Layout {
  u32 time = 0;
  u32 left = 0;
  u32 middle = 0;
  u32 right = 0;

  u32 left_at() const { return time + 2; }
  u32 middle_at() const { return left_at() + left + 1; }
  u32 right_at() const { return middle_at() + middle + 1; }
  u32 width() const { return right_at() + right; }
};

constexpr u32 note_min = 10;        // "FIN_WAIT_1"
constexpr u32 middle_min = 24;      // "── SYN,ACK ────▶"
constexpr u32 arrow_dress = 9;      // lifelines, a shaft on both sides, a head
constexpr u32 gap_wide = 3;         // between the open end of a broken arrow and the lifeline
constexpr u32 extra_wanted = 36;    // text below an arrow may widen the middle to this
constexpr u32 message_wanted = 60;  // and messages of TLS and HTTP to this
constexpr u32 arrivals_from = 120;  // columns from which the time of arrival is shown too

class Drawer {
 public:
  Drawer(const Record& record, const LadderOptions& options)
      : record_(record),
        options_(options),
        width_(std::max(options.width, LadderOptions::width_min)),
        last_(to<u32>(std::max<std::size_t>(record.names.size(), 2)) - 1),
        has_arrivals_(width_ >= arrivals_from),
        rows_(make_rows(record, options)) {
    const auto is_whole = [](Instant at) {
      return at == never || at.time_since_epoch() % 1ms == 0ns;
    };
    whole_milliseconds_ = std::ranges::all_of(
        rows_, [&](const Row& row) { return is_whole(row.at) && is_whole(row.arrived); });
    rows_.insert(rows_.begin(), heading());
    choose_layout();
  }

  std::string draw() {
    for (const Row& row : rows_) draw(row);
    if (record_.arrows_left_out != 0)
      out_ += fmt::format("{} more segments were not kept\n", record_.arrows_left_out);
    return std::move(out_);
  }

 private:
  Row heading() const {
    Row row;
    row.kind = Row::Kind::heading;
    for (u32 i = 0; i < record_.names.size(); ++i) {
      Note note{record_.names[i], "", Note::Tone::plain};
      if (!record_.addresses[i].empty()) note.why = wire::to_string(record_.addresses[i].front());
      row.notes.emplace_back(i, std::move(note));
    }
    return row;
  }

  std::string clock_text(Instant at) const {
    const i64 ns = at.time_since_epoch().count();
    const i64 seconds = ns / 1'000'000'000;
    const i64 rest = ns % 1'000'000'000;
    return whole_milliseconds_ ? fmt::format("{}.{:03}", seconds, rest / 1'000'000)
                               : fmt::format("{}.{:06}", seconds, rest / 1000);
  }

  std::u32string time_text(const Row& row) const {
    if (row.kind == Row::Kind::heading) return has_arrivals_ ? U"seconds     arrives" : U"seconds";
    if (!has_arrivals_) return widen(clock_text(row.at));
    return widen(fmt::format("{}{:>12}", clock_text(row.at),
                             row.arrived == never ? "" : clock_text(row.arrived)));
  }

  u32 longest_note(u32 endpoint) const {
    std::size_t longest = note_min;
    for (const Row& row : rows_)
      for (const auto& [beside, note] : row.notes)
        if (beside == endpoint)
          longest = std::max(longest, widen(note.state).size() + widen(note.why).size() +
                                          (note.state.empty() ? 0 : 2));
    return to<u32>(longest);
  }

  /// The columns that an arrow with its whole label takes.
  static u32 middle_wanted(const Row& row) {
    const u32 gap = row.kind == Row::Kind::arrow ? 0 : gap_wide;
    const Label label = label_of(row, ~u32{0});
    return to<u32>(row.port.size() + label.strong.size() + label.rest.size()) + gap + arrow_dress;
  }

  /// What stands on an arrow with `room` for it; what does not fit is left for the lines below.
  struct Label {
    std::u32string strong{};
    std::u32string rest{};
    bool is_cut = false;
  };
  struct Middle {
    std::size_t lines = 0;
    std::size_t cuts = 0;  // what a label in pieces costs beyond that
  };
  static Label label_of(const Row& row, u32 room) {
    const auto fits = [&](std::size_t size) { return row.port.size() + size <= room; };
    if (!row.messages.empty()) {
      const Row::Message& first = row.messages.front();
      const std::u32string fields = first.fields.empty() ? U"" : U" " + first.fields;
      if (fits(first.name.size() + fields.size())) return {first.name, fields};
      if (fits(first.name.size())) return {first.name, U"", true};
      return {row.flags, U"", true};
    }
    const std::u32string numbers = U" " + row.numbers;
    if (fits(row.flags.size() + numbers.size())) return {row.flags, numbers};
    return {row.flags, U"", true};
  }

  /// Divides the width so that the drawing has the fewest lines.
  void choose_layout() {
    std::size_t time = 0;
    u32 wanted = middle_min;
    for (const Row& row : rows_) {
      time = std::max(time, time_text(row).size());
      wanted = std::max(wanted, middle_wanted(row));
      for (const std::u32string& extra : row.extras)
        wanted = std::max(wanted, to<u32>(std::min<std::size_t>(extra.size() + 6, extra_wanted)));
      for (const Row::Message& message : row.messages)
        wanted =
            std::max(wanted, to<u32>(std::min<std::size_t>(
                                 message.name.size() + message.fields.size() + 7, message_wanted)));
    }
    layout_.time = to<u32>(time);
    const u32 sides = width_ - layout_.time - 4;  // left + middle + right
    const u32 widest = std::clamp(wanted * last_, middle_min, sides - 2 * note_min);
    // With more than two endpoints the middle is divided, and nothing there can be given away.
    const u32 narrowest = last_ == 1 ? middle_min : widest;
    const u32 left_want = longest_note(0);
    const u32 right_want = longest_note(last_);
    std::size_t least = ~std::size_t{0};
    for (u32 middle = widest; middle >= narrowest; --middle) {
      const u32 budget = sides - middle;
      const std::vector<Middle> middles = middles_of(middle);
      for (u32 left = note_min; left <= std::min(left_want, budget - note_min); ++left) {
        const u32 right = std::min(budget - left, right_want);
        const std::size_t price = cost(left, right, middles);
        if (price >= least) continue;
        least = price;
        layout_.left = left;
        layout_.middle = middle;
        layout_.right = right;
      }
    }
    // What is left over makes the arrows longer, up to a point.
    const u32 spare = width_ - layout_.width();
    layout_.middle += std::min(spare, layout_.middle / 2);
  }

  /// What the drawing costs with these columns: its lines, and among equals the lines of notes. A
  /// label in two pieces counts as one more or, if it is a message, as three: it reads worse than a
  /// reason in two pieces.
  std::size_t cost(u32 left, u32 right, const std::vector<Middle>& middles) const {
    constexpr std::size_t line = 10'000;
    std::size_t sum = 0;
    for (std::size_t i = 0; i < middles.size(); ++i) {
      const std::size_t at_left = note_lines(rows_[i], 0, left).size();
      const std::size_t at_right = note_lines(rows_[i], last_, right).size();
      sum += (std::max({at_left, at_right, middles[i].lines}) + middles[i].cuts) * line;
      sum += at_left + at_right;
    }
    return sum;
  }

  /// What the first rows need between the notes if that is `width` columns wide.
  std::vector<Middle> middles_of(u32 width) const {
    constexpr std::size_t rows_looked_at = 200;
    std::vector<Middle> middles;
    for (const Row& row : std::span(rows_).first(std::min(rows_.size(), rows_looked_at))) {
      const u32 dress = arrow_dress + (row.kind == Row::Kind::arrow ? 0 : gap_wide);
      const Label label = label_of(row, width - std::min(width, dress));
      const std::size_t cut = row.messages.empty() ? 1 : 3;
      middles.push_back({1 + below(row, width - 6, label).size(), label.is_cut ? cut : 0});
    }
    return middles;
  }

  u32 lifeline(u32 endpoint) const {
    return layout_.middle_at() + endpoint * (layout_.middle - 1) / last_;
  }

  /// What stands below an arrow: further messages, the numbers where they are not on it, options,
  /// folds.
  static std::vector<Piece> below(const Row& row, u32 room, const Label& label) {
    std::vector<Piece> lines;
    const auto add = [&](std::u32string_view text, Style style) {
      for (std::u32string& line : wrap(text, room)) lines.push_back({std::move(line), style});
    };
    const bool is_named = !row.messages.empty() && label.strong == row.messages.front().name;
    for (std::size_t i = 0; i < row.messages.size(); ++i) {
      const Row::Message& message = row.messages[i];
      const bool is_on_arrow = i == 0 && is_named;
      if (is_on_arrow && label.is_cut) add(message.fields, Style::plain);
      if (is_on_arrow) continue;
      const std::size_t first = lines.size();
      add(message.fields.empty() ? message.name : message.name + U" " + message.fields,
          Style::plain);
      lines[first].strong = std::min(message.name.size(), lines[first].text.size());
    }
    if (is_named)
      add(row.flags + U" " + row.numbers, Style::faint);
    else if (label.is_cut)
      add(row.numbers, Style::faint);
    for (const std::u32string& extra : row.extras) add(extra, Style::faint);
    return lines;
  }

  static void put_below(Line& line, u32 column, const Piece& piece) {
    line.put(column, piece.text, piece.style);
    line.put(column, piece.text.substr(0, piece.strong), Style::strong);
  }

  void put_notes(Line& line, u32 column, const std::vector<NoteLine>& notes, std::size_t i) const {
    if (i >= notes.size()) return;
    for (const Piece& piece : notes[i]) {
      line.put(column, piece.text, piece.style);
      column += to<u32>(piece.text.size());
    }
  }

  /// The first line of the middle: shaft, label and head between two lifelines.
  void put_arrow(Line& line, const Row& row, const Label& label) const {
    const u32 a = lifeline(std::min(row.from, row.to)) + 1;
    const u32 b = lifeline(std::max(row.from, row.to));  // behind the last cell
    const bool rightwards = row.from < row.to;
    const bool starts = row.kind != Row::Kind::arrival;
    const bool ends = row.kind == Row::Kind::arrow || row.kind == Row::Kind::arrival;
    const Style style = row.kind == Row::Kind::lost ? Style::bad
                        : row.is_repeat             ? Style::caution
                                                    : Style::plain;
    const u32 size = to<u32>(row.port.size() + label.strong.size() + label.rest.size());
    const u32 spare = b - a > size ? b - a - size : 0;
    const u32 gap = spare >= 9 ? gap_wide : 1;
    // The end that does not reach its lifeline.
    const bool open_left = rightwards ? !starts : !ends;
    const bool open_right = rightwards ? !ends : !starts;
    const u32 from = a + (open_left ? gap : 0);
    const u32 until = b - (open_right ? gap : 0);
    line.fill(from, until, U'─', style);
    const u32 broken = std::min<u32>(3, spare / 4);
    if (open_left) line.fill(from, from + broken, U'╌', style);
    if (open_right) line.fill(until - broken, until, U'╌', style);
    if (ends) line.put(rightwards ? until - 1 : from, rightwards ? U'▶' : U'◀', style);
    if (row.kind == Row::Kind::lost) line.put(rightwards ? until - 1 : from, U'✗', Style::bad);
    constexpr u16 tellers = 0x07;  // FIN, SYN, RST
    const bool is_strong = (row.flag_bits & tellers) != 0 || !row.messages.empty();
    u32 column = from + 2;
    const auto put = [&](std::u32string_view text, Style its) {
      line.put(column, text, its);
      column += to<u32>(text.size());
    };
    put(U" ", Style::plain);
    put(row.port, Style::plain);
    put(label.strong, is_strong ? Style::strong : Style::plain);
    put(label.rest, Style::plain);
    put(U" ", Style::plain);
  }

  void draw(const Row& row) {
    const bool is_arrow = row.kind != Row::Kind::mark && row.kind != Row::Kind::fold &&
                          row.kind != Row::Kind::heading;
    const u32 low = lifeline(std::min(row.from, row.to));
    const u32 room = lifeline(std::max(row.from, row.to)) - low - 1;
    const u32 dress = arrow_dress - 2 + (row.kind == Row::Kind::arrow ? 0 : 1);
    const Label label = is_arrow ? label_of(row, room - dress) : Label{};
    const std::vector<Piece> middle = below(row, room - 4, label);
    const std::vector<NoteLine> left = note_lines(row, 0, layout_.left);
    const std::vector<NoteLine> right = note_lines(row, last_, layout_.right);
    const std::size_t below_from = is_arrow ? 1 : 0;
    const std::size_t count =
        std::max({left.size(), right.size(), middle.size() + below_from, std::size_t{1}});
    for (std::size_t i = 0; i < count; ++i) {
      Line line{width_};
      if (i == 0) {
        const std::u32string time = time_text(row);
        line.put(layout_.time - to<u32>(time.size()), time, Style::faint);
      }
      put_notes(line, layout_.left_at(), left, i);
      put_notes(line, layout_.right_at(), right, i);
      if (row.kind != Row::Kind::heading)
        for (u32 e = 0; e <= last_; ++e) line.put(lifeline(e), U'│', Style::faint);
      if (i == 0 && is_arrow) put_arrow(line, row, label);
      if (i >= below_from && i - below_from < middle.size())
        put_below(line, low + 4, middle[i - below_from]);
      line.append_to(out_, options_.color, options_.ascii);
    }
    draw_inner_notes(row);
  }

  /// Endpoints between the first and the last have no column: their notes follow in lines of
  /// their own.
  void draw_inner_notes(const Row& row) {
    for (u32 endpoint = 1; endpoint < last_; ++endpoint) {
      const u32 column = lifeline(endpoint) + 2;
      for (const NoteLine& note : note_lines(row, endpoint, lifeline(endpoint + 1) - column - 1)) {
        Line line{width_};
        if (row.kind != Row::Kind::heading)
          for (u32 e = 0; e <= last_; ++e) line.put(lifeline(e), U'│', Style::faint);
        put_notes(line, column, {note}, 0);
        line.append_to(out_, options_.color, options_.ascii);
      }
    }
  }

  const Record& record_;
  const LadderOptions& options_;
  u32 width_;
  u32 last_;  // endpoint
  bool has_arrivals_;
  std::vector<Row> rows_;
  bool whole_milliseconds_ = true;
  Layout layout_;
  std::string out_;
};

}  // namespace

std::string draw(const Record& record, const LadderOptions& options) {
  return Drawer(record, options).draw();
}

}  // namespace handfast::trace::ladder
