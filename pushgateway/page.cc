// SPDX-License-Identifier: Apache-2.0
// The page for scrapers.
#include "pushgateway/page.h"

#include <map>
#include <unordered_set>
#include <vector>

#include "client-lib/exposition/text_reader.h"

namespace vigil::pushgateway {
namespace {

using exposition::MetricType;

// One family of the page: where its header and its lines are.
struct Block {
  std::string_view own;   // header and samples as rendered; empty: only pushed
  std::string_view help;  // escaped
  MetricType type = MetricType::kUnknown;
  std::vector<std::string_view> lines;
};
using Blocks = std::map<std::string_view, Block>;

std::string_view NameOfHeader(std::string_view line) {
  std::string_view name = line.substr(std::string_view("# HELP ").size());
  return name.substr(0, name.find_first_of(" \n"));
}

// Cuts the own page at its headers; a family begins with HELP, or with TYPE when it has no HELP.
void AddOwn(std::string_view own, Blocks* blocks) {
  size_t begin = 0;
  while (begin < own.size()) {
    const std::string_view name = NameOfHeader(own.substr(begin));
    size_t end = begin;
    do {
      end = own.find("\n# ", end);
      end = end == std::string_view::npos ? own.size() : end + 1;
    } while (end < own.size() && NameOfHeader(own.substr(end)) == name);
    (*blocks)[name].own = own.substr(begin, end - begin);
    begin = end;
  }
}

void AddGroups(const Snapshot& groups, Blocks* blocks) {
  for (const GroupPtr& group : groups) {
    for (const Group::Member& member : group->members) {
      Block& block = (*blocks)[member.family->name];
      if (block.help.empty()) block.help = member.family->help;
      block.type = member.family->type;
      block.lines.push_back(member.family->text);
    }
  }
}

void AddPushTimes(const Snapshot& groups, Blocks* blocks) {
  if (groups.empty()) return;
  Block& good = (*blocks)[kPushTime];
  Block& bad = (*blocks)[kPushFailureTime];
  good.help = "Last Unix time when changing this group in the Pushgateway succeeded.";
  bad.help = "Last Unix time when changing this group in the Pushgateway failed.";
  good.type = bad.type = MetricType::kGauge;
  for (const GroupPtr& group : groups) {
    good.lines.push_back(group->push_time_line);
    bad.lines.push_back(group->failure_time_line);
  }
}

Result<void> Verify(const Snapshot& groups) {
  std::map<std::string, const PushedFamily*> owners;
  std::unordered_set<std::string_view> series;
  for (const GroupPtr& group : groups) {
    for (const Group::Member& member : group->members) {
      const PushedFamily& family = *member.family;
      for (const std::string& name : family.ReservedNames()) {
        const PushedFamily* other = owners.try_emplace(name, &family).first->second;
        if (other->name != family.name || other->type != family.type) {
          return BadData("metric \"" + family.name + "\" was pushed as " +
                         std::string(TextTypeName(family.type)) + " and as " +
                         std::string(TextTypeName(other->type)) + " of \"" + other->name + "\"");
        }
      }
      for (const PushedFamily::Series& row : family.series) {
        if (series.insert(family.SeriesText(row)).second) continue;
        return BadData("series " + std::string(family.SeriesText(row)) + " was pushed twice");
      }
    }
  }
  return Ok();
}

}  // namespace

Result<std::string> RenderMetrics(std::string_view own, const Snapshot& groups, bool verify) {
  if (verify) TRY(Verify(groups));
  Blocks blocks;
  AddOwn(own, &blocks);
  AddGroups(groups, &blocks);
  AddPushTimes(groups, &blocks);
  size_t size = own.size();
  for (const auto& [name, block] : blocks) {
    size += 64 + 2 * name.size() + block.help.size();
    for (const std::string_view lines : block.lines) size += lines.size();
  }
  std::string page;
  page.reserve(size);
  for (const auto& [name, block] : blocks) {
    if (!block.own.empty()) {
      page.append(block.own);
    } else {
      if (!block.help.empty()) {
        page.append("# HELP ").append(name).append(" ").append(block.help).append("\n");
      }
      page.append("# TYPE ").append(name).append(" ").append(TextTypeName(block.type)).append("\n");
    }
    for (const std::string_view lines : block.lines) page.append(lines);
  }
  return page;
}

}  // namespace vigil::pushgateway
