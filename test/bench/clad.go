package bench

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// cladSystem is clad in one of the forms that it can be called in.
func cladSystem(form string, wrap func(next Gateway, s Settings, c *container.Container) (Gateway, error)) System {
	return System{
		Name: "clad",
		Form: form,
		Build: func(next Gateway, s Settings) (*Built, error) {
			c, err := container.New(policy.Catalog{Policies: map[string]policy.Policy{policyName: s.Policy()}})
			if err != nil {
				return nil, err
			}
			g, err := wrap(next, s, c)
			if err != nil {
				return nil, err
			}
			return &Built{Gateway: g, Audit: audit(c.Orchestrator(), s)}, nil
		},
	}
}

const policyName = "benchmarked"

// cladProxy resolves the gateway from a container, wrapped by its tag: what an
// application has.
var cladProxy = cladSystem("proxy", func(next Gateway, _ Settings, c *container.Container) (wrapped Gateway, err error) {
	registerProxies()
	if err := c.Provide(container.Tag(func() Gateway { return next }, policyName)); err != nil {
		return nil, err
	}
	err = c.Invoke(func(g Gateway) { wrapped = g })
	return wrapped, err
})

var registerProxies = sync.OnceFunc(func() { container.RegisterProxy(newGatewayProxy) })

// cladDo runs a closure with policy.Do.
var cladDo = cladSystem("policy.Do", func(next Gateway, _ Settings, c *container.Container) (Gateway, error) {
	r, err := c.Orchestrator().Pipeline(policyName)
	return doGateway{next, r}, err
})

type doGateway struct {
	next   Gateway
	runner policy.Runner
}

func (g doGateway) Charge(ctx context.Context, amount int) (int, error) {
	return policy.Do(ctx, g.runner, func(ctx context.Context) (int, error) {
		return g.next.Charge(ctx, amount)
	})
}

// cladExecute executes an operation that holds its policy.
var cladExecute = cladSystem("policy.Execute", func(next Gateway, s Settings, c *container.Container) (Gateway, error) {
	return executeGateway{next, c.Orchestrator(), s.Policy()}, nil
})

type executeGateway struct {
	next   Gateway
	o      policy.Orchestrator
	policy policy.Policy
}

func (g executeGateway) Charge(ctx context.Context, amount int) (int, error) {
	return policy.Execute(ctx, g.o, charge{g.next, g.policy, amount})
}

type charge struct {
	next   Gateway
	policy policy.Policy
	amount int
}

func (charge) OperationID() string                        { return "bench.Charge" }
func (c charge) ResiliencePolicy() policy.Policy          { return c.policy }
func (c charge) Execute(ctx context.Context) (int, error) { return c.next.Charge(ctx, c.amount) }

// cladFresh executes an operation that builds its policy anew at each call, as a
// domain entity does whose policy depends on what it holds.
var cladFresh = cladSystem("policy.Execute.fresh", func(next Gateway, s Settings, c *container.Container) (Gateway, error) {
	return freshGateway{next, c.Orchestrator(), s}, nil
})

type freshGateway struct {
	next     Gateway
	o        policy.Orchestrator
	settings Settings
}

func (g freshGateway) Charge(ctx context.Context, amount int) (int, error) {
	return policy.Execute(ctx, g.o, &freshCharge{g.next, &g.settings, amount})
}

type freshCharge struct {
	next     Gateway
	settings *Settings
	amount   int
}

func (*freshCharge) OperationID() string                        { return "bench.Charge" }
func (c *freshCharge) ResiliencePolicy() policy.Policy          { return c.settings.Policy() }
func (c *freshCharge) Execute(ctx context.Context) (int, error) { return c.next.Charge(ctx, c.amount) }

// audit compares what clad says it did with the calls that were made.
func audit(o *container.Orchestrator, s Settings) func(calls uint64) error {
	start := time.Now()
	guarded := s.Policy() != policy.Policy(policy.None{})
	return func(calls uint64) error {
		if got := o.Metrics().TotalOperations; guarded && got != calls {
			return fmt.Errorf("%d calls were made, clad counted %d operations", calls, got)
		}
		if l, ok := o.RateLimiter(limiterName); ok && s.Burst == math.MaxInt32 {
			taken := float64(s.Burst) - l.Tokens()
			returned := s.Rate * time.Since(start).Seconds()
			// Goroutines that read the clock in one order and reach the bucket
			// in another make it count a while twice: hence not to the token.
			if taken > float64(calls) || taken < float64(calls)-2*returned-1 {
				return fmt.Errorf("%d calls left the limiter with %.0f tokens taken and at most %.0f returned", calls, taken, returned)
			}
		}
		return nil
	}
}
