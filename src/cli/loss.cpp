#include "cli/loss.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "cli/suggest.hpp"
#include "cli/units.hpp"
#include "wire/tcp.hpp"

namespace handfast::cli {

namespace {

using wire::TcpFlags;

struct Kind {
  std::string_view name;
  link::TargetedLoss target;
  bool from_server;
};

constexpr u16 all = TcpFlags::syn | TcpFlags::fin | TcpFlags::rst | TcpFlags::ack;

constexpr std::array kinds{
    Kind{"syn", {.flags_mask = TcpFlags::syn | TcpFlags::ack, .flags_value = TcpFlags::syn}, false},
    Kind{
        "syn-ack",
        {.flags_mask = TcpFlags::syn | TcpFlags::ack, .flags_value = TcpFlags::syn | TcpFlags::ack},
        true},
    Kind{"ack", {.flags_mask = all, .flags_value = TcpFlags::ack, .payload_max = 0}, false},
    Kind{"data", {.payload_min = 1}, true},
    Kind{"fin", {.flags_mask = TcpFlags::fin, .flags_value = TcpFlags::fin}, false},
    Kind{"rst", {.flags_mask = TcpFlags::rst, .flags_value = TcpFlags::rst}, true},
};

std::string unknown_kind(std::string_view name) {
  std::vector<std::string> names;
  for (const Kind& kind : kinds) names.emplace_back(kind.name);
  const std::string meant = closest(name, names);
  std::string text = "there is no kind of segment called '" + std::string{name} + "'";
  if (!meant.empty()) text += " (did you mean " + meant + "?)";
  return text;
}

}  // namespace

Result<void, std::string> add_loss(LossPlan& plan, std::string_view text,
                                   bool server_closes_first) {
  if (text.ends_with('%')) {
    const auto chance = parse_percentage(text);
    if (!chance) return failure(std::string{"a percentage lies between 0% and 100%"});
    plan.chance = *chance;
    return {};
  }
  const std::size_t colon = text.find(':');
  std::string_view name = text.substr(0, colon);
  const bool names_client = name.starts_with("client-");
  const bool names_server = name.starts_with("server-");
  if (names_client || names_server) name.remove_prefix(7);
  const auto kind = std::ranges::find(kinds, name, &Kind::name);
  if (kind == kinds.end()) return failure(unknown_kind(name));
  if (colon == text.npos) return failure(std::string{"which one is missing"});
  const std::string_view which = text.substr(colon + 1);
  link::TargetedLoss target = kind->target;
  target.occurrence = 0;
  if (which != "*") {
    const auto [rest, error] =
        std::from_chars(which.data(), which.data() + which.size(), target.occurrence);
    if (error != std::errc{} || rest != which.data() + which.size() || target.occurrence == 0)
      return failure("'" + std::string{which} + "' is no number from 1 on");
  }
  const bool usually_server = kind->name == "fin" ? server_closes_first : kind->from_server;
  const bool from_server = names_server || (!names_client && usually_server);
  (from_server ? plan.from_server : plan.from_client).push_back(target);
  return {};
}

}  // namespace handfast::cli
