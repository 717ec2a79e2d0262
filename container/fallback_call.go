package container

import (
	"fmt"
	"reflect"

	"github.com/cladgo/clad/container/verdict"
	"github.com/cladgo/clad/policy"
)

// FellBack reports whether what Next has just called for is not an attempt, but to ask
// the fallback. Generated proxies ask it first in their loop:
//
//	for call.Next(&err) {
//		if call.FellBack() {
//			result, err = p.fallback(call.Context(), argument)
//			continue
//		}
//		result, err = next.Method(call.Context(), argument)
//	}
//
// It is never so where the proxy has no fallback for its method: see
// [Methods.Fallback].
func (c *Call) FellBack() bool { return c.phase == fallenBack }

// fallBack reports whether the fallback is to be asked after a failure. The whole
// policy is behind then, and all that it held is given back.
func (c *Call) fallBack(f *fallbackRule, err error) bool {
	switch {
	case c.deferred, c.final, c.means.Verdict == policy.Answered, c.means.Verdict == policy.Refused:
		return false
	case c.prog.once && c.effect && !f.repeats:
		return false
	case c.callerOver() != nil:
		return false
	case f.when != nil && !f.when(err):
		c.now = 0 // what is asked of users takes its time
		return false
	}
	if c.kept {
		c.release(0)
	}
	c.phase, c.ctx = fallenBack, c.caller
	c.means, c.unsent, c.late = verdict.Meaning{}, false, true
	c.memory().last, c.more.fellBack = err, true
	c.prog.counters.Count(countFallback)
	if e := c.prog.events; e.wanted(c.ctx) {
		e.tell(c.ctx, FellBack{c.prog.operation, err})
	}
	c.now, c.began = 0, 0
	return true
}

// endFallback ends a call with what its fallback returned.
func (c *Call) endFallback(errp *error) {
	c.phase, c.now = over, 0
	done := Completed{FellBack: true}
	if *errp == nil {
		c.prog.counters.Count(countSuccess)
	} else {
		c.weigh(*errp)
		if c.means.Verdict != policy.Answered {
			*errp = fmt.Errorf("%w (its fallback: %w)", c.last(), *errp)
		}
		*errp, done.Cancelled = c.conclude(*errp)
		done.Err, done.Verdict = *errp, c.means.Verdict
	}
	if c.prog.observed {
		c.completed(done)
	}
}

// FallbackOf returns what is to be asked when what m is for is unavailable, if there
// is anything. Generated proxies ask for it.
func FallbackOf[T any](m Methods) (T, bool) {
	if f := m.service.fallback; f != nil && f.value.IsValid() {
		return reflect.TypeAssert[T](f.value)
	}
	var none T
	return none, false
}

// fallbackValue is FallbackOf where only reflection knows the type; invalid for none.
func (m Methods) fallbackValue() reflect.Value {
	if f := m.service.fallback; f != nil {
		return f.value
	}
	return reflect.Value{}
}

// Fallback says that the proxy asks the function at target when a method is
// unavailable: it points to one of the method's type without its receiver. It is set to
// that of [FallbackMethod], where the tag has one; where it stays nil there is no
// fallback. It is called after the pipeline of the method was asked for.
func (m Methods) Fallback(method string, target any) {
	f := m.service.fallback
	if f == nil {
		return
	}
	f.asked = true
	fn, rule := reflect.ValueOf(target).Elem(), f.rule
	if own, ok := f.methods[method]; ok {
		fn.Set(own.fn.Convert(fn.Type()))
		rule = &own.rule
	}
	if !fn.IsNil() {
		m.service.fallBack(method, rule)
	}
}

// fallBack has the pipelines of a method ask for its fallback.
func (s *service) fallBack(method string, rule *fallbackRule) {
	err := s.o.transact(func(tx *transaction) error {
		for _, b := range s.bound {
			if b.method != method {
				continue
			}
			b.fallback = rule
			if err := tx.bindMethod(s, b); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		// Everything was checked when the service was made known.
		panic(fmt.Sprintf("container: the fallback of %s: %v", s.operation(method), err))
	}
}

// checkFallback reports a fallback that the proxy knows nothing of.
func (s *service) checkFallback() error {
	if s.fallback == nil || s.fallback.asked {
		return nil
	}
	return fmt.Errorf("what wraps %s asks no fallback", s.typ.full)
}

// fallbackOf returns what the i-th of the results falls back on; nil for none.
func (t *tag) fallbackOf(i int, extras []reflect.Value) *serviceFallback {
	if len(t.fallbacks) == 0 {
		return nil
	}
	var found *serviceFallback
	note := func() *serviceFallback {
		if found == nil {
			found = &serviceFallback{methods: make(map[string]*fallback)}
		}
		return found
	}
	if n := t.standIns[i]; n >= 0 && !(extras[n].Kind() != reflect.Struct && extras[n].IsZero()) { // nil is none
		note().value = extras[n]
		for _, f := range t.fallbacks {
			if n -= len(f.tag.provided); n < 0 {
				found.rule = &f.rule
				break
			}
		}
	}
	of := methodTypes(t.provided[i].Element())
	for _, f := range t.fallbacks {
		if _, ok := of[f.method]; ok && f.fn.IsValid() {
			note().methods[f.method] = f
		}
	}
	return found
}
