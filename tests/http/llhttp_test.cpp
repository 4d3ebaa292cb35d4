// llhttp as an oracle. What it and we read differently is listed in llhttp_disagreements.txt, each
// with the sentence of the RFC that decides it: the list is exactly what the table of smuggling.txt
// and its mutations show.
#include <map>
#include <set>

#include "base/rng.hpp"
#include "http/cases.hpp"
#include "http/grammar.hpp"
#include "http/reading.hpp"
#include "http/talk.hpp"

namespace handfast::http {

Reading read_by_us(bool requests, std::string_view text) {
  Connection connection(requests ? Role::server : Role::client);
  constexpr std::array host{Field{"Host", "a"}};
  const auto ask = [&] {
    sent(connection, Request{"GET", "/", 1, host});
    sent(connection, EndOfMessage{});
  };
  if (!requests) ask();
  const auto copy = [](Fields fields) {
    std::vector<FieldText> texts;
    for (const Field& field : fields)
      texts.push_back({std::string(field.name), std::string(field.value)});
    return texts;
  };
  Reading reading;
  Message message;
  connection.end_of_input();
  for (Bytes in = as_bytes(text);;) {
    const auto event = connection.next(in);
    if (!event) {
      if (event.error().why.starts_with("the connection ended")) return reading;
      reading.end = Reading::End::refusal;
      reading.why = event.error().why;
      return reading;
    }
    if (const auto* request = std::get_if<Request>(&*event)) {
      message = {
          fmt::format("{} {} 1.{}", request->method, request->target, int{request->minor_version}),
          copy(request->fields),
          {},
          {}};
      if (request->method == "CONNECT") {
        reading.messages.push_back(message);
        reading.end = Reading::End::last;
        return reading;
      }
    } else if (const auto* response = std::get_if<Response>(&*event)) {
      message = {fmt::format("{} {} 1.{}", response->status, response->reason,
                             int{response->minor_version}),
                 copy(response->fields),
                 {},
                 {}};
      if (response->status < 200) reading.messages.push_back(message);
    } else if (const auto* data = std::get_if<Data>(&*event)) {
      message.content += as_text(data->bytes);
    } else if (const auto* end = std::get_if<EndOfMessage>(&*event)) {
      message.trailers = copy(end->trailers);
      reading.messages.push_back(message);
      if (!connection.keep_alive()) {
        reading.end = Reading::End::last;
        return reading;
      }
      if (requests) {
        constexpr std::array empty{Field{"Content-Length", "0"}};
        answer(connection, 200, empty, "");
      } else {
        ask();
      }
    } else {
      return reading;
    }
  }
}

namespace {

std::string_view first_difference(const Message& a, const Message& b) {
  if (a.start != b.start) return "start line";
  const auto trimmed = [](std::vector<FieldText> fields) {
    for (FieldText& field : fields) field.value = trim(field.value);
    return fields;
  };
  if (trimmed(a.fields) != trimmed(b.fields)) return "fields";
  if (a.content != b.content) return "content";
  if (trimmed(a.trailers) != trimmed(b.trailers)) return "trailers";
  if (a.fields != b.fields || a.trailers != b.trailers) return "white space behind a value";
  return {};
}

std::string what_it_does(const Reading& reading, std::size_t message) {
  if (message < reading.messages.size()) return "take it";
  if (reading.end == Reading::End::refusal) return fmt::format("refuse ({})", reading.why);
  return "wait for more";
}

/// How the two differ first, or "". Where one has refused and the other waits for the rest of the
/// same message, nothing is decided.
std::string disagreement(const Reading& ours, const Reading& theirs) {
  const std::size_t both = std::min(ours.messages.size(), theirs.messages.size());
  for (std::size_t i = 0; i < both; ++i)
    if (const auto part = first_difference(ours.messages[i], theirs.messages[i]); !part.empty())
      return fmt::format("the {} read differently", part);
  const auto ended = [&](const Reading& reading) {
    return reading.end == Reading::End::last && reading.messages.size() == both;
  };
  if (ended(ours) && !ended(theirs)) return "we end the connection, llhttp: reads on";
  if (ended(theirs) && !ended(ours)) return "we read on, llhttp: ends the connection";
  if (ours.messages.size() == theirs.messages.size()) return "";
  return fmt::format("we {}, llhttp: {}", what_it_does(ours, both), what_it_does(theirs, both));
}

std::string mutate(std::string text, Rng& rng) {
  constexpr std::string_view bytes("\0\t\n\v\r \",:;=05aA/\x7f\x80\xff", 20);
  constexpr std::array<std::string_view, 12> words{"\r\n",
                                                   " \r\n",
                                                   "Content-Length: 5\r\n",
                                                   "Transfer-Encoding: chunked\r\n",
                                                   "HTTP/1.0",
                                                   "Connection: close\r\n",
                                                   "Connection: keep-alive\r\n",
                                                   ", chunked",
                                                   "0\r\n\r\n",
                                                   "\r\n ",
                                                   "Connection: upgrade\r\nUpgrade: x\r\n",
                                                   "HTTP/1.1 204 x\r\n"};
  for (u64 rounds = 1 + rng.below(3); rounds > 0 && !text.empty(); --rounds) {
    const std::size_t at = rng.below(text.size());
    const char byte = bytes[rng.below(bytes.size())];
    switch (rng.below(5)) {
      case 0: text.erase(at, 1 + rng.below(3)); break;
      case 1: text.insert(at, 1, byte); break;
      case 2: text[at] = byte; break;
      case 3: text.insert(at, text, at, 1 + rng.below(8)); break;
      default: text.insert(at, words[rng.below(words.size())]); break;
    }
  }
  return text;
}

/// Requests, and the same as responses.
std::vector<std::string> corpus(bool requests) {
  constexpr std::string_view next_request = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n";
  constexpr std::string_view next_response = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  std::vector<std::string> texts;
  for (const Case& c : read_cases()) {
    if (requests) {
      texts.push_back(c.bytes + std::string(next_request));
    } else if (c.bytes.starts_with("POST / ")) {
      texts.push_back(c.bytes.substr(7, 8) + " 200 OK" + c.bytes.substr(15) +
                      std::string(next_response));
    }
  }
  if (requests) {
    texts.push_back("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n" + std::string(next_request));
    texts.push_back("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n" + std::string(next_request));
  } else {
    for (const auto* head :
         {"HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 200\r\n\r\n",
          "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
          "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\n"})
      texts.push_back(head + std::string(next_response));
  }
  return texts;
}

std::string escape(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, 300)) {
    if (c == '\r' || c == '\n') {
      out += c == '\r' ? "\\r" : "\\n";
    } else if (c >= ' ' && c <= '~') {
      out += c;
    } else {
      out += fmt::format("\\x{:02x}", to<u8>(c));
    }
  }
  return out;
}

