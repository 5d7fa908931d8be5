#include <pwd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/sockios.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <utility>

#include "../system_error.h"
#include "packet.h"
#include "pipe_listener.h"

namespace remoting {

namespace {

/// How many packets are read or written with one system call.
constexpr std::size_t kMostPackets = 8;
/// Where a packet of a batch begins in memory: its header is before it.
constexpr std::size_t kSlot = kLargestPiece + 64;
/// How many batches are read before the event loop does something else.
constexpr int kMostBatches = 8;
/// What the system keeps for the peer: more than the default, so that a large message needs fewer wake-ups.
constexpr int kSendBuffer = 1 << 20;

std::string NameOfUser(uid_t user) {
  char memory[4096];
  passwd entry;
  passwd* found = nullptr;
  if (getpwuid_r(user, &entry, memory, sizeof(memory), &found) != 0 || found == nullptr) return {};
  return found->pw_name;
}

class PosixPipeEnd final : public PipeEnd,
                           private Resource,
                           private Readiness::Listener,
                           private PipeInstance {
 public:
  PosixPipeEnd(Environment& environment, const PipeOptions& options, PipeEvents& events)
      : Resource(environment), options_(options), events_(events), incoming_(options.message_type) {}

  ~PosixPipeEnd() override { Close(); }

  void BeServer(const std::shared_ptr<PipeNames>& names) {
    state_ = State::kFresh;
    listener_ = PipeListener::Join(environment(), names, options_, *this);
    listener_->Match();
  }

  void BeClient() {
    Napi::Env env = environment().env();
    Rendezvous rendezvous(env, Rendezvous::Role::kClient, options_.folder, "pipe", options_.name);
    Descriptor client(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!client) throw SystemError(env, LastSystemCode(), "socket");
    const sockaddr_un& address = rendezvous.address();
    if (connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
      throw SystemError(env, LastSystemCode(), "connect");
    }
    ucred server = CredentialsOf(client.get());
    if (server.uid != rendezvous.trusted_user() && server.uid != 0) {
      throw FaultError(env, "access-denied",
                       "The pipe is served by user " + std::to_string(server.uid) +
                           ", who does not own the folder that it is in");
    }
    PacketHeader hello = {kPacketHello, 0, kPacketVersion, 0};
    if (options_.reads) hello.flags |= kWantsToRead;
    if (options_.writes) hello.flags |= kWantsToWrite;
    if (send(client.get(), &hello, sizeof(hello), MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
      throw SystemError(env, LastSystemCode(), "send");
    }
    Adopt(std::move(client));
    state_ = State::kGreeting;
    Watch();
  }

  bool Accept() override {
    if (listener_ == nullptr) {
      throw FaultError(environment().env(), "invalid", "The instance has given its name up");
    }
    if (state_ == State::kTaken) {
      state_ = State::kConnected;
      return true;
    }
    state_ = State::kWaiting;
    in_call_ = true;
    listener_->Match();
    in_call_ = false;
    listener_->UpdateReferenced();
    return state_ == State::kConnected;
  }

  bool CancelAccept() noexcept override {
    if (state_ == State::kWaiting) state_ = State::kFresh;
    if (listener_ != nullptr) listener_->UpdateReferenced();
    return true;
  }

  bool ReleaseName() noexcept override {
    if (listener_ != nullptr) listener_->Leave(*this);
    listener_.reset();
    return true;
  }

  void Disconnect() noexcept override {
    Forget();
    state_ = State::kDisconnected;
  }

  void Close() noexcept override {
    Forget();
    state_ = State::kClosed;
    if (listener_ != nullptr) listener_->Leave(*this);
    listener_.reset();
  }

  void CloseWithEnvironment() noexcept override { Close(); }

  void SetReadMemory(Memory memory) noexcept override { read_memory_ = memory; }

  bool Read(std::size_t most, ReadResult* result) noexcept override {
    most_ = most;
    if (TryRead(result)) return true;
    reading_ = true;
    Watch();
    return false;
  }

  bool CancelRead() noexcept override {
    reading_ = false;
    Watch();
    return true;
  }

  Peeked Peek(Memory target) noexcept override {
    Peeked peeked;
    if (!has_staged_) peeked.code = Stage();
    if (peeked.code == EAGAIN) {
      peeked.code = kPipeSuccess;
      return peeked;
    }
    if (peeked.code != kPipeSuccess) return peeked;
    std::size_t staged = staged_end_ - staged_start_;
    peeked.copied = std::min(staged, target.size);
    if (peeked.copied > 0) std::memcpy(target.data, read_memory_.data + staged_start_, peeked.copied);
    peeked.left_in_message = options_.message_type ? staged + incoming_.left_in_message() - peeked.copied : 0;
    int queued = 0;
    if (ioctl(socket_.get(), SIOCINQ, &queued) != 0) queued = 0;
    peeked.available = staged + static_cast<std::size_t>(queued);
    return peeked;
  }

  void Receive(Memory memory, std::uint32_t* pieces, std::size_t most_pieces) noexcept override {
    batch_memory_ = memory;
    pieces_ = pieces;
    slots_ = std::min({memory.size / kSlot, most_pieces, kMostPackets});
    Watch();
  }

  bool Write(const Outgoing& message) noexcept override {
    queue_.push_back({message, 0, false});
    // What fails is told when the socket is next looked at, as what waits is.
    if (queue_.size() == 1 && socket_) Send();
    if (queue_.empty()) return true;
    Watch();
    return false;
  }

  bool CancelWrites() noexcept override {
    if (queue_.empty()) return true;
    bool begun = queue_.front().sent > 0 && !queue_.front().cancel && options_.message_type;
    bool was_cancelling = queue_.front().cancel;
    queue_.clear();
    // The peer waits for the rest of what has begun.
    if (begun || was_cancelling) queue_.push_back({{}, 0, true});
    if (begun) Send();
    Watch();
    return true;
  }

  bool IsDrained() noexcept override {
    int unread = 0;
    if (!socket_ || ioctl(socket_.get(), SIOCOUTQ, &unread) != 0) return true;
    return queue_.empty() && unread == 0;
  }

  bool is_message_type() const noexcept override { return options_.message_type; }

  PipePeer Peer() override {
    PipePeer peer;
    if (!socket_) return peer;
    ucred credentials = CredentialsOf(socket_.get());
    peer.process_id = credentials.pid;
    peer.user_id = std::to_string(credentials.uid);
    peer.group_id = std::to_string(credentials.gid);
    peer.user_name = NameOfUser(credentials.uid);
    return peer;
  }

  void SetReferenced(bool referenced) noexcept override {
    referenced_ = referenced;
    if (readiness_ != nullptr) readiness_->SetReferenced(referenced);
    if (listener_ != nullptr) listener_->UpdateReferenced();
  }

 private:
  enum class State {
    /// A server's instance that nobody waits at yet; a client can come all the same.
    kFresh,
    kWaiting,
    /// A client has come before it was waited for.
    kTaken,
    kConnected,
    kDisconnected,
    /// A client that waits to be welcomed.
    kGreeting,
    kClosed,
  };

  struct Queued {
    Outgoing message;
    std::size_t sent;
    /// Tells the peer that a message will not be finished; has no message.
    bool cancel;
  };

  static ucred CredentialsOf(int socket) noexcept {
    ucred credentials = {};
    credentials.uid = static_cast<uid_t>(-1);
    credentials.gid = static_cast<gid_t>(-1);
    socklen_t size = sizeof(credentials);
    getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size);
    return credentials;
  }

  // --- as an instance of a listener ---

  bool IsFree() const noexcept override { return state_ == State::kFresh || state_ == State::kWaiting; }
  bool KeepsWaiting() const noexcept override { return state_ == State::kWaiting && referenced_; }

  void Take(Descriptor client) noexcept override {
    bool awaited = state_ == State::kWaiting;
    try {
      Adopt(std::move(client));
    } catch (const Napi::Error&) {
      // It cannot be watched. The client finds that it was sent away; the instance stays free.
      socket_.Close();
      return;
    }
    state_ = awaited ? State::kConnected : State::kTaken;
    if (listener_ != nullptr) listener_->UpdateReferenced();
    if (awaited && !in_call_) events_.OnConnected(kPipeSuccess);
  }

  // --- the socket ---

  void Adopt(Descriptor socket) {
    socket_ = std::move(socket);
    setsockopt(socket_.get(), SOL_SOCKET, SO_SNDBUF, &kSendBuffer, sizeof(kSendBuffer));
    readiness_ =
        std::make_unique<Readiness>(environment(), socket_.get(), static_cast<Readiness::Listener&>(*this));
    readiness_->SetReferenced(referenced_);
    Enlist();
  }

  /// Gives the socket back, and forgets everything that belonged to it.
  void Forget() noexcept {
    readiness_.reset();
    socket_.Close();
    queue_.clear();
    incoming_ = PacketSequence(options_.message_type);
    has_staged_ = false;
    reading_ = false;
    reset_ = false;
    slots_ = 0;
    Delist();
  }

  void Watch() noexcept {
    if (readiness_ == nullptr) return;
    bool reads = reading_ || slots_ > 0 || state_ == State::kGreeting;
    readiness_->WaitFor({reads, !queue_.empty()});
  }

  void OnReady(ReadyFor ready) noexcept override {
    if (state_ == State::kGreeting) {
      Greet();
      return;
    }
    if (ready.writing && !queue_.empty()) FlushQueue();
    if (!socket_) return;
    if (ready.reading && slots_ > 0) {
      ReceiveBatches();
    } else if (ready.reading && reading_) {
      ReadResult result;
      if (TryRead(&result)) {
        reading_ = false;
        Watch();
        events_.OnRead(result);
      }
    }
    Watch();
  }

  /// A client reads how it is received.
  void Greet() noexcept {
    PacketHeader header;
    ssize_t size = recv(socket_.get(), &header, sizeof(header), MSG_DONTWAIT | MSG_TRUNC);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    int code = kPipeProtocol;
    if (size <= 0) {
      code = kPipeEnd;
    } else if (size == static_cast<ssize_t>(sizeof(header)) && header.detail == kPacketVersion) {
      if (header.kind == kPacketBusy) {
        events_.OnConnected(kPipeBusy);
        return;
      }
      if (header.kind == kPacketWelcome) code = kPipeSuccess;
      if (header.kind == kPacketRefused) code = kPipeRefused;
    }
    if (code == kPipeSuccess) {
      options_.message_type = (header.flags & kIsMessageType) != 0;
      incoming_ = PacketSequence(options_.message_type);
      state_ = State::kConnected;
      Watch();
    } else {
      Forget();
      state_ = State::kClosed;
    }
    events_.OnConnected(code);
  }

  // --- reading ---

  /// What recvmsg says when it brings nothing: EAGAIN, kPipeEnd, or what is wrong. kPipeSuccess to try again.
  int CodeOfNothing(ssize_t size) noexcept {
    if (size == 0) return kPipeEnd;
    if (errno == EINTR) return kPipeSuccess;
    // The peer has closed without having read everything. What it has sent is still there, behind this error.
    if (errno == ECONNRESET && !reset_) {
      reset_ = true;
      return kPipeSuccess;
    }
    return errno == EWOULDBLOCK ? EAGAIN : errno;
  }

  /// Reads the next packet into the memory for Read. kPipeSuccess if something is staged then.
  int Stage() noexcept {
    for (;;) {
      PacketHeader header;
      iovec places[2] = {{&header, sizeof(header)}, {read_memory_.data, kLargestPiece}};
      msghdr packet = {};
      packet.msg_iov = places;
      packet.msg_iovlen = 2;
      ssize_t size = recvmsg(socket_.get(), &packet, MSG_DONTWAIT);
      if (size <= 0) {
        int code = CodeOfNothing(size);
        if (code != kPipeSuccess) return code;
        continue;
      }
      if (size < static_cast<ssize_t>(sizeof(header)) || (packet.msg_flags & MSG_TRUNC) != 0)
        return kPipeProtocol;
      std::size_t payload = static_cast<std::size_t>(size) - sizeof(header);
      int code = incoming_.Take(header, payload);
      if (code != kPipeSuccess) return code;
      has_staged_ = true;
      staged_start_ = 0;
      staged_end_ = payload;
      return kPipeSuccess;
    }
  }

  bool TryRead(ReadResult* result) noexcept {
    if (!has_staged_) {
      int code = Stage();
      if (code == EAGAIN) return false;
      result->code = code;
      if (code != kPipeSuccess) return true;
    }
    result->start = staged_start_;
    result->length = std::min(most_, staged_end_ - staged_start_);
    staged_start_ += result->length;
    has_staged_ = staged_start_ < staged_end_;
    result->complete = !has_staged_ && incoming_.left_in_message() == 0;
    return true;
  }

  void ReceiveBatches() noexcept {
    for (int batch = 0; batch < kMostBatches; ++batch) {
      PacketHeader headers[kMostPackets];
      iovec places[kMostPackets][2];
      mmsghdr packets[kMostPackets] = {};
      for (std::size_t index = 0; index < slots_; ++index) {
        places[index][0] = {&headers[index], sizeof(PacketHeader)};
        places[index][1] = {batch_memory_.data + index * kSlot, kLargestPiece};
        packets[index].msg_hdr.msg_iov = places[index];
        packets[index].msg_hdr.msg_iovlen = 2;
      }
      int received = recvmmsg(socket_.get(), packets, static_cast<unsigned>(slots_), MSG_DONTWAIT, nullptr);
      int end = kPipeSuccess;
      std::size_t pieces = 0;
      if (received <= 0) {
        end = CodeOfNothing(received);
        if (end == EAGAIN) return;
        if (end == kPipeSuccess) continue;
      }
      std::size_t count = received > 0 ? static_cast<std::size_t>(received) : 0;
      for (std::size_t index = 0; index < count && end == kPipeSuccess; ++index) {
        end = TakeIntoBatch(headers[index], packets[index], index, &pieces);
      }
      if (pieces > 0) {
        events_.OnBatch(static_cast<std::uint32_t>(pieces));
        // Whoever was told may have closed it.
        if (!socket_ || slots_ == 0) return;
      }
      if (end != kPipeSuccess) {
        slots_ = 0;
        Watch();
        events_.OnEnd(end);
        return;
      }
      if (count < slots_) return;
    }
  }

  int TakeIntoBatch(const PacketHeader& header, const mmsghdr& packet, std::size_t slot,
                    std::size_t* pieces) noexcept {
    if (packet.msg_len == 0) return kPipeEnd;
    if (packet.msg_len < sizeof(header) || (packet.msg_hdr.msg_flags & MSG_TRUNC) != 0) return kPipeProtocol;
    std::size_t payload = packet.msg_len - sizeof(header);
    int code = incoming_.Take(header, payload);
    if (code != kPipeSuccess) return code;
    std::uint32_t* piece = pieces_ + 3 * (*pieces)++;
    piece[0] = static_cast<std::uint32_t>(slot * kSlot);
    piece[1] = static_cast<std::uint32_t>(slot * kSlot + payload);
    piece[2] = incoming_.left_in_message();
    return kPipeSuccess;
  }

  // --- writing ---

  /// Sends from the queue's front what the system takes. The code is EAGAIN if that is not all.
  int Send() noexcept {
    while (!queue_.empty()) {
      Queued& front = queue_.front();
      int code = front.cancel ? SendCancel() : SendFragments(&front);
      if (code != kPipeSuccess) return code;
      queue_.pop_front();
    }
    return kPipeSuccess;
  }

  int SendCancel() noexcept {
    PacketHeader header = {kPacketCancel, 0, 0, 0};
    ssize_t sent = send(socket_.get(), &header, sizeof(header), MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent < 0 ? errno : kPipeSuccess;
  }

  int SendFragments(Queued* queued) noexcept {
    const Outgoing& message = queued->message;
    std::size_t size = message.size();
    do {
      PacketHeader headers[kMostPackets];
      iovec places[kMostPackets][3];
      mmsghdr packets[kMostPackets] = {};
      std::size_t position = queued->sent;
      std::size_t count = 0;
      do {
        std::size_t part = std::min(size - position, kLargestPiece);
        headers[count] = HeaderOf(position, size);
        FillPacket(message, position, part, &headers[count], places[count], &packets[count].msg_hdr);
        position += part;
        ++count;
      } while (position < size && count < kMostPackets);
      int sent = count == 1 ? SendOne(packets[0].msg_hdr)
                            : sendmmsg(socket_.get(), packets, static_cast<unsigned>(count),
                                       MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent < 0) {
        if (errno == EINTR) continue;
        return errno == EWOULDBLOCK ? EAGAIN : errno;
      }
      queued->sent = std::min(size, queued->sent + static_cast<std::size_t>(sent) * kLargestPiece);
    } while (queued->sent < size);
    return kPipeSuccess;
  }

  int SendOne(const msghdr& packet) noexcept {
    return sendmsg(socket_.get(), &packet, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -1 : 1;
  }

  PacketHeader HeaderOf(std::size_t position, std::size_t size) const noexcept {
    if (!options_.message_type) return {kPacketBytes, 0, 0, 0};
    std::uint8_t flags = position == 0 ? kFirstFragment : std::uint8_t{0};
    return {kPacketMessage, flags, 0, static_cast<std::uint32_t>(size - position)};
  }

  static void FillPacket(const Outgoing& message, std::size_t position, std::size_t part,
                         PacketHeader* header, iovec* places, msghdr* packet) noexcept {
    std::size_t count = 0;
    places[count++] = {header, sizeof(*header)};
    if (position < message.head_size) {
      std::size_t length = std::min(part, message.head_size - position);
      places[count++] = {const_cast<std::uint8_t*>(message.head) + position, length};
      position += length;
      part -= length;
    }
    if (part > 0) {
      places[count++] = {const_cast<std::uint8_t*>(message.tail) + (position - message.head_size), part};
    }
    packet->msg_iov = places;
    packet->msg_iovlen = count;
  }

  void FlushQueue() noexcept {
    std::size_t before = MessagesInQueue();
    int code = Send();
    if (code != kPipeSuccess && code != EAGAIN) queue_.clear();
    std::size_t told = before - MessagesInQueue();
    Watch();
    if (told == 0) return;
    // Of what failed, what was sent before it cannot be told apart; the peer has read none of it.
    events_.OnWritten(static_cast<std::uint32_t>(told), code == EAGAIN ? kPipeSuccess : code);
  }

  std::size_t MessagesInQueue() const noexcept {
    std::size_t cancels = !queue_.empty() && queue_.front().cancel ? 1 : 0;
    return queue_.size() - cancels;
  }

  PipeOptions options_;
  PipeEvents& events_;
  State state_ = State::kClosed;
  std::shared_ptr<PipeListener> listener_;
  bool in_call_ = false;
  bool referenced_ = true;

  Descriptor socket_;
  std::unique_ptr<Readiness> readiness_;
  PacketSequence incoming_;
  /// The peer's ECONNRESET was seen once.
  bool reset_ = false;

  Memory read_memory_;
  std::size_t most_ = 0;
  bool reading_ = false;
  bool has_staged_ = false;
  std::size_t staged_start_ = 0;
  std::size_t staged_end_ = 0;

  Memory batch_memory_;
  std::uint32_t* pieces_ = nullptr;
  /// 0 unless it receives.
  std::size_t slots_ = 0;

  std::deque<Queued> queue_;
};

}  // namespace

std::unique_ptr<PipeEnd> CreatePipe(Environment& environment, const std::shared_ptr<PipeNames>& names,
                                    const PipeOptions& options, PipeEvents& events) {
  auto end = std::make_unique<PosixPipeEnd>(environment, options, events);
  end->BeServer(names);
  return end;
}

std::unique_ptr<PipeEnd> OpenPipe(Environment& environment, const std::shared_ptr<PipeNames>&,
                                  const PipeOptions& options, PipeEvents& events) {
  auto end = std::make_unique<PosixPipeEnd>(environment, options, events);
  end->BeClient();
  return end;
}

}  // namespace remoting
