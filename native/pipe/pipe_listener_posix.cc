#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "../system_error.h"
#include "packet.h"
#include "pipe_listener.h"

namespace remoting {

namespace {

/// How many clients may wait for an instance. More are told that the pipe is busy, and sent away.
constexpr std::size_t kMostVisitors = 256;
/// How many are accepted before the event loop does something else.
constexpr int kMostAcceptedAtOnce = 64;

void SendHeader(int socket, std::uint8_t kind, std::uint8_t flags) noexcept {
  PacketHeader header = {kind, flags, kPacketVersion, 0};
  // A socket that nothing was sent to has room for it; if the client is gone, reading tells.
  [[maybe_unused]] ssize_t sent = send(socket, &header, sizeof(header), MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace

class PipeListener::Visitor final : private Readiness::Listener {
 public:
  Visitor(PipeListener& listener, Descriptor socket)
      : listener_(listener),
        socket_(std::move(socket)),
        readiness_(std::make_unique<Readiness>(listener.environment(), socket_.get(),
                                               static_cast<Readiness::Listener&>(*this))) {
    readiness_->SetReferenced(false);
    readiness_->WaitFor({true, false});
  }

  bool has_greeted() const noexcept { return greeted_; }
  bool is_dropped() const noexcept { return !socket_; }
  int socket() const noexcept { return socket_.get(); }

  /// Whether it still waits: it may have gone without the event loop having been told yet.
  bool IsThere() const noexcept {
    char byte;
    return recv(socket_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
  }

  Descriptor Release() noexcept {
    readiness_.reset();
    return std::move(socket_);
  }

 private:
  void OnReady(ReadyFor) noexcept override {
    PacketHeader header;
    ssize_t size = recv(socket_.get(), &header, sizeof(header), MSG_DONTWAIT | MSG_TRUNC);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    bool is_hello = size == static_cast<ssize_t>(sizeof(header)) && header.kind == kPacketHello &&
                    header.detail == kPacketVersion && !greeted_;
    // Whoever leaves while waiting, or speaks out of turn, ends here as well.
    if (!is_hello) {
      listener_.Drop(*this);
      return;
    }
    const PipeOptions& options = listener_.options_;
    bool wants_to_read = (header.flags & kWantsToRead) != 0;
    bool wants_to_write = (header.flags & kWantsToWrite) != 0;
    if ((wants_to_read && !options.writes) || (wants_to_write && !options.reads)) {
      SendHeader(socket_.get(), kPacketRefused, 0);
      listener_.Drop(*this);
      return;
    }
    greeted_ = true;
    // Whoever is told of this client may close the last instance.
    std::shared_ptr<PipeListener> keep = listener_.shared_from_this();
    keep->Greeted(*this);
  }

  PipeListener& listener_;
  Descriptor socket_;
  std::unique_ptr<Readiness> readiness_;
  bool greeted_ = false;
};

std::shared_ptr<PipeNames> CreatePipeNames(Environment&) { return std::make_shared<PosixPipeNames>(); }

std::shared_ptr<PipeListener> PipeListener::Join(Environment& environment,
                                                 const std::shared_ptr<PipeNames>& names,
                                                 const PipeOptions& options, PipeInstance& instance) {
  Napi::Env env = environment.env();
  auto& listeners = static_cast<PosixPipeNames&>(*names).listeners;
  std::string key = options.folder + "\n" + options.name;
  std::shared_ptr<PipeListener> listener = listeners[key].lock();
  if (listener == nullptr) {
    listener = std::make_shared<PipeListener>(environment, names, options);
    listener->Listen(options);
    listener->key_ = key;
    listeners[key] = listener;
  } else {
    const PipeOptions& first = listener->options_;
    if (options.first_instance) throw SystemError(env, EADDRINUSE, "bind");
    if (first.message_type != options.message_type || first.reads != options.reads ||
        first.writes != options.writes) {
      throw FaultError(
          env, "invalid",
          "All instances of a pipe have the same direction and type, and the first one had others");
    }
    if (first.max_instances != 0 && listener->instances_.size() >= first.max_instances) {
      throw FaultError(env, "busy", "The pipe has as many instances as its first one allowed");
    }
  }
  listener->instances_.push_back(&instance);
  return listener;
}

PipeListener::PipeListener(Environment& environment, const std::shared_ptr<PipeNames>& names,
                           const PipeOptions& options)
    : Resource(environment), names_(names), options_(options) {}

PipeListener::~PipeListener() { CloseWithEnvironment(); }

void PipeListener::Listen(const PipeOptions& options) {
  Napi::Env env = environment().env();
  rendezvous_ =
      std::make_unique<Rendezvous>(env, Rendezvous::Role::kServer, options.folder, "pipe", options.name);
  if (!rendezvous_->Claim(env)) throw SystemError(env, EADDRINUSE, "bind");
  socket_ = Descriptor(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket_) throw SystemError(env, LastSystemCode(), "socket");
  rendezvous_->Bind(env, socket_.get(), options.mode);
  if (listen(socket_.get(), 512) != 0) throw SystemError(env, LastSystemCode(), "listen");
  reserve_ = Descriptor(open("/dev/null", O_RDONLY | O_CLOEXEC));
  readiness_ =
      std::make_unique<Readiness>(environment(), socket_.get(), static_cast<Readiness::Listener&>(*this));
  readiness_->SetReferenced(false);
  readiness_->WaitFor({true, false});
  Enlist();
}

void PipeListener::CloseWithEnvironment() noexcept {
  visitors_.clear();
  readiness_.reset();
  socket_.Close();
  reserve_.Close();
  rendezvous_.reset();
  Delist();
}

void PipeListener::Leave(PipeInstance& instance) noexcept {
  instances_.erase(std::remove(instances_.begin(), instances_.end(), &instance), instances_.end());
  if (instances_.empty()) {
    GiveNameBack();
  } else {
    UpdateReferenced();
  }
}

/// The last instance is gone, and with it the pipe. This object may live a little longer, where it is told of
/// a client while the application closes the instance and makes another one; its name must not.
void PipeListener::GiveNameBack() noexcept {
  readiness_.reset();
  socket_.Close();
  reserve_.Close();
  rendezvous_.reset();
  static_cast<PosixPipeNames&>(*names_).listeners.erase(key_);
}

void PipeListener::UpdateReferenced() noexcept {
  if (readiness_ == nullptr) return;
  readiness_->SetReferenced(std::any_of(instances_.begin(), instances_.end(),
                                        [](PipeInstance* instance) { return instance->KeepsWaiting(); }));
}

void PipeListener::OnReady(ReadyFor) noexcept {
  for (int count = 0; count < kMostAcceptedAtOnce && AcceptOne(); ++count) {
  }
}

bool PipeListener::AcceptOne() noexcept {
  Descriptor client(accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!client) {
    if (errno == EMFILE || errno == ENFILE) TurnAwayWithoutDescriptor();
    return errno == EINTR || errno == ECONNABORTED;
  }
  if (!IsTrusted(client.get())) return true;
  if (visitors_.size() >= kMostVisitors) {
    // Whoever has not even said what it wants goes first.
    auto silent =
        std::find_if(visitors_.begin(), visitors_.end(),
                     [](const std::unique_ptr<Visitor>& visitor) { return !visitor->has_greeted(); });
    if (silent == visitors_.end()) {
      SendHeader(client.get(), kPacketBusy, 0);
      return true;
    }
    visitors_.erase(silent);
  }
  try {
    visitors_.push_back(std::make_unique<Visitor>(*this, std::move(client)));
  } catch (const Napi::Error&) {
    // It could not be watched: for want of memory, or of descriptors of epoll. It is closed.
  }
  return true;
}

/// Without this, a client that cannot be accepted would make the event loop turn for ever.
void PipeListener::TurnAwayWithoutDescriptor() noexcept {
  reserve_.Close();
  Descriptor client(accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (client) SendHeader(client.get(), kPacketBusy, 0);
  client.Close();
  reserve_ = Descriptor(open("/dev/null", O_RDONLY | O_CLOEXEC));
  errno = EMFILE;
}

bool PipeListener::IsTrusted(int client) const noexcept {
  if ((options_.mode & 077) != 0) return true;
  // The socket's rights let nobody else in. This holds even where a file system does not mind them.
  ucred credentials = {};
  socklen_t size = sizeof(credentials);
  if (getsockopt(client, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return false;
  return credentials.uid == geteuid() || credentials.uid == 0;
}

void PipeListener::Greeted(Visitor& visitor) noexcept {
  Match();
  if (!visitor.is_dropped()) SendHeader(visitor.socket(), kPacketBusy, 0);
  SweepDropped();
}

void PipeListener::Match() noexcept {
  for (const std::unique_ptr<Visitor>& visitor : visitors_) {
    if (visitor->is_dropped() || !visitor->has_greeted()) continue;
    auto free = std::find_if(instances_.begin(), instances_.end(),
                             [](PipeInstance* instance) { return instance->IsFree(); });
    if (free == instances_.end()) return;
    bool is_there = visitor->IsThere();
    Descriptor client = visitor->Release();
    if (!is_there) continue;
    SendHeader(client.get(), kPacketWelcome, options_.message_type ? kIsMessageType : 0);
    (*free)->Take(std::move(client));
  }
}

void PipeListener::Drop(Visitor& visitor) noexcept {
  visitor.Release();
  SweepDropped();
}

void PipeListener::SweepDropped() noexcept {
  visitors_.remove_if([](const std::unique_ptr<Visitor>& visitor) { return visitor->is_dropped(); });
}

}  // namespace remoting
