// `--loss`: which segments the simulated wire loses, as people write it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/rng.hpp"
#include "base/types.hpp"
#include "link/targeted_loss.hpp"

namespace handfast::cli {

/// What is lost on purpose, by the direction of the segment, and what is lost by chance.
struct LossPlan {
  Ratio chance{};
  std::vector<link::TargetedLoss> from_client;
  std::vector<link::TargetedLoss> from_server;
};

/// What --loss takes, for --help and for who got it wrong.
inline constexpr std::string_view loss_grammar =
    "write KIND:N (the Nth of a kind; * for all), with KIND one of syn, syn-ack, ack, data, fin, "
    "rst, also as client-KIND or server-KIND; or a percentage such as 5%";

/// Adds "syn-ack:1", "client-fin:2" or "5%" to `plan`. Without a sender, syn and ack are the
/// client's, syn-ack, data and rst the server's, and fin that of whoever closes first. The error
/// says what is wrong with `text`.
Result<void, std::string> add_loss(LossPlan& plan, std::string_view text, bool server_closes_first);

}  // namespace handfast::cli
