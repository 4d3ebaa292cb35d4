#include "wire/tcp.hpp"

#include <gtest/gtest.h>

#include "base/byte_order.hpp"
#include "packets.hpp"
#include "wire/checksum.hpp"

namespace handfast::wire {
namespace {

std::vector<u8> emitted(const TcpHeader& header, const std::array<Bytes, 2>& payload = {}) {
  std::vector<u8> out(tcp_header_size_of(header));
  EXPECT_EQ(emit_tcp(header, payload, alice4, bob4, out), out.size());
  for (const Bytes piece : payload) out.insert(out.end(), piece.begin(), piece.end());
  return out;
}

// A 20-byte header, then `options`, with ports 1 and 2 and a good checksum.
std::vector<u8> with_options(std::string_view hex) {
  const auto options = from_hex(hex);
  std::vector<u8> out = emitted({.source_port = 1, .destination_port = 2});
  out.insert(out.end(), options.begin(), options.end());
  out[12] = to<u8>(out.size() / 4 << 4);
  store_be16(&out[16], 0);
  Checksum sum;
  sum.add_pseudo_header(alice4, bob4, 6, to<u32>(out.size())).add(out);
  store_be16(&out[16], sum.finish());
  return out;
}

Drop drop_of(Bytes segment) {
  const Exact exact(segment);
  const auto parsed = parse_tcp(exact.bytes(), alice4, bob4);
  return parsed ? Drop::count_ : parsed.error();
}

TcpOptions options_of(std::string_view hex) {
  const Exact exact(with_options(hex));
  const auto parsed = parse_tcp(exact.bytes(), alice4, bob4);
  EXPECT_TRUE(parsed) << hex;
  TcpOptions options = parsed ? parsed->header.options : TcpOptions{};
  options.raw = {};
  return options;
}

TcpHeader random_header(Rng& rng) {
  TcpHeader header{.source_port = to<u16>(1 + rng.below(65535)),
                   .destination_port = to<u16>(1 + rng.below(65535)),
                   .sequence = to<u32>(rng.next()),
                   .acknowledgment = to<u32>(rng.next()),
                   .flags = to<u16>(rng.below(0x200)),
                   .window = to<u16>(rng.next()),
                   .urgent_pointer = to<u16>(rng.next())};
  TcpOptions& options = header.options;
  const auto maybe = [&] { return rng.chance({1, 2}); };
  if (maybe()) options.mss = to<u16>(rng.next());
  if (maybe()) options.window_scale = to<u8>(rng.next());
  options.sack_permitted = maybe();
  if (maybe()) options.timestamps = TcpTimestamps{to<u32>(rng.next()), to<u32>(rng.next())};
  if (maybe()) {
    static constexpr u8 sizes[] = {0, 4, 6, 8, 10, 12, 14, 16};
    options.fast_open_size = sizes[rng.below(8)];
    options.fast_open.emplace();
    options.fast_open_experimental = maybe();
    for (u32 i = 0; i < options.fast_open_size; ++i) (*options.fast_open)[i] = to<u8>(rng.next());
  }
  options.style = to<OptionStyle>(rng.below(3));
  const u32 left = tcp_header_size_max - tcp_header_size_of(header);
  options.sack_count = to<u8>(rng.below(left >= 12 ? (left - 4) / 8 + 1 : 1));
  for (SackBlock& block : options.sack) block = {to<u32>(rng.next()), to<u32>(rng.next())};
  return header;
}

TEST(TcpWire, parse_and_emit_are_inverse) {
  Rng rng(6);
  for (int round = 0; round < 20'000; ++round) {
    const TcpHeader header = random_header(rng);
    const auto first = random_bytes(rng, rng.below(70));
    const auto second = random_bytes(rng, rng.below(70));
    const auto bytes = emitted(header, {Bytes(first), Bytes(second)});
    const auto segment = parse_tcp(bytes, alice4, bob4);
    ASSERT_TRUE(segment) << to_string(segment.error());
    ASSERT_EQ(segment->header, header);
    ASSERT_EQ(segment->payload.size(), first.size() + second.size());
    ASSERT_TRUE(std::equal(first.begin(), first.end(), segment->payload.begin()));
    ASSERT_TRUE(std::equal(second.rbegin(), second.rend(), segment->payload.rbegin()));
    ASSERT_EQ(bytes.size() - segment->payload.size(), tcp_header_size_of(header));
  }
}

TEST(TcpWire, a_syn_has_the_layout_that_linux_gives_it) {
  const auto bytes = emitted({.source_port = 0xc000,
                              .destination_port = 80,
                              .sequence = 0x01020304,
                              .flags = TcpFlags::syn,
                              .window = 64240,
                              .options = {.mss = u16{1460},
                                          .window_scale = u8{7},
                                          .sack_permitted = true,
                                          .timestamps = TcpTimestamps{0x11223344, 0}}});
  auto expected = from_hex(
      "c000 0050 01020304 00000000 a002 faf0 0000 0000"
      "0204 05b4 0402 080a 11223344 00000000 0103 0307");
  std::copy_n(bytes.begin() + 16, 2, expected.begin() + 16);
  EXPECT_EQ(bytes, expected);
}

/// The option area of a SYN that carries those of `mss`, `wscale`, `sack`, `TS` and `FO` named.
std::vector<u8> syn_options(OptionStyle style, std::string_view named) {
  const auto has = [&](std::string_view name) { return named.find(name) != named.npos; };
  TcpOptions options{.style = style};
  if (has("mss")) options.mss = u16{1460};
  if (has("wscale")) options.window_scale = u8{7};
  options.sack_permitted = has("sack");
  if (has("TS")) options.timestamps = TcpTimestamps{0x11223344, 0x55667788};
  options.fast_open_experimental = has("FOEXP");
  if (has("FO")) {
    options.fast_open = {0xaa, 0xbb, 0xcc, 0xdd};
    options.fast_open_size = 4;
  }
  const auto bytes = emitted({.source_port = 1, .destination_port = 2, .options = options});
  return {bytes.begin() + 20, bytes.end()};
}

TEST(TcpOptionsWire, linux_packs_them_into_words) {
  const auto style = OptionStyle::linux;
  EXPECT_EQ(syn_options(style, "mss sack wscale"), from_hex("020405b4 01010402 01030307"));
  EXPECT_EQ(syn_options(style, "mss TS wscale"),
            from_hex("020405b4 0101080a 11223344 55667788 01030307"));
  EXPECT_EQ(syn_options(style, "mss wscale"), from_hex("020405b4 01030307"));
  EXPECT_EQ(syn_options(style, "mss sack"), from_hex("020405b4 01010402"));
  EXPECT_EQ(syn_options(style, "mss sack wscale FO"),
            from_hex("020405b4 01010402 01030307 2206aabbccdd0101"));
  EXPECT_EQ(syn_options(style, "mss sack TS wscale FOEXP"),
            from_hex("020405b4 0402080a 11223344 55667788 01030307 fe08f989aabbccdd"));
}

TEST(TcpOptionsWire, freebsd_puts_each_on_its_own_boundary) {
  const auto style = OptionStyle::freebsd;
  EXPECT_EQ(syn_options(style, "mss sack TS wscale"),
            from_hex("020405b4 01030307 0402080a 11223344 55667788"));
  EXPECT_EQ(syn_options(style, "mss sack wscale"), from_hex("020405b4 01030307 0402 0000"));
  EXPECT_EQ(syn_options(style, "mss TS wscale"),
            from_hex("020405b4 01030307 0101080a 11223344 55667788"));
  EXPECT_EQ(syn_options(style, "mss sack"), from_hex("020405b4 0402 0000"));
  EXPECT_EQ(syn_options(style, "TS"), from_hex("0101080a 11223344 55667788"));
}

TEST(TcpOptionsWire, without_a_style_they_go_in_order_of_kind_and_are_padded_at_the_end) {
  const auto style = OptionStyle::rfc;
  EXPECT_EQ(syn_options(style, "mss sack TS wscale"),
            from_hex("020405b4 030307 0402 080a1122334455667788 00"));
  EXPECT_EQ(syn_options(style, "mss wscale"), from_hex("020405b4 030307 00"));
  EXPECT_EQ(syn_options(style, "mss sack wscale FO"),
            from_hex("020405b4 030307 0402 2206aabbccdd 00"));
}

TEST(TcpWire, every_truncation_of_a_good_segment_is_a_drop) {
  const std::vector<u8> payload(33, 0x41);
  const auto bytes = emitted({.source_port = 1,
                              .destination_port = 2,
                              .options = {.mss = u16{9}, .timestamps = TcpTimestamps{1, 2}}},
                             {Bytes(payload), {}});
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_NE(drop_of(Bytes(bytes).first(size)), Drop::count_) << size;
}

TEST(TcpWire, a_segment_shorter_than_a_header_is_truncated) {
  const std::vector<u8> bytes(19);
  EXPECT_EQ(drop_of(bytes), Drop::truncated);
}

TEST(TcpWire, a_data_offset_below_five_or_beyond_the_segment_is_refused) {
  auto bytes = emitted({.source_port = 1, .destination_port = 2});
  bytes[12] = 0x40;
  EXPECT_EQ(drop_of(bytes), Drop::bad_header_length);
  bytes[12] = 0x60;
  EXPECT_EQ(drop_of(bytes), Drop::bad_header_length);
}

TEST(TcpWire, any_flipped_bit_spoils_the_checksum) {
  const auto good = emitted({.source_port = 1, .destination_port = 2, .flags = TcpFlags::ack});
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    auto bad = good;
    bad[bit / 8] ^= to<u8>(1 << bit % 8);
    EXPECT_NE(drop_of(bad), Drop::count_) << bit;
  }
  auto bad = good;
  bad[5] ^= 1;
  EXPECT_EQ(drop_of(bad), Drop::bad_checksum);
  EXPECT_FALSE(parse_tcp(good, alice4, alice4));
  EXPECT_TRUE(parse_tcp(bad, alice4, bob4, true)) << "the device has verified it";
}

TEST(TcpWire, the_checksum_covers_the_pseudo_header_of_ipv6) {
  const TcpHeader header{.source_port = 1, .destination_port = 2};
  std::vector<u8> bytes(20);
  emit_tcp(header, {}, alice6, bob6, bytes);
  EXPECT_TRUE(parse_tcp(bytes, alice6, bob6));
  EXPECT_FALSE(parse_tcp(bytes, alice6, alice6));
}

TEST(TcpWire, port_0_is_refused_at_either_end) {
  EXPECT_EQ(drop_of(emitted({.source_port = 0, .destination_port = 2})), Drop::bad_port);
  EXPECT_EQ(drop_of(emitted({.source_port = 1, .destination_port = 0})), Drop::bad_port);
}

TEST(TcpWire, all_nine_flags_pass_and_the_reserved_bits_do_not) {
  auto bytes = emitted({.source_port = 1, .destination_port = 2, .flags = 0xffff});
  EXPECT_EQ(load_be16(&bytes[12]), 0x51ff);
  bytes[12] |= 0x0e;
  const auto segment = parse_tcp(bytes, alice4, bob4, true);
  ASSERT_TRUE(segment);
  EXPECT_EQ(segment->header.flags, 0x1ff);
}

TEST(TcpWire, sequence_length_counts_syn_and_fin) {
  const u8 data[3] = {};
  const TcpSegment segment{.header = {.flags = TcpFlags::syn | TcpFlags::fin}, .payload = data};
  EXPECT_EQ(segment.sequence_length(), 5u);
}

TEST(TcpOptionsWire, an_option_that_runs_out_of_the_header_is_refused) {
  for (const std::string_view hex : {"01010102", "01010200", "01010201", "02050000", "fe000000",
                                     "fe010000", "01fe0403", "080a0000 00000000"})
    EXPECT_EQ(drop_of(with_options(hex)), Drop::bad_option) << hex;
}

TEST(TcpOptionsWire, a_known_kind_of_another_size_is_ignored) {
  for (const std::string_view hex :
       {"0203 05 00", "0205 000001 000000", "0302 0000", "0304 0707", "0403 01 00",
        "0506 00000000 0000", "0502 0101", "0809 00000000000000 000000", "0803 01 00", "2204 0102",
        "2203 01 00", "2207 0102030405 00"})
    EXPECT_EQ(options_of(hex), TcpOptions{}) << hex;
}

TEST(TcpOptionsWire, nothing_behind_the_end_mark_is_read) {
  EXPECT_EQ(options_of("0101 00 02"), TcpOptions{});
  EXPECT_EQ(options_of("00 ff ff ff 0204 05b4"), TcpOptions{});
}

TEST(TcpOptionsWire, unknown_kinds_are_skipped_and_kept_in_raw) {
  EXPECT_EQ(options_of("1e04 0102 0204 05b4"), (TcpOptions{.mss = u16{1460}}));
  const auto bytes = with_options("1e04 0102 0204 05b4");
  const auto segment = parse_tcp(bytes, alice4, bob4);
  ASSERT_TRUE(segment);
  const Bytes raw = segment->header.options.raw;
  EXPECT_EQ(std::vector(raw.begin(), raw.end()), from_hex("1e04 0102 0204 05b4"));
}

TEST(TcpOptionsWire, timestamps_are_read_whatever_their_alignment) {
  const TcpOptions expected{.timestamps = TcpTimestamps{1, 2}};
  EXPECT_EQ(options_of("0101 080a 00000001 00000002"), expected);
  EXPECT_EQ(options_of("080a 00000001 00000002 0101"), expected);
  EXPECT_EQ(options_of("01 080a 00000001 00000002 00"), expected);
}

TEST(TcpOptionsWire, four_sack_blocks_fill_the_header_and_three_fit_beside_timestamps) {
  TcpHeader header{.source_port = 1, .destination_port = 2};
  header.options.sack = {{{1, 2}, {3, 4}, {5, 6}, {7, 8}}};
  header.options.sack_count = 4;
  EXPECT_EQ(tcp_header_size_of(header), 56u);
  const auto four = emitted(header);
  EXPECT_EQ(parse_tcp(four, alice4, bob4)->header, header);
  header.options.timestamps = TcpTimestamps{1, 2};
  EXPECT_EQ(tcp_header_size_of(header), 60u);
  const auto three = emitted(header);
  header.options.sack_count = 3;
  EXPECT_EQ(parse_tcp(three, alice4, bob4)->header, header);
}

TEST(TcpOptionsWire, raw_goes_out_verbatim_and_is_left_out_where_it_does_not_fit) {
  const auto unknown = from_hex("fe06 f989 0102");
  TcpHeader header{.source_port = 1, .destination_port = 2, .options = {.mss = u16{1}}};
  header.options.raw = unknown;
  EXPECT_EQ(tcp_header_size_of(header), 32u);
  const auto bytes = emitted(header);
  EXPECT_EQ(std::vector(bytes.begin() + 20, bytes.end()),
            from_hex("0204 0001 fe06 f989 0102 0000"));
  const std::vector<u8> large(37, 1);
  header.options.raw = large;
  EXPECT_EQ(tcp_header_size_of(header), 24u);
  EXPECT_EQ(emitted(header).size(), 24u);
}

TEST(TcpOptionsWire, a_fast_open_request_is_present_and_empty) {
  TcpOptions request;
  request.fast_open.emplace();
  EXPECT_EQ(options_of("2202 0101"), request);
  const TcpOptions cookie = options_of("220a 0102030405060708 0101");
  ASSERT_TRUE(cookie.fast_open);
  EXPECT_EQ(cookie.fast_open_size, 8);
  EXPECT_EQ((*cookie.fast_open)[7], 8);
}

TEST(TcpOptionsWire, the_experimental_fast_open_is_known_by_its_magic_number) {
  const TcpOptions cookie = options_of("fe08 f989 01020304");
  ASSERT_TRUE(cookie.fast_open);
  EXPECT_TRUE(cookie.fast_open_experimental);
  EXPECT_EQ(cookie.fast_open_size, 4);
  EXPECT_TRUE(options_of("fe04 f989").fast_open);
  EXPECT_FALSE(options_of("fe04 f988").fast_open);
  EXPECT_FALSE(options_of("fe07 f989 010203 00").fast_open);
  EXPECT_FALSE(options_of("fe02 0101").fast_open);
}

TEST(TcpWire, flags_are_named_as_people_write_them) {
  EXPECT_EQ(flags_to_string(0), "none");
  EXPECT_EQ(flags_to_string(TcpFlags::ack | TcpFlags::syn), "SYN,ACK");
  EXPECT_EQ(flags_to_string(0x1ff), "FIN,SYN,RST,PSH,ACK,URG,ECE,CWR,AE");
}

}  // namespace
}  // namespace handfast::wire
