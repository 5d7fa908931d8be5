#include <windows.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <set>
#include <utility>

#include "../account.h"
#include "../completion_port.h"
#include "../handle.h"
#include "../security_descriptor.h"
#include "../system_error.h"
#include "../wide_string.h"
#include "pipe_end.h"

namespace remoting {

namespace {

/// They can do what they like with this user's pipes anyway.
constexpr char kLocalSystem[] = "S-1-5-18";
constexpr char kAdministrators[] = "S-1-5-32-544";

class Win32PipeNames final : public PipeNames {
 public:
  explicit Win32PipeNames(Environment& environment) : environment_(environment) {}

  /// Made with the first pipe.
  const std::shared_ptr<CompletionPort>& port() {
    if (port_ == nullptr) port_ = std::make_shared<CompletionPort>(environment_);
    return port_;
  }

 private:
  Environment& environment_;
  std::shared_ptr<CompletionPort> port_;
};

/// FlushFileBuffers waits until the peer has read everything, and so has a thread of its own.
class Drain {
 public:
  /// The thread has a handle of its own, so that nobody closes it under its feet.
  explicit Drain(HANDLE pipe) {
    HANDLE process = GetCurrentProcess();
    auto* work = new Work{{}, done_};
    if (DuplicateHandle(process, pipe, process, &work->pipe, 0, FALSE, DUPLICATE_SAME_ACCESS)) {
      thread_ = CreateThread(nullptr, 0, Run, work, 0, nullptr);
      if (thread_ != nullptr) return;
      CloseHandle(work->pipe);
    }
    delete work;
    *done_ = true;
  }
  Drain(const Drain&) = delete;
  Drain& operator=(const Drain&) = delete;
  ~Drain() {
    if (thread_ == nullptr) return;
    CancelSynchronousIo(thread_);
    CloseHandle(thread_);
  }

  bool is_done() const noexcept { return *done_; }

 private:
  struct Work {
    HANDLE pipe;
    std::shared_ptr<std::atomic<bool>> done;
  };

  static DWORD WINAPI Run(void* data) {
    std::unique_ptr<Work> work(static_cast<Work*>(data));
    FlushFileBuffers(work->pipe);
    CloseHandle(work->pipe);
    *work->done = true;
    return 0;
  }

  std::shared_ptr<std::atomic<bool>> done_ = std::make_shared<std::atomic<bool>>(false);
  HANDLE thread_ = nullptr;
};

class Win32PipeEnd final : public PipeEnd, private Resource {
 public:
  Win32PipeEnd(Environment& environment, const std::shared_ptr<CompletionPort>& port,
               const PipeOptions& options, PipeEvents& events)
      : Resource(environment), port_(port), options_(options), events_(events) {}

  ~Win32PipeEnd() override { Close(); }

  void BeServer() {
    Napi::Env env = environment().env();
    SecurityDescriptor security(env, options_.security);
    DWORD open_mode = FILE_FLAG_OVERLAPPED;
    if (options_.reads) open_mode |= PIPE_ACCESS_INBOUND;
    if (options_.writes) open_mode |= PIPE_ACCESS_OUTBOUND;
    if (options_.first_instance) open_mode |= FILE_FLAG_FIRST_PIPE_INSTANCE;
    DWORD pipe_mode = PIPE_WAIT;
    if (options_.message_type) pipe_mode |= PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE;
    if (options_.reject_remote) pipe_mode |= PIPE_REJECT_REMOTE_CLIENTS;
    DWORD instances = options_.max_instances == 0 ? PIPE_UNLIMITED_INSTANCES : options_.max_instances;
    Adopt(CreateNamedPipeW(Path().c_str(), open_mode, pipe_mode, instances, options_.out_buffer_size,
                           options_.in_buffer_size, 0, security.attributes()),
          "CreateNamedPipe");
    is_server_ = true;
  }

