// Rings for JavaScript: takes arguments apart, keeps what it is given alive as long as it is used, and makes
// calls of events. src/ipc/rings/native-rings.ts says what each function does.
#include <algorithm>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "../families.h"
#include "../outgoing.h"
#include "ring/ring_endpoint.h"

namespace remoting {

namespace {

class Endpoint final : public Napi::ObjectWrap<Endpoint>, private Resource, private DoorbellEvents {
 public:
  /// Made here only: what is given is an External<RingLink>.
  explicit Endpoint(const Napi::CallbackInfo& info)
      : Napi::ObjectWrap<Endpoint>(info), Resource(Environment::Of(info.Env())) {
    if (!info[0].IsExternal()) throw Napi::TypeError::New(info.Env(), "Endpoints come from a RingMeeting");
    ring_.emplace(std::move(*info[0].As<Napi::External<RingLink>>().Data()));
    Own<&Endpoint::Write>(info, "write");
    Own<&Endpoint::Receive>(info, "receive");
    Own<&Endpoint::ReceiveInto>(info, "receiveInto");
    Enlist();
    // An open endpoint is not garbage, whether or not somebody holds it.
    Ref();
  }

  static Napi::Function Define(Napi::Env env) {
    return DefineClass(env, "RingEndpoint",
                       {
                           InstanceMethod<&Endpoint::Start>("start"),
                           InstanceMethod<&Endpoint::Close>("close"),
                           InstanceMethod<&Endpoint::Peer>("peer"),
                           InstanceMethod<&Endpoint::SetReferenced>("setReferenced"),
                       });
  }

 private:
  /// Gives the object a function of its own, which has what it belongs to at hand: to find that through the
  /// object, as the methods of a class do, costs more than all else that such a call is.
  template <Napi::Value (Endpoint::*function)(const Napi::CallbackInfo&)>
  void Own(const Napi::CallbackInfo& info, const char* name) {
    Napi::Function own = Napi::Function::New<&Endpoint::Invoke<function>>(info.Env(), name, this);
    // As long as somebody has the function, there is the endpoint.
    own.Set("endpoint", info.This());
    info.This().As<Napi::Object>().Set(name, own);
  }

  template <Napi::Value (Endpoint::*function)(const Napi::CallbackInfo&)>
  static Napi::Value Invoke(const Napi::CallbackInfo& info) {
    return (static_cast<Endpoint*>(info.Data())->*function)(info);
  }

  void Start(const Napi::CallbackInfo& info) {
    if (!ring_) return;
    auto memory = info[0].As<Napi::Uint8Array>();
    if (memory.ByteLength() < 2 * RingEndpoint::kAlignment) {
      throw Napi::RangeError::New(info.Env(), "start needs memory to read into");
    }
    kept_memory_ = Napi::Persistent(info[0].As<Napi::Object>());
    memory_ = memory.Data();
    memory_size_ = memory.ByteLength();
    on_wake_ = Napi::Persistent(info[1].As<Napi::Function>());
    ring_->bell().Listen(*this);
  }

  Napi::Value Write(const Napi::CallbackInfo& info) {
    Outgoing message = OutgoingOf(info);
    std::int64_t written =
        ring_ ? ring_->Write(message.head, message.head_size, message.tail, message.tail_size) : 0;
    return Napi::Number::New(info.Env(), static_cast<double>(written));
  }

  Napi::Value Receive(const Napi::CallbackInfo& info) {
    napi_env env = info.Env();
    if (!ring_ || memory_ == nullptr) return Napi::Number::New(env, kRingEmpty);
    std::uint32_t spin = 0;
    bool sleep = false;
    std::uint32_t most = 0;
    napi_get_value_uint32(env, info[0], &spin);
    napi_get_value_bool(env, info[1], &sleep);
    napi_get_value_uint32(env, info[2], &most);
    std::size_t size = std::min(memory_size_, ring_->next_offset() + most);
    return Napi::Number::New(env, static_cast<double>(ring_->Receive(memory_, size, spin, sleep)));
  }

  Napi::Value ReceiveInto(const Napi::CallbackInfo& info) {
    napi_env env = info.Env();
    void* target = nullptr;
    std::size_t size = 0;
    std::uint32_t most = 0;
    if (napi_get_buffer_info(env, info[0], &target, &size) != napi_ok ||
        napi_get_value_uint32(env, info[1], &most) != napi_ok || most > size) {
      throw Napi::TypeError::New(env, "receiveInto takes a buffer, and how much of it may be filled");
    }
    if (!ring_ || most == 0) return Napi::Number::New(env, 0);
    return Napi::Number::New(
        env, static_cast<double>(ring_->ReceiveInto(static_cast<unsigned char*>(target), most)));
  }

