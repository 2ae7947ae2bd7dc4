// SPDX-License-Identifier: Apache-2.0
#include "server/alerting/service.h"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "client-lib/base/log.h"

namespace vigil::alerting {
namespace {

constexpr DurationMs kSweepEvery = 10'000;
constexpr DurationMs kFirstSavePause = 1'000;
constexpr DurationMs kLongestSavePause = 30'000;
// The wall clock may jump: it is looked at so often.
constexpr DurationMs kLookAtLeastEvery = 1'000;
// Less is how clocks are kept right, and needs no care.
constexpr DurationMs kClockTolerance = 5'000;

// So many rows are stored without waiting for more: they take memory, twice while they are written.
constexpr size_t kManyUnsaved = 10'000;

constexpr std::string_view kForce = "force";

// Nothing but an empty label escapes it, if at all.
bool MatchesAlmostAll(const LabelMatcher& matcher) {
  switch (matcher.type()) {
    case MatchType::kEqual:
      return false;
    case MatchType::kNotEqual:
    case MatchType::kNotRegexp:
      return matcher.value().empty();
    case MatchType::kRegexp:
      break;
  }
  return matcher.value() == ".*" || matcher.value() == ".+" || matcher.value() == "^.*$" ||
         matcher.value() == "^.+$" || matcher.value() == "(.*)" || matcher.value() == "(.+)";
}

Error Lost() {
  return Unavailable("another server has taken the database over: this one alerts no more, end it");
}

}  // namespace

// Answers of receivers, and reasons to wake up. Threads: any.
class AlertingService::Inbox {
 public:
  struct Answer {
    uint64_t id = 0;
    SendOutcome outcome;
    StringMap receiver_data;
  };

  void Began() {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++missing_;
  }
  void Put(Answer answer) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      answers_.push_back(std::move(answer));
      --missing_;
      stirred_ = true;
    }
    changed_.notify_all();
  }
  std::vector<Answer> Take() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return std::exchange(answers_, {});
  }
  void Stir() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (std::exchange(stirred_, true)) return;
    }
    changed_.notify_all();
  }
  void RequestStop() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
  }
  // False once the thread is to end.
  bool Wait(DurationMs most) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait_for(lock, std::chrono::milliseconds(most),
                      [this] { return stirred_ || stopping_; });
    stirred_ = false;
    return !stopping_;
  }
  void WaitForAnswers(DurationMs most) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait_for(lock, std::chrono::milliseconds(most), [this] { return missing_ == 0; });
  }

 private:
  std::mutex mutex_;  // the condition variable needs the bare one; guards all below
  std::condition_variable changed_;
  std::vector<Answer> answers_;
  size_t missing_ = 0;
  bool stirred_ = false;
  bool stopping_ = false;
};

AlertingService::AlertingService(std::shared_ptr<const AlertingConfig> config, Options options,
                                 StateStore& store, Notifier& notifier, const Clock& clock)
    : options_(std::move(options)),
      store_(store),
      notifier_(notifier),
      clock_(clock),
      inbox_(std::make_shared<Inbox>()),
      unsaved_(options_.max_unsaved_events),
      router_(std::move(config), options_.router, clock.Now()) {
  router_.set_flush_observer(
      [this](const Flush& flush, const FlushPlan& plan) { OnFlush(flush, plan); });
  router_.set_delivery_observer([this](const DeliveryReport& report) { OnDelivery(report); });
}

AlertingService::~AlertingService() { Stop(); }

void AlertingService::OnFlush(const Flush& flush, const FlushPlan& plan) {
  history_.Flushed(flush, plan);
  for (const AlertPtr& alert : flush.alerts) {
    if (alert->ResolvedAt(flush.now) && ledger_.IsOpen(alert->fingerprint)) {
      ended_.push_back(alert);
    }
  }
}

void AlertingService::OnDelivery(const DeliveryReport& report) { history_.Delivered(report); }

Result<void> AlertingService::Start() {
  {
    const MutexLock store(store_mutex_);
    AlertingState state = TRY_CONTEXT(store_.Load(), "loading the state of alerting");
    const MutexLock lock(mutex_);
    Restore(std::move(state), clock_.Now());
  }
  std::shared_ptr<const AlertingConfig> config;
  {
    const MutexLock lock(mutex_);
    config = router_.shared_config();
  }
  TRY(notifier_.Apply(std::move(config)));
  {
    const MutexLock store(store_mutex_);
    // They are in memory now; after a crash they would be of the run before.
    TRY_CONTEXT(store_.SaveGroups({}), "taking the timers of groups");
  }
  running_ = true;
  if (options_.own_thread) thread_ = std::thread([this] { Loop(); });
  return Ok();
}

