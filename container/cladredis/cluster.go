package cladredis

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/redis/go-redis/v9"
)

// cluster guards a cluster client: policies are around what is done with a node, so
// that one that is down stops no calls to the others. Which node that is, and where
// a redirection leads, stays the client's.
type cluster struct {
	client   *redis.ClusterClient
	hook     *hook        // of all nodes
	passing               // DialHook
	complete atomic.Bool  // those made before this are guarded too
	reloaded atomic.Int64 // when it last asked for where the slots are
}

// guardCluster guards next itself, with the nodes that it has and those to come.
func guardCluster(next *redis.ClusterClient, m container.Methods) *redis.ClusterClient {
	if !first(next) {
		return next
	}
	opt := next.Options()
	opt.ContextTimeoutEnabled = true
	opt.MaxRetries = -1
	c := &cluster{client: next, hook: newHook(m)}
	next.OnNewNode(c.guardNode)
	c.guardKnown()
	next.AddHook(c)
	return next
}

// guardKnown guards the nodes that there were before. The client tells of them only
// once it knows where the slots are.
func (c *cluster) guardKnown() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // nothing is to be asked of anybody
	if c.client.ForEachShard(ctx, func(_ context.Context, node *redis.Client) error { c.guardNode(node); return nil }) == nil {
		c.complete.Store(true)
	}
}

func (c *cluster) guardNode(node *redis.Client) {
	if !first(node) {
		return
	}
	follow(node.Options())
	node.AddHook(&nodeHook{hook: c.hook, cluster: c, addr: node.Options().Addr})
}

// ProcessHook marks a command as the cluster client's, and takes off what keeps that
// from trying it again.
func (c *cluster) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if !c.complete.Load() {
			c.guardKnown()
		}
		err := next(context.WithValue(ctx, routesKey{}, (*routes)(nil)), cmd)
		return taken(err)
	}
}

// ProcessPipelineHook has commands that go to several nodes sent once each.
func (c *cluster) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if !c.complete.Load() {
			c.guardKnown()
		}
		r := &routes{ended: make(map[redis.Cmder]error, len(cmds))}
		err := next(context.WithValue(ctx, routesKey{}, r), cmds)
		return r.outcome(cmds, err)
	}
}

// reload has the client ask where the slots are, since a node was lost: by itself it
// does so every ten seconds.
func (c *cluster) reload() {
	const atMost = 250 * time.Millisecond
	now, last := time.Now().UnixNano(), c.reloaded.Load()
	if now-last > int64(atMost) && c.reloaded.CompareAndSwap(last, now) {
		c.client.ReloadState(context.Background())
	}
}
