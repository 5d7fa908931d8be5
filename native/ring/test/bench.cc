// The ring alone, between two processes, beside what the machine can do at best: what JavaScript costs is the
// difference to this.
//
//   bench [seconds for each]
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <climits>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "ring/pause.h"
#include "ring/ring.h"
#include "ring/ring_memory.h"
#include "ring/test/bell.h"

namespace remoting {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kCapacity = 1024 * 1024;
constexpr std::size_t kSmall = 64;

double Since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

/// Both ends of one conversation, seen from one side.
struct Side {
  RingWriter writer;
  RingReader reader;
  Bell& mine;
  Bell& theirs;

  auto Ringer() {
    return [this] { theirs.Ring(); };
  }

  /// Waits until there is something, `spin` microseconds of it busily.
  void Await(double spin) {
    while (reader.Available() == 0) {
      for (auto begin = Clock::now(); Since(begin) * 1e6 < spin;) {
        for (int look = 0; look < 16; ++look) {
          if (reader.Available() > 0) return;
          Pause();
        }
      }
      if (!reader.Sleep()) return;
      mine.Wait();
      reader.Wake();
    }
  }

  void ReadAll(unsigned char* to, std::size_t length, double spin) {
    auto ring = Ringer();
    for (std::size_t done = 0; done < length;) {
      Await(spin);
      done += reader.Read(to + done, length - done, ring);
    }
    writer.NoteConsumed(reader.other_ring_consumed());
  }

  void WriteAll(const unsigned char* from, std::size_t length, double spin) {
    auto ring = Ringer();
    for (std::size_t done = 0; done < length;) {
      done += writer.Write(from + done, length - done, ring);
      writer.Announce(0, reader.position());
      writer.Publish(ring);
      for (auto begin = Clock::now(); done < length && writer.Room(1) == 0;) {
        if (Since(begin) * 1e6 < spin) {
          Pause();
        } else if (writer.Sleep()) {
          mine.Wait();
          writer.Wake();
        }
      }
    }
  }
};

/// Runs one function in a process of its own, the other here.
template <typename There, typename Here>
void Both(There&& there, Here&& here) {
  std::fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    there();
    _exit(0);
  }
  here();
  int status = 0;
  waitpid(child, &status, 0);
  if (status != 0) std::abort();
}

struct Shared {
  RingMemory memory;
  Bell client_bell;
  Bell server_bell;

  Shared() {
    MemoryHandle handle = kNoMemory;
    if (memory.Create(kCapacity, &handle)) std::abort();
    // This test forks on purpose.
    madvise(memory.client_writes().indexes, kIndexesSize + 4 * std::size_t{kCapacity}, MADV_DOFORK);
    CloseMemory(handle);
  }
  Side client() {
    return {RingWriter(memory.client_writes()), RingReader(memory.server_writes()), client_bell, server_bell};
  }
  Side server() {
    return {RingWriter(memory.server_writes()), RingReader(memory.client_writes()), server_bell, client_bell};
  }
};

void RoundTrips(const char* name, double spin, double seconds) {
  Shared shared;
  Both(
      [&] {
        Side server = shared.server();
        unsigned char message[kSmall];
        do {
          server.ReadAll(message, kSmall, spin);
          server.WriteAll(message, kSmall, spin);
        } while (message[0] != 0xff);
      },
      [&] {
        Side client = shared.client();
        unsigned char message[kSmall] = {};
        std::vector<double> times;
        auto begin = Clock::now();
        while (Since(begin) < seconds) {
          auto sent = Clock::now();
          client.WriteAll(message, kSmall, spin);
          client.ReadAll(message, kSmall, spin);
          times.push_back(Since(sent) * 1e6);
        }
        std::sort(times.begin(), times.end());
        std::printf("%-44s %10.2f µs at the median, %10.0f a second\n", name, times[times.size() / 2],
                    static_cast<double>(times.size()) / seconds);
        message[0] = 0xff;
        client.WriteAll(message, kSmall, spin);
        client.ReadAll(message, kSmall, spin);
      });
}

void Bandwidth(const char* name, std::size_t size, double seconds) {
  Shared shared;
  auto repetitions = static_cast<std::size_t>(seconds * 2e9 / static_cast<double>(size)) + 1;
  Both(
      [&] {
        Side server = shared.server();
        std::vector<unsigned char> block(size);
        for (std::size_t index = 0; index < repetitions; ++index) server.ReadAll(block.data(), size, 50);
        unsigned char done = 1;
        server.WriteAll(&done, 1, 0);
      },
      [&] {
        Side client = shared.client();
        std::vector<unsigned char> block(size, 7);
        auto begin = Clock::now();
        for (std::size_t index = 0; index < repetitions; ++index) client.WriteAll(block.data(), size, 50);
        unsigned char done = 0;
        client.ReadAll(&done, 1, 50);
        std::printf("%-44s %10.0f MB/s\n", name,
                    static_cast<double>(size) * static_cast<double>(repetitions) / Since(begin) / 1e6);
      });
}

void Memcpy(std::size_t size, double seconds) {
  std::vector<unsigned char> from(size, 7);
  std::vector<unsigned char> to(size);
  std::size_t copied = 0;
  auto begin = Clock::now();
  while (Since(begin) < seconds) {
    for (int turn = 0; turn < 16; ++turn) {
      std::memcpy(to.data(), from.data(), size);
      asm volatile("" : : "r"(to.data()) : "memory");
      copied += size;
    }
  }
  std::printf("%-44s %10.0f MB/s\n", size == 65536 ? "memcpy, 64 KiB" : "memcpy, 1 MiB",
              static_cast<double>(copied) / Since(begin) / 1e6);
}

void Futex(double seconds) {
  void* memory = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  auto* turn = static_cast<std::atomic<std::uint32_t>*>(memory);
  auto wait = [turn](std::uint32_t mine) {
    for (std::uint32_t now = turn->load(); now != mine; now = turn->load()) {
      if (now == 2) return false;
      syscall(SYS_futex, turn, FUTEX_WAIT, now, nullptr, nullptr, 0);
    }
    return true;
  };
  auto give = [turn](std::uint32_t whose) {
    turn->store(whose);
    syscall(SYS_futex, turn, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
  };
  Both(
      [&] {
        while (wait(1)) give(0);
      },
      [&] {
        std::vector<double> times;
        auto begin = Clock::now();
        while (Since(begin) < seconds) {
          auto sent = Clock::now();
          give(1);
          wait(0);
          times.push_back(Since(sent) * 1e6);
        }
        give(2);
        std::sort(times.begin(), times.end());
        std::printf("%-44s %10.2f µs at the median, %10.0f a second\n", "futex, a word there and back",
                    times[times.size() / 2], static_cast<double>(times.size()) / seconds);
      });
}

}  // namespace
}  // namespace remoting

int main(int count, char** arguments) {
  using namespace remoting;
  double seconds = count > 1 ? std::atof(arguments[1]) : 1;
  RoundTrips("ring, 64 bytes there and back, spinning 50 µs", 50, seconds);
  RoundTrips("ring, 64 bytes there and back, sleeping", 0, seconds);
  Futex(seconds);
  Bandwidth("ring, blocks of 64 KiB", 65536, seconds);
  Bandwidth("ring, blocks of 1 MiB", 1 << 20, seconds);
  Memcpy(65536, seconds);
  Memcpy(1 << 20, seconds);
  return 0;
}
