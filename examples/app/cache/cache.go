// Package cache keeps payments in memory for a while.
package cache

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/cladgo/clad/examples/app/payments"
)

// Memory is a payments.Cache of limited size, whose entries expire. It is safe
// for use by many goroutines.
type Memory struct {
	size int
	ttl  time.Duration

	mu      sync.Mutex
	entries map[string]entry
}

type entry struct {
	payment payments.Payment
	expires time.Time
}

var _ payments.Cache = (*Memory)(nil)

// New returns a cache of up to size payments, each for at most ttl.
func New(size int, ttl time.Duration) *Memory {
	return &Memory{size: size, ttl: ttl, entries: make(map[string]entry)}
}

// ErrMiss says that a payment is not in the cache.
var ErrMiss = errors.New("not in the cache")

// Get returns a payment that has not expired, or ErrMiss.
func (m *Memory) Get(_ context.Context, id string) (payments.Payment, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.entries[id]
	if !ok || time.Now().After(e.expires) {
		delete(m.entries, id)
		return payments.Payment{}, ErrMiss
	}
	return e.payment, nil
}

// Put keeps a payment. Where there is no room, another one goes.
func (m *Memory) Put(_ context.Context, p payments.Payment) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.entries[p.ID]; !ok && len(m.entries) >= m.size {
		for id := range m.entries { // any: Go's order is random, and that is good enough
			delete(m.entries, id)
			break
		}
	}
	m.entries[p.ID] = entry{p, time.Now().Add(m.ttl)}
	return nil
}

// Forget drops a payment.
func (m *Memory) Forget(_ context.Context, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.entries, id)
	return nil
}
