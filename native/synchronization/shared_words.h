// A few words of memory that processes share under a name, and waiting for them to change (POSIX; a futex of
// Linux).
#ifndef REMOTING_SYNCHRONIZATION_SHARED_WORDS_H_
#define REMOTING_SYNCHRONIZATION_SHARED_WORDS_H_

#include <napi.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "named_memory.h"
#include "synchronization/wait_outcome.h"

namespace remoting {

using SharedWord = std::atomic<std::uint32_t>;
static_assert(sizeof(SharedWord) == sizeof(std::uint32_t) && SharedWord::is_always_lock_free);

/// See the head of this file.
class SharedWords {
 public:
  static constexpr std::size_t kCount = 4;

  /// @param first What the first of them is when they are created; the others are 0.
  /// Throws Napi::Error.
  SharedWords(Napi::Env env, const char* family, const std::string& name, NameDisposition disposition,
              std::uint32_t first);
  SharedWords(const SharedWords&) = delete;
  SharedWords& operator=(const SharedWords&) = delete;
  ~SharedWords();

  SharedWord& operator[](std::size_t index) noexcept { return words_[index]; }
  int descriptor() const noexcept { return memory_.descriptor(); }
  bool existed() const noexcept { return memory_.existed(); }

 private:
  NamedMemory memory_;
  SharedWord* words_;
};

/// How much time a wait has left.
class Patience {
 public:
  explicit Patience(WaitTime milliseconds) noexcept;
  bool is_over() const noexcept;

  /// Sleeps until the word is no longer `seen`, somebody calls Wake, a tenth of a second has passed, or the
  /// time is over; may return early. A process that dies wakes nobody: so nobody sleeps longer than that
  /// without looking.
  void Sleep(SharedWord& word, std::uint32_t seen) const noexcept;

 private:
  bool endless_;
  std::chrono::steady_clock::time_point end_;
};

/// Wakes so many of those that sleep on a word, in all processes.
void Wake(SharedWord& word, int count) noexcept;

}  // namespace remoting

#endif  // REMOTING_SYNCHRONIZATION_SHARED_WORDS_H_
