/* SPDX-License-Identifier: Apache-2.0 */
/*
 * readable.h - watches a file descriptor on the environment's event loop.
 *
 * In:    an fd that outlives the watch: call Stop() before closing it.
 * Out:   calls of the listener in a callback scope of its own: microtasks run, an exception is an
 *        uncaughtException. The event loop stays alive while there is a listener, and no longer.
 * Never: outlives its environment: the handle of a terminated worker is closed first.
 */
#pragma once

#include "errors.h"

class Readable
{
      public:
	Readable() = default;
	~Readable();
	Readable(const Readable &) = delete;
	Readable &operator=(const Readable &) = delete;

	Fault Watch(int fd, Napi::Function listener);
	void Stop();

      private:
	struct Poll;
	Poll *poll_ = nullptr; /* owned by libuv; the close callback deletes it */
};
