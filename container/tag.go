package container

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/cladgo/clad/internal/suggest"
)

// Tag returns a constructor like ctor whose results come out wrapped in the
// policy of that name. It takes what fx.Provide takes: a function, or what
// fx.Annotate and fx.Annotated make of one (wrapped after their As and
// ResultTags); and gives what fx.Provide and [Container.Provide] take.
//
//	fx.Provide(
//		container.Tag(stripe.NewGateway, "external_api"), // payments.Gateway, wrapped
//		container.Tag(ledger.Open, "database",
//			container.As[payments.Ledger](),              // *ledger.DB, provided and wrapped as an interface
//			container.Method("Append", "database_once")),
//	)
//
// Wrapped are results of an interface type with a registered proxy (see
// [RegisterProxy]), functions that take a context first and return an error
// last, and structs of such functions; in result structs (fx.Out) a field's tag
// `policy:"name"` beats the constructor's. Other results pass as they are. A
// tagged constructor of which nothing can be wrapped, or an interface without a
// proxy, fails at startup, and so does a policy that does not exist: the
// constructor depends on its policies as named values. The name "none" means no
// policy, which a profile's services may still change.
//
// The constructor's error, if it returns one, comes first; one that returns
// none gets an error result.
func Tag(ctor any, policyName string, opts ...TagOption) any {
	t := tag{policy: policyName, methods: make(map[string]string)}
	for _, opt := range opts {
		opt.applyTag(&t)
	}
	src, err := sourceOf(ctor)
	if err != nil {
		return refuse(ctor, fmt.Errorf("container.Tag: %w", err))
	}
	if src.broken {
		return ctor // fx says best what is wrong with it
	}
	fn, results, err := t.wrap(src)
	if err != nil {
		return refuse(ctor, fmt.Errorf("container.Tag(%s, %q) at %s: %w", src.name, policyName, src.at, err))
	}
	return annotate(fn, results, src, policyName)
}

// TagOption changes what [Tag] does.
type TagOption interface{ applyTag(*tag) }

type tagOption func(*tag)

func (f tagOption) applyTag(t *tag) { f(t) }

// Method chooses another policy for one method: "none" for none. It beats the
// tag's and is beaten by the profile's services.
func Method(name, policyName string) TagOption {
	return tagOption(func(t *tag) { t.methods[name] = policyName })
}

// As provides a concrete result as interface T, wrapped, in place of its own
// type. Given several times, the result is provided as each.
func As[T any]() TagOption {
	return tagOption(func(t *tag) { t.as = append(t.as, reflect.TypeFor[T]()) })
}

// tag is what the options of one Tag say.
type tag struct {
	policy  string
	methods map[string]string
	as      []reflect.Type
}

// wrap makes the constructor that dig will call, and tells what it provides.
func (t *tag) wrap(src source) (reflect.Value, []result, error) {
	results, err := resultsOf(src)
	if err != nil {
		return reflect.Value{}, nil, err
	}
	if results, err = t.provideAs(results); err != nil {
		return reflect.Value{}, nil, err
	}
	if err := t.plan(src, results); err != nil {
		return reflect.Value{}, nil, err
	}
	return constructor(src, results, t.methods, t.dependencies(results)), results, nil
}

// provideAs replaces the results that As names by the interfaces.
func (t *tag) provideAs(results []result) ([]result, error) {
	if len(t.as) == 0 {
		return results, nil
	}
	var errs []error
	replaced := make(map[int]bool)
	var added []result
	for _, as := range t.as {
		if as.Kind() != reflect.Interface {
			errs = append(errs, fmt.Errorf("container.As[%v]: it is not an interface", as))
			continue
		}
		at := slices.IndexFunc(results, func(r result) bool { return r.typ.Implements(as) })
		if at < 0 {
			errs = append(errs, fmt.Errorf("container.As[%v]: no result implements it; there are: %s", as, typesOf(results)))
			continue
		}
		r := results[at]
		r.typ = as
		added = append(added, r)
		replaced[at] = true
	}
	var kept []result
	for i, r := range results {
		if !replaced[i] {
			kept = append(kept, r)
		}
	}
	return append(added, kept...), errors.Join(errs...)
}

// plan decides how each result is wrapped, and that at least one is.
func (t *tag) plan(src source, results []result) error {
	var errs []error
	if t.policy == "" {
		errs = append(errs, fmt.Errorf("it needs the name of a policy (%q for none)", nonePolicy))
	}
	wrapped := 0
	var methods []string
	for i := range results {
		r := &results[i]
		if r.policy == nonePolicy { // said so at the field: it is not to be wrapped
			continue
		}
		var err error
		if r.wrapper, err = wrapperOf(r.element()); err != nil {
			errs = append(errs, err)
			wrapped++ // it would be
		}
		switch {
		case r.wrapper != nil:
			wrapped++
			methods = append(methods, r.wrapper.methods...)
			r.service = typeOfService(r.element(), r.wrapper.methods, src.name)
		case err == nil && r.policy != "":
			errs = append(errs, fmt.Errorf("field %s carries a policy but %v cannot be wrapped: it is neither an interface nor a function with a context and an error", r.field, r.typ))
		}
		if r.policy == "" {
			r.policy = t.policy
		}
	}
	if wrapped == 0 {
		errs = append(errs, fmt.Errorf("nothing that it provides can be wrapped: %s; return an interface, or say which one with container.As[I]()", typesOf(results)))
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	for _, name := range slices.Sorted(maps.Keys(t.methods)) {
		if slices.ContainsFunc(results, func(r result) bool {
			return r.wrapper != nil && r.service.checkName(name) == nil
		}) {
			continue
		}
		var why string
		for _, r := range results {
			if r.wrapper != nil {
				why += r.service.whyNot(name)
			}
		}
		errs = append(errs, fmt.Errorf("container.Method(%q): there is no such method%s; there are: %s%s",
			name, suggest.DidYouMean(name, methods), listed(methods), why))
	}
	return errors.Join(errs...)
}

// dependencies lists the policies that the constructor depends on.
func (t *tag) dependencies(results []result) []string {
	var names []string
	for _, r := range results {
		if r.wrapper != nil {
			names = append(names, r.policy)
		}
	}
	for _, name := range t.methods {
		names = append(names, name)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	return slices.DeleteFunc(names, func(name string) bool { return name == nonePolicy })
}
