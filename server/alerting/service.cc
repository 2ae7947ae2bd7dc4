// SPDX-License-Identifier: Apache-2.0
#include "server/alerting/service.h"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <random>
#include <utility>

#include "client-lib/base/log.h"

namespace vigil::alerting {
namespace {

constexpr DurationMs kSweepEvery = 10'000;
// The wall clock may jump: it is looked at so often.
constexpr DurationMs kLookAtLeastEvery = 1'000;
// Less is how clocks are kept right, and needs no care.
constexpr DurationMs kClockTolerance = 5'000;

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

uint64_t RandomSeed() {
  std::random_device random;
  return uint64_t{random()} << 32 | random();
}

}  // namespace

AlertingService::AlertingService(std::shared_ptr<const AlertingConfig> config, Options options,
                                 StateStore& store, Notifier& notifier, const Clock& clock)
    : options_(std::move(options)),
      notifier_(notifier),
      clock_(clock),
      inbox_(std::make_shared<Inbox>()),
      text_seed_(RandomSeed()),
      keeper_(store, clock, options_.save_delay, options_.max_unsaved_events),
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
    AlertingState state = TRY_CONTEXT(keeper_.Load(), "loading the state of alerting");
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
    TRY_CONTEXT(keeper_.SaveGroups({}), "taking the timers of groups");
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
    router_.alerts().ForEach([&](const AlertSlot& slot) NO_THREAD_SAFETY_ANALYSIS {
      AlertPtr behind = ledger_.CatchUp(slot.alert(), now);
      if (behind != nullptr) late.alerts.push_back(std::move(behind));
    });
    keeper_.Add(std::move(late), now);
    groups = router_.ExportGroups();
  }
  keeper_.SaveAll(groups);
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

// report_of gives the views of an item; post posts what says something new.
template <typename Items, typename ReportOf, typename PostOf>
Result<void> AlertingService::PostAll(const Items& items, ReportOf&& report_of, PostOf&& post) {
  if (any_keeper().lost()) return StateKeeper::Lost();
  Result<void> first = Ok();
  bool stir = false;
  {
    const MutexLock lock(mutex_);
    const TimestampMs now = clock_.Now();
    AlertingCounters& counters = history_.counters();
    for (const auto& item : items) {
      const AlertReport report = report_of(item);
      const uint64_t fingerprint = Fingerprint(report.labels);
      if (router_.Refresh(report, fingerprint, now)) {
        ++counters.received_firing;
        continue;
      }
      stir = true;
      Result<void> posted = post(item, fingerprint, now);
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
  if (any_keeper().lost()) return;
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
      [&](const PostedAlert& alert, uint64_t, TimestampMs now)
          NO_THREAD_SAFETY_ANALYSIS { return router_.Post(alert, now); });
}

Result<void> AlertingService::PostReports(std::span<const AlertReport> reports) {
  return PostAll(
      reports, [](const AlertReport& report) { return report; },
      [&](const AlertReport& report, uint64_t fingerprint, TimestampMs now)
          NO_THREAD_SAFETY_ANALYSIS { return router_.Post(report, fingerprint, now); });
}

size_t AlertingService::PostTexts(std::span<const AlertText> texts) {
  if (any_keeper().lost()) return 0;
  size_t done = 0;
  bool stir = false;
  {
    const MutexLock lock(mutex_);
    const KnownTexts& known = router_.alerts().texts();
    for (const AlertText& text : texts) known.Prefetch(text.key);
    for (const AlertText& text : texts) {
      const AlertSlot* slot = known.Find(text.key);
      if (slot == nullptr) return 0;
    }
    const TimestampMs now = clock_.Now();
    while (done < texts.size() && router_.Refresh(texts[done], now)) ++done;
    history_.counters().received_firing += done;
    stir = router_.has_changes();
  }
  if (stir) inbox_->Stir();
  return done;
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
  router_.alerts().ForEach([&](const AlertSlot& slot) {
    if (slot.times().ResolvedAt(now)) return;
    ++active;
    muted += MatchesLabels(silence.matchers, slot.labels()) ? 1 : 0;
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
  TRY(keeper_.StoreNow(changes, "the silence"));
  const MutexLock lock(mutex_);
  router_.silences().Adopt(std::move(planned));
  return Ok();
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
  TRY(keeper_.StoreNow(changes, "the acknowledgement"));
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
  TRY(keeper_.StoreNow(changes, "the change"));
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
  router_.alerts().ForEach([&](const AlertSlot& slot) NO_THREAD_SAFETY_ANALYSIS {
    if (slot.times().ResolvedAt(now) && ledger_.IsOpen(slot.fingerprint())) {
      ended_.push_back(slot.alert());
    }
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
  changes.known_alerts = ledger_.size();
  keeper_.Add(std::move(changes), now);
}

void AlertingService::TakeAnswers(TimestampMs now) {
  for (Inbox::Answer& answer : inbox_->Take()) {
    router_.Sent(answer.id, answer.outcome, now, std::move(answer.receiver_data));
  }
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
    const bool away = keeper_.away();
    if (!away) keeper_.SaveIfDue(now, due);
    if (keeper_.lost()) return kNever;
    {
      const MutexLock lock(mutex_);
      if (due) messages = router_.Advance(now);
      Gather(now);
      next = std::min(router_.NextDeadline(), next_sweep_);
    }
    if (away) Send(std::exchange(messages, {}));
    if (away || due) keeper_.SaveIfDue(now, !messages.empty());
    if (keeper_.lost()) return kNever;
    next = std::min(next, keeper_.NextSave());
  }
  Send(std::move(messages));
  const MutexLock store(store_mutex_);
  keeper_.TidyUp();
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
  AlertingStats stats;
  any_keeper().Count(&stats);
  stats.counters = history_.counters();
  router_.alerts().ForEach([&](const AlertSlot& slot) {
    ++(slot.times().ResolvedAt(now) ? stats.alerts_over : stats.alerts_active);
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
