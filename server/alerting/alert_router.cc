// SPDX-License-Identifier: Apache-2.0
#include "server/alerting/alert_router.h"

#include <algorithm>
#include <span>
#include <string_view>
#include <utility>

namespace vigil::alerting {
namespace {

// How soon a group asks again whether a message of the configuration before was answered.
constexpr DurationMs kOrphanPoll = 1'000;

std::string HoldKey(const LogEntry& entry) { return entry.group_key + ":" + entry.integration; }

DeliveryReport ReportOn(const Flush& flush, const Delivery& delivery) {
  DeliveryReport report;
  report.integration = delivery.integration;
  report.reason = delivery.reason;
  report.group_key = flush.group_key;
  report.group_labels = flush.group_labels;
  report.alerts = delivery.alerts;
  report.flushed_at = flush.now;
  return report;
}

}  // namespace

AlertRouter::AlertRouter(std::shared_ptr<const AlertingConfig> config, Options options,
                         TimestampMs now)
    : options_(std::move(options)),
      alerts_(options_.alerts_per_name),
      silences_(options_.silences),
      next_gc_(now + options_.gc_interval),
      no_flush_before_(
          std::max(options_.dispatch.no_flush_before,
                   options_.start_delay == 0 ? TimestampMs{0} : now + options_.start_delay)) {
  silences_.set_in_interval(
      [this](std::string_view name, TimestampMs when) { return IsInInterval(name, when); });
  Reload(std::move(config), now);
}

void AlertRouter::MakeDispatcher() {
  Dispatcher::Options dispatch = options_.dispatch;
  dispatch.no_flush_before = no_flush_before_;
  dispatcher_ = std::make_unique<Dispatcher>(std::make_shared<RouteTree>(config_->route), dispatch);
}

void AlertRouter::Reload(std::shared_ptr<const AlertingConfig> config, TimestampMs now) {
  config_ = std::move(config);
  // Alerts that are over and left the store, whose end is still to be told.
  std::vector<AlertSlotPtr> all;
  if (dispatcher_ != nullptr) {
    dispatcher_->ForEachAlert([&](const AlertSlotPtr& slot) {
      if (alerts_.FindSlot(slot->fingerprint()) == nullptr) all.push_back(slot);
    });
    std::sort(all.begin(), all.end(), [](const AlertSlotPtr& a, const AlertSlotPtr& b) {
      return a->fingerprint() < b->fingerprint();
    });
  }
  inhibitor_ = std::make_unique<Inhibitor>(config_->inhibit_rules);
  MakeDispatcher();
  intervals_ = MapIntervals(*config_);
  integrations_ = ListIntegrations(config_->receivers);
  expected_.Reset(*dispatcher_->tree(), now);
  ReportUnsent(now);
  // What is under way belongs to groups that are gone; the log tells the new ones what was said.
  for (auto& [id, pending] : pending_) {
    if (!pending.out) continue;
    DeliveryReport report = ReportOnPending(pending);
    const TimestampMs deadline = flushes_.at(pending.flush).flush.deadline;
    orphans_[id] = {std::move(pending.delivery.entry), std::move(report), deadline};
  }
  flushes_.clear();
  pending_.clear();
  // Sources are known before the first group is judged.
  for (AlertSlotPtr& slot : alerts_.All()) all.push_back(std::move(slot));
  for (const AlertSlotPtr& slot : all) inhibitor_->Process(slot);
  for (const AlertSlotPtr& slot : all) dispatcher_->Process(slot, now);
}

Result<void> AlertRouter::Post(const std::vector<PostedAlert>& alerts, TimestampMs now) {
  Result<void> first = Ok();
  for (const PostedAlert& posted : alerts) {
    Result<void> one = Post(posted, now);
    if (!one && first) first = std::move(one);
  }
  return first;
}

LabelNames AlertRouter::Names() const {
  return silences_.mode() == MatcherMode::kClassic ? LabelNames::kClassic : LabelNames::kUtf8;
}

Result<void> AlertRouter::Post(const PostedAlert& posted, TimestampMs now) {
  Accept(TRY(AcceptAlert(posted, now, config_->global.resolve_timeout, Names())), now);
  return Ok();
}

Result<void> AlertRouter::Post(const AlertReport& report, uint64_t fingerprint, TimestampMs now) {
  Alert alert;
  if (!SetTimes(report.starts_at, report.ends_at, now, config_->global.resolve_timeout, &alert)) {
    return EndsBeforeItStarts();
  }
  alert.labels = Labels::FromSorted(report.labels);
  alert.annotations = alerts_.HoldAnnotations(report.annotations);
  alert.generator_url = alerts_.HoldUrl(report.generator_url);
  const Labels as_posted = alert.labels;
  TRY(AcceptContent(Names(), &alert));
  alert.fingerprint = alert.labels == as_posted ? fingerprint : Fingerprint(alert.labels);
  Accept(std::move(alert), now, report.text);
  return Ok();
}

void AlertRouter::Accept(Alert alert, TimestampMs now, const TextKey& text) {
  const AlertSlotPtr slot = alerts_.Put(std::move(alert), now, text);
  for (const uint64_t evicted : alerts_.TakeEvicted()) leftover_.insert(evicted);
  if (slot == nullptr) return;
  slot->accepted = true;
  slot->extended = false;  // the ledger may write the alert anew
  Tell(slot.get(), now);
  const Alert& stored = *slot->alert();
  leftover_.erase(stored.fingerprint);
  inhibitor_->Process(slot);
  dispatcher_->Process(slot, now);
  if (expected_.empty() || stored.ResolvedAt(now) || TellsOfMissing(stored.labels)) return;
  expected_.Seen(dispatcher_->tree()->Match(stored.labels), now);
}

void AlertRouter::Tell(AlertSlot* slot, TimestampMs now) {
  const AlertPtr& fresh = slot->alert();
  std::vector<AlertPtr>& told = changes_.alerts;
  // While nobody takes the changes, one who repeats itself adds nothing: between two versions of
  // one life there is nothing to tell.
  if (slot->told < told.size() && told[slot->told]->fingerprint == fresh->fingerprint &&
      told[slot->told]->starts_at == fresh->starts_at && !told[slot->told]->ResolvedAt(now) &&
      !fresh->ResolvedAt(now)) {
    told[slot->told] = fresh;
  } else {
    slot->told = told.size();
    told.push_back(fresh);
  }
  slot->latest_end = std::max(slot->latest_end, slot->times().ends_at);
}

bool AlertRouter::Refresh(const AlertReport& report, uint64_t fingerprint, TimestampMs now) {
  AlertSlot* slot = alerts_.FindSlot(fingerprint);
  if (slot == nullptr || !SamePairs(slot->labels(), report.labels) ||
      !SamePairs(slot->annotations(), report.annotations) ||
      !(slot->generator_url() == report.generator_url) ||
      !Move(report.starts_at, report.ends_at, now, slot)) {
    return false;
  }
  if (!report.text.empty()) alerts_.Learn(slot, report.text);
  return true;
}

bool AlertRouter::Refresh(const AlertText& report, TimestampMs now) {
  return Move(report.starts_at, report.ends_at, now, alerts_.texts().Find(report.key));
}

// A report of the same content. False when more than its times has to be looked at.
bool AlertRouter::Move(std::optional<TimestampMs> starts_at, std::optional<TimestampMs> ends_at,
                       TimestampMs now, AlertSlot* slot) {
  if (!expected_.empty()) return false;  // each is a heartbeat, maybe
  const AlertTimes old = slot->times();
  if (!slot->placed || !slot->accepted || now >= slot->hurry_at || old.ResolvedAt(now) ||
      now < old.updated_at) {
    return false;
  }
  AlertTimes fresh;
  if (!SetTimes(starts_at, ends_at, now, config_->global.resolve_timeout, &fresh)) return false;
  fresh = MergeTimes(old, fresh, now);
  if (fresh.ResolvedAt(now) || fresh.starts_at != old.starts_at) return false;
  const bool tell = slot->drifted || fresh.ends_at < old.ends_at ||
                    (fresh.ends_at > old.ends_at && !slot->extended);
  slot->Move(fresh);
  // Older versions that wait may be over when they are taken: the newest one follows them.
  if (!tell && changes_.alerts.empty()) return true;
  // Whatever end the ledger has was told. A later one, and nothing else, makes it mark the alert.
  if (tell) slot->extended = slot->extended || fresh.ends_at > slot->latest_end;
  Tell(slot, now);
  return true;
}

bool AlertRouter::IsOutdated(const Alert& version, TimestampMs now) const {
  if (!version.ResolvedAt(now) || version.updated_at >= version.ends_at) return false;
  const AlertPtr newest = alerts_.Find(version.fingerprint);
  return newest != nullptr && !newest->ResolvedAt(now) && newest->starts_at <= version.starts_at;
}

void AlertRouter::PostExpected(TimestampMs now) {
  for (const PostedAlert& posted : expected_.Due(now)) {
    Result<Alert> alert = AcceptAlert(posted, now, config_->global.resolve_timeout);
    if (!alert) continue;  // labels of matchers that no alert can have
    const AlertPtr old = alerts_.Find(alert->fingerprint);
    const bool told = old != nullptr && !old->ResolvedAt(now);
    if (told || !alert->ResolvedAt(now)) Accept(*std::move(alert), now);
  }
}

TimestampMs AlertRouter::NextDeadline() const {
  TimestampMs next = dispatcher_->NextDeadline();
  for (const auto& [id, pending] : pending_) {
    if (pending.out) continue;
    next = std::min({next, pending.next_try, flushes_.at(pending.flush).flush.deadline});
  }
  return std::min({next, next_gc_, expected_.NextDeadline()});
}

void AlertRouter::Start(const Flush& flush) {
  FlushPlan plan =
      PlanFlush(flush, PipelineView{*inhibitor_, silences_, log_, intervals_, integrations_,
                                    acknowledgements_, options_.retention});
  if (observer_) observer_(flush, plan);
  const uint64_t id = next_id_++;
  Running& running = flushes_[id];
  running.flush = flush;
  running.keep = std::move(plan.keep);
  for (Delivery& delivery : plan.deliveries) {
    if (delivery.alerts.empty()) {
      Report(ReportOn(flush, delivery), NotificationResult::kUnwanted, flush.now);
      log_.Put(std::move(delivery.entry));
      continue;
    }
    Pending& pending = pending_[next_id_++];
    pending.flush = id;
    const auto hold = not_before_.find(HoldKey(delivery.entry));
    pending.next_try = hold == not_before_.end() ? flush.now : std::max(flush.now, hold->second);
    pending.delivery = std::move(delivery);
    ++running.open;
  }
  if (running.open == 0) {
    dispatcher_->Finished(running.flush, true, running.keep, flush.now);
    flushes_.erase(id);
  }
}

Outgoing AlertRouter::Hand(uint64_t id, Pending* pending) {
  pending->out = true;
  const Flush& flush = flushes_.at(pending->flush).flush;
  Outgoing out;
  out.id = id;
  out.integration = pending->delivery.integration;
  out.reason = pending->delivery.reason;
  out.group_key = flush.group_key;
  out.group_labels = flush.group_labels;
  out.tree = flush.tree;
  out.route = flush.route;
  out.alerts = pending->delivery.alerts;
  out.now = flush.now;
  out.deadline = flush.deadline;
  out.tries = pending->tries;
  out.receiver_data = pending->delivery.entry.receiver_data;
  return out;
}

void AlertRouter::GiveUpLate(TimestampMs now) {
  std::vector<uint64_t> late;
  for (const auto& [id, pending] : pending_) {
    if (!pending.out && flushes_.at(pending.flush).flush.deadline <= now) late.push_back(id);
  }
  for (const uint64_t id : late) Close(id, false, now);
}

std::vector<Outgoing> AlertRouter::Advance(TimestampMs now) {
  if (now >= next_gc_) CollectGarbage(now);
  PostExpected(now);
  GiveUpLate(now);
  for (const Flush& flush : dispatcher_->Advance(now)) {
    if (WaitsForOrphan(flush)) {
      dispatcher_->Postpone(flush, now + kOrphanPoll);
    } else {
      Start(flush);
    }
  }
  std::vector<Outgoing> out;
  for (auto& [id, pending] : pending_) {
    if (!pending.out && pending.next_try <= now) out.push_back(Hand(id, &pending));
  }
  return out;
}

void AlertRouter::Sent(uint64_t id, const SendOutcome& outcome, TimestampMs now,
                       StringMap receiver_data) {
  const auto found = pending_.find(id);
  if (found == pending_.end()) return SentOrphan(id, outcome, now, std::move(receiver_data));
  Pending& pending = found->second;
  pending.out = false;
  pending.last = outcome;
  ++pending.tries;
  const std::string key = HoldKey(pending.delivery.entry);
  if (outcome.verdict == SendVerdict::kSent) {
    not_before_.erase(key);
    LogEntry entry = pending.delivery.entry;
    if (!receiver_data.empty()) entry.receiver_data = std::move(receiver_data);
    if (pending.tries > 1) {
      // Told late: the next repeat counts from now, not from the flush.
      entry.expires_at += now - entry.timestamp;
      entry.timestamp = now;
    }
    log_.Put(std::move(entry));
    Close(id, true, now);
    return;
  }
  if (outcome.retry_after) not_before_[key] = now + *outcome.retry_after;
  const std::optional<TimestampMs> next = NextTry(
      pending.tries, outcome, now, flushes_.at(pending.flush).flush.deadline, options_.jitter());
  if (next) {
    pending.next_try = *next;
  } else {
    Close(id, false, now);
  }
}

DeliveryReport AlertRouter::ReportOnPending(const Pending& pending) const {
  DeliveryReport report = ReportOn(flushes_.at(pending.flush).flush, pending.delivery);
  report.tries = pending.tries;
  report.last = pending.last;
  return report;
}

void AlertRouter::ReportUnsent(TimestampMs now) {
  for (const auto& [id, pending] : pending_) {
    if (pending.out || pending.tries == 0) continue;
    Report(ReportOnPending(pending), NotificationResult::kFailed, now);
  }
}

// Until the answer is there nobody knows what the receiver was told.
bool AlertRouter::WaitsForOrphan(const Flush& flush) const {
  return std::any_of(orphans_.begin(), orphans_.end(), [&](const auto& one) {
    const Orphan& orphan = one.second;
    if (orphan.deadline <= flush.now || orphan.entry.group_key != flush.group_key) return false;
    const std::vector<Target> targets = TargetsOf(*flush.route, integrations_);
    return std::any_of(targets.begin(), targets.end(), [&](const Target& target) {
      return target.log_name == orphan.entry.integration;
    });
  });
}

void AlertRouter::SentOrphan(uint64_t id, const SendOutcome& outcome, TimestampMs now,
                             StringMap receiver_data) {
  const auto found = orphans_.find(id);
  if (found == orphans_.end()) return;
  Orphan& orphan = found->second;
  const bool sent = outcome.verdict == SendVerdict::kSent;
  ++orphan.report.tries;
  orphan.report.last = outcome;
  Report(std::move(orphan.report), sent ? NotificationResult::kSent : NotificationResult::kFailed,
         now);
  const LogEntry* later = log_.Find(orphan.entry.group_key, orphan.entry.integration);
  if (sent && (later == nullptr || later->timestamp <= orphan.entry.timestamp)) {
    if (!receiver_data.empty()) orphan.entry.receiver_data = std::move(receiver_data);
    log_.Put(std::move(orphan.entry));
  }
  orphans_.erase(found);
}

void AlertRouter::Report(DeliveryReport report, NotificationResult result, TimestampMs now) {
  if (!delivery_observer_) return;
  report.result = result;
  report.ended_at = now;
  delivery_observer_(report);
}

void AlertRouter::Close(uint64_t id, bool success, TimestampMs now) {
  Pending& pending = pending_.at(id);
  const uint64_t flush_id = pending.flush;
  Running& running = flushes_.at(flush_id);
  Report(ReportOnPending(pending),
         success ? NotificationResult::kSent : NotificationResult::kFailed, now);
  pending_.erase(id);
  running.failed = running.failed || !success;
  if (--running.open != 0) return;
  dispatcher_->Finished(running.flush, !running.failed, running.keep, now);
  flushes_.erase(flush_id);
}

void AlertRouter::CollectGarbage(TimestampMs now) {
  next_gc_ = now + options_.gc_interval;
  inhibitor_->CollectGarbage(now);
  const std::vector<std::string> all_keys = dispatcher_->GroupKeys();
  const std::set<std::string_view> keys(all_keys.begin(), all_keys.end());
  for (LogEntry& entry : log_.CollectGarbage(
           now, [&](const LogEntry& one) { return keys.contains(one.group_key); })) {
    changes_.gone_log.push_back(std::move(entry));
  }
  std::vector<std::string> silences = silences_.CollectGarbage(now);
  changes_.gone_silences.insert(changes_.gone_silences.end(), silences.begin(), silences.end());
  for (auto hold = not_before_.begin(); hold != not_before_.end();) {
    hold = hold->second <= now ? not_before_.erase(hold) : std::next(hold);
  }
  for (const uint64_t gone : acknowledgements_.CollectGarbage(alerts_, now)) {
    changes_.gone_acknowledgements.push_back(gone);
  }
  ForgetStoredAlerts(now);
}

std::optional<bool> AlertRouter::IsInInterval(std::string_view name, TimestampMs now) const {
  const auto found = intervals_.find(std::string(name));
  if (found == intervals_.end()) return std::nullopt;
  return std::any_of(found->second.begin(), found->second.end(),
                     [now](const TimeInterval& interval) { return interval.Contains(now); });
}

// An alert that is over but whose end is not told yet must survive a restart.
void AlertRouter::ForgetStoredAlerts(TimestampMs now) {
  for (const uint64_t fingerprint : alerts_.CollectGarbage(now)) leftover_.insert(fingerprint);
  std::set<uint64_t> needed;
  dispatcher_->ForEachAlert([&](const AlertSlotPtr& slot) {
    const uint64_t fingerprint = slot->fingerprint();
    if (leftover_.contains(fingerprint)) needed.insert(fingerprint);
  });
  for (auto it = leftover_.begin(); it != leftover_.end();) {
    if (needed.contains(*it)) {
      ++it;
      continue;
    }
    changes_.gone_alerts.push_back(*it);
    it = leftover_.erase(it);
  }
}

void AlertRouter::Restore(const AlertingState& state, TimestampMs now) {
  // Recovery took its time: what counts from the start counts from here.
  if (options_.start_delay != 0) no_flush_before_ = now + options_.start_delay;
  MakeDispatcher();
  expected_.Restore(state.heartbeats, now);
  for (const Silence& silence : state.silences) {
    silences_.Merge(silence, now);
    // It expired long ago.
    if (silences_.Find(silence.id) == nullptr) changes_.gone_silences.push_back(silence.id);
  }
  for (const LogEntry& entry : state.log) log_.Merge(entry);
  for (const Acknowledgement& one : state.acknowledgements) acknowledgements_.Put(one);
  dispatcher_->Import(state.groups, now);
  std::vector<AlertSlotPtr> all = alerts_.All();  // posted while the server started
  for (const Alert& alert : state.alerts) {
    AlertSlotPtr slot = alerts_.Put(alert, now);
    for (const uint64_t evicted : alerts_.TakeEvicted()) leftover_.insert(evicted);
    if (slot != nullptr) {
      slot->latest_end = std::max(slot->latest_end, slot->times().ends_at);
      all.push_back(std::move(slot));
    } else {
      // The limit on alerts of one name is lower than it was.
      changes_.gone_alerts.push_back(alert.fingerprint);
    }
  }
  for (const AlertSlotPtr& slot : all) inhibitor_->Process(slot);
  for (const AlertSlotPtr& slot : all) dispatcher_->Process(slot, now);
}

void AlertRouter::MoveTimers(DurationMs by) {
  dispatcher_->MoveTimers(by);
  expected_.MoveTimers(by);
  next_gc_ -= by;
  no_flush_before_ -= by;
  for (auto& [id, running] : flushes_) running.flush.deadline -= by;
  for (auto& [id, pending] : pending_) pending.next_try -= by;
  for (auto& [id, orphan] : orphans_) orphan.deadline -= by;
  for (auto& [key, until] : not_before_) until -= by;
}

AlertingChanges AlertRouter::TakeChanges() {
  AlertingChanges changes = std::exchange(changes_, {});
  changes.log = log_.TakeChanges();
  changes.silences = silences_.TakeChanges();
  return changes;
}

}  // namespace vigil::alerting
