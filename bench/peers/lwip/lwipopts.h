/* How lwIP is tuned for bench-peers: everything that makes it faster, nothing that it can do without. */
#ifndef HANDFAST_BENCH_LWIPOPTS_H
#define HANDFAST_BENCH_LWIPOPTS_H

/* One thread, no operating system, no timers of its own: the driver calls tcp_slowtmr(). */
#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_TIMERS 0
#define LWIP_SOCKET 0
#define LWIP_NETCONN 0
#define LWIP_NOASSERT 1

/* The C library's allocator is faster for pbufs than lwIP's heap, and pools are faster than both. */
#define MEM_LIBC_MALLOC 1
#define MEMP_MEM_MALLOC 0
#define MEM_ALIGNMENT 8
#define MEMP_OVERFLOW_CHECK 0
#define MEMP_SANITY_CHECK 0
#define MEMP_NUM_TCP_PCB 32768
#define MEMP_NUM_TCP_PCB_LISTEN 16
#define MEMP_NUM_TCP_SEG 16384
#define MEMP_NUM_PBUF 16384
#define PBUF_POOL_SIZE 16384
#define PBUF_POOL_BUFSIZE 1536

#define LWIP_IPV4 1
#define LWIP_IPV6 0
#define LWIP_ARP 0
#define LWIP_ETHERNET 0
#define LWIP_ICMP 1
#define LWIP_RAW 0
#define LWIP_UDP 0
#define LWIP_DHCP 0
#define LWIP_DNS 0
#define IP_REASSEMBLY 0
#define IP_FRAG 0
#define PBUF_LINK_HLEN 0
#define PBUF_LINK_ENCAPSULATION_HLEN 0

#define LWIP_TCP 1
#define TCP_MSS 1460
#define LWIP_WND_SCALE 1
#define TCP_RCV_SCALE 4
#define TCP_SNDLOWAT 16384
#define TCP_WND (128 * 1024)
#define TCP_SND_BUF (128 * 1024)
#define TCP_SND_QUEUELEN 4096
#define TCP_OVERSIZE TCP_MSS
#define LWIP_TCP_TIMESTAMPS 0
#define LWIP_TCP_SACK_OUT 0
#define TCP_QUEUE_OOSEQ 1
#define TCP_LISTEN_BACKLOG 0
/* TIME-WAIT lasts one tick of the slow timer: its records would only make lwIP's lists longer. */
#define TCP_MSL 0UL

/* Checksums: all made and all verified, by the vectorised sum of Handfast, folded into the copy. */
#define CHECKSUM_GEN_IP 1
#define CHECKSUM_GEN_TCP 1
#define CHECKSUM_CHECK_IP 1
#define CHECKSUM_CHECK_TCP 1
#define LWIP_CHECKSUM_ON_COPY 1
#define TCP_CHECKSUM_ON_COPY_SANITY_CHECK 0
#ifdef __cplusplus
extern "C" {
#endif
unsigned short bench_checksum(const void* from, int size);
unsigned short bench_checksum_copy(void* to, const void* from, unsigned short size);
#ifdef __cplusplus
}
#endif
#define LWIP_CHKSUM bench_checksum
#define LWIP_CHKSUM_COPY(dst, src, len) bench_checksum_copy(dst, src, len)

#define LWIP_STATS 0
#define LWIP_NETIF_LOOPBACK 0
#define LWIP_HAVE_LOOPIF 0
#define LWIP_SINGLE_NETIF 0
/* The way to the other end is the pair's own business (lwip_pair.cpp). */
#define LWIP_HOOK_FILENAME "lwip_hooks.h"
#define LWIP_HOOK_IP4_ROUTE_SRC(source, destination) bench_route(destination)

#endif
