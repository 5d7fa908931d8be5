// Errors of the operating system, with its number and its symbolic name.
#ifndef REMOTING_SYSTEM_ERROR_H_
#define REMOTING_SYSTEM_ERROR_H_

#include <napi.h>

#include <string>

namespace remoting {

/// A code of the system: `errno`, or GetLastError on Windows. 0 is no error.
using SystemCode = int;

/// Its symbolic name: "EADDRINUSE", "ERROR_PIPE_BUSY".
std::string NameOfSystemCode(SystemCode code);

/// What the system says about it, in its own words and UTF-8.
std::string DescriptionOfSystemCode(SystemCode code);

/// The present thread's last error.
SystemCode LastSystemCode() noexcept;

/// An Error with `code` (the name), `errno` (the number) and `syscall` (the function that failed).
Napi::Error SystemError(Napi::Env env, SystemCode code, const char* system_call);

/// An Error with `fault`, one of IpcFault of src/ipc/ipc-error.ts: found here, not by the system.
Napi::Error FaultError(Napi::Env env, const char* fault, const std::string& message);

}  // namespace remoting

#endif  // REMOTING_SYSTEM_ERROR_H_