void AlertingService::Restore(AlertingState state, TimestampMs now) {
  std::sort(state.renewed.begin(), state.renewed.end());
  const DurationMs resolve_timeout = router_.config().global.resolve_timeout;
  for (Alert& alert : state.alerts) {
    const bool renewed =
        std::binary_search(state.renewed.begin(), state.renewed.end(), alert.fingerprint);
    ledger_.Restore(alert, renewed);
    history_.Restored(alert.fingerprint);
    alert = AlertLedger::Revive(std::move(alert), renewed, now, resolve_timeout);
  }
  router_.Restore(state, now);
  if (state.alerts.empty() && state.silences.empty() && state.log.empty()) return;
  log::Info("alerting", "took up where it was",
            {{"alerts", state.alerts.size()},
             {"silences", state.silences.size()},
             {"notifications", state.log.size()}});
}

void AlertingService::Stop() {
  EndDrills();
  if (!running_) return;
  running_ = false;
  inbox_->RequestStop();
  if (thread_.joinable()) thread_.join();
  // A receiver that has the message already should be noted, not told again by the next start.
  inbox_->WaitForAnswers(options_.stop_wait);
  notifier_.Stop();
  SaveAtTheEnd();
}

void AlertingService::SaveAtTheEnd() {
  const TimestampMs now = clock_.Now();
  const MutexLock store(store_mutex_);
  std::vector<GroupState> groups;
  {
    const MutexLock lock(mutex_);
    TakeAnswers(now);
    router_.ReportUnsent(now);
    NoteEnds(now);
    Gather(now);
    AlertingChanges late;
    router_.alerts().ForEach([&](const AlertPtr& alert) NO_THREAD_SAFETY_ANALYSIS {
      if (AlertPtr behind = ledger_.CatchUp(alert, now)) late.alerts.push_back(std::move(behind));
    });
    unsaved_.Add(std::move(late));
    groups = router_.ExportGroups();
  }
  if (!unsaved_.empty() && !lost_) Save();
  if (lost_) return;  // said before
  Result<void> saved = store_.SaveGroups(groups);
  if (saved) return;
  log::Warn("alerting", "the timers of groups are lost: they are flushed at the next start",
            {{"err", saved.error()}});
}

Result<void> AlertingService::Reload(std::shared_ptr<const AlertingConfig> config) {
  const MutexLock reload(reload_mutex_);
  TRY(notifier_.Apply(config));
  {
    const MutexLock lock(mutex_);
    router_.Reload(std::move(config), clock_.Now());
  }
  inbox_->Stir();
  return Ok();
}

// report_of gives the views of an item, copy_of the alert itself.
template <typename Items, typename ReportOf, typename CopyOf>
Result<void> AlertingService::PostAll(const Items& items, ReportOf&& report_of, CopyOf&& copy_of) {
  if (lost_) return Lost();
  Result<void> first = Ok();
  bool stir = false;
  {
    const MutexLock lock(mutex_);
    const TimestampMs now = clock_.Now();
    AlertingCounters& counters = history_.counters();
    for (const auto& item : items) {
      const AlertReport report = report_of(item);
      if (router_.Refresh(report, now)) {
        ++counters.received_firing;
        continue;
      }
      stir = true;
      Result<void> posted = router_.Post(copy_of(item), now);
      if (!posted) {
        ++counters.invalid;
        if (first) first = std::move(posted);
      } else {
        ++(report.ends_at.value_or(now + 1) <= now ? counters.received_resolved
                                                   : counters.received_firing);
      }
    }
    stir = stir || router_.has_changes();
  }
  if (stir) inbox_->Stir();
  return first;
}

void AlertingService::NotePending(const std::vector<PostedAlert>& alerts) {
  if (lost_) return;
  const MutexLock lock(mutex_);
  const TimestampMs now = clock_.Now();
  for (const PostedAlert& alert : alerts) history_.Pending(alert, now);
}

Result<void> AlertingService::Post(const std::vector<PostedAlert>& alerts) {
  std::vector<LabelView> labels;
  std::vector<LabelView> annotations;
  return PostAll(
      alerts,
      [&](const PostedAlert& alert) {
        labels.assign(alert.labels.begin(), alert.labels.end());
        annotations.assign(alert.annotations.begin(), alert.annotations.end());
        return AlertReport{labels, annotations, alert.generator_url, alert.starts_at,
                           alert.ends_at};
      },
      [](const PostedAlert& alert) -> const PostedAlert& { return alert; });
}

