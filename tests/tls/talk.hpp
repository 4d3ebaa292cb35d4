// Two sessions that talk in memory.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.hpp"
#include "crypto/certificate_builder.hpp"
#include "crypto/random.hpp"
#include "tls/session.hpp"

namespace handfast::tls {

inline constexpr std::string_view server_name = "server.example";

/// A key, and a certificate for it that it signed itself.
struct SelfSigned {
  crypto::PrivateKey key;
  std::vector<u8> certificate;

  SelfSigned(crypto::KeyType type, std::vector<std::string> names, crypto::CertificateRole role)
      : key(*crypto::PrivateKey::generate(type)) {
    crypto::CertificateTemplate wanted;
    wanted.role = role;
    wanted.dns = std::move(names);
    wanted.not_after = WallTime(std::chrono::years{40});
    certificate = issue(wanted, key.public_key(), nullptr, key)->der();
  }
};

inline Identity self_signed(crypto::KeyType type, std::vector<std::string> names,
                            crypto::CertificateRole role = crypto::CertificateRole::server) {
  SelfSigned made(type, std::move(names), role);
  return *Identity::make({made.certificate}, std::move(made.key));
}

/// The one identity of a server with a key of this kind.
inline std::vector<Identity> identities_of(crypto::KeyType type) {
  std::vector<Identity> one;
  one.push_back(self_signed(type, {std::string(server_name)}));
  return one;
}

/// Configurations that suit each other; a test changes them before it begins.
struct Configs {
  Config client;
  Config server;
  Configs() {
    server.identities.push_back(self_signed(crypto::KeyType::ec_p256, {std::string(server_name)}));
  }
};

/// One connection: bytes go to and fro as long as there are any.
class Talk {
 private:
  crypto::SystemRandom random_;
  Instant now_;

 public:
  explicit Talk(const Configs& configs, std::optional<Ticket> ticket = {},
                std::string_view name = server_name, Instant now = Instant(1h),
                trace::StreamSink* of_client = nullptr, trace::StreamSink* of_server = nullptr)
      : now_(now),
        client(Session::client(configs.client, name, random_, std::move(ticket), now, of_client)),
        server(Session::server(configs.server, random_, of_server)) {}

  /// Carries what both ends have to say until they are silent.
  void run() {
    for (bool moved = true; moved;) {
      const bool to_server = carry(client, server);
      const bool to_client = carry(server, client);
      moved = to_server || to_client;
    }
  }

  /// `text` from `from` to the other end, both of them connected; returns what came out there.
  std::string pass(Session& from, std::string_view text) {
    Session& into = &from == &client ? server : client;
    got(into).clear();
    for (Bytes left = as_bytes(text); !left.empty() && !into.error();) {
      move_output(from);
      std::vector<u8> room(20000);
      const auto sealed = from.seal(left, room);
      in(into).insert(in(into).end(), room.begin(), room.begin() + sealed.written);
      left = left.subspan(sealed.taken);
      drain(into);
    }
    run();
    return got(into);
  }

  /// Seals `text` as early data of the client's, as far as it may be, and puts it on its way;
  /// returns what was left.
  std::string_view send_early(std::string_view text) {
    move_output(client);
    std::vector<u8> room(20000);
    while (!text.empty()) {
      const auto sealed = client.seal_early(as_bytes(text), room);
      if (sealed.taken == 0) break;
      server_in.insert(server_in.end(), room.begin(), room.begin() + sealed.written);
      text.remove_prefix(sealed.taken);
    }
    return text;
  }

  /// Feeds `into` what is on its way there, answers what it asks and keeps what it tells.
  bool drain(Session& into) {
    bool moved = false;
    for (;;) {
      const auto fed = into.feed(in(into), now_);
      got(into) += as_text(into.plaintext());
      if (into.is_plaintext_early()) early_got += as_text(into.plaintext());
      into.consume(to<u32>(into.plaintext().size()));
      answer(into);
      if (!fed) in(into).clear();
      if (!fed || *fed == 0) return moved;
      in(into).erase(in(into).begin(), in(into).begin() + *fed);
      moved = true;
    }
  }

  /// Puts what `from` has to say on its way.
  void move_output(Session& from) {
    std::vector<u8>& to = in(&from == &client ? server : client);
    while (from.has_output()) {
      std::vector<u8> room(1000);
      room.resize(from.take(room));
      to.insert(to.end(), room.begin(), room.end());
    }
  }
  std::vector<u8>& in(const Session& of) { return &of == &client ? client_in : server_in; }

  Session client;
  Session server;
  std::vector<u8> client_in;  // on its way there
  std::vector<u8> server_in;
  std::string client_got;
  std::string server_got;
  std::string early_got;  // of it, what was early data
  std::vector<Ticket> tickets;
  std::vector<std::string> key_log;
  Outcome verdict;  // on either end's certificate
  bool verdicts_wait = false;
  u32 client_done = 0;
  u32 server_done = 0;

 private:
  std::string& got(const Session& of) { return &of == &client ? client_got : server_got; }
  bool carry(Session& from, Session& into) {
    const bool moved = from.has_output();
    move_output(from);
    return drain(into) || moved;
  }
  void answer(Session& session) {
    while (auto event = session.poll_event()) {
      if (std::holds_alternative<NeedVerdict>(*event) && !verdicts_wait)
        (void)session.on_verdict(verdict, now_);
      if (auto* ticket = std::get_if<TicketReceived>(&*event))
        tickets.push_back(std::move(ticket->ticket));
      if (auto* line = std::get_if<KeyLogLine>(&*event)) key_log.push_back(line->line);
      if (std::holds_alternative<HandshakeDone>(*event))
        ++(&session == &client ? client_done : server_done);
    }
  }
};

}  // namespace handfast::tls
