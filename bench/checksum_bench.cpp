// The Internet checksum by kernel and size, beside the copy that it can be folded into.
#include <cstring>
#include <vector>

#include <benchmark/benchmark.h>

#include "base/rng.hpp"
#include "wire/checksum_kernels.hpp"

namespace {

using namespace handfast;
namespace kernels = handfast::wire::checksum_kernels;

std::vector<u8> make_bytes(benchmark::State& state) {
  std::vector<u8> bytes(to<std::size_t>(state.range(0)));
  Rng rng(1);
  for (u8& byte : bytes) byte = to<u8>(rng.next());
  return bytes;
}

void report(benchmark::State& state) {
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

template <u64 (*kernel)(const u8*, std::size_t)>
void checksum_sum(benchmark::State& state) {
  const auto bytes = make_bytes(state);
  for (auto _ : state) benchmark::DoNotOptimize(kernel(bytes.data(), bytes.size()));
  report(state);
}

template <u64 (*kernel)(const u8*, std::size_t, u8*)>
void checksum_copy(benchmark::State& state) {
  const auto bytes = make_bytes(state);
  std::vector<u8> copy(bytes.size());
  for (auto _ : state) {
    benchmark::DoNotOptimize(kernel(bytes.data(), bytes.size(), copy.data()));
    benchmark::ClobberMemory();
  }
  report(state);
}

u64 copy_then_sum(const u8* from, std::size_t size, u8* to) {
  std::memcpy(to, from, size);
  return kernels::sum(from, size);
}

void sizes(benchmark::internal::Benchmark* benchmark) {
  for (const i64 size : {20, 64, 536, 1460, 65536}) benchmark->Arg(size);
}

BENCHMARK(checksum_sum<kernels::sum_portable>)->Apply(sizes);
BENCHMARK(checksum_sum<kernels::sum_avx2>)->Apply(sizes);
BENCHMARK(checksum_sum<kernels::sum>)->Apply(sizes);
BENCHMARK(checksum_copy<kernels::copy_portable>)->Apply(sizes);
BENCHMARK(checksum_copy<kernels::copy>)->Apply(sizes);
BENCHMARK(checksum_copy<copy_then_sum>)->Apply(sizes);

}  // namespace
