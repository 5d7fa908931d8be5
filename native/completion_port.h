// Tells on the environment's own thread when overlapped operations have ended (Windows). One completion port
// and one thread for each environment; what has ended meanwhile is told together, with one wake-up.
#ifndef REMOTING_COMPLETION_PORT_H_
#define REMOTING_COMPLETION_PORT_H_

#include <windows.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "environment.h"

namespace remoting {

/// An overlapped operation and the memory that it works on, which the system may use until it has ended: so
/// it belongs to the port from its beginning to its end, whatever becomes of those who began it.
struct Operation : OVERLAPPED {
  /// Called on the environment's thread, within a handle scope, with the system's code and the bytes
  /// transferred.
  std::function<void(DWORD code, DWORD bytes)> done;
  std::vector<unsigned char> memory;

  Operation() noexcept : OVERLAPPED{} {}
};

/// See the head of this file.
class CompletionPort final : public Resource {
 public:
  /// Throws Napi::Error.
  explicit CompletionPort(Environment& environment);
  ~CompletionPort() override;

  /// Operations on the handle are told from now on. Throws Napi::Error.
  void Associate(HANDLE handle);
  /// Takes the operation, which was begun or is about to be.
  void Began(std::unique_ptr<Operation> operation) noexcept;
  /// It could not be begun, after all: it ends with this code, from the event loop.
  void Failed(Operation* operation, DWORD code) noexcept;
  /// Calls a function from the event loop.
  void Post(std::function<void()> function);

  /// Keeps the process running, as many times as it was called less Unreference.
  void Reference() noexcept;
  void Unreference() noexcept;

  void CloseWithEnvironment() noexcept override;

 private:
  struct Ended {
    Operation* operation;
    DWORD code;
    DWORD bytes;
  };

  static DWORD WINAPI Run(void* port);
  static void OnWakeUp(napi_env env, napi_value function, void* context, void* data);
  void Loop() noexcept;
  void Deliver() noexcept;

  HANDLE port_ = nullptr;
  HANDLE thread_ = nullptr;
  napi_threadsafe_function wake_up_ = nullptr;
  unsigned references_ = 0;
  std::atomic<std::size_t> under_way_{0};
  std::atomic<bool> ending_{false};
  std::mutex mutex_;
  std::vector<Ended> ended_;
};

}  // namespace remoting

#endif  // REMOTING_COMPLETION_PORT_H_
