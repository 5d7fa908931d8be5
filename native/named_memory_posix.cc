#include "named_memory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include "system_error.h"
#include "trusted_folder.h"

namespace remoting {

namespace {

// Each turn means that somebody else gave up or took the name at this very moment.
constexpr int kAttempts = 1000;

constexpr char kLocal[] = "Local\\";
constexpr char kGlobal[] = "Global\\";

bool HasPrefix(const std::string& name, const char* prefix) {
  return name.compare(0, std::strlen(prefix), prefix) == 0;
}

/// The folder of names that all users share: whoever makes it, nobody but a file's owner can remove what is
/// in it.
Descriptor OpenGlobalFolder(Napi::Env env) {
  const std::string path = "/dev/shm/remoting-global";
  if (mkdir(path.c_str(), 0700) == 0) {
    if (chmod(path.c_str(), 01777) != 0) throw SystemError(env, errno, ("chmod " + path).c_str());
  } else if (errno != EEXIST) {
    throw SystemError(env, errno, ("mkdir " + path).c_str());
  }
  struct stat status;
  Descriptor folder = OpenFolder(env, path, &status);
  if ((status.st_mode & 022) != 0 && (status.st_mode & S_ISVTX) == 0) {
    throw Untrusted(env, path, "lets anybody remove what belongs to others");
  }
  return folder;
}

bool IsTrusted(uid_t user) { return user == geteuid() || user == 0; }

int Allocate(int descriptor, std::uint64_t size) {
  int code;
  // In full: what is not there when it is written to ends the process.
  do {
    code = posix_fallocate(descriptor, 0, static_cast<off_t>(size));
  } while (code == EINTR);
  return code;
}

/// Locks without waiting. False if others have a lock that excludes this one.
bool TryLock(int descriptor, int operation) { return flock(descriptor, operation | LOCK_NB) == 0; }

struct FolderCloser {
  void operator()(DIR* folder) const noexcept { closedir(folder); }
};

bool IsSameFile(const struct stat& one, const struct stat& other) {
  return one.st_ino == other.st_ino && one.st_dev == other.st_dev;
}

}  // namespace

Descriptor OpenMappedFile(Napi::Env env, const std::string& path, std::uint64_t size, bool read_only) {
  int flags = read_only ? O_RDONLY : O_RDWR | (size > 0 ? O_CREAT : 0);
  Descriptor file(open(path.c_str(), flags | O_CLOEXEC, 0600));
  if (!file) throw SystemError(env, errno, ("open " + path).c_str());
  struct stat status;
  if (fstat(file.get(), &status) != 0) throw SystemError(env, errno, "fstat");
  if (!S_ISREG(status.st_mode)) throw FaultError(env, "invalid", path + " is not a file");
  if (static_cast<std::uint64_t>(status.st_size) >= size) return file;
  if (read_only) {
    throw FaultError(env, "invalid",
                     path + " has " + std::to_string(status.st_size) +
                         " bytes and is opened to be read only: it cannot grow to " + std::to_string(size));
  }
  int code = Allocate(file.get(), size);
  if (code != 0) throw SystemError(env, code, ("fallocate " + path).c_str());
  return file;
}

NamedMemory::NamedMemory(Napi::Env env, const Request& request) {
  bool global = HasPrefix(request.name, kGlobal);
  std::size_t prefix = global                            ? std::strlen(kGlobal)
                       : HasPrefix(request.name, kLocal) ? std::strlen(kLocal)
                                                         : 0;
  name_ = FileNameOf(request.family, request.name.substr(prefix), NameCase::kKept);
  bool may_create = request.disposition != NameDisposition::kOpen;
  folder_ = global ? OpenGlobalFolder(env)
                   : OpenPrivateFolder(env, "/dev/shm/remoting-" + std::to_string(geteuid()), may_create);
  if (may_create) RemoveOrphans();
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    switch (Open(env, request.read_only)) {
      case Found::kLive:
        if (request.disposition == NameDisposition::kCreate) {
          file_.Close();
          throw SystemError(env, EEXIST, ("create " + request.name).c_str());
        }
        existed_ = true;
        return;
      case Found::kNothing:
        if (!may_create) throw SystemError(env, ENOENT, ("open " + request.name).c_str());
        if (Create(env, request)) return;
        break;
      case Found::kChanging:
        sched_yield();
        break;
    }
  }
  throw SystemError(env, EBUSY, ("open " + request.name).c_str());
}