  void BeClient() {
    Napi::Env env = environment().env();
    // READ_CONTROL to see whose pipe it is; the attributes for the read mode, and for what the pipe is like.
    DWORD access = READ_CONTROL | SYNCHRONIZE | FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES;
    if (options_.reads) access |= GENERIC_READ;
    if (options_.writes) access |= GENERIC_WRITE;
    // The server may learn who this is, and not act in its name.
    DWORD flags = FILE_FLAG_OVERLAPPED | SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION;
    HANDLE pipe = CreateFileW(Path().c_str(), access, 0, nullptr, OPEN_EXISTING, flags, nullptr);
    if (pipe == INVALID_HANDLE_VALUE && GetLastError() == ERROR_ACCESS_DENIED) {
      // A pipe of one direction does not grant the other one's attributes.
      access = READ_CONTROL | SYNCHRONIZE;
      access |= options_.reads ? GENERIC_READ | FILE_WRITE_ATTRIBUTES : 0;
      access |= options_.writes ? GENERIC_WRITE | FILE_READ_ATTRIBUTES : 0;
      pipe = CreateFileW(Path().c_str(), access, 0, nullptr, OPEN_EXISTING, flags, nullptr);
    }
    Adopt(pipe, "CreateFile");
    CheckOwner();
    DWORD type = 0;
    if (!GetNamedPipeInfo(pipe_, &type, nullptr, nullptr, nullptr)) {
      throw SystemError(env, LastSystemCode(), "GetNamedPipeInfo");
    }
    options_.message_type = (type & PIPE_TYPE_MESSAGE) != 0;
    DWORD mode = PIPE_READMODE_MESSAGE | PIPE_WAIT;
    if (options_.message_type && options_.reads && !SetNamedPipeHandleState(pipe_, &mode, nullptr, nullptr)) {
      throw SystemError(env, LastSystemCode(), "SetNamedPipeHandleState");
    }
    std::shared_ptr<Life> life = life_;
    port_->Post([life] {
      if (life->end != nullptr) life->end->events_.OnConnected(kPipeSuccess);
    });
  }

  /// Whoever comes first has a name: so a client looks whose pipe it is before it says anything. Nobody can
  /// make a pipe that belongs to somebody else. Throws Napi::Error.
  void CheckOwner() const {
    std::string owner = OwnerOf(pipe_).sid;
    if (owner.empty()) {
      throw FaultError(environment().env(), "access-denied", "the system does not say whose pipe it is");
    }
    for (const std::string& trusted : {UserOfProcess(GetCurrentProcess()).sid, options_.trusted_owner,
                                       std::string(kLocalSystem), std::string(kAdministrators)}) {
      if (owner == trusted) return;
    }
    throw FaultError(environment().env(), "access-denied",
                     "it belongs to " + owner +
                         ", who is not trusted: neither this user, nor the system or its administrators, nor "
                         "the trustedOwner that was given");
  }

  bool Accept() override {
    for (;;) {
      Operation* operation =
          Begin(0, &accepting_, [](Win32PipeEnd& end, const Operation&, DWORD code, DWORD) {
            end.events_.OnConnected(code == ERROR_PIPE_CONNECTED ? kPipeSuccess : CodeOf(code));
          });
      if (ConnectNamedPipe(pipe_, operation) || GetLastError() == ERROR_IO_PENDING) return false;
      DWORD code = GetLastError();
      if (code == ERROR_NO_DATA) {
        // A client has come and gone before it was waited for.
        Abandon(operation, &accepting_);
        DisconnectNamedPipe(pipe_);
        continue;
      }
      if (code == ERROR_PIPE_CONNECTED) {
        Abandon(operation, &accepting_);
        return true;
      }
      port_->Failed(operation, code);
      return false;
    }
  }

  bool CancelAccept() noexcept override { return Cancel(accepting_); }

  /// Every instance holds the name here.
  bool ReleaseName() noexcept override { return false; }

  void Disconnect() noexcept override {
    Forget();
    DisconnectNamedPipe(pipe_);
  }

  void Close() noexcept override {
    if (pipe_ == INVALID_HANDLE_VALUE) return;
    Forget();
    CancelIoEx(pipe_, nullptr);
    CloseHandle(pipe_);
    pipe_ = INVALID_HANDLE_VALUE;
    Delist();
  }

  void CloseWithEnvironment() noexcept override { Close(); }

  void SetReadMemory(Memory memory) noexcept override { read_memory_ = memory; }

  bool Read(std::size_t most, ReadResult*) noexcept override {
    StartReading(std::min(most, kLargestPiece),
                 [](Win32PipeEnd& end, const Operation& read, DWORD code, DWORD bytes) {
                   ReadResult result;
                   result.code = CodeOfRead(code);
                   result.length = bytes;
                   result.complete = code != ERROR_MORE_DATA;
                   if (bytes > 0) std::memcpy(end.read_memory_.data, read.memory.data(), bytes);
                   end.events_.OnRead(result);
                 });
    return false;
  }

  bool CancelRead() noexcept override { return Cancel(reading_); }

