// RFC 8446 §4.1.2: what a client offers.
#include <algorithm>

#include "base/assert.hpp"
#include "tls/client.hpp"
#include "tls/key_exchange12.hpp"
#include "tls/writer.hpp"

namespace handfast::tls {
namespace {

constexpr u32 binder_offset = 1;  // a binder stands behind its length

/// A list of code points as it goes over the wire; `grease` leads it where it is not zero.
template <class Code>
std::vector<u8> list(const std::vector<Code>& codes, u16 grease = 0) {
  Writer writer;
  if (grease != 0) writer.number16(grease);
  for (const Code code : codes) writer.code(code);
  return writer.finish();
}

std::vector<u8> protocol_list(const std::vector<std::string>& protocols) {
  Writer writer;
  for (const std::string& protocol : protocols) writer.vector8(as_bytes(protocol));
  return writer.finish();
}

bool has_group_for(const Suite& suite, const Config& config) {
  if (suite.exchange == Exchange::tls13 || suite.exchange == Exchange::rsa) return true;
  return std::ranges::any_of(config.groups, [&](crypto::Group it) { return fits(it, suite); });
}

std::vector<CipherSuite> suites_offered(const Config& config) {
  std::vector<CipherSuite> suites;
  for (const CipherSuite code : config.suites)
    if (const Suite* suite = find_suite(code); suite != nullptr && config.speaks(suite->version))
      if (has_group_for(*suite, config)) suites.push_back(code);
  return suites;
}

std::vector<Version> versions_offered(const Config& config) {
  std::vector<Version> versions;
  for (const Version version : {Version::tls_1_3, Version::tls_1_2})
    if (config.speaks(version)) versions.push_back(version);
  return versions;
}

u32 milliseconds(Duration duration) {
  return to<u32>(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

}  // namespace

bool is_address(std::string_view name) {
  if (name.contains(':')) return true;
  const std::string_view last = name.substr(name.rfind('.') + 1);
  return !last.empty() && std::ranges::all_of(last, [](char c) { return c >= '0' && c <= '9'; });
}

Client::Client(const Config& config, std::string_view server_name, crypto::Random& random,
               std::optional<Ticket> ticket, Instant now, trace::StreamSink* sink)
    : Handshake(Role::client, config, random, sink), server_name_(server_name) {
  agreed().server_name = server_name;
  if (ticket && ticket->is_usable(now) && ticket->server_name == server_name)
    ticket_ = std::move(ticket);
  draw();
  enter(State::wait_server_hello);
  send_hello(now);
}

void Client::draw() {
  entropy().fill(random_bytes_);
  // RFC 5077 §3.4: a ticket of TLS 1.2 comes with a session ID, to be echoed.
  const bool is_disguised = disguises() && config().speaks(Version::tls_1_3);
  if (offers_ticket(Version::tls_1_2) && !ticket_->session_id.empty()) {
    session_id_ = ticket_->session_id;
  } else if (is_disguised || offers_ticket(Version::tls_1_2)) {
    session_id_.resize(session_id_size_max);
    entropy().fill(session_id_);
  }
  if (config().grease) entropy().fill(grease_seed_);
  draw_shares();
}

void Client::draw_shares() {
  u32 wanted = config().key_shares;
  for (const crypto::Group group : config().groups) {
    if (wanted == 0) break;
    if (!crypto::is_known(group)) continue;
    shares_.emplace_back(group, entropy());
    if (group != crypto::Group::x25519_mlkem768) --wanted;
  }
  ASSERT(!shares_.empty());
}

/// RFC 8701: a value for one place; the same in both hellos.
u16 Client::grease(u32 index) const {
  if (!config().grease) return 0;
  const u32 digit = grease_seed_[index] >> 4;
  return to<u16>((digit << 4 | 0x0a) * 0x0101);
}

/// TLS 1.3: its hash must be that of a suite that we offer, and after a retry of the one chosen.
/// TLS 1.2: we must offer its very suite.
bool Client::offers_ticket(Version version) const {
  const Suite* of_ticket = ticket_ ? find_suite(ticket_->suite) : nullptr;
  if (of_ticket == nullptr || of_ticket->version != version || !config().speaks(version))
    return false;
  const auto fits = [&](CipherSuite code) {
    const Suite* suite = find_suite(code);
    if (suite == nullptr || suite->version != version) return false;
    return version == Version::tls_1_3 ? suite->hash == of_ticket->hash : suite == of_ticket;
  };
  return retry_suite_ ? fits(*retry_suite_) : std::ranges::any_of(config().suites, fits);
}

void Client::send_hello(Instant now) {
  const auto& given = config().client_hellos;
  hello_bytes_ = hellos_sent_ < given.size() ? given[hellos_sent_] : build_hello(now);
  const auto parsed = parse_client_hello(Bytes(hello_bytes_).subspan(message_header_size));
  ASSERT(parsed.has_value());
  offered_ = *parsed;
  set_client_random(offered_.random);
  ++hellos_sent_;
  send(hello_bytes_);
  begin_early_data();
}

/// What TLS 1.2 needs (RFC 5746, RFC 7627, RFC 8422, RFC 5077).
void Client::add_old_extensions(ClientHello& hello) const {
  static constexpr std::array<u8, 1> uncompressed{0};
  hello.renegotiation_info = Bytes{};
  hello.extended_master_secret = true;
  hello.point_formats = uncompressed;
  hello.session_ticket = offers_ticket(Version::tls_1_2) ? Bytes(ticket_->ticket) : Bytes{};
}

std::vector<u8> Client::build_hello(Instant now) const {
  const std::vector<u8> suites = list(suites_offered(config()), grease(0));
  const std::vector<u8> groups = list(config().told_groups(), grease(1));
  const std::vector<u8> versions = list(versions_offered(config()), grease(2));
  const std::vector<u8> schemes = list(config().schemes);
  const std::vector<u8> protocols = protocol_list(config().protocols);
  const std::vector<u8> compressions = list(config().certificate_compression);
  constexpr u8 no_compression = 0;
  Writer shares;
  if (config().grease && hellos_sent_ == 0) {
    shares.number16(grease(1));
    shares.vector16(std::array<u8, 1>{});
  }
  for (const crypto::KeyExchange& one : shares_) {
    shares.code(one.group());
    shares.vector16(one.share());
  }
  const std::vector<u8> key_shares = shares.finish();
  // psk_dhe_ke, and psk_ke where it is allowed (§4.2.9).
  const std::vector<u8> modes =
      config().psk_without_key_exchange ? std::vector<u8>{1, 0} : std::vector<u8>{1};

  ClientHello hello;
  hello.random = random_bytes_;
  hello.session_id = session_id_;
  hello.suites = CodeList<CipherSuite>(suites);
  hello.compression_methods = {&no_compression, 1};
  if (config().grease) hello.grease_extension = grease(3);
  if (!server_name_.empty() && !is_address(server_name_)) hello.server_name = server_name_;
  hello.groups = CodeList<crypto::Group>(groups);
  if (!protocols.empty()) hello.alpn = protocols;
  hello.status_request = config().ask_for_ocsp;
  if (config().speaks(Version::tls_1_3)) {
    hello.key_shares = key_shares;
    hello.versions = CodeList<Version>(versions);
    hello.psk_modes = modes;
    hello.compressions = CodeList<crypto::CertificateCompression>(compressions);
  }
  if (config().speaks(Version::tls_1_2)) add_old_extensions(hello);
  hello.schemes = CodeList<crypto::SignatureScheme>(schemes);
  if (!cookie_.empty()) hello.cookie = cookie_;
  hello.record_size_limit = config().record_size_limit;
  if (config().is_quic()) hello.quic_parameters = *config().quic_parameters;
  if (!offers_ticket(Version::tls_1_3)) return emit_client_hello(hello);

  Writer identities;
  identities.vector16(ticket_->ticket);
  identities.number32(milliseconds(now - ticket_->received) + ticket_->age_add);
  const std::vector<u8> psk_identities = identities.finish();
  Writer binders;
  binders.vector(1, [&] { binders.zeros(digest_size(find_suite(ticket_->suite)->hash)); });
  const std::vector<u8> psk_binders = binders.finish();
  hello.psk_identities = psk_identities;
  hello.psk_binders = psk_binders;
  hello.early_data = may_offer_early_data();
  std::vector<u8> bytes = emit_client_hello(hello);
  bind(bytes);
  return bytes;
}

/// §4.2.11.2: the binder covers the hello up to the list of binders.
void Client::bind(std::vector<u8>& hello) const {
  const crypto::HashAlgorithm hash = find_suite(ticket_->suite)->hash;
  const std::size_t size = digest_size(hash);
  const Bytes partial = Bytes(hello).first(hello.size() - size - binder_offset - 2);
  EarlyStage early(hash, ticket_->psk.bytes());
  const Digest code = early.binder(transcript().digest_with(hash, partial));
  std::ranges::copy(code.bytes(), hello.end() - to<std::ptrdiff_t>(size));
}

}  // namespace handfast::tls
