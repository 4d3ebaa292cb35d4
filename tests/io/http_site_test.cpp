#include "io/http_site.hpp"

#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/test_directory.hpp"

namespace handfast::io {
namespace {

using testing::HasSubstr;
using testing::Not;

class Site : public testing::Test {
 protected:
  Site() {
    directory.write("a.txt", "hello");
    directory.write("empty", "");
    directory.write(".secret", "x");
    directory.write(".git/config", "x");
    directory.write("sub/index.html", "<h1>");
    directory.write("list/b & <c>.txt", "1");
    directory.write("list/d/e", "");
    std::filesystem::create_symlink("a.txt", directory.path() / "inside");
    std::filesystem::create_symlink("/etc/passwd", directory.path() / "outside");
    std::filesystem::create_symlink("..", directory.path() / "list" / "up");
    std::filesystem::create_symlink("../..", directory.path() / "list" / "upup");
    EXPECT_EQ(mkfifo((directory.path() / "fifo").c_str(), 0600), 0);
  }
  HttpReply get(std::string_view target, http::Fields fields = {}) {
    return site().find({"GET", target, 1, fields});
  }
  HttpDirectory& site() {
    if (!site_) site_ = std::make_unique<HttpDirectory>(*FileTree::open(directory.path()));
    return *site_;
  }

  test::TestDirectory directory;

 private:
  std::unique_ptr<HttpDirectory> site_;
};

TEST_F(Site, answers_a_file_with_its_length_type_and_validators) {
  const HttpReply reply = get("/a.txt?x=y");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.length, 5u);
  EXPECT_EQ(reply.content_type, "text/plain; charset=utf-8");
  EXPECT_GT(reply.modified, 1'600'000'000);
  EXPECT_THAT(reply.entity_tag, testing::MatchesRegex("\"[0-9a-f]+-[0-9a-f]+-5\""));
  std::array<u8, 8> room;
  EXPECT_EQ(read_at(reply.file, room, 0), 5u);
  EXPECT_EQ(as_text(Bytes(room).first(5)), "hello");
}

TEST_F(Site, answers_304_to_who_has_the_file_already) {
  const std::string tag = get("/a.txt").entity_tag;
  for (const std::string& value : {tag, "W/" + tag, "\"x\", " + tag, std::string("*")}) {
    const std::array fields{http::Field{"If-None-Match", value}};
    EXPECT_EQ(get("/a.txt", fields).status, 304) << value;
  }
  const std::array other{http::Field{"If-None-Match", "\"x\""},
                         http::Field{"If-Modified-Since", "Fri, 01 Jan 2100 00:00:00 GMT"}};
  EXPECT_EQ(get("/a.txt", other).status, 200) << "If-None-Match comes first";
  const std::array later{http::Field{"If-Modified-Since", "Fri, 01 Jan 2100 00:00:00 GMT"}};
  EXPECT_EQ(get("/a.txt", later).status, 304);
  const std::array before{http::Field{"If-Modified-Since", "Thu, 01 Jan 1970 00:00:00 GMT"}};
  EXPECT_EQ(get("/a.txt", before).status, 200);
}

TEST_F(Site, answers_412_to_who_means_another_file) {
  const std::array fields{http::Field{"If-Match", "\"x\""}};
  EXPECT_EQ(get("/a.txt", fields).status, 412);
}

TEST_F(Site, answers_a_range_by_a_part_and_several_by_multipart) {
  const std::array one{http::Field{"Range", "bytes=1-2"}};
  const HttpReply part = get("/a.txt", one);
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.content_range, "bytes 1-2/5");
  EXPECT_EQ(part.length, 2u);
  ASSERT_EQ(part.parts.size(), 1u);
  EXPECT_EQ(part.parts[0].range, (http::ByteRange{1, 2}));

