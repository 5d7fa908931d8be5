#include "ring/handover_posix.h"

#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "ring/failpoint.h"
#include "ring/handover.h"

namespace remoting {

namespace {

union Control {
  char bytes[CMSG_SPACE(4 * sizeof(int))];
  cmsghdr aligned;
};

/// Takes the descriptors out of what was received: the first is kept, others are nobody's business.
Descriptor TakeDescriptor(msghdr& received, int* count) noexcept {
  Descriptor first;
  *count = 0;
  for (cmsghdr* header = CMSG_FIRSTHDR(&received); header != nullptr;
       header = CMSG_NXTHDR(&received, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    std::size_t descriptors = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t index = 0; index < descriptors; ++index) {
      int value = -1;
      std::memcpy(&value, CMSG_DATA(header) + index * sizeof(int), sizeof(int));
      Descriptor descriptor(value);
      if ((*count)++ == 0) first = std::move(descriptor);
    }
  }
  return first;
}

Handover Fail(RingFailure* failure, RingFailure why) {
  *failure = std::move(why);
  return Handover::kFailed;
}

std::string NameOfUser(uid_t user) {
  passwd entry = {};
  passwd* found = nullptr;
  char text[4096];
  if (getpwuid_r(user, &entry, text, sizeof(text), &found) != 0 || found == nullptr) return {};
  return entry.pw_name;
}

}  // namespace

SystemCode SendMemory(int socket, std::uint32_t capacity, int memory) noexcept {
  HandoverMessage message;
  message.capacity = capacity;
  iovec piece = {&message, sizeof(message)};
  Control control = {};
  msghdr header = {};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  header.msg_control = control.bytes;
  header.msg_controllen = CMSG_SPACE(sizeof(int));
  cmsghdr* rights = CMSG_FIRSTHDR(&header);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(rights), &memory, sizeof(int));
  ReachFailPoint("handover-send");
  // It is the first that is ever sent there, so there is room for it.
  if (sendmsg(socket, &header, MSG_NOSIGNAL | MSG_DONTWAIT) != static_cast<ssize_t>(sizeof(message))) {
    return errno;
  }
  ReachFailPoint("handover-sent");
  return 0;
}

void SendRefusal(int socket, SystemCode code) noexcept {
  HandoverMessage message;
  message.code = static_cast<std::uint32_t>(code);
  ssize_t ignored = send(socket, &message, sizeof(message), MSG_NOSIGNAL | MSG_DONTWAIT);
  static_cast<void>(ignored);
}

Handover ReceiveMemory(int socket, std::unique_ptr<RingMemory>* memory, RingFailure* failure) {
  HandoverMessage message;
  message.magic = 0;
  iovec piece = {&message, sizeof(message)};
  Control control = {};
  msghdr header = {};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  header.msg_control = control.bytes;
  header.msg_controllen = sizeof(control.bytes);
  ReachFailPoint("handover-receive");
  ssize_t received = recvmsg(socket, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (received < 0) {
    if (errno == EAGAIN || errno == EINTR) return Handover::kNotYet;
    return Fail(failure, {errno, nullptr, "recvmsg"});
  }
  int count = 0;
  Descriptor descriptor = TakeDescriptor(header, &count);
  if (received == 0) return Fail(failure, NothingHandedOver());
  if ((header.msg_flags & MSG_CTRUNC) != 0 && count == 0) {
    return Fail(failure, {EMFILE, nullptr, "recvmsg"});
  }
  bool is_whole = received == static_cast<ssize_t>(sizeof(message));
  if (std::optional<RingFailure> wrong = FailureIn(message, is_whole)) return Fail(failure, *wrong);
  if (count != 1) return Fail(failure, {0, "protocol", "the server did not hand over one descriptor"});
  auto adopted = std::make_unique<RingMemory>();
  if (RingMemoryError error = adopted->Adopt(message.capacity, descriptor.get())) {
    return Fail(failure, FailureOf(error));
  }
  ReachFailPoint("handover-mapped");
  *memory = std::move(adopted);
  return Handover::kDone;
}

bool PeerOf(int socket, RingPeer* peer, uid_t* user) {
  ucred credentials = {};
  socklen_t size = sizeof(credentials);
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return false;
  peer->process_id = credentials.pid;
  peer->user_id = std::to_string(credentials.uid);
  peer->user_name = NameOfUser(credentials.uid);
  *user = credentials.uid;
  return true;
}

}  // namespace remoting
