import { close, getObject } from "remoting";
import { Thermometer } from "./contract.ts";

const thermometer = getObject(Thermometer, "tcp://127.0.0.1:6101");

// The server asks, this process answers.
console.log(await thermometer.calibrate(() => 21.5));

const subscription = await thermometer.watch((celsius) => console.log(`now ${celsius} °C`));
await thermometer.measure(20);
await thermometer.measure(22);
await subscription.cancel();
await thermometer.measure(24);
console.log("nobody hears of 24 °C");

await close();
