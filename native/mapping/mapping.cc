// File mappings, as JavaScript has them: a mapping, and views of it.
#include <napi.h>

#include <cstring>
#include <memory>
#include <utility>

#include "environment.h"
#include "families.h"
#include "mapping/section.h"
#include "system_error.h"

namespace remoting {

namespace {

MappingAccess AccessOf(const Napi::Value& value) {
  std::string access = value.As<Napi::String>();
  if (access == "read") return MappingAccess::kRead;
  return access == "copyOnWrite" ? MappingAccess::kCopyOnWrite : MappingAccess::kReadWrite;
}

/// Has a view written to where the system keeps it, off the environment's thread. The range cannot be
/// unmapped meanwhile.
class FlushWorker : public Napi::AsyncWorker {
 public:
  FlushWorker(Napi::Env env, std::shared_ptr<MappedRange> range)
      : Napi::AsyncWorker(env), deferred_(Napi::Promise::Deferred::New(env)), range_(std::move(range)) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override { code_ = range_->Flush(); }
  void OnOK() override {
    if (code_ == 0) {
      deferred_.Resolve(Env().Undefined());
    } else {
      deferred_.Reject(SystemError(Env(), code_, "flush").Value());
    }
  }

 private:
  Napi::Promise::Deferred deferred_;
  std::shared_ptr<MappedRange> range_;
  int code_ = 0;
};

/// A view. Everything is copied, but for `memory`, which is the mapped memory itself.
class View : public Napi::ObjectWrap<View>, public Resource {
 public:
  static Napi::Function Define(Napi::Env env) {
    return DefineClass(env, "View",
                       {InstanceMethod<&View::CopyOut>("copyOut"), InstanceMethod<&View::CopyIn>("copyIn"),
                        InstanceMethod<&View::Flush>("flush"), InstanceMethod<&View::Memory>("memory"),
                        InstanceMethod<&View::Close>("close")});
  }

  explicit View(const Napi::CallbackInfo& info)
      : Napi::ObjectWrap<View>(info), Resource(Environment::Of(info.Env())) {}

  void Open(std::unique_ptr<MappedRange> range, std::size_t size) {
    range_ = std::move(range);
    size_ = size;
    Enlist();
  }

  void CloseWithEnvironment() noexcept override {
    // What JavaScript still sees of the memory it can no longer look at: the environment has ended.
    range_.reset();
    Delist();
  }

  ~View() override { GiveBack(Env()); }

 private:
  /// Bytes [position, position + length) of the view. The classes in TypeScript have checked both; checked
  /// again, because what lies beyond is somebody else's memory.
  std::uint8_t* At(Napi::Env env, double position, std::size_t length) {
    bool whole = position >= 0 && position <= static_cast<double>(size_);
    if (!range_ || !whole || length > size_ - static_cast<std::size_t>(position)) {
      throw Napi::RangeError::New(env, "Outside of the view");
    }
    return range_->data() + static_cast<std::size_t>(position);
  }

  void CheckOpen(Napi::Env env) const {
    if (!range_) throw FaultError(env, "closed", "The view is closed");
  }

  Napi::Value CopyOut(const Napi::CallbackInfo& info) {
    auto target = info[1].As<Napi::Uint8Array>();
    std::uint8_t* source = At(info.Env(), info[0].As<Napi::Number>(), target.ByteLength());
    // An empty array may have no memory at all.
    if (target.ByteLength() > 0) std::memcpy(target.Data(), source, target.ByteLength());
    return info.Env().Undefined();
  }

  Napi::Value CopyIn(const Napi::CallbackInfo& info) {
    auto source = info[1].As<Napi::Uint8Array>();
    std::uint8_t* target = At(info.Env(), info[0].As<Napi::Number>(), source.ByteLength());
    if (source.ByteLength() > 0) std::memcpy(target, source.Data(), source.ByteLength());
    return info.Env().Undefined();
  }

  Napi::Value Flush(const Napi::CallbackInfo& info) {
    CheckOpen(info.Env());
    auto* worker = new FlushWorker(info.Env(), range_);
    Napi::Promise promise = worker->promise();
    worker->Queue();
    return promise;
  }

