package lease

import "slices"

// queue holds those who wait for a token, in the order that they came.
type queue []*waiter

type waiter struct{ served chan struct{} }

func (q *queue) add() *waiter {
	w := &waiter{make(chan struct{})}
	*q = append(*q, w)
	return w
}

// pop takes out the first one, who has a token now.
func (q *queue) pop() {
	close((*q)[0].served)
	*q = slices.Delete(*q, 0, 1)
}

// remove takes out one who waits no longer. It is false if that one was served.
func (q *queue) remove(w *waiter) bool {
	i := slices.Index(*q, w)
	if i >= 0 {
		*q = slices.Delete(*q, i, i+1)
	}
	return i >= 0
}
