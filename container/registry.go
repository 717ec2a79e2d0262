package container

import "strconv"

// resource is a breaker, a limiter or a bulkhead.
type resource interface {
	comparable
	Name() string
	rename(name string)
	belong(to *owner)
}

// registry holds the breakers, the limiters, or the bulkheads, by their names, of which no two
// are equal. It is changed in place, by transactions, which undo what they did when they
// come to nothing.
type registry[S comparable, T resource] struct {
	known map[string]T // in force
	// Those that belong to an owner go by its name, for as long as nothing is
	// declared under that.
	unnamed map[string]T
	// What a profile no longer has is set aside: somebody may have been given
	// it, and it comes back when the name does.
	retired map[string]T
	// What was registered in code stays when a profile drops its name.
	inCode map[string]S
}

func newRegistry[S comparable, T resource]() registry[S, T] {
	return registry[S, T]{make(map[string]T), make(map[string]T), make(map[string]T), make(map[string]S)}
}

// find returns what goes by a name, its own or an owner's.
func (r registry[S, T]) find(name string) (found T, ok bool) {
	if found, ok = r.known[name]; !ok {
		found, ok = r.unnamed[name]
	}
	return found, ok
}

// free returns a name that nothing goes by: the one wanted, or else a numbered one.
func (r registry[S, T]) free(wanted string) string {
	name := wanted
	for n := 2; ; n++ {
		_, named := r.ever(name)
		if _, unnamed := r.unnamed[name]; !named && !unnamed {
			return name
		}
		name = wanted + "#" + strconv.Itoa(n)
	}
}

// giveWay has what goes by a name that is to be declared go by another.
func (r registry[S, T]) giveWay(tx *transaction, name string) {
	found, ok := r.unnamed[name]
	if !ok {
		return
	}
	other := r.free(name)
	remove(tx, r.unnamed, name)
	assign(tx, r.unnamed, other, found)
	tx.onCommit(func() { found.rename(other) })
}

// drop forgets one that belonged to an owner. It is for commits.
func (r registry[S, T]) drop(found T) {
	if r.unnamed[found.Name()] == found {
		delete(r.unnamed, found.Name())
	}
}

// ever returns what bears a name, or last did.
func (r registry[S, T]) ever(name string) (found T, ok bool) {
	if found, ok = r.known[name]; !ok {
		found, ok = r.retired[name]
	}
	return found, ok
}

// put gives a name to the resource that has or had it, which is reconfigured when the
// transaction is made, or else to a new one.
func (r registry[S, T]) put(tx *transaction, name string, spec S, configure func(T, S), make func(string, S) T) T {
	found, ok := r.ever(name)
	if ok {
		tx.onCommit(func() { configure(found, spec) })
	} else {
		r.giveWay(tx, name)
		found = make(name, spec)
	}
	remove(tx, r.retired, name)
	assign(tx, r.known, name, found)
	return found
}

// renew puts what a catalog declares now in place of what it declared before.
func (r registry[S, T]) renew(tx *transaction, was, is map[string]S, configure func(T, S), make func(string, S) T) {
	for name := range was {
		found := r.known[name]
		if _, stays := is[name]; stays {
			continue
		}
		if spec, ok := r.inCode[name]; ok {
			tx.onCommit(func() { configure(found, spec) })
			continue
		}
		assign(tx, r.retired, name, found)
		remove(tx, r.known, name)
	}
	for name, spec := range is {
		r.put(tx, name, spec, configure, make)
	}
}

// assign changes a map, until the transaction comes to nothing.
func assign[K comparable, V any](tx *transaction, m map[K]V, name K, v V) {
	tx.onRollback(restore(m, name))
	m[name] = v
}

func remove[K comparable, V any](tx *transaction, m map[K]V, name K) {
	tx.onRollback(restore(m, name))
	delete(m, name)
}

// restore returns what gives a map back what it has now under a name.
func restore[K comparable, V any](m map[K]V, name K) func() {
	v, ok := m[name]
	return func() {
		if ok {
			m[name] = v
		} else {
			delete(m, name)
		}
	}
}
