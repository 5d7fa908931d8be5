// Two threads, one ring, both sides sleeping often; then two rings, and questions that are answered: every
// byte arrives, in order, and no wake-up is lost. Run under ThreadSanitizer, which sees the accesses of both
// threads, and without it, for speed.
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

/// Puts the bytes of a stream into a block, from a position on.
void Fill(std::vector<unsigned char>& block, std::size_t length, std::uint64_t position) noexcept {
  for (std::size_t index = 0; index < length; ++index) block[index] = ByteAt(position + index);
}

/// Aborts if a block does not hold the bytes of a stream from a position on.
///
/// @param whose Which stream it is, to stand behind the number of the byte.
void Expect(const std::vector<unsigned char>& block, std::size_t length, std::uint64_t position,
            const char* whose) {
  for (std::size_t index = 0; index < length; ++index) {
    if (block[index] == ByteAt(position + index)) continue;
    std::fprintf(stderr, "byte %llu%s is wrong\n", static_cast<unsigned long long>(position + index), whose);
    std::abort();
  }
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
    Fill(block, length, position);
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
    Expect(block, length, position, "");
    position += length;
    if (reader.is_poisoned()) std::abort();
    if (length == 0 && reader.Sleep()) {
      mine.Wait();
      reader.Wake();
    }
  }
}

/// One side of a conversation.
struct Side {
  RingWriter writer;
  RingReader reader;
  Bell& mine;
  Bell& theirs;

  /// In two parts, as a message and its tail are.
  void Write(const unsigned char* bytes, std::size_t length, std::size_t first) {
    auto ring = [this] { theirs.Ring(); };
    if (writer.Write(bytes, first, ring, first == length) != first) std::abort();
    if (writer.Write(bytes + first, length - first, ring) != length - first) std::abort();
    writer.Announce(0, reader.position());
    writer.Publish(ring);
  }

  std::size_t Read(unsigned char* to, std::size_t length) {
    std::size_t read = reader.Read(to, length, [this] { theirs.Ring(); });
    if (read == 0 && reader.Sleep()) {
      mine.Wait();
      reader.Wake();
    }
    writer.NoteConsumed(reader.other_ring_consumed());
    if (reader.is_poisoned() || writer.is_poisoned()) std::abort();
    return read;
  }
};

/// Sends messages, mostly short ones, one or a few at a time, and waits until they have come back.
void Ask(Side side, std::uint64_t total) {
  Sequence sequence(31);
  std::vector<unsigned char> block(5000);
  for (std::uint64_t position = 0; position < total;) {
    std::uint64_t asked = position;
    for (std::uint64_t messages = sequence.Next() % 8 == 0 ? 3 : 1; messages > 0; --messages) {
      std::uint64_t random = sequence.Next();
      std::size_t length = random % 16 == 0 ? random / 16 % block.size() + 1 : random / 16 % 120 + 1;
      length = std::min<std::uint64_t>(length, total - asked);
      if (length == 0) break;
      Fill(block, length, asked);
      side.Write(block.data(), length, sequence.Next() % 4 == 0 ? sequence.Next() % length : length);
      asked += length;
    }
    while (position < asked) {
      std::size_t read = side.Read(block.data(), std::min<std::uint64_t>(asked - position, block.size()));
      Expect(block, read, position, " of an answer");
      position += read;
    }
  }
}

/// Sends back what comes.
void Answer(Side side, std::uint64_t total) {
  Sequence sequence(32);
  std::vector<unsigned char> block(5000);
  for (std::uint64_t position = 0; position < total;) {
    // Now and then in pieces, and in the middle of a short message.
    std::size_t most = sequence.Next() % 4 == 0 ? sequence.Next() % 40 + 1 : block.size();
    std::size_t read = side.Read(block.data(), most);
    position += read;
    if (read > 0) side.Write(block.data(), read, read);
  }
}

/// Sends a stream while another one comes: so what is announced of one ring is used in the other at any time.
void Chat(Side side, std::uint64_t seed, std::uint64_t total) {
  Sequence sequence(seed);
  std::vector<unsigned char> block(5000);
  std::uint64_t written = 0;
  std::uint64_t read = 0;
  while (written < total || read < total) {
    std::uint64_t random = sequence.Next();
    std::size_t wanted = random % 2 == 0 ? random / 2 % block.size() + 1 : random / 2 % 120 + 1;
    std::size_t length = std::min<std::uint64_t>(wanted, total - written);
    Fill(block, length, written);
    auto ring = [&side] { side.theirs.Ring(); };
    std::size_t sent = side.writer.Write(block.data(), length, ring);
    side.writer.Announce(0, side.reader.position());
    // Now and then the peer is let in, and sees what is announced before what is published with it.
    if (random % 16 < 3) std::this_thread::yield();
    side.writer.Publish(ring);
    written += sent;
    // Mostly full, so that what was read is written over as soon as that is known.
    bool reads = sent < length || written == total || random % 8 == 0;
    if (!reads) continue;
    std::size_t come = side.reader.Read(block.data(), std::min<std::uint64_t>(wanted, total - read), ring);
    side.writer.NoteConsumed(side.reader.other_ring_consumed());
    Expect(block, come, read, " of a stream in both directions");
    read += come;
    if (side.reader.is_poisoned() || side.writer.is_poisoned()) std::abort();
    if (sent + come == 0) std::this_thread::yield();
  }
}

void BothAtOnce(const char* name, const RingView& there, const RingView& back, std::uint64_t total) {
  Bell first_bell;
  Bell second_bell;
  std::thread second([&] {
    Chat({RingWriter(back), RingReader(there), second_bell, first_bell}, 42, total);
  });
  Chat({RingWriter(there), RingReader(back), first_bell, second_bell}, 41, total);
  second.join();
  std::printf("%s: %llu bytes in both directions at once\n", name, static_cast<unsigned long long>(total));
}

void Converse(const char* name, const RingView& there, const RingView& back, std::uint64_t total) {
  Bell asking_bell;
  Bell answering_bell;
  std::thread answering([&] {
    Answer({RingWriter(back), RingReader(there), answering_bell, asking_bell}, total);
  });
  Ask({RingWriter(there), RingReader(back), asking_bell, answering_bell}, total);
  answering.join();
  if (there.indexes->short_end.load() == 0 || back.indexes->short_end.load() == 0) {
    std::fprintf(stderr, "no message was short\n");
    std::abort();
  }
  std::printf("%s: %llu bytes there and back; one side slept %lu times, the other %lu times\n", name,
              static_cast<unsigned long long>(total), asking_bell.woken(), answering_bell.woken());
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

  RingMemory conversation;
  if (conversation.Create(kSmallestCapacity, &handle)) return 1;
  CloseMemory(handle);
  Converse("mapped twice", conversation.client_writes(), conversation.server_writes(), total / 16);
  std::vector<RingIndexes> both(2);
  std::vector<unsigned char> back(kSmallestCapacity);
  Converse("mapped once", {&both[0], bytes.data(), kSmallestCapacity, false},
           {&both[1], back.data(), kSmallestCapacity, false}, total / 16);

  std::vector<RingIndexes> streams(2);
  BothAtOnce("mapped once", {&streams[0], bytes.data(), kSmallestCapacity, false},
             {&streams[1], back.data(), kSmallestCapacity, false}, total / 4);
  return 0;
}
