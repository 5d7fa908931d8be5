// How two processes come to share memory, and how they wake each other and learn of each other's death
// afterwards: by one and the same local connection. ring_family.cc shows it to JavaScript; each system
// implements it.
#ifndef REMOTING_RING_RING_LINK_H_
#define REMOTING_RING_RING_LINK_H_

#include <cstdint>
#include <memory>
#include <string>

#include "../environment.h"
#include "../system_error.h"
#include "ring/ring_memory.h"

namespace remoting {

/// Who is told by a doorbell, from the event loop only.
class DoorbellEvents {
 public:
  virtual void OnRung() noexcept = 0;
  /// The peer has closed its end, or is dead. Told once; nothing follows.
  virtual void OnEnd() noexcept = 0;

 protected:
  ~DoorbellEvents() = default;
};

/// The connection once both sides have the memory. Closing it is how the peer learns that this side is gone.
class Doorbell {
 public:
  virtual ~Doorbell() = default;
  /// Begins to tell. What came before is told then.
  virtual void Listen(DoorbellEvents& events) = 0;
  /// Wakes the peer. Never blocks; cheap enough, but a call of the system.
  virtual void Ring() noexcept = 0;
  /// Whether it keeps the process running. Default yes.
  virtual void SetReferenced(bool referenced) noexcept = 0;
};

/// Who the system says the peer is.
struct RingPeer {
  double process_id = 0;
  /// A number as text on POSIX, a SID on Windows.
  std::string user_id;
  /// The name of the account; empty if it has none.
  std::string user_name;
};

/// Memory, and the way to the peer that has it too.
struct RingLink {
  std::unique_ptr<RingMemory> memory;
  std::unique_ptr<Doorbell> bell;
  RingPeer peer;
  bool is_server = false;
};

/// Why two did not meet: a code of the system with its function, or a fault of src/ipc/ipc-error.ts and its
/// reason.
struct RingFailure {
  SystemCode code = 0;
  const char* fault = nullptr;
  std::string what;
};

/// Who is told by a meeting, from the event loop only.
class RingMeetingEvents {
 public:
  virtual void OnMet(RingLink link) noexcept = 0;
  /// A client: it is over. A server: somebody was sent away, and it goes on.
  virtual void OnFailed(const RingFailure& failure) noexcept = 0;

 protected:
  ~RingMeetingEvents() = default;
};

/// A server that waits for clients, or a client on its way to one.
class RingMeeting {
 public:
  virtual ~RingMeeting() = default;
};

/// Takes a name and waits for clients, each of which gets memory of its own. Throws Napi::Error.
std::unique_ptr<RingMeeting> ListenForRings(Environment& environment, const std::string& name,
                                            std::uint32_t capacity, RingMeetingEvents& events);

/// Goes to the server of a name. Tells once. Throws Napi::Error.
std::unique_ptr<RingMeeting> ConnectRings(Environment& environment, const std::string& name,
                                          RingMeetingEvents& events);

}  // namespace remoting

#endif  // REMOTING_RING_RING_LINK_H_
