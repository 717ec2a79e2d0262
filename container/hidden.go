package container

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
)

// tellHidden says which methods a proxy hides that the value behind it has: at
// debug level, and as a warning where the program asserts the value to an
// interface of such methods, which it will not find.
func (s *service) tellHidden(w *wrapper, value, proxy reflect.Type) {
	if value == proxy {
		return
	}
	level := slog.LevelDebug
	var asserted []string
	for _, t := range w.asserted {
		if value.Implements(t) && !proxy.Implements(t) && !slices.Contains(asserted, t.String()) {
			asserted = append(asserted, t.String())
			level = slog.LevelWarn
		}
	}
	ctx, log := context.Background(), s.o.log
	if !log.Enabled(ctx, level) {
		return
	}
	var hidden []string
	for i := range value.NumMethod() {
		if name := value.Method(i).Name; !hasMethod(proxy, name) {
			hidden = append(hidden, name)
		}
	}
	switch {
	case len(asserted) > 0:
		log.Log(ctx, level, "the program asserts a service to what its proxy hides: have `clad gen` keep it by container.Keep, or assert what container.Unwrap returns",
			"service", s.id, "type", value.String(), "asserted", asserted, "hidden", hidden)
	case len(hidden) > 0:
		log.Log(ctx, level, "the proxy hides methods of the value", "service", s.id, "type", value.String(), "hidden", hidden)
	}
}

func hasMethod(t reflect.Type, name string) bool {
	_, ok := t.MethodByName(name)
	return ok
}

// tellGuarded says how many methods of a service are guarded, where some of them
// can't be. Those that pass through by choice do not count.
func (s *service) tellGuarded() {
	if s.unguarding == 0 {
		return
	}
	guarded := 0
	for _, b := range s.bound {
		if b.guard != optional {
			guarded++
		}
	}
	s.o.log.Info(fmt.Sprintf("%d of %d methods guarded", guarded, guarded+s.unguarding), "service", s.id, "policy", s.policy)
}
