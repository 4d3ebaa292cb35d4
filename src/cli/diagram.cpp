// `handfast diagram PROTOCOL`: a state machine as Mermaid, from the table that the engine obeys.
#include <algorithm>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "cli/command.hpp"
#include "cli/terminal.hpp"
#include "http/state.hpp"
#include "tcp/state.hpp"
#include "tls/state.hpp"

namespace handfast::cli {

namespace {

/// stateDiagram-v2; the label is RFC 9293's "event / action".
std::string tcp_diagram() {
  std::string text = "stateDiagram-v2\n  direction TB\n  [*] --> CLOSED\n";
  for (const tcp::Edge& edge : tcp::edges)
    text += fmt::format("  {} --> {} : {}\n", tcp::to_string(edge.from), tcp::to_string(edge.to),
                        edge.label);
  return text;
}

/// One end of HTTP/1.1 as a composite state. Mermaid's names are global, so they get a prefix.
template <class Edges>
std::string http1_machine(std::string_view name, http::Role role, const Edges& edges) {
  std::string text = fmt::format("  state {} {{\n", name);
  for (u32 i = 0; i < http::state_count; ++i) {
    const auto state = http::to_string(static_cast<http::State>(i));
    const bool is_used =
        std::ranges::any_of(edges, [&](const http::Edge& edge) { return to<u32>(edge.from) == i; });
    if (is_used || state == "ERROR" || state == "CLOSED" || state == "SWITCHED")
      text += fmt::format("    state \"{}\" as {}_{}\n", state, name, state);
  }
  text += fmt::format("    [*] --> {}_IDLE\n", name);
  const auto arrow = [&](http::State from, http::State to_state, std::string_view label) {
    text += fmt::format("    {0}_{1} --> {0}_{2} : {3}\n", name, http::to_string(from),
                        http::to_string(to_state), label);
  };
  for (const http::Edge& edge : edges) arrow(edge.from, edge.to, edge.label);
  for (const http::JointEdge& edge : http::joint_edges)
    if (edge.moves == role)
      arrow(role == http::Role::client ? *edge.client : *edge.server, edge.to, edge.label);
  return text + "  }\n";
}

/// RFC 9112 §9: both ends, and where they wait for each other.
std::string http1_diagram() {
  return "stateDiagram-v2\n  direction TB\n" +
         http1_machine("client", http::Role::client, http::client_edges) +
         http1_machine("server", http::Role::server, http::server_edges);
}

/// One end of TLS; from any state an alert leads to FAILED, which would hide all else.
std::string tls_machine(tls::Role role, tls::Version version) {
  const std::string_view name = to_string(role);
  std::string text = fmt::format("  state {} {{\n", name);
  const auto edges = tls::edges_of(role, version);
  for (u32 i = 0; i < tls::state_count; ++i) {
    const auto state = static_cast<tls::State>(i);
    if (std::ranges::any_of(
            edges, [&](const tls::Edge& edge) { return edge.from == state || edge.to == state; }))
      text += fmt::format("    state \"{0}\" as {1}_{0}\n", to_string(state), name);
  }
  text += fmt::format("    [*] --> {}_{}\n", name, to_string(edges.front().from));
  for (const tls::Edge& edge : edges)
    text += fmt::format("    {0}_{1} --> {0}_{2} : {3}\n", name, to_string(edge.from),
                        to_string(edge.to), edge.label);
  return text + "  }\n";
}

/// RFC 8446 appendix A; RFC 5246 §7.3.
std::string tls_diagram(tls::Version version) {
  return "stateDiagram-v2\n  direction TB\n" + tls_machine(tls::Role::client, version) +
         tls_machine(tls::Role::server, version);
}

}  // namespace

void add_diagram(CLI::App& app, Exit& exit) {
  CLI::App* command =
      app.add_subcommand("diagram", "Print a protocol's state machine as a Mermaid diagram");
  command->footer(
      "The diagram is made from the table that the engine itself obeys, so it cannot be wrong.\n"
      "\nExample:\n  handfast diagram tcp > tcp.mmd        (GitHub and mermaid.live draw it)\n");
  CLI::App* tcp = command->add_subcommand("tcp", "RFC 9293, figure 5: the eleven states of TCP");
  command->require_subcommand(1);
  tcp->callback([&exit] {
    print(tcp_diagram());
    exit = Exit::ok;
  });
  CLI::App* http1 = command->add_subcommand("http1", "RFC 9112: both ends of HTTP/1.1");
  http1->callback([&exit] {
    print(http1_diagram());
    exit = Exit::ok;
  });
  CLI::App* tls13 =
      command->add_subcommand("tls13", "RFC 8446, appendix A: both ends of a TLS 1.3 handshake");
  tls13->callback([&exit] {
    print(tls_diagram(tls::Version::tls_1_3));
    exit = Exit::ok;
  });
  CLI::App* tls12 =
      command->add_subcommand("tls12", "RFC 5246: both ends of a TLS 1.2 handshake by ECDHE");
  tls12->callback([&exit] {
    print(tls_diagram(tls::Version::tls_1_2));
    exit = Exit::ok;
  });
}

}  // namespace handfast::cli
