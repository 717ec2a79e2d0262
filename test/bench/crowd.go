package bench

import (
	"errors"
	"fmt"
)

// Crowd is a number of goroutines that call at once. They are there before they
// are timed, so that starting them is no part of it.
type Crowd struct {
	name  string
	start []chan int // how many calls to make
	ended chan error
}

// Crowd returns goroutines that all call the gateway of b. It is not for rows
// whose calls follow one another; see [Row.Alone].
func (b *Bench) Crowd(goroutines int) *Crowd {
	return newCrowd(b.ID(), goroutines, func(_, n int) error { return b.Run(n) })
}

func newCrowd(name string, goroutines int, run func(goroutine, n int) error) *Crowd {
	c := &Crowd{name, make([]chan int, goroutines), make(chan error, goroutines)}
	for i := range c.start {
		c.start[i] = make(chan int, 1)
		go func() {
			for n := range c.start[i] {
				c.ended <- run(i, n)
			}
		}()
	}
	return c
}

// ID names the crowd: "limit/clad:proxy x8".
func (c *Crowd) ID() string { return fmt.Sprintf("%s x%d", c.name, len(c.start)) }

// Run makes n calls, shared out among the goroutines.
func (c *Crowd) Run(n int) error {
	for i, start := range c.start {
		share := n / len(c.start)
		if i < n%len(c.start) {
			share++
		}
		start <- share
	}
	var errs []error
	for range c.start {
		errs = append(errs, <-c.ended)
	}
	return errors.Join(errs...)
}

// Close ends the goroutines.
func (c *Crowd) Close() {
	for _, start := range c.start {
		close(start)
	}
}
