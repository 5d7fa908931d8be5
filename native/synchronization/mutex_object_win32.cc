// Windows has a mutex held by a thread: so the thread that got it keeps it until it is told to let go.
#include <windows.h>

#include <atomic>

#include "handle.h"
#include "synchronization/mutex_object.h"
#include "synchronization/wait_win32.h"
#include "wide_string.h"

namespace remoting {

namespace {

Handle CreateSignal(Napi::Env env) {
  Handle signal(CreateEventW(nullptr, FALSE, FALSE, nullptr));
  if (!signal) throw SystemError(env, LastSystemCode(), "CreateEvent");
  return signal;
}

class Win32Mutex final : public MutexObject {
 public:
  Win32Mutex(Napi::Env env, const std::string& name, NameDisposition disposition)
      : interruption_(CreateSignal(env)), let_go_(CreateSignal(env)) {
    std::wstring wide = ToWide(name);
    if (disposition == NameDisposition::kOpen) {
      mutex_ = Handle(OpenMutexW(SYNCHRONIZE | MUTEX_MODIFY_STATE, FALSE, wide.c_str()));
      if (!mutex_) throw SystemError(env, LastSystemCode(), ("OpenMutex " + name).c_str());
      existed_ = true;
      return;
    }
    mutex_ = Handle(CreateMutexW(nullptr, FALSE, wide.c_str()));
    SystemCode code = LastSystemCode();
    if (!mutex_) throw SystemError(env, code, ("CreateMutex " + name).c_str());
    existed_ = code == ERROR_ALREADY_EXISTS;
    if (existed_ && disposition == NameDisposition::kCreate) {
      throw SystemError(env, code, ("CreateMutex " + name).c_str());
    }
  }

  bool existed() const noexcept override { return existed_; }

  WaitOutcome Acquire(WaitTime milliseconds) noexcept override {
    return WaitForEither(mutex_.get(), interruption_.get(), milliseconds);
  }

  void Interrupt() noexcept override { SetEvent(interruption_.get()); }

  void Hold() noexcept override {
    WaitForSingleObject(let_go_.get(), INFINITE);
    // A thread that ends with a mutex abandons it.
    if (!abandon_) ReleaseMutex(mutex_.get());
  }

  void Release() noexcept override { SetEvent(let_go_.get()); }

  void Abandon() noexcept override {
    abandon_ = true;
    SetEvent(let_go_.get());
  }

 private:
  Handle mutex_;
  Handle interruption_;
  Handle let_go_;
  std::atomic<bool> abandon_{false};
  bool existed_ = false;
};

}  // namespace

std::shared_ptr<MutexObject> MutexObject::Open(Napi::Env env, const std::string& name,
                                               NameDisposition disposition) {
  return std::make_shared<Win32Mutex>(env, name, disposition);
}

}  // namespace remoting
