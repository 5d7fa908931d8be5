// Who somebody is, as Windows says.
#ifndef REMOTING_ACCOUNT_H_
#define REMOTING_ACCOUNT_H_

#include <windows.h>

#include <string>

namespace remoting {

/// An account of Windows, in UTF-8. Empty where the system does not say.
struct Account {
  /// "S-1-5-21-…".
  std::string sid;
  /// "MACHINE\ada"; empty if it has no name.
  std::string name;
};

Account AccountOf(PSID sid);

/// The user of a token, which must have been opened with TOKEN_QUERY.
Account UserOfToken(HANDLE token);

/// The user who runs a process, whose handle must have PROCESS_QUERY_LIMITED_INFORMATION.
Account UserOfProcess(HANDLE process);

/// Who owns an object of the kernel, such as a pipe, whose handle must have READ_CONTROL.
Account OwnerOf(HANDLE object);

}  // namespace remoting

#endif  // REMOTING_ACCOUNT_H_