Result<void> AlertingService::PostReports(const std::vector<AlertReport>& reports) {
  return PostAll(
      reports, [](const AlertReport& report) { return report; },
      [](const AlertReport& report) { return report.Copy(); });
}

Result<void> AlertingService::Guard(const Silence& silence, TimestampMs now) const {
  if (options_.silence_guard_percent <= 0) return Ok();
  const auto force = silence.annotations.find(std::string(kForce));
  if (force != silence.annotations.end() && force->second == "true") return Ok();
  constexpr std::string_view kHow =
      "narrow its matchers, or give it the annotation force=\"true\" if that is meant";
  if (std::all_of(silence.matchers.begin(), silence.matchers.end(), MatchesAlmostAll)) {
    return BadData(fmt::format("the silence would mute every alert: {}", kHow));
  }
  size_t active = 0;
  size_t muted = 0;
  router_.alerts().ForEach([&](const AlertPtr& alert) {
    if (alert->ResolvedAt(now)) return;
    ++active;
    muted += MatchesLabels(silence.matchers, alert->labels) ? 1 : 0;
  });
  const double percent =
      active == 0 ? 0 : 100.0 * static_cast<double>(muted) / static_cast<double>(active);
  if (percent <= options_.silence_guard_percent) return Ok();
  return BadData(fmt::format(
      "the silence would mute {} of {} active alerts, more than the {} % that are allowed: {}",
      muted, active, options_.silence_guard_percent, kHow));
}

Result<void> AlertingService::StoreSilences(std::vector<Silence> planned) {
  AlertingChanges changes;
  changes.silences = planned;
  TRY(StoreNow(changes, "the silence"));
  const MutexLock lock(mutex_);
  router_.silences().Adopt(std::move(planned));
  return Ok();
}

Result<void> AlertingService::StoreNow(const AlertingChanges& changes, std::string_view what) {
  if (lost_) return Lost();
  const Result<void> saved = store_.Save(changes);
  if (saved) {
    // What waits may hold an older word on the same thing, and is written later.
    if (!unsaved_.empty()) unsaved_.Add(changes);
    return Ok();
  }
  if (saved.error().kind == ErrorKind::kNotFound) NoteLost(saved.error());
  return Unavailable(fmt::format("{} could not be stored and nothing was changed, try again: {}",
                                 what, saved.error().message));
}

Result<void> AlertingService::Acknowledge(uint64_t fingerprint, const std::string& by,
                                          const std::string& comment) {
  const MutexLock store(store_mutex_);
  AlertPtr alert;
  AlertingChanges changes;
  {
    const MutexLock lock(mutex_);
    const TimestampMs now = clock_.Now();
    alert = router_.alerts().Find(fingerprint);
    if (alert == nullptr || alert->ResolvedAt(now)) {
      return NotFound("no alert with this fingerprint is firing");
    }
    // An alert may claim to begin in the future.
    changes.acknowledgements.push_back({fingerprint, std::max(now, alert->starts_at), by, comment});
  }
  TRY(StoreNow(changes, "the acknowledgement"));
  const MutexLock lock(mutex_);
  router_.acknowledgements().Put(changes.acknowledgements[0]);
  history_.Acknowledged(*alert, by, comment, clock_.Now());
  return Ok();
}

Result<void> AlertingService::Unacknowledge(uint64_t fingerprint) {
  const MutexLock store(store_mutex_);
  {
    const MutexLock lock(mutex_);
    const AlertPtr alert = router_.alerts().Find(fingerprint);
    if (alert == nullptr || router_.acknowledgements().Find(*alert) == nullptr) {
      return NotFound("nobody acknowledged an alert with this fingerprint");
    }
  }
  AlertingChanges changes;
  changes.gone_acknowledgements.push_back(fingerprint);
  TRY(StoreNow(changes, "the change"));
  const MutexLock lock(mutex_);
  router_.acknowledgements().Remove(fingerprint);
  return Ok();
}

Result<std::string> AlertingService::SetSilence(Silence silence) {
  const MutexLock store(store_mutex_);
  std::vector<Silence> planned;
  {
    const MutexLock lock(mutex_);
    const TimestampMs now = clock_.Now();
    TRY(Guard(silence, now));
    planned = TRY(router_.silences().PlanSet(std::move(silence), now));
  }
  std::string id = planned.back().id;
  TRY(StoreSilences(std::move(planned)));
  return id;
}

