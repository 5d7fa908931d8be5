// Two threads, one ring, both sides sleeping often: every byte arrives, in order, and no wake-up is lost.
// Run under ThreadSanitizer, which sees the accesses of both threads, and without it, for speed.
//
//   stress [bytes in MiB]
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

#include "ring/ring.h"
#include "ring/ring_memory.h"
#include "ring/test/bell.h"

namespace remoting {
namespace {

unsigned char ByteAt(std::uint64_t position) noexcept {
  return static_cast<unsigned char>((position * 0x9E3779B97F4A7C15u) >> 56);
}

void Write(const RingView& view, std::uint64_t total, std::uint64_t seed, Bell& mine, Bell& theirs) {
  RingWriter writer(view);
  Sequence sequence(seed);
  std::vector<unsigned char> block(300'000);
  auto ring = [&] { theirs.Ring(); };
  std::uint64_t position = 0;
  while (position < total) {
    // Mostly small, now and then larger than the whole ring.
    std::uint64_t random = sequence.Next();
    std::uint64_t length = random % 16 == 0 ? random / 16 % block.size() + 1 : random / 16 % 200 + 1;
    length = std::min(length, total - position);
    for (std::uint64_t index = 0; index < length; ++index) block[index] = ByteAt(position + index);
    std::uint64_t done = 0;
    while (done < length) {
      done += writer.Write(block.data() + done, length - done, ring);
      writer.Publish(ring);
      if (done < length && writer.Sleep()) {
        mine.Wait();
        writer.Wake();
      }
    }
    position += length;
    if (writer.is_poisoned()) std::abort();
  }
}

void Read(const RingView& view, std::uint64_t total, std::uint64_t seed, Bell& mine, Bell& theirs) {
  RingReader reader(view);
  Sequence sequence(seed);
  std::vector<unsigned char> block(100'000);
  auto ring = [&] { theirs.Ring(); };
  std::uint64_t position = 0;
  while (position < total) {
    std::size_t length = reader.Read(block.data(), sequence.Next() % block.size() + 1, ring);
    for (std::size_t index = 0; index < length; ++index) {
      if (block[index] == ByteAt(position + index)) continue;
      std::fprintf(stderr, "byte %llu is wrong\n", static_cast<unsigned long long>(position + index));
      std::abort();
    }
    position += length;
    if (reader.is_poisoned()) std::abort();
    if (length == 0 && reader.Sleep()) {
      mine.Wait();
      reader.Wake();
    }
  }
}

void Run(const char* name, const RingView& view, std::uint64_t total) {
  Bell writer_bell;
  Bell reader_bell;
  std::thread writing([&] { Write(view, total, 1234567, writer_bell, reader_bell); });
  std::thread reading([&] { Read(view, total, 7654321, reader_bell, writer_bell); });
  writing.join();
  reading.join();
  // Where that never happens it was not tried.
  if (view.indexes->origin.load() == 0) {
    std::fprintf(stderr, "the writer has never gone back to the beginning\n");
    std::abort();
  }
  std::printf("%s: %llu bytes; the reader slept %lu times, the writer %lu times\n", name,
              static_cast<unsigned long long>(total), reader_bell.woken(), writer_bell.woken());
}

}  // namespace
}  // namespace remoting

int main(int count, char** arguments) {
  using namespace remoting;
  std::uint64_t total = (count > 1 ? std::strtoull(arguments[1], nullptr, 10) : 64) << 20;
  RingMemory memory;
  MemoryHandle handle = kNoMemory;
  if (RingMemoryError error = memory.Create(kSmallestCapacity, &handle)) {
    std::fprintf(stderr, "%s: %d\n", error.reason, error.code);
    return 1;
  }
  CloseMemory(handle);
  Run("mapped twice", memory.client_writes(), total);
  // Every byte has one address only: so ThreadSanitizer sees which of them both threads touch.
  RingIndexes indexes = {};
  std::vector<unsigned char> bytes(kSmallestCapacity);
  Run("mapped once", {&indexes, bytes.data(), kSmallestCapacity, false}, total);
  return 0;
}
