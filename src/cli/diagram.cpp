// `handfast diagram PROTOCOL`: a state machine as Mermaid, from the table that the engine obeys.
#include <string>

#include <fmt/format.h>

#include "cli/command.hpp"
#include "cli/terminal.hpp"
#include "tcp/state.hpp"

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
}

}  // namespace handfast::cli
