package container

import "maps"

// registry holds the breakers, or the limiters, that have a name. An edit changes
// a copy: nothing of it shows before it is made.
type registry[S comparable, T any] struct {
	known map[string]T // in force
	// What a profile no longer has is set aside: somebody may have been given
	// it, and it comes back when the name does.
	retired map[string]T
	// What was registered in code stays when a profile drops its name.
	inCode map[string]S
}

func (r registry[S, T]) clone() registry[S, T] {
	return registry[S, T]{known: clone(r.known), retired: clone(r.retired), inCode: clone(r.inCode)}
}

func clone[T any](m map[string]T) map[string]T {
	if m == nil {
		return make(map[string]T)
	}
	return maps.Clone(m)
}

// ever returns what bears a name, or last did.
func (r registry[S, T]) ever(name string) (thing T, ok bool) {
	if thing, ok = r.known[name]; !ok {
		thing, ok = r.retired[name]
	}
	return thing, ok
}

// with returns the registry with what is to have a name: the thing that has or
// had it, reconfigured when the edit is made, or else a new one.
func (r registry[S, T]) with(e *edit, name string, spec S, configure func(T, S), make func(string, S) T) registry[S, T] {
	r = r.clone()
	r.put(e, name, spec, configure, make)
	return r
}

func (r registry[S, T]) put(e *edit, name string, spec S, configure func(T, S), make func(string, S) T) {
	thing, ok := r.ever(name)
	if ok {
		e.on(func() { configure(thing, spec) })
	} else {
		thing = make(name, spec)
	}
	delete(r.retired, name)
	r.known[name] = thing
}

// renewed returns the registry with what a catalog declares now in place of what
// it declared before.
func (r registry[S, T]) renewed(e *edit, was, is map[string]S, configure func(T, S), make func(string, S) T) registry[S, T] {
	r = r.clone()
	for name := range was {
		thing := r.known[name]
		if _, stays := is[name]; stays {
			continue
		}
		if spec, ok := r.inCode[name]; ok {
			e.on(func() { configure(thing, spec) })
			continue
		}
		r.retired[name] = thing
		delete(r.known, name)
	}
	for name, spec := range is {
		r.put(e, name, spec, configure, make)
	}
	return r
}
