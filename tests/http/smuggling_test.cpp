// Plays smuggling.txt to a server: what two readers could frame differently is refused and ends
// the connection, and a request smuggled behind it is never answered.
#include <string>

#include "http/cases.hpp"
#include "http/talk.hpp"

namespace handfast::http {
namespace {

constexpr std::string_view smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

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