NamedMemory::Found NamedMemory::Open(Napi::Env env, bool read_only) {
  struct stat link;
  if (fstatat(folder_.get(), name_.c_str(), &link, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return Found::kNothing;
    throw SystemError(env, errno, ("stat " + name_).c_str());
  }
  if (!IsTrusted(link.st_uid)) {
    throw FaultError(env, "access-denied", "The name belongs to user " + std::to_string(link.st_uid));
  }
  Descriptor file(openat(folder_.get(), name_.c_str(), (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC));
  if (!file) {
    if (errno == ENOENT) {
      // Removed at this moment, or a link to a file that is gone.
      if (S_ISLNK(link.st_mode)) unlinkat(folder_.get(), name_.c_str(), 0);
      return Found::kChanging;
    }
    throw SystemError(env, errno, ("open " + name_).c_str());
  }
  if (TryLock(file.get(), LOCK_EX)) {
    // Nobody holds it: its last holder died. While it is locked, nobody else removes or takes it.
    struct stat present;
    bool same = fstatat(folder_.get(), name_.c_str(), &present, AT_SYMLINK_NOFOLLOW) == 0 &&
                IsSameFile(link, present);
    if (same) unlinkat(folder_.get(), name_.c_str(), 0);
    return Found::kChanging;
  }
  if (!TryLock(file.get(), LOCK_SH)) return Found::kChanging;
  // Between its being opened and locked it may have been removed by its last holder.
  struct stat present;
  if (fstatat(folder_.get(), name_.c_str(), &present, AT_SYMLINK_NOFOLLOW) != 0 ||
      !IsSameFile(link, present)) {
    return Found::kChanging;
  }
  file_ = std::move(file);
  return Found::kLive;
}

bool NamedMemory::Create(Napi::Env env, const Request& request) {
  int made;
  Descriptor file;
  if (request.file.empty()) {
    file = Descriptor(openat(folder_.get(), ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (!file) throw SystemError(env, errno, "open");
    int code = Allocate(file.get(), request.size);
    if (code != 0) throw SystemError(env, code, "fallocate");
    if (pwrite(file.get(), request.content.data(), request.content.size(), 0) !=
        static_cast<ssize_t>(request.content.size())) {
      throw SystemError(env, errno, "pwrite");
    }
    if (!TryLock(file.get(), LOCK_SH)) throw SystemError(env, errno, "flock");
    // It gets its name when it is whole and locked: nobody ever meets half of it.
    std::string path = "/proc/self/fd/" + std::to_string(file.get());
    made = linkat(AT_FDCWD, path.c_str(), folder_.get(), name_.c_str(), AT_SYMLINK_FOLLOW);
  } else {
    file = OpenMappedFile(env, request.file, request.size, request.read_only);
    if (!TryLock(file.get(), LOCK_SH)) return false;
    std::unique_ptr<char, decltype(&std::free)> target(realpath(request.file.c_str(), nullptr), &std::free);
    if (!target) throw SystemError(env, errno, "realpath");
    made = symlinkat(target.get(), folder_.get(), name_.c_str());
  }
  if (made != 0 && errno == EEXIST) return false;
  if (made != 0) throw SystemError(env, errno, ("link " + name_).c_str());
  file_ = std::move(file);
  return true;
}

/// Names whose last holder was killed keep their memory: whoever creates one clears them away.
void NamedMemory::RemoveOrphans() const noexcept {
  int copy = openat(folder_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (copy < 0) return;
  std::unique_ptr<DIR, FolderCloser> names(fdopendir(copy));
  if (!names) {
    close(copy);
    return;
  }
  while (const dirent* entry = readdir(names.get())) {
    struct stat link;
    if (entry->d_name[0] == '.' || fstatat(folder_.get(), entry->d_name, &link, AT_SYMLINK_NOFOLLOW) != 0)
      continue;
    if (link.st_uid != geteuid()) continue;
    Descriptor file(openat(folder_.get(), entry->d_name, O_RDONLY | O_CLOEXEC));
    if (!file || !TryLock(file.get(), LOCK_EX)) continue;
    struct stat present;
    if (fstatat(folder_.get(), entry->d_name, &present, AT_SYMLINK_NOFOLLOW) == 0 &&
        IsSameFile(link, present)) {
      unlinkat(folder_.get(), entry->d_name, 0);
    }
  }
}

NamedMemory::~NamedMemory() {
  if (!file_) return;
  // The lock changes to an exclusive one only if nobody else holds the name. Whether it was then lost does
  // not matter any more.
  struct stat held;
  struct stat link;
  struct stat target;
  bool last = TryLock(file_.get(), LOCK_EX) && fstat(file_.get(), &held) == 0 &&
              fstatat(folder_.get(), name_.c_str(), &link, AT_SYMLINK_NOFOLLOW) == 0 &&
              fstatat(folder_.get(), name_.c_str(), &target, 0) == 0 && IsSameFile(held, target);
  if (last) unlinkat(folder_.get(), name_.c_str(), 0);
}

}  // namespace remoting
