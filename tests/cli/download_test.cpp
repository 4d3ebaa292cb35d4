#include "cli/download.hpp"

#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/command.hpp"
#include "support/test_directory.hpp"

namespace handfast::cli {
namespace {

using testing::HasSubstr;

class Downloading : public testing::Test {
 protected:
  void write(const std::string& text) { files.write("download", text); }
  std::string content() const {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  Download resumed(const std::string& from = "-") {
    return Download({.path = path, .is_quiet = true, .resume = from});
  }
  static std::string field(const Download& download, std::string_view name) {
    const auto fields = download.conditions();
    const io::HttpField* found = io::find(fields, name);
    return found == nullptr ? "" : found->value;
  }
  static bool head(Download& download, u16 status, std::vector<http::Field> fields = {}) {
    return download.on_head({.status = status, .fields = fields}, std::nullopt);
  }
  const test::TestDirectory files;
  const std::string path = files.path() / "download";
};

TEST_F(Downloading, writes_what_comes_and_nothing_of_an_error) {
  Download download({.path = path, .is_quiet = true});
  EXPECT_TRUE(download.conditions().empty());
  EXPECT_FALSE(head(download, 404));
  EXPECT_FALSE(std::ifstream(path).good());
  EXPECT_TRUE(head(download, 200));
  EXPECT_FALSE(download.on_content(as_bytes("hello")));
  EXPECT_FALSE(download.finish());
  EXPECT_EQ(content(), "hello");
  EXPECT_EQ(download.written(), 5u);
}

TEST_F(Downloading, goes_on_where_the_file_ends_if_it_is_not_newer) {
  write("hello");
  Download download = resumed();
  EXPECT_EQ(field(download, "range"), "bytes=5-");
  EXPECT_THAT(field(download, "if-unmodified-since"), HasSubstr(" GMT"));
  EXPECT_TRUE(head(download, 206, {{"Content-Range", "bytes 5-10/11"}}));
  EXPECT_FALSE(download.on_content(as_bytes(" world")));
  EXPECT_FALSE(download.finish());
  EXPECT_EQ(content(), "hello world");
}

TEST_F(Downloading, cuts_off_what_is_behind_the_offset) {
  write("hello and more");
  Download download = resumed("5");
  EXPECT_TRUE(head(download, 206, {{"Content-Range", "bytes 5-6/7"}}));
  download.on_content(as_bytes("!!"));
  EXPECT_EQ(content(), "hello!!");
}

TEST_F(Downloading, begins_anew_where_the_server_sends_all) {
  write("hello");
  Download download = resumed();
  EXPECT_TRUE(head(download, 200));
  download.on_content(as_bytes("other"));
  EXPECT_EQ(content(), "other");
  EXPECT_TRUE(download.conditions().empty());
}

TEST_F(Downloading, takes_no_part_but_the_one_that_it_asked_for) {
  for (const char* part : {"bytes 4-9/10", "bytes */10", "nonsense"}) {
    write("hello");
    Download download = resumed();
    EXPECT_TRUE(head(download, 206, {{"Content-Range", part}}));
    EXPECT_TRUE(download.on_content(as_bytes("x")));
    EXPECT_NE(download.wrong_part(), "");
    EXPECT_EQ(content(), "hello");
  }
  write("hello");
  Download download = resumed();
  head(download, 206);
  EXPECT_NE(download.wrong_part(), "");
}

TEST_F(Downloading, knows_from_a_416_whether_anything_is_missing) {
  write("hello");
  Download download = resumed();
  EXPECT_FALSE(head(download, 416, {{"Content-Range", "bytes */5"}}));
  EXPECT_EQ(download.length_without_more(), 5u);
  EXPECT_EQ(download.offset(), 5u);
}

TEST_F(Downloading, goes_on_after_a_break_by_a_strong_etag_or_a_date_and_else_begins_anew) {
  struct Case {
    std::vector<http::Field> fields;
    const char* condition;
    const char* value;
  };
  for (const Case& one :
       std::vector<Case>{{{{"ETag", "\"e\""}}, "if-range", "\"e\""},
                         {{{"Last-Modified", "then"}}, "if-unmodified-since", "then"},
                         {{{"ETag", "W/\"e\""}}, "range", ""},
                         {{}, "range", ""}}) {
    Download download({.path = path, .is_quiet = true});
    head(download, 200, one.fields);
    download.on_content(as_bytes("abc"));
    EXPECT_TRUE(download.go_on(true));
    EXPECT_EQ(field(download, one.condition), one.value);
    EXPECT_EQ(field(download, "range"), *one.value != '\0' ? "bytes=3-" : "");
    EXPECT_TRUE(download.go_on(false));
  }
}

TEST_F(Downloading, to_standard_output_cannot_begin_anew) {
  Download download({.is_quiet = true});
  EXPECT_TRUE(download.go_on(true)) << "nothing was written yet";
  EXPECT_THROW(Download({.resume = "-"}), Failure);
  EXPECT_THROW(Download({.path = path, .resume = "x"}), Failure);
}

}  // namespace
}  // namespace handfast::cli
