// Names of memory that processes share (POSIX), with the life that they have on Windows: a name is there as
// long as somebody holds it, and gone with its last holder, even if that was killed.
//
//   /dev/shm/remoting-<uid>/    0700, ours       Local\: the names of one user
//   /dev/shm/remoting-global/   1777             Global\: one set of names for the machine
//     map.shop                  0600             the memory itself, or a link to the file that was mapped
//
// Each holder has a shared lock on the file. Whoever finds a name that nobody has locked knows that its last
// holder died, and removes it.
#ifndef REMOTING_NAMED_MEMORY_H_
#define REMOTING_NAMED_MEMORY_H_

#include <napi.h>

#include <cstdint>
#include <string>

#include "descriptor.h"
#include "name_disposition.h"

namespace remoting {

/// One name, held from Acquire to the end of this object.
class NamedMemory {
 public:
  struct Request {
    /// "map", "mutex", "event": names of different families do not meet.
    const char* family;
    /// As on Windows, with `Local\`, `Global\` or nothing in front of it, which means `Local\`.
    std::string name;
    /// The file that the name is for; empty for memory.
    std::string file;
    /// Bytes of memory that are made if it has to be created; all of it is there at once, filled with zeros.
    std::uint64_t size;
    /// What the memory begins with when it is created, before anybody can open it.
    std::string content;
    NameDisposition disposition;
    /// Whether it is opened to be read only.
    bool read_only;
  };

  /// Throws Napi::Error: "in-use" if it is to be created and there, ENOENT if it is to be opened and not
  /// there, "access-denied" if it belongs to another user.
  NamedMemory(Napi::Env env, const Request& request);
  NamedMemory(const NamedMemory&) = delete;
  NamedMemory& operator=(const NamedMemory&) = delete;
  ~NamedMemory();

  int descriptor() const noexcept { return file_.get(); }
  /// Whether somebody else had created it.
  bool existed() const noexcept { return existed_; }

 private:
  enum class Found { kLive, kNothing, kChanging };
  Found Open(Napi::Env env, bool read_only);
  bool Create(Napi::Env env, const Request& request);
  void RemoveOrphans() const noexcept;

  Descriptor folder_;
  std::string name_;
  Descriptor file_;
  bool existed_ = false;
};

/// Opens a file to be mapped and makes it at least `size` long; 0 leaves it as it is. Throws Napi::Error.
Descriptor OpenMappedFile(Napi::Env env, const std::string& path, std::uint64_t size, bool read_only);

}  // namespace remoting

#endif  // REMOTING_NAMED_MEMORY_H_
