package cladgrpc

import (
	"context"
	"sync"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

// HealthServer says how the services of an orchestrator are, by gRPC's own protocol
// for that:
//
//	health := cladgrpc.NewHealthServer(orchestrator)
//	healthpb.RegisterHealthServer(server, health)
//
// The service "" is the application: NOT_SERVING while a circuit breaker of a service
// is open that the profile marks as critical. The tagged services go by their names,
// as in errors, logs and metrics: NOT_SERVING while a circuit breaker of theirs is
// open, critical or not. It is for readiness, never for liveness.
//
// Breakers are looked at when somebody asks, and for those who watch every second,
// in the goroutines of their streams.
type HealthServer struct {
	healthpb.UnimplementedHealthServer

	orchestrator *container.Orchestrator
	down         chan struct{}
	shutdown     sync.Once
}

// NewHealthServer returns a server that says how the services of o are.
func NewHealthServer(o *container.Orchestrator) *HealthServer {
	return &HealthServer{orchestrator: o, down: make(chan struct{})}
}

// Shutdown has everything be NOT_SERVING from now on, for those who are to go
// elsewhere before the server stops, and ends the streams of those who watch, which
// GracefulStop would wait for.
func (h *HealthServer) Shutdown() { h.shutdown.Do(func() { close(h.down) }) }

// Check says how a service is. One that there is not, or not yet, is NotFound.
func (h *HealthServer) Check(_ context.Context, in *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
	now := h.status(in.GetService())
	if now == healthpb.HealthCheckResponse_SERVICE_UNKNOWN {
		return nil, status.Error(codes.NotFound, "unknown service")
	}
	return &healthpb.HealthCheckResponse{Status: now}, nil
}

// List says how all services are.
func (h *HealthServer) List(context.Context, *healthpb.HealthListRequest) (*healthpb.HealthListResponse, error) {
	all := h.all()
	found := make(map[string]*healthpb.HealthCheckResponse, len(all))
	for name, now := range all {
		found[name] = &healthpb.HealthCheckResponse{Status: now}
	}
	return &healthpb.HealthListResponse{Statuses: found}, nil
}

// watchEvery is how soon those who watch hear of a change.
const watchEvery = time.Second

// Watch says how a service is, now and whenever that changes. One that there is not
// is SERVICE_UNKNOWN, and may come.
func (h *HealthServer) Watch(in *healthpb.HealthCheckRequest, stream healthpb.Health_WatchServer) error {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	told := healthpb.HealthCheckResponse_ServingStatus(-1)
	for {
		stopping := h.stopping() // before the status, which says so too
		if now := h.status(in.GetService()); now != told {
			if err := stream.Send(&healthpb.HealthCheckResponse{Status: now}); err != nil {
				return err
			}
			told = now
		}
		if stopping {
			return status.Error(codes.Unavailable, "the server shuts down")
		}
		select {
		case <-ticker.C:
		case <-stream.Context().Done():
			return status.FromContextError(stream.Context().Err()).Err()
		case <-h.down:
		}
	}
}

func (h *HealthServer) stopping() bool {
	select {
	case <-h.down:
		return true
	default:
		return false
	}
}

func (h *HealthServer) status(service string) healthpb.HealthCheckResponse_ServingStatus {
	if now, ok := h.all()[service]; ok {
		return now
	}
	return healthpb.HealthCheckResponse_SERVICE_UNKNOWN
}

// all says how all services are, and under "" the application.
func (h *HealthServer) all() map[string]healthpb.HealthCheckResponse_ServingStatus {
	health := h.orchestrator.Health()
	serving := func(yes bool) healthpb.HealthCheckResponse_ServingStatus {
		if yes && !h.stopping() {
			return healthpb.HealthCheckResponse_SERVING
		}
		return healthpb.HealthCheckResponse_NOT_SERVING
	}
	all := make(map[string]healthpb.HealthCheckResponse_ServingStatus, len(health.Services)+1)
	for _, s := range health.Services {
		all[s.Name] = serving(s.State != policy.StateOpen)
	}
	all[""] = serving(health.Ready)
	return all
}
