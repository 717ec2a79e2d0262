package demo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

const (
	smallOrder = `{"amount": 20, "currency": "EUR", "method": "credit_card"}`
	largeOrder = `{"amount": 1500, "currency": "EUR", "method": "credit_card"}`

	// between is the time from one customer to the next: the profile allows a hundred
	// requests a second.
	between = 15 * time.Millisecond
	// patience is how long what must come of a wave may take to come.
	patience = 3 * time.Second
)

// PlayFire plays the story of the bank on fire. It ends at the first wave that goes
// otherwise than told.
func PlayFire(ctx context.Context, stage Stage, table Table) error {
	ctx, cancel := context.WithCancel(ctx)
	c := &crowd{player: newPlayer(stage)}
	defer c.http.CloseIdleConnections()
	defer c.waiting.Wait()
	defer cancel() // who waits goes home
	table.fireHead()
	for _, w := range fire {
		now, wrong, err := c.play(ctx, w)
		if err != nil {
			return err
		}
		table.fireRow(w, now, wrong)
		if len(wrong) > 0 {
			return fmt.Errorf("%q went otherwise than told", w.name)
		}
	}
	table.fireFoot()
	return nil
}

// crowd is the customers.
type crowd struct {
	*player
	waiting sync.WaitGroup

	mu         sync.Mutex
	sum        Figures // of what they were told
	retryAfter time.Duration
	err        error
}

// play plays one wave, and compares.
func (c *crowd) play(ctx context.Context, w wave) (now Figures, wrong []string, err error) {
	before, err := c.figures(ctx)
	if err != nil {
		return now, nil, err
	}
	if w.back {
		c.mu.Lock()
		after := c.retryAfter
		c.mu.Unlock()
		if err := sleep(ctx, after); err != nil {
			return now, nil, err
		}
	}
	if w.faults != "" {
		if err := c.setFaults(ctx, w.faults); err != nil {
			return now, nil, err
		}
	}
	for i := range max(w.small, w.large) {
		if i < w.small {
			c.customer(ctx, smallOrder, w.hangs)
		}
		if i < w.large {
			c.customer(ctx, largeOrder, w.hangs)
		}
	}
	if w.back {
		if err := c.settle(ctx); err != nil {
			return now, nil, err
		}
	}
	for deadline := time.Now().Add(patience); ; {
		sum, err := c.figures(ctx)
		if err != nil {
			return now, nil, err
		}
		now = sum.since(before)
		if wrong = w.untrue(now, sum); len(wrong) == 0 || time.Now().After(deadline) {
			return now, wrong, nil
		}
		if err := sleep(ctx, between); err != nil {
			return now, nil, err
		}
	}
}

// customer has somebody pay, and the next one come a little later; or when that one has
// been answered, unless the bank hangs.
func (c *crowd) customer(ctx context.Context, order string, hangs bool) {
	next := time.NewTimer(between)
	defer next.Stop()
	c.note(func(f *Figures) { f.UnderWay++ })
	answered := make(chan struct{})
	c.waiting.Go(func() {
		defer close(answered)
		c.pay(ctx, order)
	})
	if !hangs {
		<-answered
	}
	<-next.C
}

func (c *crowd) pay(ctx context.Context, order string) {
	status, retryAfter, err := c.request(ctx, step{method: http.MethodPost, path: "/payments", body: order})
	c.note(func(f *Figures) {
		f.UnderWay--
		switch {
		case err != nil:
			c.err = errors.Join(c.err, err)
		case status == http.StatusCreated:
			f.Paid++
		case status == http.StatusAccepted:
			f.Accepted++
		default:
			f.TurnedAway++
			c.retryAfter = max(c.retryAfter, retryAfter)
		}
	})
}

func (c *crowd) note(change func(*Figures)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.sum)
}

// settle does what a scheduler would, until nothing is due: the policy lets so many
// charges pass at once, and the others when they come again.
func (c *crowd) settle(ctx context.Context) error {
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		var sum struct{ Captured, Due int }
		a, err := c.do(ctx, http.MethodPost, c.API+"/settlements", "", "")
		if err := errors.Join(err, a.read(&sum)); err != nil {
			return err
		}
		c.note(func(f *Figures) { f.Settled += sum.Captured })
		if sum.Due == 0 {
			return nil
		}
		if err := sleep(ctx, 10*between); err != nil {
			return err
		}
	}
	return errors.New("payments are still due")
}

// figures are those of all waves so far.
func (c *crowd) figures(ctx context.Context) (Figures, error) {
	s, err := c.statement(ctx)
	if err != nil {
		return Figures{}, err
	}
	c.mu.Lock()
	f := c.sum
	err = c.err
	c.mu.Unlock()
	f.Asked, f.Charges = s.Requests, s.Charges
	return f, errors.Join(err, c.console(ctx, &f))
}
