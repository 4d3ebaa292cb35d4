// Our HTTP/1.1 parser beside llhttp on the same heads, in one run. Both validate all that they do
// and hand out method, target and every field; compare bytes_per_second of the two rows.
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>

#include "base/assert.hpp"
#include "http/framing.hpp"
#include "http/parser.hpp"

#ifdef HANDFAST_LLHTTP
#include <llhttp.h>
#endif

namespace handfast {
namespace {

constexpr std::string_view curl_head =
    "GET /index.html HTTP/1.1\r\n"
    "Host: www.example.com\r\n"
    "User-Agent: curl/7.88.1\r\n"
    "Accept: */*\r\n\r\n";

constexpr std::string_view browser_head =
    "GET /articles/2024/05/a-title-that-says-something?utm_source=feed&page=2 HTTP/1.1\r\n"
    "Host: www.example.com\r\n"
    "Connection: keep-alive\r\n"
    "Cache-Control: max-age=0\r\n"
    "sec-ch-ua: \"Chromium\";v=\"124\", \"Not-A.Brand\";v=\"99\"\r\n"
    "sec-ch-ua-mobile: ?0\r\n"
    "sec-ch-ua-platform: \"Linux\"\r\n"
    "Upgrade-Insecure-Requests: 1\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/124.0.0.0 Safari/537.36\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
    "\r\n"
    "Sec-Fetch-Site: same-origin\r\n"
    "Sec-Fetch-Mode: navigate\r\n"
    "Sec-Fetch-User: ?1\r\n"
    "Sec-Fetch-Dest: document\r\n"
    "Referer: https://www.example.com/articles/2024/05/\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"
    "Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\n"
    "Cookie: session=0123456789abcdef0123456789abcdef; theme=dark; consent=all; "
    "_id=GA1.2.1234567890.1715000000; cart=eyJpdGVtcyI6W119\r\n\r\n";

constexpr std::string_view response_head =
    "HTTP/1.1 200 OK\r\n"
    "Server: nginx/1.22.1\r\n"
    "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
    "Content-Type: text/html; charset=utf-8\r\n"
    "Content-Length: 0\r\n"
    "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
    "Connection: keep-alive\r\n"
    "ETag: \"5f3c9e2a-264\"\r\n"
    "Strict-Transport-Security: max-age=31536000; includeSubDomains\r\n"
    "Accept-Ranges: bytes\r\n\r\n";

constexpr std::string_view heads[] = {curl_head, browser_head, response_head};

void tell_bytes(benchmark::State& state, std::string_view head) {
  state.SetBytesProcessed(to<i64>(head.size()) * state.iterations());
}

void BM_http_parse(benchmark::State& state) {
  const std::string_view head = heads[to<std::size_t>(state.range(0))];
  const bool is_request = head != response_head;
  std::vector<http::Field> storage;
  const http::Config config;
  for (auto _ : state) {
    http::SectionScanner scanner;
    const auto length = scanner.find_end(as_bytes(head), config);
    ASSERT(length && *length == head.size());
    if (is_request) {
      const auto request = http::parse_request(head, storage, config);
      ASSERT(request && http::request_framing(*request));
    } else {
      const auto response = http::parse_response(head, storage, config);
      ASSERT(response && http::response_framing(*response, false));
    }
    benchmark::DoNotOptimize(storage.data());
    benchmark::ClobberMemory();
  }
  tell_bytes(state, head);
}
BENCHMARK(BM_http_parse)->DenseRange(0, 2);

#ifdef HANDFAST_LLHTTP
struct Spans {
  llhttp_t parser;
  std::string_view start;
  std::vector<http::Field> fields;
};

void BM_http_parse_llhttp(benchmark::State& state) {
  const std::string_view head = heads[to<std::size_t>(state.range(0))];
  llhttp_settings_t settings;
  llhttp_settings_init(&settings);
  settings.on_url = [](llhttp_t* p, const char* at, std::size_t n) {
    static_cast<Spans*>(p->data)->start = {at, n};
    return 0;
  };
  settings.on_status = settings.on_url;
  settings.on_header_field = [](llhttp_t* p, const char* at, std::size_t n) {
    static_cast<Spans*>(p->data)->fields.push_back({{at, n}, {}});
    return 0;
  };
  settings.on_header_value = [](llhttp_t* p, const char* at, std::size_t n) {
    static_cast<Spans*>(p->data)->fields.back().value = {at, n};
    return 0;
  };
  Spans spans;
  const auto type = head == response_head ? HTTP_RESPONSE : HTTP_REQUEST;
  for (auto _ : state) {
    spans.fields.clear();
    llhttp_init(&spans.parser, type, &settings);
    spans.parser.data = &spans;
    ASSERT(llhttp_execute(&spans.parser, head.data(), head.size()) == HPE_OK);
    benchmark::DoNotOptimize(spans.fields.data());
    benchmark::ClobberMemory();
  }
  tell_bytes(state, head);
}
BENCHMARK(BM_http_parse_llhttp)->DenseRange(0, 2);
#endif

}  // namespace
}  // namespace handfast
