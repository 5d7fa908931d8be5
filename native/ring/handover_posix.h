// The one message that precedes everything: the server hands its client the memory (POSIX).
#ifndef REMOTING_RING_HANDOVER_POSIX_H_
#define REMOTING_RING_HANDOVER_POSIX_H_

#include <cstdint>
#include <memory>

#include "../rendezvous.h"
#include "ring/ring_link.h"

namespace remoting {

/// Sends it, with the memory's descriptor. Returns 0, or the system's code.
SystemCode SendMemory(int socket, std::uint32_t capacity, int memory) noexcept;

/// Sends why there is no memory instead. Best effort: the client sees the connection end in any case.
void SendRefusal(int socket, SystemCode code) noexcept;

/// What receiving has come to.
enum class Handover { kNotYet, kDone, kFailed };

/// Receives it, checks everything and maps the memory. Reads nothing that comes after it.
Handover ReceiveMemory(int socket, std::unique_ptr<RingMemory>* memory, RingFailure* failure);

/// Who is at the other end. False if the system does not say.
bool PeerOf(int socket, RingPeer* peer, uid_t* user);

}  // namespace remoting

#endif  // REMOTING_RING_HANDOVER_POSIX_H_
