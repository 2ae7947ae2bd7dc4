// SPDX-License-Identifier: Apache-2.0
// See read_request.h.
#include "server/remote/read_request.h"

#include <algorithm>

#include "server/remote/proto_reader.h"

namespace vigil::remote {
namespace {

constexpr size_t kMaxReadQueries = 1'000;
constexpr size_t kMaxReadTerms = 10'000;

// How much a request may still have: two bytes of it can be a query or a matcher.
struct ReadBudget {
  size_t queries = kMaxReadQueries;
  size_t terms = kMaxReadTerms;  // matchers, labels to group by, accepted types
  bool spent = false;

  bool Take(size_t* left) {
    spent = spent || *left == 0;
    if (!spent) --*left;
    return !spent;
  }
};

// The text of a string field; false when it is something else.
bool ReadTextField(const ProtoField& field, std::string* out) {
  if (field.type != WireType::kLength) return false;
  out->assign(field.bytes);
  return true;
}

bool ReadIntegerField(const ProtoField& field, int64_t* out) {
  if (field.type != WireType::kVarint) return false;
  *out = static_cast<int64_t>(field.varint);
  return true;
}

bool ReadMatcherMessage(std::string_view message, ReadMatcher* out) {
  ProtoReader reader(message);
  bool good = true;
  while (auto field = reader.Next()) {
    if (field->number == 1) {
      good &= field->type == WireType::kVarint;
      out->type = field->varint;
    } else if (field->number == 2) {
      good &= ReadTextField(*field, &out->name);
    } else if (field->number == 3) {
      good &= ReadTextField(*field, &out->value);
    }
  }
  return good && reader.ok();
}

bool ReadHints(std::string_view message, ReadBudget* budget, storage::SelectHints* out) {
  ProtoReader reader(message);
  bool good = true;
  int64_t by = 0;
  while (auto field = reader.Next()) {
    if (!good) return false;
    if (field->number == 1) good &= ReadIntegerField(*field, &out->step_ms);
    if (field->number == 2) good &= ReadTextField(*field, &out->function);
    if (field->number == 5) {
      good &= field->type == WireType::kLength && budget->Take(&budget->terms);
      out->grouping.emplace_back(field->bytes);
    }
    if (field->number == 6) good &= ReadIntegerField(*field, &by);
    if (field->number == 7) good &= ReadIntegerField(*field, &out->range_ms);
  }
  out->by = by != 0;
  return good && reader.ok();
}

bool ReadQueryMessage(std::string_view message, ReadBudget* budget, ReadQuery* out) {
  ProtoReader reader(message);
  bool good = true;
  while (auto field = reader.Next()) {
    if (!good) return false;
    switch (field->number) {
      case 1:
        good &= ReadIntegerField(*field, &out->hints.start);
        break;
      case 2:
        good &= ReadIntegerField(*field, &out->hints.end);
        break;
      case 3:
        good &= field->type == WireType::kLength && budget->Take(&budget->terms) &&
                ReadMatcherMessage(field->bytes, &out->matchers.emplace_back());
        break;
      case 4:
        good &= field->type == WireType::kLength && ReadHints(field->bytes, budget, &out->hints);
        break;
      default:
        break;
    }
  }
  return good && reader.ok();
}

// A packed list, or one number.
bool ReadTypes(const ProtoField& field, ReadBudget* budget, std::vector<uint64_t>* out) {
  if (field.type == WireType::kVarint) {
    out->push_back(field.varint);
    return budget->Take(&budget->terms);
  }
  if (field.type != WireType::kLength) return false;
  std::string_view rest = field.bytes;
  while (!rest.empty()) {
    uint64_t type = 0;
    if (!TakeVarint(&rest, &type) || !budget->Take(&budget->terms)) return false;
    out->push_back(type);
  }
  return true;
}

}  // namespace

Result<ReadRequest> DecodeReadRequest(std::string_view message) {
  ReadRequest request;
  ReadBudget budget;
  ProtoReader reader(message);
  bool good = true;
  while (auto field = reader.Next()) {
    if (field->number == 1) {
      good &= field->type == WireType::kLength && budget.Take(&budget.queries) &&
              ReadQueryMessage(field->bytes, &budget, &request.queries.emplace_back());
    } else if (field->number == 2) {
      good &= ReadTypes(*field, &budget, &request.accepted_types);
    }
    if (!good) break;
  }
  if (budget.spent) {
    return BadData("the remote read request has more than " + std::to_string(kMaxReadQueries) +
                   " queries or " + std::to_string(kMaxReadTerms) +
                   " matchers and labels to group by: ask for less at once");
  }
  if (!good || !reader.ok()) return BadData("the body is not a prometheus.ReadRequest");
  return request;
}

Result<ReadResponseType> NegotiateResponseType(const std::vector<uint64_t>& accepted) {
  if (accepted.empty()) return ReadResponseType::kSamples;
  std::string named;
  for (const uint64_t type : accepted) {
    if (type <= 1) return static_cast<ReadResponseType>(type);
    if (!named.empty()) named += ' ';
    named += std::to_string(type);
  }
  return BadData("server does not support any of the requested response types: [" + named +
                 "]; supported: map[SAMPLES:{} STREAMED_XOR_CHUNKS:{}]");
}

Result<std::vector<Matcher>> StoredMatchers(const ReadQuery& query, const Labels& external_labels) {
  std::vector<Matcher> matchers;
  for (const ReadMatcher& matcher : query.matchers) {
    if (matcher.type > 3) return Internal("invalid matcher type");
    const auto type = static_cast<MatchType>(matcher.type);
    const bool of_this_server =
        type == MatchType::kEqual && external_labels.Get(matcher.name) == matcher.value;
    const std::string_view value = of_this_server ? std::string_view() : matcher.value;
    Result<Matcher> made = Matcher::Create(type, matcher.name, value);
    if (!made) return Internal(made.error().message);
    matchers.push_back(*std::move(made));
  }
  return matchers;
}

}  // namespace vigil::remote
