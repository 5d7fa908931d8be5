// A server of shm:// that lies: it hands over what no server should, or abuses what it has handed over.
//
//   liar <path of the socket> <lie>      prints "ready", serves one client, and waits for that to go
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "ring/ring.h"
#include "ring/ring_memory.h"
#include "ring/test/bell.h"

namespace remoting {
namespace {

constexpr std::uint32_t kCapacity = kSmallestCapacity;
constexpr int kAllSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

struct Message {
  std::uint32_t magic = 0x4D485352;
  std::uint32_t version = 4;
  std::uint32_t capacity = kCapacity;
  std::uint32_t code = 0;
};

int MakeMemory(std::size_t size, bool allocated, int seals) {
  int memory = memfd_create("liar", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (memory < 0) std::abort();
  if (allocated ? fallocate(memory, 0, 0, static_cast<off_t>(size)) != 0
                : ftruncate(memory, static_cast<off_t>(size)) != 0) {
    std::abort();
  }
  if (seals != 0 && fcntl(memory, F_ADD_SEALS, seals) != 0) std::abort();
  return memory;
}

void Send(int client, const void* bytes, std::size_t length, const std::vector<int>& descriptors) {
  iovec piece = {const_cast<void*>(bytes), length};
  alignas(cmsghdr) char control[CMSG_SPACE(8 * sizeof(int))] = {};
  msghdr header = {};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  if (!descriptors.empty()) {
    std::size_t size = descriptors.size() * sizeof(int);
    header.msg_control = control;
    header.msg_controllen = CMSG_SPACE(size);
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(size);
    std::memcpy(CMSG_DATA(rights), descriptors.data(), size);
  }
  sendmsg(client, &header, MSG_NOSIGNAL);
}

void Ring(int client) { send(client, "!", 1, MSG_NOSIGNAL | MSG_DONTWAIT); }

/// Honest memory, and then an abuse of it.
void Abuse(int client, const std::string& lie) {
  RingMemory memory;
  MemoryHandle handle = kNoMemory;
  if (memory.Create(kCapacity, &handle)) std::abort();
  Message message;
  Send(client, &message, sizeof(message), {static_cast<int>(handle)});
  RingView view = memory.server_writes();
  if (lie == "too-much-written") {
    view.indexes->written.store(std::uint64_t{1} << 40);
    Ring(client);
  } else if (lie == "garbage-bytes" || lie == "flood-of-bells") {
    RingWriter writer(view);
    auto ring = [client] { Ring(client); };
    if (lie == "garbage-bytes") {
      Sequence sequence(7);
      std::vector<unsigned char> bytes(4096);
      for (unsigned char& byte : bytes) byte = static_cast<unsigned char>(sequence.Next());
      writer.Write(bytes.data(), bytes.size(), ring);
      writer.Publish(ring);
    } else {
      for (int bell = 0; bell < 200'000; ++bell) Ring(client);
      // A length that no message has: the flood did not keep the client from reading on.
      const unsigned char length[] = {0xff, 0xff, 0xff, 0xff};
      writer.Write(length, sizeof(length), ring);
      writer.Publish(ring);
    }
    Ring(client);
  } else {
    std::fprintf(stderr, "there is no lie %s\n", lie.c_str());
    std::exit(2);
  }
  char rest;
  while (read(client, &rest, 1) > 0) {
  }
}

void Lie(int client, const std::string& lie) {
  std::size_t size = SizeOfRings(kCapacity);
  Message message;
  if (lie == "garbage") {
    Send(client, "HTTP/1.1 400 Bad Request\r\n\r\n", 28, {});
  } else if (lie == "goes-at-once") {
    return;
  } else if (lie == "other-version") {
    message.version = 99;
    Send(client, &message, sizeof(message), {MakeMemory(size, true, kAllSeals)});
  } else if (lie == "half-a-message") {
    Send(client, &message, sizeof(message) / 2, {MakeMemory(size, true, kAllSeals)});
  } else if (lie == "no-descriptor") {
    Send(client, &message, sizeof(message), {});
  } else if (lie == "two-descriptors") {
    Send(client, &message, sizeof(message),
         {MakeMemory(size, true, kAllSeals), MakeMemory(size, true, kAllSeals)});
  } else if (lie == "not-sealed") {
    Send(client, &message, sizeof(message), {MakeMemory(size, true, 0)});
  } else if (lie == "sealed-against-growing-only") {
    Send(client, &message, sizeof(message), {MakeMemory(size, true, F_SEAL_GROW | F_SEAL_SEAL)});
  } else if (lie == "sealed-against-writing") {
    Send(client, &message, sizeof(message), {MakeMemory(size, true, kAllSeals | F_SEAL_WRITE)});
  } else if (lie == "not-allocated") {
    Send(client, &message, sizeof(message), {MakeMemory(size, false, kAllSeals)});
  } else if (lie == "too-small") {
    Send(client, &message, sizeof(message), {MakeMemory(size - 4096, true, kAllSeals)});
  } else if (lie == "too-large") {
    Send(client, &message, sizeof(message), {MakeMemory(size + 4096, true, kAllSeals)});
  } else if (lie == "odd-capacity") {
    message.capacity = kCapacity + 4096;
    Send(client, &message, sizeof(message), {MakeMemory(SizeOfRings(message.capacity), true, kAllSeals)});
  } else if (lie == "huge-capacity") {
    message.capacity = 0x80000000;
    Send(client, &message, sizeof(message), {MakeMemory(size, true, kAllSeals)});
  } else if (lie == "no-memory") {
    Send(client, &message, sizeof(message), {open("/dev/null", O_RDWR)});
  } else {
    return Abuse(client, lie);
  }
  char rest;
  while (read(client, &rest, 1) > 0) {
  }
}

}  // namespace
}  // namespace remoting

int main(int count, char** arguments) {
  if (count != 3) return 2;
  // Nobody waits so long for it: whoever has started it is gone.
  alarm(120);
  int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof(address.sun_path), "%s", arguments[1]);
  if (bind(server, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 || listen(server, 1) != 0) {
    std::perror("bind");
    return 1;
  }
  std::printf("ready\n");
  std::fflush(stdout);
  int client = accept4(server, nullptr, nullptr, SOCK_CLOEXEC);
  if (client < 0) return 1;
  remoting::Lie(client, arguments[2]);
  close(client);
  return 0;
}
