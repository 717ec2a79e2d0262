package cladredis_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/cladgo/clad/policy"
	"github.com/redis/go-redis/v9"
)

// newRing returns a client of a ring of servers that nobody guards.
func newRing(t *testing.T, servers ...*server) func() redis.UniversalClient {
	t.Helper()
	return func() redis.UniversalClient {
		opt := &redis.RingOptions{Addrs: map[string]string{}, NewClient: func(o *redis.Options) *redis.Client {
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
