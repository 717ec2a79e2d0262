package cladtest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/cladtest"
	"github.com/cladgo/clad/policy"
)

// Wire sends a request to the bank.
type Wire func(ctx context.Context, request string) (string, error)

// NewWire connects to the bank.
func NewWire() Wire {
	return func(_ context.Context, request string) (string, error) { return "did " + request, nil }
}

// A tagged constructor makes a dependency whose first two attempts fail, whatever it
// would have answered.
func Example() {
	t := new(testing.T) // in a test, its own
	faults, record := cladtest.NewFaults(t), cladtest.NewRecord(t)
	c := cladtest.Container(t, `
		policies:
		  bank: {retry: {max_attempts: 3, backoff: {type: fixed, delay: 1ms}}, attempt_timeout: 5s}
	`, faults, record)
	if err := c.Provide(container.Tag(NewWire, "bank")); err != nil {
		t.Fatal(err)
	}
	faults.On("cladtest_test.Wire").First(2).Fail(errors.New("busy"))
	err := c.Invoke(func(wire Wire) {
		fmt.Println(wire(context.Background(), "charge 7"))
	})
	if err != nil {
		t.Fatal(err)
	}
	record.AssertAttempts("cladtest_test.Wire", 3)
	cladtest.AssertLayers(t, c.Orchestrator(), "cladtest_test.Wire", "retry", "timeout(5s)")
	fmt.Println(t.Failed(), record.Attempts("cladtest_test.Wire"))
	// Output:
	// did charge 7 <nil>
	// false [3]
}

// Attempts of an operation can be slow, hang, fail or panic: all, some, or from some
// attempt on.
func ExampleFaults_On() {
	t := new(testing.T) // in a test, its own
	faults := cladtest.NewFaults(t)
	o := cladtest.Orchestrator(t, "policies: {bank: {circuit_breaker: {failure_threshold: 2}}}", faults)

	bank := faults.On("bank")
	bank.Nth(1).Fail(errors.New("busy"))
	bank.After(2).Fail(errors.New("gone"))

	runner, err := o.Pipeline("bank")
	if err != nil {
		t.Fatal(err)
	}
	for range 4 {
		fmt.Println(runner.Run(context.Background(), func(context.Context) error { return nil }))
	}
	cladtest.AssertCircuitBreaker(t, o, "bank", policy.StateOpen)
	// Output:
	// busy
	// <nil>
	// gone
	// gone
}
