/* What lwIP wants to know of the compiler. */
#ifndef HANDFAST_BENCH_LWIP_CC_H
#define HANDFAST_BENCH_LWIP_CC_H

#include <stdlib.h>

#define LWIP_RAND() ((u32_t)rand())
/* The compiler's own byte swaps instead of shifts. */
#define lwip_htons(x) __builtin_bswap16(x)
#define lwip_htonl(x) __builtin_bswap32(x)
#define LWIP_DONT_PROVIDE_BYTEORDER_FUNCTIONS

#endif
