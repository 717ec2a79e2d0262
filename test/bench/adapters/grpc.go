package adapters

import (
	"context"
	"errors"
	"net"

	"github.com/cladgo/clad/container/cladgrpc"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/retry"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/timeout"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/test/bufconn"
)

func grpcCases() []Case {
	const row = "grpc-unary"
	return append(bare(row, func() (*opened, error) { return inMemory() }),
		Case{Row: row, System: "clad", Form: "cladgrpc", open: func() (*opened, error) {
			o, r, err := runner("grpc")
			if err != nil {
				return nil, err
			}
			made, err := inMemory(grpc.WithUnaryInterceptor(cladgrpc.UnaryClient(r)))
			if err == nil {
				made.protected = books(o, "grpc")
			}
			return made, err
		}},
		Case{Row: row, System: "go-grpc-middleware", open: func() (*opened, error) {
			return inMemory(grpc.WithChainUnaryInterceptor(
				retry.UnaryClientInterceptor(retry.WithMax(attempts)),
				timeout.UnaryClientInterceptor(bound),
			))
		}},
	)
}

// inMemory asks over a connection in memory.
func inMemory(opts ...grpc.DialOption) (*opened, error) {
	l := bufconn.Listen(1 << 20)
	return dialled(l, "passthrough:bufconn", append(opts,
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))...)
}

// dialled is gRPC's own health service, asked at a target at which it listens.
func dialled(l net.Listener, target string, opts ...grpc.DialOption) (*opened, error) {
	s := grpc.NewServer()
	healthpb.RegisterHealthServer(s, health.NewServer())
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	conn, err := grpc.NewClient(target, append(opts, grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		s.Stop()
		return nil, errors.Join(err, <-served)
	}
	client, request := healthpb.NewHealthClient(conn), &healthpb.HealthCheckRequest{}
	return &opened{
		call: func(ctx context.Context) error {
			_, err := client.Check(ctx, request)
			return err
		},
		close: func() error {
			err := conn.Close()
			s.Stop()
			return errors.Join(err, <-served)
		},
	}, nil
}
