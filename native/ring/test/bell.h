// A bell for tests: a byte on a socket, as between processes.
#ifndef REMOTING_RING_TEST_BELL_H_
#define REMOTING_RING_TEST_BELL_H_

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace remoting {

/// One end rings, the other one waits.
class Bell {
 public:
  Bell() {
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends_) != 0) std::abort();
  }
  Bell(const Bell&) = delete;
  Bell& operator=(const Bell&) = delete;
  ~Bell() {
    close(ends_[0]);
    close(ends_[1]);
  }

  void Ring() noexcept {
    // A full socket is a bell that rings already.
    if (send(ends_[0], "!", 1, MSG_NOSIGNAL) == 1) ++rung_;
  }

  /// Waits until it was rung. A wake-up that is lost ends the test.
  void Wait() noexcept {
    pollfd waiting = {ends_[1], POLLIN, 0};
    if (poll(&waiting, 1, 30'000) != 1) {
      std::fprintf(stderr, "nobody rang the bell within 30 s: a wake-up was lost\n");
      std::abort();
    }
    char bytes[64];
    while (read(ends_[1], bytes, sizeof(bytes)) == sizeof(bytes)) {
    }
    ++woken_;
  }

  unsigned long rung() const noexcept { return rung_; }
  unsigned long woken() const noexcept { return woken_; }

 private:
  int ends_[2];
  unsigned long rung_ = 0;
  unsigned long woken_ = 0;
};

/// A generator that both sides of a test can run, each for itself.
class Sequence {
 public:
  explicit Sequence(std::uint64_t seed) noexcept : state_(seed | 1) {}

  std::uint64_t Next() noexcept {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }

 private:
  std::uint64_t state_;
};

}  // namespace remoting

#endif  // REMOTING_RING_TEST_BELL_H_
