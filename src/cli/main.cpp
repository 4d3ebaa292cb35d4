// The `handfast` command: lists the subcommands, runs one, turns every complaint into one line.
#include <csignal>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "cli/command.hpp"
#include "cli/help.hpp"
#include "cli/suggest.hpp"

namespace handfast::cli {

namespace {

constexpr const char* description =
    "Handfast: a complete Internet stack in one library, from the Ethernet frame to the web page.\n"
    "It runs without the kernel's TCP, and every handshake in it can be watched.";

constexpr const char* examples =
    "\nExamples:\n"
    "  handfast demo                       watch a TCP connection open, carry a page and close\n"
    "  handfast demo --loss syn-ack:1      the same, with the first SYN-ACK lost\n"
    "  handfast demo --pcap demo.pcapng    keep the packets for Wireshark\n"
    "  handfast get http://192.0.2.1/      fetch a page over our own TCP\n"
    "  handfast serve . --tun hf0 --address 192.0.2.2/24\n"
    "  handfast ca lab                     a small CA, and a certificate for localhost\n"
    "  handfast diagram tcp                the state machine that runs all of this\n"
    "\nExit codes: 0 it worked, 1 it failed, 2 it was asked for wrongly.\n"
    "NO_COLOR is obeyed. `handfast SUBCOMMAND --help` tells more about each.\n";

/// The innermost subcommand on the command line.
CLI::App& chosen(CLI::App& app) {
  CLI::App* at = &app;
  while (!at->get_subcommands().empty()) at = at->get_subcommands().front();
  return *at;
}

std::string help_command(const CLI::App& app) {
  std::string path;
  for (const CLI::App* at = &app; at != nullptr; at = at->get_parent())
    path.insert(0, at->get_name() + " ");
  return path + "--help";
}

/// A word that nobody takes: an option or a subcommand, probably mistyped.
Failure unexpected(CLI::App& app) {
  CLI::App& command = chosen(app);
  const std::vector<std::string> extras = app.remaining(true);
  std::string word = extras.empty() ? std::string{} : extras.front();
  const bool is_option = word.starts_with("-");
  std::vector<std::string> candidates;
  if (is_option) {
    word = word.substr(0, word.find('='));
    for (const CLI::Option* option : command.get_options())
      for (const std::string& name : option->get_lnames()) candidates.push_back("--" + name);
  } else {
    for (const CLI::App* one : command.get_subcommands({})) candidates.push_back(one->get_name());
  }
  const std::string meant = closest(word, candidates);
  std::string advice = meant.empty() ? std::string{} : "did you mean " + meant + "? ";
  advice += "see `" + help_command(command) + "`";
  const char* what = is_option            ? "no such option"
                     : candidates.empty() ? "one argument too many"
                                          : "no such subcommand";
  return {what, word, advice, Exit::usage};
}

Failure usage_failure(CLI::App& app, const CLI::ParseError& error) {
  std::string message = error.what();
  while (!message.empty() && (message.back() == '\n' || message.back() == '.')) message.pop_back();
  return {message, "", "see `" + help_command(chosen(app)) + "`", Exit::usage};
}

Exit run(int argc, char** argv) {
  CLI::App app{description, "handfast"};
  app.set_version_flag("--version", "handfast " HANDFAST_VERSION, "Print the version and exit");
  app.set_help_flag("-h,--help", "Print this help and exit");
  app.footer(examples);
  app.formatter(std::make_shared<HelpFormatter>());
  app.require_subcommand(0, 1);

  Exit exit = Exit::ok;
  for (auto* add : {add_demo, add_get, add_serve, add_relay, add_diagram, add_ca}) add(app, exit);

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& wanted) {  // --help, --version
    app.exit(wanted);
    return Exit::ok;
  } catch (const CLI::ExtrasError&) {
    throw unexpected(app);
  } catch (const CLI::ParseError& error) {
    // "A subcommand is required", because the one that was named does not exist.
    if (!app.remaining(true).empty()) throw unexpected(app);
    throw usage_failure(app, error);
  }
  if (app.get_subcommands().empty()) {
    fmt::print(stderr, "{}", app.help());
    return Exit::usage;
  }
  return exit;
}

}  // namespace

}  // namespace handfast::cli

int main(int argc, char** argv) {
  using handfast::cli::Exit;
  // A reader that has gone is an error of write(), not the end of the program.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return static_cast<int>(handfast::cli::run(argc, argv));
  } catch (const handfast::cli::Failure& failure) {
    std::fprintf(stderr, "%s\n", failure.what());
    return static_cast<int>(failure.exit());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "handfast: internal error: %s: please report it\n", error.what());
    return static_cast<int>(Exit::failure);
  }
}