  void Close(const Napi::CallbackInfo&) {
    if (!ring_) return;
    GiveBack();
    Unref();
  }

  Napi::Value Peer(const Napi::CallbackInfo& info) {
    Napi::Object result = Napi::Object::New(info.Env());
    if (!ring_) return result;
    result.Set("processId", Napi::Number::New(info.Env(), ring_->peer().process_id));
    result.Set("userId", Napi::String::New(info.Env(), ring_->peer().user_id));
    result.Set("userName", Napi::String::New(info.Env(), ring_->peer().user_name));
    return result;
  }

  void SetReferenced(const Napi::CallbackInfo& info) {
    if (ring_) ring_->bell().SetReferenced(info[0].ToBoolean().Value());
  }

  void GiveBack() noexcept {
    ring_.reset();
    memory_ = nullptr;
    Delist();
  }

  void CloseWithEnvironment() noexcept override { GiveBack(); }

  void Tell(bool ended) noexcept {
    napi_value argument = nullptr;
    if (napi_get_boolean(environment().env(), ended, &argument) != napi_ok) return;
    environment().Call(on_wake_, 1, &argument);
  }
  void OnRung() noexcept override { Tell(false); }
  void OnEnd() noexcept override { Tell(true); }

  Napi::ObjectReference kept_memory_;
  unsigned char* memory_ = nullptr;
  std::size_t memory_size_ = 0;
  Napi::FunctionReference on_wake_;
  std::optional<RingEndpoint> ring_;
};

class Meeting final : public Napi::ObjectWrap<Meeting>, private Resource, private RingMeetingEvents {
 public:
  /// new RingMeeting(isServer, name, capacity, onMet, onFailed)
  explicit Meeting(const Napi::CallbackInfo& info)
      : Napi::ObjectWrap<Meeting>(info),
        Resource(Environment::Of(info.Env())),
        endpoints_(*static_cast<Napi::FunctionReference*>(info.Data())) {
    bool is_server = info[0].ToBoolean().Value();
    std::string name = info[1].As<Napi::String>().Utf8Value();
    std::uint32_t capacity = info[2].As<Napi::Number>().Uint32Value();
    if (is_server && !IsCapacity(capacity)) {
      throw Napi::RangeError::New(info.Env(), "the size of a ring is a power of two from 64 KiB to 64 MiB");
    }
    on_met_ = Napi::Persistent(info[3].As<Napi::Function>());
    on_failed_ = Napi::Persistent(info[4].As<Napi::Function>());
    meeting_ = is_server ? ListenForRings(environment(), name, capacity, *this)
                         : ConnectRings(environment(), name, *this);
    Enlist();
    Ref();
  }

  static Napi::Function Define(Napi::Env env, Napi::FunctionReference* endpoints) {
    return DefineClass(env, "RingMeeting", {InstanceMethod<&Meeting::Close>("close")}, endpoints);
  }

 private:
  void Close(const Napi::CallbackInfo&) {
    if (!meeting_) return;
    meeting_.reset();
    Delist();
    Unref();
  }

  void CloseWithEnvironment() noexcept override {
    meeting_.reset();
    Delist();
  }

  void OnMet(RingLink link) noexcept override {
    // Where it is not told, the link goes with this function.
    UnlessEnding([&] {
      napi_value endpoint = endpoints_.New({Napi::External<RingLink>::New(environment().env(), &link)});
      environment().Call(on_met_, 1, &endpoint);
    });
  }

  void OnFailed(const RingFailure& failure) noexcept override {
    UnlessEnding([&] {
      Napi::Env env = environment().env();
      Napi::Error error = failure.fault == nullptr ? SystemError(env, failure.code, failure.what.c_str())
                                                   : FaultError(env, failure.fault, failure.what);
      napi_value value = error.Value();
      environment().Call(on_failed_, 1, &value);
    });
  }

  Napi::FunctionReference& endpoints_;
  Napi::FunctionReference on_met_;
  Napi::FunctionReference on_failed_;
  std::unique_ptr<RingMeeting> meeting_;
};

/// How many processors the machine has: waiting busily on the only one would keep the peer from it.
Napi::Value ProcessorCount(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), std::thread::hardware_concurrency());
}

}  // namespace

void RegisterRings(Environment& environment, Napi::Object exports) {
  Napi::Env env = environment.env();
  auto* endpoints = new Napi::FunctionReference(Napi::Persistent(Endpoint::Define(env)));
  Napi::Function meetings = Meeting::Define(env, endpoints);
  // As long as there can be meetings.
  meetings.AddFinalizer([](Napi::Env, Napi::FunctionReference* owned) { delete owned; }, endpoints);
  exports.Set("RingMeeting", meetings);
  exports.Set("processorCount", Napi::Function::New(env, ProcessorCount, "processorCount"));
}

}  // namespace remoting