/// Each text has its own mutations: what is added to the corpus changes no other's (FNV-1a).
u64 seed_of(std::string_view text) {
  u64 hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ to<u8>(c)) * 0x100000001b3;
  return hash;
}

/// Each kind of disagreement, with the shortest text that shows it.
std::map<std::string, std::string> find_disagreements() {
  std::map<std::string, std::string> found;
  for (const bool requests : {true, false}) {
    const auto try_one = [&](const std::string& text) {
      const auto what = disagreement(read_by_us(requests, text), read_by_llhttp(requests, text));
      if (what.empty()) return;
      auto& shortest = found.emplace(what, text).first->second;
      if (text.size() < shortest.size()) shortest = text;
    };
    for (const std::string& text : corpus(requests)) {
      try_one(text);
      Rng rng(seed_of(text));
      for (int i = 0; i < 1000; ++i) try_one(mutate(text, rng));
    }
  }
  return found;
}

/// The lines that are not indented; those under them decide, and each begins with its RFC.
std::set<std::string> read_list() {
  std::ifstream file(std::filesystem::path(HANDFAST_SOURCE_DIR) /
                     "tests/http/llhttp_disagreements.txt");
  std::set<std::string> listed;
  std::string key;
  bool is_decided = true;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    if (line[0] == ' ') {
      EXPECT_TRUE(is_decided || line.starts_with("  RFC ")) << key;
      is_decided = true;
      continue;
    }
    EXPECT_TRUE(is_decided) << "no rule decides: " << key;
    key = line;
    is_decided = false;
    EXPECT_TRUE(listed.insert(key).second) << "twice: " << key;
  }
  EXPECT_TRUE(is_decided) << "no rule decides: " << key;
  return listed;
}

TEST(Llhttp, disagrees_with_us_exactly_where_the_list_says_and_the_rfc_decides) {
#ifdef HANDFAST_LLHTTP
  if (const auto version = llhttp_version(); version != "8.1.0")
    GTEST_SKIP() << "the list is of llhttp 8.1.0, and here is " << version;
  auto listed = read_list();
  for (const auto& [what, text] : find_disagreements())
    EXPECT_EQ(listed.erase(what), 1u) << "not listed: " << what << "\n  " << escape(text);
  for (const std::string& what : listed) ADD_FAILURE() << "does not happen: " << what;
#else
  GTEST_SKIP() << "llhttp is not here: scripts/bootstrap test installs node-llhttp";
#endif
}

}  // namespace
}  // namespace handfast::http