Result<void> AlertingService::ExpireSilence(const std::string& id) {
  const MutexLock store(store_mutex_);
  std::vector<Silence> planned;
  {
    const MutexLock lock(mutex_);
    planned = TRY(router_.silences().PlanExpire(id, clock_.Now()));
  }
  if (planned.empty()) return Ok();
  return StoreSilences(std::move(planned));
}

Result<std::vector<DrillResult>> AlertingService::TestReceiver(const DrillRequest& request) {
  if (drills_.stop_requested()) return Unavailable("the server is being stopped");
  Result<std::vector<Integration>> integrations = std::vector<Integration>();
  Look([&](const AlertRouter& router, TimestampMs) {
    integrations = IntegrationsOf(request.receiver, router.config());
  });
  if (!integrations) return std::move(integrations).error();
  return RunDrill(request, *integrations, notifier_, clock_, drills_.get_token());
}

void AlertingService::Look(const std::function<void(const AlertRouter&, TimestampMs)>& look) const {
  const MutexLock lock(mutex_);
  look(router_, clock_.Now());
}

void AlertingService::Note(const AlertPtr& alert, TimestampMs now, AlertingChanges* to) {
  if (router_.IsOutdated(*alert, now)) return;
  AlertLedger::Noted noted = ledger_.Note(alert, now);
  history_.Noted(*alert, noted.change, now);
  if (noted.to_store != nullptr) to->alerts.push_back(std::move(noted.to_store));
  if (noted.renewed) to->renewed.push_back(alert->fingerprint);
}

void AlertingService::NoteEnds(TimestampMs now) {
  router_.alerts().ForEach([&](const AlertPtr& alert) NO_THREAD_SAFETY_ANALYSIS {
    if (alert->ResolvedAt(now) && ledger_.IsOpen(alert->fingerprint)) ended_.push_back(alert);
  });
}

void AlertingService::Gather(TimestampMs now) {
  AlertingChanges changes = router_.TakeChanges();
  changes.heartbeats = router_.TakeHeartbeats(now);
  const std::vector<AlertPtr> touched = std::exchange(changes.alerts, {});
  for (const AlertPtr& alert : touched) Note(alert, now, &changes);
  for (const AlertPtr& alert : std::exchange(ended_, {})) Note(alert, now, &changes);
  for (const uint64_t fingerprint : changes.gone_alerts) {
    ledger_.Forget(fingerprint);
    history_.Forget(fingerprint);
  }
  history_.TakeEvents(&changes);
  if (unsaved_.empty()) unsaved_since_ = now;
  unsaved_.Add(std::move(changes));
}

void AlertingService::TakeAnswers(TimestampMs now) {
  for (Inbox::Answer& answer : inbox_->Take()) {
    router_.Sent(answer.id, answer.outcome, now, std::move(answer.receiver_data));
  }
}

TimestampMs AlertingService::NextSave() const {
  if (unsaved_.empty()) return kNever;
  if (save_pause_ != 0) return save_not_before_;
  return unsaved_since_ + options_.save_delay;
}

void AlertingService::SaveIfDue(TimestampMs now, bool wanted) {
  if (unsaved_.empty() || lost_) return;
  if (save_pause_ != 0 && now < save_not_before_ && now + kLongestSavePause > save_not_before_) {
    return;
  }
  // The first condition of the last line sees a wall clock that was set back, as the one above.
  const bool waited = now < unsaved_since_ || now >= unsaved_since_ + options_.save_delay;
  const bool before_sending = wanted && unsaved_.has_state();
  const bool many = unsaved_.rows() >= kManyUnsaved;
  if (waited || before_sending || many || unsaved_.has_log()) Save();
}

void AlertingService::Save() {
  AlertingChanges changes = unsaved_.Take();
  {
    const MutexLock lock(mutex_);
    changes.known_alerts = ledger_.size();
  }
  const int64_t began_ns = clock_.MonotonicNs();
  Result<void> saved = store_.Save(changes);
  const double seconds = static_cast<double>(clock_.MonotonicNs() - began_ns) / 1e9;
  if (!saved) unsaved_.Return(std::move(changes));
  {
    const MutexLock lock(mutex_);
    store_stats_.store_works = saved.has_value();
    store_stats_.save_seconds += seconds;
    store_stats_.unsaved_rows = unsaved_.rows();
    store_stats_.dropped_events = unsaved_.dropped_events();
    ++(saved ? store_stats_.saves : store_stats_.save_failures);
  }
  if (!saved) return SaveFailed(saved.error());
  if (std::exchange(save_pause_, 0) == 0) return;
  log::Info("alerting", "the state of alerting is stored again");
}