  Peeked Peek(Memory target) noexcept override {
    Peeked peeked;
    DWORD copied = 0;
    DWORD available = 0;
    DWORD left = 0;
    unsigned char nothing;
    void* place = target.size == 0 ? &nothing : target.data;
    if (!PeekNamedPipe(pipe_, place, static_cast<DWORD>(target.size), &copied, &available, &left)) {
      peeked.code = CodeOfRead(GetLastError());
      return peeked;
    }
    peeked.copied = copied;
    peeked.available = available;
    peeked.left_in_message = options_.message_type ? left : 0;
    return peeked;
  }

  void Receive(Memory memory, std::uint32_t* pieces, std::size_t) noexcept override {
    batch_memory_ = memory;
    pieces_ = pieces;
    ReceiveNext();
  }

  bool Write(const Outgoing& message) noexcept override {
    Operation* operation =
        Begin(message.size(), nullptr, [](Win32PipeEnd& end, const Operation& write, DWORD code, DWORD) {
          end.writing_.erase(const_cast<Operation*>(&write));
          end.events_.OnWritten(1, CodeOf(code));
        });
    writing_.insert(operation);
    if (message.head_size > 0) std::memcpy(operation->memory.data(), message.head, message.head_size);
    if (message.tail_size > 0) {
      std::memcpy(operation->memory.data() + message.head_size, message.tail, message.tail_size);
    }
    DWORD size = static_cast<DWORD>(message.size());
    if (!WriteFile(pipe_, operation->memory.data(), size, nullptr, operation) &&
        GetLastError() != ERROR_IO_PENDING) {
      port_->Failed(operation, GetLastError());
    }
    return false;
  }

  bool CancelWrites() noexcept override {
    for (Operation* operation : writing_) CancelIoEx(pipe_, operation);
    return writing_.empty();
  }

  bool IsDrained() noexcept override {
    if (!writing_.empty()) return false;
    if (drain_ == nullptr) drain_ = std::make_unique<Drain>(pipe_);
    if (!drain_->is_done()) return false;
    drain_.reset();
    return true;
  }

  bool is_message_type() const noexcept override { return options_.message_type; }

  PipePeer Peer() override {
    PipePeer peer;
    ULONG process = 0;
    if (is_server_ ? GetNamedPipeClientProcessId(pipe_, &process)
                   : GetNamedPipeServerProcessId(pipe_, &process)) {
      peer.process_id = process;
    }
    Account account = is_server_ ? Client() : OwnerOf(pipe_);
    peer.user_id = account.sid;
    peer.user_name = account.name;
    return peer;
  }

  void SetReferenced(bool referenced) noexcept override {
    referenced_ = referenced;
    UpdateReference();
  }

 private:
  /// What an operation that outlives its pipe looks at.
  struct Life {
    Win32PipeEnd* end;
  };
  using Done = void (*)(Win32PipeEnd& end, const Operation& operation, DWORD code, DWORD bytes);

  static int CodeOf(DWORD code) noexcept {
    return code == ERROR_OPERATION_ABORTED ? kPipeAborted : static_cast<int>(code);
  }

  static int CodeOfRead(DWORD code) noexcept {
    if (code == ERROR_MORE_DATA) return kPipeSuccess;
    if (code == ERROR_BROKEN_PIPE || code == ERROR_PIPE_NOT_CONNECTED || code == ERROR_HANDLE_EOF)
      return kPipeEnd;
    return CodeOf(code);
  }

  std::wstring Path() const { return L"\\\\.\\pipe\\" + ToWide(options_.name); }

  void Adopt(HANDLE pipe, const char* system_call) {
    if (pipe == INVALID_HANDLE_VALUE) throw SystemError(environment().env(), LastSystemCode(), system_call);
    pipe_ = pipe;
    Enlist();
    port_->Associate(pipe);
  }

  /// Makes an operation and gives it to the port. `place` remembers it until it has ended.
  Operation* Begin(std::size_t size, Operation** place, Done done) {
    auto operation = std::make_unique<Operation>();
    operation->memory.resize(size);
    Operation* begun = operation.get();
    std::shared_ptr<Life> life = life_;
    operation->done = [life, begun, place, done](DWORD code, DWORD bytes) {
      Win32PipeEnd* end = life->end;
      // It was closed, or the client is another one by now: nobody asks any more.
      if (end == nullptr) return;
      if (place != nullptr) *place = nullptr;
      --end->under_way_;
      end->UpdateReference();
      done(*end, *begun, code, bytes);
    };
    if (place != nullptr) *place = begun;
    ++under_way_;
    UpdateReference();
    port_->Began(std::move(operation));
    return begun;
  }

