// RFC 8879 in the handshake, both ways.
#include <algorithm>
#include <deque>

#include <gtest/gtest.h>

#include "tls/client.hpp"
#include "tls/expect.hpp"
#include "tls/server.hpp"
#include "tls/talk.hpp"

namespace handfast::tls {
namespace {

using crypto::CertificateCompression;
using enum CertificateCompression;

/// With a chain that there is something to gain on.
Identity identity(std::string name, crypto::CertificateRole role) {
  SelfSigned made(crypto::KeyType::ec_p256, {std::move(name)}, role);
  return *Identity::make({made.certificate, made.certificate}, std::move(made.key));
}

Configs configs(const std::vector<CertificateCompression>& client,
                const std::vector<CertificateCompression>& server) {
  Configs made;
  made.client.certificate_compression = client;
  made.server.certificate_compression = server;
  made.server.identities.clear();
  made.server.identities.push_back(
      identity(std::string(server_name), crypto::CertificateRole::server));
  made.server.client_auth = ClientAuth::require;
  made.client.identities.push_back(identity("client.example", crypto::CertificateRole::client));
  return made;
}

void expect_compression(const Configs& made, std::optional<CertificateCompression> of_server,
                        std::optional<CertificateCompression> of_client) {
  Talk talk(made);
  talk.run();
  expect_connected(talk);
  EXPECT_EQ(talk.client.summary().peer_compression, of_server);
  EXPECT_EQ(talk.server.summary().peer_compression, of_client);
  EXPECT_EQ(talk.client.summary().peer_chain, made.server.identities[0].chain());
  EXPECT_EQ(talk.server.summary().peer_chain, made.client.identities[0].chain());
}

TEST(CompressedCertificates, go_both_ways_by_each_algorithm) {
  for (const CertificateCompression algorithm : {zlib, brotli, zstd})
    expect_compression(configs({algorithm}, {algorithm}), algorithm, algorithm);
}

TEST(CompressedCertificates, go_by_what_their_sender_prefers) {
  expect_compression(configs({zlib, zstd}, {brotli, zstd, zlib}), zstd, zlib);
}

TEST(CompressedCertificates, are_not_sent_to_who_does_not_offer_to_unpack_them) {
  expect_compression(configs({}, {brotli}), std::nullopt, std::nullopt);
  expect_compression(configs({brotli}, {}), std::nullopt, std::nullopt);
  expect_compression(configs({brotli}, {zlib}), std::nullopt, std::nullopt);
}

TEST(CompressedCertificates, are_nothing_for_TLS_1_2) {
  Configs made = configs({brotli}, {brotli});
  made.server.version_max = Version::tls_1_2;
  expect_compression(made, std::nullopt, std::nullopt);
}

TEST(CompressedCertificates, carry_the_staple_too) {
  Configs made = configs({zlib}, {zlib});
  const std::vector<u8> staple(500, 7);
  made.server.identities[0].set_ocsp_response(staple);
  Talk talk(made);
  talk.run();
  expect_connected(talk);
  EXPECT_EQ(talk.client.summary().peer_ocsp_response, staple);
  EXPECT_TRUE(talk.client.summary().peer_compression.has_value());
}

TEST(CompressedCertificates, are_made_once_and_anew_with_a_new_staple) {
  Identity ours = identity("a.example", crypto::CertificateRole::server);
  const u8* first = ours.compressed_certificate(zlib, true).data();
  EXPECT_NE(ours.compressed_certificate(brotli, true).data(), first);
  EXPECT_EQ(ours.compressed_certificate(zlib, true).data(), first);
  const std::vector<u8> before = ours.compressed_certificate(zlib, true);
  ours.set_ocsp_response(std::vector<u8>(100));
  EXPECT_NE(ours.compressed_certificate(zlib, true), before);
  EXPECT_EQ(ours.compressed_certificate(zlib, false), before);
}

TEST(CompressedCertificates, that_would_be_longer_are_sent_as_they_are) {
  // A certificate that looks like noise, nearly.
  SelfSigned made(crypto::KeyType::ec_p256, {"a"}, crypto::CertificateRole::server);
  const Identity ours = *Identity::make({made.certificate}, std::move(made.key));
  for (const CertificateCompression algorithm : {zlib, brotli, zstd}) {
    const auto& message = ours.compressed_certificate(algorithm, false);
    const auto plain = emit(certificate_message(ours, false));
    EXPECT_LE(message.size(), plain.size());
    EXPECT_EQ(message == plain, message[0] == to<u8>(HandshakeType::certificate));
  }
}

/// A client that waits for the server's certificate, and the Certificate that is due.
class Waiting {
 public:
  explicit Waiting(const Configs& made)
      : client(made.client, server_name, random_, {}, Instant(1h)), server_(made.server, random_) {
    EXPECT_TRUE(server_.on_message(messages(client).at(0), Instant(1h)).has_value());
    const auto flight = messages(server_);
    for (u32 i = 0; i < 3; ++i) EXPECT_TRUE(client.on_message(flight.at(i), Instant(1h)));
    certificate = flight.at(3);
  }
  /// What the client says to a certificate of the server's that came so.
  Outcome on(const CompressedCertificate& message) {
    return client.on_message(emit(message), Instant(1h));
  }
  Bytes body() const { return Bytes(certificate).subspan(message_header_size); }

