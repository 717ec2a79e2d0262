package cladredis_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cladgo/clad/policy"
	"github.com/redis/go-redis/v9"
)

// Breakers that stayed open for 30s made failovers ten times as long.

func TestAReplicaIsPromoted(t *testing.T) {
	t.Parallel()
	master := newServer(t)
	replica := newReplica(t, master)
	// The clients talk to the replica: it refuses writes until it is the master.
	survives(t, "k", replica.bare, func() {
		// real time: somebody notices, and decides
		time.Sleep(2500 * time.Millisecond)
		if err := replica.bare().Do(background, "replicaof", "no", "one").Err(); err != nil {
			t.Error(err)
		}
	})
}

func TestAServerLoadsItsData(t *testing.T) {
	t.Parallel()
	s := newServer(t, "--enable-debug-command", "yes", "--loading-process-events-interval-bytes", "1024")
	for _, args := range [][]any{{"debug", "populate", 6000, "filler", 64}, {"config", "set", "key-load-delay", 300}} {
		if err := s.bare().Do(background, args...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	survives(t, "k", s.bare, func() { _ = s.bare().Do(background, "debug", "reload").Err() })
}

func TestAMasterOfAClusterIsRestarted(t *testing.T) {
	t.Parallel()
	s := newCluster(t)
	key := s.keys()[0]
	survives(t, key, s.bare, func() {
		s.servers[0].kill()
		// real time: somebody starts it again
		time.Sleep(2 * time.Second)
		s.servers[0].start()
	})
}

func TestSentinelsPutAReplicaInTheMastersPlace(t *testing.T) {
	t.Parallel()
	master := newServer(t)
	sentinels := newSentinels(t, master)
	survives(t, "k", func() *redis.Client {
		c := redis.NewFailoverClient(&redis.FailoverOptions{MasterName: "main", SentinelAddrs: sentinels})
		t.Cleanup(func() { _ = c.Close() })
		return c
	}, master.kill)
}

// newSentinels watch a master and a replica of it.
func newSentinels(t *testing.T, master *server) (sentinels []string) {
	t.Helper()
	newReplica(t, master)
	for range 3 {
		port := freePort(t)
		file := filepath.Join(t.TempDir(), "sentinel.conf")
		config := "sentinel monitor main " + strings.Replace(master.addr, ":", " ", 1) + " 2\nsentinel down-after-milliseconds main 1000\nsentinel failover-timeout main 5000\n"
		if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		s := &server{t: t, binary: "redis-server", addr: "127.0.0.1:" + port, args: []string{file, "--sentinel", "--port", port, "--bind", "127.0.0.1"}}
		s.start()
		t.Cleanup(s.kill)
		sentinels = append(sentinels, s.addr)
		await(t, "the sentinel", func() bool {
			sentinel := redis.NewSentinelClient(&redis.Options{Addr: s.addr})
			defer func() { _ = sentinel.Close() }()
			replicas, _ := sentinel.Replicas(background, "main").Result()
			return len(replicas) == 1
		})
	}
	await(t, "sentinels that know each other", func() bool {
		sentinel := redis.NewSentinelClient(&redis.Options{Addr: sentinels[0]})
		defer func() { _ = sentinel.Close() }()
		others, _ := sentinel.Sentinels(background, "main").Result()
		return len(others) == 2
	})
	return sentinels
}

func newReplica(t *testing.T, master *server) *server {
	t.Helper()
	replica := newServer(t, "--replicaof", strings.Replace(master.addr, ":", " ", 1), "--repl-diskless-sync-delay", "0")
	await(t, "the replica", func() bool {
		info, _ := replica.bare().Info(background, "replication").Result()
		return strings.Contains(info, "master_link_status:up")
	})
	return replica
}

// survives puts the same load on a bare client and on a guarded one during a failover,
// and compares for how long each could not write: with all settings left at their
// defaults it may be 1.3 times as long, and half a second more.
func survives[C redis.UniversalClient](t *testing.T, key string, client func() C, failover func()) {
	t.Helper()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	wrapped, _ := guarded(t, under(policy.Retry{MaxAttempts: 3}, policy.CircuitBreaker{}, policy.Timeout(time.Second)), client)
	clients := []redis.UniversalClient{client(), wrapped}
	outages := make([]outage, len(clients))
	ctx, stop := context.WithCancel(background)
	var load sync.WaitGroup
	for i, c := range clients {
		for range 2 {
			load.Go(func() { outages[i].write(ctx, c, key) })
		}
	}
	failover()
	for i := range outages {
		await(t, "the end of the failover", outages[i].over)
	}
	stop()
	load.Wait()
	bare, clad := outages[0].took(), outages[1].took()
	t.Logf("bare %v, clad %v", bare, clad)
	if clad > bare*13/10+500*time.Millisecond {
		t.Errorf("%v, and %v of a bare client", clad, bare)
	}
}

// outage is from the first call that failed to the last one.
type outage struct {
	mu          sync.Mutex
	first, last time.Time
}

func (o *outage) write(ctx context.Context, c redis.UniversalClient, key string) {
	for ctx.Err() == nil {
		start := time.Now()
		if err := c.Set(background, key, "v", 0).Err(); err != nil {
			o.mu.Lock()
			if o.first.IsZero() {
				o.first = start
			}
			o.last = time.Now()
			o.mu.Unlock()
		}
		// real time: a load that leaves the machine to others too
		time.Sleep(10 * time.Millisecond)
	}
}

func (o *outage) took() time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.last.Sub(o.first)
}

// over reports whether there has been no error for a while, in which breakers are
// probed.
func (o *outage) over() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.last.IsZero() && time.Since(o.last) > 3*time.Second
}
