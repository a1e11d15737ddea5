// SPDX-License-Identifier: Apache-2.0
/*
 * job.cc - runs a function on a thread of libuv's pool and settles a promise with its result.
 */
#include "job.h"

#include <utility>

Job::Job(Napi::Env env, Work work, Result result)
    : Napi::AsyncWorker(env, "weir:job"), work_(std::move(work)), result_(std::move(result)),
      promise_(Napi::Promise::Deferred::New(env))
{
}

Napi::Value Job::Run(Napi::Env env, Work work, Result result)
{
	auto *job = new Job(env, std::move(work), std::move(result)); /* deletes itself when done */
	Napi::Promise promise = job->promise_.Promise();

	job->Queue();
	return promise;
}

void Job::Execute()
{
	fault_ = work_();
}

void Job::OnOK()
{
	if (fault_)
		promise_.Reject(ErrorOf(Env(), fault_).Value());
	else
		promise_.Resolve(result_(Env()));
}
