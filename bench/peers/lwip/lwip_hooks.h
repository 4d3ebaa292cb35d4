#ifndef HANDFAST_BENCH_LWIP_HOOKS_H
#define HANDFAST_BENCH_LWIP_HOOKS_H

#include "lwip/ip4_addr.h"

#ifdef __cplusplus
extern "C" {
#endif
struct netif;
struct netif* bench_route(const ip4_addr_t* destination);
#ifdef __cplusplus
}
#endif

#endif
