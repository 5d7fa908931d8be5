// Mailslots where there are none: datagram sockets of the local domain. They keep boundaries, take a message
// whole or not at all, and make writers wait when the reader is behind; but they hold few messages (10, by
// default) and cannot say how many. So the reader takes them out as they come, and what it has taken is
// counted.
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "../readiness.h"
#include "../rendezvous.h"
#include "mailslot.h"

namespace remoting {

namespace {

/// What is taken in one turn: enough to be worth the turn, and little enough that others have theirs.
constexpr std::size_t kMostMessages = 64;
constexpr std::size_t kMostBytes = 256 * 1024;

Descriptor MakeSocket(Napi::Env env) {
  Descriptor descriptor(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!descriptor) throw SystemError(env, errno, "socket");
  return descriptor;
}

class Reader final : public MailslotReader, private Readiness::Listener {
 public:
  Reader(Environment& environment, const MailslotOptions& options, MailslotReader::Listener& listener)
      : listener_(listener),
        most_(options.max_message_size),
        rendezvous_(environment.env(), Rendezvous::Role::kServer, options.folder, "mailslot", options.name) {
    Napi::Env env = environment.env();
    if (!rendezvous_.Claim(env)) throw SystemError(env, EADDRINUSE, "bind");
    rendezvous_.WriteNote(env, std::to_string(most_));
    socket_ = MakeSocket(env);
    rendezvous_.Bind(env, socket_.get(), options.mode);
    readiness_.reset(new Readiness(environment, socket_.get(), *this));
  }

  void SetRoom(std::uint32_t messages) noexcept override {
    room_ = messages;
    readiness_->WaitFor({room_ > 0, false});
  }

  void SetReferenced(bool referenced) noexcept override { readiness_->SetReferenced(referenced); }

 private:
  void OnReady(ReadyFor) noexcept override {
    TakenMessages taken;
    std::size_t bytes = 0;
    while (room_ > taken.messages.size() && taken.messages.size() + taken.oversized < kMostMessages &&
           bytes < kMostBytes) {
      ssize_t size = recv(socket_.get(), nullptr, 0, MSG_PEEK | MSG_TRUNC);
      if (size < 0) {
        if (errno == EINTR) continue;
        if (errno == EAGAIN || errno == EWOULDBLOCK) break;
        listener_.OnFailed(errno, "recv");
        return;
      }
      if (most_ > 0 && static_cast<std::size_t>(size) > most_) {
        // What a writer sends that has not asked how much it may.
        recv(socket_.get(), nullptr, 0, 0);
        ++taken.oversized;
        continue;
      }
      std::vector<std::uint8_t> message(static_cast<std::size_t>(size));
      if (recv(socket_.get(), message.data(), message.size(), 0) != size) break;
      bytes += message.size();
      taken.messages.push_back(std::move(message));
    }
    if (taken.messages.empty() && taken.oversized == 0) return;
    room_ -= static_cast<std::uint32_t>(taken.messages.size());
    if (room_ == 0) readiness_->WaitFor({});
    listener_.OnTaken(std::move(taken));
  }

  MailslotReader::Listener& listener_;
  std::size_t most_;
  std::uint32_t room_ = 0;
  Rendezvous rendezvous_;
  Descriptor socket_;
  std::unique_ptr<Readiness> readiness_;
};

class Writer final : public MailslotWriter, private Readiness::Listener {
 public:
  Writer(Environment& environment, const MailslotOptions& options, MailslotWriter::Listener& listener)
      : environment_(environment), listener_(listener) {
    Napi::Env env = environment.env();
    Rendezvous rendezvous(env, Rendezvous::Role::kClient, options.folder, "mailslot", options.name);
    max_message_size_ = static_cast<std::uint32_t>(std::strtoul(rendezvous.ReadNote().c_str(), nullptr, 10));
    socket_ = MakeSocket(env);
    // What the system allows for one message; it takes no more than its own limit.
    int size = 4 * 1024 * 1024;
    setsockopt(socket_.get(), SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    // Connected, so that the system says when there is room, and when the slot is gone.
    if (connect(socket_.get(), reinterpret_cast<const sockaddr*>(&rendezvous.address()),
                sizeof(sockaddr_un)) != 0) {
      throw SystemError(env, errno, "connect");
    }
  }

  Outcome Write(const std::uint8_t* bytes, std::size_t length, SystemCode* code) noexcept override {
    *code = Send(bytes, length);
    if (*code == 0) return Outcome::kWritten;
    if (*code != EAGAIN) return Outcome::kFailed;
    waiting_.assign(bytes, bytes + length);
    if (!readiness_) readiness_.reset(new Readiness(environment_, socket_.get(), *this));
    readiness_->WaitFor({false, true});
    return Outcome::kWaiting;
  }

  bool Cancel() noexcept override {
    if (readiness_) readiness_->WaitFor({});
    return true;
  }

  std::uint32_t max_message_size() const noexcept override { return max_message_size_; }

 private:
  SystemCode Send(const std::uint8_t* bytes, std::size_t length) noexcept {
    for (;;) {
      if (send(socket_.get(), bytes, length, MSG_NOSIGNAL) >= 0) return 0;
      if (errno == EWOULDBLOCK) return EAGAIN;
      if (errno != EINTR) return errno;
    }
  }

  void OnReady(ReadyFor) noexcept override {
    SystemCode code = Send(waiting_.data(), waiting_.size());
    if (code == EAGAIN) return;
    readiness_->WaitFor({});
    listener_.OnWritten(code, "send");
  }

  Environment& environment_;
  MailslotWriter::Listener& listener_;
  std::uint32_t max_message_size_ = 0;
  Descriptor socket_;
  std::vector<std::uint8_t> waiting_;
  std::unique_ptr<Readiness> readiness_;
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
