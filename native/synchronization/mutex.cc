// Mutexes, as JavaScript has them. The class in TypeScript sees to it that there is one acquire at a time.
#include <napi.h>

#include <memory>
#include <utility>

#include "environment.h"
#include "families.h"
#include "synchronization/mutex_object.h"
#include "synchronization/waiting_thread.h"
#include "system_error.h"

namespace remoting {

namespace {

class Mutex : public Napi::ObjectWrap<Mutex>, public Resource {
 public:
  static Napi::Function Define(Napi::Env env) {
    return DefineClass(
        env, "Mutex",
        {InstanceAccessor<&Mutex::Existed>("existed"), InstanceMethod<&Mutex::Acquire>("acquire"),
         InstanceMethod<&Mutex::Interrupt>("interrupt"), InstanceMethod<&Mutex::Release>("release"),
         InstanceMethod<&Mutex::Close>("close")});
  }

  explicit Mutex(const Napi::CallbackInfo& info)
      : Napi::ObjectWrap<Mutex>(info), Resource(Environment::Of(info.Env())) {
    object_ = MutexObject::Open(info.Env(), info[0].As<Napi::String>(),
                                NameDispositionOf(info[1].As<Napi::String>()));
    Enlist();
  }

  void CloseWithEnvironment() noexcept override {
    // A waiting or holding thread is a resource of its own, and has the object too.
    thread_.reset();
    object_.reset();
    Delist();
  }

 private:
  Napi::Value Existed(const Napi::CallbackInfo& info) {
    return Napi::Boolean::New(info.Env(), object_ && object_->existed());
  }

  /// (milliseconds, callback(error, outcome))
  Napi::Value Acquire(const Napi::CallbackInfo& info) {
    if (!object_) throw FaultError(info.Env(), "closed", "The mutex is closed");
    double milliseconds = info[0].As<Napi::Number>();
    WaitingSteps steps;
    steps.wait = [object = object_, milliseconds] { return object->Acquire(milliseconds); };
    steps.interrupt = [object = object_] { object->Interrupt(); };
    steps.hold = [object = object_] { object->Hold(); };
    steps.abandon = [object = object_] { object->Abandon(); };
    thread_ = WaitingThread::Start(environment(), info[1].As<Napi::Function>(), std::move(steps));
    return info.Env().Undefined();
  }

  Napi::Value Interrupt(const Napi::CallbackInfo& info) {
    if (thread_) thread_->Interrupt();
    return info.Env().Undefined();
  }

  Napi::Value Release(const Napi::CallbackInfo& info) {
    if (object_) object_->Release();
    if (thread_) thread_->Join();
    thread_.reset();
    return info.Env().Undefined();
  }

  /// Not while it is held or waited for.
  Napi::Value Close(const Napi::CallbackInfo& info) {
    thread_.reset();
    object_.reset();
    Delist();
    return info.Env().Undefined();
  }

  std::shared_ptr<MutexObject> object_;
  /// The last one that waited; the one that holds it, if it is held.
  std::shared_ptr<WaitingThread> thread_;
};

}  // namespace

void RegisterMutexes(Environment& environment, Napi::Object exports) {
  exports.Set("Mutex", Mutex::Define(environment.env()));
}

}  // namespace remoting
