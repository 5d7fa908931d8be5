// Mailslots as Windows has them. Each end works on a thread of its own: a mailslot cannot be read overlapped
// everywhere (under Wine the read blocks the thread that began it), and a write may have to wait.
#include <windows.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <utility>

#include "handle.h"
#include "mailslot.h"
#include "security_descriptor.h"
#include "wide_string.h"

namespace remoting {

namespace {

/// How long a read waits before it looks whether it is still wanted. A message ends the wait at once; this
/// only bounds how long closing takes where the system cannot cancel a read.
constexpr DWORD kReadTurn = 50;
/// The room for a message of a slot that takes any size, until a larger one is met.
constexpr DWORD kAnySize = 1024 * 1024;

std::wstring SystemName(const MailslotOptions& options) { return ToWide("\\\\.\\mailslot\\" + options.name); }

/// Has functions run in the event loop. It belongs to the loop's thread, but Post may be called from one
/// other.
class LoopPost {
 public:
  explicit LoopPost(Napi::Env env) {
    napi_value name = Napi::String::New(env, "remoting.mailslot");
    napi_status status = napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr,
                                                         nullptr, Run, &function_);
    if (status != napi_ok) throw Napi::Error::New(env);
    env_ = env;
  }
  LoopPost(const LoopPost&) = delete;
  LoopPost& operator=(const LoopPost&) = delete;

  void Post(std::function<void()> action) {
    auto* data = new std::function<void()>(std::move(action));
    if (napi_call_threadsafe_function(function_, data, napi_tsfn_nonblocking) != napi_ok) delete data;
  }
  void SetReferenced(bool referenced) noexcept {
    if (referenced) {
      napi_ref_threadsafe_function(env_, function_);
    } else {
      napi_unref_threadsafe_function(env_, function_);
    }
  }
  /// Called once, when nobody will Post any more.
  void Release() noexcept { napi_release_threadsafe_function(function_, napi_tsfn_release); }

 private:
  static void Run(napi_env env, napi_value, void*, void* data) {
    auto* action = static_cast<std::function<void()>*>(data);
    // Without an environment it is being thrown away.
    if (env != nullptr) (*action)();
    delete action;
  }

  napi_env env_ = nullptr;
  napi_threadsafe_function function_ = nullptr;
};

class Reader final : public MailslotReader {
 public:
  Reader(Environment& environment, const MailslotOptions& options, Listener& listener)
      : most_(options.max_message_size), post_(environment.env()), listener_(&listener) {
    Napi::Env env = environment.env();
    try {
      SecurityDescriptor security(env, options.security);
      slot_.Reset(CreateMailslotW(SystemName(options).c_str(), most_, kReadTurn, security.attributes()));
      if (!slot_) throw SystemError(env, LastSystemCode(), "CreateMailslot");
      wake_.Reset(CreateEventW(nullptr, FALSE, FALSE, nullptr));
      thread_.Reset(CreateThread(nullptr, 0, Work, this, 0, nullptr));
      if (!wake_ || !thread_) throw SystemError(env, LastSystemCode(), "CreateThread");
    } catch (...) {
      post_.Release();
      throw;
    }
  }

  ~Reader() override {
    stopped_ = true;
    *alive_ = false;
    SetEvent(wake_.get());
    CancelSynchronousIo(thread_.get());
    WaitForSingleObject(thread_.get(), INFINITE);
    post_.Release();
  }

  void SetRoom(std::uint32_t messages) noexcept override {
    // What the thread has taken and the loop has not yet seen is not known here: it is taken off in Deliver.
    room_ = static_cast<std::int64_t>(messages) - undelivered_;
    SetEvent(wake_.get());
  }
  void SetReferenced(bool referenced) noexcept override { post_.SetReferenced(referenced); }

 private:
  static DWORD WINAPI Work(void* reader) {
    static_cast<Reader*>(reader)->Run();
    return 0;
  }

  void Run() {
    std::vector<std::uint8_t> memory(most_ == 0 ? kAnySize : static_cast<std::size_t>(most_) + 1);
    while (!stopped_) {
      if (room_ <= 0) {
        WaitForSingleObject(wake_.get(), INFINITE);
        continue;
      }
      DWORD length = 0;
      BOOL read = ReadFile(slot_.get(), memory.data(), static_cast<DWORD>(memory.size()), &length, nullptr);
      DWORD error = read ? 0 : GetLastError();
      if (read) {
        Take(memory.data(), length);
      } else if (error == ERROR_BROKEN_PIPE) {
        // How Wine 8 reads an empty message.
        Take(memory.data(), 0);
      } else if (error == ERROR_INSUFFICIENT_BUFFER) {
        DWORD next = 0;
        GetMailslotInfo(slot_.get(), nullptr, &next, nullptr, nullptr);
        memory.resize(next == MAILSLOT_NO_MESSAGE ? memory.size() * 2 : next);
      } else if (error != ERROR_SEM_TIMEOUT && error != ERROR_OPERATION_ABORTED) {
        Post([this, error] { listener_->OnFailed(static_cast<SystemCode>(error), "ReadFile"); });
        return;
      }
    }
  }

