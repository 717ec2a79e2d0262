package bench

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// System is one way to protect a gateway.
type System struct {
	Name string // "clad", or a peer's module
	Form string // how it is called, where there is more than one way
	// Build protects next as the settings say. It returns ErrUnsupported for
	// what the system does not do.
	Build func(next Gateway, s Settings) (*Built, error)
	// Module is where it comes from.
	Module string
	// Note says what it does more or less than the others.
	Note string
	// Hears says what a callee learns of the timeout.
	Hears Hearing
}

// Hearing is what a callee learns of the timeout that it is under.
type Hearing int

const (
	// HearsDeadline: its context has the deadline, and ends with it.
	HearsDeadline Hearing = iota
	// HearsEnd: its context ends, and does not say beforehand when.
	HearsEnd
	// HearsNothing: only its caller is let go.
	HearsNothing
)

// ID names the system and its form: "clad:proxy", "by-hand".
func (s System) ID() string {
	id := strings.ReplaceAll(s.Name, " ", "-")
	if s.Form != "" {
		id += ":" + s.Form
	}
	return id
}

// ErrUnsupported means that a system has no such protection.
var ErrUnsupported = errors.New("not supported")

// Built is a protected gateway.
type Built struct {
	Gateway Gateway
	// Audit is told how many calls were made, and says whether the system's
	// own books agree. It is nil where a system keeps none.
	Audit func(calls uint64) error
}

// Case is a row measured on a system.
type Case struct {
	Row    Row
	System System
}

// ID names the case: "breaker/clad:proxy".
func (c Case) ID() string {
	return c.Row.Name + "/" + c.System.ID()
}

// Cases lists everything that is measured, by row.
func Cases() []Case {
	var cases []Case
	for _, row := range Rows() {
		for _, system := range Systems() {
			if _, err := system.Build(&Target{}, row.Settings()); !errors.Is(err, ErrUnsupported) {
				cases = append(cases, Case{row, system})
			}
		}
	}
	return cases
}

// Systems lists clad's forms and its peers.
func Systems() []System {
	return []System{
		direct,
		cladProxy, cladDo, cladExecute, cladFresh,
		byHand,
		failsafeGo, hystrixGo, goResiliency, cenkaltiBackoff, aegis,
	}
}

// direct is the call that nothing protects.
var direct = System{
	Name: "no wrapper",
	Note: "the target called through its interface: what is left when nothing protects it",
	Build: func(next Gateway, s Settings) (*Built, error) {
		if s.Retry || s.RateLimit || s.Breaker || s.Timeout {
			return nil, ErrUnsupported
		}
		return &Built{Gateway: next}, nil
	},
}

// Bench is a case ready to be measured.
type Bench struct {
	Case
	target *Target
	built  *Built
	ctx    context.Context
	cancel context.CancelFunc
	fails  bool // each call is to end with an error
	calls  uint64
}

// callerContext is what every timed call is made with: like that of a request, it
// can be cancelled, and it has no deadline.
func callerContext() (context.Context, context.CancelFunc) {
	return context.WithCancel(context.Background())
}

// Prepare verifies the case, on a gateway of its own, and builds the gateway
// that is measured.
func (c Case) Prepare() (*Bench, error) {
	if err := c.Verify(); err != nil {
		return nil, fmt.Errorf("%s: %w", c.ID(), err)
	}
	b := &Bench{Case: c, target: &Target{}}
	b.ctx, b.cancel = callerContext()
	var err error
	if b.built, err = c.System.Build(b.target, c.Row.Settings()); err != nil {
		return nil, fmt.Errorf("%s: %w", c.ID(), err)
	}
	if err := c.Row.scenario.arrange(b); err != nil {
		return nil, fmt.Errorf("%s: %w", c.ID(), err)
	}
	return b, nil
}

// Gateway returns what is measured, the context to call it with, and whether
// each call is to fail.
func (b *Bench) Gateway() (g Gateway, ctx context.Context, fails bool) {
	return b.built.Gateway, b.ctx, b.fails
}

// Run makes n calls, one after the other. It fails when a call ends otherwise
// than the row says.
func (b *Bench) Run(n int) error {
	g, ctx, fails := b.built.Gateway, b.ctx, b.fails
	for range n {
		if _, err := g.Charge(ctx, usualAmount); (err != nil) != fails {
			return fmt.Errorf("a call ended with %w", orSuccess(err))
		}
	}
	return nil
}

// Close checks that what was measured was what the row says: the system's books
// agree with the number of calls, and the gateway is still what it was.
func (b *Bench) Close(calls uint64) error {
	defer b.cancel()
	if b.built.Audit != nil {
		if err := b.built.Audit(b.calls + calls); err != nil {
			return fmt.Errorf("%s: %w", b.ID(), err)
		}
	}
	if err := b.Row.scenario.confirm(b); err != nil {
		return fmt.Errorf("%s, after it was measured: %w", b.ID(), err)
	}
	return nil
}

// orSuccess puts a word to the end of a call that was to fail.
func orSuccess(err error) error {
	if err == nil {
		return errors.New("success")
	}
	return err
}
