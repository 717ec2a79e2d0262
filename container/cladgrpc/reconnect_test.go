package cladgrpc_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/container/cladgrpc"
	"github.com/cladgo/clad/policy"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
)

// instance is a server that can be restarted, in memory, so that it lives in
// virtual time.
type instance struct {
	shop    *shop
	mu      sync.Mutex
	server  *grpc.Server
	network *bufconn.Listener

	gracefully bool
}

func (i *instance) start() {
	network, server := bufconn.Listen(1<<16), grpc.NewServer()
	server.RegisterService(i.shop.desc(), i.shop)
	go func() { _ = server.Serve(network) }()
	i.mu.Lock()
	defer i.mu.Unlock()
	i.server, i.network = server, network
}

func (i *instance) stop() {
	i.mu.Lock()
	server := i.server
	i.network = nil
	i.mu.Unlock()
	if i.gracefully {
		server.GracefulStop()
	} else {
		server.Stop()
	}
}

func (i *instance) dial(ctx context.Context, _ string) (net.Conn, error) {
	i.mu.Lock()
	network := i.network
	i.mu.Unlock()
	if network == nil {
		return nil, errors.New("connection refused")
	}
	return network.DialContext(ctx)
}

// restartable runs a test with a server and a connection under the layers.
func restartable(t *testing.T, s *shop, layers []policy.Policy, test func(t *testing.T, i *instance, cc *grpc.ClientConn, totals func() policy.Totals), opts ...grpc.DialOption) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		i := &instance{shop: s}
		r, totals := counted(t, layers...)
		cc, err := grpc.NewClient("passthrough:///shop", append(opts, grpc.WithContextDialer(i.dial),
			grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithChainUnaryInterceptor(cladgrpc.UnaryClient(r)), grpc.WithChainStreamInterceptor(cladgrpc.StreamClient(r)))...)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := cc.Close(); err != nil {
				t.Error(err)
			}
			if i.server != nil {
				i.server.Stop()
			}
			synctest.Wait()
		}()
		test(t, i, cc, totals)
	})
}

// busyShop takes its time for a call.
func busyShop() *shop {
	return &shop{
		unary: func(ctx context.Context, text string) (string, error) {
			select {
			case <-ctx.Done():
				return "", ctx.Err()
			case <-time.After(10 * time.Millisecond):
				return text, nil
			}
		},
		stream: func(s grpc.ServerStream) error { <-s.Context().Done(); return s.Context().Err() },
	}
}

// A server that was restarted at once was away for 30 seconds: the calls that were
// under way on its connection, and those that gRPC fails until it connects again,
// opened the circuit.
func TestARestartOpensNoCircuit(t *testing.T) {
	for n, method := range []string{find, pay, find, pay} {
		restartable(t, busyShop(), []policy.Policy{atOnce(3), policy.CircuitBreaker{}, policy.Timeout(time.Second)},
			func(t *testing.T, i *instance, cc *grpc.ClientConn, totals func() policy.Totals) {
				i.gracefully = n >= 2
				i.start()
				var failed, last atomic.Int64
				ctx, stop := context.WithCancel(t.Context())
				var callers sync.WaitGroup
				for range 8 {
					callers.Go(func() {
						for ctx.Err() == nil {
							if _, err := call(t.Context(), cc, method); err != nil {
								failed.Add(1)
								last.Store(time.Now().UnixNano())
							}
							time.Sleep(20 * time.Millisecond)
						}
					})
				}
				time.Sleep(100 * time.Millisecond)
				i.stop()
				gone := time.Now()
				time.Sleep(50 * time.Millisecond)
				i.start()
				time.Sleep(3 * time.Second)
				stop()
				callers.Wait()
				away := time.Unix(0, last.Load()).Sub(gone)
				if failed.Load() == 0 || away > 1300*time.Millisecond {
					t.Errorf("%s: %d calls failed in %v", method, failed.Load(), away)
				}
				if got := totals(); got.CircuitBreakerTrips != 0 || got.CircuitBreakerRejections != 0 {
					t.Errorf("%s: counted %+v", method, got)
				}
			})
	}
}

