// The two ends of a mailslot, as the operating system has them. mailslot.cc shows them to JavaScript; each
// system implements them.
#ifndef REMOTING_MAILSLOT_MAILSLOT_H_
#define REMOTING_MAILSLOT_MAILSLOT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "../environment.h"
#include "../system_error.h"

namespace remoting {

struct MailslotOptions {
  /// Without \\.\mailslot\.
  std::string name;
  /// POSIX: an existing folder, or empty for the default one.
  std::string folder;
  /// POSIX: the rights of the socket.
  unsigned mode = 0600;
  /// Windows: a security descriptor, or empty for the owner only.
  std::string security;
  /// Bytes; 0 for whatever the system takes. A message that is larger is thrown away by the reader.
  std::uint32_t max_message_size = 0;
};

/// What a reader has taken from the system.
struct TakenMessages {
  std::vector<std::vector<std::uint8_t>> messages;
  /// How many were larger than allowed, and are gone.
  std::uint32_t oversized = 0;
};

/// The server's end: takes messages from the system as far as there is room for them.
class MailslotReader {
 public:
  class Listener {
   public:
    /// Called from the event loop, within a handle scope. May close the reader.
    virtual void OnTaken(TakenMessages taken) noexcept = 0;
    /// Nothing will come any more.
    virtual void OnFailed(SystemCode code, const char* system_call) noexcept = 0;

   protected:
    ~Listener() = default;
  };

  virtual ~MailslotReader() = default;
  /// How many messages may be taken from now on; 0 leaves them to the system.
  virtual void SetRoom(std::uint32_t messages) noexcept = 0;
  /// Whether it keeps the process running.
  virtual void SetReferenced(bool referenced) noexcept = 0;
};

/// A writer's end. One message at a time.
class MailslotWriter {
 public:
  class Listener {
   public:
    /// The message that had to wait has left, or could not (then `code` is not 0). Called from the event
    /// loop.
    virtual void OnWritten(SystemCode code, const char* system_call) noexcept = 0;

   protected:
    ~Listener() = default;
  };

  enum class Outcome { kWritten, kWaiting, kFailed };

  virtual ~MailslotWriter() = default;
  /// Writes a message; it is copied if it has to wait. `*code` says why it failed.
  virtual Outcome Write(const std::uint8_t* bytes, std::size_t length, SystemCode* code) noexcept = 0;
  /// Gives up the message that waits. False if that is too late: then OnWritten tells what became of it.
  virtual bool Cancel() noexcept = 0;
  /// The largest message that the server takes, as far as it can be known; 0 if not.
  virtual std::uint32_t max_message_size() const noexcept = 0;
};

/// Makes the slot. Throws Napi::Error.
std::unique_ptr<MailslotReader> CreateMailslotReader(Environment& environment, const MailslotOptions& options,
                                                     MailslotReader::Listener& listener);

/// Opens the slot for writing. Throws Napi::Error.
std::unique_ptr<MailslotWriter> OpenMailslotWriter(Environment& environment, const MailslotOptions& options,
                                                   MailslotWriter::Listener& listener);

}  // namespace remoting

#endif  // REMOTING_MAILSLOT_MAILSLOT_H_
