/**
 * The domain that most applications have, and its methods as functions. Tests and tools make domains of their
 * own (`new RemotingDomain()`); two of them in one process are as far apart as two processes.
 */
import { RemotingDomain } from "./remoting-domain.ts";

/** The process's default domain. Listen here for its events. */
export const defaultDomain = new RemotingDomain();

/** {@link RemotingDomain.registerChannel} of the default domain. */
export const registerChannel: RemotingDomain["registerChannel"] =
  defaultDomain.registerChannel.bind(defaultDomain);

/** {@link RemotingDomain.unregisterChannel} of the default domain. */
export const unregisterChannel: RemotingDomain["unregisterChannel"] =
  defaultDomain.unregisterChannel.bind(defaultDomain);

/** {@link RemotingDomain.register} of the default domain. */
export const register: RemotingDomain["register"] = defaultDomain.register.bind(defaultDomain);

/** {@link RemotingDomain.serve} of the default domain. */
export const serve: RemotingDomain["serve"] = defaultDomain.serve.bind(defaultDomain);

/** {@link RemotingDomain.configure} of the default domain. */
export const configure: RemotingDomain["configure"] = defaultDomain.configure.bind(defaultDomain);

/** {@link RemotingDomain.getObject} of the default domain. */
export const getObject: RemotingDomain["getObject"] = defaultDomain.getObject.bind(defaultDomain);

/** {@link RemotingDomain.createInstance} of the default domain. */
export const createInstance: RemotingDomain["createInstance"] =
  defaultDomain.createInstance.bind(defaultDomain);

/** {@link RemotingDomain.withOptions} of the default domain. */
export const withOptions: RemotingDomain["withOptions"] = defaultDomain.withOptions.bind(defaultDomain);

/** {@link RemotingDomain.marshal} of the default domain. */
export const marshal: RemotingDomain["marshal"] = defaultDomain.marshal.bind(defaultDomain);

/** {@link RemotingDomain.unmarshal} of the default domain. */
export const unmarshal: RemotingDomain["unmarshal"] = defaultDomain.unmarshal.bind(defaultDomain);

/** {@link RemotingDomain.disconnect} of the default domain. */
export const disconnect: RemotingDomain["disconnect"] = defaultDomain.disconnect.bind(defaultDomain);

/** {@link RemotingDomain.getObjectUri} of the default domain. */
export const getObjectUri: RemotingDomain["getObjectUri"] = defaultDomain.getObjectUri.bind(defaultDomain);

/** {@link RemotingDomain.isProxy} of the default domain. */
export const isProxy: RemotingDomain["isProxy"] = defaultDomain.isProxy.bind(defaultDomain);

/** {@link RemotingDomain.getLifetimeService} of the default domain. */
export const getLifetimeService: RemotingDomain["getLifetimeService"] =
  defaultDomain.getLifetimeService.bind(defaultDomain);

/** {@link RemotingDomain.whenDisconnected} of the default domain. */
export const whenDisconnected: RemotingDomain["whenDisconnected"] =
  defaultDomain.whenDisconnected.bind(defaultDomain);

/** {@link RemotingDomain.close} of the default domain. */
export const close: RemotingDomain["close"] = defaultDomain.close.bind(defaultDomain);
