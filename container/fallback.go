package container

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/cladgo/clad/internal/constructor"
	"github.com/cladgo/clad/internal/standin"
	"github.com/cladgo/clad/internal/suggest"
)

// Fallback has another implementation of the same interface asked when the tagged
// one is unavailable:
//
//	container.Tag(stripe.NewGateway, "external_api",
//		container.Fallback(queue.NewGateway)) // payments.Gateway, too
//
// ctor is what Tag takes. The container runs it, with its parameters, beside the
// tagged constructor, and provides what it makes under the name "fallback" (after the
// name or the group of the tagged one, if that has any: "stripe fallback"), wrapped
// as any tagged service. What it makes must do for one of the tagged results at
// least: implement its interface, or be a function of its type. It has no policy
// unless [FallbackPolicy] or the profile gives it one: as payments.Gateway[fallback].
//
// It is asked once, around the whole policy, when all attempts have failed: after an
// open breaker, a full limit or bulkhead, exhausted retries, a timeout, or any failure
// of the dependency. It is never asked after an answer or a refusal (see
// policy.Verdict), when the caller has gone, or when there is nothing left of what the
// call reads. Nor is it after an attempt that may have had its effect, where the method
// is not safe to repeat ([Methods.Once]): see [FallbackRepeats]. It gets the caller's
// own context. Its answer is the operation's. Where it fails as well, the error is
// that of the first, and holds both. [FellBack] tells of it.
func Fallback(ctor any, opts ...FallbackOption) TagOption {
	return tagOption(func(t *tagOptions) {
		f := &fallback{tag: tag{policy: nonePolicy, tagOptions: &withoutOptions}}
		c, err := constructor.Read(ctor)
		if err != nil {
			t.mistake(fmt.Errorf("container.Fallback: %w", err))
			return
		}
		f.tag.constructor = c
		for _, opt := range opts {
			opt.applyFallback(f)
		}
		t.fallbacks = append(t.fallbacks, f)
	})
}

// FallbackMethod is [Fallback] for one method alone, by a function of the method's type
// without its receiver. It beats a Fallback's.
//
//	container.FallbackMethod("Rate", func(context.Context, string) (float64, error) { return 1, nil })
func FallbackMethod(method string, fn any, opts ...FallbackOption) TagOption {
	return tagOption(func(t *tagOptions) {
		f := &fallback{tag: tag{tagOptions: &withoutOptions}, method: method, fn: reflect.ValueOf(fn)}
		for _, opt := range opts {
			opt.applyFallback(f)
		}
		switch {
		case f.fn.Kind() != reflect.Func || f.fn.IsNil():
			t.mistake(fmt.Errorf("container.FallbackMethod(%q): it needs a function, not %T", method, fn))
		case f.tag.policy != "":
			t.mistake(fmt.Errorf("container.FallbackMethod(%q): a function has no policy; container.FallbackPolicy is for container.Fallback", method))
		default:
			t.fallbacks = append(t.fallbacks, f)
		}
	})
}

// FallbackOption changes what [Fallback] and [FallbackMethod] do.
type FallbackOption interface{ applyFallback(*fallback) }

type fallbackOption func(*fallback)

func (o fallbackOption) applyFallback(f *fallback) { o(f) }

// FallbackPolicy gives what a [Fallback] makes a policy of its own, with what [Tag]
// takes beside it: Method, Answers, Judge.
func FallbackPolicy(name string, opts ...TagOption) FallbackOption {
	return fallbackOption(func(f *fallback) {
		f.tag.policy = name
		f.tag.apply(opts)
	})
}

// FallbackWhen has when decide which errors the fallback is asked after, of those after
// which it would be. It gets the operation's error, as the caller would, and may be
// called by many goroutines at once.
func FallbackWhen(when func(error) bool) FallbackOption {
	return fallbackOption(func(f *fallback) { f.rule.when = when })
}

// FallbackRepeats has the fallback asked also where a method is not safe to repeat and
// an attempt may have had its effect: a payment whose answer got lost may be made
// twice then, once by each.
func FallbackRepeats() FallbackOption {
	return fallbackOption(func(f *fallback) { f.rule.repeats = true })
}

// fallback is what one Fallback or FallbackMethod says.
type fallback struct {
	rule   fallbackRule
	tag    tag           // of what its constructor makes
	method string        // of one method
	fn     reflect.Value // invalid for a Fallback
}

// fallbackRule says when a fallback is asked.
type fallbackRule struct {
	when    func(error) bool // nil for always
	repeats bool
}

