// Tells on the environment's own thread when a descriptor can be read or written (POSIX). Sockets that Node's
// `net` does not take, SEQPACKET and DGRAM, are driven by this.
//
// It is libuv's uv_poll, in the event loop itself. The other way, a thread that waits in epoll and wakes the
// loop by a thread-safe function, changes threads for each wake-up: with shared memory a round trip took 148
// us so, and 108 us without (when the project was designed). The two were not measured against each other for
// pipes.
#ifndef REMOTING_READINESS_H_
#define REMOTING_READINESS_H_

#include "environment.h"

namespace remoting {

/// What is asked for, and what is told.
struct ReadyFor {
  bool reading = false;
  bool writing = false;
};

/// Watches one descriptor, which it does not own. Errors and hang-ups count as readable: reading tells of
/// them.
class Readiness {
 public:
  class Listener {
   public:
    /// Called from the event loop, within a handle scope. The listener may close or delete the Readiness.
    virtual void OnReady(ReadyFor ready) noexcept = 0;

   protected:
    ~Listener() = default;
  };

  /// Throws Napi::Error if the descriptor cannot be watched.
  Readiness(Environment& environment, int descriptor, Listener& listener);
  Readiness(const Readiness&) = delete;
  Readiness& operator=(const Readiness&) = delete;
  /// After this nobody is told any more, and the descriptor may be closed at once.
  ~Readiness();

  /// Changes what is waited for. Cheap if it is what is waited for already. Level-triggered: tells again and
  /// again.
  void WaitFor(ReadyFor wanted) noexcept;
  /// Whether it keeps the process running while it waits. Default yes.
  void SetReferenced(bool referenced) noexcept;

 private:
  struct Watcher;

  void Watch() noexcept;

  Watcher* watcher_;
  ReadyFor wanted_;
  /// libuv has stopped to watch, as it does after an error. A peer that ends with something unread is one,
  /// and is told of behind what that peer has sent before: whoever reads that has to be told again.
  bool stopped_ = false;
};

}  // namespace remoting

#endif  // REMOTING_READINESS_H_
