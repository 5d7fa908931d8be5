// windows.h comes with completion_port.h, and the others need it.
#include "../completion_port.h"

#include <cstring>
#include <functional>
#include <utility>
#include <vector>

#include "account.h"
#include "handle.h"
#include "ring/failpoint.h"
#include "ring/handover.h"
#include "ring/ring_link.h"
#include "security_descriptor.h"
#include "wide_string.h"

namespace remoting {

namespace {

/// Clients that can come at the same time; while one is served, another instance is made.
constexpr int kInstances = 8;
constexpr DWORD kPipeBuffer = 512;
/// Bells that are on their way. More are not needed: one of these will be heard.
constexpr unsigned kMostBells = 64;

/// The server's only message.
struct Message {
  HandoverMessage said;
  /// The section, as a handle of the client.
  std::uint64_t section = 0;
};

RingPeer PeerOf(HANDLE process, ULONG process_id) {
  Account user = UserOfProcess(process);
  return {static_cast<double>(process_id), user.sid, user.name};
}

bool IsOurs(const RingPeer& peer) {
  return !peer.user_id.empty() && peer.user_id == UserOfProcess(GetCurrentProcess()).sid;
}

/// A pipe whose operations outlive it: what ends after it has gone is told to nobody.
class OverlappedPipe {
 public:
  using Done = std::function<void(const Operation& operation, DWORD code, DWORD bytes)>;

  /// Throws Napi::Error.
  OverlappedPipe(std::shared_ptr<CompletionPort> port, HANDLE pipe) : port_(std::move(port)), pipe_(pipe) {
    try {
      port_->Associate(pipe);
    } catch (...) {
      CloseHandle(pipe);
      throw;
    }
  }
  OverlappedPipe(const OverlappedPipe&) = delete;
  OverlappedPipe& operator=(const OverlappedPipe&) = delete;
  ~OverlappedPipe() {
    life_->pipe = nullptr;
    SetReferenced(false);
    CancelIoEx(pipe_, nullptr);
    CloseHandle(pipe_);
  }

  HANDLE get() const noexcept { return pipe_; }

  void Connect(Done done) {
    Operation* operation = Begin(0, std::move(done));
    if (!ConnectNamedPipe(pipe_, operation) && GetLastError() != ERROR_IO_PENDING) {
      port_->Failed(operation, GetLastError());
    }
  }

  void Read(std::size_t size, Done done) {
    Operation* operation = Begin(size, std::move(done));
    if (!ReadFile(pipe_, operation->memory.data(), static_cast<DWORD>(size), nullptr, operation) &&
        GetLastError() != ERROR_IO_PENDING) {
      port_->Failed(operation, GetLastError());
    }
  }

  void Write(const void* bytes, std::size_t size, Done done) {
    Operation* operation = Begin(size, std::move(done));
    std::memcpy(operation->memory.data(), bytes, size);
    if (!WriteFile(pipe_, operation->memory.data(), static_cast<DWORD>(size), nullptr, operation) &&
        GetLastError() != ERROR_IO_PENDING) {
      port_->Failed(operation, GetLastError());
    }
  }

  void SetReferenced(bool referenced) noexcept {
    if (referenced == referenced_) return;
    referenced_ = referenced;
    if (referenced) {
      port_->Reference();
    } else {
      port_->Unreference();
    }
  }

 private:
  struct Life {
    OverlappedPipe* pipe;
  };

  Operation* Begin(std::size_t size, Done done) {
    auto operation = std::make_unique<Operation>();
    operation->memory.resize(size);
    Operation* begun = operation.get();
    operation->done = [life = life_, begun, done = std::move(done)](DWORD code, DWORD bytes) {
      if (life->pipe != nullptr) done(*begun, code, bytes);
    };
    port_->Began(std::move(operation));
    return begun;
  }

  std::shared_ptr<CompletionPort> port_;
  HANDLE pipe_;
  std::shared_ptr<Life> life_ = std::make_shared<Life>(Life{this});
  bool referenced_ = false;
};

/// One for all rings of an environment; gone with the last of them.
std::shared_ptr<CompletionPort> PortOf(Environment& environment) {
  thread_local std::weak_ptr<CompletionPort> present;
  thread_local Environment* whose = nullptr;
  std::shared_ptr<CompletionPort> port = whose == &environment ? present.lock() : nullptr;
  if (port == nullptr) {
    port = std::make_shared<CompletionPort>(environment);
    present = port;
    whose = &environment;
  }
  return port;
}

/// A byte on the pipe over which the memory was handed over.
class PipeDoorbell final : public Doorbell {
 public:
  explicit PipeDoorbell(std::unique_ptr<OverlappedPipe> pipe) : pipe_(std::move(pipe)) {}

  void Listen(DoorbellEvents& events) override {
    events_ = &events;
    pipe_->SetReferenced(true);
    Await();
  }

