package container

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"slices"

	"github.com/cladgo/clad/internal/constructor"
	"github.com/cladgo/clad/policy"
)

// Tag returns a constructor like ctor whose results come out wrapped in the
// policy of that name. It takes what fx.Provide takes: a function, or what
// fx.Annotate and fx.Annotated made of one (wrapped after their As and
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
// policy that does not exist fails at startup: the constructor depends on its
// policies as named values. The name "none" means no policy, which a profile's
// services may still change, and the empty name the standard policy: see
// module.Standard.
//
// A tag may stand in a package variable: proxies that are registered after it
// was made, as in the init of generated code, count. What is missing once the
// application is built fails it: an interface without a proxy, a constructor of
// which nothing can be wrapped, a method that there is not.
//
// The constructor's error, if it returns one, comes first; one that returns
// none gets an error result.
func Tag(ctor any, policyName string, opts ...TagOption) any {
	if policyName == "" {
		policyName = policy.StandardName
	}
	t := &tag{policy: policyName, tagOptions: &withoutOptions}
	runtime.Callers(2, t.caller[:])
	t.apply(opts)
	c, err := constructor.Read(ctor)
	switch {
	case errors.Is(err, constructor.ErrBroken):
		return ctor // fx says best what is wrong with it
	case err != nil:
		return constructor.Refuse(ctor, fmt.Errorf("container.Tag: %w", err))
	}
	fn, err := t.wrap(c)
	if err != nil {
		return constructor.Refuse(ctor, fmt.Errorf("container.Tag(%s, %q) at %s: %w", c.Name(), policyName, c.At(), err))
	}
	// fx prints this where somebody annotates what Tag returns.
	shown := "container.Tag(" + c.Name() + ", " + policyName + ") at " + c.At() + "; annotations go inside: Tag(fx.Annotate(...), ...)"
	return c.Annotate(fn, t.results(), shown, t)
}

// results are all that the constructor comes to provide.
func (t *tag) results() []constructor.Result {
	if len(t.extras) == 0 {
		return t.provided
	}
	return slices.Concat(t.provided, t.extras)
}

// TagOption changes what [Tag] does.
type TagOption interface{ applyTag(*tagOptions) }

type tagOption func(*tagOptions)

func (f tagOption) applyTag(t *tagOptions) { f(t) }

// Method chooses another policy for one method: "none" for none. It beats the
// tag's and is beaten by the profile's services.
func Method(name, policyName string) TagOption {
	return tagOption(func(t *tagOptions) {
		if t.methods == nil {
			t.methods = make(map[string]string)
		}
		t.methods[name] = policyName
	})
}

// As provides a concrete result as interface T, wrapped, in place of its own
// type. Given several times, the result is provided as each.
func As[T any]() TagOption {
	return tagOption(func(t *tagOptions) { t.as = append(t.as, reflect.TypeFor[T]()) })
}

// Keep has the proxy offer interface T exactly when the value that the
// constructor made does, beside the interface that is tagged: for what the
// program asserts it to where `clad gen` cannot see it. The generator reads it;
// a proxy that was not made for it fails at startup. Methods of T run without a
// policy unless one is chosen for them.
func Keep[T any]() TagOption {
	return tagOption(func(t *tagOptions) { t.keep = append(t.keep, reflect.TypeFor[T]()) })
}

// Answers says that these errors, found by errors.Is, are answers of the tagged
// dependency, which worked and said no: see [policy.Answered]. The errors of the
// policy that the profile chooses come before them. They count where there is a
// policy.
func Answers(errs ...error) TagOption {
	return tagOption(func(t *tagOptions) { t.errors.Answers = append(t.errors.Answers, errs...) })
}

// Judge has judge say what the errors of the tagged dependency mean, or
// policy.Unknown, before [Answers] and what clad knows of clients. It may be called
// from many goroutines at once. Given twice, the second is asked where the first
// does not know.
func Judge(judge func(error) policy.Verdict) TagOption {
	return tagOption(func(t *tagOptions) {
		first := t.errors.Judge
		if first == nil {
			t.errors.Judge = judge
			return
		}
		t.errors.Judge = func(err error) policy.Verdict {
			if v := first(err); v != policy.Unknown {
				return v
			}
			return judge(err)
		}
	})
}

// tag is what one Tag says, and what is known of its constructor.
type tag struct {
	caller [1]uintptr // of Tag
	policy string
	*tagOptions
	constructor constructor.Constructor
	provided    []constructor.Result
	parameter   *parameter
	planned     []plannedResult // where nothing was missing when it was made
}

// tagOptions are what the options of a tag say. Most tags have none, and stay as long
// as the application does.
type tagOptions struct {
	methods map[string]string
	as      []reflect.Type
	keep    []reflect.Type
	errors  policy.Errors

	fallbacks []*fallback
	extras    []constructor.Result // what the fallbacks make, provided beside
	standIns  []int                // by what is provided: which of the extras stands in, or -1
	partition func(context.Context) string
	mistakes  []error
}

// withoutOptions are those of all tags that have none.
var withoutOptions tagOptions

func (t *tag) apply(opts []TagOption) {
	if len(opts) == 0 {
		return
	}
	if t.tagOptions == &withoutOptions {
		t.tagOptions = new(tagOptions)
	}
	for _, opt := range opts {
		opt.applyTag(t.tagOptions)
	}
}

// wrap makes the constructor that dig will call.
func (t *tag) wrap(c constructor.Constructor) (reflect.Value, error) {
	t.constructor = c
	var err error
	if t.provided, err = c.Results(); err != nil {
		return reflect.Value{}, err
	}
	if t.provided, err = provideAs(t.provided, t.as); err != nil {
		return reflect.Value{}, err
	}
	t.constructor = t.standIn(c)
	// What is wrong now and can be mended by what is registered later is a
	// need; what types alone tell is a mistake.
	plan := t.plan()
	if err := errors.Join(append(t.mistakes, plan.mistakes...)...); err != nil {
		return reflect.Value{}, err
	}
	if len(plan.missing) == 0 {
		t.planned = plan.all()
	}
	t.parameter = t.parameterOf(plan)
	return t.constructor.Make([]reflect.Type{t.parameter.typ}, t.results(), func(more, values []reflect.Value) ([]reflect.Value, error) {
		return t.provide(more[0].Field(orchestratorField).Interface().(*Orchestrator), values)
	}), nil
}
