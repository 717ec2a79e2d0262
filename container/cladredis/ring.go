package cladredis

import (
	"context"

	"github.com/cladgo/clad/container"
	"github.com/redis/go-redis/v9"
)

// guardRing guards next itself. Policies are around the ring: an attempt that follows
// goes to the shard that has the key by then.
func guardRing(next *redis.Ring, m container.Methods) *redis.Ring {
	if !first(next) {
		return next
	}
	next.Options().MaxRetries = 0
	heed := func(shard *redis.Client) { follow(shard.Options()) }
	next.OnNewNode(heed)
	_ = next.ForEachShard(context.Background(), func(_ context.Context, shard *redis.Client) error { heed(shard); return nil })
	next.AddHook(newHook(m))
	return next
}
