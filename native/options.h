// What JavaScript gives with names, taken apart. src/ipc has checked it; what is missing is empty, 0 or
// false.
#ifndef REMOTING_OPTIONS_H_
#define REMOTING_OPTIONS_H_

#include <napi.h>

#include <cstdint>
#include <string>

namespace remoting {

std::string TextOf(Napi::Object options, const char* name);
std::uint32_t NumberOf(Napi::Object options, const char* name);
bool FlagOf(Napi::Object options, const char* name);

}  // namespace remoting

#endif  // REMOTING_OPTIONS_H_
