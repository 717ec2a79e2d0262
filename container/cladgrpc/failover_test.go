package cladgrpc_test

import (
	"context"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/cladgrpc"
	"github.com/cladgo/clad/internal/failover"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// Restarts on real connections are seen as they are without clad, and open no circuit.
func TestRestartsAreSurvived(t *testing.T) {
	for what, restart := range map[string]func(*listening){
		"gRPC: a server ends gracefully, and another one starts":                          (*listening).succeed,
		"gRPC: servers are closed, one after the other, each with the next one listening": (*listening).roll,
	} {
		var orchestrators []*container.Orchestrator
		failover.Survive(t, func() failover.Run {
			l := &listening{t: t}
			l.listen("127.0.0.1:0")
			t.Cleanup(func() { l.server.Stop() })
			o := newOrchestrator(t)
			orchestrators = append(orchestrators, o)
			r, err := o.For("shop", failover.Policy)
			if err != nil {
				t.Fatal(err)
			}
			calls := func(opts ...grpc.DialOption) failover.Calls {
				cc := dial(t, l.addr, opts...)
				invoke := func(ctx context.Context, method, text string) error {
					return cc.Invoke(ctx, method, wrapperspb.String(text), new(wrapperspb.StringValue))
				}
				return failover.Calls{
					Read:  func(ctx context.Context) error { return invoke(ctx, find, "") },
					Write: func(ctx context.Context, id string) error { return invoke(ctx, pay, id) },
				}
			}
			return failover.Run{
				Failover: what, Server: "grpc-go", Happen: func() { restart(l) },
				Clients: []failover.Client{{
					Module: "google.golang.org/grpc", Bare: calls(), Guarded: calls(grpc.WithChainUnaryInterceptor(cladgrpc.UnaryClient(r))),
					Effects: l.all,
				}},
			}
		})
		for _, o := range orchestrators {
			if m := o.Metrics(); m.CircuitBreakerTrips != 0 || m.CircuitBreakerRejections != 0 {
				t.Errorf("%s: counted %+v", what, m.Totals)
			}
		}
	}
}

// listening is a server on loopback, which another one may follow. It takes ten
// milliseconds for a call.
type listening struct {
	t        *testing.T
	addr     string
	listener net.Listener
	server   *grpc.Server

	mu      sync.Mutex
	effects []string
}

func (l *listening) listen(addr string) {
	var err error
	if l.listener, err = net.Listen("tcp", addr); err != nil {
		l.t.Error(err)
		return
	}
	l.addr = l.listener.Addr().String()
	l.serve()
}

func (l *listening) serve() {
	shop := &shop{unary: func(_ context.Context, text string) (string, error) {
		if text != "" {
			l.mu.Lock()
			l.effects = append(l.effects, text)
			l.mu.Unlock()
		}
		// real time: calls that are under way
		time.Sleep(10 * time.Millisecond)
		return text, nil
	}}
	l.server = grpc.NewServer()
	l.server.RegisterService(shop.desc(), shop)
	server, listener := l.server, l.listener
	go func() { _ = server.Serve(listener) }()
}

// succeed lets calls end, and has another server listen then. Clients find none at
// first, and wait for a second.
func (l *listening) succeed() {
	l.server.GracefulStop()
	// real time: a process starts
	time.Sleep(50 * time.Millisecond)
	l.listen(l.addr)
}

func (l *listening) roll() {
	for range 5 {
		l.replace()
		// real time: a load on real connections
		time.Sleep(100 * time.Millisecond)
	}
}

// replace has the next server listen first, and ends calls that are under way.
func (l *listening) replace() {
	old := l.server
	file, err := l.listener.(*net.TCPListener).File() // the socket itself goes on listening
	if err != nil {
		l.t.Error(err)
		return
	}
	defer func() { _ = file.Close() }()
	if l.listener, err = net.FileListener(file); err != nil {
		l.t.Error(err)
		return
	}
	l.serve()
	old.Stop()
}

func (l *listening) all(context.Context) ([]string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.effects), nil
}
