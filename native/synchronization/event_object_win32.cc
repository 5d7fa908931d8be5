#include <windows.h>

#include "handle.h"
#include "synchronization/event_object.h"
#include "synchronization/wait_win32.h"
#include "wide_string.h"

namespace remoting {

namespace {

class Win32Interruption final : public Interruption {
 public:
  explicit Win32Interruption(Napi::Env env) : signal(CreateEventW(nullptr, TRUE, FALSE, nullptr)) {
    if (!signal) throw SystemError(env, LastSystemCode(), "CreateEvent");
  }

  Handle signal;
};

class Win32Event final : public EventObject {
 public:
  Win32Event(Napi::Env env, const EventRequest& request) {
    std::wstring name = ToWide(request.name);
    if (request.disposition == NameDisposition::kOpen) {
      event_ = Handle(OpenEventW(SYNCHRONIZE | EVENT_MODIFY_STATE, FALSE, name.c_str()));
      if (!event_) throw SystemError(env, LastSystemCode(), ("OpenEvent " + request.name).c_str());
      existed_ = true;
      return;
    }
    event_ = Handle(CreateEventW(nullptr, request.manual, request.signaled, name.c_str()));
    SystemCode code = LastSystemCode();
    if (!event_) throw SystemError(env, code, ("CreateEvent " + request.name).c_str());
    existed_ = code == ERROR_ALREADY_EXISTS;
    if (existed_ && request.disposition == NameDisposition::kCreate) {
      throw SystemError(env, code, ("CreateEvent " + request.name).c_str());
    }
  }

  bool existed() const noexcept override { return existed_; }
  void Set() noexcept override { SetEvent(event_.get()); }
  void Reset() noexcept override { ResetEvent(event_.get()); }

  WaitOutcome Wait(WaitTime milliseconds, Interruption& interruption) noexcept override {
    return WaitForEither(event_.get(), static_cast<Win32Interruption&>(interruption).signal.get(),
                         milliseconds);
  }

  void Interrupt(Interruption& interruption) noexcept override {
    SetEvent(static_cast<Win32Interruption&>(interruption).signal.get());
  }

 private:
  Handle event_;
  bool existed_ = false;
};

}  // namespace

std::shared_ptr<Interruption> Interruption::Create(Napi::Env env) {
  return std::make_shared<Win32Interruption>(env);
}

std::shared_ptr<EventObject> EventObject::Open(Napi::Env env, const EventRequest& request) {
  return std::make_shared<Win32Event>(env, request);
}

}  // namespace remoting
