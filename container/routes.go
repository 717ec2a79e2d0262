package container

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"

	"github.com/cladgo/clad/internal/needs"
	"github.com/cladgo/clad/internal/suggest"
)

// RegisterNames says that calls of type T go by names of their own: procedures
// ("/shop.Orders/Get"), routes. A profile or a [Method] option may then choose a
// policy for such a name as for a method, and the proxy of T asks
// [Methods.Chosen] for it at each call. check returns nil for a name that a call
// may have, and else what is wrong with it. Like [RegisterProxy] it belongs in an
// init; the first registration of a type stays.
func RegisterNames[T any](check func(name string) error) {
	RegisterHedgedNames[T](check, nil)
}

// RegisterHedgedNames is [RegisterNames] for calls some of which may be attempted twice
// at once: hedges reports for a name whether they may. The pipelines that
// [Methods.Chosen] returns for such names are as those of [Methods.Hedges].
func RegisterHedgedNames[T any](check func(name string) error, hedges func(name string) bool) {
	callNames.LoadOrStore(reflect.TypeFor[T](), names{check, hedges})
	needs.Registered()
}

// names are those that calls of a type go by.
type names struct {
	check  func(string) error // nil where they have none
	hedges func(string) bool  // nil for no
}

// guard returns how the calls of a name are guarded for which a policy is chosen.
func (n names) guard(name string) guard {
	if n.hedges != nil && n.hedges(name) {
		return hedges
	}
	return guarded
}

// callNames is filled at init and only read afterwards.
var callNames sync.Map // reflect.Type -> names

func callNamesOf(t reflect.Type) names {
	if known, ok := callNames.Load(t); ok {
		return known.(names)
	}
	return names{}
}

// Chosen returns the pipeline for a call by the name that it goes by, where the
// profile in force or the tag chooses a policy for that name, and nil where
// neither does. It is to be asked at each call: a profile may be loaded anew.
func (m Methods) Chosen(name string) *Pipeline {
	chosen := m.service.chosen.Load()
	if chosen == nil {
		return nil
	}
	return (*chosen)[name]
}

// checkName returns what is wrong with a name for which a policy is chosen, if
// anything is.
func (t serviceType) checkName(name string) error {
	if slices.Contains(t.methods, name) || t.names.check != nil && t.names.check(name) == nil {
		return nil
	}
	return fmt.Errorf("there is no method %s%s; there are: %s%s", name, suggest.DidYouMean(name, t.methods), suggest.Few(t.methods), t.whyNot(name))
}

// whyNot says what keeps a name from being one that a call goes by.
func (t serviceType) whyNot(name string) string {
	if t.names.check == nil {
		return ""
	}
	return "; and no call goes by that name: " + t.names.check(name).Error()
}

// bindNames compiles the pipelines of the calls for whose names a policy is
// chosen under the catalog as it will be.
func (tx *transaction) bindNames(s *service) error {
	if s.typ.names.check == nil {
		return nil
	}
	known := s.chosen.Load()
	chosen := make(map[string]*Pipeline)
	for _, name := range slices.Sorted(maps.Keys(tx.methodsOf(s))) {
		if slices.Contains(s.typ.methods, name) || s.typ.names.check(name) != nil { // one of another result of the tag's
			continue
		}
		operation := s.operation(name)
		b := &binding{method: name, operation: operation, guard: s.typ.names.guard(name), pipeline: &Pipeline{counters: s.o.counters.Of(operation)}}
		b.shadow = s.twin.shadowed(name, b.guard)
		if known != nil && (*known)[name] != nil {
			b.pipeline = (*known)[name]
		}
		if err := tx.bindMethod(s, b); err != nil {
			return err
		}
		chosen[name] = b.pipeline
	}
	tx.onCommit(func() {
		if len(chosen) == 0 {
			s.chosen.Store(nil)
			return
		}
		s.chosen.Store(&chosen)
	})
	return nil
}
