// What one environment of Node (the process, or a worker thread) has open through this addon. Kept as
// instance data, so that environments know nothing of each other; when one ends, everything that it still has
// open is closed.
#ifndef REMOTING_ENVIRONMENT_H_
#define REMOTING_ENVIRONMENT_H_

#include <napi.h>

#include <cstddef>

namespace remoting {

class Environment;

/// Something that holds what belongs to the operating system. It is in its environment's list from Enlist to
/// Delist.
class Resource {
 public:
  explicit Resource(Environment& environment) noexcept : environment_(environment) {}
  Resource(const Resource&) = delete;
  Resource& operator=(const Resource&) = delete;
  virtual ~Resource() { Delist(); }

  /// Gives everything back and calls Delist: the environment ends. JavaScript cannot be called any more.
  virtual void CloseWithEnvironment() noexcept = 0;

 protected:
  Environment& environment() const noexcept { return environment_; }
  /// From now on it holds something.
  void Enlist() noexcept;
  /// It holds nothing any more. May be called at any time, also more than once.
  void Delist() noexcept;
  bool is_enlisted() const noexcept { return enlisted_; }

 private:
  friend class Environment;
  Environment& environment_;
  bool enlisted_ = false;
  Resource* previous_ = nullptr;
  Resource* next_ = nullptr;
};

/// See the head of this file. All of it belongs to the environment's own thread.
class Environment {
 public:
  /// Makes the environment's state. Called once, when the addon is loaded into it.
  static Environment& Create(Napi::Env env);
  static Environment& Of(Napi::Env env) noexcept { return *env.GetInstanceData<Environment>(); }

  explicit Environment(Napi::Env env);
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  Napi::Env env() const noexcept { return Napi::Env(env_); }
  /// How many resources are open: what tests of leaks look at.
  std::size_t open_resources() const noexcept { return open_resources_; }
  /// Whether the environment has begun to end.
  bool is_ending() const noexcept { return ending_; }

  /// Keeps the environment from ending while something (a handle of libuv, a thread) is being closed. Every
  /// call has its EndClosing.
  void BeginClosing() noexcept { ++closing_; }
  void EndClosing() noexcept;

  /// Calls a function of JavaScript from the event loop, as Node itself would: ticks and microtasks run
  /// afterwards, and what it throws is an uncaught exception. Does nothing while the environment ends.
  void Call(const Napi::FunctionReference& function, std::size_t count, const napi_value* arguments) noexcept;

 private:
  friend class Resource;
  static void OnCleanup(napi_async_cleanup_hook_handle handle, void* data);
  void CloseAll() noexcept;

  napi_env env_;
  napi_async_context async_context_ = nullptr;
  napi_async_cleanup_hook_handle cleanup_ = nullptr;
  Resource* first_ = nullptr;
  std::size_t open_resources_ = 0;
  std::size_t closing_ = 0;
  bool ending_ = false;
};

/// Runs what makes values for JavaScript. Where the environment is being terminated that fails, and nobody is
/// left to be told.
template <typename Action>
void UnlessEnding(Action action) noexcept {
  try {
    action();
  } catch (const Napi::Error&) {
  }
}

}  // namespace remoting

#endif  // REMOTING_ENVIRONMENT_H_
