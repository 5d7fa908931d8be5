#include "rendezvous.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "system_error.h"
#include "trusted_folder.h"

namespace remoting {

namespace {

std::string DefaultFolder() {
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  if (runtime != nullptr && runtime[0] == '/') return std::string(runtime) + "/remoting";
  // Not TMPDIR: a client and a server that have different ones would not find each other.
  return "/tmp/remoting-" + std::to_string(geteuid());
}

}  // namespace

Rendezvous::Rendezvous(Napi::Env env, Role role, const std::string& folder, const char* family,
                       const std::string& name)
    : name_(FileNameOf(family, name)) {
  if (folder.empty()) {
    folder_ = OpenPrivateFolder(env, DefaultFolder(), role == Role::kServer);
    trusted_user_ = geteuid();
  } else {
    folder_ = Descriptor(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder_) {
      if (errno == ENOTDIR) throw Untrusted(env, folder, "is not a folder");
      throw SystemError(env, errno, ("open " + folder).c_str());
    }
    struct stat status;
    if (fstat(folder_.get(), &status) != 0) throw SystemError(env, errno, "fstat");
    if (role == Role::kServer && status.st_uid != geteuid()) {
      throw Untrusted(env, folder, "belongs to user " + std::to_string(status.st_uid));
    }
    if ((status.st_mode & 022) != 0) throw Untrusted(env, folder, "can be written to by other users");
    trusted_user_ = status.st_uid;
  }
  address_.sun_family = AF_UNIX;
  // Through the open folder: it is the one that was checked, however long its path is.
  std::snprintf(address_.sun_path, sizeof(address_.sun_path), "/proc/self/fd/%d/%s", folder_.get(),
                SocketName().c_str());
}

Rendezvous::~Rendezvous() {
  if (!lock_) return;
  // In this order, while it is locked: whoever comes next either waits for nothing or finds nothing.
  unlinkat(folder_.get(), SocketName().c_str(), 0);
  unlinkat(folder_.get(), LockName().c_str(), 0);
}

bool Rendezvous::Claim(Napi::Env env) {
  // Each turn means that another server gave the name back at this very moment.
  for (int attempt = 0; attempt < 100; ++attempt) {
    Descriptor lock(
        openat(folder_.get(), LockName().c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock) throw SystemError(env, errno, ("open " + LockName()).c_str());
    if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) return false;
      throw SystemError(env, errno, "flock");
    }
    struct stat opened;
    struct stat present;
    if (fstat(lock.get(), &opened) != 0) throw SystemError(env, errno, "fstat");
    // The file that was locked may have been unlinked by its last holder, and another may have taken its
    // place.
    if (fstatat(folder_.get(), LockName().c_str(), &present, AT_SYMLINK_NOFOLLOW) != 0 ||
        opened.st_ino != present.st_ino || opened.st_dev != present.st_dev) {
      continue;
    }
    if (unlinkat(folder_.get(), SocketName().c_str(), 0) != 0 && errno != ENOENT) {
      int code = errno;
      unlinkat(folder_.get(), LockName().c_str(), 0);
      throw SystemError(env, code, ("unlink " + SocketName()).c_str());
    }
    lock_ = std::move(lock);
    return true;
  }
  return false;
}

void Rendezvous::WriteNote(Napi::Env env, const std::string& note) {
  auto size = static_cast<ssize_t>(note.size());
  if (ftruncate(lock_.get(), 0) != 0 || pwrite(lock_.get(), note.data(), note.size(), 0) != size) {
    throw SystemError(env, errno, ("write " + LockName()).c_str());
  }
}

std::string Rendezvous::ReadNote() const {
  Descriptor lock(openat(folder_.get(), LockName().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  char text[64];
  ssize_t length = lock ? read(lock.get(), text, sizeof(text)) : -1;
  return length > 0 ? std::string(text, static_cast<std::size_t>(length)) : std::string();
}

void Rendezvous::Bind(Napi::Env env, int socket, mode_t mode) {
  // Before bind, and with the owner's rights only: there is no moment in which others could connect.
  if (fchmod(socket, 0600) != 0) throw SystemError(env, errno, "fchmod");
  if (bind(socket, reinterpret_cast<const sockaddr*>(&address_), sizeof(address_)) != 0) {
    throw SystemError(env, errno, "bind");
  }
  if (fchmodat(folder_.get(), SocketName().c_str(), mode, 0) != 0) throw SystemError(env, errno, "chmod");
}

}  // namespace remoting
