package cladredis_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/cladgo/clad/policy"
	"github.com/redis/go-redis/v9"
)

// newRing returns a client of a ring of servers that nobody guards, and that does
// without none of them.
func newRing(t *testing.T, servers ...*server) func() redis.UniversalClient {
	t.Helper()
	return func() redis.UniversalClient {
		opt := &redis.RingOptions{Addrs: map[string]string{}, HeartbeatFrequency: time.Hour, NewClient: func(o *redis.Options) *redis.Client {
			o.DialerRetries = 1
			return redis.NewClient(o)
		}}
		for i, s := range servers {
			opt.Addrs[fmt.Sprint("shard", i)] = s.addr
		}
		c := redis.NewRing(opt)
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
}

// A ring sent one INCR four times to a shard that did not answer, under each attempt
// of a policy, and heard of no deadline.
func TestARingDoesNotDoTwiceWhatMayHaveHadItsEffect(t *testing.T) {
	s := newServer(t)
	c, o := guarded(t, under(retries(3), policy.Timeout(200*time.Millisecond)), newRing(t, s))
	for range 4 {
		if err := c.Set(background, "n", 0, 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	s.freeze()
	start := time.Now()
	err := c.Incr(background, "n").Err()
	if took := time.Since(start); took > 2*time.Second || !errors.Is(err, policy.ErrTimeout) || errors.Is(err, policy.ErrRetriesExhausted) {
		t.Errorf("after %v: %v", took, err)
	}
	if err := c.Get(background, "n").Err(); !errors.Is(err, policy.ErrRetriesExhausted) {
		t.Errorf("a read: %v", err)
	}
	s.thaw()
	// real time: what is on its way arrives
	time.Sleep(100 * time.Millisecond)
	if n, err := s.bare().Get(background, "n").Int(); n > 1 || err != nil {
		t.Errorf("incremented %d times, %v", n, err)
	}
	s.kill()
	before := o.Metrics().RetryAttempts
	_ = c.Incr(background, "n").Err()
	if got := o.Metrics().RetryAttempts - before; got != 2 {
		t.Errorf("where there was no connection, %d attempts more", got)
	}
}

// One breaker for all shards refused the calls to those that were well.
func TestAShardThatIsDownStopsNoCallsToTheOthers(t *testing.T) {
	servers := []*server{newServer(t), newServer(t)}
	c, o := guarded(t, under(policy.CircuitBreaker{FailureThreshold: 2, RecoveryTimeout: time.Minute}), func() *redis.Ring {
		return newRing(t, servers...)().(*redis.Ring)
	})
	keys := make([]string, len(servers))
	for n := 0; keys[0] == "" || keys[1] == ""; n++ {
		key := fmt.Sprint("key", n)
		shard, err := c.GetShardClientForKey(key)
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range servers {
			if shard.Options().Addr == s.addr {
				keys[i] = key
			}
		}
	}
	for _, key := range keys {
		if err := c.Incr(background, key).Err(); err != nil {
			t.Fatal(err)
		}
	}
	servers[0].kill()
	for range 2 {
		_ = c.Incr(background, keys[0]).Err()
	}
	if err := c.Incr(background, keys[0]).Err(); !errors.Is(err, policy.ErrCircuitOpen) {
		t.Errorf("the shard that is down: %v", err)
	}
	if err := c.Incr(background, keys[1]).Err(); err != nil {
		t.Errorf("the other one: %v", err)
	}
	cmds, err := c.Pipelined(background, func(p redis.Pipeliner) error { p.Incr(background, keys[0]); p.Incr(background, keys[1]); return nil })
	if !errors.Is(err, policy.ErrCircuitOpen) || !errors.Is(cmds[0].Err(), policy.ErrCircuitOpen) || cmds[1].Err() != nil || cmds[1].(*redis.IntCmd).Val() != 3 {
		t.Errorf("a pipeline of both: %v, %v", err, cmds)
	}
	for i, want := range []policy.State{policy.StateOpen, policy.StateClosed} {
		if b, ok := o.CircuitBreaker("redis.Ring/" + servers[i].addr); !ok || b.State() != want {
			t.Errorf("shard %d: %v", i, b)
		}
	}
	// The ring asks each shard by itself whether it is there, which is no operation.
	before := o.Metrics().TotalOperations
	if err := c.ForEachShard(background, func(ctx context.Context, shard *redis.Client) error { return shard.Ping(ctx).Err() }); err == nil {
		t.Error("the shard that is down answers")
	}
	if got := o.Metrics().TotalOperations; got != before {
		t.Errorf("%d operations", got-before)
	}
	// A shard that comes later is guarded too.
	later := newServer(t)
	c.SetAddrs(map[string]string{"later": later.addr})
	if err := c.Incr(background, "n").Err(); err != nil {
		t.Error(err)
	}
	if _, ok := o.CircuitBreaker("redis.Ring/" + later.addr); !ok {
		t.Error("the new one has no breaker")
	}
}
