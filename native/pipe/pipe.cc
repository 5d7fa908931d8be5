// Named pipes for JavaScript: takes arguments apart, keeps what it is given alive as long as it is used, and
// makes calls of events. Numbers only go from the event loop to JavaScript; src/ipc/pipes makes errors of
// them.
#include <deque>

#include "../families.h"
#include "../options.h"
#include "pipe_end.h"

namespace remoting {

namespace {

/// The events, in the order of the functions that JavaScript gives.
enum Event : std::uint32_t { kConnected, kRead, kBatch, kEnd, kWritten, kEventCount };

PipeOptions OptionsOf(Napi::Object given) {
  PipeOptions options;
  options.name = TextOf(given, "name");
  options.folder = TextOf(given, "folder");
  options.mode = NumberOf(given, "mode");
  options.security = TextOf(given, "security");
  options.trusted_owner = TextOf(given, "trustedOwner");
  options.reads = FlagOf(given, "reads");
  options.writes = FlagOf(given, "writes");
  options.message_type = FlagOf(given, "messageType");
  options.first_instance = FlagOf(given, "firstInstance");
  options.reject_remote = FlagOf(given, "rejectRemote");
  options.max_instances = NumberOf(given, "maxInstances");
  options.in_buffer_size = NumberOf(given, "inBufferSize");
  options.out_buffer_size = NumberOf(given, "outBufferSize");
  return options;
}

class Pipe final : public Napi::ObjectWrap<Pipe>, private PipeEvents {
 public:
  /// new Pipe(isServer, options, [onConnected, onRead, onBatch, onEnd, onWritten])
  explicit Pipe(const Napi::CallbackInfo& info)
      : Napi::ObjectWrap<Pipe>(info), environment_(Environment::Of(info.Env())) {
    auto events = info[2].As<Napi::Array>();
    for (std::uint32_t index = 0; index < kEventCount; ++index) {
      events_[index] = Napi::Persistent(events.Get(index).As<Napi::Function>());
    }
    PipeOptions options = OptionsOf(info[1].As<Napi::Object>());
    const auto& names = *static_cast<std::shared_ptr<PipeNames>*>(info.Data());
    if (info[0].ToBoolean().Value()) {
      end_ = CreatePipe(environment_, names, options, *this);
    } else {
      end_ = OpenPipe(environment_, names, options, *this);
    }
  }

  static Napi::Function Define(Napi::Env env, std::shared_ptr<PipeNames>* names) {
    return DefineClass(env, "Pipe",
                       {
                           InstanceMethod<&Pipe::Accept>("accept"),
                           InstanceMethod<&Pipe::CancelAccept>("cancelAccept"),
                           InstanceMethod<&Pipe::ReleaseName>("releaseName"),
                           InstanceMethod<&Pipe::Disconnect>("disconnect"),
                           InstanceMethod<&Pipe::Close>("close"),
                           InstanceMethod<&Pipe::SetReadMemory>("setReadMemory"),
                           InstanceMethod<&Pipe::Read>("read"),
                           InstanceMethod<&Pipe::CancelRead>("cancelRead"),
                           InstanceMethod<&Pipe::Peek>("peek"),
                           InstanceMethod<&Pipe::Receive>("receive"),
                           InstanceMethod<&Pipe::Write>("write"),
                           InstanceMethod<&Pipe::CancelWrites>("cancelWrites"),
                           InstanceMethod<&Pipe::IsDrained>("isDrained"),
                           InstanceMethod<&Pipe::IsMessageType>("isMessageType"),
                           InstanceMethod<&Pipe::Peer>("peer"),
                           InstanceMethod<&Pipe::SetReferenced>("setReferenced"),
                       },
                       names);
  }

 private:
  /// What Write was given and the system has not yet taken.
  struct Kept {
    Napi::ObjectReference head;
    Napi::ObjectReference tail;
  };

  static Napi::Value ToBoolean(const Napi::CallbackInfo& info, bool value) {
    return Napi::Boolean::New(info.Env(), value);
  }

  Napi::Value Accept(const Napi::CallbackInfo& info) { return ToBoolean(info, end_->Accept()); }
  Napi::Value CancelAccept(const Napi::CallbackInfo& info) { return ToBoolean(info, end_->CancelAccept()); }
  Napi::Value ReleaseName(const Napi::CallbackInfo& info) { return ToBoolean(info, end_->ReleaseName()); }
  void Disconnect(const Napi::CallbackInfo&) {
    end_->Disconnect();
    kept_.clear();
  }
  void Close(const Napi::CallbackInfo&) {
    end_->Close();
    kept_.clear();
  }

  static Memory MemoryOf(Napi::Value value) {
    auto bytes = value.As<Napi::Uint8Array>();
    return {bytes.Data(), bytes.ByteLength()};
  }