  const std::array two{http::Field{"Range", "bytes=0-0,-1"}};
  const HttpReply parts = get("/a.txt", two);
  EXPECT_EQ(parts.status, 206);
  EXPECT_EQ(parts.content_range, "") << "each part has its own";
  EXPECT_THAT(parts.content_type,
              testing::MatchesRegex("multipart/byteranges; boundary=[a-z0-9]+"));
  ASSERT_EQ(parts.parts.size(), 2u);
  EXPECT_EQ(parts.length,
            parts.parts[0].head.size() + parts.parts[1].head.size() + 2 + parts.text.size());
}

TEST_F(Site, answers_416_beyond_the_end_and_the_whole_file_to_who_knows_an_older_one) {
  const std::array beyond{http::Field{"Range", "bytes=5-"}};
  const HttpReply none = get("/a.txt", beyond);
  EXPECT_EQ(none.status, 416);
  EXPECT_EQ(none.content_range, "bytes */5");
  EXPECT_FALSE(none.file);
  const std::array older{http::Field{"Range", "bytes=1-2"}, http::Field{"If-Range", "\"x\""}};
  EXPECT_EQ(get("/a.txt", older).status, 200);
  EXPECT_EQ(get("/a.txt", older).length, 5u);
}

TEST_F(Site, shows_the_index_and_else_a_listing) {
  EXPECT_EQ(get("/sub/").content_type, "text/html; charset=utf-8");
  EXPECT_EQ(get("/sub/").length, 4u);
  const std::string page = get("/list/").text;
  EXPECT_THAT(page, HasSubstr("<a href=\"/list/b%20%26%20%3Cc%3E.txt\">b &amp; &lt;c&gt;.txt</a>"));
  EXPECT_THAT(page, HasSubstr("<a href=\"/list/d/\">d/</a>"));
  EXPECT_THAT(page, HasSubstr("<a href=\"/\">..</a>"));
  const std::string root = get("/").text;
  EXPECT_THAT(root, HasSubstr("inside"));
  for (const auto* hidden : {"outside", "fifo", "secret", ".git", ">..<"})
    EXPECT_THAT(root, Not(HasSubstr(hidden)));
}

TEST_F(Site, sends_who_forgot_the_slash_of_a_directory_to_it) {
  const HttpReply reply = get("//sub");
  EXPECT_EQ(reply.status, 301);
  EXPECT_EQ(reply.location, "/sub/") << "never \"//host\"";
}

TEST_F(Site, does_not_let_names_or_links_lead_out) {
  EXPECT_EQ(get("/../etc/passwd").status, 400);
  EXPECT_EQ(get("/%2e%2e/etc/passwd").status, 400);
  EXPECT_EQ(get("/outside").status, 403);
  EXPECT_EQ(get("/list/upup/").status, 403);
  EXPECT_EQ(get("/inside").status, 200);
  EXPECT_EQ(get("/list/up/a.txt").status, 200);
}

TEST_F(Site, without_openat2_follows_no_link_at_all) {
  const auto tree = FileTree::open(directory.path());
  EXPECT_TRUE(tree->find_without_links("a.txt"));
  EXPECT_TRUE(tree->find_without_links("list/d/e"));
  EXPECT_TRUE(tree->find_without_links("")->is_directory);
  for (const auto* path : {"inside", "outside", "list/up/a.txt", "list/../a.txt", "..", "nothing"})
    EXPECT_FALSE(tree->find_without_links(path)) << path;
}

TEST_F(Site, refuses_what_is_hidden_missing_or_no_file) {
  EXPECT_EQ(get("/.secret").status, 404);
  EXPECT_EQ(get("/.git/config").status, 404);
  EXPECT_EQ(get("/%2egit/config").status, 404);
  EXPECT_EQ(get("/nothing").status, 404);
  EXPECT_EQ(get("/a.txt/").status, 404);
  EXPECT_EQ(get("/a.txt/b").status, 404);
  EXPECT_EQ(get("/" + std::string(300, 'x')).status, 404);
  EXPECT_EQ(get("/fifo").status, 403);
  EXPECT_EQ(get("/%00").status, 400);
  EXPECT_EQ(site().find({"DELETE", "/a.txt", 1, {}}).status, 405);
}

TEST_F(Site, follows_no_links_or_all_where_that_is_wanted) {
  const auto none = FileTree::open(directory.path(), LinkPolicy::none);
  EXPECT_FALSE(none->find("inside"));
  EXPECT_FALSE(none->find("list/up/a.txt"));
  EXPECT_TRUE(none->find("a.txt"));
  const auto all = FileTree::open(directory.path(), LinkPolicy::all);
  EXPECT_TRUE(all->find("outside"));
  EXPECT_TRUE(all->find("inside"));
}

TEST_F(Site, sends_a_packed_sibling_by_the_weights_of_its_client) {
  directory.write("p.css", std::string(5000, 'c'));
  directory.write("p.css.br", "brotli");
  directory.write("p.css.gz", "gzipped");
  const auto ask = [&](std::string_view codings) {
    const std::array fields{http::Field{"Accept-Encoding", codings}};
    return get("/p.css", fields);
  };
  const HttpReply br = ask("gzip, br, zstd");
  EXPECT_EQ(br.coding, http::Coding::br);
  EXPECT_FALSE(br.is_packed_here);
  EXPECT_EQ(br.length, 6u);
  EXPECT_EQ(br.content_type, "text/css; charset=utf-8");
  EXPECT_TRUE(br.varies);
  EXPECT_THAT(br.entity_tag, testing::MatchesRegex("\"[0-9a-f-]+-br\""));
  const HttpReply gzip = ask("gzip, br;q=0.5");
  EXPECT_EQ(gzip.coding, http::Coding::gzip);
  EXPECT_EQ(gzip.length, 7u);
  EXPECT_NE(gzip.entity_tag, br.entity_tag);
  EXPECT_EQ(ask("identity, gzip;q=0.5").coding, http::Coding::identity);
  EXPECT_EQ(get("/p.css").coding, http::Coding::identity);
  EXPECT_TRUE(get("/p.css").varies);
  const std::array again{http::Field{"Accept-Encoding", "br"},
                         http::Field{"If-None-Match", br.entity_tag}};
  EXPECT_EQ(get("/p.css", again).status, 304);
  const std::array plain{http::Field{"If-None-Match", br.entity_tag}};
  EXPECT_EQ(get("/p.css", plain).status, 200) << "each coding has its own tag";
}

TEST_F(Site, packs_texts_of_some_size_that_have_no_sibling) {
  directory.write("t.html", std::string(5000, 't'));
  directory.write("t.png", std::string(5000, 't'));
  directory.write("short.html", "t");
  const std::array fields{http::Field{"Accept-Encoding", "gzip, zstd"}};
  const HttpReply reply = get("/t.html", fields);
  EXPECT_EQ(reply.coding, http::Coding::zstd);
  EXPECT_TRUE(reply.is_packed_here);
  EXPECT_THAT(reply.entity_tag, testing::StartsWith("W/"));
  EXPECT_EQ(get("/t.png", fields).coding, http::Coding::identity);
  EXPECT_FALSE(get("/t.png", fields).varies);
  EXPECT_EQ(get("/short.html", fields).coding, http::Coding::identity);
  const std::array range{http::Field{"Accept-Encoding", "gzip"}, http::Field{"Range", "bytes=0-1"}};
  EXPECT_EQ(get("/t.html", range).status, 206);
  EXPECT_EQ(get("/t.html", range).coding, http::Coding::identity);
}

TEST(FileTreeOpen, says_why_there_is_no_tree) {
  EXPECT_EQ(FileTree::open("/nonexistent").error(), std::errc::no_such_file_or_directory);
  EXPECT_EQ(FileTree::open("/etc/passwd").error(), std::errc::not_a_directory);
}

}  // namespace
}  // namespace handfast::io
