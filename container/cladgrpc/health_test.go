package cladgrpc_test

import (
	"context"
	"maps"
	"net"
	"testing"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/cladgrpc"
	"github.com/cladgo/clad/policy"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

const (
	serving    = healthpb.HealthCheckResponse_SERVING
	notServing = healthpb.HealthCheckResponse_NOT_SERVING
	unknown    = healthpb.HealthCheckResponse_SERVICE_UNKNOWN
)

// Two services, of which the first is critical.
type (
	ledger func(context.Context) error
	mail   func(context.Context) error
)

// clinic is a real server that says how they are, and a real client.
type clinic struct {
	*container.Container
	t      *testing.T
	health *cladgrpc.HealthServer
	server *grpc.Server
	client healthpb.HealthClient
}

func openClinic(t *testing.T) *clinic {
	t.Helper()
	box, err := container.New(policy.Catalog{
		Policies: map[string]policy.Policy{"guarded": policy.CircuitBreaker{}},
		Services: map[string]policy.Service{"cladgrpc_test.ledger": {Critical: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &clinic{box, t, cladgrpc.NewHealthServer(box.Orchestrator()), grpc.NewServer(), nil}
	healthpb.RegisterHealthServer(c.server, c.health)
	go func() { _ = c.server.Serve(l) }()
	t.Cleanup(c.server.Stop)
	c.client = healthpb.NewHealthClient(dial(t, l.Addr().String()))
	return c
}

// start makes the services.
func (c *clinic) start() {
	c.t.Helper()
	for _, ctor := range []any{
		func() ledger { return func(context.Context) error { return nil } },
		func() mail { return func(context.Context) error { return nil } },
	} {
		if err := c.Provide(container.Tag(ctor, "guarded")); err != nil {
			c.t.Fatal(err)
		}
	}
	if err := c.Invoke(func(ledger, mail) {}); err != nil {
		c.t.Fatal(err)
	}
}

func (c *clinic) breaker(name string) *container.CircuitBreaker {
	c.t.Helper()
	b, ok := c.Orchestrator().CircuitBreaker("cladgrpc_test." + name)
	if !ok {
		c.t.Fatal("no breaker of " + name)
	}
	return b
}

func (c *clinic) want(all map[string]healthpb.HealthCheckResponse_ServingStatus) {
	c.t.Helper()
	for service, want := range all {
		got, err := c.client.Check(c.t.Context(), &healthpb.HealthCheckRequest{Service: service})
		if err != nil || got.GetStatus() != want {
			c.t.Errorf("%q: %v, %v; want %v", service, got.GetStatus(), err, want)
		}
	}
	list, err := c.client.List(c.t.Context(), &healthpb.HealthListRequest{})
	if err != nil {
		c.t.Fatal(err)
	}
	listed := map[string]healthpb.HealthCheckResponse_ServingStatus{}
	for service, its := range list.GetStatuses() {
		listed[service] = its.GetStatus()
	}
	if !maps.Equal(listed, all) {
		c.t.Errorf("listed %v, want %v", listed, all)
	}
}

func TestHealthIsToldPerService(t *testing.T) {
	c := openClinic(t)
	type all = map[string]healthpb.HealthCheckResponse_ServingStatus
	c.want(all{"": serving})
	c.start()
	c.want(all{"": serving, "cladgrpc_test.ledger": serving, "cladgrpc_test.mail": serving})
	c.breaker("mail").ForceOpen()
	c.want(all{"": serving, "cladgrpc_test.ledger": serving, "cladgrpc_test.mail": notServing})
	c.breaker("ledger").ForceOpen()
	c.want(all{"": notServing, "cladgrpc_test.ledger": notServing, "cladgrpc_test.mail": notServing})
	c.breaker("ledger").Reset()
	c.breaker("mail").Reset()
	c.want(all{"": serving, "cladgrpc_test.ledger": serving, "cladgrpc_test.mail": serving})
	if _, err := c.client.Check(t.Context(), &healthpb.HealthCheckRequest{Service: "no such"}); status.Code(err) != codes.NotFound {
		t.Errorf("an unknown service: %v", err)
	}
	c.health.Shutdown()
	c.health.Shutdown()
	c.want(all{"": notServing, "cladgrpc_test.ledger": notServing, "cladgrpc_test.mail": notServing})
}

// Those who watch hear of each change, of a service that comes later too, and are
// let go when the server shuts down.
func TestHealthIsWatched(t *testing.T) {
	c := openClinic(t)
	watch := func(service string) healthpb.Health_WatchClient {
		t.Helper()
		w, err := c.client.Watch(t.Context(), &healthpb.HealthCheckRequest{Service: service})
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	want := func(w healthpb.Health_WatchClient, want healthpb.HealthCheckResponse_ServingStatus) {
		t.Helper()
		got, err := w.Recv()
		if err != nil || got.GetStatus() != want {
			t.Errorf("%v, %v; want %v", got.GetStatus(), err, want)
		}
	}
	whole, its, mails := watch(""), watch("cladgrpc_test.ledger"), watch("cladgrpc_test.mail")
	want(whole, serving)
	want(its, unknown)
	want(mails, unknown)
	c.start()
	want(its, serving)
	want(mails, serving)
	c.breaker("ledger").ForceOpen()
	want(whole, notServing)
	want(its, notServing)
	c.breaker("ledger").Automatic()
	want(whole, serving)
	want(its, serving)
	c.health.Shutdown()
	for _, w := range []healthpb.Health_WatchClient{whole, its, mails} {
		want(w, notServing)
		if _, err := w.Recv(); status.Code(err) != codes.Unavailable {
			t.Errorf("after Shutdown: %v", err)
		}
	}
	c.server.GracefulStop() // waits for nobody
}
