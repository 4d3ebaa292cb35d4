// RFC 1034 §5.3, RFC 1035 §7.3, RFC 2308 §5, RFC 5452 §9.
#include "host/dns_query.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/assert.hpp"
#include "base/byte_order.hpp"

namespace handfast::host {

using wire::DnsCode;
using wire::DnsSection;
using wire::DnsType;

/// What a message says about a name.
struct DnsQuery::Chain {
  wire::DnsName end{};  // where its aliases lead
  u32 aliases = 0;
  std::vector<wire::IpAddress> addresses{};
  Duration ttl = Duration::max();
  std::optional<Duration> negative_ttl{};  // there is a SOA record: the server knows of no more
};

namespace {

Duration seconds(u32 count) { return std::chrono::seconds(count); }

/// The records of a message that has been read once, so each of them is good.
template <class Visit>
void each_record(Bytes message, Visit visit) {
  auto reader = wire::DnsReader::open(message);
  ASSERT(reader);
  for (u32 i = 0; i < reader->questions(); ++i) ASSERT(reader->question());
  while (true) {
    const auto entry = reader->next();
    ASSERT(entry);
    if (!*entry) return;
    if ((*entry)->record.of_class == wire::dns_class_in) visit((*entry)->section, (*entry)->record);
  }
}

}  // namespace

DnsQuery::DnsQuery(const DnsConfig& config, const wire::DnsName& name, DnsType type,
                   const SipKey& key, Instant now)
    : config_(config), name_(name), type_(type), key_(key), ttl_(config.ttl_max) {
  ASSERT(type == DnsType::a || type == DnsType::aaaa);
  if (config_.servers.empty())
    fail("no name server is known");
  else
    ask(now);
}

std::string DnsQuery::server_text() const { return wire::to_string(config_.servers[server_]); }

/// Another one for each server and each name, the same for each repetition: a late answer counts.
u16 DnsQuery::id() const {
  std::array<u8, 4 + wire::DnsName::size_max> text{};
  store_be16(text.data(), to<u16>(server_));
  store_be16(text.data() + 2, to<u16>(type_));
  std::ranges::copy(name_.bytes(), text.begin() + 4);
  return to<u16>(siphash(key_, Bytes(text).first(4 + name_.bytes().size())));
}

void DnsQuery::ask(Instant now) {
  is_due_ = true;
  ++trips_;
  deadline_ = after(now, config_.attempt_timeout * (1 << std::min(round_, 8u)));
}

void DnsQuery::ask_next(std::string why, Instant now) {
  by_stream_ = false;
  has_edns_ = true;
  if (++server_ == config_.servers.size()) {
    server_ = 0;
    ++round_;
  }
  if (round_ >= config_.rounds_max) return fail(std::move(why));
  ask(now);
}

void DnsQuery::fail(std::string why) {
  is_due_ = false;
  answer_ = {.kind = DnsAnswer::Kind::failed, .why = std::move(why), .trips = trips_};
}

std::optional<DnsQuery::Send> DnsQuery::poll_transmit() {
  if (!std::exchange(is_due_, false)) return std::nullopt;
  const wire::DnsQuestion question{name_, type_};
  const u16 udp_size = has_edns_ ? config_.udp_size : u16{0};
  return Send{config_.servers[server_], by_stream_,
              wire::emit_dns_query(id(), question, udp_size, room_)};
}

void DnsQuery::on_deadline(Instant now) {
  if (answer_ || now < deadline_) return;
  ask_next("no answer from " + server_text(), now);
}

void DnsQuery::on_unreachable(const wire::Endpoint& server, std::string_view why, Instant now) {
  if (answer_ || server != config_.servers[server_]) return;
  ask_next(fmt::format("{}: {}", server_text(), why), now);
}

/// RFC 5452 §9.1: the answer must fit the question in all that it repeats.
bool DnsQuery::is_ours(const wire::DnsHeader& header, wire::DnsReader& reader) const {
  if (!header.is_response || header.opcode != 0 || header.id != id()) return false;
  // A server that did not understand may repeat nothing.
  if (reader.questions() == 0) return header.code != DnsCode::no_error;
  const auto question = reader.question();
  return reader.questions() == 1 && question && question->name == name_ &&
         question->type == type_ && question->of_class == wire::dns_class_in;
}

void DnsQuery::on_message(Bytes message, const wire::Endpoint& server, bool by_stream,
                          Instant now) {
  if (answer_ || server != config_.servers[server_]) return;
  auto reader = wire::DnsReader::open(message);
  if (!reader) return;
  const wire::DnsHeader& header = reader->header();
  if (!is_ours(header, *reader)) return;
  const bool is_refusal =
      header.code == DnsCode::format_error || header.code == DnsCode::not_implemented;
  if (is_refusal && has_edns_) {  // RFC 6891 §7
    has_edns_ = false;
    return ask(now);
  }
  if (header.code != DnsCode::no_error && header.code != DnsCode::name_error)
    return ask_next(fmt::format("{} answered {}", server_text(), to_string(header.code)), now);
  if (header.is_truncated && !by_stream) {  // RFC 7766 §5
    if (by_stream_) return;                 // that is under way
    by_stream_ = true;
    return ask(now);
  }
  if (const auto taken = take_answer(header, message, now); !taken)
    ask_next(fmt::format("{} sent what is no DNS message: {}", server_text(), taken.error()), now);
}

Result<void, std::string_view> DnsQuery::take_answer(const wire::DnsHeader& header, Bytes message,
                                                     Instant now) {
  auto chain = read_chain(message);
  if (!chain) return failure(chain.error());
  conclude(header, std::move(*chain), now);
  return {};
}

/// Follows the aliases that the answer holds, in whatever order it holds them.
Result<DnsQuery::Chain, std::string_view> DnsQuery::read_chain(Bytes message) {
  auto reader = wire::DnsReader::open(message);
  ASSERT(reader);
  for (u32 i = 0; i < reader->questions(); ++i)
    if (const auto question = reader->question(); !question) return failure(question.error());
  while (true) {
    const auto entry = reader->next();
    if (!entry) return failure(entry.error());
    if (!*entry) break;
  }

  Chain chain{name_};
  while (true) {
    std::optional<wire::DnsName> next;
    each_record(message, [&](DnsSection section, const wire::DnsRecord& record) {
      if (section == DnsSection::authority && record.type == DnsType::soa) {
        const u32 minimum = std::get<wire::DnsSoa>(record.data).minimum;
        chain.negative_ttl = seconds(std::min(record.ttl, minimum));
      }
      if (section != DnsSection::answer || record.name != chain.end) return;
      const auto* address = std::get_if<wire::IpAddress>(&record.data);
      if (record.type == type_ && address != nullptr) {
        if (chain.addresses.size() < config_.addresses_max) chain.addresses.push_back(*address);
      } else if (record.type == DnsType::cname) {
        next = std::get<wire::DnsName>(record.data);
      } else {
        return;
      }
      chain.ttl = std::min(chain.ttl, seconds(record.ttl));
    });
    if (!chain.addresses.empty() || !next || aliases_ + chain.aliases >= config_.aliases_max) break;
    chain.end = *next;
    ++chain.aliases;
  }
  return chain;
}

void DnsQuery::conclude(const wire::DnsHeader& header, Chain chain, Instant now) {
  using Kind = DnsAnswer::Kind;
  aliases_ += chain.aliases;
  ttl_ = std::min(ttl_, chain.ttl);
  if (!chain.addresses.empty()) {
    answer_ = {Kind::addresses, std::move(chain.addresses), ttl_, {}, trips_};
    return;
  }
  const bool is_missing = header.code == DnsCode::name_error;
  if (aliases_ >= config_.aliases_max) return fail("too many aliases, or a circle of them");
  if (chain.aliases > 0 && !is_missing && !chain.negative_ttl) {
    // The server knows where it leads, and no more.
    name_ = chain.end;
    return ask(now);
  }
  const Duration negative =
      std::min({chain.negative_ttl.value_or(Duration{}), ttl_, config_.negative_ttl_max});
  answer_ = {is_missing ? Kind::no_such_name : Kind::no_data, {}, negative, {}, trips_};
}

}  // namespace handfast::host
