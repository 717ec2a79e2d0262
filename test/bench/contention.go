package bench

import (
	"context"
	"errors"
	"fmt"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
	"go.uber.org/dig"
)

// Contenders is a row under which many goroutines call at once.
type Contenders struct {
	Name  string // "limit/clad:proxy"
	Title string // what they share
	// Join returns the subject of so many goroutines, which is to be closed.
	// They all share one state, whatever the number.
	Join func(goroutines int) *Crowd
	// Close checks that what was measured was what the row says.
	Close func(calls uint64) error
}

// Contend lists what is measured under contention.
func Contend() ([]Contenders, error) {
	var all []Contenders
	rows := map[string]bool{
		"none": true, "breaker": true, "retry": true, "limit": true, "timeout": true, "all": true,
		"window-rate": true, "open": true, "limited": true,
	}
	systems := map[string]bool{"no-wrapper": true, "clad:proxy": true, "by-hand": true, "failsafe-go": true}
	for _, c := range Cases() {
		if !rows[c.Row.Name] || !systems[c.System.ID()] {
			continue
		}
		b, err := c.Prepare()
		if err != nil {
			return nil, err
		}
		all = append(all, Contenders{
			Name:  c.ID(),
			Title: c.Row.Title,
			Join:  b.Crowd,
			Close: b.Close,
		})
	}
	for _, shared := range []struct {
		name, title string
		wrong       int // one call of so many fails; 0 for none
		settings    Settings
	}{
		{"shared-breaker", "one breaker named by 64 services", 0, Settings{Breaker: true}},
		{"shared-limiter", "one rate limit named by 64 services", 0, Settings{RateLimit: true}},
		{"failing-breaker", "a breaker while every fourth call fails", 4, Settings{Breaker: true}},
	} {
		c, err := shareState(shared.name, shared.wrong, shared.settings)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", shared.name, err)
		}
		c.Title = shared.title
		all = append(all, c)
	}
	return all, nil
}

// services is how many name the same breaker or limiter; each goroutine calls
// one of them.
const services = 64

// shareState tags services that share one breaker or limiter by its name.
func shareState(name string, wrong int, layers Settings) (Contenders, error) {
	s := settings()
	catalog := policy.Catalog{}
	var p policy.Policy
	if layers.Breaker {
		// It must not open: the failures are not in a row, but goroutines
		// may meet so that they look it.
		catalog.CircuitBreakers = map[string]policy.CircuitBreaker{"shared": {FailureThreshold: 1 << 30, RecoveryTimeout: s.Recovery}}
		p = policy.CircuitBreaker{Name: "shared"}
	} else {
		catalog.RateLimiters = map[string]policy.RateLimit{"shared": {RequestsPerSecond: s.Rate, Burst: s.Burst}}
		p = policy.RateLimit{Name: "shared"}
	}
	catalog.Policies = map[string]policy.Policy{policyName: p}
	o, gateways, err := tagged(catalog, unreliable{wrong}, services)
	if err != nil {
		return Contenders{}, err
	}
	id := name + "/" + cladProxy.ID()
	ctx, cancel := callerContext()
	return Contenders{
		Name: id,
		Join: func(goroutines int) *Crowd {
			return newCrowd(id, goroutines, func(goroutine, n int) error {
				g := gateways[goroutine%services]
				for i := range n {
					if _, err := g.Charge(ctx, i); (err != nil) != fails(wrong, i) {
						return fmt.Errorf("%s: call %d ended with %w", id, i, err)
					}
				}
				return nil
			})
		},
		Close: func(calls uint64) error {
			defer cancel()
			if got := o.Metrics().TotalOperations; got != calls {
				return fmt.Errorf("%s: %d calls were made, clad counted %d operations", id, calls, got)
			}
			return sharedState(o, gateways)
		},
	}, nil
}

// sharedState shows that what one service does to the shared breaker or limiter
// is felt by another.
func sharedState(o *container.Orchestrator, gateways []Gateway) error {
	ctx := context.Background()
	if b, ok := o.CircuitBreaker("shared"); ok {
		b.ForceOpen()
		for i, g := range gateways {
			if _, err := g.Charge(ctx, 1); !errors.Is(err, policy.ErrCircuitOpen) {
				return fmt.Errorf("the shared breaker was forced open, and service %d ended with %w", i, err)
			}
		}
		return nil
	}
	l, ok := o.RateLimiter("shared")
	if !ok {
		return errors.New("nothing is shared")
	}
	if err := o.RegisterRateLimiter("shared", policy.RateLimit{RequestsPerSecond: 1e-3, Burst: 1}); err != nil {
		return err
	}
	passed := 0
	for _, g := range gateways {
		if _, err := g.Charge(ctx, 1); err == nil {
			passed++
		}
	}
	if passed > 1 || l.Tokens() >= 1 {
		return fmt.Errorf("the shared limiter had one token, and %d services passed", passed)
	}
	return nil
}

// unreliable fails one call of so many.
type unreliable struct{ wrong int }

func (u unreliable) Charge(_ context.Context, amount int) (int, error) {
	if fails(u.wrong, amount) {
		return 0, errTarget
	}
	return amount, nil
}

func fails(wrong, call int) bool { return wrong > 0 && call%wrong == 0 }

// tagged resolves n gateways from a container, all around one target.
func tagged(catalog policy.Catalog, next Gateway, n int) (*container.Orchestrator, []Gateway, error) {

	c, err := container.New(catalog)
	if err != nil {
		return nil, nil, err
	}
	for range n {
		if err := c.Provide(container.Tag(func() Gateway { return next }, policyName), dig.Group("gateways")); err != nil {
			return nil, nil, err
		}
	}
	var gateways []Gateway
	err = c.Invoke(func(in struct {
		dig.In
		All []Gateway `group:"gateways"`
	}) {
		gateways = in.All
	})
	return c.Orchestrator(), gateways, err
}
