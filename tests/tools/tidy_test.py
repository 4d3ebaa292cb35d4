#!/usr/bin/env python3
"""Every rule of tools/tidy fires on a snippet that breaks it, and keeps silent on one that does not."""

import importlib.machinery
import importlib.util
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
TIDY = ROOT / "tools/tidy"
USED = '#include "tcp/a.hpp"\n'  # a file that includes it keeps a header from being dead


def load():
    """tools/tidy as a module: it has no suffix, and leaves no compiled copy beside itself."""
    sys.dont_write_bytecode = True
    loader = importlib.machinery.SourceFileLoader("tidy", str(TIDY))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("tidy", loader))
    loader.exec_module(module)
    return module


TOOL = load()


def write(root, files):
    for path, text in {"src/ROOMS": (ROOT / "src/ROOMS").read_text(), **files}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def tidy(files):
    """The breaches in a tree of these files, as (path, line, rule, advice)."""
    with tempfile.TemporaryDirectory() as name:
        write(Path(name), files)
        checker = TOOL.Tidy(Path(name))
        checker.check_all()
        return checker.breaches


def run(files, *arguments):
    """What the command prints about a tree of these files, and its exit status."""
    with tempfile.TemporaryDirectory() as name:
        write(Path(name), files)
        done = subprocess.run([sys.executable, TIDY, "--root", name, *arguments],
                              capture_output=True, text=True, check=False)
        return done.stdout, done.returncode


def function(lines, head="int f() {"):
    return head + "\n" + "  g();\n" * (lines - 2) + "}\n"


