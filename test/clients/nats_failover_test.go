package clients

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/internal/failover"
	"github.com/cladgo/clad/policy"
)

// Ledger is guarded as docs/recipes/nats.md says.
type Ledger interface {
	//clad:once
	Add(ctx context.Context, id string) error
	Last(ctx context.Context) error
}

type ledger struct{ js jetstream.JetStream }

const entries = "entries"

// Add leaves retries to the policy. The entry has no id that JetStream knows.
func (l ledger) Add(ctx context.Context, id string) error {
	_, err := l.js.Publish(ctx, entries, []byte(id), jetstream.WithRetryAttempts(0))
	return err
}

func (l ledger) Last(ctx context.Context) error {
	stream, err := l.js.Stream(ctx, entries)
	if err == nil {
		_, err = stream.GetLastMsgForSubject(ctx, entries)
	}
	return err
}

func TestNATSRestartIsSurvived(t *testing.T) {
	t.Parallel()
	failover.Survive(t, func() failover.Run {
		s, again := restartableNATS(t, "")
		clients := ledgers(t, s.addr, 1)
		return failover.Run{Failover: "NATS is killed and started again", Server: natsVersion(t), Clients: clients, Happen: func() {
			s.kill()
			// real time: somebody notices
			time.Sleep(1500 * time.Millisecond)
			again()
		}}
	})
}

func TestNATSLeaderIsSurvived(t *testing.T) {
	t.Parallel()
	failover.Survive(t, func() failover.Run {
		var ports, routes, addrs []string
		for range 3 {
			ports = append(ports, freePort(t))
			routes = append(routes, "nats://127.0.0.1:"+ports[len(ports)-1])
		}
		servers := make(map[string]*server)
		for i, port := range ports {
			name := fmt.Sprint("n", i)
			s, _ := restartableNATS(t, fmt.Sprintf("server_name: %s\ncluster { name: test, listen: \"127.0.0.1:%s\", routes: [%s] }", name, port, strings.Join(routes, ", ")))
			servers[name] = s
			addrs = append(addrs, s.addr)
		}
		clients := ledgers(t, strings.Join(addrs, ",nats://"), 3)
		return failover.Run{Failover: "NATS: the leader of a stream is killed, of three servers", Server: natsVersion(t), Clients: clients, Happen: func() {
			stream, err := jetStream(t, dialNATS(t, addrs[0])).Stream(t.Context(), entries)
			if err != nil {
				t.Error(err)
				return
			}
			servers[stream.CachedInfo().Cluster.Leader].kill()
		}}
	})
}

func natsVersion(t *testing.T) string {
	t.Helper()
	return "NATS " + failover.Version(t, "nats-server", "--version")
}

// restartableNATS is startNATS with a way to start the server again.
func restartableNATS(t *testing.T, config string) (s *server, again func()) {
	t.Helper()
	s = startNATS(t, config)
	args := s.cmd.Args
	return s, func() { *s = *start(t, s.addr[strings.LastIndex(s.addr, ":")+1:], args[0], args[1:]...) }
}

// ledgers are those of connections with all settings at their defaults, and of such
// that keep nothing for later.
func ledgers(t *testing.T, addr string, replicas int) (clients []failover.Client) {
	t.Helper()
	js := jetStream(t, dialNATS(t, addr))
	until(t, "the stream is there", func() error { // a cluster needs seconds
		_, err := js.CreateOrUpdateStream(within(t, 2*time.Second), jetstream.StreamConfig{Name: entries, Subjects: []string{entries}, Replicas: replicas})
		return err
	})
	until(t, "the first entry is there", func() error { return ledger{js}.Add(within(t, time.Second), "first") })
	for way, opts := range map[string][]nats.Option{"by default": {}, "with ReconnectBufSize(-1)": {nats.ReconnectBufSize(-1)}} {
		open := func() Ledger {
			return ledger{jetStream(t, dialNATS(t, addr, append(opts, nats.MaxReconnects(-1))...))}
		}
		box, err := container.New(policy.Catalog{Policies: map[string]policy.Policy{"nats": failover.Policy}})
		if err != nil {
			t.Fatal(err)
		}
		var guarded Ledger
		if err := errors.Join(box.Provide(container.Tag(open, "nats")), box.Invoke(func(l Ledger) { guarded = l })); err != nil {
			t.Fatal(err)
		}
		calls := func(l Ledger) failover.Calls { return failover.Calls{Read: l.Last, Write: l.Add} }
		clients = append(clients, failover.Client{
			Module: natsGo, Way: way, Bare: calls(hasty{open()}), Guarded: calls(guarded),
			Effects: func(context.Context) ([]string, error) { return allEntries(within(t, 20*time.Second), js) },
		})
	}
	return clients
}

// hasty has calls end in the time that the policy gives them.
type hasty struct{ next Ledger }

func (h hasty) Add(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	return h.next.Add(ctx, id)
}

func (h hasty) Last(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	return h.next.Last(ctx)
}

func allEntries(ctx context.Context, js jetstream.JetStream) (ids []string, err error) {
	stream, err := js.Stream(ctx, entries)
	if err != nil {
		return nil, err
	}
	// By number: a consumer may be placed on the server that is gone.
	for n := range stream.CachedInfo().State.LastSeq {
		m, err := stream.GetMsg(ctx, n+1)
		if err != nil {
			return nil, err
		}
		ids = append(ids, string(m.Data))
	}
	return ids, nil
}
