package counters

import "sync"

// Registry holds counters by name. Its zero value is empty, and it is safe for use
// by many goroutines.
type Registry struct {
	mu       sync.RWMutex
	counters map[string]*Counters
}

// Of returns the counters of a name, which all that ask for it share.
func (r *Registry) Of(name string) *Counters {
	r.mu.Lock()
	defer r.mu.Unlock()
	c, ok := r.counters[name]
	if !ok {
		if r.counters == nil {
			r.counters = make(map[string]*Counters)
		}
		c = &Counters{}
		r.counters[name] = c
	}
	return c
}

// Drop forgets a name, and returns its counters.
func (r *Registry) Drop(name string) *Counters {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.counters[name]
	delete(r.counters, name)
	return c
}

// Each calls f for the counters of every name, in no order. f must not use the
// registry.
func (r *Registry) Each(f func(name string, c *Counters)) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for name, c := range r.counters {
		f(name, c)
	}
}
