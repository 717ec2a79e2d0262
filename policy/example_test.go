package policy_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cladgo/clad/policy"
)

func ExampleCombine() {
	p := policy.Combine(
		policy.Timeout(15*time.Second), // the whole, retries included
		policy.Retry{MaxAttempts: 2, Backoff: policy.Fixed(time.Second)},
		policy.CircuitBreaker{RecoveryTimeout: time.Minute},
		policy.Timeout(5*time.Second), // each attempt
	)
	for _, layer := range policy.Layers(p) {
		fmt.Println(layer)
	}
	// Output:
	// timeout(15s)
	// retry(2 attempts, fixed 1s)
	// circuit_breaker(5 failures in a row, open 1m0s, 3 probes of 30s)
	// timeout(5s)
}

func ExampleRetry_Validate() {
	fmt.Println(policy.Combine(policy.Retry{MaxAttempts: -1}, policy.Timeout(0)).Validate())
	// Output:
	// retry: MaxAttempts is -1; it counts all attempts, so 1 or more (0 means 3)
	// timeout: 0s; it must be above 0 (leave the layer out for no timeout)
}

func ExampleExponential() {
	b := policy.Exponential{Initial: 100 * time.Millisecond, Multiplier: 2, Max: time.Second}
	for retry := 1; retry <= 5; retry++ {
		fmt.Print(b.Delay(retry), " ")
	}
	// Output: 100ms 200ms 400ms 800ms 1s
}

func ExampleLinear() {
	b := policy.Linear{Initial: time.Second, Increment: 2 * time.Second}
	for retry := 1; retry <= 4; retry++ {
		fmt.Print(b.Delay(retry), " ")
	}
	// Output: 1s 3s 5s 7s
}

func ExamplePermanent() {
	errTooHigh := errors.New("the amount is over 10000")
	err := fmt.Errorf("charging: %w", policy.Permanent(errTooHigh))
	fmt.Println(err)
	fmt.Println(policy.IsRetryable(err), errors.Is(err, errTooHigh))
	// Output:
	// charging: the amount is over 10000
	// false true
}

func ExampleRetryAfter() {
	err := fmt.Errorf("charging: %w", &policy.CircuitOpenError{Name: "bank", RetryAfter: 12 * time.Second})
	if wait, ok := policy.RetryAfter(err); ok {
		fmt.Printf("Retry-After: %.0f\n", wait.Seconds())
	}
	// Output: Retry-After: 12
}

// once stands for an orchestrator, so that a domain is tested alone.
type once struct{}

func (once) Pipeline(string) (policy.Runner, error)           { return once{}, nil }
func (once) For(string, policy.Policy) (policy.Runner, error) { return once{}, nil }
func (once) Metrics() policy.Metrics                          { return policy.Metrics{} }
func (once) Run(ctx context.Context, fn func(context.Context) error) error {
	return fn(ctx)
}

// quote is an operation of the domain: it says what protection it needs, and
// knows nothing of who gives it.
type quote struct{ currency string }

func (q quote) OperationID() string { return "prices.quote" }
func (q quote) ResiliencePolicy() policy.Policy {
	return policy.Combine(policy.Retry{MaxAttempts: 2}, policy.Timeout(time.Second))
}
func (q quote) Execute(context.Context) (string, error) { return "1.08 " + q.currency, nil }

func ExampleExecute() {
	price, err := policy.Execute(context.Background(), once{}, quote{"USD"})
	fmt.Println(price, err)
	// Output: 1.08 USD <nil>
}

func ExampleDo() {
	answer, err := policy.Do(context.Background(), once{}, func(context.Context) (int, error) { return 42, nil })
	fmt.Println(answer, err)
	// Output: 42 <nil>
}

// reserved stands for an orchestrator of which only the reserve is left, for calls
// that are essential.
type reserved struct{ once }

func (r reserved) Run(ctx context.Context, fn func(context.Context) error) error {
	if policy.CriticalityOf(ctx) == policy.Sheddable {
		return policy.ErrBulkheadFull
	}
	return r.once.Run(ctx, fn)
}

func ExampleWithCriticality() {
	var bank policy.Runner = reserved{}
	ask := func(context.Context) error { return nil }
	ctx := context.Background()
	fmt.Println("payment:", bank.Run(ctx, ask))
	ctx = policy.WithCriticality(ctx, policy.Sheddable) // what is called from here on can be done without
	fmt.Println("report:", bank.Run(ctx, ask))
	// Output:
	// payment: <nil>
	// report: bulkhead full
}

func ExampleHedge() {
	p := policy.Combine(
		policy.Retry{MaxAttempts: 2},
		policy.Hedge{Quantile: 0.95}, // the slowest twentieth is asked for again, beside the first
		policy.Timeout(time.Second),  // each attempt
	)
	fmt.Println(policy.Layers(p)[1])
	fmt.Println(policy.Hedge{Delay: time.Second, Quantile: 0.95}.Validate())
	// Output:
	// hedge(after the 95% quantile, 1 more, budget 10%)
	// hedge: both Delay and Quantile say when to hedge; leave one of them out
}
