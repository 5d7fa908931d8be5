// capnweb reads the states of a socket from the global `WebSocket`, which Node has only from version 22 on.

import { WebSocket as Socket } from "ws";

Object.assign(globalThis, { WebSocket: Socket });
