package cladredis

import (
	"context"

	"github.com/cladgo/clad/container"
	"github.com/redis/go-redis/v9"
)

// guardRing guards next itself, with the shards that it has and those to come: policies
// are around what is done with one, so that one that is down stops no calls to the
// others until the ring does without it.
func guardRing(next *redis.Ring, m container.Methods) *redis.Ring {
	if !first(next) {
		return next
	}
	next.Options().MaxRetries = 0
	h := newHook(m)
	guard := func(shard *redis.Client) {
		if first(shard) {
			follow(shard.Options())
			shard.AddHook(&shardHook{hook: h, addr: shard.Options().Addr})
		}
	}
	next.OnNewNode(guard)
	_ = next.ForEachShard(context.Background(), func(_ context.Context, shard *redis.Client) error { guard(shard); return nil })
	return next
}

// shardHook puts the policies around what a ring does with one shard, which is a
// partition of it: it may be made anew at the same address.
type shardHook struct {
	*hook
	addr string
}

// ProcessHook guards a command, but for the PING by which the ring asks which shards
// there are.
func (h *shardHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == "ping" {
			return next(ctx, cmd)
		}
		return h.guard(ctx, h.addr, cmd, next)
	}
}

// ProcessPipelineHook guards what is for this shard of a pipeline, or a transaction.
func (h *shardHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		return guard(ctx, h.ofAll(cmds), h.addr, cmds, next, false)
	}
}
