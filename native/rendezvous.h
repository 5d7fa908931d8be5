// Where servers and clients of one name find each other (POSIX): a socket in a folder that nobody else can
// write to, and beside it a lock file that the server keeps locked for life, so that a socket that was left
// behind by a process that died can be told from one that is served.
//
//   $XDG_RUNTIME_DIR/remoting/  or, where that is not set,  /tmp/remoting-<uid>/       0700, ours
//     pipe.shop.lock   pipe.shop.sock                                                  0600
//
// With a folder of one's own, other users can be let in: it has to exist, belong to the server's user, and be
// writable for nobody else. Then a client trusts the folder's owner.
#ifndef REMOTING_RENDEZVOUS_H_
#define REMOTING_RENDEZVOUS_H_

#include <napi.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <string>

#include "descriptor.h"

namespace remoting {

/// One name of one family, at one folder.
class Rendezvous {
 public:
  enum class Role { kServer, kClient };

  /// Opens and checks the folder; a server makes the default one if it is missing.
  ///
  /// @param folder An existing folder, or empty for the default one.
  /// @param family "pipe", "mailslot", "shm": names of different families do not meet.
  /// Throws Napi::Error: ENOENT for a client if there is no folder, "access-denied" if it cannot be trusted.
  Rendezvous(Napi::Env env, Role role, const std::string& folder, const char* family,
             const std::string& name);
  Rendezvous(const Rendezvous&) = delete;
  Rendezvous& operator=(const Rendezvous&) = delete;
  /// Gives the name back: what was claimed and bound is unlinked.
  ~Rendezvous();

  /// Takes the name for this object and removes what a dead server left. False if it is held: by another
  /// process, or by another object here. Throws SystemError.
  bool Claim(Napi::Env env);
  /// Leaves a short text for the clients of the claimed name. Throws SystemError.
  void WriteNote(Napi::Env env, const std::string& note);
  /// What the server of the name has left; empty if there is none.
  std::string ReadNote() const;
  /// Binds a socket to the claimed name. The caller listens. Throws SystemError.
  void Bind(Napi::Env env, int socket, mode_t mode);
  /// Where to connect or to send. Valid as long as this object is.
  const sockaddr_un& address() const noexcept { return address_; }
  /// Whom a server must belong to, besides root, to be the one that was meant.
  uid_t trusted_user() const noexcept { return trusted_user_; }

 private:
  std::string LockName() const { return name_ + ".lock"; }
  std::string SocketName() const { return name_ + ".sock"; }

  Descriptor folder_;
  Descriptor lock_;
  std::string name_;
  sockaddr_un address_ = {};
  uid_t trusted_user_ = 0;
};

}  // namespace remoting

#endif  // REMOTING_RENDEZVOUS_H_