class TidyTest(unittest.TestCase):
    def fires(self, rule, path, text, line=None, **others):
        breaches = tidy({path: text, **others})
        hits = [b for b in breaches if b[0] == path and b[2] == rule]
        self.assertTrue(hits, f"{rule} did not fire on:\n{text}\n{breaches}")
        if line is not None:
            self.assertIn(line, [b[1] for b in hits], breaches)

    def silent(self, path, text, **others):
        self.assertEqual(tidy({path: text, **others}), [])

    def test_command_names_the_place_and_exits_1(self):
        out, status = run({"src/tcp/a.cpp": "int a;\nint b;  // TODO\n"})
        self.assertTrue(out.startswith("src/tcp/a.cpp:2: [todo] "), out)
        self.assertEqual(status, 1)
        self.assertEqual(run({"src/tcp/a.cpp": "int a;\n"})[1], 0)

    def test_rooms_only_mode_finds_rooms_and_nothing_else(self):
        out, status = run({"src/tcp/a.cpp": '#include "io/h.hpp"\nint a;  // TODO\n'}, "--rooms")
        self.assertIn("[rooms]", out)
        self.assertNotIn("[todo]", out)
        self.assertEqual(status, 1)

    def test_room_includes_a_room_that_its_line_does_not_name(self):
        self.fires("rooms", "src/tcp/a.cpp", '#include "base/b.hpp"\n#include "host/h.hpp"\n', 2)
        self.fires("rooms", "src/tls/a.cpp", '#include "wire/tcp.hpp"\n', 1)
        self.silent("src/tcp/a.cpp", '#include "wire/tcp.hpp"\n#include "trace/sink.hpp"\n')

    def test_room_that_the_table_does_not_know(self):
        self.fires("rooms", "src/kitchen/a.cpp", "int a;\n", 1)

    def test_third_party_that_the_room_may_not_use(self):
        self.fires("rooms", "src/tcp/a.cpp", "#include <asio.hpp>\n", 1)
        self.fires("rooms", "src/host/a.cpp", "#include <openssl/evp.h>\n", 1)
        self.silent("src/io/a.cpp", "#include <asio.hpp>\n")
        self.silent("src/tcp/a.cpp", "#include <fmt/format.h>\n")

    def test_include_without_its_room_or_with_the_installed_spelling(self):
        self.fires("rooms", "src/tcp/b.cpp", '#include "a.hpp"\n', 1)
        self.fires("rooms", "src/tcp/b.cpp", "#include <handfast/tcp/a.hpp>\n", 1)

    def test_lengths_of_files(self):
        header = "#pragma once\n" + "int a;\n" * 249
        self.silent("src/tcp/a.hpp", header, **{"src/tcp/a.cpp": USED})
        self.fires("file-length", "src/tcp/a.hpp", header + "int a;\n")
        self.silent("tests/tcp/a_test.cpp", "int a;\n" * 500)
        self.fires("file-length", "tests/tcp/a_test.cpp", "int a;\n" * 501)

    def test_length_of_a_function_of_every_shape(self):
        heads = [
            "int f() {",
            "template <class T>\n  requires(sizeof(T) > 1)\nauto f(T t) noexcept -> std::vector<T> {",
            "void Connection::on_segment(const wire::TcpSegment& seg, Instant now) {",
            "Connection::Connection(u32 n) : a_{n}, b_(n), c_{} {",
            "Connection::Connection(u32 n)\n    : ring_(n), done_{false} {",
            "TEST(SegmentArrives, rst_gets_challenge_ack) {",
            "bool operator==(const A& a, const A& b) {",
            "std::span<const u8> rest() const& {",
            "static constexpr int table(std::array<int, 3> x = {1, 2, 3}) {",
            "int f(const char* s = \"){\") {  // } {",
            "bool operator<(A a, A b) {",
        ]
        for head in heads:
            extra = head.count("\n")
            self.silent("src/tcp/a.cpp", function(70 - extra, head))
            self.fires("function-length", "src/tcp/a.cpp", function(71 - extra, head), 1)

    def test_length_of_functions_inside_scopes_and_with_blocks_inside(self):
        method = "namespace n {\nclass A final : public B {\n public:\n" + function(71) + "};\n}\n"
        self.fires("function-length", "src/tcp/a.cpp", method, 4)
        nested = "int f() {\n  if (a) {\n" + "    g({1}, [] { return 1; });\n" * 70 + "  }\n}\n"
        self.fires("function-length", "src/tcp/a.cpp", nested, 1)
        lambda_ = "const auto f = [](int a) {\n" + "  g();\n" * 70 + "};\n"
        self.fires("function-length", "src/tcp/a.cpp", lambda_, 1)
        raw = 'int f() {\n  return g(R"x(\n' + "{\n" * 66 + ')x");\n}\n'
        self.silent("src/tcp/a.cpp", raw)

    def test_long_class_and_long_table_are_no_functions(self):
        self.silent("src/tcp/a.cpp", "class A {\n" + "  int f() { return 1; }\n" * 90 + "};\n")
        self.silent("src/tcp/a.cpp", "constexpr Edge edges[] = {\n" + "  {f(1), 2},\n" * 90 + "};\n")
        self.silent("src/tcp/a.cpp",
                    "std::array<Edge, size(2)> edges{{\n" + "  {f(1), 2},\n" * 90 + "}};\n")
        self.silent("src/tcp/a.cpp", 'extern "C" {\n' + "int f();\n" * 90 + "}\n")

    def test_text(self):
        self.fires("columns", "bench/a_bench.cpp", "int a;  // " + "x" * 90 + "\n", 1)
        self.silent("bench/a_bench.cpp", "int a;  // " + "§" * 89 + "\n")
        self.fires("whitespace", "fuzz/a_fuzz.cpp", "int a; \n", 1)
        self.fires("whitespace", "fuzz/a_fuzz.cpp", "int a;")
        self.fires("whitespace", "docs/a.md", "word \n", 1)
        self.fires("tabs", "examples/01_a/main.cpp", "\tint a;\n", 1)
        self.fires("todo", "src/tcp/a.cpp", "int a;  // TODO: more\n", 1)
        self.fires("todo", "src/tcp/a.cpp", "// FIXME\n", 1)

    def test_header_without_pragma_once(self):
        self.fires("pragma-once", "src/tcp/a.hpp", "int a;\n#pragma once\n")
        self.silent("src/tcp/a.hpp", "// Why.\n#pragma once\n", **{"src/tcp/a.cpp": USED})

    def test_order_of_includes(self):
        right = ('#include "io/a.hpp"\n\n#include <vector>\n\n#include <sys/socket.h>\n\n'
                 '#include <fmt/format.h>\n\n#include "base/types.hpp"\n')
        header = {"src/io/a.hpp": "#pragma once\n"}
        self.silent("src/io/a.cpp", right, **header)
        lines = right.split("\n\n")
        for i in range(len(lines) - 1):
            lines[i], lines[i + 1] = lines[i + 1], lines[i]
            self.fires("include-order", "src/io/a.cpp", "\n".join(x.strip() for x in lines) + "\n")
            lines[i], lines[i + 1] = lines[i + 1], lines[i]

    def test_relative_include(self):
        self.fires("relative-include", "tests/tcp/a_test.cpp", '#include "../a.hpp"\n', 1)

    def test_banned_in_engines(self):
        snippets = [
            "auto t = std::chrono::steady_clock::now();", "auto t = std::time(nullptr);",
            "gettimeofday(&tv, nullptr);", "int r = rand();", "std::mt19937 gen;",
            "std::uniform_int_distribution<int> d;", "std::random_device device;",
            'auto* home = std::getenv("HOME");', "void* p = std::malloc(4);", "auto* p = new A();",
            "void f(A* a) { delete a; }", 'void f() { std::printf("a"); }', "auto& o = std::cout;",
            'void f() { fmt::print("a"); }', "std::function<void()> callback;", "std::mutex mutex_;",
            "std::atomic<int> a;", "std::jthread t;", "thread_local int a;",
            "void f() { throw 1; }", "void f() { try { g(); } catch (...) {} }",
            "void f() { assert(true); }", "auto* p = reinterpret_cast<char*>(q);",
            "void f() { std::this_thread::yield(); }", "void f() { usleep(1); }",
            "std::shared_ptr<A> a;", "#include <iostream>", "#include <thread>",
            "#include <sys/socket.h>", "#include <functional>\nstd::move_only_function<void()> f;",
            "crypto::SystemRandom random;", "auto key = crypto::PrivateKey::generate(type);",
            "RAND_bytes(p, 4);",
        ]
        for snippet in snippets:
            self.fires("banned", "src/tcp/a.cpp", snippet + "\n")

    def test_not_banned_in_engines(self):
        self.silent("src/tcp/a.cpp", "#include <immintrin.h>\n")
        for snippet in ("// steady_clock, malloc(1) and throw are only spoken of", "int new_data = 1;",
                        'const char* text = "throw new std::function";', "A(const A&) = delete;",
                        "static_assert(true);", "u32 rtt_time(u32 a);", "ASSERT(true);",
                        "const int big = 1'000'000; /* new A */", "std::lock_free lock;"):
            self.silent("src/tcp/a.cpp", snippet + "\n")

    def test_roof_may_do_what_a_program_does_but_not_everything(self):
        self.silent("src/io/a.cpp", "#include <mutex>\nstd::mutex m;\n"
                                    "auto t = std::chrono::steady_clock::now();\n")
        self.fires("banned", "src/io/a.cpp", "void f() { assert(true); }\n")
        self.fires("banned", "src/io/a.cpp", "auto* p = new A();\n")

    def test_seam_may_draw_from_its_librarys_generator_and_is_an_engine_else(self):
        self.silent("src/crypto/a.cpp", "int ok = RAND_bytes(p, 4);\n")
        for snippet in ("int r = rand();", "auto t = std::chrono::steady_clock::now();",
                        "auto* p = reinterpret_cast<char*>(q);", "void f() { throw 1; }",
                        'void f() { std::printf("a"); }', "#include <fstream>"):
            self.fires("banned", "src/crypto/a.cpp", snippet + "\n")

    def test_device_may_read_the_clock_but_not_throw(self):
        self.silent("src/link/a.cpp", "auto t = std::chrono::steady_clock::now();\n")
        self.fires("banned", "src/link/a.cpp", "void f() { throw 1; }\n")

    def test_dead_files(self):
        self.fires("dead-file", "src/tcp/a.hpp", "#pragma once\n")
        self.silent("src/tcp/a.hpp", "#pragma once\n", **{"tests/tcp/a_test.cpp": USED})
        self.fires("dead-file", "src/tcp/deep/deeper/a.cpp", "int a;\n")
        self.fires("dead-file", "fuzz/tcp.cpp", "int a;\n")
        self.fires("dead-file", "tests/kitchen/a_test.cpp", "int a;\n")
        self.fires("dead-file", "tests/support/a.hpp", "#pragma once\n")

    def test_names_of_files(self):
        self.fires("file-name", "src/tcp/TimeWait.cpp", "int a;\n")


if __name__ == "__main__":
    unittest.main()
