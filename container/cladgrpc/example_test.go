package cladgrpc_test

import (
	"fmt"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/cladgrpc"
	"github.com/cladgo/clad/policy"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

// A connection whose calls are guarded: they are made of interceptors.
func ExampleUnaryClient() {
	orchestrator, err := container.NewOrchestrator(policy.Catalog{})
	if err != nil {
		fmt.Println(err)
		return
	}
	runner, err := orchestrator.For("shop", policy.Combine(policy.Retry{}, policy.CircuitBreaker{}))
	if err != nil {
		fmt.Println(err)
		return
	}
	conn, err := grpc.NewClient("localhost:50051",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithChainUnaryInterceptor(cladgrpc.UnaryClient(runner)),
		grpc.WithChainStreamInterceptor(cladgrpc.StreamClient(runner)))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(conn.Close())
	// Output: <nil>
}

func ExampleStatus() {
	err := fmt.Errorf("charging: %w", &policy.CircuitOpenError{Name: "payments"})
	fmt.Println(cladgrpc.Status(err).Code())
	_, isGRPC := status.FromError(err)
	fmt.Println(isGRPC)
	// Output:
	// Unavailable
	// false
}