// serviceFallback is what a service falls back on.
type serviceFallback struct {
	value   reflect.Value // of the service's type; invalid if there is none
	rule    *fallbackRule
	methods map[string]*fallback
	asked   bool // the proxy knows of it
}

func (t *tagOptions) mistake(err error) { t.mistakes = append(t.mistakes, err) }

// standIn lets the fallbacks stand in for the results that they can, and returns the
// constructor that makes them as well.
func (t *tag) standIn(c constructor.Constructor) constructor.Constructor {
	if len(t.fallbacks) == 0 {
		return c
	}
	t.standIns = make([]int, len(t.provided))
	for i := range t.standIns {
		t.standIns[i] = -1
	}
	for _, f := range t.fallbacks {
		if f.fn.IsValid() {
			t.mistake(f.checkMethod(t.provided))
			continue
		}
		if len(f.tag.fallbacks) > 0 {
			t.mistake(fmt.Errorf("container.Fallback(%s): a fallback has none of its own", f.tag.constructor.Name()))
		}
		f.tag.caller = t.caller
		first, used := c.Own(), false
		for i := range t.provided {
			r := &t.provided[i]
			at := slices.IndexFunc(f.tag.constructor.Values(), func(v reflect.Type) bool { return standsFor(v, r.Element()) })
			if at < 0 || t.standIns[i] >= 0 {
				continue
			}
			used = true
			t.standIns[i] = len(t.extras)
			name, group := standin.Named(r.Name(), r.Group())
			extra := constructor.Beyond(first+at, r.Element(), name, group)
			t.extras = append(t.extras, extra)
			f.tag.provided = append(f.tag.provided, extra)
		}
		if !used {
			t.mistake(f.useless(t.provided))
			continue
		}
		c = c.Beside(f.tag.constructor)
	}
	return c
}

// standsFor reports whether a value of one type can stand in for one of another that
// is wrapped.
func standsFor(have, want reflect.Type) bool {
	switch {
	case want.Kind() == reflect.Interface:
		return want.NumMethod() > 0 && have.Implements(want)
	case guardable(want):
		return have.Kind() == reflect.Func && have.ConvertibleTo(want)
	}
	return have == want && (guardableStruct(want) || want.Kind() == reflect.Pointer && guardableStruct(want.Elem()))
}

// useless says why a fallback can stand in for nothing.
func (f *fallback) useless(results []constructor.Result) error {
	why := ""
	for _, have := range f.tag.constructor.Values() {
		for i := range results {
			want := results[i].Element()
			if want.Kind() != reflect.Interface || why != "" {
				continue
			}
			for m := range want.NumMethod() {
				if name := want.Method(m).Name; !hasMethod(have, name) {
					why = fmt.Sprintf("; %v lacks the method %s of %v", have, name, want)
					break
				}
			}
			if why == "" {
				why = fmt.Sprintf("; %v has the methods of %v, but not all of the same types", have, want)
			}
		}
	}
	return fmt.Errorf("container.Fallback(%s at %s): it makes %s, which stands in for none of %s%s",
		f.tag.constructor.Name(), f.tag.constructor.At(), typeList(f.tag.constructor.Values()), typesOf(results), why)
}

// checkMethod says what is wrong with the function for a method, if anything is.
func (f *fallback) checkMethod(results []constructor.Result) error {
	var names []string
	for i := range results {
		for name, want := range methodTypes(results[i].Element()) {
			if name == f.method {
				if f.fn.Type().ConvertibleTo(want) {
					return nil
				}
				return fmt.Errorf("container.FallbackMethod(%q): it needs a %v, not a %v", f.method, want, f.fn.Type())
			}
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return fmt.Errorf("container.FallbackMethod(%q): there is no such method%s; there are: %s", f.method, suggest.DidYouMean(f.method, names), suggest.Few(names))
}

// methodTypes lists the methods of an interface, or the functions of a struct.
func methodTypes(t reflect.Type) map[string]reflect.Type {
	methods := make(map[string]reflect.Type)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t.Kind() == reflect.Interface:
		for i := range t.NumMethod() {
			methods[t.Method(i).Name] = t.Method(i).Type
		}
	case guardableStruct(t):
		for i := range t.NumField() {
			methods[t.Field(i).Name] = t.Field(i).Type
		}
	}
	return methods
}

func typeList(types []reflect.Type) string {
	var names []string
	for _, t := range types {
		names = append(names, t.String())
	}
	return suggest.Few(names)
}
