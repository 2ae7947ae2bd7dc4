// SPDX-License-Identifier: Apache-2.0
// What each node of an expression costs: filled by the engine when somebody asks for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "client-lib/base/clock.h"
#include "server/promql/ast.h"
#include "server/promql/engine.h"
#include "server/promql/value.h"
#include "server/storage/summaries.h"

namespace vigil::promql {

// Of one node alone, without its children.
struct NodeCost {
  int64_t evaluations = 0;
  int64_t steps = 0;          // of all evaluations
  int64_t output_series = 0;  // handed to the node above
  int64_t ns = 0;
  int64_t series = 0;  // selected from the store
  int64_t samples = 0;
  int64_t chunks_in_memory = 0;
  int64_t chunks_in_database = 0;
  bool once = false;  // the same at every step: evaluated for one
  // What answered in place of samples, in any of the evaluations.
  storage::StandIns stand_ins = storage::StandIns::kNone;

  NodeCost& operator+=(const NodeCost& other);
};

// Rows stream through the nodes, so many nodes are at work at once; at every moment one of them is
// charged with the time that passes and with what is read. Work of helper threads is charged to the
// node that waits for it.
// Threads: owner thread only. The expression must outlive it.
class QueryProfile {
 public:
  // Of what a node was charged with; zeros when it was never evaluated.
  [[nodiscard]] NodeCost cost(const Expr& expr) const;
  // The node and all below it.
  [[nodiscard]] NodeCost total(const Expr& expr) const;

  // The rest is for the engine. Binds the profile to a query that begins.
  void Begin(const Clock& clock, const QueryStats& stats);
  // Charges `expr` (null: nobody) from now on; returns who was charged before.
  const Expr* Switch(const Expr* expr);
  [[nodiscard]] const Expr* current() const { return current_; }
  NodeCost& node(const Expr& expr) { return nodes_[&expr]; }

 private:
  [[nodiscard]] NodeCost Meter() const;

  const Clock* clock_ = nullptr;
  const QueryStats* stats_ = nullptr;
  const Expr* current_ = nullptr;
  NodeCost last_;  // the meter's reading when current_ took over
  std::unordered_map<const Expr*, NodeCost> nodes_;
};

// Charges a node while it lives. Costs one test without a profile.
class ProfileScope {
 public:
  ProfileScope(QueryProfile* profile, const Expr* expr)
      : profile_(profile), before_(profile == nullptr ? nullptr : profile->Switch(expr)) {}
  ~ProfileScope() {
    if (profile_ != nullptr) profile_->Switch(before_);
  }
  ProfileScope(const ProfileScope&) = delete;
  ProfileScope& operator=(const ProfileScope&) = delete;

 private:
  QueryProfile* profile_;
  const Expr* before_;
};

// Counts the rows of a node, and charges the node above while it works on them.
class ProfiledRowSink : public RowSink {
 public:
  ProfiledRowSink(QueryProfile& profile, const Expr& expr, RowSink& out)
      : profile_(profile), node_(profile.node(expr)), above_(profile.current()), out_(out) {}
  Result<void> Take(const SeriesRow& row) override;

 private:
  QueryProfile& profile_;
  NodeCost& node_;
  const Expr* above_;
  RowSink& out_;
};

}  // namespace vigil::promql
