#include <cerrno>
#include <cstdlib>
#include <new>

#include "libuv.h"
#include "readiness.h"
#include "system_error.h"

namespace remoting {

/// Lives until libuv has let go of the handle, which is after the Readiness.
struct Readiness::Watcher {
  Environment& environment;
  /// Null once the Readiness is gone.
  Readiness* readiness;
  Listener& listener;
  uv_poll_t* handle;

  uv_handle_t* as_handle() const noexcept { return reinterpret_cast<uv_handle_t*>(handle); }

  static void OnPoll(uv_poll_t* handle, int status, int events) {
    auto* watcher = static_cast<Watcher*>(uv_handle_get_data(reinterpret_cast<uv_handle_t*>(handle)));
    if (watcher->readiness == nullptr) return;
    if (status < 0) watcher->readiness->stopped_ = true;
    Napi::HandleScope scope(watcher->environment.env());
    ReadyFor ready;
    ready.reading = status < 0 || (events & kUvReadable) != 0;
    ready.writing = status < 0 || (events & kUvWritable) != 0;
    watcher->listener.OnReady(ready);
    Readiness* readiness = watcher->readiness;
    if (readiness != nullptr && readiness->stopped_) readiness->Watch();
  }

  static void OnClosed(uv_handle_t* handle) {
    auto* watcher = static_cast<Watcher*>(uv_handle_get_data(handle));
    Environment& environment = watcher->environment;
    std::free(handle);
    delete watcher;
    environment.EndClosing();
  }
};

Readiness::Readiness(Environment& environment, int descriptor, Listener& listener) : watcher_(nullptr) {
  uv_loop_s* loop = nullptr;
  if (napi_get_uv_event_loop(environment.env(), &loop) != napi_ok) throw Napi::Error::New(environment.env());
  void* memory = std::calloc(1, uv_handle_size(kUvPoll));
  if (memory == nullptr) throw SystemError(environment.env(), ENOMEM, "uv_poll_init");
  auto* handle = static_cast<uv_poll_t*>(memory);
  int status = uv_poll_init(loop, handle, descriptor);
  if (status != 0) {
    std::free(memory);
    throw SystemError(environment.env(), -status, "uv_poll_init");
  }
  watcher_ = new Watcher{environment, this, listener, handle};
  uv_handle_set_data(watcher_->as_handle(), watcher_);
}

Readiness::~Readiness() {
  watcher_->readiness = nullptr;
  watcher_->environment.BeginClosing();
  uv_close(watcher_->as_handle(), Watcher::OnClosed);
}

void Readiness::WaitFor(ReadyFor wanted) noexcept {
  if (wanted.reading == wanted_.reading && wanted.writing == wanted_.writing && !stopped_) return;
  wanted_ = wanted;
  Watch();
}

void Readiness::Watch() noexcept {
  stopped_ = false;
  int events = (wanted_.reading ? kUvReadable : 0) | (wanted_.writing ? kUvWritable : 0);
  if (events == 0) {
    uv_poll_stop(watcher_->handle);
  } else {
    uv_poll_start(watcher_->handle, events, Watcher::OnPoll);
  }
}

void Readiness::SetReferenced(bool referenced) noexcept {
  if (referenced) {
    uv_ref(watcher_->as_handle());
  } else {
    uv_unref(watcher_->as_handle());
  }
}

}  // namespace remoting
