// Events, as JavaScript has them.
#include <napi.h>

#include <memory>
#include <utility>

#include "environment.h"
#include "families.h"
#include "synchronization/event_object.h"
#include "synchronization/waiting_thread.h"
#include "system_error.h"

namespace remoting {

namespace {

class Event : public Napi::ObjectWrap<Event>, public Resource {
 public:
  static Napi::Function Define(Napi::Env env) {
    return DefineClass(env, "Event",
                       {InstanceAccessor<&Event::Existed>("existed"), InstanceMethod<&Event::Set>("set"),
                        InstanceMethod<&Event::Reset>("reset"), InstanceMethod<&Event::Wait>("wait"),
                        InstanceMethod<&Event::Close>("close")});
  }

  explicit Event(const Napi::CallbackInfo& info)
      : Napi::ObjectWrap<Event>(info), Resource(Environment::Of(info.Env())) {
    EventRequest request;
    request.name = info[0].As<Napi::String>();
    request.disposition = NameDispositionOf(info[1].As<Napi::String>());
    request.manual = info[2].As<Napi::Boolean>();
    request.signaled = info[3].As<Napi::Boolean>();
    object_ = EventObject::Open(info.Env(), request);
    Enlist();
  }

  void CloseWithEnvironment() noexcept override {
    object_.reset();
    Delist();
  }

 private:
  EventObject& Object(Napi::Env env) {
    if (!object_) throw FaultError(env, "closed", "The event is closed");
    return *object_;
  }

  Napi::Value Existed(const Napi::CallbackInfo& info) {
    return Napi::Boolean::New(info.Env(), object_ && object_->existed());
  }

  Napi::Value Set(const Napi::CallbackInfo& info) {
    Object(info.Env()).Set();
    return info.Env().Undefined();
  }

  Napi::Value Reset(const Napi::CallbackInfo& info) {
    Object(info.Env()).Reset();
    return info.Env().Undefined();
  }

  /// (milliseconds, callback(error, outcome)). Returns a function that has the wait end soon.
  Napi::Value Wait(const Napi::CallbackInfo& info) {
    Object(info.Env());
    double milliseconds = info[0].As<Napi::Number>();
    std::shared_ptr<Interruption> interruption = Interruption::Create(info.Env());
    WaitingSteps steps;
    steps.wait = [object = object_, milliseconds, interruption] {
      return object->Wait(milliseconds, *interruption);
    };
    steps.interrupt = [object = object_, interruption] { object->Interrupt(*interruption); };
    std::weak_ptr<WaitingThread> waiting =
        WaitingThread::Start(environment(), info[1].As<Napi::Function>(), std::move(steps));
    return Napi::Function::New(info.Env(), [waiting](const Napi::CallbackInfo&) {
      if (std::shared_ptr<WaitingThread> present = waiting.lock()) present->Interrupt();
    });
  }

  Napi::Value Close(const Napi::CallbackInfo& info) {
    object_.reset();
    Delist();
    return info.Env().Undefined();
  }

  std::shared_ptr<EventObject> object_;
};

}  // namespace

void RegisterEvents(Environment& environment, Napi::Object exports) {
  exports.Set("Event", Event::Define(environment.env()));
}

}  // namespace remoting
