#include "ring/ring_memory.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>

#include "ring/failpoint.h"

namespace remoting {

namespace {

constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

RingMemoryError Failed(const char* system_call) noexcept { return {errno, system_call}; }

RingMemoryError Make(std::uint32_t capacity, int* descriptor) noexcept {
  ReachFailPoint("memory-create");
  *descriptor = memfd_create("remoting", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (*descriptor < 0) return Failed("memfd_create");
  auto size = static_cast<off_t>(SizeOfRings(capacity));
  ReachFailPoint("memory-allocate");
  // All of it now: memory that is short is an error here, and not a SIGBUS in the middle of a copy.
  while (fallocate(*descriptor, 0, 0, size) != 0) {
    if (errno != EINTR) return Failed("fallocate");
  }
  ReachFailPoint("memory-seal");
  if (fcntl(*descriptor, F_ADD_SEALS, kSeals) != 0) return Failed("fcntl");
  ReachFailPoint("memory-sealed");
  return {};
}

RingMemoryError Check(std::uint32_t capacity, int descriptor) noexcept {
  if (!IsCapacity(capacity)) return {0, "the size of a ring is not a power of two within bounds"};
  int seals = fcntl(descriptor, F_GET_SEALS);
  if (seals < 0) return {0, "what was handed over is not sealable memory"};
  if ((seals & kSeals) != kSeals) return {0, "the memory is not sealed against shrinking and growing"};
  if ((seals & F_SEAL_WRITE) != 0) return {0, "the memory is sealed against writing"};
  struct stat status;
  if (fstat(descriptor, &status) != 0) return Failed("fstat");
  struct statfs system;
  if (fstatfs(descriptor, &system) != 0) return Failed("fstatfs");
  // Huge pages are sealable too, but not reserved, and each missing one is a SIGBUS.
  if (!S_ISREG(status.st_mode) || system.f_type != TMPFS_MAGIC)
    return {0, "the memory is not of ordinary pages"};
  auto size = static_cast<off_t>(SizeOfRings(capacity));
  if (status.st_size != size) return {0, "the memory has another size than two rings"};
  if (status.st_blocks * 512 < size) return {0, "the memory is not allocated in full"};
  return {};
}

}  // namespace

void CloseMemory(MemoryHandle handle) noexcept {
  if (handle != kNoMemory) close(static_cast<int>(handle));
}

RingMemoryError RingMemory::Create(std::uint32_t capacity, MemoryHandle* handle) noexcept {
  int descriptor = -1;
  RingMemoryError error = Make(capacity, &descriptor);
  if (!error) error = Map(capacity, descriptor);
  if (error) {
    CloseMemory(descriptor);
    return error;
  }
  *handle = descriptor;
  return {};
}

RingMemoryError RingMemory::Adopt(std::uint32_t capacity, MemoryHandle handle) noexcept {
  RingMemoryError error = Check(capacity, static_cast<int>(handle));
  return error ? error : Map(capacity, handle);
}

RingMemoryError RingMemory::Map(std::uint32_t capacity, MemoryHandle handle) noexcept {
  // One reservation for everything: what is mapped into it afterwards cannot meet anything else.
  std::size_t total = kIndexesSize + 4 * static_cast<std::size_t>(capacity);
  void* reserved = mmap(nullptr, total, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reserved == MAP_FAILED) return Failed("mmap");
  auto* base = static_cast<unsigned char*>(reserved);
  struct Piece {
    std::size_t at;
    std::size_t length;
    std::size_t offset;
  };
  std::size_t ring = capacity;
  const Piece pieces[] = {{0, kIndexesSize, 0},
                          {kIndexesSize, ring, kIndexesSize},
                          {kIndexesSize + ring, ring, kIndexesSize},
                          {kIndexesSize + 2 * ring, ring, kIndexesSize + ring},
                          {kIndexesSize + 3 * ring, ring, kIndexesSize + ring}};
  for (const Piece& piece : pieces) {
    void* mapped = mmap(base + piece.at, piece.length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
                        static_cast<int>(handle), static_cast<off_t>(piece.offset));
    if (mapped == MAP_FAILED) {
      RingMemoryError error = Failed("mmap");
      munmap(reserved, total);
      return error;
    }
  }
  // A fork would share the rings with a process that knows nothing of them.
  madvise(reserved, total, MADV_DONTFORK);
  indexes_ = reinterpret_cast<RingIndexes*>(base);
  client_bytes_ = base + kIndexesSize;
  server_bytes_ = client_bytes_ + 2 * ring;
  capacity_ = capacity;
  mirrored_ = true;
  return {};
}

void RingMemory::Unmap() noexcept {
  if (indexes_ == nullptr) return;
  munmap(indexes_, kIndexesSize + 4 * static_cast<std::size_t>(capacity_));
  indexes_ = nullptr;
}

}  // namespace remoting
