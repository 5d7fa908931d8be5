#include "ring/handover.h"

namespace remoting {

std::optional<RingFailure> FailureIn(const HandoverMessage& message, bool is_whole) {
  if (!is_whole || message.magic != HandoverMessage::kMagic) {
    return RingFailure{0, "protocol", "what the server sent is no handover of memory"};
  }
  if (message.version != HandoverMessage::kVersion) {
    return RingFailure{0, "protocol", "the server speaks another version of shm"};
  }
  if (message.code != 0) {
    return RingFailure{static_cast<SystemCode>(message.code), nullptr, "the server's allocation of memory"};
  }
  return std::nullopt;
}

RingFailure FailureOf(const RingMemoryError& error) {
  if (error.code == 0) return {0, "protocol", error.reason};
  return {error.code, nullptr, error.reason};
}

RingFailure NothingHandedOver() {
  return {0, "broken", "the server closed the connection without handing over memory"};
}

}  // namespace remoting