  /// It has not been begun, and will not be told.
  void Abandon(Operation* operation, Operation** place) noexcept {
    *place = nullptr;
    --under_way_;
    UpdateReference();
    operation->done = [](DWORD, DWORD) {};
    port_->Failed(operation, ERROR_OPERATION_ABORTED);
  }

  /// True if nothing is under way; else it will end by itself, cancelled or not.
  bool Cancel(Operation* operation) noexcept {
    if (operation == nullptr) return true;
    CancelIoEx(pipe_, operation);
    return false;
  }

  void StartReading(std::size_t size, Done done) noexcept {
    Operation* operation = Begin(size, &reading_, done);
    if (ReadFile(pipe_, operation->memory.data(), static_cast<DWORD>(size), nullptr, operation)) return;
    DWORD code = GetLastError();
    // ERROR_MORE_DATA is a success, and told by the port as that.
    if (code != ERROR_IO_PENDING && code != ERROR_MORE_DATA) port_->Failed(operation, code);
  }

  void ReceiveNext() noexcept {
    StartReading(kLargestPiece, [](Win32PipeEnd& end, const Operation& read, DWORD code, DWORD bytes) {
      int failure = CodeOfRead(code);
      if (failure != kPipeSuccess) {
        end.events_.OnEnd(failure);
        return;
      }
      DWORD left = 0;
      if (code == ERROR_MORE_DATA) PeekNamedPipe(end.pipe_, nullptr, 0, nullptr, nullptr, &left);
      if (bytes > 0) std::memcpy(end.batch_memory_.data, read.memory.data(), bytes);
      end.pieces_[0] = 0;
      end.pieces_[1] = bytes;
      end.pieces_[2] = left;
      std::shared_ptr<Life> life = end.life_;
      end.events_.OnBatch(1);
      // Whoever was told may have closed it.
      if (life->end != nullptr) life->end->ReceiveNext();
    });
  }

  /// What is under way ends without being told.
  void Forget() noexcept {
    life_->end = nullptr;
    life_ = std::make_shared<Life>(Life{this});
    accepting_ = nullptr;
    reading_ = nullptr;
    writing_.clear();
    drain_.reset();
    under_way_ = 0;
    UpdateReference();
  }

  void UpdateReference() noexcept {
    bool wanted = referenced_ && under_way_ > 0;
    if (wanted == holds_reference_) return;
    holds_reference_ = wanted;
    if (wanted) {
      port_->Reference();
    } else {
      port_->Unreference();
    }
  }

  Account Client() const {
    if (!ImpersonateNamedPipeClient(pipe_)) return {};
    HANDLE opened = nullptr;
    // As this process, not as the client, who may not be allowed to open its own token at this level.
    BOOL is_open = OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, TRUE, &opened);
    // To go on as somebody else would be worse than not to go on.
    if (!RevertToSelf()) std::abort();
    if (!is_open) return {};
    Handle token(opened);
    return UserOfToken(token.get());
  }

  std::shared_ptr<CompletionPort> port_;
  PipeOptions options_;
  PipeEvents& events_;
  std::shared_ptr<Life> life_ = std::make_shared<Life>(Life{this});
  HANDLE pipe_ = INVALID_HANDLE_VALUE;
  bool is_server_ = false;

  Operation* accepting_ = nullptr;
  Operation* reading_ = nullptr;
  std::set<Operation*> writing_;
  unsigned under_way_ = 0;
  bool referenced_ = true;
  bool holds_reference_ = false;
  std::unique_ptr<Drain> drain_;

  Memory read_memory_;
  Memory batch_memory_;
  std::uint32_t* pieces_ = nullptr;
};

}  // namespace

std::shared_ptr<PipeNames> CreatePipeNames(Environment& environment) {
  return std::make_shared<Win32PipeNames>(environment);
}

std::unique_ptr<PipeEnd> CreatePipe(Environment& environment, const std::shared_ptr<PipeNames>& names,
                                    const PipeOptions& options, PipeEvents& events) {
  const auto& port = static_cast<Win32PipeNames&>(*names).port();
  auto end = std::make_unique<Win32PipeEnd>(environment, port, options, events);
  end->BeServer();
  return end;
}

std::unique_ptr<PipeEnd> OpenPipe(Environment& environment, const std::shared_ptr<PipeNames>& names,
                                  const PipeOptions& options, PipeEvents& events) {
  const auto& port = static_cast<Win32PipeNames&>(*names).port();
  auto end = std::make_unique<Win32PipeEnd>(environment, port, options, events);
  end->BeClient();
  return end;
}

}  // namespace remoting
