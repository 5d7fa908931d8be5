// What is to happen with a name: whether it has to be there, must not be, or may.
#ifndef REMOTING_NAME_DISPOSITION_H_
#define REMOTING_NAME_DISPOSITION_H_

#include <string>

namespace remoting {

enum class NameDisposition { kCreate, kOpen, kCreateOrOpen };

/// From JavaScript's word for it: "create", "open", "createOrOpen".
inline NameDisposition NameDispositionOf(const std::string& word) {
  if (word == "open") return NameDisposition::kOpen;
  return word == "createOrOpen" ? NameDisposition::kCreateOrOpen : NameDisposition::kCreate;
}

}  // namespace remoting

#endif  // REMOTING_NAME_DISPOSITION_H_
