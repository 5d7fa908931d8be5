// One side of a pair of rings: reads one, writes the other, spins and sleeps. What JavaScript calls once for
// each batch; ring_family.cc takes its arguments apart.
#ifndef REMOTING_RING_RING_ENDPOINT_H_
#define REMOTING_RING_RING_ENDPOINT_H_

#include <cstddef>
#include <cstdint>

#include "ring/patience.h"
#include "ring/ring.h"
#include "ring/ring_link.h"

namespace remoting {

/// What Receive returns if it is not a number of bytes; src/ipc/rings/native-rings.ts has them too.
enum RingState : int {
  /// Nothing has come; if asked to, it sleeps now.
  kRingEmpty = 0,
  /// The peer has stored what cannot be.
  kRingPoisoned = -1,
  /// There is room for what Write did not take.
  kRingRoom = -2,
};

/// See the head of this file. Used by one thread.
class RingEndpoint {
 public:
  explicit RingEndpoint(RingLink link) noexcept;

  const RingPeer& peer() const noexcept { return link_.peer; }
  Doorbell& bell() noexcept { return *link_.bell; }

  /// Copies as much as there is room for and shows it to the peer. Returns how much, or kRingPoisoned.
  /// If it is not all, Receive tells when there is room.
  std::int64_t Write(const unsigned char* head, std::size_t head_length, const unsigned char* tail,
                     std::size_t tail_length) noexcept;

  /// Where in the memory the next bytes will be: copying is fastest between addresses that are aligned alike.
  std::size_t next_offset() const noexcept { return reader_.position() % kAlignment; }

  /// Copies what has come to `memory`, from next_offset() on. Returns how many bytes, or a RingState.
  ///
  /// @param spin Nanoseconds to wait for something, busily; less where sleeping parts this side from a peer
  ///     that runs on the same processor.
  /// @param sleep If nothing has come: asks the peer to ring the bell.
  std::int64_t Receive(unsigned char* memory, std::size_t size, std::uint64_t spin, bool sleep) noexcept;

  /// Copies what has come to where it belongs, without waiting. Returns how many bytes; 0 if Receive has
  /// something else to tell.
  std::size_t ReceiveInto(unsigned char* target, std::size_t size) noexcept;

  static constexpr std::size_t kAlignment = kOriginAlignment;

 private:
  /// What there is to tell now.
  std::int64_t Poll(unsigned char* memory, std::size_t size) noexcept;
  /// False if something happened meanwhile.
  bool Sleep() noexcept;
  void Wake() noexcept;

  RingLink link_;
  RingWriter writer_;
  RingReader reader_;
  bool wants_room_ = false;
  bool asleep_ = false;
  Patience patience_;
};

}  // namespace remoting

#endif  // REMOTING_RING_RING_ENDPOINT_H_
