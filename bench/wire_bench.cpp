// Headers in and out: what one segment costs before and after TCP sees it.
#include <array>
#include <vector>

#include <benchmark/benchmark.h>

#include "wire/ip.hpp"
#include "wire/tcp.hpp"

namespace {

using namespace handfast;
using namespace handfast::wire;

constexpr IpAddress alice = IpAddress::v4(192, 0, 2, 1);
constexpr IpAddress bob = IpAddress::v4(192, 0, 2, 2);
constexpr IpHeader ip{.source = alice, .destination = bob, .protocol = protocol_tcp};

TcpHeader data_header() {
  return {.source_port = 40000,
          .destination_port = 80,
          .sequence = 1,
          .acknowledgment = 2,
          .flags = TcpFlags::ack,
          .window = 1000,
          .options = {.timestamps = TcpTimestamps{1, 2}}};
}

TcpHeader syn_header() {
  TcpHeader header = data_header();
  header.flags = TcpFlags::syn;
  header.options.mss = u16{1460};
  header.options.window_scale = u8{7};
  header.options.sack_permitted = true;
  return header;
}

std::vector<u8> make_packet(const TcpHeader& header, Bytes payload) {
  const u32 size = tcp_header_size_of(header);
  std::vector<u8> out(ipv4_header_size + size);
  emit_ip(ip, size + to<u32>(payload.size()), out);
  emit_tcp(header, {payload, {}}, alice, bob, MutBytes(out).subspan(ipv4_header_size));
  out.insert(out.end(), payload.begin(), payload.end());
  return out;
}

void parse(benchmark::State& state, const TcpHeader& header) {
  const std::vector<u8> payload(to<std::size_t>(state.range(0)), 0x5a);
  const bool known_good = state.range(1) != 0;
  const auto bytes = make_packet(header, payload);
  for (auto _ : state) {
    const auto packet = parse_ip(bytes);
    auto segment =
        parse_tcp(packet->payload, packet->header.source, packet->header.destination, known_good);
    benchmark::DoNotOptimize(segment);
  }
  state.SetItemsProcessed(state.iterations());
}

void emit(benchmark::State& state, const TcpHeader& header) {
  const std::vector<u8> payload(to<std::size_t>(state.range(0)), 0x5a);
  const bool offloaded = state.range(1) != 0;
  std::array<u8, 128> room{};
  const MutBytes out(room);
  for (auto _ : state) {
    const MutBytes behind = out.subspan(ipv4_header_size);
    const u32 size =
        offloaded ? emit_tcp(header, behind) : emit_tcp(header, {payload, {}}, alice, bob, behind);
    benchmark::DoNotOptimize(emit_ip(ip, size + to<u32>(payload.size()), out));
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations());
}

void wire_parse_data(benchmark::State& state) { parse(state, data_header()); }
void wire_parse_syn(benchmark::State& state) { parse(state, syn_header()); }
void wire_emit_data(benchmark::State& state) { emit(state, data_header()); }
void wire_emit_syn(benchmark::State& state) { emit(state, syn_header()); }

// Bytes of payload, and whether the device does the checksum.
BENCHMARK(wire_parse_data)->Args({0, 1})->Args({1448, 1})->Args({0, 0})->Args({1448, 0});
BENCHMARK(wire_parse_syn)->Args({0, 0});
BENCHMARK(wire_emit_data)->Args({0, 1})->Args({1448, 1})->Args({0, 0})->Args({1448, 0});
BENCHMARK(wire_emit_syn)->Args({0, 0});

}  // namespace