  void Ring() noexcept override {
    ReachFailPoint("bell");
    // The pipe is full of bells, or this side has not heard that they left: then one follows.
    if (under_way_ >= kMostBells) {
      ring_again_ = true;
      return;
    }
    ++under_way_;
    pipe_->Write("!", 1, [this](const Operation&, DWORD, DWORD) {
      --under_way_;
      if (!ring_again_) return;
      ring_again_ = false;
      Ring();
    });
  }

  void SetReferenced(bool referenced) noexcept override { pipe_->SetReferenced(referenced); }

 private:
  void Await() {
    pipe_->Read(256, [this](const Operation&, DWORD code, DWORD) {
      if (code != ERROR_SUCCESS) return events_->OnEnd();
      // Before anybody is told, who may be the end of this object.
      Await();
      events_->OnRung();
    });
  }

  std::unique_ptr<OverlappedPipe> pipe_;
  DoorbellEvents* events_ = nullptr;
  unsigned under_way_ = 0;
  bool ring_again_ = false;
};

std::wstring PathOf(const std::string& name) { return L"\\\\.\\pipe\\remoting-shm-" + ToWide(name); }

class Server final : public RingMeeting {
 public:
  Server(Environment& environment, const std::string& name, std::uint32_t capacity, RingMeetingEvents& events)
      : environment_(environment),
        port_(PortOf(environment)),
        security_(environment.env()),
        // Whoever holds it has the name. It is gone with the process, and not every system refuses a second
        // pipe.
        name_(CreateMutexW(security_.attributes(), FALSE, (L"Local\\remoting-shm-" + ToWide(name)).c_str())),
        path_(PathOf(name)),
        capacity_(capacity),
        events_(events) {
    Napi::Env env = environment.env();
    SystemCode code = LastSystemCode();
    if (!name_) throw SystemError(env, code, "CreateMutex");
    if (code == ERROR_ALREADY_EXISTS) throw SystemError(env, code, "CreateMutex");
    for (int instance = 0; instance < kInstances; ++instance) Await(instance == 0);
  }
  ~Server() override { *alive_ = false; }

 private:
  /// Makes one more instance and waits for a client of it. Throws Napi::Error.
  void Await(bool is_first) {
    HANDLE pipe = CreateNamedPipeW(
        path_.c_str(),
        PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED | (is_first ? FILE_FLAG_FIRST_PIPE_INSTANCE : 0),
        PIPE_TYPE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS, PIPE_UNLIMITED_INSTANCES, kPipeBuffer,
        kPipeBuffer, 0, security_.attributes());
    if (pipe == INVALID_HANDLE_VALUE)
      throw SystemError(environment_.env(), LastSystemCode(), "CreateNamedPipe");
    auto waiting =
        std::make_shared<std::unique_ptr<OverlappedPipe>>(std::make_unique<OverlappedPipe>(port_, pipe));
    OverlappedPipe& instance = **waiting;
    instance.SetReferenced(true);
    waiting_.push_back(waiting);
    std::weak_ptr<std::unique_ptr<OverlappedPipe>> mine = waiting;
    instance.Connect([this, mine](const Operation&, DWORD code, DWORD) { OnClient(mine.lock(), code); });
  }

  void OnClient(const std::shared_ptr<std::unique_ptr<OverlappedPipe>>& instance, DWORD code) noexcept {
    if (instance == nullptr) return;
    for (std::size_t index = 0; index < waiting_.size(); ++index) {
      if (waiting_[index] == instance) waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(index));
    }
    std::shared_ptr<bool> alive = alive_;
    try {
      Await(false);
    } catch (const Napi::Error&) {
      events_.OnFailed({static_cast<SystemCode>(GetLastError()), nullptr, "CreateNamedPipe"});
    }
    if (*alive && (code == ERROR_SUCCESS || code == ERROR_PIPE_CONNECTED)) Serve(std::move(*instance));
  }

