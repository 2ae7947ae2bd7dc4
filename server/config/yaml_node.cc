// SPDX-License-Identifier: Apache-2.0
// Builds the tree from yaml-cpp's events; the only file that sees yaml-cpp.
#include "server/config/yaml_node.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <istream>
#include <optional>
#include <streambuf>
#include <unordered_map>
#include <unordered_set>

namespace vigil::config {
namespace {

// A few kilobytes of nested aliases can stand for billions of nodes; no real file needs this many.
constexpr size_t kMaxExpandedNodes = 2'000'000;

// Reads from a view without a copy.
class ViewBuffer : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view text) {
    char* begin = const_cast<char*>(text.data());
    setg(begin, begin, begin + text.size());
  }
};

class TreeBuilder : public YAML::EventHandler {
 public:
  explicit TreeBuilder(const std::string& filename) : filename_(filename) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Put(Make(YamlNode::Kind::kNull, mark), anchor);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    auto node = Make(YamlNode::Kind::kScalar, mark);
    node->text = value;
    node->quoted = tag == "!";
    Put(std::move(node), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      Fail(mark, "an alias refers to the node that contains it");
      return;
    }
    Attach(found->second);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open_.push_back({Make(YamlNode::Kind::kList, mark), anchor, nullptr});
  }
  void OnSequenceEnd() override { CloseCollection(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open_.push_back({Make(YamlNode::Kind::kMap, mark), anchor, nullptr});
  }
  void OnMapEnd() override { CloseCollection(); }

  [[nodiscard]] const std::optional<Error>& error() const { return error_; }
  [[nodiscard]] YamlPtr root() const { return root_; }

 private:
  struct Open {
    std::shared_ptr<YamlNode> node;
    YAML::anchor_t anchor;
    YamlPtr key;                                           // of a map: read, its value is awaited
    std::unordered_map<std::string_view, int> lines = {};  // of a map's keys, whose texts they are
  };

  static std::shared_ptr<YamlNode> Make(YamlNode::Kind kind, const YAML::Mark& mark) {
    auto node = std::make_shared<YamlNode>();
    node->kind = kind;
    node->position = {mark.line + 1, mark.column + 1};
    return node;
  }
  void Fail(const YAML::Mark& mark, std::string_view what) {
    FailAt({mark.line + 1, mark.column + 1}, what);
  }
  void FailAt(Position position, std::string_view what) {
    if (!error_) error_ = BadData(fmt::format("{}: {}", At(filename_, position), what));
  }
  void Put(YamlPtr node, YAML::anchor_t anchor) {
    if (anchor != 0) anchors_[anchor] = node;
    Attach(std::move(node));
  }
  void CloseCollection() {
    Open done = std::move(open_.back());
    open_.pop_back();
    if (done.node->kind == YamlNode::Kind::kMap) Merge(done.node.get());
    Put(std::move(done.node), done.anchor);
  }
  void Attach(YamlPtr node);
  void AddEntry(Open* map, const YamlPtr& value);
  void Merge(YamlNode* map);
  using Keys = std::unordered_set<std::string_view>;
  void MergeFrom(YamlNode* map, const YamlNode& source, Keys* own);

  const std::string& filename_;
  std::vector<Open> open_;
  std::unordered_map<YAML::anchor_t, YamlPtr> anchors_;
  YamlPtr root_;
  std::optional<Error> error_;
};

void TreeBuilder::Attach(YamlPtr node) {
  if (open_.empty()) {
    root_ = std::move(node);
    return;
  }
  Open& parent = open_.back();
  parent.node->expanded_size += node->expanded_size;
  if (parent.node->expanded_size > kMaxExpandedNodes) {
    FailAt(node->position, "aliases make the document too large");
    return;
  }
  if (parent.node->kind == YamlNode::Kind::kList) {
    parent.node->items.push_back(std::move(node));
  } else if (parent.key == nullptr) {
    parent.key = std::move(node);
  } else {
    AddEntry(&parent, node);
    parent.key = nullptr;
  }
}

void TreeBuilder::AddEntry(Open* map, const YamlPtr& value) {
  const YamlPtr& key = map->key;
  if (key->kind != YamlNode::Kind::kScalar) {
    FailAt(key->position, "a key must be plain text");
    return;
  }
  const auto [other, is_new] = map->lines.emplace(key->text, key->position.line);
  if (!is_new) {
    FailAt(key->position, fmt::format("duplicate key \"{}\": it is already set in line {}",
                                      key->text, other->second));
    return;
  }
  map->node->entries.emplace_back(key, value);
}

// `<<: *defaults` or `<<: [*a, *b]`: keys that the map does not have itself.
void TreeBuilder::Merge(YamlNode* map) {
  if (error_) return;
  for (size_t i = 0; i < map->entries.size(); ++i) {
    if (map->entries[i].first->text != "<<") continue;
    YamlPtr source = map->entries[i].second;
    map->entries.erase(map->entries.begin() + static_cast<ptrdiff_t>(i));
    Keys own;
    for (const auto& [key, unused] : map->entries) own.insert(key->text);
    if (source->kind == YamlNode::Kind::kMap) {
      MergeFrom(map, *source, &own);
    } else if (source->kind == YamlNode::Kind::kList) {
      for (const YamlPtr& item : source->items) MergeFrom(map, *item, &own);
    } else {
      FailAt(source->position, "a merge key (<<) needs a mapping or a list of mappings");
    }
    return;
  }
}

void TreeBuilder::MergeFrom(YamlNode* map, const YamlNode& source, Keys* own) {
  if (source.kind != YamlNode::Kind::kMap) {
    FailAt(source.position, "a merge key (<<) needs a mapping or a list of mappings");
    return;
  }
  for (const auto& entry : source.entries) {
    if (own->insert(entry.first->text).second) map->entries.push_back(entry);
  }
}

}  // namespace

std::string At(const std::string& filename, Position position) {
  return fmt::format("{}:{}:{}", filename, position.line, position.column);
}

Result<YamlPtr> ParseYaml(std::string_view text, const std::string& filename) {
  ViewBuffer buffer(text);
  std::istream stream(&buffer);
  TreeBuilder builder(filename);
  try {
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) return std::make_shared<const YamlNode>();
  } catch (const YAML::Exception& e) {
    Position position =
        e.mark.is_null() ? Position{} : Position{e.mark.line + 1, e.mark.column + 1};
    return BadData(fmt::format("{}: not valid YAML: {}", At(filename, position), e.msg));
  }
  if (builder.error()) return *builder.error();
  if (builder.root() == nullptr) return std::make_shared<const YamlNode>();
  return builder.root();
}

}  // namespace vigil::config
