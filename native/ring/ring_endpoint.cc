#include "ring/ring_endpoint.h"

#include <chrono>
#include <thread>
#include <utility>

#include "ring/pause.h"
#include "ring/processor.h"

namespace remoting {

namespace {

/// How often is looked before the clock is read, which costs more than a look.
constexpr unsigned kLooks = 16;
/// After this long another process gets this processor if it waits for it. Yielding is a call of the system,
/// so it is done only when the answer is late, unless the peer was last seen on this very processor: every
/// two microseconds it halved the calls per second.
constexpr auto kYieldAfter = std::chrono::microseconds(25);

}  // namespace

RingEndpoint::RingEndpoint(RingLink link) noexcept
    : link_(std::move(link)),
      writer_(link_.is_server ? link_.memory->server_writes() : link_.memory->client_writes()),
      reader_(link_.is_server ? link_.memory->client_writes() : link_.memory->server_writes()) {}

std::int64_t RingEndpoint::Write(const unsigned char* head, std::size_t head_length,
                                 const unsigned char* tail, std::size_t tail_length) noexcept {
  auto ring = [this] { link_.bell->Ring(); };
  std::size_t done = writer_.Write(head, head_length, ring, tail_length == 0);
  if (done == head_length && tail_length > 0) done += writer_.Write(tail, tail_length, ring);
  writer_.Announce(CurrentProcessor(), reader_.position());
  writer_.Publish(ring);
  if (writer_.is_poisoned()) return kRingPoisoned;
  wants_room_ = done < head_length + tail_length;
  return static_cast<std::int64_t>(done);
}

std::int64_t RingEndpoint::Poll(unsigned char* memory, std::size_t size) noexcept {
  std::size_t offset = next_offset();
  std::size_t read = reader_.Read(memory + offset, size - offset, [this] { link_.bell->Ring(); });
  if (read > 0) {
    writer_.NoteConsumed(reader_.other_ring_consumed());
    return static_cast<std::int64_t>(read);
  }
  if (wants_room_ && writer_.Room(1) > 0) {
    wants_room_ = false;
    return kRingRoom;
  }
  return reader_.is_poisoned() || writer_.is_poisoned() ? kRingPoisoned : kRingEmpty;
}

std::int64_t RingEndpoint::Receive(unsigned char* memory, std::size_t size, std::uint64_t spin,
                                   bool sleep) noexcept {
  if (asleep_) Wake();
  std::int64_t result = Poll(memory, size);
  if (result != kRingEmpty) return result;
  if (spin > 0) {
    using Clock = std::chrono::steady_clock;
    auto now = Clock::now();
    auto until = now + std::chrono::nanoseconds(spin);
    auto yield_at = now + kYieldAfter;
    for (;;) {
      for (unsigned look = 0; look < kLooks; ++look) {
        result = Poll(memory, size);
        if (result != kRingEmpty) return result;
        Pause();
      }
      now = Clock::now();
      if (now >= until) break;
      // Where both run on one processor, nothing comes until the peer is let in.
      bool is_in_its_way = reader_.writer_processor() == CurrentProcessor();
      if (!patience_.MayWaitOn(is_in_its_way)) break;
      if (is_in_its_way || now >= yield_at) {
        std::this_thread::yield();
        yield_at = now + kYieldAfter;
      }
    }
  }
  if (!sleep || Sleep()) return kRingEmpty;
  return Poll(memory, size);
}

std::size_t RingEndpoint::ReceiveInto(unsigned char* target, std::size_t size) noexcept {
  if (asleep_) Wake();
  return reader_.Read(target, size, [this] { link_.bell->Ring(); });
}

bool RingEndpoint::Sleep() noexcept {
  if (!reader_.Sleep()) return false;
  asleep_ = true;
  if (!wants_room_ || writer_.Sleep()) return true;
  Wake();
  return false;
}

void RingEndpoint::Wake() noexcept {
  asleep_ = false;
  reader_.Wake();
  if (wants_room_) writer_.Wake();
}

}  // namespace remoting
