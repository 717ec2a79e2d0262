package bench

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// cladSystem is clad in one of the forms that it can be called in.
func cladSystem(form string, wrap func(next Gateway, s Settings, c *container.Container) (Gateway, error)) System {
	return System{
		Name: "clad",
		Form: form,
		Note: cladNote,
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

const cladNote = "each call is counted by outcome, a panic too; errors name the operation and say when to come back; a caller who gives up " +
	"is told from a timeout and is no failure to the breaker; results from before a change of state are dropped; " +
	"policies, breakers and limiters can be exchanged while calls run"

const policyName = "benchmarked"

// cladProxy resolves the gateway from a container, wrapped by its tag: what an
// application has.
var cladProxy = cladSystem("proxy", func(next Gateway, _ Settings, c *container.Container) (wrapped Gateway, err error) {
	if err := c.Provide(container.Tag(func() Gateway { return next }, policyName)); err != nil {
		return nil, err
	}
	err = c.Invoke(func(g Gateway) { wrapped = g })
	return wrapped, err
})

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

// cladExecute executes an operation that holds its policy. The operation is there
// before the call, as a domain entity is.
var cladExecute = cladSystem("policy.Execute", func(next Gateway, s Settings, c *container.Container) (Gateway, error) {
	return executeGateway{c.Orchestrator(), &charge{next, s.Policy(), usualAmount}}, nil
})

type executeGateway struct {
	o     policy.Orchestrator
	usual *charge
}

func (g executeGateway) Charge(ctx context.Context, amount int) (int, error) {
	c := g.usual
	if amount != c.amount {
		c = &charge{c.next, c.policy, amount}
	}
	return policy.Execute(ctx, g.o, c)
}

type charge struct {
	next   Gateway
	policy policy.Policy
	amount int
}

func (*charge) OperationID() string                        { return "bench.Charge" }
func (c *charge) ResiliencePolicy() policy.Policy          { return c.policy }
func (c *charge) Execute(ctx context.Context) (int, error) { return c.next.Charge(ctx, c.amount) }

// cladFresh executes an operation that builds its policy anew at each call, as a
// domain entity does whose policy depends on what it holds.
var cladFresh = cladSystem("policy.Execute.fresh", func(next Gateway, s Settings, c *container.Container) (Gateway, error) {
	return freshGateway{c.Orchestrator(), &freshCharge{next, s, usualAmount}}, nil
})

type freshGateway struct {
	o     policy.Orchestrator
	usual *freshCharge
}

func (g freshGateway) Charge(ctx context.Context, amount int) (int, error) {
	c := g.usual
	if amount != c.amount {
		c = &freshCharge{c.next, c.settings, amount}
	}
	return policy.Execute(ctx, g.o, c)
}

type freshCharge struct {
	next     Gateway
	settings Settings
	amount   int
}

func (*freshCharge) OperationID() string                        { return "bench.Charge" }
func (c *freshCharge) ResiliencePolicy() policy.Policy          { return c.settings.Policy() }
func (c *freshCharge) Execute(ctx context.Context) (int, error) { return c.next.Charge(ctx, c.amount) }

// Building builds the policy of a row and does nothing with it: what an operation
// pays for building it anew, whoever looks it up.
type Building struct{ Row Row }

// BuildingName stands for a system in the ID of a Building.
const BuildingName = "building-the-policy"

// ID names the row: "breaker/building-the-policy".
func (b Building) ID() string { return b.Row.Name + "/" + BuildingName }

// Run builds n policies.
func (b Building) Run(n int) error {
	s := b.Row.Settings()
	for range n {
		runtime.KeepAlive(s.Policy())
	}
	return nil
}

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
			if taken > float64(calls) || taken < float64(calls)/2-returned {
				return fmt.Errorf("%d calls left the limiter with %.0f tokens taken and at most %.0f returned", calls, taken, returned)
			}
		}
		return nil
	}
}
