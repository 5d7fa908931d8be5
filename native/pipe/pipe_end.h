// One end of a named pipe, as the operating system has it. pipe.cc shows it to JavaScript; each system
// implements it.
#ifndef REMOTING_PIPE_PIPE_END_H_
#define REMOTING_PIPE_PIPE_END_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "../environment.h"
#include "../outgoing.h"

namespace remoting {

/// What is told to JavaScript beside the system's codes, which are positive; src/ipc/pipes/native-pipes.ts
/// has them too.
enum PipeCode : int {
  kPipeSuccess = 0,
  /// The other end has been closed or disconnected.
  kPipeEnd = -1,
  /// The operation was cancelled by this end.
  kPipeAborted = -2,
  /// The other end sent what no pipe of this kind sends.
  kPipeProtocol = -3,
  /// The other end gave up in the middle of a message.
  kPipeMessageCancelled = -4,
  /// This end was closed.
  kPipeClosed = -5,
  /// All instances are connected; the connection goes on waiting for one.
  kPipeBusy = -6,
  /// The pipe does not take the direction that was asked for.
  kPipeRefused = -7,
};

struct PipeOptions {
  /// Without \\.\pipe\.
  std::string name;
  /// POSIX: an existing folder, or empty for the default one.
  std::string folder;
  /// POSIX: the rights of the socket.
  unsigned mode = 0600;
  /// Windows: a security descriptor, or empty for the owner only.
  std::string security;
  /// Windows, a client: whose server is trusted beside this user's; a SID, or empty.
  std::string trusted_owner;
  /// What this end may do.
  bool reads = true;
  bool writes = true;
  bool message_type = true;
  bool first_instance = false;
  bool reject_remote = true;
  /// 0 for any number.
  unsigned max_instances = 0;
  std::uint32_t in_buffer_size = 0;
  std::uint32_t out_buffer_size = 0;
};

/// What a Read has brought: memory[start..start + length).
struct ReadResult {
  int code = kPipeSuccess;
  std::size_t start = 0;
  std::size_t length = 0;
  /// Whether a message ends there.
  bool complete = true;
};

/// Who is told. Called from the event loop only, never from within a call of PipeEnd, and not after Close.
class PipeEvents {
 public:
  /// Of Accept, or of a client: kPipeSuccess, kPipeBusy (more will follow), or why not.
  virtual void OnConnected(int code) noexcept = 0;
  virtual void OnRead(const ReadResult& result) noexcept = 0;
  /// Of Receive: so many pieces are in memory, valid during the call. Each is start, end, bytes still to
  /// come.
  virtual void OnBatch(std::uint32_t pieces) noexcept = 0;
  /// Of Receive: nothing more will come.
  virtual void OnEnd(int code) noexcept = 0;
  /// So many messages that Write did not take at once have been taken, or, with a code, will not be.
  virtual void OnWritten(std::uint32_t messages, int code) noexcept = 0;

 protected:
  ~PipeEvents() = default;
};

struct Memory {
  std::uint8_t* data = nullptr;
  std::size_t size = 0;
};

struct Peeked {
  std::size_t copied = 0;
  std::size_t available = 0;
  std::size_t left_in_message = 0;
  int code = kPipeSuccess;
};

struct PipePeer {
  double process_id = 0;
  /// A number as text on POSIX, a SID on Windows; empty if it could not be found out.
  std::string user_id;
  std::string group_id;
  std::string user_name;
};

/// See the head of this file. At most one Read or Receive, and one Accept, at a time; Writes queue.
class PipeEnd {
 public:
  virtual ~PipeEnd() = default;

  /// Server: waits for a client (ConnectNamedPipe). True if there is one already; else OnConnected will tell.
  virtual bool Accept() = 0;
  /// True if it was cancelled at once; else OnConnected will tell how it ended. The other Cancels likewise.
  virtual bool CancelAccept() noexcept = 0;
  /// Server, connected: gives the name up, so that it is free although this client stays; it cannot Accept
  /// any more. False where the system cannot do that: then the name is held until Close.
  virtual bool ReleaseName() noexcept = 0;
  /// Server: sends the client away (DisconnectNamedPipe). What is pending is forgotten, as by Close.
  virtual void Disconnect() noexcept = 0;
  /// Gives everything back. Nothing is told any more.
  virtual void Close() noexcept = 0;

  /// Memory for Read, of kLargestPiece bytes at least. Kept by the caller until Close.
  virtual void SetReadMemory(Memory memory) noexcept = 0;
  /// True if `result` is there at once; else OnRead will tell.
  virtual bool Read(std::size_t most, ReadResult* result) noexcept = 0;
  virtual bool CancelRead() noexcept = 0;
  /// What would be read, without reading it. Needs the memory for Read too.
  virtual Peeked Peek(Memory target) noexcept = 0;
  /// Reads from now on, as much at once as there is. `pieces` has room for three numbers for each piece.
  virtual void Receive(Memory memory, std::uint32_t* pieces, std::size_t most_pieces) noexcept = 0;

  /// True if the system has taken all of it; else OnWritten will tell.
  virtual bool Write(const Outgoing& message) noexcept = 0;
  /// Gives up all Writes that are pending.
  virtual bool CancelWrites() noexcept = 0;
  /// Whether the peer has read everything. Asked again and again, until it is true.
  virtual bool IsDrained() noexcept = 0;

  /// Whether the pipe, which a client learns from the server, is of message type.
  virtual bool is_message_type() const noexcept = 0;
  virtual PipePeer Peer() = 0;
  virtual void SetReferenced(bool referenced) noexcept = 0;
};

/// What one Read brings at most, and one piece of a batch.
constexpr std::size_t kLargestPiece = 65536;

/// What all pipes of one environment share.
class PipeNames {
 public:
  virtual ~PipeNames() = default;
};
std::shared_ptr<PipeNames> CreatePipeNames(Environment& environment);

/// An instance of a pipe (CreateNamedPipe). Throws Napi::Error.
std::unique_ptr<PipeEnd> CreatePipe(Environment& environment, const std::shared_ptr<PipeNames>& names,
                                    const PipeOptions& options, PipeEvents& events);
/// A client (CreateFile): tries once. Throws Napi::Error, or tells through OnConnected.
std::unique_ptr<PipeEnd> OpenPipe(Environment& environment, const std::shared_ptr<PipeNames>& names,
                                  const PipeOptions& options, PipeEvents& events);

}  // namespace remoting

#endif  // REMOTING_PIPE_PIPE_END_H_
