// SPDX-License-Identifier: Apache-2.0
#include "server/web/static_files.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace vigil::web {
namespace {

// The pages, by the name of their link.
constexpr std::pair<std::string_view, std::string_view> kPageLinks[] = {
    {"index.html", "./"},
    {"alerts.html", "alerts"},
    {"rules.html", "rules"},
    {"targets.html", "targets"}};

std::string_view PageText(std::string_view name) {
  const StaticFile* file = FindStaticFile(name);
  return file == nullptr ? std::string_view() : file->content;
}

// What stands behind each `before` up to the next quote.
std::vector<std::string> Quoted(std::string_view text, std::string_view before) {
  std::vector<std::string> found;
  for (size_t at = text.find(before); at != std::string_view::npos; at = text.find(before, at)) {
    at += before.size();
    found.emplace_back(text.substr(at, text.find('"', at) - at));
  }
  return found;
}

TEST(StaticFiles, HaveTheContentTypeOfTheirName) {
  EXPECT_EQ(FindStaticFile("rules.html")->content_type, "text/html; charset=utf-8");
  EXPECT_EQ(FindStaticFile("page.js")->content_type, "text/javascript; charset=utf-8");
  EXPECT_EQ(FindStaticFile("style.css")->content_type, "text/css; charset=utf-8");
  EXPECT_EQ(FindStaticFile("nothing.js"), nullptr);
  EXPECT_EQ(FindStaticFile(""), nullptr);
}

// With a route prefix an address from the root leads nowhere.
TEST(StaticFiles, PagesNameFilesThatAreThereByRelativeAddresses) {
  for (const auto& [name, link] : kPageLinks) {
    const std::string_view text = PageText(name);
    std::vector<std::string> files = Quoted(text, " src=\"");
    EXPECT_FALSE(files.empty()) << name;
    for (const std::string& address : Quoted(text, " href=\"")) {
      if (address.starts_with("static/")) files.push_back(address);
      EXPECT_FALSE(address.starts_with('/')) << name << ": " << address;
    }
    for (const std::string& file : files) {
      ASSERT_TRUE(file.starts_with("static/")) << name << ": " << file;
      EXPECT_NE(FindStaticFile(std::string_view(file).substr(7)), nullptr) << name << ": " << file;
    }
  }
}

TEST(StaticFiles, EachPageLinksToAllAndMarksItself) {
  for (const auto& [name, own] : kPageLinks) {
    for (const auto& [other, link] : kPageLinks) {
      const std::string mark = other == name ? " class=\"here\" aria-current=\"page\"" : "";
      const std::string wanted = "<a" + mark + " href=\"" + std::string(link) + "\">";
      EXPECT_NE(PageText(name).find(wanted), std::string_view::npos) << name << ": " << wanted;
    }
  }
}

// Labels are hostile: nothing makes markup or code of a text, or an address of a strange one.
TEST(StaticFiles, ScriptsPutTextIntoPagesAsText) {
  size_t scripts = 0;
  for (const StaticFile& file : StaticFiles()) {
    if (!file.name.ends_with(".js")) continue;
    ++scripts;
    for (const char* call : {"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write",
                             "DOMParser", "createContextualFragment", "srcdoc", "eval(",
                             "new Function", "generatorURL", "fetch(\"/"}) {
      EXPECT_EQ(file.content.find(call), std::string_view::npos) << file.name << ": " << call;
    }
  }
  EXPECT_GE(scripts, 6U);
}

}  // namespace
}  // namespace vigil::web
