package cladredis_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cladgo/clad/internal/failover"
	"github.com/cladgo/clad/policy"
	"github.com/redis/go-redis/v9"
)

// Breakers that stayed open for 30s made failovers ten times as long.

func TestAReplicaThatIsPromotedIsSurvived(t *testing.T) {
	t.Parallel()
	survives(t, "Redis is a replica that is promoted", func() (keys, func() *redis.Client, func()) {
		replica := newReplica(t, newServer(t))
		// The clients talk to the replica: it refuses writes until it is the master.
		return keys{"": "k"}, clientOf(t, replica), func() {
			// real time: somebody notices, and decides
			time.Sleep(2500 * time.Millisecond)
			if err := replica.bare().Do(background, "replicaof", "no", "one").Err(); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestAServerThatLoadsItsDataIsSurvived(t *testing.T) {
	t.Parallel()
	survives(t, "Redis loads its data", func() (keys, func() *redis.Client, func()) {
		s := newServer(t, "--enable-debug-command", "yes", "--loading-process-events-interval-bytes", "1024")
		for _, args := range [][]any{{"debug", "populate", 6000, "filler", 64}, {"config", "set", "key-load-delay", 300}} {
			if err := s.bare().Do(background, args...).Err(); err != nil {
				t.Fatal(err)
			}
		}
		return keys{"": "k"}, clientOf(t, s), func() { _ = s.bare().Do(background, "debug", "reload").Err() }
	})
}

// After 3 s go-redis itself sends again what it got no answer to, and has it happen
// twice; after 1 s an attempt is over that the policy allows.
func TestAServerThatHangsIsSurvived(t *testing.T) {
	t.Parallel()
	for what, long := range map[string]time.Duration{"Redis hangs for 1.5 s": 1500 * time.Millisecond, "Redis hangs for 4 s": 4 * time.Second} {
		survives(t, what, func() (keys, func() *redis.Client, func()) {
			s := newServer(t)
			return keys{"": "k"}, clientOf(t, s), func() {
				s.freeze()
				// real time: how long it hangs
				time.Sleep(long)
				s.thaw()
			}
		})
	}
}

func TestAMasterOfAClusterThatIsRestartedIsSurvived(t *testing.T) {
	t.Parallel()
	survives(t, "Redis Cluster: a master is killed and started again", func() (keys, func() *redis.ClusterClient, func()) {
		s := newCluster(t, "--appendonly", "yes")
		keys := keys{"keys of its own": s.keys()[0], "keys of others": s.keys()[1]}
		return keys, s.bare, func() {
			s.servers[0].kill()
			// real time: somebody starts it again
			time.Sleep(2 * time.Second)
			s.servers[0].start()
		}
	})
}

func TestAReplicaInTheMastersPlaceIsSurvived(t *testing.T) {
	t.Parallel()
	survives(t, "Redis is killed, and Sentinels promote its replica", func() (keys, func() *redis.Client, func()) {
		master := newServer(t)
		sentinels := newSentinels(t, master)
		client := func() *redis.Client {
			c := redis.NewFailoverClient(&redis.FailoverOptions{MasterName: "main", SentinelAddrs: sentinels})
			t.Cleanup(func() { _ = c.Close() })
			return c
		}
		return keys{"": "k"}, client, func() {
			master.kill()
			await(t, "another master", func() bool {
				sentinel := redis.NewSentinelClient(&redis.Options{Addr: sentinels[0]})
				defer func() { _ = sentinel.Close() }()
				addr, err := sentinel.GetMasterAddrByName(background, "main").Result()
				return err == nil && net.JoinHostPort(addr[0], addr[1]) != master.addr
			})
		}
	})
}

// clientOf makes clients with all settings left at their defaults.
func clientOf(t *testing.T, s *server) func() *redis.Client {
	return func() *redis.Client {
		c := redis.NewClient(&redis.Options{Addr: s.addr})
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
}

// keys are the lists that one client reads and writes, by what is said of them.
type keys map[string]string

// survives has a failover happen to a client. Where it only keeps a server from
// writing, callers only write: reads would keep a breaker closed.
func survives[C redis.UniversalClient](t *testing.T, what string, prepare func() (k keys, client func() C, happen func())) {
	t.Helper()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	failover.Survive(t, func() failover.Run {
		keys, client, happen := prepare()
		bare := client()
		wrapped, _ := guarded(t, policy.Catalog{Policies: map[string]policy.Policy{"cache": failover.Policy}}, client)
		calls := func(c redis.UniversalClient, key string) failover.Calls {
			calls := failover.Calls{
				Write: func(ctx context.Context, id string) error { return c.RPush(ctx, key, id).Err() },
			}
			if !strings.Contains(what, "is a replica") {
				calls.Read = func(ctx context.Context) error { return c.LLen(ctx, key).Err() }
			}
			return calls
		}
		run := failover.Run{
			Failover: what, Server: "Redis " + failover.Version(t, "redis-server", "--version"), Happen: happen,
			Forgets: strings.Contains(what, "Sentinel"), // a replica follows later
		}
		for way, key := range keys {
			run.Clients = append(run.Clients, failover.Client{
				Module: "github.com/redis/go-redis/v9", Way: way, Bare: calls(bare, key), Guarded: calls(wrapped, key),
				Effects: func(ctx context.Context) ([]string, error) { return client().LRange(ctx, key, 0, -1).Result() },
			})
		}
		return run
	})
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
		s := &server{t: t, binary: master.binary, addr: "127.0.0.1:" + port, args: []string{file, "--sentinel", "--port", port, "--bind", "127.0.0.1"}}
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
	replica := newServerOf(t, master.binary, "--replicaof", strings.Replace(master.addr, ":", " ", 1), "--repl-diskless-sync-delay", "0")
	await(t, "the replica", func() bool {
		info, _ := replica.bare().Info(background, "replication").Result()
		return strings.Contains(info, "master_link_status:up")
	})
	return replica
}
