/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job.h - runs a function on a thread of libuv's pool and settles a promise with its result.
 *
 * In:    the work, which must not touch JavaScript, and a function that makes its result.
 * Out:   a promise; rejected with the fault of the work.
 * Never: outlives its environment: the environment waits for work that has started.
 */
#pragma once

#include "errors.h"

#include <functional>

class Job : public Napi::AsyncWorker
{
      public:
	using Work = std::function<Fault()>;
	using Result = std::function<Napi::Value(Napi::Env)>;

	static Napi::Value Run(Napi::Env env, Work work, Result result);

      private:
	Job(Napi::Env env, Work work, Result result);
	void Execute() override;
	void OnOK() override;

	Work work_;
	Result result_;
	Fault fault_;
	Napi::Promise::Deferred promise_;
};