 private:
  crypto::SystemRandom random_;

 public:
  Client client;
  std::vector<u8> certificate;

 private:
  static std::vector<std::vector<u8>> messages(Handshake& of) {
    std::vector<std::vector<u8>> all;
    while (auto action = of.poll_action())
      if (auto* message = std::get_if<SendMessage>(&*action))
        all.push_back(std::move(message->bytes));
    return all;
  }
  Server server_;
};

void expect_alert(const Outcome& outcome, Alert alert) {
  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(to_string(outcome.error().alert), to_string(alert)) << outcome.error().why;
}

TEST(CompressedCertificates, of_a_kind_that_was_not_offered_are_refused) {
  const Configs made = configs({zlib}, {});
  Waiting waiting(made);
  const std::vector<u8> packed = crypto::compress(brotli, waiting.body());
  expect_alert(waiting.on({brotli, to<u32>(waiting.body().size()), packed}),
               Alert::illegal_parameter);
}

TEST(CompressedCertificates, that_were_not_asked_for_at_all_are_out_of_place) {
  const Configs made = configs({}, {});
  Waiting waiting(made);
  const std::vector<u8> packed = crypto::compress(brotli, waiting.body());
  expect_alert(waiting.on({brotli, to<u32>(waiting.body().size()), packed}),
               Alert::unexpected_message);
}

TEST(CompressedCertificates, that_do_not_unpack_as_they_say_are_bad) {
  Configs made = configs({zlib}, {});
  made.client.message_bytes_max = 4096;
  const u32 right = to<u32>(Waiting(made).body().size());
  for (const u32 length : {right - 1, right + 1, u32{4097}, u32{0xffffff}}) {
    Waiting waiting(made);
    const std::vector<u8> packed = crypto::compress(zlib, waiting.body());
    expect_alert(waiting.on({zlib, length, packed}), Alert::bad_certificate);
  }
  Waiting waiting(made);
  std::vector<u8> packed = crypto::compress(zlib, waiting.body());
  packed[packed.size() / 2] ^= 1;
  expect_alert(waiting.on({zlib, right, packed}), Alert::bad_certificate);
  Waiting good(made);
  packed = crypto::compress(zlib, good.body());
  EXPECT_TRUE(good.on({zlib, to<u32>(good.body().size()), packed}).has_value());
}

TEST(CompressedCertificates, that_unpack_to_no_certificate_message_are_refused) {
  const Configs made = configs({zlib}, {});
  Waiting waiting(made);
  const std::vector<u8> noise(100, 1);
  const std::vector<u8> packed = crypto::compress(zlib, noise);
  expect_alert(waiting.on({zlib, 100, packed}), Alert::decode_error);
}

}  // namespace
}  // namespace handfast::tls
