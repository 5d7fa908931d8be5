// Folders in which names are held (POSIX): what lies in them is believed only if nobody else could have put
// it there.
#ifndef REMOTING_TRUSTED_FOLDER_H_
#define REMOTING_TRUSTED_FOLDER_H_

#include <napi.h>
#include <sys/stat.h>

#include <string>

#include "descriptor.h"

namespace remoting {

/// Whether upper and lower case make a difference: not for pipes and mailslots of Windows, but for its
/// mappings, mutexes and events.
enum class NameCase { kIgnored, kKept };

/// A name as part of a file name, without anything that a path could misunderstand.
///
/// @param family "pipe", "mailslot", "shm", …: names of different families do not meet.
std::string FileNameOf(const char* family, const std::string& name, NameCase name_case = NameCase::kIgnored);

/// Opens a folder that belongs to this user and that nobody else can look into.
///
/// @param create Makes it if it is missing.
/// Throws Napi::Error: ENOENT, or "access-denied" if it is not such a folder.
Descriptor OpenPrivateFolder(Napi::Env env, const std::string& path, bool create);

/// Opens what is a folder itself, and no link to one: that would be somebody else's choice of where it leads.
///
/// @param status What was opened, so that nobody can exchange it after it was checked.
/// Throws Napi::Error.
Descriptor OpenFolder(Napi::Env env, const std::string& path, struct stat* status);

/// The error for a folder that cannot be trusted.
Napi::Error Untrusted(Napi::Env env, const std::string& folder, const std::string& why);

}  // namespace remoting

#endif  // REMOTING_TRUSTED_FOLDER_H_
