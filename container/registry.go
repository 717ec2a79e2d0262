package container

import "strconv"

// resource is a breaker or a limiter.
type resource interface {
	comparable
	Name() string
	rename(name string)
}

// registry holds the breakers, or the limiters, by their names, of which no two
// are equal. It is changed in place, by edits, which undo what they did when they
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
func (r registry[S, T]) find(name string) (thing T, ok bool) {
	if thing, ok = r.known[name]; !ok {
		thing, ok = r.unnamed[name]
	}
	return thing, ok
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
func (r registry[S, T]) giveWay(e *edit, name string) {
	thing, ok := r.unnamed[name]
	if !ok {
		return
	}
	other := r.free(name)
	remove(e, r.unnamed, name)
	assign(e, r.unnamed, other, thing)
	e.on(func() { thing.rename(other) })
}

// drop forgets one that belonged to an owner. It is for commits.
func (r registry[S, T]) drop(thing T) {
	if r.unnamed[thing.Name()] == thing {
		delete(r.unnamed, thing.Name())
	}
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
		r.giveWay(e, name)
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
