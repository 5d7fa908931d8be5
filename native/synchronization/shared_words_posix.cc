#include "synchronization/shared_words.h"

#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "system_error.h"

namespace remoting {

namespace {

constexpr std::size_t kBytes = SharedWords::kCount * sizeof(SharedWord);
constexpr std::chrono::milliseconds kLongestSleep(100);

std::string BytesOf(std::uint32_t word) {
  std::string bytes(sizeof(word), '\0');
  std::memcpy(bytes.data(), &word, sizeof(word));
  return bytes;
}

}  // namespace

SharedWords::SharedWords(Napi::Env env, const char* family, const std::string& name,
                         NameDisposition disposition, std::uint32_t first)
    : memory_(env, NamedMemory::Request{family, name, "", kBytes, BytesOf(first), disposition, false}) {
  struct stat status;
  if (fstat(memory_.descriptor(), &status) != 0) throw SystemError(env, errno, "fstat");
  if (static_cast<std::size_t>(status.st_size) < kBytes) {
    throw FaultError(env, "invalid", "What has this name is not what it should be");
  }
  void* base = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, memory_.descriptor(), 0);
  if (base == MAP_FAILED) throw SystemError(env, errno, "mmap");
  words_ = static_cast<SharedWord*>(base);
}

SharedWords::~SharedWords() { munmap(words_, kBytes); }

Patience::Patience(WaitTime milliseconds) noexcept
    : endless_(milliseconds < 0),
      end_(std::chrono::steady_clock::now() +
           std::chrono::microseconds(endless_ ? 0 : static_cast<std::int64_t>(milliseconds * 1000))) {}

bool Patience::is_over() const noexcept { return !endless_ && std::chrono::steady_clock::now() >= end_; }

void Patience::Sleep(SharedWord& word, std::uint32_t seen) const noexcept {
  std::chrono::nanoseconds left = kLongestSleep;
  if (!endless_) left = std::min(left, std::chrono::nanoseconds(end_ - std::chrono::steady_clock::now()));
  if (left.count() <= 0) return;
  timespec time = {static_cast<time_t>(left.count() / 1'000'000'000),
                   static_cast<long>(left.count() % 1'000'000'000)};
  syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&word), FUTEX_WAIT, seen, &time, nullptr, 0);
}

void Wake(SharedWord& word, int count) noexcept {
  syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&word), FUTEX_WAKE, count, nullptr, nullptr, 0);
}

}  // namespace remoting
