#include "http/connection.hpp"

#include "http/talk.hpp"

namespace handfast::http {
namespace {

constexpr std::string_view get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::array host{Field{"Host", "a"}};
constexpr std::array length_2{Field{"Content-Length", "2"}};

TEST(Server, answers_and_keeps_the_connection_for_the_next_request) {
  Connection server(Role::server);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(events(server, get), (Lines{"GET /", "end", "paused"}));
    EXPECT_EQ(answer(server, 200, length_2, "ok"),
              "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    EXPECT_EQ(server.their_state(), State::idle);
  }
}

TEST(Server, takes_pipelined_requests_one_after_the_other) {
  const std::string text = std::string(get) +
                           "POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
                           "\r\nabcGET /c HTTP/1.1\r\nHost: a\r\n\r\n";
  Bytes in = as_bytes(text);
  Connection server(Role::server);
  EXPECT_EQ(events(server, in), (Lines{"GET /", "end", "paused"}));
  answer(server, 200, length_2, "ok");
  EXPECT_EQ(events(server, in), (Lines{"POST /b", "\"abc\"", "end", "paused"}));
  answer(server, 200, length_2, "ok");
  EXPECT_EQ(events(server, in), (Lines{"GET /c", "end", "paused"}));
  answer(server, 200, length_2, "ok");
  server.end_of_input();
  EXPECT_EQ(events(server, in), (Lines{"closed"}));
  EXPECT_EQ(server.our_state(), State::must_close);
}

TEST(Server, reads_a_request_that_comes_byte_by_byte) {
  const std::string text =
      "\r\nPOST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      "2\r\nhi\r\n0\r\nX: y\r\n\r\n";
  Connection server(Role::server);
  std::string pending;
  Lines lines;
  for (const char c : text) {
    pending += c;
    Bytes in = as_bytes(pending);
    for (const auto& line : events(server, in))
      if (line != "need more") lines.push_back(line);
    pending.erase(0, pending.size() - in.size());
  }
  EXPECT_EQ(lines, (Lines{"POST /", "\"h\"", "\"i\"", "end with X", "paused"}));
}

TEST(Server, closes_after_an_answer_to_http_1_0_or_connection_close) {
  for (const auto* head :
       {"GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n"}) {
    Connection server(Role::server);
    Bytes in = as_bytes(head);
    EXPECT_EQ(events(server, in).front(), "GET /");
    EXPECT_EQ(answer(server, 200, length_2, "ok"),
              "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
    EXPECT_EQ(server.our_state(), State::must_close);
    EXPECT_EQ(server.their_state(), State::must_close);
    in = as_bytes(get);
    EXPECT_EQ(events(server, in), (Lines{"need more"}));
    EXPECT_TRUE(in.empty()) << "what follows the last message is dropped";
  }
}

TEST(Server, keeps_the_connection_of_an_http_1_0_client_that_asks_for_it) {
  Connection server(Role::server);
  const auto* head = "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n";
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(events(server, head), (Lines{"GET /", "end", "paused"}));
    EXPECT_EQ(answer(server, 200, length_2, "ok"),
              "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok");
    EXPECT_EQ(server.our_state(), State::idle);
  }
  EXPECT_EQ(events(server, head).front(), "GET /");
  EXPECT_EQ(answer(server, 200, {}, "ok"), "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok")
      << "it knows no other end of content of unknown length";
  EXPECT_EQ(server.our_state(), State::must_close);
  Connection both(Role::server);
  EXPECT_EQ(events(both, "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n").front(),
            "GET /");
  EXPECT_FALSE(both.keep_alive());
}

TEST(Server, frames_content_of_unknown_length_as_the_client_can_read_it) {
  Connection modern(Role::server);
  events(modern, get);
  EXPECT_EQ(answer(modern, 200, {}, "hello"),
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
  EXPECT_EQ(modern.our_state(), State::idle);
  Connection old(Role::server);
  events(old, "GET / HTTP/1.0\r\n\r\n");
  EXPECT_EQ(answer(old, 200, {}, "hello"), "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello");
  EXPECT_EQ(old.our_state(), State::must_close);
}

TEST(Server, sends_no_content_in_answer_to_head) {
  Connection server(Role::server);
  events(server, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(sent(server, Response{200, {}, 1, length_2}),
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(sent(server, Data{as_bytes("ok")}), "error: more data than the Content-Length says");
  EXPECT_EQ(sent(server, EndOfMessage{}), "");
  EXPECT_EQ(server.our_state(), State::idle);
}

TEST(Server, answers_a_broken_request_and_then_closes) {
  Connection server(Role::server);
  events(server, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
  answer(server, 200, {}, "");
  const Lines broken{"error 400: white space between field name and colon"};
  EXPECT_EQ(events(server, "GET / HTTP/1.1\r\nHost : a\r\n\r\n"), broken);
  EXPECT_EQ(events(server, get), broken) << "an error is final";
  EXPECT_EQ(answer(server, 400, length_2, "no"),
            "HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
  EXPECT_EQ(server.our_state(), State::must_close);
}

TEST(Server, tells_at_the_first_byte_that_a_tls_client_has_the_wrong_port) {
  Connection server(Role::server);
  EXPECT_EQ(events(server, "\x16\x03\x01"), (Lines{"error 400: what came is not HTTP/1"}));
}

TEST(Server, asks_for_content_that_waits_for_100_continue) {
  Connection server(Role::server);
  EXPECT_EQ(events(server,
                   "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n"
                   "Content-Length: 2\r\n\r\n"),
            (Lines{"PUT /", "need more"}));
  EXPECT_TRUE(server.client_waits());
  EXPECT_EQ(sent(server, Response{100}), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_FALSE(server.client_waits());
  EXPECT_EQ(events(server, "hi"), (Lines{"\"hi\"", "end", "paused"}));
  EXPECT_EQ(answer(server, 204, {}, ""), "HTTP/1.1 204 No Content\r\n\r\n");
}

TEST(Server, does_not_send_what_would_break_the_message) {
  Connection server(Role::server);
  EXPECT_EQ(sent(server, Data{as_bytes("x")}), "error: data in the wrong place");
  events(server, get);
  const std::array split{Field{"Location", "/\r\nSet-Cookie: x"}};
  EXPECT_EQ(sent(server, Response{302, {}, 1, split}), "error: a field that cannot be sent");
  const std::array both{Field{"Content-Length", "2"}, Field{"Transfer-Encoding", "chunked"}};
  EXPECT_EQ(sent(server, Response{200, {}, 1, both}),
            "error: both Transfer-Encoding and Content-Length");
  EXPECT_EQ(sent(server, Response{101}), "error: a status that cannot be sent");
  EXPECT_EQ(sent(server, Request{"GET", "/", 1, host}), "error: a request in the wrong place");
  EXPECT_EQ(sent(server, Response{200, {}, 1, length_2}).substr(0, 15), "HTTP/1.1 200 OK");
  EXPECT_EQ(sent(server, Data{as_bytes("abc")}), "error: more data than the Content-Length says");
  EXPECT_EQ(sent(server, EndOfMessage{}), "error: less data than the Content-Length says");
  EXPECT_EQ(sent(server, ConnectionClosed{}), "error: closed inside a message");
  std::array<u8, 1> room;
  EXPECT_EQ(server.send(Data{as_bytes("ok")}, room).error().why, "too little room for the data");
  EXPECT_EQ(sent(server, Data{as_bytes("ok")}), "ok") << "a refused call has changed nothing";
}

TEST(Server, counts_content_that_the_caller_writes_itself) {
  Connection server(Role::server);
  events(server, get);
  sent(server, Response{200, {}, 1, length_2});
  EXPECT_TRUE(server.sends_raw_content());
  EXPECT_FALSE(server.sent_content(3));
  EXPECT_TRUE(server.sent_content(2));
  EXPECT_EQ(sent(server, EndOfMessage{}), "");
  events(server, get);
  sent(server, Response{200});
  EXPECT_FALSE(server.sends_raw_content());
  EXPECT_FALSE(server.sent_content(1)) << "chunks need their sizes";
}

TEST(Server, notices_a_client_that_goes_away_in_the_middle) {
  for (const auto* text :
       {"GET / HTT", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab"}) {
    Connection server(Role::server);
    server.end_of_input();
    EXPECT_EQ(events(server, text).back(), "error 400: the connection ended inside a message");
  }
}

TEST(Server, still_answers_a_client_that_has_closed_its_half) {
  Connection server(Role::server);
  Bytes in = as_bytes(get);
  server.end_of_input();
  EXPECT_EQ(events(server, in), (Lines{"GET /", "end", "paused"}));
  answer(server, 200, length_2, "ok");
  EXPECT_EQ(events(server, in), (Lines{"closed"}));
}

TEST(Client, reads_each_kind_of_framing) {
  struct Case {
    std::string_view text;
    Lines events;
    bool keeps;
  };
  const std::array cases{
      Case{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", {"200 OK", "\"ok\"", "end"}, true},
      Case{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
           {"200 OK", "\"ok\"", "end"},
           true},
      Case{"HTTP/1.1 200 OK\r\n\r\nok", {"200 OK", "\"ok\"", "end"}, false},
      Case{"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", {"200 OK", "\"ok\"", "end"}, false},
      Case{"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok",
           {"200 OK", "\"ok\"", "end"},
           true},
      Case{"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nok",
           {"200 OK", "\"ok\"", "end"},
           false},
      Case{"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
           {"304 Not Modified", "end"},
           true},
      Case{"HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
           {"103 Early", "200 OK", "end"},
           true},
  };
  for (const Case& c : cases) {
    Connection client(Role::client);
    EXPECT_EQ(sent(client, Request{"GET", "/", 1, host}), get);
    sent(client, EndOfMessage{});
    client.end_of_input();
    Bytes in = as_bytes(c.text);
    Lines expected = c.events;
    expected.push_back("closed");
    EXPECT_EQ(events(client, in), expected);
    EXPECT_EQ(client.keep_alive(), c.keeps) << c.text;
  }
}

TEST(Client, sends_the_next_request_on_the_same_connection) {
  Connection client(Role::client);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(sent(client, Request{"GET", "/", 1, host}), get);
    EXPECT_EQ(sent(client, EndOfMessage{}), "");
    EXPECT_EQ(events(client, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
              (Lines{"200 OK", "end", "need more"}));
    EXPECT_EQ(client.our_state(), State::idle);
  }
}

TEST(Client, sends_a_body_in_chunks_with_trailers) {
  Connection client(Role::client);
  const std::array fields{Field{"Host", "a"}, Field{"Transfer-Encoding", "chunked"}};
  sent(client, Request{"POST", "/", 1, fields});
  EXPECT_EQ(sent(client, Data{as_bytes("0123456789abcdef")}), "10\r\n0123456789abcdef\r\n");
  EXPECT_EQ(sent(client, Data{}), "") << "an empty chunk would end the message";
  const std::array trailer{Field{"Digest", "1"}};
  EXPECT_EQ(sent(client, EndOfMessage{trailer}), "0\r\nDigest: 1\r\n\r\n");
}

TEST(Client, sends_only_requests_that_a_strict_server_takes) {
  Connection client(Role::client);
  EXPECT_EQ(sent(client, Request{"GET", "/", 1, {}}), "error: a request needs one Host field");
  EXPECT_EQ(sent(client, Request{"GET", "/ x", 1, host}), "error: a target that cannot be sent");
  EXPECT_EQ(sent(client, Request{"G T", "/", 1, host}), "error: a method that cannot be sent");
  EXPECT_EQ(sent(client, Response{200}), "error: a response in the wrong place");
  EXPECT_EQ(sent(client, NeedMore{}), "error: an event that cannot be sent");
}

TEST(Client, knows_a_cut_off_response_from_a_complete_one) {
  for (const auto* text : {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab",
                           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
                           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n",
                           "HTTP/1.1 200 OK\r\nConte"}) {
    Connection client(Role::client);
    sent(client, Request{"GET", "/", 1, host});
    sent(client, EndOfMessage{});
    client.end_of_input();
    EXPECT_EQ(events(client, text).back(), "error 502: the connection ended inside a message");
    EXPECT_EQ(client.our_state(), State::must_close);
  }
  Connection client(Role::client);
  sent(client, Request{"GET", "/", 1, host});
  client.end_of_input();
  EXPECT_EQ(events(client, "").back(), "error 502: the connection ended before the response");
}

TEST(Client, refuses_answers_to_nothing_and_endless_informational_ones) {
  Connection idle(Role::client);
  EXPECT_EQ(events(idle, "HTTP/1.1 200 OK\r\n\r\n").back(),
            "error 502: bytes that answer no request");
  Connection client(Role::client);
  sent(client, Request{"GET", "/", 1, host});
  std::string text;
  for (int i = 0; i < 17; ++i) text += "HTTP/1.1 102 Wait\r\n\r\n";
  EXPECT_EQ(events(client, text).back(), "error 502: too many informational responses");
  Connection other(Role::client);
  sent(other, Request{"GET", "/", 1, host});
  EXPECT_EQ(events(other, "SSH-2.0-x\r\n").back(), "error 502: what came is not HTTP/1");
  Connection switching(Role::client);
  sent(switching, Request{"GET", "/", 1, host});
  EXPECT_EQ(events(switching, "HTTP/1.1 101 Switching Protocols\r\n\r\n").back(),
            "error 502: a switch of protocols that was not asked for");
}

TEST(BothEnds, hear_exactly_what_the_other_said) {
  Connection client(Role::client);
  Connection server(Role::server);
  const std::array fields{Field{"Host", "a"}, Field{"Content-Length", "3"}};
  std::string wire = sent(client, Request{"PUT", "/x", 1, fields});
  wire += sent(client, Data{as_bytes("abc")});
  wire += sent(client, EndOfMessage{});
  EXPECT_EQ(events(server, wire), (Lines{"PUT /x", "\"abc\"", "end", "paused"}));
  EXPECT_EQ(events(client, answer(server, 201, {}, "made")),
            (Lines{"201 Created", "\"made\"", "end", "need more"}));
  EXPECT_EQ(client.our_state(), server.their_state());
  EXPECT_EQ(client.their_state(), server.our_state());
}

TEST(HttpSwitch, a_server_agrees_to_an_upgrade_and_leaves_what_follows_alone) {
  Connection server(Role::server);
  Bytes in = as_bytes(
      "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: x\r\n\r\nraw");
  EXPECT_EQ(events(server, in), (Lines{"GET /chat", "end", "paused"}));
  EXPECT_EQ(server.offer(), Connection::Offer::upgrade);
  const std::array fields{Field{"Connection", "upgrade"}, Field{"Upgrade", "x"}};
  EXPECT_EQ(sent(server, Response{101, {}, 1, fields}),
            "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
  EXPECT_EQ(events(server, in), (Lines{"switched"}));
  EXPECT_EQ(as_text(in), "raw");
  EXPECT_TRUE(sent(server, Response{200}).starts_with("error"));
}

TEST(HttpSwitch, a_server_may_decline_and_go_on_with_HTTP) {
  Connection server(Role::server);
  events(server, "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
  const std::array length{Field{"Content-Length", "0"}};
  answer(server, 200, length, "");
  EXPECT_EQ(server.our_state(), State::idle);
  events(server, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(server.offer(), Connection::Offer::none);
  EXPECT_EQ(sent(server, Response{101}), "error: a status that cannot be sent");
}

TEST(HttpSwitch, is_not_offered_by_half_or_by_HTTP_1_0_and_not_agreed_to_inside_content) {
  for (const auto* fields : {"Upgrade: x\r\n", "Connection: upgrade\r\n"}) {
    Connection server(Role::server);
    events(server, fmt::format("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", fields));
    EXPECT_EQ(server.offer(), Connection::Offer::none) << fields;
  }
  Connection old(Role::server);
  events(old, "GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
  EXPECT_EQ(old.offer(), Connection::Offer::none);
  Connection busy(Role::server);
  events(busy,
         "PUT / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n"
         "Content-Length: 2\r\n\r\n1");
  EXPECT_EQ(sent(busy, Response{101}), "error: a switch of protocols inside the request");
}

TEST(HttpSwitch, a_client_gets_a_tunnel_by_2xx_alone) {
  const std::array to{Field{"Host", "a:443"}};
  Connection client(Role::client);
  EXPECT_EQ(sent(client, Request{"CONNECT", "a:443", 1, to}),
            "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n");
  sent(client, EndOfMessage{});
  Bytes in = as_bytes("HTTP/1.1 200 Fine\r\nContent-Length: 9\r\n\r\nraw");
  EXPECT_EQ(events(client, in), (Lines{"200 Fine", "switched"}));
  EXPECT_EQ(as_text(in), "raw");

  Connection refused(Role::client);
  sent(refused, Request{"CONNECT", "a:443", 1, to});
  sent(refused, EndOfMessage{});
  EXPECT_EQ(events(refused, "HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno"),
            (Lines{"403 No", "\"no\"", "end", "need more"}));
}

}  // namespace
}  // namespace handfast::http