  /// The mapped memory as an ArrayBuffer: no copy, and detached before it is unmapped.
  Napi::Value Memory(const Napi::CallbackInfo& info) {
    CheckOpen(info.Env());
    if (memory_.IsEmpty()) {
      napi_value buffer = nullptr;
      napi_status status =
          napi_create_external_arraybuffer(info.Env(), range_->data(), size_, nullptr, nullptr, &buffer);
      if (status == napi_no_external_buffers_allowed) {
        throw FaultError(info.Env(), "unsupported",
                         "This runtime allows no memory that is not its own: use read and write");
      }
      if (status != napi_ok) throw Napi::Error::New(info.Env());
      memory_ = Napi::Persistent(Napi::ArrayBuffer(info.Env(), buffer));
    }
    return memory_.Value();
  }

  Napi::Value Close(const Napi::CallbackInfo& info) {
    GiveBack(info.Env());
    return info.Env().Undefined();
  }

  void GiveBack(Napi::Env env) noexcept {
    if (range_ && !memory_.IsEmpty() && !Detach(env)) {
      // Somebody has moved the memory to a buffer that cannot be found: mapped for ever is better than a
      // crash.
      new std::shared_ptr<MappedRange>(range_);
    }
    memory_.Reset();
    range_.reset();
    Delist();
  }

  /// Takes the memory away from JavaScript. False if JavaScript has it elsewhere by now.
  bool Detach(Napi::Env env) noexcept {
    napi_value buffer = nullptr;
    bool moved = true;
    if (napi_get_reference_value(env, memory_, &buffer) != napi_ok || buffer == nullptr) return false;
    if (napi_is_detached_arraybuffer(env, buffer, &moved) != napi_ok || moved) return false;
    return napi_detach_arraybuffer(env, buffer) == napi_ok;
  }

  /// Shared with flushes that are under way.
  std::shared_ptr<MappedRange> range_;
  std::size_t size_ = 0;
  Napi::Reference<Napi::ArrayBuffer> memory_;
};

/// A mapping: the section, and how views of it are made.
class Mapping : public Napi::ObjectWrap<Mapping>, public Resource {
 public:
  static Napi::Function Define(Napi::Env env, Napi::Function view) {
    Napi::Function constructor =
        DefineClass(env, "Mapping",
                    {InstanceAccessor<&Mapping::Size>("size"), InstanceAccessor<&Mapping::Existed>("existed"),
                     InstanceMethod<&Mapping::MapView>("mapView"), InstanceMethod<&Mapping::Close>("close")});
    // Held by the class, so each environment has its own.
    constructor.Set("View", view);
    return constructor;
  }

  explicit Mapping(const Napi::CallbackInfo& info)
      : Napi::ObjectWrap<Mapping>(info), Resource(Environment::Of(info.Env())) {
    auto options = info[0].As<Napi::Object>();
    SectionRequest request;
    request.name = options.Get("name").As<Napi::String>();
    request.file = options.Get("file").As<Napi::String>();
    request.size = static_cast<std::uint64_t>(options.Get("size").As<Napi::Number>().DoubleValue());
    request.access = AccessOf(options.Get("access"));
    request.disposition = NameDispositionOf(options.Get("disposition").As<Napi::String>());
    section_ = Section::Acquire(info.Env(), request);
    Enlist();
  }

  void CloseWithEnvironment() noexcept override {
    section_.reset();
    Delist();
  }

 private:
  Napi::Value Size(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), section_ ? static_cast<double>(section_->size()) : 0);
  }

  Napi::Value Existed(const Napi::CallbackInfo& info) {
    return Napi::Boolean::New(info.Env(), section_ && section_->existed());
  }

  Napi::Value MapView(const Napi::CallbackInfo& info) {
    auto constructor = info[0].As<Napi::Function>();
    auto offset = static_cast<std::uint64_t>(info[1].As<Napi::Number>().DoubleValue());
    auto length = static_cast<std::size_t>(info[2].As<Napi::Number>().DoubleValue());
    if (!section_ || length == 0 || offset > section_->size() || length > section_->size() - offset) {
      throw Napi::RangeError::New(info.Env(), "Outside of the mapping");
    }
    std::unique_ptr<MappedRange> range = section_->Map(info.Env(), offset, length, AccessOf(info[3]));
    Napi::Object view = constructor.New({});
    View::Unwrap(view)->Open(std::move(range), length);
    return view;
  }

  Napi::Value Close(const Napi::CallbackInfo& info) {
    section_.reset();
    Delist();
    return info.Env().Undefined();
  }

  std::unique_ptr<Section> section_;
};

}  // namespace

void RegisterMappings(Environment& environment, Napi::Object exports) {
  Napi::Env env = environment.env();
  Napi::Function view = View::Define(env);
  exports.Set("View", view);
  exports.Set("Mapping", Mapping::Define(env, view));
}

}  // namespace remoting
