#include "synchronization/waiting_thread.h"

#include <cerrno>
#include <system_error>
#include <utility>

#include "system_error.h"

namespace remoting {

std::shared_ptr<WaitingThread> WaitingThread::Start(Environment& environment, Napi::Function callback,
                                                    WaitingSteps steps) {
  auto waiting = std::make_shared<WaitingThread>(environment);
  Napi::Env env = environment.env();
  waiting->steps_ = std::move(steps);
  waiting->callback_ = Napi::Persistent(callback);
  napi_value name;
  if (napi_create_string_utf8(env, "remoting wait", NAPI_AUTO_LENGTH, &name) != napi_ok ||
      napi_create_threadsafe_function(env, nullptr, nullptr, name, 1, 1, nullptr, nullptr, waiting.get(),
                                      OnEnd, &waiting->notify_) != napi_ok) {
    throw Napi::Error::New(env);
  }
  try {
    waiting->thread_ = std::thread([raw = waiting.get()] { raw->Run(); });
  } catch (const std::system_error& error) {
    napi_release_threadsafe_function(waiting->notify_, napi_tsfn_abort);
    throw SystemError(env, error.code().value(), "create a thread");
  }
  waiting->self_ = waiting;
  waiting->Enlist();
  return waiting;
}

WaitingThread::~WaitingThread() {
  // Only the environment's end leaves a thread here, and joins it.
  if (thread_.joinable()) thread_.join();
}

bool WaitingThread::GotIt() const noexcept {
  return outcome_.kind == WaitOutcome::Kind::kDone || outcome_.kind == WaitOutcome::Kind::kAbandoned;
}

void WaitingThread::Run() {
  outcome_ = steps_.wait();
  napi_call_threadsafe_function(notify_, nullptr, napi_tsfn_nonblocking);
  if (GotIt() && steps_.hold) steps_.hold();
}

void WaitingThread::OnEnd(napi_env env, napi_value, void* context, void*) {
  // Without an environment it is being torn down: CloseWithEnvironment has ended everything, or will.
  if (env != nullptr) static_cast<WaitingThread*>(context)->Finish(env);
}

void WaitingThread::Finish(Napi::Env env) {
  if (over_) return;
  over_ = true;
  if (!GotIt() || !steps_.hold) Join();
  std::shared_ptr<WaitingThread> self = std::move(self_);
  napi_release_threadsafe_function(notify_, napi_tsfn_release);
  Napi::HandleScope scope(env);
  napi_value arguments[2] = {env.Null(), env.Undefined()};
  if (outcome_.kind == WaitOutcome::Kind::kFailed) {
    arguments[0] = SystemError(env, outcome_.code, "wait").Value();
  } else {
    static constexpr const char* kWords[] = {"done", "abandoned", "timeout", "interrupted"};
    arguments[1] = Napi::String::New(env, kWords[static_cast<int>(outcome_.kind)]);
  }
  Napi::FunctionReference callback = std::move(callback_);
  environment().Call(callback, 2, arguments);
}

void WaitingThread::Interrupt() {
  if (!over_) steps_.interrupt();
}

void WaitingThread::Join() {
  if (thread_.joinable()) thread_.join();
  Delist();
}

void WaitingThread::CloseWithEnvironment() noexcept {
  bool told = over_;
  over_ = true;
  steps_.interrupt();
  if (steps_.abandon) steps_.abandon();
  Join();
  if (!told) napi_release_threadsafe_function(notify_, napi_tsfn_abort);
  callback_.SuppressDestruct();
  self_.reset();
}

}  // namespace remoting