  void SetReadMemory(const Napi::CallbackInfo& info) {
    memory_ = Napi::Persistent(info[0].As<Napi::Object>());
    end_->SetReadMemory(MemoryOf(info[0]));
  }
  /// read(most): [code, start, length, complete] if that is there at once.
  Napi::Value Read(const Napi::CallbackInfo& info) {
    ReadResult read;
    if (!end_->Read(info[0].As<Napi::Number>().Uint32Value(), &read)) return info.Env().Undefined();
    Napi::Array result = Napi::Array::New(info.Env(), 4);
    result.Set(0u, Napi::Number::New(info.Env(), read.code));
    result.Set(1u, Napi::Number::New(info.Env(), static_cast<double>(read.start)));
    result.Set(2u, Napi::Number::New(info.Env(), static_cast<double>(read.length)));
    result.Set(3u, Napi::Number::New(info.Env(), read.complete ? 1 : 0));
    return result;
  }
  Napi::Value CancelRead(const Napi::CallbackInfo& info) { return ToBoolean(info, end_->CancelRead()); }

  Napi::Value Peek(const Napi::CallbackInfo& info) {
    Peeked peeked = end_->Peek(MemoryOf(info[0]));
    Napi::Array result = Napi::Array::New(info.Env(), 4);
    result.Set(0u, Napi::Number::New(info.Env(), peeked.code));
    result.Set(1u, Napi::Number::New(info.Env(), static_cast<double>(peeked.copied)));
    result.Set(2u, Napi::Number::New(info.Env(), static_cast<double>(peeked.available)));
    result.Set(3u, Napi::Number::New(info.Env(), static_cast<double>(peeked.left_in_message)));
    return result;
  }

  void Receive(const Napi::CallbackInfo& info) {
    memory_ = Napi::Persistent(info[0].As<Napi::Object>());
    pieces_ = Napi::Persistent(info[1].As<Napi::Object>());
    auto pieces = info[1].As<Napi::Uint32Array>();
    end_->Receive(MemoryOf(info[0]), pieces.Data(), pieces.ElementLength() / 3);
  }

  /// write(memory, start, end, tail | undefined): whether the system has taken it.
  Napi::Value Write(const Napi::CallbackInfo& info) {
    Outgoing message = OutgoingOf(info);
    bool taken = end_->Write(message);
    if (!taken) {
      kept_.push_back(
          {Napi::Persistent(info[0].As<Napi::Object>()),
           message.tail_size > 0 ? Napi::Persistent(info[3].As<Napi::Object>()) : Napi::ObjectReference()});
    }
    return ToBoolean(info, taken);
  }

  Napi::Value CancelWrites(const Napi::CallbackInfo& info) {
    bool cancelled = end_->CancelWrites();
    if (cancelled) kept_.clear();
    return ToBoolean(info, cancelled);
  }
  Napi::Value IsDrained(const Napi::CallbackInfo& info) { return ToBoolean(info, end_->IsDrained()); }
  Napi::Value IsMessageType(const Napi::CallbackInfo& info) {
    return ToBoolean(info, end_->is_message_type());
  }

  Napi::Value Peer(const Napi::CallbackInfo& info) {
    Napi::Env env = info.Env();
    PipePeer peer = end_->Peer();
    Napi::Object result = Napi::Object::New(env);
    result.Set("processId", Napi::Number::New(env, peer.process_id));
    result.Set("userId", Napi::String::New(env, peer.user_id));
    result.Set("groupId", Napi::String::New(env, peer.group_id));
    result.Set("userName", Napi::String::New(env, peer.user_name));
    return result;
  }

  void SetReferenced(const Napi::CallbackInfo& info) { end_->SetReferenced(info[0].ToBoolean().Value()); }

  template <typename... Numbers>
  void Tell(Event event, Numbers... numbers) noexcept {
    napi_value arguments[sizeof...(Numbers)];
    std::size_t count = 0;
    for (double number : {static_cast<double>(numbers)...}) {
      if (napi_create_double(environment_.env(), number, &arguments[count++]) != napi_ok) return;
    }
    environment_.Call(events_[event], count, arguments);
  }

  void OnConnected(int code) noexcept override { Tell(kConnected, code); }
  void OnRead(const ReadResult& result) noexcept override {
    Tell(kRead, result.code, result.start, result.length, result.complete);
  }
  void OnBatch(std::uint32_t pieces) noexcept override { Tell(kBatch, pieces); }
  void OnEnd(int code) noexcept override { Tell(kEnd, code); }
  void OnWritten(std::uint32_t messages, int code) noexcept override {
    for (std::uint32_t index = 0; index < messages && !kept_.empty(); ++index) kept_.pop_front();
    Tell(kWritten, messages, code);
  }

  Environment& environment_;
  Napi::FunctionReference events_[kEventCount];
  Napi::ObjectReference memory_;
  Napi::ObjectReference pieces_;
  std::deque<Kept> kept_;
  // Last: destroyed first, while everything that it tells to is still there.
  std::unique_ptr<PipeEnd> end_;
};

}  // namespace

void RegisterPipes(Environment& environment, Napi::Object exports) {
  Napi::Env env = environment.env();
  auto* names = new std::shared_ptr<PipeNames>(CreatePipeNames(environment));
  Napi::Function constructor = Pipe::Define(env, names);
  constructor.AddFinalizer([](Napi::Env, std::shared_ptr<PipeNames>* owned) { delete owned; }, names);
  exports.Set("Pipe", constructor);
}

}  // namespace remoting
