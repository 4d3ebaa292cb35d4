#include "cli/demo_world.hpp"

#include <optional>
#include <utility>

#include <fmt/format.h>

#include "cli/demo_talk.hpp"
#include "sim/world.hpp"
#include "trace/tee.hpp"

namespace handfast::cli {

namespace {

constexpr u16 port = 80;
constexpr Duration patience = 24h;  // virtual; the longest back-off takes far less

bool is_at_rest(sim::Node& node) {
  const auto census = node.host().census();
  return census.connections + census.half_open + census.time_wait == 0;
}

std::string milliseconds(Duration time) {
  const auto us = time.count() / 1000;
  return us % 1000 == 0 ? fmt::format("{} ms", us / 1000)
                        : fmt::format("{}.{:03} ms", us / 1000, us % 1000);
}

std::string describe_end(std::string_view name, const trace::ConnectionTable& table) {
  if (table.rows().empty()) return fmt::format("{}: no connection\n", name);
  const auto& row = table.rows().front();
  return fmt::format("{}: {} bytes sent, {} received, {} retransmission{}; {}: {}\n", name,
                     row.bytes_sent, row.bytes_received, row.retransmissions,
                     row.retransmissions == 1 ? "" : "s", row.state, row.why);
}

}  // namespace

Demo::Demo(DemoOptions options) : options_(std::move(options)), capture_("handfast demo") {}
Demo::~Demo() = default;

void Demo::run() {
  trace::PcapngSink client_capture(capture_, {.name = "client", .received = false});
  trace::PcapngSink server_capture(capture_, {.name = "server", .received = false});
  trace::Tee of_client{&ladder_.endpoint("client"), &client_capture, &client_table_};
  trace::Tee of_server{&ladder_.endpoint("server"), &server_capture, &server_table_};
  trace::Tee of_wire{&ladder_.wire(), &client_capture};

  // It outlives the world, so that the story does not end with the listener's own close.
  std::optional<io::TcpListener> listener;
  sim::World world(options_.seed);
  sim::Node& client = world.add(sim::host_config("client", 1, trace::LinkType::ip), &of_client);
  sim::Node& server = world.add(sim::host_config("server", 2, trace::LinkType::ip), &of_server);
  link::ImpairmentOptions forth{.delay = options_.delay,
                                .loss = options_.loss.chance,
                                .duplicate = options_.duplicate,
                                .corrupt = options_.corrupt,
                                .reorder = options_.reorder,
                                .reorder_delay = options_.delay};
  link::ImpairmentOptions back = forth;
  forth.targeted = options_.loss.from_client;
  back.targeted = options_.loss.from_server;
  world.connect(client, server, forth, back, &of_wire);

  const TalkPlan plan{.server = {options_.ipv6 ? server.address_v6() : server.address_v4(), port},
                      .size = options_.size,
                      .client_closes = options_.closer != Closer::server,
                      .server_closes = options_.closer != Closer::client,
                      .request_after = options_.request_after,
                      .one_way = options_.delay,
                      .close_after = options_.close_after};
  TalkResult result;
  listener.emplace(server.stack(), plan.server);
  world.spawn(talk_as_server(server.stack(), *listener, plan, result));
  world.spawn(talk_as_client(client.stack(), plan, result));
  bool has_begun = false;
  world.run_until(
      [&] {
        has_begun = has_begun || !is_at_rest(client);
        return has_begun && is_at_rest(client) && is_at_rest(server);
      },
      patience);
  problem_ = result.problem;
  answered_ = result.answered;
  ended_ = world.now();
  digest_ = world.digest();
  capture_.flush();
}

std::string Demo::summary() const {
  const auto& arrows = ladder_.arrows();
  std::size_t lost = 0;
  for (const auto& arrow : arrows) lost += arrow.fate == trace::ladder::Arrow::Fate::lost ? 1 : 0;

  std::string text;
  const auto* row = client_table_.rows().empty() ? nullptr : &client_table_.rows().front();
  if (row != nullptr && row->established != never)
    text += fmt::format("open after {}", milliseconds(row->established - row->opened));
  if (answered_ != never)
    text += fmt::format(", page of {} bytes complete after {}", options_.size,
                        milliseconds(answered_ - Instant{}));
  if (row != nullptr && row->smoothed_rtt != 0ns)
    text += fmt::format(", round trip {}", milliseconds(row->smoothed_rtt));
  if (!text.empty()) text += "\n";
  text += describe_end("client", client_table_) + describe_end("server", server_table_);
  text += fmt::format("{} segments, {} lost; seed {}, digest {:016x}\n", arrows.size(), lost,
                      options_.seed, digest_);
  return text;
}

}  // namespace handfast::cli
