#include "trusted_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>

#include "system_error.h"

namespace remoting {

namespace {

// "/proc/self/fd/1234567/" and ".sock" fit beside it into a socket's address.
constexpr std::size_t kLongestFileName = 78;

std::string Hexadecimal(std::uint64_t value) {
  char text[17];
  std::snprintf(text, sizeof(text), "%016llx", static_cast<unsigned long long>(value));
  return text;
}

}  // namespace

std::string FileNameOf(const char* family, const std::string& name, NameCase name_case) {
  std::string result = std::string(family) + ".";
  std::uint64_t hash = 14695981039346656037u;
  for (unsigned char character : name) {
    if (name_case == NameCase::kIgnored && character >= 'A' && character <= 'Z')
      character = static_cast<unsigned char>(character - 'A' + 'a');
    hash = (hash ^ character) * 1099511628211u;
    bool plain = (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
                 (character >= '0' && character <= '9') || character == '.' || character == '_' ||
                 character == '-';
    if (plain) {
      result.push_back(static_cast<char>(character));
    } else {
      char escaped[4];
      std::snprintf(escaped, sizeof(escaped), "%%%02x", character);
      result += escaped;
    }
  }
  if (result.size() <= kLongestFileName) return result;
  // Too long for a socket's address: its beginning, to be recognized by people, and a hash. '=' is in no
  // short name.
  return result.substr(0, kLongestFileName - 17) + "=" + Hexadecimal(hash);
}

Napi::Error Untrusted(Napi::Env env, const std::string& folder, const std::string& why) {
  return FaultError(
      env, "access-denied",
      folder + " " + why + ", so what is in it cannot be trusted: remove it or choose another folder");
}

Descriptor OpenFolder(Napi::Env env, const std::string& path, struct stat* status) {
  Descriptor folder(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!folder) {
    if (errno == ELOOP || errno == ENOTDIR) throw Untrusted(env, path, "is not a folder");
    throw SystemError(env, errno, ("open " + path).c_str());
  }
  if (fstat(folder.get(), status) != 0) throw SystemError(env, errno, "fstat");
  return folder;
}

Descriptor OpenPrivateFolder(Napi::Env env, const std::string& path, bool create) {
  if (create && mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    throw SystemError(env, errno, ("mkdir " + path).c_str());
  }
  struct stat status;
  Descriptor folder = OpenFolder(env, path, &status);
  if (status.st_uid != geteuid()) {
    throw Untrusted(env, path, "belongs to user " + std::to_string(status.st_uid));
  }
  if ((status.st_mode & 077) != 0) throw Untrusted(env, path, "is open to other users");
  return folder;
}

}  // namespace remoting
