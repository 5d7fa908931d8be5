// What lies in memory that two processes share: the indexes of two rings, then the bytes of both.
//
// clang-format off
//   offset 0            RingIndexes of the ring that the client writes, then of the one that the server writes
//   kIndexesSize        bytes of the client's ring
//   … + capacity        bytes of the server's ring
// clang-format on
//
// docs/channels/shm.md describes it for people, and the protocol that it is used by.
#ifndef REMOTING_RING_RING_LAYOUT_H_
#define REMOTING_RING_RING_LAYOUT_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace remoting {

/// Bytes of a line of the cache.
constexpr std::size_t kLine = 64;

/// Two cache lines: processors fetch them in pairs, so what one side writes and the other reads would still
/// disturb its neighbour at a distance of one.
constexpr std::size_t kLinePair = 2 * kLine;

/// So many bytes of a message fit beside the words that tell of it.
constexpr std::size_t kShortBytes = 96;

/// One direction. What only the writer stores is on lines of its own, and so is what only the reader stores:
/// for those, two processors never compete. Only the two flags of sleepers are stored to by both.
struct RingIndexes {
  /// Bytes ever written. Stored by the writer only.
  alignas(kLinePair) std::atomic<std::uint64_t> written;
  /// The position behind those bytes that lie in `short_bytes`. Stored by the writer only, while nothing is
  /// unread; whatever it is, the reader stays within them.
  std::atomic<std::uint64_t> short_end;
  /// How far the writer of this ring has read in the other one, as far as it has told: saves its peer a look
  /// at `consumed` there. One that lies loses what it has not read, and nothing else.
  std::atomic<std::uint64_t> other_ring_consumed;
  /// The position that lies at offset 0, a multiple of kOriginAlignment: its lower half, which is enough for
  /// an offset. Stored by the writer only, while nothing is unread; whatever it is, the reader stays within
  /// the ring.
  std::atomic<std::uint32_t> origin;
  /// Where the writer last ran, so that a reader does not keep it from its processor. If it lies, its reader
  /// yields too often or too seldom, and nothing else.
  std::atomic<std::uint32_t> writer_processor;
  /// A message that is short enough, where nothing is unread: it comes with `written`, in the same line of
  /// the cache or in the one beside it.
  unsigned char short_bytes[kShortBytes];
  /// Bytes ever read. Stored by the reader only.
  alignas(kLinePair) std::atomic<std::uint64_t> consumed;
  /// 1 while the reader sleeps and wants the bell to be rung when there is something. Set by the reader;
  /// cleared by it, or by the writer that is about to ring.
  alignas(kLinePair) std::atomic<std::uint32_t> reader_sleeps;
  /// The same for a writer that waits for room.
  alignas(kLinePair) std::atomic<std::uint32_t> writer_sleeps;
};

static_assert(sizeof(RingIndexes) == 4 * kLinePair, "the layout is shared with other builds");
static_assert(offsetof(RingIndexes, consumed) == kLinePair, "the layout is shared with other builds");
static_assert(std::atomic<std::uint64_t>::is_always_lock_free,
              "a lock of this process means nothing to the peer");
static_assert(std::atomic<std::uint32_t>::is_always_lock_free,
              "a lock of this process means nothing to the peer");

/// Where the bytes begin: what Windows can map at is a multiple of this, and so is every page size.
constexpr std::size_t kIndexesSize = 64 * 1024;

/// Powers of two, so that a position becomes an offset by a mask.
constexpr std::uint32_t kSmallestCapacity = 64 * 1024;
constexpr std::uint32_t kLargestCapacity = 64 * 1024 * 1024;

/// A line of the cache, so that a byte keeps its place within one.
constexpr std::uint64_t kOriginAlignment = kLine;

constexpr bool IsCapacity(std::uint64_t capacity) noexcept {
  return capacity >= kSmallestCapacity && capacity <= kLargestCapacity && (capacity & (capacity - 1)) == 0;
}

/// How much memory two rings take.
constexpr std::size_t SizeOfRings(std::uint32_t capacity) noexcept {
  return kIndexesSize + 2 * static_cast<std::size_t>(capacity);
}

/// One direction as one process sees it.
struct RingView {
  RingIndexes* indexes = nullptr;
  unsigned char* bytes = nullptr;
  std::uint32_t capacity = 0;
  /// Whether the bytes are mapped twice in a row, so that nothing ever wraps in the middle.
  bool mirrored = false;
};

}  // namespace remoting

#endif  // REMOTING_RING_RING_LAYOUT_H_
