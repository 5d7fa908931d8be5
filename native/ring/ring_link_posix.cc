#include "ring/ring_link.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <utility>

#include "../readiness.h"
#include "../rendezvous.h"
#include "ring/failpoint.h"
#include "ring/handover_posix.h"

namespace remoting {

namespace {

constexpr const char* kFamily = "shm";
constexpr int kBacklog = 511;
/// Clients that are let in before the event loop gets its turn.
constexpr int kAcceptedAtOnce = 16;

/// A byte on the socket over which the memory was handed over.
class SocketDoorbell final : public Doorbell, private Readiness::Listener {
 public:
  SocketDoorbell(Environment& environment, Descriptor socket)
      : environment_(environment), socket_(std::move(socket)) {}

  void Listen(DoorbellEvents& events) override {
    events_ = &events;
    readiness_.emplace(environment_, socket_.get(), static_cast<Readiness::Listener&>(*this));
    readiness_->WaitFor({true, false});
  }

  void Ring() noexcept override {
    ReachFailPoint("bell");
    // A full socket is a bell that rings already, and a dead peer is told by OnEnd.
    ssize_t ignored = send(socket_.get(), "!", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    static_cast<void>(ignored);
  }

  void SetReferenced(bool referenced) noexcept override {
    if (readiness_) readiness_->SetReferenced(referenced);
  }

 private:
  void OnReady(ReadyFor) noexcept override {
    char bytes[256];
    ssize_t received = recv(socket_.get(), bytes, sizeof(bytes), MSG_DONTWAIT);
    if (received > 0) return events_->OnRung();
    if (received < 0 && (errno == EAGAIN || errno == EINTR)) return;
    readiness_->WaitFor({false, false});
    events_->OnEnd();
  }

  Environment& environment_;
  Descriptor socket_;
  DoorbellEvents* events_ = nullptr;
  // Last: gone before the descriptor is closed.
  std::optional<Readiness> readiness_;
};

class Server final : public RingMeeting, private Readiness::Listener {
 public:
  Server(Environment& environment, const std::string& name, std::uint32_t capacity, RingMeetingEvents& events)
      : environment_(environment),
        rendezvous_(environment.env(), Rendezvous::Role::kServer, "", kFamily, name),
        capacity_(capacity),
        events_(events) {
    Napi::Env env = environment.env();
    if (!rendezvous_.Claim(env)) throw SystemError(env, EADDRINUSE, "bind");
    socket_ = Descriptor(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket_) throw SystemError(env, errno, "socket");
    rendezvous_.Bind(env, socket_.get(), 0600);
    if (listen(socket_.get(), kBacklog) != 0) throw SystemError(env, errno, "listen");
    spare_ = Descriptor(open("/dev/null", O_RDONLY | O_CLOEXEC));
    readiness_.emplace(environment, socket_.get(), static_cast<Readiness::Listener&>(*this));
    readiness_->WaitFor({true, false});
  }

 private:
  void OnReady(ReadyFor) noexcept override {
    std::weak_ptr<bool> alive = alive_;
    for (int turn = 0; turn < kAcceptedAtOnce; ++turn) {
      Descriptor client(accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (!client) {
        if (errno == EMFILE || errno == ENFILE) SendOneAway(errno);
        return;
      }
      Serve(std::move(client));
      // Whoever was told may have closed the server.
      if (alive.expired()) return;
    }
  }

  /// Without a descriptor for it a client cannot even be told so, and would be announced for ever: one is
  /// kept in reserve for that.
  void SendOneAway(int code) noexcept {
    spare_.Close();
    Descriptor client(accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (client) SendRefusal(client.get(), code);
    client.Close();
    spare_ = Descriptor(open("/dev/null", O_RDONLY | O_CLOEXEC));
    events_.OnFailed({code, nullptr, "accept"});
  }

  void Serve(Descriptor client) noexcept {
    RingLink link;
    link.is_server = true;
    uid_t user = 0;
    if (!PeerOf(client.get(), &link.peer, &user)) return;
    if (user != rendezvous_.trusted_user() && user != 0) {
      return events_.OnFailed(
          {0, "access-denied", "a process of user " + link.peer.user_id + " was sent away"});
    }
    link.memory = std::make_unique<RingMemory>();
    MemoryHandle memory = kNoMemory;
    RingMemoryError error = link.memory->Create(capacity_, &memory);
    if (error) {
      SendRefusal(client.get(), error.code);
      return events_.OnFailed({error.code, nullptr, error.reason});
    }
    SystemCode code = SendMemory(client.get(), capacity_, static_cast<int>(memory));
    CloseMemory(memory);
    if (code != 0) return events_.OnFailed({code, nullptr, "sendmsg"});
    link.bell = std::make_unique<SocketDoorbell>(environment_, std::move(client));
    events_.OnMet(std::move(link));
  }

  Environment& environment_;
  Rendezvous rendezvous_;
  std::uint32_t capacity_;
  RingMeetingEvents& events_;
  Descriptor socket_;
  Descriptor spare_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::optional<Readiness> readiness_;
};

class Client final : public RingMeeting, private Readiness::Listener {
 public:
  Client(Environment& environment, const std::string& name, RingMeetingEvents& events)
      : environment_(environment), events_(events) {
    Napi::Env env = environment.env();
    Rendezvous rendezvous(env, Rendezvous::Role::kClient, "", kFamily, name);
    socket_ = Descriptor(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket_) throw SystemError(env, errno, "socket");
    const sockaddr_un& address = rendezvous.address();
    if (connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
      throw SystemError(env, errno, "connect");
    }
    uid_t user = 0;
    if (!PeerOf(socket_.get(), &peer_, &user)) throw SystemError(env, errno, "getsockopt");
    if (user != rendezvous.trusted_user() && user != 0) {
      throw FaultError(
          env, "access-denied",
          "the server of this name is a process of user " + peer_.user_id + ", who is not trusted");
    }
    readiness_.emplace(environment, socket_.get(), static_cast<Readiness::Listener&>(*this));
    readiness_->WaitFor({true, false});
  }

 private:
  void OnReady(ReadyFor) noexcept override {
    std::unique_ptr<RingMemory> memory;
    RingFailure failure;
    Handover handover = ReceiveMemory(socket_.get(), &memory, &failure);
    if (handover == Handover::kNotYet) return;
    readiness_.reset();
    if (handover == Handover::kFailed) {
      socket_.Close();
      return events_.OnFailed(failure);
    }
    RingLink link;
    link.memory = std::move(memory);
    link.peer = peer_;
    link.bell = std::make_unique<SocketDoorbell>(environment_, std::move(socket_));
    events_.OnMet(std::move(link));
  }

  Environment& environment_;
  RingMeetingEvents& events_;
  RingPeer peer_;
  Descriptor socket_;
  std::optional<Readiness> readiness_;
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
