// A ring of bytes with one writer and one reader in different processes, neither of which trusts the other.
//
// Each side keeps its own position in its own memory and only publishes it. Of what the peer has stored, a
// side reads one word, once, into a local, checks it against its own position, and uses the local. The bytes
// themselves are copied out before anybody looks at them. So whatever a peer does to the shared memory, this
// side reads and writes within the ring; it finds the ring "poisoned" or finds garbage, which is for the
// layer above.
//
// Sleeping (the proof is in docs/channels/shm.md and test/native/ring/wake-protocol.test.ts):
//
//   reader:  reader_sleeps = 1;  look at `written` again;  nothing: sleep      else: reader_sleeps = 0, go on
//   writer:  written = …;        look at reader_sleeps;    1: set it to 0, ring the bell
//
// All four accesses are sequentially consistent: at least one side sees what the other has stored. A writer
// that waits for room and a reader that makes some do the same with `writer_sleeps` and `consumed`.
//
// Where a position lies in the ring: at its distance from `origin`, which the writer moves to the present
// position, or nearly, when it finds that everything was read. A short message, written when everything was
// read, does not lie there but beside `written`: so it takes one line of the cache to the other processor and
// not two.
#ifndef REMOTING_RING_RING_H_
#define REMOTING_RING_RING_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "ring/failpoint.h"
#include "ring/ring_layout.h"

namespace remoting {

/// After so many bytes the other side is told, so that it works on them while the next are copied. A rest of
/// less than half of that goes along: by itself it would cost the reader another look and another call.
constexpr std::size_t kPublishStep = 64 * 1024;

/// So often, in bytes, the writer goes back to the beginning of the ring if everything has been read: small
/// messages then stay in the same few lines, which both processors have in their caches. Before each message
/// it would look at the peer's position so often that more is lost than gained.
constexpr std::size_t kReturnStep = 1024;

/// Copies in blocks of a line of the cache, and has the lines that will be written fetched ahead: for memory
/// that is in no cache, such as what the garbage collector has given back. There it makes 1.1 times as many
/// calls of 64 KiB a second as memcpy, which writes to one line after the other.
inline void CopyLines(unsigned char* to, const unsigned char* from, std::size_t length) noexcept {
  constexpr std::size_t kAhead = 3 * 1024;
  constexpr int kForWriting = 1;
  constexpr int kIntoSecondLevel = 2;
  while (length > kAhead + kLine) {
    __builtin_prefetch(to + kAhead, kForWriting, kIntoSecondLevel);
    std::memcpy(to, from, kLine);
    to += kLine;
    from += kLine;
    length -= kLine;
  }
  std::memcpy(to, from, length);
}

/// Copies without the slow path that processors have in `rep movsb`, which memcpy uses for large blocks,
/// where the destination lies a few bytes behind the source modulo 4,096 (measured here: 2 GB/s and not 20).
inline void CopyBytes(unsigned char* to, const unsigned char* from, std::size_t length) noexcept {
  constexpr std::size_t kSmall = 1024;
  std::size_t distance =
      (reinterpret_cast<std::uintptr_t>(to) - reinterpret_cast<std::uintptr_t>(from)) & 4095;
  if (length <= kSmall || distance == 0 || distance >= 64) {
    std::memcpy(to, from, length);
  } else {
    CopyLines(to, from, length);
  }
}

/// What both ends have in common.
class RingEnd {
 public:
  /// Whether the peer has stored what cannot be: then nothing is read or written any more.
  bool is_poisoned() const noexcept { return poisoned_; }

 protected:
  explicit RingEnd(const RingView& view) noexcept : view_(view) {}

  std::size_t Offset(std::uint64_t position) const noexcept {
    return static_cast<std::size_t>(position - origin_) & (view_.capacity - 1);
  }

  /// How many bytes from a position on lie in a row.
  std::size_t InARow(std::uint64_t position, std::size_t length) const noexcept {
    if (view_.mirrored) return length;
    return std::min<std::size_t>(length, view_.capacity - Offset(position));
  }

  RingView view_;
  bool poisoned_ = false;
  /// The position that lies at offset 0, or its lower half, with which all offsets are the same.
  std::uint64_t origin_ = 0;
};

/// The end that writes. Used by one thread.
class RingWriter : public RingEnd {
 public:
  explicit RingWriter(const RingView& view) noexcept : RingEnd(view) {}

  /// How many bytes there is room for. Looks at the peer's position only if less than `wanted` is known of.
  std::size_t Room(std::size_t wanted) noexcept {
    std::size_t room = view_.capacity - static_cast<std::size_t>(position_ - consumed_);
    if (room < wanted && Look()) room = view_.capacity - static_cast<std::size_t>(position_ - consumed_);
    return poisoned_ ? 0 : room;
  }