void AlertingService::NoteLost(const Error& error) {
  if (lost_.exchange(true)) return;
  log::Error("alerting",
             "another server has taken the database over: this one notifies nobody any more and "
             "takes neither alerts nor silences; end it",
             {{"err", error}});
}

void AlertingService::SaveFailed(const Error& error) {
  if (error.kind == ErrorKind::kNotFound) return NoteLost(error);
  if (save_pause_ == 0) {
    log::Error("alerting",
               "the state of alerting could not be stored; notifying goes on from memory, silences "
               "cannot be changed",
               {{"err", error}});
  }
  save_pause_ = std::clamp(2 * save_pause_, kFirstSavePause, kLongestSavePause);
  // The attempt may have taken long.
  save_not_before_ = clock_.Now() + save_pause_;
}

void AlertingService::Send(std::vector<Outgoing> messages) {
  for (Outgoing& message : messages) {
    inbox_->Began();
    notifier_.Send(std::move(message),
                   [inbox = inbox_](uint64_t id, SendOutcome outcome, StringMap receiver_data) {
                     inbox->Put({id, std::move(outcome), std::move(receiver_data)});
                   });
  }
}

void AlertingService::FollowClock(TimestampMs now) {
  const TimestampMs last = std::exchange(last_run_, now);
  if (last == 0 || now >= last - kClockTolerance) return;
  log::Warn("alerting", "the clock was set back: what was due later is moved with it",
            {{"seconds", static_cast<double>(last - now) / 1000}});
  router_.MoveTimers(last - now);
}

bool AlertingService::Collect(TimestampMs now) {
  const MutexLock lock(mutex_);
  FollowClock(now);
  TakeAnswers(now);
  if (now >= next_sweep_ || next_sweep_ > now + kSweepEvery) {
    next_sweep_ = now + kSweepEvery;
    NoteEnds(now);
  }
  Gather(now);
  return router_.NextDeadline() <= now;
}

TimestampMs AlertingService::RunOnce() {
  std::vector<Outgoing> messages;
  TimestampMs next = kNever;
  {
    const MutexLock store(store_mutex_);
    const TimestampMs now = clock_.Now();
    const bool due = Collect(now);
    // A database that hangs must not keep messages back: they go first while it fails.
    const bool away = save_pause_ != 0;
    if (!away) SaveIfDue(now, due);
    if (lost_) return kNever;
    {
      const MutexLock lock(mutex_);
      if (due) messages = router_.Advance(now);
      Gather(now);
      next = std::min(router_.NextDeadline(), next_sweep_);
    }
    if (away) Send(std::exchange(messages, {}));
    if (away || due) SaveIfDue(now, !messages.empty());
    if (lost_) return kNever;
    next = std::min(next, NextSave());
  }
  Send(std::move(messages));
  const MutexLock store(store_mutex_);
  store_.TidyUp();
  return next;
}

void AlertingService::Loop() {
  pthread_setname_np(pthread_self(), "alerting");
  while (true) {
    const DurationMs pause = std::clamp<DurationMs>(RunOnce() - clock_.Now(), 0, kLookAtLeastEvery);
    if (!inbox_->Wait(pause)) return;
  }
}

AlertingStats AlertingService::Stats() const {
  const MutexLock lock(mutex_);
  const TimestampMs now = clock_.Now();
  AlertingStats stats = store_stats_;
  stats.counters = history_.counters();
  router_.alerts().ForEach([&](const AlertPtr& alert) {
    ++(alert->ResolvedAt(now) ? stats.alerts_over : stats.alerts_active);
  });
  stats.alerts_suppressed = history_.suppressed_alerts();
  stats.alerts_dropped_by_limit = router_.alerts().dropped_by_limit();
  const auto silences = router_.silences().CountByState(now);
  stats.silences_pending = silences[static_cast<size_t>(SilenceState::kPending)];
  stats.silences_active = silences[static_cast<size_t>(SilenceState::kActive)];
  stats.silences_expired = silences[static_cast<size_t>(SilenceState::kExpired)];
  stats.log_entries = router_.log().size();
  stats.groups = router_.dispatcher().group_count();
  stats.receivers = router_.config().receivers.size();
  for (const auto& [name, integrations] : ListIntegrations(router_.config().receivers)) {
    stats.integrations += integrations.size();
  }
  return stats;
}

}  // namespace vigil::alerting