// Calls under way on one connection fail together: that is one failure.
func TestALostConnectionIsOneFailure(t *testing.T) {
	for name, make := range map[string]func(context.Context, *grpc.ClientConn) error{
		"calls":   func(ctx context.Context, cc *grpc.ClientConn) error { _, err := call(ctx, cc, find); return err },
		"streams": func(ctx context.Context, cc *grpc.ClientConn) error { return ask(ctx, cc, list) },
	} {
		restartable(t, busyShop(), []policy.Policy{policy.CircuitBreaker{FailureThreshold: 3}},
			func(t *testing.T, i *instance, cc *grpc.ClientConn, totals func() policy.Totals) {
				for n := range uint64(3) {
					if got := totals(); got.CircuitBreakerTrips != 0 || got.FailedOperations != 10*n {
						t.Errorf("%s, after %d losses: %+v", name, n, got)
					}
					i.start()
					var callers sync.WaitGroup
					for range 10 {
						callers.Go(func() {
							if err := make(t.Context(), cc); status.Code(err) != codes.Unavailable || errors.Unwrap(err) != nil {
								t.Errorf("%s: %T %v", name, err, err)
							}
						})
					}
					time.Sleep(5 * time.Millisecond)
					i.stop()
					callers.Wait()
					time.Sleep(time.Minute) // gRPC is ready to connect again
				}
				if got := totals(); got.CircuitBreakerTrips != 1 || got.FailedOperations != 30 {
					t.Errorf("%s, after three: %+v", name, got)
				}
			})
	}
}

// A server that does not come back is an outage, and the circuit opens.
func TestAnOutageOpensTheCircuit(t *testing.T) {
	restartable(t, busyShop(), []policy.Policy{policy.CircuitBreaker{FailureThreshold: 5}},
		func(t *testing.T, i *instance, cc *grpc.ClientConn, totals func() policy.Totals) {
			i.start()
			if _, err := call(t.Context(), cc, find); err != nil {
				t.Fatal(err)
			}
			i.stop()
			for range 100 {
				if _, err := call(t.Context(), cc, find); status.Code(err) != codes.Unavailable || errors.Is(err, policy.ErrCircuitOpen) {
					t.Errorf("got %v", err)
				}
			}
			time.Sleep(5 * time.Second)
			for range 4 {
				_, _ = call(t.Context(), cc, find)
			}
			if _, err := call(t.Context(), cc, find); !errors.Is(err, policy.ErrCircuitOpen) || totals().CircuitBreakerTrips != 1 {
				t.Errorf("got %v", err)
			}
		})
}

// Where there never was a connection, there is none to come back.
func TestAServerThatNeverWasThereOpensTheCircuit(t *testing.T) {
	restartable(t, busyShop(), []policy.Policy{policy.CircuitBreaker{FailureThreshold: 5}},
		func(t *testing.T, _ *instance, cc *grpc.ClientConn, totals func() policy.Totals) {
			for range 5 {
				if _, err := call(t.Context(), cc, find); status.Code(err) != codes.Unavailable {
					t.Errorf("got %v", err)
				}
			}
			if got := totals(); got.CircuitBreakerTrips != 1 {
				t.Errorf("counted %+v", got)
			}
		})
}

// A server that says itself that it is unavailable has a connection.
func TestUnavailableServersOpenTheCircuit(t *testing.T) {
	s := busyShop()
	s.unary = func(context.Context, string) (string, error) { return "", status.Error(codes.Unavailable, "busy") }
	restartable(t, s, []policy.Policy{policy.CircuitBreaker{FailureThreshold: 5}},
		func(t *testing.T, i *instance, cc *grpc.ClientConn, totals func() policy.Totals) {
			i.start()
			var callers sync.WaitGroup
			for range 5 {
				callers.Go(func() { _, _ = call(t.Context(), cc, find) })
			}
			callers.Wait()
			if got := totals(); got.CircuitBreakerTrips != 1 {
				t.Errorf("counted %+v", got)
			}
		})
}

// A call that gRPC itself has sent, and then had no connection to send again, is
// not one that was never sent: a payment would be made twice.
func TestWhatGRPCRepeatsIsNotTakenForUnsent(t *testing.T) {
	s := &shop{}
	restartable(t, s, []policy.Policy{policy.Retry{MaxAttempts: 3, Backoff: policy.Fixed(5 * time.Second)}},
		func(t *testing.T, i *instance, cc *grpc.ClientConn, _ func() policy.Totals) {
			s.unary = func(context.Context, string) (string, error) {
				time.AfterFunc(10*time.Millisecond, i.stop)
				time.AfterFunc(2*time.Second, i.start)
				return "", status.Error(codes.Unavailable, "going down")
			}
			i.start()
			if _, err := call(t.Context(), cc, pay); status.Code(err) != codes.Unavailable || s.calls.Load() != 1 {
				t.Errorf("called %d times: %v", s.calls.Load(), err)
			}
			time.Sleep(10 * time.Second)
		},
		grpc.WithDefaultServiceConfig(`{"methodConfig": [{"name": [{"service": "clad.test.Shop"}], "retryPolicy":
			{"maxAttempts": 2, "initialBackoff": "1s", "maxBackoff": "1s", "backoffMultiplier": 1, "retryableStatusCodes": ["UNAVAILABLE"]}}]}`))
}