  void Serve(std::unique_ptr<OverlappedPipe> pipe) noexcept {
    RingLink link;
    link.is_server = true;
    ULONG client = 0;
    if (!GetNamedPipeClientProcessId(pipe->get(), &client)) return Fail("GetNamedPipeClientProcessId");
    Handle process(OpenProcess(PROCESS_DUP_HANDLE | PROCESS_QUERY_LIMITED_INFORMATION, FALSE, client));
    if (!process) return Fail("OpenProcess");
    link.peer = PeerOf(process.get(), client);
    if (!IsOurs(link.peer)) {
      return events_.OnFailed(
          {0, "access-denied", "a process of user " + link.peer.user_id + " was sent away"});
    }
    Message message;
    message.said.capacity = capacity_;
    link.memory = std::make_unique<RingMemory>();
    MemoryHandle memory = kNoMemory;
    if (RingMemoryError error = link.memory->Create(capacity_, &memory)) {
      message.said.code = static_cast<std::uint32_t>(error.code);
      // The pipe has to stay until the client has read why.
      auto kept = std::make_shared<std::unique_ptr<OverlappedPipe>>(std::move(pipe));
      (*kept)->Write(&message, sizeof(message), [kept](const Operation&, DWORD, DWORD) {});
      return events_.OnFailed({error.code, nullptr, error.reason});
    }
    ReachFailPoint("handover-duplicate");
    HANDLE theirs = nullptr;
    BOOL duplicated = DuplicateHandle(GetCurrentProcess(), reinterpret_cast<HANDLE>(memory), process.get(),
                                      &theirs, FILE_MAP_READ | FILE_MAP_WRITE, FALSE, 0);
    CloseMemory(memory);
    if (!duplicated) return Fail("DuplicateHandle");
    message.section = reinterpret_cast<std::uintptr_t>(theirs);
    ReachFailPoint("handover-send");
    pipe->Write(&message, sizeof(message), [](const Operation&, DWORD, DWORD) {});
    ReachFailPoint("handover-sent");
    link.bell = std::make_unique<PipeDoorbell>(std::move(pipe));
    events_.OnMet(std::move(link));
  }

  void Fail(const char* system_call) noexcept { events_.OnFailed({LastSystemCode(), nullptr, system_call}); }

  Environment& environment_;
  std::shared_ptr<CompletionPort> port_;
  SecurityDescriptor security_;
  Handle name_;
  std::wstring path_;
  std::uint32_t capacity_;
  RingMeetingEvents& events_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::vector<std::shared_ptr<std::unique_ptr<OverlappedPipe>>> waiting_;
};

class Client final : public RingMeeting {
 public:
  Client(Environment& environment, const std::string& name, RingMeetingEvents& events) : events_(events) {
    Napi::Env env = environment.env();
    // The server may learn who this is, and not act in its name.
    HANDLE pipe =
        CreateFileW(PathOf(name).c_str(), GENERIC_READ | GENERIC_WRITE, 0, nullptr, OPEN_EXISTING,
                    FILE_FLAG_OVERLAPPED | SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION, nullptr);
    if (pipe == INVALID_HANDLE_VALUE) throw SystemError(env, LastSystemCode(), "CreateFile");
    pipe_ = std::make_unique<OverlappedPipe>(PortOf(environment), pipe);
    ULONG server = 0;
    if (!GetNamedPipeServerProcessId(pipe, &server)) {
      throw SystemError(env, LastSystemCode(), "GetNamedPipeServerProcessId");
    }
    Handle process(OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, server));
    if (!process) throw SystemError(env, LastSystemCode(), "OpenProcess");
    peer_ = PeerOf(process.get(), server);
    if (!IsOurs(peer_)) {
      throw FaultError(
          env, "access-denied",
          "the server of this name is a process of user " + peer_.user_id + ", who is not trusted");
    }
    pipe_->SetReferenced(true);
    pipe_->Read(sizeof(Message), [this](const Operation& read, DWORD code, DWORD bytes) {
      if (code != ERROR_SUCCESS) return events_.OnFailed(NothingHandedOver());
      Message message;
      bool is_whole = bytes == sizeof(message);
      if (is_whole) std::memcpy(&message, read.memory.data(), sizeof(message));
      OnMessage(message, is_whole);
    });
  }

 private:
  void OnMessage(const Message& message, bool is_whole) noexcept {
    if (std::optional<RingFailure> wrong = FailureIn(message.said, is_whole)) {
      return events_.OnFailed(*wrong);
    }
    RingLink link;
    link.memory = std::make_unique<RingMemory>();
    auto section = static_cast<MemoryHandle>(message.section);
    ReachFailPoint("handover-receive");
    RingMemoryError error = link.memory->Adopt(message.said.capacity, section);
    if (error) return events_.OnFailed(FailureOf(error));
    // Only what could be mapped is closed: a liar's number may be any handle of this process.
    CloseMemory(section);
    ReachFailPoint("handover-mapped");
    link.peer = peer_;
    link.bell = std::make_unique<PipeDoorbell>(std::move(pipe_));
    events_.OnMet(std::move(link));
  }

  RingMeetingEvents& events_;
  RingPeer peer_;
  std::unique_ptr<OverlappedPipe> pipe_;
};

}  // namespace

std::unique_ptr<RingMeeting> ListenForRings(Environment& environment, const std::string& name,
                                            std::uint32_t capacity, RingMeetingEvents& events) {
  return std::make_unique<Server>(environment, name, capacity, events);
}

std::unique_ptr<RingMeeting> ConnectRings(Environment& environment, const std::string& name,
                                          RingMeetingEvents& events) {
  return std::make_unique<Client>(environment, name, events);
}

}  // namespace remoting
