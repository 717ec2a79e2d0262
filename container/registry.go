package container

// registry holds the breakers, or the limiters, that have a name. It is changed in
// place, by edits, which undo what they did when they come to nothing.
type registry[S comparable, T any] struct {
	known map[string]T // in force
	// What a profile no longer has is set aside: somebody may have been given
	// it, and it comes back when the name does.
	retired map[string]T
	// What was registered in code stays when a profile drops its name.
	inCode map[string]S
}

func newRegistry[S comparable, T any]() registry[S, T] {
	return registry[S, T]{make(map[string]T), make(map[string]T), make(map[string]S)}
}

// ever returns what bears a name, or last did.
func (r registry[S, T]) ever(name string) (thing T, ok bool) {
	if thing, ok = r.known[name]; !ok {
		thing, ok = r.retired[name]
	}
	return thing, ok
}

// put gives a name to the thing that has or had it, which is reconfigured when the
// edit is made, or else to a new one.
func (r registry[S, T]) put(e *edit, name string, spec S, configure func(T, S), make func(string, S) T) T {
	thing, ok := r.ever(name)
	if ok {
		e.on(func() { configure(thing, spec) })
	} else {
		thing = make(name, spec)
	}
	remove(e, r.retired, name)
	assign(e, r.known, name, thing)
	return thing
}

// renew puts what a catalog declares now in place of what it declared before.
func (r registry[S, T]) renew(e *edit, was, is map[string]S, configure func(T, S), make func(string, S) T) {
	for name := range was {
		thing := r.known[name]
		if _, stays := is[name]; stays {
			continue
		}
		if spec, ok := r.inCode[name]; ok {
			e.on(func() { configure(thing, spec) })
			continue
		}
		assign(e, r.retired, name, thing)
		remove(e, r.known, name)
	}
	for name, spec := range is {
		r.put(e, name, spec, configure, make)
	}
}

// assign changes a map, until the edit comes to nothing.
func assign[V any](e *edit, m map[string]V, name string, v V) {
	e.undoes(restore(m, name))
	m[name] = v
}

func remove[V any](e *edit, m map[string]V, name string) {
	e.undoes(restore(m, name))
	delete(m, name)
}

// restore returns what gives a map back what it has now under a name.
func restore[V any](m map[string]V, name string) func() {
	v, ok := m[name]
	return func() {
		if ok {
			m[name] = v
		} else {
			delete(m, name)
		}
	}
}
