// A mutex is held by a lock on a byte of its file, which the system gives back when its holder dies; a word
// beside it says whether that was so. Another word counts how often it was given back, for those who wait.
#include "synchronization/mutex_object.h"

#include <fcntl.h>

#include <atomic>
#include <cerrno>
#include <climits>

#include "synchronization/shared_words.h"

namespace remoting {

namespace {

constexpr std::size_t kHeld = 0;
constexpr std::size_t kReleases = 1;

class PosixMutex final : public MutexObject {
 public:
  PosixMutex(Napi::Env env, const std::string& name, NameDisposition disposition)
      : words_(env, "mutex", name, disposition, 0) {}

  bool existed() const noexcept override { return words_.existed(); }

  WaitOutcome Acquire(WaitTime milliseconds) noexcept override {
    Patience patience(milliseconds);
    for (;;) {
      if (interrupted_.exchange(false)) return {WaitOutcome::Kind::kInterrupted};
      std::uint32_t seen = words_[kReleases].load();
      if (Lock(F_WRLCK)) {
        bool abandoned = words_[kHeld].exchange(1) != 0;
        return {abandoned ? WaitOutcome::Kind::kAbandoned : WaitOutcome::Kind::kDone};
      }
      if (errno != EAGAIN && errno != EACCES && errno != EINTR) return {WaitOutcome::Kind::kFailed, errno};
      if (patience.is_over()) return {WaitOutcome::Kind::kTimeout};
      patience.Sleep(words_[kReleases], seen);
    }
  }

  void Interrupt() noexcept override {
    interrupted_ = true;
    Wake(words_[kReleases], INT_MAX);
  }

  void Hold() noexcept override {
    // The lock belongs to the open file and not to a thread.
  }

  void Release() noexcept override {
    words_[kHeld] = 0;
    Abandon();
  }

  void Abandon() noexcept override {
    // Counted before it is unlocked: whoever looked before that does not fall asleep, whoever looks later is
    // woken.
    words_[kReleases].fetch_add(1);
    Lock(F_UNLCK);
    Wake(words_[kReleases], 1);
  }

 private:
  /// Of the open file description, so that two holders in one process exclude each other as well.
  bool Lock(short type) noexcept {
    struct flock range = {};
    range.l_type = type;
    range.l_whence = SEEK_SET;
    range.l_start = 0;
    range.l_len = 1;
    return fcntl(words_.descriptor(), F_OFD_SETLK, &range) == 0;
  }

  SharedWords words_;
  std::atomic<bool> interrupted_{false};
};

}  // namespace

std::shared_ptr<MutexObject> MutexObject::Open(Napi::Env env, const std::string& name,
                                               NameDisposition disposition) {
  return std::make_shared<PosixMutex>(env, name, disposition);
}

}  // namespace remoting
