#include "tls/session.hpp"

#include <algorithm>
#include <array>

#include <gtest/gtest.h>

#include "tls/expect.hpp"
#include "tls/talk.hpp"

namespace handfast::tls {
namespace {

constexpr Instant now{1h};
constexpr u32 overhead13 = record_header_size + 1 + crypto::aead_tag_size;

/// What a server that has heard nothing yet makes of `bytes`.
Error first_words(std::string_view bytes) {
  static const Configs configs;
  crypto::SystemRandom random;
  Session server = Session::server(configs.server, random);
  std::vector<u8> records(bytes.begin(), bytes.end());
  const auto fed = server.feed(records, now);
  return fed ? Error{} : fed.error();
}

std::vector<u8> client_hello_of(const ClientHello& hello) {
  std::vector<u8> message = emit_client_hello(hello);
  std::vector<u8> record(record_header_size);
  emit_record_header({ContentType::handshake, Version::tls_1_0, to<u16>(message.size())}, record);
  record.insert(record.end(), message.begin(), message.end());
  return record;
}

TEST(Session, carries_much_in_records_of_all_sizes) {
  const Configs configs;
  Talk talk(configs);
  talk.run();
  std::string text(100'000, '\0');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 7 >> 3);
  EXPECT_EQ(talk.pass(talk.client, text), text);
  EXPECT_EQ(talk.pass(talk.server, text), text);
  EXPECT_EQ(talk.pass(talk.server, text.substr(0, 1)), text.substr(0, 1));
}

TEST(Session, takes_a_handshake_a_byte_at_a_time) {
  const Configs configs;
  Talk talk(configs);
  const auto trickle = [&](Session& from, Session& into) {
    talk.move_output(from);
    std::vector<u8> all = std::exchange(talk.in(into), {});
    std::vector<u8> buffer;
    for (const u8 byte : all) {
      buffer.push_back(byte);
      const auto fed = into.feed(buffer, now);
      ASSERT_TRUE(fed.has_value()) << fed.error().why;
      buffer.erase(buffer.begin(), buffer.begin() + *fed);
      talk.drain(into);
    }
    EXPECT_TRUE(buffer.empty());
  };
  trickle(talk.client, talk.server);
  trickle(talk.server, talk.client);
  trickle(talk.client, talk.server);
  expect_connected(talk);
}

TEST(Session, takes_a_client_hello_in_many_records) {
  const Configs configs;
  Talk talk(configs);
  talk.move_output(talk.client);
  const Bytes message = Bytes(talk.server_in).subspan(record_header_size);
  std::vector<u8> records;
  for (std::size_t i = 0; i < message.size(); i += 3) {
    const Bytes piece = message.subspan(i, std::min<std::size_t>(3, message.size() - i));
    std::array<u8, record_header_size> header{};
    emit_record_header({ContentType::handshake, Version::tls_1_0, to<u16>(piece.size())}, header);
    records.insert(records.end(), header.begin(), header.end());
    records.insert(records.end(), piece.begin(), piece.end());
  }
  talk.server_in = records;
  talk.run();
  expect_connected(talk);
}

TEST(Session, ends_cleanly_after_close_notify_and_is_truncated_without) {
  const Configs configs;
  Talk talk(configs);
  talk.run();
  EXPECT_EQ(talk.server.end_of_input(), Ending::truncated);
  talk.client.close();
  talk.run();
  EXPECT_TRUE(talk.server.has_peer_closed());
  EXPECT_EQ(talk.server.end_of_input(), Ending::clean);
  // RFC 8446 §6.1: the other direction stays open.
  EXPECT_EQ(talk.pass(talk.server, "still here"), "still here");
  talk.server.close();
  talk.run();
  EXPECT_EQ(talk.client.end_of_input(), Ending::clean);
}

TEST(Session, says_nothing_after_its_close_notify_not_even_the_key_update_that_it_owes) {
  const Configs configs;
  Talk talk(configs);
  talk.run();
  talk.server.close();
  talk.run();
  talk.client.update_keys(true);
  talk.run();
  EXPECT_FALSE(talk.server.has_output());
  EXPECT_EQ(talk.pass(talk.client, "still there"), "still there");
  EXPECT_FALSE(talk.client.error().has_value());
}

TEST(Session, ignores_what_comes_after_close_notify) {
  const Configs configs;
  Talk talk(configs);
  talk.run();
  talk.client.close();
  talk.run();
  std::vector<u8> more{1, 2, 3, 4, 5, 6};
  EXPECT_EQ(talk.server.feed(more, now).value_or(0), more.size());
  EXPECT_FALSE(talk.server.error().has_value());
}

TEST(Session, that_is_closed_in_the_handshake_has_failed) {
  const Configs configs;
  Talk talk(configs);
  talk.client.close();
  talk.run();
  ASSERT_TRUE(talk.server.error().has_value());
  EXPECT_TRUE(talk.server.error()->from_peer);
}

TEST(Session, finds_each_changed_bit_of_a_record) {
  const Configs configs;
  for (u32 bit = 0; bit < 8 * (5 + overhead13); ++bit) {
    Talk talk(configs);
    talk.run();
    std::vector<u8> record(5 + overhead13);
    const auto sealed = talk.client.seal(as_bytes("hello"), record);
    EXPECT_EQ(sealed.written, record.size());
    record[bit / 8] ^= to<u8>(1 << bit % 8);
    const auto fed = talk.server.feed(record, now);
    EXPECT_TRUE(talk.server.plaintext().empty()) << bit;
    // A longer length makes it wait for more; all else is refused.
    EXPECT_TRUE(!fed.has_value() || *fed == 0) << bit;
  }
}

TEST(Session, takes_no_record_twice_and_none_out_of_order) {
  const Configs configs;
  Talk talk(configs);
  talk.run();
  std::vector<u8> first(1 + overhead13);
  talk.client.seal(as_bytes("1"), first);
  std::vector<u8> again = first;
  ASSERT_TRUE(talk.server.feed(first, now).has_value());
  talk.server.consume(1);
  const auto fed = talk.server.feed(again, now);
  ASSERT_FALSE(fed.has_value());
  EXPECT_EQ(to_string(fed.error().alert), "bad_record_mac");
}

TEST(Session, says_what_a_stranger_speaks) {
  EXPECT_NE(first_words("GET / HTTP/1.1\r\n").why.find("HTTP"), std::string::npos);
  EXPECT_NE(first_words("SSH-2.0-OpenSSH\r\n").why.find("SSH"), std::string::npos);
  const Error ssl2 = first_words(std::string("\x80\x2e\x01\x00\x02\x00\x15\x00", 8));
  EXPECT_NE(ssl2.why.find("SSL 2.0"), std::string::npos) << ssl2.why;
  EXPECT_EQ(to_string(ssl2.alert), "protocol_version");
  EXPECT_EQ(to_string(first_words("nonsense").alert), "unexpected_message");
}

TEST(Session, names_the_old_versions_that_a_client_offers) {
  const std::array<u8, 32> random{};
  const std::array<u8, 4> suites{0x00, 0x2f, 0x00, 0x0a};
  const std::array<u8, 1> compression{};
  for (const Version version : {Version::ssl_3, Version::tls_1_0, Version::tls_1_1}) {
    ClientHello hello;
    hello.legacy_version = version;
    hello.random = random;
    hello.suites = CodeList<CipherSuite>(suites);
    hello.compression_methods = compression;
    const Error error = first_words(as_text(client_hello_of(hello)));
    EXPECT_EQ(to_string(error.alert), "protocol_version");
    EXPECT_NE(error.why.find(to_string(version)), std::string::npos) << error.why;
  }
}

TEST(Session, updates_its_keys_when_told_and_when_asked) {
  const Configs configs;
  Talk talk(configs);
  talk.run();
  for (const bool request : {false, true}) {
    talk.client.update_keys(request);
    talk.run();
    EXPECT_EQ(talk.pass(talk.client, "after"), "after");
    EXPECT_EQ(talk.pass(talk.server, "answer"), "answer");
  }
  talk.server.update_keys(true);
  talk.run();
  EXPECT_EQ(talk.pass(talk.client, "after"), "after");
  EXPECT_EQ(talk.pass(talk.server, "answer"), "answer");
}

TEST(Session, updates_its_keys_by_itself_when_one_has_served_enough) {
  Configs configs;
  configs.client.records_per_key_max = 3;
  Talk talk(configs);
  talk.run();
  const std::string text(20 * fragment_max, 'x');
  EXPECT_EQ(talk.pass(talk.client, text), text);
  EXPECT_EQ(talk.pass(talk.server, "answer"), "answer");
}

TEST(Session, of_TLS_1_2_carries_much_and_finds_each_changed_bit) {
  for (const auto suite :
       {CipherSuite::ecdsa_aes_128_gcm_sha256, CipherSuite::ecdsa_chacha20_poly1305_sha256}) {
    Configs configs;
    configs.client.version_max = Version::tls_1_2;
    configs.client.suites = {suite};
    Talk talk(configs);
    talk.run();
    expect_connected(talk);
    const std::string text(100'000, 'x');
    EXPECT_EQ(talk.pass(talk.client, text), text);
    EXPECT_EQ(talk.pass(talk.server, text), text);
    std::vector<u8> record(talk.client.sealed_size(5));
    EXPECT_EQ(talk.client.seal(as_bytes("hello"), record).written, record.size());
    for (u32 bit = 0; bit < 8 * record.size(); bit += 5) {
      Talk other(configs);
      other.run();
      std::vector<u8> changed(other.client.sealed_size(5));
      other.client.seal(as_bytes("hello"), changed);
      changed[bit / 8] ^= to<u8>(1 << bit % 8);
      const bool is_version = bit / 8 == 2;  // of the header: it is not looked at
      const auto fed = other.server.feed(changed, now);
      EXPECT_TRUE(is_version || !fed.has_value() || *fed == 0) << bit;
    }
  }
}

TEST(Session, of_TLS_1_2_ends_when_its_key_has_served_enough) {
  Configs configs;
  configs.client.version_max = Version::tls_1_2;
  configs.client.records_per_key_max = 3;
  Talk talk(configs);
  talk.run();
  std::vector<u8> room(100);
  u32 sealed = 0;
  while (talk.client.seal(as_bytes("x"), room).taken > 0) ++sealed;
  EXPECT_EQ(sealed, 2U) << "with Finished, three";
  // What was sealed is lost here, so the alert would not decrypt at the other end.
  ASSERT_TRUE(talk.client.error().has_value());
  EXPECT_EQ(to_string(talk.client.error()->alert), "internal_error");
}

TEST(Session, of_TLS_1_2_takes_no_record_in_the_clear_after_the_handshake) {
  Configs configs;
  configs.client.version_max = Version::tls_1_2;
  Talk talk(configs);
  talk.run();
  Talk other(configs);
  other.move_output(other.client);
  talk.server_in = other.server_in;
  talk.server_in[2] = 3;  // the version of all records but the first
  talk.run();
  expect_refused(talk.server, talk.client, Alert::bad_record_mac);
}

TEST(Session, does_not_let_a_peer_update_keys_for_ever) {
  const Configs configs;
  Talk talk(configs);
  talk.run();
  for (u32 i = 0; i <= configs.server.key_updates_in_a_row_max; ++i) talk.client.update_keys(false);
  talk.run();
  expect_refused(talk.server, talk.client, Alert::unexpected_message);
}

TEST(Session, lets_a_peer_update_keys_as_often_as_it_hears_something) {
  const Configs configs;
  Talk talk(configs);
  talk.run();
  for (u32 i = 0; i <= 2 * configs.server.key_updates_in_a_row_max; ++i) {
    talk.client.update_keys(true);
    talk.run();
    EXPECT_EQ(talk.pass(talk.server, "answer"), "answer");
  }
}

TEST(Session, lets_a_peer_update_keys_once_for_each_record_that_we_hear_of_late) {
  const Configs configs;
  Talk talk(configs);
  talk.run();
  constexpr u32 records = 100;
  for (u32 i = 0; i < records; ++i) EXPECT_EQ(talk.pass(talk.server, "more"), "more");
  for (u32 i = 0; i < records + configs.server.key_updates_in_a_row_max; ++i)
    talk.client.update_keys(false);
  talk.run();
  EXPECT_FALSE(talk.server.error());
  talk.client.update_keys(false);
  talk.run();
  expect_refused(talk.server, talk.client, Alert::unexpected_message);
}

TEST(Session, keeps_to_the_record_sizes_that_the_peer_set) {
  Configs configs;
  configs.client.record_size_limit = 100;
  configs.server.record_size_limit = 64;
  Talk talk(configs);
  talk.run();
  expect_connected(talk);
  const std::string text(1000, 'x');
  std::vector<u8> room(3000);
  const auto sealed = talk.client.seal(as_bytes(text), room);
  EXPECT_EQ(sealed.taken, 1000U);
  EXPECT_EQ(load_be16(&room[3]), 64 + crypto::aead_tag_size);
  EXPECT_EQ(sealed.written, talk.client.sealed_size(1000));
  talk.server_in.assign(room.begin(), room.begin() + sealed.written);
  talk.run();
  EXPECT_EQ(talk.server_got, text);
}

TEST(Session, refuses_records_beyond_the_limit_that_it_set) {
  Configs configs;
  configs.client.record_size_limit = 100;
  Talk talk(configs);
  talk.run();
  // The server does not know the extension where its own limit is not set: it was told all the
  // same.
  EXPECT_EQ(talk.server.summary().record_size_limit, 100);
}

TEST(Session, fails_for_good) {
  const Configs configs;
  Talk talk(configs);
  talk.run();
  talk.client.abort(Alert::internal_error, "enough");
  talk.run();
  expect_refused(talk.client, talk.server, Alert::internal_error);
  std::vector<u8> more(10);
  EXPECT_FALSE(talk.client.feed(more, now).has_value());
  EXPECT_EQ(talk.client.end_of_input(), Ending::failed);
  EXPECT_FALSE(talk.server.has_output()) << "an alert is not answered";
}

}  // namespace
}  // namespace handfast::tls
