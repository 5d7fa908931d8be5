// The one message that precedes everything: the server hands its client the memory. What it says is the same
// on every system, how the memory goes with it is not.
#ifndef REMOTING_RING_HANDOVER_H_
#define REMOTING_RING_HANDOVER_H_

#include <cstdint>
#include <optional>

#include "ring/ring_link.h"

namespace remoting {

/// In the byte order of the machine: both are on it.
struct HandoverMessage {
  static constexpr std::uint32_t kMagic = 0x4D485352;  // "RSHM"
  static constexpr std::uint32_t kVersion = 4;

  std::uint32_t magic = kMagic;
  std::uint32_t version = kVersion;
  /// Bytes of each ring.
  std::uint32_t capacity = 0;
  /// 0, or the system's code for why there is no memory.
  std::uint32_t code = 0;
};

/// What is wrong with the server's message, or nothing if it is valid. Called before any of its fields is
/// used.
///
/// @param is_whole Whether it had the size that it has to have.
std::optional<RingFailure> FailureIn(const HandoverMessage& message, bool is_whole);

/// Why the memory that came with it is not taken.
RingFailure FailureOf(const RingMemoryError& error);

/// The server was gone before it had sent anything.
RingFailure NothingHandedOver();

}  // namespace remoting

#endif  // REMOTING_RING_HANDOVER_H_
