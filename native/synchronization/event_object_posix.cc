#include "synchronization/event_object.h"

#include <atomic>
#include <climits>

#include "synchronization/shared_words.h"

namespace remoting {

namespace {

constexpr std::size_t kSignaled = 0;
constexpr std::uint32_t kSet = 1;
constexpr std::uint32_t kManual = 2;

class PosixInterruption final : public Interruption {
 public:
  std::atomic<bool> requested{false};
};

/// The event is one word: whether it is set, and whether it stays so.
class PosixEvent final : public EventObject {
 public:
  PosixEvent(Napi::Env env, const EventRequest& request)
      : words_(env, "event", request.name, request.disposition,
               (request.signaled ? kSet : 0) | (request.manual ? kManual : 0)) {}

  bool existed() const noexcept override { return words_.existed(); }

  void Set() noexcept override {
    std::uint32_t before = words_[kSignaled].fetch_or(kSet);
    Wake(words_[kSignaled], (before & kManual) != 0 ? INT_MAX : 1);
  }

  void Reset() noexcept override { words_[kSignaled].fetch_and(~kSet); }

  WaitOutcome Wait(WaitTime milliseconds, Interruption& interruption) noexcept override {
    auto& interrupted = static_cast<PosixInterruption&>(interruption).requested;
    Patience patience(milliseconds);
    for (;;) {
      std::uint32_t seen = words_[kSignaled].load();
      if ((seen & kSet) != 0) {
        if ((seen & kManual) != 0 || words_[kSignaled].compare_exchange_strong(seen, seen & ~kSet)) {
          return {WaitOutcome::Kind::kDone};
        }
        continue;
      }
      if (interrupted) return {WaitOutcome::Kind::kInterrupted};
      if (patience.is_over()) return {WaitOutcome::Kind::kTimeout};
      patience.Sleep(words_[kSignaled], seen);
    }
  }

  void Interrupt(Interruption& interruption) noexcept override {
    static_cast<PosixInterruption&>(interruption).requested = true;
    Wake(words_[kSignaled], INT_MAX);
  }

 private:
  SharedWords words_;
};

}  // namespace

std::shared_ptr<Interruption> Interruption::Create(Napi::Env) {
  return std::make_shared<PosixInterruption>();
}

std::shared_ptr<EventObject> EventObject::Open(Napi::Env env, const EventRequest& request) {
  return std::make_shared<PosixEvent>(env, request);
}

}  // namespace remoting
