// SPDX-License-Identifier: Apache-2.0
// See notifications.h.
#include "server/web/notifications.h"

#include <algorithm>
#include <chrono>
#include <memory>

namespace vigil::web {
namespace {

// A reader who is further behind has missed some.
constexpr size_t kKeptChanges = 100;
// How long until the stream finds out that its reader has gone.
constexpr std::chrono::seconds kHeartbeat{5};

void WriteNotification(const Notification& notification, JsonWriter& json) {
  json.BeginObject().Field("text", notification.text);
  json.Field("date", FormatRfc3339(notification.date));
  json.Key("active").Bool(notification.active).EndObject();
}

std::string Event(const Notification& notification) {
  std::string event = "data: ";
  JsonWriter json(&event);
  WriteNotification(notification, json);
  return event + "\n\n";
}

}  // namespace

// One reader of the stream, from the request to its end.
class Notifications::Subscription {
 public:
  // REQUIRES: all.mutex_ is held.
  explicit Subscription(Notifications& all)
      : all_(all), next_(all.first_change_ + all.changes_.size()) {
    ++all.subscribers_;
    for (const auto& [text, notification] : all.active_) pending_ += Event(notification);
  }
  ~Subscription() {
    std::lock_guard<std::mutex> lock(all_.mutex_);
    --all_.subscribers_;
  }
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

  bool Stream(const http::Response::Write& write) {
    // Empty lines keep the connection alive and show whether somebody still reads.
    while (write(pending_.empty() ? ":\n\n" : pending_)) {
      if (!Wait()) return pending_.empty() || write(pending_);
    }
    return false;
  }

 private:
  // False when the server ends.
  bool Wait() {
    std::unique_lock<std::mutex> lock(all_.mutex_);
    all_.changed_.wait_for(lock, all_.stop_, kHeartbeat,
                           [&] { return all_.first_change_ + all_.changes_.size() > next_; });
    pending_.clear();
    for (next_ = std::max(next_, all_.first_change_);
         next_ < all_.first_change_ + all_.changes_.size(); ++next_) {
      pending_ += Event(all_.changes_[static_cast<size_t>(next_ - all_.first_change_)]);
    }
    return !all_.stop_.stop_requested();
  }

  Notifications& all_;
  uint64_t next_;  // number of the change to send
  std::string pending_;
};

void Notifications::Set(std::string_view text, bool active) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    const auto found = active_.find(text);
    if (active == (found != active_.end())) return;
    Notification change{std::string(text), clock_.Now(), active};
    if (active) {
      active_.emplace(change.text, change);
    } else {
      change.date = found->second.date;
      active_.erase(found);
    }
    changes_.push_back(std::move(change));
    if (changes_.size() > kKeptChanges) {
      changes_.pop_front();
      ++first_change_;
    }
  }
  changed_.notify_all();
}

Result<Annotations> Notifications::List(const ApiRequest&, JsonWriter& json) const {
  std::lock_guard<std::mutex> lock(mutex_);
  json.BeginArray();
  for (const auto& [text, notification] : active_) WriteNotification(notification, json);
  json.EndArray();
  return Annotations{};
}

http::Response Notifications::Live() {
  std::shared_ptr<Subscription> subscription;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (subscribers_ < kMaxSubscribers) subscription = std::make_shared<Subscription>(*this);
  }
  http::Response response;
  response.content_type = "text/event-stream";
  response.headers.Set("Cache-Control", "no-cache");
  if (subscription == nullptr) {
    response.status = 204;
    return response;
  }
  response.stream = [subscription](const http::Response::Write& write) {
    return subscription->Stream(write);
  };
  return response;
}

}  // namespace vigil::web