  /// Copies as much as there is room for; the reader sees it after Publish at the latest. Returns how much.
  ///
  /// @param ring Called, any number of times, when the reader is to be woken.
  /// @param is_all Whether nothing more is written before it is published: a message is short as a whole.
  template <typename Ring>
  std::size_t Write(const unsigned char* bytes, std::size_t length, Ring&& ring,
                    bool is_all = true) noexcept {
    if (is_all && length <= kShortBytes && consumed_ == position_) return WriteShort(bytes, length);
    if (position_ >= return_at_) ReturnToStart();
    std::size_t done = 0;
    while (done < length) {
      std::size_t rest = length - done;
      std::size_t wanted = rest < kPublishStep * 3 / 2 ? rest : kPublishStep;
      std::size_t step = std::min(wanted, Room(wanted));
      if (step == 0) break;
      step = InARow(position_, step);
      CopyIn(view_.bytes + Offset(position_), bytes + done, step);
      position_ += step;
      done += step;
      if (done < length && position_ - published_ >= kPublishStep) Publish(ring);
    }
    return done;
  }

  /// Lets the reader see what was written, and wakes it if it sleeps.
  template <typename Ring>
  void Publish(Ring&& ring) noexcept {
    if (published_ == position_) return;
    published_ = position_;
    ReachFailPoint("writer-publish");
    view_.indexes->written.store(position_, std::memory_order_seq_cst);
    ReachFailPoint("writer-published");
    if (view_.indexes->reader_sleeps.load(std::memory_order_seq_cst) == 0) return;
    ReachFailPoint("writer-wakes-reader");
    if (view_.indexes->reader_sleeps.exchange(0, std::memory_order_seq_cst) == 0) return;
    ReachFailPoint("writer-rings");
    ring();
  }

  /// Announces on which processor this side runs, and how far it has read in the other ring. The reader sees
  /// it with what is published next, or a little earlier.
  void Announce(std::uint32_t processor, std::uint64_t other_ring_consumed) noexcept {
    ReachFailPoint("writer-announces");
    view_.indexes->writer_processor.store(processor, std::memory_order_relaxed);
    // Released: what was read there has been copied out before the peer writes over it.
    view_.indexes->other_ring_consumed.store(other_ring_consumed, std::memory_order_release);
  }

  /// The peer has announced, in the ring that it writes, how far it has read in this one.
  void NoteConsumed(std::uint64_t consumed) noexcept {
    // It may be older than what was seen since, or a lie.
    if (consumed - consumed_ <= published_ - consumed_) consumed_ = consumed;
  }

  /// Says that the bell is to be rung when there is room for more. False if there is: then it is not asleep.
  bool Sleep() noexcept {
    ReachFailPoint("writer-sleeps");
    view_.indexes->writer_sleeps.store(1, std::memory_order_seq_cst);
    ReachFailPoint("writer-asleep");
    Look();
    if (!poisoned_ && position_ - consumed_ == view_.capacity) return true;
    Wake();
    return false;
  }

  /// Takes that back. Not needed if the bell was rung, but harmless.
  void Wake() noexcept {
    ReachFailPoint("writer-wakes");
    view_.indexes->writer_sleeps.store(0, std::memory_order_relaxed);
  }

 private:
  /// In two halves, between which tests end a writer.
  static void CopyIn(unsigned char* to, const unsigned char* from, std::size_t length) noexcept {
    ReachFailPoint("writer-copy");
    CopyBytes(to, from, length / 2);
    ReachFailPoint("writer-copy-half");
    CopyBytes(to + length / 2, from + length / 2, length - length / 2);
  }

  /// Everything was read, so nobody looks at the bytes that were there.
  std::size_t WriteShort(const unsigned char* bytes, std::size_t length) noexcept {
    if (poisoned_) return 0;
    CopyIn(view_.indexes->short_bytes, bytes, length);
    position_ += length;
    ReachFailPoint("writer-short");
    // Seen with the next `written`.
    view_.indexes->short_end.store(position_, std::memory_order_relaxed);
    return length;
  }

  /// If the reader has read everything, the next byte is put at the beginning of the ring again: no unread
  /// byte can be overwritten, or looked for in the wrong place. Moves by whole lines of the cache, so that
  /// RingEndpoint::next_offset stays right.
  void ReturnToStart() noexcept {
    return_at_ = position_ + kReturnStep;
    if (consumed_ != position_) Look();
    if (poisoned_ || consumed_ != position_) return;
    origin_ = position_ - position_ % kOriginAlignment;
    ReachFailPoint("writer-returns");
    // Seen with the next `written`.
    view_.indexes->origin.store(static_cast<std::uint32_t>(origin_), std::memory_order_relaxed);
    ReachFailPoint("writer-returned");
  }

