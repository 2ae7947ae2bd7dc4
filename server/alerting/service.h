// SPDX-License-Identifier: Apache-2.0
// Alerting at work: one thread that advances an AlertRouter, hands its messages to the notifier and
// keeps its state in the state store.
//
// What holds, whenever the process is killed:
//   - A message is at least once: what a receiver has answered is stored before its group sends
//     anything else, and what is not stored is sent again after a restart.
//   - What was stored is not repeated.
//   - Before messages go out, storage knows the alerts they are about.
// While the store fails, alerting goes on from memory: changes are kept and stored later, and only
// changes of silences are refused. Once another server has taken the database over, nothing is sent
// or taken any more.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "client-lib/base/clock.h"
#include "client-lib/base/mutex.h"
#include "server/alerting/alert_ledger.h"
#include "server/alerting/alert_router.h"
#include "server/alerting/alert_sink.h"
#include "server/alerting/alerting_stats.h"
#include "server/alerting/drill.h"
#include "server/alerting/history_recorder.h"
#include "server/alerting/inbox.h"
#include "server/alerting/notifier.h"
#include "server/alerting/state_keeper.h"

namespace vigil::alerting {

// Threads: Start and Stop on the owner's thread; the rest any.
class AlertingService final : public AlertSink {
 public:
  struct Options {
    AlertRouter::Options router;
    // Changes of alerts alone wait so long for others, to be stored together.
    DurationMs save_delay = 1'000;
    // Events for history that are kept while the store fails, of each kind.
    size_t max_unsaved_events = 100'000;
    // How long Stop waits for receivers that are just being told.
    DurationMs stop_wait = 5'000;
    // A silence that would mute more than this share of the active alerts, in percent, is refused,
    // and so is one whose matchers match every alert, unless it has the annotation `force: "true"`.
    // 0: everything is allowed, as upstream.
    double silence_guard_percent = 0;
    // False: nothing happens but in RunOnce. For tests.
    bool own_thread = true;
  };
  // store, notifier and clock must outlive the service.
  AlertingService(std::shared_ptr<const AlertingConfig> config, Options options, StateStore& store,
                  Notifier& notifier, const Clock& clock);
  ~AlertingService() override;

  // Loads what was stored and begins. The error is the store's, or the notifier's.
  Result<void> Start();
  // Waits for answers of receivers, ends the notifier, stores timers and changes; sends nothing
  // more. Twice is fine.
  void Stop();
  // The notifier first: on an error the configuration before stays.
  Result<void> Reload(std::shared_ptr<const AlertingConfig> config);

  // Alerts are in memory when it returns, and stored soon after: their sources repeat them.
  Result<void> Post(const std::vector<PostedAlert>& alerts) override;
  void NotePending(const std::vector<PostedAlert>& alerts) override;
  // The same for views of a request's body: what only repeats known alerts is done without a copy.
  Result<void> PostReports(std::span<const AlertReport> reports);
  // The same for a body that is not read yet. Returns how many of its first alerts are done: they
  // repeat known texts. The rest has to be read and posted, and is good when there are any: all
  // texts are known then.
  size_t PostTexts(std::span<const AlertText> texts);
  // For the keys of texts (KeyOfText).
  [[nodiscard]] uint64_t text_seed() const { return text_seed_; }
  // Both return once the change is stored, and it works from then on; on an error nothing changed.
  // The errors of Silences, bad_data of the guard, or unavailable while the store fails.
  Result<std::string> SetSilence(Silence silence);
  Result<void> ExpireSilence(const std::string& id);
  // Somebody takes a firing alert on, or gives it back. Stored when they return; not_found when no
  // such alert fires, or unavailable.
  Result<void> Acknowledge(uint64_t fingerprint, const std::string& by, const std::string& comment);
  Result<void> Unacknowledge(uint64_t fingerprint);

  // Sends a test alert to each integration of a receiver and waits for them. not_found: no such
  // receiver; unavailable after EndDrills().
  Result<std::vector<DrillResult>> TestReceiver(const DrillRequest& request);
  // Tests that run end at once, and no further one begins: before whoever waits for them is ended.
  void EndDrills() { drills_.request_stop(); }

  // Calls look(router, now) while nothing changes: copy what you need and be quick. It must not
  // call the service.
  void Look(const std::function<void(const AlertRouter&, TimestampMs)>& look) const;
  [[nodiscard]] AlertingStats Stats() const;

  // Takes answers, stores, sends what is due. Returns when it wants to be called again. With
  // own_thread the thread does this.
  TimestampMs RunOnce();

 private:
  void Loop();
  // Router's changes go to the keeper, folded by what storage knows.
  void Gather(TimestampMs now) REQUIRES_LOCK(store_mutex_, mutex_);
  void Note(const AlertPtr& alert, TimestampMs now, AlertingChanges* to) REQUIRES_LOCK(mutex_);
  // Alerts that nobody reports any more.
  void NoteEnds(TimestampMs now) REQUIRES_LOCK(mutex_);
  template <typename Items, typename ReportOf, typename PostOf>
  Result<void> PostAll(const Items& items, ReportOf&& report_of, PostOf&& post);
  void TakeAnswers(TimestampMs now) REQUIRES_LOCK(mutex_);
  // Timers are times of the wall clock.
  void FollowClock(TimestampMs now) REQUIRES_LOCK(mutex_);
  // The first half of RunOnce; true when the router has something to do.
  bool Collect(TimestampMs now) REQUIRES_LOCK(store_mutex_);
  void SaveAtTheEnd();
  void Send(std::vector<Outgoing> messages);
  // The router calls these under mutex_, which the analysis cannot see.
  void OnFlush(const Flush& flush, const FlushPlan& plan) NO_THREAD_SAFETY_ANALYSIS;
  void OnDelivery(const DeliveryReport& report) NO_THREAD_SAFETY_ANALYSIS;
  void Restore(AlertingState state, TimestampMs now) REQUIRES_LOCK(mutex_);
  Result<void> StoreSilences(std::vector<Silence> planned) REQUIRES_LOCK(store_mutex_);
  Result<void> Guard(const Silence& silence, TimestampMs now) const REQUIRES_LOCK(mutex_);
  // For what any thread may ask the keeper.
  [[nodiscard]] const StateKeeper& any_keeper() const NO_THREAD_SAFETY_ANALYSIS { return keeper_; }

  const Options options_;
  Notifier& notifier_;
  const Clock& clock_;
  const std::shared_ptr<Inbox> inbox_;  // outlives the service while answers are missing
  const uint64_t text_seed_;

  Mutex reload_mutex_;  // one Reload at a time; taken first
  // Held while the store is called; taken before mutex_.
  mutable Mutex store_mutex_;
  StateKeeper keeper_ GUARDED_BY(store_mutex_);
  std::stop_source drills_;  // requested: no more of them

  mutable Mutex mutex_;  // not held while store or notifier are called
  AlertRouter router_ GUARDED_BY(mutex_);
  AlertLedger ledger_ GUARDED_BY(mutex_);
  HistoryRecorder history_ GUARDED_BY(mutex_);
  // Of the observers, until the next Gather: alerts of flushes that are over.
  std::vector<AlertPtr> ended_ GUARDED_BY(mutex_);
  TimestampMs next_sweep_ GUARDED_BY(mutex_) = 0;
  TimestampMs last_run_ GUARDED_BY(mutex_) = 0;

  bool running_ = false;  // owner's thread
  std::thread thread_;
};

}  // namespace vigil::alerting
