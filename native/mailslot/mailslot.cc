// Mailslots for JavaScript: takes arguments apart and makes calls of events.
#include "mailslot.h"

#include <utility>

#include "../families.h"
#include "../options.h"

namespace remoting {

namespace {

MailslotOptions OptionsOf(const Napi::Value& value) {
  auto given = value.As<Napi::Object>();
  MailslotOptions options;
  options.name = TextOf(given, "name");
  options.folder = TextOf(given, "folder");
  options.mode = NumberOf(given, "mode");
  options.security = TextOf(given, "security");
  options.max_message_size = NumberOf(given, "maxMessageSize");
  return options;
}

class ReaderObject final : public Napi::ObjectWrap<ReaderObject>,
                           public Resource,
                           private MailslotReader::Listener {
 public:
  /// new MailslotReader(options, onTaken(messages, oversized), onFailed(error))
  explicit ReaderObject(const Napi::CallbackInfo& info)
      : Napi::ObjectWrap<ReaderObject>(info), Resource(Environment::Of(info.Env())) {
    on_taken_ = Napi::Persistent(info[1].As<Napi::Function>());
    on_failed_ = Napi::Persistent(info[2].As<Napi::Function>());
    reader_ = CreateMailslotReader(environment(), OptionsOf(info[0]), *this);
    // Not to be collected while it receives: whoever awaits a message may hold nothing else.
    Ref();
    Enlist();
  }

  static Napi::Function Define(Napi::Env env) {
    return DefineClass(env, "MailslotReader",
                       {InstanceMethod<&ReaderObject::SetRoom>("setRoom"),
                        InstanceMethod<&ReaderObject::SetReferenced>("setReferenced"),
                        InstanceMethod<&ReaderObject::Close>("close")});
  }

  void CloseWithEnvironment() noexcept override {
    reader_.reset();
    Delist();
  }

 private:
  void SetRoom(const Napi::CallbackInfo& info) {
    if (reader_) reader_->SetRoom(info[0].As<Napi::Number>().Uint32Value());
  }
  void SetReferenced(const Napi::CallbackInfo& info) {
    if (reader_) reader_->SetReferenced(info[0].ToBoolean().Value());
  }
  void Close(const Napi::CallbackInfo&) {
    if (!reader_) return;
    reader_.reset();
    Delist();
    Unref();
  }

  void OnTaken(TakenMessages taken) noexcept override {
    UnlessEnding([&] {
      Napi::Env env = environment().env();
      Napi::Array messages = Napi::Array::New(env, taken.messages.size());
      for (std::uint32_t index = 0; index < taken.messages.size(); ++index) {
        const auto& message = taken.messages[index];
        messages.Set(index, Napi::Buffer<std::uint8_t>::Copy(env, message.data(), message.size()));
      }
      napi_value arguments[] = {messages, Napi::Number::New(env, taken.oversized)};
      environment().Call(on_taken_, 2, arguments);
    });
  }

  void OnFailed(SystemCode code, const char* system_call) noexcept override {
    UnlessEnding([&] {
      napi_value arguments[] = {SystemError(environment().env(), code, system_call).Value()};
      environment().Call(on_failed_, 1, arguments);
    });
  }

  Napi::FunctionReference on_taken_;
  Napi::FunctionReference on_failed_;
  std::unique_ptr<MailslotReader> reader_;
};

class WriterObject final : public Napi::ObjectWrap<WriterObject>,
                           public Resource,
                           private MailslotWriter::Listener {
 public:
  /// new MailslotWriter(options, onWritten(error | undefined))
  explicit WriterObject(const Napi::CallbackInfo& info)
      : Napi::ObjectWrap<WriterObject>(info), Resource(Environment::Of(info.Env())) {
    on_written_ = Napi::Persistent(info[1].As<Napi::Function>());
    writer_ = OpenMailslotWriter(environment(), OptionsOf(info[0]), *this);
    Enlist();
  }

  static Napi::Function Define(Napi::Env env) {
    return DefineClass(
        env, "MailslotWriter",
        {InstanceMethod<&WriterObject::Write>("write"), InstanceMethod<&WriterObject::Cancel>("cancel"),
         InstanceMethod<&WriterObject::MaxMessageSize>("maxMessageSize"),
         InstanceMethod<&WriterObject::Close>("close")});
  }

  void CloseWithEnvironment() noexcept override {
    writer_.reset();
    Delist();
  }

 private:
  /// True if it was written, false if it waits and onWritten will tell. Throws what the system says.
  Napi::Value Write(const Napi::CallbackInfo& info) {
    auto bytes = info[0].As<Napi::Uint8Array>();
    SystemCode code = 0;
    if (!writer_) throw FaultError(info.Env(), "closed", "The mailslot was closed by this end");
    switch (writer_->Write(bytes.Data(), bytes.ByteLength(), &code)) {
      case MailslotWriter::Outcome::kWritten:
        return Napi::Boolean::New(info.Env(), true);
      case MailslotWriter::Outcome::kWaiting:
        Hold();
        return Napi::Boolean::New(info.Env(), false);
      default:
        throw SystemError(info.Env(), code, "write");
    }
  }
  Napi::Value Cancel(const Napi::CallbackInfo& info) {
    bool cancelled = !writer_ || writer_->Cancel();
    if (cancelled) LetGo();
    return Napi::Boolean::New(info.Env(), cancelled);
  }
  Napi::Value MaxMessageSize(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), writer_ ? writer_->max_message_size() : 0);
  }
  void Close(const Napi::CallbackInfo&) {
    writer_.reset();
    Delist();
    LetGo();
  }

  void OnWritten(SystemCode code, const char* system_call) noexcept override {
    UnlessEnding([&] {
      Napi::Env env = environment().env();
      LetGo();
      napi_value arguments[] = {code == 0 ? env.Undefined() : SystemError(env, code, system_call).Value()};
      environment().Call(on_written_, 1, arguments);
    });
  }

  /// Not to be collected while a message waits.
  void Hold() {
    if (held_) return;
    held_ = true;
    Ref();
  }
  void LetGo() {
    if (!held_) return;
    held_ = false;
    Unref();
  }

  bool held_ = false;
  Napi::FunctionReference on_written_;
  std::unique_ptr<MailslotWriter> writer_;
};

}  // namespace

void RegisterMailslots(Environment& environment, Napi::Object exports) {
  exports.Set("MailslotReader", ReaderObject::Define(environment.env()));
  exports.Set("MailslotWriter", WriterObject::Define(environment.env()));
}

}  // namespace remoting
