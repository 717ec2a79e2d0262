// Package demo plays two stories against a running payment service and its bank,
// from the outside, over HTTP: an outage, step by step, and the bank on fire, with a
// crowd of customers. It believes nothing: each step says what must come of it, and is
// checked by the HTTP status, the service's metrics and console, and the bank's own
// books.
package demo

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Stage is where the story is played.
type Stage struct {
	API     string // the service's URL
	Bank    string // the bank's URL, with the API of package bank
	Console string // the console's URL, with a slash in the end
	Gateway string // the service before the bank; its breaker and bulkhead bear its name
}

// Row is one step as it happened.
type Row struct {
	Step       string
	Status     int
	RetryAfter time.Duration
	Took       time.Duration
	Breaker    string
	Asked      int // requests that reached the bank
	Charged    int // payments that it took
	Refunded   int
	Told       string   // what was to happen
	Wrong      []string // in which respects it did not
}

// PlayOutage plays the story of an outage. The error says how many steps went otherwise than told.
func PlayOutage(ctx context.Context, stage Stage, table Table) error {
	p := newPlayer(stage)
	defer p.http.CloseIdleConnections()
	table.head()
	wrong := 0
	var before Row
	for _, s := range story {
		if err := ctx.Err(); err != nil {
			return err
		}
		row := p.play(ctx, s, before)
		table.row(row)
		if len(row.Wrong) > 0 {
			wrong++
		}
		before = row
	}
	if wrong > 0 {
		return fmt.Errorf("%d of %d steps went otherwise than told", wrong, len(story))
	}
	table.foot()
	return nil
}

// play plays one step, and compares.
func (p *player) play(ctx context.Context, s step, before Row) Row {
	row := Row{Step: s.name, Told: s.told}
	fail := func(err error) Row {
		row.Wrong = append(row.Wrong, err.Error())
		return row
	}
	if s.afterRetryAfter {
		if err := sleep(ctx, before.RetryAfter); err != nil {
			return fail(err)
		}
	}
	if s.faults != "" {
		if err := p.setFaults(ctx, s.faults); err != nil {
			return fail(err)
		}
	}
	was, err := p.statement(ctx)
	if err != nil {
		return fail(err)
	}
	start := time.Now()
	row.Status, row.RetryAfter, err = p.request(ctx, s)
	row.Took = time.Since(start)
	if err != nil {
		return fail(err)
	}
	is, err := p.statement(ctx)
	if err != nil {
		return fail(err)
	}
	row.Asked, row.Charged, row.Refunded = is.Requests-was.Requests, is.Charges-was.Charges, is.Refunds-was.Refunds
	if row.Breaker, err = p.breaker(ctx); err != nil {
		return fail(err)
	}
	row.Wrong = s.compare(row)
	return row
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return errors.New("there was no Retry-After to wait for")
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
