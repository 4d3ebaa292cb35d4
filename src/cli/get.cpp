// `handfast get URL...`: the options; fetch.cpp does it.
#include <memory>

#include <CLI/CLI.hpp>

#include "cli/command.hpp"
#include "cli/fetch.hpp"

namespace handfast::cli {

namespace {

constexpr const char* footer =
    "With --tun or --address the connection is our own from the first SYN, and so is the "
    "resolver:\n"
    "the kernel only carries packets to and from the device. Without, the kernel's TCP is used.\n"
    "Cookies are kept for one run and given back as RFC 6265 says; connections are used again.\n"
    "Credentials and cookies do not follow a redirect to another origin.\n"
    "An https URL is fetched by TLS 1.3 or 1.2 of our own; SSLKEYLOGFILE names a file for its "
    "keys.\n"
    "\nExit codes: 0 all came; 1 something did not (no address, no connection, an answer of 400 "
    "or\n"
    "more, a part only, ...), with a line on stderr that says what, where and what to do; 2 the\n"
    "options make no sense.\n"
    "\nExamples:\n"
    "  handfast get http://192.0.2.1/ --tun hf0 --address 192.0.2.2/24 -v\n"
    "  handfast get http://[2001:db8::1]:8080/a.bin -o a.bin --tun hf0 --address "
    "2001:db8::2/64\n"
    "  handfast get https://server.lan/ --ca ca.pem --timing\n"
    "  handfast get http://127.0.0.1:8080/a.bin -O -C - --retry 5   go on where it broke off\n"
    "  handfast get http://127.0.0.1:8080/form --data name=value -H 'Accept: text/plain'\n";

void add_request_options(CLI::App& command, GetOptions& options) {
  command
      .add_option("-X,--request", options.method, "Use this method instead of GET, HEAD or POST")
      ->type_name("METHOD");
  command.add_flag("-I,--head", options.is_head,
                   "Ask for the head of the answer alone, and show it");
  command
      .add_option("-H,--header", options.fields,
                  "Send this field too, or in place of ours. May be given more than once")
      ->type_name("'NAME: VALUE'")
      ->allow_extra_args(false);
  command
      .add_option("-d,--data", options.data,
                  "Send this by POST; @FILE: the content of a file, @-: of standard input. Several "
                  "are joined by &")
      ->type_name("DATA")
      ->allow_extra_args(false);
  command
      .add_option("-b,--cookie", options.cookies, "Begin with this cookie for the host of the URL")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  command
      .add_option("-r,--range", options.range, "Ask for these bytes: 0-499, 500- or the last -500")
      ->type_name("RANGE");
  command
      .add_option("-C,--continue-at", options.resume,
                  "Go on at this byte, or with - where the file ends; from the beginning if the "
                  "server has something newer")
      ->type_name("OFFSET");
  command.add_flag("--compressed", options.is_compressed,
                   "Ask for gzip, br or zstd, and unpack it");
  command.add_flag("--http1.1", options.only_http1, "Offer no other version of HTTP");
}

void add_way_options(CLI::App& command, GetOptions& options) {
  command.add_flag("--kernel", options.use_kernel,
                   "Over the kernel's TCP, as without --tun and --address");
  command
      .add_option("--dns", options.name_servers,
                  "Ask this name server, instead of those of /etc/resolv.conf. May be given more "
                  "than once")
      ->type_name("ADDR[:PORT]")
      ->allow_extra_args(false);
  command
      .add_option("--proxy", options.proxy,
                  "Ask this HTTP proxy: by CONNECT for https, else by the whole URL")
      ->type_name("http://HOST:PORT");
  // For hands that know it from elsewhere: it is the default.
  command.add_flag("-L,--location")
      ->description("Follow redirects, as without it; --redirects says how many");
  command
      .add_option("--redirects", options.redirects_max,
                  "Follow at most this many (default 10; 0 shows the redirect itself)")
      ->type_name("N");
  command.add_flag("--allow-http", options.may_downgrade,
                   "Follow redirects from https to http too");
  command
      .add_option("--retry", options.retries_max,
                  "Try again so often after what may pass (time-outs, resets, 429, 5xx), waiting "
                  "longer each time, and go on where it broke off")
      ->type_name("N");
}

void add_limit_options(CLI::App& command, GetOptions& options) {
  const auto add = [&](const char* name, std::string& value, const char* text) {
    command.add_option(name, value, text)->type_name("TIME");
  };
  add("--connect-timeout", options.connect_timeout,
      "Give up when no address of the host takes a connection for this long (default 10s)");
  add("--tls-timeout", options.tls_timeout,
      "Give up when TLS has not agreed on keys after this (default 10s)");
  add("--first-byte-timeout", options.first_byte_timeout,
      "Give up when nothing of an answer has come after this (default: --timeout)");
  add("--timeout", options.idle_timeout,
      "Give up when nothing has moved for this long (default 60s)");
  add("--max-time", options.time_max, "Give up when all is not done after this");
}

}  // namespace

void add_get(CLI::App& app, Exit& exit) {
  auto options = std::make_shared<GetOptions>();
  CLI::App* command = app.add_subcommand("get", "Fetch URLs over HTTP or HTTPS");
  command->add_option("URL", options->urls, "http[s]://host[:port][/path]")->required();
  command
      ->add_option("-o,--output", options->outputs,
                   "Write to this file; - is standard output. May be given once for each URL")
      ->type_name("FILE")
      ->allow_extra_args(false);
  command->add_flag("-O,--remote-name", options->use_remote_name,
                    "Write to a file of the name that the URL ends with");
  add_request_options(*command, *options);
  add_way_options(*command, *options);
  add_options(*command, options->own);
  add_options(*command, options->tls);
  add_limit_options(*command, *options);
  command->add_flag("--timing", options->shows_timing,
                    "Tell on stderr what each step took, and how many round trips it cost");
  command->add_flag("-q,--quiet", options->is_quiet, "No progress and no summary");
  command->add_flag(
      "-v,--verbose", options->is_verbose,
      "What happens, on stderr: requests (>) and answers (<), TLS's messages, and of our own TCP "
      "its states and why");
  command->footer(footer);
  command->callback([options, &exit] {
    fetch_all(*options);
    exit = Exit::ok;
  });
}

}  // namespace handfast::cli
