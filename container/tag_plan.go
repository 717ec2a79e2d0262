package container

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/cladgo/clad/internal/constructor"
	"github.com/cladgo/clad/internal/suggest"
)

// plan is how the results of a tagged constructor are wrapped, as far as can be
// said now: packages may not have registered everything yet.
type plan struct {
	results  []plannedResult
	extras   []plannedResult // of the fallbacks
	mistakes []error         // that types alone tell
	missing  []lack          // what a registration may still mend
}

type plannedResult struct {
	policy  string
	wrapper *wrapper    // nil: it passes as it is
	service serviceType // if it is wrapped
}

// lack is something that is not registered.
type lack struct {
	what string // what is needed: "a method Chrage"
	err  error
}

// all are how all that the constructor comes to provide is wrapped.
func (p *plan) all() []plannedResult {
	if len(p.extras) == 0 {
		return p.results
	}
	return slices.Concat(p.results, p.extras)
}

func (p *plan) mistake(format string, args ...any) {
	p.mistakes = append(p.mistakes, fmt.Errorf(format, args...))
}

func (p *plan) lacks(what, format string, args ...any) {
	p.missing = append(p.missing, lack{what, fmt.Errorf(format, args...)})
}

// plan decides how each result is wrapped, and that at least one is.
func (t *tag) plan() *plan {
	p := &plan{results: make([]plannedResult, len(t.provided))}
	for _, kept := range t.keep {
		if kept.Kind() != reflect.Interface {
			p.mistake("container.Keep[%v]: it is not an interface", kept)
		}
	}
	wrapped, possible := 0, 0
	for i := range t.provided {
		r := &t.provided[i]
		atField := r.StructTag.Get("policy")
		if atField == nonePolicy { // it is not to be wrapped
			continue
		}
		p.results[i] = plannedResult{policy: atField, wrapper: wrapperOf(r.Element())}
		if atField == "" {
			p.results[i].policy = t.policy
		}
		switch {
		case p.results[i].wrapper != nil:
			p.results[i].service = typeOfService(r.Element(), p.results[i].wrapper.methods, &t.constructor)
			wrapped++
		case t.mustBeWrapped(p, r.Element()):
			wrapped++ // it would be
		case atField != "":
			t.lackForField(p, r)
		case mayBeWrapped(r.Element()):
			possible++
		}
	}
	const nothing = "nothing that it provides can be wrapped: %s; return an interface, or say which one with container.As[I]()"
	switch {
	case wrapped == 0 && possible == 0:
		p.mistake(nothing, typesOf(t.provided))
	case wrapped == 0:
		p.lacks("a wrapper for a result", nothing, typesOf(t.provided))
	case len(p.mistakes)+len(p.missing) == 0:
		t.checkMethods(p)
		t.checkKept(p)
		t.planFallbacks(p)
	}
	return p
}

// mustBeWrapped notes what is missing for a type that is of no use unwrapped.
func (t *tag) mustBeWrapped(p *plan, typ reflect.Type) bool {
	if advice, ok := adapters[typ.String()]; ok {
		p.lacks("a wrapper for "+typ.String(), "nothing registered wraps %v: %s", typ, advice)
		return true
	}
	if typ.Kind() == reflect.Interface {
		p.lacks(t.aProxy(typ), "no proxy for the interface %v is registered; %s", typ, t.advice(typ))
		return true
	}
	return false
}

func (t *tag) lackForField(p *plan, r *constructor.Result) {
	const format = "field %s carries a policy but %v cannot be wrapped: it is neither an interface nor a function with a context and an error"
	if mayBeWrapped(r.Element()) {
		p.lacks("a wrapper for "+r.Element().String(), format, r.Field, r.Type)
	} else {
		p.mistake(format, r.Field, r.Type)
	}
}

func (t *tag) checkMethods(p *plan) {
	if len(t.methods) == 0 {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(t.methods)) {
		if slices.ContainsFunc(p.results, func(r plannedResult) bool {
			return r.wrapper != nil && r.service.checkName(name) == nil
		}) {
			continue
		}
		var methods, why []string
		for _, r := range p.results {
			if r.wrapper != nil {
				methods = append(methods, r.service.methods...)
				why = append(why, r.service.whyNot(name))
			}
		}
		p.lacks("a method "+name, "container.Method(%q): there is no such method%s; there are: %s%s",
			name, suggest.DidYouMean(name, methods), suggest.Few(methods), strings.Join(why, ""))
	}
}

// checkKept checks that the proxies can keep what they are to keep.
func (t *tag) checkKept(p *plan) {
	for _, kept := range t.keep {
		for i, r := range p.results {
			typ := t.provided[i].Element()
			if r.wrapper == nil || typ.Kind() != reflect.Interface || r.wrapper.keeps(typ, kept) {
				continue
			}
			p.lacks(t.aProxy(typ)+" that keeps "+kept.String(),
				"container.Keep[%v]: the registered proxy for %v was not made to keep it; %s", kept, typ, t.advice(typ))
		}
	}
}

// planFallbacks plans how what the fallbacks make is wrapped.
func (t *tag) planFallbacks(p *plan) {
	for _, f := range t.fallbacks {
		if len(f.tag.provided) == 0 {
			continue
		}
		its := f.tag.plan()
		p.extras = append(p.extras, its.results...)
		for _, err := range its.mistakes {
			p.mistake("container.Fallback(%s): %w", f.tag.constructor.Name(), err)
		}
		for _, m := range its.missing {
			p.missing = append(p.missing, lack{m.what, fmt.Errorf("container.Fallback(%s): %w", f.tag.constructor.Name(), m.err)})
		}
	}
}

// dependencies appends the policies that the constructor depends on, sorted.
func (t *tag) dependencies(names []string, p *plan) []string {
	names = append(names, t.policy)
	for _, f := range t.fallbacks {
		if len(f.tag.provided) > 0 {
			names = f.tag.dependencies(names, &plan{})
		}
	}
	for _, r := range p.results {
		names = append(names, r.policy)
	}
	for _, name := range t.methods {
		names = append(names, name)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	return slices.DeleteFunc(names, func(name string) bool { return name == nonePolicy || name == "" })
}

// provideAs replaces the results that As names by the interfaces.
func provideAs(results []constructor.Result, interfaces []reflect.Type) ([]constructor.Result, error) {
	if len(interfaces) == 0 {
		return results, nil
	}
	var errs []error
	replaced := make(map[int]bool)
	var added []constructor.Result
	for _, as := range interfaces {
		if as.Kind() != reflect.Interface {
			errs = append(errs, fmt.Errorf("container.As[%v]: it is not an interface", as))
			continue
		}
		at := slices.IndexFunc(results, func(r constructor.Result) bool { return r.Type.Implements(as) })
		if at < 0 {
			errs = append(errs, fmt.Errorf("container.As[%v]: no result implements it; there are: %s", as, typesOf(results)))
			continue
		}
		r := results[at]
		r.Type = as
		added = append(added, r)
		replaced[at] = true
	}
	var kept []constructor.Result
	for i, r := range results {
		if !replaced[i] {
			kept = append(kept, r)
		}
	}
	return append(added, kept...), errors.Join(errs...)
}

func typesOf(results []constructor.Result) string {
	if len(results) == 0 {
		return "it provides nothing"
	}
	names := make([]string, len(results))
	for i, r := range results {
		names[i] = r.Type.String()
	}
	return strings.Join(names, ", ")
}
