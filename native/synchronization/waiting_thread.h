// A wait that blocks, on a thread of its own, so that the environment's thread need not.
#ifndef REMOTING_SYNCHRONIZATION_WAITING_THREAD_H_
#define REMOTING_SYNCHRONIZATION_WAITING_THREAD_H_

#include <napi.h>

#include <functional>
#include <memory>
#include <thread>

#include "environment.h"
#include "synchronization/wait_outcome.h"

namespace remoting {

/// What the thread does. Each is called once; the closures own what they use.
struct WaitingSteps {
  /// Blocks until the wait is over. On the thread.
  std::function<WaitOutcome()> wait;
  /// Makes `wait` end soon, with kInterrupted. On the environment's thread.
  std::function<void()> interrupt;
  /// Keeps the thread as long as something that it got belongs to it; may be empty. On the thread, after a
  /// wait that got it.
  std::function<void()> hold;
  /// Makes `hold` end, without giving back in good order what it held: the environment ends. May be empty.
  std::function<void()> abandon;
};

/// See the head of this file. Told of its end by a callback (error, outcome), called from the event loop
/// once.
class WaitingThread : public Resource, public std::enable_shared_from_this<WaitingThread> {
 public:
  /// Throws Napi::Error if there is no thread to be had.
  static std::shared_ptr<WaitingThread> Start(Environment& environment, Napi::Function callback,
                                              WaitingSteps steps);
  explicit WaitingThread(Environment& environment) : Resource(environment) {}
  ~WaitingThread() override;

  /// Has the wait end soon. Does nothing if it is over.
  void Interrupt();
  /// Waits for the end of the thread, which whoever called Start has brought about.
  void Join();
  void CloseWithEnvironment() noexcept override;

 private:
  static void OnEnd(napi_env env, napi_value callback, void* context, void* data);
  void Run();
  void Finish(Napi::Env env);
  bool GotIt() const noexcept;

  WaitingSteps steps_;
  WaitOutcome outcome_;
  Napi::FunctionReference callback_;
  napi_threadsafe_function notify_ = nullptr;
  std::thread thread_;
  bool over_ = false;
  /// Itself, until it has told of its end.
  std::shared_ptr<WaitingThread> self_;
};

}  // namespace remoting

#endif  // REMOTING_SYNCHRONIZATION_WAITING_THREAD_H_
