// SPDX-License-Identifier: Apache-2.0
// Reading and the kernel are done by all threads, a batch of series at a time; the rows go on in
// order, so that results have the same bits as those of one thread.
#include "server/promql/engine_range_parallel.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "server/promql/query_profile.h"
#include "server/promql/query_progress.h"
#include "server/promql/range_sweeper.h"
#include "server/promql/workers.h"

namespace vigil::promql {
namespace {

// A batch in work: about so many results, so that it stays in a core's cache until it is taken.
constexpr size_t kBatchResults = 16'384;
constexpr size_t kMaxBatchesInWork = 8;
// Below it, waking a helper costs more than it saves.
constexpr size_t kMinSeries = 16;
constexpr size_t kMinResults = 20'000;

enum class Outcome : uint8_t { kNothing, kRow, kSerial };

// Room for one batch, used for one after the other.
struct Slot {
  Slot(const QueryContext& query, const WindowSpec& spec, const Grid& grid, size_t batch)
      : sweeper(spec, grid, 0),
        rows(std::make_unique_for_overwrite<double[]>(batch * grid.count)),
        outcomes(batch) {
    sweeper.StopWith(query);
  }

  RangeSweeper sweeper;
  SampleColumns samples;
  std::unique_ptr<double[]> rows;  // as the outcomes say
  std::vector<Outcome> outcomes;
  size_t samples_read = 0;
  size_t most_samples = 0;  // of one series, in any batch so far
  Result<void> result = Ok();
};

class Runner {
 public:
  explicit Runner(const ParallelRange& job)
      : job_(job), batch_(std::clamp<size_t>(kBatchResults / job.grid.count, 1, 64)) {
    // One that is worked on and one that waits, per thread.
    const size_t in_work = std::min(2 * (job.query.workers->size() + 1), kMaxBatchesInWork);
    for (size_t i = 0; i < std::min(in_work, parts()); ++i) {
      slots_.push_back(std::make_unique<Slot>(job.query, job.spec, job.grid, batch_));
    }
  }

  Result<void> Run() {
    TRY(job_.query.CheckRoom(SlotSamples()));
    return RunInOrder(*job_.query.workers, {.count = parts(),
                                            .ahead = slots_.size(),
                                            .produce = [this](size_t part) { Produce(part); },
                                            .take = [this](size_t part) { return Take(part); },
                                            .helper_cpu_ns = HelperCpu()});
  }

  void AddCounts(std::vector<size_t>* counts) {
    for (const std::unique_ptr<Slot>& slot : slots_) {
      const std::vector<size_t>& of_slot = slot->sweeper.Counts();
      for (size_t i = 0; i < of_slot.size(); ++i) (*counts)[i] += of_slot[i];
    }
  }

 private:
  [[nodiscard]] std::atomic<int64_t>* HelperCpu() const {
    QueryProgress* progress = job_.query.request.progress;
    return progress == nullptr ? nullptr : &progress->helper_cpu_ns;
  }
  [[nodiscard]] size_t parts() const { return (job_.series.size() + batch_ - 1) / batch_; }
  // The results that all slots have room for.
  [[nodiscard]] size_t SlotSamples() const { return slots_.size() * batch_ * job_.grid.count; }
  // The room of each slot's samples, which stays as large as its longest series so far.
  Result<void> CheckSamples(size_t slot) {
    if (slots_[slot]->most_samples <= held_[slot]) return Ok();
    held_total_ += slots_[slot]->most_samples - held_[slot];
    held_[slot] = slots_[slot]->most_samples;
    // As samples one series counts, as elsewhere; the bytes are there for each slot.
    const size_t longest = *std::max_element(held_.begin(), held_.end());
    return job_.query.CheckRoom(
        {SlotSamples() + longest, (SlotSamples() + held_total_) * QueryContext::kSampleBytes});
  }
  [[nodiscard]] std::span<double> RowOf(Slot& slot, size_t k) const {
    return {slot.rows.get() + k * job_.grid.count, job_.grid.count};
  }

  // Any thread. Touches nothing of the query but what is constant.
  void Produce(size_t part) {
    Slot& slot = *slots_[part % slots_.size()];
    const size_t first = part * batch_;
    const size_t n = std::min(batch_, job_.series.size() - first);
    slot.samples_read = 0;
    slot.result = Ok();
    for (size_t k = 0; k < n && slot.result && !job_.query.Over(); ++k) {
      slot.outcomes[k] = Outcome::kNothing;
      slot.result = ReadRange(job_.query, job_.selector, job_.series, first + k, &slot.samples);
      if (!slot.result) return;
      if (!slot.samples.histograms.empty() ||
          (job_.looks_at_starts && !slot.samples.start_timestamps.empty())) {
        slot.outcomes[k] = Outcome::kSerial;
        continue;
      }
      slot.samples_read += slot.samples.size();
      slot.most_samples = std::max(slot.most_samples, slot.samples.size());
      if (!slot.sweeper.LayOut(slot.samples.timestamps)) continue;
      slot.sweeper.Run(job_.function, slot.samples, job_.args, RowOf(slot, k));
      slot.outcomes[k] = Outcome::kRow;
    }
  }

  Result<void> Take(size_t part) {
    Slot& slot = *slots_[part % slots_.size()];
    TRY(std::move(slot.result));
    const size_t first = part * batch_;
    const size_t n = std::min(batch_, job_.series.size() - first);
    TRY(CheckSamples(part % slots_.size()));
    {
      const ProfileScope scope(job_.query.profile, &job_.selector);
      job_.query.stats.samples_read += static_cast<int64_t>(slot.samples_read);
    }
    for (size_t k = 0; k < n; ++k) {
      TRY(job_.query.CheckAlive());
      const Labels& labels = job_.series.labels(first + k);
      if (slot.outcomes[k] == Outcome::kRow) {
        TRY(job_.take_row(labels, RowOf(slot, k)));
      } else if (slot.outcomes[k] == Outcome::kSerial) {
        TRY(ReadRange(job_.query, job_.selector, job_.series, first + k, &slot.samples));
        const size_t cost = SamplesCost(slot.samples);
        job_.query.stats.samples_read += static_cast<int64_t>(cost);
        TRY(job_.query.CheckRoom(cost));
        TRY(job_.take_serially(labels, slot.samples));
      }
    }
    return Ok();
  }

  const ParallelRange& job_;
  size_t batch_;  // series per part
  std::vector<std::unique_ptr<Slot>> slots_;
  std::vector<size_t> held_ = std::vector<size_t>(kMaxBatchesInWork);  // samples, by slot
  size_t held_total_ = 0;
};

}  // namespace

bool IsWorthHelp(const QueryContext& query, const Grid& grid, const storage::SeriesSet& series) {
  return query.workers != nullptr && series.size() >= kMinSeries &&
         series.size() * grid.count >= kMinResults;
}

Result<void> RunParallelRange(const ParallelRange& job, std::vector<size_t>* counts) {
  Runner runner(job);
  TRY(runner.Run());
  runner.AddCounts(counts);
  return Ok();
}

}  // namespace vigil::promql