  void Take(const std::uint8_t* bytes, DWORD length) {
    // Wine does not enforce the maximum size.
    bool oversized = most_ > 0 && length > most_;
    std::lock_guard<std::mutex> lock(mutex_);
    bool was_empty = taken_.messages.empty() && taken_.oversized == 0;
    if (oversized) {
      ++taken_.oversized;
    } else {
      taken_.messages.emplace_back(bytes, bytes + length);
      --room_;
      ++undelivered_;
    }
    if (was_empty) Post([this] { Deliver(); });
  }

  void Deliver() {
    TakenMessages taken;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      taken = std::exchange(taken_, {});
    }
    undelivered_ -= static_cast<std::int64_t>(taken.messages.size());
    listener_->OnTaken(std::move(taken));
  }

  void Post(std::function<void()> action) {
    post_.Post([alive = alive_, action = std::move(action)] {
      if (*alive) action();
    });
  }

  const std::uint32_t most_;
  LoopPost post_;
  Listener* listener_;
  Handle slot_;
  Handle wake_;
  Handle thread_;
  /// Whether this object is there. Looked at and changed by the loop's thread only.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::atomic<bool> stopped_{false};
  std::atomic<std::int64_t> room_{0};
  std::atomic<std::int64_t> undelivered_{0};
  std::mutex mutex_;
  TakenMessages taken_;
};

class Writer final : public MailslotWriter {
 public:
  Writer(Environment& environment, const MailslotOptions& options, Listener& listener)
      : shared_(std::make_shared<Shared>(environment.env())) {
    Napi::Env env = environment.env();
    shared_->listener = &listener;
    try {
      shared_->slot.Reset(CreateFileW(SystemName(options).c_str(), GENERIC_WRITE,
                                      FILE_SHARE_READ | FILE_SHARE_WRITE, nullptr, OPEN_EXISTING,
                                      FILE_ATTRIBUTE_NORMAL, nullptr));
      if (!shared_->slot) throw SystemError(env, LastSystemCode(), "CreateFile");
      shared_->wake.Reset(CreateEventW(nullptr, FALSE, FALSE, nullptr));
      auto* given = new std::shared_ptr<Shared>(shared_);
      thread_.Reset(CreateThread(nullptr, 0, Work, given, 0, nullptr));
      if (!shared_->wake || !thread_) {
        delete given;
        throw SystemError(env, LastSystemCode(), "CreateThread");
      }
    } catch (...) {
      shared_->post.Release();
      throw;
    }
    shared_->post.SetReferenced(false);
  }

  ~Writer() override {
    shared_->listener = nullptr;
    shared_->stopped = true;
    SetEvent(shared_->wake.get());
    // Not waited for: a write may hang for as long as the slot is full. The thread lets go of what it has.
    CancelSynchronousIo(thread_.get());
  }

  Outcome Write(const std::uint8_t* bytes, std::size_t length, SystemCode*) noexcept override {
    {
      std::lock_guard<std::mutex> lock(shared_->mutex);
      shared_->message.assign(bytes, bytes + length);
      shared_->has_message = true;
    }
    shared_->post.SetReferenced(true);
    SetEvent(shared_->wake.get());
    return Outcome::kWaiting;
  }

  bool Cancel() noexcept override {
    CancelSynchronousIo(thread_.get());
    return false;
  }

  std::uint32_t max_message_size() const noexcept override { return 0; }

 private:
  /// What the thread uses, which may outlive the writer.
  struct Shared {
    explicit Shared(Napi::Env env) : post(env) {}
    LoopPost post;
    /// The loop's thread only.
    Listener* listener = nullptr;
    Handle slot;
    Handle wake;
    std::atomic<bool> stopped{false};
    std::mutex mutex;
    std::vector<std::uint8_t> message;
    bool has_message = false;
  };

  static DWORD WINAPI Work(void* given) {
    std::shared_ptr<Shared> shared = *static_cast<std::shared_ptr<Shared>*>(given);
    delete static_cast<std::shared_ptr<Shared>*>(given);
    Run(shared);
    shared->slot.Close();
    shared->post.Release();
    return 0;
  }

  static void Run(const std::shared_ptr<Shared>& shared) {
    while (!shared->stopped) {
      WaitForSingleObject(shared->wake.get(), INFINITE);
      std::vector<std::uint8_t> message;
      {
        std::lock_guard<std::mutex> lock(shared->mutex);
        if (!shared->has_message) continue;
        shared->has_message = false;
        message.swap(shared->message);
      }
      DWORD written = 0;
      BOOL done = WriteFile(shared->slot.get(), message.data(), static_cast<DWORD>(message.size()), &written,
                            nullptr);
      auto code = static_cast<SystemCode>(done ? 0 : GetLastError());
      shared->post.Post([shared, code] {
        if (shared->listener == nullptr) return;
        shared->post.SetReferenced(false);
        shared->listener->OnWritten(code, "WriteFile");
      });
    }
  }

  std::shared_ptr<Shared> shared_;
  Handle thread_;
};

}  // namespace

std::unique_ptr<MailslotReader> CreateMailslotReader(Environment& environment, const MailslotOptions& options,
                                                     MailslotReader::Listener& listener) {
  return std::make_unique<Reader>(environment, options, listener);
}

std::unique_ptr<MailslotWriter> OpenMailslotWriter(Environment& environment, const MailslotOptions& options,
                                                   MailslotWriter::Listener& listener) {
  return std::make_unique<Writer>(environment, options, listener);
}

}  // namespace remoting
