// Plays smuggling.txt to a server: what two readers could frame differently is refused and ends
// the connection, and a request smuggled behind it is never answered.
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "http/talk.hpp"

namespace handfast::http {
namespace {

constexpr std::string_view smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

struct Case {
  std::string name;
  std::string expected;
  std::string bytes;
};

/// The text of smuggling.txt as bytes. `text` is used up to its end or to a ")".
std::string unescape(std::string_view& text) {
  std::string out;
  while (!text.empty() && text[0] != ')') {
    const char c = text[0];
    text.remove_prefix(1);
    if (c != '\\') {
      out += c;
      continue;
    }
    const char escaped = text.at(0);
    text.remove_prefix(1);
    if (escaped == 'x') {
      out += to<char>(std::stoi(std::string(text.substr(0, 2)), nullptr, 16));
      text.remove_prefix(2);
    } else if (escaped == '*') {
      const auto open = text.find('(');
      const int times = std::stoi(std::string(text.substr(0, open)));
      text.remove_prefix(open + 1);
      const std::string repeated = unescape(text);
      text.remove_prefix(1);
      for (int i = 0; i < times; ++i) out += repeated;
    } else {
      constexpr std::string_view names = "rnt0";
      const auto known = names.find(escaped);
      out += known == names.npos ? escaped : std::string_view("\r\n\t\0", 4)[known];
    }
  }
  return out;
}

std::vector<Case> read_cases() {
  std::ifstream file(std::filesystem::path(HANDFAST_SOURCE_DIR) / "tests/http/smuggling.txt");
  std::vector<Case> cases;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    if (line[0] != ' ') {
      cases.push_back({line, {}, {}});
    } else if (cases.back().expected.empty()) {
      cases.back().expected = line.substr(2);
    } else {
      std::string_view text = std::string_view(line).substr(2);
      if (text.starts_with("POST...")) {
        cases.back().bytes += "POST / HTTP/1.1\r\nHost: a\r\n";
        text.remove_prefix(7);
      }
      cases.back().bytes += unescape(text);
    }
  }
  return cases;
}

/// A server that answers requests: each when it is complete, or as soon as its head is there.
class Answerer {
 public:
  explicit Answerer(bool early) : early_(early) {}

  void take(std::string_view piece) {
    pending_ += piece;
    Bytes in = as_bytes(pending_);
    while (step(in)) {
    }
    pending_.erase(0, pending_.size() - in.size());
  }
  /// What smuggling.txt says of it.
  std::string outcome() const {
    if (error_.empty()) return fmt::format("answered {}", responses_);
    return responses_ == 0 ? error_ : fmt::format("answered {}, then {}", responses_, error_);
  }
  int responses() const { return responses_; }
  bool closes() const { return server_.our_state() == State::must_close; }
  bool saw_smuggled() const { return saw_smuggled_; }
  bool refused() const { return !error_.empty(); }

 private:
  bool step(Bytes& in) {
    const auto event = server_.next(in);
    if (!event) {
      if (!error_.empty()) return false;
      const Error& error = event.error();
      error_ = fmt::format("{}, {}, {}, {}", error.status, error.section, error.offset, error.why);
      // Refused too where its request has had its answer already.
      const bool is_answered =
          server_.our_state() != State::idle && server_.our_state() != State::send_response;
      EXPECT_NE(answer(error.status), is_answered);
      return false;
    }
    if (const auto* request = std::get_if<Request>(&*event)) {
      saw_smuggled_ = saw_smuggled_ || request->target == "/smuggled";
      if (early_) responses_ += answer(200);
    }
    if (std::holds_alternative<EndOfMessage>(*event) && !early_) responses_ += answer(200);
    return !std::holds_alternative<NeedMore>(*event);
  }
  bool answer(u16 status) {
    std::array<u8, 512> room;
    const std::array fields{Field{"Content-Length", "0"}};
    if (!server_.send(Response{status, {}, 1, fields}, room)) return false;
    return server_.send(EndOfMessage{}, {}).has_value();
  }

  Connection server_{Role::server};
  bool early_;
  bool saw_smuggled_ = false;
  int responses_ = 0;
  std::string pending_;
  std::string error_;
};

TEST(Smuggling, table_is_answered_as_it_says_whole_and_byte_by_byte) {
  const auto cases = read_cases();
  EXPECT_GT(cases.size(), 100u);
  for (const Case& c : cases) {
    const std::string text = c.bytes + std::string(smuggled);
    Answerer whole(false);
    whole.take(text);
    EXPECT_EQ(whole.outcome(), c.expected) << c.name;
    Answerer bytewise(false);
    for (const char& byte : text) bytewise.take({&byte, 1});
    EXPECT_EQ(bytewise.outcome(), c.expected) << c.name << ", byte by byte";
    EXPECT_EQ(whole.refused(), c.expected.find("RFC") != c.expected.npos) << c.name;
    if (!whole.refused()) continue;
    EXPECT_TRUE(whole.closes() && bytewise.closes()) << c.name;
    EXPECT_FALSE(whole.saw_smuggled() || bytewise.saw_smuggled()) << c.name;
  }
}

TEST(Smuggling, gets_no_second_response_from_a_server_that_answers_early) {
  for (const Case& c : read_cases()) {
    if (c.expected.starts_with("answered")) continue;
    Answerer early(true);
    early.take(c.bytes + std::string(smuggled));
    EXPECT_TRUE(early.refused()) << c.name;
    EXPECT_LE(early.responses(), 1) << c.name;
    EXPECT_TRUE(early.closes()) << c.name;
    EXPECT_FALSE(early.saw_smuggled()) << c.name;
  }
}

}  // namespace
}  // namespace handfast::http
