// What goes over a pipe's socket (POSIX): SEQPACKET keeps boundaries, but takes 200 KiB at most, an empty
// packet looks like the end, and nothing says that a packet is not the whole message. So each packet begins
// with a header.
//
//   kind: u8 | flags: u8 | detail: u16 | left: u32        in the order of the machine: both ends are on it
//
// A client says kHello, the server kBusy, perhaps, and then kWelcome or kRefused. After that there are
// messages in fragments, or bytes.
#ifndef REMOTING_PIPE_PACKET_H_
#define REMOTING_PIPE_PACKET_H_

#include <cstddef>
#include <cstdint>

#include "pipe_end.h"

namespace remoting {

enum PacketKind : std::uint8_t {
  /// A fragment of a message. `left` counts from its first byte to the end of the message.
  kPacketMessage = 1,
  /// Bytes of a pipe of byte type.
  kPacketBytes = 2,
  /// The message that has begun will not be finished.
  kPacketCancel = 3,
  /// `flags` is what the client wants to do, `detail` the version.
  kPacketHello = 16,
  /// `flags` says whether the pipe is of message type.
  kPacketWelcome = 17,
  kPacketBusy = 18,
  kPacketRefused = 19,
};

constexpr std::uint8_t kFirstFragment = 1;
constexpr std::uint8_t kWantsToRead = 1;
constexpr std::uint8_t kWantsToWrite = 2;
constexpr std::uint8_t kIsMessageType = 1;
constexpr std::uint16_t kPacketVersion = 1;

struct PacketHeader {
  std::uint8_t kind;
  std::uint8_t flags;
  std::uint16_t detail;
  std::uint32_t left;
};
static_assert(sizeof(PacketHeader) == 8, "the header has no holes");

/// Follows the packets of one direction, and sees what does not belong there. The peer may be hostile.
class PacketSequence {
 public:
  explicit PacketSequence(bool message_type = true) noexcept : message_type_(message_type) {}

  /// Of the message that has begun, what is still to come; 0 if none has.
  std::uint32_t left_in_message() const noexcept { return left_; }

  /// Takes the next packet, of `payload` bytes. kPipeSuccess, kPipeMessageCancelled or kPipeProtocol.
  int Take(const PacketHeader& header, std::size_t payload) noexcept {
    if (payload > kLargestPiece) return kPipeProtocol;
    if (!message_type_) return header.kind == kPacketBytes && payload > 0 ? kPipeSuccess : kPipeProtocol;
    bool inside = left_ > 0;
    if (header.kind == kPacketCancel) {
      if (!inside || payload != 0) return kPipeProtocol;
      left_ = 0;
      return kPipeMessageCancelled;
    }
    bool first = (header.flags & kFirstFragment) != 0;
    if (header.kind != kPacketMessage || first == inside || (inside && header.left != left_))
      return kPipeProtocol;
    // A fragment that brings nothing, of a message that goes on, could come for ever.
    if (payload > header.left || (payload == 0 && header.left > 0)) return kPipeProtocol;
    left_ = header.left - static_cast<std::uint32_t>(payload);
    return kPipeSuccess;
  }

 private:
  bool message_type_;
  std::uint32_t left_ = 0;
};

}  // namespace remoting

#endif  // REMOTING_PIPE_PACKET_H_
