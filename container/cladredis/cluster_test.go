package cladredis_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
	"github.com/redis/go-redis/v9"
)

// One breaker for all nodes refused two thirds of the calls to those that were well.
func TestANodeThatIsDownStopsNoCallsToTheOthers(t *testing.T) {
	s := newCluster(t)
	keys := s.keys()
	c, o := guarded(t, under(policy.Retry{MaxAttempts: 3, Backoff: policy.Fixed(10 * time.Millisecond)}, policy.CircuitBreaker{}, policy.Timeout(5*time.Second)), s.bare)
	for _, key := range keys {
		if err := c.Set(background, key, 0, 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	breaker, ok := o.CircuitBreaker("redis.ClusterClient/" + s.servers[0].addr)
	if !ok {
		t.Fatalf("there are %v", o.CircuitBreakers())
	}
	s.servers[0].kill()
	errs := make([]int, len(keys))
	calls := make([]int, len(keys))
	ctx, stop := context.WithTimeout(background, 2*time.Second)
	defer stop()
	var callers sync.WaitGroup
	for i, key := range keys {
		callers.Go(func() {
			for ctx.Err() == nil {
				calls[i]++
				if err := c.Incr(background, key).Err(); err != nil {
					if errs[i]++; i > 0 && errs[i] < 5 {
						t.Errorf("%s, which is another's: %v", key, err)
					}
				}
				// real time: a load that leaves the machine to others too
				time.Sleep(time.Millisecond)
			}
		})
	}
	callers.Wait()
	t.Logf("errors %v of %v calls", errs, calls)
	if errs[0] != calls[0] || errs[1] != 0 || errs[2] != 0 {
		t.Errorf("errors %v of %v calls", errs, calls)
	}
	if breaker.State() == policy.StateClosed {
		t.Error("the breaker of the node that is down is closed")
	}
	if err := c.Get(background, keys[0]).Err(); !errors.Is(err, policy.ErrCircuitOpen) && !errors.Is(err, policy.ErrRetriesExhausted) {
		t.Errorf("got %v", err)
	}
	for i, key := range keys[1:] {
		if n, err := c.Get(background, key).Int(); err != nil || n != calls[i+1] {
			t.Errorf("%s was incremented %d times in %d calls: %v", key, n, calls[i+1], err)
		}
	}
	s.servers[0].start()
	s.await("the node that is back", func() bool { return c.Incr(background, keys[0]).Err() == nil })
}

// A cluster client sends what failed to the node again, and to others, four times.
func TestAClusterDoesNotDoTwiceWhatMayHaveHadItsEffect(t *testing.T) {
	s := newCluster(t)
	keys := s.keys()
	c, _ := guarded(t, under(retries(3), policy.Timeout(300*time.Millisecond)), s.bare)
	for _, key := range keys {
		for range 3 {
			if err := c.Set(background, key, 0, 0).Err(); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.servers[0].freeze()
	if err := c.Incr(background, keys[0]).Err(); !errors.Is(err, policy.ErrTimeout) {
		t.Errorf("a command: %v", err)
	}
	cmds, err := c.Pipelined(background, func(p redis.Pipeliner) error {
		for _, key := range keys {
			p.Incr(background, "{"+key+"}:piped")
		}
		return nil
	})
	if !errors.Is(err, policy.ErrTimeout) || !errors.Is(cmds[0].Err(), policy.ErrTimeout) || cmds[1].Err() != nil || cmds[2].Err() != nil {
		t.Errorf("a pipeline: %v of %v", err, cmds)
	}
	_, err = c.TxPipelined(background, func(p redis.Pipeliner) error { p.Incr(background, "{"+keys[0]+"}:tx"); return nil })
	if !errors.Is(err, policy.ErrTimeout) {
		t.Errorf("a transaction: %v", err)
	}
	s.servers[0].thaw()
	// real time: what is on its way arrives
	time.Sleep(200 * time.Millisecond)
	for i, key := range keys {
		for _, key := range []string{key, "{" + key + "}:piped", "{" + key + "}:tx"} {
			if n, err := s.bare().Get(background, key).Int(); n > 1 {
				t.Errorf("%s of node %d was incremented %d times, %v", key, i, n, err)
			}
		}
	}
}

// The client sent a whole batch again whose connection broke off in the middle, also
// what had succeeded: it does so without clad.
func TestWhatAPipelineHasDoneIsNotDoneAgain(t *testing.T) {
	s := newCluster(t)
	key := s.keys()[0]
	c, _ := guarded(t, under(retries(3)), s.bare)
	cmds, err := c.Pipelined(background, func(p redis.Pipeliner) error {
		p.Incr(background, key)
		p.Do(background, "quit", key) // the server hangs up
		p.Incr(background, key)
		return nil
	})
	if err == nil || cmds[0].Err() != nil || cmds[2].Err() == nil {
		t.Errorf("%v of %v", err, cmds)
	}
	if n, err := c.Get(background, key).Int(); n != 1 || err != nil {
		t.Errorf("incremented %d times, %v", n, err)
	}
}

// A slot that moves is no failure of the node that had it, and nothing is lost or
// done twice on the way.
func TestRedirectionsAreFollowed(t *testing.T) {
	s := newCluster(t)
	keys := s.keys()
	c, o := guarded(t, under(retries(3), policy.CircuitBreaker{FailureThreshold: 1}), s.bare)
	if err := c.Ping(background).Err(); err != nil {
		t.Fatal(err)
	}
	from, to := s.servers[0], s.servers[1]
	slot, _ := strconv.Atoi(s.do(from, "cluster", "keyslot", keys[0]))
	ids := []string{s.do(from, "cluster", "myid"), s.do(to, "cluster", "myid")}
	use := func(want int64) {
		t.Helper()
		if n, err := c.Incr(background, keys[0]).Result(); err != nil || n != want {
			t.Errorf("%d, %v", n, err)
		}
		cmds, err := c.Pipelined(background, func(p redis.Pipeliner) error {
			for _, key := range keys {
				p.Incr(background, "{"+key+"}:piped")
			}
			return nil
		})
		if err != nil || len(cmds) != 3 || cmds[0].(*redis.IntCmd).Val() != want {
			t.Errorf("%v, %v", cmds, err)
		}
	}
	s.do(to, "cluster", "setslot", slot, "importing", ids[0])
	s.do(from, "cluster", "setslot", slot, "migrating", ids[1])
	use(1) // ASK
	for _, server := range []*server{to, from} {
		s.do(server, "cluster", "setslot", slot, "node", ids[1])
	}
	use(2) // MOVED
	if got := o.Metrics().Totals; got.FailedOperations != 0 || got.RetryAttempts != 0 {
		t.Errorf("%+v", got)
	}
	if _, err := c.TxPipelined(background, func(p redis.Pipeliner) error { p.Incr(background, keys[0]); return nil }); err != nil {
		t.Error(err)
	}
	if got := o.Metrics().Totals; got.RetryAttempts != 0 || got.CircuitBreakerTrips != 0 {
		t.Errorf("%+v", got)
	}
}

// A constructor that pings has nodes by the time it returns.
func TestNodesThatThereWereBeforeAreGuarded(t *testing.T) {
	s := newCluster(t)
	c, o := guarded(t, under(retries(3)), func() redis.UniversalClient {
		c := s.bare()
		_ = c.Ping(background).Err()
		return c
	})
	for range 9 {
		if err := c.Get(background, "missing").Err(); !isNil(err) {
			t.Fatal(err)
		}
	}
	if got := o.Metrics().Operations["redis.UniversalClient.Read"]; got.Answered != 9 {
		t.Errorf("%+v", o.Metrics().Operations)
	}
}

// A cluster whose nodes come back at other addresses, as Kubernetes gives them, had a
// breaker more with each, for as long as the application ran.
func TestNodesThatAreGoneAreForgotten(t *testing.T) {
	s := newServer(t)
	const all = 30
	c, o := guarded(t, under(policy.CircuitBreaker{}), func() *redis.ClusterClient {
		c := redis.NewClusterClient(&redis.ClusterOptions{
			ClusterSlots: func(context.Context) (slots []redis.ClusterSlot, err error) {
				for i := range all {
					addr := fmt.Sprintf("10.0.0.%d:6379", i)
					slots = append(slots, redis.ClusterSlot{Start: i * 500, End: i*500 + 499, Nodes: []redis.ClusterNode{{Addr: addr}}})
				}
				return slots, nil
			},
			Dialer: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, network, s.addr) // it is at all of them
			},
		})
		t.Cleanup(func() { _ = c.Close() })
		return c
	}, container.WithMaxPartitions(5))
	if err := c.ForEachMaster(background, func(ctx context.Context, node *redis.Client) error {
		return node.Set(ctx, node.Options().Addr, 1, 0).Err()
	}); err != nil {
		t.Fatal(err)
	}
	if n := len(o.CircuitBreakers()); n != 6 {
		t.Errorf("%d breakers of five nodes and the whole: %v", n, o.CircuitBreakers())
	}
	if got := o.Metrics(); len(got.Operations) != 1 || got.SuccessfulOperations != all {
		t.Errorf("%v", got)
	}
	if got := o.Services(); len(got) != 1 {
		t.Errorf("%v", got)
	}
}