  /// Reads the peer's position. False if it has not moved, or cannot be.
  bool Look() noexcept {
    std::uint64_t consumed = view_.indexes->consumed.load(std::memory_order_seq_cst);
    if (consumed == consumed_ || poisoned_) return false;
    // It moves forward, and not beyond what it was shown.
    if (consumed - consumed_ > published_ - consumed_) {
      poisoned_ = true;
      return false;
    }
    consumed_ = consumed;
    return true;
  }

  std::uint64_t position_ = 0;
  std::uint64_t published_ = 0;
  /// The peer's position when it was last looked at.
  std::uint64_t consumed_ = 0;
  /// From which position on it is worth to look whether it can go back to the beginning.
  std::uint64_t return_at_ = kReturnStep;
};

/// The end that reads. Used by one thread.
class RingReader : public RingEnd {
 public:
  explicit RingReader(const RingView& view) noexcept : RingEnd(view) {}

  /// How many bytes can be read. Looks at the peer's position only if none are known of.
  std::size_t Available() noexcept {
    if (written_ == position_) Look();
    return poisoned_ ? 0 : static_cast<std::size_t>(written_ - position_);
  }

  /// Bytes ever read.
  std::uint64_t position() const noexcept { return position_; }

  /// How far the writer has read in the other ring, as it had announced when it was looked at last.
  std::uint64_t other_ring_consumed() const noexcept { return other_ring_consumed_; }

  /// Copies what there is, at most `length` bytes. Returns how much.
  ///
  /// @param ring Called, any number of times, when the writer is to be woken.
  template <typename Ring>
  std::size_t Read(unsigned char* to, std::size_t length, Ring&& ring) noexcept {
    std::size_t done = 0;
    while (done < length) {
      std::size_t step = std::min({length - done, kPublishStep, Available()});
      if (step == 0) break;
      if (short_left_ > 0) {
        step = std::min(step, short_left_);
        std::memcpy(to + done, view_.indexes->short_bytes + short_taken_, step);
        short_taken_ += step;
        short_left_ -= step;
      } else {
        step = InARow(position_, step);
        CopyLines(to + done, view_.bytes + Offset(position_), step);
      }
      position_ += step;
      done += step;
      Release(ring);
    }
    return done;
  }

  /// On which processor the writer ran when it published last, as it says.
  std::uint32_t writer_processor() const noexcept {
    return view_.indexes->writer_processor.load(std::memory_order_relaxed);
  }

  /// Says that the bell is to be rung when something comes. False if something has: then it is not asleep.
  bool Sleep() noexcept {
    ReachFailPoint("reader-sleeps");
    view_.indexes->reader_sleeps.store(1, std::memory_order_seq_cst);
    ReachFailPoint("reader-asleep");
    Look();
    if (!poisoned_ && written_ == position_) return true;
    Wake();
    return false;
  }

  /// Takes that back. Not needed if the bell was rung, but harmless.
  void Wake() noexcept {
    ReachFailPoint("reader-wakes");
    view_.indexes->reader_sleeps.store(0, std::memory_order_relaxed);
  }

 private:
  template <typename Ring>
  void Release(Ring&& ring) noexcept {
    ReachFailPoint("reader-consume");
    view_.indexes->consumed.store(position_, std::memory_order_seq_cst);
    ReachFailPoint("reader-consumed");
    if (view_.indexes->writer_sleeps.load(std::memory_order_seq_cst) == 0) return;
    ReachFailPoint("reader-wakes-writer");
    if (view_.indexes->writer_sleeps.exchange(0, std::memory_order_seq_cst) == 0) return;
    ReachFailPoint("reader-rings");
    ring();
  }

  void Look() noexcept {
    std::uint64_t written = view_.indexes->written.load(std::memory_order_seq_cst);
    if (written == written_ || poisoned_) return;
    // It moves forward, and not beyond what it was given room for.
    if (written - written_ > position_ + view_.capacity - written_) {
      poisoned_ = true;
      return;
    }
    bool all_was_read = written_ == position_;
    written_ = written;
    other_ring_consumed_ = view_.indexes->other_ring_consumed.load(std::memory_order_acquire);
    // The rest stays as it is until all of that was read.
    if (!all_was_read) return;
    origin_ = view_.indexes->origin.load(std::memory_order_relaxed);
    std::uint64_t short_bytes = view_.indexes->short_end.load(std::memory_order_relaxed) - position_;
    short_taken_ = 0;
    short_left_ = short_bytes <= kShortBytes ? static_cast<std::size_t>(short_bytes) : 0;
  }

  std::uint64_t position_ = 0;
  /// The peer's position when it was last looked at.
  std::uint64_t written_ = 0;
  std::uint64_t other_ring_consumed_ = 0;
  /// Bytes of the present short message: those that were read, and those that are still to be.
  std::size_t short_taken_ = 0;
  std::size_t short_left_ = 0;
};

}  // namespace remoting

#endif  // REMOTING_RING_RING_H_
