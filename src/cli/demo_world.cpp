#include "cli/demo_world.hpp"

#include <optional>
#include <utility>

#include <fmt/format.h>

#include "cli/demo_talk.hpp"
#include "sim/world.hpp"
#include "trace/tee.hpp"

namespace handfast::cli {

namespace {

constexpr u16 http_port = 80;
constexpr u16 https_port = 443;
constexpr Duration patience = 24h;  // virtual; the longest back-off takes far less

bool is_at_rest(sim::Node& node) {
  const auto census = node.host().census();
  return census.connections + census.half_open + census.time_wait == 0;
}

Duration since_start(const sim::World& world) { return world.now() - Instant{}; }

link::ImpairmentOptions impairment_of(const DemoOptions& options) {
  return {.delay = options.delay,
          .loss = options.loss.chance,
          .duplicate = options.duplicate,
          .corrupt = options.corrupt,
          .reorder = options.reorder,
          .reorder_delay = options.delay};
}

TalkPlan plan_of(const DemoOptions& options) {
  TalkPlan plan;
  plan.connections = options.is_kept_alive ? 1 : options.requests;
  plan.requests = options.is_kept_alive ? options.requests : 1;
  plan.size = options.size;
  plan.client_closes = options.closer != Closer::server;
  plan.server_closes = options.closer != Closer::client;
  plan.request_after = options.request_after;
  plan.one_way = options.delay;
  plan.close_after = options.close_after;
  return plan;
}

/// The same client and server before, on a good day.
DemoOptions earlier(const DemoOptions& options) {
  DemoOptions one;
  one.seed = options.seed + 1;
  one.ipv6 = options.ipv6;
  one.tls = options.tls;
  return one;
}

/// Tells what TLS tells in the time of the world that is shown.
class InTime final : public trace::Sink {
 public:
  InTime(trace::Sink& inner, const Instant& begin) : inner_(inner), begin_(begin) {}
  void on(Instant now, const trace::Event& event) override {
    inner_.on(Instant{now - begin_}, event);
  }

 private:
  trace::Sink& inner_;
  const Instant& begin_;
};

}  // namespace

/// Who listens to whom.
struct Demo::Sinks {
  explicit Sinks(Demo& demo)
      : client_capture(demo.capture_, {.name = "client", .received = false}),
        server_capture(demo.capture_, {.name = "server", .received = false}),
        client{&demo.ladder_.endpoint("client"), &client_capture, &demo.client_table_},
        server{&demo.ladder_.endpoint("server"), &server_capture, &demo.server_table_},
        wire{&demo.ladder_.wire(), &client_capture} {}

  trace::PcapngSink client_capture;
  trace::PcapngSink server_capture;
  trace::Tee client;
  trace::Tee server;
  trace::Tee wire;
};

Demo::Demo(DemoOptions options) : options_(std::move(options)), capture_("handfast demo") {}
Demo::~Demo() = default;

void Demo::run() {
  Sinks sinks(*this);
  Instant begin{};
  const sim::World* current = nullptr;
  InTime client_in_time(sinks.client, begin);
  InTime server_in_time(sinks.server, begin);
  std::optional<DemoTls> tls;
  if (options_.tls.is_on)
    tls.emplace(options_.tls, options_.seed,
                [&] { return begin + (current == nullptr ? Duration{} : since_start(*current)); });
  if (tls && options_.tls.is_resumed()) {
    // It leaves a ticket at the client, and nothing else.
    Listener listener;
    sim::World before(options_.seed + 1);
    current = &before;
    problem_ = talk(before, listener, earlier(options_), &*tls, nullptr).problem;
    begin += since_start(before);
  }
  Listener listener;
  sim::World world(options_.seed);
  current = &world;
  if (tls) {
    tls->client().trace = &client_in_time;
    tls->server().trace = &server_in_time;
    tls->log_keys([this](const std::string& line) {
      capture_.secrets(trace::PcapngWriter::Secrets::tls_key_log, line + "\n");
    });
  }
  const TalkResult result = talk(world, listener, options_, tls ? &*tls : nullptr, &sinks);
  if (problem_.empty()) problem_ = result.problem;
  answered_ = result.answered;
  digest_ = world.digest();
  capture_.flush();
}

/// Runs until both hosts have forgotten all connections.
TalkResult Demo::talk(sim::World& world, Listener& listener, const DemoOptions& options,
                      DemoTls* tls, Sinks* sinks) {
  const auto listens = [&](trace::Tee Sinks::* which) {
    return sinks ? &(sinks->*which) : nullptr;
  };
  sim::Node& client =
      world.add(sim::host_config("client", 1, trace::LinkType::ip), listens(&Sinks::client));
  sim::Node& server =
      world.add(sim::host_config("server", 2, trace::LinkType::ip), listens(&Sinks::server));
  link::ImpairmentOptions forth = impairment_of(options);
  link::ImpairmentOptions back = forth;
  forth.targeted = options.loss.from_client;
  back.targeted = options.loss.from_server;
  world.connect(client, server, forth, back, listens(&Sinks::wire));

  TalkPlan plan = plan_of(options);
  plan.address = {options.ipv6 ? server.address_v6() : server.address_v4(),
                  tls != nullptr ? https_port : http_port};
  plan.server_name = tls != nullptr ? DemoTls::server_name : wire::to_string(plan.address);
  plan.client = {&client.stack(), listens(&Sinks::client), tls ? &tls->client() : nullptr};
  plan.server = {&server.stack(), listens(&Sinks::server), tls ? &tls->server() : nullptr};
  TalkResult result;
  listener.emplace(server.stack(), plan.address);
  world.spawn(talk_as_server(*listener, plan, result));
  world.spawn(talk_as_client(plan, result));
  bool has_begun = false;
  world.run_until(
      [&] {
        has_begun = has_begun || !is_at_rest(client);
        return has_begun && is_at_rest(client) && is_at_rest(server);
      },
      patience);
  return result;
}

}  // namespace handfast::cli
