// Package cladredis guards github.com/redis/go-redis/v9 clients: every command,
// pipeline and transaction goes through the policy of the tag.
//
//	import _ "github.com/cladgo/clad/container/cladredis"
//
//	container.Tag(NewCache, "cache") // func() *redis.Client, or redis.UniversalClient
//
// What is only read, or comes to the same when it is done twice, is retried. What is
// not (INCR, LPUSH, PUBLISH) is attempted again only where it certainly had no
// effect; pipelines and transactions, where that holds of all that is in them. A
// profile chooses policies for Read, Write, Pipeline and Transaction, and for single
// commands by their names, which it then has the last word on:
//
//	services:
//	  redis.Client: {methods: {Write: cache_once, GET: cache_fast, BLPOP: none}}
//
// A missing key ([redis.Nil]) is an answer: neither retried nor a failure.
//
// The client that the constructor returns is guarded itself, from then on: it heeds
// its context's deadline, and leaves retries to the policy (ContextTimeoutEnabled is
// set and MaxRetries is 0, whatever its options say). What it dials again by itself
// is settled when it is made: with go-redis 9.14 and later set DialerRetries to 1, or
// each attempt at a server that is down is five.
//
// Of a cluster each node has breakers and limiters of its own, where the policy
// leaves them unnamed ("redis.ClusterClient/10.0.0.7:6379"): one that is down stops no
// calls to the others. Policies are around what is done with one node; redirections
// stay the client's, and count as answers of the node that redirects. Beyond them the
// client sends nothing again by itself, except to another replica what may be
// repeated, and transactions that were certainly not executed. A node that is lost
// has it look at once for who has the slots. The shards of a *redis.Ring are guarded as
// nodes are ("redis.Ring/10.0.0.7:6379"), but for the PING by which it asks whether they
// are there.
//
// Subscriptions are not guarded: they live longer than a call. What is done within
// Watch is; but with its one connection lost, another attempt does not help, and a
// cluster client runs the function that it is given again by itself.
//
// [NewStore] is something else: by it the instances of a fleet share their limits.
package cladredis
