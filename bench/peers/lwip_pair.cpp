#include "lwip_pair.hpp"

#include <array>
#include <cstring>
#include <vector>

#include <lwip/init.h>
#include <lwip/ip4.h>
#include <lwip/netif.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/tcp.h>

#include "base/assert.hpp"
#include "wire/checksum_kernels.hpp"

// lwIP is C, and hands us its own objects back: the casts from void* are its interface.

namespace {

using handfast::u16;
using handfast::u32;
using handfast::u64;
using handfast::u8;

constexpr u16 port = 80;
constexpr u16 request_bytes = 64;

u16 fold(u64 sum) {
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<u16>(sum);
}

// The wire: what was sent and not yet heard, as pbufs that belong to the receiving end.
struct Wire {
  netif* into;
  pbuf* packet;
};
netif left;
netif right;
std::vector<Wire> wire;
std::vector<Wire> heard;

// One copy from end to end, as between our hosts. (Lending the payload instead of copying it, with
// a PBUF_REF, makes bulk 5 % faster and small messages slower.)
err_t send_to(netif* into, pbuf* packet) {
  pbuf* copy = pbuf_alloc(PBUF_RAW, packet->tot_len, PBUF_POOL);
  ASSERT(copy != nullptr);
  pbuf_copy(copy, packet);
  wire.push_back({into, copy});
  return ERR_OK;
}

err_t send_from_left(netif* /*on*/, pbuf* packet, const ip4_addr_t* /*to*/) {
  return send_to(&right, packet);
}
err_t send_from_right(netif* /*on*/, pbuf* packet, const ip4_addr_t* /*to*/) {
  return send_to(&left, packet);
}

err_t start_netif(netif* interface) {
  interface->mtu = 1500;
  interface->flags = NETIF_FLAG_LINK_UP;
  interface->output = interface == &left ? send_from_left : send_from_right;
  return ERR_OK;
}

void pump() {
  while (!wire.empty()) {
    heard.swap(wire);
    for (const Wire& w : heard) w.into->input(w.packet, w.into);
    heard.clear();
  }
}

ip4_addr_t address(u8 last) {
  ip4_addr_t result;
  IP4_ADDR(&result, 192, 0, 2, last);
  return result;
}

enum class Role : u8 { idle, sink, echo, client };
Role server_role = Role::idle;
std::vector<tcp_pcb*> accepted;
u64 received = 0;
u64 exchanges_left = 0;
std::array<u8, 65536> from{};
std::array<u8, 65536> into{};

// Copies out what came, and opens the window again.
u16 take(tcp_pcb* pcb, pbuf* text) {
  const u16 size = text->tot_len;
  pbuf_copy_partial(text, into.data(), size, 0);
  tcp_recved(pcb, size);
  pbuf_free(text);
  return size;
}

err_t on_server_text(void* /*arg*/, tcp_pcb* pcb, pbuf* text, err_t /*error*/) {
  if (text == nullptr) {
    tcp_close(pcb);
    return ERR_OK;
  }
  const u16 size = take(pcb, text);
  received += size;
  if (server_role == Role::echo) tcp_write(pcb, from.data(), size, TCP_WRITE_FLAG_COPY);
  return ERR_OK;
}

err_t on_client_text(void* /*arg*/, tcp_pcb* pcb, pbuf* text, err_t /*error*/) {
  if (text == nullptr) return ERR_OK;
  take(pcb, text);
  if (exchanges_left > 0) {
    --exchanges_left;
    tcp_write(pcb, from.data(), request_bytes, TCP_WRITE_FLAG_COPY);
  }
  return ERR_OK;
}

err_t on_accept(void* /*arg*/, tcp_pcb* pcb, err_t /*error*/) {
  tcp_recv(pcb, on_server_text);
  tcp_nagle_disable(pcb);
  accepted.push_back(pcb);
  return ERR_OK;
}

tcp_pcb* connect() {
  tcp_pcb* pcb = tcp_new();
  ASSERT(pcb != nullptr);
  tcp_recv(pcb, on_client_text);
  tcp_nagle_disable(pcb);
  const ip4_addr_t server = address(2);
  const err_t error = tcp_connect(pcb, &server, port, nullptr);
  ASSERT(error == ERR_OK);
  return pcb;
}

// Closes every connection of the list and lets lwIP forget it.
void close(std::vector<tcp_pcb*>& clients) {
  for (tcp_pcb* pcb : clients) tcp_close(pcb);
  pump();
  tcp_slowtmr();
  clients.clear();
  accepted.clear();
}

}  // namespace

extern "C" {
unsigned short bench_checksum(const void* from_, int size) {
  return fold(handfast::wire::checksum_kernels::sum(static_cast<const u8*>(from_),
                                                    static_cast<std::size_t>(size)));
}
unsigned short bench_checksum_copy(void* to, const void* from_, unsigned short size) {
  return fold(handfast::wire::checksum_kernels::copy(static_cast<const u8*>(from_), size,
                                                     static_cast<u8*>(to)));
}
netif* bench_route(const ip4_addr_t* destination) {
  return ip4_addr4(destination) == 2 ? &left : &right;
}
}

namespace {

void start() {
  lwip_init();
  const ip4_addr_t mask = address(0);
  const ip4_addr_t none{};
  const ip4_addr_t left_address = address(1);
  const ip4_addr_t right_address = address(2);
  netif_add(&left, &left_address, &mask, &none, nullptr, start_netif, ip4_input);
  netif_add(&right, &right_address, &mask, &none, nullptr, start_netif, ip4_input);
  netif_set_up(&left);
  netif_set_up(&right);
  tcp_pcb* listener = tcp_new();
  tcp_bind(listener, &right_address, port);
  listener = tcp_listen(listener);
  tcp_accept(listener, on_accept);
}

u64 bulk(u64 bytes) {
  server_role = Role::sink;
  std::vector<tcp_pcb*> clients{connect()};
  pump();
  received = 0;
  while (received < bytes) {
    tcp_pcb* pcb = clients[0];
    while (tcp_sndbuf(pcb) > 0 && tcp_sndqueuelen(pcb) + 64 < TCP_SND_QUEUELEN) {
      const u32 room = tcp_sndbuf(pcb);
      const u16 piece = static_cast<u16>(room < 1460 * 32 ? room : 1460 * 32);
      if (tcp_write(pcb, from.data(), piece, TCP_WRITE_FLAG_COPY) != ERR_OK) break;
    }
    tcp_output(pcb);
    pump();
  }
  close(clients);
  return received;
}

void open_close(u32 count, u32 slots) {
  server_role = Role::idle;
  std::vector<tcp_pcb*> clients;
  for (u32 done = 0; done < count; done += slots) {
    for (u32 i = 0; i < slots; ++i) clients.push_back(connect());
    pump();
    ASSERT(accepted.size() == slots);
    close(clients);
  }
}

void exchange(u64 exchanges, u32 connections) {
  server_role = Role::echo;
  std::vector<tcp_pcb*> clients;
  for (u32 i = 0; i < connections; ++i) {
    clients.push_back(connect());
    pump();
  }
  exchanges_left = exchanges - connections;
  for (tcp_pcb* pcb : clients) {
    tcp_write(pcb, from.data(), request_bytes, TCP_WRITE_FLAG_COPY);
    tcp_output(pcb);
  }
  pump();
  ASSERT(exchanges_left == 0);
  close(clients);
}

}  // namespace

// The only name of this build that the program sees.
extern "C" const handfast::bench::LwipPair HANDFAST_LWIP_PAIR{start, bulk, open_close, exchange};
