package bench

import (
	"fmt"
	"runtime"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// Memory is what pipelines hold while nothing happens.
type Memory struct {
	What      string  `json:"what"`
	Pipelines int     `json:"pipelines"`
	Bytes     float64 `json:"bytes"` // per pipeline
}

// MeasureMemory makes pipelines of every kind and weighs them.
func MeasureMemory() ([]Memory, error) {
	s := settings()
	s.Retry, s.Timeout = true, true
	stateless := s.Policy()
	all := func(breaker, limiter string) policy.Policy {
		return policy.Combine(
			policy.Retry{}, policy.RateLimit{Name: limiter, RequestsPerSecond: 100},
			policy.CircuitBreaker{Name: breaker, FailureThreshold: 5}, policy.Timeout(s.After),
		)
	}
	const operations = 10_000
	var measured []Memory
	for _, kind := range []struct {
		what string
		p    policy.Policy
	}{
		{"operation with retry and timeout", stateless},
		{"operation with all four, breaker and limiter shared by name", all("shared", "shared")},
		{"operation with all four, breaker and limiter its own", all("", "")},
	} {
		bytes, err := weigh(func() (any, error) { return makeOperations(operations, kind.p) })
		if err != nil {
			return nil, fmt.Errorf("%s: %w", kind.what, err)
		}
		measured = append(measured, Memory{kind.what, operations, bytes / operations})
	}

	services := thousandServices()
	// What reflect keeps of each constructor's type, tagged or not, is nobody's: it is there
	// before either is weighed.
	if _, err := startDig(services.constructors, services.uses); err != nil {
		return nil, err
	}
	var bytes [2]float64
	for i, constructors := range []func() []any{func() []any { return services.constructors }, services.tagged} {
		var err error
		if bytes[i], err = weigh(func() (any, error) { return startDig(constructors(), services.uses) }); err != nil {
			return nil, err
		}
	}
	n := len(services.constructors)
	return append(measured, Memory{"tagged service with all four, beyond what it takes without a tag", n, (bytes[1] - bytes[0]) / float64(n)}), nil
}

func makeOperations(n int, p policy.Policy) (*container.Orchestrator, error) {
	o, err := container.NewOrchestrator(policy.Catalog{})
	if err != nil {
		return nil, err
	}
	for i := range n {
		if _, err := o.For(fmt.Sprint("operation ", i), p); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// weigh returns the bytes that are held once hold has returned.
func weigh(hold func() (any, error)) (float64, error) {
	before := heap()
	held, err := hold()
	after := heap()
	runtime.KeepAlive(held)
	return float64(after) - float64(before), err
}

// heap returns the bytes in use after a collection.
func heap() uint64 {
	runtime.GC()
	runtime.GC() // what the first one's finalizers let go
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
