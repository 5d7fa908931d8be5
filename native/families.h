// The families of classes that the addon consists of. Each registers what it has in the addon's exports.
#ifndef REMOTING_FAMILIES_H_
#define REMOTING_FAMILIES_H_

#include "environment.h"

namespace remoting {

void RegisterMailslots(Environment& environment, Napi::Object exports);
void RegisterMappings(Environment& environment, Napi::Object exports);
void RegisterRings(Environment& environment, Napi::Object exports);
void RegisterMutexes(Environment& environment, Napi::Object exports);
void RegisterEvents(Environment& environment, Napi::Object exports);
void RegisterPipes(Environment& environment, Napi::Object exports);

}  // namespace remoting

#endif  // REMOTING_FAMILIES_H_
