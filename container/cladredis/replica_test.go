package cladredis_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/cladgo/clad/policy"
	"github.com/redis/go-redis/v9"
)

// Where replicas are read too, a node that is lost costs no read: another has it.
func TestReadsGoToWhoeverHasTheKey(t *testing.T) {
	s := newCluster(t)
	key := s.keys()[0]
	port := freePort(t)
	replica := newServer(t, "--cluster-enabled", "yes", "--cluster-port", port, "--cluster-node-timeout", "1000",
		"--cluster-require-full-coverage", "no", "--appendonly", "no", "--repl-diskless-sync-delay", "0")
	_, to, _ := net.SplitHostPort(replica.addr)
	s.do(s.servers[0], "cluster", "meet", "127.0.0.1", to, port)
	master := s.do(s.servers[0], "cluster", "myid")
	s.await("the replica", func() bool { return replica.bare().Do(background, "cluster", "replicate", master).Err() == nil })
	s.await("its data", func() bool {
		info, _ := replica.bare().Info(background, "replication").Result()
		return strings.Contains(info, "master_link_status:up")
	})
	for _, server := range s.servers {
		s.await("that all know of it", func() bool {
			slots, _ := server.bare().ClusterSlots(background).Result()
			nodes := 0
			for _, slot := range slots {
				nodes += len(slot.Nodes)
			}
			return nodes == len(s.servers)+1
		})
	}
	c, o := guarded(t, under(policy.CircuitBreaker{FailureThreshold: 2, RecoveryTimeout: time.Minute}, policy.Timeout(2*time.Second)), func() *redis.ClusterClient {
		opt := s.bare().Options()
		fresh := &redis.ClusterOptions{Addrs: opt.Addrs, NewClient: opt.NewClient, RouteRandomly: true}
		c := redis.NewClusterClient(fresh)
		t.Cleanup(func() { _ = c.Close() })
		return c
	})
	if err := c.Set(background, key, "value", 0).Err(); err != nil {
		t.Fatal(err)
	}
	s.await("the replica's copy", func() bool {
		r := redis.NewClient(&redis.Options{Addr: replica.addr, OnConnect: func(_ context.Context, c *redis.Conn) error { return c.ReadOnly(background).Err() }})
		defer func() { _ = r.Close() }()
		got, _ := r.Get(background, key).Result()
		return got == "value"
	})
	read := func(when string) {
		t.Helper()
		for range 50 {
			if got, err := c.Get(background, key).Result(); got != "value" || err != nil {
				t.Errorf("%s: %q, %v", when, got, err)
			}
			cmds, err := c.Pipelined(background, func(p redis.Pipeliner) error { p.Get(background, key); p.Exists(background, key); return nil })
			if err != nil || cmds[0].(*redis.StringCmd).Val() != "value" {
				t.Errorf("%s, by a pipeline: %v, %v", when, cmds, err)
			}
		}
	}
	read("both are there")
	for _, addr := range []string{replica.addr, s.servers[0].addr} {
		if b, ok := o.CircuitBreaker("redis.ClusterClient/" + addr); !ok || b.State() != policy.StateClosed {
			t.Errorf("%s, of which either is read at random: %v", addr, b)
		}
	}
	replica.kill()
	read("the replica is lost")
	if err := c.Set(background, key, "value", 0).Err(); err != nil {
		t.Errorf("a write: %v", err)
	}
}
