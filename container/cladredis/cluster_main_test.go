package cladredis_test

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// aCluster is a cluster of three masters of the test's own.
type aCluster struct {
	t       *testing.T
	servers []*server
}

func newCluster(t *testing.T, args ...string) *aCluster {
	t.Helper()
	return newClusterOf(t, "redis-server", args...)
}

func newClusterOf(t *testing.T, engine string, args ...string) *aCluster {
	t.Helper()
	c := &aCluster{t: t}
	ports := make([]string, 3)
	for i := range ports {
		ports[i] = freePort(t)
		c.servers = append(c.servers, newServerOf(t, engine, append([]string{"--cluster-enabled", "yes", "--cluster-port", ports[i],
			"--cluster-node-timeout", "1000", "--cluster-require-full-coverage", "no", "--appendonly", "no"}, args...)...))
	}
	for i, s := range c.servers {
		c.do(s, "cluster", "addslotsrange", i*5462, min((i+1)*5462, 16384)-1)
		c.do(s, "cluster", "set-config-epoch", i+1)
		if i > 0 {
			_, port, _ := net.SplitHostPort(c.servers[0].addr)
			c.do(s, "cluster", "meet", "127.0.0.1", port, ports[0])
		}
	}
	for _, s := range c.servers {
		c.await("the cluster", func() bool {
			info, _ := s.bare().ClusterInfo(background).Result()
			return strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_known_nodes:3") && strings.Contains(info, "cluster_slots_ok:16384")
		})
	}
	return c
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

func (c *aCluster) do(s *server, args ...any) string {
	c.t.Helper()
	got, err := s.bare().Do(background, args...).Result()
	if err != nil {
		c.t.Fatal(args, err)
	}
	return fmt.Sprint(got)
}

func (c *aCluster) await(what string, done func() bool) {
	c.t.Helper()
	await(c.t, what, done)
}

func await(t testing.TB, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); {
		if time.Now().After(end) {
			t.Fatal("waited in vain for ", what)
		}
		// real time: other processes agree
		time.Sleep(20 * time.Millisecond)
	}
}

// bare is a client that nobody guards.
func (c *aCluster) bare() *redis.ClusterClient {
	opt := &redis.ClusterOptions{}
	for _, s := range c.servers {
		opt.Addrs = append(opt.Addrs, s.addr)
	}
	opt.NewClient = func(o *redis.Options) *redis.Client { o.DialerRetries = 1; return redis.NewClient(o) }
	client := redis.NewClusterClient(opt)
	c.t.Cleanup(func() { _ = client.Close() })
	return client
}

// keys returns a key of each server.
func (c *aCluster) keys() []string {
	c.t.Helper()
	client := c.bare()
	keys := make([]string, len(c.servers))
	for n, found := 0, 0; found < len(keys); n++ {
		key := fmt.Sprint("key", n)
		node, err := client.MasterForKey(background, key)
		if err != nil {
			c.t.Fatal(err)
		}
		for i, s := range c.servers {
			if keys[i] == "" && s.addr == node.Options().Addr {
				keys[i] = key
				found++
			}
		}
	}
	return keys
}
