// SPDX-License-Identifier: Apache-2.0
// Label sets. One allocation holds the header, the offsets and the characters:
//   name 0xff value 0xff name 0xff value 0xff ...
// The separators cannot occur in UTF-8, so the hash over those bytes is over the pairs.
#include "client-lib/model/labels.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <new>

#include "client-lib/base/strings.h"

namespace vigil {
namespace {

constexpr char kSeparator = '\xff';

// Joins pairs into the hashed form without an allocation for usual sizes.
class HashBuffer {
 public:
  void Add(LabelView pair) {
    Append(pair.name);
    Append(pair.value);
  }
  [[nodiscard]] uint64_t Hash() const {
    return spilled_.empty() ? XXH64(inline_, used_, 0) : XXH64(spilled_.data(), spilled_.size(), 0);
  }

 private:
  void Append(std::string_view text) {
    if (spilled_.empty() && used_ + text.size() + 1 <= sizeof inline_) {
      if (!text.empty()) std::memcpy(inline_ + used_, text.data(), text.size());
      used_ += text.size();
      inline_[used_++] = kSeparator;
      return;
    }
    if (spilled_.empty()) spilled_.assign(inline_, used_);
    spilled_.append(text);
    spilled_ += kSeparator;
  }

  char inline_[1024];
  size_t used_ = 0;
  std::string spilled_;
};

// Whether name is among the sorted names; *at moves on as the asked names rise.
bool IsListed(std::span<const std::string> names, size_t* at, std::string_view name) {
  while (*at < names.size() && names[*at] < name) ++*at;
  return *at < names.size() && names[*at] == name;
}

template <typename F>
void ForEachListed(const Labels& labels, std::span<const std::string> names, bool listed, F f) {
  size_t at = 0;
  for (const LabelView pair : labels) {
    if (IsListed(names, &at, pair.name) == listed) f(pair);
  }
}

uint64_t HashWhere(const Labels& labels, std::span<const std::string> names, bool listed) {
  HashBuffer buffer;
  ForEachListed(labels, names, listed, [&](LabelView pair) { buffer.Add(pair); });
  return buffer.Hash();
}

Labels SelectWhere(const Labels& labels, std::span<const std::string> names, bool listed) {
  std::vector<LabelView> kept;
  kept.reserve(labels.size());
  ForEachListed(labels, names, listed, [&](LabelView pair) { kept.push_back(pair); });
  return kept.size() == labels.size() ? labels : Labels::FromSorted(kept);
}

void AppendPair(LabelView pair, bool* first, std::string* out) {
  if (!*first) out->append(", ");
  *first = false;
  out->append(IsLegacyLabelName(pair.name) ? std::string(pair.name) : Quote(pair.name));
  out->append("=").append(Quote(pair.value));
}

// What a character may be in a name.
enum NameRole : uint8_t { kNone = 0, kStart = 1, kInside = 2, kColon = 4 };

constexpr std::array<uint8_t, 256> NameRoles() {
  std::array<uint8_t, 256> roles{};
  for (size_t c = 'a'; c <= 'z'; ++c) roles[c] = roles[c - 'a' + 'A'] = kStart | kInside;
  for (size_t c = '0'; c <= '9'; ++c) roles[c] = kInside;
  roles['_'] = kStart | kInside;
  roles[':'] = kColon;
  return roles;
}

bool IsLegacyName(std::string_view name, bool colon) {
  static constexpr std::array<uint8_t, 256> kRoles = NameRoles();
  const unsigned also = colon ? kColon : kNone;
  const auto role = [](char c) { return kRoles[static_cast<unsigned char>(c)]; };
  if (name.empty() || (role(name[0]) & (kStart | also)) == 0) return false;
  return std::all_of(name.begin() + 1, name.end(),
                     [&](char c) { return (role(c) & (kInside | also)) != 0; });
}

}  // namespace

Labels Labels::Of(std::initializer_list<LabelView> pairs) {
  return Of(std::vector<LabelView>(pairs));
}

Labels Labels::Of(std::vector<LabelView> pairs) {
  std::stable_sort(pairs.begin(), pairs.end(),
                   [](LabelView a, LabelView b) { return a.name < b.name; });
  size_t kept = 0;
  for (size_t i = 0; i < pairs.size(); ++i) {
    const bool overwritten = i + 1 < pairs.size() && pairs[i + 1].name == pairs[i].name;
    if (!overwritten && !pairs[i].value.empty()) pairs[kept++] = pairs[i];
  }
  return FromSorted(std::span(pairs.data(), kept));
}

Labels Labels::FromSorted(std::span<const LabelView> pairs) {
  if (pairs.empty()) return {};
  size_t chars = 0;
  for (const LabelView& pair : pairs) chars += pair.name.size() + pair.value.size() + 2;
  const size_t bytes = sizeof(Rep) + (2 * pairs.size() + 1) * sizeof(uint32_t) + chars;
  CHECK(bytes <= UINT32_MAX);
  Rep* rep = new (::operator new(bytes)) Rep{};
  rep->refs.store(1, std::memory_order_relaxed);
  rep->count = static_cast<uint32_t>(pairs.size());
  rep->heap_bytes = static_cast<uint32_t>(bytes);
  auto* offset = const_cast<uint32_t*>(rep->offsets());
  char* const begin = const_cast<char*>(rep->chars());
  char* p = begin;
  const auto append = [&](std::string_view text) {
    *offset++ = static_cast<uint32_t>(p - begin);
    if (!text.empty()) std::memcpy(p, text.data(), text.size());
    p += text.size();
    *p++ = kSeparator;
  };
  for (const LabelView& pair : pairs) {
    append(pair.name);
    append(pair.value);
  }
  *offset = static_cast<uint32_t>(p - begin);
  rep->hash = XXH64(begin, chars, 0);
  return Labels(rep);
}

void Labels::Unref() {
  if (rep_ == nullptr) return;
  if (rep_->refs.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    rep_->~Rep();
    ::operator delete(rep_);
  }
}

LabelView Labels::operator[](size_t i) const {
  const uint32_t* at = rep_->offsets() + 2 * i;
  const char* chars = rep_->chars();
  // Each piece ends one before the next one's start, where the separator is.
  return {{chars + at[0], at[1] - at[0] - 1}, {chars + at[1], at[2] - at[1] - 1}};
}

std::string_view Labels::Get(std::string_view name) const {
  const size_t count = size();
  for (size_t i = 0; i < count; ++i) {
    const LabelView pair = (*this)[i];
    if (pair.name == name) return pair.value;
  }
  return {};
}

bool Labels::Has(std::string_view name) const { return !Get(name).empty(); }

uint64_t Labels::HashOnly(std::span<const std::string> names) const {
  return HashWhere(*this, names, true);
}

uint64_t Labels::HashWithout(std::span<const std::string> names) const {
  return HashWhere(*this, names, false);
}

Labels Labels::KeepOnly(std::span<const std::string> names) const {
  return SelectWhere(*this, names, true);
}

Labels Labels::Without(std::span<const std::string> names) const {
  return SelectWhere(*this, names, false);
}

Labels Labels::WithoutName() const {
  static const std::string kName(kMetricName);
  return Without(std::span(&kName, 1));
}

bool Labels::operator==(const Labels& other) const {
  if (rep_ == other.rep_) return true;
  if (rep_ == nullptr || other.rep_ == nullptr) return false;
  return rep_->hash == other.rep_->hash && rep_->count == other.rep_->count &&
         rep_->heap_bytes == other.rep_->heap_bytes &&
         std::memcmp(rep_->offsets(), other.rep_->offsets(), rep_->heap_bytes - sizeof(Rep)) == 0;
}

std::strong_ordering Labels::operator<=>(const Labels& other) const {
  if (rep_ == other.rep_) return std::strong_ordering::equal;
  const size_t common = std::min(size(), other.size());
  for (size_t i = 0; i < common; ++i) {
    if (const auto order = (*this)[i] <=> other[i]; order != 0) return order;
  }
  return size() <=> other.size();
}

std::string Labels::ToString() const {
  std::string text = "{";
  bool first = true;
  for (const LabelView pair : *this) AppendPair(pair, &first, &text);
  return text + "}";
}

std::string Labels::ToMetricString() const {
  const std::string_view name = MetricName();
  const bool bare = IsLegacyMetricName(name);
  std::string text(bare ? name : std::string_view());
  if (bare && size() == 1) return text;
  text += "{";
  bool first = true;
  if (!bare && !name.empty()) {
    text += Quote(name);
    first = false;
  }
  for (const LabelView pair : *this) {
    if (pair.name != kMetricName) AppendPair(pair, &first, &text);
  }
  return text + "}";
}

void LabelsBuilder::Reset(const Labels& base) {
  pairs_.clear();
  for (const LabelView pair : base) pairs_.emplace_back(pair.name, pair.value);
}

LabelsBuilder& LabelsBuilder::Set(std::string_view name, std::string_view value) {
  if (value.empty()) return Delete(name);
  for (auto& pair : pairs_) {
    if (pair.first == name) {
      pair.second = value;
      return *this;
    }
  }
  pairs_.emplace_back(name, value);
  return *this;
}

LabelsBuilder& LabelsBuilder::Delete(std::string_view name) {
  for (auto pair = pairs_.begin(); pair != pairs_.end(); ++pair) {
    if (pair->first != name) continue;
    // The order does not matter, so the last one may fill the gap. Name may live in this pair.
    if (pair != pairs_.end() - 1) *pair = std::move(pairs_.back());
    pairs_.pop_back();
    break;
  }
  return *this;
}

std::string_view LabelsBuilder::Get(std::string_view name) const {
  for (const auto& pair : pairs_) {
    if (pair.first == name) return pair.second;
  }
  return {};
}

bool LabelsBuilder::Has(std::string_view name) const { return !Get(name).empty(); }

Labels LabelsBuilder::Build() const {
  std::vector<LabelView> views;
  views.reserve(pairs_.size());
  for (const auto& [name, value] : pairs_) views.push_back({name, value});
  std::sort(views.begin(), views.end(), [](LabelView a, LabelView b) { return a.name < b.name; });
  return Labels::FromSorted(views);
}

bool IsLegacyLabelName(std::string_view name) { return IsLegacyName(name, false); }
bool IsLegacyMetricName(std::string_view name) { return IsLegacyName(name, true); }
bool IsUtf8Name(std::string_view name) { return !name.empty() && IsValidUtf8(name); }

}  // namespace vigil
