// A peer that stores whatever it likes into the shared memory, all the time, while this side reads and
// writes. Run under AddressSanitizer: nothing outside of the ring and of the caller's buffer is ever touched,
// and no operation takes for ever.
//
//   hostile [reads]
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>

#include "ring/ring.h"
#include "ring/ring_memory.h"
#include "ring/test/bell.h"

namespace remoting {
namespace {

/// What a liar would store: near the truth, far from it, and at the edges of the arithmetic.
std::uint64_t Lie(Sequence& sequence, std::uint64_t truth) noexcept {
  std::uint64_t random = sequence.Next();
  switch (random % 8) {
    case 0:
      return truth + (random >> 8) % (2 * kSmallestCapacity);
    case 1:
      return truth - (random >> 8) % (2 * kSmallestCapacity);
    case 2:
      return truth + kSmallestCapacity;
    case 3:
      return truth + kSmallestCapacity + 1;
    case 4:
      return random;
    case 5:
      return ~std::uint64_t{0};
    case 6:
      return truth ^ (std::uint64_t{1} << (random >> 8) % 64);
    default:
      return truth;
  }
}

void Attack(RingIndexes& indexes, unsigned char* bytes, const std::atomic<bool>& over) {
  Sequence sequence(99);
  while (!over.load(std::memory_order_relaxed)) {
    for (int turn = 0; turn < 64; ++turn) {
      std::uint64_t random = sequence.Next();
      indexes.written.store(Lie(sequence, indexes.consumed.load(std::memory_order_relaxed)));
      if (random % 4 == 0)
        indexes.consumed.store(Lie(sequence, indexes.written.load(std::memory_order_relaxed)));
      if (random % 16 == 1) indexes.reader_sleeps.store(static_cast<std::uint32_t>(random >> 32));
      if (random % 16 == 2) indexes.writer_sleeps.store(static_cast<std::uint32_t>(random >> 32));
      if (random % 16 == 4) indexes.writer_processor.store(static_cast<std::uint32_t>(random >> 32));
      if (random % 16 == 3) indexes.origin.store(static_cast<std::uint32_t>(random >> 32));
      if (random % 16 < 8) {
        // Near the truth most of the time, and often in its short message.
        std::uint64_t truth = indexes.consumed.load(std::memory_order_relaxed);
        indexes.short_end.store(random % 16 < 6 ? truth + (random >> 16) % (kShortBytes + 2)
                                                : Lie(sequence, truth));
        indexes.other_ring_consumed.store(Lie(sequence, truth));
        reinterpret_cast<std::atomic<unsigned char>*>(indexes.short_bytes)[random % kShortBytes].store(
            static_cast<unsigned char>(random >> 40), std::memory_order_relaxed);
      }
      reinterpret_cast<std::atomic<unsigned char>*>(bytes)[random % kSmallestCapacity].store(
          static_cast<unsigned char>(random >> 40), std::memory_order_relaxed);
    }
  }
}

struct Outcome {
  std::uint64_t bytes = 0;
  std::uint64_t poisoned = 0;
  std::uint64_t rung = 0;
};

Outcome Read(const RingView& view, std::uint64_t times) {
  Outcome outcome;
  Sequence sequence(5);
  auto ring = [&] { ++outcome.rung; };
  auto reader = std::make_unique<RingReader>(view);
  for (std::uint64_t time = 0; time < times; ++time) {
    std::size_t length = sequence.Next() % 512 + 1;
    // Just as large as it may be: a byte too many is found.
    std::unique_ptr<unsigned char[]> buffer(new unsigned char[length]);
    std::size_t read = reader->Read(buffer.get(), length, ring);
    if (read > length) std::abort();
    outcome.bytes += read;
    if (read == 0) reader->Sleep();
    if (!reader->is_poisoned()) continue;
    ++outcome.poisoned;
    if (reader->Read(buffer.get(), length, ring) != 0) std::abort();
    reader = std::make_unique<RingReader>(view);
    view.indexes->written.store(0);
  }
  return outcome;
}

Outcome Write(const RingView& view, std::uint64_t times) {
  Outcome outcome;
  Sequence sequence(6);
  auto ring = [&] { ++outcome.rung; };
  auto writer = std::make_unique<RingWriter>(view);
  for (std::uint64_t time = 0; time < times; ++time) {
    std::size_t length = sequence.Next() % 512 + 1;
    std::unique_ptr<unsigned char[]> buffer(new unsigned char[length]());
    std::size_t written = writer->Write(buffer.get(), length, ring);
    if (written > length) std::abort();
    outcome.bytes += written;
    writer->Announce(0, sequence.Next());
    writer->Publish(ring);
    writer->NoteConsumed(view.indexes->other_ring_consumed.load(std::memory_order_relaxed));
    if (written < length) writer->Sleep();
    if (!writer->is_poisoned()) continue;
    ++outcome.poisoned;
    if (writer->Write(buffer.get(), length, ring) != 0) std::abort();
    writer = std::make_unique<RingWriter>(view);
    view.indexes->consumed.store(0);
  }
  return outcome;
}

void Run(const char* name, const RingView& view, std::uint64_t times) {
  std::atomic<bool> over{false};
  std::thread attacking([&] { Attack(*view.indexes, view.bytes, over); });
  Outcome read = Read(view, times);
  Outcome written = Write(view, times);
  over.store(true);
  attacking.join();
  std::printf(
      "%s: %llu reads (%llu bytes, poisoned %llu times), as many writes (%llu bytes, poisoned %llu times)\n",
      name, static_cast<unsigned long long>(times), static_cast<unsigned long long>(read.bytes),
      static_cast<unsigned long long>(read.poisoned), static_cast<unsigned long long>(written.bytes),
      static_cast<unsigned long long>(written.poisoned));
  // An attack that is never noticed, or that never lets anything through, proves nothing.
  if (read.poisoned == 0 || written.poisoned == 0 || read.bytes == 0 || written.bytes == 0) std::abort();
}

}  // namespace
}  // namespace remoting

int main(int count, char** arguments) {
  using namespace remoting;
  std::uint64_t times = count > 1 ? std::strtoull(arguments[1], nullptr, 10) : 10'000'000;
  RingMemory memory;
  MemoryHandle handle = kNoMemory;
  if (RingMemoryError error = memory.Create(kSmallestCapacity, &handle)) {
    std::fprintf(stderr, "%s: %d\n", error.reason, error.code);
    return 1;
  }
  CloseMemory(handle);
  Run("mapped twice", memory.client_writes(), times);
  // On the heap: here AddressSanitizer knows where the ring ends, to the byte.
  RingIndexes indexes = {};
  std::unique_ptr<unsigned char[]> bytes(new unsigned char[kSmallestCapacity]());
  Run("mapped once", {&indexes, bytes.get(), kSmallestCapacity, false}, times);
  return 0;
}
