/*
 * readable.h - a file descriptor on the environment's event loop, and the listener it wakes.
 *
 * In:    an fd that outlives the watch (Stop before closing it).
 * Out:   the listener, called in its own callback scope: microtasks run, a throw is an
 * uncaughtException. The event loop stays alive while, and only while, there is a listener. Never:
 * outlives its environment: a worker that is terminated closes the handle first.
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
	Poll *poll_ = nullptr; /* libuv's until its close callback, which deletes it */
};
