// winternl.h needs windows.h, which completion_port.h brings.
#include "completion_port.h"

#include <winternl.h>

#include <utility>

#include "system_error.h"

namespace remoting {

namespace {

/// The thread asks at least so often, in milliseconds, whether it is to end.
constexpr DWORD kPatience = 1000;
constexpr ULONG kMostAtOnce = 64;
/// A completion key: the operation was not the system's.
constexpr ULONG_PTR kPosted = 1;

}  // namespace

CompletionPort::CompletionPort(Environment& environment) : Resource(environment) {
  Napi::Env env = environment.env();
  port_ = CreateIoCompletionPort(INVALID_HANDLE_VALUE, nullptr, 0, 1);
  if (port_ == nullptr) throw SystemError(env, LastSystemCode(), "CreateIoCompletionPort");
  napi_value name = Napi::String::New(env, "remoting");
  if (napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr, this, OnWakeUp,
                                      &wake_up_) != napi_ok) {
    CloseHandle(port_);
    throw Napi::Error::New(env);
  }
  napi_unref_threadsafe_function(env, wake_up_);
  thread_ = CreateThread(nullptr, 0, Run, this, 0, nullptr);
  if (thread_ == nullptr) {
    SystemCode code = LastSystemCode();
    napi_release_threadsafe_function(wake_up_, napi_tsfn_abort);
    CloseHandle(port_);
    throw SystemError(env, code, "CreateThread");
  }
  Enlist();
}

CompletionPort::~CompletionPort() { CloseWithEnvironment(); }

void CompletionPort::CloseWithEnvironment() noexcept {
  if (port_ == nullptr) return;
  ending_ = true;
  PostQueuedCompletionStatus(port_, 0, kPosted, nullptr);
  // What was cancelled when its handle was closed ends soon; until then its memory is the system's.
  WaitForSingleObject(thread_, INFINITE);
  CloseHandle(thread_);
  CloseHandle(port_);
  port_ = nullptr;
  napi_release_threadsafe_function(wake_up_, napi_tsfn_abort);
  for (const Ended& ended : ended_) delete ended.operation;
  ended_.clear();
  Delist();
}

void CompletionPort::Associate(HANDLE handle) {
  if (CreateIoCompletionPort(handle, port_, 0, 0) == nullptr) {
    throw SystemError(environment().env(), LastSystemCode(), "CreateIoCompletionPort");
  }
}

void CompletionPort::Began(std::unique_ptr<Operation> operation) noexcept {
  ++under_way_;
  operation.release();
}

void CompletionPort::Failed(Operation* operation, DWORD code) noexcept {
  // Where the system would have put its status, as an HRESULT of it, which Loop tells from an NTSTATUS by the
  // key.
  PostQueuedCompletionStatus(port_, code, kPosted, operation);
}

void CompletionPort::Post(std::function<void()> function) {
  auto operation = std::make_unique<Operation>();
  operation->done = [function = std::move(function)](DWORD, DWORD) { function(); };
  Operation* posted = operation.get();
  Began(std::move(operation));
  Failed(posted, ERROR_SUCCESS);
}

void CompletionPort::Reference() noexcept {
  if (references_++ == 0 && port_ != nullptr) napi_ref_threadsafe_function(environment().env(), wake_up_);
}

void CompletionPort::Unreference() noexcept {
  if (--references_ == 0 && port_ != nullptr) napi_unref_threadsafe_function(environment().env(), wake_up_);
}

DWORD WINAPI CompletionPort::Run(void* port) {
  static_cast<CompletionPort*>(port)->Loop();
  return 0;
}

void CompletionPort::Loop() noexcept {
  while (!ending_ || under_way_ > 0) {
    OVERLAPPED_ENTRY entries[kMostAtOnce];
    ULONG count = 0;
    if (!GetQueuedCompletionStatusEx(port_, entries, kMostAtOnce, &count, kPatience, FALSE)) {
      // A driver that never ends a cancelled operation must not keep the process from ending: its memory is
      // given up.
      if (ending_) return;
      continue;
    }
    bool is_first = false;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      is_first = ended_.empty();
      for (ULONG index = 0; index < count; ++index) {
        const OVERLAPPED_ENTRY& entry = entries[index];
        if (entry.lpOverlapped == nullptr) continue;
        bool posted = entry.lpCompletionKey == kPosted;
        DWORD code = posted ? entry.dwNumberOfBytesTransferred
                            : RtlNtStatusToDosError(static_cast<NTSTATUS>(entry.lpOverlapped->Internal));
        DWORD bytes = posted ? 0 : entry.dwNumberOfBytesTransferred;
        ended_.push_back({static_cast<Operation*>(entry.lpOverlapped), code, bytes});
        --under_way_;
      }
      is_first = is_first && !ended_.empty();
    }
    if (is_first && !ending_) napi_call_threadsafe_function(wake_up_, nullptr, napi_tsfn_nonblocking);
  }
}

void CompletionPort::OnWakeUp(napi_env env, napi_value, void* context, void*) {
  // Without an environment it is being ended, and with it all that waits here.
  if (env == nullptr) return;
  static_cast<CompletionPort*>(context)->Deliver();
}

void CompletionPort::Deliver() noexcept {
  std::vector<Ended> ended;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    ended.swap(ended_);
  }
  // Whoever is told may close the last handle, and with it this port: it is not looked at afterwards.
  Napi::Env env = environment().env();
  for (const Ended& each : ended) {
    std::unique_ptr<Operation> operation(each.operation);
    Napi::HandleScope scope(env);
    operation->done(each.code, each.bytes);
  }
}

}  // namespace remoting
