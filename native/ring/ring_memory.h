// The memory that two rings live in: anonymous, so that it has no name to be left behind, and mapped so that
// the bytes of each ring lie twice in a row.
//
// Linux: a memfd, allocated in full and sealed. Whoever is handed one checks that before it maps anything: a
// file that can be shrunk, or that is not there in full, would be a SIGBUS at some later time. Windows: a
// section of the paging file, committed in full by the system; a section cannot be shrunk.
#ifndef REMOTING_RING_RING_MEMORY_H_
#define REMOTING_RING_RING_MEMORY_H_

#include <cstdint>

#include "ring/ring_layout.h"

namespace remoting {

/// Why memory could not be had: a system call with its code, or what is wrong with what was handed over.
struct RingMemoryError {
  /// The system's code; 0 if `reason` says it all.
  int code = 0;
  /// The system's function, or the reason.
  const char* reason = nullptr;

  explicit operator bool() const noexcept { return reason != nullptr; }
};

/// A file descriptor, or a handle of Windows.
using MemoryHandle = std::intptr_t;
constexpr MemoryHandle kNoMemory = -1;

/// Closes one.
void CloseMemory(MemoryHandle handle) noexcept;

/// A mapping of both rings. Unmapped with its owner; handles are not needed for that.
class RingMemory {
 public:
  RingMemory() noexcept = default;
  RingMemory(const RingMemory&) = delete;
  RingMemory& operator=(const RingMemory&) = delete;
  ~RingMemory() { Unmap(); }

  /// Makes memory for two rings and maps it. The handle is the caller's, to be handed over and closed.
  RingMemoryError Create(std::uint32_t capacity, MemoryHandle* handle) noexcept;

  /// Maps memory that a peer has made. Checks its kind and size, that it is there in full, and that it will
  /// stay so, before anything touches it.
  RingMemoryError Adopt(std::uint32_t capacity, MemoryHandle handle) noexcept;

  void Unmap() noexcept;
  bool is_mapped() const noexcept { return indexes_ != nullptr; }

  /// The ring that the client writes, or the one that the server writes.
  RingView client_writes() const noexcept { return {&indexes_[0], client_bytes_, capacity_, mirrored_}; }
  RingView server_writes() const noexcept { return {&indexes_[1], server_bytes_, capacity_, mirrored_}; }

 private:
  RingMemoryError Map(std::uint32_t capacity, MemoryHandle handle) noexcept;

  RingIndexes* indexes_ = nullptr;
  unsigned char* client_bytes_ = nullptr;
  unsigned char* server_bytes_ = nullptr;
  std::uint32_t capacity_ = 0;
  bool mirrored_ = false;
};

}  // namespace remoting

#endif  // REMOTING_RING_RING_MEMORY_H_
